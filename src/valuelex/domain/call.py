"""What goes over the wire to a language model, and what comes back.

Owns the identity of a call and the reasons why an answer can be missing. What an endpoint sent is read by
`valuelex.domain.read_reply`. Sends nothing and stores nothing; `valuelex.io` does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from valuelex.errors import DataError

KEY_PREFIX = "call1-"
"""Tag of the present form of call keys. A new form gets a new prefix."""

Api = Literal["chat", "completion", "recorded"]
PATHS: Mapping[Api, str] = {
    "chat": "/chat/completions",
    "completion": "/completions",
    "recorded": "/recorded",
}
"""Paths of requests. A recorded answer was asked for elsewhere: its call is never sent."""


CallStage = Literal[
    "probe",
    "elicit",
    "human",
    "term",
    "embed",
    "project",
    "judge",
    "choose",
    "rate",
    "name",
    "draft",
    "observe",
]
"""What a call is for: what an endpoint can do, words, words of a respondent that plays a human, ratings of terms,
vectors of terms, completions, ratings of completions, choices between two statements, direct ratings of statements,
names of groups, drafts of stems; "observe" is free text that was recorded elsewhere."""

Route = tuple[str, str, str]
"""Provider, endpoint and revision: calls that share them share a server, a key and limits."""


class Missing(StrEnum):
    """Why an answer or a rating is not there. Never a number, never a low score.

    A completion is off topic when it does not go on from its stem; a rating is missing as irrelevant
    when the completion, though on topic, does not bear on the subdimension. INJECTION: the
    completion addresses its judge. EXCLUDED: the study keeps this judge from this respondent.
    NOT_RATED: a person has not come to it. NOT_RECORDED: the answers that were imported have none for it.
    """

    REFUSED = "REFUSED"
    FILTERED = "FILTERED"
    EMPTY = "EMPTY"
    UNPARSEABLE = "UNPARSEABLE"
    OFF_TOPIC = "OFF_TOPIC"
    OFF_SCALE = "OFF_SCALE"
    IRRELEVANT = "IRRELEVANT"
    INJECTION = "INJECTION"
    EXCLUDED = "EXCLUDED"
    NOT_RATED = "NOT_RATED"
    CALL_FAILED = "CALL_FAILED"
    NOT_RECORDED = "NOT_RECORDED"


json_text = json.encoder.encode_basestring
"""Write a text as JSON does, without going through an encoder."""
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN."""
    return _CANONICAL.encode(value)


def call_key(*, endpoint: str, revision: str, path: str, body: str, draw: int) -> str:
    """Name a call by what is sent and where, so that equal calls are paid for once.

    The draw is part of the key: two samples of one prompt are two observations.
    The form is a file-format promise; change it only with a new prefix.

    Parameters
    ----------
    endpoint
        Identity of the endpoint: its base URL, or ``embedded`` for the model in this process,
        whose port changes from run to run.
    revision
        What pins the weights, such as the SHA-256 of a GGUF file; empty when the provider tells none.
    path, body
        Path of the request and its canonical JSON text; the body names the model.
    draw
        Number of the sample, from 0.
    """
    return _key(endpoint, revision, path, body, draw)


@lru_cache(maxsize=1)  # Whoever plans a call names it, and the call checks its name at once.
def _key(endpoint: str, revision: str, path: str, body: str, draw: int) -> str:
    content = f"[{json_text(endpoint)},{json_text(revision)},{json_text(path)},{json_text(body)},{draw}]"
    return KEY_PREFIX + hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one model: the exact body, and which observation it stands for."""

    key: str
    stage: CallStage
    respondent_id: str
    item_id: str
    draw: int
    provider: str
    model: str
    endpoint: str
    revision: str
    path: str
    body: str

    def __post_init__(self) -> None:
        expected = call_key(
            endpoint=self.endpoint,
            revision=self.revision,
            path=self.path,
            body=self.body,
            draw=self.draw,
        )
        if self.key != expected:
            msg = f"Call key {self.key!r} does not belong to its request; it should be {expected!r}."
            raise DataError(msg)

    @property
    def is_recorded(self) -> bool:
        """Tell whether its answer can only be imported: there is nobody to send it to."""
        return self.path == PATHS["recorded"]

    @property
    def unanswered(self) -> Missing:
        """Why the answer is missing as long as there is no reply."""
        return Missing.NOT_RECORDED if self.is_recorded else Missing.CALL_FAILED

    @property
    def route(self) -> Route:
        """Where the call goes."""
        return (self.provider, self.endpoint, self.revision)


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer and how probable the endpoint held others in its place.

    `alternatives` are pairs (text, natural logarithm of the probability), the token itself among them
    where the endpoint lists it.
    """

    text: str
    alternatives: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for a call: the text, or why there is none.

    `thinking` is what the model thought, a line for each place, kept apart from its answer. `tokens` are given where
    the endpoint told their probabilities; joined they make the text. A beginning of the answer that was given is one
    token without alternatives.
    """

    call_key: str
    text: str
    missing: Missing | None = None
    finish_reason: str | None = None
    tokens: tuple[Token, ...] = ()
    thinking: str = ""


def shard_of(key: str, n_shards: int) -> int:
    """Return the shard that a call belongs to when calls are parted among machines, from 0 to `n_shards` - 1.

    It is the number that the 64 hexadecimal digits of the key write, modulo `n_shards`. Every call is in exactly one
    shard, whatever else the study holds. A promise: machines with different versions of ValueLex agree on it.
    """
    return int(key.rpartition("-")[2], 16) % n_shards
