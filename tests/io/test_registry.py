import tomllib
from datetime import date
from pathlib import Path

import pytest

from valuelex.errors import StudyError
from valuelex.io import registry
from valuelex.io.files import plain
from valuelex.io.one_model import study_of_one_model
from valuelex.io.registry import FACTS, GROUPED, Known, look_up, shipped_models
from valuelex.io.study_file import read_study
from valuelex.stages.caveats import caveats
from valuelex.stages.lineage import maker_of

STUDY = """
[study]
name = "t"
[[respondents]]
model = "openai/gpt-4o-mini"
[project]
stems = 12
"""


def study(tmp_path: Path, more: str = "", model: str = "openai/gpt-4o-mini") -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace("openai/gpt-4o-mini", model) + more)
    return path


@pytest.mark.parametrize("name", shipped_models())
def test_every_fact_has_a_source_and_is_plausible(name: str) -> None:
    known = shipped_models()[name]
    facts = known.facts
    assert name == name.lower()
    assert set(facts) == set(known.sources)
    assert all(len(source) > 10 for source in known.sources.values())
    assert "family" in facts
    assert 10**7 < int(facts.get("n_parameters", 10**9)) < 10**13
    assert int(facts.get("n_active_parameters", 1)) < int(facts.get("n_parameters", 2))
    released = str(facts.get("released", "2020-01-01"))
    assert date(2019, 1, 1) < date.fromisoformat((released + "-01-01")[:10]) < date(2026, 12, 31)
    if facts.get("training") == "base":
        assert "base_model" not in facts


@pytest.mark.parametrize("name", shipped_models())
def test_weights_are_listed_and_of_the_same_family(name: str) -> None:
    facts = shipped_models()[name].facts
    base = look_up(str(facts["base_model"])).facts if "base_model" in facts else {}
    # Qwen2.5-Math, on which two distilled models start, is not in the registry.
    assert base or "base_model" not in facts or "math" in str(facts["base_model"])
    assert base.get("family", facts["family"]) == facts["family"]


@pytest.mark.parametrize("name", shipped_models())
def test_makers_told_by_names_do_not_contradict_the_registry(name: str) -> None:
    facts = shipped_models()[name].facts
    told = maker_of(name)
    # A model that another developer tuned counts there with the maker of the weights.
    makers = {facts.get("developer"), look_up(str(facts.get("base_model", ""))).facts.get("developer")}
    assert told is None or told in makers


LISTED = """
[sources]
card = "the model card"
news = "the announcement"
[[series]]
source = "card"
family = "f"
released = "2024-01-02"
other_sources = { released = "news" }
models = [
    { names = ["m"], training = "base" },
    { names = ["n"], training = "aligned", released = "2024-03-04", other_sources = { training = "news" } },
]
"""


def listed(monkeypatch: pytest.MonkeyPatch, text: str) -> dict[str, Known]:
    monkeypatch.setattr(registry, "read_toml", lambda *_: tomllib.loads(text))
    return dict(shipped_models.__wrapped__())


def test_a_fact_has_a_source_of_its_own_where_the_registry_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = listed(monkeypatch, LISTED)
    assert found["m"].sources == {
        "family": GROUPED,
        "training": "the model card",
        "released": "the announcement",
    }
    # The model states its own date, so the series' source of the date is not that of this one.
    assert found["n"].sources == {
        "family": GROUPED,
        "training": "the announcement",
        "released": "the model card",
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('{ training = "news" }', '{ training = "nws" }', "'n' names the source 'nws', which is not in"),
        ('{ training = "news" }', '{ developer = "news" }', "'n' has a source of 'developer', but does not"),
        ('names = ["n"]', 'names = ["m"]', "the name 'm' is in two entries"),
    ],
)
def test_a_wrong_registry_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        listed(monkeypatch, LISTED.replace(old, new))


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("together/meta-llama/Llama-3-8b-chat-hf", 8_000_000_000),
        ("vllm/meta-llama/Llama-3.1-8B-Instruct", 8_000_000_000),
        ("openrouter/meta-llama/llama-3.1-8b-instruct:free", 8_000_000_000),
        ("ollama/llama3.2", 3_210_000_000),
        ("ollama/llama3.2:latest", 3_210_000_000),
        ("ollama/llama3.2:1b", 1_230_000_000),
        ("embedded/smollm2-135m-instruct", 135_000_000),
    ],
)
def test_a_model_is_known_by_the_names_that_providers_give_it(model: str, size: int) -> None:
    assert look_up(model).facts["n_parameters"] == size


