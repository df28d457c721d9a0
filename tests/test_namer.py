"""A namer in a whole study: what it said is kept, what is measured does not know it, and its failure costs nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from drawn_charts import draw_once
from study_text import study_head
from valuelex import pipeline
from valuelex.cli.main import app
from valuelex.domain.evidence import Structure
from valuelex.errors import CallError
from valuelex.io import client, pace
from valuelex.io.ledger import Ledger
from valuelex.pipeline import computing
from valuelex.pipeline.sharding import Shard, send_shard
from valuelex.pipeline.verifying import verify

pytestmark = pytest.mark.embedded
TOLD = "json_schema = false\nlogprobs = false"
STUDY = """
[endpoints.keyed]
base_url = "{url}"
json_schema = false
key_variable = "NAMER_TEST_KEY"
[elicit]
[construct]
n_subdimensions = 4
n_dimensions = 2
resamples = 20
[factors]
resamples = 2
[project]
stems = 4
systems = ["built"]
[second]
rate_draws = 1
[[judges]]
kind = "llm"
model = "fake/referee"
[compare]
factors = []
resamples = 100
"""
NAMER = '[namer]\nmodel = "{model}"\nname = "baptist"\n'
_STRUCTURES: dict[object, tuple[Structure, np.ndarray | None]] = {}
MEASURED = ("ratings.parquet", "orientations.csv", "contrasts.csv", "notes.parquet", "response_matrix.npz")


@pytest.fixture(autouse=True)
def _each_structure_is_found_and_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers of the endpoint are the same in every test, and so is the structure of the same plan."""
    draw_once(monkeypatch)
    find = computing.structure_of

    def remembered(study, matrix, responses, *more):
        key = (study.construct, matrix.named.dense().tobytes(), matrix.terms, matrix.response_ids)
        if key not in _STRUCTURES:
            _STRUCTURES[key] = find(study, matrix, responses, *more)
        return _STRUCTURES[key]

    monkeypatch.setattr(computing, "structure_of", remembered)


def open_study(folder: Path, url: str, namer: str | None = "fake/good") -> pipeline.Workspace:
    folder.mkdir(exist_ok=True)
    more = NAMER.format(model=namer) if namer else ""
    text = study_head("named", url, endpoint=TOLD) + STUDY.format(url=url) + more
    (folder / "study.toml").write_text(text)
    return pipeline.open_study(folder)


def system_file(folder: Path) -> dict:
    return json.loads((folder / "value_system.json").read_text())


def counted(workspace: pipeline.Workspace) -> dict[str, tuple[int, int, int, bool]]:
    counts = pipeline.status(workspace).counts
    return {c.stage: (c.n_planned, c.n_answered, c.n_new, c.at_most) for c in counts}


def test_a_study_is_named_and_what_it_measures_does_not_depend_on_the_namer(tmp_path: Path, endpoint) -> None:
    bare = open_study(tmp_path / "bare", endpoint.base_url, None)
    assert pipeline.run(bare) is not None
    assert not (bare.folder / "names.parquet").exists()
    assert system_file(bare.folder)["naming"] is None
    assert "no language model named them" in (bare.folder / "report.html").read_text()

    named = open_study(tmp_path / "named", endpoint.base_url)
    shutil.copyfile(bare.ledger_path, named.ledger_path)
    assert counted(named)["name"] == (5, 0, 5, False)
    sent = len(endpoint.answered())
    results = pipeline.run(named)
    # Another namer, or none, changes no other call, and no figure.
    assert len(endpoint.answered()) == sent + 5
    assert counted(named)["name"] == (5, 5, 0, False)
    for name in MEASURED:
        assert (named.folder / name).read_bytes() == (bare.folder / name).read_bytes(), name

    names = pl.read_parquet(named.folder / "names.parquet")
    assert len(names) == 5 * (4 + 2)
    assert names["missing"].is_null().all()
    with Ledger(named.ledger_path, read_only=True) as ledger:
        assert set(names["call_key"]) <= ledger.answered()
    told = system_file(named.folder)
    assert (told["naming"]["namer"], told["naming"]["n_draws"], len(told["naming"]["groups"])) == (
        "baptist",
        5,
        6,
    )
    before, after = (system_file(w.folder)["systems"][0]["dimensions"] for w in (bare, named))
    kept = dict(names.filter(pl.col("kept")).select("group", "name").iter_rows())
    assert kept
    for old, new in zip(before, after, strict=True):
        for was, now in zip([old, *old["subdimensions"]], [new, *new["subdimensions"]], strict=True):
            assert now["name"] == kept.get(now["id"], was["name"])
            same = set(now) - {"name", "definition", "subdimensions"}
            assert {key: now[key] for key in same} == {key: was[key] for key in same}
    report = (named.folder / "report.html").read_text()
    assert "Named by baptist: the most consistent of 5 names from 5 draws" in report
    assert f"By its markers: {before[0]['subdimensions'][0]['name']}." in report
    assert results is not None
    assert any("They are labels: nobody was measured by them" in warning for warning in results.warnings)
    assert [check.title for check in verify(named) if check.n_wrong] == []


