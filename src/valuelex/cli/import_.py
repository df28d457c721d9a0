"""The command that imports recorded answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuelex.cli.options import Folder, StudyPath, one_of
from valuelex.cli.show import interruptible, say

if TYPE_CHECKING:
    from valuelex.domain.recorded import BadRow
    from valuelex.io.bad_rows import BadRowsFile
    from valuelex.pipeline.importing import Imported

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

    Each row is checked; bad ones are listed by line and reason and change nothing. Exit code 1 if a row is bad: all
    others are imported. Importing a file again changes nothing.

    In the study, `model = "recorded/NAME"` stands for the answers recorded under NAME; what to write for names that no
    respondent stands for is printed, so a study file may be without respondents until then.

    Example: `valuelex import my-study answers.jsonl --stage project --map text=completion`
    """
    from valuelex.domain.recorded import STAGES
    from valuelex.io.bad_rows import BadRowsFile
    from valuelex.io.import_map import FORMATS, ImportMap, parse_map
    from valuelex.pipeline import importing, open_study

    given = ImportMap(
        format=one_of("--format", form, FORMATS),
        fields=parse_map(mapped or ()),
        respondent=respondent.strip(),
        stage=one_of("--stage", stage, STAGES),
        first_draw=first_draw,
    )
    workspace = open_study(study, folder, importing=True)
    with BadRowsFile(bad_rows, answers) if bad_rows is not None else nullcontext() as listed, interruptible():
        outcomes = importing.import_answers(workspace, answers, given, _Printer(listed))
    if bad_rows is not None:
        typer.echo(f"Bad rows are listed in {bad_rows}")
    importing.check_imported(outcomes)
    is_known = _print_names(outcomes)
    typer.echo(f"Next: valuelex {'status' if is_known else 'check'} {study}")
    if any(outcome.n_bad for outcome in outcomes):
        raise typer.Exit(1)


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
        from valuelex.domain.wording import count

        typer.echo(
            f"{outcome.path.name} ({outcome.format}): {count(outcome.n_rows, 'row')} = {outcome.n_new} imported "
            f"+ {outcome.n_there} there already + {outcome.n_bad} bad"
        )
        for fault, n in outcome.bad.most_common():
            typer.echo(f"  {n} {fault}")
        lines: dict[str, list[str]] = {}
        for row in sorted(self._first, key=lambda row: row.line):
            lines.setdefault(f"{row.fault}: {_shown(row.detail)}", []).append(str(row.line))
        for said, where in lines.items():
            typer.echo(f"  {'line' if len(where) == 1 else 'lines'} {', '.join(where)}: {said}")
        if outcome.n_bad > len(self._first):
            more = "" if self._listed is not None else "; --bad-rows FILE lists them all"
            typer.echo(f"  ... and {outcome.n_bad - len(self._first)} more{more}")
        if outcome.min_draw:
            say(f"The draws begin at {outcome.min_draw}, but count from 0; see --first-draw.")


def _shown(text: str) -> str:
    """Keep a terminal from obeying what stands in a file."""
    return "".join(ch if ch.isprintable() else "?" for ch in text)


def _print_names(outcomes: Sequence[Imported]) -> bool:
    """Print whose answers they are; tell whether the study has a respondent for each."""
    names = sum((o.names for o in outcomes), Counter[tuple[str, str]]())
    for (name, stage), n in list(names.items())[:SHOWN]:
        typer.echo(f"  {_shown(name)}: {n} {stage}")
    if len(names) > SHOWN:
        typer.echo(f"  ... and {len(names) - SHOWN} more")
    unknown = list(dict.fromkeys(name for o in outcomes for name in o.unknown))
    if unknown:
        _print_respondents(unknown)
    return not unknown


def _print_respondents(unknown: Sequence[str]) -> None:
    """Print what a study file needs to take in names that no respondent stands for."""
    from valuelex.domain.wording import count
    from valuelex.io.registry import look_up

    families = {name: look_up(name).facts.get("family") for name in unknown}
    typer.echo("No respondent of the study stands for these names. To take them in, add to the study file:")
    for name, family in families.items():
        typer.echo(f"\n[[respondents]]\nmodel = {_toml('recorded/' + name)}")
        typer.echo(f"family = {_toml(str(family))}" if family else '# family = "..."')
    n_open = sum(family is None for family in families.values())
    typer.echo(
        "\nA family is models that share weights or a recipe: they are no independent witnesses, and are held out "
        "together."
        + (f" Fill it in for {count(n_open, 'name')} that ValueLex does not know." if n_open else "")
    )


def _toml(text: str) -> str:
    """Write a TOML string; it is a JSON string in which the delete character is escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
