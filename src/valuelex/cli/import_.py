"""The command that imports recorded answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from valuelex.cli.options import Folder, StudyPath
from valuelex.cli.show import interruptible, say
from valuelex.errors import StudyError

if TYPE_CHECKING:
    from valuelex.domain.recorded import BadRow
    from valuelex.io.bad_rows import BadRowsFile
    from valuelex.pipeline.importing import Imported

Choice = TypeVar("Choice", bound=str)
SHOWN = 20
"""Bad rows of a file, and names, that are printed; more are counted."""


def import_answers(
    study: StudyPath,
    answers: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="JSONL, JSON array, CSV, TSV (each also gzipped), Parquet, or Inspect's .eval.",
            show_default=False,
        ),
    ],
    folder: Folder = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="table, alpaca-eval, lm-eval, inspect. Default: told from the file.",
            show_default=False,
        ),
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Where a field stands: respondent, item, text, draw, stage, prompt, finish_reason. Several columns "
            "make one as FIELD='{A}/{B}'. Repeat.",
            show_default=False,
        ),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE",
            help="What all answers are for: elicit (value words), term (ratings of terms), project (stems), observe "
            "(free text).",
            show_default=False,
        ),
    ] = None,
    respondent: Annotated[
        str, typer.Option(metavar="NAME", help="Whose answers they all are.", show_default=False)
    ] = "",
    first_draw: Annotated[
        int, typer.Option(metavar="N", help="How the files number the first draw.", min=0)
    ] = 0,
    bad_rows: Annotated[
        Path | None,
        typer.Option(
            "--bad-rows", metavar="FILE", help="Write every bad row to this CSV file.", show_default=False
        ),
    ] = None,
) -> None:
    """Import answers that were recorded elsewhere, as respondents of a study. Sends nothing.

    Each row is checked; bad ones are listed by line and reason and change nothing. Importing a file again changes
    nothing. In the study, `model = "recorded/NAME"` stands for the answers recorded under NAME.

    Example: `valuelex import my-study answers.jsonl --stage project --map text=completion`
    """
    from valuelex.domain.recorded import STAGES
    from valuelex.io.bad_rows import BadRowsFile
    from valuelex.io.import_map import FORMATS, ImportMap, parse_map
    from valuelex.pipeline import importing, open_study

    given = ImportMap(
        format=_choice("--format", form, FORMATS),
        fields=parse_map(mapped or ()),
        respondent=respondent.strip(),
        stage=_choice("--stage", stage, STAGES),
        first_draw=first_draw,
    )
    workspace = open_study(study, folder)
    with BadRowsFile(bad_rows, answers) if bad_rows is not None else nullcontext() as listed, interruptible():
        outcomes = importing.import_answers(workspace, answers, given, _Printer(listed))
    if bad_rows is not None:
        typer.echo(f"Bad rows are listed in {bad_rows}")
    importing.check_imported(outcomes)
    _print_names(outcomes)
    typer.echo(f"Next: valuelex status {study}")


def _choice(option: str, given: str | None, choices: Sequence[Choice]) -> Choice | None:
    if given is None:
        return None
    found = next((c for c in choices if c == given), None)
    if found is None:
        msg = f"{option} must be {', '.join(map(repr, choices))}, not {given!r}."
        raise StudyError(msg)
    return found


class _Printer:
    """Prints what becomes of each file, with its first bad rows."""

    def __init__(self, listed: BadRowsFile | None) -> None:
        self._listed = listed
        self._first: list[BadRow] = []

    def begin(self, path: Path) -> None:
        """Say which file is read."""
        self._first = []
        say(f"Reading {path} ...")

    def bad(self, path: Path, row: BadRow) -> None:
        """Keep the first bad rows, and list all where that is wanted."""
        if len(self._first) < SHOWN:
            self._first.append(row)
        if self._listed is not None:
            self._listed.add(path, row)

    def done(self, outcome: Imported) -> None:
        """Print the account of a file."""
        typer.echo(
            f"{outcome.path.name} ({outcome.format}): {outcome.n_rows} rows = {outcome.n_new} imported "
            f"+ {outcome.n_there} there already + {outcome.n_bad} bad"
        )
        for fault, n in outcome.bad.most_common():
            typer.echo(f"  {n} {fault}")
        for row in sorted(self._first, key=lambda row: row.line):
            typer.echo(f"  line {row.line}: {row.fault}: {_shown(row.detail)}")
        if outcome.n_bad > len(self._first):
            more = "" if self._listed is not None else "; --bad-rows FILE lists them all"
            typer.echo(f"  ... and {outcome.n_bad - len(self._first)} more{more}")
        if outcome.min_draw:
            say(f"The draws begin at {outcome.min_draw}, but count from 0; see --first-draw.")


def _shown(text: str) -> str:
    """Keep a terminal from obeying what stands in a file."""
    return "".join(ch if ch.isprintable() else "?" for ch in text)


def _print_names(outcomes: Sequence[Imported]) -> None:
    """Print whose answers they are, and what a study file needs to measure those it does not name yet."""
    names = sum((o.names for o in outcomes), Counter[tuple[str, str]]())
    for (name, stage), n in list(names.items())[:SHOWN]:
        typer.echo(f"  {_shown(name)}: {n} {stage}")
    if len(names) > SHOWN:
        typer.echo(f"  ... and {len(names) - SHOWN} more")
    unknown = list(dict.fromkeys(name for o in outcomes for name in o.unknown))
    if unknown:
        typer.echo(
            "No respondent of the study stands for these names. To measure them, add to the study file:"
        )
        for name in unknown[:SHOWN]:
            typer.echo(f"[[respondents]]\nmodel = {json.dumps('recorded/' + name, ensure_ascii=False)}")
        if len(unknown) > SHOWN:
            typer.echo(f"... and the same for {len(unknown) - SHOWN} more")
