"""Answers that were recorded elsewhere: what a row of a file tells, and how it stands in a ledger.

Owns the call that stands for a recorded answer, the form of its reply, and the faults of rows. Reads no file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, get_args

from valuelex.domain.call import PATHS, Call, CallStage, call_key, canonical_json
from valuelex.domain.study import RECORDED, Endpoint, Model

RecordedStage = Literal["elicit", "term", "project", "observe"]
STAGES: tuple[RecordedStage, ...] = get_args(RecordedStage)
"""What recorded answers can be for: value words, ratings of terms, completions of stems, free text."""


class Fault(StrEnum):
    """What is wrong with a row that cannot be imported."""

    NOT_JSON = "not JSON"
    NOT_AN_OBJECT = "not an object"
    NOT_CSV = "not CSV"
    NOT_UTF8 = "not UTF-8"
    NUL = "NUL byte"
    CUT_OFF = "cut off"
    TOO_LONG = "too long"
    MISSING_FIELD = "missing field"
    WRONG_TYPE = "wrong type"
    EMPTY_FIELD = "empty field"
    NO_TEXT = "no text"
    UNKNOWN_STAGE = "unknown stage"
    UNKNOWN_ITEM = "unknown item"
    UNKNOWN_DRAW = "unknown draw"
    WRONG_KEY = "wrong key"
    NOT_A_REPLY = "not a reply"
    REPEATED = "repeated"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not imported: the line on which it begins (of Parquet its number, from 1), and why."""

    line: int
    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What a row tells of one answer.

    `item` is empty where the row names none; then `prompt` is not. `draw` counts from 0. `finish_reason` is in the
    words of OpenAI-compatible replies: 'stop', 'length', 'content_filter'.
    """

    line: int
    respondent: str
    stage: RecordedStage
    item: str
    draw: int
    text: str
    prompt: str = ""
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Where answers come from: the name of a file without its folder, and the SHA-256 of its bytes."""

    name: str
    sha256: str


def recorded_model(name: str) -> Model:
    """Return the model that stands for answers recorded under a name."""
    return Model(Endpoint(RECORDED, RECORDED, None, sends_seed=False, max_in_flight=1), name)


def recorded_call(name: str, respondent_id: str, stage: CallStage, item_id: str, draw: int) -> Call:
    """Return the call that stands for a recorded answer.

    Its body is what identifies the answer: the name it was recorded under, the stage and the item. How
    it was asked for is unknown here, so no request is made up.
    """
    body, path = canonical_json({"model": name, "stage": stage, "item": item_id}), PATHS["recorded"]
    return Call(
        key=call_key(endpoint=RECORDED, revision="", path=path, body=body, draw=draw),
        stage=stage,
        respondent_id=respondent_id,
        item_id=item_id,
        draw=draw,
        provider=RECORDED,
        model=name,
        endpoint=RECORDED,
        revision="",
        path=path,
        body=body,
    )


def recorded_payload(answer: RecordedAnswer, source: SourceFile) -> str:
    """Write a recorded answer as the reply of an OpenAI-compatible endpoint.

    `valuelex_import` tells where it comes from: file, its SHA-256, line, and the prompt and item as they stand there.
    """
    origin: dict[str, Any] = {"file": source.name, "sha256": source.sha256, "line": answer.line}
    if answer.item:
        origin["item"] = answer.item
    if answer.prompt:
        origin["prompt"] = answer.prompt
    reply = {
        "object": "chat.completion",
        "model": answer.respondent,
        "choices": [
            {
                "index": 0,
                "finish_reason": answer.finish_reason,
                "message": {"role": "assistant", "content": answer.text},
            }
        ],
        "valuelex_import": origin,
    }
    text = json.dumps(reply, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # Half a surrogate pair, which only an escape can carry.
        return json.dumps(reply, separators=(",", ":"))
    return text


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a ledger holds of a recorded answer: what was said, and the file and line it came from."""

    text: str
    finish_reason: str | None
    file: str
    sha256: str
    line: int

    def says(self, answer: RecordedAnswer) -> bool:
        """Tell whether it is the same answer."""
        return (self.text, self.finish_reason) == (answer.text, answer.finish_reason)


def read_recorded(payload: Mapping[str, Any]) -> Recorded:
    """Read what `recorded_payload` wrote."""
    choice, origin = payload["choices"][0], payload["valuelex_import"]
    return Recorded(
        text=choice["message"]["content"],
        finish_reason=choice["finish_reason"],
        file=origin["file"],
        sha256=origin["sha256"],
        line=origin["line"],
    )
