import json
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from io_examples import a_call, text_answer
from valuelex.domain.call import Missing
from valuelex.domain.cost import Tally
from valuelex.errors import LedgerError
from valuelex.io.ledger import Answer, Failure, FailureReason, Ledger, copied
from valuelex.io.ledger_schema import STEPS


def test_an_answer_is_there_for_a_second_connection_at_once(tmp_path: Path) -> None:
    call = a_call()
    with Ledger(tmp_path / "ledger.db") as writer:
        writer.record(answers=[text_answer(call, "honesty")])
        # No close, no flush: what was recorded must already be committed.
        with Ledger(tmp_path / "ledger.db", read_only=True) as reader:
            assert reader.answered() == {call.key}
            assert reader.replies([call.key])[call.key].text == "honesty"


def test_the_first_answer_to_a_call_stays(tmp_path: Path) -> None:
    call = a_call()
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(answers=[text_answer(call, "first")])
        ledger.record(answers=[text_answer(call, "second")])
        assert ledger.replies([call.key])[call.key].text == "first"


def test_two_draws_of_one_prompt_are_two_calls(tmp_path: Path) -> None:
    first, second = a_call(draw=0), a_call(draw=1)
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(answers=[text_answer(first, "a"), text_answer(second, "b")])
        assert {r.text for r in ledger.replies([first.key, second.key]).values()} == {"a", "b"}


def test_a_failure_is_forgotten_once_the_call_is_answered(tmp_path: Path) -> None:
    call = a_call()
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(
            failures=[
                Failure(call, "first", 5, FailureReason.TIMEOUT),
                Failure(call, "last", 5, FailureReason.TIMEOUT),
            ]
        )
        assert ledger.failures() == {call.key: "last"}
        ledger.record(answers=[text_answer(call, "x")])
        assert ledger.failures() == {}


def test_missing_reasons_and_odd_text_survive_the_file(tmp_path: Path) -> None:
    calls = [a_call(draw) for draw in range(3)]
    choices = [
        {"message": {"content": None, "refusal": "no"}},
        {"message": {"content": "x"}, "finish_reason": "content_filter"},
        {"text": "lone surrogate \ud800, zero\u200bwidth"},
    ]
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(
            answers=[
                Answer(c, json.dumps({"choices": [x]}), 0.0, 1) for c, x in zip(calls, choices, strict=True)
            ]
        )
        replies = ledger.replies(c.key for c in calls)
    assert [replies[c.key].missing for c in calls] == [Missing.REFUSED, Missing.FILTERED, None]
    assert replies[calls[2].key].text == "lone surrogate ?, zero\u200bwidth"


@pytest.mark.parametrize("payload", ["{", "[]", '{"choices": []}'])
def test_a_damaged_row_is_named(tmp_path: Path, payload: str) -> None:
    call = a_call()
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(answers=[text_answer(call, "x")])
        with ledger._db:
            ledger._db.execute("UPDATE reply SET payload = ?", (payload,))
        with pytest.raises(LedgerError, match=f"the reply to {call.key} is damaged"):
            ledger.replies([call.key])


def foreign(path: Path) -> str:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE song (name TEXT)")
    db.close()
    return "SQLite file of another program"


def older(path: Path) -> str:
    Ledger(path).__exit__(None, None, None)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    return "ledger version 99"


def not_sqlite(path: Path) -> str:
    path.write_text("dear diary " * 100)
    return "cannot be used as a ledger"


