"""Endpoints that refuse or drop one thing or another, and what is found out about them in how many calls."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ENDPOINT, MODEL, respondent, study
from valuelex.domain.naming import NamingGuide
from valuelex.domain.study import JudgePlan, Model, NamerPlan, SecondPlan
from valuelex.domain.term_ratings import TermPlan, TermPromptSet
from valuelex.stages.elicit import plan_elicitation
from valuelex.stages.probe import (
    most_probes,
    plan_probes,
    read_probes,
    unsettled,
    with_capabilities,
)

UNKNOWN = replace(ENDPOINT, sends_seed=None, json_schema=None, logprobs=None, limit_key=None)
NEW = Model(UNKNOWN, "new-1")
FRUIT = '{"fruit": "pear"}'


def asked(*who, judged=False, rated=0):
    judges = (JudgePlan("ref", "llm", model=NEW, temperature=0.0),) if judged else ()
    return replace(study(who or [respondent(model=NEW)]), judges=judges, second=SecondPlan(0, rated))


def endpoint(*, refuses=(), drops=(), answer=None):
    """An endpoint that refuses requests with any of these keys, or silently leaves out what it is asked for."""

    def reply(call):
        body = json.loads(call.body)
        if any(key in body and accepted != body[key] for key, accepted in dict(refuses).items()):
            return {"error": {"message": "unsupported parameter"}, "http_status": 400}
        text = FRUIT if "response_format" in body and "response_format" not in drops else "A pear."
        told = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": []}]}
        logprobs = told if "logprobs" in body and "logprobs" not in drops else None
        return {"choices": [{"message": {"content": answer or text}, "logprobs": logprobs}]}

    return reply


def refusing(*keys, **accepted):
    return tuple(dict.fromkeys(keys).items()) + tuple(accepted.items())


def find_out(of, reply):
    payloads, n_rounds = {}, 0
    while new := [c for c in plan_probes(of, payloads) if c.key not in payloads]:
        payloads |= {call.key: reply(call) for call in new}
        n_rounds += 1
    assert n_rounds < 10
    return payloads, read_probes(of, payloads)


def test_who_is_known_is_not_probed():
    known = replace(study([respondent()]), judges=(JudgePlan("ref", "llm", model=MODEL),))
    assert plan_probes(known, {}) == ()
    assert most_probes(known, {}) == 0
    assert with_capabilities(known, ()) == known


def test_of_a_namer_it_is_found_out_whether_it_is_held_to_a_schema():
    guide = NamingGuide("plain", "made up", "Name.", "Short.", "Plain.")
    namer = NamerPlan("namer", NEW, guide, 5, 0.7, 1.0, 0, "")
    named = replace(study([respondent()]), namer=namer)
    (probe,) = plan_probes(named, {})
    assert {"seed", "response_format"} <= set(json.loads(probe.body))
    assert set(unsettled(named, {})) == {"namer"}
    _, found = find_out(named, endpoint())
    able = with_capabilities(named, found).namer
    assert able is not None
    assert (able.model.endpoint.json_schema, able.model.endpoint.sends_seed) == (True, True)
    _, found = find_out(named, endpoint(refuses=refusing("response_format")))
    unable = with_capabilities(named, found).namer
    assert unable is not None
    assert unable.model.endpoint.json_schema is False


def test_one_call_tells_all_of_a_willing_endpoint():
    payloads, (found,) = find_out(asked(judged=True), endpoint())
    assert len(payloads) == found.n_calls == 1
    assert (found.sends_seed, found.json_schema, found.logprobs) == (True, True, True)
    assert found.limit_key == "max_tokens"


@pytest.mark.parametrize("probabilities", [True, False])
def test_rated_terms_need_token_probabilities_where_they_are_wanted(probabilities):
    prompts = TermPromptSet("few", "made up", (), ())
    plan = TermPlan(("care", "zeal"), "made up", prompts, 1, 8, probabilities=probabilities)
    (call,) = plan_probes(replace(asked(), terms=plan), {})
    assert ("logprobs" in json.loads(call.body)) == probabilities


def test_only_what_the_study_needs_is_asked():
    (call,) = plan_probes(asked(), {})
    assert json.loads(call.body).keys() == {"model", "temperature", "top_p", "max_tokens", "messages", "seed"}
    assert (call.stage, call.item_id) == ("probe", "can/max_tokens+settings+seed")
    (call,) = plan_probes(asked(rated=1), {})
    assert json.loads(call.body)["logprobs"] is True
    _, (found,) = find_out(asked(), endpoint())
    assert (found.json_schema, found.logprobs) == (None, None)


def test_what_is_taken_and_not_given_is_not_there():
    payloads, (found,) = find_out(asked(judged=True), endpoint(drops=("logprobs", "response_format")))
    assert len(payloads) == 1
    assert (found.sends_seed, found.json_schema, found.logprobs) == (True, False, False)


@pytest.mark.parametrize(
    ("refused", "expected", "n_calls"),
    [
        # All at once is refused, the plain form is taken, then each of three options by itself: 1 + 1 + 3.
        (refusing("seed"), (False, True, True, "max_tokens"), 5),
        (refusing("response_format", "logprobs"), (True, False, False, "max_tokens"), 5),
        # The limit has the other name: all at once, two plain forms, all at once again; then each by itself.
        (refusing("max_tokens"), (True, True, True, "max_completion_tokens"), 1 + 2 + 1),
        (refusing("max_tokens", "logprobs"), (True, True, False, "max_completion_tokens"), 1 + 2 + 1 + 3),
        # Two plain forms with temperature and top_p, one or two without.
        (refusing("top_p"), (True, True, True, "max_tokens"), 1 + 3 + 1),
        (
            refusing("max_tokens", "temperature", "seed"),
            (False, True, True, "max_completion_tokens"),
            1 + 4 + 1 + 3,
        ),
    ],
)
def test_a_refusal_is_traced_to_what_is_refused(refused, expected, n_calls):
    payloads, (found,) = find_out(asked(judged=True), endpoint(refuses=refused))
    told = (found.sends_seed, found.json_schema, found.logprobs, found.limit_key)
    assert (told, len(payloads)) == (expected, n_calls)
    assert n_calls <= most_probes(asked(judged=True), {}) == 1 + 2 * 2 + 1 + 3
    assert most_probes(asked(judged=True), payloads) == n_calls


def test_a_single_option_is_known_once_the_plain_form_is_taken():
    payloads, (found,) = find_out(asked(), endpoint(refuses=refusing("seed")))
    assert (found.sends_seed, len(payloads)) == (False, 2)


def test_who_refuses_everything_is_left_to_the_studys_own_calls():
    payloads, (found,) = find_out(asked(), endpoint(refuses=refusing("model")))
    assert (found.sends_seed, found.limit_key) == (False, "max_tokens")
    assert len(payloads) == 1 + 4


def test_a_respondents_settings_are_not_sent_by_probes():
    """Temperature 0.7, which only 1 is taken for, is the respondent's own trouble: others may have 1."""
    warm = asked(respondent("new t0.7", model=NEW, temperature=0.7, reasoning_effort="low"))
    payloads, _ = find_out(warm, endpoint(refuses=refusing(temperature=1.0)))
    assert len(payloads) == 1
    unsent = asked(respondent("new", model=NEW, temperature=None, top_p=None))
    payloads, found = find_out(unsent, endpoint(refuses=refusing("temperature", "top_p")))
    assert len(payloads) == 1 + 3 + 1
    (call, *_) = plan_elicitation(with_capabilities(unsent, found))
    assert not {"temperature", "top_p"} & json.loads(call.body).keys()


