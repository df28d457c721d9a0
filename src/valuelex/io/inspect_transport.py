"""Send calls through Inspect AI's models and record every answer in the ledger.

Owns the life of Inspect's models during a run, and what their errors mean. Inspect's cache is off: the ledger is
the only memory of answers. Keys are Inspect's own matter: it reads them from the environment. Does not read the
content of answers.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from valuelex.domain.call import Call, canonical_json
from valuelex.errors import CallError, DataError, StudyError
from valuelex.io.client import Gathered
from valuelex.io.inspect_wire import (
    check_path,
    is_openai_family,
    payload_of,
    request_of,
    require_inspect,
)
from valuelex.io.ledger import Answer, Failure, Ledger

if TYPE_CHECKING:
    from inspect_ai.model import Model

RETRIES = 4
"""How often Inspect tries a call again, after 3, 6, 12 and 24 seconds or what the provider asks for."""
TIMEOUT_S = 180
"""Of one attempt."""
STOP_AFTER = 5
"""Calls of a respondent that fail, with none answered between them, before it is given up."""
CHAT_COMPLETIONS = {"openai": {"responses_api": False}}
"""Arguments of providers that would otherwise choose another API than chat completions for some of their models."""
BARRING = {401: "no_access", 403: "no_access", 404: "not_found"}
REASONS = {400: "bad_request", 408: "timeout", 413: "too_long", 422: "bad_request", 429: "rate_limit"}
_TOO_LONG = re.compile(
    r"context.?length|maximum context|too long|too many tokens|context window", re.IGNORECASE
)
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
LONGEST_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A reply as OpenAI-compatible JSON, and the attempts that it took."""

    payload: str
    attempts: int


class AskError(Exception):
    """A call brought no answer.

    `reason` is a short word such as "rate_limit". `bars` tells that the respondent cannot be asked at all.
    """

    def __init__(self, message: str, reason: str, *, bars: bool = False, attempts: int = 1) -> None:
        super().__init__(message)
        self.reason = reason
        self.bars = bars
        self.attempts = attempts


class InspectModels:
    """Inspect's models by name, opened when first asked; use in an `async with` block.

    Parameters
    ----------
    max_in_flight
        Calls at a time to each model.
    retries
        How often Inspect tries again what may pass; 0 leaves that to the caller.
    """

    def __init__(self, max_in_flight: int, retries: int) -> None:
        self._max_in_flight = max_in_flight
        self._retries = retries
        self._models: dict[str, Model] = {}

    async def __aenter__(self) -> InspectModels:
        """Open nothing yet."""
        require_inspect()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections of all models."""
        for model in self._models.values():
            await model.api.aclose()

    async def ask(self, call: Call) -> Asked:
        """Send a call.

        Raises
        ------
        AskError
            In the provider's own words where it had some; no key is in them.
        """
        # Inspect keeps an event of each call in the context that it runs in; this one ends with the call.
        asking = self._ask(call)
        return await asyncio.create_task(asking, context=contextvars.Context())

    async def _ask(self, call: Call) -> Asked:
        from inspect_ai.log import transcript

        try:
            model = self._model(call.model)
            check_path(call.model, call.path)
            messages, config = request_of(call, openai_family=is_openai_family(model.api))
        except (CallError, StudyError) as error:
            raise AskError(str(error), "bad_request", bars=True) from error
        config.max_connections = self._max_in_flight
        config.max_retries = self._retries
        config.attempt_timeout = TIMEOUT_S
        try:
            output = await model.generate(messages, config=config, cache=False)
            payload = payload_of(output, call.path)
        except DataError as error:
            said = _visible(str(error), model)
            raise AskError(said, "too_long" if _TOO_LONG.search(said) else "bad_reply") from error
        except Exception as error:  # noqa: BLE001 - every provider has its own
            return _refused(call, model, error, _attempts(transcript().events))
        return Asked(payload, _attempts(transcript().events))

    def _model(self, name: str) -> Model:
        from inspect_ai.model import get_model

        if name not in self._models:
            arguments: dict[str, Any] = CHAT_COMPLETIONS.get(name.partition("/")[0], {})
            try:
                self._models[name] = get_model(name, memoize=False, **arguments)
            except Exception as error:
                msg = f"Inspect cannot open {name!r}: {_visible(_plain(error), None)}"
                raise CallError(msg) from error
        return self._models[name]


def _attempts(events: Iterable[Any]) -> int:
    n_events: int = sum(event.event == "model" for event in events)
    return max(1, n_events)


def _refused(call: Call, model: Model, error: Exception, attempts: int) -> Asked:
    """Raise what an exception of a provider means; what a probe is refused with is its answer."""
    cause = _cause(error)
    status = _status(cause)
    said = _visible(str(getattr(cause, "provider_message", None) or _plain(cause)), model)
    probed = call.stage in ("probe",) and status is not None and 400 <= status < 500
    if probed and status not in (401, 403, 404, 408, 429):
        return Asked(canonical_json({"error": {"message": said}, "http_status": status}), attempts)
    name = type(cause).__name__
    if status is None:
        reason = (
            "timeout"
            if "timeout" in name.lower()
            else "connection"
            if "connect" in name.lower()
            else "unknown"
        )
    else:
        reason = (
            BARRING.get(status) or REASONS.get(status) or ("server_error" if status >= 500 else "bad_request")
        )
    if reason == "bad_request" and _TOO_LONG.search(said):
        reason = "too_long"
    about = f" ({status})" if status is not None else ""
    way_out = "; check the key that Inspect reads from the environment" * (status in (401, 403))
    msg = f"Inspect's {call.model!r} gave no answer{about}: {said or name}{way_out}"
    raise AskError(msg, reason, bars=status in BARRING, attempts=attempts) from error


def _cause(error: BaseException) -> BaseException:
    """Return the last attempt's own error where Inspect has tried several times."""
    last = getattr(error, "last_attempt", None)
    found = last.exception() if last is not None else None
    return found if isinstance(found, BaseException) else error


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
    keys = {value for name, value in os.environ.items() if _SECRET.search(name) and len(value) > 7}
    own = getattr(model.api, "api_key", None) if model is not None else None
    for key in sorted(keys | ({own} if isinstance(own, str) and own else set()), key=len, reverse=True):
        text = text.replace(key, "[key]")
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())[:LONGEST_MESSAGE]


