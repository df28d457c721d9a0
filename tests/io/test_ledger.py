import json
import sqlite3
from pathlib import Path

import pytest

from valuelex.domain.call import Call, Missing, call_key
from valuelex.errors import LedgerError
from valuelex.io.ledger import Answer, Failure, FailureReason, Ledger


def a_call(draw: int = 0, body: str = '{"model":"m"}') -> Call:
    key = call_key(endpoint="http://e/v1", revision="", path="/completions", body=body, draw=draw)
    return Call(key, "elicit", "r1", "p01", draw, "e", "m", "http://e/v1", "", "/completions", body)


def text_answer(call: Call, text: str) -> Answer:
    return Answer(call, json.dumps({"choices": [{"text": text, "finish_reason": "stop"}]}), 0.1, 1)


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
