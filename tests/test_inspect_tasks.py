"""The tasks under Inspect's own `eval`, on an endpoint in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recording_endpoint import Recording, recording_endpoint
from valuelex import pipeline
from valuelex.domain.call import Call
from valuelex.domain.results import Results
from valuelex.domain.study import Study
from valuelex.io.inspect_log import export_logs, is_exported, read_exported
from valuelex.io.ledger import Answer, Ledger
from valuelex.io.one_model import study_of_one_model
from valuelex.pipeline.workspace import Workspace
from valuelex.stages.project import plan_completions

MODEL, JUDGE = "openai-api/local/good", "openai-api/local/judge"


def run_task(tmp_path: Path, base_url: str, name: str, *options: str, model: str = MODEL) -> tuple[Any, str]:
    """Run a task as a user does; return its log, None if there is none, and what was printed."""
    from inspect_ai.log import read_eval_log

    keys = {"LOCAL_BASE_URL": base_url, "LOCAL_API_KEY": "sk-secret-123456"}
    ran = subprocess.run(
        [sys.executable, "-m", "inspect_ai", "eval", name, "--model", model, "--display", "plain", *options],
        cwd=tmp_path,
        env=os.environ | keys,
        capture_output=True,
        text=True,
        check=False,
    )
    logs = list(tmp_path.glob("logs/*.eval"))
    return read_eval_log(logs[0]) if logs else None, ran.stdout + ran.stderr


def metrics(log: Any) -> dict[str, float]:
    (score,) = log.results.scores
    return {metric.name: metric.value for metric in score.metrics.values()}


def as_a_study(n_stems: int) -> Study:
    return study_of_one_model(
        f"inspect/{MODEL}",
        endpoint=None,
        respondent={"temperature": 0.7},
        project={"systems": ["valuelex-2024"], "stems": n_stems, "draws": 2},
        judges=[{"kind": "llm", "model": f"inspect/{JUDGE}"}],
    )


def kept(path: Path) -> list[Answer]:
    """The answers in a log, of which none may be bad."""
    return [answer for _, answer in read_exported(path)]


def report(folder: Path, answers: Any) -> tuple[Results, dict[str, bytes]]:
    """Compute a study's results from answers alone."""
    folder.mkdir()
    workspace = Workspace(as_a_study(6), folder)
    with Ledger(workspace.ledger_path) as ledger:
        ledger.record(answers=answers)
    assert pipeline.status(workspace).n_new == 0
    results = pipeline.run(workspace, send=False)
    assert results is not None
    files = {p.name: p.read_bytes() for p in folder.iterdir() if p.name[0] != "." and p.name != "ledger.db"}
    return results, files


@pytest.mark.embedded
def test_a_task_measures_what_a_study_measures(tmp_path: Path, endpoint: Any) -> None:
    options = ("--model-role", f"grader={JUDGE}", "-T", "stems=6", "-T", "draws=2", "--temperature", "0.7")
    log, _ = run_task(tmp_path, endpoint.base_url, "valuelex/project", *options)
    assert log.status == "success"
    assert is_exported(Path(log.location))

    # Its log alone makes a study's ledger complete, and the study finds the same.
    results, files = report(tmp_path / "imported", kept(Path(log.location)))
    found = metrics(log)
    for o in results.orientations:
        assert o.estimate is not None
        assert found[o.target] == pytest.approx(o.estimate, abs=1e-12)
        assert found[f"{o.target} se"] == pytest.approx(o.standard_error, abs=1e-12)
        assert found[f"{o.target} missing"] == o.n_missing
    assert found["missing IRRELEVANT"] > 0

    # Exported from there, and imported into an empty ledger, it makes the same files byte by byte.
    written: list[Path] = []
    with Ledger(tmp_path / "imported" / "ledger.db", read_only=True) as ledger:
        export_logs(
            tmp_path / "exported", "s", ledger.answers(), on_written=lambda path, _: written.append(path)
        )
    assert len(written) == 2
    again = [answer for path in written for answer in kept(path)]
    assert report(tmp_path / "again", again)[1] == files


@pytest.fixture
def recorder() -> Iterator[Recording]:
    with recording_endpoint() as recording:
        yield recording


def planned_bodies(calls: tuple[Call, ...]) -> list[str]:
    bodies = [json.loads(call.body) | {"model": "good"} for call in calls]
    return sorted(json.dumps(body, sort_keys=True) for body in bodies)


