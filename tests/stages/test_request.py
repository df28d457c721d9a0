import dataclasses
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ENDPOINT, MODEL, respondent
from valuelex.domain.call import canonical_json
from valuelex.stages.request import Item, build_call, chat_content, rotate, subject_of, with_seed

ASKED = {"stage": "elicit", "item_id": "p0", "draw": 0, "study_seed": 7}


def chat(who=None, **changes):
    who = who or respondent()
    content = {"max_tokens": 64, **chat_content(who, Item("p0", "Which words?", "Words:"))}
    return build_call(who, content=content, **{**ASKED, **changes})


def test_a_chat_request_in_full_and_its_key():
    # The body and the key are a file-format promise: replies are found again by them.
    call = chat()
    assert call.body == (
        '{"max_tokens":64,"messages":[{"content":"Which words?","role":"user"}],"model":"acme-1",'
        '"seed":2082195478,"temperature":1.0,"top_p":0.9}'
    )
    assert call.path == "/chat/completions"
    assert call.key == "call1-25d66c0442c6df76935f8d17bead384d609c82ea7c2ae3d5a1de818df5e9d6ca"


def test_a_raw_request_in_full_and_its_key():
    content = {"max_tokens": 64, "prompt": "Values of a baker:", "stop": ["\n"]}
    call = build_call(respondent(api="completion"), content=content, **ASKED)
    assert call.body == (
        '{"max_tokens":64,"model":"acme-1","prompt":"Values of a baker:","seed":2013441904,'
        '"stop":["\\n"],"temperature":1.0,"top_p":0.9}'
    )
    assert call.path == "/completions"
    assert call.key == "call1-fd93559eca923682a2a8b79a96366c809c5c98a29ecdefe8e81944e13c3ace66"


def test_a_call_tells_which_observation_it_stands_for():
    call = chat(stage="project", item_id="s3", draw=2)
    assert (call.stage, call.respondent_id, call.item_id, call.draw) == ("project", "acme t1", "s3", 2)
    assert (call.provider, call.model, call.endpoint) == ("acme", "acme-1", "https://acme.test/v1")


def without_seed(**changes):
    endpoint = dataclasses.replace(ENDPOINT, sends_seed=False, **changes)
    return dataclasses.replace(MODEL, endpoint=endpoint)


def test_two_draws_are_two_observations_with_or_without_a_seed():
    assert chat(draw=0).key != chat(draw=1).key
    who = respondent(model=without_seed())
    first, second = chat(who, draw=0), chat(who, draw=1)
    assert "seed" not in json.loads(first.body)
    assert first.body == second.body
    assert first.key != second.key


def test_a_reasoning_effort_is_sent_where_it_is_given():
    body = json.loads(chat(respondent(reasoning_effort="low")).body)
    assert body["reasoning_effort"] == "low"
    assert "reasoning_effort" not in json.loads(chat().body)


def test_the_longest_answer_goes_by_the_name_that_the_endpoint_takes():
    other = dataclasses.replace(
        MODEL, endpoint=dataclasses.replace(ENDPOINT, limit_key="max_completion_tokens")
    )
    body = json.loads(chat(respondent(model=other)).body)
    assert body["max_completion_tokens"] == 64
    assert "max_tokens" not in body


def test_settings_of_none_are_not_sent():
    assert (
        not {"temperature", "top_p"} & json.loads(chat(respondent(temperature=None, top_p=None)).body).keys()
    )


@pytest.mark.parametrize(
    "other",
    [
        respondent("acme t0", temperature=0.0),
        respondent("acme p1", top_p=1.0),
        respondent("acme effort", reasoning_effort="high"),
        respondent("acme nurse", persona="nurse", subject="an experienced nurse"),
        respondent("acme prefill", prefill=True),
        respondent("acme 2", model=dataclasses.replace(MODEL, name="acme-2")),
        respondent("acme rev", model=dataclasses.replace(MODEL, revision="sha256:1")),
    ],
    ids=lambda r: r.id,
)
def test_two_respondents_do_not_share_an_answer(other):
    assert chat(other).key != chat().key


def test_a_respondent_may_be_renamed_without_buying_its_answers_again():
    assert chat(respondent("acme other label")).key == chat().key


@pytest.mark.parametrize("change", [{"study_seed": 8}, {"draw": 1}])
def test_the_seed_differs_from_call_to_call(change):
    seeds = {json.loads(call.body)["seed"] for call in (chat(), chat(**change))}
    assert len(seeds) == 2
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_persona_is_the_system_message_and_a_prefill_starts_the_answer():
    who = respondent(persona="nurse", subject="an experienced nurse", prefill=True)
    assert json.loads(chat(who).body)["messages"] == [
        {"role": "system", "content": "You are an experienced nurse."},
        {"role": "user", "content": "Which words?"},
        {"role": "assistant", "content": "Words:"},
    ]


def test_what_an_endpoint_adds_is_in_the_body_and_wins():
    who = respondent(model=without_seed(extra_body={"min_p": 0.0, "max_tokens": 16}))
    body = json.loads(chat(who).body)
    assert (body["min_p"], body["max_tokens"]) == (0.0, 16)


def test_raw_completion_names_a_respondent():
    assert subject_of(respondent()) == "an AI language model"
    assert subject_of(respondent(subject="an experienced nurse")) == "an experienced nurse"


def test_rotate_goes_round():
    assert rotate("abcde", 3, 3) == ["d", "e", "a"]
    assert rotate("abcde", 13, 3) == ["d", "e", "a"]
    assert rotate("ab", 1, 3) == ["b", "a"]


@given(
    st.dictionaries(
        st.sampled_from(["model", "n", "seed", "sed", "see", "zeta", "stop"]), st.text() | st.integers()
    ),
    st.integers(0, 2**32 - 1),
    st.integers(0, 99),
)
def test_a_seed_stands_where_canonical_json_puts_it(request_, study_seed, draw):
    content = canonical_json([study_seed, draw, canonical_json(request_)])
    seed = int.from_bytes(hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()[:4], "big") >> 1
    assert with_seed(request_, study_seed, draw) == canonical_json({**request_, "seed": seed})
