"""Look at the structure of terms by further routes: factor analysis, and the systems of populations.

Owns how the stages for them are joined to the building of the study's own system, and the writing of their files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Structure
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.results import Found
from valuelex.domain.sources import Sources
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import ConstructPlan, Study
from valuelex.io.structure_files import write_factors, write_populations
from valuelex.pipeline.workspace import stage_rng
from valuelex.stages.build_system import build_system
from valuelex.stages.construct import construct
from valuelex.stages.factor_route import route_of_lists, route_of_ratings
from valuelex.stages.populations import Build, Built, compare_populations

Array = NDArray[np.float64]


class Rated(Protocol):
    """How much respondents value terms: (n_respondents, n_terms), NaN where nobody tells."""

    @property
    def values(self) -> Array:
        """Scale points."""

    @property
    def respondent_ids(self) -> tuple[str, ...]:
        """Of the rows."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Of the columns."""


def with_further_routes(
    study: Study,
    found: Found,
    sources: Sources,
    embed: Callable[[tuple[str, ...]], Array | None],
    folder: Path,
    rated: Rated | None = None,
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
    embed
        Vectors of terms, or None where there are none. Asked only where populations need them.
    folder
        For factors.json, loadings.csv, populations.json and populations.csv.
    rated
        Ratings of terms where the study asked for them; their factors are a route of their own.
    """
    if study.factors is None:
        return found
    groups = groups_of(found, found.matrix.terms)
    routes = [route_of_lists(found.matrix, sources, groups, study.factors, stage_rng(study, "factors"))]
    if rated is not None:
        of_rows = Sources.of(study.respondents, rated.respondent_ids)
        groups = groups_of(found, rated.terms)
        rng = stage_rng(study, "rated factors")
        routes.append(route_of_ratings(rated.values, rated.terms, of_rows, groups, study.factors, rng))
    found = replace(found, factors=tuple(routes))
    write_factors(folder, found.factors)
    if study.populations and study.normalise is not None and study.construct is not None:
        populations = compare_populations(
            study.populations,
            study.respondents,
            found.matrix,
            sources,
            embed(found.matrix.terms),
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


def groups_of(found: Found, terms: Sequence[str]) -> NDArray[np.int64]:
    """Subdimension of each term; -1 for one that is in none."""
    taxonomy = found.taxonomy
    of_term = dict(zip(taxonomy.terms, taxonomy.subdimension.tolist(), strict=True))
    return np.array([of_term.get(term, -1) for term in terms], dtype=np.int64)
