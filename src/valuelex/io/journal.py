"""Commit answers while others come in: what has gathered since the last commit goes into the next one.

Owns the thread that writes to the ledger during a run, and what becomes of answers that the ledger can no longer
take. Nothing that was received is given up while it can be written anywhere.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from valuelex.domain.wording import count
from valuelex.errors import LedgerError
from valuelex.io.claims import Claims
from valuelex.io.ledger import Answer, Failure, Ledger

T = TypeVar("T")


@dataclass(slots=True)
class _Batch:
    """What goes into one commit."""

    answers: list[Answer] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    claims: list[tuple[Sequence[str], asyncio.Future[frozenset[str]]]] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.answers or self.failures or self.claims or self.releases)


class Journal:
    """Writes to the ledger from an event loop; each call returns when its commit is durable.

    Parameters
    ----------
    ledger
        Open for writing.
    claims
        Of this process.
    """

    def __init__(self, ledger: Ledger, claims: Claims) -> None:
        self._ledger = ledger
        self._claims = claims
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._batch = _Batch()
        self._writer: asyncio.Task[None] | None = None
        self._rescue: Ledger | None = None
        self._n_rescued = 0
        self._lost: LedgerError | None = None
        self.failed: LedgerError | None = None

    async def __aenter__(self) -> Self:
        """Begin to write."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit what is left, even when the run was interrupted."""
        self._thread.shutdown(wait=True)
        self._batch.claims.clear()
        if self._batch:
            self._commit(self._batch)
        if self._rescue is not None:
            self._rescue.__exit__(None, None, None)
        if self.failed is not None:
            raise LedgerError(self._report()) from self.failed

    async def answer(self, answer: Answer) -> None:
        """Record an answer."""
        self._batch.answers.append(answer)
        await self._written()

    async def fail(self, failure: Failure) -> None:
        """Record a call that failed."""
        self._batch.failures.append(failure)
        await self._written()

    async def claim(self, keys: Sequence[str]) -> frozenset[str]:
        """Claim calls; see `Claims.claim`. None are granted once the ledger can no longer be written."""
        granted: asyncio.Future[frozenset[str]] = asyncio.get_running_loop().create_future()
        self._batch.claims.append((keys, granted))
        self._start()
        return await granted

    async def release(self, keys: Sequence[str]) -> None:
        """Give claims back on calls that are not sent after all, so that nobody waits for them."""
        self._batch.releases += keys
        await self._written()

    async def apart(self, work: Callable[[], T]) -> T:
        """Do something else with the ledger, between commits."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _written(self) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._batch.waiting.append(done)
        self._start()
        await done

    def _start(self) -> None:
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._batch:
            batch, self._batch = self._batch, _Batch()
            try:
                granted = await loop.run_in_executor(self._thread, self._commit, batch)
            except Exception as error:  # noqa: BLE001 - whoever waits for this commit gets it
                for done in batch.waiting:
                    _set_error(done, error)
                for _, granted_later in batch.claims:
                    _set_error(granted_later, error)
                continue
            for done in batch.waiting:
                if not done.done():
                    done.set_result(None)
            for (_, future), keys in zip(batch.claims, granted, strict=True):
                if not future.done():
                    future.set_result(keys)
        self._writer = None

    def _commit(self, batch: _Batch) -> list[frozenset[str]]:
        if self.failed is None:
            try:
                with self._ledger.transaction():
                    self._ledger.record(batch.answers, batch.failures)
                    self._ledger.release(batch.releases)
                    return [self._claims.claim(keys) for keys, _ in batch.claims]
            except LedgerError as error:
                self.failed = error
        self._save(batch)
        return [frozenset() for _ in batch.claims]

    def _save(self, batch: _Batch) -> None:
        """Keep answers that the ledger cannot take in a ledger of their own."""
        if not batch.answers:
            return
        try:
            if self._rescue is None:
                handle, name = tempfile.mkstemp(prefix="valuelex-rescued-", suffix=".db")
                os.close(handle)
                self._rescue = Ledger(Path(name))
            self._rescue.record(batch.answers)
            self._n_rescued += len(batch.answers)
        except (LedgerError, OSError) as error:
            self._lost = error if isinstance(error, LedgerError) else LedgerError(str(error))

    def _report(self) -> str:
        parts = [str(self.failed).rstrip(".")]
        if self._rescue is not None and self._n_rescued:
            parts.append(
                f"{count(self._n_rescued, 'answer')} that came meanwhile are in {str(self._rescue.path)!r}; once the "
                f"ledger can be written, add them with: valuelex merge STUDY {self._rescue.path}"
            )
        if self._lost is not None:
            parts.append(f"Some answers could not be kept anywhere ({self._lost})")
        return ". ".join(parts) + "."


def _set_error(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
