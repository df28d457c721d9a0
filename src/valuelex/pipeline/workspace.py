"""The folder of a study, and what shows its progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from valuelex.domain.study import Study
from valuelex.io import files
from valuelex.io.study_file import read_study

WRITTEN = "# Written by valuelex measure."
"""First line of a study file that may be written anew."""


class Progress(Protocol):
    """Shows what is being done. Given by the command line; silent elsewhere."""

    def calls(
        self, title: str, total: int, what: str = "calls"
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Show a bar for calls, or for what else is counted; the function is told how many have just ended."""

    def step(self, title: str) -> None:
        """Say which computation begins."""

    def tell(self, sentence: str) -> None:
        """Say what the user must know of the results at once."""


class Silent:
    """Progress that shows nothing."""

    def calls(
        self,
        title: str,  # noqa: ARG002
        total: int,  # noqa: ARG002
        what: str = "calls",  # noqa: ARG002
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Show nothing."""
        return nullcontext(lambda _: None)

    def step(self, title: str) -> None:
        """Show nothing."""

    def tell(self, sentence: str) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A resolved study and the folder of its ledger and results."""

    study: Study
    folder: Path

    @property
    def ledger_path(self) -> Path:
        """Where the ledger is."""
        return self.folder / "ledger.db"


def open_study(
    path: Path, folder: Path | None = None, price_file: Path | None = None, *, importing: bool = False
) -> Workspace:
    """Read a study file and choose its folder.

    Parameters
    ----------
    path
        The study file, or a folder that holds ``study.toml``.
    folder
        Where ledger and results go. By default the folder of ``study.toml``, and for a file of any other
        name the folder of that name beside it.
    price_file
        A price list of the user's, which wins over the shipped ones.
    importing
        Takes a study without respondents too: whose answers they are is known once they are imported.
    """
    if path.is_dir():
        path = path / "study.toml"
    default = path.parent if path.name == "study.toml" else path.with_suffix("")
    return Workspace(read_study(path, price_file, importing=importing), folder or default)


def write_study_file(folder: Path, text: str) -> None:
    """Write study.toml, so that what was asked can be looked at and gone on with; a file of the user's own is left."""
    files.open_folder(folder)
    path = folder / "study.toml"
    if not path.exists() or path.read_text("utf-8", "replace").startswith(WRITTEN):
        files.write_text(path, f"{WRITTEN}\n{text}")


def stage_rng(study: Study, stage: str) -> np.random.Generator:
    """Return the random numbers of a stage; stages do not share them, so one cannot shift another."""
    return np.random.default_rng([study.seed, *stage.encode()])
