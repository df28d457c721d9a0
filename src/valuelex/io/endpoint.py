"""One attempt at one call: post it, and tell an answer from what went wrong.

Owns HTTP, what a status or a body means, and the words of every failure; no key is in any of them. Does not
wait, try again or record.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import aiohttp

from valuelex.domain.call import Call, json_text
from valuelex.domain.embedding import EMBEDDINGS_PATH, require_reply
from valuelex.domain.read_reply import is_filtered
from valuelex.errors import DataError
from valuelex.io.ledger import FailureReason
from valuelex.io.pace import Trouble

CONNECT_TIMEOUT_S = 10
TRANSIENT = {408: FailureReason.TIMEOUT, 409: FailureReason.SERVER_ERROR, 425: FailureReason.SERVER_ERROR}
TOO_LONG = (
    "context_length",
    "context length",
    "maximum context",
    "too long",
    "too many tokens",
    "context window",
)
USED_UP = ("insufficient_quota", "billing_hard_limit_reached")
NOT_ABOUT_THE_CALL = {401, 402, 403, 404, 408, 409, 425, 429}
"""Refusals that say nothing of what an endpoint can do."""
KEY_MARK = "[key]"
_NOT_READ = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a body of any form can raise."""
_HEADERS = {"Content-Type": "application/json"}


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the calls of one route are sent now, and how fast. The key is never stored or shown.

    `timeout_s` is for one attempt. None is no limit.
    """

    base_url: str
    max_in_flight: int
    api_key: str | None = field(default=None, repr=False)
    key_variable: str | None = None
    timeout_s: float = 180.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The JSON text of a reply, and what it holds."""

    text: str
    payload: dict[str, Any]


class AttemptError(Exception):
    """One attempt at a call brought no answer; `reason` says of what kind that is."""

    def __init__(self, message: str, reason: FailureReason) -> None:
        super().__init__(message)
        self.reason = reason


class TransientError(AttemptError):
    """Another attempt may succeed, after the wait that the endpoint asks for if it does."""

    def __init__(
        self, message: str, reason: FailureReason, trouble: Trouble, wait_s: float | None = None
    ) -> None:
        super().__init__(message, reason)
        self.trouble = trouble
        self.wait_s = wait_s


class RefusedError(AttemptError):
    """The endpoint refuses what this call asks, and will whenever it is asked; others may be answered."""


class BarredError(AttemptError):
    """The endpoint does not serve this respondent at all: no key, no such model, no money left."""


