"""A table of 0 and 1 by the columns of its ones, so that it takes room for what is named and not for what is not.

Owns the form, its checks, and its rows and columns. Does no algebra; `valuelex.stages.term_lists` hands it on for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.errors import DataError


@dataclass(frozen=True, slots=True)
class Incidence:
    """Which row holds which column: the ones of row i are in ``columns[starts[i] : starts[i + 1]]``, ascending."""

    starts: NDArray[np.int64]
    """(n_rows + 1,) from 0."""
    columns: NDArray[np.int32]
    """(n_ones,)"""
    n_columns: int

    def __post_init__(self) -> None:
        starts, columns = self.starts, self.columns
        if not len(starts) or starts[0] != 0 or starts[-1] != len(columns) or (np.diff(starts) < 0).any():
            msg = f"Rows do not cut the {len(columns)} ones into parts; give where each row starts, and the end."
            raise DataError(msg)
        outside = np.flatnonzero((columns < 0) | (columns >= self.n_columns))
        if outside.size:
            msg = f"Column {columns[outside[0]]} was named, but there are {self.n_columns}; columns count from 0."
            raise DataError(msg)
        ascends = np.diff(columns) > 0
        first = starts[1:-1]
        ascends[first[(first > 0) & (first < len(columns))] - 1] = True
        if not ascends.all():
            row = int(np.searchsorted(starts, int(np.argmin(ascends)) + 1, side="right")) - 1
            msg = f"The columns of row {row} do not ascend; give each column of a row once, in order."
            raise DataError(msg)

    @classmethod
    def of_pairs(cls, rows: ArrayLike, columns: ArrayLike, shape: tuple[int, int]) -> Self:
        """Hold the cells of these rows and columns, (n_cells,) each, in any order and any number of times.

        Raises
        ------
        DataError
            If a cell is outside the shape.
        """
        row, column = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
        n_rows, n_columns = shape
        if ((row < 0) | (row >= n_rows) | (column < 0) | (column >= n_columns)).any():
            msg = f"A cell is outside a table of {n_rows} × {n_columns}; rows and columns count from 0."
            raise DataError(msg)
        cell = np.sort(row * n_columns + column)
        again = cell[1:] == cell[:-1]
        if again.any():
            cell = np.delete(cell, np.flatnonzero(again))
        width = max(n_columns, 1)
        starts = np.searchsorted(cell, np.arange(n_rows + 1) * width)
        return cls(starts.astype(np.int64), (cell % width).astype(np.int32), n_columns)

    @classmethod
    def of_dense(cls, values: ArrayLike) -> Self:
        """Hold a dense table (n_rows, n_columns) of 0 and 1, or False and True.

        Raises
        ------
        DataError
            If it is no table, or holds anything else.
        """
        table = np.asarray(values)
        if table.ndim != 2:
            msg = f"An array of {table.ndim} dimensions is no table; give rows × columns."
            raise DataError(msg)
        row, column = np.nonzero(table)
        if (table[row, column] != 1).any():
            msg = "A table of who named what holds 0 and 1 only."
            raise DataError(msg)
        return cls.of_pairs(row, column, (table.shape[0], table.shape[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return len(self.starts) - 1, self.n_columns

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return the row of each one, (n_ones,), beside `columns`."""
        return np.repeat(np.arange(len(self.starts) - 1), self.of_each_row)

    @property
    def of_each_row(self) -> NDArray[np.int64]:
        """Return the number of ones of each row: (n_rows,)."""
        return np.diff(self.starts)

    @property
    def of_each_column(self) -> NDArray[np.int64]:
        """Return the number of ones of each column: (n_columns,)."""
        return np.bincount(self.columns, minlength=self.n_columns).astype(np.int64)

    def of_rows(self, rows: Sequence[int] | NDArray[np.int64]) -> Incidence:
        """Return some rows, in the order given."""
        row = np.asarray(rows, dtype=np.int64)
        length = self.of_each_row[row]
        starts = np.concatenate([[0], np.cumsum(length)])
        at = np.arange(starts[-1]) + np.repeat(self.starts[:-1][row] - starts[:-1], length)
        return Incidence(starts, self.columns[at], self.n_columns)

    def of_columns(self, columns: Sequence[int] | NDArray[np.int64]) -> Incidence:
        """Return some columns, in the order given, each once; all rows stay."""
        chosen = np.asarray(columns, dtype=np.int64)
        new = np.full(self.n_columns, -1, dtype=np.int64)
        new[chosen] = np.arange(len(chosen))
        named = new[self.columns]
        kept = named >= 0
        return Incidence.of_pairs(self.rows[kept], named[kept], (len(self.starts) - 1, len(chosen)))

    def dense(self, first: int = 0, last: int | None = None) -> NDArray[np.uint8]:
        """Write out rows from the first up to, but without, the last: (n, n_columns) of 0 and 1."""
        starts = self.starts[first : None if last is None else last + 1]
        values = np.zeros((len(starts) - 1, self.n_columns), dtype=np.uint8)
        values[np.repeat(np.arange(len(values)), np.diff(starts)), self.columns[starts[0] : starts[-1]]] = 1
        return values
