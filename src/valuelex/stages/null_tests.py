"""Compare a structure with what data without it would give: reshuffled responses, shuffled profiles, meaning alone.

Owns which null answers which question. The nulls themselves are in `valuelex.stats.nulls`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import NullTest
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.stages.material import Material, telling
from valuelex.stats.block_model import BlockModelChoice
from valuelex.stats.cluster import Labels, adjusted_rand
from valuelex.stats.level_choice import (
    Evidence,
    Held,
    Weights,
    affinities,
    choose_levels,
    deal_folds,
    held_out_gains,
    partitions,
)
from valuelex.stats.level_gain import gain_over
from valuelex.stats.levels import count_lists
from valuelex.stats.nulls import permute_columns, sparse_curveball
from valuelex.stats.sparse_counts import Counts, stack

Array = NDArray[np.float64]
N_REPLICATES = 19
"""With them, a figure beyond all replicates has p = .05."""
N_SHUFFLES = 199
FIRST_ROUNDS, MORE_ROUNDS = 20, 5
"""Rounds of trades before the first reshuffled data, and from one to the next."""


@dataclass(frozen=True, slots=True)
class NullTests:
    """Null tests, and the number of groups that the same rules find in data without structure."""

    tests: tuple[NullTest, ...]
    control: BlockModelChoice | None


def null_tests(
    matrix: ResponseMatrix,
    material: Material,
    weights: Weights,
    labels: Labels,
    max_groups: int,
    rng: np.random.Generator,
) -> NullTests:
    """Put the structure beside its nulls.

    Parameters
    ----------
    matrix
        Responses by terms; not read where there are ratings and no lists.
    material
        As gathered from the matrix.
    weights
        Of the views.
    labels : (n_terms,)
        The groups.
    max_groups
        Largest number of groups that may be found in data without structure, as in the data itself.
    rng
        Source of folds and nulls.

    Returns
    -------
    NullTests
        Those that the data allow: nothing can be held out from fewer than three independent units.
    """
    k = int(labels.max()) + 1
    tests = []
    control: Evidence | None = None
    if material.evidence.n_independent >= 3:
        folds = deal_folds(material.evidence, rng)
        if material.evidence.counts is not None:
            reshuffled = _Reshuffled.of(matrix, material)
            observed = reshuffled.evidence
            drawn = reshuffled.draw(rng)
            first = next(drawn)
            # Counted one after the other, and the first once more, so that no two are held.
            null = map(reshuffled.count, chain([first], drawn))
            tests.append(_against("reshuffled responses", LISTS, observed, null, k, (0.0, 1.0, 0.0), folds))
            control = reshuffled.count(first)
        if material.evidence.profile is not None:
            profile = material.evidence.profile
            between = replace(material.evidence, counts=None)
            shuffled = [replace(between, profile=permute_columns(profile, rng)) for _ in range(N_REPLICATES)]
            tests.append(
                _against("shuffled profiles", PROFILES, between, shuffled, k, (1.0, 0.0, 0.0), folds)
            )
            counts = control.counts if control is not None else None
            control = replace(material.evidence, counts=counts, profile=shuffled[0].profile)
        if material.embeddings is not None:
            tests.append(_against_meaning(material, weights, k, folds))
    if material.embeddings is not None:
        tests.append(_like_meaning(material, weights, k, rng))
    found = choose_levels(control, rng, max_groups=max_groups).joint if control is not None else None
    return NullTests(tuple(tests), found)


LISTS = (
    "Within responses: do terms come together beyond their source's own frequencies and lengths of responses?"
)
PROFILES = "Between sources: do sources that favour a term also favour others of its group?"
MEANING = (
    "Do groups made with the lists predict held-out sources better than groups made from embeddings alone?"
)
LANGUAGE = "How like are the groups made from the lists alone to those made from embeddings alone?"


@dataclass(frozen=True, slots=True)
class _Reshuffled:
    """Responses in which each source names its terms as often, in responses as long, but in any company."""

    of_source: list[Counts]
    """The responses of each source: at first as they were given, then as drawn last."""
    evidence: Evidence
    """What takes the counts of the draws."""
    block: Labels
    """(n_responses,) what each is counted together with, source by source."""
    unit: Labels
    """(n_responses,) its source."""

    @classmethod
    def of(cls, matrix: ResponseMatrix, material: Material) -> _Reshuffled:
        counts = material.evidence.counts
        assert counts is not None
        lists = telling(matrix, material.filled)
        unit = counts.unit[material.block]
        order = np.argsort(unit, kind="stable")
        ends = np.cumsum(np.bincount(unit))[:-1]
        block = material.block[order]
        evidence = replace(material.evidence, profile=None, fold_of_unit=np.zeros(0, dtype=np.int64))
        return cls([lists[rows] for rows in np.split(order, ends)], evidence, block, counts.unit[block])

    def draw(self, rng: np.random.Generator) -> Iterator[Counts]:
        """Draw replicates, each from the one before."""
        for replicate in range(N_REPLICATES):
            n_rounds = MORE_ROUNDS if replicate else FIRST_ROUNDS
            for u, lists in enumerate(self.of_source):
                if lists.shape[0] > 1:
                    self.of_source[u] = sparse_curveball(lists, rng, n_rounds=n_rounds)
            yield stack(self.of_source)

    def count(self, lists: Counts) -> Evidence:
        return replace(self.evidence, counts=count_lists(lists, self.block, self.unit))


def _against(
    name: str,
    says: str,
    data: Evidence,
    null: Iterable[Evidence],
    k: int,
    weights: Weights,
    folds: list[Held],
) -> NullTest:
    def gain(evidence: Evidence) -> float:
        return float(held_out_gains(evidence, None, k, folds, [weights]).mean())

    observed = gain(data)
    drawn = np.array([*map(gain, null)])
    return NullTest(
        name=name,
        says=says,
        observed=observed,
        null_mean=float(drawn.mean()),
        null_high=float(np.quantile(drawn, 0.95)),
        p=(1 + int((drawn >= observed).sum())) / (1 + len(drawn)),
        n_replicates=len(drawn),
    )


def _against_meaning(material: Material, weights: Weights, k: int, folds: list[Held]) -> NullTest:
    """Compare what groups with the lists and groups of meaning alone predict, source by source; one-sided t test."""
    gains = held_out_gains(material.evidence, material.embeddings, k, folds, [weights, (0.0, 0.0, 1.0)])
    p, high = gain_over(*gains)
    return NullTest(
        "embeddings only",
        MEANING,
        float(gains[0].mean()),
        float(gains[1].mean()),
        high,
        p,
        gains.shape[1],
        by="sources held out",
    )


def _like_meaning(material: Material, weights: Weights, k: int, rng: np.random.Generator) -> NullTest:
    views = (*affinities(material.evidence, np.ones(material.evidence.n_independent)), material.embeddings)
    lists_weights = (weights[0], weights[1], 0.0) if any(weights[:2]) else (*material.evidence.mixes[0], 0.0)
    (lists,) = partitions(views, lists_weights, material.n_terms, [k])
    (meaning,) = partitions(views, (0.0, 0.0, 1.0), material.n_terms, [k])
    observed = adjusted_rand(lists, meaning)
    drawn = np.array([adjusted_rand(lists, rng.permutation(meaning)) for _ in range(N_SHUFFLES)])
    return NullTest(
        name="agreement with meaning",
        says=LANGUAGE,
        observed=observed,
        null_mean=float(drawn.mean()),
        null_high=float(np.quantile(drawn, 0.95)),
        p=(1 + int((drawn >= observed).sum())) / (1 + N_SHUFFLES),
        n_replicates=N_SHUFFLES,
    )
