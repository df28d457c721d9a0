"""Send calls: find keys and servers, gather the replies, and say what stopped.

Owns API keys between the environment and the request, and the life of embedded servers during a run.
Does not plan calls or read replies.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from valuelex.domain.budget import Budget
from valuelex.domain.call import Call, CallStage, Route
from valuelex.domain.study import Model
from valuelex.domain.wording import count
from valuelex.errors import BudgetError, CallError
from valuelex.io.client import Gathered, gather
from valuelex.io.embedded import EmbeddedServer
from valuelex.io.endpoint import Target
from valuelex.io.keys import find_key
from valuelex.io.ledger import Ledger

NAMED = 5
"""Respondents that a message names; more are counted."""
Bars = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
TITLES: dict[CallStage, str] = {
    "probe": "Finding out what endpoints can do",
    "elicit": "Eliciting value words",
    "human": "Eliciting value words as a human",
    "term": "Rating terms",
    "project": "Completing stems",
    "judge": "Rating completions",
    "choose": "Choosing between statements",
    "rate": "Rating statements",
    "name": "Naming groups",
    "draft": "Drafting stems",
    "embed": "Embedding terms",
}


class Sender:
    """Sends calls to the models they are for; servers of embedded models live as long as it is open.

    Parameters
    ----------
    models
        Every model that may be called.
    ledger
        Open for writing; each answer goes into it as it comes.
    show
        Makes a bar for a title and a number of calls.
    budget
        What may be spent; None for no limit.
    """

    def __init__(
        self, models: Iterable[Model], ledger: Ledger, show: Bars, budget: Budget | None = None
    ) -> None:
        self._models = {_route(model): model for model in models}
        self._ledger = ledger
        self._show = show
        self._budget = budget
        self._targets: dict[Route, Target] = {}
        self._vector_targets: dict[Route, Target] = {}
        self._servers = ExitStack()

    def __enter__(self) -> Self:
        """Use the sender in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the servers."""
        self._servers.close()

    def send(self, stage: CallStage, calls: Sequence[Call]) -> Gathered:
        """Send calls that have no answer yet, and tell what became of them."""
        targets = self._vector_targets if stage == "embed" else self._targets
        for route in dict.fromkeys(call.route for call in calls):
            if route not in targets:
                targets[route] = self._target(self._models[route], gives_vectors=stage == "embed")
        with self._show(TITLES[stage], len(calls)) as on_done:
            return gather(calls, targets, self._ledger, on_done, self._budget)

    def _target(self, model: Model, *, gives_vectors: bool) -> Target:
        endpoint = model.endpoint
        if endpoint.provider == "embedded":
            made = EmbeddedServer(Path(model.weights), model.name, gives_vectors=gives_vectors)
            server = self._servers.enter_context(made)
            return Target(server.base_url, endpoint.max_in_flight)
        folder = self._ledger.path.parent
        return Target(
            base_url=endpoint.identity,
            max_in_flight=endpoint.max_in_flight,
            api_key=find_key(endpoint.key_variable, folder) if endpoint.key_variable else None,
            key_variable=endpoint.key_variable,
            timeout_s=endpoint.timeout_s,
            requests_per_minute=endpoint.requests_per_minute,
            tokens_per_minute=endpoint.tokens_per_minute,
        )


def _route(model: Model) -> Route:
    return (model.endpoint.provider, model.endpoint.identity, model.revision)


def check_keys(
    models: Iterable[Model], providers: Collection[str] | None = None, folder: Path | None = None
) -> None:
    """Make sure that every API key that these providers (default: all) need is there; `folder` is the study's.

    Raises
    ------
    CallError
        Naming the variables that are not set.
    """
    endpoints = [model.endpoint for model in models]
    needed = {e.key_variable: e.provider for e in endpoints if providers is None or e.provider in providers}
    unset = [name for name in needed if name and not find_key(name, folder)]
    if unset:
        msg = (
            f"{needed[unset[0]]!r} needs an API key: set the environment variable {', '.join(unset)}, or write a key "
            "file (docs/how-to/models.md)."
        )
        raise CallError(msg)


def raise_for_stops(outcomes: Sequence[Gathered], *, any_answered: bool = False) -> None:
    """End a run where respondents were stopped, the budget was used up, or no call was answered at all.

    `any_answered` tells that some calls of these stages were answered before.

    Raises
    ------
    CallError, BudgetError
        With the reasons and the numbers of calls; what was answered is kept.
    """
    stops = {who: reason for outcome in outcomes for who, reason in outcome.stops.items()}
    n_answered = sum(o.n_answered + o.n_elsewhere for o in outcomes)
    n_failed, n_not_sent = sum(o.n_failed for o in outcomes), sum(o.n_not_sent for o in outcomes)
    counts = (
        f"Of {count(n_answered + n_failed + n_not_sent, 'call')} {n_answered} {'was' if n_answered == 1 else 'were'} "
        f"answered and kept, {n_failed} failed, {n_not_sent} {'was' if n_not_sent == 1 else 'were'} not sent; run "
        "again to go on."
    )
    if any(o.over_budget for o in outcomes):
        msg = f"The limit on calls (--max-calls) or cost (--max-cost) of this run is reached. {counts}"
        raise BudgetError(msg)
    reasons = list(dict.fromkeys(stops.values()))
    if not reasons and n_failed and not n_answered and not any_answered:
        reasons = [next(o.last_failure for o in reversed(outcomes) if o.last_failure)]
    if reasons:
        more = f" ({len(reasons) - 1} more reason(s); see valuelex status.)" if len(reasons) > 1 else ""
        stopped = f" Stopped: {_some(stops)}." if stops else ""
        end = "" if reasons[0].endswith(("?", ".")) else "."
        raise CallError(f"{reasons[0]}{end}{more}{stopped} {counts}")


def _some(names: Iterable[str]) -> str:
    """Name a few and count the others."""
    named = [repr(name) for name in names]
    return ", ".join(named[:NAMED]) + (f" and {len(named) - NAMED} more" if len(named) > NAMED else "")
