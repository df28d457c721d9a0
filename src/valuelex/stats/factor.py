"""Exploratory factor analysis: extraction, rotation and fit in one result.

Owns the order and signs of the reported factors and the description of a solution. The pieces are in
`valuelex.stats.extraction`, `valuelex.stats.rotation` and `valuelex.stats.fit`; how far loadings can be trusted
is in `valuelex.stats.loading_intervals`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.stats.checks import Array, as_correlation, as_table, choose, refuse_wide
from valuelex.stats.correlation import correlate
from valuelex.stats.extraction import METHODS, check_n_factors, cholesky, extract_checked
from valuelex.stats.fit import FitStatistics, check_n_rows, determinacy_checked, fit_checked
from valuelex.stats.flags import Flag
from valuelex.stats.rotation import CRITERIA, Optimum, rotate

NORMALISED = ("varimax", "promax")
"""Rotations that weight all variables alike by default (Kaiser), as R and psych do."""


@dataclass(frozen=True, slots=True)
class FactorSolution:
    """k factors of p variables, in descending order of `sums_of_squares`, each with a positive sum of loadings.

    After a bifactor or target rotation the order is that of the rotation.
    """

    pattern: NDArray[np.float64]
    """(p, k), loadings: weights of the factors in each variable; beyond 1 is possible if factors correlate."""
    structure: NDArray[np.float64]
    """(p, k), correlations of variables with factors, ``pattern @ phi``."""
    phi: NDArray[np.float64]
    """(k, k), correlations of the factors; the identity after no or an orthogonal rotation."""
    transformation: NDArray[np.float64]
    """(k, k), T: the pattern is ``unrotated @ inverse(T).T``, phi is ``T.T @ T``."""
    unrotated: NDArray[np.float64]
    """(p, k), as extracted."""
    communalities: NDArray[np.float64]
    """(p,), ``diag(pattern phi pattern')``, from 0; 1 and more is a Heywood case."""
    uniquenesses: NDArray[np.float64]
    """(p,), 1 minus the communalities."""
    sums_of_squares: NDArray[np.float64]
    """(k,), variance that goes with each factor, ``diag(phi pattern' pattern)``; sums to that of communalities."""
    variance_shares: NDArray[np.float64]
    """(k,), the same as shares of the variance of all p variables."""
    complexity: NDArray[np.float64]
    """(p,), factors that a variable loads on (Hofmann): ``(sum l^2)^2 / sum l^4`` of its pattern, from 1 to k;
    NaN for a variable without loadings."""
    determinacy: NDArray[np.float64]
    """(k,), squared multiple correlation of each factor with the variables, from 0 to 1; NaN if the
    correlations have no inverse."""
    fit: FitStatistics
    """Of the model to the correlations."""
    optima: tuple[Optimum, ...]
    """Optima that the starts of the rotation ended at, best first; see `valuelex.stats.rotation`."""
    flags: tuple[Flag, ...]
    """Weaknesses of the extraction and of the rotation."""


def efa(
    correlation: ArrayLike,
    n_factors: int,
    *,
    n_rows: int | None = None,
    method: str = "minres",
    rotation: str = "oblimin",
    normalise: bool | None = None,
    n_starts: int = 1,
    rng: np.random.Generator | None = None,
) -> FactorSolution:
    """Exploratory factor analysis of a correlation matrix.

    Parameters
    ----------
    correlation : (p, p)
        Of any kind: Pearson, phi, tetrachoric. One that is not positive definite is flagged, and refused by "ml".
    n_factors
        Number of factors k, as for `valuelex.stats.extraction.extract`.
    n_rows
        Number of independent rows behind the correlations. Without it the fit statistics that need it are NaN.
        Leave it out for lists and for repeated draws, where they would mean nothing.
    method
        "minres", "ml" or "pa".
    rotation
        A criterion of `valuelex.stats.rotation` that needs no target: "none", "varimax", "oblimin", ...
    normalise
        Kaiser normalisation. By default for "varimax" and "promax" only, as in psych.
    n_starts
        Starts of the rotation; more than one needs `rng`.
    rng
        Source of the random starts.

    Returns
    -------
    FactorSolution

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix, the number of factors does not suit it, or an option is unknown.

    References
    ----------
    Order, signs, sums of squares and defaults follow psych::fa (Revelle). Hofmann (1978), Complexity and
    simplicity as objective indices descriptive of factor solutions.
    """
    _check_options(method, rotation)
    r = as_correlation(correlation)
    return _solve(r, n_factors, n_rows, method, rotation, normalise, n_starts, rng)


def efa_of_data(
    data: ArrayLike,
    n_factors: int,
    *,
    method: str = "minres",
    rotation: str = "oblimin",
    normalise: bool | None = None,
    n_starts: int = 1,
    rng: np.random.Generator | None = None,
) -> FactorSolution:
    """Exploratory factor analysis of the Pearson correlations of the columns of a table.

    Parameters
    ----------
    data : (n_rows, p)
        Finite numbers, more rows than columns, no constant column. The rows count as independent in the fit
        statistics; for lists and for repeated draws correlate first and call `efa` without `n_rows`.
    n_factors, method, rotation, normalise, n_starts, rng
        As for `efa`.

    Returns
    -------
    FactorSolution

    Raises
    ------
    DataError
        If a value is missing or infinite, a column is constant, there are not more rows than columns, or an
        option does not fit.
    """
    _check_options(method, rotation)
    table = as_table(data)
    refuse_wide(table)
    return _solve(correlate(table), n_factors, len(table), method, rotation, normalise, n_starts, rng)


def _check_options(method: str, rotation: str) -> None:
    choose(method, METHODS, name="method")
    choose(rotation, [c for c in CRITERIA if not c.startswith("target")], name="rotation")


def _solve(
    r: Array,
    n_factors: int,
    n_rows: int | None,
    method: str,
    rotation: str,
    normalise: bool | None,
    n_starts: int,
    rng: np.random.Generator | None,
) -> FactorSolution:
    check_n_factors(n_factors, len(r))
    check_n_rows(n_rows)
    factor = cholesky(r)
    extraction = extract_checked(r, n_factors, method=method, factor=factor)
    turned = rotate(
        extraction.loadings,
        rotation,
        n_starts=n_starts,
        rng=rng,
        normalise=rotation in NORMALISED if normalise is None else normalise,
    )
    pattern, phi, transformation = turned.pattern, turned.phi, turned.transformation
    variance = np.einsum("ij,ij->j", pattern, pattern @ phi)
    if not rotation.startswith("bifactor"):
        order = np.argsort(-variance, kind="stable")
        pattern, phi, transformation = pattern[:, order], phi[np.ix_(order, order)], transformation[:, order]
        variance = variance[order]
    structure = pattern @ phi
    squares = np.square(pattern)
    total, quartic = squares.sum(axis=1), np.square(squares).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        complexity = np.square(total) / quartic
    return FactorSolution(
        pattern=pattern,
        structure=structure,
        phi=phi,
        transformation=transformation,
        unrotated=extraction.loadings,
        communalities=extraction.communalities,
        uniquenesses=extraction.uniquenesses,
        sums_of_squares=variance,
        variance_shares=variance / len(r),
        complexity=complexity,
        determinacy=determinacy_checked(factor, structure),
        fit=fit_checked(r, factor, extraction.loadings, n_rows),
        optima=turned.optima,
        flags=extraction.flags + turned.flags,
    )
