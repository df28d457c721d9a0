"""What `valuelex export` writes, and the embedded model as a server for other programs."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from valuelex.cli import app, main
from valuelex.io.files import write_ratings
from valuelex.io.inspect_log import read_exported
from valuelex.io.ledger import Answer, Ledger
from valuelex.io.study_file import read_study
from valuelex.stages.project import plan_completions, read_completions

STUDY = """
[study]
name = "out"
[endpoints.mine]
base_url = "http://127.0.0.1:9/v1"
key_variable = "MINE_KEY"
[[respondents]]
model = "mine/a"
[[respondents]]
model = "mine/b"
[project]
systems = ["valuelex-2024"]
stems = 3
[[judges]]
kind = "axis"
"""
PAYLOAD = json.dumps(
    {
        "choices": [{"message": {"content": "stayed calm."}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3},
    }
)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study, answers to all its calls and the ratings of one judge."""
    from valuelex.domain.measure import RatingArray

    monkeypatch.setenv("MINE_KEY", "sk-secret-123456")
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    calls = plan_completions(read_study(path))
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(answers=[Answer(c, PAYLOAD, 0.5, 1, 1_700_000_000.0 + n) for n, c in enumerate(calls)])
        completions = read_completions(
            calls, ledger.replies(c.key for c in calls), read_study(path).project.test
        )
    values = pl.DataFrame({"care": [float(n) for n in range(len(completions))]}).to_numpy()
    write_ratings(tmp_path, [RatingArray.of("axis", "tiny", values, completions, ("care",))])
    (tmp_path / "orientations.csv").write_text(
        "respondent_id,system,judge,target,estimate,standard_error\na chat t1,tiny,axis,care,1.500000,\n"
    )
    return tmp_path


def export(study: Path, *options: str) -> str:
    outcome = CliRunner().invoke(app, ["export", str(study), "--to", str(study / "out"), *options])
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_logs_hold_every_answer_and_show_its_ratings(study: Path) -> None:
    from inspect_ai.log import read_eval_log

    printed = export(study)
    assert f"Wrote 6 answered calls in 2 files: {study / 'out'}" in " ".join(printed.split())
    paths = sorted((study / "out").iterdir())
    with Ledger(study / "ledger.db", read_only=True) as ledger:
        kept = {a.call.key: a for a in ledger.answers()}
    assert {a.call.key: a for path in paths for _, a in read_exported(path)} == kept
    shown = [
        sample.scores["axis on tiny"].value["care"]
        for path in paths
        for sample in read_eval_log(path).samples
    ]
    assert sorted(shown) == [0, 1, 2, 3, 4, 5]
    estimates = [
        m.value for path in paths for s in read_eval_log(path).results.scores for m in s.metrics.values()
    ]
    assert estimates == [1.5]
    assert not any(b"sk-secret" in path.read_bytes() for path in paths)


def test_tables_hold_a_row_for_every_answer(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valuelex.io.export_tables.ROWS_A_FILE", 4)
    export(study, "--format", "parquet")
    assert sorted(path.name for path in (study / "out").iterdir()) == [
        "answers-0001.parquet",
        "answers-0002.parquet",
    ]
    rows = pl.read_parquet(study / "out" / "*.parquet")
    assert rows.height == 6
    assert rows["payload"].unique().to_list() == [PAYLOAD]
    assert set(rows["respondent_id"]) == {"a chat t1", "b chat t1"}
    assert rows.select("prompt_tokens", "completion_tokens").unique().rows() == [(5, 3)]


def test_a_study_without_a_ledger_has_nothing_to_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    monkeypatch.setattr(sys, "argv", ["valuelex", "export", str(tmp_path), "--to", str(tmp_path / "out")])
    with pytest.raises(SystemExit):
        main()
    assert "No ledger in" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.embedded
def test_the_embedded_model_serves_other_programs_until_it_is_stopped() -> None:
    command = [sys.executable, "-m", "valuelex", "embedded", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        url = server.stdout.readline().split()[3].rstrip(";")
        body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4, "temperature": 0}
        request = urllib.request.Request(
            f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            answer = json.load(reply)
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
        assert "Stopped." in server.stderr.read()
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] <= 4
