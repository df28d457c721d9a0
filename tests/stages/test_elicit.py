import json
from collections import Counter

import pytest

from examples import prompt_set, reply, respondent, study
from valuelex.domain.call import Missing
from valuelex.errors import StudyError
from valuelex.stages.elicit import plan_elicitation, read_responses, truncated_responses

RAW = respondent("raw", api="completion")


def bodies(asked):
    return [json.loads(call.body) for call in plan_elicitation(asked)]


def test_one_call_for_every_draw_prompt_and_respondent_in_that_order():
    calls = plan_elicitation(study([respondent("a"), RAW], draws=2))
    assert [(c.draw, c.item_id, c.respondent_id) for c in calls] == [
        (0, "p0", "a"),
        (0, "p0", "raw"),
        (0, "p1", "a"),
        (0, "p1", "raw"),
        (1, "p0", "a"),
        (1, "p0", "raw"),
        (1, "p1", "a"),
        (1, "p1", "raw"),
    ]
    assert {c.stage for c in calls} == {"elicit"}
    assert len({c.key for c in calls}) == len(calls)


def test_a_study_that_elicits_nothing_plans_no_call():
    asked = study(elicits=False)
    assert plan_elicitation(asked) == ()
    assert read_responses((), {}, asked) == ()


def test_keys_do_not_move_from_run_to_run():
    # A changed key would send every call of an old ledger again.
    (first, *_) = plan_elicitation(study())
    assert first.key == "call1-cca9eea401708add3ff1a24ff318b50110a1f78c8af5960c8af4c5cdacb80510"


def test_chat_reads_the_prompt_alone():
    who = [
        respondent("plain"),
        respondent("started", prefill=True),
        respondent("nurse", subject="an experienced nurse"),
    ]
    plain, started, nurse = (b["messages"] for b in bodies(study(who, prompts=prompt_set(1))))
    user = {"role": "user", "content": "Which words matter to you (0)?"}
    assert plain == [user]
    assert started == [user, {"role": "assistant", "content": "Words (0):"}]
    assert nurse == [{"role": "system", "content": "You are an experienced nurse."}, user]


def test_raw_completion_reads_three_examples_in_the_prompts_own_form():
    who = [RAW, respondent("nurse", api="completion", subject="an experienced nurse")]
    own, nurse = (b["prompt"] for b in bodies(study(who, prompts=prompt_set(1))))
    assert own == (
        "Words (0) of a baker 0: flour0, yeast0\n"
        "Words (0) of a baker 1: flour1, yeast1\n"
        "Words (0) of a baker 2: flour2, yeast2\n"
        "Words (0) of an AI language model:"
    )
    # The same examples for every respondent: they can make no difference between two.
    assert nurse == own.replace("an AI language model", "an experienced nurse")


def shown(prompts: list[str]) -> Counter:
    return Counter(line.split(" of ")[1].split(":")[0] for p in prompts for line in p.splitlines()[:-1])


@pytest.mark.parametrize("n_examples", [3, 5, 6, 8, 9])
@pytest.mark.parametrize("n_prompts", [4, 15])
def test_every_example_is_shown_equally_often(n_examples, n_prompts):
    # At each draw the prompts show the next three of a ring, so no example is ahead by more than one; over two
    # draws by no more than two, and over four respondents, which all see the same, by no more than eight.
    who = [respondent(f"r{i}", api="completion") for i in range(4)]
    asked = study(who, prompts=prompt_set(n_prompts, n_examples), draws=2)
    calls = plan_elicitation(asked)
    for one in who:
        own = shown([json.loads(c.body)["prompt"] for c in calls if c.respondent_id == one.id])
        assert len(own) == n_examples
        assert max(own.values()) - min(own.values()) <= 2
    together = shown([json.loads(c.body)["prompt"] for c in calls])
    assert sum(together.values()) == 4 * 2 * n_prompts * 3
    assert max(together.values()) - min(together.values()) <= 8


def test_raw_completion_without_examples_is_refused():
    with pytest.raises(StudyError) as caught:
        plan_elicitation(study([RAW], prompts=prompt_set(n_examples=0)))
    assert str(caught.value) == (
        "The prompt set has no examples, which raw completion needs; add [[examples]]."
    )


def read_one(text, missing=None):
    asked = study(prompts=prompt_set(1))
    calls = plan_elicitation(asked)
    (found,) = read_responses(calls, {calls[0].key: reply(calls[0].key, text, missing)}, asked)
    return found


def test_a_response_keeps_where_it_comes_from():
    found = read_one(" honesty, care\n")
    (call,) = plan_elicitation(study(prompts=prompt_set(1)))
    assert (found.id, found.respondent_id, found.prompt_id, found.draw) == (
        "acme t1:p0:0",
        "acme t1",
        "p0",
        0,
    )
    assert (found.text, found.missing, found.call_key) == ("honesty, care", None, call.key)


def test_a_prefill_that_comes_back_is_taken_off():
    assert read_one("Words (0): honesty, care").text == "honesty, care"
    assert read_one("Other words (0): honesty").text == "Other words (0): honesty"


@pytest.mark.parametrize(
    ("text", "flag", "missing"),
    [
        ("", None, Missing.EMPTY),
        ("  \n ", None, Missing.EMPTY),
        ("Words (0):", None, Missing.EMPTY),
        ("I'm sorry, but I can't assist with that.", None, Missing.REFUSED),
        ("Words (0): I cannot provide personal opinions.", None, Missing.REFUSED),
        ("As an AI language model, I don't have personal values.", None, Missing.REFUSED),
        ("hon", Missing.FILTERED, Missing.FILTERED),
        ("", Missing.EMPTY, Missing.EMPTY),
    ],
)
def test_a_response_that_is_none_has_a_reason(text, flag, missing):
    assert read_one(text, flag).missing is missing


def test_a_call_without_a_reply_has_failed():
    asked = study()
    assert [r.missing for r in read_responses(plan_elicitation(asked), {}, asked)] == [
        Missing.CALL_FAILED
    ] * 2


def test_a_reply_that_was_cut_is_named():
    asked = study(draws=2)
    calls = plan_elicitation(asked)
    replies = {
        calls[0].key: reply(calls[0].key, "honesty, car", finish_reason="length"),
        calls[1].key: reply(calls[1].key, "honesty, care"),
    }
    responses = read_responses(calls, replies, asked)
    assert truncated_responses(responses, replies) == {"acme t1:p0:0"}
