"""Join ledgers: the answers of several machines, or of a rescue, into one.

Owns which of two replies to one call is kept, so that ledgers joined in any order and any number of times give the
same content. The ledgers that are joined in are left as they are. Claims belong to processes and stay where they are.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valuelex.domain.call import Call
from valuelex.errors import DataError, LedgerError
from valuelex.io.ledger import WAIT_FOR_WRITER_S, Ledger, copied
from valuelex.io.ledger_schema import APPLICATION_ID, STEPS, VERSION, usage

ROWS_AT_ONCE = 1000
_OF_WRITING = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_BUSY")
_LABELS = ("stage", "respondent_id", "item_id", "provider", "model")
_CALL = f"""
    INSERT INTO call (key, stage, respondent_id, item_id, draw, provider, model, endpoint, revision, path, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _LABELS)}
    WHERE ({", ".join(f"excluded.{name}" for name in _LABELS)}) < ({", ".join(f"call.{name}" for name in _LABELS)})
"""  # noqa: S608 - built from constants of this file
_REPLY = f"""
    INSERT INTO reply (call_key, payload, latency_s, attempts, received_at, prompt_tokens, completion_tokens)
    VALUES (?1, ?2, ?3, ?4, ?5, {usage("prompt_tokens", "?2")}, {usage("completion_tokens", "?2")})
    ON CONFLICT (call_key) DO UPDATE SET payload = excluded.payload, latency_s = excluded.latency_s,
        attempts = excluded.attempts, received_at = excluded.received_at,
        prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens
    WHERE (excluded.received_at, excluded.payload, excluded.latency_s, excluded.attempts)
        < (reply.received_at, reply.payload, reply.latency_s, reply.attempts)
"""  # noqa: S608 - built from constants
_FAILURE = """
    INSERT INTO failure (call_key, message, attempts, failed_at, reason) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (call_key, failed_at, message) DO UPDATE SET attempts = excluded.attempts, reason = excluded.reason
    WHERE (excluded.attempts, excluded.reason) < (failure.attempts, failure.reason)
