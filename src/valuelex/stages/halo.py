"""Ask whether the subdimensions are told apart, or one impression colours them all.

Owns the levels at which subdimensions are correlated, and the tests of discriminant validity between dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import Discriminance, Estimate, Halo, Level, Profile
from valuelex.domain.structure import ValueSystem
from valuelex.domain.wording import count
from valuelex.stages.quality_correlation import resampled
from valuelex.stages.quality_reliability import FEW_STEMS, split_scores
from valuelex.stages.quality_table import (
    FEW_RESPONDENTS,
    RatingTable,
    cell_means,
    mean_present,
    respondent_means,
    unknown,
    within,
)
from valuelex.stages.score import number_or_none
from valuelex.stats.unit_correlations import UnitCorrelations

Array = NDArray[np.float64]
MIN_ROWS = 5
"""Fewest rows with both ratings for a correlation of two subdimensions."""
_LEAST_RELIABLE = 1e-6


@dataclass(frozen=True, slots=True)
class _OneFactor:
    """Share of the first eigenvalue and mean correlation, from unit weights: (n_resamples, 2)."""

    pairs: UnitCorrelations
    width: int

    def __call__(self, weights: Array) -> Array:
        r = self.pairs(weights)
        return np.stack([self.eigenvalues(r)[:, 0] / self.width, r.mean(axis=1)], axis=1)

    def matrices(self, r: Array) -> Array:
        """Correlation matrices (n, width, width) of pairs (n, n_pairs)."""
        full = np.tile(np.eye(self.width), (len(r), 1, 1))
        row, column = np.triu_indices(self.width, 1)
        full[:, row, column] = full[:, column, row] = r
        return full

    def eigenvalues(self, r: Array) -> Array:
        """In falling order, (n, width); NaN where a correlation is."""
        told = np.isfinite(r).all(axis=1)
        values = np.full((len(r), self.width), np.nan)
        values[told] = np.linalg.eigvalsh(self.matrices(r[told]))[:, ::-1]
        return values


@dataclass(frozen=True, slots=True)
class _Rows:
    """Ratings at one level, the unit of each row, and resamples of the units."""

    level: Level
    values: Array
    unit: NDArray[np.int64]
    weights: Array
    reason: str = ""


def measure_halo(
    table: RatingTable,
    system: ValueSystem,
    weights: tuple[Array, Array],
    reliability: float | None,
    rng: np.random.Generator,
) -> tuple[tuple[Halo, ...], tuple[Discriminance, ...]]:
    """Correlate subdimensions at three levels, and dimensions at two.

    Between respondents the correlations hold what respondents are like, and also what judges think of each of them.
    Between single completions they hold besides what stems pull at. Within, what respondent and stem have in common
    with others is taken out: what is left of a completion. A rater who forms one impression of a sentence
    and rates it everywhere shows there, where no general disposition of a respondent can explain it.

    Parameters
    ----------
    table, system
        Ratings, and which subdimensions make a dimension.
    weights
        Resamples of the units of respondents, and of the clusters of completions.
    reliability
        Mean generalizability of the subdimensions, if known.
    rng
        Source of the halves of stems, for correlations freed of error.
    """
    scores = respondent_means(cell_means(table, table.panel))
    few = (
        f"{count(len(scores), 'respondent is', 'respondents are')} too few; {FEW_RESPONDENTS} are needed."
        if len(scores) < FEW_RESPONDENTS
        else ""
    )
    levels = (
        _Rows("respondent", scores, table.unit, weights[0], few),
        _Rows("completion", table.panel, table.cluster, weights[1]),
        _Rows("within", within(table, table.panel), table.cluster, weights[1]),
    )
    if len(table.subdimensions) < 2:
        return (), ()
    halos = tuple(_halo(table, rows, reliability) for rows in levels)
    free = _disattenuated(table, system, weights[0], few, rng)
    found = []
    for rows in (levels[0], levels[2]):
        for a, b in combinations(system.dimensions, 2):
            columns = [
                [table.subdimensions.index(s.id) for s in dimension.subdimensions] for dimension in (a, b)
            ]
            other = (
                free[a.id, b.id] if rows.level == "respondent" else unknown("Told between respondents only.")
            )
            found.append(Discriminance(rows.level, a.id, b.id, _htmt(rows, columns), other))
    return halos, tuple(found)


def profiles(table: RatingTable) -> tuple[Profile, ...]:
    """Score every respondent on every subdimension, as it is and beside its own mean over subdimensions."""
    raw = respondent_means(cell_means(table, table.panel))
    own = raw - mean_present(raw, axis=1)[:, None]
    return tuple(
        Profile(respondent.id, name, number_or_none(raw[r, k]), number_or_none(own[r, k]))
        for r, respondent in enumerate(table.respondents)
        for k, name in enumerate(table.subdimensions)
    )


def _columns(rows: _Rows, pairs: Sequence[tuple[int, int]]) -> UnitCorrelations:
    first, second = np.array(pairs).T
    return UnitCorrelations.of(rows.values[:, first], rows.values[:, second], rows.unit)


def _halo(table: RatingTable, rows: _Rows, reliability: float | None) -> Halo:
    width = len(table.subdimensions)
    held = reliability if rows.level == "respondent" else None
    reason = rows.reason
    if not reason:
        pairs = _columns(rows, list(combinations(range(width), 2)))
        r = pairs.everything()
        if (pairs.counts >= MIN_ROWS).all() and np.isfinite(r).all():
            statistic = _OneFactor(pairs, width)
            n_units = rows.weights.shape[1]
            share, mean = resampled(statistic, rows.weights, [n_units, n_units])
            return Halo(
                level=rows.level,
                n_rows=int(pairs.counts.min()),
                subdimensions=table.subdimensions,
                correlations=tuple(tuple(map(float, row)) for row in statistic.matrices(r[None])[0]),
                eigenvalues=tuple(map(float, statistic.eigenvalues(r[None])[0])),
                first_share=share,
                mean_correlation=mean,
                mean_reliability=held,
            )
        reason = (
            f"Two subdimensions have fewer than {MIN_ROWS} ratings in common, or one of them does not vary."
        )
    none = unknown(reason)
    return Halo(rows.level, 0, table.subdimensions, (), (), none, none, held, reason)


def _htmt(rows: _Rows, columns: Sequence[Sequence[int]]) -> Estimate:
    """Heterotrait-monotrait ratio (Henseler, Ringle & Sarstedt 2015) of two dimensions."""
    if rows.reason:
        return unknown(rows.reason)
    if min(map(len, columns)) < 2:
        return unknown("Both dimensions need two subdimensions or more.")
    between = [(i, j) for i in columns[0] for j in columns[1]]
    inside = [list(combinations(own, 2)) for own in columns]
    pairs = _columns(rows, [*between, *inside[0], *inside[1]])
    cuts = np.cumsum([len(between), len(inside[0])])

    def ratio(weights: Array) -> Array:
        across, one, other = (part.mean(axis=1) for part in np.split(pairs(weights), cuts, axis=1))
        product = np.where((one > 0) & (other > 0), one * other, np.nan)
        value: Array = (across / np.sqrt(product))[:, None]
        return value

    n_units = rows.weights.shape[1]
    if (pairs.counts < MIN_ROWS).any() or not np.isfinite(ratio(np.ones((1, n_units)))).all():
        return unknown(
            "The subdimensions of a dimension are not positively correlated, or hardly rated together."
        )
    return resampled(ratio, rows.weights, [n_units])[0]


def _disattenuated(
    table: RatingTable, system: ValueSystem, weights: Array, few: str, rng: np.random.Generator
) -> Mapping[tuple[str, str], Estimate]:
    """Correlate dimensions over respondents, each on other stems, and free that of error by the halves' reliability.

    ``mean r(a1, b2) / sqrt(mean r(a1, a2) mean r(b1, b2))`` over halves 1 and 2. Dimensions rated on the same
    completion share its accidents; across halves they do not.
    """
    together = list(combinations(range(len(system.dimensions)), 2))
    names = [d.id for d in system.dimensions]
    reason = few or (
        f"{count(len(table.stems), 'stem')} cannot be halved." if len(table.stems) < FEW_STEMS else ""
    )
    if reason:
        return {(names[i], names[j]): unknown(reason) for i, j in together}
    place = {name: k for k, name in enumerate(table.subdimensions)}
    by_dimension = [
        mean_present(table.panel[:, [place[s.id] for s in d.subdimensions]], axis=1)
        for d in system.dimensions
    ]
    one, two = split_scores(cell_means(table, np.stack(by_dimension, axis=1)), rng)
    own = [UnitCorrelations.of(one[:, :, d], two[:, :, d], table.unit) for d in range(len(names))]
    found = {}
    for i, j in together:
        crossed = [
            UnitCorrelations.of(first[:, :, i], second[:, :, j], table.unit)
            for first, second in ((one, two), (two, one))
        ]
        found[names[i], names[j]] = _freed(crossed, (own[i], own[j]), weights)
    return found


def _freed(
    crossed: Sequence[UnitCorrelations], own: tuple[UnitCorrelations, UnitCorrelations], weights: Array
) -> Estimate:
    def ratio(weights: Array) -> Array:
        across = np.stack([pairs(weights).mean(axis=1) for pairs in crossed]).mean(axis=0)
        reliable = [pairs(weights).mean(axis=1) for pairs in own]
        product = np.where(
            (reliable[0] > _LEAST_RELIABLE) & (reliable[1] > _LEAST_RELIABLE),
            reliable[0] * reliable[1],
            np.nan,
        )
        value: Array = (across / np.sqrt(product))[:, None]
        return value

    n_units = weights.shape[1]
    if not np.isfinite(ratio(np.ones((1, n_units)))).all():
        return unknown("A dimension has no reliability, so its error cannot be taken out.", n_units)
    return resampled(ratio, weights, [n_units])[0]
