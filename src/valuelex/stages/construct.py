"""Build a value system from who named which words, and together with which others.

Owns the order of the work: levels, number of groups, weights of views, groups, dimensions over them. The evidence on
what was found is in `valuelex.stages.resample` and `nulls`, its conclusion in `verdict`. Does not measure anyone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Level, LevelChoice, Outcome, Structure
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.domain.study import ConstructPlan
from valuelex.errors import DataError
from valuelex.stages.grouping import (
    choose_numbers,
    group_terms,
    level_of,
    max_groups,
    taxonomy_of,
    views_of,
    weigh_views,
)
from valuelex.stages.material import Material, gather, notes_on
from valuelex.stages.null_tests import NullTests, null_tests
from valuelex.stages.resample import resample
from valuelex.stages.sensitivity import sensitivities, splits
from valuelex.stages.verdict import verdict
from valuelex.stats.cluster import Labels
from valuelex.stats.level_choice import (
    LevelChoices,
    choose_levels,
)

Array = NDArray[np.float64]
LEAST_TERMS = 4


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
    choices = choose_numbers(material, plan, rng)
    joint = level_of(Level.JOINT, choices.joint if choices else None)
    k = plan.n_subdimensions or (joint.n_groups if joint.outcome is Outcome.GROUPS else 1)
    weights = weigh_views(material, choices, k, rng)
    labels, dimensions, dimension = group_terms(material, weights, k, plan, rng)
    tested = k > 1 and plan.resamples > 0
    drawn = resample(material, weights, labels, plan.resamples, rng) if tested else None
    nulls = (
        null_tests(matrix, material, weights, labels, max_groups(material, plan), rng)
        if tested
        else NullTests((), ())
    )
    structure = Structure(
        taxonomy=taxonomy_of(matrix, material, weights, labels, dimension, drawn, units),
        joint=joint,
        levels=_levels(material, choices, plan, rng),
        views=views_of(material, weights, labels, k),
        groups=drawn.groups if drawn else (),
        nulls=nulls.tests,
        splits=splits(matrix, sources, material, weights, labels, rng) if tested else (),
        sensitivities=sensitivities(matrix, sources, material, weights, labels) if tested else (),
        controls=tuple(level_of(Level.JOINT, found) for found in nulls.controls),
        dimension_gain={n + 1: float(g) for n, g in enumerate(dimensions.gain)} if dimensions else {},
        n_given=plan.n_subdimensions,
        independent=units.independent,
        n_independent=units.n_independent,
        profiled=units.profiled,
        n_models=sources.n_models,
        notes=(*notes_on(matrix, sources, units, vectors), *_fewer(plan, dimension)),
    )
    return replace(structure, verdict=verdict(structure))


def _fewer(plan: ConstructPlan, dimension: Labels) -> tuple[str, ...]:
    """Say so where fewer dimensions could be made than the study asks for."""
    found = int(dimension.max()) + 1
    if plan.n_dimensions is None or plan.n_dimensions <= found:
        return ()
    asked = f"The study asks for {plan.n_dimensions} dimensions"
    return (
        f"{asked}, but only {len(dimension)} groups of terms were found to make them of: there are {found}.",
    )


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


def _levels(
    material: Material, choices: LevelChoices | None, plan: ConstructPlan, rng: np.random.Generator
) -> tuple[LevelChoice, ...]:
    """Return each level's own choice, and that of the pooled analysis, as it is usually made, beside them."""
    if choices is None:
        return ()
    if material.pooled is None:
        return (level_of(Level.POOLED, choices.within),)
    pooled = choose_levels(material.pooled, rng, max_groups=max_groups(material, plan))
    return (
        level_of(Level.BETWEEN, choices.between),
        level_of(Level.WITHIN, choices.within),
        level_of(Level.POOLED, pooled.within),
    )
