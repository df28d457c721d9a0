"""Which process sends which calls, so that several may work on one ledger and no call is paid for twice.

A process is alive as long as it holds the lock on its own file beside the ledger, `.sender-ID.lock`; the lock falls
with the process, however that ends. For processes of one machine: neither the lock nor SQLite's WAL is
sound across a network.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from valuelex.errors import LedgerError
from valuelex.io.ledger import Ledger


class Claims:
    """The claims of this process on calls, for as long as the `with` block lasts.

    Parameters
    ----------
    ledger
        Open for writing.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._folder = ledger.path.parent
        self._sender = uuid.uuid4().hex
        self._lock = self._lock_of(self._sender)

    def __enter__(self) -> Self:
        """Show that this process is alive, and forget the claims of those that are not."""
        # Within a transaction, which one process has at a time: nobody may test a lock while it is being made.
        with self._ledger.transaction():
            try:
                self._lock.acquire()
            except OSError as error:
                msg = f"{str(self._folder)!r} cannot be used ({error.strerror}); free space or check its rights."
                raise LedgerError(msg) from error
            self.forget_the_dead()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give all claims back."""
        try:
            self._ledger.dismiss([self._sender])
        except LedgerError:
            if kind is None:
                raise
        finally:
            self._lock.release()
            self._path_of(self._sender).unlink(missing_ok=True)

    def claim(self, keys: Iterable[str]) -> frozenset[str]:
        """Claim calls; return those that nobody has answered and nobody else is sending."""
        return self._ledger.claim(keys, self._sender)

    def forget_the_dead(self) -> None:
        """Give back the claims of processes that have ended without doing so."""
        with self._ledger.transaction():
            self._forget_the_dead()

    def _forget_the_dead(self) -> None:
        files = {path.stem.removeprefix(".sender-") for path in self._folder.glob(".sender-*.lock")}
        others = (self._ledger.senders() | files) - {self._sender}
        dead = [name for name in others if not self._is_alive(name)]
        if dead:
            self._ledger.dismiss(dead)
            for name in dead:
                self._path_of(name).unlink(missing_ok=True)

    def _is_alive(self, sender: str) -> bool:
        if not self._path_of(sender).exists():
            return False
        lock = self._lock_of(sender)
        try:
            lock.acquire()
        except Timeout:
            return True
        lock.release()
        return False

    def _path_of(self, sender: str) -> Path:
        return self._folder / f".sender-{sender}.lock"

    def _lock_of(self, sender: str) -> FileLock:
        return FileLock(self._path_of(sender), timeout=0)
