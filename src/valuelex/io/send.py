"""Send a study's calls: find keys and servers, gather the replies, and say what stopped.

Owns API keys between the environment and the request, and the life of embedded servers during a run.
Does not plan calls or read replies.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from valuelex.domain.call import Call, Route
from valuelex.domain.study import Study
from valuelex.errors import CallError
from valuelex.io.client import Gathered, Target, gather
from valuelex.io.embedded import EmbeddedServer
from valuelex.io.ledger import Ledger

Bars = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def send_calls(study: Study, new: Mapping[str, Sequence[Call]], ledger: Ledger, show: Bars) -> None:
    """Send the unanswered calls of every stage, each answer going into the ledger as it comes.

    Parameters
    ----------
    study
        Whose calls they are.
    new
        Unanswered calls by stage, in the order in which to send them.
    ledger
        Open for writing.
    show
        Makes a bar for a title and a number of calls.

    Raises
    ------
    CallError
        If a model was given up, or no call was answered at all; what was answered is kept.
    """
    titles = {"elicit": "Eliciting value words", "project": "Completing stems"}
    unanswered = [c for own in new.values() for c in own]
    with ExitStack() as stack:
        targets = _targets(study, unanswered, stack)
        for stage, own in new.items():
            if own:
                with show(titles[stage], len(own)) as on_done:
                    outcome = gather(own, targets, ledger, on_done)
                _raise_for_stops(outcome, len(own))


def check_keys(study: Study, providers: Collection[str] | None = None) -> None:
    """Make sure that every API key that these providers (default: all) need is in the environment.

    Raises
    ------
    CallError
        Naming the variables that are not set.
    """
    endpoints = [r.model.endpoint for r in study.respondents]
    needed = {e.key_variable: e.provider for e in endpoints if providers is None or e.provider in providers}
    unset = [name for name in needed if name and not _api_key(name)]
    if unset:
        msg = f"{needed[unset[0]]!r} needs an API key: set the environment variable {', '.join(unset)}."
        raise CallError(msg)


def _targets(study: Study, calls: Iterable[Call], stack: ExitStack) -> dict[Route, Target]:
    """Find where each route leads, and start a server for each embedded model."""
    models = {
        (r.model.endpoint.provider, r.model.endpoint.identity, r.model.revision): r.model
        for r in study.respondents
    }
    targets: dict[Route, Target] = {}
    for route in dict.fromkeys(call.route for call in calls):
        model = models[route]
        endpoint = model.endpoint
        if endpoint.provider == "embedded":
            server = stack.enter_context(EmbeddedServer(Path(model.weights), model.name))
            targets[route] = Target(server.base_url, endpoint.max_in_flight)
        else:
            key = _api_key(endpoint.key_variable) if endpoint.key_variable else None
            targets[route] = Target(endpoint.identity, endpoint.max_in_flight, key, endpoint.key_variable)
    return targets


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
