import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from examples import study
from stages.planted_lists import structured
from stages.test_populations import BASE_ONLY, build, world
from valuelex.domain.factors import FactorPlan
from valuelex.domain.lexicon import Lexicon
from valuelex.domain.results import Found
from valuelex.domain.sources import Sources
from valuelex.domain.study import ConstructPlan
from valuelex.pipeline.structuring import with_further_routes

PLAN = FactorPlan(resamples=5)
GROUPS = ConstructPlan(n_dimensions=None, n_subdimensions=3, max_subdimensions=4, resamples=5)


def found_in(matrix, people) -> tuple[Found, Sources]:
    sources = Sources.of(people, matrix.respondent_ids)
    built = build(matrix, sources, None, "all", np.random.default_rng(0))
    return Found((), Lexicon((), (), ()), matrix, structured(built.taxonomy), built.system), sources


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
