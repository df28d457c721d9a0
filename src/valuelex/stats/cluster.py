"""Spectral clustering of an affinity, its quality on other data, and the matching of two partitions.

Arrays in, arrays out. Does not choose the number of clusters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, qr
from scipy.optimize import linear_sum_assignment
from scipy.sparse.linalg import eigsh

from valuelex.errors import DataError
from valuelex.stats.checks import as_table

Labels = NDArray[np.int64]
MOST_DENSE = 400
"""Above this number of items the leading eigenvectors are found by Lanczos iteration."""
MOST_MOVES = 50
"""Rounds of k-means; few partitions need 20."""


def spectral_embedding(affinity: NDArray[np.float64], n_clusters: int) -> NDArray[np.float64]:
    """Place items by the leading eigenvectors of the regularised normalised affinity.

    Negative affinities count as none. The mean degree is added to every degree, which keeps
    items of few ties from forming clusters of their own.

    Parameters
    ----------
    affinity : (n, n)
        Symmetric; the diagonal is not used.
    n_clusters
        Number of eigenvectors, from 1 to n.

    Returns
    -------
    (n, n_clusters)
        Rows of unit length (or 0 for an item without ties).

    Raises
    ------
    DataError
        If the affinity is not square, finite and symmetric, `n_clusters` is not from 1 to n, or no affinity
        is positive.

    References
    ----------
    Ng, Jordan & Weiss (2001), On spectral clustering; Qin & Rohe (2013), Regularized spectral
    clustering under the degree-corrected stochastic blockmodel.
    """
    _require_affinity(affinity, n_clusters)
    vectors = leading_vectors(affinity.copy(), n_clusters)
    if vectors is None:
        msg = "No two items have a positive affinity, so there is nothing to cluster."
        raise DataError(msg)
    return _unit_rows(vectors)


def _require_affinity(affinity: NDArray[np.float64], n_clusters: int) -> None:
    n = len(as_table(affinity, name="affinity", min_rows=1))
    if affinity.shape != (n, n) or not np.allclose(affinity, affinity.T, rtol=1e-8, atol=1e-8):
        msg = (
            f"affinity of shape {affinity.shape} is not symmetric; clustering needs one value for each pair."
        )
        raise DataError(msg)
    if not isinstance(n_clusters, (int, np.integer)) or not 1 <= n_clusters <= n:
        msg = f"{n_clusters} clusters were asked for, but there are {n} items; ask for 1 to {n}."
        raise DataError(msg)


def leading_vectors(ties: NDArray[Any], n_vectors: int) -> NDArray[np.float64] | None:
    """Return the leading eigenvectors of the regularised normalised affinity, for `nested_partitions`.

    Parameters
    ----------
    ties : (n, n)
        Symmetric affinity, in 32 or 64 bits; it is overwritten, so that large ones are held once only.
    n_vectors
        From 1 to n.

    Returns
    -------
    (n, n_vectors) or None
        From the largest eigenvalue on, the largest entry of each positive; None if no affinity is positive.
    """
    n = len(ties)
    np.clip(ties, 0.0, None, out=ties)
    np.fill_diagonal(ties, 0.0)
    degree = ties.sum(axis=1)
    if not degree.any():
        return None
    scale = 1.0 / np.sqrt(degree + degree.mean())
    ties *= scale[:, None]
    ties *= scale[None, :]
    if n <= MOST_DENSE or n_vectors > n // 4:
        _, vectors = eigh(ties, subset_by_index=(n - n_vectors, n - 1), overwrite_a=True, check_finite=False)
    else:
        start = np.random.default_rng(0).normal(size=n).astype(ties.dtype)
        _, vectors = eigsh(ties, k=n_vectors, which="LA", v0=start, ncv=max(2 * n_vectors + 1, 30), tol=1e-6)
    vectors = vectors[:, ::-1].astype(np.float64)
    largest = np.abs(vectors).argmax(axis=0)
    flipped: NDArray[np.float64] = vectors * np.sign(vectors[largest, np.arange(n_vectors)])
    return flipped


def nested_partitions(vectors: NDArray[np.float64], numbers: Iterable[int]) -> list[Labels]:
    """Partition items into several numbers of clusters, from one decomposition and without chance.

    Items are placed by their first k vectors at unit length. The centres start at the k items that a pivoted QR
    decomposition of the vectors finds to be farthest from one another, and move as in k-means.

    Parameters
    ----------
    vectors : (n, m)
        As from `leading_vectors`.
    numbers
        Numbers of clusters, each from 1 to m.

    Returns
    -------
    list of (n,)
        Cluster numbers from 0 in the order in which the clusters first occur. Fewer clusters than asked for
        only where a cluster lost its last item.

    References
    ----------
    Damle, Minden & Ying (2019), Simple, direct and efficient multi-way spectral clustering.
    """
    found = []
    for k in numbers:
        place = _unit_rows(vectors[:, :k])
        # By length before it is made one, so that rounding does not decide which item is the first.
        _, pivots = qr(vectors[:, :k].T, mode="r", pivoting=True, check_finite=False)
        centres = place[pivots[:k]]
        labels = np.zeros(len(place), dtype=np.int64)
        for _ in range(MOST_MOVES):
            moved = np.argmax(place @ centres.T - (centres**2).sum(axis=1) / 2, axis=1)
            if (moved == labels).all():
                break
            labels = moved
            member = np.eye(k)[labels]
            size = member.sum(axis=0)
            centres = np.where(size[:, None] > 0, member.T @ place / np.maximum(size, 1.0)[:, None], centres)
        found.append(relabel(labels))
    return found


def _unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows: NDArray[np.float64] = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return rows


def spectral_partitions(affinity: NDArray[np.float64], numbers: Sequence[int]) -> list[Labels]:
    """Partition items into several numbers of clusters by their positive affinities, without chance.

    Parameters
    ----------
    affinity : (n, n)
        Symmetric; negative affinities and the diagonal are not used.
    numbers
        Numbers of clusters, each from 1 to n.

    Returns
    -------
    list of (n,)
        As from `nested_partitions`; all items in one cluster where no affinity is positive.

    Raises
    ------
    DataError
        If the affinity is not square, finite and symmetric, or a number is not from 1 to n.
    """
    for k in numbers:
        _require_affinity(affinity, k)
    vectors = leading_vectors(affinity.copy(), max(numbers))
    if vectors is None:
        return [np.zeros(len(affinity), dtype=np.int64) for _ in numbers]
    return nested_partitions(vectors, numbers)


def relabel(labels: Labels) -> Labels:
    """Renumber clusters from 0 in the order in which they first occur."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[inverse].astype(np.int64)


