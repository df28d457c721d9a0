"""Statistics of scores against labels within strata, as functions of the weights of independent units.

Each is a statistic for `valuelex.stats.bootstrap`: it takes (n_resamples, n_units) and returns (n_resamples, 1) or
(n_resamples, n_groups). A stratum is a subdimension: scores of different strata are never ranked against each other,
since a judge may be higher on one of them throughout. Knows no judge and no label set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores beside labels: (n,) each; `stratum` and `unit` are numbers from 0."""

    score: Array
    label: Array
    stratum: Numbers
    unit: Numbers

    def strata(self) -> list[NDArray[np.int64]]:
        """Row numbers of each stratum that has any."""
        return [np.flatnonzero(self.stratum == s) for s in np.unique(self.stratum)]


def midranks(values: Array, weights: Array) -> Array:
    """Rank values where each stands as often as its weight says; equal ones share their mean rank.

    Parameters
    ----------
    values : (n,)
        What is ranked.
    weights : (n_resamples, n)
        How often each value stands in each resample.

    Returns
    -------
    (n_resamples, n)
        From 1 to the sum of weights.
    """
    _, tied = np.unique(values, return_inverse=True)
    order = np.argsort(tied, kind="stable")
    starts = np.flatnonzero(np.diff(tied[order], prepend=-1))
    size = np.add.reduceat(weights[:, order], starts, axis=1)
    rank: Array = (np.cumsum(size, axis=1) - size + (size + 1) / 2)[:, tied]
    return rank


def area_under_curve(
    scored: Scored, high: NDArray[np.bool_], low: NDArray[np.bool_]
) -> Callable[[Array], Array]:
    """Chance that a high row is scored above a low row of its stratum, ties counting half.

    Parameters
    ----------
    scored
        The rows.
    high, low : (n,)
        Which rows are compared with which.

    Returns
    -------
    function
        From (n_resamples, n_units) to (n_resamples, 1), 0 to 1; NaN where no stratum has a pair.

    References
    ----------
    Mann & Whitney (1947), On a test of whether one of two random variables is stochastically larger.
    """
    parts = [rows[(high | low)[rows]] for rows in scored.strata()]
    parts = [rows for rows in parts if high[rows].any() and low[rows].any()]

    def of(weights: Array) -> Array:
        above, pairs = np.zeros(len(weights)), np.zeros(len(weights))
        for rows in parts:
            own = weights[:, scored.unit[rows]]
            top = own * high[rows]
            n_high = top.sum(axis=1)
            above += (top * midranks(scored.score[rows], own)).sum(axis=1) - n_high * (n_high + 1) / 2
            pairs += n_high * (own.sum(axis=1) - n_high)
        return _ratio(above, pairs)[:, None]

    return _in_parts(of, len(scored.score))


def rank_correlation(scored: Scored) -> Callable[[Array], Array]:
    """Spearman's correlation of score and label within strata, averaged by their numbers of rows.

    Returns
    -------
    function
        From (n_resamples, n_units) to (n_resamples, 1), -1 to 1; strata without spread are left out, NaN where
        none has any.

    References
    ----------
    Spearman (1904), The proof and measurement of association between two things.
    """

    def of(weights: Array) -> Array:
        total, size = np.zeros(len(weights)), np.zeros(len(weights))
        for rows in scored.strata():
            own = weights[:, scored.unit[rows]]
            n = own.sum(axis=1)
            x, y = (
                midranks(values[rows], own) - (n[:, None] + 1) / 2 for values in (scored.score, scored.label)
            )
            spread = np.sqrt((own * x**2).sum(axis=1) * (own * y**2).sum(axis=1))
            varied = spread > 1e-9 * np.maximum(n, 1.0)
            rho = np.divide((own * x * y).sum(axis=1), spread, out=np.zeros(len(n)), where=varied)
            total += rho * n
            size += n * varied
        return _ratio(total, size)[:, None]

    return _in_parts(of, len(scored.score))


