"""Compare a structure with what data without it would give: reshuffled responses, shuffled profiles, meaning alone.

Owns which null answers which question. The nulls themselves are in `valuelex.stats.nulls`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import NullTest
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.stages.material import Material, telling
from valuelex.stats.block_model import BlockModelChoice
from valuelex.stats.cluster import Labels, adjusted_rand, adjusted_rand_of_tables
from valuelex.stats.cooccurrence import as_lists
from valuelex.stats.level_choice import (
    Evidence,
    Held,
    Weights,
    affinities,
    choose_levels,
    deal_folds,
    partitions,
)
from valuelex.stats.level_gain import gain_over
from valuelex.stats.levels import ListCounts, count_lists
from valuelex.stats.nulls import curveball, permute_columns
from valuelex.stats.partition_agreement import shuffled_tables
from valuelex.stats.view_weights import held_out_gains

Array = NDArray[np.float64]
N_REPLICATES, N_PROFILES = 19, 99
"""Of reshuffled responses, and of shuffled profiles, which cost less. Beyond all of them is p = .05, and p = .01."""
N_SHUFFLES = 199
N_CONTROLS = 4
"""Data sets without structure in which the rules look for groups; sources are dealt into folds once in each."""
FIRST_ROUNDS, MORE_ROUNDS = 20, 5
"""Rounds of trades before the first reshuffled data, and from one to the next."""


@dataclass(frozen=True, slots=True)
class NullTests:
    """Null tests, and the numbers of groups that the same rules find in data sets without structure."""

    tests: tuple[NullTest, ...]
    controls: tuple[BlockModelChoice, ...]


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
    own = material.evidence
    tests: list[NullTest] = []
    controls: list[BlockModelChoice] = []

    def look(drawn: Evidence) -> Evidence:
        """Look for groups in the first replicates, of which no structure is left at either level."""
        if len(controls) < N_CONTROLS:
            nothing = drawn
            if own.counts is not None and own.profile is not None:
                nothing = replace(own, counts=drawn.counts, profile=permute_columns(own.profile, rng))
            controls.append(choose_levels(nothing, rng, max_groups=max_groups, n_repeats=1).joint)
        return drawn

    if own.n_independent >= 3:
        folds = deal_folds(own, rng)
        if own.profile is not None:
            between = replace(own, counts=None)
            profile = own.profile

            def shuffled() -> Evidence:
                drawn = replace(between, profile=permute_columns(profile, rng))
                return look(drawn) if own.counts is None else drawn

            weighed = (1.0, 0.0, 0.0)
            tests.append(
                _against("shuffled profiles", PROFILES, between, shuffled, N_PROFILES, k, weighed, folds)
            )
        if own.counts is not None:
            lists = replace(own, profile=None, fold_of_unit=np.zeros(0, dtype=np.int64))
            draw = _reshuffling(matrix, material, rng)

            def reshuffled() -> Evidence:
                return look(replace(lists, counts=draw()))

            weighed = (0.0, 1.0, 0.0)
            tests.insert(
                0, _against("reshuffled responses", LISTS, lists, reshuffled, N_REPLICATES, k, weighed, folds)
            )
        if material.embeddings is not None:
            tests.append(_against_meaning(material, weights, k, folds))
    if material.embeddings is not None:
        tests.append(_like_meaning(material, weights, k, rng))
    return NullTests(tuple(tests), tuple(controls))


LISTS = (
    "Within responses: do terms come together beyond their source's own frequencies and lengths of responses?"
)
PROFILES = "Between sources: do sources that favour a term also favour others of its group?"
MEANING = (
    "Do groups made with the lists predict held-out sources better than groups made from embeddings alone?"
)
LANGUAGE = "How like are the groups made from the lists alone to those made from embeddings alone?"


def _reshuffling(
    matrix: ResponseMatrix, material: Material, rng: np.random.Generator
) -> Callable[[], ListCounts]:
    """Return what draws responses in which each source names its terms as often, in as long ones, in any company."""
    counts = material.evidence.counts
    assert counts is not None
    lists = as_lists(telling(matrix, material.filled))
    unit = counts.unit[material.block]
    n_rounds = FIRST_ROUNDS

    def draw() -> ListCounts:
        nonlocal lists, n_rounds
        lists = curveball(lists, rng, n_rounds=n_rounds, units=unit)
        n_rounds = MORE_ROUNDS
        return count_lists(lists, material.block, unit)

    return draw


def _against(
    name: str,
    says: str,
    data: Evidence,
    draw: Callable[[], Evidence],
    n_replicates: int,
    k: int,
    weights: Weights,
    folds: list[Held],
) -> NullTest:
    """Hold the gain of the data beside those of replicates, each of which is scored on one of the folds in turn.

    That scatters more than the mean over folds beside which it stands, so p is rather too large than too small.
    Replicates are drawn one after the other: of many lists each is large, and no two are held.
    """
    observed = float(held_out_gains(data, None, k, folds, [weights]).mean())
    drawn = np.array(
        [
            held_out_gains(draw(), None, k, [folds[i % len(folds)]], [weights]).mean()
            for i in range(n_replicates)
        ]
    )
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
    drawn = adjusted_rand_of_tables(shuffled_tables(meaning, lists, N_SHUFFLES, rng))
    return NullTest(
        name="agreement with meaning",
        says=LANGUAGE,
        observed=observed,
        null_mean=float(drawn.mean()),
        null_high=float(np.quantile(drawn, 0.95)),
        p=(1 + int((drawn >= observed).sum())) / (1 + N_SHUFFLES),
        n_replicates=N_SHUFFLES,
    )