OTHERS = {
    "another temperature": {"who": [respondent(model=NEW), respondent("hot", model=NEW, temperature=1.7)]},
    "a respondent before it": {"who": [respondent("a", model=NEW, temperature=0.0), respondent(model=NEW)]},
    "direct ratings": {"who": [respondent(model=NEW)], "rated": 1},
    "a judge": {"who": [respondent(model=NEW)], "judged": True},
}


@pytest.mark.parametrize("added", OTHERS)
@pytest.mark.parametrize("refused", [(), ("seed",), ("max_tokens",), ("max_tokens", "top_p", "seed")])
def test_what_was_found_out_stays_so_whatever_is_added(added, refused):
    before, (first,) = find_out(asked(), endpoint(refuses=refusing(*refused)))
    more = OTHERS[added]
    after = replace(asked(*more["who"], judged=more.get("judged", False), rated=more.get("rated", 0)), seed=8)
    payloads = dict(before)
    # Before anything is asked, and though nobody may be there to be asked, it is known.
    (known,) = read_probes(after, payloads)
    assert (known.sends_seed, known.limit_key) == (first.sends_seed, first.limit_key)
    n_left = most_probes(after, payloads) - len(before)
    answers = endpoint(refuses=refusing(*refused))
    while new := [c for c in plan_probes(after, payloads) if c.key not in payloads]:
        # Only what nobody has asked before is asked.
        assert not any(call.item_id.endswith("seed") for call in new)
        payloads |= {call.key: answers(call) for call in new}
    (found,) = read_probes(after, payloads)
    assert (found.sends_seed, found.limit_key) == (first.sends_seed, first.limit_key)
    if added in ("another temperature", "a respondent before it"):
        assert payloads == before
    elif added == "a judge":
        assert (found.json_schema, found.logprobs) == (True, True)
        # Schema and token probabilities at once.
        assert len(payloads) - len(before) == 1
    assert len(payloads) - len(before) <= n_left
    # And the study as it was before finds all it knew.
    assert read_probes(asked(), payloads)[0].sends_seed is first.sends_seed


