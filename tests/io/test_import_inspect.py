"""Logs of Inspect AI, made by Inspect itself."""

import builtins
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from valuelex.domain.recorded import BadRow, Fault, RecordedAnswer
from valuelex.errors import DataError, MissingPartError, StudyError
from valuelex.io.import_inspect import read_inspect
from valuelex.io.import_map import ImportMap
from valuelex.io.import_rows import kind_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    log = pytest.importorskip(
        "inspect_ai.log", reason="Inspect AI is not installed: pip install valuelex[inspect]"
    )
    model = pytest.importorskip("inspect_ai.model")


def output(text: str, stop: str = "stop") -> Any:
    return model.ModelOutput.from_content("acme/one", text, stop_reason=stop)


def sample(name: str | int, epoch: int, said: Any, asked: Any = "Why?", **more: Any) -> Any:
    return log.EvalSample(id=name, epoch=epoch, input=asked, target="", output=said, **more)


def write(path: Path, samples: list[Any], *, listed: bool = True) -> Path:
    ids = list(dict.fromkeys(s.id for s in samples)) if listed else None
    spec = log.EvalSpec(
        created="2026-01-02T03:04:05+00:00",
        task="values",
        dataset=log.EvalDataset(sample_ids=ids),
        model="acme/one",
        config=log.EvalConfig(epochs=max(s.epoch for s in samples)),
    )
    log.write_eval_log(log.EvalLog(eval=spec, status="success", samples=samples), str(path))
    return path


def read(path: Path, **given: Any) -> list[RecordedAnswer | BadRow]:
    return list(read_inspect(path, ImportMap(**given)))


@pytest.mark.parametrize(("name", "listed"), [("x.eval", True), ("x.eval", False), ("x.json", True)])
def test_each_epoch_of_each_sample_is_an_answer(tmp_path: Path, name: str, listed: bool) -> None:
    turns = [model.ChatMessageSystem(content="Be brief."), model.ChatMessageUser(content="How?")]
    long = "care " * 400
    path = write(
        tmp_path / name,
        [
            sample("s1", 1, output("So.")),
            sample("s1", 2, output(long, "max_tokens")),
            sample(7, 1, output("", "content_filter"), turns),
        ],
        listed=listed,
    )
    found = {(row.item, row.draw): row for row in read(path) if isinstance(row, RecordedAnswer)}
    assert sorted(row.line for row in found.values()) == [1, 2, 3]
    plain = {"respondent": "acme/one", "stage": "observe"}
    told = [replace(row, line=0) for row in found.values()]
    for expected in (
        RecordedAnswer(0, item="s1", draw=0, text="So.", prompt="Why?", finish_reason="stop", **plain),
        RecordedAnswer(0, item="s1", draw=1, text=long, prompt="Why?", finish_reason="length", **plain),
        RecordedAnswer(0, item="7", draw=0, text="", prompt="How?", finish_reason="content_filter", **plain),
    ):
        assert expected in told


@pytest.mark.parametrize("name", ["x.eval", "x.json"])
def test_a_log_is_told_from_its_content(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, [sample("s1", 1, output("So."))])
    assert kind_of(path) == "inspect"


def test_a_sample_without_an_answer_is_bad(tmp_path: Path) -> None:
    failed = log.EvalError(message="out of\nmemory", traceback="", traceback_ansi="")
    path = write(
        tmp_path / "x.eval", [sample("a", 1, model.ModelOutput()), sample("b", 1, output("so"), error=failed)]
    )
    assert {(r.fault, r.detail) for r in read(path) if isinstance(r, BadRow)} == {
        (Fault.NO_TEXT, "sample 'a' has no output"),
        (Fault.NO_TEXT, "sample 'b' ended in an error (out of memory)"),
    }


def test_respondent_and_stage_can_be_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.eval", [sample("s1", 1, output("So."))])
    (found,) = read(path, respondent="me", stage="project")
    assert isinstance(found, RecordedAnswer)
    assert (found.respondent, found.stage) == ("me", "project")
    with pytest.raises(StudyError, match="--map does nothing for Inspect logs"):
        read(path, fields={"text": "x"})


def test_another_archive_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "x.eval"
    path.write_bytes(b"PK\x03\x04 no archive at all")
    with pytest.raises(DataError, match="it is no log that Inspect can read"):
        read(path)


def test_without_inspect_the_part_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("inspect_ai"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingPartError, match=r"pip install 'valuelex\[inspect\]'"):
        read(tmp_path / "x.eval")
