"""Build calls: from what a respondent should read to the exact request.

Owns the form of chat and raw-completion requests and their seeds. Elicitation and projection
both plan their calls through it. Sends nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

from valuelex.domain.call import PATHS, Call, call_key, canonical_json
from valuelex.domain.study import Respondent

OWN_SUBJECT = "an AI language model"
"""How raw completion names a respondent without a persona."""


def subject_of(respondent: Respondent) -> str:
    """Return who answers, as a noun phrase for raw-completion prompts."""
    return respondent.subject or OWN_SUBJECT


def chat_call(respondent: Respondent, *, user: str, prefill: str, **identity: Any) -> Call:
    """Build a chat call; the persona is the system message, the prefill the start of the answer.

    `identity` is passed on to `_call`: stage, item_id, draw, max_tokens and study_seed.
    """
    messages = [{"role": "user", "content": user}]
    if respondent.subject is not None:
        messages.insert(0, {"role": "system", "content": f"You are {respondent.subject}."})
    if respondent.prefill:
        messages.append({"role": "assistant", "content": prefill})
    return _call(respondent, {"messages": messages}, **identity)


def completion_call(respondent: Respondent, *, prompt: str, **identity: Any) -> Call:
    """Build a raw-completion call that ends at the end of the line."""
    return _call(respondent, {"prompt": prompt, "stop": ["\n"]}, **identity)


def _call(
    respondent: Respondent,
    content: dict[str, Any],
    *,
    stage: Literal["elicit", "project"],
    item_id: str,
    draw: int,
    max_tokens: int,
    study_seed: int,
) -> Call:
    endpoint = respondent.model.endpoint
    request = {
        "model": respondent.model.name,
        "temperature": respondent.temperature,
        "top_p": respondent.top_p,
        "max_tokens": max_tokens,
        **content,
        **endpoint.extra_body,
    }
    if endpoint.sends_seed:
        request["seed"] = _seed(study_seed, stage, respondent.id, item_id, draw)
    body, path = canonical_json(request), PATHS[respondent.api]
    key = call_key(
        endpoint=endpoint.identity,
        revision=respondent.model.revision,
        path=path,
        body=body,
        draw=draw,
    )
    return Call(
        key=key,
        stage=stage,
        respondent_id=respondent.id,
        item_id=item_id,
        draw=draw,
        provider=endpoint.provider,
        model=respondent.model.name,
        endpoint=endpoint.identity,
        revision=respondent.model.revision,
        path=path,
        body=body,
    )


def _seed(*parts: str | int) -> int:
    digest = hashlib.sha256(canonical_json(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def rotate(items: Sequence[Any], start: int, n_shown: int) -> list[Any]:
    """Take `n_shown` items from a ring, beginning at `start`."""
    return [items[(start + i) % len(items)] for i in range(min(n_shown, len(items)))]
