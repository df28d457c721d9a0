"""Correlations of pairs of columns as statistics of the weights of independent units.

Owns the sums by unit, so that thousands of resamples cost one matrix product. The resampling is in `bootstrap`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
