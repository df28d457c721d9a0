"""Estimate where each respondent stands, from ratings.

Owns the mean over draws and stems, its interval, and the counts of what is missing.
Does not compare respondents; `compare` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW, Level, Orientation, RatingArray, count_missing
from valuelex.domain.structure import ValueSystem
from valuelex.stats.unit_statistics import studentised_intervals

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StemMeans:
    """Mean rating over draws: (n_stems, n_respondents, n_targets), NaN where no draw was rated.

    Targets are the subdimensions of the system and then its dimensions; the rating of a completion
    on a dimension is the mean of its ratings on the dimension's subdimensions.
    """

    values: Array
    respondent_ids: tuple[str, ...]
    targets: tuple[tuple[Level, str], ...]


def stem_means(
    ratings: RatingArray, system: ValueSystem, respondent_ids: Sequence[str], stem_ids: Sequence[str]
) -> StemMeans:
    """Average the ratings of each respondent on each stem over draws, for every target of a system."""
    column = {name: i for i, name in enumerate(ratings.subdimensions)}
    by_dimension = [
        ratings.values[:, [column[s.id] for s in d.subdimensions]].mean(axis=1) for d in system.dimensions
    ]
    values = np.column_stack([ratings.values, *by_dimension])
    respondent = {name: i for i, name in enumerate(respondent_ids)}
    stem = {name: i for i, name in enumerate(stem_ids)}
    at = (
        np.array([stem[c.stem_id] for c in ratings.completions], dtype=np.int64),
        np.array([respondent[c.respondent_id] for c in ratings.completions], dtype=np.int64),
    )
    shape = (len(stem_ids), len(respondent_ids), values.shape[1])
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, at, np.nan_to_num(values))
    np.add.at(count, at, (~np.isnan(values)).astype(np.float64))
    means = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
    targets: list[tuple[Level, str]] = [("subdimension", s) for s in ratings.subdimensions]
    targets += [("dimension", d.id) for d in system.dimensions]
    return StemMeans(means, tuple(respondent_ids), tuple(targets))


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
    found = []
    for r, respondent_id in enumerate(respondent_ids):
        own = tuple(c for c in ratings.completions if c.respondent_id == respondent_id)
        missing = count_missing(own)
        for t, (level, target) in enumerate(means.targets):
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
                    n_completions=len(own) - sum(missing.values()),
                    missing=missing,
                )
            )
    return tuple(found)


def number_or_none(value: float) -> float | None:
    """Return a float, or None in place of NaN, which has no place in a result file."""
    return None if np.isnan(value) else float(value)
