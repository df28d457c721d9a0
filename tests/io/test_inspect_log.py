import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from examples import projective_test, respondent, study
from valuelex.domain.call import Call
from valuelex.domain.recorded import BadRow, Fault
from valuelex.errors import DataError
from valuelex.io.inspect_log import export_logs, is_exported, read_exported
from valuelex.io.ledger import Answer, Ledger
from valuelex.stages.elicit import plan_elicitation
from valuelex.stages.project import plan_completions

SCORES = {
    "acme t1:s0:0": {
        "axis on tiny": ({"care": 4.25}, {}),
        "llm on tiny": ({"care": None}, {"care": "REFUSED"}),
    }
}
STANDINGS = {"acme t1": {"axis on tiny": {"care": 4.25, "care se": 0.5}}}


def planned() -> list[Call]:
    asked = study((respondent(), respondent("acme raw", api="completion")), test=projective_test(4), draws=2)
    return [*plan_elicitation(asked), *plan_completions(asked)]


def answered(call: Call, n: int) -> Answer:
    text = ["smiled.", "I can't help with that.", '<b>"6"</b> \u2028 é 🙂', ""][n % 4]
    choice: dict[str, object] = {
        "index": 0,
        "finish_reason": ["stop", "length", None, "content_filter"][n % 4],
    }
    if call.path == "/completions":
        choice["text"] = text
    else:
        choice["message"] = {
            "role": "assistant",
            "content": text,
            "reasoning_content": "Well." * (n % 3 == 0),
        }
    body = {
        "choices": [choice],
        "usage": {"prompt_tokens": 9, "completion_tokens": n},
        "odd": [1.0, None, "\ud83d"],
    }
    payload = json.dumps(body, indent=n % 3 or None, ensure_ascii=n % 2 == 0 or True)
    return Answer(call, payload, 0.1 * n + 1 / 3, 1 + n % 3, 1_700_000_000.123456 + n)


@pytest.fixture
def answers(tmp_path: Path) -> list[Answer]:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(answers=[answered(call, n) for n, call in enumerate(planned())])
        return list(ledger.answers())


def export(folder: Path, answers: list[Answer]) -> list[Path]:
    written: list[Path] = []
    export_logs(folder, "bells", answers, SCORES, STANDINGS, lambda path, _: written.append(path))
    return written


def test_what_was_exported_is_read_back_exactly(tmp_path: Path, answers: list[Answer]) -> None:
    paths = export(tmp_path / "logs", answers)
    assert len(paths) == 4  # Two respondents in two stages.
    assert all(is_exported(path) for path in paths)
    found = [answer for path in paths for _, answer in read_exported(path)]
    assert {a.call.key: a for a in found} == {a.call.key: a for a in answers}
    with Ledger(tmp_path / "again.db") as ledger:
        ledger.record(answers=found)
        assert list(ledger.answers()) == answers


def test_equal_ledgers_make_equal_bytes(tmp_path: Path, answers: list[Answer]) -> None:
    first = {path.name: path.read_bytes() for path in export(tmp_path / "a", answers)}
    second = {path.name: path.read_bytes() for path in export(tmp_path / "b", answers)}
    assert first == second
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(first)


def test_inspect_reads_what_was_exported(tmp_path: Path, answers: list[Answer]) -> None:
    from inspect_ai.log import list_eval_logs, read_eval_log

    export(tmp_path / "logs", answers)
    logs = {
        log.eval.task_display_name: log for log in map(read_eval_log, list_eval_logs(str(tmp_path / "logs")))
    }
    assert sorted(logs) == ["elicit: acme raw", "elicit: acme t1", "project: acme raw", "project: acme t1"]
    log = logs["project: acme t1"]
    assert (log.status, log.eval.task, log.eval.model) == ("success", "valuelex/project", "acme/acme-1")
    assert log.eval.config.epochs == 2
    assert log.samples is not None
    assert [(s.id, s.epoch) for s in log.samples] == [(f"s{i}", d) for d in (1, 2) for i in range(4)]
    first = log.samples[0]
    assert first.input[-1].content.endswith("When the bell rang 0 times, I")
    assert first.scores["axis on tiny"].value == {"care": 4.25}
    assert first.scores["llm on tiny"].value == {"care": None}
    assert first.scores["llm on tiny"].metadata == {"missing": {"care": "REFUSED"}}
    (metrics,) = [{m.name: m.value for m in score.metrics.values()} for score in log.results.scores]
    assert metrics == {"care": 4.25, "care se": 0.5}
    assert logs["elicit: acme t1"].results.scores == []
    total = sum(s.output.usage.output_tokens for s in log.samples)
    assert log.stats.model_usage["acme/acme-1"].output_tokens == total


