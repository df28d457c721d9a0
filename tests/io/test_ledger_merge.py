"""Joining ledgers is a semilattice: order, grouping and repetition do not matter. On real SQLite files."""

import asyncio
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from io_examples import a_call, text_answer
from valuelex.errors import LedgerError
from valuelex.io.claims import Claims
from valuelex.io.journal import Journal
from valuelex.io.ledger import Answer, Failure, FailureReason, Ledger
from valuelex.io.ledger_merge import RowCount, merge_ledgers

Content = dict[str, list[tuple[Any, ...]]]
QUERIES = {
    "call": "SELECT * FROM call ORDER BY key",
    "reply": "SELECT * FROM reply ORDER BY call_key",
    "failure": "SELECT call_key, message, attempts, failed_at, reason FROM failure ORDER BY 1, 4, 2",
    "claim": "SELECT * FROM claim",
}


def content(path: Path) -> Content:
    with closing(sqlite3.connect(path)) as db:
        return {name: db.execute(query).fetchall() for name, query in QUERIES.items()}


def joined(folder: Path, *ledgers: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=folder, suffix=".db")
    os.close(handle)
    merge_ledgers(Path(name), ledgers)
    return Path(name)


# Few keys, texts and times, so that ledgers often hold two replies to one call, equal times, and renamed respondents.
rows = st.lists(
    st.tuples(
        st.integers(0, 3),  # draw, which makes the key
        st.sampled_from(["r1", "r2"]),
        st.sampled_from(["a", "b", None]),  # None is a failure
        st.sampled_from([1.0, 2.0]),
        st.integers(1, 2),
    ),
    max_size=6,
)


def ledger_of(folder: Path, found: Sequence[tuple[int, str, str | None, float, int]]) -> Path:
    handle, name = tempfile.mkstemp(dir=folder, suffix=".db")
    os.close(handle)
    with Ledger(Path(name)) as ledger:
        for draw, who, text, at, attempts in found:
            call = replace(a_call(draw), respondent_id=who)
            if text is None:
                ledger.record(failures=[Failure(call, f"down at {at}", attempts, FailureReason.TIMEOUT)])
                with ledger.transaction():
                    ledger._db.execute(
                        "UPDATE OR IGNORE failure SET failed_at = ? WHERE failed_at > 9", (at,)
                    )
            else:
                answer = text_answer(call, text, prompt_tokens=attempts, completion_tokens=1)
                ledger.record(answers=[replace(answer, received_at=at, attempts=attempts)])
    return Path(name)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(a=rows, b=rows, c=rows)
def test_merging_is_a_semilattice(tmp_path: Path, a: Any, b: Any, c: Any) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        x, y, z = (ledger_of(folder, found) for found in (a, b, c))
        before = [content(path) for path in (x, y, z)]
        whole = content(joined(folder, x, y, z))
        # Commutative and associative.
        assert content(joined(folder, z, x, y)) == whole
        assert content(joined(folder, joined(folder, x, y), z)) == whole
        assert content(joined(folder, x, joined(folder, z, y))) == whole
        # Idempotent.
        assert content(joined(folder, x, x, z, y, z, x)) == whole
        assert content(joined(folder, x)) == before[0]
        assert {row[0] for row in whole["reply"]} == {row[0] for found in before for row in found["reply"]}
        assert [content(path) for path in (x, y, z)] == before


def test_the_earlier_of_two_paid_replies_is_kept_and_counted(tmp_path: Path) -> None:
    call = a_call()
    for name, text, at in (("one.db", "late", 20.0), ("two.db", "early", 10.0)):
        with Ledger(tmp_path / name) as ledger:
            ledger.record(answers=[replace(text_answer(call, text, prompt_tokens=3), received_at=at)])
    merged = merge_ledgers(tmp_path / "one.db", [tmp_path / "two.db"])
    assert merged.replies == RowCount(n_new=0, n_there=0, n_conflict=1)
    assert merged.calls == RowCount(n_new=0, n_there=1, n_conflict=0)
    with Ledger(tmp_path / "one.db", read_only=True) as ledger:
        assert ledger.replies([call.key])[call.key].text == "early"
    # And the other way round nothing changes.
    merge_ledgers(tmp_path / "two.db", [tmp_path / "one.db"])
    assert content(tmp_path / "one.db") == content(tmp_path / "two.db")


def test_claims_are_not_merged(tmp_path: Path) -> None:
    with Ledger(tmp_path / "other.db") as other:
        other.claim([a_call().key], "somebody")
    merge_ledgers(tmp_path / "mine.db", [tmp_path / "other.db"])
    assert content(tmp_path / "mine.db")["claim"] == []


