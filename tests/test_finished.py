"""When a study counts as finished, and what makes it count no longer."""

from collections.abc import Callable
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