class _Connector(aiohttp.TCPConnector):
    """Drops a kept connection on which something came that nobody asked for, such as a reply sent twice.

    Else that would be read as the answer to the next call.
    """

    async def connect(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        while True:
            connection = await super().connect(*args, **kwargs)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


class HttpSession:
    """The one keep-alive session of an endpoint; it is made in an event loop, and must be closed.

    Parameters
    ----------
    target
        Where it goes.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {target.api_key}"} if target.api_key else {},
            timeout=aiohttp.ClientTimeout(total=target.timeout_s, sock_connect=CONNECT_TIMEOUT_S),
            connector=_Connector(limit=target.max_in_flight),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def post(self, call: Call) -> Received:
        """Send a call once.

        Returns
        -------
        Received
            A reply of the OpenAI-compatible form, or the error body by which a filter refused the prompt. For a
            call of the stage ``probe`` also any other refusal, with its status as `http_status`.

        Raises
        ------
        TransientError, RefusedError, BarredError
            Saying what went wrong, in the provider's own words where it had some.
        """
        return await _post(self._session, self._target, call)


async def _post(session: aiohttp.ClientSession, target: Target, call: Call) -> Received:
    url = target.base_url.rstrip("/") + call.path
    try:
        async with session.post(
            url, data=call.body.encode(), headers=_HEADERS, allow_redirects=False
        ) as response:
            content = await response.read()
            status, headers = response.status, response.headers
    except (aiohttp.ClientError, TimeoutError) as error:
        failure = _broken(error, target)
    else:
        return _received(status, headers, content, target, call)
    raise failure  # Out here, since aiohttp's own error holds the request with its key.


def _broken(error: Exception, target: Target) -> TransientError:
    """Say why no reply came at all."""
    if isinstance(error, aiohttp.ClientSSLError):
        msg = f"{target.base_url} has no certificate that this machine trusts ({visible(str(error), target)})"
        return TransientError(msg, FailureReason.CONNECTION, Trouble.DOWN)
    if isinstance(error, aiohttp.ClientConnectorError):
        why = error.os_error.strerror or error.os_error
        msg = f"{target.base_url} does not answer ({why}); is it running?"
        return TransientError(msg, FailureReason.CONNECTION, Trouble.DOWN)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        msg = f"{target.base_url} does not answer within {CONNECT_TIMEOUT_S} s; is it running?"
        return TransientError(msg, FailureReason.CONNECTION, Trouble.DOWN)
    if isinstance(error, TimeoutError):
        msg = f"{target.base_url} took longer than {target.timeout_s:g} s"
        return TransientError(msg, FailureReason.TIMEOUT, Trouble.FAULT)
    msg = f"{target.base_url} broke off ({visible(str(error), target)[:200]})"
    return TransientError(msg, FailureReason.CONNECTION, Trouble.FAULT)


def _received(status: int, headers: Any, content: bytes, target: Target, call: Call) -> Received:
    """Tell an answer from what is none."""
    if status == 200:
        return _decode(call, target, content)
    refused = _error_body(content)
    is_probe = call.stage == "probe" and 400 <= status < 500 and status not in NOT_ABOUT_THE_CALL
    if is_probe or (refused is not None and is_filtered(refused) and call.path != EMBEDDINGS_PATH):
        body = refused or {"error": {"message": _provider_message(content, target)}}
        body = _without(body, target.api_key) if target.api_key else body
        body |= {"http_status": status} if is_probe else {}
        return Received(json.dumps(body), body)
    raise _failure(status, headers, content, target, call)


def _decode(call: Call, target: Target, content: bytes) -> Received:
    try:
        text = content.decode("utf-8-sig")
        payload: dict[str, Any] = _JSON.decode(text)
        if target.api_key and _says(text, payload, target.api_key):
            payload = _without(payload, target.api_key)
            text = json.dumps(payload)
        require_reply(call.path, payload)
    except (*_NOT_READ, DataError) as error:
        why = f": {error}"[:-1] if call.path == EMBEDDINGS_PATH and isinstance(error, DataError) else ""
        start = visible(content.decode("utf-8", "replace"), target)[:80]
        msg = (
            f"{target.base_url} answered something that is not an OpenAI-compatible reply "
            f"(it begins {start!r}){why}; does the base URL end in /v1?"
        )
    else:
        return Received(text, payload)
    raise TransientError(
        msg, FailureReason.BAD_REPLY, Trouble.ALIEN
    )  # Out here: JSON's error holds the whole body.


def _says(text: str, payload: object, key: str) -> bool:
    """Tell whether a reply says the key back, as it is or in JSON's escapes."""
    escaped = "\\u" in text or "\\/" in text
    written = json_text(key)[1:-1]
    return written in text or (escaped and written in json.dumps(payload, ensure_ascii=False))


def _without(value: Any, key: str) -> Any:
    """Take the key out of every text in a reply."""
    if isinstance(value, str):
        return value.replace(key, KEY_MARK)
    if isinstance(value, list):
        return [_without(item, key) for item in value]
    if isinstance(value, dict):
        return {_without(name, key): _without(item, key) for name, item in value.items()}
    return value


def _error_body(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except _NOT_READ:
        return None
    return body if isinstance(body, dict) and "error" in body else None


def _failure(status: int, headers: Any, content: bytes, target: Target, call: Call) -> AttemptError:
    """Say what a status that is no answer means."""
    said = _provider_message(content, target)
    lower = said.lower() + _error_code(content)
    answered = f"{target.base_url} answered {status}: {said}"
    if status == 429 and not any(word in lower for word in USED_UP):
        return TransientError(answered, FailureReason.RATE_LIMIT, Trouble.BUSY, _asked_wait(headers))
    if status in TRANSIENT or status >= 500:
        reason = TRANSIENT.get(status, FailureReason.SERVER_ERROR)
        return TransientError(answered, reason, Trouble.FAULT, _asked_wait(headers))
    if 300 <= status < 400:
        to = visible(headers.get("Location") or "another address", target)[:200]
        msg = f"{target.base_url} has moved to {to}; set base_url to that"
        return BarredError(msg, FailureReason.MOVED)
    if status in (401, 403):
        way_out = (
            f"check the key in the environment variable {target.key_variable}"
            if target.key_variable
            else "name the variable that holds its key with key_variable (--key-variable)"
        )
        msg = f"{call.provider!r} refused the API key ({status}: {said}); {way_out}"
        return BarredError(msg, FailureReason.NO_ACCESS)
    if status in (402, 429):
        msg = f"{call.provider!r} answers no more calls on this account ({status}: {said}); see to its quota"
        return BarredError(msg, FailureReason.NO_ACCESS)
    if status == 404:
        msg = f"{call.provider!r} has no model {call.model!r} at {target.base_url}{call.path} (404: {said})"
        return BarredError(msg, FailureReason.NOT_FOUND)
    too_long = status == 413 or any(word in lower for word in TOO_LONG)
    msg = f"{call.provider!r} refused a call to {call.model!r} ({status}: {said})"
    if any(name in lower for name in ("temperature", "top_p")):
        msg += '; set the temperature and top_p that it takes, or "default" to send none'
    return RefusedError(msg, FailureReason.TOO_LONG if too_long else FailureReason.BAD_REQUEST)


def _asked_wait(headers: Any) -> float | None:
    """Read Retry-After: seconds, or a date by the endpoint's own clock; None where there is none to be read."""
    asked = headers.get("Retry-After")
    if asked is None:
        return None
    try:
        wait = float(asked)
    except ValueError:
        try:
            now = headers.get("Date")
            since = parsedate_to_datetime(now).timestamp() if now else time.time()
            wait = parsedate_to_datetime(asked).timestamp() - since
        except (ValueError, TypeError):
            return None
    return max(wait, 0.0) if math.isfinite(wait) else None


def _provider_message(content: bytes, target: Target) -> str:
    text = content.decode("utf-8", "replace")
    try:
        error = json.loads(content)["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except _NOT_READ:
        pass
    return visible(text, target)[:200]


def _error_code(content: bytes) -> str:
    body = _error_body(content)
    error = body["error"] if body else None
    return f" {error.get('code')} {error.get('type')}".lower() if isinstance(error, dict) else ""


def visible(text: str, target: Target) -> str:
    """Take the key out of a text and whatever could steer a terminal; then it may be shown and cut."""
    text = text.replace(target.api_key, KEY_MARK) if target.api_key else text
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())
