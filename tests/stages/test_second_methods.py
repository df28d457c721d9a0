import json
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from examples import ENDPOINT, MODEL, reply, respondent, study, system
from valuelex.domain.call import Missing, Reply, Token
from valuelex.domain.measure import REASONS
from valuelex.domain.study import SecondPlan
from valuelex.stages.second_methods import (
    MAX_TOKENS,
    n_choices,
    n_direct,
    plan_choices,
    plan_direct,
    read_choices,
    read_direct,
)

THREE = system({"heart": ("care", "zeal"), "hand": ("skill",)})
CARE, SKILL = "I value Care: Words around care.", "I value Skill: Words around skill."
RAW = respondent("raw", api="completion", subject="a nurse")
TELLING = replace(MODEL, endpoint=replace(ENDPOINT, logprobs=True))


def asked(*who, choose=1, rate=1):
    return replace(study(who or [respondent("a")]), second=SecondPlan(choose, rate))


def chosen(text, missing=None):
    """What one answer to "A: care, B: skill" is read as: 1, 0, or the reason."""
    return answers(read_choices, plan_choices, "first_wins", "tiny/care/skill", reply("", text, missing))


def rated(text, missing=None, tokens=()):
    return answers(read_direct, plan_direct, "values", "tiny/care", Reply("", text, missing, None, tokens))


def answers(read, plan, field, item_id, given):
    call = next(c for c in plan(asked(), THREE) if c.item_id == item_id)
    found = read([call], {call.key: replace(given, call_key=call.key)}, THREE)
    value, code = getattr(found, field).flat[0], found.missing.flat[0]
    return REASONS[code] if code >= 0 else value


def test_every_pair_is_shown_in_both_orders_in_every_draw():
    calls = plan_choices(asked(respondent("a"), RAW, choose=2), THREE)
    assert len(calls) == 2 * 6 * 2 == n_choices(asked(respondent("a"), RAW, choose=2), 3)
    assert Counter(c.item_id for c in calls) == dict.fromkeys(
        (
            f"tiny/{pair}"
            for pair in ("care/zeal", "zeal/care", "care/skill", "skill/care", "zeal/skill", "skill/zeal")
        ),
        4,
    )
    assert {c.stage for c in calls} == {"choose"}
    assert len({c.key for c in calls}) == len(calls)


def test_a_method_with_no_draws_is_not_asked():
    assert plan_choices(asked(choose=0), THREE) == ()
    assert plan_direct(asked(rate=0), THREE) == ()
    assert (n_choices(asked(choose=0), 3), n_direct(asked(rate=0), 3)) == (0, 0)


def test_chat_shows_the_two_statements_in_their_order():
    call = plan_choices(asked(), THREE)[3]
    assert call.item_id == "tiny/skill/care"
    body = json.loads(call.body)
    assert body["messages"] == [
        {
            "role": "user",
            "content": f"Which of the two is more important to you?\nA: {SKILL}\nB: {CARE}\nAnswer with A or B only.",
        }
    ]
    assert body["max_tokens"] == MAX_TOKENS


def test_raw_completion_shows_one_example_of_each_letter_the_same_in_both_orders():
    prompts = [json.loads(c.body)["prompt"].splitlines() for c in plan_choices(asked(RAW, choose=2), THREE)]
    assert prompts[2] == [
        "Two sentences each, A and B, and which of them is more important to the one who is asked:",
        "a bus driver. A: I like the window open. B: I like the radio low. Answer: B",
        "a gardener. A: I like roses by the gate. B: I like a bench in the shade. Answer: A",
        f"a nurse. A: {CARE} B: {SKILL} Answer:",
    ]
    assert prompts[3][:3] == prompts[2][:3]
    last = [lines[2][-1] for lines in prompts]
    assert Counter(last) == {"A": 6, "B": 6}
    assert all({lines[1][-1], lines[2][-1]} == {"A", "B"} for lines in prompts)


@pytest.mark.parametrize(
    "text",
    [
        "A",
        " a.",
        "(A)",
        "**A**",
        "A: " + CARE,
        "A. I value Ca",
        "My answer: A",
        "Option A",
        "A is more important",
        "I would pick A.",
        "Statement A is more important to me.",
        "Answer: A\n",
        CARE,
        "A (" + CARE,
    ],
)
def test_the_first_statement_is_chosen(text):
    assert chosen(text) == 1


@pytest.mark.parametrize(
    "text", ["B", "b", "B) " + SKILL, "My answer is B.", SKILL, "Sure! B", "<think>A?</think>B"]
)
def test_the_second_statement_is_chosen(text):
    assert chosen(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "C",
        "A or B",
        "Both A and B",
        "A and B",
        "A: B: You",
        "A good question",
        "A is more important than B.",
        "Not A",
        "B, not A",
        f"A: {SKILL}",
        f"{CARE} {SKILL}",
        "A: I value Skill: Words",
        f"I do not think that {CARE}",
        "It depends.",
        "42",
    ],
)
def test_anything_else_is_no_choice(text):
    assert chosen(text) is Missing.UNPARSEABLE


