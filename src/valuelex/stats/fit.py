"""How well a factor model reproduces a correlation matrix.

Owns the discrepancy, the residuals and all indices made of them, and factor determinacy. The figures depend on
the model's correlations only, so rotation changes none of them but determinacy.

Chi-square, its p-value, RMSEA, TLI, CFI and the information criteria assume independent rows of normal
variables. They mean nothing for lists or other ipsative rows, nor for repeated draws of one unit; there read
the residuals (`rmsr`) and the resampled intervals of `valuelex.stats.loading_intervals` instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lapack
from scipy.special import chdtr, chdtrc, chndtrinc

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_correlation, as_table
from valuelex.stats.correlation import smooth
from valuelex.stats.extraction import cholesky, log_determinant

CONFIDENCE = 0.90
"""Of the interval of RMSEA, as is usual."""
ROWS_AT_ONCE = 128
"""Rows of residuals formed together, so that no second p × p matrix is needed."""


@dataclass(frozen=True, slots=True)
class FitStatistics:
    """Fit of k factors to p variables. What needs the number of rows is NaN where that is not given."""

    objective: float
    """Discrepancy of maximum likelihood, ``log det S - log det R + trace(R S^-1) - p``, with S the correlations
    of the model and ones on its diagonal; at least 0, whatever method extracted the factors."""
    degrees_of_freedom: int
    """``p (p - 1) / 2 - p k + k (k - 1) / 2``."""
    chi_square: float
    """Objective times ``n - 1 - (2 p + 5) / 6 - 2 k / 3`` (Bartlett); NaN where that factor is not positive."""
    p_value: float
    """Of `chi_square`; NaN without degrees of freedom."""
    empirical_chi_square: float
    """n times the sum of squared residual correlations, each pair counted twice."""
    empirical_p_value: float
    """Of `empirical_chi_square`; NaN without degrees of freedom."""
    null_objective: float
    """Objective of the model in which all correlations are zero, ``-log det R``."""
    null_chi_square: float
    """`null_objective` times ``n - 1 - (2 p + 5) / 6``."""
    null_degrees_of_freedom: int
    """``p (p - 1) / 2``."""
    tli: float
    """Tucker-Lewis index; can pass 1 and fall below 0."""
    cfi: float
    """Comparative fit index, from 0 to 1."""
    rmsea: float
    """Root mean square error of approximation, at least 0: of ``chi_square / (n df) - 1 / (n - 1)``."""
    rmsea_low: float
    """Lower end of its 90 % interval."""
    rmsea_high: float
    """Upper end of its 90 % interval."""
    rmsr: float
    """Root mean square of the residual correlations."""
    corrected_rmsr: float
    """The same, divided by degrees of freedom and not by the number of pairs."""
    bic: float
    """``chi_square - df log n``."""
    sabic: float
    """``chi_square - df log((n + 2) / 24)``."""
    empirical_bic: float
    """`bic` of `empirical_chi_square`."""
    empirical_sabic: float
    """`sabic` of `empirical_chi_square`."""
    fit: float
    """Share of the sum of squares of R that the common part reproduces, diagonal included."""
    fit_off_diagonal: float
    """The same without the diagonal; NaN where every correlation is zero."""


def fit_statistics(
    correlation: ArrayLike, loadings: ArrayLike, *, n_rows: int | None = None
) -> FitStatistics:
    """Fit of a factor model to the correlations that it was extracted from.

    Parameters
    ----------
    correlation : (p, p)
        A correlation matrix. One that is not positive definite is smoothed for the discrepancy, and only there.
    loadings : (p, k)
        Unrotated, or rotated orthogonally.
    n_rows
        Number of independent rows n behind the correlations, at least 2.

    Returns
    -------
    FitStatistics

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix, the loadings do not belong to it, or n is too small.

    References
    ----------
    Bartlett (1951), The effect of standardization on a chi-square approximation. Tucker & Lewis (1973), A
    reliability coefficient for maximum likelihood factor analysis. Steiger (1990), Structural model evaluation
    and modification. Bentler (1990), Comparative fit indexes in structural models. psych::fa (Revelle) for
    the empirical chi-square and its criteria.
    """
    r = as_correlation(correlation)
    a = as_table(loadings, name="loadings")
    if len(a) != len(r):
        msg = f"loadings have {len(a)} rows for {len(r)} variables; give one row for each variable."
        raise DataError(msg)
    check_n_rows(n_rows)
    return fit_checked(r, cholesky(r), a, n_rows)


def factor_determinacy(correlation: ArrayLike, structure: ArrayLike) -> Array:
    """Squared multiple correlation of each factor with the variables, ``diag(S' R^-1 S)``.

    Parameters
    ----------
    correlation : (p, p)
        A correlation matrix.
    structure : (p, k)
        Correlations S of variables with factors, ``pattern @ phi``.

    Returns
    -------
    (k,)
        From 0 to 1 for a proper solution. NaN if the matrix is not positive definite: scores are then not defined.

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix or the structure does not belong to it.

    References
    ----------
    Grice (2001), Computing and evaluating factor scores.
    """
    r = as_correlation(correlation)
    s = as_table(structure, name="structure")
    if len(s) != len(r):
        msg = f"structure has {len(s)} rows for {len(r)} variables; give one row for each variable."
        raise DataError(msg)
    return determinacy_checked(cholesky(r), s)


def check_n_rows(n_rows: int | None) -> None:
    """Raise `DataError` for a number of rows that cannot be."""
    if n_rows is not None and not (np.isfinite(n_rows) and n_rows >= 2):
        msg = f"n_rows is {n_rows}; give the number of independent rows, at least 2, or None if it is not known."
        raise DataError(msg)


def determinacy_checked(factor: Array | None, structure: Array) -> Array:
    """`factor_determinacy` from the Cholesky factor of a checked matrix, None if it has none."""
    if factor is None:
        return np.full(structure.shape[1], np.nan)
    solved, _ = lapack.dtrtrs(factor, structure, lower=1)
    shares: Array = np.einsum("ij,ij->j", solved, solved)
    return shares


def fit_checked(r: Array, factor: Array | None, loadings: Array, n_rows: int | None) -> FitStatistics:
    """`fit_statistics` of a checked matrix with its Cholesky factor, None if it has none."""
    p, k = loadings.shape
    df, null_df = p * (p - 1) // 2 - p * k + k * (k - 1) // 2, p * (p - 1) // 2
    n = float(n_rows) if n_rows is not None else np.nan
    objective, null_objective = _discrepancies(r, factor, loadings)
    residual, residual_diagonal, total = _sums_of_squares(r, loadings)
    scale = n - 1 - (2 * p + 5) / 6 - 2 * k / 3
    chi_square = objective * scale if scale > 0 else np.nan
    null_scale = n - 1 - (2 * p + 5) / 6
    null_chi_square = null_objective * null_scale if null_scale > 0 else np.nan
    empirical = residual * n
    rmsea, low, high = _rmsea(chi_square, df, n)
    return FitStatistics(
        objective=objective,
        degrees_of_freedom=df,
        chi_square=chi_square,
        p_value=_tail(chi_square, df),
        empirical_chi_square=empirical,
        empirical_p_value=_tail(empirical, df),
        null_objective=null_objective,
        null_chi_square=null_chi_square,
        null_degrees_of_freedom=null_df,
        tli=_tli(objective, df, null_objective, null_df, scale),
        cfi=_cfi(chi_square, df, null_chi_square, null_df),
        rmsea=rmsea,
        rmsea_low=low,
        rmsea_high=high,
        rmsr=float(np.sqrt(residual / (p * (p - 1)))),
        corrected_rmsr=float(np.sqrt(residual / (2 * df))) if df > 0 else np.nan,
        bic=chi_square - df * float(np.log(n)),
        sabic=chi_square - df * float(np.log((n + 2) / 24)),
        empirical_bic=empirical - df * float(np.log(n)) if df > 0 else np.nan,
        empirical_sabic=empirical - df * float(np.log((n + 2) / 24)) if df > 0 else np.nan,
        fit=1.0 - (residual + residual_diagonal) / (total + p),
        fit_off_diagonal=1.0 - residual / total if total > 0 else np.nan,
    )


def _discrepancies(r: Array, factor: Array | None, loadings: Array) -> tuple[float, float]:
    """Objective of the model and of the model without correlations."""
    unique = 1.0 - np.einsum("ij,ij->i", loadings, loadings)
    if factor is None or unique.min() < 1e-4:
        return _discrepancies_smoothed(r, loadings)
    log_det_r = log_determinant(factor)
    # With B = Psi^-1 A and M = I + A'B: S^-1 = Psi^-1 - B M^-1 B' and det S = det Psi det M.
    b = loadings / unique[:, None]
    m = np.eye(loadings.shape[1]) + loadings.T @ b
    trace = float((1.0 / unique).sum() - np.trace(np.linalg.solve(m, b.T @ (r @ b))))
    log_det_model = float(np.log(unique).sum() + np.linalg.slogdet(m)[1])
    return max(log_det_model - log_det_r + trace - len(r), 0.0), -log_det_r


def _discrepancies_smoothed(r: Array, loadings: Array) -> tuple[float, float]:
    model = loadings @ loadings.T
    np.fill_diagonal(model, 1.0)
    size = np.abs(model).max()
    if size > 1.0:
        # Communalities beyond 1 can imply correlations beyond 1, which no smoothing of a correlation matrix takes.
        np.clip(model, -1.0, 1.0, out=model)
    model, r = smooth(model)[0], smooth(r)[0]
    log_det_model, log_det_r = (float(np.linalg.slogdet(matrix)[1]) for matrix in (model, r))
    trace = float(np.trace(np.linalg.solve(model, r)))
    return max(log_det_model - log_det_r + trace - len(r), 0.0), -log_det_r


def _sums_of_squares(r: Array, loadings: Array) -> tuple[float, float, float]:
    """Squared residuals off the diagonal and on it, and squared correlations off the diagonal."""
    off, on, total = 0.0, 0.0, 0.0
    for begin in range(0, len(r), ROWS_AT_ONCE):
        rows = slice(begin, begin + ROWS_AT_ONCE)
        residual = loadings[rows] @ loadings.T
        np.subtract(r[rows], residual, out=residual)
        diagonal = np.diagonal(residual[:, begin:])
        on += float(diagonal @ diagonal)
        np.fill_diagonal(residual[:, begin:], 0.0)
        off += float(np.vdot(residual, residual))
        total += float(np.vdot(r[rows], r[rows]))
    return off, on, max(total - float(np.square(np.diagonal(r)).sum()), 0.0)


def _tail(statistic: float, df: int) -> float:
    return float(chdtrc(df, statistic)) if df > 0 else np.nan


def _tli(objective: float, df: int, null_objective: float, null_df: int, scale: float) -> float:
    if df <= 0 or not scale > 0:
        return np.nan
    null_ratio = null_objective / null_df
    return (null_ratio - objective / df) / (null_ratio - 1.0 / scale)


def _cfi(chi_square: float, df: int, null_chi_square: float, null_df: int) -> float:
    if df <= 0 or np.isnan(chi_square):
        return np.nan
    misfit = max(chi_square - df, 0.0)
    worst = max(null_chi_square - null_df, misfit)
    return 1.0 - misfit / worst if worst > 0 else 1.0


def _rmsea(chi_square: float, df: int, n: float) -> tuple[float, float, float]:
    if df <= 0 or np.isnan(chi_square):
        return np.nan, np.nan, np.nan
    estimate = float(np.sqrt(max(chi_square / (df * n) - 1.0 / (n - 1.0), 0.0)))
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = (
        float(np.sqrt(_noncentrality(chi_square, df, share) / (df * (n - 1.0))))
        for share in (1.0 - tail, tail)
    )
    return estimate, low, high


def _noncentrality(statistic: float, df: int, share: float) -> float:
    """Noncentrality at which that share of the distribution lies below the statistic; 0 where none does."""
    if chdtr(df, statistic) <= share:
        return 0.0
    return float(chndtrinc(statistic, df, share))
