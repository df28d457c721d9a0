"""The command that verifies a study."""

from __future__ import annotations

import typer

from valuelex.cli.options import Folder, StudyPath
from valuelex.cli.show import Bars


def verify(study: StudyPath, folder: Folder = None) -> None:
    """Check the ledger and trace every result to it. Sends and changes nothing.

    Takes as long as `valuelex report`, since all results are computed again, beside the study, and compared.
    Exit code 1 if anything is wrong.

    Example: `valuelex verify examples/pocket.toml`
    """
    from valuelex.pipeline.verifying import verify as verify_study
    from valuelex.pipeline.workspace import open_study

    checks = verify_study(open_study(study, folder), Bars())
    for check in checks:
        if not check.n_wrong:
            typer.echo(f"  ok     {check.title} ({check.n_checked})")
            continue
        more = f" and {check.n_wrong - len(check.first)} more" if check.n_wrong > len(check.first) else ""
        typer.echo(
            f"  WRONG  {check.title} ({check.n_wrong} of {check.n_checked}): {'; '.join(check.first)}{more}"
        )
    if any(check.n_wrong for check in checks):
        raise typer.Exit(1)
    typer.echo("Everything holds.")
