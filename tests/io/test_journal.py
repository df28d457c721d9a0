"""Commits that gather, and what becomes of answers when the ledger can no longer be written."""

import asyncio
import re
from pathlib import Path

import pytest

from io_examples import a_call, text_answer
from valuelex.errors import LedgerError
from valuelex.io.claims import Claims
from valuelex.io.journal import Journal
from valuelex.io.ledger import Failure, FailureReason, Ledger


class CutShortError(Exception):
    pass


def journaled(path: Path, work) -> None:
    async def main() -> None:
        with Ledger(path) as ledger, Claims(ledger) as claims:
            async with Journal(ledger, claims) as journal:
                await work(journal, ledger)

    asyncio.run(main())


def test_what_was_awaited_is_there_for_another_reader(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"

    async def work(journal: Journal, ledger: Ledger) -> None:
        await asyncio.gather(*(journal.answer(text_answer(a_call(i), "x")) for i in range(50)))
        await journal.fail(Failure(a_call(50), "no", 1, FailureReason.TIMEOUT))
        with Ledger(path, read_only=True) as reader:
            assert len(reader.answered()) == 50
            assert reader.failures() == {a_call(50).key: "no"}

    journaled(path, work)


def test_answers_that_came_together_share_a_commit(tmp_path: Path) -> None:
    sizes = []

    async def work(journal: Journal, ledger: Ledger) -> None:
        record = ledger.record

        def counting(answers=(), failures=()) -> None:
            sizes.append(len(answers))
            record(answers, failures)

        ledger.record = counting
        await asyncio.gather(*(journal.answer(text_answer(a_call(i), "x")) for i in range(100)))

    journaled(tmp_path / "ledger.db", work)
    assert sum(sizes) == 100
    assert len(sizes) <= 3


def test_what_was_handed_over_is_kept_when_the_run_is_cut_short(tmp_path: Path) -> None:
    async def work(journal: Journal, ledger: Ledger) -> None:
        task = asyncio.ensure_future(journal.answer(text_answer(a_call(), "x")))
        await asyncio.sleep(0)
        task.cancel()
        raise CutShortError

    with pytest.raises(CutShortError):
        journaled(tmp_path / "ledger.db", work)
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.answered() == {a_call().key}


def test_answers_that_a_full_disk_cannot_take_are_rescued(tmp_path: Path, monkeypatch) -> None:
    rescued = tmp_path / "elsewhere"
    rescued.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(rescued))

    async def work(journal: Journal, ledger: Ledger) -> None:
        await journal.answer(text_answer(a_call(0), "x"))
        (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
        ledger._db.execute(f"PRAGMA max_page_count = {pages}")
        long = "word " * 10_000
        await asyncio.gather(*(journal.answer(text_answer(a_call(i), long)) for i in range(1, 5)))
        assert await journal.claim([a_call(9).key]) == frozenset()

    with pytest.raises(LedgerError, match="database or disk is full") as caught:
        journaled(tmp_path / "ledger.db", work)
    assert "4 answers that came meanwhile are in" in str(caught.value)
    path = re.search(r"are in '([^']+)'", str(caught.value))
    with Ledger(Path(path[1]), read_only=True) as ledger:
        assert ledger.answered() == {a_call(i).key for i in range(1, 5)}
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.answered() == {a_call(0).key}


def test_a_mistake_in_the_thread_reaches_whoever_waits(tmp_path: Path) -> None:
    async def work(journal: Journal, ledger: Ledger) -> None:
        ledger.record = None
        with pytest.raises(TypeError):
            await journal.answer(text_answer(a_call(), "x"))
        raise CutShortError

    with pytest.raises((CutShortError, TypeError)):
        journaled(tmp_path / "ledger.db", work)
