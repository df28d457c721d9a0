"""Build a value system from who named which words, and together with which others.

Owns the order of the work: levels, number of groups, weights of views, groups, dimensions over them. The evidence on
what was found is in `valuelex.stages.resample` and `nulls`, its conclusion in `verdict`. Does not measure anyone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Level, LevelChoice, Outcome, Structure, View
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources, Units
from valuelex.domain.structure import Taxonomy
from valuelex.domain.study import ConstructPlan
from valuelex.errors import DataError
from valuelex.stages.material import Material, gather, notes_on
from valuelex.stages.null_tests import NullTests, null_tests
from valuelex.stages.resample import Resampled, resample
from valuelex.stages.sensitivity import sensitivities, splits
from valuelex.stages.verdict import verdict
from valuelex.stats.block_model import BlockModelChoice
from valuelex.stats.cluster import Labels, leading_vectors
from valuelex.stats.hierarchy import DimensionChoice, join_groups
from valuelex.stats.level_choice import (
    LevelChoices,
    Weights,
    affinities,
    choose_levels,
    choose_over_groups,
    choose_weights,
    partitions,
    summed,
)
from valuelex.stats.stability import compare_partitions

Array = NDArray[np.float64]
LEAST_TERMS = 4
LEAST_HELD_OUT = 3
"""Independent units below which none can be held out."""


def construct(
    matrix: ResponseMatrix,
    sources: Sources,
    vectors: Array | None,
    plan: ConstructPlan,
    rng: np.random.Generator,
) -> Structure:
    """Group terms into subdimensions and those into dimensions, and weigh what speaks for them.

    The number of groups is the one by which held-out sources are predicted best from the lists alone, unless the study
    gives one. Terms are assigned by all views: between sources, within responses, and embeddings, with the weights
    whose groups predict held-out sources best.

    Parameters
    ----------
    matrix
        Responses by terms; every term must occur.
    sources
        Who gave each response.
    vectors : (n_terms, d)
        Unit vectors of the terms; None to use the lists alone.
    plan
        Numbers of groups, where they are given, and of resamples; 0 leaves out nulls, splits and other choices too.
    rng
        Source of folds, resamples and nulls.

    Returns
    -------
    Structure
        One group of all terms where the lists show no structure, or too little to tell.

    Raises
    ------
    DataError
        If there are fewer terms than groups, too few terms at all, or no response names two terms.
    """
    _check_terms(matrix, plan)
    named = np.flatnonzero(matrix.values.any(axis=1)).tolist()
    if 0 < len(named) < len(matrix.response_ids):
        # Who named no term is no source of lists, and must not count as one.
        matrix, sources = matrix.of_rows(named), sources.of_rows(named)
    units = sources.units()
    material = gather(matrix, sources, units, vectors)
    choices = _choices(material, plan, rng)
    joint = _level(Level.JOINT, choices.joint if choices else None)
    k = plan.n_subdimensions or (joint.n_groups if joint.outcome is Outcome.GROUPS else 1)
    weights = _weights(material, choices, k, rng)
    labels, dimensions, dimension = _grouped(material, weights, k, plan, rng)
    tested = k > 1 and plan.resamples > 0
    drawn = resample(material, weights, labels, plan.resamples, rng) if tested else None
    nulls = null_tests(matrix, material, weights, labels, rng) if tested else NullTests((), None)
    structure = Structure(
        taxonomy=_taxonomy(matrix, material, weights, labels, dimension, drawn, units),
        joint=joint,
        levels=_levels(material, choices, plan, rng),
        views=_views(material, weights, labels, k),
        groups=drawn.groups if drawn else (),
        nulls=nulls.tests,
        splits=splits(matrix, sources, material, weights, labels, rng) if tested else (),
        sensitivities=sensitivities(matrix, sources, material, weights, labels) if tested else (),
        control=_level(Level.JOINT, nulls.control) if nulls.control else None,
        dimension_gain={n + 1: float(g) for n, g in enumerate(dimensions.gain)} if dimensions else {},
        given=plan.n_subdimensions is not None,
        independent=units.independent,
        n_independent=units.n_independent,
        profiled=units.profiled,
        n_models=sources.n_models,
        notes=notes_on(matrix, sources, units, vectors),
    )
    return replace(structure, verdict=verdict(structure))


def _check_terms(matrix: ResponseMatrix, plan: ConstructPlan) -> None:
    n_terms = len(matrix.terms)
    least = max(LEAST_TERMS, 2 * (plan.n_subdimensions or 0))
    if n_terms < least:
        wanted = f"{plan.n_subdimensions} subdimensions" if plan.n_subdimensions else "a value system"
        msg = (
            f"Only {n_terms} terms were found, too few for {wanted} (at least {least}); elicit more responses, or "
            "lower n_subdimensions or [normalise] min_respondents."
        )
        raise DataError(msg)


def _choices(material: Material, plan: ConstructPlan, rng: np.random.Generator) -> LevelChoices | None:
    """Choose the number of groups at each level; None where nothing can be held out."""
    if material.evidence.n_independent < LEAST_HELD_OUT:
        return None
    return choose_levels(material.evidence, rng, max_groups=_max_groups(material, plan))


def _max_groups(material: Material, plan: ConstructPlan) -> int:
    return max(2, plan.n_subdimensions or 0, min(plan.max_subdimensions, material.n_terms // 2))


def _levels(
    material: Material, choices: LevelChoices | None, plan: ConstructPlan, rng: np.random.Generator
) -> tuple[LevelChoice, ...]:
    """Return each level's own choice, and that of the pooled analysis, as it is usually made, beside them."""
    if choices is None:
        return ()
    if material.pooled is None:
        return (_level(Level.POOLED, choices.within),)
    pooled = choose_levels(material.pooled, rng, max_groups=_max_groups(material, plan))
    return (
        _level(Level.BETWEEN, choices.between),
        _level(Level.WITHIN, choices.within),
        _level(Level.POOLED, pooled.within),
    )


