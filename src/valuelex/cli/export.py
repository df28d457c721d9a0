"""The command that gives a study's calls and replies to other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from valuelex.cli.options import Folder, StudyPath
from valuelex.domain.wording import count


def export(
    study: StudyPath,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write into.", show_default=False)],
    form: Annotated[
        Literal["eval", "parquet"],
        typer.Option(
            "--format", help="eval: logs of Inspect AI, one a respondent and stage. parquet: tables."
        ),
    ] = "eval",
    folder: Folder = None,
) -> None:
    """Write a study's calls and replies for other programs. Sends nothing.

    Logs open in Inspect's viewer, show ratings where the study has them, and can be imported again exactly:
    `inspect view --log-dir DIR`. They need `pip install 'valuelex[inspect]'`. API keys are in neither form.

    Example: `valuelex export examples/pocket.toml --to logs`
    """
    from valuelex.pipeline.exporting import export as write
    from valuelex.pipeline.workspace import open_study

    n_files = n_answers = 0

    def on_written(path: Path, n: int) -> None:
        nonlocal n_files, n_answers
        n_files, n_answers = n_files + 1, n_answers + n
        typer.echo(f"  {path.name}  {n}")

    write(open_study(study, folder), to, form, on_written)
    typer.echo(f"Wrote {count(n_answers, 'answered call')} in {count(n_files, 'file')}: {to}")
