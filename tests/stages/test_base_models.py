"""A base model gets the same instruments as a chat model: the same prompts, stems, pairs and statements."""

import json
from dataclasses import replace

import pytest

from examples import respondent, study, system
from valuelex.domain.study import SecondPlan
from valuelex.stages.elicit import plan_elicitation
from valuelex.stages.project import plan_completions
from valuelex.stages.second_methods import plan_choices, plan_direct

BOTH = replace(
    study([respondent("chat"), respondent("raw", api="completion")], draws=2), second=SecondPlan(2, 2)
)
THREE = system({"heart": ("care", "zeal"), "hand": ("skill",)})


@pytest.mark.parametrize(
    "plan",
    [
        plan_elicitation,
        plan_completions,
        lambda of: plan_choices(of, THREE),
        lambda of: plan_direct(of, THREE),
    ],
    ids=["elicit", "project", "choose", "rate"],
)
def test_raw_completion_asks_what_chat_asks(plan):
    calls = plan(BOTH)
    asked = {who: [(c.item_id, c.draw) for c in calls if c.respondent_id == who] for who in ("chat", "raw")}
    assert asked["raw"] == asked["chat"] != []
    for call in calls:
        body = json.loads(call.body)
        if call.respondent_id == "chat":
            assert (call.path, "stop" in body) == ("/chat/completions", False)
            continue
        # The answer ends with its line, and the prompt without a space, where tokenisers expect none.
        assert (call.path, body["stop"]) == ("/completions", ["\n"])
        assert body["prompt"] == body["prompt"].rstrip()
        assert body["prompt"].count("\n") >= 2
        assert body["max_tokens"] > 0


def test_examples_before_a_raw_prompt_rotate_with_the_draw():
    first, second = (
        [
            json.loads(c.body)["prompt"]
            for c in plan_elicitation(BOTH)
            if (c.respondent_id, c.draw) == ("raw", draw)
        ]
        for draw in (0, 1)
    )
    assert all(
        a != b and a.splitlines()[-1] == b.splitlines()[-1] for a, b in zip(first, second, strict=True)
    )
