"""Build calls: from what a respondent should read to the exact request.

Owns the form of chat and raw-completion requests and their seeds. Elicitation and projection
both plan their calls through it. A respondent whose answers were recorded elsewhere gets calls that stand for
them. Sends nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from valuelex.domain.call import PATHS, Call, CallStage, call_key, canonical_json, json_text
from valuelex.domain.recorded import recorded_call
from valuelex.domain.study import Respondent, Study

OWN_SUBJECT = "an AI language model"
"""How raw completion names a respondent without a persona."""


def subject_of(respondent: Respondent) -> str:
    """Return who answers, as a noun phrase for raw-completion prompts."""
    return respondent.subject or OWN_SUBJECT


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked: its id, the user's turn for chat, and the start of the answer for prefilled chat."""

    id: str
    user: str
    prefill: str


def plan_calls(
    study: Study,
    stage: CallStage,
    items: Sequence[Item],
    *,
    draws: int,
    max_tokens: int,
    raw_prompt: Callable[[int, int, Respondent], str],
) -> tuple[Call, ...]:
    """Plan one call for every draw, item and respondent, in that order.

    Parameters
    ----------
    study
        Respondents and seed.
    stage
        Which stage the calls belong to.
    items
        What is asked.
    draws
        Calls for each item and respondent.
    max_tokens
        Longest answer.
    raw_prompt
        Writes the prompt for raw completion from the position of the item, the draw and the respondent.
    """
    calls = []
    for draw in range(draws):
        for position, item in enumerate(items):
            for respondent in study.respondents:
                if respondent.api == "recorded":
                    calls.append(recorded_call(respondent.model.name, respondent.id, stage, item.id, draw))
                    continue
                if respondent.api == "chat":
                    content = chat_content(respondent, item)
                else:
                    content = {"prompt": raw_prompt(position, draw, respondent), "stop": ["\n"]}
                limited = {"max_tokens": max_tokens, **content}
                calls.append(build_call(respondent, stage, item.id, draw, limited, study.seed))
    return tuple(calls)


def chat_content(respondent: Respondent, item: Item) -> dict[str, Any]:
    """Write the turns of a chat: the persona is the system message, the prefill the start of the answer."""
    messages = [{"role": "user", "content": item.user}]
    if respondent.subject is not None:
        messages.insert(0, {"role": "system", "content": f"You are {respondent.subject}."})
    if respondent.prefill:
        messages.append({"role": "assistant", "content": item.prefill})
    return {"messages": messages}


def build_call(
    respondent: Respondent,
    stage: CallStage,
    item_id: str,
    draw: int,
    content: Mapping[str, Any],
    study_seed: int,
) -> Call:
    """Build a call: the content, the respondent's settings, the endpoint's extras, and a seed.

    The seed follows from the study's seed, the draw and the rest of the request, so a respondent may be
    renamed, or another added, without any other call changing.
    """
    model = respondent.model
    settings = {"temperature": respondent.temperature, "top_p": respondent.top_p}
    request = {
        "model": model.name,
        **{name: value for name, value in settings.items() if value is not None},
        **content,
        **model.endpoint.extra_body,
    }
    if respondent.reasoning_effort:
        request["reasoning_effort"] = respondent.reasoning_effort
    if model.endpoint.limit_key == "max_completion_tokens":
        request["max_completion_tokens"] = request.pop("max_tokens")
    body = with_seed(request, study_seed, draw) if model.endpoint.sends_seed else canonical_json(request)
    path = PATHS[respondent.api]
    endpoint, revision = model.endpoint.identity, model.revision
    return Call(
        key=call_key(endpoint=endpoint, revision=revision, path=path, body=body, draw=draw),
        stage=stage,
        respondent_id=respondent.id,
        item_id=item_id,
        draw=draw,
        provider=model.endpoint.provider,
        model=model.name,
        endpoint=endpoint,
        revision=revision,
        path=path,
        body=body,
    )


def with_seed(request: Mapping[str, Any], study_seed: int, draw: int) -> str:
    """Return the canonical JSON of a request with the seed that follows from the rest of it.

    Encoding is most of the cost of a plan, so the request is encoded once, in the two parts around its seed.
    """
    before = canonical_json({k: v for k, v in request.items() if k < "seed"})[1:-1]
    after = canonical_json({k: v for k, v in request.items() if k > "seed"})[1:-1]
    own = f'"seed":{canonical_json(request["seed"])}' if "seed" in request else ""
    digest = hashlib.sha256(
        f"[{study_seed},{draw},{json_text(_object(before, own, after))}]".encode()
    ).digest()
    return _object(before, f'"seed":{int.from_bytes(digest[:4], "big") >> 1}', after)


def _object(*members: str) -> str:
    return "{" + ",".join(member for member in members if member) + "}"


def rotate(items: Sequence[Any], start: int, n_shown: int) -> list[Any]:
    """Take `n_shown` items from a ring, beginning at `start`."""
    return [items[(start + i) % len(items)] for i in range(min(n_shown, len(items)))]
