import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from simulated_lists import simulated_lists
from stages.test_populations import BASE_ONLY, compare, world
from valuelex.domain.factors import FactorPlan, NoFactors
from valuelex.io.structure_files import write_factors, write_populations
from valuelex.stages.factor_route import route_of_lists


@pytest.fixture(scope="module")
def route():
    return route_of_lists(*simulated_lists(), FactorPlan(resamples=10), np.random.default_rng(0))


def test_a_route_is_a_table_of_loadings_and_a_json_of_the_rest(tmp_path: Path, route) -> None:
    write_factors(tmp_path, [route])
    table = pl.read_csv(tmp_path / "loadings.csv")
    assert table.height == 30 * 3
    row = table.filter((pl.col("term") == "w07") & (pl.col("factor") == "f2")).row(0, named=True)
    i = route.terms.index("w07")
    assert row["loading"] == pytest.approx(route.pattern[i, 1], abs=1e-6)
    assert row["loading_high"] == pytest.approx(route.pattern_high[i, 1], abs=1e-6)
    assert row["correlation"] == pytest.approx(route.structure[i, 1], abs=1e-6)
    assert row["communality"] == pytest.approx(route.communalities[i], abs=1e-6)
    assert table.filter(pl.col("primary") == 1).height == (route.primary >= 0).sum()
    content = json.loads((tmp_path / "factors.json").read_text())
    assert content["schema"] == "valuelex/factors/1"
    (told,) = content["routes"]
    assert told["verdict"] == route.verdict
    assert "pattern" not in told
    assert len(told["rules"]) == len(route.rules)
    assert {m["factor"] for m in told["matches"]} == {0, 1, 2}


def test_what_cannot_be_told_is_empty_and_text_is_no_formula(tmp_path: Path, route) -> None:
    unsure = replace(
        route,
        terms=("=1+1", *route.terms[1:]),
        pattern_low=np.full_like(route.pattern, np.nan),
        n_resamples=0,
    )
    write_factors(tmp_path, [unsure, NoFactors("nothing varies")])
    first = (tmp_path / "loadings.csv").read_text().splitlines()[1].split(",")
    assert first[1] == "'=1+1"
    assert first[4] == ""
    text = (tmp_path / "factors.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["routes"][1] == {"reason": "nothing varies"}


def test_a_comparison_has_a_row_for_each_term(tmp_path: Path) -> None:
    found = compare(*world(), [BASE_ONLY])
    write_populations(tmp_path, found)
    table = pl.read_csv(tmp_path / "populations.csv")
    assert table.height == len(found.contrasts[0].terms)
    assert table.columns[:4] == ["a", "b", "term", "status"]
    content = json.loads((tmp_path / "populations.json").read_text())
    assert [p["name"] for p in content["populations"]] == ["all", "base"]
    assert content["populations"][1]["system"]["title"] == "System built from the study 'base'"
    assert content["contrasts"][0]["agreement"]["adjusted_rand"] == pytest.approx(
        found.contrasts[0].agreement.adjusted_rand, abs=1e-6
    )
    assert "terms" not in content["contrasts"][0]
