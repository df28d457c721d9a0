"""Bootstrap intervals for any statistic, with whole independent units resampled.

A statistic is a function of unit weights: it takes (n_resamples, n_units), how often each unit is in each
resample, and returns (n_resamples, n_quantities). Means, ratios and standardised effects in that form are in
`valuelex.stats.unit_statistics`; `by_rows` turns a function of row numbers into that form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_groups, as_table, choose, first
from valuelex.stats.flags import Flag, Weakness

Statistic = Callable[[Array], Array]
"""From weights (n_resamples, n_units) to values (n_resamples, n_quantities)."""
METHODS = ("percentile", "bca", "studentised")
FEW_UNITS: Mapping[str, int] = MappingProxyType({"percentile": 40, "bca": 40, "studentised": 10})
"""With fewer independent units 95 % intervals of means may cover less than 94 % (benchmarks/coverage_inference.py)."""
MIN_RESAMPLES = 100
_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Intervals:
    """Estimates with bootstrap intervals over independent units."""

    estimate: Array
    """(n_quantities,) in the unit of the statistic: its value on all units."""
    low: Array
    """(n_quantities,) lower end; NaN where there is none, -inf where the data do not bound that side."""
    high: Array
    """(n_quantities,) upper end."""
    standard_error: Array
    """(n_quantities,) standard deviation over the resamples."""
    n_units: int
    """Number of independent units."""
    flags: tuple[Flag, ...]
    """`FEW_UNITS`; `LEFT_OUT` for resamples without a value and for quantities without an interval;
    `AT_BOUNDARY` where an end is the most extreme resample."""


def refuse_few_resamples(n_resamples: int) -> None:
    """Raise `DataError` unless it is a whole number of at least `MIN_RESAMPLES` resamples."""
    if not isinstance(n_resamples, (int, np.integer)) or n_resamples < MIN_RESAMPLES:
        msg = f"{n_resamples} resamples are too few for an interval or a test; use {MIN_RESAMPLES} or more."
        if not isinstance(n_resamples, (int, np.integer)):
            msg = (
                f"The number of resamples is {n_resamples!r}; give a whole number of {MIN_RESAMPLES} or more."
            )
        raise DataError(msg)


def as_level(level: float) -> float:
    """Return the coverage asked for if it lies between 0 and 1, else raise `DataError`."""
    if not 0 < level < 1:
        msg = f"level must lie between 0 and 1, such as .95, not {level}."
        raise DataError(msg)
    return level


def resample_units(
    n_units: int, n_resamples: int, rng: np.random.Generator, *, strata: ArrayLike | None = None
) -> Array:
    """Draw units with replacement, as many as there are.

    Parameters
    ----------
    n_units
        Number of independent units.
    n_resamples
        At least 100.
    rng
        Source of the draws.
    strata : (n_units,), optional
        Kind of each unit. Then each resample has as many units of each kind as there are.

    Returns
    -------
    (n_resamples, n_units)
        How often each unit was drawn; rows sum to n_units.

    Raises
    ------
    DataError
        If there are too few resamples or units, or a kind has a single unit.
    """
    refuse_few_resamples(n_resamples)
    kinds = _strata(n_units, strata)
    weights = np.empty((n_resamples, n_units))
    for kind in range(int(kinds.max()) + 1):
        members = np.flatnonzero(kinds == kind)
        share = np.full(len(members), 1 / len(members))
        weights[:, members] = rng.multinomial(len(members), share, size=n_resamples)
    return weights


def bootstrap(
    statistic: Statistic,
    weights: ArrayLike,
    *,
    method: str = "bca",
    level: float = 0.95,
    variance: Statistic | None = None,
    strata: ArrayLike | None = None,
) -> Intervals:
    """Estimate quantities with intervals from resamples of independent units.

    The percentile interval takes the tails of the resampled values. BCa moves the tails by the median bias
    z0, the normal quantile of the share of resampled values below the estimate (equal ones count half), and
    by the acceleration a, the skewness of leave-one-unit-out values about their mean. The studentised interval is
    ``estimate - se * quantile((value* - estimate) / se*)``; for means it covers best, and from 10 units on.

    Parameters
    ----------
    statistic
        Function of unit weights; only the ratios of weights may matter. NaN where it has no value.
    weights : (n_resamples, n_units)
        From `resample_units`: shared by all quantities, so estimates stay paired.
    method
        'percentile', 'bca' or 'studentised'.
    level
        Coverage asked for, between 0 and 1.
    variance
        For 'studentised': squared standard error of each value, a function of the same weights. Without it
        every resample is jackknifed, which costs n_units times as much.
    strata : (n_units,), optional
        Kinds of units, if the resamples were drawn within them; changes the acceleration of BCa.

    Returns
    -------
    Intervals
        Percentile and BCa ends between two resamples are interpolated on the normal quantile scale.
        Studentised ends are the next resample outwards, since a resample without spread is infinite.

    Raises
    ------
    DataError
        If weights are negative, too few, or of the wrong shape, or the statistic has no value on all units.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, chapter 5. Efron (1987), Better bootstrap
    confidence intervals. Field & Welsh (2007), Bootstrapping clustered data.
    """
    choose(method, METHODS, name="method")
    as_level(level)
    table = _checked_weights(weights)
    n_units = table.shape[1]
    everything = _evaluate(statistic, np.ones((1, n_units)))
    estimate = everything[0]
    if not np.isfinite(estimate).all():
        wrong = np.flatnonzero(~np.isfinite(estimate))
        msg = (
            f"{wrong.size} of {estimate.size} quantities have no value on all units (first: quantity "
            f"{first(wrong)}); leave them out."
        )
        raise DataError(msg)
    replicates = _evaluate(statistic, table)
    usable = np.isfinite(replicates)
    replicates = np.where(usable, replicates, np.nan)
    flags = _flag_units(n_units, method) + _flag_left_out(usable)
    if method == "studentised":
        own, theirs = _variances(statistic, variance, table)
        t_star = studentised(replicates - estimate, theirs, own)
        low, high = studentised_ends(estimate, np.sqrt(own), t_star, level)
    else:
        tails = np.array([[(1 - level) / 2], [(1 + level) / 2]]) * np.ones(estimate.size)
        if method == "bca":
            left_out = _evaluate(statistic, np.ones((n_units, n_units)) - np.eye(n_units))
            tails = _bca_tails(tails, estimate, replicates, left_out, _strata(n_units, strata))
        (low, high), extreme = _quantiles(replicates, tails)
        flags += _flag_extreme(extreme)
    spread = np.zeros(estimate.size)
    enough = usable.sum(axis=0) >= MIN_RESAMPLES
    spread[enough] = np.nanstd(replicates[:, enough], axis=0, ddof=1)
    moves = enough & (spread > 1e-12 * np.maximum(np.abs(estimate), 1e-300))
    low, high = np.where(moves, low, np.nan), np.where(moves, high, np.nan)
    flags += _flag_no_interval(np.isnan(low) | np.isnan(high))
    return Intervals(estimate, low, high, np.where(enough, spread, np.nan), n_units, flags)


def by_rows(
    function: Callable[[NDArray[np.int64]], ArrayLike], groups: ArrayLike, *, n_rows: int
) -> Statistic:
    """Turn a function of row numbers into a statistic of unit weights.

    Parameters
    ----------
    function
        Takes the numbers of the rows in a resample, repeated as often as their unit was drawn, and returns
        one or more numbers.
    groups : (n_rows,)
        Names or numbers; rows of the same one belong to the same independent unit.
    n_rows
        Number of rows of the data.

    Returns
    -------
    Statistic
        For `bootstrap`, with units in the sorted order of their names.

    Raises
    ------
    DataError
        If `groups` has the wrong length or names fewer than two units.
    """
    unit = as_groups(groups, n_rows)
    rows_of = np.split(np.argsort(unit, kind="stable"), np.cumsum(np.bincount(unit))[:-1])

    def statistic(weights: Array) -> Array:
        values = []
        for row in weights:
            drawn = np.repeat(np.arange(len(row)), row.astype(np.int64))
            rows = np.concatenate([rows_of[u] for u in drawn]) if drawn.size else np.empty(0, dtype=np.int64)
            values.append(np.atleast_1d(np.asarray(function(rows), dtype=np.float64)))
        return np.stack(values)

    return statistic


def studentised(moved: Array, variance: Array, own_variance: Array) -> Array:
    """Distance of each resample from the estimate in its own standard errors: (n_resamples, n_quantities).

    A resample without spread (1e-12 of the data's own variance) is infinitely far, or 0 where it did not move.
    """
    no_spread = variance <= 1e-12 * own_variance
    with np.errstate(invalid="ignore", divide="ignore"):
        t_star: Array = moved / np.sqrt(np.clip(variance, 0.0, None))
    far = np.abs(moved) > 1e-9 * np.sqrt(own_variance)
    t_star[no_spread] = np.where(far, np.copysign(np.inf, moved), 0.0)[no_spread]
    return t_star


def studentised_ends(
    estimate: Array, standard_error: Array, t_star: Array, level: float
) -> tuple[Array, Array]:
    """Return ends of studentised intervals, each of (n_quantities,); NaN in `t_star` is left out.

    A quantity without any usable resample has no interval.
    """
    low, high = np.full_like(estimate, np.nan), np.full_like(estimate, np.nan)
    some = np.flatnonzero(~np.isnan(t_star).all(axis=0))
    if some.size:
        below = np.nanquantile(t_star[:, some], (1 - level) / 2, axis=0, method="lower")
        above = np.nanquantile(t_star[:, some], (1 + level) / 2, axis=0, method="higher")
        low[some] = estimate[some] - above * standard_error[some]
        high[some] = estimate[some] - below * standard_error[some]
    return low, high


def _strata(n_units: int, strata: ArrayLike | None) -> NDArray[np.int64]:
    if n_units < 2:
        msg = f"There is {n_units} independent unit; at least 2 are needed to resample them."
        raise DataError(msg)
    if strata is None:
        return np.zeros(n_units, dtype=np.int64)
    kinds = as_groups(strata, n_units, name="strata", min_groups=1)
    alone = np.flatnonzero(np.bincount(kinds) < 2)
    if alone.size:
        names = np.unique(np.asarray(strata))[alone]
        msg = (
            f"{alone.size} of {kinds.max() + 1} strata have a single unit (first: {first(names)}); at least 2 "
            "are needed to resample within them, so join strata."
        )
        raise DataError(msg)
    return kinds


def _checked_weights(weights: ArrayLike) -> Array:
    table = as_table(weights, name="weights", min_columns=2)
    refuse_few_resamples(len(table))
    wrong = np.flatnonzero((table < 0).any(axis=1) | (table.sum(axis=1) <= 0))
    if wrong.size:
        msg = (
            f"{wrong.size} of {len(table)} rows of weights are negative somewhere or zero everywhere (first: row "
            f"{first(wrong)}); make them with resample_units."
        )
        raise DataError(msg)
    return table


def _evaluate(statistic: Statistic, weights: Array) -> Array:
    values = np.asarray(statistic(weights), dtype=np.float64)
    if values.ndim != 2 or len(values) != len(weights):
        msg = (
            f"The statistic returned shape {values.shape} for {len(weights)} resamples; it must return "
            f"({len(weights)}, n_quantities)."
        )
        raise DataError(msg)
    return values


def _variances(statistic: Statistic, variance: Statistic | None, weights: Array) -> tuple[Array, Array]:
    """Squared standard error of the estimate (n_quantities,) and of each resampled value."""
    together = np.vstack([np.ones((1, weights.shape[1])), weights])
    values = _jackknife_variance(statistic, together) if variance is None else _evaluate(variance, together)
    own: Array = values[0]
    return own, values[1:]


def _jackknife_variance(statistic: Statistic, weights: Array) -> Array:
    """``(n - 1) / n * sum of w (value without one copy - their mean)^2`` for each resample of n copies."""
    n_units = weights.shape[1]
    parts = []
    step = max(1, _CELLS_AT_ONCE // n_units**2)
    for start in range(0, len(weights), step):
        some = weights[start : start + step]
        resample, unit = np.nonzero(some >= 1)
        reduced = some[resample]
        reduced[np.arange(len(unit)), unit] -= 1
        values = _evaluate(statistic, reduced)
        copies = some[resample, unit][:, None]
        starts = np.searchsorted(resample, np.arange(len(some)))
        n = np.add.reduceat(copies, starts)
        mean = np.add.reduceat(copies * values, starts) / n
        squares = np.add.reduceat(copies * (values - mean[resample]) ** 2, starts)
        parts.append((n - 1) / n * squares)
    return np.concatenate(parts)


def _bca_tails(
    tails: Array, estimate: Array, replicates: Array, left_out: Array, strata: NDArray[np.int64]
) -> Array:
    """Shares of the resamples, (2, n_quantities), at which BCa puts the ends; NaN where it has none."""
    size = np.bincount(strata)[strata][:, None]
    mean = np.stack([np.bincount(strata, column) for column in left_out.T], axis=1)[strata] / size
    influence = (size - 1) * (mean - left_out) / size
    with np.errstate(invalid="ignore", divide="ignore"):
        acceleration = (influence**3).sum(axis=0) / (6 * (influence**2).sum(axis=0) ** 1.5)
        n_usable = (~np.isnan(replicates)).sum(axis=0)
        tie = 1e-10 * np.maximum(np.abs(estimate), np.nan_to_num(np.abs(replicates)).max(axis=0))
        equal = (np.abs(replicates - estimate) <= tie).sum(axis=0)
        below = (replicates < estimate - tie).sum(axis=0) + equal / 2
        return bca_tails(tails, below / n_usable, acceleration)


def bca_tails(tails: Array, share_below: Array, acceleration: Array) -> Array:
    """Move tails (2, n_quantities) for median bias and acceleration; NaN where no resample lies on one side.

    `share_below` is the share of resampled values below the estimate, equal ones counted half.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        bias = ndtri(share_below)
        shifted = bias + ndtri(tails)
        moved = ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-12))
    return np.where(np.isfinite(bias), moved, np.nan)


