"""Intraclass correlations of complete ratings: six forms with F tests and intervals, from mean squares.

Ratings with gaps, unequal numbers of ratings, or more sources of variance are for variance components
(`valuelex.stats.reml`). Agreement on nominal or ordinal scales is in `valuelex.stats.agreement`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc, fdtri

from valuelex.errors import DataError
from valuelex.stats.bootstrap import as_level
from valuelex.stats.checks import Array, as_table, first
from valuelex.stats.flags import Flag, Weakness

FORMS = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")
"""Names of Shrout & Fleiss (1979), in the order of the arrays of `IntraclassCorrelations`."""
FEW_UNITS = 10
"""Below this number of units the interval is too wide to tell good agreement from poor."""


@dataclass(frozen=True, slots=True)
class IntraclassCorrelations:
    """The six forms in the order of `FORMS`; each array is (6,)."""

    estimate: NDArray[np.float64]
    """At most 1; below 0 where raters agree less than chance. ICC(2,k) is -inf where ICC(2,1) is too low for any
    mean of k."""
    low: NDArray[np.float64]
    """Lower end of the interval; -inf for ICC(2,k) by the same rule. NaN for both forms 2 where that estimate is
    -inf."""
    high: NDArray[np.float64]
    """Upper end, at most 1; NaN with the lower end."""
    f_ratio: NDArray[np.float64]
    """F of the test that the correlation is zero."""
    df_between: NDArray[np.float64]
    """Its first degrees of freedom, n_units - 1."""
    df_error: NDArray[np.float64]
    """Its second degrees of freedom."""
    p_value: NDArray[np.float64]
    """From 0 to 1."""
    mean_squares: NDArray[np.float64]
    """(4,) between units, within units, between raters, and residual."""
    flags: tuple[Flag, ...]
    """`FEW_UNITS`; `AT_BOUNDARY` where an estimate is negative."""


def intraclass_correlations(ratings: ArrayLike, *, level: float = 0.95) -> IntraclassCorrelations:
    """Estimate the six intraclass correlations of Shrout & Fleiss.

    With n units, k raters and mean squares between units B, within units W, between raters J and residual E:

    - ICC(1,1), ``(B - W) / (B + (k - 1) W)``: each unit has raters of its own, drawn at random. McGraw &
      Wong's ICC(1).
    - ICC(2,1), ``(B - E) / (B + (k - 1) E + k (J - E) / n)``: the same raters, drawn at random, rate all units, and
      their severity counts as error. ICC(A,1), absolute agreement.
    - ICC(3,1), ``(B - E) / (B + (k - 1) E)``: these raters only; their severity does not count. ICC(C,1),
      consistency.
    - ICC(1,k), ICC(2,k), ICC(3,k): the same of the mean of the k ratings; ICC(k), ICC(A,k), ICC(C,k). ICC(3,k) is
      Cronbach's alpha.

    Intervals of forms 1 and 3 are exact for normal ratings, those of form 2 use Satterthwaite's degrees of
    freedom. Skewed or bounded ratings make them too short (see `benchmarks/coverage_reliability.py`).

    Parameters
    ----------
    ratings : (n_units, n_raters)
        At least 2 x 2, with no value missing.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    IntraclassCorrelations

    Raises
    ------
    DataError
        If a rating is missing, there is one unit or one rater, or the ratings leave a form undefined: all are
        equal, the units do not differ, or nothing but the units differs.

    References
    ----------
    Shrout & Fleiss (1979), Intraclass correlations. McGraw & Wong (1996), Forming inferences about some
    intraclass correlation coefficients, with the correction of the same year.
    """
    as_level(level)
    table = _complete(ratings)
    n, k = table.shape
    between, within, raters, error = _mean_squares(table)
    by_rater = (raters - error) / n
    single = np.array(
        [
            (between - within) / (between + (k - 1) * within),
            (between - error) / (between + (k - 1) * error + k * by_rater),
            (between - error) / (between + (k - 1) * error),
        ]
    )
    average = np.array(
        [(between - within) / between, _of_mean(float(single[1]), k), (between - error) / between]
    )
    ratio = np.array([between / within, between / error, between / error])
    df_error = np.array([n * (k - 1), (n - 1) * (k - 1), (n - 1) * (k - 1)], dtype=np.float64)
    p = fdtrc(n - 1, df_error, ratio)
    tail = (1 + level) / 2
    f_low = ratio / fdtri(n - 1, df_error, tail)
    f_high = ratio * fdtri(df_error, n - 1, tail)
    low, high = (f_low - 1) / (f_low + k - 1), (f_high - 1) / (f_high + k - 1)
    low_mean, high_mean = 1 - 1 / f_low, 1 - 1 / f_high
    low[1], high[1] = _agreement_interval(n, k, between, raters, error, tail)
    low_mean[1], high_mean[1] = (_of_mean(float(end), k) for end in (low[1], high[1]))
    return IntraclassCorrelations(
        np.concatenate([single, average]),
        np.concatenate([low, low_mean]),
        np.concatenate([high, high_mean]),
        np.tile(ratio, 2),
        np.full(6, n - 1.0),
        np.tile(df_error, 2),
        np.tile(p, 2),
        np.array([between, within, raters, error]),
        _flags(n, np.concatenate([single, average])),
    )


def _complete(ratings: ArrayLike) -> Array:
    table = as_table(ratings, name="ratings", min_columns=2, missing=True)
    gaps = np.flatnonzero(np.isnan(table).any(axis=1))
    if gaps.size:
        msg = (
            f"{gaps.size} of {len(table)} units miss a rating (first: unit {first(gaps)}); leave those units out, or "
            "estimate variance components by REML, which uses them."
        )
        raise DataError(msg)
    return table


def _mean_squares(table: Array) -> tuple[float, float, float, float]:
    n, k = table.shape
    centred = table - table.mean()
    unit, rater = centred.mean(axis=1), centred.mean(axis=0)
    within_parts = centred - unit[:, None]
    error_parts = within_parts - rater
    total = float((centred**2).sum())
    between = k * float((unit**2).sum()) / (n - 1)
    within = float((within_parts**2).sum()) / (n * (k - 1))
    raters = n * float((rater**2).sum()) / (k - 1)
    error = float((error_parts**2).sum()) / ((n - 1) * (k - 1))
    none = 1e-24 * float(np.abs(table).max()) ** 2 + 1e-14 * total / (n * k)
    if total <= n * k * none:
        msg = f"All {n * k} ratings are {table[0, 0]:g}; an intraclass correlation needs units that differ."
        raise DataError(msg)
    if between <= none:
        msg = f"The {n} units all have the same mean; an intraclass correlation needs units that differ."
        raise DataError(msg)
    if error <= none:
        what = "are the same for every unit" if raters <= none else "differ by the same amount on every unit"
        msg = (
            f"The ratings of all {k} raters {what}, so there is no residual variance to test against; check that "
            "the columns are not copies of one."
        )
        raise DataError(msg)
    return between, within, raters, error


def _agreement_interval(
    n: int, k: int, between: float, raters: float, error: float, tail: float
) -> tuple[float, float]:
    """Interval of ICC(2,1), with Satterthwaite's degrees of freedom for the error with raters in it."""
    icc = (between - error) / (between + (k - 1) * error + k * (raters - error) / n)
    if icc <= -1 / (k - 1):
        return np.nan, np.nan
    ratio = raters / error
    rest = n * (1 + (k - 1) * icc) - k * icc
    df = (k - 1) * (n - 1) * (k * icc * ratio + rest) ** 2
    df /= (n - 1) * k**2 * icc**2 * ratio**2 + rest**2
    # With hardly any degrees of freedom the quantile runs off to infinity.
    inverse = 1 / float(fdtri(n - 1, df, tail)) if df > 1e-3 else 0.0
    lower = float(fdtri(df, n - 1, tail)) if df > 1e-3 else 0.0
    spread = k * raters + (k * n - k - n) * error
    low = n * (between * inverse - error) / (spread + n * between * inverse)
    high = n * (lower * between - error) / (spread + n * lower * between)
    return low, high


def _of_mean(single: float, k: int) -> float:
    """Step a correlation of single ratings up to that of their mean (Spearman-Brown)."""
    below = 1 + (k - 1) * single
    if np.isnan(single):
        return np.nan
    return k * single / below if below > 0 else -np.inf


def _flags(n_units: int, estimate: Array) -> tuple[Flag, ...]:
    flags: tuple[Flag, ...] = ()
    if n_units < FEW_UNITS:
        detail = f"{n_units} units; below {FEW_UNITS} the intervals are wide and rest on normal ratings"
        flags += (Flag(Weakness.FEW_UNITS, detail),)
    negative = [form for form, value in zip(FORMS, estimate, strict=True) if value < 0]
    if negative:
        detail = (
            f"{len(negative)} of 6 forms are negative (first: {first(negative)}): units differ less than their ratings "
            "do by chance"
        )
        flags += (Flag(Weakness.AT_BOUNDARY, detail),)
    return flags
