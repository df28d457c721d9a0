"""Export a study's ledger for other programs. Reads only; sends nothing and takes no lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from valuelex.errors import LedgerError
from valuelex.io.export_tables import read_scores, read_standings, write_answers
from valuelex.io.inspect_log import export_logs
from valuelex.io.inspect_wire import require_inspect
from valuelex.io.ledger import Ledger
from valuelex.pipeline.workspace import Workspace

Form = Literal["eval", "parquet"]


def export(workspace: Workspace, folder: Path, form: Form, on_written: Callable[[Path, int], None]) -> None:
    """Write every answered call of a study, with its reply, into a folder.

    Parameters
    ----------
    workspace
        The study; its ledger is read, and its ratings and orientations where it has any.
    folder
        Where to write.
    form
        "eval" for Inspect AI, "parquet" for tables.
    on_written
        Told the path of each file, and the number of answers in it.

    Raises
    ------
    LedgerError
        If there is no ledger, or a file cannot be written.
    MissingPartError
        If the form needs a part that is not installed.
    """
    if not workspace.ledger_path.exists():
        msg = f"No ledger in {str(workspace.folder)!r} yet; run the study first."
        raise LedgerError(msg)
    if form == "eval":
        require_inspect()
    with Ledger(workspace.ledger_path, read_only=True) as ledger:
        if form == "eval":
            scores, standings = read_scores(workspace.folder), read_standings(workspace.folder)
            said = (
                a for a in ledger.answers() if a.call.stage != "embed"
            )  # Vectors are no words to look at.
            export_logs(folder, workspace.study.name, said, scores, standings, on_written)
        else:
            write_answers(folder, ledger.answers(), on_written)