def test_reasons_for_a_missing_choice():
    assert chosen("As an AI language model, I do not have personal values.") is Missing.REFUSED
    assert chosen("", Missing.FILTERED) is Missing.FILTERED
    assert chosen("<think>A or B", None) is Missing.EMPTY
    calls = plan_choices(asked(), THREE)
    found = read_choices(calls, {calls[0].key: reply(calls[0].key, "B")}, THREE)
    assert found.first_wins[0] == 0
    assert {REASONS[code] for code in found.missing[1:]} == {Missing.CALL_FAILED}


def test_choices_name_places_respondents_and_draws():
    calls = plan_choices(asked(respondent("a"), RAW, choose=2), THREE)
    found = read_choices(calls, {c.key: reply(c.key, "A") for c in calls}, THREE)
    assert found.subdimensions == ("care", "zeal", "skill")
    assert found.respondent_ids[:3] == ("a", "raw", "a")
    # Orders: care/zeal, zeal/care, care/skill, skill/care, zeal/skill, skill/zeal.
    assert found.first[:12:2].tolist() == [0, 1, 0, 2, 1, 2]
    assert found.second[:12:2].tolist() == [1, 0, 2, 0, 2, 1]
    assert found.draw.tolist() == [0] * 12 + [1] * 12
    assert (found.first_wins == 1).all()


def test_direct_ratings_are_asked_once_a_statement_and_draw():
    what = asked(respondent("a"), RAW, rate=2)
    calls = plan_direct(what, THREE)
    assert len(calls) == 3 * 2 * 2 == n_direct(what, 3)
    assert [c.item_id for c in calls[::2]] == ["tiny/care", "tiny/zeal", "tiny/skill"] * 2
    assert {c.stage for c in calls} == {"rate"}
    assert json.loads(calls[0].body)["messages"][0]["content"] == (
        f"How much is this like you?\n{CARE}\n"
        "Answer with one whole number from 0 to 6 only: 0 = not at all, 3 = neither, 6 = fully."
    )
    assert json.loads(calls[1].body)["prompt"].splitlines()[1:] == [
        "a baker. I rise before the sun. Number: 3",
        "a bus driver. I sing in the bath. Number: 0",
        "a gardener. I wear a hat in summer. Number: 6",
        f"a nurse. {CARE} Number:",
    ]


def test_probabilities_are_asked_for_only_where_the_endpoint_tells_them():
    who = [
        respondent("plain"),
        respondent("chat", model=TELLING),
        respondent("raw", model=TELLING, api="completion"),
    ]
    plain, chat, raw = (json.loads(c.body) for c in plan_direct(asked(*who), THREE)[:3])
    assert "logprobs" not in plain
    assert (chat["logprobs"], chat["top_logprobs"]) == (True, 10)
    assert raw["logprobs"] == 10
    assert all("logprobs" not in json.loads(c.body) for c in plan_choices(asked(*who), THREE))


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("4", 4),
        (" 0.", 0),
        ("My number: 6", 6),
        ("5 out of 6", 5),
        ("5/6", 5),
        ("6/6", 6),
        ("3, yes, 3", 3),
        (CARE + " 2", 2),
    ],
)
def test_one_number_on_the_scale_is_a_rating(text, point):
    assert rated(text) == point


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("7", Missing.OFF_SCALE),
        ("-1", Missing.OFF_SCALE),
        ("12", Missing.OFF_SCALE),
        ("4.5", Missing.OFF_SCALE),
        ("fully", Missing.UNPARSEABLE),
        ("3 or 4", Missing.UNPARSEABLE),
        ("0 1 2 3", Missing.UNPARSEABLE),
        ("4/10", Missing.UNPARSEABLE),
        ("I'm sorry, but I can't answer this question.", Missing.REFUSED),
        ("", Missing.EMPTY),
    ],
)
def test_anything_else_is_a_reason_and_no_low_rating(text, reason):
    assert rated(text) is reason


def test_a_rating_is_the_mean_of_the_scale_under_the_token_probabilities():
    # 4 with probability .5, 5 with .3, "four" with .2: (4 * .5 + 5 * .3) / .8 = 4.375.
    told = Token("4", (("4", math.log(0.5)), ("5", math.log(0.3)), ("four", math.log(0.2))))
    assert rated("4", tokens=(told,)) == pytest.approx(4.375)
    # Less than half on the scale: the number that was written stands.
    assert rated("4", tokens=(Token("4", (("4", math.log(0.4)), ("!", math.log(0.6)))),)) == 4


def test_ratings_stand_by_respondent_statement_and_draw():
    calls = plan_direct(asked(respondent("a"), RAW, rate=2), THREE)
    # Calls go draw, statement, respondent: numbers 0 to 5 in draw 0, and in draw 1 nothing but one 6.
    replies = {c.key: reply(c.key, str(i)) for i, c in enumerate(calls[:6])}
    replies[calls[11].key] = reply(calls[11].key, "6")
    found = read_direct(calls, replies, THREE)
    assert found.respondent_ids == ("a", "raw")
    assert found.values[:, :, 0].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert found.values[1, 2, 1] == 6
    assert np.isnan(found.values[:, :, 1]).sum() == 5
    assert Counter(found.missing.ravel().tolist()) == {-1: 7, REASONS.index(Missing.CALL_FAILED): 5}
