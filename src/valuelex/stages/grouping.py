"""Group terms by numbers and weights that held-out sources choose.

Owns each step from material to a taxonomy; the order of the steps, and what speaks for the result, are in
`valuelex.stages.construct` for lists and in `rated_structure` for ratings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Level, LevelChoice, Outcome, View
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Units
from valuelex.domain.structure import Taxonomy
from valuelex.domain.study import ConstructPlan
from valuelex.stages.material import Material
from valuelex.stages.resample import Resampled
from valuelex.stats.block_model import BlockModelChoice
from valuelex.stats.cluster import Labels, leading_vectors
from valuelex.stats.hierarchy import DimensionChoice, affinity_to_groups, group_affinity, join_groups
from valuelex.stats.level_choice import (
    LevelChoices,
    Weights,
    affinities,
    choose_levels,
    choose_over_groups,
    partitions,
    summed,
)
from valuelex.stats.stability import compare_partitions
from valuelex.stats.view_weights import choose_weights

Array = NDArray[np.float64]
LEAST_HELD_OUT = 3
"""Independent units below which none can be held out."""


def choose_numbers(material: Material, plan: ConstructPlan, rng: np.random.Generator) -> LevelChoices | None:
    """Choose the number of groups at each level; None where nothing can be held out."""
    if material.evidence.n_independent < LEAST_HELD_OUT:
        return None
    return choose_levels(material.evidence, rng, max_groups=max_groups(material, plan))


def max_groups(material: Material, plan: ConstructPlan) -> int:
    """Return the largest number of groups that is tried."""
    return max(2, plan.n_subdimensions or 0, min(plan.max_subdimensions, material.n_terms // 2))


def level_of(level: Level, choice: BlockModelChoice | None) -> LevelChoice:
    """Name a choice by its level; too little data to tell where there is none."""
    if choice is None:
        return LevelChoice(level, Outcome.TOO_LITTLE_DATA, 1, (1,), (0.0,), (0.0,), (1.0,), (1,), 0.0)
    return LevelChoice(
        level=level,
        outcome=Outcome(choice.outcome.value),
        n_groups=choice.n_groups,
        candidates=tuple(choice.candidates.tolist()),
        gain=tuple(choice.gain.tolist()),
        gain_error=tuple(choice.gain_error.tolist()),
        agreement=tuple(choice.agreement.tolist()),
        plausible=tuple(choice.plausible.tolist()),
        trace=choice.trace,
    )


def weigh_views(
    material: Material, choices: LevelChoices | None, k: int, rng: np.random.Generator
) -> Weights:
    """Choose the weights of the views for k groups."""
    if k == 1:
        return (*material.evidence.mixes[0], 0.0)
    if choices is None:
        # Nothing can be held out, so nothing can be chosen: all views count alike.
        levels = max(material.evidence.mixes, key=sum)
        return (*levels, 1.0 if material.embeddings is not None else 0.0)
    return choose_weights(material.evidence, material.embeddings, k, choices.mix[k - 1], rng)


def group_terms(
    material: Material, weights: Weights, k: int, plan: ConstructPlan, rng: np.random.Generator
) -> tuple[Labels, DimensionChoice | None, Labels]:
    """Return the group of each term, how many dimensions there are over groups, and the dimension of each group."""
    everyone = np.ones(material.evidence.n_independent)
    views = (*affinities(material.evidence, everyone), material.embeddings)
    (labels,) = partitions(views, weights, material.n_terms, [k])
    closeness = group_affinity(summed(views, weights, material.n_terms), labels)
    del views  # Of many terms they are large.
    n_groups = len(closeness)
    choice = None
    if n_groups > 2 and material.evidence.n_independent >= LEAST_HELD_OUT:
        choice = choose_over_groups(material.evidence, material.embeddings, weights, labels, rng)
    wanted = plan.n_dimensions or (choice.n_dimensions if choice else 1)
    return labels, choice, join_groups(closeness, min(wanted, n_groups))


def views_of(material: Material, weights: Weights, labels: Labels, k: int) -> tuple[View, ...]:
    """Return each view's own groups, beside the weight that it was given."""
    if k == 1:
        return ()
    everyone = np.ones(material.evidence.n_independent)
    between, within = affinities(material.evidence, everyone)
    lists = "within" if material.evidence.profile is not None else "pooled"
    own = {"between": between, lists: within, "embeddings": material.embeddings}
    found = []
    for (name, view), weight in zip(own.items(), weights, strict=True):
        if view is None or view.spread == 0:
            continue
        (partition,) = partitions((view,), (1.0,), material.n_terms, [k])
        found.append(View(name, weight, partition, compare_partitions(partition, labels).adjusted_rand))
    if material.pooled is not None:
        del between, within, own, view  # Of many terms each is large.
        _, view = affinities(material.pooled, everyone)
        (partition,) = partitions((view,), (1.0,), material.n_terms, [k])
        found.append(View("pooled", 0.0, partition, compare_partitions(partition, labels).adjusted_rand))
    return tuple(found)


def taxonomy_of(
    matrix: ResponseMatrix,
    material: Material,
    weights: Weights,
    labels: Labels,
    dimension: Labels,
    drawn: Resampled | None,
    units: Units,
) -> Taxonomy:
    """Put together where each term belongs, how central it is, and how sure that is."""
    everyone = np.ones(material.evidence.n_independent)
    affinity = summed(
        (*affinities(material.evidence, everyone), material.embeddings), weights, material.n_terms
    )
    names = ("between", "within" if material.evidence.profile is not None else "pooled", "embeddings")
    centrality = _centrality(affinity, labels)
    vectors = leading_vectors(affinity, min(max(int(labels.max()) + 1, 3), material.n_terms))
    return Taxonomy(
        terms=matrix.terms,
        subdimension=labels,
        dimension=dimension[labels],
        centrality=centrality,
        stability=drawn.items if drawn else np.full(len(labels), np.nan),
        coordinates=_plane(vectors) if vectors is not None else np.zeros((len(labels), 2)),
        weights=dict(zip(names, weights, strict=True)),
        n_resamples=drawn.n_resamples if drawn else 0,
        resampled=units.independent,
    )


def _centrality(affinity: Array, labels: Labels) -> Array:
    """Mean affinity of each term to the others of its group; 0 for a group of one."""
    member = np.eye(int(labels.max()) + 1)[labels]
    sums = affinity_to_groups(affinity, labels)[np.arange(len(labels)), labels] - np.diag(affinity)
    others = member.sum(axis=0)[labels] - 1
    mean: Array = np.divide(sums, others, out=np.zeros(len(labels)), where=others > 0)
    return mean


def _plane(embedding: Array) -> Array:
    """Project to the two principal axes, the farthest term at the positive end; zeros where there is no second."""
    length = np.linalg.norm(embedding, axis=1, keepdims=True)
    place = np.divide(embedding, length, out=np.zeros_like(embedding), where=length > 0)
    centred = place - place.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(embedding), 2))
    for i, axis in enumerate(axes[:2]):
        along = centred @ axis
        plane[:, i] = along if along[np.argmax(np.abs(along))] >= 0 else -along
    return plane
