"""Bring the answers of other machines into a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from valuelex.io import files
from valuelex.io.ledger_merge import Merged, merge_ledgers
from valuelex.pipeline.workspace import Workspace


def merge(workspace: Workspace, others: Sequence[Path]) -> Merged:
    """Join ledgers into the ledger of a study; sends and computes nothing.

    Parameters
    ----------
    workspace
        The study and its folder.
    others
        Ledger files, or study folders that hold one.

    Raises
    ------
    LedgerError
        If one of them cannot be read; then nothing was joined.
    """
    files.open_folder(workspace.folder)
    return merge_ledgers(workspace.ledger_path, [p / "ledger.db" if p.is_dir() else p for p in others])