def test_a_run_that_stops_after_construct_is_named_and_one_that_stops_before_is_not(
    tmp_path: Path, endpoint
) -> None:
    study = open_study(tmp_path / "s", endpoint.base_url)
    asked = []

    def approve(state: pipeline.Status) -> bool:
        asked.append({c.stage: (c.n_new, c.at_most) for c in state.counts})
        return True

    pipeline.run(study, until="elicit", approve=approve)
    assert asked == [{"elicit": (45, False)}]
    pipeline.run(study, until="construct", approve=approve)
    assert asked[1:] == [{"elicit": (0, False), "name": (5, False)}]
    assert len(pl.read_parquet(study.folder / "names.parquet")) == 30
    assert system_file(study.folder)["naming"]["namer"] == "baptist"
    first = (study.folder / "value_system.json").read_bytes()
    assert [check.title for check in verify(study) if check.n_wrong] == []
    pipeline.run(study)
    assert (study.folder / "value_system.json").read_bytes() == first


@pytest.mark.parametrize(
    ("model", "why", "said"),
    [
        ("absent", "CALL_FAILED", "did not answer ('fake' has no model 'absent'"),
        ("locked", "CALL_FAILED", "did not answer ('fake' refused the API key"),
        (
            "mute",
            "UNPARSEABLE",
            "gave no name that could be used to 6 of 6 groups of the built system (30 UNPARSEABLE)",
        ),
    ],
)
def test_a_namer_that_fails_loses_nothing_and_is_said(
    tmp_path: Path, endpoint, model: str, why: str, said: str
) -> None:
    study = open_study(tmp_path / "s", endpoint.base_url, f"fake/{model}")
    results = pipeline.run(study)
    assert results is not None
    assert results.found is not None
    assert results.found.shown is results.found.system
    assert said in " ".join(results.warnings)
    assert set(pl.read_parquet(study.folder / "names.parquet")["missing"]) == {why}
    # What failed is tried again by the next run; what was answered, though by no name, is not paid for twice.
    assert pipeline.is_finished(study) is (why != "CALL_FAILED")
    assert [check.title for check in verify(study) if check.n_wrong] == []