"""
_CALLS_OF = "SELECT key, stage, respondent_id, item_id, draw, provider, model, endpoint, revision, path, body FROM call"
_REPLIES_OF = "SELECT call_key, payload, latency_s, attempts, received_at FROM reply"
_FAILURES_OF = "SELECT call_key, message, attempts, failed_at, reason FROM failure"


@dataclass(slots=True)
class RowCount:
    """Rows of one kind: new, there already, and in conflict (there with other content; one of the two is kept)."""

    n_new: int = 0
    n_there: int = 0
    n_conflict: int = 0

    def count(self, mine: Sequence[Any] | None, other: Sequence[Any]) -> None:
        """Count a row beside the one that is there; None where none is."""
        if mine is None:
            self.n_new += 1
        elif tuple(mine) == tuple(other):
            self.n_there += 1
        else:
            self.n_conflict += 1


@dataclass(frozen=True, slots=True)
class Merged:
    """What joining did: calls, replies and failures."""

    calls: RowCount
    replies: RowCount
    failures: RowCount


def merge_ledgers(path: Path, others: Iterable[Path]) -> Merged:
    """Join ledgers into one, all or nothing.

    Content is joined as a set, so neither order nor repetition matters. Of two replies to one call, the one
    that came first is kept (`received_at`; then the lesser payload, latency and number of attempts). Where a call has
    two labels, as after a respondent was renamed, the lesser (stage, respondent, item, provider, model) is kept:
    the request and the key are the same, and results take labels from the study.

    Parameters
    ----------
    path
        The ledger to join into; made when it does not exist. Memory does not grow with its length.
    others
        Ledgers of this or an older version. They are read only.

    Raises
    ------
    LedgerError
        Naming the file that is damaged, foreign or newer; nothing was joined.
    """
    merged = Merged(RowCount(), RowCount(), RowCount())
    with Ledger(path):  # Makes it, or brings it up to date.
        pass
    with _errors(path), closing(sqlite3.connect(path, timeout=WAIT_FOR_WRITER_S)) as db:
        db.isolation_level = None
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN IMMEDIATE")
        try:
            for other in others:
                with _errors(other, of_target=False), _reading(other) as source:
                    _join(db, source, other, merged)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    return merged


def payloads_of(path: Path, keys: Iterable[str]) -> dict[str, str]:
    """Read the replies to these calls in a ledger that is to be joined, as they came; other calls are left out.

    Raises
    ------
    LedgerError
        If the file cannot be read.
    """
    query = "SELECT payload FROM reply WHERE call_key = ?"
    with _errors(path), _reading(path) as source:
        rows = {key: source.execute(query, (key,)).fetchone() for key in keys}
    return {key: row[0] for key, row in rows.items() if row}


def _join(db: sqlite3.Connection, source: sqlite3.Connection, other: Path, merged: Merged) -> None:
    """Join one ledger into another; calls come first, since the rest refers to them."""
    source.execute("BEGIN")  # One moment of it, though somebody may be writing.
    for rows in _batches(source, _CALLS_OF):
        for row in rows:
            _check_call(row, other)
            merged.calls.count(db.execute(f"{_CALLS_OF} WHERE key = ?", row[:1]).fetchone(), row)
        db.executemany(_CALL, rows)
    for rows in _batches(source, _REPLIES_OF):
        for row in rows:
            _check_reply(row, other)
            merged.replies.count(db.execute(f"{_REPLIES_OF} WHERE call_key = ?", row[:1]).fetchone(), row)
        db.executemany(_REPLY, rows)
    known = f"{_FAILURES_OF} WHERE call_key = ? AND failed_at = ? AND message = ?"
    for rows in _batches(source, _FAILURES_OF):
        for row in rows:
            merged.failures.count(db.execute(known, (row[0], row[3], row[1])).fetchone(), row)
        db.executemany(_FAILURE, rows)


def _batches(source: sqlite3.Connection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = source.execute(query)
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield rows


def _check_call(row: Sequence[Any], other: Path) -> None:
    try:
        Call(*row)
    except DataError as error:
        msg = f"{str(other)!r} is damaged ({error}) Nothing was merged; take that file from a copy."
        raise LedgerError(msg) from error


def _check_reply(row: Sequence[Any], other: Path) -> None:
    try:
        json.loads(row[1])
    except ValueError as error:
        msg = (
            f"{str(other)!r} is damaged: the reply to {row[0]} is no JSON. Nothing was merged; take that file from a "
            "copy."
        )
        raise LedgerError(msg) from error


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger to read from; an older one, or one in a folder without the right to write, in a copy."""
    if not path.is_file():
        msg = f"There is no ledger {str(path)!r}; name a ledger.db, or a folder that holds one. Nothing was merged."
        raise LedgerError(msg)
    with tempfile.TemporaryDirectory(prefix="valuelex-merge-") as folder:
        if not os.access(path.parent, os.W_OK):
            path = copied(path, Path(folder))
        with closing(_open(path)) as source:
            version = _version(source, path)
            if version == VERSION:
                yield source
                return
            copy = Path(folder) / "older.db"
            with closing(sqlite3.connect(copy)) as target:
                source.backup(target)
        with Ledger(copy):  # Brings the copy up to date.
            pass
        with closing(_open(copy)) as source:
            yield source


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    db.isolation_level = None
    return db


def _version(db: sqlite3.Connection, path: Path) -> int:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        msg = f"{str(path)!r} is not a ValueLex ledger. Nothing was merged; name a ledger.db."
        raise LedgerError(msg)
    if version != VERSION and version not in STEPS:
        msg = (
            f"{str(path)!r} has ledger version {version}, but this ValueLex reads up to {VERSION}. Nothing was merged; "
            "use the ValueLex that wrote it."
        )
        raise LedgerError(msg)
    return int(version)


@contextmanager
def _errors(path: Path, *, of_target: bool = True) -> Iterator[None]:
    """Name the file that an error is about; those of writing are about the target."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if not of_target and getattr(error, "sqlite_errorname", "").startswith(_OF_WRITING):
            raise
        msg = (
            f"{str(path)!r} cannot be used as a ledger ({error}). Nothing was merged; take it from a copy, or free "
            "disk space."
        )
        raise LedgerError(msg) from error
