"""Calibration end to end: labels, a judge behind an endpoint or the embedded axis, results on disk."""

import csv
import json
import sqlite3
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from fake_endpoint import ENDINGS
from valuelex.cli.calibrate import calibrate
from valuelex.domain.call import Missing
from valuelex.domain.study import Endpoint, JudgePlan, Model
from valuelex.errors import BudgetError, NotApprovedError, StudyError
from valuelex.pipeline import calibrating
from valuelex.pipeline.calibrating import calibrate_judge, open_judge, open_labels

HEADER = "text,subdimension,label,context,group\n"
CLAIMS = """\
name = "claims"
source = "made up"
system = "stance"
kind = "signed"
reader = "csv"
text = "{said}"
context = "{claim}"
[[columns]]
column = "stance"
subdimension = "agreement"
"""


def judge(endpoint, model: str = "good") -> JudgePlan:
    where = Endpoint("fake", endpoint.base_url, None, sends_seed=True, max_in_flight=4)
    return JudgePlan(f"fake/{model}", "llm", model=Model(where, model))


def endings_file(tmp_path: Path) -> Path:
    path = tmp_path / "endings.csv"
    rows = "".join(
        f'"{text}",{name},{(-1) ** i},"When the bell rang, I",{"ab"[i % 2]}\n'
        for i, text in enumerate(ENDINGS)
        for name in ("social", "ethical")
    )
    path.write_text(HEADER + rows)
    return path


def claims_file(tmp_path: Path, texts: list[tuple[str, str, int]]) -> tuple[Path, str]:
    (tmp_path / "claims.toml").write_text(CLAIMS)
    path = tmp_path / "claims.csv"
    path.write_text("claim,said,stance\n" + "".join(f'"{c}","{t}",{s}\n' for c, t, s in texts))
    return path, str(tmp_path / "claims.toml")


def prompts(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "ledger.db") as db:
        bodies = [json.loads(body) for (body,) in db.execute("SELECT body FROM call ORDER BY rowid")]
    return [body["messages"][-1]["content"] for body in bodies]


def test_a_second_run_sends_nothing_and_writes_the_same_bytes(tmp_path: Path, endpoint) -> None:
    labels, system = open_labels(endings_file(tmp_path), None, None)
    states = []

    def approve(state) -> bool:
        states.append(state)
        return True

    found = calibrate_judge(judge(endpoint), labels, system, tmp_path / "out", approve=approve)
    written = {n: (tmp_path / "out" / n).read_bytes() for n in ("calibration.json", "calibration.csv")}
    (state,) = states
    # One call for each text, on all six subdimensions; at most 90 tokens for each and 60 besides.
    assert [(c.stage, c.n_planned, c.n_new) for c in state.counts] == [("judge", 6, 6)]
    assert state.max_new_tokens == 6 * (6 * 90 + 60)
    assert len(endpoint.answered()) == 6
    assert found.n_texts == 6
    assert sum(found.overall.n_labels.values()) == 12
    assert (
        calibrate_judge(judge(endpoint), labels, system, tmp_path / "out", approve=lambda _: False) == found
    )
    assert len(endpoint.answered()) == 6
    assert written == {n: (tmp_path / "out" / n).read_bytes() for n in written}


def test_the_files_hold_every_figure(tmp_path: Path, endpoint) -> None:
    labels, system = open_labels(endings_file(tmp_path), None, None)
    found = calibrate_judge(judge(endpoint), labels, system, tmp_path / "out")
    content = json.loads((tmp_path / "out" / "calibration.json").read_text())
    assert content["schema"] == "valuelex/calibration/1"
    assert content["judge"] == "fake/good"
    assert [t["target"] for t in content["targets"]] == ["social", "ethical", "all"]
    rows = list(csv.DictReader((tmp_path / "out" / "calibration.csv").read_text().splitlines()))
    (row,) = [r for r in rows if (r["target"], r["quantity"]) == ("all", "auc")]
    assert float(row["value"]) == pytest.approx(found.overall.auc.value, abs=1e-6)
    assert {r["level"] for r in rows if r["quantity"] == "bias by group"} == {"a", "b"}


def test_a_larger_sample_pays_only_for_what_is_new(tmp_path: Path, endpoint) -> None:
    labels, system = open_labels(endings_file(tmp_path), None, None)
    small = calibrate_judge(judge(endpoint), labels, system, tmp_path / "out", sample=3)
    assert (small.n_texts, small.n_available, len(endpoint.answered())) == (3, 6, 3)
    calibrate_judge(judge(endpoint), labels, system, tmp_path / "out", sample=5)
    assert len(endpoint.answered()) == 5