@pytest.mark.parametrize(
    "model", ["openai/gpt-4o-mini", "openrouter/openai/gpt-4o-mini", "inspect/openai/gpt-4o-mini"]
)
def test_a_hosted_model_is_known_at_every_provider(model: str) -> None:
    assert look_up(model).facts["developer"] == "OpenAI"


@pytest.mark.parametrize(
    "model",
    [
        "openai/gpt-4o-mini-audio",
        "openai/gpt-4o-3",
        "x/gpt",
        "ollama/llama3.2:3b-q2_K",
        "openai/ft:gpt-4o:me::1",
        "",
    ],
)
def test_an_unlisted_name_has_no_facts(model: str) -> None:
    assert look_up(model).facts == {}


def test_a_dated_snapshot_has_the_facts_but_not_the_date_of_its_name() -> None:
    name, snapshot = look_up("gpt-4o").facts, look_up("gpt-4o-2024-08-06").facts
    assert "released" not in snapshot
    assert {**snapshot, "released": "2024-05-13"} == name


def test_attributes_come_from_the_registry_with_their_source(tmp_path: Path) -> None:
    (respondent,) = read_study(study(tmp_path)).respondents
    assert respondent.attributes == {
        "developer": "OpenAI",
        "training": "aligned",
        "released": "2024-07-18",
        "open_weights": False,
    }
    assert respondent.family == "gpt-4o"
    told = plain(respondent)["attribute_sources"]
    assert told["developer"] == "OpenAI (2024), GPT-4o System Card, arXiv 2410.21276"
    assert "Inspect" in told["released"]
    assert set(told) == {*respondent.attributes, "family"}


def test_a_study_wins_fact_by_fact(tmp_path: Path) -> None:
    more = """
[models."openai/gpt-4o-mini"]
n_parameters = 8_000_000_000
training = "instruct"
source = "a newspaper"
"""
    path = study(tmp_path, more)
    (respondent,) = read_study(path).respondents
    assert respondent.attributes["n_parameters"] == 8_000_000_000
    assert respondent.attributes["training"] == "instruct"
    assert respondent.attributes["developer"] == "OpenAI"
    assert respondent.attribute_sources["training"] == "a newspaper"
    model = 'model = "openai/gpt-4o-mini"\n'
    own = model + 'family = "mine"\nattributes = { training = "base", shoe = 42 }\n'
    path.write_text(path.read_text().replace(model, own))
    (respondent,) = read_study(path).respondents
    assert respondent.attributes["training"] == "base"
    assert respondent.family == "mine"
    assert {n: respondent.attribute_sources[n] for n in ("training", "shoe", "family", "n_parameters")} == {
        "training": "study",
        "shoe": "study",
        "family": "study",
        "n_parameters": "a newspaper",
    }


def test_an_unknown_model_stays_unknown(tmp_path: Path) -> None:
    (respondent,) = read_study(study(tmp_path, model="vllm/my-model")).respondents
    assert (respondent.attributes, respondent.attribute_sources) == ({}, {})
    assert respondent.family == "vllm/my-model"


def test_a_judge_is_of_the_family_that_the_registry_tells(tmp_path: Path) -> None:
    more = '[[judges]]\nkind = "llm"\nmodel = "openrouter/openai/gpt-4o"\n'
    assert read_study(study(tmp_path, more)).judges[0].family == "gpt-4o"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            '[models."openai/gpt-4o"]\ntraining = "base"',
            r"no respondent, judge or namer has this model; there is 'openai/gpt-4o-mini'",
        ),
        ('[models."openai/gpt-4o-mini"]\ntrainig = "base"', "did you mean 'training'"),
        ('[models."openai/gpt-4o-mini"]\nreleased = "May"', "released"),
        ('[models."openai/gpt-4o-mini"]\nn_parameters = -1', "n_parameters"),
        ('[prices."openai/gpt-4o"]\ninput = 1\noutput = 1', "no respondent, judge or namer has this model"),
        ('[prices."openai/gpt-4o-mini"]\ninput = -1\noutput = 1', "input"),
        ('[prices."openai/gpt-4o-mini"]\ninput = 0.00000001\noutput = 1', "decimals"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        read_study(study(tmp_path, more))


def test_facts_are_told_in_one_order() -> None:
    for known in shipped_models().values():
        assert list(known.facts) == [f for f in FACTS if f in known.facts]


def test_the_embedded_model_is_known_without_a_study_file() -> None:
    study = study_of_one_model(
        "embedded/smollm2-135m-instruct", endpoint=None, respondent={}, project={}, judges=[{}]
    )
    # Its size opens the report's caveats.
    assert study.respondents[0].attributes["n_parameters"] == 135_000_000
    assert "135 million" in caveats(study, None, [])[0]
