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
from valuelex.domain.study import TERMS_A_GROUP, ConstructPlan
from valuelex.domain.wording import count
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
from valuelex.stats.level_choice import LevelChoices, choose_levels
from valuelex.stats.levels import MOST_EXACT

Array = NDArray[np.float64]
LEAST_TERMS = 4
MOST_OF_MANY = 100
"""Resamples of more than `MOST_EXACT` terms, where each takes seconds."""
MORE_TERMS = "lower [normalise] min_respondents, or ask more respondents or for more responses"
"""The way out where lists hold too few terms."""


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
    whose groups predict held-out sources best; in doubt embeddings count less.

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
        Of more than 2,000 terms at most 100 resamples are drawn, and a note says what else is left out.
    rng
        Source of folds, resamples and nulls.

    Returns
    -------
    Structure
        One group of all terms where the lists show no structure, or too little to tell.

    Raises
    ------
    DataError
        If there are too few terms for two groups, or no response names two terms.
    """
    given = plan.n_subdimensions
    plan, fewer = fitting(plan, len(matrix.terms), "named by enough respondents", MORE_TERMS)
    plan, left_out = _within_reach(plan, len(matrix.terms))
    named = np.flatnonzero(matrix.named.of_each_row).tolist()
    if 0 < len(named) < len(matrix.response_ids):
        # Who named no term is no source of lists, and must not count as one.
        matrix, sources = matrix.of_rows(named), sources.of_rows(named)
    units = sources.units()
    material = gather(matrix, units, vectors)
    choices = choose_numbers(material, plan, rng)
    joint = level_of(Level.JOINT, choices.joint if choices else None)
    k = plan.n_subdimensions or (joint.n_groups if joint.outcome is Outcome.GROUPS else 1)
    weights = weigh_views(material, choices, k, rng)
    labels, dimensions, dimension = group_terms(material, weights, k, plan, rng)
    tested = labels.max() > 0 and plan.resamples > 0
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
        n_given=given,
        independent=units.independent,
        n_independent=units.n_independent,
        profiled=units.profiled,
        n_models=sources.n_models,
        notes=(*notes_on(matrix, sources, units, vectors), *fewer, *left_out, *_fewer(plan, dimension)),
    )
    return replace(structure, verdict=verdict(structure))


def _within_reach(plan: ConstructPlan, n_terms: int) -> tuple[ConstructPlan, tuple[str, ...]]:
    """Leave out of the evidence what would take days with so many terms, and say so."""
    if n_terms <= MOST_EXACT or not plan.resamples:
        return plan, ()
    drawn = min(plan.resamples, MOST_OF_MANY)
    fewer = f"{drawn} resamples are drawn instead of {plan.resamples:,}, " if drawn < plan.resamples else ""
    note = (
        f"There are {n_terms:,} terms, more than the {MOST_EXACT:,} of which all can be told in time: {fewer}phi and "
        "PPMI are not tried for co-occurrence, and what groups are beyond meaning is not told. Raise [normalise] "
        "min_respondents for fewer terms."
    )
    return replace(plan, resamples=drawn), (note,)


def _fewer(plan: ConstructPlan, dimension: Labels) -> tuple[str, ...]:
    """Say so where fewer dimensions could be made than the study asks for."""
    found = int(dimension.max()) + 1
    if plan.n_dimensions is None or plan.n_dimensions <= found:
        return ()
    asked = f"The study asks for {plan.n_dimensions} dimensions"
    return (
        f"{asked}, but only {len(dimension)} groups of terms were found to make them of: there are {found}.",
    )


def fitting(
    plan: ConstructPlan, n_terms: int, how: str, way_out: str
) -> tuple[ConstructPlan, tuple[str, ...]]:
    """Return a plan that the terms are enough for, and what is to be said where it asks for more groups.

    What was paid for is not thrown away for a number: of fewer terms fewer groups are made.

    Parameters
    ----------
    plan
        What the study asks for.
    n_terms
        How many terms there are.
    how
        What was done to have them, as a participle.
    way_out
        How to have more, in a clause.

    Raises
    ------
    DataError
        If there are too few terms for two groups.
    """
    if n_terms < LEAST_TERMS:
        msg = (
            f"Only {count(n_terms, 'term was', 'terms were')} {how}, too few for a value system (at least "
            f"{LEAST_TERMS}); {way_out}."
        )
        raise DataError(msg)
    if plan.n_subdimensions is None or n_terms >= plan.least_terms:
        return plan, ()
    most = n_terms // TERMS_A_GROUP
    said = (
        f"The study asks for {plan.n_subdimensions} subdimensions, but {n_terms} terms were {how}, and each needs "
        f"{TERMS_A_GROUP}: there are {most}. To have more, {way_out}."
    )
    return replace(plan, n_subdimensions=most), (said,)


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
