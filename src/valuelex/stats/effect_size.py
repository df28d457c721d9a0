"""Standardised effects of one or two samples, with intervals, each column on its own.

Rows are independent here. Where several rows belong to one independent unit, take the interval from
`valuelex.stats.bootstrap.bootstrap` with `valuelex.stats.unit_statistics.unit_effects`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, gammaln, nctdtr, ndtri
from scipy.stats import rankdata
from scipy.stats import t as student

from valuelex.errors import DataError
from valuelex.stats.bootstrap import as_level
from valuelex.stats.checks import Array, as_table, first
from valuelex.stats.flags import Flag, Weakness

_N_HALVINGS = 60
_FAR = 50.0
"""Size of t from which the noncentral t distribution is taken as an integral over a normal variable."""
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(120)
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class EffectSize:
    """Standardised mean, or difference of means, of each column."""

    d: Array
    """(n_columns,) Cohen's d, in standard deviations."""
    low: Array
    """(n_columns,) lower end of the interval of d."""
    high: Array
    """(n_columns,) upper end of the interval of d."""
    g: Array
    """(n_columns,) Hedges' g: d times its exact small-sample correction."""
    variance: Array
    """(n_columns,) estimated sampling variance of g, for combining several."""
    df: Array
    """(n_columns,) degrees of freedom of the standard deviation."""


@dataclass(frozen=True, slots=True)
class Superiority:
    """Chance that a value of one sample exceeds one of the other, ties counting half."""

    probability: Array
    """(n_columns,) from 0 to 1; .5 when neither tends to exceed the other. Cliff's delta is twice it less 1."""
    low: Array
    """(n_columns,) lower end of its interval."""
    high: Array
    """(n_columns,) upper end."""
    flags: tuple[Flag, ...]
    """`AT_BOUNDARY` for columns in which one sample lies wholly above the other."""


