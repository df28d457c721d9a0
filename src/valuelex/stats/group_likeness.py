"""Are groups of one set of items like groups of another beyond chance? Tests by shuffling items among groups.

Arrays in, arrays out. Does not know what the items are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from valuelex.errors import DataError
from valuelex.stats.checks import as_count, as_table
from valuelex.stats.cluster import Labels, contingency_table
from valuelex.stats.partition_agreement import shuffled_tables
from valuelex.stats.stability import compare_partitions

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupLikeness:
    """Each (n_groups, n_others): what `group_likeness` finds.

    `similarity` is the mean cosine; `standardised` is it without the means of row and column, in standard deviations
    over all cells; `z` is the lesser of both in standard deviations of shuffled items, on which the p-values rest.
    """

    similarity: Array
    standardised: Array
    z: Array
    p_values: Array
    p_adjusted: Array


@dataclass(frozen=True, slots=True)
class PartitionTest:
    """Two partitions of the same items: agreement, and what shuffled items give."""

    adjusted_rand: float
    adjusted_rand_p: float
    mutual_information: float
    mutual_information_chance: float
    mutual_information_p: float


def group_likeness(
    items: Array,
    groups: Array,
    others: Array,
    other_groups: Array,
    n_permutations: int,
    rng: np.random.Generator,
) -> GroupLikeness:
    """Compare groups of items with groups of others by the mean cosine between their members.

    A match has to be near outright, and near for its row and column: a group that is near everything is no match for
    that, nor is one that is near nothing and only least far from what is left. So both the mean cosine and the mean
    cosine without the means of its row and column are held against shuffled items, and the lesser z counts.

    Under the null, items are shuffled among the groups of `groups`, whose sizes stay. The adjusted p-value is that of
    the largest z of all cells, so the chance of any false match in the table stays below the level, however the cells
    depend on one another.

    Parameters
    ----------
    items : (n, d)
        Unit vectors.
    groups : (n, n_groups)
        1 where an item belongs to a group, else 0; an item may belong to several.
    others : (m, d)
        Unit vectors.
    other_groups : (m, n_others)
        As `groups`.
    n_permutations
        How often items are shuffled.
    rng
        Source of the shuffles.

    Returns
    -------
    GroupLikeness
        `z` is 0 and p is 1 in cells that no shuffle changes.

    Raises
    ------
    DataError
        If shapes do not fit, a side has fewer than two groups, or a group is empty.

    References
    ----------
    Westfall & Young (1993), Resampling-based multiple testing (single-step max T).
    """
    _check(items, groups, "items", "groups")
    _check(others, other_groups, "others", "other_groups")
    as_count(n_permutations, name="n_permutations", least=1)
    near = items @ (other_groups.T @ others / other_groups.sum(axis=0)[:, None]).T
    weights = groups / groups.sum(axis=0)
    similarity = weights.T @ near
    null = np.stack([weights[rng.permutation(len(items))].T @ near for _ in range(n_permutations)])
    rest, null_rest = _without_means(similarity), _without_means(null)
    outright, relative = _against(similarity, null), _against(rest, null_rest)
    z, null_z = (np.minimum(a, b) for a, b in zip(outright, relative, strict=True))
    # A tie is as extreme; sums in another order differ by rounding.
    reached = null_z >= z - 1e-9
    highest = null_z.max(axis=(1, 2))[:, None, None] >= z - 1e-9
    all_spread = float(rest.std())
    return GroupLikeness(
        similarity=similarity,
        standardised=rest / all_spread if all_spread > 1e-12 else np.zeros_like(rest),
        z=z,
        p_values=(1 + reached.sum(axis=0)) / (1 + n_permutations),
        p_adjusted=(1 + highest.sum(axis=0)) / (1 + n_permutations),
    )


def pair_off(score: Array) -> tuple[tuple[int, int], ...]:
    """Pair rows with columns, each at most once, for the largest sum of scores (Hungarian method).

    Parameters
    ----------
    score : (n, m)
        Finite.

    Returns
    -------
    tuple of (row, column)
        min(n, m) pairs, by row.
    """
    rows, columns = linear_sum_assignment(-as_table(score, name="score", min_rows=1))
    return tuple((int(i), int(j)) for i, j in zip(rows, columns, strict=True))


def partition_test(
    labels: Labels, reference: Labels, n_permutations: int, rng: np.random.Generator
) -> PartitionTest:
    """Test whether two partitions of the same items agree more than when items are shuffled.

    Shuffling leaves the sizes of all clusters as they are. Then the adjusted Rand index rises with the sum of squared
    cell counts, and mutual information with the sum of ``n log n``, so that these alone are computed again.

    Parameters
    ----------
    labels, reference : (n,)
        Cluster numbers from 0.
    n_permutations
        How often items are shuffled.
    rng
        Source of the shuffles.

    Returns
    -------
    PartitionTest
        Mutual information in nats; p-values one-sided, at least 1 / (1 + n_permutations).

    Raises
    ------
    DataError
        If the lengths differ or there are fewer than two items.

    References
    ----------
    Hubert & Arabie (1985), Comparing partitions. Vinh, Epps & Bailey (2010), Information theoretic measures for
    clusterings comparison.
    """
    as_count(n_permutations, name="n_permutations", least=1)
    agreement = compare_partitions(labels, reference)
    n = len(labels)

    def sums(table: Labels) -> tuple[float, float]:
        return float((table**2).sum()), _entropy_sum(table)

    margins = _entropy_sum(np.bincount(labels)) + _entropy_sum(np.bincount(reference))
    squares, logs = sums(contingency_table(labels, reference))
    null = np.array([sums(table) for table in shuffled_tables(labels, reference, n_permutations, rng)])
    reached = (null >= np.array([squares, logs - 1e-9])).sum(axis=0)
    p = (1 + reached) / (1 + n_permutations)
    constant = np.log(n) - margins / n
    return PartitionTest(
        adjusted_rand=agreement.adjusted_rand,
        adjusted_rand_p=float(p[0]),
        mutual_information=max(0.0, logs / n + constant),
        mutual_information_chance=float(null[:, 1].mean() / n + constant),
        mutual_information_p=float(p[1]),
    )


def _entropy_sum(counts: Labels) -> float:
    filled = counts[counts > 0].astype(np.float64)
    return float((filled * np.log(filled)).sum())


def _without_means(table: Array) -> Array:
    """Take the means of rows and columns off the last two axes."""
    rows, columns = table.mean(axis=-1, keepdims=True), table.mean(axis=-2, keepdims=True)
    rest: Array = table - rows - columns + table.mean(axis=(-2, -1), keepdims=True)
    return rest


def _against(observed: Array, null: Array) -> tuple[Array, Array]:
    """Return both in standard deviations of the null from its mean; 0 where the null does not move."""
    mean, spread = null.mean(axis=0), null.std(axis=0)
    moves = spread > 1e-12
    scale = np.where(moves, spread, 1.0)
    return np.where(moves, (observed - mean) / scale, 0.0), np.where(moves, (null - mean) / scale, 0.0)


def _check(vectors: Array, groups: Array, name: str, group_name: str) -> None:
    as_table(vectors, name=name, min_rows=2)
    if groups.ndim != 2 or len(groups) != len(vectors):
        msg = f"{group_name} has shape {groups.shape}, but there are {len(vectors)} {name}; give a row for each."
        raise DataError(msg)
    empty = np.flatnonzero(groups.sum(axis=0) == 0)
    if groups.shape[1] < 2 or empty.size:
        what = (
            f"group {empty[0]} of {group_name} has no item" if empty.size else f"{group_name} has one group"
        )
        msg = f"{what}; a comparison needs two groups or more, none of them empty."
        raise DataError(msg)
