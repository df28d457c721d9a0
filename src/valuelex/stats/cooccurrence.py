"""How often the columns of a 0/1 matrix occur together, and measures of it.

A row of the matrix is a list, and holds the columns that are 1 in it. Owns the counts and what is made of
them: phi, positive pointwise mutual information, association strength and the residual against margins.
Arrays in, arrays out. Does not cluster, extract factors or test; see `valuelex.stats.cluster`, `extraction`
and `nulls`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.checks import N_SHOWN, Array, as_table, first

DENSE_GAIN = 500
"""How many times cheaper a multiplication is within a dense product than within a sparse one."""


def as_lists(lists: ArrayLike | sparse.sparray) -> Any:
    """Return a 0/1 matrix in compressed sparse rows, with the ones as 64-bit floats.

    Parameters
    ----------
    lists : (n_lists, n_columns)
        0 and 1 (or False and True), as a dense array or any matrix of `scipy.sparse`.

    Returns
    -------
    csr_array (n_lists, n_columns)
        Holds the ones only, in order of columns within a row.

    Raises
    ------
    DataError
        If it is not a table, has no row or column, or holds values other than 0 and 1.
    """
    if sparse.issparse(lists):
        x = sparse.csr_array(lists, dtype=np.float64, copy=True)
        x.sum_duplicates()
        x.eliminate_zeros()
        wrong = np.flatnonzero(x.data != 1)
        if wrong.size:
            row = np.searchsorted(x.indptr, wrong, side="right") - 1
            _refuse_values(row, x.indices[wrong], x.data[wrong])
        as_table(np.empty((*x.shape[:1], 0)), name="lists", min_rows=1, min_columns=0)
        return x
    table = np.asarray(lists)
    if table.dtype not in (np.uint8, np.bool_) or table.ndim != 2 or table.size == 0:
        table = as_table(lists, name="lists", min_rows=1)
    if table.dtype != np.uint8 or table.max() > 1:
        wrong = (table != 0) & (table != 1)
        if wrong.any():
            row, column = np.nonzero(wrong)
            _refuse_values(row, column, table[row, column])
    n_lists, n_columns = table.shape
    flat = np.flatnonzero(table.view(np.bool_) if table.dtype == np.uint8 else table)
    columns = flat % n_columns
    start = np.searchsorted(flat, np.arange(n_lists + 1) * n_columns)
    return sparse.csr_array((np.ones(len(columns)), columns, start), shape=table.shape)


def cooccurrence(lists: ArrayLike | sparse.sparray, weights: ArrayLike | None = None) -> Array:
    """Count in how many lists each pair of columns occurs together.

    The product ``X'WX`` is formed sparse or dense, whichever takes less time at this density.

    Parameters
    ----------
    lists : (n_lists, n_columns)
        1 where a list holds the column, else 0. Dense, or any matrix of `scipy.sparse`; where the same
        lists are counted many times, `as_lists` saves checking them each time anew.
    weights : (n_lists,), optional
        How often each list counts, for resampling; not negative. Default 1.

    Returns
    -------
    (n_columns, n_columns)
        Weighted counts; the diagonal holds how often each column occurs. Exact where weights are whole.

    Raises
    ------
    DataError
        If values other than 0 and 1 are given, or the weights do not suit.
    """
    x = as_lists(lists)
    n_lists, n_columns = x.shape
    lengths = np.diff(x.indptr)
    w = None if weights is None else _as_weights(weights, n_lists)
    counts: Array
    if DENSE_GAIN * float(np.sum(lengths.astype(np.float64) ** 2)) < float(n_lists) * n_columns**2:
        weighted = x.copy()
        if w is not None:
            weighted.data = np.repeat(w, lengths)
        counts = (weighted.T @ x).toarray()
        return counts
    dense = x.toarray()
    if w is not None:
        counts = (dense * w[:, None]).T @ dense
        return counts
    # Whole numbers up to 2^24 are exact in 32 bits, and twice as fast.
    dense = dense.astype(np.float32 if n_lists < 2**24 else np.float64)
    counts = (dense.T @ dense).astype(np.float64)
    return counts


def phi(counts: ArrayLike, n_lists: float) -> Array:
    """Correlate 0/1 columns by their counts: Pearson's r, which is phi here.

    ``(n c_ij - s_i s_j) / sqrt(s_i (n - s_i) s_j (n - s_j))``, with c the counts, s their diagonal.

    Parameters
    ----------
    counts : (n_columns, n_columns)
        As from `cooccurrence`.
    n_lists
        Number of lists, or the sum of their weights.

    Returns
    -------
    (n_columns, n_columns)
        From -1 to 1, with ones on the diagonal.

    Raises
    ------
    DataError
        If a column occurs in no list or in all, or the counts do not suit.
    """
    c, s = _as_counts(counts, n_lists)
    spread = s * (n_lists - s)
    constant = np.flatnonzero(spread <= 1e-12 * n_lists**2)
    if constant.size:
        msg = (
            f"{constant.size} of {len(c)} columns occur in no list or in all {n_lists:g} (first: column "
            f"{first(constant)}); a constant column has no correlation, so drop it."
        )
        raise DataError(msg)
    scale = 1.0 / np.sqrt(spread)
    r: Array = c * n_lists
    r -= np.outer(s, s)
    r *= np.outer(scale, scale)
    np.clip(r, -1.0, 1.0, out=r)
    np.fill_diagonal(r, 1.0)
    return r


def ppmi(counts: ArrayLike, n_lists: float, *, base: float = 2.0, smoothing: float = 0.0) -> Array:
    """Positive pointwise mutual information of each pair of columns.

    ``max(0, log(p_ij / (p_i p_j)))``, with p the share of lists that hold both columns, or the one. With
    smoothing k, k lists are added to each of the four cells of a pair (both, one, other, none), so
    ``p_ij = (c_ij + k) / (n + 4 k)`` and ``p_i = (s_i + 2 k) / (n + 4 k)``, which draws rare pairs to 0.

    Parameters
    ----------
    counts : (n_columns, n_columns)
        As from `cooccurrence`.
    n_lists
        Number of lists, or the sum of their weights.
    base
        Of the logarithm, more than 1: 2 for bits, `math.e` for nats.
    smoothing
        k, at least 0, in lists.

    Returns
    -------
    (n_columns, n_columns)
        At least 0. Pairs that never occur together are 0, and so is the diagonal, since a column does not
        occur together with itself.

    Raises
    ------
    DataError
        If a column occurs in no list, or the counts or an option do not suit.

    References
    ----------
    Church & Hanks (1990), Word association norms, mutual information, and lexicography. Turney & Pantel
    (2010), From frequency to meaning.
    """
    c, s = _as_counts(counts, n_lists)
    if not (np.isfinite(base) and base > 1):
        msg = f"base must be more than 1, not {base:g}; 2 gives bits."
        raise DataError(msg)
    if not (np.isfinite(smoothing) and smoothing >= 0):
        msg = f"smoothing must be 0 or more, not {smoothing:g}; it is a number of lists."
        raise DataError(msg)
    _refuse_absent(s)
    return ppmi_checked(c, n_lists, base=base, smoothing=smoothing)


def ppmi_checked(counts: Array, n_lists: float, *, base: float = 2.0, smoothing: float = 0.0) -> Array:
    """Positive pointwise mutual information, as `ppmi`, of counts that need no check, such as those of resamples.

    Parameters
    ----------
    counts : (n_columns, n_columns)
        As from `cooccurrence`, every column in a list.
    n_lists, base, smoothing
        As for `ppmi`.

    Returns
    -------
    (n_columns, n_columns)
        As from `ppmi`.
    """
    margin = np.diagonal(counts) + 2 * smoothing
    ratio = (counts + smoothing) * (n_lists + 4 * smoothing)
    ratio /= margin
    ratio /= margin[:, None]
    # What never occurs together, or less than by chance, has no information.
    np.maximum(ratio, 1.0, out=ratio)
    ratio[counts <= 0] = 1.0
    information: Array = np.log(ratio, out=ratio)
    information /= np.log(base)
    np.fill_diagonal(information, 0.0)
    return information


def association_strength(counts: ArrayLike, n_lists: float) -> Array:
    """Observed over expected co-occurrence of each pair of columns, ``n c_ij / (s_i s_j)``.

    It is the association strength ``c_ij / (s_i s_j)`` times the number of lists, so that 1 is what
    columns that have nothing to do with each other would give.

    Parameters
    ----------
    counts : (n_columns, n_columns)
        As from `cooccurrence`.
    n_lists
        Number of lists, or the sum of their weights.

    Returns
    -------
    (n_columns, n_columns)
        At least 0; the diagonal is 0.

    Raises
    ------
    DataError
        If a column occurs in no list, or the counts do not suit.

    References
    ----------
    Van Eck & Waltman (2009), How to normalize cooccurrence data?
    """
    c, s = _as_counts(counts, n_lists)
    _refuse_absent(s)
    strength: Array = n_lists * c / np.outer(s, s)
    np.fill_diagonal(strength, 0.0)
    return strength


def margin_residual(
    counts: NDArray[np.float64],
    lengths: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Standardise co-occurrence against what popularity and list lengths explain.

    The residual of columns i and j is ``(C_ij - e_ij) / sqrt(e_ij)`` with
    ``e_ij = s_i s_j q``, s how often a column occurs, and
    ``q = sum r (r - 1) / (sum r)^2`` over the list lengths r. This is the right
    null for lists of limited length, where one column leaves less room for others.

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
        If no list holds two columns: there is then no co-occurrence to compare. Or if the counts, lengths and
        weights are not finite or do not belong together.
    """
    c = as_table(counts, name="counts", min_rows=1)
    w = np.ones_like(lengths) if weights is None else weights
    if c.shape != (len(c), len(c)) or w.shape != lengths.shape or c.min() < 0:
        msg = (
            f"counts of shape {c.shape} (least {c.min():g}), {len(lengths)} lengths and {len(w)} weights do not belong "
            "together; give the counts of cooccurrence, and one length and weight for each list."
        )
        raise DataError(msg)
    if not (np.isfinite(lengths).all() and np.isfinite(w).all()):
        msg = "Lengths or weights of lists are missing or infinite; give the lists that the counts come from."
        raise DataError(msg)
    total = float(np.sum(w * lengths))
    pairs = float(np.sum(w * lengths * (lengths - 1)))
    if pairs <= 0:
        msg = "No list holds two or more columns, so nothing occurs together; longer lists are needed."
        raise DataError(msg)
    root = np.sqrt(np.diag(counts) * (np.sqrt(pairs) / total))
    scale = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
    residual: Array = counts * np.outer(scale, scale)
    residual -= np.outer(root, root)
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


