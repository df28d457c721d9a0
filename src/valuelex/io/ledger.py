"""The ledger: every call and reply of a study, in SQLite, committed before it is used.

Owns what is durable, and that of several processes one writes at a time. Keys come from `valuelex.domain.call`, the
tables from `valuelex.io.ledger_schema`. Never holds an API key: requests are stored without headers. Does not
send anything.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from valuelex.domain.call import Call, Reply, read_reply
from valuelex.domain.cost import Slot, Tally
from valuelex.errors import DataError, LedgerError
from valuelex.io.ledger_schema import APPLICATION_ID, SCHEMA, STEPS, VERSION, usage

WAIT_FOR_WRITER_S = 60.0
"""How long a writer waits for another process to finish its transaction, which takes milliseconds."""
KEYS_AT_ONCE = 500
_CALL = "INSERT OR IGNORE INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_USAGE = f"{usage('prompt_tokens', '?2')}, {usage('completion_tokens', '?2')}"
_REPLY = f"INSERT OR IGNORE INTO reply VALUES (?1, ?2, ?3, ?4, ?5, {_USAGE})"  # noqa: S608 - constants
_FAILURE = (
    "INSERT OR IGNORE INTO failure (call_key, message, attempts, failed_at, reason) VALUES (?, ?, ?, ?, ?)"
)


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


class Ledger:
    """A study's ledger file, opened for writing or for reading.

    Several processes of one machine may have it open; each transaction waits for the one before it.

    Parameters
    ----------
    path
        The file. It is created when it does not exist, unless `read_only`.
    read_only
        Open an existing ledger without the right to write.

    Raises
    ------
    LedgerError
        If the file is not a ledger, was written by a newer version, or cannot be used.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        with self._errors():
            if read_only:
                self._db = self._open_to_read()
            else:
                # The thread that commits is another than the one that opens; they never use it at once.
                self._db = sqlite3.connect(path, timeout=WAIT_FOR_WRITER_S, check_same_thread=False)
            self._db.isolation_level = None
        try:
            with self._errors():
                self._prepare(read_only=read_only)
        except LedgerError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        """Use the ledger in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._db.close()
        if self._copy is not None:
            self._copy.cleanup()

    def _open_to_read(self) -> sqlite3.Connection:
        """Open the file to read; an older ledger is brought up to date first, where that is allowed."""
        path, may_write = self.path, os.access(self.path.parent, os.W_OK)
        log = path.with_name(path.name + "-wal")
        if not may_write and log.exists() and log.stat().st_size:
            self._copy = tempfile.TemporaryDirectory(prefix="valuelex-ledger-")
            path, may_write = copied(path, Path(self._copy.name)), True
        if may_write and os.access(path, os.W_OK):
            with Ledger(path):
                pass
        # In a folder without the right to write, SQLite can share the file with no writer.
        alone = "" if may_write else "&immutable=1"
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{alone}", uri=True)

    def _prepare(self, *, read_only: bool) -> None:
        application, version, tables = self._identity()
        if application == 0 and version == 0 and tables == 0 and not read_only:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._found()
            application, version, tables = self._identity()
        if application != APPLICATION_ID:
            msg = (
                f"{str(self.path)!r} is an SQLite file of another program, not a ValueLex ledger; "
                "move it away or choose another study folder."
            )
            raise LedgerError(msg)
        if version in STEPS and not read_only:
            self._migrate()
            version = VERSION
        if version != VERSION:
            way_out = (
                "use the ValueLex that wrote it, or another study folder"
                if version > VERSION
                else "copy it to where it may be written, so that it can be brought up to date"
            )
            msg = (
                f"{str(self.path)!r} has ledger version {version}, but this ValueLex reads version "
                f"{VERSION}; {way_out}."
            )
            raise LedgerError(msg)
        if not read_only:
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")

    def _identity(self) -> tuple[int, int, int]:
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return application, version, tables

    def _found(self) -> None:
        """Make the tables, unless another process has done so since we looked."""
        with self.transaction():
            if self._identity() == (0, 0, 0):
                for statement in SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _migrate(self) -> None:
        """Take an older ledger step by step to this version, all or nothing."""
        with self.transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            for step in range(version, VERSION):
                for statement in STEPS[step].split(";"):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")

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

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything in the block at once; on return it survives a power cut."""
        with self._errors():
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def record(self, answers: Iterable[Answer] = (), failures: Iterable[Failure] = ()) -> None:
        """Commit answers and failures; nobody claims these calls any longer.

        Recording an answer again keeps the first one.
        """
        answers, failures = list(answers), list(failures)
        calls = [a.call for a in answers] + [f.call for f in failures]
        now = time.time()
        with self.transaction():
            self._db.executemany(_CALL, [_call_row(call) for call in calls])
            self._db.executemany(
                _REPLY,
                [
                    (
                        a.call.key,
                        a.payload,
                        a.latency_s,
                        a.attempts,
                        now if a.received_at is None else a.received_at,
                    )
                    for a in answers
                ],
            )
            self._db.executemany(
                _FAILURE, [(f.call.key, f.message, f.attempts, now, f.reason.value) for f in failures]
            )
            self.release(call.key for call in calls)

    def claim(self, keys: Iterable[str], sender: str) -> frozenset[str]:
        """Claim calls for one sender; return the keys of those that nobody has answered or claimed before."""
        granted = []
        with self.transaction():
            for key in keys:
                if self._db.execute("SELECT 1 FROM reply WHERE call_key = ?", (key,)).fetchone() is None:
                    done = self._db.execute("INSERT OR IGNORE INTO claim VALUES (?, ?)", (key, sender))
                    if done.rowcount:
                        granted.append(key)
        return frozenset(granted)

    def release(self, keys: Iterable[str]) -> None:
        """Give claims on calls back."""
        with self.transaction():
            self._db.executemany("DELETE FROM claim WHERE call_key = ?", [(key,) for key in keys])

    def senders(self) -> frozenset[str]:
        """Name all who claim calls."""
        with self._errors():
            return frozenset(name for (name,) in self._db.execute("SELECT DISTINCT sender FROM claim"))

    def dismiss(self, senders: Iterable[str]) -> None:
        """Give back all claims of these senders."""
        with self.transaction():
            self._db.executemany("DELETE FROM claim WHERE sender = ?", [(name,) for name in senders])

    def answers(self) -> Iterator[Answer]:
        """Read all answers, those of one stage and respondent one after another; memory does not grow with them."""
        query = (
            "SELECT call.*, payload, latency_s, attempts, received_at FROM call JOIN reply ON call_key = key "
            "ORDER BY stage, respondent_id, draw, item_id, key"
        )
        with self._errors():
            for row in self._db.execute(query):
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
        return {key: self._read(key, payload, prompt or "") for key, payload, prompt in self._of(query, keys)}

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
            "coalesce(sum(CAST(received_at * 1000000 AS INTEGER)), 0) FROM reply"
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

    def _read(self, key: str, payload: str, prompt: str) -> Reply:
        try:
            return read_reply(key, json.loads(payload), prompt)
        except (ValueError, AttributeError, DataError) as error:
            msg = (
                f"{str(self.path)!r}: the reply to {key} is damaged ({error}); restore the file from a copy, or "
                "delete that row of the table 'reply' to send the call again."
            )
            raise LedgerError(msg) from error


def copied(path: Path, folder: Path) -> Path:
    """Copy a ledger with its log, which SQLite does not read in a folder without the right to write."""
    for suffix in ("", "-wal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            shutil.copyfile(part, folder / part.name)
    return folder / path.name


def _call_row(call: Call) -> tuple[str | int, ...]:
    return (
        call.key,
        call.stage,
        call.respondent_id,
        call.item_id,
        call.draw,
        call.provider,
        call.model,
        call.endpoint,
        call.revision,
        call.path,
        call.body,
    )
