"""Rules for the number of factors that read eigenvalues, partial correlations or the fit of solutions.

Owns Kaiser's rule, the scree rules, Velicer's MAP, the empirical Kaiser criterion and Hull. Parallel analysis
is in `valuelex.stats.parallel_analysis`, the rule for lists in `valuelex.stats.block_model`, and all of them
side by side in `valuelex.stats.retention_table`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_correlation, choose
from valuelex.stats.correlation import inverse, kmo
from valuelex.stats.extraction import check_n_factors, extract
from valuelex.stats.flags import Flag, Weakness

FIT_INDICES = ("caf", "cfi")
"""Names of the fit indices of `hull`."""


@dataclass(frozen=True, slots=True)
class Scree:
    """What the curve of eigenvalues suggests."""

    eigenvalues: NDArray[np.float64]
    """(p,), of the correlation matrix, descending."""
    n_kaiser: int
    """Eigenvalues above 1."""
    acceleration: NDArray[np.float64]
    """(p,), second difference around each eigenvalue; NaN at both ends."""
    n_acceleration: int
    """Eigenvalues before the sharpest bend, looked for among those whose predecessor is at least 1."""
    coordinates: NDArray[np.float64]
    """(p,), what the line through the next eigenvalue and the last one predicts for each; NaN for the last two."""
    n_coordinates: int
    """Eigenvalues, from the first on, that are at least 1 and at least their predicted coordinate."""


def scree(correlation: ArrayLike) -> Scree:
    """Kaiser's rule, the acceleration factor and the optimal coordinates.

    Kaiser's rule is here for reference only: it keeps too many factors where there are many variables.

    Parameters
    ----------
    correlation : (p, p)
        A correlation matrix of at least 3 variables; it need not be positive definite.

    Returns
    -------
    Scree

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix.

    References
    ----------
    Kaiser (1960), The application of electronic computers to factor analysis. Raîche et al. (2013),
    Non-graphical solutions for Cattell's scree test.
    """
    values = _eigenvalues(as_correlation(correlation, min_size=3))
    p = len(values)
    acceleration = np.full(p, np.nan)
    acceleration[1:-1] = values[2:] - 2 * values[1:-1] + values[:-2]
    # Rounding must not decide what an eigenvalue of exactly 1 is.
    at_least_one = values >= 1.0 - 1e-9
    bends = np.where(at_least_one[:-2], acceleration[1:-1], -np.inf)
    steps = p - 1 - np.arange(1, p - 1)
    coordinates = np.full(p, np.nan)
    coordinates[:-2] = values[1:-1] + (values[1:-1] - values[-1]) / steps
    keeps = at_least_one[:-2] & (values[:-2] >= coordinates[:-2] - 1e-9)
    return Scree(
        eigenvalues=values,
        n_kaiser=int((values > 1.0 + 1e-9).sum()),
        acceleration=acceleration,
        n_acceleration=int(bends.argmax()) + 1,
        coordinates=coordinates,
        n_coordinates=_leading(keeps),
    )


@dataclass(frozen=True, slots=True)
class PartialCorrelations:
    """Velicer's minimum average partial: partial correlations once m components are taken out."""

    squared: NDArray[np.float64]
    """(m + 1,), mean squared partial correlation with 0, 1, ... components out, from 0 to 1. NaN from where a
    variable is fully explained."""
    fourth_power: NDArray[np.float64]
    """(m + 1,), mean fourth power of the same."""
    n_squared: int
    """Number of components with the least mean square."""
    n_fourth_power: int
    """Number of components with the least mean fourth power (the revised rule)."""


def minimum_average_partial(
    correlation: ArrayLike, *, max_components: int | None = None
) -> PartialCorrelations:
    """Velicer's MAP: take out components as long as the partial correlations shrink.

    Parameters
    ----------
    correlation : (p, p)
        A positive definite correlation matrix of at least 3 variables.
    max_components
        How many components are taken out at most, from 1 to p - 1. Default p - 1.

    Returns
    -------
    PartialCorrelations

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix or has no inverse, or `max_components` is out of range.

    References
    ----------
    Velicer (1976), Determining the number of components from the matrix of partial correlations. Velicer,
    Eaton & Fava (2000), Construct explication through factor or component analysis, for the fourth power.
    """
    r = as_correlation(correlation, min_size=3)
    p = len(r)
    most = p - 1 if max_components is None else max_components
    if not 1 <= most <= p - 1:
        msg = f"max_components is {most}; {p} variables allow 1 to {p - 1}."
        raise DataError(msg)
    inverse(r, purpose="Velicer's MAP")
    values, vectors = eigh(r)
    squared, fourth = np.full(most + 1, np.nan), np.full(most + 1, np.nan)
    rest = r.copy()
    for m in range(most + 1):
        if m:
            component = vectors[:, -m]
            rest -= values[-m] * np.outer(component, component)
        left = np.diag(rest).copy()
        if left.min() < 1e-10:
            break
        squares = np.square(rest)
        squares /= np.outer(left, left)
        np.fill_diagonal(squares, 0.0)
        squared[m] = squares.sum() / (p * (p - 1))
        fourth[m] = float(squares.ravel() @ squares.ravel()) / (p * (p - 1))
    return PartialCorrelations(squared, fourth, _least(squared), _least(fourth))


