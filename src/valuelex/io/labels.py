"""Read texts that people have labelled: any table, by a map of its columns.

Owns the form of maps, shipped ones and a user's own, and the plain form that needs none. Every row that cannot be used
is listed with its line and the reason. Ratings are not read here, nor anything compared.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

from pydantic import Field, field_validator

from valuelex.domain.labels import LabelKind, LabelledText, LabelProblem, LabelSet
from valuelex.errors import DataError, StudyError
from valuelex.io.assets import ASSETS, shipped
from valuelex.io.toml_form import Section, Text, read_toml, validate

Reader = Literal["csv", "tsv", "jsonl"]
Row = Mapping[str, Any]
PLAIN_NEEDED = ("text", "subdimension", "label")
PLAIN_OPTIONAL = ("context", "group", "annotator")
_PLACE = re.compile(r"\{([^{}]+)\}")


class _Column(Section):
    """A column that holds one annotator's label of one subdimension."""

    column: Text
    subdimension: Text
    annotator: str = ""


class _Entries(Section):
    """A column that holds a list of labels; `pattern` has the groups `subdimension` and `value`."""

    column: Text
    pattern: Text

    @field_validator("pattern")
    @classmethod
    def _has_its_groups(cls, value: str) -> str:
        return _pattern(value, {"subdimension", "value"})


class _Long(Section):
    """Columns of a file with one row for each label; `annotator` is "" where there is no such column."""

    subdimension: Text
    label: Text
    annotator: str = ""


class _Join(Section):
    """A second file of the same form beside the first, whose rows are joined on a column of both."""

    file: Text
    on: Text


class LabelMap(Section):
    """How the columns of a file become labelled texts.

    `text`, `context`, `group`, `unit` and `id` are templates with {column}. `extract` makes more columns: by the
    named groups of a regular expression that is matched with a column. `values` translates what
    stands in the file into numbers; without it, labels are numbers.
    """

    name: Text
    source: str
    system: Text
    kind: LabelKind | None = None
    reader: Reader
    text: Text
    context: str = ""
    group: str = ""
    unit: str = ""
    id: str = ""
    join: _Join | None = None
    extract: dict[str, str] = {}
    columns: tuple[_Column, ...] = ()
    entries: _Entries | None = None
    long: _Long | None = None
    values: dict[str, Annotated[float, Field(ge=-1, le=6)]] = {}

    @field_validator("extract")
    @classmethod
    def _are_patterns(cls, value: dict[str, str]) -> dict[str, str]:
        return {column: _pattern(pattern, set()) for column, pattern in value.items()}

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns that the file, with what is joined and extracted, must have."""
        templates = (self.text, self.context, self.group, self.unit, self.id)
        names = [name for template in templates for name in _PLACE.findall(template)]
        names += [c.column for c in self.columns]
        names += [self.entries.column] if self.entries else []
        names += (
            [n for n in (self.long.subdimension, self.long.label, self.long.annotator) if n]
            if self.long
            else []
        )
        return tuple(dict.fromkeys(names))


@dataclass(slots=True)
class _Found:
    """A text while rows are read: what its templates gave, and its labels with the lines they came from."""

    line: int
    parts: Mapping[str, str]
    labels: dict[tuple[str, str], list[tuple[int, float]]] = field(default_factory=dict)


def load_map(name: str) -> LabelMap:
    """Load a map by its shipped name, or from a TOML file.

    Raises
    ------
    StudyError
        If there is none of this name, or the file is wrong.
    """
    source: Path | Traversable = Path(name).expanduser()
    if not name.endswith(".toml"):
        if name not in shipped("labels"):
            choices = ", ".join(map(repr, shipped("labels")))
            msg = f"No shipped map of labels {name!r}; there is {choices}, or give the path of a .toml file."
            raise StudyError(msg)
        source = ASSETS.joinpath("labels", f"{name}.toml")
    read = validate(LabelMap, read_toml(source, name), name)
    if sum([bool(read.columns), read.entries is not None, read.long is not None]) != 1:
        msg = f"{name}: a map says in one way where the labels are: [[columns]], [entries] or [long]."
        raise StudyError(msg)
    return read


def read_labels(path: Path, mapped: LabelMap | None, subdimensions: Collection[str]) -> LabelSet:
    """Read a file of labelled texts.

    Parameters
    ----------
    path
        CSV, TSV or JSON lines, which may be compressed (.gz).
    mapped
        How its columns are to be read. None reads the plain form: CSV with the columns ``text``,
        ``subdimension`` and ``label``, and where there are any ``context``, ``group`` and ``annotator``; one row
        for each label. Labels of which one is -1 are signed, of which all are 0 or 1 say whether the text
        bears on the subdimension, all others are points of the scale from 0 to 6.
    subdimensions
        Ids of the value system that the labels are about.

    Returns
    -------
    LabelSet
        With every row or label that could not be used in `problems`, by line.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, or holds no label that can be used.
    """
    problems: list[LabelProblem] = []
    rows = list(_rows(path, mapped.reader if mapped else "csv", problems))
    form = mapped or _plain_map(path, rows)
    joined = _joined(path, form, rows, problems)
    texts = _collect(form, joined, subdimensions, problems)
    kind = form.kind or _kind_of(texts)
    annotators = tuple(dict.fromkeys(who for t in texts for who, _ in t.labels)) or ("",)
    made = tuple(_labelled(t, kind, annotators, problems) for t in texts)
    usable = tuple(t for t in made if any(t.annotations))
    listed = tuple(sorted(set(problems), key=lambda p: (p.line, p.reason)))
    if not usable:
        first = f" (first: line {listed[0].line}: {listed[0].reason})" if listed else ""
        msg = f"{path}: no row has a label that can be used{first}; check the file, or its map with --map."
        raise DataError(msg)
    return LabelSet(form.name, form.source, kind, annotators, usable, listed)


def _plain_map(path: Path, rows: Sequence[tuple[int, Row]]) -> LabelMap:
    present = set(rows[0][1]) if rows else set()
    absent = [name for name in PLAIN_NEEDED if name not in present]
    if absent:
        msg = (
            f"{path}: no column {absent[0]!r}; a plain file has the columns {', '.join(PLAIN_NEEDED)} (and where "
            f"there are any {', '.join(PLAIN_OPTIONAL)}). Rename columns, or describe them in a map with --map."
        )
        raise DataError(msg)
    annotator = "annotator" if "annotator" in present else ""
    return LabelMap(
        name=path.name,
        source="",
        system="valuelex-2024",
        reader="csv",
        text="{text}",
        long=_Long(subdimension="subdimension", label="label", annotator=annotator),
        context="{context}" if "context" in present else "",
        group="{group}" if "group" in present else "",
    )


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a text file, compressed or not; what is wrong with it is told in one line."""
    try:
        if path.name.endswith(".gz"):
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
                yield stream
        else:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                yield stream
    except FileNotFoundError as error:
        msg = f"{path}: no such file; check the path."
        raise DataError(msg) from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: cannot be read as a table of text ({error}); give a CSV, TSV or JSON lines file in UTF-8."
        raise DataError(msg) from error


