"""Verify a study: the ledger from within, and the results against the ledger. Sends and changes nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from valuelex.domain.check import Check
from valuelex.errors import DataError, LedgerError
from valuelex.io import files
from valuelex.io.embed import MiniLM
from valuelex.io.ledger import Ledger
from valuelex.io.ledger_check import check_ledger
from valuelex.io.results_check import compare_results, trace_rows
from valuelex.pipeline.asking import Asker
from valuelex.pipeline.planning import Stage, planned_calls
from valuelex.pipeline.probing import probe_payloads, settled
from valuelex.pipeline.workspace import Progress, Silent, Workspace
from valuelex.stages.probe import read_probes

STRUCTURE_FILES = ("factors.json", "loadings.csv", "populations.json", "populations.csv")
_MADE_BY: tuple[tuple[Stage, frozenset[str]], ...] = (
    (
        "report",
        frozenset(
            {
                "report.html",
                "quality.json",
                "crosswalk.csv",
                "crosswalk.json",
                "contrasts.csv",
                "orientations.csv",
                "notes.parquet",
                "ratings.parquet",
            }
        ),
    ),
    ("project", frozenset({"completions.parquet"})),
    (
        "construct",
        frozenset(
            {
                "lexicon.json",
                "response_matrix.npz",
                "human_lexicon.json",
                "human_matrix.npz",
                "human_control.json",
                "structure.json",
                "value_system.json",
                "names.parquet",
                "observed.json",
                *STRUCTURE_FILES,
            }
        ),
    ),
    (
        "elicit",
        frozenset(
            {
                "responses.parquet",
                "observed_texts.parquet",
                "observed_forms.csv",
                "observed_rates.csv",
                "human_responses.parquet",
                "term_ratings.parquet",
                "rated_matrix.parquet",
                "rated_terms.json",
            }
        ),
    ),
)
"""Stages from the last to the first, and the result files that are there once it was reached, and not before."""


def verify(workspace: Workspace, progress: Progress | None = None) -> list[Check]:
    """Check a study's ledger and results.

    Every row of the result files is traced to its call, and all results are computed again from the ledger in
    a folder for temporary files, with the readers of the pipeline: they must be the same files, and the same to the
    byte. They are computed up to the last stage of which any file is there.

    Parameters
    ----------
    workspace
        The study and its folder.
    progress
        Told which computation begins.

    Returns
    -------
    list of Check
        Results are left out where the ledger itself is damaged, or where there are none.

    Raises
    ------
    LedgerError
        If there is no ledger, or it is of another program or version.
    """
    progress = progress or Silent()
    if not workspace.ledger_path.exists():
        msg = f"No ledger in {str(workspace.folder)!r} yet; name another folder."
        raise LedgerError(msg)
    checks = check_ledger(workspace.ledger_path)
    if any(check.n_wrong for check in checks[:4]):
        return checks
    with Ledger(workspace.ledger_path, read_only=True) as ledger:
        checks += trace_rows(workspace.folder, ledger.answered())
        stage = next(
            (s for s, names in _MADE_BY if any((workspace.folder / n).exists() for n in names)), None
        )
        if stage == "construct" and workspace.study.elicit is None:
            stage = "report"  # Where nothing is built, value systems are written with the report.
        if stage is not None:
            checks.append(_compute_again(workspace, ledger, stage, progress))
    return checks


def _compute_again(workspace: Workspace, ledger: Ledger, until: Stage, progress: Progress) -> Check:
    from valuelex.pipeline.computing import compute  # Slow to import, and needed for results only.

    study = settled(workspace.study, ledger)
    calls = planned_calls(study)
    asker = Asker(study, calls, ledger, None, lambda _: False)
    embedder = None if until == "elicit" else MiniLM.load()
    stopped = ""
    with tempfile.TemporaryDirectory(prefix="valuelex-verify-") as name:
        again = Path(name)
        files.write_study(again, study)
        found = read_probes(workspace.study, probe_payloads(workspace.study, ledger))
        if found:
            files.write_probes(again, found)
        try:
            compute(
                Workspace(study, again),
                calls,
                asker,
                embedder,
                progress,
                until,
                lambda: ledger.answers("observe"),
            )
        except DataError as error:
            stopped = str(error).replace(str(again), str(workspace.folder))
        return compare_results(workspace.folder, again, files.RESULT_FILES, stopped)
