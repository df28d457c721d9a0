"""How far loadings can be trusted: bootstrap over independent units.

Owns the resamples, the alignment of each to the solution of the whole sample, and the intervals. Whole units
are drawn, never rows of one unit apart. All resamples are rotated together. What is correlated is the caller's:
a table of rows (`bootstrap_loadings`), or any correlations that follow from how often each unit counts
(`bootstrap_factors`), as those of lists in `valuelex.stats.associations`.

Intervals are the estimate plus and minus bootstrap standard errors, with the quantile of Student's t for the number
of units. In the coverage study, `benchmarks/coverage_loadings.py`, they came nearer to their level than percentile
intervals, which are too short with few units and off centre for factor correlations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_count, as_groups, as_table, first, refuse_wide
from valuelex.stats.correlation import correlate
from valuelex.stats.factor import FactorSolution, efa
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.resampled_factors import Drawn, Options, Turned, extract_all

UnitCorrelations = Callable[[Array], Array]
"""From how often each independent unit counts, (n_units,), to correlations (p, p). The rows and columns of a
variable that has no spread in those units are NaN."""
ENOUGH_UNITS = 20
"""Below this many independent units bootstrap standard errors are too uncertain, and the result says so."""
NEAR_ONE = 0.995
"""Correlations and communalities are cut here before the inverse hyperbolic tangent."""
LARGEST_STACK = 25_000_000
"""Most numbers kept for the cross-products of each unit (200 MB)."""


@dataclass(frozen=True, slots=True)
class LoadingIntervals:
    """A factor solution of the whole sample, with intervals from B resamples that could be used."""

    solution: FactorSolution
    """Of the whole sample; without sample-size-based fit if rows were grouped."""
    pattern_low: NDArray[np.float64]
    """(p, k) lower ends of the intervals of the pattern."""
    pattern_high: NDArray[np.float64]
    """(p, k) upper ends."""
    pattern_error: NDArray[np.float64]
    """(p, k) standard errors: standard deviations over resamples."""
    phi_low: NDArray[np.float64]
    """(k, k) lower ends for the factor correlations; 1 on the diagonal."""
    phi_high: NDArray[np.float64]
    """(k, k) upper ends."""
    communality_low: NDArray[np.float64]
    """(p,) lower ends for the communalities, from 0."""
    communality_high: NDArray[np.float64]
    """(p,) upper ends."""
    patterns: NDArray[np.float64]
    """(B, p, k) pattern of each resample, its factors in the order and signs of the solution; NaN where a variable
    had no spread in the resample."""
    phis: NDArray[np.float64]
    """(B, k, k) factor correlations of each resample."""
    congruence: NDArray[np.float64]
    """(B, k) Tucker's congruence of each factor of each resample with that of the whole sample, 0 to 1."""
    heywood_share: float
    """Share of the resamples in which a communality reached 1."""
    not_converged_share: float
    """Share of the resamples in which the extraction or the rotation did not converge."""
    n_units: int
    """Independent units that were drawn from."""
    flags: tuple[Flag, ...]
    """Those of the solution; `FEW_UNITS`, `LEFT_OUT`, and `HEYWOOD` and `NOT_CONVERGED` with their shares."""


def bootstrap_loadings(
    data: ArrayLike,
    n_factors: int,
    *,
    rng: np.random.Generator,
    groups: ArrayLike | None = None,
    n_resamples: int = 1000,
    method: str = "minres",
    rotation: str = "oblimin",
    normalise: bool | None = None,
    n_starts: int = 1,
    level: float = 0.95,
) -> LoadingIntervals:
    """Bootstrap intervals of loadings, factor correlations and communalities.

    With s the standard deviation over resamples and t the quantile of Student's t with one degree of freedom less
    than there are units, an interval is ``estimate ± t s``; for factor correlations and communalities on the
    scale of the inverse hyperbolic tangent, so that it stays within their range.

    Each resample draws as many units as there are, with replacement. Its correlations are factored from the
    uniquenesses of the whole sample, and rotated from the transformation of the whole sample; then its factors
    are matched to those of the whole sample in order and sign.

    Parameters
    ----------
    data : (n_rows, p)
        Finite numbers, more rows than columns, no constant column.
    n_factors
        Number of factors k.
    rng
        Source of the resamples and of random starts.
    groups : (n_rows,)
        Which independent unit each row belongs to. By default each row is a unit.
    n_resamples
        At least 2; 200 serve for standard errors, 1000 for intervals to print.
    method, rotation, normalise
        As for `valuelex.stats.factor.efa`.
    n_starts
        Starts of the rotation, for the whole sample and each resample; the first is the one named above. With
        more than one, intervals also contain the switching between optima.
    level
        Share of samples whose interval should hold the truth, between 0 and 1.

    Returns
    -------
    LoadingIntervals

    Raises
    ------
    DataError
        If the data or an option does not fit, or no resample keeps spread in every column.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap. Zhang, Preacher & Luo (2010), Bootstrap
    confidence intervals for ordinary least squares factor loadings and correlations.
    """
    _check_numbers(n_resamples, level)
    table = as_table(data)
    refuse_wide(table)
    r = correlate(table)
    units = None if groups is None else as_groups(groups, len(table))
    solution = efa(
        r,
        n_factors,
        n_rows=len(table) if units is None else None,
        method=method,
        rotation=rotation,
        normalise=normalise,
        n_starts=n_starts,
        rng=rng,
    )
    unit_numbers = np.arange(len(table)) if units is None else units
    n_units = int(unit_numbers.max()) + 1
    sampled = _Resampler(table, unit_numbers, n_units)
    options = Options(method, rotation, normalise, n_starts, level)
    return _intervals(solution, sampled.correlations, n_units, n_resamples, options, rng)