def older(path: Path) -> None:
    """A ledger of version 1 with one answer and one failure."""
    call = a_call()
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(
            "CREATE TABLE call (key TEXT PRIMARY KEY, stage TEXT NOT NULL, respondent_id TEXT NOT NULL, "
            "item_id TEXT NOT NULL, draw INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, "
            "endpoint TEXT NOT NULL, revision TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL) STRICT;"
            "CREATE TABLE reply (call_key TEXT PRIMARY KEY REFERENCES call (key), payload TEXT NOT NULL, "
            "latency_s REAL NOT NULL, attempts INTEGER NOT NULL, received_at REAL NOT NULL) STRICT;"
            "CREATE TABLE failure (id INTEGER PRIMARY KEY, call_key TEXT NOT NULL REFERENCES call (key), "
            "message TEXT NOT NULL, attempts INTEGER NOT NULL, failed_at REAL NOT NULL) STRICT;"
            "CREATE INDEX failure_call ON failure (call_key);"
            "PRAGMA application_id = 1447839064; PRAGMA user_version = 1;"
        )
        db.execute(
            "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
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
            ),
        )
        payload = text_answer(call, "old", prompt_tokens=5, completion_tokens=6).payload
        db.execute("INSERT INTO reply VALUES (?, ?, 0.5, 1, 7.0)", (call.key, payload))
        db.execute("INSERT INTO failure VALUES (1, ?, 'slow', 5, 6.0)", (call.key,))


def test_an_older_ledger_comes_in_and_is_left_as_it_is(tmp_path: Path) -> None:
    older(tmp_path / "old.db")
    before = (tmp_path / "old.db").read_bytes()
    merge_ledgers(tmp_path / "mine.db", [tmp_path / "old.db"])
    assert (tmp_path / "old.db").read_bytes() == before
    assert content(tmp_path / "mine.db")["reply"][0][4:] == (7.0, 5, 6)
    assert content(tmp_path / "mine.db")["failure"][0][1:] == ("slow", 5, 6.0, "unknown")


def test_what_is_still_in_the_log_of_a_ledger_in_a_read_only_folder_comes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fixed"
    folder.mkdir()
    with Ledger(tmp_path / "live.db") as live:
        live.record(answers=[text_answer(a_call(), "in the log")])
        for suffix in ("", "-wal"):
            shutil.copyfile(tmp_path / f"live.db{suffix}", folder / f"live.db{suffix}")
    # Also where the tests run as root, who may write everywhere.
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and may(path, mode))
    assert merge_ledgers(tmp_path / "mine.db", [folder / "live.db"]).replies.n_new == 1
    assert sorted(p.name for p in folder.iterdir()) == ["live.db", "live.db-wal"]


def damage_text(path: Path) -> None:
    path.write_text("not a database, and long enough to be told from an empty file" * 20)


def damage_foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE other (x)")


def damage_newer(path: Path) -> None:
    with Ledger(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def damage_truncated(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.record(answers=[text_answer(a_call(i), "x" * 500) for i in range(100)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_key(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.record(answers=[text_answer(a_call(1), "x")])
        with ledger.transaction():
            ledger._db.execute("UPDATE call SET body = '{}'")


def damage_payload(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.record(answers=[Answer(a_call(1), "{", 0.1, 1)])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (damage_text, "file is not a database"),
        (damage_foreign, "is not a ValueLex ledger"),
        (damage_newer, "has ledger version 99"),
        (damage_truncated, "malformed"),
        (damage_key, "does not belong to its request"),
        (damage_payload, "is no JSON"),
        (Path.touch, "is not a ValueLex ledger"),
        (lambda path: None, "There is no ledger"),
    ],
)
def test_of_a_bad_ledger_nothing_is_merged_nor_of_the_good_one_before_it(
    tmp_path: Path, damage: Any, says: str
) -> None:
    with Ledger(tmp_path / "good.db") as good:
        good.record(answers=[text_answer(a_call(7), "x")])
    damage(tmp_path / "bad.db")
    with pytest.raises(LedgerError, match=says) as caught:
        merge_ledgers(tmp_path / "mine.db", [tmp_path / "good.db", tmp_path / "bad.db"])
    assert "bad.db" in str(caught.value)
    assert "Nothing was merged" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert content(tmp_path / "mine.db") == {name: [] for name in QUERIES}


def test_more_ledgers_than_sqlite_could_attach(tmp_path: Path) -> None:
    paths = []
    for i in range(14):
        paths.append(tmp_path / f"part{i}.db")
        with Ledger(paths[-1]) as part:
            part.record(answers=[text_answer(a_call(i), json.dumps(i))])
    assert merge_ledgers(tmp_path / "mine.db", paths).replies == RowCount(n_new=14)


def test_answers_that_a_full_disk_could_not_take_come_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    mine = tmp_path / "ledger.db"

    async def fill_up(ledger: Ledger) -> None:
        with Claims(ledger) as claims:
            async with Journal(ledger, claims) as journal:
                await journal.answer(text_answer(a_call(0), "x"))
                (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
                ledger._db.execute(f"PRAGMA max_page_count = {pages}")
                long = "word " * 10_000
                await asyncio.gather(*(journal.answer(text_answer(a_call(i), long)) for i in range(1, 5)))

    with Ledger(mine) as ledger, pytest.raises(LedgerError, match="valuelex merge STUDY") as caught:
        asyncio.run(fill_up(ledger))
    rescued = Path(str(caught.value).rpartition("valuelex merge STUDY ")[2].removesuffix("."))
    monkeypatch.undo()
    assert merge_ledgers(mine, [rescued]).replies == RowCount(n_new=4)
    with Ledger(mine, read_only=True) as ledger:
        assert ledger.answered() == {a_call(i).key for i in range(5)}
