"""Between OpenAI-compatible JSON and Inspect's types: requests one way, replies both ways.

Owns what each field of a request becomes in Inspect, and that a reply which came through Inspect reads like any
other. Refuses a request that Inspect would change or send in part. Imports Inspect when it is first used.
Sends nothing.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from valuelex.domain.call import PATHS, Call, canonical_json
from valuelex.errors import CallError, DataError, MissingPartError, StudyError

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, GenerateConfig, ModelOutput, ModelUsage

INSPECT = "inspect"
"""Provider whose models are Inspect AI's: ``inspect/anthropic/NAME`` is Inspect's ``anthropic/NAME``."""
NEEDED = {PATHS["chat"]: ("max_tokens",), PATHS["completion"]: ("max_tokens", "temperature")}
"""What Inspect would otherwise put in itself: one token at temperature 0 in raw completion."""
SAME_NAME = frozenset(
    {
        "temperature",
        "top_p",
        "max_tokens",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "logprobs",
        "top_logprobs",
        "reasoning_effort",
    }
)
OTHER_NAME = {"stop": "stop_seqs", "max_completion_tokens": "max_tokens"}
SERVICES = ("openai-api", "openai-api-completions")
"""Inspect's providers that stand for a server each by the next part of the name."""
RAW_PROVIDERS = ("openai-api-completions", "vllm-completions")
"""Inspect's providers that send a raw prompt; every other one would wrap it into a chat."""
OPENAI_FAMILY = frozenset({"OpenAIAPI", "OpenAICompatibleAPI"})
"""Inspect's classes, with all derived from them, whose `extra_body` goes into the request as it is."""
FINISH = {
    "stop": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}
STOP = {
    "stop": "stop",
    "length": "max_tokens",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}


def require_inspect() -> None:
    """Make sure that Inspect AI is installed; it is not imported yet.

    Raises
    ------
    MissingPartError
        With the command that installs it.
    """
    if importlib.util.find_spec("inspect_ai") is None:
        msg = "Inspect AI is not installed; run: pip install 'valuelex[inspect]'"
        raise MissingPartError(msg)


def identity_of(name: str) -> str:
    """Name the endpoint of an Inspect model in call keys: by its provider, and its service where there are several.

    Models that share it share limits, and stop together when it is down.
    """
    parts = name.split("/")
    return "/".join([INSPECT, *parts[: 2 if parts[0] in SERVICES else 1]])


def _schema(response_format: Mapping[str, Any]) -> Any:
    """Turn a `response_format` into Inspect's own schema, for providers that have another form of it."""
    from inspect_ai.model import ResponseSchema

    named = response_format["json_schema"]
    return ResponseSchema.model_validate(
        {"name": named["name"], "json_schema": named["schema"], "strict": named.get("strict")}
    )


def check_path(name: str, path: str) -> None:
    """Make sure that an Inspect model can be asked in this way.

    Parameters
    ----------
    name
        Inspect's name of the model, such as ``anthropic/claude-x``.
    path
        Path of the request: of chat, or of raw completion.

    Raises
    ------
    StudyError
        If its provider would put a raw prompt into a chat, or send a chat as a raw prompt.
    """
    raw = name.partition("/")[0] in RAW_PROVIDERS
    if path == PATHS["completion"] and not raw:
        msg = (
            f"Inspect's provider of {name!r} has no raw completion, and a chat template would change the prompt; "
            f"use one of {', '.join(RAW_PROVIDERS)}, or ask the endpoint without Inspect."
        )
        raise StudyError(msg)
    if path == PATHS["chat"] and raw:
        msg = f'{name!r} sends raw prompts only; set api = "completion", or name a provider that chats.'
        raise StudyError(msg)


def request_of(call: Call, *, openai_family: bool) -> tuple[list[ChatMessage], GenerateConfig]:
    """Turn the request of a call into Inspect's messages and settings.

    Parameters
    ----------
    call
        Of a model that `check_path` lets pass.
    openai_family
        Whether the provider takes fields of its own as they are.

    Raises
    ------
    CallError
        If a needed field is not there, or the provider has no place for one.
    """
    from inspect_ai.model import GenerateConfig

    body = json.loads(call.body)
    settings: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for field, value in body.items():
        if field in ("model", "messages", "prompt"):
            continue
        if field in SAME_NAME:
            settings[field] = value
        elif field in OTHER_NAME:
            settings[OTHER_NAME[field]] = [value] if isinstance(value, str) else value
        elif field == "response_format" and not openai_family:
            settings["response_schema"] = _schema(value)
        else:
            extra[field] = value
    lacking = [name for name in NEEDED[call.path] if name not in settings]
    if lacking:
        msg = f"A call to {call.model!r} has no {lacking[0]!r}, and Inspect would put in a value of its own."
        raise CallError(msg)
    if extra and not openai_family:
        msg = f"Inspect's provider of {call.model!r} has no place for {min(extra)!r}; leave it out of extra_body."
        raise CallError(msg)
    config = GenerateConfig(**settings, extra_body=extra or None, cache=False)
    return messages_of(call, body), config


