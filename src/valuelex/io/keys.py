"""Find API keys: in the environment, or in a key file that is outside the study and its owner's alone.

Owns where keys are looked for. A key is handed to the request and to nothing else; no message shows one.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from valuelex.errors import CallError

FILE_VARIABLE = "VALUELEX_KEYS"
"""The environment variable that names the key file."""
DEFAULT_FILE = Path("~/.config/valuelex/keys.toml")


def find_key(variable: str, study_folder: Path | None = None) -> str | None:
    """Return the key called `variable`, or None where there is none.

    Parameters
    ----------
    variable
        Name of the environment variable, which wins, and of the entry in the key file.
    study_folder
        A folder that is shared or published; a key file in it is refused.

    Raises
    ------
    CallError
        If the key holds what no HTTP header can carry, or the key file is not to be trusted; without showing it.
    """
    source = f"environment variable {variable}"
    key = os.environ.get(variable, "").strip()
    if not key:
        path = Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE).expanduser()
        key = _read(path, study_folder).get(variable, "").strip()
        source = f"entry {variable} in {str(path)!r}"
    if not key.isprintable() or not key.isascii():
        msg = f"The {source} holds characters that no API key has; set it anew."
        raise CallError(msg)
    return key or None


def _read(path: Path, study_folder: Path | None) -> Mapping[str, str]:
    """Read a key file, a TOML table of names and keys; nothing where there is none."""
    if not path.exists():
        if os.environ.get(FILE_VARIABLE):
            msg = f"{FILE_VARIABLE} names {str(path)!r}, and there is no such file; mend or unset it."
            raise CallError(msg)
        return {}
    if study_folder is not None and path.resolve().is_relative_to(study_folder.resolve()):
        msg = (
            f"The key file {str(path)!r} lies in the study's folder, which others may get; move it elsewhere."
        )
        raise CallError(msg)
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            msg = f"The key file {str(path)!r} can be read by others; run: chmod 600 {path}"
            raise CallError(msg)
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # What went wrong is not shown: it could quote a key.
        msg = f'The key file {str(path)!r} cannot be read; it holds lines such as OPENAI_API_KEY = "...".'
        raise CallError(msg) from (error if isinstance(error, OSError) else None)
    wrong = [name for name, value in table.items() if not isinstance(value, str)]
    if wrong:
        msg = f"The key file {str(path)!r}: the entry {wrong[0]!r} is not a text; write it in quotes."
        raise CallError(msg)
    return table