def modularity(residual: NDArray[np.float64], total: float, labels: Labels) -> float:
    """Share of pairs inside clusters beyond expectation.

    Parameters
    ----------
    residual : (n, n)
        Observed minus expected co-occurrence, symmetric; the diagonal is not used.
    total
        Sum of the observed co-occurrence off the diagonal, positive.
    labels : (n,)
        Cluster numbers.

    Returns
    -------
    float
        At most 1; about 0 for a partition that has nothing to do with the data.

    Raises
    ------
    DataError
        If the shapes differ, a residual is not finite or the total is not positive.

    References
    ----------
    Newman (2006), Modularity and community structure in networks.
    """
    if not (np.isfinite(total) and total > 0 and np.isfinite(residual).all()):
        msg = f"Modularity needs finite residuals and a positive total, not {total}."
        raise DataError(msg)
    if residual.shape != (len(labels), len(labels)):
        msg = (
            f"residual has shape {residual.shape}, but there are {len(labels)} labels; give one for each row."
        )
        raise DataError(msg)
    same = labels[:, None] == labels[None, :]
    np.fill_diagonal(same, val=False)
    return float(residual[same].sum() / total)


def adjusted_rand(labels: Labels, reference: Labels) -> float:
    """Return the Rand index of two partitions, corrected for chance: at most 1, about 0 for unrelated ones.

    Parameters
    ----------
    labels, reference : (n,)
        Cluster numbers from 0, of at least one item.

    References
    ----------
    Hubert & Arabie (1985), Comparing partitions.
    """
    return float(adjusted_rand_of_tables(contingency_table(labels, reference)))


def contingency_table(labels: Labels, reference: Labels) -> NDArray[np.int64]:
    """Count the items in each cluster of one partition and of another: (n_clusters, n_reference_clusters)."""
    n_columns = int(reference.max()) + 1
    counts = np.bincount(labels * n_columns + reference, minlength=(int(labels.max()) + 1) * n_columns)
    return counts.reshape(-1, n_columns)


def adjusted_rand_of_tables(tables: ArrayLike) -> NDArray[np.float64]:
    """Give the adjusted Rand index of contingency tables.

    Parameters
    ----------
    tables : (..., n_groups, n_other_groups)
        How many items are in both groups of each pair.

    Returns
    -------
    (...)
        1 where both partitions are trivial in the same way, so that there is nothing to agree on by chance.

    Raises
    ------
    DataError
        If it is not at least two-dimensional.

    References
    ----------
    Hubert & Arabie (1985), Comparing partitions.
    """
    counts = np.asarray(tables, dtype=np.float64)
    if counts.ndim < 2:
        msg = f"A contingency table has two dimensions, not {counts.ndim}."
        raise DataError(msg)
    n = counts.sum(axis=(-1, -2))
    # Ordered pairs of items, in whole numbers: together in both, in one only, in neither.
    squares = np.square(counts).sum(axis=(-1, -2))
    both = squares - n
    only_first = np.square(counts.sum(axis=-1)).sum(axis=-1) - squares
    only_second = np.square(counts.sum(axis=-2)).sum(axis=-1) - squares
    neither = n * n - squares - only_first - only_second
    spread = (both + only_first) * (only_first + neither) + (both + only_second) * (only_second + neither)
    index: NDArray[np.float64] = np.divide(
        2.0 * (both * neither - only_first * only_second),
        spread,
        out=np.ones_like(spread),
        where=only_first + only_second > 0,
    )
    return index


def match_labels(labels: Labels, reference: Labels, n_clusters: int) -> Labels:
    """Renumber clusters so that they overlap most with a reference (Hungarian match).

    Parameters
    ----------
    labels, reference : (n,)
        Cluster numbers below `n_clusters`.
    n_clusters
        Number of clusters in both.

    Returns
    -------
    (n,)
        `labels` in the numbering of `reference`.

    Raises
    ------
    DataError
        If the lengths differ or a number is out of range.
    """
    both = np.concatenate([labels, reference])
    if len(labels) != len(reference) or not ((both >= 0) & (both < n_clusters)).all():
        msg = f"Labels of {len(labels)} and {len(reference)} items must be as many, each from 0 to {n_clusters - 1}."
        raise DataError(msg)
    table = np.zeros((n_clusters, n_clusters))
    np.add.at(table, (labels, reference), 1.0)
    rows, columns = linear_sum_assignment(-table)
    mapping = np.empty(n_clusters, dtype=np.int64)
    mapping[rows] = columns
    matched: Labels = mapping[labels]
    return matched