def messages_of(call: Call, body: Mapping[str, Any] | None = None) -> list[ChatMessage]:
    """Return what the respondent is shown; the ids of messages follow from the call.

    How a recorded answer was asked for is not known: its item stands for it.
    """
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    body = json.loads(call.body) if body is None else body
    asked = body.get("prompt", body.get("item"))
    turns = body["messages"] if asked is None else [{"role": "user", "content": asked}]
    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
    return [kinds[t["role"]](content=t["content"], id=f"{call.key}:{i}") for i, t in enumerate(turns)]


def is_openai_family(api: object) -> bool:
    """Tell whether a provider of Inspect sends OpenAI-compatible requests."""
    return any(kind.__name__ in OPENAI_FAMILY for kind in type(api).__mro__)


def payload_of(output: ModelOutput, path: str) -> str:
    """Write a reply that came through Inspect as OpenAI-compatible JSON.

    Thinking stands apart, as `reasoning_content`. An output that only tells that a filter refused the prompt is
    written as the error body that other endpoints send then.

    Raises
    ------
    DataError
        If there is no answer in it, or only an error that tells that the call is too long.
    """
    if not output.choices:
        msg = f"Inspect's answer of {output.model!r} has no choice in it" + (
            f": {output.error}" * bool(output.error)
        )
        raise DataError(msg)
    choice = output.choices[0]
    text, reasoning, refusal = _parts(choice.message.content)
    if (
        choice.stop_reason == "model_length" and output.usage is None
    ):  # An error that Inspect hands out as text.
        msg = f"{output.model!r} refused a call: {output.error or text}"
        raise DataError(msg)
    if choice.stop_reason == "content_filter" and output.usage is None:
        error = {"code": "content_filter", "message": output.error or text or refusal}
        return canonical_json({"error": error})
    written: dict[str, Any] = {"index": 0, "finish_reason": FINISH.get(choice.stop_reason)}
    if path == PATHS["completion"]:
        written["text"] = text
    else:
        written["message"] = {"role": "assistant", "content": text}
        if reasoning:
            written["message"]["reasoning_content"] = reasoning
        if refusal:
            written["message"]["refusal"] = refusal
    if choice.logprobs is not None and choice.logprobs.content:
        tokens = [token.model_dump(exclude_none=True) for token in choice.logprobs.content]
        if all(_is_finite(token) for token in tokens):
            written["logprobs"] = {"content": tokens}
    payload: dict[str, Any] = {"model": output.model, "choices": [written]}
    if output.usage is not None:
        payload["usage"] = _usage(output.usage)
    return canonical_json(payload)


def _parts(content: str | list[Any]) -> tuple[str, str, str]:
    """Part the text of a message from its thinking and from the words of a refusal."""
    if isinstance(content, str):
        return content, "", ""
    texts = [c for c in content if c.type == "text"]
    thought = [c.summary or "" if c.redacted else c.reasoning for c in content if c.type == "reasoning"]
    return (
        "".join(c.text for c in texts if not c.refusal),
        "\n".join(part for part in thought if part),
        "".join(c.text for c in texts if c.refusal),
    )


def _is_finite(token: Mapping[str, Any]) -> bool:
    """Tell whether JSON can hold the probabilities of a token and of its alternatives."""
    return all(math.isfinite(t["logprob"]) for t in (token, *token.get("top_logprobs", [])))


def _usage(usage: ModelUsage) -> dict[str, Any]:
    """Count tokens as OpenAI does: cached ones are part of the prompt, thinking is part of the completion."""
    read, written = usage.input_tokens_cache_read, usage.input_tokens_cache_write
    prompt = usage.input_tokens + (read or 0) + (written or 0)
    counted: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    if read is not None:
        counted["prompt_tokens_details"] = {"cached_tokens": read}
    if usage.reasoning_tokens is not None:
        counted["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counted


def output_of(call: Call, payload: str) -> ModelOutput:
    """Show a reply of the ledger as an output of Inspect's; what Inspect has no place for is left out."""
    from inspect_ai.model import (
        ChatCompletionChoice,
        ChatMessageAssistant,
        ContentReasoning,
        ContentText,
        ModelOutput,
    )

    body = json.loads(payload)
    choices = body.get("choices") or [{}]
    choice = choices[0]
    message = choice.get("message") or {"content": choice.get("text")}
    refused = message.get("refusal") or (body.get("error") or {}).get("message")
    content: list[Any] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str):
        content.append(ContentReasoning(reasoning=thought))
    if isinstance(refused, str):
        content.append(ContentText(text=_sound(refused), refusal=True))
    text = message.get("content")
    text = _sound(text) if isinstance(text, str) else ""
    shown = ChatMessageAssistant(
        content=[*content, ContentText(text=text)] if content else text,
        id=f"{call.key}:reply",
        model=call.model,
        source="generate",
    )
    finish = choice.get("finish_reason")
    stop = (
        "content_filter"
        if "error" in body
        else STOP.get(finish if isinstance(finish, str) else "", "unknown")
    )
    return ModelOutput(
        model=call.model,
        choices=[ChatCompletionChoice.model_validate({"message": shown, "stop_reason": stop})],
        usage=_usage_of(body.get("usage")),
    )


def _sound(text: str) -> str:
    """Replace half characters, which no file holds."""
    return text.encode("utf-8", "replace").decode()


def _usage_of(counted: Any) -> ModelUsage | None:
    from inspect_ai.model import ModelUsage

    if not isinstance(counted, Mapping):
        return None
    prompt, completion = counted.get("prompt_tokens"), counted.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    return ModelUsage(input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion)
