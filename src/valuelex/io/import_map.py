"""Read recorded answers out of rows: from any table by a map of its columns, and from known logs.

Owns the forms of files that need no map (a plain table, AlpacaEval's outputs, sample logs of lm-evaluation-harness) and
the checks of single fields. Whether a study asks for an answer is not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from valuelex.domain.recorded import STAGES, BadRow, Fault, RecordedAnswer, RecordedStage
from valuelex.domain.wording import count, either
from valuelex.errors import DataError, StudyError
from valuelex.io.import_rows import Kind, Row, read_rows

Format = Literal["table", "alpaca-eval", "lm-eval", "inspect"]
FORMATS: tuple[Format, ...] = get_args(Format)
Field = Literal["respondent", "item", "text", "draw", "stage", "prompt", "finish_reason"]
FIELDS: tuple[Field, ...] = get_args(Field)
COLUMNS: Mapping[Format, Mapping[Field, str]] = {
    "table": {name: name for name in FIELDS},
    "alpaca-eval": {"respondent": "generator", "prompt": "instruction", "text": "output"},
    "lm-eval": {"item": "doc_id"},
}
"""Where the fields are as long as nobody maps them. Of lm-eval logs texts and prompts are found without a map."""
SAMPLE = 100
"""Rows that show the form of a file."""
MAX_NAME = 300
"""Characters of a respondent's name or an item's id; a longer one is a text in the wrong column."""
MAX_TEXT = 2**22
MAX_DRAW = 10**6
_PLACE = re.compile(r"\{([^{}]+)\}")
_WHOLE = re.compile(r"\d{1,9}(?:\.0+)?")
_SAMPLES = re.compile(r"samples_(?P<task>.+?)_(?P<date>\d{4}-\d\d-\d\dT[^.]+(?:\.\d+)?)\.jsonl(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class ImportMap:
    """How rows become answers, as far as the user tells.

    `fields` gives for a field the name of a column, or a template of several such as ``{task}/{number}``; names with
    dots reach into objects. `respondent` and `stage` hold for every row. `first_draw` is how the file numbers the
    first draw. `format` is None where the file shows it.
    """

    format: Format | None = None
    fields: Mapping[Field, str] = field(default_factory=dict)
    respondent: str = ""
    stage: RecordedStage | None = None
    first_draw: int = 0


def parse_map(entries: Sequence[str]) -> dict[Field, str]:
    """Read FIELD=COLUMN entries.

    Raises
    ------
    StudyError
        If an entry has another form, or names a field twice or one that does not exist.
    """
    found: dict[Field, str] = {}
    for entry in entries:
        name, equals, column = entry.partition("=")
        known = next((f for f in FIELDS if f == name.strip()), None)
        if known is None or not equals or not column.strip():
            msg = f"--map must be FIELD=COLUMN with one of {', '.join(FIELDS)}, not {entry!r}; for instance text=answer"
            raise StudyError(msg)
        if known in found:
            msg = f"--map names {known!r} twice; for one field of several columns write --map '{known}={{a}}/{{b}}'."
            raise StudyError(msg)
        found[known] = column.strip()
    return found


def read_answers(
    path: Path, kind: Kind, given: ImportMap
) -> tuple[Format, Iterator[RecordedAnswer | BadRow]]:
    """Tell the format of a file of rows, and yield each answer in it or what is wrong with it.

    Parameters
    ----------
    path, kind
        A file that is no Inspect log.
    given
        What the user tells.

    Returns
    -------
    tuple
        The format, and the answers. A row of lm-eval holds one for each response.

    Raises
    ------
    DataError
        If the file cannot be read, or lacks columns that are needed.
    """
    rows = [row for _, row in read_rows(path, kind, first=SAMPLE) if not isinstance(row, BadRow)]
    form = given.format or _format_of(rows)
    if form == "lm-eval":
        given = replace(given, respondent=given.respondent or _harness_model(path))
    columns = {**COLUMNS[form], **given.fields}
    _check_columns(path, form, columns, given, rows)
    named = {name for column in columns.values() for name in _names(column)}
    wanted = None if form == "lm-eval" else named | {name.partition(".")[0] for name in named}
    reader = _Reader(columns, given, "observe" if form != "table" else None, _task(path))
    return form, reader.answers(read_rows(path, kind, wanted), harness=form == "lm-eval")


def _format_of(rows: Sequence[Row]) -> Format:
    if any("resps" in row and "doc_id" in row for row in rows):
        return "lm-eval"
    if any("instruction" in row and "output" in row for row in rows):
        return "alpaca-eval"
    return "table"


def _names(column: str) -> list[str]:
    return _PLACE.findall(column) or [column]


def _check_columns(
    path: Path, form: Format, columns: Mapping[Field, str], given: ImportMap, rows: Sequence[Row]
) -> None:
    """Stop where no row shown has a column that is needed or mapped: it is the map that is wrong, not the rows."""
    if not rows:
        return
    there = dict.fromkeys(name for row in rows for name in row)
    listed = ", ".join(map(repr, there))[:400]

    def lacks(field_: Field) -> str | None:
        names = _names(columns[field_]) if field_ in columns else [field_]
        return next((n for n in names if all(_look_up(row, n) is _ABSENT for row in rows)), None)

    for name in given.fields:
        if (missing := lacks(name)) is not None:
            msg = f"{path}: no column {missing!r}, which --map gives for {name!r}; it has {listed}."
            raise DataError(msg)
    way_out = {
        "text": "--map text=COLUMN",
        "respondent": "--map respondent=COLUMN or --respondent NAME",
        "stage": f"--stage {', '.join(STAGES)}",
        "item": "--map item=COLUMN or --map prompt=COLUMN",
    }
    needed: list[Field] = ["text"] if form != "lm-eval" else []
    needed += [] if given.respondent else ["respondent"]
    needed += [] if given.stage or form != "table" else ["stage"]
    needed += [] if lacks("prompt") is None or form == "lm-eval" else ["item"]
    for name in needed:
        if lacks(name) is not None:
            msg = f"{path}: it does not tell the {name} of its answers; say it by {way_out[name]}. It has {listed}."
            raise DataError(msg)


_ABSENT = object()


def _look_up(row: Any, name: str) -> Any:
    """Find a column by its name, or by dots in the objects of a row."""
    if isinstance(row, Mapping):
        if name in row:
            return row[name]
        first, dot, rest = name.partition(".")
        if dot and first in row:
            return _look_up(row[first], rest)
    return _ABSENT


class _BadFieldError(Exception):
    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


class _Reader:
    """Makes answers of rows, by a map whose columns have been checked."""

    def __init__(
        self, columns: Mapping[Field, str], given: ImportMap, stage: RecordedStage | None, task: str
    ) -> None:
        self._columns, self._given, self._task = columns, given, task
        self._stage = given.stage or ("stage" not in given.fields and stage) or None

    def answers(
        self, rows: Iterable[tuple[int, Row | BadRow]], *, harness: bool
    ) -> Iterator[RecordedAnswer | BadRow]:
        for line, row in rows:
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                found = self._of_harness(line, row) if harness else [self._answer(line, row)]
            except _BadFieldError as error:
                yield BadRow(line, error.fault, str(error))
                continue
            yield from found

    def _answer(self, line: int, row: Row) -> RecordedAnswer:
        return self._of(line, row, self._text(row), self._field(row, "prompt"), self._draw(row))

    def _of(self, line: int, row: Row, text: str, prompt: str, draw: int) -> RecordedAnswer:
        item = self._name(row, "item", needed=not prompt)
        return RecordedAnswer(
            line=line,
            respondent=self._given.respondent or self._name(row, "respondent", needed=True),
            stage=self._stage_of(row),
            item=item,
            draw=draw,
            text=text,
            prompt=prompt,
            finish_reason=self._field(row, "finish_reason") or None,
        )

    def _of_harness(self, line: int, row: Row) -> list[RecordedAnswer]:
        """Read every response of a row of lm-evaluation-harness: several requests or repeats are its draws."""
        prompt = self._field(row, "prompt") if "prompt" in self._columns else _harness_prompt(row)
        if "text" in self._columns:
            texts = [self._text(row)]
        else:
            responses = row.get("resps", _ABSENT)
            if not isinstance(responses, list):
                raise _BadFieldError(Fault.MISSING_FIELD, "'resps' is missing or no list")
            texts = [
                text
                for request in responses
                for text in (request if isinstance(request, list) else [request])
            ]
            if not texts:
                raise _BadFieldError(Fault.NO_TEXT, "'resps' holds no response")
            if not all(isinstance(text, str) for text in texts):
                raise _BadFieldError(
                    Fault.WRONG_TYPE, "'resps' holds likelihoods or other values, and no text"
                )
        found = [self._of(line, row, _checked_text(text), prompt, draw) for draw, text in enumerate(texts)]
        own = self._task and "item" not in self._given.fields
        return [replace(a, item=f"{self._task}/{a.item}") for a in found] if own else found

    def _text(self, row: Row) -> str:
        text = self._value(row, "text")
        if text is _ABSENT:
            raise _BadFieldError(Fault.MISSING_FIELD, f"there is no {self._columns['text']!r}")
        if text is None:
            raise _BadFieldError(Fault.NO_TEXT, f"{self._columns['text']!r} is null: nothing was recorded")
        if not isinstance(text, str):
            raise _BadFieldError(
                Fault.WRONG_TYPE, f"{self._columns['text']!r} is of type {type(text).__name__}, not a text"
            )
        return _checked_text(text)

    def _value(self, row: Row, name: Field) -> Any:
        """Look a field up by its column, or fill its template; absent where a part of it is."""
        column = self._columns.get(name)
        if column is None:
            return _ABSENT
        if not _PLACE.search(column):
            return _look_up(row, column)
        parts = {place: _look_up(row, place) for place in _PLACE.findall(column)}
        for place, part in parts.items():
            if part is _ABSENT or part is None:
                raise _BadFieldError(Fault.MISSING_FIELD, f"there is no {place!r}, of which {name} is made")
            if isinstance(part, bool) or not isinstance(part, str | int):
                raise _BadFieldError(
                    Fault.WRONG_TYPE, f"{place!r} is of type {type(part).__name__}, but {name} is made of it"
                )
        return _PLACE.sub(lambda match: str(parts[match.group(1)]), column)

    def _field(self, row: Row, name: Field) -> str:
        """Read a text that may be left out."""
        value = self._value(row, name)
        if value is _ABSENT or value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _BadFieldError(
                Fault.WRONG_TYPE,
                f"{self._columns[name]!r} is of type {type(value).__name__}, but {name} is a text",
            )
        return _checked_text(str(value), name)

    def _name(self, row: Row, name: Field, *, needed: bool) -> str:
        """Read a respondent or an item: short, of visible signs."""
        value = self._field(row, name).strip()
        if not value and needed:
            fault = Fault.MISSING_FIELD if self._value(row, name) is _ABSENT else Fault.EMPTY_FIELD
            raise _BadFieldError(
                fault, f"the {name} is {'not there' if fault is Fault.MISSING_FIELD else 'empty'}"
            )
        if len(value) > MAX_NAME:
            raise _BadFieldError(
                Fault.TOO_LONG,
                f"the {name} has {count(len(value), 'character')}; a name has at most {MAX_NAME}",
            )
        if not value.isprintable():
            raise _BadFieldError(
                Fault.WRONG_TYPE, f"the {name} {value[:40]!r} holds characters that no name has"
            )
        return value

    def _stage_of(self, row: Row) -> RecordedStage:
        if self._stage is not None:
            return self._stage
        said = self._field(row, "stage").strip()
        stage = next((s for s in STAGES if s == said), None)
        if stage is None:
            raise _BadFieldError(
                Fault.UNKNOWN_STAGE, f"the stage must be {either(STAGES)}, not {said[:40]!r}"
            )
        return stage

    def _draw(self, row: Row) -> int:
        value = self._value(row, "draw")
        if value is _ABSENT or value is None or value == "":
            return 0
        whole = str(value).strip()
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not _WHOLE.fullmatch(whole):
            raise _BadFieldError(
                Fault.WRONG_TYPE, f"the draw must be a whole number from 0, not {str(value)[:40]!r}"
            )
        draw = int(float(whole)) - self._given.first_draw
        if not 0 <= draw < MAX_DRAW:
            said = (
                f"the draw {whole} lies outside; draws count from {self._given.first_draw} (see --first-draw)"
            )
            raise _BadFieldError(Fault.UNKNOWN_DRAW, said)
        return draw


def _checked_text(text: str, name: str = "text") -> str:
    if len(text) > MAX_TEXT:
        raise _BadFieldError(
            Fault.TOO_LONG, f"the {name} has {count(len(text), 'character')}; at most {MAX_TEXT:,} are taken"
        )
    return text


def _harness_prompt(row: Row) -> str:
    """Find what was asked: the first argument of the first request, or in a chat its last user's turn."""
    requests = row.get("arguments")
    first: Any = next(iter(requests.values()), None) if isinstance(requests, Mapping) else requests
    if isinstance(first, list) and first and isinstance(first[0], list):
        first = first[0]
    asked = (
        first.get("arg_0")
        if isinstance(first, Mapping)
        else first[0]
        if isinstance(first, list) and first
        else None
    )
    if isinstance(asked, list) and asked:
        asked = asked[0]
    if not isinstance(asked, str):
        return ""
    try:
        turns = json.loads(asked) if asked.startswith("[") else None
    except ValueError:
        turns = None
    said = (
        [t.get("content") for t in turns if isinstance(t, dict) and t.get("role") == "user"] if turns else []
    )
    return _checked_text(said[-1] if said and isinstance(said[-1], str) else asked, "prompt")


def _task(path: Path) -> str:
    match = _SAMPLES.fullmatch(path.name)
    return match["task"] if match else ""


def _harness_model(path: Path) -> str:
    """Name the model of a sample log: by the results file beside it, else by its folder."""
    match = _SAMPLES.fullmatch(path.name)
    if match is None:
        return ""
    results = path.with_name(f"results_{match['date']}.json")
    try:
        told = json.loads(results.read_text(encoding="utf-8")).get("model_name")
    except (OSError, ValueError, AttributeError):
        told = None
    return told if isinstance(told, str) and told else path.absolute().parent.name.replace("__", "/")
