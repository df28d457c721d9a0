"""How many groups each level supports, and how many dimensions over them, by units held out.

A view says how much two columns belong together: between units, within lists, or by their meaning (embeddings).
Numbers come from the lists alone; in doubt both levels count alike. The weights of the views for a number of groups
are chosen in `view_weights`.

Does not resample for stability; see `valuelex.stats.stability`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError
from valuelex.stats.block_model import BlockModelChoice, choice_of_gains, standard_error
from valuelex.stats.checks import Array
from valuelex.stats.cluster import Labels, adjusted_rand, leading_vectors, nested_partitions
from valuelex.stats.hierarchy import (
    DimensionChoice,
    candidates,
    choose_dimensions,
    group_affinity,
    join_groups,
    tied_cells,
)
from valuelex.stats.level_gain import Gains, at_best_share, between_gains, within_gains
from valuelex.stats.levels import (
    MOST_EXACT,
    Affinity,
    ListCounts,
    between_affinity,
    block_sums,
    company_of_parts,
    within_affinity,
)

ALIKE = (1.0, 1.0)
MIXES = ((1.0, 0.0), (1.0, 0.5), ALIKE, (0.5, 1.0), (0.0, 1.0))
"""Candidate weights of the views between units and within lists; both count alike unless others are clearly better."""
N_FOLDS = 5
Held = NDArray[np.bool_]
"""(n_independent,) which independent units a fold holds out."""
Weights = tuple[float, float, float]
"""Of the views between units, within lists and embeddings."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the columns at each level, and who is independent.

    Either level may be missing. `fold_of_unit` and `fold_of_block` number the independent unit (such as a family)
    of each unit that has a profile, and of each block of lists.
    """

    counts: ListCounts | None
    """None where there are no lists, as with ratings."""
    profile: Array | None
    """(n_units, n_columns); None where units cannot be told apart."""
    fold_of_unit: Labels
    fold_of_block: Labels
    pooled: bool = False
    """Expect co-occurrence by popularity over all units, since there is no level between them, or for comparison."""

    @property
    def n_independent(self) -> int:
        """Number of independent units."""
        return int(max(self.fold_of_unit.max(initial=-1), self.fold_of_block.max(initial=-1))) + 1

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        if self.counts is not None:
            return self.counts.n_columns
        assert self.profile is not None
        return int(self.profile.shape[1])

    @property
    def mixes(self) -> tuple[tuple[float, float], ...]:
        """Weights of the two levels that can be tried."""
        if self.profile is None:
            return ((0.0, 1.0),)
        return MIXES if self.counts is not None else ((1.0, 0.0),)


def affinities(evidence: Evidence, weights: Array) -> tuple[Affinity, Affinity]:
    """Return the affinity between units and within lists when each independent unit counts so often."""
    between = within = Affinity(spread=0.0)
    if evidence.profile is not None:
        between = between_affinity(evidence.profile, weights[evidence.fold_of_unit])
    if evidence.counts is not None:
        within = within_affinity(evidence.counts, weights[evidence.fold_of_block], pooled=evidence.pooled)
    return between, within


def partitions(
    views: Sequence[Affinity | None], weights: Sequence[float], n_columns: int, numbers: Sequence[int]
) -> list[Labels]:
    """Partition columns by a weighted sum of views.

    Parameters
    ----------
    views
        Affinities of the columns; None for one that there is not.
    weights
        One for each view, at least 0.
    n_columns
        Number of columns.
    numbers
        Numbers of groups wanted.

    Returns
    -------
    list of (n_columns,)
        One partition for each number; all in one group where no two columns have a positive affinity.
    """
    vectors = leading_vectors(summed(views, weights, n_columns), max(numbers))
    if vectors is None:
        return [np.zeros(n_columns, dtype=np.int64) for _ in numbers]
    return nested_partitions(vectors, numbers)


def summed(views: Sequence[Affinity | None], weights: Sequence[float], n_columns: int) -> Array:
    """Return the weighted sum of views (n_columns, n_columns), a new matrix; views that are None are left out."""
    total = np.zeros((n_columns, n_columns), dtype=np.float64 if n_columns <= MOST_EXACT else np.float32)
    for view, weight in zip(views, weights, strict=True):
        if view is not None:
            view.add_to(total, weight)
    return total


@dataclass(frozen=True, slots=True)
class LevelChoices:
    """The number of groups at each level, and at both together."""

    between: BlockModelChoice | None
    within: BlockModelChoice | None
    joint: BlockModelChoice
    """By the sum of both gains, each number of groups with weights of the levels that suit it."""
    mix: tuple[tuple[float, float], ...]
    """(m,) those weights, for each number of groups."""


def choose_levels(
    evidence: Evidence, rng: np.random.Generator, *, max_groups: int = 10, n_repeats: int = 3
) -> LevelChoices:
    """Choose the number of groups at each level by the likelihood of held-out units.

    Groups are learnt from four fifths of the independent units and scored on the others. See `level_gain` for the
    scores and `valuelex.stats.block_model` for the rule of one standard error, `NO_GROUPS` and `TOO_LITTLE_DATA`.

    Parameters
    ----------
    evidence
        Lists and profiles.
    rng
        Deals the units into folds.
    max_groups
        Largest number of groups, from 2 to the number of columns.
    n_repeats
        How often the units are dealt anew.

    Returns
    -------
    LevelChoices

    Raises
    ------
    DataError
        If there are fewer than 3 independent units, or `max_groups` is out of range.
    """
    n_columns = evidence.n_columns
    if evidence.n_independent < 3:
        msg = (
            f"{evidence.n_independent} independent units cannot be held out from one another; at least 3 are needed to "
            "choose a number of groups."
        )
        raise DataError(msg)
    if not 2 <= max_groups <= n_columns:
        msg = f"max_groups is {max_groups}, but {n_columns} columns occur; give 2 to {n_columns}."
        raise DataError(msg)
    numbers = range(2, max_groups + 1)
    gains, slopes, agreement = [], [], []
    for _ in range(n_repeats):
        scored = [_fold_scores(evidence, held, numbers) for held in deal_folds(evidence, rng)]
        gains.append(np.concatenate([s.by_share for s in scored], axis=-1))
        slopes.append(np.concatenate([s.slope for s in scored], axis=-1))
        agreement.append(_agreement([s.partitions for s in scored]))
    # (n_repeats, 2 levels, mixes, numbers, cases) and (mixes, numbers).
    by_share, slope, agree = np.stack(gains), np.stack(slopes), np.mean(agreement, axis=0)
    gain, trusted = by_share[..., -1, :], at_best_share(by_share)
    mixes = evidence.mixes
    best = _best_mixes(trusted.sum(axis=1), mixes)
    at = np.arange(len(numbers))
    n = evidence.n_independent
    between = within = None
    if evidence.profile is not None:
        between = _chosen(gain[:, 0, 0], trusted[:, 0, 0], slope[:, 0, 0], agree[0], n)
    if evidence.counts is not None:
        within = _chosen(gain[:, 1, -1], trusted[:, 1, -1], slope[:, 1, -1], agree[-1], n)
    gain, trusted, slope = (values.sum(axis=1)[:, best, at] for values in (gain, trusted, slope))
    joint = _chosen(gain, trusted, slope, agree[best, at], n)
    return LevelChoices(between, within, joint, (mixes[0], *(mixes[i] for i in best)))


def choose_over_groups(
    evidence: Evidence,
    embeddings: Affinity | None,
    weights: Weights,
    labels: Labels,
    rng: np.random.Generator,
) -> DimensionChoice:
    """Choose the number of dimensions over given groups by the likelihood of held-out units.

    Parameters
    ----------
    evidence
        Lists and profiles.
    embeddings
        None where there are none.
    weights
        Of the views, by which groups are joined.
    labels : (n_columns,)
        The groups; at least 3.
    rng
        Deals the units into folds.

    Returns
    -------
    DimensionChoice
    """
    n_columns = evidence.n_columns
    gains = []
    for held in deal_folds(evidence, rng):
        views = (*affinities(evidence, (~held).astype(np.float64)), embeddings)
        closeness = group_affinity(summed(views, weights, n_columns), labels)
        del views  # Of many columns they are large.
        rows = []
        for n_dimensions in candidates(int(labels.max()) + 1):
            cells = tied_cells(join_groups(closeness, n_dimensions))
            rows.append(sum(s.gain for s in held_out_scores(evidence, held, labels, cells)))
        gains.append(np.stack(rows, axis=1))
    by_case = np.concatenate(gains)
    return choose_dimensions(by_case - by_case[:, :1])


def deal_folds(evidence: Evidence, rng: np.random.Generator) -> list[Held]:
    """Deal independent units into folds at random: for each fold, which of them it holds out (n_independent,)."""
    n = evidence.n_independent
    n_folds = min(N_FOLDS, n)
    fold = rng.permutation(np.arange(n) % n_folds)
    return [fold == f for f in range(n_folds)]


def held_out_scores(
    evidence: Evidence, held: Held, labels: Labels, cells: NDArray[np.int64] | None = None
) -> tuple[Gains, Gains]:
    """Gains between units and within lists, one for each unit held out; one for all of them where pooled."""
    n_cases = 1 if evidence.pooled else int(held.sum())
    between = within = Gains.none(n_cases)
    if evidence.profile is not None:
        out = held[evidence.fold_of_unit]
        by_unit = between_gains(evidence.profile[~out], evidence.profile[out], labels, cells)
        case = np.zeros(int(out.sum()), dtype=np.int64)
        if not evidence.pooled:
            case = (np.cumsum(held) - 1)[evidence.fold_of_unit[out]]
        between = Gains(
            np.array([_by_case(case, gain, n_cases) for gain in by_unit.by_share]),
            _by_case(case, by_unit.slope, n_cases),
        )
    if evidence.counts is not None:
        counts = evidence.counts
        if evidence.pooled:
            part, training = held[evidence.fold_of_block].astype(np.int64), np.array([True, False])
            company, part_of = company_of_parts(counts, part), np.array([0, 1])
        else:
            part, training = evidence.fold_of_block, ~held
            company, part_of = counts.company, np.zeros(counts.n_units, dtype=np.int64)
            part_of[counts.unit] = part
        within = within_gains(block_sums(counts, labels, part, company, part_of), training, cells)
    return between, within


@dataclass(frozen=True, slots=True)
class _Scores:
    """Of one fold, by level, weights of levels and number of groups."""

    by_share: Array
    """(2, n_mixes, n_numbers, n_shares, n_cases)"""
    slope: Array
    """(2, n_mixes, n_numbers, n_cases)"""
    partitions: list[list[Labels]]


def _fold_scores(evidence: Evidence, held: Held, numbers: Sequence[int]) -> _Scores:
    views = affinities(evidence, (~held).astype(np.float64))
    found = [partitions(views, mix, evidence.n_columns, numbers) for mix in evidence.mixes]
    scores = [[held_out_scores(evidence, held, labels) for labels in row] for row in found]
    return _Scores(
        np.array([[[s[level].by_share for s in row] for row in scores] for level in (0, 1)]),
        np.array([[[s[level].slope for s in row] for row in scores] for level in (0, 1)]),
        found,
    )


def _best_mixes(gains: Array, mixes: Sequence[tuple[float, float]]) -> NDArray[np.int64]:
    """Return which mix is best for each number of groups; gains (n_repeats, n_mixes, n_numbers, n_cases).

    Where both levels count alike and are not worse by more than one standard error, they stay so.
    """
    best: NDArray[np.int64] = gains.mean(axis=(0, 3)).argmax(axis=0)
    if ALIKE not in mixes:
        return best
    alike = mixes.index(ALIKE)
    behind = gains[:, best, np.arange(len(best))] - gains[:, alike]
    near = behind.mean(axis=(0, 2)) <= standard_error(behind.transpose(0, 2, 1))
    return np.where(near, alike, best)


def _by_case(case: Labels, values: Array, n_cases: int) -> Array:
    return np.bincount(case, values, minlength=n_cases).astype(np.float64)


def _chosen(gain: Array, trusted: Array, slope: Array, agreement: Array, n_units: int) -> BlockModelChoice:
    """Choose by gains and slopes (n_repeats, numbers, cases) and agreements (numbers,), from two groups on.

    Whether there are groups at all is told by the gain of all that was learnt, as the best share would let the chance
    that is in any groups pass; how many, by the gain at the best share.
    """

    def from_one(values: Array) -> Array:
        by_case = values.transpose(0, 2, 1)
        return np.concatenate([np.zeros((*by_case.shape[:2], 1)), by_case], axis=2)

    slopes = slope.mean(axis=1)[:, :, None]
    error = float(standard_error(slopes)[0])
    trace = float(slopes.mean()) / error if error > 0 else 0.0
    agreements = np.concatenate([[1.0], agreement])
    return choice_of_gains(from_one(gain), agreements, trace, n_units, among=from_one(trusted))


def _agreement(found: list[list[list[Labels]]]) -> Array:
    """Mean agreement of folds, (mixes, numbers)."""
    pairs = [(a, b) for i, a in enumerate(found) for b in found[:i]]
    return np.array(
        [
            [np.mean([adjusted_rand(a[m][k], b[m][k]) for a, b in pairs]) for k in range(len(found[0][m]))]
            for m in range(len(found[0]))
        ]
    )
