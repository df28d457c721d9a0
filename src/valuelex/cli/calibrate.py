"""The command that compares a judge with people: valuelex calibrate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuelex.cli.options import MaxCalls, Yes
from valuelex.cli.show import Bars, approver, interruptible, say
from valuelex.domain.wording import count

if TYPE_CHECKING:
    from valuelex.domain.labels import Calibration, Estimate

PROBLEMS_SHOWN = 10


def calibrate(
    labels: Annotated[
        Path,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="Labelled texts: CSV with columns text, subdimension, label, or any table with --map.",
            show_default=False,
        ),
    ],
    judge: Annotated[
        str, typer.Option(help="axis (embedded, free, weak) or provider/name of a language model.")
    ] = "axis",
    map_name: Annotated[
        str | None,
        typer.Option(
            "--map",
            metavar="NAME|FILE",
            help="How the columns are to be read: llm_values_pct, valueeval23, fulcra, or a TOML file.",
            show_default=False,
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            help="A shipped value system, or a TOML file. Default: the map's, else valuelex-2024.",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            help="Where ledger and results go. Default: a folder named after the labels and the judge.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample", metavar="N", help="Rate N texts, drawn at random.", min=2, show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample and the intervals.", min=0)] = 0,
    max_calls: MaxCalls = None,
    yes: Yes = False,
) -> None:
    """Compare a judge's ratings with labels that people gave.

    Tells agreement with 95 % intervals, how far people agree with each other, and biases by label, group
    and length. Nothing is tuned on the labels. Calls already in the ledger are not made again.

    Example: `valuelex calibrate --judge axis --map fulcra --labels trustworthy_half.jsonl.gz`
    """
    from valuelex.domain.budget import open_budget
    from valuelex.pipeline import calibrating

    found, loaded = calibrating.open_labels(labels, map_name, system)
    asked = calibrating.open_judge(judge)
    named = "".join(ch if ch.isalnum() or ch in ".-_" else "-" for ch in f"{found.name}-{asked.id}")
    place = folder or Path(f"calibrate-{named}")
    with interruptible():
        result = calibrating.calibrate_judge(
            asked,
            found,
            loaded,
            place,
            sample=sample,
            seed=seed,
            approve=approver(yes=yes),
            progress=Bars(),
            budget=open_budget({}, max_calls=max_calls),
        )
    print_calibration(result)
    typer.echo(f"Results: {place / 'calibration.json'}")


def print_calibration(result: Calibration) -> None:
    """Print agreement, its ceiling, biases, and the rows that could not be used."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    title = (
        f"{result.judge} against {result.labels} ({result.n_texts} of {count(result.n_available, 'text')})"
    )
    table = Table("", "labels", "missing", "AUC", "rank corr.", "kappa", "alpha", title=escape(title))
    for t in result.targets:
        n_missing = sum(sum(reasons.values()) for reasons in t.n_missing.values())
        counts = ", ".join(f"{label}: {n}" for label, n in t.n_labels.items())
        figures = (_shown(e) for e in (t.auc, t.correlation, t.kappa, t.alpha))
        table.add_row(escape(t.target), counts, str(n_missing), *figures)
    for c in result.ceilings:
        equal = "-" if c.share_equal is None else f"{c.share_equal:.0%} equal"
        table.add_row(
            f"people: {escape(c.target)}", str(c.n_texts), "", equal, "", _shown(c.kappa), _shown(c.alpha)
        )
    console = Console()
    console.print(table)
    biases = Table("", "bias by", "", "ratings", "points", title="Bias")
    for bias in result.biases:
        biases.add_row(
            escape(bias.target), bias.by, escape(bias.level), str(bias.n_ratings), _shown(bias.estimate)
        )
    console.print(biases)
    console.print(f"How ratings count: {result.rule}.", highlight=False)
    for t in result.targets:
        for caveat in t.caveats:
            console.print(f"{escape(t.target)}: {escape(caveat)}", highlight=False)
    if result.problems:
        say(
            f"{count(len(result.problems), 'row or label', 'rows or labels')} could not be used (all in "
            "calibration.json):"
        )
        for problem in result.problems[:PROBLEMS_SHOWN]:
            say(f"  line {problem.line}: {problem.reason}")


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
