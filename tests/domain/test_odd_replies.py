"""Well-formed JSON in which anything stands where OpenAI's form has something else: a reply or one error, no crash."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from valuelex.domain.call import Missing
from valuelex.domain.read_reply import read_reply
from valuelex.errors import DataError
from valuelex.stages.scale_point import expected_point

LETTERS = st.characters(codec=None, categories=("L", "N", "P", "Zs", "Cs"))
TEXTS = st.one_of(
    st.text(LETTERS, max_size=6), st.sampled_from(["6", "<think>", "</think>", "a<think>b</think>c"])
)
NUMBERS = st.one_of(
    st.floats(), st.integers(), st.sampled_from([10**400, -(10**400), 1000, float("nan"), float("-inf")])
)
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def odd(right):
    """What belongs here, or anything; mostly what belongs, so that what lies within is reached."""
    return st.one_of(right, right, right, ANY)


def thing(**fields):
    """Any object with some of these fields, and the fields themselves now and then of another type."""
    return odd(st.fixed_dictionaries({}, optional={name: odd(value) for name, value in fields.items()}))


PART = thing(type=st.sampled_from(["text", "thinking", "image"]), text=TEXTS, thinking=TEXTS)
CONTENT = st.one_of(TEXTS, st.none(), st.lists(PART, max_size=3))
MESSAGE = thing(content=CONTENT, refusal=TEXTS, reasoning=TEXTS, reasoning_content=TEXTS, role=TEXTS)
TOKEN = thing(
    token=TEXTS, logprob=NUMBERS, top_logprobs=st.lists(thing(token=TEXTS, logprob=NUMBERS), max_size=2)
)
OF_CHAT = thing(content=st.lists(TOKEN, max_size=3))
OF_TEXT = thing(
    tokens=st.lists(odd(TEXTS), max_size=3),
    token_logprobs=st.lists(odd(NUMBERS), max_size=3),
    top_logprobs=st.lists(odd(st.dictionaries(TEXTS, odd(NUMBERS), max_size=2)), max_size=3),
)
CHOICE = thing(
    message=MESSAGE,
    text=TEXTS,
    finish_reason=st.sampled_from(["stop", "length", "content_filter"]),
    logprobs=st.one_of(OF_CHAT, OF_TEXT),
)
PAYLOAD = thing(
    choices=st.lists(CHOICE, max_size=2),
    usage=thing(prompt_tokens=NUMBERS, completion_tokens=NUMBERS),
    error=thing(code=st.sampled_from(["content_filter", "busy"]), message=TEXTS),
)


def in_place_of_6(**token):
    """A chat's "6" with a token told so."""
    told = {"content": [{"token": "6", "logprob": -0.1} | token]}
    return {"choices": [{"message": {"content": "6"}, "logprobs": told}]}


def raw_6(token_logprob):
    told = {"tokens": ["6"], "token_logprobs": [token_logprob], "top_logprobs": None}
    return {"choices": [{"text": "6", "logprobs": told}]}


def read(payload, prompt=""):
    """Read what a wire could carry; None where it is refused as it should be."""
    try:
        return read_reply("k", json.loads(json.dumps(payload)), prompt)
    except DataError:
        return None


@settings(max_examples=400)
@example(payload=in_place_of_6(logprob=10**400), prompt="")
@example(payload=in_place_of_6(logprob=1000), prompt="")
@example(payload=in_place_of_6(logprob=float("nan")), prompt="")
@example(payload={"choices": float("nan")}, prompt="")
@example(payload={"choices": [{"index": float("inf")}]}, prompt="")
@example(payload=[], prompt="")
@given(payload=PAYLOAD, prompt=TEXTS)
def test_any_json_is_a_reply_or_is_refused(payload, prompt):
    reply = read(payload, prompt)
    if reply is None:
        return
    for text in (reply.text, reply.thinking):
        text.encode()  # A file can hold it.
    assert reply.missing in {None, Missing.FILTERED, Missing.REFUSED, Missing.EMPTY}
    assert reply.text.strip() or reply.missing is not None
    assert reply.finish_reason is None or isinstance(reply.finish_reason, str)
    if reply.tokens:
        assert "".join(token.text for token in reply.tokens) == reply.text
    # What judges make of probabilities stays on the scale, from 0 to 6.
    assert all(0 <= p <= 6 for p in map(expected_point, reply.tokens) if p is not None)


@pytest.mark.parametrize(
    "logprob",
    [0.5, 1000, 10**400, -(10**400), float("nan"), float("inf"), True, "-0.1", None, [], {}],
    ids=lambda value: repr(value)[:9],
)
def test_what_is_no_logarithm_of_a_probability_is_left(logprob):
    for payload in (
        in_place_of_6(logprob=logprob),
        in_place_of_6(top_logprobs=[{"token": "6", "logprob": logprob}]),
    ):
        reply = read(payload)
        assert (reply.text, reply.tokens) == ("6", ())
    if logprob is not None:  # Raw completion tells none for the first token of a prompt that it repeats.
        assert read(raw_6(logprob)).tokens == ()


@pytest.mark.parametrize("logprob", [-0.5, 0, -1e-9, 1e-7, -9999.0, float("-inf")])
def test_a_logarithm_of_a_probability_is_kept(logprob):
    for payload in (in_place_of_6(logprob=logprob), raw_6(logprob)):
        (token,) = read(payload).tokens
        assert token.alternatives == (("6", logprob),)


def test_an_error_says_how_an_answer_begins_whatever_is_in_it():
    deep = "busy"
    for _ in range(10_000):
        deep = [deep]
    for payload, shown in (
        ({"error": float("nan")}, '{"error":NaN}'),
        ({"error": deep}, "nested too deeply"),
    ):
        with pytest.raises(DataError, match="The answer has no 'choices': ") as caught:
            read_reply("k", payload)
        assert str(caught.value).endswith(shown)
