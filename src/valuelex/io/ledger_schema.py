"""The tables of the ledger, and how an older ledger becomes one of this version.

Owns the version number and every step from one version to the next. A step keeps every row. Does not
read or write calls.
"""

from __future__ import annotations

from collections.abc import Mapping

APPLICATION_ID = 0x564C4558  # "VLEX"
VERSION = 2


def usage(name: str, payload: str) -> str:
    """Write the SQL that reads a number of tokens out of a reply; NULL where the endpoint told none that can be."""
    path = f"{payload}, '$.usage.{name}'"
    # A number too large for SQLite is an integer in JSON and becomes a real when it is read.
    is_count = f"json_type({path}) = 'integer' AND typeof(json_extract({path})) = 'integer'"
    told = f"CASE WHEN json_valid({payload}) AND {is_count} THEN json_extract({path}) END"
    if name != "completion_tokens":
        return told
    # Vectors take no token to write, and their replies tell no number of them.
    unsaid = f"json_type({path}) IS NULL AND json_type({payload}, '$.usage') = 'object'"
    vectors = f"CASE WHEN json_valid({payload}) AND json_type({payload}, '$.data') = 'array' AND {unsaid} THEN 0 END"
    return f"coalesce({told}, {vectors})"


SCHEMA = """
CREATE TABLE call (
    key TEXT PRIMARY KEY, stage TEXT NOT NULL, respondent_id TEXT NOT NULL, item_id TEXT NOT NULL,
    draw INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, endpoint TEXT NOT NULL,
    revision TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE reply (
    call_key TEXT PRIMARY KEY REFERENCES call (key), payload TEXT NOT NULL, latency_s REAL NOT NULL,
    attempts INTEGER NOT NULL, received_at REAL NOT NULL, prompt_tokens INTEGER, completion_tokens INTEGER
) STRICT;
CREATE TABLE failure (
    id INTEGER PRIMARY KEY, call_key TEXT NOT NULL REFERENCES call (key), message TEXT NOT NULL,
    attempts INTEGER NOT NULL, failed_at REAL NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX failure_once ON failure (call_key, failed_at, message);
CREATE TABLE claim (call_key TEXT PRIMARY KEY, sender TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX claim_sender ON claim (sender);
"""
"""Version 2. `received_at` and `failed_at` are seconds since 1970 by the clock of the machine that sent the call."""

STEPS: Mapping[int, str] = {
    1: f"""
ALTER TABLE reply ADD COLUMN prompt_tokens INTEGER;
ALTER TABLE reply ADD COLUMN completion_tokens INTEGER;
UPDATE reply SET prompt_tokens = {usage("prompt_tokens", "payload")},
    completion_tokens = {usage("completion_tokens", "payload")};
ALTER TABLE failure ADD COLUMN reason TEXT NOT NULL DEFAULT 'unknown';
DROP INDEX failure_call;
DELETE FROM failure WHERE id NOT IN (SELECT min(id) FROM failure GROUP BY call_key, failed_at, message);
CREATE UNIQUE INDEX failure_once ON failure (call_key, failed_at, message);
CREATE TABLE claim (call_key TEXT PRIMARY KEY, sender TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX claim_sender ON claim (sender);
""",  # noqa: S608 - built from constants of this file
}
"""What takes a ledger from a version to the next."""
