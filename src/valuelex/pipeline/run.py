"""Carry a study from its design to its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from valuelex.domain.budget import Budget
from valuelex.domain.call import Call, CallStage
from valuelex.domain.results import Results
from valuelex.domain.study import Study
from valuelex.errors import CallError
from valuelex.io import files
from valuelex.io.embed import MiniLM
from valuelex.io.ledger import Ledger
from valuelex.io.send import Sender
from valuelex.pipeline.asking import Asker, models_of
from valuelex.pipeline.finished import mark_finished
from valuelex.pipeline.planning import (
    ELICITED,
    Stage,
    asks_much,
    check_rated,
    independent_calls,
    needed_terms,
    planned_calls,
)
from valuelex.pipeline.probing import probe_payloads, send_probes, settled
from valuelex.pipeline.status import Status
from valuelex.pipeline.workspace import Progress, Silent, Workspace
from valuelex.stages.caveats import template_caveats
from valuelex.stages.probe import read_probes, unsettled


def run(
    workspace: Workspace,
    *,
    until: Stage = "report",
    send: bool = True,
    approve: Callable[[Status], bool] = lambda _: True,
    progress: Progress | None = None,
    budget: Budget | None = None,
) -> Results | None:
    """Carry a study from its design to its report.

    Parameters
    ----------
    workspace
        The study and its folder. Several processes may run it at once: no call is sent by two of them.
    until
        The last stage to carry out.
    send
        False computes everything from the ledger as it is; calls without an answer then count
        as missing (CALL_FAILED). Recorded answers are only ever imported: those that were not are NOT_RECORDED.
    approve
        Asked once, before the first call is sent, with the numbers of new calls; False ends the run.
    progress
        Shows what is being done.
    budget
        Limits on calls and cost of this run; None for none.

    Returns
    -------
    Results or None
        None when the run ended before the report.

    Raises
    ------
    NotApprovedError
        If `approve` said no; nothing was sent.
    CallError
        If a model or endpoint could not be called; all answers so far are kept.
    BudgetError
        If the budget ended the sending; run again to go on.
    DataError
        If the answers are too few or too poor for a stage.
    """
    progress = progress or Silent()
    study = workspace.study
    files.open_folder(workspace.folder)
    with Ledger(workspace.ledger_path) as ledger:
        known = settled(study, ledger)
        calls = _planned(known, until)
        embedder = None if until == "elicit" else MiniLM.load()  # Before anything is paid for.
        check_rated(study)
        if send and asks_much(study):
            progress.tell(needed_terms(study))
        sending = Sender(models_of(study), ledger, progress.calls, budget) if send else nullcontext()
        with sending as sender:
            asked = (
                _without_construction(study) if until == "elicit" else study
            )  # What is counted and allowed.
            asker = Asker(asked, calls, ledger, sender, approve, budget)
            study = _find_out(study, ledger, asker, until) if send else known
            if study != known:
                calls = _planned(study, until)
                asker.replan(calls)
            files.write_study(workspace.folder, study)
            _tell_found(workspace, ledger, study, progress)
            asker.ahead(independent_calls(study, calls, until))
            from valuelex.pipeline.computing import compute  # Slow to import, and not needed to send.

            resolved, texts = replace(workspace, study=study), partial(ledger.answers, "observe")
            results = compute(resolved, calls, asker, embedder, progress, until, texts)
        if results is not None and asker.is_complete:
            mark_finished(workspace, ledger)
        if send and not asker.n_sent:
            progress.step("Nothing was sent: every answer was in the ledger")
        return results


def _without_construction(study: Study) -> Study:
    """Leave out of a study whom the building of its value system asks."""
    construct = replace(study.construct, embeddings=()) if study.construct else None
    return replace(study, namer=None, construct=construct)


def _planned(study: Study, until: Stage) -> Mapping[CallStage, tuple[Call, ...]]:
    calls = planned_calls(study)
    if until in ("elicit", "construct"):
        return {stage: own for stage, own in calls.items() if stage in ELICITED}
    return calls


def _find_out(study: Study, ledger: Ledger, asker: Asker, until: Stage) -> Study:
    """Send probes and return the study with what they found out.

    Who could not be probed does not hold up the others: their calls are sent before the run ends. A namer that could
    not be probed does not end it: names are labels, and no figure waits for them.
    """
    trouble: CallError | None = None
    try:
        send_probes(study, ledger, lambda probes: asker.ahead({"probe": probes}))
    except CallError as error:
        trouble = error
    found = settled(study, ledger)
    waiting = set(unsettled(study, probe_payloads(study, ledger)))
    waiting -= {study.namer.id} if study.namer is not None else set()
    if waiting:
        calls = _planned(found, until)
        asker.replan(calls)
        independent = independent_calls(found, calls, until)
        asker.ahead(
            {stage: [c for c in own if c.respondent_id not in waiting] for stage, own in independent.items()}
        )
        msg = f"What {min(waiting)!r} can do could not be found out; see valuelex status, and run again."
        raise trouble or CallError(msg)
    return found


def _tell_found(workspace: Workspace, ledger: Ledger, study: Study, progress: Progress) -> None:
    """Write what was found out, and say at once which raw completion is none."""
    found = read_probes(workspace.study, probe_payloads(workspace.study, ledger))
    if found:
        files.write_probes(workspace.folder, found)
    for sentence in template_caveats(study):
        progress.tell(sentence)
