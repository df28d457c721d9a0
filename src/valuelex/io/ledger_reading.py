"""What a ledger tells: replies, failures, claims and sums.

Owns the questions that are asked of the file. Opening and writing it is `valuelex.io.ledger`'s.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from valuelex.domain.call import Call, Reply
from valuelex.domain.cost import Slot, Tally
from valuelex.domain.embedding import Vector, read_vector
from valuelex.domain.read_reply import read_reply
from valuelex.errors import DataError, LedgerError

T = TypeVar("T")
KEYS_AT_ONCE = 500


class FailureReason(StrEnum):
    """Why a call got no answer after all attempts."""

    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    BAD_REPLY = "bad_reply"
    BAD_REQUEST = "bad_request"
    TOO_LONG = "too_long"
    NO_ACCESS = "no_access"
    NOT_FOUND = "not_found"
    MOVED = "moved"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that was answered: the JSON text of the reply as it came, and how it came.

    `latency_s` counts all attempts and the waits between them. `received_at` is in seconds since 1970; None is now.
    """

    call: Call
    payload: str
    latency_s: float
    attempts: int
    received_at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that got no answer after all attempts: the last message, and of what kind it was."""

    call: Call
    message: str
    attempts: int
    reason: FailureReason


class LedgerReading:
    """Reads a ledger that is open; `Ledger` is what opens one."""

    path: Path
    _db: sqlite3.Connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            msg = (
                f"{str(self.path)!r} cannot be used as a ledger ({error}). It was left as it is; move it "
                "away, free disk space or choose another study folder."
            )
            raise LedgerError(msg) from error

    def senders(self) -> frozenset[str]:
        """Name all who claim calls."""
        with self._errors():
            return frozenset(name for (name,) in self._db.execute("SELECT DISTINCT sender FROM claim"))

    def answers(self, stage: str | None = None) -> Iterator[Answer]:
        """Read all answers, or those of one stage, in an order of their own; memory does not grow with them."""
        query = (
            "SELECT call.*, payload, latency_s, attempts, received_at FROM call JOIN reply ON call_key = key "
            "WHERE stage = coalesce(?, stage) ORDER BY stage, respondent_id, draw, item_id, key"
        )
        with self._errors():
            for row in self._db.execute(query, (stage,)):
                yield Answer(Call(*row[:11]), *row[11:])

    def answered(self, keys: Iterable[str] | None = None) -> frozenset[str]:
        """Keys of all calls that have a reply, or of those among `keys`."""
        if keys is None:
            with self._errors():
                return frozenset(key for (key,) in self._db.execute("SELECT call_key FROM reply"))
        return frozenset(row[0] for row in self._of("SELECT call_key FROM reply WHERE call_key", keys))

    def _of(self, query: str, keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """Ask about a few hundred calls at a time."""
        wanted = list(keys)
        for start in range(0, len(wanted), KEYS_AT_ONCE):
            some = wanted[start : start + KEYS_AT_ONCE]
            with self._errors():
                yield from self._db.execute(f"{query} IN ({', '.join('?' * len(some))})", some).fetchall()

    def n_answered(self, stage: str) -> int:
        """Count the calls of one stage that have a reply."""
        query = "SELECT count(*) FROM call JOIN reply ON call_key = key WHERE stage = ?"
        with self._errors():
            (n,) = self._db.execute(query, (stage,)).fetchone()
        return int(n)

    def has_answered(self, respondent_id: str) -> bool:
        """Tell whether a respondent or judge has any reply."""
        query = "SELECT 1 FROM call JOIN reply ON call_key = key WHERE respondent_id = ? LIMIT 1"
        with self._errors():
            return self._db.execute(query, (respondent_id,)).fetchone() is not None

    def answered_items(self, stage: str) -> frozenset[tuple[str, str, int]]:
        """Who was asked what in which draw, of all answered calls of one stage."""
        query = "SELECT respondent_id, item_id, draw FROM call JOIN reply ON call_key = key WHERE stage = ?"
        with self._errors():
            return frozenset(self._db.execute(query, (stage,)))

    def failures(self) -> dict[str, str]:
        """Return the last message of each call that failed and has no reply, by key."""
        return {key: message for key, message, _ in self._failures()}

    def failure_reasons(self) -> dict[str, FailureReason]:
        """Return why each call failed that has no reply, by key."""
        return {key: FailureReason(reason) for key, _, reason in self._failures()}

    def _failures(self) -> list[tuple[str, str, str]]:
        query = (
            "SELECT call_key, message, reason FROM failure "
            "WHERE call_key NOT IN (SELECT call_key FROM reply) ORDER BY failed_at, id"
        )
        with self._errors():
            return self._db.execute(query).fetchall()

    def last_failure(self) -> int:
        """Return the number of the last failure; later ones are numbered higher."""
        with self._errors():
            (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM failure").fetchone()
        return int(last)

    def failed_since(self, last: int, keys: Iterable[str]) -> frozenset[str]:
        """Return which of these calls failed after the failure with that number."""
        rows = self._of("SELECT call_key, id FROM failure WHERE call_key", keys)
        return frozenset(key for key, number in rows if number > last)

    def payloads(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the replies to these calls as they came; a key without a reply is left out."""
        return dict(self._of("SELECT call_key, payload FROM reply WHERE call_key", keys))

    def replies(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Read the replies to these calls; a key without a reply is left out."""
        prompt = "CASE path WHEN '/completions' THEN json_extract(body, '$.prompt') END"
        query = f"SELECT call_key, payload, {prompt} FROM reply JOIN call ON key = call_key WHERE call_key"  # noqa: S608
        return {
            key: self._readable(key, payload, partial(read_reply, key, prompt=prompt or ""))
            for key, payload, prompt in self._of(query, keys)
        }

    def vectors(self, keys: Iterable[str]) -> dict[str, Vector]:
        """Read the unit vectors that were answered to these calls; a key without a reply is left out."""
        rows = self._of("SELECT call_key, payload FROM reply WHERE call_key", keys)
        return {key: self._readable(key, payload, read_vector) for key, payload in rows}

    def tallies(self) -> dict[Slot, Tally]:
        """Sum what was used, by model (provider/name) and stage; what was recorded elsewhere is no use of ours."""
        query = """
            SELECT provider || '/' || model, stage, count(*),
                sum(prompt_tokens IS NULL OR completion_tokens IS NULL),
                coalesce(sum(CASE WHEN completion_tokens IS NOT NULL THEN prompt_tokens END), 0),
                coalesce(sum(CASE WHEN prompt_tokens IS NOT NULL THEN completion_tokens END), 0)
            FROM reply JOIN call ON key = call_key WHERE provider <> 'recorded' GROUP BY 1, 2
        """
        with self._errors():
            rows = self._db.execute(query).fetchall()
        return {(label, stage): Tally(*sums) for label, stage, *sums in rows}

    def other_names(self) -> dict[str, tuple[str, ...]]:
        """Return under which other names models answered, by provider/name: snapshots, or quite other models."""
        query = """
            SELECT DISTINCT provider || '/' || model, told FROM (
                SELECT provider, model, CASE WHEN json_valid(payload) THEN json_extract(payload, '$.model') END AS told
                FROM reply JOIN call ON key = call_key
            ) WHERE typeof(told) = 'text' AND told <> model ORDER BY 1, 2
        """
        found: dict[str, tuple[str, ...]] = {}
        with self._errors():
            for label, told in self._db.execute(query):
                found[label] = (*found.get(label, ()), told)
        return found

    def fingerprint(self) -> str:
        """Return what changes whenever a reply is added, or replaced by another that came at another time."""
        query = (
            "SELECT count(*), coalesce(sum(length(payload)), 0), "
            "coalesce(sum(CAST(received_at * 1000000 AS INTEGER) % 1000000007), 0) FROM reply"
        )
        with self._errors():
            n, size, microseconds = self._db.execute(query).fetchone()
        return f"{n} replies, {size} characters, {microseconds}"

    def pace(self, n_last: int = 200) -> float | None:
        """Return answers a second over the last `n_last` that came, by their clock; None where it cannot be told.

        Imported answers took no attempt and do not count.
        """
        query = (
            "SELECT count(*), max(received_at) - min(received_at) FROM "
            "(SELECT received_at FROM reply WHERE attempts > 0 ORDER BY rowid DESC LIMIT ?)"
        )
        with self._errors():
            n, seconds = self._db.execute(query, (n_last,)).fetchone()
        return (n - 1) / seconds if n > 1 and seconds > 0 else None

    def _readable(self, key: str, payload: str, read: Callable[[Mapping[str, Any]], T]) -> T:
        try:
            return read(json.loads(payload))
        except (ValueError, AttributeError, DataError) as error:
            msg = (
                f"{str(self.path)!r}: the reply to {key} is damaged ({error}); restore the file from a copy, or "
                "delete that row of the table 'reply' to send the call again."
            )
            raise LedgerError(msg) from error