@pytest.mark.parametrize("told", [True, False], ids=["told", "probed"])
def test_a_namer_that_is_down_ends_no_run_and_is_asked_by_the_next(
    tmp_path: Path, endpoint, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT_S", 0.01)
    for name in ("PATIENCE_S", "PATIENCE_WITH_STRANGERS_S"):
        monkeypatch.setattr(pace, name, 0.2)
    monkeypatch.setattr(pace, "FIRST_PAUSE_S", 0.01)
    folder = open_study(tmp_path / "s", endpoint.base_url, None).folder
    text = (folder / "study.toml").read_text() + NAMER.format(model="down/good")
    known = "sends_seed = true\nlimit_key = 'max_tokens'\njson_schema = false\n" if told else ""

    def run(url: str, until: str) -> Result:
        (folder / "study.toml").write_text(f"{text}[endpoints.down]\nbase_url = '{url}'\n{known}")
        return CliRunner().invoke(app, ["run", str(folder), "--until", until])

    first = run("http://127.0.0.1:9/v1", "construct")
    assert first.exit_code == 0, first.output
    said = "did not answer (http://127.0.0.1:9/v1 does not answer"
    assert said in first.output
    assert "Run the study again (valuelex run) to ask for them, or leave [namer] out.\n" in first.output
    naming = system_file(folder)["naming"]
    assert "does not answer" in naming["silence"]
    assert {g["name"] == g["by_markers"] for g in naming["groups"]} == {True}
    assert [check.title for check in verify(pipeline.open_study(folder)) if check.n_wrong] == []
    whole = run("http://127.0.0.1:9/v1", "report")
    assert whole.exit_code == 0, whole.output
    assert said in (folder / "report.html").read_text()
    assert not pipeline.is_finished(pipeline.open_study(folder))
    # It is there again: the same study goes on, and what it measured stays.
    measured = {name: (folder / name).read_bytes() for name in MEASURED}
    again = run(endpoint.base_url, "report")
    assert again.exit_code == 0, again.output
    assert system_file(folder)["naming"]["silence"] == ""
    assert {name: (folder / name).read_bytes() for name in MEASURED} == measured
    assert pipeline.is_finished(pipeline.open_study(folder))


def test_another_system_of_the_same_words_is_named_anew_and_its_calls_are_told(
    tmp_path: Path, endpoint
) -> None:
    study = open_study(tmp_path / "s", endpoint.base_url)
    pipeline.run(study, until="construct")
    text = (study.folder / "study.toml").read_text()
    (study.folder / "study.toml").write_text(text.replace("n_subdimensions = 4", "n_subdimensions = 3"))
    other, asked = pipeline.open_study(study.folder), []

    def approve(state: pipeline.Status) -> bool:
        asked.append({c.stage: (c.n_planned, c.n_answered, c.n_new, c.at_most) for c in state.counts})
        return True

    pipeline.run(other, until="construct", approve=approve)
    assert asked == [{"elicit": (45, 45, 0, False), "name": (5, 0, 5, False)}]
    assert len(pl.read_parquet(study.folder / "names.parquet")) == 5 * (3 + 2)


def test_a_key_of_the_namer_that_is_not_there_is_told_before_anything_is_sent(
    tmp_path: Path, endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NAMER_TEST_KEY", raising=False)
    study = open_study(tmp_path / "s", endpoint.base_url, "keyed/good")
    with pytest.raises(CallError, match="set the environment variable NAMER_TEST_KEY"):
        pipeline.run(study)
    assert endpoint.answered() == []
    # The words are not the namer's to hold up.
    pipeline.run(study, until="elicit")
    with pytest.raises(CallError, match="set the environment variable NAMER_TEST_KEY"):
        pipeline.run(study, until="construct")


def test_the_commands_count_the_calls_of_the_namer(tmp_path: Path, endpoint) -> None:
    study = open_study(tmp_path / "s", endpoint.base_url, "fake/scribe")
    cost = pipeline.status(study).cost
    assert "fake/scribe" in cost.unknown
    told = CliRunner().invoke(app, ["check", str(study.folder)])
    assert told.exit_code == 0, told.output
    assert "  name          5 calls: 0 in the ledger, at most 5 new" in told.output
    assert "groups are named by baptist (fake/scribe), 5 draws" in told.output


def test_shards_ask_the_namer_once_all_words_are_there(tmp_path: Path, endpoint) -> None:
    study = open_study(tmp_path / "s", endpoint.base_url)
    first = send_shard(study, Shard(1, 1))
    assert not first.is_whole
    assert counted(study)["name"][1] == 0
    second = send_shard(study, Shard(1, 1))
    assert counted(study)["name"] == (5, 5, 0, False)
    assert second.is_whole
    sent = len(endpoint.answered())
    assert pipeline.run(study) is not None
    assert len(endpoint.answered()) == sent
