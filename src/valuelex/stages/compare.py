"""Compare respondents, or groups of them, stem by stem.

Owns the pairs, the paired differences and the adjustment for many tests.
Intervals and tests are over stems: they hold for these respondents, and not for models unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW, Contrast, Level, RatingArray
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Respondent
from valuelex.stages.score import number_or_none, stem_means
from valuelex.stats.effect_size import standardised_mean
from valuelex.stats.multiplicity import holm
from valuelex.stats.permutation import sign_flip_p_values
from valuelex.stats.unit_statistics import studentised_intervals

Array = NDArray[np.float64]
N_FLIPS = 9_999
"""Sign patterns of every test."""
FLIPS_PER_TEST = 100
"""Sign patterns for each test of a Holm family, where a contrast is promising: its smallest
adjusted p-value is then 1 / 100, however many contrasts are made."""
PROMISING = 0.01


def levels_of(factor: str, respondents: Sequence[Respondent]) -> Mapping[str, tuple[int, ...]]:
    """Group respondents by a factor.

    Parameters
    ----------
    factor
        One of `valuelex.domain.study.FACTORS`, or the name of an attribute.
    respondents
        All respondents of the study.

    Returns
    -------
    mapping
        Positions of the respondents at each level, levels in the order in which they first occur.
        Respondents for whom the factor is unknown belong to no level.
    """
    levels: dict[str, list[int]] = {}
    for position, respondent in enumerate(respondents):
        value = respondent.level(factor)
        if value is not None:
            levels.setdefault(value, []).append(position)
    return {level: tuple(members) for level, members in levels.items()}


@dataclass(frozen=True, slots=True)
class _Pair:
    a: str
    b: str
    n_a: int
    n_b: int


def contrast(
    ratings: RatingArray,
    system: ValueSystem,
    respondents: Sequence[Respondent],
    stem_ids: Sequence[str],
    factor: str,
    n_resamples: int,
    rng: np.random.Generator,
) -> tuple[Contrast, ...]:
    """Contrast every pair of levels of a factor on every target of a system.

    A level's value on a stem is the mean over its respondents. The difference is paired by stem; its
    interval is a bootstrap over stems, its test a sign-flip permutation test, and Holm's
    adjustment is over all contrasts of this factor at the same level (subdimension or dimension).

    Parameters
    ----------
    ratings
        One judge's ratings on `system`.
    respondents
        All respondents of the study.
    stem_ids
        The stems of the test.
    factor
        As for `levels_of`.
    n_resamples
        Resamples of stems for the intervals, at least 100.
    rng
        Source of the resamples and sign patterns.

    Returns
    -------
    tuple of Contrast
        Empty when the factor has fewer than two levels. A field is None where too few
        stems were rated on both sides.
    """
    levels = levels_of(factor, respondents)
    if len(levels) < 2:
        return ()
    means = stem_means(ratings, system, [r.id for r in respondents], stem_ids)
    by_level = {name: _mean_present(means.values[:, list(rows), :]) for name, rows in levels.items()}
    pairs = [_Pair(a, b, len(levels[a]), len(levels[b])) for a, b in combinations(levels, 2)]
    differences = np.stack([by_level[pair.a] - by_level[pair.b] for pair in pairs], axis=1)
    shape = differences.shape[1:]
    flat = differences.reshape(len(stem_ids), -1)
    mean, low, high = studentised_intervals(flat, n_resamples, rng)
    widest = SCALE_HIGH - SCALE_LOW
    low, high = np.clip(low, -widest, widest), np.clip(high, -widest, widest)
    p_values = _p_values(flat, rng)
    fields = [part.reshape(shape) for part in (mean, low, high, standardised_mean(flat), p_values)]
    n_rated = (~np.isnan(differences)).sum(axis=0)
    adjusted = _adjust(fields[4], [level for level, _ in means.targets])
    return tuple(
        _contrast(ratings, factor, pair, target, [f[p, t] for f in (*fields, adjusted)], int(n_rated[p, t]))
        for p, pair in enumerate(pairs)
        for t, target in enumerate(means.targets)
    )


def _p_values(differences: Array, rng: np.random.Generator) -> Array:
    """Test all columns roughly, and the promising ones again with patterns of their own and enough of them."""
    p_values = sign_flip_p_values(differences, N_FLIPS, rng)
    promising = np.flatnonzero(p_values <= PROMISING)
    n_flips = max(N_FLIPS, FLIPS_PER_TEST * differences.shape[1])
    if promising.size:
        p_values[promising] = sign_flip_p_values(differences[:, promising], n_flips, rng)
    return p_values


def _mean_present(values: Array) -> Array:
    """Mean over respondents of (n_stems, n_respondents, n_targets), NaN where nobody was rated."""
    count = (~np.isnan(values)).sum(axis=1)
    total = np.nansum(values, axis=1)
    mean: Array = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _adjust(p_values: Array, levels: Sequence[Level]) -> Array:
    adjusted = np.full(p_values.shape, np.nan)
    for level in set(levels):
        columns = [t for t, own in enumerate(levels) if own == level]
        adjusted[:, columns] = holm(p_values[:, columns].ravel()).reshape(len(p_values), -1)
    return adjusted


def _contrast(
    ratings: RatingArray,
    factor: str,
    pair: _Pair,
    target: tuple[Level, str],
    numbers: Sequence[float],
    n_stems: int,
) -> Contrast:
    difference, low, high, effect, p_value, p_adjusted = map(number_or_none, numbers)
    return Contrast(
        system=ratings.system,
        judge=ratings.judge,
        factor=factor,
        level=target[0],
        target=target[1],
        a=pair.a,
        b=pair.b,
        difference=difference,
        ci_low=low,
        ci_high=high,
        effect_size=effect,
        p_value=p_value,
        p_adjusted=p_adjusted,
        n_stems=n_stems,
        n_respondents_a=pair.n_a,
        n_respondents_b=pair.n_b,
    )
