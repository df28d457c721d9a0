"""Refuse input from which nothing can be estimated: one line, the number, the first offenders, the way out.

Every public function of `valuelex.stats` that takes data calls these first, so that bad input never turns
into NaN, a warning of numpy or an error of LAPACK.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.errors import DataError

Array = NDArray[np.float64]
N_SHOWN = 3
"""How many offenders a message names."""


def first(offenders: Sequence[object] | NDArray[np.int64]) -> str:
    """Name the first offenders: ``3, 7, 12 and 4 more``."""
    shown = ", ".join(str(offender) for offender in list(offenders)[:N_SHOWN])
    more = len(offenders) - N_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def as_table(
    data: ArrayLike, *, name: str = "data", min_rows: int = 2, min_columns: int = 1, missing: bool = False
) -> Array:
    """Return the data as floats if it is a finite table of enough rows and columns.

    Parameters
    ----------
    data : (n_rows, n_columns)
        Numbers. NaN is allowed only with `missing`; infinite values never are.
    name
        What the table is called in messages.
    min_rows, min_columns
        Least numbers of rows and columns.
    missing
        Whether NaN means a missing value.

    Returns
    -------
    (n_rows, n_columns)
        As 64-bit floats; the same array where it was that already.

    Raises
    ------
    DataError
        If the table is not two-dimensional, not numeric, too small, or holds values that it may not.
    """
    try:
        table = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        msg = f"{name} holds values that are not numbers; give an array of numbers."
        raise DataError(msg) from None
    if table.ndim != 2:
        msg = f"{name} has shape {table.shape}; give a table of rows × columns."
        raise DataError(msg)
    n_rows, n_columns = table.shape
    if n_rows < min_rows or n_columns < min_columns:
        msg = (
            f"{name} has {n_rows} rows × {n_columns} columns; at least {min_rows} × {min_columns} are needed."
        )
        raise DataError(msg)
    wrong = np.isinf(table) if missing else ~np.isfinite(table)
    if wrong.any():
        cells = [f"row {i} column {j}" for i, j in np.argwhere(wrong)[: N_SHOWN + 1]]
        kind = "infinite" if missing else "missing or infinite"
        msg = (
            f"{name} holds {int(wrong.sum())} {kind} values (first: {first(cells[:N_SHOWN])}); "
            "leave those rows out or correct them."
        )
        raise DataError(msg)
    if missing and np.isnan(table).all():
        msg = f"{name} holds no value at all: every one of its {table.size} cells is missing."
        raise DataError(msg)
    return table


def refuse_constant_columns(table: Array, *, name: str = "data") -> None:
    """Raise `DataError` if a column has no spread: it has no correlation with anything. NaN is left out."""
    low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    constant = np.flatnonzero(high - low <= 1e-12 * np.maximum(np.abs(low), np.abs(high)))
    if constant.size:
        msg = (
            f"{constant.size} of {table.shape[1]} columns of {name} are constant (first: column "
            f"{first(constant)}); a constant column has no correlation, so drop it."
        )
        raise DataError(msg)


def refuse_wide(table: Array, *, name: str = "data") -> None:
    """Raise `DataError` unless there are more rows than columns, without which correlations have no inverse."""
    n_rows, n_columns = table.shape
    if n_rows <= n_columns:
        msg = (
            f"{name} has {n_rows} rows for {n_columns} columns; more rows than columns are needed, so drop "
            "rare columns, or give a correlation matrix that has been smoothed."
        )
        raise DataError(msg)


def as_correlation(matrix: ArrayLike, *, name: str = "correlation", min_size: int = 2) -> Array:
    """Return the matrix as floats if it is a correlation matrix.

    Parameters
    ----------
    matrix : (p, p)
        Symmetric to 1e-8, with ones on the diagonal to 1e-6 and no cell beyond 1 by more than 1e-6.
    name
        What the matrix is called in messages.
    min_size
        Least number of variables.

    Returns
    -------
    (p, p)
        As 64-bit floats. It may have eigenvalues at or below zero: that is for the caller to flag.

    Raises
    ------
    DataError
        If it is not square, finite, symmetric, in range, or large enough.
    """
    r = as_table(matrix, name=name, min_rows=min_size, min_columns=min_size)
    if r.shape[0] != r.shape[1]:
        msg = f"{name} has shape {r.shape}; a correlation matrix is square, so correlate the data first."
        raise DataError(msg)
    off = np.flatnonzero(np.abs(np.diag(r) - 1.0) > 1e-6)
    if off.size:
        msg = (
            f"{off.size} of {len(r)} diagonal cells of {name} are not 1 (first: {first(off)}); "
            "give correlations, not covariances."
        )
        raise DataError(msg)
    if not np.allclose(r, r.T, rtol=0.0, atol=1e-8):
        i, j = np.unravel_index(int(np.abs(r - r.T).argmax()), r.shape)
        msg = f"{name} is not symmetric (worst at {i}, {j}: {r[i, j]:.6g} against {r[j, i]:.6g})."
        raise DataError(msg)
    if np.abs(r).max() > 1 + 1e-6:
        i, j = np.unravel_index(int(np.abs(r).argmax()), r.shape)
        msg = f"{name} holds {r[i, j]:.6g} at {i}, {j}; a correlation lies from -1 to 1."
        raise DataError(msg)
    return r


def as_groups(
    groups: ArrayLike, n_rows: int, *, name: str = "groups", min_groups: int = 2
) -> NDArray[np.int64]:
    """Give each independent unit a number from 0, in sorted order of their names.

    Parameters
    ----------
    groups : (n_rows,)
        Names or numbers; rows of the same one belong to the same independent unit.
    n_rows
        Number of rows of the data.
    name
        What the vector is called in messages.
    min_groups
        Least number of different units.

    Returns
    -------
    (n_rows,)
        Numbers from 0.

    Raises
    ------
    DataError
        If the length is wrong or there are too few units.
    """
    labels = np.asarray(groups)
    if labels.shape != (n_rows,):
        msg = f"{name} has shape {labels.shape}, but the data has {n_rows} rows; give one entry a row."
        raise DataError(msg)
    whole = np.issubdtype(labels.dtype, np.integer)
    absent = (
        [] if whole else [i for i, label in enumerate(labels.tolist()) if label is None or label != label]
    )
    if absent:
        msg = f"{name} is missing in {len(absent)} of {n_rows} rows (first: row {first(absent)}); name or drop them."
        raise DataError(msg)
    try:
        names, number = np.unique(labels, return_inverse=True)
    except TypeError:
        msg = f"{name} mixes names and numbers, which have no order; give one kind."
        raise DataError(msg) from None
    if len(names) < min_groups:
        msg = (
            f"{name} names {len(names)} independent unit{'s' * (len(names) != 1)} (first: {first(names)}); "
            f"at least {min_groups} are needed."
        )
        raise DataError(msg)
    return number.astype(np.int64)


def as_count(value: object, *, name: str, least: int) -> int:
    """Return a whole number of at least `least`, else raise `DataError`; NaN, infinity and text are refused."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least:
        return int(value)
    if isinstance(value, (float, np.floating)) and np.isfinite(value) and value == int(value) >= least:
        return int(value)
    msg = f"{name} is {value!r}; give a whole number of at least {least}."
    raise DataError(msg)


def choose(value: str, allowed: Sequence[str], *, name: str) -> str:
    """Return the value if it is one of those allowed, else raise `DataError` that lists them all."""
    if value not in allowed:
        msg = f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}."
        raise DataError(msg)
    return value