def excess_by_group(scored: Scored, group: Numbers, *, expected: Array | None) -> Callable[[Array], Array]:
    """Mean score of each group less what is expected of its rows.

    Parameters
    ----------
    scored
        The rows.
    group : (n,)
        Numbers from 0.
    expected : (n,), optional
        What each row is expected to score. Without it, the mean score of the rows of the same label and stratum,
        taken anew in each resample.

    Returns
    -------
    function
        From (n_resamples, n_units) to (n_resamples, n_groups), in the unit of the scores; NaN for a group that
        is not in a resample.
    """
    n_groups = int(group.max()) + 1
    cell = _cells(scored) if expected is None else np.zeros(len(group), dtype=np.int64)
    own = scored.score if expected is None else scored.score - expected
    shape = (int(scored.unit.max()) + 1, int(cell.max()) + 1, n_groups)
    place = np.ravel_multi_index((scored.unit, cell, group), shape)
    length = int(np.prod(shape))
    sums = np.bincount(place, own, minlength=length).reshape(shape[0], -1)
    counts = np.bincount(place, minlength=length).astype(np.float64).reshape(shape[0], -1)

    def of(weights: Array) -> Array:
        total, n = ((weights @ part).reshape(len(weights), *shape[1:]) for part in (sums, counts))
        if expected is None:
            mean = _ratio(total.sum(axis=2), n.sum(axis=2))
            total = total - np.where(n > 0, np.nan_to_num(mean)[:, :, None] * n, 0.0)
        return _ratio(total.sum(axis=1), n.sum(axis=1))

    return of


def slope_within(scored: Scored, x: Array, *, expected: Array | None) -> Callable[[Array], Array]:
    """Least squares slope of the score on x within rows of the same label and stratum.

    Parameters
    ----------
    scored
        The rows.
    x : (n,)
        What the score is regressed on.
    expected : (n,), optional
        As in `excess_by_group`; with it, one regression of the differences over all rows.

    Returns
    -------
    function
        From (n_resamples, n_units) to (n_resamples, 1), in the unit of the scores for one of x; NaN where x has no
        spread.
    """
    y = scored.score if expected is None else scored.score - expected
    cell = _cells(scored) if expected is None else np.zeros(len(x), dtype=np.int64)
    shape = (int(scored.unit.max()) + 1, int(cell.max()) + 1)
    place = np.ravel_multi_index((scored.unit, cell), shape)
    centred = x - x.mean()
    tables = [
        np.bincount(place, part, minlength=shape[0] * shape[1]).reshape(shape)
        for part in (np.ones(len(x)), centred, y, centred * y, centred**2)
    ]

    def of(weights: Array) -> Array:
        n, sx, sy, sxy, sxx = (weights @ table for table in tables)
        size = np.maximum(n, 1.0)
        spread = (sxx - sx**2 / size).sum(axis=1)
        spread[spread <= 1e-9 * np.maximum(sxx.sum(axis=1), 1e-300)] = 0.0
        return _ratio((sxy - sx * sy / size).sum(axis=1), spread)[:, None]

    return of


def _cells(scored: Scored) -> Numbers:
    """Give each combination of stratum and label a number from 0."""
    _, label = np.unique(scored.label, return_inverse=True)
    _, cell = np.unique(scored.stratum * (int(label.max()) + 1) + label, return_inverse=True)
    numbers: Numbers = cell.astype(np.int64)
    return numbers


def _ratio(above: Array, below: Array) -> Array:
    ratio: Array = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return ratio


def _in_parts(of: Callable[[Array], Array], n_rows: int) -> Callable[[Array], Array]:
    """Evaluate a statistic for some resamples at a time, to bound its memory."""
    step = max(1, _CELLS_AT_ONCE // n_rows)
    return lambda weights: np.concatenate([of(weights[i : i + step]) for i in range(0, len(weights), step)])