@pytest.mark.parametrize("make", [foreign, older, not_sqlite])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, make) -> None:
    path = tmp_path / "ledger.db"
    expected = make(path)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=expected) as caught:
        Ledger(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_no_header_reaches_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        columns = {
            row[1]
            for table in ("call", "reply", "failure")
            for row in ledger._db.execute(f"PRAGMA table_info({table})")
        }
    assert "headers" not in columns
    assert "api_key" not in columns


# The tables of version 1, as the first release wrote them.
VERSION_1 = """
CREATE TABLE call (
    key TEXT PRIMARY KEY, stage TEXT NOT NULL, respondent_id TEXT NOT NULL, item_id TEXT NOT NULL,
    draw INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, endpoint TEXT NOT NULL,
    revision TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE reply (
    call_key TEXT PRIMARY KEY REFERENCES call (key), payload TEXT NOT NULL, latency_s REAL NOT NULL,
    attempts INTEGER NOT NULL, received_at REAL NOT NULL
) STRICT;
CREATE TABLE failure (
    id INTEGER PRIMARY KEY, call_key TEXT NOT NULL REFERENCES call (key), message TEXT NOT NULL,
    attempts INTEGER NOT NULL, failed_at REAL NOT NULL
) STRICT;
CREATE INDEX failure_call ON failure (call_key);
PRAGMA application_id = 1447839064; PRAGMA user_version = 1;
"""


def version_1(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.executescript(VERSION_1)
        for draw in range(3):
            call = a_call(draw)
            row = (
                call.key,
                "elicit",
                "r1",
                "p01",
                draw,
                "e",
                "m",
                "http://e/v1",
                "",
                "/completions",
                call.body,
            )
            db.execute("INSERT INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        told = text_answer(a_call(0), "x", prompt_tokens=7, completion_tokens=3).payload
        db.execute("INSERT INTO reply VALUES (?, ?, .1, 1, 9.0)", (a_call(0).key, told))
        db.execute(
            "INSERT INTO reply VALUES (?, ?, .1, 1, 9.0)",
            (a_call(1).key, text_answer(a_call(1), "y").payload),
        )
        for _ in range(2):
            db.execute("INSERT INTO failure VALUES (NULL, ?, 'slow', 6, 8.0)", (a_call(2).key,))
    db.close()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_ledger_of_version_1_is_brought_up_to_date(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "ledger.db"
    version_1(path)
    with Ledger(path, read_only=read_only) as ledger:
        assert ledger.answered() == {a_call(0).key, a_call(1).key}
        assert ledger.failures() == {a_call(2).key: "slow"}
        assert ledger.failure_reasons() == {a_call(2).key: FailureReason.UNKNOWN}
        # Two replies, one of them without usage: 7 and 3 tokens are of the other.
        assert ledger.tallies() == {("e/m", "elicit"): Tally(2, 1, 7, 3)}
    fresh = Ledger(tmp_path / "fresh.db")
    with fresh, Ledger(path) as ledger:
        for table in ("call", "reply", "failure", "claim"):
            columns = [db._db.execute(f"PRAGMA table_info({table})").fetchall() for db in (fresh, ledger)]
            assert [c[1:4] for c in columns[0]] == [c[1:4] for c in columns[1]]


def test_a_crash_while_migrating_leaves_the_old_ledger(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "ledger.db"
    version_1(path)
    before = path.read_bytes()
    monkeypatch.setattr("valuelex.io.ledger.STEPS", {1: STEPS[1] + "; SELECT nonsense FROM nowhere"})
    with pytest.raises(LedgerError, match="nowhere"):
        Ledger(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    with Ledger(path) as ledger:
        assert len(ledger.answered()) == 2


@pytest.mark.parametrize("tokens", [None, "7", 7.5, True, 10**20, [7], {"a": 1}])
def test_usage_that_is_no_count_counts_as_untold(tmp_path: Path, tokens: object) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record(answers=[text_answer(a_call(), "x", prompt_tokens=tokens, completion_tokens=3)])
        assert ledger.tallies() == {("e/m", "elicit"): Tally(1, 1, 0, 0)}


def test_pace_is_of_the_last_answers_and_survives_a_clock_that_jumps(tmp_path: Path) -> None:
    def at(draw: int, received_at: float) -> Answer:
        return replace(text_answer(a_call(draw), "x"), received_at=received_at)

    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.pace() is None
        ledger.record(answers=[at(0, 100.0), at(1, 101.0), at(2, 104.0)])
        # Two answers after the first in four seconds.
        assert ledger.pace() == pytest.approx(0.5)
        ledger.record(answers=[at(3, 104.0), at(4, 104.0)])
        assert ledger.pace(n_last=2) is None
        ledger.record(answers=[at(5, -1e9)])
        assert ledger.pace() > 0


def test_two_writers_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as one, Ledger(path) as two:
        one.record(answers=[text_answer(a_call(0), "x")])
        two.record(answers=[text_answer(a_call(0), "late"), text_answer(a_call(1), "y")])
        assert one.answered() == two.answered() == {a_call(0).key, a_call(1).key}
        assert one.replies([a_call(0).key])[a_call(0).key].text == "x"


def test_answers_that_stand_in_the_log_alone_are_read_without_the_right_to_write(
    tmp_path: Path, monkeypatch
) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copy"
    copy.mkdir()
    with Ledger(path) as ledger:
        ledger.record(answers=[text_answer(a_call(), "x")])
        # As a killed run leaves it: the answer is in the log and not yet in the file.
        copied(path, copy)
    assert (copy / "ledger.db-wal").stat().st_size
    before = {file.name: file.read_bytes() for file in copy.iterdir()}
    monkeypatch.setattr("os.access", lambda at, mode: mode != os.W_OK or copy not in (at, Path(at).parent))
    with Ledger(copy / "ledger.db", read_only=True) as ledger:
        assert ledger.answered() == {a_call().key}
    assert {file.name: file.read_bytes() for file in copy.iterdir()} == before


def test_a_model_that_answers_under_another_name_is_told(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        for draw, told in enumerate(["m", "m-2024-05-13", "m", "other", 7]):
            payload = json.dumps({"model": told, "choices": [{"text": "x"}]})
            ledger.record(answers=[Answer(a_call(draw), payload, 0.1, 1)])
        ledger.record(answers=[text_answer(a_call(9), "x")])
        assert ledger.other_names() == {"e/m": ("m-2024-05-13", "other")}
