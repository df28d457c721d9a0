"""Counts of many columns in many rows, most of them 0: how they are made, cut and summed.

Owns the sparse form. Estimates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.checks import Array

Counts: TypeAlias = sparse.csr_array
"""(n_rows, n_columns) counts as floating-point numbers."""


def from_rows(columns: Sequence[int], values: Sequence[int], ends: Sequence[int], n_columns: int) -> Counts:
    """Make counts of the cells that are not 0, row after row.

    Parameters
    ----------
    columns, values : (n_cells,)
        The column of each cell, ascending within a row, and its count.
    ends : (n_rows + 1,)
        0, and for each row how many cells there are up to its end.
    n_columns
        Columns of the whole.

    Raises
    ------
    DataError
        If the ends do not belong to the cells.
    """
    where, stop = np.array(columns, dtype=np.int64), np.array(ends, dtype=np.int64)
    if not len(stop) or stop[0] != 0 or stop[-1] != len(where) or len(values) != len(where):
        msg = (
            f"{len(where)} cells with {len(values)} counts end at {stop[-1:].tolist()}; give one count for each cell, "
            "and where each row ends."
        )
        raise DataError(msg)
    return sparse.csr_array(
        (np.array(values, dtype=np.float64), where, stop), shape=(len(stop) - 1, n_columns)
    )


def lists_of(columns: NDArray[np.int32], starts: NDArray[np.int64], n_columns: int) -> Counts:
    """Make counts of 1, the columns of each row beginning at its start: (n_ones,) and (n_rows + 1,)."""
    return sparse.csr_array((np.ones(len(columns)), columns, starts), shape=(len(starts) - 1, n_columns))


def stack(parts: Sequence[Counts]) -> Counts:
    """Put the rows of one below those of the other."""
    return sparse.csr_array(sparse.vstack(parts))


def select(counts: Counts, columns: NDArray[np.int64]) -> Counts:
    """Return some columns, in the order given."""
    return sparse.csr_array(counts[:, columns])


def present(counts: Counts) -> Counts:
    """Return 1 where there is a count."""
    found = sparse.csr_array(counts, copy=True)
    found.eliminate_zeros()
    found.data = np.ones_like(found.data)
    return found


def totals(counts: Counts) -> Array:
    """Sum each column: (n_columns,)."""
    return np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()


def n_rows_with(counts: Counts) -> NDArray[np.int64]:
    """Count the rows in which each column is not 0: (n_columns,)."""
    return np.bincount(counts.indices, minlength=counts.shape[1]).astype(np.int64)


def n_groups_with(counts: Counts, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the groups of rows in which each column is not 0: (n_columns,)."""
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    cells = np.unique(groups[row] * counts.shape[1] + counts.indices)
    return np.bincount(cells % counts.shape[1], minlength=counts.shape[1]).astype(np.int64)


def sum_groups(counts: Counts, groups: NDArray[np.int64], n_groups: int) -> Counts:
    """Sum the rows of each group: (n_groups, n_columns)."""
    n = len(groups)
    member = sparse.csr_array((np.ones(n), (groups, np.arange(n))), shape=(n_groups, n))
    return sparse.csr_array(member @ counts)


def with_total(counts: Counts) -> Counts:
    """Put the sum of each row before its columns: (n_rows, 1 + n_columns)."""
    every: Any = sparse.csr_array(np.asarray(counts.sum(axis=1)).reshape(-1, 1))
    return sparse.csr_array(sparse.hstack([every, counts]))