def _refuse_values(row: NDArray[Any], column: NDArray[Any], value: NDArray[Any]) -> None:
    cells = [
        f"row {i} column {j} is {v:g}"
        for i, j, v in zip(row[:N_SHOWN], column[:N_SHOWN], value[:N_SHOWN], strict=True)
    ]
    msg = (
        f"lists holds {len(row)} values other than 0 and 1 (first: {', '.join(cells)}); give 1 where a list "
        "holds the column and 0 elsewhere."
    )
    raise DataError(msg)


def _as_weights(weights: ArrayLike, n_lists: int) -> Array:
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (n_lists,):
        msg = f"weights has shape {w.shape}, but there are {n_lists} lists; give one weight a list."
        raise DataError(msg)
    wrong = np.flatnonzero(~(np.isfinite(w) & (w >= 0)))
    if wrong.size:
        msg = (
            f"{wrong.size} of {n_lists} weights are negative, missing or infinite (first: list "
            f"{first(wrong)}); a weight is how often a list counts."
        )
        raise DataError(msg)
    return w


def _as_counts(counts: ArrayLike, n_lists: float) -> tuple[Array, Array]:
    """Return the counts and how often each column occurs, if both could come from so many lists."""
    c = as_table(counts, name="counts", min_rows=1)
    if c.shape[0] != c.shape[1]:
        msg = f"counts has shape {c.shape}; it must be square, as from cooccurrence."
        raise DataError(msg)
    s = np.diag(c).copy()
    most = float(c.max())
    if not (np.isfinite(n_lists) and n_lists > 0 and most <= n_lists * (1 + 1e-9) and c.min() >= 0):
        msg = (
            f"counts from {c.min():g} to {most:g} cannot come from {n_lists:g} lists; give the counts of "
            "cooccurrence and the number of lists (or the sum of their weights)."
        )
        raise DataError(msg)
    beyond = np.argwhere((c > np.minimum.outer(s, s) * (1 + 1e-9)) | ~np.isclose(c, c.T))
    if beyond.size:
        i, j = beyond[0]
        msg = (
            f"counts {c[i, j]:g} and {c[j, i]:g} of columns {i} and {j}, which occur {s[i]:g} and {s[j]:g} times, "
            "cannot be: they must be equal and no larger than either; give the counts of cooccurrence."
        )
        raise DataError(msg)
    return c, s


def _refuse_absent(occurs: Array) -> None:
    absent = np.flatnonzero(occurs <= 0)
    if absent.size:
        msg = (
            f"{absent.size} of {len(occurs)} columns occur in no list (first: column {first(absent)}); "
            "nothing is known of them, so drop them."
        )
        raise DataError(msg)
