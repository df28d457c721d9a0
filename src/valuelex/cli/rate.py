"""The command by which people rate completions."""

from __future__ import annotations

import json
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuelex.cli.options import Folder, StudyPath

if TYPE_CHECKING:
    from valuelex.io.rate_page import Sitting
    from valuelex.pipeline.rating import Outcome


def rate(
    study: StudyPath,
    rater: Annotated[
        str, typer.Option(metavar="NAME", help="Who rates: letters, digits, - and _.", show_default=False)
    ],
    system: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A given value system of the study. Default: the only one.",
            show_default=False,
        ),
    ] = None,
    folder: Folder = None,
    n: Annotated[
        int | None,
        typer.Option("--n", metavar="N", help="Show at most N sentences.", min=1, show_default=False),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="PORT", help="Port of the page; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Rate completions yourself, blind, on a page in your browser. Sends nothing.

    The page shows one sentence at a time in random order, and never who wrote it. It is reached only from this
    machine. Every rating is saved at once; run the command again to go on where you stopped.

    Example: `valuelex rate examples/pocket.toml --rater ann`
    """
    from valuelex.pipeline.rating import rate as rate_sheets
    from valuelex.pipeline.workspace import open_study

    outcome = rate_sheets(
        open_study(study, folder),
        rater,
        system,
        n=n,
        port=port,
        announce=_announce,
        open_browser=not no_browser,
    )
    _print_outcome(outcome, rater, study if study.is_dir() else study.parent)


def _announce(sitting: Sitting, url: str) -> None:
    before = f"; rated already: {sitting.n_before}" if sitting.n_before else ""
    typer.echo(f"Sentences to rate on {sitting.system.title}: {len(sitting.sheets)}{before}.")
    typer.echo(f"Open in a browser on this machine: {url}")
    typer.echo("Stop on the page or with Ctrl-C; every rating is saved at once.")


def _print_outcome(outcome: Outcome, rater: str, base: Path) -> None:
    counts = f"now: {outcome.n_rated}, in all: {outcome.n_rated_in_all}, left: {outcome.n_left}"
    typer.echo(f"Sentences rated {counts}. They are in {outcome.path}")
    if outcome.n_rated_in_all:
        ratings = Path(relpath(outcome.path, base)).as_posix()
        typer.echo("To count these ratings, add to the study file, unless it names them already:")
        typer.echo(f'[[judges]]\nkind = "people"\nname = "{rater}"\nratings = [{json.dumps(ratings)}]')
