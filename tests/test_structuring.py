import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl

from examples import study
from stages.test_populations import BASE_ONLY, build, world
from valuelex.domain.factors import FactorPlan
from valuelex.domain.lexicon import Lexicon
from valuelex.domain.results import Found
from valuelex.domain.sources import Sources
from valuelex.pipeline.structuring import with_further_routes

PLAN = FactorPlan(resamples=5)


def found_in(matrix, people) -> tuple[Found, str]:
    built = build(matrix, Sources.of(people, matrix.respondent_ids), None, "all", np.random.default_rng(0))
    return Found((), Lexicon((), (), ()), matrix, built.taxonomy, built.system), built.outcome


def test_lists_and_ratings_are_two_routes(tmp_path: Path) -> None:
    matrix, people = world()
    found, outcome = found_in(matrix, people)
    source = np.random.default_rng(1)
    groups = found.taxonomy.subdimension[:20]
    values = np.clip(
        3 + source.standard_normal((12, 3))[:, groups] + source.standard_normal((12, 20)) / 2, 0, 6
    )
    rated = SimpleNamespace(
        values=np.c_[values, values[:, 0]],
        respondent_ids=tuple(r.id for r in people),
        terms=(*matrix.terms[:20], "unheard"),
    )
    plain = replace(study(people), factors=PLAN)
    after = with_further_routes(plain, found, outcome, build, lambda _: None, tmp_path, rated)
    assert [route.matrix for route in after.factors] == ["ppmi", "ratings"]
    # A term that was rated and is in no list has no group to agree with.
    assert after.factors[1].agreement.n_terms <= 20
    assert after.factors[1].agreement.p_value < 0.05
    assert set(pl.read_csv(tmp_path / "loadings.csv")["matrix"]) == {"ppmi", "ratings"}
    assert after.populations is None
    assert not (tmp_path / "populations.json").exists()


def test_populations_are_built_where_the_study_names_them(tmp_path: Path) -> None:
    matrix, people = world()
    found, outcome = found_in(matrix, people)
    asks = replace(study(people), factors=PLAN, populations=(BASE_ONLY,))
    asked: list[tuple[str, ...]] = []

    def embed(terms: tuple[str, ...]) -> np.ndarray:
        asked.append(terms)
        return np.eye(len(terms))

    after = with_further_routes(asks, found, outcome, build, embed, tmp_path)
    assert asked == [matrix.terms]
    assert [s.name for s in after.populations.systems] == ["all", "base"]
    assert after.populations.systems[0].outcome == "3 groups, given"
    assert json.loads((tmp_path / "populations.json").read_text())["populations"][1]["name"] == "base"
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with_further_routes(asks, found, outcome, build, embed, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