def test_what_an_endpoint_tells_now_does_not_change_what_it_told():
    """The seed was taken before; the endpoint now refuses it, and a judge is added."""
    before, _ = find_out(asked(), endpoint())
    judged, payloads = asked(judged=True), dict(before)
    while new := [c for c in plan_probes(judged, payloads) if c.key not in payloads]:
        payloads |= {call.key: endpoint(refuses=refusing("seed", "logprobs"))(call) for call in new}
    (found,) = read_probes(judged, payloads)
    assert (found.sends_seed, found.json_schema, found.logprobs) == (True, True, False)


def test_what_is_found_shapes_every_call():
    of = asked(judged=True)
    _, found = find_out(of, endpoint(refuses=refusing("max_tokens", "seed")))
    filled = with_capabilities(of, found)
    body = json.loads(plan_elicitation(filled)[0].body)
    assert "seed" not in body
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == 64
    able = filled.judges[0].model.endpoint
    assert (able.json_schema, able.logprobs, able.limit_key) == (True, True, "max_completion_tokens")


def test_a_study_that_is_found_out_has_the_keys_of_one_that_says_so():
    found = find_out(asked(), endpoint())[1]
    said = replace(NEW, endpoint=replace(UNKNOWN, sends_seed=True, limit_key="max_tokens"))
    told = study([respondent(model=said)])
    keys = [c.key for c in plan_elicitation(with_capabilities(asked(), found))]
    assert keys == [c.key for c in plan_elicitation(told)]


def test_who_waits_for_a_probe_is_named_and_the_others_are_not():
    other = respondent("other", model=MODEL)
    of = asked(respondent(model=NEW), other, judged=True)
    assert set(unsettled(of, {})) == {"acme t1", "ref"}
    payloads, _ = find_out(of, endpoint())
    assert unsettled(of, payloads) == {}


@given(
    refused=st.sets(st.sampled_from(["seed", "response_format", "logprobs", "max_tokens"])),
    order=st.randoms(use_true_random=False),
)
def test_the_plan_is_one_of_the_answers_alone(refused, order):
    of = asked(judged=True)
    payloads, found = find_out(of, endpoint(refuses=refusing(*refused)))
    keys = list(payloads)
    order.shuffle(keys)
    again = {key: payloads[key] for key in keys}
    assert read_probes(of, again) == found
    assert {c.key for c in plan_probes(of, again)} == set(keys)
