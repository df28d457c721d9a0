"""A study that looks for terms in recorded texts, from its files to its report, by the command line."""

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from valuelex import pipeline
from valuelex.cli import app
from valuelex.errors import DataError, StudyError
from valuelex.io.ledger import Ledger
from valuelex.pipeline import observing, verifying
from valuelex.pipeline.sharding import sendable_calls
from valuelex.stages.caveats import NOBODY_MEASURED

NAMES = ("ada", "bob", "cyd", "dan", "eve")
VALUES = (
    *("honesty", "courage", "compassion", "wisdom", "justice", "freedom", "loyalty", "humility"),
    *("creativity", "curiosity", "equality", "privacy", "tradition", "generosity"),
)
PLAIN = tuple(
    first + last
    for first in ("gar", "tab", "win", "mor", "pel", "sun", "bri")
    for last in ("den", "ket", "dow", "tle", "lar")
)


def texts(seed: int = 0) -> list[dict[str, object]]:
    """Answers of five respondents to 30 prompts: value words and others, by topic."""
    rng = np.random.default_rng(seed)
    words = np.array([*VALUES, *PLAIN])
    topic = rng.gamma(1.0, 1.0, (30, len(words)))
    rows: list[dict[str, object]] = []
    for who in NAMES:
        for item in range(30):
            said = rng.choice(words, size=40, p=topic[item] / topic[item].sum())
            rows.append({"model": who, "id": f"p{item}", "text": " ".join(said) + "."})
    return rows


