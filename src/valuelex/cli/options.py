"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from valuelex.domain.wording import either
from valuelex.errors import StudyError

Choice = TypeVar("Choice", bound=str)
StudyPath = Annotated[
    Path,
    typer.Argument(metavar="STUDY", help="A study file, or a folder with study.toml.", show_default=False),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Where ledger and results go. Default: the folder of study.toml, or the folder of the "
        "file's name beside it.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before sending calls.")]
MaxCalls = Annotated[
    int | None,
    typer.Option(
        "--max-calls",
        metavar="N",
        help="Send at most N calls in this run, then stop; run again to go on.",
        min=0,
        show_default=False,
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        metavar="USD",
        help="Stop before the calls of this run can cost more, in US dollars; run again to go on.",
        min=0,
        show_default=False,
    ),
]
Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        help="A price list of your own, which wins over the shipped one (docs/how-to/costs.md).",
        show_default=False,
    ),
]


def one_of(option: str, given: str | None, choices: Sequence[Choice]) -> Choice | None:
    """Return the choice that was given; None where there was none.

    Raises
    ------
    StudyError
        Naming the option and the choices.
    """
    if given is None:
        return None
    found = next((c for c in choices if c == given), None)
    if found is None:
        msg = f"{option} must be {either(choices)}, not {given!r}."
        raise StudyError(msg)
    return found