def test_nothing_is_sent_without_approval(tmp_path: Path, endpoint) -> None:
    labels, system = open_labels(endings_file(tmp_path), None, None)
    with pytest.raises(NotApprovedError):
        calibrate_judge(judge(endpoint), labels, system, tmp_path / "out", approve=lambda _: False)
    assert endpoint.answered() == []


def test_a_judge_that_answers_partly_has_missing_ratings_not_low_ones(tmp_path: Path, endpoint) -> None:
    labels, system = open_labels(endings_file(tmp_path), None, None)
    found = calibrate_judge(judge(endpoint, "picky"), labels, system, tmp_path / "out")
    reasons = {r for of_label in found.overall.n_missing.values() for r in of_label}
    assert reasons <= {Missing.CALL_FAILED, Missing.IRRELEVANT}
    n_failed = sum(of_label.get(Missing.CALL_FAILED, 0) for of_label in found.overall.n_missing.values())
    assert n_failed == 2 * (6 - len(endpoint.answered()))


def test_each_claim_stands_in_the_words_that_its_judge_reads(tmp_path: Path, endpoint) -> None:
    rows = [("Tea is better cold.", ENDINGS[0], 1), ("Cats need {no} leave.", ENDINGS[0], -1)]
    labels, system = open_labels(*claims_file(tmp_path, rows), None)
    calibrate_judge(judge(endpoint), labels, system, tmp_path / "out")
    tea, cats = sorted(prompts(tmp_path / "out"), key=lambda p: "Cats" in p)
    assert "Agreement with this claim: “Tea is better cold.” High is" in tea
    assert "low: I disagree with this claim: Tea is better cold. / " in tea
    # What stands in a claim is freed of marks that could act on the judge.
    assert "Agreement with this claim: “Cats need (no) leave.” High is" in cats
    assert "Tea" not in cats
    assert "{context}" not in tea + cats


@pytest.mark.embedded
def test_the_axis_hears_plain_agreement_with_a_claim(tmp_path: Path) -> None:
    claims = ["Tea is better cold.", "Trains should be free for everyone."]
    said = [("I agree with that, it is true and right.", 1), ("I disagree with that, it is wrong.", -1)]
    rows = [(claim, text, side) for claim in claims for text, side in said]
    labels, system = open_labels(*claims_file(tmp_path, rows), None)
    found = calibrate_judge(open_judge("axis"), labels, system, tmp_path / "out")
    assert found.overall.auc.value == 1
    assert not (tmp_path / "out" / "ledger.db").exists()


def test_a_judge_is_the_axis_or_a_model() -> None:
    with pytest.raises(StudyError) as caught:
        open_judge("axes")
    assert str(caught.value) == "--judge must be 'axis' or provider/name of a language model, not 'axes'."


# The command


@pytest.fixture
def app() -> typer.Typer:
    alone = typer.Typer()
    alone.command()(calibrate)
    return alone


def test_the_command_prints_agreement_bias_and_unusable_rows(
    tmp_path: Path, endpoint, app, monkeypatch
) -> None:
    monkeypatch.setattr(calibrating, "open_judge", lambda _: judge(endpoint))
    path = endings_file(tmp_path)
    path.write_text(path.read_text() + "Hello.,thrift,1,,a\n")
    given = ["--judge", "fake/good", "--labels", str(path), "--folder", str(tmp_path / "out"), "--yes"]
    outcome = CliRunner().invoke(app, given, env={"COLUMNS": "200"})
    assert outcome.exit_code == 0, outcome.output
    for part in ("fake/good against endings.csv (6 of 6 texts)", "social", "bias", "rating below 3: -1"):
        assert part.casefold() in outcome.output.casefold()
    assert "1 row or label could not be used" in outcome.stderr
    assert "line 14: 'thrift' is no subdimension" in outcome.stderr


def test_no_more_calls_are_sent_than_allowed(tmp_path: Path, endpoint, app, monkeypatch) -> None:
    monkeypatch.setattr(calibrating, "open_judge", lambda _: judge(endpoint))
    given = [
        "--judge",
        "fake/good",
        "--labels",
        str(endings_file(tmp_path)),
        "--folder",
        str(tmp_path / "out"),
    ]
    outcome = CliRunner().invoke(app, [*given, "--max-calls", "5"])
    assert isinstance(outcome.exception, BudgetError)
    assert "Of 6 calls 5 were answered and kept, 0 failed, 1 was not sent" in str(outcome.exception)
    assert len(endpoint.answered()) == 5
