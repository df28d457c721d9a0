"""Means, ratios and standardised effects of rows as functions of the weights of independent units.

Each is a statistic for `valuelex.stats.bootstrap`: sums are taken once for each unit, so a resample of whole
units is one product of weights and sums. The studentised interval of plain means, with each row a unit of
its own, is here too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.errors import DataError
from valuelex.stats.bootstrap import as_level, refuse_few_resamples, studentised, studentised_ends
from valuelex.stats.checks import Array, as_groups, as_table, first

MIN_ROWS = 5
"""Fewest values for an interval: with fewer, most resamples have no spread of their own."""
_COLUMNS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class UnitRatios:
    """Ratios of sums over rows: a mean where the denominator counts rows."""

    centre: Array
    """(n_columns,) the ratio on all units."""
    sums: Array
    """(n_units, n_columns) sum of ``numerator - centre * denominator`` over the rows of a unit."""
    sizes: Array
    """(n_units, n_columns) sum of the denominators."""

    def __call__(self, weights: Array) -> Array:
        """Ratios (n_resamples, n_columns) for unit weights (n_resamples, n_units); NaN if nothing is left."""
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio: Array = self.centre + (weights @ self.sums) / (weights @ self.sizes)
        return ratio

    def variance(self, weights: Array) -> Array:
        """Squared cluster-robust standard errors (n_resamples, n_columns), by linearisation over units.

        ``u / (u - 1) * sum of w (sum - ratio * size)^2 / (sum of w size)^2`` for u units that hold rows.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            total = weights @ self.sizes
            ratio = (weights @ self.sums) / total
            squares = (
                weights @ self.sums**2
                - 2 * ratio * (weights @ (self.sums * self.sizes))
                + ratio**2 * (weights @ self.sizes**2)
            )
            units = weights @ (self.sizes != 0).astype(np.float64)
            found: Array = np.clip(squares, 0.0, None) / total**2 * units / (units - 1)
        return np.where(units > 1, found, np.nan)


@dataclass(frozen=True, slots=True)
class UnitEffects:
    """Standardised means, or differences of two means in pooled standard deviations."""

    sizes: Array
    """(n_labels, n_units, n_columns) numbers of rows."""
    sums: Array
    """(n_labels, n_units, n_columns) sums of values less `centre`."""
    squares: Array
    """(n_labels, n_units, n_columns) sums of their squares."""
    centre: Array
    """(n_columns,) mean of all rows."""

    def __call__(self, weights: Array) -> Array:
        """Effects (n_resamples, n_columns) in standard deviations; NaN without spread or with too few rows."""
        n, total, square = (weights @ part for part in (self.sizes, self.sums, self.squares))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / n
            within = square - n * mean**2
            within[within <= 1e-12 * square] = 0.0
            pooled = within.sum(axis=0) / (n.sum(axis=0) - len(n))
            difference = mean[0] + self.centre if len(n) == 1 else mean[0] - mean[1]
            effect: Array = difference / np.sqrt(pooled)
        return np.where(np.isfinite(effect), effect, np.nan)


def unit_means(values: ArrayLike, groups: ArrayLike | None = None) -> UnitRatios:
    """Means of columns over rows that lie in independent units; every row counts once.

    Parameters
    ----------
    values : (n_rows, n_columns)
        NaN where a row has no value; such cells are left out.
    groups : (n_rows,), optional
        Independent unit of each row; else every row is its own.

    Returns
    -------
    UnitRatios
        A statistic, with its `variance`, whose units are in the sorted order of their names.

    Raises
    ------
    DataError
        If a value is infinite, a column is empty, or there are fewer than two units.
    """
    table = as_table(values, name="values", missing=True)
    present = ~np.isnan(table)
    return unit_ratios(np.where(present, table, 0.0), present.astype(np.float64), groups)


def unit_ratios(
    numerators: ArrayLike, denominators: ArrayLike, groups: ArrayLike | None = None
) -> UnitRatios:
    """Ratios of column sums over rows that lie in independent units.

    Parameters
    ----------
    numerators, denominators : (n_rows, n_columns)
        Finite. A weighted mean has ``weight * value`` over ``weight``.
    groups : (n_rows,), optional
        Independent unit of each row; else every row is its own.

    Returns
    -------
    UnitRatios
        A statistic, with its `variance`, whose units are in the sorted order of their names.

    Raises
    ------
    DataError
        If the shapes differ, a denominator sums to zero, or there are fewer than two units.
    """
    above, below = as_table(numerators, name="numerators"), as_table(denominators, name="denominators")
    if above.shape != below.shape:
        msg = f"numerators have shape {above.shape}, denominators {below.shape}; give one denominator a cell."
        raise DataError(msg)
    empty = np.flatnonzero(below.sum(axis=0) == 0)
    if empty.size:
        msg = f"{empty.size} of {below.shape[1]} columns hold nothing (first: column {first(empty)}); drop them."
        raise DataError(msg)
    centre = above.sum(axis=0) / below.sum(axis=0)
    unit = _units(groups, len(above))
    return UnitRatios(centre, sum_by_unit(above - centre * below, unit), sum_by_unit(below, unit))


