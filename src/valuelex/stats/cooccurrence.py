"""Which columns of a 0/1 matrix occur together more than their margins explain.

Arrays in, arrays out. Does not cluster or test; see `valuelex.stats.cluster`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError


def cooccurrence(lists: NDArray[np.uint8], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Count in how many lists each pair of columns occurs together.

    Parameters
    ----------
    lists : (n_lists, n_columns)
        1 where a list holds the column, else 0.
    weights : (n_lists,), optional
        How often each list counts, for resampling. Default 1.

    Returns
    -------
    (n_columns, n_columns)
        Weighted counts; the diagonal holds how often each column occurs.
    """
    x = lists.astype(np.float64)
    weighted = x if weights is None else x * weights[:, None]
    counts: NDArray[np.float64] = weighted.T @ x
    return counts


def margin_residual(
    counts: NDArray[np.float64],
    lengths: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Standardise co-occurrence against what popularity and list lengths explain.

    The residual of columns i and j is ``(C_ij - e_ij) / sqrt(e_ij)`` with
    ``e_ij = s_i s_j q``, s how often a column occurs, and
    ``q = sum r (r - 1) / (sum r)^2`` over the list lengths r. This is the right
    null for lists of limited length, where naming one word leaves less room for others.

    Parameters
    ----------
    counts : (n_columns, n_columns)
        As from `cooccurrence`.
    lengths : (n_lists,)
        Number of columns in each list.
    weights : (n_lists,), optional
        The weights that `counts` was made with.

    Returns
    -------
    (n_columns, n_columns)
        Symmetric, in standard deviations of a Poisson count. The diagonal is 0, and so are the
        rows and columns that occur in no list.

    Raises
    ------
    DataError
        If no list holds two columns: there is then no co-occurrence to compare.
    """
    w = np.ones_like(lengths) if weights is None else weights
    total = float(np.sum(w * lengths))
    pairs = float(np.sum(w * lengths * (lengths - 1)))
    if pairs <= 0:
        msg = "No list holds two terms or more, so nothing occurs together; elicit longer lists."
        raise DataError(msg)
    share = np.diag(counts)
    expected = np.outer(share, share) * (pairs / total**2)
    residual = np.zeros_like(counts)
    seen = expected > 0
    residual[seen] = (counts[seen] - expected[seen]) / np.sqrt(expected[seen])
    np.fill_diagonal(residual, 0.0)
    return residual


def standardise_pairs(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring the off-diagonal cells of a symmetric matrix to mean 0 and standard deviation 1.

    Parameters
    ----------
    matrix : (n, n)
        Symmetric.

    Returns
    -------
    (n, n)
        Diagonal 0. All zeros when the off-diagonal cells are equal.
    """
    upper = matrix[np.triu_indices(len(matrix), 1)]
    spread = float(np.std(upper)) if upper.size else 0.0
    if not upper.size or spread <= 1e-12 * float(np.abs(upper).max()):
        return np.zeros_like(matrix)
    standardised: NDArray[np.float64] = (matrix - float(np.mean(upper))) / spread
    np.fill_diagonal(standardised, 0.0)
    return standardised
