"""What must hold for the stems of a file, and the reading of stems from rows of a CSV file.

Owns the rules that hold between stems and for the end of a stem. The forms of single keys are in `assets`, which
loads tests through this module. Does not judge how good a stem is; `stages.stem_check` does.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Formatter

from valuelex.domain.measure import Stem
from valuelex.errors import StudyError

WORDING_BREAK = " | "
"""What stands between the wordings of a stem in a CSV file."""

_BLANK = re.compile(r"_{2,}|…|\.{3,}")
_BLANK_AT_END = re.compile(rf"[\s_]*(?:{_BLANK.pattern})[\s.]*$")


def opening(text: str) -> str:
    """Return the beginning of a sentence without the blank that may mark its open end.

    Raises
    ------
    ValueError
        If nothing is left, a blank stands elsewhere, or the text is a whole sentence.
    """
    kept = _BLANK_AT_END.sub("", text).strip()
    if not kept.isprintable():
        msg = "it holds a line break or a character that cannot be seen; write it as one plain line"
        raise ValueError(msg)
    if not kept:
        msg = "there is no text; write the beginning of a sentence"
        raise ValueError(msg)
    if _BLANK.search(kept):
        msg = "a blank stands before the end; a stem is completed at its end, so put the blank there or leave it out"
        raise ValueError(msg)
    if kept.endswith((".", "!", "?")):
        msg = "this is a whole sentence and leaves nothing to complete; take off its ending and its full stop"
        raise ValueError(msg)
    return kept


def has_one_subject(text: str) -> bool:
    """Tell whether a template has one place for {subject} and no other."""
    try:
        return [field for _, field, _, _ in Formatter().parse(text) if field is not None] == ["subject"]
    except ValueError:
        return False


def check_together(name: str, stems: Sequence[Stem]) -> None:
    """Refuse stems that do not make a test.

    Raises
    ------
    StudyError
        If there are none, if an id or a text comes twice, if stems have unequally many wordings, or if
        one belongs to no form while others belong to several.
    """
    if not stems:
        msg = f"{name}: there are no stems; add at least one with id, text, kind and theme."
        raise StudyError(msg)
    ids: set[str] = set()
    seen: dict[str, str] = {}
    for stem in stems:
        if stem.id in ids:
            msg = f"{name}: the id {stem.id!r} occurs twice; give every stem its own."
            raise StudyError(msg)
        ids.add(stem.id)
        for text in (stem.text, *stem.wordings):
            key = " ".join(text.casefold().split())
            if key in seen:
                msg = (
                    f"{name}: stem {stem.id!r} has the text {text!r}, which stem {seen[key]!r} has already; "
                    "change one of them or leave it out."
                )
                raise StudyError(msg)
            seen[key] = stem.id
    first = stems[0]
    for stem in stems:
        if len(stem.wordings) != len(first.wordings):
            msg = (
                f"{name}: stem {stem.id!r} has {len(stem.wordings)} other wordings, but stem {first.id!r} has "
                f"{len(first.wordings)}; give every stem equally many."
            )
            raise StudyError(msg)
    forms = sorted({stem.form for stem in stems} - {""})
    bare = [stem.id for stem in stems if not stem.form]
    if len(forms) > 1 and bare:
        msg = (
            f"{name}: stem {bare[0]!r} has no form, but others have {', '.join(map(repr, forms))}; "
            "give it one of them."
        )
        raise StudyError(msg)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Read the rows of a CSV file of stems, with their line numbers; empty cells are left out.

    Raises
    ------
    StudyError
        If the file cannot be read, or a row has more cells than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            for row in reader:
                extra = row.pop(None, None)
                if extra:
                    msg = (
                        f"{path}: row {reader.line_num} has more cells than the header; put a text that holds "
                        "commas between quotation marks."
                    )
                    raise StudyError(msg)
                yield reader.line_num, _table_row(row)
    except FileNotFoundError as error:
        msg = f"{path}: no such file; check the path, which is taken from the folder of the study."
        raise StudyError(msg) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: cannot be read as a CSV file in UTF-8 ({error}); save it in that form."
        raise StudyError(msg) from error


def _table_row(row: dict[str, str | None]) -> dict[str, object]:
    """Turn a row into the table that a [[stems]] entry would be."""
    table: dict[str, object] = {
        key.strip(): value.strip() for key, value in row.items() if value is not None and value.strip()
    }
    if "wordings" in table:
        table["wordings"] = [part.strip() for part in str(table["wordings"]).split(WORDING_BREAK)]
    return table
