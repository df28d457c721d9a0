"""Intervals and tests over resampled items, and the adjustment for many tests.

Rows are the independent units; columns are quantities estimated on the same rows.
All columns share each resample, so estimates stay paired. Arrays in, arrays out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError

Array = NDArray[np.float64]
MIN_ROWS = 5
"""Fewest values for an interval: with fewer, most resamples have no spread of their own."""
_COLUMNS_AT_ONCE = 512


def studentised_intervals(
    values: Array, n_resamples: int, rng: np.random.Generator, level: float = 0.95
) -> tuple[Array, Array, Array]:
    """Mean of each column with its bootstrap-t interval over rows.

    Each resample draws rows with replacement, forms ``t* = (mean* - mean) / se*``, and the interval
    is ``mean - se * quantile(t*)``. On the mean of a few dozen bounded values its coverage is closer to
    nominal than the percentile interval's (see ``benchmarks/coverage.py``). A resample whose values are
    all equal has no spread, so its t* is infinite; one with fewer than two values is left out.

    Parameters
    ----------
    values : (n_rows, n_columns)
        NaN where a row has no value for a column; such cells are left out.
    n_resamples
        Number of resamples, at least 100.
    rng
        Source of the resamples.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    mean, low, high : (n_columns,)
        In the unit of `values`. The mean is NaN where a column has fewer than two values, the interval
        where it has fewer than `MIN_ROWS`. or where all its values are
        equal: no resample then tells how far the mean may be off.
        An end is infinite where nearly all are equal: the data do not bound the mean on that side.

    Raises
    ------
    DataError
        If `values` is not two-dimensional or has no row, or `n_resamples` is below 100.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 12.
    """
    _check(values, n_resamples)
    draws = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=n_resamples)
    weights: Array = draws.astype(np.float64)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    parts = [
        _studentised(values[:, start : start + _COLUMNS_AT_ONCE], weights, tails)
        for start in range(0, values.shape[1], _COLUMNS_AT_ONCE)
    ]
    mean, low, high = (np.concatenate(part) for part in zip(*parts, strict=True))
    return mean, low, high


def _studentised(values: Array, weights: Array, tails: Array) -> tuple[Array, Array, Array]:
    present = ~np.isnan(values)
    n = present.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, values, 0.0).sum(axis=0) / n
        centred = np.where(present, values - mean, 0.0)
        se = np.sqrt((centred**2).sum(axis=0) / (n - 1) / n)
        n_star = weights @ present.astype(np.float64)
        mean_star = weights @ centred / n_star
        variance_star = (weights @ centred**2 / n_star - mean_star**2) * n_star / (n_star - 1)
        t_star = mean_star / np.sqrt(np.clip(variance_star, 0.0, None) / n_star)
        no_spread = variance_star <= 1e-12 * n * se**2
        moved = np.abs(mean_star) > 1e-9 * se
    t_star[no_spread] = np.where(moved, np.copysign(np.inf, mean_star), 0.0)[no_spread]
    t_star[n_star < 2] = np.nan
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    spread = np.flatnonzero((n >= MIN_ROWS) & (se >= 1e-12))
    if spread.size:
        below = np.nanquantile(t_star[:, spread], tails[0], axis=0, method="lower")
        above = np.nanquantile(t_star[:, spread], tails[1], axis=0, method="higher")
        low[spread] = mean[spread] - above * se[spread]
        high[spread] = mean[spread] - below * se[spread]
    mean = np.where(n >= 2, mean, np.nan)
    return mean, low, high


def sign_flip_p_values(differences: Array, n_flips: int, rng: np.random.Generator) -> Array:
    """Two-sided permutation p-values that the mean of each column is zero.

    Under the null hypothesis that each difference is as likely negative as positive, all sign
    patterns of the rows are equally likely. The p-value is ``(1 + b) / (1 + n_flips)`` with b the
    number of random patterns whose mean is at least as far from zero as the observed one.

    Parameters
    ----------
    differences : (n_rows, n_columns)
        Paired differences. NaN where a row has none; such cells are left out.
    n_flips
        Number of random sign patterns, at least 100; the smallest p-value is ``1 / (1 + n_flips)``.
    rng
        Source of the patterns.

    Returns
    -------
    (n_columns,)
        Above 0, at most 1. NaN where a column has fewer than two differences.

    Raises
    ------
    DataError
        If `differences` is not two-dimensional or has no row, or `n_flips` is below 100.

    References
    ----------
    Phipson & Smyth (2010), Permutation p-values should never be zero.
    """
    _check(differences, n_flips)
    filled = np.where(np.isnan(differences), 0.0, differences)
    observed = np.abs(filled.sum(axis=0))
    margin = 1e-9 * np.abs(filled).sum(axis=0)
    exceeding = np.zeros(filled.shape[1])
    for start in range(0, n_flips, 2000):
        count = min(2000, n_flips - start)
        signs = rng.integers(0, 2, size=(count, len(filled))).astype(np.float64) * 2 - 1
        for column in range(0, filled.shape[1], _COLUMNS_AT_ONCE):
            part = slice(column, column + _COLUMNS_AT_ONCE)
            sums = np.abs(signs @ filled[:, part])
            exceeding[part] += (sums >= observed[part] - margin[part]).sum(axis=0)
    p_values = (1 + exceeding) / (1 + n_flips)
    enough = (~np.isnan(differences)).sum(axis=0) >= 2
    return np.where(enough, p_values, np.nan)


def holm(p_values: Array) -> Array:
    """Adjust p-values so that the chance of any false rejection stays below the level.

    Parameters
    ----------
    p_values : (n_tests,)
        From 0 to 1. NaN for a test that could not be made; it is not counted.

    Returns
    -------
    (n_tests,)
        Adjusted p-values, at most 1; NaN where the input is.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    adjusted = np.full(p_values.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p_values))
    order = made[np.argsort(p_values[made], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def standardised_mean(differences: Array) -> Array:
    """Mean of each column over its standard deviation (Cohen's d of paired differences).

    Parameters
    ----------
    differences : (n_rows, n_columns)
        NaN where a row has none.

    Returns
    -------
    (n_columns,)
        In standard deviations. NaN with fewer than two values or no spread.
    """
    present = ~np.isnan(differences)
    n = present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, differences, 0.0).sum(axis=0) / n
        centred = np.where(present, differences - mean, 0.0)
        deviation = np.sqrt((centred**2).sum(axis=0) / (n - 1))
        effect = mean / deviation
    return np.where((n >= 2) & (deviation > 1e-12), effect, np.nan)


def _check(values: Array, n_resamples: int) -> None:
    if values.ndim != 2 or not len(values):
        msg = f"Expected a table of rows × columns with a row at least, got an array of shape {values.shape}."
        raise DataError(msg)
    if n_resamples < 100:
        msg = f"{n_resamples} resamples are too few for an interval or a test; use 100 or more."
        raise DataError(msg)
