"""Ask whether two parts of the test order respondents alike: halves, forms, wordings, draws.

Owns how the test is parted and stepped up. Precision that follows from components of variance is in
`valuelex.stages.quality_precision`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import Estimate, Reliability, ReliabilityKind
from valuelex.domain.wording import count
from valuelex.stages.quality_correlation import resampled
from valuelex.stages.quality_table import (
    FEW_RESPONDENTS,
    RatingTable,
    cell_means,
    respondent_means,
    unknown,
)
from valuelex.stats.unit_correlations import UnitCorrelations

Array = NDArray[np.float64]
N_HALVES = 100
"""Random halves of the stems. One half's correlation moves by about .05 from half to half, their mean by .005."""
FEW_STEMS = 4
"""Fewest stems to be halved: each half then has two."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Scores on two parts of the test, pair by pair: each (n_respondents, n_pairs, n_subdimensions)."""

    kind: ReliabilityKind
    n_parts: int
    a: Array
    b: Array
    reason: str
    """Why there are no pairs."""


@dataclass(frozen=True, slots=True)
class MeanCorrelation:
    """Mean of several correlations, and that stepped up to n parts together, from unit weights."""

    pairs: UnitCorrelations
    n_parts: int

    def __call__(self, weights: Array) -> Array:
        """(n_resamples, 2); the second is NaN where the first is -1 / (n - 1) or below."""
        mean = self.pairs(weights).mean(axis=1)
        below = 1 + (self.n_parts - 1) * mean
        full = np.divide(self.n_parts * mean, below, out=np.full(mean.shape, np.nan), where=below > 1e-9)
        return np.stack([mean, full], axis=1)


def measure_reliability(
    table: RatingTable, weights: Array, rng: np.random.Generator
) -> tuple[Reliability, ...]:
    """Correlate parts of the test over respondents, on each subdimension.

    Halves are drawn at random and their correlations averaged; forms, wordings and draws are compared pair by
    pair and averaged. Spearman-Brown steps the mean up to all parts together. Several wordings or draws are
    parts of one length; two halves differ by a stem where the number of stems is odd.

    Parameters
    ----------
    table
        Ratings; several judges count as a panel.
    weights : (n_resamples, n_units)
        Resamples of respondents or families.
    rng
        Source of the halves.
    """
    means = cell_means(table, table.panel)
    parts = [_halves(means, rng), _forms(table, means)]
    parts += [
        _by_code(table, table.wording, "alternate_wordings", "Every stem was asked in one wording."),
        _by_code(table, table.draw, "retest", "Every stem was asked once, so there is no second draw."),
    ]
    return tuple(
        _correlate(table, part, k, weights) for part in parts for k in range(len(table.subdimensions))
    )


def split_scores(means: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Score respondents on random halves of the stems: two (n_respondents, N_HALVES, k) from (n, n_stems, k).

    The second half of each pair has the stems that the first has not.
    """
    halves: tuple[list[Array], list[Array]] = ([], [])
    n_stems = means.shape[1]
    for _ in range(N_HALVES):
        order = rng.permutation(n_stems)
        for own, chosen in zip(halves, (order[: n_stems // 2], order[n_stems // 2 :]), strict=True):
            own.append(respondent_means(means[:, chosen]))
    return np.stack(halves[0], axis=1), np.stack(halves[1], axis=1)


def _halves(means: Array, rng: np.random.Generator) -> _Parts:
    if means.shape[1] < FEW_STEMS:
        return _none(
            "split_half",
            f"{count(means.shape[1], 'stem is', 'stems are')} too few to halve; {FEW_STEMS} are needed.",
        )
    return _Parts("split_half", 2, *split_scores(means, rng), "")


def _forms(table: RatingTable, means: Array) -> _Parts:
    names = sorted({s.form for s in table.stems} - {""})
    if len(names) < 2:
        return _none("alternate_forms", "The stems were not written as two parallel forms.")
    return _pairs(
        "alternate_forms",
        [respondent_means(means[:, [s.form == name for s in table.stems]]) for name in names],
    )


def _by_code(table: RatingTable, code: NDArray[np.int64], kind: ReliabilityKind, reason: str) -> _Parts:
    known = np.unique(code)
    if len(known) < 2:
        return _none(kind, reason)
    own = [np.where((code == one)[:, None], table.panel, np.nan) for one in known]
    return _pairs(kind, [respondent_means(cell_means(table, values)) for values in own])


def _none(kind: ReliabilityKind, reason: str) -> _Parts:
    empty = np.empty((0, 0, 0))
    return _Parts(kind, 1, empty, empty, reason)


def _pairs(kind: ReliabilityKind, scores: Sequence[Array]) -> _Parts:
    chosen = list(combinations(range(len(scores)), 2))
    a, b = (np.stack([scores[pair[side]] for pair in chosen], axis=1) for side in (0, 1))
    return _Parts(kind, len(scores), a, b, "")


def _correlate(table: RatingTable, part: _Parts, k: int, weights: Array) -> Reliability:
    """Correlate the parts on one subdimension, or say why that cannot be done."""
    target, n = table.subdimensions[k], len(table.respondents)
    reason = part.reason
    if not reason and n < FEW_RESPONDENTS:
        reason = (
            f"{count(n, 'respondent is', 'respondents are')} too few to correlate their scores; {FEW_RESPONDENTS} are "
            "needed. See the components of variance instead."
        )
    if not reason:
        pairs = UnitCorrelations.of(part.a[:, :, k], part.b[:, :, k], table.unit)
        told = np.isfinite(pairs.everything()) & (pairs.counts >= FEW_RESPONDENTS)
        usable = UnitCorrelations(pairs.sums[:, :, told])
        statistic = MeanCorrelation(usable, part.n_parts)
        if told.any() and np.isfinite(statistic(np.ones((1, weights.shape[1])))).all():
            n_rows = int(pairs.counts[told].min())
            correlation, full = resampled(statistic, weights, [n_rows, n_rows])
            return Reliability(part.kind, target, part.n_parts, correlation, _stepped_up(correlation, full))
        reason = "Respondents do not differ on one of the parts, or the parts order them in opposite ways."
    return Reliability(part.kind, target, part.n_parts, unknown(reason, n), unknown(reason, n))


def _stepped_up(correlation: Estimate, full: Estimate) -> Estimate:
    """Give no reliability where parts do not agree at all, and no lower end below 0: there is nothing to step up."""
    if correlation.value is None or correlation.value <= 0:
        return unknown(
            "The parts do not order respondents alike, so there is no reliability to step up.", full.n
        )
    return replace(full, low=None if full.low is None else max(full.low, 0.0))
