"""Logs that ValueLex wrote, on their way back into a ledger: every answer is new, there already, or bad."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from examples import projective_test, respondent, study
from valuelex.cli import app
from valuelex.domain.recorded import BadRow, Fault
from valuelex.errors import DataError
from valuelex.io.import_map import ImportMap
from valuelex.io.inspect_log import export_logs
from valuelex.io.ledger import Answer, Ledger
from valuelex.pipeline import Workspace, importing, status
from valuelex.pipeline.importing import check_imported, import_answers
from valuelex.stages.project import plan_completions

ASKED = study((respondent(),), test=projective_test(4))


class Watcher:
    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def begin(self, path: Path) -> None:
        pass

    def bad(self, path: Path, row: BadRow) -> None:
        assert path.suffix == ".eval"
        self.rows.append(row)

    def done(self, outcome: object) -> None:
        pass


def answers(text: str = "smiled") -> list[Answer]:
    said = [json.dumps({"choices": [{"message": {"content": f"{text} {n}."}}]}) for n in range(4)]
    return [Answer(c, s, 0.5, 1, 1.7e9) for c, s in zip(plan_completions(ASKED), said, strict=True)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    written: list[Path] = []
    export_logs(tmp_path / "logs", "s", answers(), on_written=lambda path, _: written.append(path))
    return written[0]


def forge(log: Path, how: Callable[[int, dict[str, Any]], None]) -> Path:
    """Write a log anew, each sample changed."""
    forged = log.with_name("forged.eval")
    with zipfile.ZipFile(log) as old, zipfile.ZipFile(forged, "w") as new:
        names = [name for name in old.namelist() if name.startswith("samples/")]
        for name in old.namelist():
            content = old.read(name)
            if name in names:
                sample = json.loads(content)
                how(names.index(name), sample)
                content = json.dumps(sample).encode()
            new.writestr(name, content)
    return forged


def say(sample: dict[str, Any], payload: str) -> None:
    sample["store"]["reply"]["payload"] = payload


def take(folder: Path, *logs: Path) -> tuple[tuple[int, int, int, int], list[BadRow]]:
    """Import logs into a folder; return rows, new, there already and bad, and the bad rows."""
    watcher = Watcher()
    outcomes = import_answers(Workspace(ASKED, folder), logs, ImportMap(), watcher)
    assert sum(o.n_bad for o in outcomes) == len(watcher.rows)
    sums = [sum(getattr(o, name) for o in outcomes) for name in ("n_rows", "n_new", "n_there", "n_bad")]
    assert sums[0] == sum(sums[1:])
    return (sums[0], sums[1], sums[2], sums[3]), watcher.rows


def stored(folder: Path) -> list[Answer]:
    with Ledger(folder / "ledger.db", read_only=True) as ledger:
        return list(ledger.answers())


def test_a_log_is_taken_once_and_exactly(tmp_path: Path, log: Path) -> None:
    assert take(tmp_path / "s", log) == ((4, 4, 0, 0), [])
    assert take(tmp_path / "s", log) == ((4, 0, 4, 0), [])
    assert stored(tmp_path / "s") == answers()


def test_bad_answers_are_listed_and_never_get_in(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(n: int, sample: dict[str, Any]) -> None:
        if n == 0:
            say(sample, "{ not json")
        elif n == 1:
            say(sample, '{"choices": "none"}')
        elif n == 2:
            sample["metadata"]["call"]["body"] = "{}"

    forged = forge(log, spoil)
    counts, bad = take(tmp_path / "s", forged)
    assert counts == (4, 1, 0, 3)
    assert [(row.line, row.fault) for row in bad] == [
        (1, Fault.NOT_JSON),
        (2, Fault.NOT_A_REPLY),
        (3, Fault.WRONG_KEY),
    ]
    assert [row.detail.split(":")[0] for row in bad] == ["sample 's0'", "sample 's1'", "sample 's2'"]
    # Whoever reads the ledger can read it.
    assert [a.payload for a in stored(tmp_path / "s")] == [answers()[3].payload]
    # Two prompts and three stems are still to be sent.
    assert status(Workspace(ASKED, tmp_path / "s")).n_new == 5
    with Ledger(tmp_path / "s" / "ledger.db", read_only=True) as ledger:
        assert [reply.text for reply in ledger.replies(ledger.answered()).values()] == ["smiled 3."]
    # Rows that are committed one by one are counted as those that are committed together.
    monkeypatch.setattr(importing, "BATCH_ROWS", 1)
    assert take(tmp_path / "one", forged) == (counts, bad)


def test_another_answer_to_the_same_call_is_a_conflict(tmp_path: Path, log: Path) -> None:
    other = forge(log, lambda n, sample: say(sample, answers("wept")[n].payload) if n < 2 else None)
    assert take(tmp_path / "s", log)[0] == (4, 4, 0, 0)
    counts, bad = take(tmp_path / "s", other)
    assert counts == (4, 0, 2, 2)
    assert [(row.line, row.fault) for row in bad] == [(1, Fault.CONFLICT), (2, Fault.CONFLICT)]
    assert bad[0].detail == (
        "'acme t1' gave another answer to 's0' in draw 0 of stage 'project', which was kept; to use this one, import "
        "the log into another --folder"
    )
    assert stored(tmp_path / "s") == answers()


def test_within_one_log_too_the_first_answer_is_kept(tmp_path: Path, log: Path) -> None:
    def judge(n: int, sample: dict[str, Any]) -> None:
        again = {"call": dict(sample["metadata"]["call"]), "reply": dict(sample["store"]["reply"])}
        other = json.loads(json.dumps(again))
        other["reply"]["payload"] = answers("wept")[n].payload
        sample["store"]["judged"] = [again, other]

    counts, bad = take(tmp_path / "s", forge(log, judge))
    assert counts == (12, 4, 4, 4)
    assert {row.fault for row in bad} == {Fault.CONFLICT}
    assert stored(tmp_path / "s") == answers()


def test_a_log_without_one_good_answer_is_an_error(tmp_path: Path, log: Path) -> None:
    forged = forge(log, lambda _, sample: say(sample, "{"))
    outcomes = import_answers(Workspace(ASKED, tmp_path / "s"), [forged], ImportMap(), Watcher())
    with pytest.raises(DataError, match=r"None of 4 rows could be imported \(4 not JSON\)"):
        check_imported(outcomes)


def test_the_command_lists_bad_answers_by_sample(tmp_path: Path, log: Path) -> None:
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "s"\n[[respondents]]\nmodel = "recorded/acme"\n'
        '[project]\nstems = 4\n[[judges]]\nkind = "axis"\n'
    )
    forged = forge(log, lambda n, sample: say(sample, "{") if n == 2 else None)
    command = ["import", str(tmp_path), str(forged), "--bad-rows", str(tmp_path / "bad.csv")]
    done = CliRunner().invoke(app, command)
    assert "forged.eval (inspect): 4 rows = 3 imported + 0 there already + 1 bad" in done.output, done.output
    assert "  line 3: not JSON: sample 's2': its reply is no JSON (" in done.output
    assert (tmp_path / "bad.csv").read_text().splitlines()[1].startswith("forged.eval,3,not JSON,sample 's2'")
