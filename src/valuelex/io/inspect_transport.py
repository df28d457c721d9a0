"""One attempt at one call through Inspect AI's models, in place of HTTP of our own.

Owns the life of Inspect's models during a run, and what their errors mean. Inspect's cache and its own repeats are
off: the ledger is the only memory of answers, and `valuelex.io.client` says when a call is tried again. Keys are
Inspect's own matter: it reads them from the environment. Does not read the content of answers.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from valuelex.domain.call import Call, canonical_json
from valuelex.errors import CallError, DataError, StudyError
from valuelex.io.endpoint import (
    KEY_MARK,
    NOT_ABOUT_THE_CALL,
    TOO_LONG,
    TRANSIENT,
    USED_UP,
    AttemptError,
    BarredError,
    Received,
    RefusedError,
    Target,
    TransientError,
)
from valuelex.io.inspect_wire import (
    INSPECT,
    check_path,
    is_openai_family,
    payload_of,
    request_of,
    require_inspect,
)
from valuelex.io.ledger import FailureReason
from valuelex.io.pace import Trouble

if TYPE_CHECKING:
    from inspect_ai.model import Model

ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "openai": {"responses_api": False, "max_retries": 0},
    "openai-api": {"max_retries": 0},
    "openai-api-completions": {"max_retries": 0},
    "anthropic": {"max_retries": 0},
}
"""Of Inspect's providers: chat completions where they would choose another API, and no repeats below Inspect's own."""
LONGEST_MESSAGE = 200
_SECRET = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
SHORTEST_SECRET = 16
"""Characters of a key at the least; a shorter value could be a word of an answer."""


def is_inspect(base_url: str) -> bool:
    """Tell whether the calls of an endpoint go through Inspect."""
    return base_url.startswith(f"{INSPECT}/")


class InspectSession:
    """Inspect's models of one provider, opened when first asked; it must be closed.

    Parameters
    ----------
    target
        How many calls at a time, and how long one may take.

    Raises
    ------
    MissingPartError
        If Inspect is not installed.
    """

    def __init__(self, target: Target) -> None:
        require_inspect()
        self._target = target
        self._models: dict[str, Model] = {}

    async def close(self) -> None:
        """Close the connections of all models."""
        for model in self._models.values():
            await model.api.aclose()

    async def post(self, call: Call) -> Received:
        """Send a call once, and return its reply in OpenAI-compatible form.

        Raises
        ------
        TransientError, RefusedError, BarredError
            Saying what went wrong, in the provider's own words where it had some; no key is in them.
        """
        # Inspect keeps an event of each call in the context that it runs in; this one ends with the call.
        return await asyncio.create_task(self._post(call), context=contextvars.Context())

    async def _post(self, call: Call) -> Received:
        try:
            model = self._model(call.model)
            check_path(call.model, call.path)
            messages, config = request_of(call, openai_family=is_openai_family(model.api))
        except (CallError, StudyError) as error:
            raise BarredError(str(error), FailureReason.BAD_REQUEST) from error
        config.max_connections = self._target.max_in_flight
        config.max_retries = 0
        config.attempt_timeout = max(1, round(self._target.timeout_s))
        try:
            output = await model.generate(messages, config=config, cache=False)
            payload = keyless(payload_of(output, call.path), model)
        except DataError as error:
            said = _visible(str(error), model)
            if _is_too_long(said):
                raise RefusedError(said, FailureReason.TOO_LONG) from error
            raise TransientError(said, FailureReason.BAD_REPLY, Trouble.ALIEN) from error
        except Exception as error:  # noqa: BLE001 - every provider has its own
            payload = _answer_to_probe(call, model, error)
        return Received(payload, json.loads(payload))

    def _model(self, name: str) -> Model:
        from inspect_ai.model import get_model

        if name not in self._models:
            arguments = ARGUMENTS.get(name.partition("/")[0], {})
            try:
                self._models[name] = get_model(name, memoize=False, **arguments)
            except Exception as error:
                msg = f"Inspect cannot open {name!r}: {_visible(_plain(error), None)}"
                raise CallError(msg) from error
        return self._models[name]


def _answer_to_probe(call: Call, model: Model, error: Exception) -> str:
    """Return what a probe was refused with, which is its answer; raise what any other error means."""
    causes = list(_causes(error))
    status = next((s for s in map(_status, causes) if s is not None), None)
    told = (getattr(cause, "provider_message", None) for cause in causes)
    said = _visible(next((str(words) for words in told if words), _plain(causes[0])), model)
    if (
        call.stage == "probe"
        and status is not None
        and 400 <= status < 500
        and status not in NOT_ABOUT_THE_CALL
    ):
        return canonical_json({"error": {"message": said}, "http_status": status})
    raise _meaning(call, status, said, [type(cause).__name__ for cause in causes]) from error


def _meaning(call: Call, status: int | None, said: str, names: list[str]) -> AttemptError:
    """Tell what a status means, or else the names of an error and of its causes."""
    about = f" ({status})" if status is not None else ""
    msg = f"Inspect's {call.model!r} gave no answer{about}: {said or names[0]}"
    if status is None:
        if any("timeout" in name.lower() for name in names):
            return TransientError(msg, FailureReason.TIMEOUT, Trouble.FAULT)
        if any("connect" in name.lower() for name in names):
            down = any(name in ("ConnectError", "ConnectTimeout") for name in names)
            return TransientError(msg, FailureReason.CONNECTION, Trouble.DOWN if down else Trouble.FAULT)
        return TransientError(msg, FailureReason.UNKNOWN, Trouble.FAULT)
    if status in (401, 403):
        return BarredError(
            f"{msg}; check the key that Inspect reads from the environment", FailureReason.NO_ACCESS
        )
    if status == 404:
        return BarredError(msg, FailureReason.NOT_FOUND)
    if status == 402 or (status == 429 and any(word in said.lower() for word in USED_UP)):
        return BarredError(f"{msg}; see to its quota", FailureReason.NO_ACCESS)
    if status == 429:
        return TransientError(msg, FailureReason.RATE_LIMIT, Trouble.BUSY)
    if status in TRANSIENT or status >= 500:
        return TransientError(msg, TRANSIENT.get(status, FailureReason.SERVER_ERROR), Trouble.FAULT)
    too_long = status == 413 or _is_too_long(said)
    return RefusedError(msg, FailureReason.TOO_LONG if too_long else FailureReason.BAD_REQUEST)


def _is_too_long(said: str) -> bool:
    return any(word in said.lower() for word in TOO_LONG)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from; of Inspect's attempts the last one's own error."""
    seen: BaseException | None = error
    while seen is not None:
        last = getattr(seen, "last_attempt", None)
        found = last.exception() if last is not None else None
        seen = found if isinstance(found, BaseException) else seen
        yield seen
        seen = seen.__cause__


def _status(error: BaseException) -> int | None:
    """Find the HTTP status where the packages of providers keep it."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
    return None


def _plain(error: BaseException) -> str:
    """Return the message of an error without Inspect's marks for the terminal."""
    return re.sub(r"\[/?[a-z ]+\]", "", str(error)).removeprefix("ERROR: ")


def _visible(text: str, model: Model | None) -> str:
    """Take keys out of a text and whatever could steer a terminal; then it may be shown and cut."""
    text = keyless(text, model)
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())[:LONGEST_MESSAGE]


def keyless(text: str, model: Model | None) -> str:
    """Take out the model's key and whatever the environment holds under the name of a secret."""
    keys = {
        value for name, value in os.environ.items() if _SECRET.search(name) and len(value) >= SHORTEST_SECRET
    }
    own = getattr(model.api, "api_key", None) if model is not None else None
    for key in sorted(keys | ({own} if isinstance(own, str) and own else set()), key=len, reverse=True):
        text = text.replace(key, KEY_MARK)
    return text
