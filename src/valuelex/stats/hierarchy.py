"""Dimensions over groups of columns: how many, and which groups belong to each, by units held out.

Groups are joined by average linkage of their mean affinity, so that every number of dimensions is a cut of one tree.
A number is scored by how well held-out units are predicted when all pairs of groups of one dimension share a rate (or
covariance), and all pairs across share another. One dimension over all groups is the null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import average, cut_tree
from scipy.spatial.distance import squareform

from valuelex.stats.checks import Array
from valuelex.stats.cluster import Labels, relabel

STRIP = 500
"""Rows of an affinity that are summed at once."""


@dataclass(frozen=True, slots=True)
class DimensionChoice:
    """Number of dimensions over groups."""

    n_dimensions: int
    """The smallest that is within one standard error of the best; 1: groups lie no closer than others."""
    gain: Array
    """(m,) mean held-out gain over one dimension, of 1 to m dimensions, nats a case."""


def join_groups(closeness: Array, n_dimensions: int) -> Labels:
    """Join groups of columns into dimensions by their mean affinity.

    Parameters
    ----------
    closeness : (n_groups, n_groups)
        Mean affinity of their columns, as from `group_affinity`; the diagonal is not used.
    n_dimensions
        From 1 to the number of groups.

    Returns
    -------
    (n_groups,)
        Dimension of each group, numbered in the order in which they first occur.
    """
    k = len(closeness)
    if k == 1:
        return np.zeros(1, dtype=np.int64)
    across = np.where(np.eye(k, dtype=np.bool_), 0.0, closeness)
    distance = across.max() - across
    np.fill_diagonal(distance, 0.0)
    tree = average(squareform(distance, checks=False))
    return relabel(cut_tree(tree, n_clusters=min(n_dimensions, k)).ravel())


def group_affinity(affinity: NDArray[Any], labels: Labels) -> Array:
    """Mean affinity (n, n), symmetric, of the columns of two groups, (n_groups, n_groups); in a group, of its pairs."""
    member = np.eye(int(labels.max()) + 1)[labels]
    size = member.sum(axis=0)
    sums = member.T @ affinity_to_groups(affinity, labels)
    sums[np.diag_indices_from(sums)] -= np.diag(affinity) @ member
    n_pairs = np.outer(size, size) - np.diag(size)
    mean: Array = np.divide(sums, n_pairs, out=np.zeros_like(sums), where=n_pairs > 0)
    return (mean + mean.T) / 2


def affinity_to_groups(affinity: NDArray[Any], labels: Labels) -> Array:
    """Sum the affinity (n, n) of each column to those of each group, (n, n_groups), itself among them.

    In strips, so that a large matrix of 32 bits is never held in 64 as well.
    """
    member = np.eye(int(labels.max()) + 1)[labels]
    strips = (affinity[start : start + STRIP] @ member for start in range(0, len(affinity), STRIP))
    return np.concatenate(list(strips))


def tied_cells(dimension: Labels) -> NDArray[np.int64]:
    """Which cells of a table of groups share a value: each group its own, pairs of one dimension, pairs across."""
    k = len(dimension)
    same = dimension[:, None] == dimension[None, :]
    cells = np.where(same, k, k + 1)
    np.fill_diagonal(cells, np.arange(k))
    return cells


def choose_dimensions(gains: Array) -> DimensionChoice:
    """Choose by gains over one dimension, (n_cases, m) for 1 to m dimensions, by the rule of one standard error."""
    mean: Array = gains.mean(axis=0)
    best = int(mean.argmax())
    behind = gains[:, best : best + 1] - gains
    error = behind.std(axis=0, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.zeros(len(mean))
    return DimensionChoice(int(np.flatnonzero(behind.mean(axis=0) <= error)[0]) + 1, mean)


def tie(values: Array, weights: Array, cells: NDArray[np.int64]) -> Array:
    """Replace values (k, k) by their mean over the cells that share one, weighted."""
    n = int(cells.max()) + 1
    total = np.bincount(cells.ravel(), (values * weights).ravel(), minlength=n)
    weight = np.bincount(cells.ravel(), weights.ravel(), minlength=n)
    mean = np.divide(total, weight, out=np.zeros(n), where=weight > 0)
    return mean[cells]


def candidates(n_groups: int) -> Sequence[int]:
    """Numbers of dimensions that can be told apart: with one for each group, no two groups share one."""
    return range(1, max(n_groups, 2))
