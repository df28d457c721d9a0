import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from examples import respondent, structure, study, taxonomy
from stages.test_populations import BASE_ONLY, build, world
from valuelex.domain.factors import FactorPlan, FactorRoute
from valuelex.domain.lexicon import Lexicon
from valuelex.domain.quality import Estimate
from valuelex.domain.rated_terms import RatedTerms
from valuelex.domain.results import Found
from valuelex.domain.sources import Sources
from valuelex.domain.study import ConstructPlan
from valuelex.domain.term_ratings import RatedMatrix
from valuelex.pipeline.structuring import with_factors, with_further_routes

PLAN = FactorPlan(resamples=5)
GROUPS = ConstructPlan(n_dimensions=None, n_subdimensions=3, max_subdimensions=4, resamples=5)


def found_in(matrix, people) -> tuple[Found, Sources]:
    sources = Sources.of(people, matrix.respondent_ids)
    built = build(matrix, sources, None, "all", np.random.default_rng(0))
    return Found(
        (),
        Lexicon((), (), ()),
        matrix,
        structure(built.taxonomy, verdict=("The study gave 3 groups.",)),
        built.system,
    ), sources


def test_lists_have_a_route_and_populations_only_where_they_are_named(tmp_path: Path) -> None:
    matrix, people = world()
    found, sources = found_in(matrix, people)
    plain = replace(study(people), factors=PLAN)
    after = with_further_routes(plain, found, sources, None, tmp_path)
    assert [route.matrix for route in after.factors] == ["ppmi"]
    assert set(pl.read_csv(tmp_path / "loadings.csv")["matrix"]) == {"ppmi"}
    assert after.populations is None
    assert not (tmp_path / "populations.json").exists()


def test_populations_are_built_where_the_study_names_them(tmp_path: Path) -> None:
    matrix, people = world()
    found, sources = found_in(matrix, people)
    asks = replace(study(people), construct=GROUPS, factors=PLAN, populations=(BASE_ONLY,))
    after = with_further_routes(asks, found, sources, np.eye(len(matrix.terms)), tmp_path)
    assert [s.name for s in after.populations.systems] == ["all", "base"]
    assert after.populations.systems[0].outcome == "The study gave 3 groups."
    base = after.populations.systems[1]
    assert base.n_groups == 3
    assert base.outcome.startswith("The lists of 6 independent families ")
    assert base.system.title == "System built from the study 'bells, base'"
    assert json.loads((tmp_path / "populations.json").read_text())["populations"][1]["name"] == "base"


GROUP = np.arange(12) % 3


def rated_by(n_respondents: int) -> tuple[RatedTerms, tuple]:
    """Ratings of 12 terms in three groups, the last term in none, by respondents who are families of their own."""
    rng = np.random.default_rng(2)
    tastes = rng.standard_normal((n_respondents, 3))[:, GROUP]
    values = np.clip(3 + tastes + 0.6 * rng.standard_normal((n_respondents, 12)), 0, 6)
    people = tuple(respondent(f"r{i}", family=f"f{i}") for i in range(n_respondents))
    ones = np.ones(values.shape, dtype=np.int64)
    unmeasured = np.full(values.shape, np.nan)
    terms = tuple(f"w{i:02d}" for i in range(12))
    matrix = RatedMatrix(
        values,
        ones,
        (),
        np.zeros((*values.shape, 0), dtype=np.int64),
        unmeasured,
        tuple(r.id for r in people),
        terms,
    )
    units = Sources.of(people, matrix.respondent_ids).units()
    of = structure(taxonomy(GROUP[:11], (0, 0, 1)))
    none = Estimate(None, None, None, 0)
    return RatedTerms(matrix, "respondents", None, "", units, none, (), (), structure=of), people


def test_rated_terms_have_a_route_of_their_own(tmp_path: Path) -> None:
    rated, people = rated_by(30)
    asks = replace(study(people), factors=PLAN)
    (route,) = with_factors(asks, rated, tmp_path).factors
    assert isinstance(route, FactorRoute)
    assert (route.matrix, route.n_factors, route.resampled, route.n_units) == ("ratings", 3, "families", 30)
    # The term that is in no group is factored, and left out of the agreement with the groups.
    assert len(route.terms) == 12
    assert (route.agreement.n_terms, route.agreement.adjusted_rand) == (11, 1.0)
    (written,) = json.loads((tmp_path / "factors.json").read_text())["routes"]
    assert written["verdict"] == route.verdict
    loadings = pl.read_csv(tmp_path / "loadings.csv")
    assert loadings.height == 36
    leading = loadings.filter(pl.col("primary") == 1).sort("term")
    of_group = [set(leading["factor"].to_numpy()[g == GROUP]) for g in range(3)]
    assert sorted(map(len, of_group)) == [1, 1, 1]
    assert len(set.union(*of_group)) == 3


def test_why_rated_terms_were_not_factored_is_written(tmp_path: Path) -> None:
    rated, people = rated_by(4)
    (none,) = with_factors(replace(study(people), factors=PLAN), rated, tmp_path).factors
    assert none.reason.startswith("Too few respondents rated the terms")
    assert json.loads((tmp_path / "factors.json").read_text())["routes"] == [{"reason": none.reason}]
    assert pl.read_csv(tmp_path / "loadings.csv").height == 0


def test_rated_terms_are_not_factored_without_a_plan_or_groups(tmp_path: Path) -> None:
    rated, people = rated_by(30)
    assert with_factors(study(people), rated, tmp_path) is rated
    ungrouped = replace(rated, structure=None)
    assert with_factors(replace(study(people), factors=PLAN), ungrouped, tmp_path) is ungrouped
    assert not list(tmp_path.iterdir())
