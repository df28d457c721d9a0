"""The command that simulates studies: what can be found with how many models and responses."""

from __future__ import annotations

from collections import Counter
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuelex.cli.options import one_of
from valuelex.cli.show import Bars, say
from valuelex.errors import StudyError

if TYPE_CHECKING:
    from valuelex.domain.recovery import Experiment, Mean, Recovery, Share, SizeRecovery


def simulate(
    models: Annotated[
        str | None, typer.Option(metavar="N,...", help="Models to ask. Default: 35.", show_default=False)
    ] = None,
    settings: Annotated[
        str | None,
        typer.Option(
            metavar="N,...", help="Settings of each model, its respondents. Default: 15.", show_default=False
        ),
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(
            metavar="N,...",
            help="Lists of each respondent: prompts x draws. Default: 15.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Studies to simulate of each size. Default: 10.", min=1, show_default=False
        ),
    ] = None,
    target_ari: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Look for the least size whose subdimensions reach this adjusted Rand index with the planted ones.",
            show_default=False,
        ),
    ] = None,
    power: Annotated[
        float | None,
        typer.Option(metavar="X", help="... in this share of studies. Default: 0.8.", show_default=False),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to plant: 3x2 (three dimensions of two subdimensions each), or a value system. Default: 3x2.",
            show_default=False,
        ),
    ] = None,
    terms: Annotated[
        int | None,
        typer.Option(metavar="N", help="Value words to plant. Default: 197.", min=1, show_default=False),
    ] = None,
    sensitivity: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="How strongly words follow values: 1, weak .6, none 0. Default: 1.",
            show_default=False,
        ),
    ] = None,
    style: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Each model's own taste for words, apart from values. Default: 0.",
            show_default=False,
        ),
    ] = None,
    shares: Annotated[
        str | None,
        typer.Option(
            metavar="X,X,X",
            help="Shares of the variance of values: between models, between settings, within lists. Default: .5,.2,.3.",
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help="list, or rate: everybody rates every word. Default: list.",
            show_default=False,
        ),
    ] = None,
    embeddings: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="none, good or misleading. Default: none.", show_default=False),
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="TOML file with these and all other keys.", show_default=False
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Seed of everything. Default: 0.", min=0, show_default=False),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", help="Studies to simulate at the same time.", min=1)] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write every study: .csv or .json.", show_default=False),
    ] = None,
) -> None:
    """Simulate studies with a planted value system, and count how well it is found again. Sends nothing, costs nothing.

    The simulated lists go through the stages of a real study. Lists of sizes, such as --models 5,10,20,35,70,200, give
    recovery curves; --target-ari asks how many models and lists are enough. docs/how-to/simulate.md says what is
    simulated, and names the keys of the file.

    Example: `valuelex simulate --models 5,10,20,35 --style 1 --target-ari .9`
    """
    from valuelex.io.simulation_file import check_target, read_simulation, write_simulation
    from valuelex.pipeline.simulating import run_simulation
    from valuelex.stages.recover import say_power

    check_target(out)
    options = {
        "models": _sizes("--models", models),
        "settings": _sizes("--settings", settings),
        "prompts": _sizes("--prompts", prompts),
        "studies": seeds,
        "target_ari": _part("--target-ari", target_ari),
        "power": _part("--power", power),
        "system": system,
        "terms": terms,
        "sensitivity": _amount("--sensitivity", sensitivity),
        "style": _amount("--style", style),
        "shares": _shares(shares),
        "mode": one_of("--mode", mode, ("list", "rate")),
        "embeddings": one_of("--embeddings", embeddings, ("none", "good", "misleading")),
        "seed": seed,
    }
    experiment = read_simulation(given, {key: value for key, value in options.items() if value is not None})
    try:
        outcome = run_simulation(experiment, Bars(), jobs)
    except KeyboardInterrupt as stop:
        say("\nStopped. Nothing was written.")
        raise typer.Exit(130) from stop
    _print_sizes(outcome.sizes, experiment)
    _print_views(outcome.sizes)
    _print_failures(outcome.studies)
    answer = None if outcome.power is None else say_power(outcome.power)
    if answer is not None:
        typer.echo(answer)
    if out is not None:
        write_simulation(out, experiment, outcome.studies, outcome.sizes, outcome.power, answer)
        typer.echo(f"Wrote {out}")


