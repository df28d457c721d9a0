"""Agreement on categories beyond chance: Cohen's kappa of two raters, Gwet's AC1 and AC2 of two or more.

Intervals are analytic and hold for independent units. Krippendorff's alpha, which also serves units in groups,
is in `valuelex.stats.agreement`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from valuelex.errors import DataError
from valuelex.stats.agreement import FEW_UNITS
from valuelex.stats.bootstrap import as_level
from valuelex.stats.checks import Array, as_table, choose, first
from valuelex.stats.flags import Flag, Weakness

WEIGHTS = ("unweighted", "linear", "quadratic", "ordinal")


@dataclass(frozen=True, slots=True)
class CategoryAgreement:
    """Agreement on categories, corrected for chance."""

    estimate: float
    """At most 1; 0 where raters agree as often as chance, below 0 where they agree less often."""
    low: float
    """Lower end of the interval; NaN where no unit agrees less than another."""
    high: float
    """Upper end, at most 1."""
    standard_error: float
    """Of the estimate, from independent units."""
    observed: float
    """Observed agreement, from 0 to 1, with partial agreement weighted."""
    expected: float
    """Agreement by chance, from 0 to below 1."""
    n_units: int
    """Units used: with both ratings (kappa) or with a rating at least (Gwet)."""
    flags: tuple[Flag, ...]
    """`LEFT_OUT` for units that hold no pair; `FEW_UNITS`; `AT_BOUNDARY` where there is no interval."""


def cohen_kappa(
    ratings: ArrayLike,
    *,
    weights: str = "unweighted",
    categories: ArrayLike | None = None,
    level: float = 0.95,
) -> CategoryAgreement:
    """Cohen's kappa of two raters, ``(observed - expected) / (1 - expected)``, unweighted or weighted.

    Chance is the product of each rater's own shares of the categories. The interval is the estimate plus or
    minus a normal quantile times the large-sample standard error of Fleiss, Cohen & Everitt; it is cut at
    -1 and 1. 95 % intervals cover in 91 to 95 % of samples of 50 units or more, but in 85 to 93 % of samples of 20,
    least for quadratic weights on a skewed scale (see `benchmarks/coverage_reliability.py`).

    Parameters
    ----------
    ratings : (n_units, 2)
        Numbers that name categories; NaN where a rater gave none, which leaves the unit out.
    weights
        What a pair of categories x, y counts: 'unweighted', 1 if equal, else 0; 'linear', ``1 - |x - y| / range``;
        'quadratic', ``1 - (x - y)^2 / range^2``; 'ordinal', 1 less the share of pairs of categories that
        lie within reach of both.
    categories : (n_categories,), optional
        All scale points, used or not; else those that occur. Points never used do not change unweighted
        kappa; the end points set the range of the weights.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    CategoryAgreement

    Raises
    ------
    DataError
        If there are not two raters, fewer than two units have both ratings, all ratings are equal (kappa
        is then undefined), or one is not among the categories.

    References
    ----------
    Cohen (1968), Weighted kappa. Fleiss, Cohen & Everitt (1969), Large sample standard errors of kappa and
    weighted kappa.
    """
    choose(weights, WEIGHTS, name="weights")
    as_level(level)
    table = _table(ratings)
    if table.shape[1] != 2:
        msg = (
            f"ratings have {table.shape[1]} columns; kappa compares 2 raters, so give 2 columns or use Gwet's or "
            "Krippendorff's coefficient."
        )
        raise DataError(msg)
    kept = np.isfinite(table).sum(axis=1) == 2
    _refuse_few(kept, "both ratings")
    codes, values = _codes(table[kept], categories)
    n, q = len(codes), len(values)
    shares = np.bincount(codes[:, 0] * q + codes[:, 1], minlength=q * q).reshape(q, q) / n
    weight = _weights(values, weights)
    one, two = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float((weight * shares).sum()), float(one @ weight @ two)
    if expected >= 1 - 1e-12:
        msg = (
            f"All {2 * n} ratings are {values[codes[0, 0]]:g}; kappa is then undefined, so rate units that differ or "
            "use Gwet's coefficient with its categories."
        )
        raise DataError(msg)
    kappa = (observed - expected) / (1 - expected)
    chance = (weight @ two)[:, None] + (weight.T @ one)[None, :]
    influence = (weight - chance * (1 - kappa)) / (1 - expected)
    mean = float((shares * influence).sum())
    variance = float((shares * (influence - mean) ** 2).sum()) / n
    error = float(np.sqrt(variance)) if variance > 1e-24 else 0.0
    low, high, flags = _ends(kappa, error, float(ndtri((1 + level) / 2)))
    flags = _flag_units(kept, "both ratings") + flags
    return CategoryAgreement(kappa, max(low, -1.0), high, error, observed, expected, n, flags)


def gwet_agreement(
    ratings: ArrayLike,
    *,
    weights: str = "unweighted",
    categories: ArrayLike | None = None,
    level: float = 0.95,
) -> CategoryAgreement:
    """Gwet's AC1 (unweighted) or AC2 (weighted): agreement that stays sensible where one category prevails.

    ``(observed - expected) / (1 - expected)``, where chance is ``sum of weights / (q (q - 1)) * sum p (1 - p)`` for the
    mean shares p of q categories. The interval is the estimate plus or minus Student's t times the
    linearised standard error over units, cut at 1. 95 % intervals of AC1 cover in 92 to 96 % of samples of 50 units or
    more; those of AC2 in 94 % of 200 units, 89 to 91 % of 50 and 87 % of 20 (see
    `benchmarks/coverage_reliability.py`).

    Parameters
    ----------
    ratings : (n_units, n_raters)
        Numbers that name categories; NaN where a rater gave none. A unit with a single rating tells about
        chance only, one without any is left out.
    weights
        'unweighted', 'linear', 'quadratic' or 'ordinal', as in `cohen_kappa`.
    categories : (n_categories,), optional
        All scale points, used or not; else those that occur. A point that was never used counts: it makes
        agreement by chance less likely and the coefficient higher, so name the whole scale.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    CategoryAgreement

    Raises
    ------
    DataError
        If fewer than two units are rated, none is rated twice, there is one category, or a rating is not
        among the categories.

    References
    ----------
    Gwet (2008), Computing inter-rater reliability and its variance in the presence of high agreement. Gwet
    (2014), Handbook of Inter-Rater Reliability, chapters 4 to 6.
    """
    choose(weights, WEIGHTS, name="weights")
    as_level(level)
    table = _table(ratings)
    kept = np.isfinite(table).sum(axis=1) >= 1
    _refuse_few(kept, "a rating")
    counts, values = _counts(table[kept], categories)
    n, q = counts.shape
    if q < 2:
        msg = (
            f"All ratings are {values[0]:g}; with a single category agreement by chance is certain, so give "
            "categories: all points of the scale."
        )
        raise DataError(msg)
    sizes = counts.sum(axis=1)
    paired = sizes >= 2
    if not paired.any():
        msg = f"None of {n} rated units has two ratings; agreement needs units that are rated twice."
        raise DataError(msg)
    weight = _weights(values, weights)
    pairs = (counts * (counts @ weight - 1)).sum(axis=1)
    own = np.divide(pairs, sizes * (sizes - 1), out=np.zeros(n), where=paired)
    observed = float(own[paired].mean())
    shares = counts / sizes[:, None]
    prevalence = shares.mean(axis=0)
    scale = float(weight.sum()) / (q * (q - 1))
    expected = scale * float(prevalence @ (1 - prevalence))
    estimate = (observed - expected) / (1 - expected)
    agreeing = n / paired.sum() * (own - expected * paired) / (1 - expected)
    by_chance = (scale * (shares @ (1 - prevalence)) - expected) / (1 - expected)
    deviation = agreeing - 2 * (1 - estimate) * by_chance - estimate
    variance = float((deviation**2).sum()) / (n * (n - 1))
    error = float(np.sqrt(variance)) if variance > 1e-24 else 0.0
    low, high, flags = _ends(estimate, error, float(stdtrit(n - 1, (1 + level) / 2)))
    flags = _flag_units((~np.isnan(table)).sum(axis=1) >= 2, "two ratings") + flags
    return CategoryAgreement(estimate, low, high, error, observed, expected, n, flags)


def _table(ratings: ArrayLike) -> Array:
    return as_table(ratings, name="ratings", min_columns=2, missing=True)


def _refuse_few(kept: NDArray[np.bool_], what: str) -> None:
    if kept.sum() < 2:
        msg = f"{int(kept.sum())} of {len(kept)} units have {what}; at least 2 are needed."
        raise DataError(msg)


def _values(table: Array, categories: ArrayLike | None) -> Array:
    used = np.unique(table[~np.isnan(table)])
    if categories is None:
        return used
    values = np.unique(as_table(np.atleast_2d(np.asarray(categories)), name="categories", min_rows=1))
    strange = used[~np.isin(used, values)]
    if strange.size:
        msg = (
            f"{strange.size} of {used.size} values in ratings are not among the {values.size} categories (first: "
            f"{first([f'{value:g}' for value in strange])}); correct them or name all points of the scale."
        )
        raise DataError(msg)
    return values


def _codes(table: Array, categories: ArrayLike | None) -> tuple[NDArray[np.int64], Array]:
    values = _values(table, categories)
    return np.searchsorted(values, table), values


def _counts(table: Array, categories: ArrayLike | None) -> tuple[Array, Array]:
    """How often each unit was put into each category: (n_units, n_categories), and the categories."""
    values = _values(table, categories)
    row, column = np.nonzero(~np.isnan(table))
    cell = row * len(values) + np.searchsorted(values, table[row, column])
    counts = np.bincount(cell, minlength=len(table) * len(values)).reshape(len(table), len(values))
    return counts.astype(np.float64), values


def _weights(values: Array, kind: str) -> Array:
    """Credit for each pair of categories, from 0 to 1: (q, q)."""
    q = len(values)
    if kind == "unweighted" or q < 2:
        return np.eye(q)
    if kind == "ordinal":
        apart = np.abs(np.subtract.outer(np.arange(q), np.arange(q)))
        within = apart * (apart + 1) / 2
        ordinal: Array = 1 - within / within.max()
        return ordinal
    distance = np.abs(np.subtract.outer(values, values)) / (values[-1] - values[0])
    metric: Array = 1 - (distance if kind == "linear" else distance**2)
    return metric


def _ends(estimate: float, error: float, reach: float) -> tuple[float, float, tuple[Flag, ...]]:
    if error == 0:
        detail = (
            "no unit agrees more or less than the others, so nothing tells how far the estimate may be off"
        )
        return np.nan, np.nan, (Flag(Weakness.AT_BOUNDARY, detail),)
    return estimate - reach * error, min(estimate + reach * error, 1.0), ()


def _flag_units(kept: NDArray[np.bool_], what: str) -> tuple[Flag, ...]:
    flags: tuple[Flag, ...] = ()
    out = np.flatnonzero(~kept)
    if out.size:
        detail = f"{out.size} of {len(kept)} units do not have {what} and hold no pair (first: {first(out)})"
        flags += (Flag(Weakness.LEFT_OUT, detail),)
    if kept.sum() < FEW_UNITS:
        detail = f"{int(kept.sum())} units hold a pair; below {FEW_UNITS} the interval may be too short"
        flags += (Flag(Weakness.FEW_UNITS, detail),)
    return flags
