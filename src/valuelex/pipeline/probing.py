"""Find out what models can do before a study's calls are planned.

Owns the rounds of probes and what they found of a ledger. Sends through what it is given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from valuelex.domain.call import Call
from valuelex.domain.study import Study
from valuelex.errors import CallError
from valuelex.io.ledger import Ledger
from valuelex.stages.probe import (
    most_probes,
    plan_probes,
    possible_probes,
    read_probes,
    with_capabilities,
)


def settled(study: Study, ledger: Ledger | None) -> Study:
    """Return the study with what the probes in the ledger found out; the rest stays open."""
    return with_capabilities(study, read_probes(study, probe_payloads(study, ledger)))


def probe_payloads(study: Study, ledger: Ledger | None) -> dict[str, dict[str, Any]]:
    """Return the answers in the ledger that tell something of a study's models, by call key."""
    told = ledger.payloads(possible_probes(study)) if ledger else {}
    return {key: json.loads(payload) for key, payload in told.items()}


def send_probes(study: Study, ledger: Ledger, send: Callable[[Sequence[Call]], object]) -> None:
    """Send probes, round by round, until all is found out that can be.

    Raises
    ------
    CallError
        What `send` raised first; who could not be probed does not hold up the others.
    """
    tried: set[str] = set()
    trouble: CallError | None = None
    while True:
        payloads = probe_payloads(study, ledger)
        new = [c for c in plan_probes(study, payloads) if c.key not in payloads and c.key not in tried]
        if not new:
            break
        tried |= {call.key for call in new}
        try:
            send(new)
        except CallError as error:
            trouble = trouble or error
    if trouble:
        raise trouble


def count_probes(study: Study, ledger: Ledger | None) -> tuple[int, int]:
    """Count the probes of a study: at the most, and answered; once all is found out both are the same."""
    payloads = probe_payloads(study, ledger)
    planned = plan_probes(study, payloads)
    if all(call.key in payloads for call in planned):
        return len(planned), len(planned)
    return most_probes(study, payloads), len(payloads)
