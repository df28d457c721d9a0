"""Check an answer that a log of ours keeps, before it may go into a ledger.

Owns what must hold so that whoever reads the ledger can read it: fields and types, the key, the JSON of request and
reply. Logs may have been edited, or made by a program that only looks like this one. Does not open files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from valuelex.domain.call import PATHS, Call, CallStage
from valuelex.domain.embedding import EMBEDDINGS_PATH, require_reply
from valuelex.domain.recorded import BadRow, Fault, read_recorded
from valuelex.errors import DataError
from valuelex.io.ledger import Answer

TEXTS = tuple(f.name for f in fields(Call) if f.name != "draw")
"""Fields of a call that are texts."""
NUMBERS = {"latency_s": 1e9, "received_at": 1e11}
"""Seconds of a reply, and the most that can be true: decades, and a date before the year 5138."""
MOST = 2**31
"""Draws and attempts are fewer."""


class _Bad(Exception):  # noqa: N818 - carries a row, and is caught in this file
    """What is wrong with a row."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault, self.detail = fault, detail


def checked_answer(line: int, where: str, call: Any, reply: Any) -> Answer | BadRow:
    """Read an answer as a log keeps it.

    Parameters
    ----------
    line, where
        Number and name of the sample that it stands in.
    call, reply
        What stands there as its call and its reply.

    Returns
    -------
    Answer or BadRow
        An answer that every reader of a ledger can read, or else what is wrong with it.
    """
    try:
        for name, value in (("call", call), ("reply", reply)):
            _require(isinstance(value, Mapping), f"its {name} is no object")
        _check_call(call)
        _check_reply(reply)
        answer = Answer(_call(call), **reply)
        _check_request(answer.call)
        _check_payload(answer)
    except _Bad as bad:
        return BadRow(line, bad.fault, f"{where}: {bad.detail}")
    return answer


def _require(holds: bool, detail: str, fault: Fault = Fault.WRONG_TYPE) -> None:
    if not holds:
        raise _Bad(fault, detail)


def _require_fields(given: Mapping[str, Any], names: set[str], what: str) -> None:
    lost, more = sorted(names - set(given)), sorted(set(given) - names)
    _require(not lost, f"its {what} has no {', '.join(map(repr, lost))}", Fault.MISSING_FIELD)
    _require(not more, f"its {what} has {', '.join(map(repr, more))}, which ValueLex does not write")


def _check_call(call: Mapping[str, Any]) -> None:
    _require_fields(call, {*TEXTS, "draw"}, "call")
    for name in TEXTS:
        _require(_is_text(call[name]), f"{name!r} of its call is no text")
    _require(_is_number(call["draw"], MOST, whole=True), "'draw' of its call is no number from 0")
    _require(
        call["stage"] in get_args(CallStage), f"{call['stage']!r} is no stage of a call", Fault.UNKNOWN_STAGE
    )
    _require(call["path"] in (*PATHS.values(), EMBEDDINGS_PATH), f"{call['path']!r} is no path of a request")


def _check_reply(reply: Mapping[str, Any]) -> None:
    _require_fields(reply, {"payload", "attempts", *NUMBERS}, "reply")
    _require(_is_text(reply["payload"]), "'payload' of its reply is no text")
    _require(_is_number(reply["attempts"], MOST, whole=True), "'attempts' of its reply is no number from 0")
    for name, most in NUMBERS.items():
        _require(_is_number(reply[name], most), f"{name!r} of its reply is no number of seconds")


def _is_text(value: Any) -> bool:
    """Tell whether a value is a text that a file can hold: without half characters."""
    return isinstance(value, str) and value.encode("utf-8", "replace").decode() == value


def _is_number(value: Any, most: float, *, whole: bool = False) -> bool:
    is_number = isinstance(value, int) or (isinstance(value, float) and not whole)
    return is_number and not isinstance(value, bool) and 0 <= value < most


def _call(given: Mapping[str, Any]) -> Call:
    try:
        return Call(**given)
    except DataError as error:
        raise _Bad(Fault.WRONG_KEY, str(error)) from error


def _check_request(call: Call) -> None:
    body = _decoded(call.body, "request", strict=True)
    if call.path == PATHS["completion"]:
        _require(_is_text(body.get("prompt")), "its request has no prompt")


def _check_payload(answer: Answer) -> None:
    """Read a reply as its readers do: a recorded one has its origin, a refusal is an answer to a probe."""
    call, payload = answer.call, _decoded(answer.payload, "reply")
    if call.stage == "probe" and "http_status" in payload:
        return
    try:
        require_reply(call.path, payload)
        if call.is_recorded:
            read_recorded(payload)
    except (DataError, LookupError, TypeError) as error:
        said = str(error) if isinstance(error, DataError) else f"a recorded answer without its {error}"
        raise _Bad(Fault.NOT_A_REPLY, said) from error


def _decoded(text: str, what: str, *, strict: bool = False) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_refuse_constant if strict else None)
    except (ValueError, RecursionError) as error:
        raise _Bad(Fault.NOT_JSON, f"its {what} is no JSON ({error})") from error
    _require(isinstance(value, dict), f"its {what} is no JSON object", Fault.NOT_AN_OBJECT)
    return dict(value)


def _refuse_constant(name: str) -> float:
    msg = f"{name} is no number"
    raise ValueError(msg)
