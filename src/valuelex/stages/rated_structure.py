"""Group terms by how units value them: the level between sources alone, from ratings in place of lists.

Owns which form of the profiles is used and what is held out. The order of the work, the choice of the number of groups
and the evidence are those of `valuelex.stages.construct`. There is no level within responses: a rating stands alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Level, Outcome, Sensitivity, Split, Structure
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.rated_terms import RatedProfiles
from valuelex.domain.sources import Units
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import ConstructPlan
from valuelex.stages.build_system import build_system
from valuelex.stages.construct import fitting
from valuelex.stages.grouping import (
    choose_numbers,
    group_terms,
    level_of,
    max_groups,
    taxonomy_of,
    views_of,
    weigh_views,
)
from valuelex.stages.material import Material
from valuelex.stages.null_tests import NullTests, null_tests
from valuelex.stages.resample import resample
from valuelex.stages.verdict import verdict
from valuelex.stats.cluster import Labels
from valuelex.stats.level_choice import Evidence, Weights, affinities, partitions
from valuelex.stats.levels import product_affinity
from valuelex.stats.stability import compare_partitions, split_half_partitions

Array = NDArray[np.float64]
N_SPLITS = 50
NONE = np.zeros(0, dtype=np.int64)
CENTRED = (
    "Terms are grouped by profiles in standard deviations of each term, less each unit's own mean: that mean is how "
    "high a unit rates everything, which makes all terms go together and tells nothing of which do."
)
AS_RATED = "How the groups of the profiles as rated agree with them stands beside them."


def structure_of_ratings(
    profiles: RatedProfiles,
    units: Units,
    vectors: Array | None,
    plan: ConstructPlan,
    n_models: int,
    rng: np.random.Generator,
) -> Structure:
    """Group terms by centred profiles of ratings, and weigh what speaks for the groups.

    Parameters
    ----------
    profiles
        Complete profiles of units.
    units
        What is held out and resampled of each row of the profiles: its family, or the row itself.
    vectors : (n_terms, d)
        Unit vectors of the terms; None to use the ratings alone.
    plan
        Numbers of groups, where they are given, and of resamples.
    n_models
        How many models the units are of.
    rng
        Source of folds, resamples and nulls.

    Returns
    -------
    Structure
        Its joint choice is that between sources. `sensitivities` holds the agreement with the groups of the profiles
        as they were rated.

    Raises
    ------
    DataError
        If there are too few terms for two groups.
    """
    given = plan.n_subdimensions
    plan, fewer = fitting(plan, len(profiles.terms), "rated", "name more terms")
    fold = np.unique(np.asarray(units.independent_of, dtype=str), return_inverse=True)[1].astype(np.int64)
    embeddings = None if vectors is None else product_affinity(np.ascontiguousarray(vectors.T))
    material = Material(
        Evidence(None, profiles.centred, fold, NONE),
        None,
        embeddings,
        vectors,
        np.zeros(0, dtype=np.bool_),
        NONE,
    )
    lists = ResponseMatrix.of_dense(np.zeros((0, len(profiles.terms))), (), (), profiles.terms)
    choices = choose_numbers(material, plan, rng)
    between = level_of(Level.BETWEEN, choices.between if choices else None)
    k = plan.n_subdimensions or (between.n_groups if between.outcome is Outcome.GROUPS else 1)
    weights = weigh_views(material, choices, k, rng)
    labels, dimensions, dimension = group_terms(material, weights, k, plan, rng)
    tested = labels.max() > 0 and plan.resamples > 0
    drawn = resample(material, weights, labels, plan.resamples, rng) if tested else None
    most = max_groups(material, plan)
    nulls = null_tests(lists, material, weights, labels, most, rng) if tested else NullTests((), ())
    structure = Structure(
        taxonomy=taxonomy_of(lists, material, weights, labels, dimension, drawn, units),
        joint=between,
        levels=(),
        views=views_of(material, weights, labels, k),
        groups=drawn.groups if drawn else (),
        nulls=nulls.tests,
        splits=_halves(material, weights, k, rng) if tested else (),
        sensitivities=(_as_rated(material, profiles.raw, weights, labels, k),) if tested else (),
        controls=tuple(level_of(Level.BETWEEN, found) for found in nulls.controls),
        dimension_gain={n + 1: float(g) for n, g in enumerate(dimensions.gain)} if dimensions else {},
        n_given=given,
        independent=units.independent,
        n_independent=material.evidence.n_independent,
        profiled="",
        n_models=n_models,
        notes=(f"{CENTRED} {AS_RATED}" if tested else CENTRED, *fewer),
    )
    return replace(structure, verdict=verdict(structure, what="ratings"))


def _as_rated(material: Material, raw: Array, weights: Weights, labels: Labels, k: int) -> Sensitivity:
    """Group the profiles as they were rated by the same rules, and compare."""
    evidence = replace(material.evidence, profile=raw)
    views = (*affinities(evidence, np.ones(evidence.n_independent)), material.embeddings)
    (found,) = partitions(views, weights, material.n_terms, [k])
    agreement = compare_partitions(found, labels).adjusted_rand
    return Sensitivity("profiles as rated, not centred", agreement, material.n_terms)


def _halves(material: Material, weights: Weights, k: int, rng: np.random.Generator) -> tuple[Split, ...]:
    """Agreement of the groups of two halves of the independent units; none where there are too few to halve."""
    n = material.evidence.n_independent
    if n < 4:
        return ()

    def partition(drawn: Array) -> Labels:
        views = (*affinities(material.evidence, drawn), material.embeddings)
        (found,) = partitions(views, weights, material.n_terms, [k])
        return found

    found = split_half_partitions(partition, np.arange(n), N_SPLITS, rng).adjusted_rand
    mean, least, greatest = float(found.mean()), float(found.min()), float(found.max())
    return (Split("halves of the sources", mean, least, greatest, len(found)),)


def system_of_ratings(structure: Structure, study_name: str) -> ValueSystem:
    """Turn groups of rated terms into a value system that respondents can be measured on."""
    system = build_system(structure.taxonomy, study_name)
    dimensions = tuple(
        replace(
            d,
            subdimensions=tuple(
                replace(s, definition=f"Words valued together: {', '.join(s.markers)}.")
                for s in d.subdimensions
            ),
        )
        for d in system.dimensions
    )
    source = f"Built by ValueLex from the ratings of terms of the study {study_name!r}."
    return replace(system, source=source, dimensions=dimensions)