def bootstrap_factors(
    correlations: UnitCorrelations,
    n_units: int,
    n_factors: int,
    *,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    method: str = "minres",
    rotation: str = "oblimin",
    normalise: bool | None = None,
    n_starts: int = 1,
    level: float = 0.95,
) -> LoadingIntervals:
    """Bootstrap intervals as those of `bootstrap_loadings`, for correlations of any kind.

    A variable that has no spread in a resample says nothing there: it is left out of that resample, which has
    intervals for the others.

    Parameters
    ----------
    correlations
        Every variable must have spread where each unit counts once.
    n_units
        Number of independent units, at least 2.
    n_factors, rng, n_resamples, method, rotation, normalise, level
        As for `bootstrap_loadings`.
    n_starts
        Starts of the rotation of the whole sample. Resamples start from its result alone.

    Returns
    -------
    LoadingIntervals
        `SPARSE_CELLS` where variables had no spread in some resamples; ends are NaN for one with fewer than two.

    Raises
    ------
    DataError
        If the correlations or an option do not fit.
    """
    _check_numbers(n_resamples, level)
    as_count(n_units, name="n_units", least=2)
    solution = efa(
        correlations(np.ones(n_units)),
        n_factors,
        method=method,
        rotation=rotation,
        normalise=normalise,
        n_starts=n_starts,
        rng=rng,
    )
    options = Options(method, rotation, normalise, 1, level)
    return _intervals(solution, correlations, n_units, n_resamples, options, rng)


def _intervals(
    solution: FactorSolution,
    correlations: Callable[[Array], Array | None],
    n_units: int,
    n_resamples: int,
    options: Options,
    rng: np.random.Generator,
) -> LoadingIntervals:
    drawn = extract_all(correlations, n_units, n_resamples, options.method, solution, rng)
    turned = Turned.of(drawn.loadings, solution, options, rng)
    quantile = float(stdtrit(n_units - 1, (1 + options.level) / 2))
    pattern = np.where(drawn.there[:, :, None], turned.pattern, np.nan)
    pattern_error = _spread(pattern)
    phi_low, phi_high = _bounded_interval(solution.phi, turned.phi, quantile)
    np.fill_diagonal(phi_low, 1.0)
    shares = np.where(drawn.there, np.square(drawn.loadings).sum(axis=2), np.nan)
    communality_low, communality_high = _bounded_interval(solution.communalities, shares, quantile)
    failed = ~(drawn.converged & turned.converged)
    return LoadingIntervals(
        solution=solution,
        pattern_low=solution.pattern - quantile * pattern_error,
        pattern_high=solution.pattern + quantile * pattern_error,
        pattern_error=pattern_error,
        phi_low=phi_low,
        phi_high=phi_high,
        communality_low=np.maximum(communality_low, 0.0),
        communality_high=communality_high,
        patterns=pattern,
        phis=turned.phi,
        congruence=turned.congruence,
        heywood_share=float(1.0 - drawn.proper.mean()),
        not_converged_share=float(failed.mean()),
        n_units=n_units,
        flags=solution.flags + _flags(n_units, n_resamples, drawn, failed),
    )


