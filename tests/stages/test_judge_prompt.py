import dataclasses
import itertools
import json
from collections import Counter

import pytest

from examples import ENDPOINT, MODEL, manual, system
from valuelex.domain.measure import Exhibit
from valuelex.domain.study import JudgePlan
from valuelex.errors import StudyError
from valuelex.stages.judge_prompt import counterbalanced_order, entry_keys, n_ratings_calls, plan_ratings

JUDGE = JudgePlan("referee", "llm", MODEL, family="acme")
SIX = system({"d1": ("care", "skill"), "d2": ("hope", "calm"), "d3": ("law", "wit")})
EXHIBITS = (Exhibit("e01", "When it rained, I", "ran."), Exhibit("e02", "When it rained, I", "sang."))


def body(call):
    return json.loads(call.body)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 10])
def test_over_2n_rows_every_place_and_every_neighbour_comes_equally_often(n):
    rows = [counterbalanced_order(n, row) for row in range(2 * n)]
    assert all(sorted(row) == list(range(n)) for row in rows)
    places = Counter((place, thing) for row in rows for place, thing in enumerate(row))
    assert set(places.values()) == {2}  # 2n rows x n places over n x n pairs.
    after = Counter(pair for row in rows for pair in itertools.pairwise(row))
    # 2n rows x (n - 1) neighbours over n (n - 1) ordered pairs: twice each.
    assert len(after) == n * (n - 1)
    assert set(after.values()) <= {2}


def test_a_call_tells_the_judge_everything_but_who_wrote():
    judge = dataclasses.replace(JUDGE, draws=2, temperature=0.5)
    calls = plan_ratings(judge, SIX, EXHIBITS, manual(), seed=3)
    assert len(calls) == 2 * 2 == len(EXHIBITS) * n_ratings_calls(judge, 6)
    assert {c.stage for c in calls} == {"judge"}
    assert {c.respondent_id for c in calls} == {"referee"}
    assert [c.item_id for c in calls[:2]] == ["e01/tiny", "e02/tiny"]
    asked = body(calls[0])
    assert asked["temperature"] == 0.5
    assert asked["max_tokens"] == 90 * 6 + 60
    (message,) = asked["messages"]
    for part in (
        "Rate the sentence.",
        "0 = a",
        "6 = g",
        "Does it bear on this?",
        "When it rained, I",
        "ran.",
    ):
        assert part in message["content"]
    assert "low: I drop care." in message["content"]
    assert "high: I keep care." in message["content"]
    assert "response_format" not in asked
    assert "logprobs" not in asked


def test_the_order_differs_between_draws_of_one_exhibit():
    judge = dataclasses.replace(JUDGE, draws=12)
    calls = plan_ratings(judge, SIX, EXHIBITS[:1], manual(), seed=3)
    firsts = Counter(body(c)["messages"][0]["content"].split("\n1. ")[1].split(":")[0].lower() for c in calls)
    # Twelve draws are 2 x 6 rows: each subdimension comes first twice.
    assert firsts == dict.fromkeys(("care", "skill", "hope", "calm", "law", "wit"), 2)


def test_one_call_for_each_subdimension_where_halo_is_to_be_kept_out():
    judge = dataclasses.replace(JUDGE, together=False)
    calls = plan_ratings(judge, SIX, EXHIBITS[:1], manual(), seed=3)
    assert [c.item_id for c in calls] == [f"e01/tiny/{s.id}" for s in SIX.subdimensions]
    assert len(calls) == n_ratings_calls(judge, 6)
    assert "Skill" not in body(calls[0])["messages"][0]["content"]


def test_an_endpoint_that_can_is_asked_for_a_schema_and_probabilities():
    able = dataclasses.replace(MODEL, endpoint=dataclasses.replace(ENDPOINT, json_schema=True, logprobs=True))
    (call, _) = plan_ratings(dataclasses.replace(JUDGE, model=able), SIX, EXHIBITS, manual(), seed=3)
    asked = body(call)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 10)
    schema = asked["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == schema["required"] == list("0123456")
    entry = schema["properties"]["6"]
    # The gate comes first and the rating last, also after the sorting of keys that a request goes through.
    assert list(entry["properties"]) == entry["required"] == ["bears", "evidence", "grounds", "rating"]
    assert entry["properties"]["rating"]["anyOf"][0]["enum"] == [0, 1, 2, 3, 4, 5, 6]
    assert entry["additionalProperties"] is False


def test_numbers_keep_their_order_when_they_are_sorted():
    assert entry_keys(3) == ("1", "2", "3")
    assert list(entry_keys(12)) == sorted(entry_keys(12))


def test_a_judge_without_a_model_is_sent_nothing():
    assert n_ratings_calls(JudgePlan("axis", "axis"), 6) == 0
    with pytest.raises(StudyError, match="'axis' is no language model"):
        plan_ratings(JudgePlan("axis", "axis"), SIX, EXHIBITS, manual(), seed=3)
