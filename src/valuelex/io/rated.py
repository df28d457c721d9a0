"""The file of people's ratings: CSV, one line for each rating, every line on disk before the next is taken.

Owns its columns, and what counts as a line: a gate, and behind an open one a whole number from 0 to 6. Lines are
only ever added; of several by one rater on the same thing the last counts. Does not average.
"""

from __future__ import annotations

import csv
import io
import os
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from valuelex.domain.call import Missing
from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW, Note
from valuelex.domain.structure import ValueSystem
from valuelex.errors import LedgerError, StudyError

COLUMNS = ("rater", "exhibit_id", "system", "subdimension", "relevant", "rating", "evidence", "reason")
HEADER = ",".join(COLUMNS).encode()
POINTS = {str(point): point for point in range(int(SCALE_LOW), int(SCALE_HIGH) + 1)}
_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet would run; such a text is written with an apostrophe before it."""

Cell = tuple[str, str, str]
"""Rater, exhibit and subdimension: what has one rating."""


@dataclass(frozen=True, slots=True)
class Rated:
    """What one person said of one exhibit on one subdimension; `rating` is None where it does not bear on it."""

    rater: str
    exhibit_id: str
    system: str
    subdimension: str
    rating: int | None
    evidence: str = ""
    reason: str = ""

    @property
    def cell(self) -> Cell:
        """What was rated, and by whom."""
        return (self.rater, self.exhibit_id, self.subdimension)


def read_rated(path: Path, judge_id: str, system: ValueSystem) -> tuple[Note, ...]:
    """Read the ratings of people on one value system.

    Parameters
    ----------
    path
        A file that `RatedFile` wrote; several raters may share it.
    judge_id
        Name of the judge in results.
    system
        Lines of other systems are left out.

    Returns
    -------
    tuple of Note
        In the order of the file, without a call. Ratings are 0 to 6; where the completion does not bear on the
        subdimension there is none, and `missing` is IRRELEVANT. Of several lines by one rater on the
        same thing the last counts; several raters are the draws 0, 1, ... in their order in the file. `evidence_found`
        tells that there is evidence: a rater can mark only what stands in the completion.

    Raises
    ------
    StudyError
        Naming file, line and value, if the file or a line of it is not of the form that `RatedFile` writes.
    """
    draws: Counter[tuple[str, str]] = Counter()
    notes = []
    for rated in latest(path, system):
        place = (rated.exhibit_id, rated.subdimension)
        notes.append(
            Note(
                judge=judge_id,
                system=rated.system,
                exhibit_id=rated.exhibit_id,
                subdimension=rated.subdimension,
                draw=draws[place],
                rating=None if rated.rating is None else float(rated.rating),
                expected=None,
                missing=Missing.IRRELEVANT if rated.rating is None else None,
                evidence=rated.evidence,
                evidence_found=bool(rated.evidence),
                reason=rated.reason,
                call_key="",
            )
        )
        draws[place] += 1
    return tuple(notes)


def latest(path: Path, system: ValueSystem) -> tuple[Rated, ...]:
    """Read the last line of each rater on each exhibit and subdimension of a system, as `read_rated` does.

    They stand in the order in which each was first rated.
    """
    known = tuple(s.id for s in system.subdimensions)
    found: dict[Cell, Rated] = {}
    for line, rated in _lines(path):
        if rated.system != system.name:
            continue
        if rated.subdimension not in known:
            msg = (
                f"{path}, line {line}: {system.name!r} has no subdimension {rated.subdimension!r}; "
                f"it has {', '.join(map(repr, known))}."
            )
            raise StudyError(msg)
        found[rated.cell] = rated
    return tuple(found.values())


def _lines(path: Path) -> Iterator[tuple[int, Rated]]:
    """Yield each rating with the number of its line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        msg = f"{path}: no such file of ratings; check the path, or make one with: valuelex rate STUDY --rater NAME"
        raise StudyError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8 at byte {error.start}; save it as CSV in UTF-8."
        raise StudyError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); give the path of a CSV file."
        raise StudyError(msg) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = tuple(next(reader, ()))
        if header != COLUMNS:
            msg = f"{path}, line 1: the header must be {','.join(COLUMNS)!r}, not {','.join(header)[:120]!r}."
            raise StudyError(msg)
        for fields in reader:
            if fields:
                yield reader.line_num, _rated(fields, f"{path}, line {reader.line_num}")
    except csv.Error as error:
        msg = f"{path}, line {reader.line_num}: not CSV ({error}); mend or delete the line."
        raise StudyError(msg) from error