@dataclass(frozen=True, slots=True)
class EmpiricalKaiser:
    """Eigenvalues against the largest that sampling would give after those before them."""

    eigenvalues: NDArray[np.float64]
    """(p,), descending."""
    reference: NDArray[np.float64]
    """(p,), at least 1."""
    n_factors: int
    """Eigenvalues before the first that is not above its reference."""


def empirical_kaiser(correlation: ArrayLike, n_rows: int) -> EmpiricalKaiser:
    """Empirical Kaiser criterion.

    The reference of eigenvalue j is ``max(1, (1 + sqrt(p / n))^2 (p - sum of those before) / (p - j + 1))``.

    Parameters
    ----------
    correlation : (p, p)
        A correlation matrix; it need not be positive definite.
    n_rows
        Number of independent rows behind it, at least 3.

    Returns
    -------
    EmpiricalKaiser

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix or there are too few rows.

    References
    ----------
    Braeken & van Assen (2017), An empirical Kaiser criterion.
    """
    values = _eigenvalues(as_correlation(correlation))
    p = len(values)
    if not (np.isfinite(n_rows) and n_rows >= 3):
        msg = f"n_rows is {n_rows}; the empirical Kaiser criterion needs at least 3 independent rows."
        raise DataError(msg)
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    reference = np.maximum((1 + np.sqrt(p / n_rows)) ** 2 * (p - before) / (p - np.arange(p)), 1.0)
    return EmpiricalKaiser(values, reference, _leading(values > reference + 1e-9))


@dataclass(frozen=True, slots=True)
class Hull:
    """Fit against degrees of freedom of solutions of 0, 1, ... factors, and where their hull bends."""

    index: str
    """Which fit, one of `FIT_INDICES`."""
    fit: NDArray[np.float64]
    """(m + 1,), "cfi": at most slightly above 1; "caf": from 0 to 1."""
    degrees_of_freedom: NDArray[np.int64]
    """(m + 1,), falling."""
    on_hull: NDArray[np.bool_]
    """(m + 1,), whether the solution lies on the upper hull."""
    bend: NDArray[np.float64]
    """(m + 1,), how much faster fit rises before the solution than after it; NaN off the hull and at its ends."""
    n_factors: int | None
    """Number of factors at the sharpest bend, from 1 to m - 1. Where the hull has no inner point, the solution
    whose fit no later one reaches; None if that is the first or the last."""
    flags: tuple[Flag, ...]
    """Those of the extractions, one of each kind, with the numbers of factors; `NOT_POSITIVE_DEFINITE` where
    the residuals of a solution have no inverse, from which on no solution is used."""


def hull(correlation: ArrayLike, *, max_factors: int, index: str = "caf", n_rows: int | None = None) -> Hull:
    """Hull method: the number of factors after which fit stops rising quickly.

    Parameters
    ----------
    correlation : (p, p)
        A positive definite correlation matrix.
    max_factors
        Most factors that are fitted, at least 2; the authors take one more than parallel analysis suggests.
        The result is less than this.
    index
        "caf": common part accounted for, 1 minus the Kaiser-Meyer-Olkin measure of the residual correlations of
        a minres solution (with ones on the diagonal); it needs neither normal data nor the number of rows.
        "cfi": comparative fit of the maximum-likelihood solution, ``1 - (chi2 - df) / (chi2_0 - df_0)`` with
        ``chi2 = (n - 1) F``. It is not cut off at 1, which would take points off the hull.
    n_rows
        Number of independent rows, more than p; needed for "cfi" only.

    Returns
    -------
    Hull

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix or has no inverse, so many factors are not identified, or
        `n_rows` is missing or too small.

    References
    ----------
    Lorenzo-Seva, Timmerman & Kiers (2011), The Hull method for selecting the number of common factors. McDonald
    & Marsh (1990), Choosing a multivariate model, for the index that is not cut off.
    """
    choose(index, FIT_INDICES, name="index")
    r = as_correlation(correlation, min_size=3)
    p = len(r)
    if max_factors < 2:
        msg = f"max_factors is {max_factors}; a hull needs at least 2, so that one solution lies between two."
        raise DataError(msg)
    check_n_factors(max_factors, p)
    inverse(r, purpose="the Hull method")
    k = np.arange(max_factors + 1)
    df = ((p - k) ** 2 - (p + k)) // 2
    if index == "caf":
        fit, flags = _common_parts(r, max_factors)
    else:
        if n_rows is None or not (np.isfinite(n_rows) and n_rows > p):
            msg = f"n_rows is {n_rows} for {p} columns; comparative fit needs more rows than columns."
            raise DataError(msg)
        fit, flags = _comparative_fits(r, df, n_rows)
    on_hull, bend = _upper_hull(fit, df)
    return Hull(index, fit, df.astype(np.int64), on_hull, bend, _sharpest(on_hull, bend), flags)


