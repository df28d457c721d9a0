"""What stands before an answer and is none of it: thinking, and the prompt that some endpoints repeat."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.domain.call import Missing, Token
from valuelex.domain.read_reply import read_reply, without_echo

PROMPT = "Everyday sentences:\nIt rained, so I stayed in.\n\nFinished by a nurse:\nWhen the bell rang, I"


def chat(finish="stop", logprobs=None, **message):
    return {"choices": [{"message": message, "finish_reason": finish, "logprobs": logprobs}]}


def raw(text, logprobs=None):
    return {"choices": [{"text": text, "finish_reason": "stop", "logprobs": logprobs}]}


@pytest.mark.parametrize(
    ("message", "thinking", "answer"),
    [
        ({"content": "care", "reasoning_content": "They ask for words."}, "They ask for words.", "care"),
        ({"content": "care", "reasoning": "They ask for words."}, "They ask for words.", "care"),
        ({"content": "care", "reasoning": None, "reasoning_content": ""}, "", "care"),
        ({"content": "<think>\nHm.\n</think>\n\ncare "}, "Hm.", "care "),
        ({"content": "\n<Thinking>Hm.</Thinking>care"}, "Hm.", "care"),
        ({"content": "Their template opens it.</think>\ncare"}, "Their template opens it.", "care"),
        (
            {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "care"}]},
            "Hm.",
            "care",
        ),
        ({"content": [{"type": "text", "text": "ca"}, {"type": "text", "text": "re"}, "?"]}, "", "care"),
        ({"content": "They ask for words\n</think>\n\ncare"}, "They ask for words", "care"),
        (
            {"content": "Sure! <think>Maybe greed, deceit.</think> care"},
            "Maybe greed, deceit.",
            "Sure!  care",
        ),
        ({"content": "<think>One.</think>\n<reasoning>Two.</reasoning>\ncare"}, "One.\nTwo.", "care"),
        ({"content": "One.</think>ca<Think>Two.</Think>re"}, "One.\nTwo.", "care"),
        (
            {"content": "a <think>1 <reasoning>2</reasoning> 3</think> b"},
            "1 <reasoning>2</reasoning> 3",
            "a  b",
        ),
        ({"content": "a <think>1</thinking> b"}, "", "a <think>1</thinking> b"),
        # An answer that speaks of a mark is no thinking.
        (
            {"content": "I value honesty. Use tags like </think> to close"},
            "",
            "I value honesty. Use tags like </think> to close",
        ),
        ({"content": "I value care, and <think> opens"}, "", "I value care, and <think> opens"),
    ],
)
def test_thinking_is_kept_apart_from_the_answer(message, thinking, answer):
    read = read_reply("k", chat(**message))
    assert (read.thinking, read.text, read.missing) == (thinking, answer, None)


@pytest.mark.parametrize(
    "message",
    [
        {"content": "<think>It never ends: greed, power"},
        {"content": None, "reasoning_content": "It never ends: greed, power"},
        {"content": "", "reasoning": "It never ends: greed, power"},
    ],
)
def test_thinking_that_the_token_limit_ended_is_no_answer(message):
    read = read_reply("k", chat("length", **message))
    assert (read.text, read.missing, read.finish_reason) == ("", Missing.EMPTY, "length")
    assert read.thinking == "It never ends: greed, power"


def told(*tokens):
    return {"content": [{"token": t, "logprob": -0.5, "top_logprobs": []} for t in tokens]}


def test_token_probabilities_fit_the_answer_behind_the_thinking():
    read = read_reply(
        "k", chat(content="<think>6</think>\n\n 4.", logprobs=told("<think>", "6", "</think>\n\n ", "4", "."))
    )
    assert [t.text for t in read.tokens] == ["4", "."]
    # A token that reaches into the answer is cut to what is in it; its alternatives stay.
    read = read_reply("k", chat(content="<think>6</think>4", logprobs=told("<think>6", "</think>4")))
    assert read.tokens == (Token("4", (("</think>4", -0.5),)),)
    # vLLM tells the thinking apart, and the probabilities of all tokens together.
    apart = chat(content="4", reasoning_content="Hm 6", logprobs=told("Hm", " 6", "4"))
    assert [t.text for t in read_reply("k", apart).tokens] == ["4"]
    # Thinking in the midst: 'B' of the third token is thinking, ' 5' of the fourth is the answer's.
    midst = chat(content="4<think>B</think> 5", logprobs=told("4", "<think>", "B", "</think> 5"))
    assert [t.text for t in read_reply("k", midst).tokens] == ["4", " 5"]
    other = chat(content="4", logprobs=told("5"))
    assert read_reply("k", other).tokens == ()


@pytest.mark.parametrize(
    "echo",
    [
        PROMPT,
        "<s>" + PROMPT,
        "<|begin_of_text|> " + PROMPT,
        " ".join(PROMPT.split()),
        "<s> " + PROMPT.replace("\n", " "),
        PROMPT.replace("\n\n", "\n"),
        PROMPT.replace(" ", ""),
    ],
)
def test_a_prompt_that_is_repeated_is_no_part_of_the_answer(echo):
    assert read_reply("k", raw(echo + " ran."), PROMPT).text == " ran."
    assert read_reply("k", raw(echo), PROMPT).missing is Missing.EMPTY


def test_a_mark_in_the_prompt_may_be_dropped_from_the_echo():
    assert without_echo(PROMPT + " ran.", "<s>" + PROMPT) == " ran."


@pytest.mark.parametrize("text", [" ran.", PROMPT[:-1], PROMPT[10:] + " ran.", "So: " + PROMPT, ""])
def test_anything_else_is_left_as_it_is(text):
    assert without_echo(text, PROMPT) == text
    assert without_echo(text, "") == text


def test_probabilities_of_a_repeated_prompt_are_dropped_with_it():
    logprobs = {
        "tokens": ["Num", "ber:", " 4", "."],
        "token_logprobs": [None, -3.0, -0.5, -0.1],
        "top_logprobs": [None, {"ber:": -3.0}, {" 4": -0.5, " 5": -1.5}, {".": -0.1}],
    }
    read = read_reply("k", raw("Number: 4.", logprobs), "Number:")
    assert read.tokens == (Token(" 4", ((" 4", -0.5), (" 5", -1.5))), Token(".", ((".", -0.1),)))
    without_alternatives = logprobs | {"top_logprobs": None}
    read = read_reply("k", raw("Number: 4.", without_alternatives), "Number:")
    assert read.tokens[0] == Token(" 4", ((" 4", -0.5),))


words = st.lists(
    st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=6), min_size=1, max_size=12
)


@given(
    words, st.lists(st.sampled_from([" ", "\n", "  ", "\t"]), min_size=12, max_size=12), st.text(max_size=20)
)
def test_an_echo_is_found_whatever_became_of_its_spaces(prompt, spaces, answer):
    echo = "".join(word + space for word, space in zip(prompt, spaces, strict=False)).rstrip()
    assert without_echo(echo + answer, " ".join(prompt)) in (answer, answer.lstrip())


marks = st.lists(
    st.sampled_from(["<think>", "</think>", "<reasoning>", "</reasoning>", "care", " ", ".", "\n"]),
    max_size=14,
)


@given(marks)
def test_no_pair_of_marks_is_left_and_the_tokens_make_the_answer(parts):
    """Whatever the marks, the tokens that are kept make the answer, and no complete pair is left in it."""
    text = "x" + "".join(parts)
    read = read_reply("k", chat(content=text, logprobs=told("x", *parts)))
    assert "".join(t.text for t in read.tokens) == read.text
    assert not re.search(r"<(think|reasoning)>.*</\1>", read.text, re.DOTALL)