def _rated(fields: list[str], at: str) -> Rated:
    if len(fields) != len(COLUMNS):
        msg = f"{at}: {len(fields)} fields, but there are {len(COLUMNS)} columns; mend or delete the line."
        raise StudyError(msg)
    rater, exhibit_id, system, subdimension, relevant, rating, evidence, reason = fields
    for name, value in zip(COLUMNS[:4], fields, strict=False):
        if not value:
            msg = f"{at}: {name!r} is empty; fill it in or delete the line."
            raise StudyError(msg)
    if relevant not in ("yes", "no"):
        msg = f"{at}: 'relevant' must be 'yes' or 'no', not {relevant[:40]!r}."
        raise StudyError(msg)
    if relevant == "no" and rating:
        msg = f"{at}: 'relevant' is 'no', so 'rating' must be empty, not {rating[:40]!r}; change one of the two."
        raise StudyError(msg)
    if relevant == "yes" and rating not in POINTS:
        msg = (
            f"{at}: 'rating' must be a whole number from {SCALE_LOW:g} to {SCALE_HIGH:g}, not {rating[:40]!r}; "
            "mend it, or put 'no' under 'relevant' and leave it empty."
        )
        raise StudyError(msg)
    return Rated(
        rater=rater,
        exhibit_id=exhibit_id,
        system=system,
        subdimension=subdimension,
        rating=POINTS.get(rating),
        evidence=_without_guard(evidence),
        reason=_without_guard(reason),
    )


class RatedFile:
    """A file of ratings, opened to add to it. It is made with its folder where it does not exist.

    A last line that was cut off when a machine stopped in the middle of writing is taken away.

    Raises
    ------
    LedgerError
        If the file cannot be written.
    StudyError
        If it is there and is no file of ratings.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("ab")
        except OSError as error:
            raise self._cannot(error) from error
        try:
            self._take_up()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        """Use the file in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        try:
            self._stream.close()
        except OSError as cause:
            raise self._cannot(cause) from cause

    def add(self, rated: Rated) -> None:
        """Write one rating; when this returns it is on disk.

        Raises
        ------
        LedgerError
            If it could not be written.
        """
        gate, point = ("no", "") if rated.rating is None else ("yes", str(rated.rating))
        words = (_one_line(rated.evidence), _one_line(rated.reason))
        self._append([*rated.cell[:2], rated.system, rated.subdimension, gate, point, *map(_guarded, words)])

    def _append(self, fields: list[str]) -> None:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\n").writerow(fields)
        try:
            self._stream.write(buffer.getvalue().encode("utf-8", "replace"))
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise self._cannot(error) from error

    def _take_up(self) -> None:
        """Begin a new file with its header; end an old one with a whole line."""
        content = self.path.read_bytes()
        if HEADER.startswith(content):
            os.truncate(self.path, 0)
            self._append(list(COLUMNS))
            return
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content and whole.removeprefix(BOM_UTF8).startswith(HEADER):
            if _is_whole(content[len(whole) :]):
                self._stream.write(b"\n")
                self._stream.flush()
            else:
                os.truncate(self.path, len(whole))
        for _ in _lines(self.path):
            pass

    def _cannot(self, error: OSError) -> LedgerError:
        return LedgerError(
            f"{str(self.path)!r} cannot be written ({error.strerror}); free space or check its rights. "
            "Ratings shown as saved are kept."
        )


def _is_whole(tail: bytes) -> bool:
    """Tell a line that only lacks its end from one that was cut off."""
    try:
        return [len(fields) for fields in csv.reader([tail.decode()], strict=True)] == [len(COLUMNS)]
    except (UnicodeDecodeError, csv.Error):
        return False


def _one_line(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())


def _guarded(text: str) -> str:
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def _without_guard(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text