def unit_effects(
    values: ArrayLike, groups: ArrayLike | None = None, *, labels: ArrayLike | None = None
) -> UnitEffects:
    """Standardised effects over rows that lie in independent units.

    Parameters
    ----------
    values : (n_rows, n_columns)
        NaN where a row has no value; such cells are left out.
    groups : (n_rows,), optional
        Independent unit of each row; else every row is its own.
    labels : (n_rows,), optional
        Two names. Then the effect is the mean of the first, in sorted order, less that of the second, over
        the pooled standard deviation; else it is the mean over the standard deviation.

    Returns
    -------
    UnitEffects
        A statistic whose units are in the sorted order of their names.

    Raises
    ------
    DataError
        If a value is infinite, labels do not name two kinds, or there are fewer than two units.
    """
    table = as_table(values, name="values", missing=True)
    unit = _units(groups, len(table))
    kind = np.zeros(len(table), dtype=np.int64)
    if labels is not None:
        kind = as_groups(labels, len(table), name="labels")
        if kind.max() > 1:
            msg = f"labels name {kind.max() + 1} kinds; a standardised difference is between 2."
            raise DataError(msg)
    present = ~np.isnan(table)
    empty = np.flatnonzero(~present.any(axis=0))
    if empty.size:
        msg = f"{empty.size} of {table.shape[1]} columns hold nothing (first: column {first(empty)}); drop them."
        raise DataError(msg)
    centre = np.nanmean(table, axis=0)
    centred = np.where(present, table - centre, 0.0)
    of_kind = [(kind == k)[:, None] for k in range(int(kind.max()) + 1)]
    sizes, sums, squares = (
        np.stack([sum_by_unit(part * chosen, unit) for chosen in of_kind])
        for part in (present.astype(np.float64), centred, centred**2)
    )
    return UnitEffects(sizes, sums, squares, centre)


def studentised_intervals(
    values: Array, n_resamples: int, rng: np.random.Generator, level: float = 0.95
) -> tuple[Array, Array, Array]:
    """Mean of each column with its bootstrap-t interval, where each row is an independent unit.

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
        where it has fewer than `MIN_ROWS`, or where all its values are
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
    refuse_no_rows(values)
    refuse_few_resamples(n_resamples)
    as_level(level)
    draws = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=n_resamples)
    weights: Array = draws.astype(np.float64)
    parts = [
        _studentised(values[:, start : start + _COLUMNS_AT_ONCE], weights, level)
        for start in range(0, values.shape[1], _COLUMNS_AT_ONCE)
    ]
    mean, low, high = (np.concatenate(part) for part in zip(*parts, strict=True))
    return mean, low, high


def sum_by_unit(table: Array, unit: NDArray[np.int64]) -> Array:
    """Sum the rows of each unit, numbered from 0: (n_units, n_columns)."""
    return np.stack([np.bincount(unit, column) for column in table.T], axis=1)


def refuse_no_rows(values: Array) -> None:
    """Raise `DataError` unless the values are a table with a row at least."""
    if values.ndim != 2 or not values.size:
        msg = f"Expected a table of rows × columns with a row at least, got an array of shape {values.shape}."
        raise DataError(msg)
    infinite = np.argwhere(np.isinf(values))
    if infinite.size:
        row, column = infinite[0]
        msg = f"{len(infinite)} values are infinite (first: row {row} column {column}); correct them or leave them out."
        raise DataError(msg)


def _units(groups: ArrayLike | None, n_rows: int) -> NDArray[np.int64]:
    return np.arange(n_rows) if groups is None else as_groups(groups, n_rows)


def _studentised(values: Array, weights: Array, level: float) -> tuple[Array, Array, Array]:
    present = ~np.isnan(values)
    n = present.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, values, 0.0).sum(axis=0) / n
        centred = np.where(present, values - mean, 0.0)
        se = np.sqrt((centred**2).sum(axis=0) / (n - 1) / n)
        n_star = weights @ present.astype(np.float64)
        mean_star = weights @ centred / n_star
        variance_star = (weights @ centred**2 / n_star - mean_star**2) * n_star / (n_star - 1)
        t_star = studentised(mean_star, variance_star / n_star, se**2)
    t_star[n_star < 2] = np.nan
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    spread = np.flatnonzero((n >= MIN_ROWS) & (se >= 1e-12))
    if spread.size:
        low[spread], high[spread] = studentised_ends(mean[spread], se[spread], t_star[:, spread], level)
    mean = np.where(n >= 2, mean, np.nan)
    return mean, low, high
