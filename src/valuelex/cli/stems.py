"""The commands for stems: check a test, draft one."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from valuelex.cli.options import MaxCalls, Yes
from valuelex.cli.show import Bars, interruptible
from valuelex.domain.wording import count

FAULTS_SHOWN = 100
"""Faults that are printed; more are counted."""

stems_app = typer.Typer(
    no_args_is_help=True, help="Stems of the projective test: check them, draft new ones."
)


@stems_app.command("check")
def check_stems(
    test: Annotated[
        str, typer.Argument(metavar="TEST", help="A shipped test, or a TOML or CSV file.", show_default=False)
    ],
    system: Annotated[
        str, typer.Option(help="Value system whose words no stem should name; '' for none.")
    ] = "valuelex-2024",
) -> None:
    """Check the stems of a test as an editor would. Sends nothing.

    Length, reading level, duplicates, near-duplicates in meaning, wordings that stray, polarity, named values, and
    balance over themes, kinds and forms. Exit code 1 if there is a fault.

    Example: `valuelex stems check my-stems.toml`
    """
    from valuelex.pipeline.stems import check_test

    found, faults = check_test(test, system or None)
    for fault in faults[:FAULTS_SHOWN]:
        wording = f", wording {fault.wording}" if fault.wording else ""
        where = f"{fault.stem_id}{wording}: " if fault.stem_id else ""
        typer.echo(f"{where}{fault.check}: {fault.detail}")
    if len(faults) > FAULTS_SHOWN:
        typer.echo(f"... and {len(faults) - FAULTS_SHOWN} more; mend these first.")
    n_texts = sum(1 + len(s.wordings) for s in found.stems)
    kinds = Counter(str(s.kind) for s in found.stems)
    typer.echo(
        f"{found.name}: {count(len(found.stems), 'stem')}, {count(n_texts, 'text')} ("
        + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        + f"); {count(len(faults), 'fault') if faults else 'no faults'}."
    )
    if faults:
        raise typer.Exit(1)


@stems_app.command("draft")
def draft_stems(
    system: Annotated[
        str,
        typer.Argument(metavar="SYSTEM", help="A shipped value system, or a TOML file.", show_default=False),
    ],
    model: Annotated[str, typer.Option(help="provider/name of the model that drafts.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="TOML file to write.", show_default=False)
    ],
    n: Annotated[int, typer.Option("--n", help="Stems to ask for, for each subdimension.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the calls.", min=0)] = 0,
    max_calls: MaxCalls = None,
    yes: Yes = False,
) -> None:
    """Draft stems for any value system with a language model.

    The file is marked as a draft, and so is every report that uses it, until a person has edited the stems and
    taken `draft = true` out. Calls and answers are kept in a ledger beside the file.

    Example: `valuelex stems draft schwartz-1992 --model openai/gpt-4o-mini --out schwartz-stems.toml`
    """
    from valuelex.domain.budget import open_budget
    from valuelex.pipeline.stems import draft_test

    def approve(n_new: int) -> bool:
        typer.echo(f"  draft    {n_new:6} new calls to {model}")
        return (
            yes
            or not sys.stdin.isatty()
            or typer.confirm(f"Send {count(n_new, 'call')}?", default=True, err=True)
        )

    with interruptible():
        test = draft_test(
            system,
            model,
            out,
            n_each=n,
            seed=seed,
            approve=approve,
            progress=Bars(),
            budget=open_budget({}, max_calls=max_calls),
        )
    typer.echo(
        f"Wrote {count(len(test.stems), 'draft')} to {out}. Edit them, then: valuelex stems check {out}"
    )
