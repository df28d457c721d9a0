"""The command that joins ledgers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from valuelex.cli.options import Folder, StudyPath


def merge(
    study: StudyPath,
    ledgers: Annotated[
        list[Path],
        typer.Argument(
            metavar="LEDGER...",
            help="Ledgers to join in: ledger.db files or study folders.",
            show_default=False,
        ),
    ],
    folder: Folder = None,
) -> None:
    """Join the answers of other machines into a study's ledger. Sends nothing.

    The order does not matter, nor does merging twice. The ledgers named are left as they are. If one of them cannot be
    read, nothing is merged. Of two replies to one call the earlier is kept.

    Example: `valuelex merge study.toml part-1 part-2 part-3`
    """
    from valuelex.pipeline.merging import conflicting_probes
    from valuelex.pipeline.merging import merge as merge_into
    from valuelex.pipeline.workspace import open_study

    workspace = open_study(study, folder)
    conflicts_of_probes = conflicting_probes(workspace, ledgers)
    merged = merge_into(workspace, ledgers)
    for name, count in (
        ("calls", merged.calls),
        ("replies", merged.replies),
        ("failures", merged.failures),
    ):
        conflicts = f", {count.n_conflict} in conflict" if count.n_conflict else ""
        typer.echo(f"  {name:8} {count.n_new} new, {count.n_there} there already{conflicts}")
    if merged.replies.n_conflict:
        typer.echo("  Of two replies to one call the earlier was kept.")
    for line in conflicts_of_probes:
        typer.echo(f"  {line}")
    typer.echo(f"They are in {workspace.ledger_path}. Next: valuelex run {study}")
