"""Send calls to OpenAI-compatible endpoints and record every answer in the ledger.

Owns the order of calls, when one is tried again, and what stops a respondent or an endpoint. Sends nothing that the
ledger has answered or that another process is sending. Does not read the content of answers beyond their form.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from valuelex.domain.budget import Budget
from valuelex.domain.call import Call, Route
from valuelex.domain.cost import Usage, usage_of
from valuelex.io.claims import Claims
from valuelex.io.endpoint import (
    AttemptError,
    BarredError,
    HttpSession,
    Received,
    RefusedError,
    Target,
    TransientError,
)
from valuelex.io.gate import Gate
from valuelex.io.inspect_transport import InspectSession, is_inspect
from valuelex.io.journal import Journal
from valuelex.io.ledger import Answer, Failure, Ledger
from valuelex.io.pace import Pace, Trouble

ATTEMPTS = 6
"""Attempts at a call that the endpoint answers with a fault; being busy or down counts for the endpoint instead."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
BUSY_PATIENCE_S, BUSY_AT_LEAST = 150.0, 10
"""How long, and for how many attempts, a model may be answered with 429 alone before its respondent is stopped."""
STOP_AFTER = 5
"""Calls of a respondent that fail, with none answered between them, before it is given up."""
LOOK_AHEAD = 10_000
"""Planned calls that wait in memory at the most, so that a slow endpoint does not hold up a fast one."""
OTHERS_EVERY_S = 0.5
"""How often calls that another process is sending are looked at again."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What became of the calls: numbers, and why respondents were given up, by their ids.

    `n_elsewhere` calls were answered, or failed, in another process. `over_budget` tells that the budget
    ended the sending. `last_failure` is the message of the last call that failed; empty when none did.
    """

    n_answered: int
    n_failed: int
    n_not_sent: int
    stops: Mapping[str, str]
    last_failure: str = ""
    n_elsewhere: int = 0
    over_budget: bool = False


def gather(
    calls: Iterable[Call],
    targets: Mapping[Route, Target],
    ledger: Ledger,
    on_done: Callable[[int], None] = lambda _: None,
    budget: Budget | None = None,
) -> Gathered:
    """Send calls and record each answer as it comes.

    Parameters
    ----------
    calls
        In the order in which to send them; read as they are needed, so memory does not grow with their number.
        Those that the ledger has answered are not sent.
    targets
        Where to send them, by route.
    ledger
        Open for writing. An answer is committed before it counts as done.
    on_done
        Told the number of calls that just ended, answered or failed.
    budget
        Asked before each call.

    Returns
    -------
    Gathered
        A permanent error stops the respondent it belongs to; the others go on.

    Raises
    ------
    LedgerError
        If the ledger can no longer be written; says where the answers are that came meanwhile.
    """
    try:
        return asyncio.run(_gather(calls, targets, ledger, on_done, budget))
    except BaseExceptionGroup as group:
        raise _first_cause(group) from group


async def _gather(
    calls: Iterable[Call],
    targets: Mapping[Route, Target],
    ledger: Ledger,
    on_done: Callable[[int], None],
    budget: Budget | None,
) -> Gathered:
    with Claims(ledger) as claims:
        async with Journal(ledger, claims) as journal:
            return await _Gathering(calls, targets, ledger, claims, journal, on_done, budget).run()


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class Session(Protocol):
    """The way to one endpoint: HTTP of our own, or Inspect AI's models."""

    async def post(self, call: Call) -> Received:
        """Send a call once; see `HttpSession.post`."""

    async def close(self) -> None:
        """Close all connections."""