def _quantiles(replicates: Array, tails: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Quantiles (n_tails, n_quantities) by interpolation on the normal scale, and which are extremes."""
    ordered = np.sort(replicates, axis=0)
    n = np.broadcast_to((~np.isnan(replicates)).sum(axis=0), tails.shape)
    result = np.full(tails.shape, np.nan)
    use = np.flatnonzero((n[0] >= MIN_RESAMPLES) & ~np.isnan(tails).any(axis=0))
    alpha, count = tails[:, use], n[:, use]
    rank = (count + 1) * alpha
    k = np.clip(np.floor(rank), 1, count - 1).astype(np.int64)
    with np.errstate(invalid="ignore"):
        z, z_low, z_high = ndtri(alpha), ndtri(k / (count + 1)), ndtri((k + 1) / (count + 1))
    share = np.clip((z - z_low) / (z_high - z_low), 0.0, 1.0)
    lower, upper = ordered[k - 1, use], ordered[k, use]
    result[:, use] = lower + share * (upper - lower)
    extreme = np.zeros(tails.shape[1], dtype=np.bool_)
    extreme[use] = ((rank < 1 - 1e-9) | (rank > count + 1e-9)).any(axis=0)
    return result, extreme


def _flag_units(n_units: int, method: str) -> tuple[Flag, ...]:
    least = FEW_UNITS[method]
    if n_units >= least:
        return ()
    detail = f"{n_units} independent units; below {least} a {method} interval may be too short"
    return (Flag(Weakness.FEW_UNITS, detail),)


def _flag_left_out(usable: NDArray[np.bool_]) -> tuple[Flag, ...]:
    short = np.flatnonzero(~usable.all(axis=0))
    if not short.size:
        return ()
    most = int((~usable).sum(axis=0).max())
    detail = (
        f"up to {most} of {len(usable)} resamples had no value and were left out, for {short.size} of "
        f"{usable.shape[1]} quantities (first: {first(short)})"
    )
    return (Flag(Weakness.LEFT_OUT, detail),)


def _flag_extreme(extreme: NDArray[np.bool_]) -> tuple[Flag, ...]:
    at = np.flatnonzero(extreme)
    if not at.size:
        return ()
    detail = (
        f"{at.size} of {extreme.size} intervals end at the most extreme resample (first: quantity {first(at)}); "
        "use more resamples"
    )
    return (Flag(Weakness.AT_BOUNDARY, detail),)


def _flag_no_interval(missing: NDArray[np.bool_]) -> tuple[Flag, ...]:
    at = np.flatnonzero(missing)
    if not at.size:
        return ()
    detail = (
        f"{at.size} of {missing.size} quantities have no interval (first: {first(at)}): they do not vary over the "
        "resamples, all resamples lie on one side of the estimate, or too few have a value"
    )
    return (Flag(Weakness.LEFT_OUT, detail),)
