"""Read which terms respondents are to rate: a lexicon of an earlier study, a list of words, or a system's markers.

Owns the forms of these sources and what may be a term in a prompt. Does not normalise words.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from valuelex.domain.wording import count
from valuelex.errors import StudyError
from valuelex.io import assets

LEXICON = "valuelex/lexicon/1"
LONGEST = 60
"""Characters of a term."""
_TERM = re.compile(r"[^\W\d_][\w'’ -]*")


def load_terms(name: str, folder: Path) -> tuple[tuple[str, ...], str]:
    """Read the terms that a study names.

    Parameters
    ----------
    name
        ``FILE.json``, the lexicon.json of a study; ``FILE.txt``, one word a line, where empty lines and lines
        that begin with # do not count; a shipped value system, or ``FILE.toml`` with one, whose markers are taken.
    folder
        Where relative paths start.

    Returns
    -------
    terms
        Two or more, in alphabetical order, each once. Of a list of words as they are written there, in lower case.
    source
        What to call where they are from: the file without its folder, or the system.

    Raises
    ------
    StudyError
        If the source cannot be read, holds less than two terms, or one that cannot stand in a prompt.
    """
    path = folder / Path(name).expanduser()
    if path.suffix == ".json":
        terms, source = _lexicon(path), path.name
    elif path.suffix == ".txt":
        terms, source = _words(path), path.name
    elif path.suffix == ".toml" or name in assets.shipped("systems"):
        system = assets.load_system(name, folder)
        terms, source = [m for s in system.subdimensions for m in s.markers], system.name
    else:
        systems = ", ".join(map(repr, assets.shipped("systems")))
        msg = (
            f"[elicit] terms = {name!r} is no list of terms; give the lexicon.json of a study, a .txt file with one "
            f"word a line, or a value system: {systems}."
        )
        raise StudyError(msg)
    distinct = tuple(sorted(set(terms)))
    wrong = [term for term in distinct if len(term) > LONGEST or not _TERM.fullmatch(term)]
    if wrong:
        msg = (
            f"[elicit] terms = {name!r}: {len(wrong)} of {count(len(distinct), 'term')} cannot stand in a prompt "
            "(first: "
            f"{wrong[0][:LONGEST]!r}); a term has up to {LONGEST} letters, digits, spaces, hyphens and apostrophes, "
            "and begins with a letter."
        )
        raise StudyError(msg)
    if len(distinct) < 2:
        msg = f"[elicit] terms = {name!r} holds {count(len(distinct), 'term')}; name a list with two or more."
        raise StudyError(msg)
    return distinct, source


def _lexicon(path: Path) -> list[str]:
    try:
        content = json.loads(_text(path))
        if content["schema"] == LEXICON:
            return [str(term["name"]) for term in content["terms"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    msg = (
        f"{str(path)!r} is no lexicon.json of a study; name the one that valuelex run wrote, or a .txt file."
    )
    raise StudyError(msg)


def _words(path: Path) -> list[str]:
    lines = (" ".join(line.split()).lower() for line in _text(path).splitlines())
    words = [line for line in lines if line and not line.startswith("#")]
    repeated = sorted(word for word, n in Counter(words).items() if n > 1)
    if repeated:
        msg = (
            f"{str(path)!r}: {count(len(repeated), 'word stands', 'words stand')} there twice (first: "
            f"{repeated[0]!r}); each may stand once."
        )
        raise StudyError(msg)
    return words


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        msg = f"{str(path)!r} cannot be read as text ({reason}); check the path in [elicit] terms."
        raise StudyError(msg) from error
