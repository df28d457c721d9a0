import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.domain.call import Call, Missing, Reply, call_key, canonical_json, read_reply
from valuelex.errors import DataError

REQUEST = {
    "endpoint": "https://acme.test/v1",
    "revision": "",
    "path": "/chat/completions",
    "body": '{"model":"acme-1"}',
    "draw": 0,
}


def test_the_form_of_a_key_is_a_file_format_promise():
    # SHA-256 of the line: ["https://acme.test/v1","","/chat/completions","{\"model\":\"acme-1\"}",0]
    assert call_key(**REQUEST) == "call1-a96541c0ea121a9d0547a47a1f513378e38b9d60dd681bfe06e8c975392a57a5"


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "https://other.test/v1"},
        {"revision": "sha256:1"},
        {"path": "/completions"},
        {"body": '{"model":"acme-2"}'},
        {"draw": 1},
    ],
)
def test_every_part_of_a_request_is_part_of_its_key(change):
    assert call_key(**{**REQUEST, **change}) != call_key(**REQUEST)


def test_parts_cannot_run_into_each_other():
    assert call_key(**{**REQUEST, "endpoint": "ab", "revision": "c"}) != call_key(
        **{**REQUEST, "endpoint": "a", "revision": "bc"}
    )


def test_a_call_whose_key_is_not_its_own_is_refused():
    call = Call(
        key=call_key(**REQUEST),
        stage="elicit",
        respondent_id="a",
        item_id="p0",
        provider="acme",
        model="acme-1",
        **REQUEST,
    )
    with pytest.raises(DataError) as caught:
        dataclasses.replace(call, draw=1)
    wanted = call_key(**{**REQUEST, "draw": 1})
    assert str(caught.value) == (
        f"Call key {call.key!r} does not belong to its request; it should be {wanted!r}."
    )


def test_canonical_json_has_one_form():
    assert canonical_json({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def chat(content, **choice):
    return {"choices": [{"message": {"role": "assistant", "content": content}, **choice}]}


def test_a_chat_answer_is_read():
    payload = {
        **chat("honesty", finish_reason="stop"),
        "usage": {"prompt_tokens": 12, "completion_tokens": 3},
    }
    assert read_reply("k", payload) == Reply("k", "honesty", None, "stop")


def test_a_raw_completion_is_read():
    payload = {"choices": [{"text": " honesty", "finish_reason": "length", "message": None}], "usage": None}
    assert read_reply("k", payload) == Reply("k", " honesty", None, "length")


@pytest.mark.parametrize(
    ("payload", "missing"),
    [
        (chat("  \n"), Missing.EMPTY),
        (chat(None), Missing.EMPTY),
        (chat([{"type": "text"}]), Missing.EMPTY),
        (chat("", finish_reason="content_filter"), Missing.FILTERED),
        (chat("part of an", finish_reason="content_filter"), Missing.FILTERED),
        ({"choices": [{"message": {"content": None, "refusal": "I will not."}}]}, Missing.REFUSED),
        ({"choices": [{"text": ""}]}, Missing.EMPTY),
        ({"error": {"code": "content_filter", "message": "the prompt was filtered"}}, Missing.FILTERED),
    ],
)
def test_an_answer_that_is_none_has_a_reason(payload, missing):
    assert read_reply("k", payload).missing is missing


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"error": "busy"}, 'The answer has no \'choices\': {"error":"busy"}'),
        ({"choices": []}, "The answer has no 'choices': {\"choices\":[]}"),
        ({"choices": "none"}, 'The answer has no \'choices\': {"choices":"none"}'),
        (
            {"choices": [{"index": 0}]},
            'The answer has neither a message nor a text: {"index":0}',
        ),
    ],
)
def test_an_answer_of_another_form_is_refused(payload, message):
    with pytest.raises(DataError) as caught:
        read_reply("k", payload)
    assert str(caught.value) == message


@given(st.text(alphabet=st.characters(codec=None, categories=("L", "Cs", "Zs")), max_size=20))
def test_any_text_that_json_can_carry_can_be_stored(text):
    read = read_reply("k", json.loads(json.dumps(chat(text))))
    read.text.encode("utf-8")
    assert read.missing is (None if read.text.strip() else Missing.EMPTY)
