import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import projective_test, respondent, study
from valuelex.domain.call import PATHS, Call, Missing, call_key, canonical_json
from valuelex.domain.read_reply import read_reply
from valuelex.errors import CallError, DataError
from valuelex.io.inspect_wire import identity_of, output_of, payload_of, request_of
from valuelex.stages.judge_prompt import answer_schema
from valuelex.stages.project import plan_completions

CHAT, RAW = PATHS["chat"], PATHS["completion"]
(CALL,) = plan_completions(study((respondent(),), test=projective_test(1)))


def output(content: Any, stop_reason: str = "stop", **more: Any) -> Any:
    from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput

    logprobs = more.pop("logprobs", None)
    choice = {
        "message": ChatMessageAssistant(content=content),
        "stop_reason": stop_reason,
        "logprobs": logprobs,
    }
    return ModelOutput(model="m", choices=[ChatCompletionChoice.model_validate(choice)], **more)


def with_fields(call: Call, **fields: Any) -> Call:
    body = canonical_json(json.loads(call.body) | fields)
    key = call_key(endpoint=call.endpoint, revision=call.revision, path=call.path, body=body, draw=call.draw)
    return replace(call, key=key, body=body)


def test_thinking_stands_apart_and_what_is_hidden_is_not_made_up() -> None:
    from inspect_ai.model import ContentReasoning, ContentText

    hidden = ContentReasoning(reasoning="c2VjcmV0", redacted=True, summary="Thought of bells.")
    content = [
        ContentReasoning(reasoning="One."),
        hidden,
        ContentText(text="I "),
        ContentText(text="stayed."),
    ]
    message = json.loads(payload_of(output(content), CHAT))["choices"][0]["message"]
    assert message == {
        "role": "assistant",
        "content": "I stayed.",
        "reasoning_content": "One.\nThought of bells.",
    }


def test_a_refusal_is_read_as_one() -> None:
    from inspect_ai.model import ContentText

    payload = payload_of(output([ContentText(text="I will not.", refusal=True)]), CHAT)
    assert read_reply("k", json.loads(payload)).missing is Missing.REFUSED


@pytest.mark.parametrize(
    ("said", "written"),
    [("stop", "stop"), ("max_tokens", "length"), ("content_filter", "content_filter"), ("unknown", None)],
)
def test_the_reason_for_stopping_is_written_as_others_write_it(said: str, written: str | None) -> None:
    from inspect_ai.model import ModelUsage

    usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    assert (
        json.loads(payload_of(output("x", said, usage=usage), CHAT))["choices"][0]["finish_reason"] == written
    )


def test_tokens_are_counted_as_others_count_them() -> None:
    from inspect_ai.model import ModelUsage

    usage = ModelUsage(
        input_tokens=5,
        input_tokens_cache_read=3,
        input_tokens_cache_write=2,
        output_tokens=7,
        reasoning_tokens=4,
        total_tokens=17,
    )
    # Cached tokens are part of the prompt: 5 + 3 + 2 = 10.
    assert json.loads(payload_of(output("x", usage=usage), CHAT))["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 7,
        "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }


def test_an_error_that_inspect_hands_out_as_text_is_no_answer() -> None:
    with pytest.raises(DataError, match="'m' refused a call: prompt is too long"):
        payload_of(output("prompt is too long", "model_length"), CHAT)
    filtered = json.loads(payload_of(output("flagged", "content_filter"), CHAT))
    assert filtered == {"error": {"code": "content_filter", "message": "flagged"}}


def test_no_choice_is_no_answer() -> None:
    from inspect_ai.model import ModelOutput

    with pytest.raises(DataError, match="has no choice in it: out of credit"):
        payload_of(ModelOutput(model="m", error="out of credit"), CHAT)


def test_probabilities_that_json_cannot_hold_are_left_out() -> None:
    token = {"token": "6", "logprob": -0.5, "top_logprobs": [{"token": "5", "logprob": -math.inf}]}
    assert (
        "logprobs"
        not in json.loads(payload_of(output("6", logprobs={"content": [token]}), CHAT))["choices"][0]
    )


def test_other_providers_get_the_schema_in_their_own_form() -> None:
    schema = answer_schema(2)
    named = {"name": "ratings", "strict": True, "schema": schema}
    call = with_fields(CALL, response_format={"type": "json_schema", "json_schema": named})
    _, config = request_of(call, openai_family=False)
    assert config.response_schema.json_schema.model_dump(exclude_none=True) == schema
    assert (config.response_schema.name, config.response_schema.strict) == ("ratings", True)
    assert config.extra_body is None
    assert config.cache is False


def test_a_field_without_a_place_is_refused_and_not_dropped() -> None:
    with pytest.raises(CallError, match="has no place for 'min_p'; leave it out of extra_body"):
        request_of(with_fields(CALL, min_p=0.1), openai_family=False)
    _, config = request_of(with_fields(CALL, min_p=0.1), openai_family=True)
    assert config.extra_body == {"min_p": 0.1}


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("anthropic/claude-x", "inspect/anthropic"),
        ("openai-api/local/org/m", "inspect/openai-api/local"),
        ("openai-api-completions/local/m", "inspect/openai-api-completions/local"),
        ("together/org/m", "inspect/together"),
    ],
)
def test_an_endpoint_is_a_provider_or_a_service_of_one(name: str, identity: str) -> None:
    assert identity_of(name) == identity


@given(text=st.text(), path=st.sampled_from([CHAT, RAW]), finish=st.sampled_from(["stop", "length"]))
def test_a_reply_shown_in_inspect_still_says_the_same(text: str, path: str, finish: str) -> None:
    choice = {"text": text} if path == RAW else {"message": {"content": text}}
    payload = json.dumps({"choices": [{**choice, "finish_reason": finish}], "usage": {}})
    before = read_reply("k", json.loads(payload))
    after = read_reply("k", json.loads(payload_of(output_of(CALL, payload), path)))
    assert (after.text, after.missing, after.finish_reason) == (before.text, before.missing, finish)
