"""Whether other units would have given the same clusters or factors.

Owns the agreement of two partitions, resampling of independent units under a partition, and split halves.
How a partition or a loading matrix is made from weighted rows is the caller's: a function of the weights.
Intervals of loadings are in `valuelex.stats.loading_intervals`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import normalized_mutual_info_score

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_count, as_groups
from valuelex.stats.cluster import Labels, adjusted_rand, match_labels
from valuelex.stats.congruence import align_loadings
from valuelex.stats.flags import Flag, Weakness

Partition = Callable[[Array], Labels]
"""From how often each row counts, (n_rows,), to a cluster number for each item, (n_items,); -1: not placed."""
Loadings = Callable[[Array], Array]
"""From how often each row counts, (n_rows,), to loadings, (n_items, n_factors)."""
FEW_UNITS = 10
"""Below this number of units the replicates are too alike, or too poor, to tell much."""


@dataclass(frozen=True, slots=True)
class PartitionAgreement:
    """Two agreements of one pair of partitions; 1 where they are the same up to the numbering."""

    adjusted_rand: float
    """Rand index corrected for chance: about 0 for unrelated partitions, at most 1."""
    normalised_mutual_information: float
    """From 0 to 1, the mutual information over the mean of the two entropies. Not corrected for chance."""
    n_items: int
    """Number of items placed by both."""


def compare_partitions(labels: ArrayLike, reference: ArrayLike) -> PartitionAgreement:
    """Compare two partitions of the same items by their adjusted Rand index and normalised mutual information.

    Parameters
    ----------
    labels, reference : (n_items,)
        Cluster numbers; a negative one means that the item was not placed, and leaves it out.

    Returns
    -------
    PartitionAgreement

    Raises
    ------
    DataError
        If the lengths differ, labels are not whole numbers, or fewer than two items were placed by both.

    References
    ----------
    Hubert & Arabie (1985), Comparing partitions; Strehl & Ghosh (2002), Cluster ensembles, with the mean
    of the entropies as norm.
    """
    a, b = np.asarray(labels), np.asarray(reference)
    if a.ndim != 1 or a.shape != b.shape:
        msg = f"The partitions have shapes {a.shape} and {b.shape}; both need one label for each of the same items."
        raise DataError(msg)
    if not (np.issubdtype(a.dtype, np.integer) and np.issubdtype(b.dtype, np.integer)):
        msg = f"Cluster numbers are whole numbers, but the partitions hold {a.dtype} and {b.dtype}."
        raise DataError(msg)
    both = (a >= 0) & (b >= 0)
    if both.sum() < 2:
        msg = (
            f"{int(both.sum())} items were placed by both partitions; at least 2 are needed to compare them."
        )
        raise DataError(msg)
    a, b = (np.unique(part[both], return_inverse=True)[1] for part in (a, b))
    return PartitionAgreement(adjusted_rand(a, b), float(normalized_mutual_info_score(b, a)), int(both.sum()))


@dataclass(frozen=True, slots=True)
class PartitionStability:
    """How a partition fares when its units are drawn again."""

    items: NDArray[np.float64]
    """(n_items,) share of resamples in which an item stays in its cluster, of those in which it was
    placed; NaN for one that never was."""
    clusters: NDArray[np.float64]
    """(n_clusters,) mean overlap (Jaccard) of each cluster with its match, from 0 to 1."""
    adjusted_rand: NDArray[np.float64]
    """(n_used,) agreement of each resample with the reference."""
    flags: tuple[Flag, ...]


def partition_stability(
    partition: Partition,
    reference: ArrayLike,
    groups: ArrayLike,
    n_resamples: int,
    rng: np.random.Generator,
) -> PartitionStability:
    """Draw the independent units with replacement, partition again, and match to the reference.

    Clusters are matched by the Hungarian method, so their numbering does not matter. Stability is no
    proof of structure: clusters that follow from something the units share are stable too.

    Parameters
    ----------
    partition
        Makes a partition from how often each row counts. Where it raises `DataError`, as on a resample
        without data, the resample is left out and counted.
    reference : (n_items,)
        The partition of all units, clusters numbered from 0.
    groups : (n_rows,)
        The independent unit of each row; rows of one unit are drawn together.
    n_resamples
        At least 1.
    rng
        Source of the resamples.

    Returns
    -------
    PartitionStability
        With `FEW_UNITS` below 10 units, and `LEFT_OUT` where resamples could not be partitioned.

    Raises
    ------
    DataError
        If there are fewer than 2 units, the reference is no partition, or no resample could be used.

    References
    ----------
    Hennig (2007), Cluster-wise assessment of cluster stability.
    """
    units = as_groups(groups, len(np.asarray(groups)))
    labels = _as_partition(reference)
    n_units, n_clusters = int(units.max()) + 1, int(labels.max()) + 1
    stayed, placed = np.zeros(len(labels)), np.zeros(len(labels))
    overlap: list[Array] = []
    agreement: list[float] = []
    refused: list[str] = []
    for _ in range(as_count(n_resamples, name="n_resamples", least=1)):
        drawn = rng.integers(n_units, size=n_units)
        weights = np.bincount(drawn, minlength=n_units).astype(np.float64)[units]
        try:
            found = partition(weights)
            agreement.append(compare_partitions(found, labels).adjusted_rand)
        except DataError as error:
            refused.append(str(error))
            continue
        there = found >= 0
        matched = match_labels(found[there], labels[there], max(n_clusters, int(found.max()) + 1))
        stayed[there] += matched == labels[there]
        placed += there
        overlap.append(jaccard(matched, labels[there], n_clusters))
    _refuse_none_used(agreement, n_resamples, "resamples", refused)
    items = np.divide(stayed, placed, out=np.full(len(labels), np.nan), where=placed > 0)
    flags = (*_few_units(n_units), *_left_out(len(refused), n_resamples, "resamples", refused))
    return PartitionStability(items, np.nanmean(overlap, axis=0), np.array(agreement), flags)


@dataclass(frozen=True, slots=True)
class SplitHalfPartitions:
    """Agreement of the partitions of two random halves of the units."""

    adjusted_rand: NDArray[np.float64]
    """(n_used,) one value a split."""
    normalised_mutual_information: NDArray[np.float64]
    """(n_used,) one value a split."""
    flags: tuple[Flag, ...]


def split_half_partitions(
    partition: Partition, groups: ArrayLike, n_splits: int, rng: np.random.Generator
) -> SplitHalfPartitions:
    """Partition two random halves of the independent units apart, many times, and compare.

    Parameters
    ----------
    partition, groups, rng
        As for `partition_stability`.
    n_splits
        At least 1. The splits share units, so their spread is no standard error.

    Returns
    -------
    SplitHalfPartitions
        With `FEW_UNITS` and `LEFT_OUT` as for `partition_stability`.

    Raises
    ------
    DataError
        If there are fewer than 2 units, or no split could be used.
    """
    units = as_groups(groups, len(np.asarray(groups)))
    found: list[PartitionAgreement] = []
    refused: list[str] = []
    for one, other in _halves(units, n_splits, rng):
        try:
            found.append(compare_partitions(partition(one), partition(other)))
        except DataError as error:
            refused.append(str(error))
    _refuse_none_used(found, n_splits, "splits", refused)
    flags = (*_few_units(int(units.max()) + 1), *_left_out(len(refused), n_splits, "splits", refused))
    return SplitHalfPartitions(
        np.array([a.adjusted_rand for a in found]),
        np.array([a.normalised_mutual_information for a in found]),
        flags,
    )


@dataclass(frozen=True, slots=True)
class SplitHalfLoadings:
    """Congruence of the factors of two random halves of the units, matched through a reference."""

    congruence: NDArray[np.float64]
    """(n_used, n_factors) Tucker's congruence of each factor, in the order of the reference; -1 to 1."""
    flags: tuple[Flag, ...]


