"""When a study counts as finished, and what makes it count no longer."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from io_examples import a_call, text_answer
from valuelex import pipeline
from valuelex.io.ledger import Ledger

STUDY = """
[study]
name = "finished"
[endpoints.fake]
base_url = "{url}"
[[respondents]]
model = "fake/{model}"
temperature = [0.5, 1.0]
[project]
stems = 6
[compare]
resamples = 100
"""


def run(folder: Path, url: str, model: str = "good") -> Path:
    folder.mkdir()
    path = folder / "study.toml"
    path.write_text(STUDY.format(url=url, model=model))
    pipeline.run(pipeline.open_study(path))
    return path


def forge(folder: Path) -> None:
    path = folder / "orientations.csv"
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))


def lose(folder: Path) -> None:
    (folder / "report.html").unlink()


def answer(folder: Path) -> None:
    with Ledger(folder / "ledger.db") as ledger:
        ledger.record(answers=[text_answer(a_call(), "x")])


def reseed(folder: Path) -> None:
    path = folder / "study.toml"
    path.write_text(path.read_text().replace('name = "finished"', 'name = "finished"\nseed = 5'))


def upgrade(folder: Path) -> None:
    path = folder / ".finished"
    path.write_text(path.read_text().replace('"numpy": "', '"numpy": "0.'))


def test_a_finished_study_is_known_as_such(tmp_path: Path, endpoint) -> None:
    path = run(tmp_path / "s", endpoint.base_url)
    assert pipeline.is_finished(pipeline.open_study(path))


@pytest.mark.parametrize("change", [forge, lose, answer, reseed, upgrade])
def test_whatever_results_depend_on_ends_that(
    tmp_path: Path, endpoint, change: Callable[[Path], None]
) -> None:
    path = run(tmp_path / "s", endpoint.base_url)
    change(path.parent)
    assert not pipeline.is_finished(pipeline.open_study(path))


def test_a_study_with_a_failed_call_is_not_finished(tmp_path: Path, endpoint) -> None:
    # The endpoint refuses about a quarter of what this model is asked; whoever was answered goes on.
    folder = tmp_path / "s"
    folder.mkdir()
    path = folder / "study.toml"
    text = STUDY.format(url=endpoint.base_url, model="picky").replace("stems = 6", "stems = 24")
    path.write_text(text)
    workspace = pipeline.open_study(path)
    with Ledger(workspace.ledger_path) as ledger:
        calls = pipeline.planned_calls(workspace.study)["project"]
        ledger.record(answers=[text_answer(call, "went home.") for call in calls[:8]])
    assert pipeline.run(workspace) is not None
    assert pipeline.status(workspace).n_new > 0
    assert not pipeline.is_finished(workspace)


def test_many_late_replies_do_not_overflow_what_a_run_was_computed_from(tmp_path: Path) -> None:
    # 10,000 times of 2026 in microseconds are more than SQLite's integers hold.
    path = tmp_path / "ledger.db"
    with Ledger(path):
        pass
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
            "INSERT INTO call SELECT i, 'observe', 'a', i, 0, 'recorded', 'a', 'recorded', '', '', '{}' FROM n"
        )
        db.execute(
            "INSERT INTO reply (call_key, payload, received_at, latency_s, attempts) "
            "SELECT key, '{}', 1790000000.5, 0, 0 FROM call"
        )
    with Ledger(path, read_only=True) as ledger:
        assert ledger.fingerprint().startswith("10000 replies, 20000 characters, ")