def _rows(path: Path, reader: Reader, problems: list[LabelProblem]) -> Iterator[tuple[int, Row]]:
    """Read rows with the line on which each begins."""
    with _opened(path) as stream:
        if reader == "jsonl":
            yield from _json_rows(stream, problems)
            return
        table = csv.DictReader(stream, delimiter="\t" if reader == "tsv" else ",")
        width = len(table.fieldnames or ())
        line = table.line_num + 1
        for row in table:
            if None in row or None in row.values():
                problems.append(LabelProblem(line, f"does not have the {width} cells of the header"))
            else:
                yield line, row
            line = table.line_num + 1


def _json_rows(stream: TextIO, problems: list[LabelProblem]) -> Iterator[tuple[int, Row]]:
    for line, text in enumerate(stream, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            problems.append(LabelProblem(line, "is not JSON"))
            continue
        if isinstance(row, dict):
            yield line, row
        else:
            problems.append(LabelProblem(line, "is not a JSON object"))


def _joined(
    path: Path, form: LabelMap, rows: Sequence[tuple[int, Row]], problems: list[LabelProblem]
) -> list[tuple[int, Row]]:
    """Add the columns of the second file and the extracted ones; rows that lack a column are left out."""
    others: dict[str, Row] = {}
    if form.join is not None:
        beside = path.parent / form.join.file
        strange: list[LabelProblem] = []
        others = {str(row.get(form.join.on)): row for _, row in _rows(beside, form.reader, strange)}
        problems += [LabelProblem(p.line, f"of {form.join.file} {p.reason}") for p in strange]
    made: list[tuple[int, Row]] = []
    for line, row in rows:
        whole = dict(row)
        if form.join is not None:
            key = str(row.get(form.join.on))
            if key not in others:
                problems.append(LabelProblem(line, f"{form.join.on} {key!r} has no row in {form.join.file}"))
                continue
            whole |= others[key]
        for column, pattern in form.extract.items():
            match = re.match(pattern, str(whole.get(column, "")))
            whole |= match.groupdict("") if match else {}
        absent = [name for name in form.needed if name not in whole]
        if absent:
            problems.append(LabelProblem(line, f"has no {absent[0]!r}"))
        else:
            made.append((line, whole))
    if rows and not made:
        columns = ", ".join(map(str, rows[0][1]))
        msg = (
            f"{path}: no row fits the map {form.name!r} (first: line {problems[0].line} {problems[0].reason}). The "
            f"columns are {columns}; choose another --map."
        )
        raise DataError(msg)
    return made


def _collect(
    form: LabelMap,
    rows: Sequence[tuple[int, Row]],
    subdimensions: Collection[str],
    problems: list[LabelProblem],
) -> list[_Found]:
    """Gather the labels of each text; in a file with one row for each label, equal texts are one."""
    found: dict[Any, _Found] = {}
    for line, row in rows:
        parts = {name: _fill(getattr(form, name), row) for name in ("context", "text", "group", "unit", "id")}
        if not parts["text"]:
            problems.append(LabelProblem(line, "has no text"))
            continue
        key = (parts["context"], parts["text"], parts["group"]) if form.long else line
        text = found.setdefault(key, _Found(line, parts))
        n_before = len(problems)
        read = list(_labels(form, line, row, problems))
        for annotator, name, value in read:
            if name in subdimensions:
                text.labels.setdefault((annotator, name), []).append((line, value))
            else:
                known = ", ".join(subdimensions)
                problems.append(LabelProblem(line, f"{name!r} is no subdimension; there is {known}"))
        if not read and len(problems) == n_before:
            problems.append(LabelProblem(line, "has no label"))
    return list(found.values())


def _labels(
    form: LabelMap, line: int, row: Row, problems: list[LabelProblem]
) -> Iterator[tuple[str, str, float]]:
    """Read annotator, subdimension and value of the labels of a row; an empty cell is no label."""
    written: list[tuple[str, str, str]] = []
    if form.long is not None:
        annotator = str(row[form.long.annotator]).strip() if form.long.annotator else ""
        written.append((annotator, str(row[form.long.subdimension]), str(row[form.long.label])))
    elif form.entries is not None:
        entries = row[form.entries.column]
        for entry in entries if isinstance(entries, list) else [entries]:
            match = re.fullmatch(form.entries.pattern, str(entry).strip())
            if match is None:
                problems.append(LabelProblem(line, f"label {str(entry)!r} has not the form of the map"))
            else:
                written.append(("", match["subdimension"], match["value"]))
    else:
        written += [(c.annotator, c.subdimension, str(row[c.column])) for c in form.columns]
    for annotator, name, label in written:
        plain = "".join(label.split())
        if not plain:
            continue
        value = form.values.get(plain) if form.values else _number(plain)
        if value is None:
            allowed = ", ".join(map(repr, form.values)) or "a number"
            problems.append(LabelProblem(line, f"label {label!r} of {name!r} is not {allowed}"))
        else:
            yield annotator, name.strip().casefold(), value


def _number(label: str) -> float | None:
    return float(label) if re.fullmatch(r"[+-]?\d{1,6}(\.\d*)?", label) else None


def _kind_of(texts: Sequence[_Found]) -> LabelKind:
    values = {value for t in texts for given in t.labels.values() for _, value in given}
    if -1 in values:
        return LabelKind.SIGNED
    return LabelKind.RELEVANCE if values <= {0.0, 1.0} else LabelKind.SCALE


def _labelled(
    found: _Found, kind: LabelKind, annotators: Sequence[str], problems: list[LabelProblem]
) -> LabelledText:
    """Settle what each annotator said; labels of several categories that are one here count if one of them does."""
    settled: dict[str, dict[str, float]] = {who: {} for who in annotators}
    for (who, name), given in found.labels.items():
        values = {value for _, value in given}
        wrong = [(line, value) for line, value in given if not kind.allows(value)]
        if wrong:
            problems += [
                LabelProblem(at, f"{value:g} of {name!r} is no {kind.value} label") for at, value in wrong
            ]
        elif len(values) > 1 and kind is not LabelKind.RELEVANCE:
            both = " and ".join(f"{value:g}" for value in sorted(values))
            problems += [LabelProblem(at, f"{name!r} is labelled both {both}") for at, _ in given]
        else:
            settled[who][name] = max(values)
    name = found.parts["id"] or f"line {found.line}"
    return LabelledText(
        id=name,
        context=found.parts["context"],
        text=found.parts["text"],
        group=found.parts["group"],
        unit=found.parts["unit"] or name,
        annotations=tuple(settled[who] for who in annotators),
    )


def _fill(template: str, row: Row) -> str:
    """Put columns into a template; what they hold is never read as a template again."""
    return _PLACE.sub(lambda place: str(row[place[1]]).strip(), template).strip()


def _pattern(value: str, groups: set[str]) -> str:
    try:
        named = set(re.compile(value).groupindex)
    except re.error as error:
        msg = f"this is no regular expression ({error})"
        raise ValueError(msg) from error
    if not named or not groups <= named:
        msg = f"the pattern needs named groups{': ' + ', '.join(sorted(groups)) if groups else ''}"
        raise ValueError(msg)
    return value
