"""Tell whether an endpoint of raw completion secretly wraps the prompt into a chat.

Owns the three short calls that show it and the reading of their answers into signs and a verdict. A base model that
is asked through a chat template answers as somebody else would; the report then says so. Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from valuelex.domain.call import Call
from valuelex.domain.capability import TemplateSigns, Verdict
from valuelex.domain.read_reply import read_reply
from valuelex.domain.study import Respondent
from valuelex.stages.request import build_call

TEXT = "The tall gardener carried seven empty baskets to the old stone well before breakfast.\n"
"""Counted once and twice. It ends in a line break, over which no tokeniser joins two words into one token."""
N_WORDS = len(TEXT.split())
PATTERN = "red = RED\nblue = BLUE\nyellow = YELLOW\nwhite = WHITE\norange = ORANGE\npurple = PUR"
GOES_ON = "PLE"
"""What follows in the middle of the word; a chat answers with a sentence, or begins the word or the line anew."""
REPLY_TOKENS = 8
MOST_RAW, LEAST_TEMPLATED = 1, 4
"""Tokens around a prompt: a mark of the beginning and no more, or at least the marks of one turn."""
_CONTROL = re.compile(r"<\|[^|<>\n]{1,40}\|>|\[/?INST\]|<(?:start|end)_of_turn>")
_ASSISTANT = re.compile(
    r"\W*(?:sure|certainly|of course|here|it (?:looks|seems|appears)|this is|that is|the (?:pattern|sequence|next|last)"
    r"|the list|you|i['’]m|i am|i (?:think|see|can)|to (?:complete|continue)|purple\b)",
    re.IGNORECASE,
)
"""How assistants begin about the pattern: with a courtesy, a remark on it, or the word anew."""


def plan_guard(respondent: Respondent, seed: int) -> tuple[Call, ...]:
    """Plan the calls: a text, the same text twice over, and a pattern that ends in the middle of a word.

    They are sent at temperature 0, whatever the respondent's, so that a raw model goes on with the likeliest token.
    """
    respondent = replace(respondent, temperature=0.0, top_p=1.0)

    def call(item_id: str, prompt: str, max_tokens: int) -> Call:
        return build_call(respondent, "probe", item_id, 0, {"max_tokens": max_tokens, "prompt": prompt}, seed)

    return (
        call("raw/once", TEXT, 1),
        call("raw/twice", TEXT + TEXT, 1),
        call("raw/pattern", PATTERN, REPLY_TOKENS),
    )


def read_guard(calls: Sequence[Call], payloads: Mapping[str, Mapping[str, Any]]) -> TemplateSigns:
    """Read the signs of the answers to `plan_guard`.

    The tokens around a prompt decide where they can be told. Where they cannot, a model that goes on in the middle
    of the word is raw, and one that begins like an assistant is not.
    """
    once, twice, pattern = (payloads[call.key] for call in calls)
    n_once, n_twice = _prompt_tokens(once), _prompt_tokens(twice)
    n_added = None
    if n_once is not None and n_twice is not None and n_twice - n_once >= N_WORDS / 2:
        n_added = 2 * n_once - n_twice
    reply = _text(pattern, PATTERN)
    goes_on = reply.startswith(GOES_ON)
    return TemplateSigns(
        verdict=_verdict(n_added, reply, goes_on=goes_on),
        n_tokens_once=n_once,
        n_tokens_twice=n_twice,
        n_added=n_added,
        goes_on=goes_on,
        control=any(_CONTROL.search(_text(p, "")) for p in (once, twice, pattern)),
        reply=reply,
    )


def _verdict(n_added: int | None, reply: str, *, goes_on: bool) -> Verdict:
    if n_added is not None and n_added >= LEAST_TEMPLATED:
        return "templated"
    like_assistant = not goes_on and _ASSISTANT.match(reply) is not None
    if n_added is not None and 0 <= n_added <= MOST_RAW:
        # An endpoint may count the tokens before it wraps them.
        return "cannot tell" if like_assistant else "raw"
    if goes_on:
        return "raw"
    return "templated" if like_assistant else "cannot tell"


def _prompt_tokens(payload: Mapping[str, Any]) -> int | None:
    usage = payload.get("usage")
    n = usage.get("prompt_tokens") if isinstance(usage, Mapping) else None
    return n if isinstance(n, int) and not isinstance(n, bool) and n > 0 else None


def _text(payload: Mapping[str, Any], prompt: str) -> str:
    return "" if "http_status" in payload else read_reply("", payload, prompt).text
