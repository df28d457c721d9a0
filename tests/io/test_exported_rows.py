"""What a log tells of an answer is taken as it is, or refused with the reason; never half."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.domain.call import Call, call_key, canonical_json
from valuelex.domain.recorded import (
    BadRow,
    Fault,
    RecordedAnswer,
    SourceFile,
    recorded_call,
    recorded_payload,
)
from valuelex.io.exported_rows import checked_answer
from valuelex.io.ledger import Answer, Ledger

TEXT = json.dumps({"choices": [{"text": "smiled."}]})


def a_call(**changes: Any) -> dict[str, Any]:
    """A call with these fields, and the key that belongs to them."""
    given = {
        "path": "/completions",
        "body": canonical_json({"model": "m", "prompt": "I"}),
        "draw": 0,
    } | changes
    sent = {name: given[name] for name in ("path", "body", "draw")}
    own = {"stage": "project", "respondent_id": "acme", "item_id": "s0", "provider": "acme", "model": "m"}
    where = {"endpoint": "https://acme.test/v1", "revision": ""}
    return {**own, **where, "key": call_key(**where, **sent), **given}


def a_reply(**changes: Any) -> dict[str, Any]:
    return {"payload": TEXT, "latency_s": 0.5, "attempts": 1, "received_at": 1.7e9} | changes


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def test_a_sound_row_is_the_answer_that_was_written() -> None:
    assert checked_answer(1, "it", a_call(), a_reply()) == Answer(Call(**a_call()), TEXT, 0.5, 1, 1.7e9)


def test_a_refused_probe_and_a_recorded_answer_are_replies_too() -> None:
    refused = json.dumps({"error": {"message": "no seed"}, "http_status": 400})
    assert isinstance(checked_answer(1, "it", a_call(stage="probe"), a_reply(payload=refused)), Answer)
    call = asdict(recorded_call("acme-1", "acme", "project", "s0", 0))
    said = recorded_payload(RecordedAnswer(1, "acme-1", "project", "s0", 0, "so"), SourceFile("a", "0" * 64))
    assert isinstance(checked_answer(1, "it", call, a_reply(payload=said)), Answer)
    bad = checked_answer(1, "it", call, a_reply(payload=TEXT))
    assert (bad.fault, bad.detail) == (
        Fault.NOT_A_REPLY,
        "it: a recorded answer without its 'valuelex_import'",
    )


@pytest.mark.parametrize(
    ("call", "reply", "fault", "words"),
    [
        (None, a_reply(), Fault.WRONG_TYPE, "its call is no object"),
        (a_call(), "smiled.", Fault.WRONG_TYPE, "its reply is no object"),
        (without(a_call(), "item_id"), a_reply(), Fault.MISSING_FIELD, "its call has no 'item_id'"),
        (a_call(), without(a_reply(), "attempts"), Fault.MISSING_FIELD, "its reply has no 'attempts'"),
        (a_call(), a_reply(note=1), Fault.WRONG_TYPE, "its reply has 'note', which ValueLex does not write"),
        (a_call(respondent_id={}), a_reply(), Fault.WRONG_TYPE, "'respondent_id' of its call is no text"),
        (a_call(item_id="\ud83d"), a_reply(), Fault.WRONG_TYPE, "'item_id' of its call is no text"),
        (a_call(draw="0"), a_reply(), Fault.WRONG_TYPE, "'draw' of its call is no number from 0"),
        (a_call(draw=-1), a_reply(), Fault.WRONG_TYPE, "'draw' of its call is no number from 0"),
        (a_call(draw=2**70), a_reply(), Fault.WRONG_TYPE, "'draw' of its call is no number from 0"),
        (a_call(stage="think"), a_reply(), Fault.UNKNOWN_STAGE, "'think' is no stage of a call"),
        (a_call(path="/models"), a_reply(), Fault.WRONG_TYPE, "'/models' is no path of a request"),
        (a_call() | {"key": "call1-0"}, a_reply(), Fault.WRONG_KEY, "Call key 'call1-0' does not belong"),
        (a_call(body="{"), a_reply(), Fault.NOT_JSON, "its request is no JSON ("),
        (
            a_call(body='{"prompt":"I","seed":NaN}'),
            a_reply(),
            Fault.NOT_JSON,
            "its request is no JSON (NaN is",
        ),
        (a_call(body="[]"), a_reply(), Fault.NOT_AN_OBJECT, "its request is no JSON object"),
        (a_call(body='{"prompt":["I"]}'), a_reply(), Fault.WRONG_TYPE, "its request has no prompt"),
        (a_call(), a_reply(payload=None), Fault.WRONG_TYPE, "'payload' of its reply is no text"),
        (a_call(), a_reply(payload='"\ud83d"'), Fault.WRONG_TYPE, "'payload' of its reply is no text"),
        (a_call(), a_reply(payload="{ not json"), Fault.NOT_JSON, "its reply is no JSON ("),
        (a_call(), a_reply(payload="[" * 100_000), Fault.NOT_JSON, "its reply is no JSON ("),
        (a_call(), a_reply(payload="[]"), Fault.NOT_AN_OBJECT, "its reply is no JSON object"),
        (a_call(), a_reply(payload='{"choices":[]}'), Fault.NOT_A_REPLY, "The answer has no 'choices'"),
        (
            a_call(),
            a_reply(latency_s=float("nan")),
            Fault.WRONG_TYPE,
            "'latency_s' of its reply is no number",
        ),
        (a_call(), a_reply(received_at=None), Fault.WRONG_TYPE, "'received_at' of its reply is no number"),
        (a_call(), a_reply(received_at=1e300), Fault.WRONG_TYPE, "'received_at' of its reply is no number"),
        (a_call(), a_reply(attempts=True), Fault.WRONG_TYPE, "'attempts' of its reply is no number from 0"),
    ],
    ids=range(27),
)
def test_a_row_that_no_ledger_may_hold_is_named(call: Any, reply: Any, fault: Fault, words: str) -> None:
    bad = checked_answer(7, "sample 's0'", call, reply)
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.fault) == (7, fault)
    assert bad.detail.startswith(f"sample 's0': {words}")


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None)),
    st.just([]),
    st.just({}),
)
NAMES = [*a_call(), *a_reply()]


@given(changes=st.dictionaries(st.sampled_from(NAMES), ODD, max_size=3))
def test_what_is_taken_can_be_written_and_read(changes: dict[str, Any]) -> None:
    call = a_call() | {name: value for name, value in changes.items() if name in a_call()}
    row = checked_answer(1, "it", call, a_reply() | {n: v for n, v in changes.items() if n in a_reply()})
    if isinstance(row, Answer):
        with Ledger(":memory:") as ledger:  # type: ignore[arg-type]
            ledger.record(answers=[row])
            assert list(ledger.answers()) == [row]
            assert ledger.replies([row.call.key])[row.call.key].text == "smiled."
