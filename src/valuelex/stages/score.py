"""Estimate where each respondent stands, from ratings.

Owns the mean over draws and stems, its interval, and the counts of what is missing.
Does not compare respondents; `compare` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS, SCALE_HIGH, SCALE_LOW, Level, Orientation, RatingArray
from valuelex.domain.structure import ValueSystem
from valuelex.stats.unit_statistics import studentised_intervals

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StemMeans:
    """Mean rating over draws: (n_stems, n_respondents, n_targets), NaN where no draw was rated.

    Targets are the subdimensions of the system and then its dimensions; the rating of a completion
    on a dimension is the mean of the ratings it has on the dimension's subdimensions.
    """

    values: Array
    respondent_ids: tuple[str, ...]
    targets: tuple[tuple[Level, str], ...]


def rate_targets(ratings: RatingArray, system: ValueSystem) -> tuple[Array, NDArray[np.int8]]:
    """Put the dimensions of a system beside its subdimensions: values and reasons, each (n_completions, n_targets).

    The rating of a completion on a dimension is the mean of those it has on the subdimensions. It is
    missing where all of them are, for the commonest reason (of equally common ones the first in `REASONS`).
    """
    column = {name: i for i, name in enumerate(ratings.subdimensions)}
    values, missing = [ratings.values], [ratings.missing]
    for dimension in system.dimensions:
        own = [column[s.id] for s in dimension.subdimensions]
        part = ratings.values[:, own]
        count = (~np.isnan(part)).sum(axis=1)
        total = np.nansum(part, axis=1)
        values.append(np.divide(total, count, out=np.full(len(part), np.nan), where=count > 0)[:, None])
        reason = commonest_reason(ratings.missing[:, own])
        missing.append(np.where(count > 0, np.int8(-1), reason)[:, None])
    return np.hstack(values), np.hstack(missing)


def commonest_reason(codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the commonest missing reason of each row of (n, k) codes, -1 where none is missing."""
    counts = np.stack([(codes == code).sum(axis=1) for code in range(len(REASONS))], axis=1)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1).astype(np.int8)


def stem_means(
    ratings: RatingArray, system: ValueSystem, respondent_ids: Sequence[str], stem_ids: Sequence[str]
) -> StemMeans:
    """Average the ratings of each respondent on each stem over draws, for every target of a system."""
    values, _ = rate_targets(ratings, system)
    targets: list[tuple[Level, str]] = [("subdimension", s) for s in ratings.subdimensions]
    targets += [("dimension", d.id) for d in system.dimensions]
    shape = (len(stem_ids), len(respondent_ids))
    cell = np.ravel_multi_index(
        (_positions([c.stem_id for c in ratings.completions], stem_ids), _who(ratings, respondent_ids)), shape
    )
    means = np.stack([_cell_means(column, cell, shape[0] * shape[1]) for column in values.T], axis=1)
    return StemMeans(means.reshape(*shape, -1), tuple(respondent_ids), tuple(targets))


def orient(
    ratings: RatingArray,
    system: ValueSystem,
    respondent_ids: Sequence[str],
    stem_ids: Sequence[str],
    n_resamples: int,
    rng: np.random.Generator,
) -> tuple[Orientation, ...]:
    """Estimate every respondent's orientation on every subdimension and dimension.

    The estimate is the mean over stems of the mean over draws, so a stem that lost a draw counts
    as much as the others. The interval is a bootstrap over stems: it tells how far the
    estimate would move with other stems of the same kind, for this respondent.

    Parameters
    ----------
    ratings
        One judge's ratings on `system`.
    respondent_ids, stem_ids
        Whom and what to report, in order.
    n_resamples
        Resamples of stems, at least 100.
    rng
        Source of the resamples.

    Returns
    -------
    tuple of Orientation
        In scale points (0 to 6), respondent by respondent. None where too few stems were rated.
    """
    means = stem_means(ratings, system, respondent_ids, stem_ids)
    n_stems, n_respondents, n_targets = means.values.shape
    flat = means.values.reshape(n_stems, n_respondents * n_targets)
    estimate, low, high = (
        part.reshape(n_respondents, n_targets) for part in studentised_intervals(flat, n_resamples, rng)
    )
    low, high = np.clip(low, SCALE_LOW, SCALE_HIGH), np.clip(high, SCALE_LOW, SCALE_HIGH)
    rated_stems = (~np.isnan(means.values)).sum(axis=0)
    errors = _standard_errors(means.values)
    who = _who(ratings, respondent_ids)
    n_completions = np.bincount(who, minlength=n_respondents)
    reasons = _count_reasons(rate_targets(ratings, system)[1], who, n_respondents)
    found = []
    for r, respondent_id in enumerate(respondent_ids):
        for t, (level, target) in enumerate(means.targets):
            missing = _named(reasons[r, t])
            found.append(
                Orientation(
                    respondent_id=respondent_id,
                    system=ratings.system,
                    judge=ratings.judge,
                    level=level,
                    target=target,
                    estimate=number_or_none(estimate[r, t]),
                    ci_low=number_or_none(low[r, t]),
                    ci_high=number_or_none(high[r, t]),
                    n_stems=int(rated_stems[r, t]),
                    n_completions=int(n_completions[r]) - sum(missing.values()),
                    missing=missing,
                    standard_error=number_or_none(errors[r, t]),
                )
            )
    return tuple(found)


def _standard_errors(means: Array) -> Array:
    """Of the mean over the first axis; NaN where fewer than two are there."""
    n = (~np.isnan(means)).sum(axis=0)
    centre = np.nansum(means, axis=0) / np.maximum(n, 1)
    squares = np.nansum((means - centre) ** 2, axis=0)
    errors: Array = np.sqrt(np.divide(squares, n * (n - 1.0), out=np.full(n.shape, np.nan), where=n > 1))
    return errors


def number_or_none(value: float) -> float | None:
    """Return a float, or None in place of NaN, which has no place in a result file."""
    return None if np.isnan(value) else float(value)


def _positions(names: Sequence[str], known: Sequence[str]) -> Codes:
    place = {name: i for i, name in enumerate(known)}
    return np.array([place[name] for name in names], dtype=np.int64)


def _who(ratings: RatingArray, respondent_ids: Sequence[str]) -> Codes:
    return _positions([c.respondent_id for c in ratings.completions], respondent_ids)


def _cell_means(column: Array, cell: Codes, n_cells: int) -> Array:
    """Mean of the present values of a column in each cell, NaN where there is none."""
    present = ~np.isnan(column)
    count = np.bincount(cell[present], minlength=n_cells)
    total = np.bincount(cell[present], column[present], minlength=n_cells)
    mean: Array = np.divide(total, count, out=np.full(n_cells, np.nan), where=count > 0)
    return mean


def _count_reasons(missing: NDArray[np.int8], who: Codes, n_respondents: int) -> Codes:
    """How often each reason occurs: (n_respondents, n_targets, n_reasons)."""
    n_targets, n_reasons = missing.shape[1], len(REASONS)
    row, target = np.nonzero(missing >= 0)
    index = (who[row] * n_targets + target) * n_reasons + missing[row, target]
    counts = np.bincount(index, minlength=n_respondents * n_targets * n_reasons)
    return counts.reshape(n_respondents, n_targets, n_reasons)


def _named(counts: Codes) -> Mapping[Missing, int]:
    return {reason: int(n) for reason, n in zip(REASONS, counts, strict=True) if n}
