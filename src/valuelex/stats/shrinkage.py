"""Empirical Bayes estimates of many units' means, drawn towards their common mean.

Each unit has an estimate with a known sampling variance; the true means are taken as normal with a common mean
and a variance between units that is estimated from the spread of the estimates. Owns no design beyond that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from valuelex.errors import DataError
from valuelex.stats.bootstrap import as_level
from valuelex.stats.checks import Array, choose, first
from valuelex.stats.flags import Flag, Weakness

METHODS = ("reml", "paule-mandel", "dersimonian-laird")
FEW_UNITS = 10
"""With fewer units the variance between them is hardly known (see `benchmarks/coverage_inference.py`)."""
MIN_UNITS_FOR_INTERVALS = 4
"""With fewer, no estimate of the variance between units can be ruled out, however large."""
_N_GRID = 200
_N_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """Estimates of many units, shrunken, and how much the units differ."""

    shrunken: Array
    """(n_units,) ``share * mean + (1 - share) * estimate``, in the unit of the estimates."""
    low: Array
    """(n_units,) lower end of the interval of each unit's true mean; NaN with fewer than 4 units."""
    high: Array
    """(n_units,) upper end."""
    standard_error: Array
    """(n_units,) of prediction, for the variance between units as estimated; the intervals allow for its error too."""
    share: Array
    """(n_units,) weight of the common mean, ``variance / (variance + tau2)``, from 0 to 1."""
    mean: float
    """Common mean, weighted by ``1 / (variance + tau2)``."""
    mean_standard_error: float
    """``1 / sqrt(sum of weights)``."""
    tau2: float
    """Variance of the true means between units, at least 0."""
    i2: float
    """Share of the variance of estimates that lies between units, from 0 to 1."""
    q: float
    """Cochran's Q: chi-square with n_units - 1 degrees of freedom if all true means are equal."""
    flags: tuple[Flag, ...]
    """`AT_BOUNDARY` where tau2 is 0; `FEW_UNITS`."""


def shrink(
    estimates: ArrayLike, variances: ArrayLike, *, method: str = "reml", level: float = 0.95
) -> Shrinkage:
    """Shrink the estimates of many units towards their common mean.

    The interval of a unit is that of its posterior distribution averaged over the variance between units,
    which has a flat prior from 0 upwards, as the mean has: so it allows for both being estimated. Over all
    units its coverage is the level asked for or above. It is widened to hold the estimate where it would not.

    Parameters
    ----------
    estimates : (n_units,)
        One estimate a unit, two units at least.
    variances : (n_units,)
        Squared standard error of each estimate, above 0, taken as known.
    method
        How the variance between units is estimated: 'reml', 'paule-mandel' or 'dersimonian-laird'.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    Shrinkage
        One entry a unit.

    Raises
    ------
    DataError
        If lengths differ, an estimate is missing or infinite, a variance is not above 0, or there are fewer than
        two units.

    References
    ----------
    Morris (1983), Parametric empirical Bayes inference. Morris & Tang (2011), Estimating random effects via
    adjustment for density maximization, on the flat prior. Raudenbush (2009), Analyzing effect sizes:
    random-effects models. Paule & Mandel (1982), Consensus values and weighting factors. DerSimonian & Laird
    (1986), Meta-analysis in clinical trials.
    """
    choose(method, METHODS, name="method")
    as_level(level)
    y, v = _checked(estimates, variances)
    tau2 = _between_variance(y, v, method)
    w = 1 / (v + tau2)
    mean, mean_variance = float(w @ y / w.sum()), float(1 / w.sum())
    share = v * w
    shrunken = share * mean + (1 - share) * y
    standard_error = np.sqrt((1 - share) * v + share**2 * mean_variance)
    low, high = (
        _intervals(y, v, level) if len(y) >= MIN_UNITS_FOR_INTERVALS else (np.full_like(y, np.nan),) * 2
    )
    typical = _typical_variance(v)
    return Shrinkage(
        shrunken=shrunken,
        low=np.minimum(low, shrunken),
        high=np.maximum(high, shrunken),
        standard_error=standard_error,
        share=share,
        mean=mean,
        mean_standard_error=float(np.sqrt(mean_variance)),
        tau2=tau2,
        i2=tau2 / (tau2 + typical),
        q=_generalised_q(y, v, 0.0),
        flags=_flags(len(y), tau2),
    )


def _checked(estimates: ArrayLike, variances: ArrayLike) -> tuple[Array, Array]:
    try:
        y, v = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    except (TypeError, ValueError):
        msg = "estimates or variances hold values that are not numbers; give vectors of numbers."
        raise DataError(msg) from None
    if y.ndim != 1 or v.shape != y.shape:
        msg = f"estimates have shape {y.shape}, variances {v.shape}; give one of each for every unit."
        raise DataError(msg)
    if len(y) < 2:
        msg = f"There is {len(y)} unit; at least 2 are needed to estimate the variance between them."
        raise DataError(msg)
    wrong = np.flatnonzero(~np.isfinite(y) | ~np.isfinite(v))
    if wrong.size:
        msg = (
            f"{wrong.size} of {len(y)} units lack an estimate or a variance (first: unit {first(wrong)}); leave "
            "them out."
        )
        raise DataError(msg)
    flat = np.flatnonzero(v <= 0)
    if flat.size:
        msg = (
            f"{flat.size} of {len(y)} variances are not above 0 (first: unit {first(flat)}); correct them or leave "
            "the units out."
        )
        raise DataError(msg)
    return y, v