def split_half_loadings(
    loadings: Loadings, reference: ArrayLike, groups: ArrayLike, n_splits: int, rng: np.random.Generator
) -> SplitHalfLoadings:
    """Estimate loadings on two random halves of the independent units apart, many times, and compare.

    Both halves are brought into the order and signs of the reference first, so that a factor is
    compared with its own counterpart.

    Parameters
    ----------
    loadings
        Makes (rotated) loadings from how often each row counts.
    reference : (n_items, n_factors)
        The loadings of all units.
    groups, n_splits, rng
        As for `split_half_partitions`.

    Returns
    -------
    SplitHalfLoadings
        With `FEW_UNITS` and `LEFT_OUT` as for `partition_stability`.

    Raises
    ------
    DataError
        If there are fewer than 2 units, or no split could be used.

    References
    ----------
    Tucker (1951), A method for synthesis of factor analysis studies.
    """
    units = as_groups(groups, len(np.asarray(groups)))
    found: list[Array] = []
    refused: list[str] = []
    for one, other in _halves(units, n_splits, rng):
        try:
            a = align_loadings(loadings(one), reference).loadings
            b = align_loadings(loadings(other), reference).loadings
        except DataError as error:
            refused.append(str(error))
            continue
        lengths = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
        found.append(np.divide((a * b).sum(axis=0), lengths, out=np.zeros_like(lengths), where=lengths > 0))
    _refuse_none_used(found, n_splits, "splits", refused)
    flags = (*_few_units(int(units.max()) + 1), *_left_out(len(refused), n_splits, "splits", refused))
    return SplitHalfLoadings(np.array(found), flags)


def _as_partition(labels: ArrayLike) -> Labels:
    numbers = np.asarray(labels)
    if (
        numbers.ndim != 1
        or numbers.size < 2
        or not np.issubdtype(numbers.dtype, np.integer)
        or numbers.min() < 0
    ):
        msg = "The reference is no partition: give one cluster number from 0 for each of 2 items or more."
        raise DataError(msg)
    return numbers.astype(np.int64)


def _halves(units: Labels, n_splits: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """Weights of 1 for the rows of one half of the units and of the other; an odd unit goes to the second."""
    n_units = int(units.max()) + 1
    halves = []
    for _ in range(as_count(n_splits, name="n_splits", least=1)):
        one = np.zeros(n_units)
        one[rng.permutation(n_units)[: n_units // 2]] = 1.0
        halves.append((one[units], 1.0 - one[units]))
    return halves


def jaccard(labels: Labels, reference: Labels, n_clusters: int) -> Array:
    """Overlap of each cluster of the reference with the one of its number; NaN where it has no item here."""
    overlap = np.full(n_clusters, np.nan)
    for cluster in np.unique(reference):
        mine, theirs = labels == cluster, reference == cluster
        overlap[cluster] = (mine & theirs).sum() / (mine | theirs).sum()
    return overlap


def _refuse_none_used(found: Sequence[object], total: int, what: str, reasons: list[str]) -> None:
    if not found:
        msg = f"None of {total} {what} could be used (first reason: {reasons[0]})"
        raise DataError(msg)


def _few_units(n_units: int) -> tuple[Flag, ...]:
    if n_units >= FEW_UNITS:
        return ()
    return (
        Flag(Weakness.FEW_UNITS, f"{n_units} independent units; below {FEW_UNITS} resampling tells little"),
    )


def _left_out(n: int, total: int, what: str, reasons: list[str]) -> tuple[Flag, ...]:
    return (Flag(Weakness.LEFT_OUT, f"{n} of {total} {what} (first reason: {reasons[0]})"),) if n else ()
