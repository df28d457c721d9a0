"""Read TOML files and hold their tables against forms, so that a mistake is told by its key.

Owns no form; those are beside what they are read for, such as `valuelex.io.study_form`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from valuelex.errors import StudyError
from valuelex.io.messages import first_problem

Text = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A table of a TOML file. Keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


AnySection = TypeVar("AnySection", bound=Section)


def read_toml(source: Path | Traversable, shown_as: str) -> dict[str, Any]:
    """Read a TOML file; a problem is told by the name that the user gave.

    Raises
    ------
    StudyError
        If the file is not there, not text, or not TOML.
    """
    try:
        return tomllib.loads(source.read_text("utf-8"))
    except FileNotFoundError as error:
        way_out = ", or make a study with: valuelex new FOLDER" if shown_as.endswith("study.toml") else ""
        msg = f"{shown_as}: no such file; check the path{way_out}."
        raise StudyError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{shown_as}: cannot be read as text ({error}); give the path of a TOML file."
        raise StudyError(msg) from error
    except tomllib.TOMLDecodeError as error:
        msg = f"{shown_as}: not valid TOML: {error}."
        raise StudyError(msg) from error


def validate(section: type[AnySection], table: Mapping[str, Any], shown_as: str) -> AnySection:
    """Check a table against its form.

    Raises
    ------
    StudyError
        Naming the first wrong key, with the nearest known one.
    """
    try:
        return section.model_validate(table)
    except ValidationError as error:
        raise StudyError(f"{shown_as}: {first_problem(error, section)}") from error
