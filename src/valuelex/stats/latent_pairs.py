"""What tetrachoric and polychoric correlations share: options, refusals and the finished matrix.

Does not estimate; see `valuelex.stats.tetrachoric` and `valuelex.stats.polychoric`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError
from valuelex.stats.checks import N_SHOWN, Array, first
from valuelex.stats.correlation import smooth
from valuelex.stats.flags import Flag, Weakness

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
LIMIT = 0.9999
"""Largest absolute correlation that is estimated; tables that ask for more are flagged AT_BOUNDARY."""


def refuse_correct(correct: float) -> None:
    """Raise `DataError` unless the continuity correction is from 0 to less than 1."""
    if not 0 <= correct < 1:
        msg = f"correct must be from 0 to less than 1, not {correct:g}; it stands in for an empty cell."
        raise DataError(msg)


def refuse_constant(constant: NDArray[np.int64], n_columns: int) -> None:
    """Raise `DataError` if there are columns of a single category, given their numbers."""
    if constant.size:
        msg = (
            f"{constant.size} of {n_columns} columns of data are constant (first: column {first(constant)}); "
            "a constant column has no correlation, so drop it."
        )
        raise DataError(msg)


def refuse_unshared(n_shared: Array, pairs: Pairs) -> None:
    """Raise `DataError` if the columns of a pair are never both seen in a row."""
    apart = np.flatnonzero(n_shared == 0)
    if apart.size:
        msg = (
            f"{apart.size} of {len(n_shared)} pairs of columns share no row without missing values "
            f"(first: {_named(apart, pairs)}); drop one column of each."
        )
        raise DataError(msg)


def finish(
    rho: Array,
    pairs: Pairs,
    empty: NDArray[np.bool_],
    uncertain: NDArray[np.bool_],
    *,
    correct: float,
    smoothing: bool,
) -> tuple[Array, tuple[Flag, ...]]:
    """Put the correlations of all pairs in a matrix, smooth it if asked, and flag what is weak.

    Parameters
    ----------
    rho : (m,)
        Correlations of the ``m = p (p - 1) / 2`` pairs.
    pairs : (m,), (m,)
        Numbers of the first and the second column of each.
    empty : (m,)
        Whether the table of a pair has an empty cell.
    uncertain : (m,)
        Whether the search for the correlation of a pair ended among rounding errors.
    correct
        What stood in for it, in rows.
    smoothing
        Whether to smooth the matrix.

    Returns
    -------
    matrix : (p, p)
        With ones on the diagonal.
    flags
        SPARSE_CELLS, AT_BOUNDARY, NOT_CONVERGED and NOT_POSITIVE_DEFINITE, as they apply.
    """
    i, j = pairs
    n_columns = int(j[-1]) + 1
    matrix = np.eye(n_columns)
    matrix[i, j] = matrix[j, i] = rho
    counted = f"counted as {correct:g} rows" if correct else "left empty"
    flags = []
    for found, weakness, what in (
        (empty, Weakness.SPARSE_CELLS, f"have empty cells, {counted}"),
        (np.abs(rho) >= LIMIT, Weakness.AT_BOUNDARY, f"are at the limit of ±{LIMIT:g}"),
        (uncertain, Weakness.NOT_CONVERGED, "hold cells too improbable for the best correlation to be told"),
    ):
        some = np.flatnonzero(found)
        if some.size:
            detail = f"{some.size} of {len(rho)} pairs of columns {what} (first: {_named(some, pairs)})"
            flags.append(Flag(weakness, detail))
    smoothed, raised = smooth(matrix)
    if smoothing:
        return smoothed, (*flags, *raised)
    if raised:
        detail = "eigenvalues are not positive, and the matrix was left as it is"
        flags.append(Flag(Weakness.NOT_POSITIVE_DEFINITE, detail))
    return matrix, tuple(flags)


def _named(some: NDArray[np.int64], pairs: Pairs) -> str:
    named = [f"{pairs[0][m]} with {pairs[1][m]}" for m in some[:N_SHOWN]]
    return first([*named, *some[N_SHOWN:].tolist()])