def _eigenvalues(r: Array) -> Array:
    values: Array = eigh(r, eigvals_only=True)
    return values[::-1].copy()


def _leading(holds: NDArray[np.bool_]) -> int:
    """How many hold before the first that does not."""
    fails = np.flatnonzero(~holds)
    return int(fails[0]) if fails.size else len(holds)


def _least(curve: Array) -> int:
    """Place of the least value, the earliest of those that rounding cannot tell apart."""
    return int(np.flatnonzero(curve <= np.nanmin(curve) + 1e-12)[0])


def _common_parts(r: Array, max_factors: int) -> tuple[Array, tuple[Flag, ...]]:
    fit = np.full(max_factors + 1, np.nan)
    fit[0] = _common_part(r)
    noted: dict[Weakness, list[int]] = {}
    for n in range(1, max_factors + 1):
        solution = extract(r, n)
        for flag in solution.flags:
            noted.setdefault(flag.weakness, []).append(n)
        residual = r - solution.loadings @ solution.loadings.T
        np.fill_diagonal(residual, 1.0)
        try:
            fit[n] = _common_part(residual)
        except DataError:
            noted.setdefault(Weakness.NOT_POSITIVE_DEFINITE, []).append(n)
            break
    return fit, _solution_flags(noted)


def _common_part(r: Array) -> float:
    overall = kmo(r).overall
    # Without any correlation there is nothing in common to account for.
    return 1.0 if np.isnan(overall) else 1.0 - overall


def _comparative_fits(r: Array, df: NDArray[np.int64], n_rows: int) -> tuple[Array, tuple[Flag, ...]]:
    objective = np.empty(len(df))
    objective[0] = -float(np.linalg.slogdet(r)[1])
    noted: dict[Weakness, list[int]] = {}
    for n in range(1, len(df)):
        solution = extract(r, n, method="ml")
        objective[n] = solution.objective
        for flag in solution.flags:
            noted.setdefault(flag.weakness, []).append(n)
    beyond = (n_rows - 1) * objective - df
    if beyond[0] <= 0:
        # Even no factor fits perfectly, so no solution can be better.
        return np.ones(len(df)), _solution_flags(noted)
    fit: Array = 1.0 - beyond / beyond[0]
    return fit, _solution_flags(noted)


def _solution_flags(noted: dict[Weakness, list[int]]) -> tuple[Flag, ...]:
    return tuple(
        Flag(weakness, f"in the solution of {', '.join(map(str, numbers))} factors")
        for weakness, numbers in noted.items()
    )


def _upper_hull(fit: Array, df: NDArray[np.int64]) -> tuple[NDArray[np.bool_], Array]:
    """Solutions on the upper hull of fit over free parameters, and the bend at each inner one."""
    kept: list[int] = []
    for n in np.flatnonzero(np.isfinite(fit)):
        if not kept or fit[n] > fit[kept].max():
            kept.append(int(n))
    i = 1
    while i < len(kept) - 1:
        before, after = _slopes(fit, df, kept[i - 1 : i + 2])
        if before <= after:
            del kept[i]
            i = max(i - 1, 1)
        else:
            i += 1
    on_hull = np.zeros(len(fit), dtype=bool)
    on_hull[kept] = True
    bend = np.full(len(fit), np.nan)
    for i in range(1, len(kept) - 1):
        before, after = _slopes(fit, df, kept[i - 1 : i + 2])
        bend[kept[i]] = before / after
    return on_hull, bend


def _sharpest(on_hull: NDArray[np.bool_], bend: Array) -> int | None:
    if np.isfinite(bend).any():
        return int(np.nanargmax(bend))
    last = int(np.flatnonzero(on_hull)[-1])
    return last if 0 < last < len(bend) - 1 else None


def _slopes(fit: Array, df: NDArray[np.int64], triple: list[int]) -> tuple[float, float]:
    a, b, c = triple
    return float((fit[b] - fit[a]) / (df[a] - df[b])), float((fit[c] - fit[b]) / (df[b] - df[c]))
