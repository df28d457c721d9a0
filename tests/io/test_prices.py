from datetime import date
from pathlib import Path

import pytest

from valuelex.domain.cost import price_per_million
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.files import plain
from valuelex.io.prices import FREE, PriceEntry, prices_of, read_prices, shipped_prices
from valuelex.io.study_file import read_study

FILE = """
[[lists]]
provider = "openai"
date = "2030-01-02"
source = "a contract"
[lists.models]
"gpt-4o" = { input = 1, output = 2 }
"""
ENDPOINTS = assets.load_endpoints()


def test_every_shipped_price_has_a_date_and_a_source_and_is_plausible() -> None:
    for label, price in shipped_prices().items():
        assert label.partition("/")[0] in ENDPOINTS
        assert price.source
        assert date(2025, 1, 1) <= date.fromisoformat(price.date) <= date(2026, 12, 31)
        # Between 1 cent and 100 dollars a million tokens; writing costs no less than reading.
        assert 10_000 <= price.prompt <= price.completion <= 100_000_000


def test_unknown_is_left_out_and_free_is_nothing() -> None:
    models = ["openai/gpt-4o-audio", "openai/gpt-4o", "ollama/x", "embedded/x", "inspect/hf/x", "nobody/x"]
    found = prices_of(models, ENDPOINTS, {}, shipped_prices())
    assert found == {
        "openai/gpt-4o": shipped_prices()["openai/gpt-4o"],
        "ollama/x": FREE,
        "embedded/x": FREE,
        "inspect/hf/x": FREE,
    }


def test_a_snapshot_has_a_price_of_its_own() -> None:
    prices = shipped_prices()
    assert prices["openai/gpt-4o-2024-05-13"] != prices["openai/gpt-4o"]
    assert prices_of(["openai/gpt-4o-2031-01-01"], ENDPOINTS, {}, prices) == {}


def test_a_call_through_inspect_costs_what_its_provider_asks() -> None:
    found = prices_of(["inspect/google/gemini-2.0-flash"], ENDPOINTS, {}, shipped_prices())
    assert list(found.values()) == [shipped_prices()["gemini/gemini-2.0-flash"]]


def test_the_study_wins_over_a_file_and_a_file_over_shipped_prices(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(FILE)
    listed = {**shipped_prices(), **read_prices(path)}
    found = prices_of(["openai/gpt-4o"], ENDPOINTS, {}, listed)
    assert found["openai/gpt-4o"] == price_per_million(1, 2, "a contract", "2030-01-02")
    found = prices_of(["openai/gpt-4o"], ENDPOINTS, {"openai/gpt-4o": PriceEntry(input=3, output=4)}, listed)
    assert found["openai/gpt-4o"] == price_per_million(3, 4, "study")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2030-01-02", "soon", "date"),
        ("input = 1", "input = nan", "input"),
        ("input = 1", "inptu = 1", "did you mean 'input'"),
        ('source = "a contract"\n', "", "key 'source' is missing"),
    ],
)
def test_a_wrong_price_file_is_refused_by_name(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(StudyError, match=message) as error:
        read_prices(path)
    assert str(path) in str(error.value)


def test_a_model_with_two_prices_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(FILE + FILE)
    with pytest.raises(StudyError, match="'openai/gpt-4o' has two prices"):
        read_prices(path)


def test_a_study_knows_its_prices_and_its_resolved_form_does_not(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        '[study]\nname = "t"\n[[respondents]]\nmodel = "openai/gpt-4o-mini"\n[project]\nstems = 12\n'
    )
    study = read_study(path)
    assert study.prices == {"openai/gpt-4o-mini": shipped_prices()["openai/gpt-4o-mini"]}
    assert "prices" not in plain(study)
