"""Send calls to OpenAI-compatible endpoints and record every answer in the ledger.

Owns HTTP, retries, and what stops a model or an endpoint. Sends nothing that the ledger has answered.
Does not read the content of answers beyond their form.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import NoReturn

import aiohttp

from valuelex.domain.call import Call, Route, is_filtered, read_reply
from valuelex.errors import DataError
from valuelex.io.ledger import Answer, Failure, Ledger

ATTEMPTS = 6
CONNECTION_ATTEMPTS = 3
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
TIMEOUT = aiohttp.ClientTimeout(total=180, sock_connect=10)
TRANSIENT = {408, 409, 425, 429}
BUSY_WAIT_S = 4.0
"""First wait after 429 without a Retry-After; it doubles like every other."""
STOP_AFTER = 5
"""Calls that fail after all attempts, with none answered between them, before a route is given up."""
LONGEST_ASKED_WAIT_S = 120.0
"""The longest Retry-After that is waited for; an endpoint that asks for more is given up for now."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the calls of one route are sent now. The key is never stored or shown."""

    base_url: str
    max_in_flight: int
    api_key: str | None = field(default=None, repr=False)
    key_variable: str | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What became of the calls: numbers, and why a model or provider was given up (by its name).

    `last_failure` is the message of the last call that failed; empty when none did.
    """

    n_answered: int
    n_failed: int
    n_not_sent: int
    stops: Mapping[str, str]
    last_failure: str = ""


class _StoppedError(Exception):
    """The model, or with it the whole provider, cannot be called."""

    def __init__(self, message: str, *, whole_provider: bool) -> None:
        super().__init__(message)
        self.whole_provider = whole_provider


class _CallRefusedError(Exception):
    """The endpoint refuses this one call for what it says; others may be answered."""


class _TransientError(Exception):
    """One attempt failed; another may succeed, after the wait that the endpoint asks for."""

    attempts = 1

    def __init__(
        self,
        message: str,
        *,
        wait_s: float | None = None,
        first_wait_s: float | None = None,
        connection: bool = False,
    ) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.first_wait_s = first_wait_s
        self.connection = connection


def gather(
    calls: Sequence[Call],
    targets: Mapping[Route, Target],
    ledger: Ledger,
    on_done: Callable[[int], None] = lambda _: None,
) -> Gathered:
    """Send calls and record each answer as it comes.

    Parameters
    ----------
    calls
        Calls without an answer in the ledger, in the order in which to send them.
    targets
        Where to send them, by route.
    ledger
        Open for writing. An answer is committed before it counts as done.
    on_done
        Told the number of calls that just ended, answered or failed.

    Returns
    -------
    Gathered
        A permanent error stops the model or provider it belongs to; the others go on.
    """
    try:
        return asyncio.run(_Gathering(targets, ledger, on_done).run(calls))
    except BaseExceptionGroup as group:
        raise _first_cause(group) from group


class _Gathering:
    def __init__(
        self, targets: Mapping[Route, Target], ledger: Ledger, on_done: Callable[[int], None]
    ) -> None:
        self._targets = targets
        self._ledger = ledger
        self._on_done = on_done
        self._stops: dict[str, str] = {}
        self._n_answered = 0
        self._n_failed = 0
        self._last_failure = ""
        self._failed_in_a_row: Counter[Route] = Counter()

    async def run(self, calls: Sequence[Call]) -> Gathered:
        queues: dict[Route, deque[Call]] = {}
        for call in calls:
            queues.setdefault(call.route, deque()).append(call)
        async with asyncio.TaskGroup() as group:
            for route, queue in queues.items():
                group.create_task(self._drain(self._targets[route], queue))
        n_not_sent = len(calls) - self._n_answered - self._n_failed
        return Gathered(self._n_answered, self._n_failed, n_not_sent, dict(self._stops), self._last_failure)

    async def _drain(self, target: Target, queue: deque[Call]) -> None:
        headers = {"Authorization": f"Bearer {target.api_key}"} if target.api_key else {}
        connector = aiohttp.TCPConnector(limit=target.max_in_flight)
        async with (
            aiohttp.ClientSession(headers=headers, timeout=TIMEOUT, connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(min(target.max_in_flight, len(queue))):
                group.create_task(self._work(session, target, queue))

    async def _work(self, session: aiohttp.ClientSession, target: Target, queue: deque[Call]) -> None:
        while queue:
            call = queue.popleft()
            if call.provider in self._stops or _model(call) in self._stops:
                continue
            started = time.monotonic()
            try:
                payload, attempts = await _attempt(session, target, call)
            except _StoppedError as stop:
                self._stops.setdefault(call.provider if stop.whole_provider else _model(call), str(stop))
                continue
            except _CallRefusedError as error:
                self._fail(Failure(call, str(error), 1), call.route, _model(call))
                continue
            except _TransientError as error:
                self._fail(Failure(call, str(error), error.attempts), call.route, call.provider, error)
                continue
            answer = Answer(call, payload, time.monotonic() - started, attempts)
            self._ledger.record(answers=[answer])
            self._n_answered += 1
            self._failed_in_a_row[call.route] = 0
            self._on_done(1)

    def _fail(self, failure: Failure, route: Route, name: str, error: _TransientError | None = None) -> None:
        """Record a failed call, and give `name` up where going on is hopeless."""
        self._ledger.record(failures=[failure])
        self._n_failed += 1
        self._last_failure = failure.message
        self._failed_in_a_row[route] += 1
        self._on_done(1)
        if (error is not None and error.connection) or self._failed_in_a_row[route] >= STOP_AFTER:
            self._stops.setdefault(name, failure.message)


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _model(call: Call) -> str:
    return f"{call.provider}/{call.model}"


async def _attempt(session: aiohttp.ClientSession, target: Target, call: Call) -> tuple[str, int]:
    """Try a call until it is answered; return the body and the number of attempts."""
    url = target.base_url.rstrip("/") + call.path
    attempt = 0
    while True:
        attempt += 1
        try:
            return await _post(session, url, target, call), attempt
        except _TransientError as error:
            if attempt >= (CONNECTION_ATTEMPTS if error.connection else ATTEMPTS):
                error.attempts = attempt
                raise
            first = FIRST_WAIT_S if error.first_wait_s is None else error.first_wait_s
            backoff = min(first * 2 ** (attempt - 1), LONGEST_WAIT_S)
            wait = error.wait_s if error.wait_s is not None else backoff * random.uniform(0.7, 1.3)  # noqa: S311
            await asyncio.sleep(wait)


async def _post(session: aiohttp.ClientSession, url: str, target: Target, call: Call) -> str:
    headers = {"Content-Type": "application/json"}
    try:
        async with session.post(
            url, data=call.body.encode(), headers=headers, allow_redirects=False
        ) as response:
            status = response.status
            about = response.headers.get("Retry-After") or response.headers.get("Location")
            content = await response.read()
    except aiohttp.ClientSSLError as error:
        msg = f"{target.base_url} has no certificate that this machine trusts ({error})"
        raise _TransientError(msg, connection=True) from error
    except aiohttp.ClientConnectorError as error:
        msg = (
            f"{target.base_url} does not answer ({error.os_error.strerror or error.os_error}); is it running?"
        )
        raise _TransientError(msg, connection=True) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        what = "took too long" if isinstance(error, TimeoutError) else f"broke off ({error})"
        raise _TransientError(f"{target.base_url} {what}") from error
    if status != 200 and not _is_filter(content):
        _raise_for_status(status, about, content, target, call)
    return _decode(call, target, content)


def _is_filter(content: bytes) -> bool:
    try:
        return is_filtered(json.loads(content))
    except ValueError:
        return False


def _decode(call: Call, target: Target, content: bytes) -> str:
    try:
        text = content.decode()
        read_reply(call.key, json.loads(text, parse_constant=_refuse_constant))
    except (ValueError, AttributeError, RecursionError, DataError) as error:
        start = _visible(content.decode("utf-8", "replace"), target)[:80]
        msg = (
            f"{target.base_url} answered something that is not an OpenAI-compatible reply "
            f"(it begins {start!r}); does the base URL end in /v1?"
        )
        raise _TransientError(msg) from error
    return text


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _raise_for_status(status: int, about: str | None, content: bytes, target: Target, call: Call) -> NoReturn:
    said = _provider_message(content, target)
    if status in TRANSIENT or status >= 500:
        wait = _asked_wait(about)
        busy = status == 429 and wait is None
        msg = f"{target.base_url} answered {status}: {said}"
        raise _TransientError(msg, wait_s=wait, first_wait_s=BUSY_WAIT_S if busy else FIRST_WAIT_S)
    if 300 <= status < 400:
        msg = f"{target.base_url} has moved to {_visible(about or 'another address', target)}; set base_url to that"
        raise _StoppedError(msg, whole_provider=True)
    if status in (401, 403):
        way_out = (
            f"check the key in the environment variable {target.key_variable}"
            if target.key_variable
            else "name the variable that holds its key with key_variable (--key-variable)"
        )
        msg = f"{call.provider!r} refused the API key ({status}: {said}); {way_out}"
        raise _StoppedError(msg, whole_provider=True)
    if status == 404:
        msg = f"{call.provider!r} has no model {call.model!r} at {target.base_url}{call.path} (404: {said})"
        raise _StoppedError(msg, whole_provider=False)
    msg = f"{call.provider!r} refused a call to {call.model!r} ({status}: {said})"
    raise _CallRefusedError(msg)


def _asked_wait(retry_after: str | None) -> float | None:
    """Read a Retry-After header: seconds or a date; None where there is none that can be read."""
    if retry_after is None:
        return None
    try:
        wait = float(retry_after)
    except ValueError:
        try:
            wait = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(max(wait, 0.0), LONGEST_ASKED_WAIT_S) if wait == wait else None


def _provider_message(content: bytes, target: Target) -> str:
    text = content.decode("utf-8", "replace")
    try:
        body = json.loads(content)
        error = body["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        pass
    return _visible(text, target)[:200]


def _visible(text: str, target: Target) -> str:
    """Take the key out of a text and whatever could steer a terminal; then it may be shown and cut."""
    text = text.replace(target.api_key, "[key]") if target.api_key else text
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())
