"""How fast one endpoint may be called, and whether it answers at all.

Owns limits on calls in flight and on requests and tokens a minute, how they give way when the endpoint says that it is
busy, and the circuit breaker. Pure but for its own state: it is told the time and never waits or sends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

GIVE_WAY = 0.75
"""What is left of the calls in flight after the endpoint said that it is busy."""
BURST_S = 1.0
"""Seconds of the allowance of a minute that may be used at once."""
OPEN_AFTER = 5
"""Faults without an answer between them after which an endpoint is left in peace for a while."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
STRANGE_AT_ONCE = 3
"""Refused connections, or replies of another form, after which an endpoint that never answered is given up."""
PATIENCE_S = 300.0
"""How long an endpoint that has answered may be busy or down before it is given up."""
PATIENCE_WITH_STRANGERS_S = 20.0
"""The same for an endpoint that has not answered yet."""


class Trouble(Enum):
    """What went wrong with one attempt, as far as the endpoint is concerned.

    ALIEN: it answered something of another form, as a wrong address does, or a cut reply.
    """

    BUSY = "busy"
    FAULT = "fault"
    ALIEN = "alien"
    DOWN = "down"


@dataclass(slots=True)
class Allowance:
    """A bucket that fills steadily and may be emptied at once.

    Parameters
    ----------
    per_minute
        What flows in; what is not used within `BURST_S` is lost.
    """

    per_minute: float
    level: float = 0.0
    at: float = -math.inf

    @property
    def capacity(self) -> float:
        """The most that can be taken at once."""
        return max(1.0, self.per_minute / 60 * BURST_S)

    def wait_s(self, now: float, amount: float) -> float:
        """Return the seconds until `amount` is there; more than the bucket holds waits for a full one."""
        lacking = min(amount, self.capacity) - self._level(now)
        return max(lacking, 0.0) / self.per_minute * 60

    def take(self, now: float, amount: float) -> None:
        """Take `amount`; more than is there is paid back by waiting longer."""
        self.level = self._level(now) - amount
        self.at = now

    def _level(self, now: float) -> float:
        elapsed = max(now - self.at, 0.0)
        return (
            min(self.capacity, self.level + elapsed / 60 * self.per_minute)
            if elapsed < math.inf
            else self.capacity
        )


class Pace:
    """The state of one endpoint: how many calls are out, how many may be, and since when it is unwell.

    Times are in seconds of a clock that never goes back.

    Parameters
    ----------
    max_in_flight
        Most calls at a time.
    requests_per_minute, tokens_per_minute
        None for no limit.
    """

    def __init__(
        self,
        max_in_flight: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self._most = max_in_flight
        self._limit = float(max_in_flight)
        self._requests = Allowance(requests_per_minute) if requests_per_minute else None
        self._tokens = Allowance(tokens_per_minute) if tokens_per_minute else None
        self.in_flight = 0
        self._held_until = -math.inf
        self._gave_way_at = -math.inf
        self._opened_at = -math.inf
        self._known = False
        self._faults = 0
        self._strange = 0
        self._pauses = 0
        self._unwell_since: float | None = None

    @property
    def limit(self) -> int:
        """Calls that may be out at a time now; one while the breaker tries the endpoint."""
        return 1 if self._pauses else max(int(self._limit), 1)

    def wait_s(self, now: float, tokens: int = 0) -> float:
        """Return how long the next call has to wait: 0 to go now, infinity until another has ended."""
        if self.in_flight >= self.limit:
            return math.inf
        wait = max(self._held_until - now, 0.0)
        if self._requests:
            wait = max(wait, self._requests.wait_s(now, 1))
        if self._tokens:
            wait = max(wait, self._tokens.wait_s(now, tokens))
        return wait

    def begin(self, now: float, tokens: int = 0) -> None:
        """Count a call as out."""
        self.in_flight += 1
        if self._requests:
            self._requests.take(now, 1)
        if self._tokens:
            self._tokens.take(now, tokens)

    def answered(self) -> None:
        """Count a call as back with an answer, of whatever kind: the endpoint is well."""
        self.in_flight -= 1
        self._known = True
        self._faults = self._strange = self._pauses = 0
        self._unwell_since = None
        self._limit = min(self._limit + 1 / max(self._limit, 1.0), float(self._most))

    def failed(self, now: float, trouble: Trouble, begun: float, wait_s: float | None = None) -> None:
        """Count a call as back without an answer.

        Parameters
        ----------
        now, begun
            The time, and that at which the call went out.
        trouble
            What went wrong. Calls that were out already when we gave way, or when the breaker opened, tell
            nothing new.
        wait_s
            How long the endpoint asks to be left in peace, if it does.
        """
        self.in_flight -= 1
        if self._unwell_since is None:
            self._unwell_since = now
        if wait_s is not None:
            self._held_until = max(self._held_until, now + wait_s)
        if trouble is Trouble.BUSY:
            self._known = True  # Whoever asks for patience is there.
            if begun >= self._gave_way_at:
                self._limit = max(self._limit * GIVE_WAY, 1.0)
                self._gave_way_at = now
            return
        self._strange += trouble in (Trouble.DOWN, Trouble.ALIEN)
        self._faults += 1
        if (self._faults >= OPEN_AFTER or trouble is Trouble.DOWN) and begun >= self._opened_at:
            pause = min(FIRST_PAUSE_S * 2**self._pauses, LONGEST_PAUSE_S)
            self._held_until = max(self._held_until, now + pause)
            self._opened_at = now
            self._pauses += 1

    def is_hopeless(self, now: float) -> bool:
        """Tell whether the endpoint has been busy or down for so long that it is given up."""
        if self._unwell_since is None:
            return False
        if not self._known and self._strange >= STRANGE_AT_ONCE:
            return True
        patience = PATIENCE_S if self._known else PATIENCE_WITH_STRANGERS_S
        return now - self._unwell_since >= patience
