"""Let calls to one endpoint through when its pace allows, in the order in which they came.

Owns the waiting: for the time to come, for other calls to end, until the endpoint is given up. When to wait is
decided by `valuelex.io.pace`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque

from valuelex.io.pace import PATIENCE_S, Pace, Trouble


class Gate:
    """The way to one endpoint.

    Parameters
    ----------
    pace
        Its limits and state.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._queue: deque[asyncio.Future[None]] = deque()
        self._sleepers: set[asyncio.Future[None]] = set()
        self.hopeless = ""
        """Why the endpoint was given up; empty as long as it is not."""

    async def enter(self, tokens: int) -> bool:
        """Wait until the endpoint may be called; False when it was given up."""
        while not self.hopeless:
            wait = self._pace.wait_s(time.monotonic(), tokens)
            if wait == 0:
                self._pace.begin(time.monotonic(), tokens)
                return True
            if math.isinf(wait):
                waiting = asyncio.get_running_loop().create_future()
                self._queue.append(waiting)
                await waiting
            else:
                await self.sleep(wait)
        return False

    def leave(self) -> None:
        """Let a call go that was let through and is not sent after all."""
        self._pace.in_flight -= 1
        self._let_through()

    def answered(self) -> None:
        """Count a call as back: the endpoint is well."""
        self._pace.answered()
        self._let_through()

    def failed(self, trouble: Trouble, begun: float, asked_s: float | None, message: str) -> None:
        """Count a call as back without an answer; give the endpoint up where going on is hopeless.

        Parameters
        ----------
        trouble, begun, asked_s
            See `Pace.failed`; `begun` by `time.monotonic`.
        message
            What is said of the endpoint if it is given up.
        """
        now = time.monotonic()
        self._pace.failed(now, trouble, begun, asked_s)
        if (asked_s or 0.0) > PATIENCE_S:
            self.hopeless = f"{message}; it asks to be left in peace for {(asked_s or 0.0) / 60:.0f} minutes"
        elif self._pace.is_hopeless(now):
            self.hopeless = message
        self._let_through()

    async def sleep(self, seconds: float) -> None:
        """Wait some time, or until the endpoint is given up."""
        if self.hopeless:
            return
        loop = asyncio.get_running_loop()
        sleeper = loop.create_future()
        self._sleepers.add(sleeper)
        timer = loop.call_later(seconds, _let_go, sleeper)
        try:
            await sleeper
        finally:
            timer.cancel()
            self._sleepers.discard(sleeper)

    def _let_through(self) -> None:
        """Let calls look again that waited for others to end; all of them when the endpoint was given up."""
        if self.hopeless:
            for waiting in (*self._queue, *self._sleepers):
                _let_go(waiting)
            self._queue.clear()
        for _ in range(min(self._pace.limit - self._pace.in_flight, len(self._queue))):
            _let_go(self._queue.popleft())


def _let_go(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