def _level(level: Level, choice: BlockModelChoice | None) -> LevelChoice:
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


def _weights(material: Material, choices: LevelChoices | None, k: int, rng: np.random.Generator) -> Weights:
    if k == 1:
        return (*material.evidence.mixes[0], 0.0)
    if choices is None:
        # Nothing can be held out, so nothing can be chosen: all views count alike.
        levels = max(material.evidence.mixes, key=sum)
        return (*levels, 1.0 if material.embeddings is not None else 0.0)
    return choose_weights(material.evidence, material.embeddings, k, choices.mix[k - 1], rng)


def _grouped(
    material: Material, weights: Weights, k: int, plan: ConstructPlan, rng: np.random.Generator
) -> tuple[Labels, DimensionChoice | None, Labels]:
    """Return the group of each term, how many dimensions there are over groups, and the dimension of each group."""
    everyone = np.ones(material.evidence.n_independent)
    views = (*affinities(material.evidence, everyone), material.embeddings)
    (labels,) = partitions(views, weights, material.n_terms, [k])
    n_groups = int(labels.max()) + 1
    choice = None
    if n_groups > 2 and material.evidence.n_independent >= LEAST_HELD_OUT:
        choice = choose_over_groups(material.evidence, material.embeddings, weights, labels, rng)
    wanted = plan.n_dimensions or (choice.n_dimensions if choice else 1)
    affinity = summed(views, weights, material.n_terms)
    return labels, choice, join_groups(affinity, labels, min(wanted, n_groups))


def _views(material: Material, weights: Weights, labels: Labels, k: int) -> tuple[View, ...]:
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
        _, view = affinities(material.pooled, everyone)
        (partition,) = partitions((view,), (1.0,), material.n_terms, [k])
        found.append(View("pooled", 0.0, partition, compare_partitions(partition, labels).adjusted_rand))
    return tuple(found)


def _taxonomy(
    matrix: ResponseMatrix,
    material: Material,
    weights: Weights,
    labels: Labels,
    dimension: Labels,
    drawn: Resampled | None,
    units: Units,
) -> Taxonomy:
    everyone = np.ones(material.evidence.n_independent)
    affinity = summed(
        (*affinities(material.evidence, everyone), material.embeddings), weights, material.n_terms
    )
    names = ("between", "within" if material.evidence.profile is not None else "pooled", "embeddings")
    vectors = leading_vectors(affinity.copy(), min(max(int(labels.max()) + 1, 3), material.n_terms))
    return Taxonomy(
        terms=matrix.terms,
        subdimension=labels,
        dimension=dimension[labels],
        centrality=_centrality(affinity, labels),
        stability=drawn.items if drawn else np.full(len(labels), np.nan),
        coordinates=_plane(vectors) if vectors is not None else np.zeros((len(labels), 2)),
        weights=dict(zip(names, weights, strict=True)),
        n_resamples=drawn.n_resamples if drawn else 0,
        resampled=units.independent,
    )


def _centrality(affinity: Array, labels: Labels) -> Array:
    """Mean affinity of each term to the others of its group; 0 for a group of one."""
    member = np.eye(int(labels.max()) + 1)[labels]
    sums = (affinity @ member)[np.arange(len(labels)), labels] - np.diag(affinity)
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
