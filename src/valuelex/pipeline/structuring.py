"""Look at the structure of terms by further routes: factor analysis, and the systems of populations.

Owns how the stages for them are joined to the building of the study's own system, and the writing of their files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Structure
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.rated_terms import RatedTerms
from valuelex.domain.results import Found
from valuelex.domain.sources import Sources
from valuelex.domain.structure import Taxonomy, ValueSystem
from valuelex.domain.study import ConstructPlan, Study
from valuelex.io.structure_files import write_factors, write_populations
from valuelex.pipeline.workspace import stage_rng
from valuelex.stages.build_system import build_system
from valuelex.stages.construct import construct
from valuelex.stages.factor_route import route_of_lists, route_of_ratings
from valuelex.stages.populations import Build, Built, compare_populations

Array = NDArray[np.float64]


def with_further_routes(
    study: Study,
    found: Found,
    sources: Sources,
    vectors: Array | None,
    folder: Path,
) -> Found:
    """Add the factor-analytic route and the populations to what was found, and write both.

    Parameters
    ----------
    study
        With plans to normalise, to construct and to factor.
    found
        The lexicon, matrix and system of everybody.
    sources
        Who gave each response of the matrix.
    vectors : (n_terms, n_numbers)
        Of the terms of the matrix, or None where there are none. Only populations need them.
    folder
        For factors.json, loadings.csv, populations.json and populations.csv.
    """
    if study.factors is None:
        return found
    groups = groups_of(found.taxonomy, found.matrix.terms)
    routes = [route_of_lists(found.matrix, sources, groups, study.factors, stage_rng(study, "factors"))]
    found = replace(found, factors=tuple(routes))
    write_factors(folder, found.factors)
    if study.populations and study.normalise is not None and study.construct is not None:
        populations = compare_populations(
            study.populations,
            study.respondents,
            found.matrix,
            sources,
            vectors,
            study.normalise.min_respondents,
            _built(found.structure, found.system),
            _builder(study.name, study.construct),
            study.factors,
            stage_rng(study, "populations"),
        )
        found = replace(found, populations=populations)
        write_populations(folder, populations)
    return found


def _builder(study_name: str, plan: ConstructPlan) -> Build:
    """Build the system of a population as that of the study is built."""

    def build(
        matrix: ResponseMatrix,
        sources: Sources,
        vectors: Array | None,
        name: str,
        rng: np.random.Generator,
    ) -> Built:
        structure = construct(matrix, sources, vectors, plan, rng)
        return _built(structure, build_system(structure.taxonomy, f"{study_name}, {name}"))

    return build


def _built(structure: Structure, system: ValueSystem) -> Built:
    return Built(structure.taxonomy, system, structure.verdict[0], structure.notes)


def with_factors(study: Study, rated: RatedTerms, folder: Path) -> RatedTerms:
    """Add the factors of rated terms to what was found of them, and write them: factors.json, loadings.csv."""
    if study.factors is None or rated.structure is None:
        return rated
    matrix = rated.matrix
    route = route_of_ratings(
        matrix.values,
        matrix.terms,
        Sources.of(study.respondents, matrix.respondent_ids),
        groups_of(rated.structure.taxonomy, matrix.terms),
        study.factors,
        stage_rng(study, "factors"),
    )
    write_factors(folder, (route,))
    return replace(rated, factors=(route,))


def groups_of(taxonomy: Taxonomy, terms: Sequence[str]) -> NDArray[np.int64]:
    """Subdimension of each term; -1 for one that is in none."""
    of_term = dict(zip(taxonomy.terms, taxonomy.subdimension.tolist(), strict=True))
    return np.array([of_term.get(term, -1) for term in terms], dtype=np.int64)
