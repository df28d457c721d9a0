import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.domain.call import Missing, Reply
from valuelex.domain.read_reply import read_reply
from valuelex.errors import DataError


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
