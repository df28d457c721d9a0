"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
        help="Refuse to start if more than N new calls are needed.",
        min=0,
        show_default=False,
    ),
]