def _between_variance(y: Array, v: Array, method: str) -> float:
    if method == "dersimonian-laird":
        w = 1 / v
        scale = w.sum() - (w**2).sum() / w.sum()
        return max(0.0, float((_generalised_q(y, v, 0.0) - (len(y) - 1)) / scale))
    if method == "paule-mandel":
        excess = len(y) - 1.0
        if _generalised_q(y, v, 0.0) <= excess:
            return 0.0
        top = float(((y - y.mean()) ** 2).sum())  # Q at tau2 is at most the sum of squares over tau2.
        return float(
            brentq(lambda t: _generalised_q(y, v, t) - excess, 0.0, top, xtol=1e-14 * top, rtol=1e-14)
        )
    return _reml(y, v)


def _generalised_q(y: Array, v: Array, tau2: float) -> float:
    w = 1 / (v + tau2)
    return float((w * (y - w @ y / w.sum()) ** 2).sum())


def _typical_variance(v: Array) -> float:
    """Higgins and Thompson's variance of a typical unit."""
    w = 1 / v
    return float((len(v) - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum()))


def _grid(y: Array, v: Array) -> tuple[Array, Array]:
    """Values of tau2 from near 0 to near infinity, and the weight of each for an integral over tau2."""
    scale = max(float(y.var(ddof=1)), float(v.min()))
    u = (np.arange(_N_GRID) + 0.5) / _N_GRID
    return scale * (u / (1 - u)) ** 2, scale * 2 * u / (1 - u) ** 3


def _log_likelihood(y: Array, v: Array, tau2: Array) -> tuple[Array, Array, Array]:
    """Restricted log-likelihood and common mean at each tau2, and the weights (n_tau2, n_units)."""
    w = 1 / (v + tau2[:, None])
    mean = (w @ y) / w.sum(axis=1)
    squares = (w * (y - mean[:, None]) ** 2).sum(axis=1)
    return (np.log(w).sum(axis=1) - np.log(w.sum(axis=1)) - squares) / 2, mean, w


def _reml(y: Array, v: Array) -> float:
    """Highest restricted likelihood: the best of a grid that starts at 0, then the root of its slope beside it."""
    grid = np.concatenate([[0.0], _grid(y, v)[0]])
    best = int(_log_likelihood(y, v, grid)[0].argmax())
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    at_low, at_high = _slope(low, y, v), _slope(high, y, v)
    if at_low <= 0 or at_high >= 0:
        return float(low if at_low <= 0 else high)
    return float(brentq(_slope, low, high, args=(y, v), xtol=1e-15 * high, rtol=1e-14))


def _slope(tau2: float, y: Array, v: Array) -> float:
    """Twice the derivative of the restricted log-likelihood."""
    w = 1 / (v + tau2)
    mean = w @ y / w.sum()
    return float((w**2 * (y - mean) ** 2).sum() - w.sum() + (w**2).sum() / w.sum())


def _intervals(y: Array, v: Array, level: float) -> tuple[Array, Array]:
    """Tails of each unit's posterior: a mixture of normal distributions over the grid of tau2."""
    tau2, step = _grid(y, v)
    log_likelihood, mean, w = _log_likelihood(y, v, tau2)
    chance = np.exp(log_likelihood - log_likelihood.max()) * step
    chance /= chance.sum()
    share = v * w
    centre = share * mean[:, None] + (1 - share) * y
    deviation = np.sqrt((1 - share) * v + share**2 / w.sum(axis=1)[:, None])
    reach = 2.0 - 2.0 * ndtri((1 - level) / 2)
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        low, high = (centre - reach * deviation).min(axis=0), (centre + reach * deviation).max(axis=0)
        for _ in range(_N_HALVINGS):
            middle = (low + high) / 2
            below = chance @ ndtr((middle - centre) / deviation) < tail
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        ends.append((low + high) / 2)
    return ends[0], ends[1]


def _flags(n_units: int, tau2: float) -> tuple[Flag, ...]:
    flags: tuple[Flag, ...] = ()
    if tau2 == 0:
        detail = f"the variance between {n_units} units is estimated as 0, so all are shrunken to one mean"
        flags += (Flag(Weakness.AT_BOUNDARY, detail),)
    if n_units < FEW_UNITS:
        detail = f"{n_units} units; below {FEW_UNITS} the variance between them is hardly known"
        if n_units < MIN_UNITS_FOR_INTERVALS:
            detail += f", and below {MIN_UNITS_FOR_INTERVALS} there are no intervals"
        flags += (Flag(Weakness.FEW_UNITS, detail),)
    return flags