@dataclass(slots=True)
class _Lane:
    """The calls of one route: planned, claimed, and those that another process is sending."""

    target: Target
    session: Session
    gate: Gate
    planned: deque[Call] = field(default_factory=deque)
    claimed: deque[Call] = field(default_factory=deque)
    elsewhere: dict[str, Call] = field(default_factory=dict)
    claiming: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Gathering:
    """One run of `gather`."""

    def __init__(
        self,
        calls: Iterable[Call],
        targets: Mapping[Route, Target],
        ledger: Ledger,
        claims: Claims,
        journal: Journal,
        on_done: Callable[[int], None],
        budget: Budget | None,
    ) -> None:
        self._plan: Iterator[Call] = iter(calls)
        self._targets, self._ledger, self._claims, self._journal = targets, ledger, claims, journal
        self._on_done, self._budget = on_done, budget
        self._lanes: dict[Route, _Lane] = {}
        self._n_planned = 0
        self._ended = False
        self._room = asyncio.Event()
        self._budget_moved = asyncio.Event()
        self._last_failure_before = ledger.last_failure()
        self._stops: dict[str, str] = {}
        self._answered_by: set[str] = set()
        self._busy: dict[str, tuple[float, int]] = {}
        self._failed_in_a_row: Counter[str] = Counter()
        self._n_answered = self._n_failed = self._n_not_sent = self._n_elsewhere = 0
        self._over_budget = False
        self._last_failure = ""

    async def run(self) -> Gathered:
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._read_ahead(None)
        finally:
            for lane in self._lanes.values():
                await lane.session.close()
        return Gathered(
            self._n_answered,
            self._n_failed,
            self._n_not_sent,
            dict(self._stops),
            self._last_failure,
            self._n_elsewhere,
            self._over_budget,
        )

    def _read_ahead(self, wanted: _Lane | None) -> None:
        """Read the plan until the lane has calls (None: as far as may be looked ahead)."""
        while not self._ended and self._n_planned < LOOK_AHEAD and not (wanted and wanted.planned):
            call = next(self._plan, None)
            if call is None:
                self._ended = True
                self._room.set()
                return
            lane = self._lanes.get(call.route) or self._open(call.route)
            lane.planned.append(call)
            self._n_planned += 1

    def _open(self, route: Route) -> _Lane:
        target = self._targets[route]
        session = InspectSession(target) if is_inspect(target.base_url) else HttpSession(target)
        pace = Pace(target.max_in_flight, target.requests_per_minute, target.tokens_per_minute)
        lane = self._lanes[route] = _Lane(target, session, Gate(pace))
        for _ in range(target.max_in_flight):
            self._group.create_task(self._work(lane))
        return lane

    async def _work(self, lane: _Lane) -> None:
        while (call := await self._next(lane)) is not None:
            if await self._reserve(call):
                await self._carry(lane, call)
            else:
                self._n_not_sent += 1

    async def _next(self, lane: _Lane) -> Call | None:
        """Take the next call of a lane that is to be sent; None when there will be none."""
        while True:
            if self._is_over:
                self._skip_all(lane)
                return None
            if lane.claimed:
                call = lane.claimed.popleft()
                if self._may_go(lane, call):
                    return call
                await self._journal.release([call.key])
                continue
            async with lane.claiming:
                if not lane.claimed and not await self._fill(lane):
                    return None

    @property
    def _is_over(self) -> bool:
        """Tell whether nothing at all is to be sent any more."""
        return self._over_budget or self._journal.failed is not None

    def _may_go(self, lane: _Lane, call: Call) -> bool:
        """Tell whether a call is to be sent; count those that are not."""
        if lane.gate.hopeless:
            self._stops.setdefault(call.respondent_id, lane.gate.hopeless)
        if call.respondent_id not in self._stops:
            return True
        self._n_not_sent += 1
        return False

    def _skip_all(self, lane: _Lane) -> None:
        """Count what is left as not sent."""
        self._n_not_sent += (
            len(lane.claimed) + len(lane.planned) + len(lane.elsewhere) + sum(1 for _ in self._plan)
        )
        self._ended = True
        self._n_planned -= len(lane.planned)
        for waiting in (lane.claimed, lane.planned, lane.elsewhere):
            waiting.clear()
        self._room.set()

    async def _fill(self, lane: _Lane) -> bool:
        """Claim further calls of a lane, waiting for them where need be; False when there will be none."""
        self._read_ahead(lane)
        if lane.planned:
            await self._claim(lane)
        elif not self._ended:
            self._room.clear()
            await self._room.wait()
        elif lane.elsewhere:
            await self._look_elsewhere(lane)
        else:
            return False
        return True

    async def _claim(self, lane: _Lane) -> None:
        """Claim the next planned calls of a lane; what others have answered or are sending is left to them."""
        n = min(len(lane.planned), lane.target.max_in_flight)
        some = [lane.planned.popleft() for _ in range(n)]
        self._n_planned -= n
        self._room.set()
        some = [call for call in some if self._may_go(lane, call)]
        if some:
            granted = await self._journal.claim([call.key for call in some])
            lane.claimed.extend(call for call in some if call.key in granted)
            lane.elsewhere |= {call.key: call for call in some if call.key not in granted}

    async def _look_elsewhere(self, lane: _Lane) -> None:
        """See what became of calls that another process was sending; take over those that it left."""
        keys = list(lane.elsewhere)

        def look() -> tuple[frozenset[str], frozenset[str]]:
            done = self._ledger.answered(keys) | self._ledger.failed_since(self._last_failure_before, keys)
            self._claims.forget_the_dead()
            return done, self._claims.claim(key for key in keys if key not in done)

        done, granted = await self._journal.apart(look)
        for key in done:
            del lane.elsewhere[key]
        lane.claimed.extend(lane.elsewhere.pop(key) for key in granted)
        self._n_elsewhere += len(done)
        self._on_done(len(done))
        if lane.elsewhere and not granted:
            await asyncio.sleep(OTHERS_EVERY_S)

    async def _carry(self, lane: _Lane, call: Call) -> None:
        """Try a call, which the budget has allowed, until it is answered or hopeless; record what became of it."""
        started = time.monotonic()
        attempts = n_lost = 0
        tokens = _tokens(call) if lane.target.tokens_per_minute else 0
        failure: AttemptError | None = None
        reserved = True
        while n_lost < ATTEMPTS and await lane.gate.enter(tokens):
            reserved = reserved or await self._reserve(call)
            if not reserved or self._is_over:
                lane.gate.leave()
                break
            attempts += 1
            begun = time.monotonic()
            try:
                received = await lane.session.post(call)
            except TransientError as error:
                failure = error
                lane.gate.failed(error.trouble, begun, error.wait_s, str(error))
                if error.trouble is Trouble.BUSY and self._is_busy_for_long(call):
                    self._stops.setdefault(call.respondent_id, str(error))
                    break
                if error.trouble in (Trouble.FAULT, Trouble.ALIEN):
                    # The endpoint may have computed an answer that did not arrive, and want to be paid for it.
                    n_lost += 1
                    self._settle(call, None)
                    reserved = False
                if n_lost < ATTEMPTS:
                    await lane.gate.sleep(_backoff(attempts, error.wait_s))
            except AttemptError as error:
                failure = error
                lane.gate.answered()
                break
            else:
                lane.gate.answered()
                self._settle(call, usage_of(received.payload))
                await self._keep(call, received, time.monotonic() - started, attempts)
                return
        if reserved and self._budget is not None:
            self._budget.release(call)
            self._budget_moved.set()
        await self._fail(call, failure, attempts, lane.gate.hopeless)

    def _is_busy_for_long(self, call: Call) -> bool:
        """Tell whether a model has long been busy, though its endpoint may serve others: some limits are a model's."""
        now = time.monotonic()
        since, n = self._busy.get(call.model, (now, 0))
        self._busy[call.model] = (since, n + 1)
        return now - since >= BUSY_PATIENCE_S and n + 1 >= BUSY_AT_LEAST

    async def _reserve(self, call: Call) -> bool:
        """Ask the budget for a call; where calls in flight hold what it needs, wait for what they leave."""
        while self._budget is not None and not self._is_over and not self._budget.may_send(call):
            if not self._budget.n_in_flight:
                self._over_budget = True
                self._budget_moved.set()
                return False
            self._budget_moved.clear()
            await self._budget_moved.wait()
        return not self._is_over

    def _settle(self, call: Call, usage: Usage | None) -> None:
        if self._budget is not None:
            self._budget.settle(call, usage)
            self._budget_moved.set()

    async def _keep(self, call: Call, received: Received, latency_s: float, attempts: int) -> None:
        await self._journal.answer(Answer(call, received.text, latency_s, attempts))
        self._n_answered += 1
        self._answered_by.add(call.respondent_id)
        self._busy.pop(call.model, None)
        self._failed_in_a_row[call.respondent_id] = 0
        self._on_done(1)

    async def _has_answered(self, who: str) -> bool:
        """Tell whether a respondent was ever answered, in this run or before."""
        return who in self._answered_by or await self._journal.apart(lambda: self._ledger.has_answered(who))

    async def _fail(self, call: Call, error: AttemptError | None, attempts: int, hopeless: str) -> None:
        """Record a failed call, and give its respondent up where going on is hopeless."""
        who = call.respondent_id
        if hopeless:
            self._stops.setdefault(who, hopeless)
        if error is None:
            self._n_not_sent += 1
            await self._journal.release([call.key])
            return
        self._failed_in_a_row[who] += not isinstance(error, RefusedError)
        if isinstance(error, RefusedError):
            # A judge reads texts of every length and kind: that one of them is refused says nothing of the next.
            is_hopeless = call.stage != "judge" and not await self._has_answered(who)
        else:
            is_hopeless = isinstance(error, BarredError) or self._failed_in_a_row[who] >= STOP_AFTER
        if is_hopeless:
            self._stops.setdefault(who, str(error))
        self._last_failure = str(error)
        await self._journal.fail(Failure(call, str(error), attempts, error.reason))
        self._n_failed += 1
        self._on_done(1)


def _backoff(attempt: int, asked_s: float | None) -> float:
    """Return the seconds before the next attempt: what the endpoint asks for, or ever longer, and jittered."""
    most = min(FIRST_WAIT_S * 2.0 ** (attempt - 1), LONGEST_WAIT_S)
    jittered = most * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    return asked_s + jittered * 0.1 if asked_s else jittered


def _tokens(call: Call) -> int:
    """Tokens that a call may use, roughly: four characters each, and the longest answer."""
    limit = json.loads(call.body)
    longest: object = limit.get("max_tokens") or limit.get("max_completion_tokens") or 0
    return len(call.body) // 4 + (longest if isinstance(longest, int) else 0)
