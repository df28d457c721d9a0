"""Unrotated factors of a correlation matrix: minimum residual, maximum likelihood, principal axis.

Owns the starts, the choice among ends, and what is said about improper solutions. The search itself is in
`valuelex.stats.uniquenesses`, rotation in `valuelex.stats.rotation`, fit statistics in `valuelex.stats.fit`;
`valuelex.stats.factor` joins them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, lapack

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_correlation, choose, first
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.uniquenesses import LANCZOS_ABOVE, TOLERANCE, Found, Likelihood, Residual, minimise

METHODS = ("minres", "ml", "pa")
LEAST_UNIQUENESS = 0.005
"""Lower bound of a uniqueness in the search, as in psych and factanal."""
AT_BOUND = LEAST_UNIQUENESS + 1e-9
"""At or below this a uniqueness counts as held at its bound; logarithms do not come back to it exactly."""
IMPROPER_STARTS = (0.2, 0.9)
"""Further starts, the same for every uniqueness, where the first ended at the lower bound: such matrices have
several local minima. The best end is kept."""
RESAMPLE_TOLERANCE = 1e-4
"""Largest gradient of a resample: its loadings are then right to 1e-3, far below the error of sampling."""
N_AXIS_ITERATIONS = 10
"""Principal-axis steps before the search turns to Newton steps towards the same fixed point."""
LEAST_AXIS_UNIQUENESS = -1.0
"""Where a principal-axis solution counts as running off."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """Unrotated factors."""

    loadings: NDArray[np.float64]
    """(p, k), columns in descending sum of squares, each with a sum of at least 0."""
    uniquenesses: NDArray[np.float64]
    """(p,), 1 minus the communality; not above 1, and below 0 in a Heywood case beyond the bound."""
    communalities: NDArray[np.float64]
    """(p,), sum of squared loadings; at least 0."""
    objective: float
    """What the method made least, at the uniquenesses of the search: half the sum of squared residuals, diagonal
    included ("minres", "pa"), or the discrepancy ``log det S - log det R + trace(R S^-1) - p`` ("ml")."""
    n_iterations: int
    """Steps until convergence or the limit."""
    flags: tuple[Flag, ...]
    """`HEYWOOD`, `NOT_CONVERGED`, `NOT_POSITIVE_DEFINITE` where they apply."""


def extract(correlation: ArrayLike, n_factors: int, *, method: str = "minres") -> Extraction:
    """Extract factors and leave them unrotated.

    Parameters
    ----------
    correlation : (p, p)
        A correlation matrix. One with eigenvalues at or below zero is taken as it is and flagged by "minres"
        and "pa", and refused by "ml", whose discrepancy is then not defined.
    n_factors
        Number of factors k, at least 1 and few enough that the model has no more free parameters than there are
        correlations: ``(p - k)^2 >= p + k``.
    method
        "minres": least sum of squared residual correlations; unweighted least squares has the same solution.
        "ml": maximum likelihood for normal rows. Both keep each uniqueness in [.005, 1]. "pa": principal axis,
        taken to its fixed point, which is least squares without a bound; communalities may pass 1, and the
        search stops at 2.

    Returns
    -------
    Extraction

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix, the number of factors does not suit it, or the method is "ml"
        and the matrix is not positive definite.

    References
    ----------
    Harman & Jones (1966), Factor analysis by minimizing residuals. Jöreskog (1967), Some contributions to
    maximum likelihood factor analysis.
    """
    choose(method, METHODS, name="method")
    r = as_correlation(correlation)
    check_n_factors(n_factors, len(r))
    return extract_checked(r, n_factors, method=method, factor=cholesky(r))


def extract_checked(r: Array, n_factors: int, *, method: str, factor: Array | None) -> Extraction:
    """Extract factors of a matrix that has been checked and whose Cholesky factor is at hand.

    Parameters
    ----------
    r : (p, p)
        A correlation matrix.
    n_factors
        As checked by `check_n_factors`.
    method
        One of `METHODS`.
    factor : (p, p)
        Of r, from `cholesky`; None if r is not positive definite.

    Returns
    -------
    Extraction

    Raises
    ------
    DataError
        If the method is "ml" and the matrix is not positive definite.
    """
    flags: list[Flag] = []
    if factor is None:
        flags.append(_not_positive_definite(r, method))
    log_det = log_determinant(factor)
    found = _search_from(_start(r, factor), r, n_factors, method, log_det)
    if method != "pa" and (found.bounded <= AT_BOUND).any():
        again = [
            _search_from(np.full(len(r), flat), r, n_factors, method, log_det) for flat in IMPROPER_STARTS
        ]
        found = min((found, *again), key=lambda end: (not end.converged, end.objective))
    loadings = found.loadings * np.where(found.loadings.sum(axis=0) < 0, -1.0, 1.0)
    loadings = loadings[:, np.argsort(-np.einsum("ij,ij->j", loadings, loadings), kind="stable")]
    communalities = np.einsum("ij,ij->i", loadings, loadings)
    flags += _solution_flags(found, communalities, method)
    return Extraction(
        np.ascontiguousarray(loadings),
        1.0 - communalities,
        communalities,
        found.objective,
        found.n_iterations,
        tuple(flags),
    )


@dataclass(frozen=True, slots=True)
class Refit:
    """Unrotated factors of a matrix like one already solved."""

    loadings: NDArray[np.float64]
    """(p, k), columns in no order and without a rule for their signs."""
    proper: bool
    """Whether every communality is below 1 and every uniqueness above its bound."""
    converged: bool
    """Whether the search met its tolerance."""


def refit(
    r: Array, n_factors: int, *, method: str, start: Array, tolerance: float = RESAMPLE_TOLERANCE
) -> Refit:
    """Extract factors from the correlations of a resample, starting from the solution of the whole sample.

    Parameters
    ----------
    r : (p, p)
        A correlation matrix; it may lack an inverse, whatever the method.
    n_factors
        As checked by `check_n_factors`.
    method
        One of `METHODS`.
    start : (p,)
        Uniquenesses of the whole sample.
    tolerance
        Largest component of the projected gradient at the end.

    Returns
    -------
    Refit
    """
    # The log determinant only shifts the discrepancy, so the search does without it.
    found = _search_from(start, r, n_factors, method, 0.0, tolerance)
    communalities = np.einsum("ij,ij->i", found.loadings, found.loadings)
    ran_off = bool((found.bounded <= LEAST_AXIS_UNIQUENESS).any())
    return Refit(found.loadings, not _improper(found, communalities).size, found.converged and not ran_off)


def check_n_factors(n_factors: int, n_variables: int) -> None:
    """Raise `DataError` unless this number of factors of that many variables is identified."""
    p = n_variables
    most = int(np.floor(p + 0.5 - np.sqrt(2 * p + 0.25) + 1e-9))
    if (
        not isinstance(n_factors, int | np.integer)
        or isinstance(n_factors, bool)
        or not 1 <= n_factors <= most
    ):
        detail = f"at most {most}" if most >= 1 else "none"
        msg = (
            f"{n_factors} factors cannot be extracted from {p} variables; a whole number from 1 is needed, and "
            f"{p} variables identify {detail} (the model must not have more parameters than correlations)."
        )
        raise DataError(msg)


def cholesky(r: Array) -> Array | None:
    """Lower Cholesky factor (p, p) with anything above the diagonal, or None if not positive definite."""
    factor, info = lapack.dpotrf(r.T, lower=1, clean=0)
    if info != 0 or np.diagonal(factor).min() < 1e-7:
        return None
    return factor  # type: ignore[no-any-return]


def log_determinant(factor: Array | None) -> float:
    """Log determinant from a Cholesky factor; minus infinity without one."""
    return -np.inf if factor is None else float(2.0 * np.log(np.diagonal(factor)).sum())


def _search_from(
    start: Array, r: Array, k: int, method: str, log_det: float, tolerance: float = TOLERANCE
) -> Found:
    # Eigenvalues need be no more precise than the search.
    precision = 0.0 if tolerance <= TOLERANCE else 0.01 * tolerance
    if method == "ml":
        return minimise(Likelihood(r, k, LEAST_UNIQUENESS, log_det, precision), start, tolerance)
    lower = LEAST_UNIQUENESS if method == "minres" else LEAST_AXIS_UNIQUENESS
    problem = Residual(r, k, lower, precision)
    return minimise(problem, _principal_axis_steps(problem, start) if method == "pa" else start, tolerance)


def _principal_axis_steps(problem: Residual, start: Array) -> Array:
    psi = start
    for _ in range(N_AXIS_ITERATIONS):
        point = problem.at(psi)
        psi = psi - point.gradient
    return psi


def _start(r: Array, factor: Array | None) -> Array:
    p = len(r)
    if factor is None or p > LANCZOS_ABOVE:
        return np.full(p, 0.5)
    inverse, _ = lapack.dpotri(factor, lower=1)
    return 1.0 / np.diagonal(inverse)


def _not_positive_definite(r: Array, method: str) -> Flag:
    least = float(eigh(r, eigvals_only=True, subset_by_index=(0, 0), check_finite=False)[0])
    if method == "ml":
        msg = (
            f"The correlation matrix of {len(r)} columns is not positive definite (least eigenvalue {least:.3g}), "
            "so maximum likelihood is not defined; smooth the matrix first, or extract by minres."
        )
        raise DataError(msg)
    return Flag(
        Weakness.NOT_POSITIVE_DEFINITE,
        f"least eigenvalue of the correlations of {len(r)} columns is {least:.3g}; they were used as they are",
    )


def _improper(found: Found, communalities: Array) -> NDArray[np.int64]:
    return np.flatnonzero((found.bounded <= AT_BOUND) | (communalities >= 1.0 - 1e-9))


def _solution_flags(found: Found, communalities: Array, method: str) -> list[Flag]:
    flags = []
    improper = _improper(found, communalities)
    if improper.size:
        detail = (
            f"{improper.size} of {len(communalities)} columns have no unique variance left (first: column "
            f"{first(improper)}; largest communality {communalities.max():.4g}); extract fewer factors, or drop "
            "columns that repeat others"
        )
        flags.append(Flag(Weakness.HEYWOOD, detail))
    ran_off = method == "pa" and bool((found.bounded <= LEAST_AXIS_UNIQUENESS).any())
    if not found.converged or ran_off:
        detail = f"{method} stopped after {found.n_iterations} steps with " + (
            "a communality of 2 and no fixed point" if ran_off else f"a gradient of {found.worst:.2g}"
        )
        flags.append(Flag(Weakness.NOT_CONVERGED, detail))
    return flags
