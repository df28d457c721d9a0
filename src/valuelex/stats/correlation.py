"""Correlation matrices: forming them, mending them, and whether they are fit for factor analysis.

Arrays in, arrays out. Tetrachoric and polychoric correlations are in `valuelex.stats.tetrachoric`; the
correlations of lists (phi, PPMI) in `valuelex.stats.cooccurrence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, lapack
from scipy.stats import chi2

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_correlation, as_table, refuse_constant_columns
from valuelex.stats.flags import Flag, Weakness

EIGENVALUE_FLOOR = 1e-8
"""Below this an eigenvalue of a correlation matrix counts as not positive."""


def correlate(data: ArrayLike) -> Array:
    """Pearson correlations of the columns (phi, for columns of 0 and 1).

    Parameters
    ----------
    data : (n_rows, n_columns)
        Finite numbers, at least 2 rows, each column with some spread.

    Returns
    -------
    (n_columns, n_columns)
        From -1 to 1, with ones on the diagonal.

    Raises
    ------
    DataError
        If a value is missing or infinite, or a column is constant.
    """
    table = as_table(data)
    refuse_constant_columns(table)
    centred = table - table.mean(axis=0)
    r: Array = centred.T @ centred
    scale = 1.0 / np.sqrt(np.diag(r))
    r *= scale
    r *= scale[:, None]
    np.clip(r, -1.0, 1.0, out=r)
    np.fill_diagonal(r, 1.0)
    return r


def smooth(correlation: ArrayLike) -> tuple[Array, tuple[Flag, ...]]:
    """Make a correlation matrix positive definite by raising its lowest eigenvalues.

    Where every eigenvalue is at least 1e-12 the matrix is returned as it is. Else the eigenvalues below it
    are set to 1e-10, all are scaled to sum to p, and the diagonal is brought back to 1.

    Parameters
    ----------
    correlation : (p, p)
        A correlation matrix.

    Returns
    -------
    matrix : (p, p)
        Positive definite.
    flags
        `NOT_POSITIVE_DEFINITE` with the number of eigenvalues raised, if any was.

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix.

    References
    ----------
    As psych::cor.smooth (Revelle), after Wothke (1993), Nonpositive definite matrices in structural modeling.
    """
    r = as_correlation(correlation)
    values, vectors = eigh(r)
    low = values < 1e-12
    if not low.any():
        return r, ()
    raised = np.where(low, 1e-10, values)
    raised *= len(r) / raised.sum()
    mended = (vectors * raised) @ vectors.T
    scale = 1.0 / np.sqrt(np.diag(mended))
    mended *= np.outer(scale, scale)
    mended = (mended + mended.T) / 2
    np.fill_diagonal(mended, 1.0)
    detail = (
        f"{int(low.sum())} of {len(r)} eigenvalues were not positive (least {values[0]:.3g}); they were raised "
        f"and correlations moved by up to {np.abs(mended - r).max():.3g}"
    )
    return mended, (Flag(Weakness.NOT_POSITIVE_DEFINITE, detail),)


def inverse(correlation: Array, *, purpose: str) -> Array:
    """Invert a positive-definite correlation matrix.

    Parameters
    ----------
    correlation : (p, p)
        As checked by `as_correlation`.
    purpose
        What the inverse is for, for the message.

    Returns
    -------
    (p, p)
        Symmetric.

    Raises
    ------
    DataError
        If the matrix is not positive definite, or so close to it that the inverse means nothing.
    """
    factor, info = lapack.dpotrf(correlation, lower=1)
    if info == 0 and np.diag(factor).min() > np.sqrt(EIGENVALUE_FLOOR) / 10:
        inverted, info = lapack.dpotri(factor, lower=1)
        lower = np.tril(inverted)
        full: Array = lower + np.tril(lower, -1).T
        return full
    least = float(eigh(correlation, eigvals_only=True, subset_by_index=(0, 0))[0])
    msg = (
        f"The correlation matrix of {len(correlation)} columns has no inverse (least eigenvalue {least:.3g}), and "
        f"{purpose} needs one; drop columns that repeat others, add rows, or smooth the matrix first."
    )
    raise DataError(msg)


def squared_multiple_correlations(correlation: ArrayLike) -> Array:
    """Share of each variable's variance that the others explain, ``1 - 1 / diag(R^-1)``.

    Parameters
    ----------
    correlation : (p, p)
        Positive definite.

    Returns
    -------
    (p,)
        From 0 to 1.

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix or has no inverse.

    References
    ----------
    Guttman (1953), Image theory for the structure of quantitative variates.
    """
    r = as_correlation(correlation)
    shares: Array = 1.0 - 1.0 / np.diag(inverse(r, purpose="a squared multiple correlation"))
    return np.clip(shares, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class SamplingAdequacy:
    """Kaiser-Meyer-Olkin measure: how small partial correlations are beside the correlations."""

    overall: float
    """From 0 to 1."""
    each: NDArray[np.float64]
    """(p,), from 0 to 1."""


def kmo(correlation: ArrayLike) -> SamplingAdequacy:
    """Kaiser-Meyer-Olkin measure of sampling adequacy, for all variables and for each.

    With q the off-diagonal partial correlations, ``sum r^2 / (sum r^2 + sum q^2)``.

    Parameters
    ----------
    correlation : (p, p)
        Positive definite.

    Returns
    -------
    SamplingAdequacy
        NaN for a variable that correlates with no other.

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix or has no inverse.

    References
    ----------
    Kaiser & Rice (1974), Little Jiffy, Mark IV.
    """
    r = as_correlation(correlation)
    q = inverse(r, purpose="the Kaiser-Meyer-Olkin measure")
    scale = 1.0 / np.sqrt(np.diag(q))
    partial = q * np.outer(scale, scale)
    off = ~np.eye(len(r), dtype=bool)
    r2, q2 = np.where(off, r**2, 0.0), np.where(off, partial**2, 0.0)
    with np.errstate(invalid="ignore"):
        each = r2.sum(axis=0) / (r2.sum(axis=0) + q2.sum(axis=0))
        overall = r2.sum() / (r2.sum() + q2.sum())
    return SamplingAdequacy(float(overall), each)


@dataclass(frozen=True, slots=True)
class SphericityTest:
    """Bartlett's test that all correlations are zero."""

    chi_square: float
    degrees_of_freedom: int
    p_value: float


def bartlett_sphericity(correlation: ArrayLike, n_rows: int) -> SphericityTest:
    """Bartlett's test that the variables are uncorrelated, ``-(n - 1 - (2p + 5) / 6) log det R``.

    It holds for independent rows of normal variables. On lists or on repeated draws of one unit the
    p-value means nothing.

    Parameters
    ----------
    correlation : (p, p)
        Positive definite.
    n_rows
        Number of independent rows behind it, more than p.

    Returns
    -------
    SphericityTest

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix, has no inverse, or there are too few rows.

    References
    ----------
    Bartlett (1951), The effect of standardization on a chi-square approximation in factor analysis.
    """
    r = as_correlation(correlation)
    p = len(r)
    if not (np.isfinite(n_rows) and n_rows > p):
        msg = f"{n_rows} rows for {p} columns; Bartlett's test needs more rows than columns."
        raise DataError(msg)
    inverse(r, purpose="Bartlett's test")
    sign, log_determinant = np.linalg.slogdet(r)
    statistic = -(n_rows - 1 - (2 * p + 5) / 6) * float(sign * log_determinant)
    df = p * (p - 1) // 2
    return SphericityTest(statistic, df, float(chi2.sf(statistic, df)))
