"""Correlations of columns with intervals over whole independent units.

Owns the correlation as a statistic of unit weights, with pairs that miss a value left out. The resampling
is in `valuelex.stats.bootstrap`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import Estimate
from valuelex.stages.quality_table import estimate, unknown
from valuelex.stats.bootstrap import bootstrap
from valuelex.stats.unit_statistics import sum_by_unit

Array = NDArray[np.float64]
_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True)
class UnitCorrelations:
    """Pearson correlations of k pairs of columns as functions of the weights of independent units."""

    sums: Array
    """(6, n_units, k): of 1, x, y, x squared, y squared and x y, both columns centred."""

    @classmethod
    def of(cls, x: Array, y: Array, unit: NDArray[np.int64]) -> UnitCorrelations:
        """Sum up columns (n_rows, k) by unit; rows in which either is NaN are left out, pair by pair."""
        both = ~(np.isnan(x) | np.isnan(y))
        count = np.maximum(both.sum(axis=0), 1)
        a, b = (np.where(both, part - np.where(both, part, 0.0).sum(axis=0) / count, 0.0) for part in (x, y))
        parts = (both.astype(np.float64), a, b, a**2, b**2, a * b)
        return cls(np.stack([sum_by_unit(part, unit) for part in parts]))

    def __call__(self, weights: Array) -> Array:
        """Correlations (n_resamples, k), -1 to 1; NaN where a column is constant or has fewer than 2 rows."""
        n, sum_x, sum_y, square_x, square_y, product = (weights @ part for part in self.sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            var_x = square_x - sum_x**2 / n
            var_y = square_y - sum_y**2 / n
            spread = (var_x > _NO_SPREAD * square_x) & (var_y > _NO_SPREAD * square_y) & (n > 1)
            r = (product - sum_x * sum_y / n) / np.sqrt(np.where(spread, var_x * var_y, 1.0))
        return np.where(spread, np.clip(r, -1.0, 1.0), np.nan)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(k,) rows with both values."""
        rows: NDArray[np.int64] = self.sums[0].sum(axis=0).round().astype(np.int64)
        return rows

    def everything(self) -> Array:
        """(k,) correlations over all units."""
        value: Array = self(np.ones((1, self.sums.shape[1])))[0]
        return value


def correlation_estimates(pairs: UnitCorrelations, weights: Array) -> list[Estimate]:
    """Give each correlation its BCa interval over units, or the reason why it has no value."""
    values, counts = pairs.everything(), pairs.counts
    usable = np.flatnonzero(np.isfinite(values))
    chosen = UnitCorrelations(pairs.sums[:, :, usable])
    found = dict(zip(usable.tolist(), resampled(chosen, weights, counts[usable]), strict=True))
    return [found.get(k, unknown(_why(int(n)), int(n))) for k, n in enumerate(counts)]


def resampled(
    statistic: Callable[[Array], Array],
    weights: Array,
    counts: NDArray[np.int64] | list[int],
    variance: Callable[[Array], Array] | None = None,
) -> list[Estimate]:
    """Estimate quantities that have a value on all units, with intervals from unit weights.

    Intervals are studentised where their `variance` is given, which covers best with few units, else BCa. `counts`
    are the numbers of cases to report, one a quantity. With one unit there is no interval.
    """
    if not len(counts):
        return []
    if weights.shape[1] < 2:
        values = statistic(np.ones((1, weights.shape[1])))[0]
        why = "There is one independent unit only, so there is no interval."
        return [estimate(v, np.nan, np.nan, int(n), why) for v, n in zip(values, counts, strict=True)]
    method = "bca" if variance is None else "studentised"
    found = bootstrap(statistic, weights, method=method, variance=variance)
    return [
        estimate(
            found.estimate[k], found.low[k], found.high[k], int(n), _no_interval(found.low[k], found.high[k])
        )
        for k, n in enumerate(counts)
    ]


def _no_interval(low: float, high: float) -> str:
    """Say why an end is missing; nothing where both are there."""
    if np.isnan(low) or np.isnan(high):
        return "Resamples do not vary or lie on one side, so there is no interval."
    if np.isinf(low) or np.isinf(high):
        return "Too few independent units to bound it on both sides."
    return ""


def _why(n: int) -> str:
    if n < 2:
        return f"{n} cases have both values; a correlation needs 2 at least."
    return "One of the two does not vary."
