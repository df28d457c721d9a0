"""Check a ledger from within: the file, every key, every reply, what is told of their use.

Reads only. Owns no rule of its own: keys and replies are read as everywhere else. A reply whose text was changed into
another valid one can be told only by results that were computed from it; see `valuelex.io.results_check`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from valuelex.domain.call import call_key
from valuelex.domain.check import Check
from valuelex.domain.embedding import require_reply
from valuelex.errors import DataError, LedgerError
from valuelex.io.ledger import copied
from valuelex.io.ledger_schema import APPLICATION_ID, VERSION, usage


def check_ledger(path: Path) -> list[Check]:
    """Check a ledger file.

    Raises
    ------
    LedgerError
        If the file is of another program or version.
    """
    checks: list[tuple[str, Callable[[sqlite3.Connection, Check], None]]] = [
        ("the ledger file is whole", _integrity),
        ("replies and failures belong to calls", _foreign_keys),
        ("call keys are those of their requests", _keys),
        ("replies can be read", _replies),
        ("token counts are those of the replies", _tokens),
    ]
    done: list[Check] = []
    with tempfile.TemporaryDirectory(prefix="valuelex-verify-") as folder:
        # In a folder without the right to write, SQLite does not read the log.
        place = path if os.access(path.parent, os.W_OK) else copied(path, Path(folder))
        with closing(sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro", uri=True)) as db:
            for title, find in checks:
                check = Check(title)
                try:
                    if not done:
                        _require_ledger(db, path)
                    find(db, check)
                except sqlite3.Error as error:
                    check.wrong(f"{path.name}: {error}")
                done.append(check)
    return done


def _require_ledger(db: sqlite3.Connection, path: Path) -> None:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        msg = f"{str(path)!r} is an SQLite file of another program, not a ValueLex ledger."
        raise LedgerError(msg)
    if version != VERSION:
        way_out = (
            "valuelex status brings it up to date" if version < VERSION else "use the ValueLex that wrote it"
        )
        msg = f"{str(path)!r} has ledger version {version}, and {VERSION} can be verified; {way_out}."
        raise LedgerError(msg)


def _integrity(db: sqlite3.Connection, check: Check) -> None:
    check.n_checked = 1
    for (text,) in db.execute("PRAGMA integrity_check"):
        if text != "ok":
            check.wrong(str(text).splitlines()[0])


def _foreign_keys(db: sqlite3.Connection, check: Check) -> None:
    for table in ("reply", "failure"):
        (n,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - constants
        check.n_checked += n
        query = f"SELECT call_key FROM {table} WHERE call_key NOT IN (SELECT key FROM call) ORDER BY 1"  # noqa: S608
        for (key,) in db.execute(query):
            check.wrong(f"{table} of {key}")


def _keys(db: sqlite3.Connection, check: Check) -> None:
    query = "SELECT key, endpoint, revision, path, body, draw FROM call ORDER BY key"
    for key, endpoint, revision, path, body, draw in db.execute(query):
        check.n_checked += 1
        if call_key(endpoint=endpoint, revision=revision, path=path, body=body, draw=draw) != key:
            check.wrong(key)


def _replies(db: sqlite3.Connection, check: Check) -> None:
    query = (
        "SELECT call_key, payload, stage, path FROM reply LEFT JOIN call ON key = call_key ORDER BY call_key"
    )
    for key, payload, stage, path in db.execute(query):
        check.n_checked += 1
        try:
            content = json.loads(payload)
            if stage != "probe":  # A refusal is an answer to a probe.
                require_reply(path, content)
        except (ValueError, AttributeError, DataError) as error:
            check.wrong(f"{key} ({error})")


def _tokens(db: sqlite3.Connection, check: Check) -> None:
    (check.n_checked,) = db.execute("SELECT count(*) FROM reply").fetchone()
    query = f"""
        SELECT call_key FROM reply
        WHERE prompt_tokens IS NOT {usage("prompt_tokens", "payload")}
            OR completion_tokens IS NOT {usage("completion_tokens", "payload")}
        ORDER BY call_key
    """  # noqa: S608 - constants
    for (key,) in db.execute(query):
        check.wrong(key)