def made(
    folder: Path,
    rows: list[dict[str, object]],
    elicit: str = "",
    names: tuple[str, ...] = NAMES,
    more: str = "",
) -> Path:
    """Write a study, and import the texts into it."""
    folder.mkdir(exist_ok=True)
    study = folder / "study.toml"
    listed = "".join(
        f'[[respondents]]\nmodel = "recorded/{n}"\nlabel = "{n}"\nfamily = "{n}"\n' for n in names
    )
    study.write_text(
        f'[study]\nname = "seen"\n[elicit]\nmode = "observe"\n{elicit}[construct]\nn_subdimensions = 3\n'
        f"n_dimensions = 2\nresamples = 5\n{listed}{more}"
    )
    file = folder / "texts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["import", str(folder), str(file), "--stage", "observe"]
    for field, column in (("respondent", "model"), ("item", "id"), ("text", "text")):
        asked += ["--map", f"{field}={column}"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    return folder


def rates(folder: Path) -> list[dict[str, str]]:
    with (folder / "observed_rates.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(autouse=True)
def few_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "N_NULL", 3)


def test_a_study_of_recorded_texts_runs_to_its_report(tmp_path: Path) -> None:
    folder = made(tmp_path / "s", texts())
    done = CliRunner().invoke(app, ["run", str(folder), "--yes"])
    assert done.exit_code == 0, done.output
    assert "150 of 150 recorded texts were read: 6000 words." in done.output.replace(",", "")
    there = {path.name for path in folder.iterdir()}
    assert {
        *("observed_texts.parquet", "observed_forms.csv", "observed_rates.csv", "observed.json"),
        *("lexicon.json", "response_matrix.npz", "value_system.json", "report.html"),
    } <= there
    assert not {"orientations.csv", "completions.parquet", "ratings.parquet", "responses.parquet"} & there
    found = json.loads((folder / "observed.json").read_text())
    assert [level["level"] for level in found["levels"]] == ["between", "within", "within", "within"]
    assert found["topic"]["n_shared"] == 30
    assert found["verdict"][0].startswith("Value terms show")
    rows = rates(folder)
    ada = [row for row in rows if row["respondent_id"] == "ada"]
    assert ada[0]["term"] == ""
    assert int(ada[0]["n_mentions"]) == sum(int(row["n_mentions"]) for row in ada[1:])
    assert float(ada[0]["rate"]) == pytest.approx(
        1000 * int(ada[0]["n_mentions"]) / int(ada[0]["n_words"]), abs=1e-5
    )
    assert all(float(row["ci_low"]) <= float(row["rate"]) <= float(row["ci_high"]) for row in rows)
    with np.load(folder / "response_matrix.npz") as matrix:
        assert matrix["values"].shape == (150, len(VALUES))
    built = json.loads((folder / "structure.json").read_text())["verdict"]
    assert built[0].startswith(
        "These groups are of terms as texts have them, the topics of their items included"
    )
    report = (folder / "report.html").read_text()
    assert "Terms in recorded texts" in report
    assert "Orientations" not in report.split("<main>")[0]
    assert "projective test" not in report
    counted = pl.read_parquet(folder / "observed_texts.parquet")
    assert counted["n_words"].sum() == 6000


NAMER = """[endpoints.fake]
base_url = "{url}"
[namer]
model = "fake/good"
name = "baptist"
"""
POPULATION = """[factors]
resamples = 2
[[populations]]
name = "four"
where = {respondent = ["ada", "bob", "cyd", "dan"]}
"""
MEASURED = """[project]
stems = 6
systems = ["valuelex-2024", "built"]
[[judges]]
kind = "llm"
model = "fake/referee"
"""


def test_groups_of_recorded_texts_are_named_factored_and_held_against_those_of_populations(
    tmp_path: Path, endpoint
) -> None:
    folder = made(tmp_path / "s", texts(), more=NAMER.format(url=endpoint.base_url) + POPULATION)
    workspace = pipeline.open_study(folder)
    assert [(c.stage, c.n_new) for c in pipeline.status(workspace).counts if c.stage == "name"] == [
        ("name", 5)
    ]
    results = pipeline.run(workspace)
    assert results is not None
    assert results.found is not None
    assert results.found.naming is not None
    assert [(c.stage, c.n_new) for c in pipeline.status(workspace).counts if c.stage == "name"] == [
        ("name", 0)
    ]
    system = json.loads((folder / "value_system.json").read_text())
    assert system["naming"]["namer"] == "baptist"
    assert [s.name for s in results.found.populations.systems] == ["all", "four"]
    assert {"names.parquet", "factors.json", "loadings.csv", "populations.json"} <= {
        p.name for p in folder.iterdir()
    }
    # Nobody is measured here, and the system is held against known ones all the same.
    n_groups = len(results.found.system.subdimensions)
    assert [len(walk.names) for walk in results.crosswalks] == ([n_groups] * 5 if n_groups > 1 else [])
    assert (folder / "crosswalk.json").exists()
    sent = len(endpoint.answered())
    pipeline.run(workspace)
    assert len(endpoint.answered()) == sent


@pytest.mark.parametrize("more", [NAMER, NAMER.partition("[namer]")[0] + MEASURED])
def test_a_shard_leaves_what_depends_on_recorded_texts_to_the_run(
    tmp_path: Path, endpoint, more: str
) -> None:
    study = pipeline.open_study(made(tmp_path / "s", texts(), more=more.format(url=endpoint.base_url))).study
    with Ledger(tmp_path / "s" / "ledger.sqlite") as ledger:
        plan, is_whole = sendable_calls(study, ledger)
    assert not plan.get("name")
    assert not is_whole


def test_a_shard_is_not_whole_without_the_vectors_of_terms_in_recorded_texts(
    tmp_path: Path, endpoint
) -> None:
    folder = made(tmp_path / "s", texts(), more=NAMER.format(url=endpoint.base_url).partition("[namer]")[0])
    file = folder / "study.toml"
    file.write_text(file.read_text().replace("resamples = 5", 'resamples = 5\nembeddings = ["fake/vectors"]'))
    study = pipeline.open_study(folder).study
    with Ledger(folder / "ledger.sqlite") as ledger:
        assert sendable_calls(study, ledger)[1] is False
    file.write_text(file.read_text().replace('embeddings = ["fake/vectors"]', ""))
    with Ledger(folder / "ledger.sqlite") as ledger:
        assert sendable_calls(pipeline.open_study(folder).study, ledger)[1] is True


def observed(folder: Path) -> None:
    """Count and compare, without the value system."""
    workspace = pipeline.open_study(folder)
    with Ledger(workspace.ledger_path) as ledger:
        observing.observe(workspace, lambda: ledger.answers("observe"), pipeline.Silent(), structure=True)


def test_the_same_texts_give_the_same_bytes(tmp_path: Path) -> None:
    # In another order, from another file.
    one, other = made(tmp_path / "a", texts()), made(tmp_path / "b", texts()[::-1])
    observed(one)
    observed(other)
    for name in ("observed_texts.parquet", "observed_forms.csv", "observed_rates.csv", "observed.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_counts_stop_before_structure(tmp_path: Path) -> None:
    folder = made(tmp_path / "s", texts())
    assert pipeline.run(pipeline.open_study(folder), until="elicit") is None
    assert (folder / "observed_rates.csv").exists()
    assert not (folder / "observed.json").exists()
    assert not (folder / "responses.parquet").exists()


def test_with_a_projective_test_but_no_completions_nobody_is_measured(tmp_path: Path) -> None:
    folder = made(tmp_path / "s", texts(), more="[project]\nstems = 2\n")
    ran = CliRunner().invoke(app, ["run", str(folder)])
    assert ran.exit_code == 0, ran.output
    assert NOBODY_MEASURED in ran.output
    report = (folder / "report.html").read_text()
    assert NOBODY_MEASURED in report
    assert "Terms in recorded texts" in report
    assert not (folder / "completions.parquet").exists()


def test_names_that_no_respondent_stands_for_are_left_out(tmp_path: Path) -> None:
    folder = made(tmp_path / "s", texts(), names=NAMES[:4])
    pipeline.run(pipeline.open_study(folder), until="elicit")
    assert set(pl.read_parquet(folder / "observed_texts.parquet")["respondent_id"]) == set(NAMES[:4])


def test_three_respondents_are_too_few_for_structure_and_the_report_says_so(tmp_path: Path) -> None:
    folder = made(tmp_path / "s", texts(), names=NAMES[:3])
    pipeline.run(pipeline.open_study(folder))
    said = "Texts of 3 respondents were counted; at least 4 are needed"
    assert json.loads((folder / "observed.json").read_text())["why_none"].startswith(said)
    assert said in (folder / "report.html").read_text()
    workspace = pipeline.open_study(folder)
    assert pipeline.is_finished(workspace)
    assert [check.title for check in verifying.verify(workspace) if check.n_wrong] == []


def test_the_texts_of_one_respondent_are_counted_and_others_are_asked_for(tmp_path: Path) -> None:
    more = [row | {"id": f"q{row['id']}"} for row in texts(1)]
    folder = made(tmp_path / "s", [*texts(), *more], names=NAMES[:1])
    done = CliRunner().invoke(app, ["run", str(folder)])
    assert done.exit_code == 0, done.output
    assert (
        "Texts of 1 respondent were counted; at least 4 are needed to tell structure from the style of one. Import "
        "texts of other models, and name them in [[respondents]]." in done.output
    )
    assert {row["respondent_id"] for row in rates(folder)} == {"ada"}


def test_a_study_begins_with_an_import_that_tells_what_to_write_for_its_respondents(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text('[study]\nname = "seen"\n[elicit]\nmode = "observe"\n')
    run = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(run.exception, StudyError)
    assert "there are no [[respondents]]; name one or more" in str(run.exception)
    assert f"valuelex import {tmp_path / 'study.toml'} FILE prints what to write." in str(run.exception)
    known = {"ada": "meta-llama/Llama-3.1-8B-Instruct", "bob": 'o"dd'}
    rows = [row | {"model": known.get(str(row["model"]), row["model"])} for row in texts()]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["import", str(tmp_path), str(tmp_path / "texts.jsonl"), "--stage", "observe"]
    for field, column in (("respondent", "model"), ("item", "id"), ("text", "text")):
        asked += ["--map", f"{field}={column}"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    printed = done.stdout.partition("add to the study file:\n")[2].partition("\nA family is")[0]
    assert (
        '[[respondents]]\nmodel = "recorded/meta-llama/Llama-3.1-8B-Instruct"\nfamily = "llama-3"\n'
        in printed
    )
    assert '[[respondents]]\nmodel = "recorded/o\\"dd"\n# family = "..."\n' in printed
    assert "Fill it in for 4 names that ValueLex does not know." in done.stdout
    assert f"Next: valuelex check {tmp_path}" in done.stdout
    # What is printed is what a study needs.
    with (tmp_path / "study.toml").open("a") as stream:
        stream.write(printed)
    study = pipeline.open_study(tmp_path).study
    assert [r.family for r in study.respondents] == [
        "llama-3",
        'recorded/o"dd',
        *(f"recorded/{n}" for n in NAMES[2:]),
    ]
    again = CliRunner().invoke(app, asked)
    assert "150 there already" in again.stdout
    assert "No respondent of the study" not in again.stdout
    assert f"Next: valuelex status {tmp_path}" in again.stdout


def test_terms_of_a_file_are_the_only_ones_counted(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "mine.txt").write_text("honesty\ncourage\n")
    folder = made(tmp_path / "s", texts(), elicit='terms = "mine.txt"\n')
    pipeline.run(pipeline.open_study(folder), until="elicit")
    assert {row["term"] for row in rates(folder)} == {"", "honesty", "courage"}


def test_without_a_text_the_way_out_is_told(tmp_path: Path) -> None:
    folder = made(tmp_path / "s", [{"model": "zoe", "id": "p", "text": "x"}])
    with pytest.raises(DataError) as error:
        pipeline.run(pipeline.open_study(folder))
    assert str(error.value) == (
        "No text of the study's respondents was recorded (ada, bob, cyd, dan, eve); import them: valuelex import STUDY "
        "FILE --stage observe"
    )


def test_texts_without_a_term_are_told(tmp_path: Path) -> None:
    rows = [{"model": who, "id": "p", "text": "table"} for who in NAMES]
    with pytest.raises(DataError) as error:
        pipeline.run(pipeline.open_study(made(tmp_path / "s", rows)))
    assert (
        str(error.value) == "No term of the shipped value words is in the recorded texts; name other terms."
    )


def test_a_model_that_writes_markup_or_formulas_is_quoted(tmp_path: Path) -> None:
    rows = [row | {"text": f'=1+honesty "><script>alert(1)</script> {row["text"]}'} for row in texts()]
    folder = made(tmp_path / "s", rows, names=NAMES[:3])
    pipeline.run(pipeline.open_study(folder))
    assert "<script>alert" not in (folder / "report.html").read_text()
    with (folder / "observed_forms.csv").open() as stream:
        assert not any(cell.startswith("=") for row in csv.reader(stream) for cell in row)
