"""The ledger: every call and reply of a study, in SQLite, committed before it is used.

Owns what is durable, and that of several processes one writes at a time. Keys come from `valuelex.domain.call`, the
tables from `valuelex.io.ledger_schema`. Never holds an API key: requests are stored without headers. Does not
send anything.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from valuelex.domain.call import Call
from valuelex.errors import LedgerError
from valuelex.io.ledger_reading import Answer, Failure, FailureReason, LedgerReading
from valuelex.io.ledger_schema import APPLICATION_ID, SCHEMA, STEPS, VERSION, usage

__all__ = ["Answer", "Failure", "FailureReason", "Ledger", "copied"]

WAIT_FOR_WRITER_S = 60.0
"""How long a writer waits for another process to finish its transaction, which takes milliseconds."""
_CALL = "INSERT OR IGNORE INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_USAGE = f"{usage('prompt_tokens', '?2')}, {usage('completion_tokens', '?2')}"
_REPLY = f"INSERT OR IGNORE INTO reply VALUES (?1, ?2, ?3, ?4, ?5, {_USAGE})"  # noqa: S608 - constants
_FAILURE = (
    "INSERT OR IGNORE INTO failure (call_key, message, attempts, failed_at, reason) VALUES (?, ?, ?, ?, ?)"
)


class Ledger(LedgerReading):
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

    def dismiss(self, senders: Iterable[str]) -> None:
        """Give back all claims of these senders."""
        with self.transaction():
            self._db.executemany("DELETE FROM claim WHERE sender = ?", [(name,) for name in senders])


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