def _spread(resamples: Array) -> Array:
    """Give the standard deviation over the resamples that have a value; NaN with fewer than two of them."""
    there = np.isfinite(resamples)
    n = there.sum(axis=0)
    centred = np.where(there, resamples, 0.0)
    centred = np.where(there, centred - centred.sum(axis=0) / np.maximum(n, 1), 0.0)
    variance = np.square(centred).sum(axis=0) / np.maximum(n - 1, 1)
    error: Array = np.where(n > 1, np.sqrt(variance), np.nan)
    return error


def _bounded_interval(estimate: Array, resamples: Array, quantile: float) -> tuple[Array, Array]:
    """Interval for what lies below 1 in size; an estimate at 1 or beyond is its own end."""
    centre = np.arctanh(np.clip(estimate, -NEAR_ONE, NEAR_ONE))
    error = _spread(np.arctanh(np.clip(resamples, -NEAR_ONE, NEAR_ONE)))
    low, high = np.tanh(centre - quantile * error), np.tanh(centre + quantile * error)
    return np.minimum(low, estimate), np.maximum(high, estimate)


def _check_numbers(n_resamples: int, level: float) -> None:
    if n_resamples < 2:
        msg = f"n_resamples is {n_resamples}; an interval needs at least 2, and 1000 are better."
        raise DataError(msg)
    if not 0 < level < 1:
        msg = f"level is {level}; give a share between 0 and 1, such as .95."
        raise DataError(msg)


class _Resampler:
    """Correlations of resamples of units, from the rows drawn or from the cross-products of each unit."""

    def __init__(self, table: Array, units: NDArray[np.int64], n_units: int) -> None:
        self.units, self.n_units = units, n_units
        self.sizes = np.bincount(units, minlength=n_units).astype(np.float64)
        standard = table - table.mean(axis=0)
        standard /= np.sqrt(np.einsum("ij,ij->j", standard, standard) / len(table))
        self.rows = standard
        n_rows, p = table.shape
        self.products: Array | None = None
        if 4 * n_units <= n_rows and n_units * p * p <= LARGEST_STACK:
            self.sums = np.zeros((n_units, p))
            np.add.at(self.sums, units, standard)
            self.products = np.empty((n_units, p * p))
            for unit in range(n_units):
                own = standard[units == unit]
                self.products[unit] = (own.T @ own).ravel()

    def correlations(self, counts: Array) -> Array | None:
        """Correlations of the units that often, (n_units,); None if a column of them is constant."""
        n_rows = float(counts @ self.sizes)
        p = self.rows.shape[1]
        if self.products is not None:
            mean = counts @ self.sums / n_rows
            r = (counts @ self.products).reshape(p, p)
        else:
            weights = counts[self.units]
            drawn = np.flatnonzero(weights)
            weighted = self.rows[drawn]
            mean = weights[drawn] @ weighted / n_rows
            weighted *= np.sqrt(weights[drawn])[:, None]
            r = weighted.T @ weighted
        centre = mean * np.sqrt(n_rows)
        variance = np.diagonal(r) - np.square(centre)
        # The columns have variance 1 in the whole sample.
        if variance.min() <= 1e-10 * n_rows:
            return None
        scale = 1.0 / np.sqrt(variance)
        r -= np.outer(centre, centre)
        r *= scale
        r *= scale[:, None]
        np.fill_diagonal(r, 1.0)
        return r


def _flags(n_units: int, n_resamples: int, drawn: Drawn, failed: NDArray[np.bool_]) -> tuple[Flag, ...]:
    flags = []
    if n_units < ENOUGH_UNITS:
        detail = f"{n_units} independent units; below {ENOUGH_UNITS} the intervals may not hold their level"
        flags.append(Flag(Weakness.FEW_UNITS, detail))
    n_left_out = n_resamples - len(drawn.loadings)
    if n_left_out:
        detail = f"{n_left_out} of {n_resamples} resamples have a constant column"
        flags.append(Flag(Weakness.LEFT_OUT, detail))
    rare = np.flatnonzero(~drawn.there.all(axis=0))
    if rare.size:
        least = drawn.there.mean(axis=0).min()
        detail = (
            f"{rare.size} of {drawn.there.shape[1]} columns have no spread in some resamples (first: column "
            f"{first(rare)}; the rarest is in {least:.0%} of them), and are left out of those"
        )
        flags.append(Flag(Weakness.SPARSE_CELLS, detail))
    for weakness, cases, what in (
        (Weakness.HEYWOOD, ~drawn.proper, "have a communality of 1"),
        (Weakness.NOT_CONVERGED, failed, "did not converge"),
    ):
        if cases.any():
            flags.append(Flag(weakness, f"{int(cases.sum())} of {len(cases)} resamples {what}"))
    return tuple(flags)
