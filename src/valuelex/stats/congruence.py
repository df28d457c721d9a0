"""How alike two sets of factors are, and bringing one into the order and signs of the other.

Factors have no order and no sign of their own; nothing about them can be compared before they are aligned.
All functions take a single loading matrix or a stack of replicates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import svd
from scipy.optimize import linear_sum_assignment

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_table


def congruence(loadings: ArrayLike, reference: ArrayLike) -> Array:
    """Tucker's congruence of each factor with each factor of a reference.

    ``sum(x y) / sqrt(sum(x^2) sum(y^2))``: a correlation without centring.

    Parameters
    ----------
    loadings : (..., p, k)
        One loading matrix, or a stack of them.
    reference : (p, m)
        The matrix to compare with.

    Returns
    -------
    (..., k, m)
        From -1 to 1; 0 where a factor has no loading at all.

    Raises
    ------
    DataError
        If the numbers of rows differ or a loading is not finite.

    References
    ----------
    Tucker (1951), A method for synthesis of factor analysis studies.
    """
    x, y = _pair(loadings, reference)
    products = np.swapaxes(x, -1, -2) @ y
    norms = np.linalg.norm(x, axis=-2)[..., :, None] * np.linalg.norm(y, axis=-2)
    result: Array = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    return result


@dataclass(frozen=True, slots=True)
class Alignment:
    """Factors brought into the order and signs of a reference; a stack of replicates has a leading axis."""

    loadings: NDArray[np.float64]
    """(..., p, k) in the columns of the reference."""
    congruence: NDArray[np.float64]
    """(..., k) of each column with that of the reference, after alignment."""
    order: NDArray[np.int64]
    """(..., k) which of the given factors stands in each column now."""
    signs: NDArray[np.float64]
    """(..., k) -1 where that factor was reflected, else 1."""

    def factor_correlations(self, phi: NDArray[np.float64]) -> Array:
        """Bring the factor correlations (..., k, k) into the same order and signs."""
        rows = np.take_along_axis(phi, self.order[..., :, None], axis=-2)
        both = np.take_along_axis(rows, self.order[..., None, :], axis=-1)
        aligned: Array = both * self.signs[..., :, None] * self.signs[..., None, :]
        return aligned


def align_loadings(loadings: ArrayLike, reference: ArrayLike) -> Alignment:
    """Match factors to those of a reference and reflect them, so that total congruence is largest.

    Parameters
    ----------
    loadings : (..., p, k)
        One loading matrix, or a stack of replicates.
    reference : (p, k)
        The matrix whose order and signs are wanted.

    Returns
    -------
    Alignment

    Raises
    ------
    DataError
        If the shapes differ or a loading is not finite.

    References
    ----------
    Kuhn (1955), The Hungarian method for the assignment problem.
    """
    x, y = _pair(loadings, reference)
    if x.shape[-1] != y.shape[-1]:
        msg = f"{x.shape[-1]} factors cannot be matched to {y.shape[-1]}; extract the same number of both."
        raise DataError(msg)
    between = congruence(x, y)
    stacked = between.reshape(-1, *between.shape[-2:])
    order = np.empty(stacked.shape[:2], dtype=np.int64)
    for i, table in enumerate(stacked):
        rows, columns = linear_sum_assignment(-np.abs(table))
        order[i, columns] = rows
    order = order.reshape(between.shape[:-1])
    matched = np.take_along_axis(between, order[..., None, :], axis=-2)[..., 0, :]
    signs = np.where(matched < 0, -1.0, 1.0)
    aligned = np.take_along_axis(x, order[..., None, :], axis=-1) * signs[..., None, :]
    return Alignment(aligned, np.abs(matched), order, signs)


def match_columns(between: ArrayLike) -> NDArray[np.int64]:
    """Pair each factor with one of a reference, no reference twice, so that total congruence is largest.

    Signs count: a factor is not matched to what it is the opposite of if another can be.

    Parameters
    ----------
    between : (k, m)
        Congruence of each factor with each of the reference, as from `congruence`.

    Returns
    -------
    (k,)
        Column of the reference for each factor; -1 where there are fewer columns than factors and none is left.

    Raises
    ------
    DataError
        If it is not a table of finite numbers.

    References
    ----------
    Kuhn (1955), The Hungarian method for the assignment problem.
    """
    table = as_table(between, name="congruence", min_rows=1)
    rows, columns = linear_sum_assignment(-table)
    matched = np.full(len(table), -1, dtype=np.int64)
    matched[rows] = columns
    return matched


def procrustes(loadings: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    """Rotate orthogonally to least squared distance from a target.

    With ``A' B = U S V'``, the rotation is ``T = U V'`` and the rotated loadings are ``A T``.

    Parameters
    ----------
    loadings : (p, k)
        Unrotated or orthogonally rotated loadings.
    target : (p, k)
        Finite in every cell; for a partly known target see `valuelex.stats.rotation`.

    Returns
    -------
    rotated : (p, k)
    rotation : (k, k)
        Orthogonal.

    Raises
    ------
    DataError
        If the shapes differ or a cell is not finite.

    References
    ----------
    Schönemann (1966), A generalized solution of the orthogonal Procrustes problem.
    """
    a, b = _pair(loadings, target)
    if a.shape != b.shape:
        msg = f"loadings have shape {a.shape} and the target {b.shape}; they must be equal."
        raise DataError(msg)
    u, _, vt = svd(a.T @ b)
    rotation: Array = u @ vt
    return a @ rotation, rotation


def _pair(loadings: ArrayLike, reference: ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(loadings, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if x.ndim < 2 or y.ndim != 2 or x.shape[-2] != y.shape[-2]:
        msg = (
            f"Loadings of shape {x.shape} cannot be compared with a reference of shape {y.shape}; "
            "both need one row for each of the same variables."
        )
        raise DataError(msg)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        msg = "Loadings hold missing or infinite values; leave those variables out of both."
        raise DataError(msg)
    return x, y