@pytest.mark.embedded
def test_a_task_sends_the_requests_of_a_study(tmp_path: Path, recorder: Recording) -> None:
    options = ("-T", "stems=6", "-T", "draws=2", "-T", "temperature=0.7", "-T", "judge=axis")
    log, _ = run_task(tmp_path, recorder.base_url, "valuelex/project", *options)
    assert log.status == "success"
    sent = sorted(json.dumps(body, sort_keys=True) for body in recorder.bodies)
    assert sent == planned_bodies(plan_completions(as_a_study(6)))


def test_a_completion_that_is_missing_has_a_reason_and_no_number(tmp_path: Path, recorder: Recording) -> None:
    # The endpoint answers "6" to everything, which is no ending of a sentence; the grader is never asked.
    options = ("--model-role", f"grader={JUDGE}", "-T", "stems=2")
    log, _ = run_task(tmp_path, recorder.base_url, "valuelex/project", *options)
    assert {body["model"] for body in recorder.bodies} == {"good"}
    for sample in log.samples:
        (score,) = sample.scores.values()
        assert set(score.value.values()) == {None}
        assert score.reason == "EMPTY"
    found = metrics(log)
    assert "competence" not in found
    assert (found["competence missing"], found["missing EMPTY"]) == (2, 12)


def test_words_are_counted(tmp_path: Path, endpoint: Any) -> None:
    log, _ = run_task(tmp_path, endpoint.base_url, "valuelex/elicit", "-T", "draws=2")
    assert log.status == "success"
    assert len(log.samples) == 30
    # The endpoint lists seven words each time.
    assert metrics(log) == {"words": 7, "missing": 0}
    assert log.samples[0].scores["word_counts"].explanation.count(", ") == 6
    assert len(kept(Path(log.location))) == 30


def test_a_key_that_the_endpoint_says_back_is_not_in_what_a_task_keeps(
    tmp_path: Path, recorder: Recording
) -> None:
    model = "openai-api/local/parrot"
    log, _ = run_task(tmp_path, recorder.base_url, "valuelex/elicit", model=model)
    assert len(log.samples) == 15
    for sample in log.samples:
        told = json.dumps([sample.store, sample.metadata, sample.output.model_dump(mode="json")])
        assert "sk-secret" not in told + sample.model_dump_json(include={"messages", "scores", "input"})
        assert sample.output.completion == "honesty, Bearer [key], care"
    said = {json.loads(a.payload)["choices"][0]["message"]["content"] for a in kept(Path(log.location))}
    assert said == {"honesty, Bearer [key], care"}

    # What a grader says back is kept with what it rated.
    (tmp_path / "rated").mkdir()
    options = ("-T", "stems=2", "--model-role", f"grader={model}")
    log, _ = run_task(tmp_path / "rated", recorder.base_url, "valuelex/project", *options, model=model)
    answers = kept(Path(log.location))
    assert {answer.call.stage for answer in answers} == {"project", "judge"}
    assert all("[key]" in answer.payload and "sk-secret" not in answer.payload for answer in answers)


def test_a_base_model_gets_raw_prompts(tmp_path: Path, recorder: Recording) -> None:
    model = "openai-api-completions/local/base"
    options = ("--model-role", f"grader={JUDGE}", "-T", "stems=2")
    log, _ = run_task(tmp_path, recorder.base_url, "valuelex/project", *options, model=model)
    assert recorder.paths[0] == "/v1/completions"
    assert recorder.bodies[0]["prompt"].startswith("Sentences that different people finished:")
    assert recorder.bodies[0]["stop"] == ["\n"]
    assert log.samples[0].scores["value_ratings"].answer == "kindness, care"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-T", "stems=2"), "Model role 'grader' is required"),
        (
            ("-T", "stems=999", "-T", "judge=axis"),
            "[project] stems = 999, but the test 'valuelex-120' has 120",
        ),
    ],
)
def test_what_a_task_cannot_do_is_told_before_anything_is_sent(
    tmp_path: Path, recorder: Recording, options: tuple[str, ...], words: str
) -> None:
    log, printed = run_task(tmp_path, recorder.base_url, "valuelex/project", *options)
    assert log is None
    assert words in printed
    assert recorder.bodies == []


def test_epochs_are_refused_with_the_way_out(tmp_path: Path, recorder: Recording) -> None:
    options = ("-T", "stems=2", "--model-role", f"grader={JUDGE}", "--epochs", "2")
    log, _ = run_task(tmp_path, recorder.base_url, "valuelex/project", *options)
    assert log.status == "error"
    assert "ask for several draws with -T draws=N" in log.error.message