def _sizes(option: str, text: str | None) -> tuple[int, ...] | None:
    """Read one size or several."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and int(part) > 0 for part in parts):
        msg = (
            f"{option} must be a whole number of 1 or more, or several with commas between them for a curve, such as "
            f"5,10,20; not {text!r}."
        )
        raise StudyError(msg)
    return tuple(map(int, parts))


def _shares(text: str | None) -> tuple[float, ...] | None:
    """Read the three shares of the variance."""
    if text is None:
        return None
    try:
        parts = tuple(map(float, text.split(",")))
    except ValueError:
        parts = ()
    if len(parts) != 3 or not all(0 <= part <= 1 for part in parts) or abs(sum(parts) - 1) > 1e-9:
        msg = (
            "--shares must be three numbers from 0 to 1 that add up to 1, with commas between them: the shares between "
            f"models, between settings of a model, and within lists, such as .5,.2,.3; not {text!r}."
        )
        raise StudyError(msg)
    return parts


def _part(option: str, value: float | None) -> float | None:
    """Refuse what is no part of a whole, or none of it."""
    if value is not None and not 0 < value <= 1:
        msg = f"{option} must be above 0 and at most 1, such as .9; not {value:g}."
        raise StudyError(msg)
    return value


def _amount(option: str, value: float | None) -> float | None:
    """Refuse what is less than nothing."""
    if value is not None and not 0 <= value < inf:
        msg = f"{option} must be a number of 0 or more; not {value:g}."
        raise StudyError(msg)
    return value


def _print_sizes(sizes: tuple[SizeRecovery, ...], experiment: Experiment) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from valuelex.domain.wording import count

    n, n_terms, target = experiment.n_planted, experiment.plan.system.n_terms, experiment.target_ari
    typer.echo(f"Planted: {count(n, 'group')} of {count(n_terms, 'word')}.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("models×\nsettings×\nprompts", no_wrap=True)
    heads = [
        f"\n\n{'lists' if experiment.mode == 'list' else 'ratings'}",
        "\ngroups\nfound",
        "\nright\nnumber",
        "too\nlittle\ndata",
        "ARI of\nsub-\ndimensions",
    ]
    heads += ["\nARI of\ndimensions", *([] if target is None else [f"\nARI\n≥ {target:g}"])]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for found in sizes:
        size = found.size
        table.add_row(
            f"{size.n_models}×{size.n_respondents}×{size.n_responses}",
            *(
                str(size.n_rows * (1 if experiment.mode == "list" else n_terms)),
                _mean(found.n_subdimensions, 1),
            ),
            *(_share(found.right), _share(found.too_little)),
            *(_mean(found.subdimension_ari, 2), _mean(found.dimension_ari, 2)),
            *(() if found.reached is None else (_share(found.reached),)),
        )
    Console().print(table)
    typer.echo(
        "Means over simulated studies ± their simulation error. ARI: adjusted Rand index with what was planted."
    )


def _print_views(sizes: tuple[SizeRecovery, ...]) -> None:
    """Show what each view alone comes to, beside the weight that it was given."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    names = list(dict.fromkeys(view.name for found in sizes for view in found.views))
    if not names:
        return
    typer.echo(
        "Views alone, where groups were found: ARI of subdimensions (mean weight in the joint groups)."
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("models×\nsettings×\nprompts", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for found in sizes:
        views = {v.name: f"{_mean(v.ari, 2)} ({v.weight.value:.2g})" for v in found.views}
        size = found.size
        of_views = [views.get(name, "-") for name in names]
        table.add_row(f"{size.n_models}×{size.n_respondents}×{size.n_responses}", *of_views)
    Console().print(table)


def _print_failures(studies: tuple[Recovery, ...]) -> None:
    """Say of how many studies no value system could be built, and why."""
    from valuelex.domain.wording import count

    for reason, n in Counter(s.failure for s in studies if s.failure).most_common(1):
        n_failed = sum(bool(s.failure) for s in studies)
        typer.echo(
            f"Of {count(n_failed, 'study', 'studies')} nothing could be built, {count(n, 'time')} for this:"
        )
        typer.echo(f"  {reason}")


def _mean(value: Mean, digits: int) -> str:
    if value.value != value.value:
        return "-"
    error = "" if value.error is None else f" ±{value.error:.{digits}f}"
    return f"{value.value:.{digits}f}{error}"


def _share(value: Share) -> str:
    return f"{value.n}/{value.of}"