def standardised_mean(differences: Array) -> Array:
    """Mean of each column over its standard deviation (Cohen's d of paired differences), without an interval.

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


def one_sample_effect(values: ArrayLike, *, level: float = 0.95) -> EffectSize:
    """Mean of each column in its standard deviations; of paired differences this is d_z.

    The interval is exact for normal values: it holds every effect for which the observed t, of noncentrality
    ``effect * sqrt(n)``, is not in a tail of ``(1 - level) / 2``.

    Parameters
    ----------
    values : (n_rows, n_columns)
        NaN where a row has no value; such cells are left out.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    EffectSize
        The variance of g is ``1 / n + g^2 / (2 n)``.

    Raises
    ------
    DataError
        If a column has fewer than two values or no spread.

    References
    ----------
    Hedges (1981), Distribution theory for Glass's estimator of effect size. Steiger & Fouladi (1997), Noncentrality
    interval estimation. Gibbons, Hedeker & Davis (1993), Estimation of effect size from a series of paired
    comparisons.
    """
    n, _, variance = _moments(values, "values")
    table = np.asarray(values, dtype=np.float64)
    _refuse_no_spread(variance)
    d = standardised_mean(table)
    low, high = (end / np.sqrt(n) for end in _noncentralities(d * np.sqrt(n), n - 1, level))
    g = d * small_sample_correction(n - 1)
    return EffectSize(d, low, high, g, 1 / n + g**2 / (2 * n), n - 1)


def two_sample_effect(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> EffectSize:
    """Mean of `a` less that of `b`, in pooled standard deviations (divisor n_a + n_b - 2).

    The interval is exact for normal values of equal variance, from the noncentral t distribution.

    Parameters
    ----------
    a : (n_rows_a, n_columns)
        NaN where a row has no value; such cells are left out.
    b : (n_rows_b, n_columns)
        The other sample, of the same columns.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    EffectSize
        The variance of g is ``1 / n_a + 1 / n_b + g^2 / (2 (n_a + n_b))``.

    Raises
    ------
    DataError
        If columns do not correspond, or one has fewer than two values in a sample or no spread in both.

    References
    ----------
    Hedges (1981), Distribution theory for Glass's estimator of effect size. Hedges & Olkin (1985), Statistical
    Methods for Meta-Analysis, chapter 5.
    """
    (n_a, mean_a, var_a), (n_b, mean_b, var_b) = _moments(a, "a"), _moments(b, "b")
    _refuse_different(len(mean_a), len(mean_b))
    df = n_a + n_b - 2
    pooled = ((n_a - 1) * var_a + (n_b - 1) * var_b) / df
    _refuse_no_spread(pooled)
    d = (mean_a - mean_b) / np.sqrt(pooled)
    scale = np.sqrt(n_a * n_b / (n_a + n_b))
    low, high = (end / scale for end in _noncentralities(d * scale, df, level))
    g = d * small_sample_correction(df)
    return EffectSize(d, low, high, g, 1 / n_a + 1 / n_b + g**2 / (2 * (n_a + n_b)), df)


def paired_effect(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> EffectSize:
    """Mean of `a` less that of `b` on the same rows, in root mean variances of the two (d_av).

    Unlike the standardised mean of the differences it is on the scale of `two_sample_effect`, whatever the
    correlation of the pairs. The interval is approximate, from the noncentral t of the paired test.

    Parameters
    ----------
    a, b : (n_rows, n_columns)
        Rows with NaN on either side are left out, column by column.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    EffectSize
        g is corrected with n - 1 degrees of freedom; its variance is that of d (Bonett) times the square of
        the correction.

    Raises
    ------
    DataError
        If shapes differ, or a column has fewer than two pairs or differences without spread.

    References
    ----------
    Algina & Keselman (2003), Approximate confidence intervals for effect sizes. Bonett (2008), Confidence
    intervals for standardized linear contrasts of means.
    """
    first_side, second_side = (as_table(side, name=name, missing=True) for side, name in ((a, "a"), (b, "b")))
    if first_side.shape != second_side.shape:
        msg = (
            f"a has shape {first_side.shape}, b {second_side.shape}; pairs are on the same rows and columns."
        )
        raise DataError(msg)
    apart = np.isnan(first_side) | np.isnan(second_side)
    n, mean, var_difference = _moments(np.where(apart, np.nan, first_side - second_side), "differences")
    var_a = _moments(np.where(apart, np.nan, first_side), "a")[2]
    var_b = _moments(np.where(apart, np.nan, second_side), "b")[2]
    _refuse_no_spread(var_difference)
    average = (var_a + var_b) / 2
    d = mean / np.sqrt(average)
    scale = np.sqrt(var_difference / average / n)
    ends = _noncentralities(mean / np.sqrt(var_difference / n), n - 1, level)
    covariance = (var_a + var_b - var_difference) / 2
    relative = (var_a**2 + var_b**2 + 2 * covariance**2) / (8 * average**2)
    variance = (d**2 * relative + var_difference / average) / (n - 1)
    correction = small_sample_correction(n - 1)
    return EffectSize(d, ends[0] * scale, ends[1] * scale, d * correction, variance * correction**2, n - 1)


def probability_of_superiority(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Superiority:
    """Chance that a value of `a` exceeds one of `b`, plus half the chance that they are equal.

    The interval is Brunner and Munzel's on the logit scale, with their degrees of freedom: it allows for
    unequal variances, unequal shapes and ties. Where one sample lies wholly above the other it has no
    width; then the other end is from the score interval of Newcombe (method 5).

    Parameters
    ----------
    a : (n_rows_a, n_columns)
        NaN where a row has no value; such cells are left out.
    b : (n_rows_b, n_columns)
        The other sample, of the same columns.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    Superiority
        One entry a column.

    Raises
    ------
    DataError
        If columns do not correspond, or one has fewer than two values in a sample or no spread in both.

    References
    ----------
    Brunner & Munzel (2000), The nonparametric Behrens-Fisher problem. Newcombe (2006), Confidence intervals for an
    effect size measure based on the Mann-Whitney statistic, part 2. Cliff (1993), Dominance statistics.
    """
    as_level(level)
    (_, mean_a, var_a), (_, mean_b, var_b) = _moments(a, "a"), _moments(b, "b")
    _refuse_different(len(mean_a), len(mean_b))
    _refuse_no_spread(np.maximum(np.maximum(var_a, var_b), (mean_a - mean_b) ** 2))
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    found = np.array(
        [_superiority(_present(x), _present(y), level) for x, y in zip(left.T, right.T, strict=True)]
    )
    at = np.flatnonzero((found[:, 0] <= 0) | (found[:, 0] >= 1))
    flags: tuple[Flag, ...] = ()
    if at.size:
        detail = (
            f"one sample lies wholly above the other in {at.size} of {len(found)} columns (first: column "
            f"{first(at)}); the interval there rests on a model of both distributions"
        )
        flags = (Flag(Weakness.AT_BOUNDARY, detail),)
    return Superiority(found[:, 0], found[:, 1], found[:, 2], flags)


def small_sample_correction(df: ArrayLike) -> Array:
    """Hedges' exact factor ``gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2))`` that makes d unbiased.

    Parameters
    ----------
    df
        Degrees of freedom of the standard deviation, of any shape.

    Returns
    -------
    Array
        Of the same shape, from 0 to 1. With one degree of freedom it is 0: d then has no mean.
    """
    m = np.asarray(df, dtype=np.float64)
    factor: Array = np.exp(gammaln(m / 2) - np.log(m / 2) / 2 - gammaln((m - 1) / 2))
    return factor


def _moments(values: ArrayLike, name: str) -> tuple[Array, Array, Array]:
    """Count the values of each column, with their mean and variance."""
    table = as_table(values, name=name, missing=True)
    present = ~np.isnan(table)
    n = present.sum(axis=0).astype(np.float64)
    few = np.flatnonzero(n < 2)
    if few.size:
        msg = (
            f"{few.size} of {table.shape[1]} columns of {name} have fewer than 2 values (first: column {first(few)}); "
            "drop them."
        )
        raise DataError(msg)
    mean = np.where(present, table, 0.0).sum(axis=0) / n
    squares = (np.where(present, table - mean, 0.0) ** 2).sum(axis=0)
    rounding = (1e-12 * np.abs(np.where(present, table, 0.0)).max(axis=0)) ** 2
    return n, mean, np.where(squares > n * rounding, squares, 0.0) / (n - 1)


def _present(column: Array) -> Array:
    return column[~np.isnan(column)]


def _refuse_different(n_a: int, n_b: int) -> None:
    if n_a != n_b:
        msg = f"a has {n_a} columns, b has {n_b}; give the same columns in both."
        raise DataError(msg)


def _refuse_no_spread(variance: Array) -> None:
    constant = np.flatnonzero(variance <= 0)
    if constant.size:
        msg = (
            f"{constant.size} of {variance.size} columns have no spread (first: column {first(constant)}), so nothing "
            "to measure an effect in; drop them."
        )
        raise DataError(msg)


def _noncentralities(t: Array, df: Array, level: float) -> tuple[Array, Array]:
    """Noncentralities at which t lies at the upper and at the lower tail, by halving."""
    tail = (1 - as_level(level)) / 2
    reach = 12.0 * (1.0 - ndtri(tail) / 2) * (1.0 + np.abs(t) / np.sqrt(df))
    ends = []
    for below in (1 - tail, tail):
        low, high = t - reach, t + reach
        for _ in range(_N_HALVINGS):
            middle = (low + high) / 2
            too_low = _noncentral_cdf(df, middle, t) > below
            low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
        ends.append((low + high) / 2)
    return ends[0], ends[1]


def _noncentral_cdf(df: Array, noncentrality: Array, t: Array) -> Array:
    """Chance of at most t, by way of positive t.

    Far out the series fails, so there it is the mean over a standard normal z of the chance that the
    chi-square of the standard deviation is at least ``df ((z + noncentrality) / t)^2``.
    """
    turned = t < 0
    shift, size = np.where(turned, -noncentrality, noncentrality), np.abs(t)
    far = size > _FAR
    chance = np.empty_like(size)
    chance[~far] = nctdtr(df[~far], shift[~far], size[~far])
    z = _REACH * _NODES
    density = _REACH * _NODE_WEIGHTS * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    ratio = np.maximum(z + shift[far, None], 0.0) / size[far, None]
    chance[far] = chdtrc(df[far, None], df[far, None] * ratio**2) @ density
    below: Array = np.where(turned, 1 - chance, chance)
    return below


def _superiority(a: Array, b: Array, level: float) -> tuple[float, float, float]:
    n_a, n_b = len(a), len(b)
    together = rankdata(np.concatenate([a, b]))
    place_a = (together[:n_a] - rankdata(a)) / n_b
    place_b = (together[n_a:] - rankdata(b)) / n_a
    p = float(place_a.mean())
    if p <= 0 or p >= 1:
        return _separated(p, n_a, n_b, level)
    parts: NDArray[np.float64] = np.array([place_a.var(ddof=1) / n_a, place_b.var(ddof=1) / n_b])
    variance = float(parts.sum())
    df = variance**2 / float((parts**2 / [n_a - 1, n_b - 1]).sum())
    logit, reach = np.log(p / (1 - p)), student.ppf((1 + level) / 2, df) * np.sqrt(variance) / (p * (1 - p))
    return p, float(1 / (1 + np.exp(reach - logit))), float(1 / (1 + np.exp(-reach - logit)))


def _separated(p: float, n_a: int, n_b: int, level: float) -> tuple[float, float, float]:
    """Score interval for a share of 0 or 1, by halving: ``|p - x| = z sqrt(v(x))``."""
    z2 = float(ndtri((1 + level) / 2)) ** 2
    half = (n_a + n_b) / 2 - 1
    low, high = 0.0, 1.0
    for _ in range(_N_HALVINGS):
        x = (low + high) / 2
        v = x * (1 - x) * (1 + half * (1 - x) / (2 - x) + half * x / (1 + x)) / (n_a * n_b)
        low, high = (x, high) if (1 - x) ** 2 > z2 * v else (low, x)
    return (p, low, 1.0) if p >= 1 else (p, 0.0, 1 - low)
