"""The ledger: every call and reply of a study, in SQLite, committed before it is used.

Owns the file, its version and what is durable. Keys come from `valuelex.domain.call`. Never holds
an API key: requests are stored without headers. Does not send anything.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from valuelex.domain.call import Call, Reply, read_reply
from valuelex.errors import DataError, LedgerError

APPLICATION_ID = 0x564C4558  # "VLEX"
VERSION = 1
SCHEMA = """
CREATE TABLE call (
    key TEXT PRIMARY KEY, stage TEXT NOT NULL, respondent_id TEXT NOT NULL, item_id TEXT NOT NULL,
    draw INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, endpoint TEXT NOT NULL,
    revision TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE reply (
    call_key TEXT PRIMARY KEY REFERENCES call (key), payload TEXT NOT NULL, latency_s REAL NOT NULL,
    attempts INTEGER NOT NULL, received_at REAL NOT NULL
) STRICT;
CREATE TABLE failure (
    id INTEGER PRIMARY KEY, call_key TEXT NOT NULL REFERENCES call (key), message TEXT NOT NULL,
    attempts INTEGER NOT NULL, failed_at REAL NOT NULL
) STRICT;
CREATE INDEX failure_call ON failure (call_key);
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that was answered: the JSON text of the reply as it came, the time it took, how often it was tried.

    `received_at` is in seconds since 1970; None is now.
    """

    call: Call
    payload: str
    latency_s: float
    attempts: int
    received_at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that got no answer after all attempts, and the last message."""

    call: Call
    message: str
    attempts: int


class Ledger:
    """A study's ledger file, opened for one writer or for reading.

    Parameters
    ----------
    path
        The file. It is created when it does not exist, unless `read_only`.
    read_only
        Open an existing ledger without the right to write.

    Raises
    ------
    LedgerError
        If the file is not a ledger, was written by another version, or cannot be used.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        with self._errors():
            if read_only:
                # In a folder without the right to write, SQLite cannot share the file with a writer.
                alone = "" if os.access(path.parent, os.W_OK) else "&immutable=1"
                self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{alone}", uri=True)
            else:
                self._db = sqlite3.connect(path)
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

    def _prepare(self, *, read_only: bool) -> None:
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application == 0 and version == 0 and tables == 0 and not read_only:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(
                f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {VERSION}; COMMIT;"
            )
        elif application != APPLICATION_ID:
            msg = (
                f"{str(self.path)!r} is an SQLite file of another program, not a ValueLex ledger; "
                "move it away or choose another study folder."
            )
            raise LedgerError(msg)
        elif version != VERSION:
            msg = (
                f"{str(self.path)!r} has ledger version {version}, but this ValueLex reads version "
                f"{VERSION}; use the ValueLex that wrote it, or another study folder."
            )
            raise LedgerError(msg)
        if not read_only:
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")

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

    def record(self, answers: Iterable[Answer] = (), failures: Iterable[Failure] = ()) -> None:
        """Commit answers and failures in one transaction; on return they survive a power cut.

        Recording an answer again keeps the first one.
        """
        answers, failures = list(answers), list(failures)
        now = time.time()
        with self._errors(), self._db:
            self._db.executemany(
                "INSERT OR IGNORE INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_call_row(call) for call in [a.call for a in answers] + [f.call for f in failures]],
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO reply VALUES (?, ?, ?, ?, ?)",
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
                "INSERT INTO failure (call_key, message, attempts, failed_at) VALUES (?, ?, ?, ?)",
                [(f.call.key, f.message, f.attempts, now) for f in failures],
            )

    def answers(self) -> Iterator[Answer]:
        """Read all answers, those of one stage and respondent one after another; memory does not grow with them."""
        query = (
            "SELECT call.*, payload, latency_s, attempts, received_at FROM call JOIN reply ON call_key = key "
            "ORDER BY stage, respondent_id, draw, item_id, key"
        )
        with self._errors():
            for row in self._db.execute(query):
                yield Answer(Call(*row[:11]), *row[11:])

    def answered(self) -> frozenset[str]:
        """Keys of all calls that have a reply."""
        with self._errors():
            return frozenset(key for (key,) in self._db.execute("SELECT call_key FROM reply"))

    def answered_items(self, stage: str) -> frozenset[tuple[str, str, int]]:
        """Who was asked what in which draw, of all answered calls of one stage."""
        query = "SELECT respondent_id, item_id, draw FROM call JOIN reply ON call_key = key WHERE stage = ?"
        with self._errors():
            return frozenset(self._db.execute(query, (stage,)))

    def failures(self) -> dict[str, str]:
        """Return the last message of each call that failed and has no reply, by key."""
        query = (
            "SELECT call_key, message FROM failure "
            "WHERE call_key NOT IN (SELECT call_key FROM reply) ORDER BY id"
        )
        with self._errors():
            return dict(self._db.execute(query))

    def replies(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Read the replies to these calls; a key without a reply is left out."""
        wanted = set(keys)
        found: dict[str, Reply] = {}
        with self._errors():
            for key, payload in self._db.execute("SELECT call_key, payload FROM reply"):
                if key in wanted:
                    found[key] = self._read(key, payload)
        return found

    def _read(self, key: str, payload: str) -> Reply:
        try:
            return read_reply(key, json.loads(payload))
        except (ValueError, AttributeError, DataError) as error:
            msg = (
                f"{str(self.path)!r}: the reply to {key} is damaged ({error}); restore the file from a copy, or "
                "delete that row of the table 'reply' to send the call again."
            )
            raise LedgerError(msg) from error


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
