import json

import pytest

from valuelex.domain.call import Missing, canonical_json
from valuelex.domain.read_reply import read_reply
from valuelex.domain.recorded import (
    RecordedAnswer,
    SourceFile,
    read_recorded,
    recorded_call,
    recorded_model,
    recorded_payload,
)

SOURCE = SourceFile("answers.jsonl", "ab" * 32)


def answer(text: str = "honesty, care", **changes: object) -> RecordedAnswer:
    plain = {"line": 3, "respondent": "acme-1", "stage": "elicit", "item": "p0", "draw": 1, "text": text}
    return RecordedAnswer(**{**plain, **changes})  # type: ignore[arg-type]


def test_the_key_of_a_recorded_answer_is_a_promise() -> None:
    call = recorded_call("org/acme-1", "acme", "project", "s001~1", 2)
    assert call.body == '{"item":"s001~1","model":"org/acme-1","stage":"project"}'
    assert call.key == "call1-eabc62637ba32babc9fbcc035a0986d8e7d6c2c54b74ebabc7367c4cc1e28e8a"
    assert (call.provider, call.endpoint, call.path) == ("recorded", "recorded", "/recorded")


def test_the_key_depends_on_what_identifies_the_answer_and_not_on_who_the_study_says_it_is() -> None:
    keys = {
        recorded_call(name, "who", stage, item, draw).key
        for name in ("a", "b")
        for stage in ("elicit", "observe")
        for item in ("p0", "p1")
        for draw in (0, 1)
    }
    assert len(keys) == 16
    assert recorded_call("a", "x", "elicit", "p0", 0).key == recorded_call("a", "y", "elicit", "p0", 0).key


def test_a_call_for_a_recorded_answer_tells_that_it_is_never_sent() -> None:
    call = recorded_call("a", "a", "elicit", "p0", 0)
    assert call.is_recorded
    assert call.unanswered is Missing.NOT_RECORDED
    assert recorded_model("a").is_recorded
    assert recorded_model("org/a").label == "recorded/org/a"


@pytest.mark.parametrize(
    ("text", "finish", "missing"),
    [
        ("honesty", "stop", None),
        ("honesty", None, None),
        ("  \n", None, Missing.EMPTY),
        ("so", "content_filter", Missing.FILTERED),
    ],
)
def test_a_recorded_answer_is_read_like_any_reply(
    text: str, finish: str | None, missing: Missing | None
) -> None:
    payload = json.loads(recorded_payload(answer(text, finish_reason=finish), SOURCE))
    reply = read_reply("call1-x", payload)
    assert (reply.text, reply.missing, reply.finish_reason) == (text, missing, finish)


def test_the_reply_tells_file_line_item_and_prompt_as_they_stood_there() -> None:
    payload = json.loads(recorded_payload(answer(item="7", prompt="What matters?"), SOURCE))
    assert payload["valuelex_import"] == {
        "file": "answers.jsonl",
        "sha256": "ab" * 32,
        "line": 3,
        "item": "7",
        "prompt": "What matters?",
    }
    kept = read_recorded(payload)
    assert (kept.file, kept.line) == ("answers.jsonl", 3)
    assert kept.says(answer(item="other", draw=5))
    assert not kept.says(answer("honesty"))
    assert not kept.says(answer(finish_reason="length"))


def test_half_a_surrogate_pair_survives() -> None:
    payload = recorded_payload(answer("so \ud83d"), SOURCE)
    assert json.loads(payload.encode())["choices"][0]["message"]["content"] == "so \ud83d"
    assert canonical_json("“") == '"“"'
    assert "“" in recorded_payload(answer("“"), SOURCE)