def test_two_requests_about_one_thing_are_two_samples(tmp_path: Path, answers: list[Answer]) -> None:
    project = [a for a in answers if a.call.stage == "project" and a.call.respondent_id == "acme t1"]
    other = study((respondent(temperature=0.5),), test=projective_test(4))
    again = [answered(call, n) for n, call in enumerate(plan_completions(other))]
    (path,) = export(tmp_path / "logs", project + again)
    assert {a.call.key for _, a in read_exported(path)} == {a.call.key for a in project + again}


def test_a_log_of_another_task_is_not_ours(tmp_path: Path, answers: list[Answer]) -> None:
    from inspect_ai.log import read_eval_log, write_eval_log

    path = export(tmp_path / "logs", answers)[0]
    log = read_eval_log(path)
    log.eval.metadata = {"about": "something else"}
    write_eval_log(log, tmp_path / "other.eval")
    assert not is_exported(tmp_path / "other.eval")
    assert not is_exported(tmp_path / "ledger.db")
    shutil.copy(tmp_path / "ledger.db", tmp_path / "broken.eval")
    assert not is_exported(tmp_path / "broken.eval")


def test_a_changed_request_is_named(tmp_path: Path, answers: list[Answer]) -> None:
    from inspect_ai.log import read_eval_log, write_eval_log

    path = export(tmp_path / "logs", answers)[0]
    log = read_eval_log(path)
    log.samples[1].metadata["call"]["body"] = "{}"
    write_eval_log(log, tmp_path / "forged.eval")
    rows = list(read_exported(tmp_path / "forged.eval"))
    (bad,) = [row for row in rows if isinstance(row, BadRow)]
    assert (bad.line, bad.fault) == (2, Fault.WRONG_KEY)
    assert bad.detail.startswith("sample 'p1': Call key 'call1-")
    assert len(rows) == len(log.samples)


def test_each_part_that_is_no_sample_is_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "odd.eval"
    with zipfile.ZipFile(path, "w") as log:
        for n, content in enumerate(
            (b"{", b'"\xff"', b"[]", b'{"store": 3}', b'{"store": {"judged": 3}}', b"{}")
        ):
            log.writestr(f"samples/{n}.json", content)
    # The last was not answered, so that its call is to be sent.
    assert [(row.line, row.fault.value) for row in read_exported(path)] == [
        (1, "not JSON"),
        (2, "not UTF-8"),
        (3, "not an object"),
        (4, "not an object"),
        (5, "not an object"),
    ]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"odd.eval' is damaged"):
        list(read_exported(path))


def test_inspects_own_commands_list_and_dump_an_exported_log(tmp_path: Path, answers: list[Answer]) -> None:
    path = export(tmp_path / "logs", answers)[0]
    inspect = [sys.executable, "-m", "inspect_ai"]
    run = {"capture_output": True, "text": True, "check": True, "cwd": tmp_path}
    listed = json.loads(
        subprocess.run([*inspect, "log", "list", "--log-dir", "logs", "--json"], **run).stdout
    )
    assert {entry["task"] for entry in listed} == {"valuelex-elicit", "valuelex-project"}
    dumped = json.loads(subprocess.run([*inspect, "log", "dump", str(path)], **run).stdout)
    assert dumped["eval"]["metadata"]["study"] == "bells"