def gather_inspect(
    calls: Iterable[Call],
    ledger: Ledger,
    on_done: Callable[[int], None] = lambda _: None,
    max_in_flight: int = 16,
) -> Gathered:
    """Send calls of Inspect's models and record each answer as it comes.

    Parameters
    ----------
    calls
        Calls without an answer in the ledger, in the order in which to send them.
    ledger
        Open for writing. An answer is committed before it counts as done.
    on_done
        Told the number of calls that just ended, answered or failed.
    max_in_flight
        Calls at a time.

    Returns
    -------
    Gathered
        A permanent error stops the model it belongs to; the others go on.

    Raises
    ------
    MissingPartError
        If Inspect is not installed.
    """
    try:
        return asyncio.run(_Gathering(ledger, on_done).run(calls, max_in_flight))
    except BaseExceptionGroup as group:
        raise _first_cause(group) from group


class _Gathering:
    """One run of `gather_inspect`."""

    def __init__(self, ledger: Ledger, on_done: Callable[[int], None]) -> None:
        self._ledger, self._on_done = ledger, on_done
        self._stops: dict[str, str] = {}
        self._n_answered = self._n_failed = self._n_not_sent = 0
        self._failed_in_a_row: Counter[str] = Counter()
        self._last_failure = ""

    async def run(self, calls: Iterable[Call], max_in_flight: int) -> Gathered:
        plan = iter(calls)
        async with InspectModels(max_in_flight, RETRIES) as models, asyncio.TaskGroup() as group:
            for _ in range(max_in_flight):
                group.create_task(self._work(models, plan))
        n_not_sent, stops = self._n_not_sent, dict(self._stops)
        return Gathered(self._n_answered, self._n_failed, n_not_sent, stops, self._last_failure)

    async def _work(self, models: InspectModels, plan: Iterable[Call]) -> None:
        for call in plan:
            name = f"{call.provider}/{call.model}"
            if name in self._stops:
                self._n_not_sent += 1
                continue
            started = time.monotonic()
            try:
                asked = await models.ask(call)
            except AskError as error:
                self._fail(call, name, error)
                continue
            answer = Answer(call, asked.payload, time.monotonic() - started, asked.attempts)
            self._ledger.record(answers=[answer])
            self._n_answered += 1
            self._failed_in_a_row[name] = 0
            self._on_done(1)

    def _fail(self, call: Call, name: str, error: AskError) -> None:
        """Give a model up that cannot be asked; else record the failed call, and give up where they are many."""
        if error.bars:
            self._stops.setdefault(name, str(error))
            self._n_not_sent += 1
            return
        self._ledger.record(failures=[Failure(call, str(error), error.attempts)])
        self._n_failed += 1
        self._last_failure = str(error)
        self._failed_in_a_row[name] += 1
        self._on_done(1)
        if self._failed_in_a_row[name] >= STOP_AFTER:
            self._stops.setdefault(name, str(error))


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
