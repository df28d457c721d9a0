"""Carry a study from its design to its report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from valuelex.domain.results import Results
from valuelex.io import files
from valuelex.io.embed import MiniLM
from valuelex.io.ledger import Ledger
from valuelex.io.send import Sender
from valuelex.pipeline.asking import Asker, models_of
from valuelex.pipeline.finished import mark_finished
from valuelex.pipeline.planning import Stage, check_rated, independent_calls, planned_calls
from valuelex.pipeline.status import Status
from valuelex.pipeline.workspace import Progress, Silent, Workspace


def run(
    workspace: Workspace,
    *,
    until: Stage = "report",
    send: bool = True,
    approve: Callable[[Status], bool] = lambda _: True,
    progress: Progress | None = None,
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
        as missing (CALL_FAILED).
    approve
        Asked once, before the first call is sent, with the numbers of new calls; False ends the run.
    progress
        Shows what is being done.

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
    DataError
        If the answers are too few or too poor for a stage.
    """
    progress = progress or Silent()
    study = workspace.study
    files.open_folder(workspace.folder)
    with Ledger(workspace.ledger_path) as ledger:
        calls = planned_calls(study)
        if until in ("elicit", "construct"):
            calls = {"elicit": calls["elicit"]}
        embedder = None if until == "elicit" else MiniLM.load()  # Before anything is paid for.
        check_rated(study)
        with Sender(models_of(study), ledger, progress.calls) if send else nullcontext() as sender:
            asker = Asker(study, calls, ledger, sender, approve)
            files.write_study(workspace.folder, study)
            asker.ahead(independent_calls(study, calls, until))
            from valuelex.pipeline.computing import compute  # Slow to import, and not needed to send.

            results = compute(workspace, calls, asker, embedder, progress, until)
        if results is not None and asker.is_complete:
            mark_finished(workspace, ledger)
        if send and not asker.n_sent:
            progress.step("Nothing was sent: every answer was in the ledger")
        return results
