"""Send calls: find keys and servers, gather the replies, and say what stopped.

Owns API keys between the environment and the request, and the life of embedded servers during a run.
Does not plan calls or read replies.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from valuelex.domain.call import Call, CallStage, Route
from valuelex.domain.study import Model
from valuelex.errors import CallError
from valuelex.io.client import Gathered, gather
from valuelex.io.embedded import EmbeddedServer
from valuelex.io.endpoint import Target
from valuelex.io.ledger import Ledger

Bars = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
TITLES: dict[CallStage, str] = {
    "probe": "Finding out what endpoints can do",
    "elicit": "Eliciting value words",
    "project": "Completing stems",
    "judge": "Rating completions",
    "choose": "Choosing between statements",
    "rate": "Rating statements",
    "draft": "Drafting stems",
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
    """

    def __init__(self, models: Iterable[Model], ledger: Ledger, show: Bars) -> None:
        self._models = {_route(model): model for model in models}
        self._ledger = ledger
        self._show = show
        self._targets: dict[Route, Target] = {}
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

    def send(self, stage: CallStage, calls: Sequence[Call]) -> None:
        """Send calls that have no answer yet.

        Raises
        ------
        CallError
            If a model was given up, or no call was answered at all; what was answered is kept.
        """
        for route in dict.fromkeys(call.route for call in calls):
            if route not in self._targets:
                self._targets[route] = self._target(self._models[route])
        with self._show(TITLES[stage], len(calls)) as on_done:
            outcome = gather(calls, self._targets, self._ledger, on_done)
        _raise_for_stops(outcome, len(calls))

    def _target(self, model: Model) -> Target:
        endpoint = model.endpoint
        if endpoint.provider == "embedded":
            server = self._servers.enter_context(EmbeddedServer(Path(model.weights), model.name))
            return Target(server.base_url, endpoint.max_in_flight)
        key = _api_key(endpoint.key_variable) if endpoint.key_variable else None
        return Target(endpoint.identity, endpoint.max_in_flight, key, endpoint.key_variable)


def _route(model: Model) -> Route:
    return (model.endpoint.provider, model.endpoint.identity, model.revision)


def check_keys(models: Iterable[Model], providers: Collection[str] | None = None) -> None:
    """Make sure that every API key that these providers (default: all) need is in the environment.

    Raises
    ------
    CallError
        Naming the variables that are not set.
    """
    endpoints = [model.endpoint for model in models]
    needed = {e.key_variable: e.provider for e in endpoints if providers is None or e.provider in providers}
    unset = [name for name in needed if name and not _api_key(name)]
    if unset:
        msg = f"{needed[unset[0]]!r} needs an API key: set the environment variable {', '.join(unset)}."
        raise CallError(msg)


def _api_key(variable: str) -> str | None:
    """Read a key from the environment; one that no HTTP header can carry is refused without being shown."""
    key = os.environ.get(variable, "").strip()
    if not key.isprintable() or not key.isascii():
        msg = f"The environment variable {variable} holds characters that no API key has; set it anew."
        raise CallError(msg)
    return key or None


def _raise_for_stops(outcome: Gathered, n_sent: int) -> None:
    """End the run where a model was given up, or where no call was answered at all."""
    reasons = list(outcome.stops.values())
    if not reasons and outcome.n_failed and not outcome.n_answered:
        reasons = [outcome.last_failure]
    if reasons:
        others = len(reasons) - 1
        more = f" ({others} more model{'s' if others > 1 else ''} stopped.)" if others else ""
        msg = (
            f"{reasons[0].rstrip('.')}.{more} Of {n_sent} calls {outcome.n_answered} were answered and are kept, "
            f"{outcome.n_failed} failed, {outcome.n_not_sent} were not sent; run again to go on."
        )
        raise CallError(msg)
