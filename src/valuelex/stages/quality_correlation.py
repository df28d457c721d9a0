"""Give correlations, and other statistics of unit weights, their intervals and the reasons why there is none.

Owns the turn from arrays to estimates with reasons. Correlations and resampling are in `valuelex.stats`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import Estimate
from valuelex.domain.wording import count
from valuelex.stages.quality_table import estimate, unknown
from valuelex.stats.bootstrap import bootstrap
from valuelex.stats.unit_correlations import UnitCorrelations

Array = NDArray[np.float64]


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
        return f"{count(n, 'case has', 'cases have')} both values; a correlation needs 2 at least."
    return "One of the two does not vary."
