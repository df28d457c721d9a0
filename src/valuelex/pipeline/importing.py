"""Bring answers that were recorded elsewhere into the ledger of a study.

Joins the readers of files, the places of a study and its ledger. Every row is accounted for: imported, there already,
or bad. Sends nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from valuelex.domain.call import Call
from valuelex.domain.recorded import (
    BadRow,
    Fault,
    Recorded,
    RecordedAnswer,
    RecordedStage,
    SourceFile,
    read_recorded,
    recorded_payload,
)
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.io import files
from valuelex.io.import_inspect import read_inspect
from valuelex.io.import_map import Format, ImportMap, read_answers
from valuelex.io.import_rows import kind_of, source_of
from valuelex.io.inspect_log import is_exported, read_exported
from valuelex.io.ledger import Answer, Ledger
from valuelex.pipeline.workspace import Workspace
from valuelex.stages.recorded import Places

BATCH_ROWS, BATCH_CHARACTERS = 10_000, 2**25
"""Rows that are committed together at the most, and characters of their texts and prompts."""


class Watcher(Protocol):
    """Is told how an import goes. Given by the command line."""

    def begin(self, path: Path) -> None:
        """Hear which file is read next."""

    def bad(self, path: Path, row: BadRow) -> None:
        """Hear of a row that is not imported."""

    def done(self, outcome: Imported) -> None:
        """Hear what became of a file."""


@dataclass(slots=True)
class Imported:
    """What became of the rows of one file: ``n_rows == n_new + n_there + n_bad``.

    `names` counts answers (new and already there) by the name they were recorded under and their stage;
    `unknown` are the names that no respondent of the study stands for. `min_draw` is the lowest draw.
    """

    path: Path
    format: Format
    n_rows: int = 0
    n_new: int = 0
    n_there: int = 0
    bad: Counter[Fault] = field(default_factory=Counter)
    names: Counter[tuple[str, RecordedStage]] = field(default_factory=Counter)
    unknown: dict[str, None] = field(default_factory=dict)
    min_draw: int | None = None

    @property
    def n_bad(self) -> int:
        """Rows that were not imported."""
        return self.bad.total()


def import_answers(
    workspace: Workspace,
    paths: Sequence[Path],
    given: ImportMap,
    watcher: Watcher,
) -> tuple[Imported, ...]:
    """Import files of recorded answers into the ledger of a study.

    Importing a file again changes nothing. Of two different answers to one item in one draw the first is kept and
    the second is bad.

    Parameters
    ----------
    workspace
        The study and its folder. Other processes may use it meanwhile: what is there already and what is new is told
        and written in one transaction.
    paths
        The files, read one after the other.
    given
        What the user tells of them.
    watcher
        Told each file before and after it is read, and every bad row as it comes.

    Raises
    ------
    DataError
        If a file cannot be read or its columns are not understood; what was committed before is kept.
    """
    kinds = {path: kind_of(path) for path in paths}
    places = Places(workspace.study)
    outcomes = []
    files.open_folder(workspace.folder)
    with Ledger(workspace.ledger_path) as ledger:
        for path, kind in kinds.items():
            watcher.begin(path)
            if kind == "inspect" and is_exported(path):
                outcomes.append(_take_exported(ledger, path, watcher))
                watcher.done(outcomes[-1])
                continue
            form: Format = "inspect"
            if kind == "inspect" or given.format == "inspect":
                rows = read_inspect(path, given)
            else:
                form, rows = read_answers(path, kind, given)
            importer = _Importer(ledger, places, Imported(path, form), source_of(path), watcher)
            importer.take(rows)
            watcher.done(importer.outcome)
            outcomes.append(importer.outcome)
    return tuple(outcomes)


def _take_exported(ledger: Ledger, path: Path, watcher: Watcher) -> Imported:
    """Take the calls of a log that ValueLex wrote, or one of its tasks, exactly as they were."""
    outcome = Imported(path, "inspect")
    rows = read_exported(path)
    while some := list(islice(rows, BATCH_ROWS)):
        outcome.n_rows += len(some)
        for row in some:
            if isinstance(row, BadRow):
                _refuse(row, outcome, watcher)
        new: dict[str, Answer] = {}
        good = [row for row in some if not isinstance(row, BadRow)]
        with ledger.transaction():
            known = ledger.payloads(answer.call.key for _, answer in good)
            for line, answer in good:
                key = answer.call.key
                if key not in known:
                    known[key], new[key] = answer.payload, answer
                    outcome.n_new += 1
                elif known[key] == answer.payload:
                    outcome.n_there += 1
                else:
                    _refuse(_other_answer(line, answer.call), outcome, watcher)
            ledger.record(answers=new.values())
    return outcome


def _other_answer(line: int, call: Call) -> BadRow:
    said = (
        f"{call.respondent_id!r} gave another answer to {call.item_id!r} in draw {call.draw} of stage {call.stage!r}, "
        "which was kept; to use this one, import the log into another --folder"
    )
    return BadRow(line, Fault.CONFLICT, said)


def _refuse(row: BadRow, outcome: Imported, watcher: Watcher) -> None:
    outcome.bad[row.fault] += 1
    watcher.bad(outcome.path, row)


class _Importer:
    """Takes the rows of one file into the ledger, batch by batch."""

    def __init__(
        self,
        ledger: Ledger,
        places: Places,
        outcome: Imported,
        source: SourceFile,
        watcher: Watcher,
    ) -> None:
        self.outcome = outcome
        self._ledger, self._places, self._source, self._watcher = ledger, places, source, watcher
        # The harness logs every response once for each of its filters.
        self._repeats = outcome.format == "lm-eval"

    def take(self, rows: Iterable[RecordedAnswer | BadRow]) -> None:
        """Commit all good rows."""
        placed: list[tuple[Call, RecordedAnswer]] = []
        n_characters = 0
        for row in rows:
            self.outcome.n_rows += 1
            if isinstance(row, BadRow):
                self._refuse(row)
                continue
            call = self._places.call_of(row)
            if isinstance(call, BadRow):
                self._refuse(call)
                continue
            placed.append((call, row))
            n_characters += len(row.text) + len(row.prompt)
            if len(placed) >= BATCH_ROWS or n_characters >= BATCH_CHARACTERS:
                self._commit(placed)
                placed, n_characters = [], 0
        self._commit(placed)

    def _commit(self, placed: Sequence[tuple[Call, RecordedAnswer]]) -> None:
        new: dict[str, Answer] = {}
        with self._ledger.transaction():
            payloads = self._ledger.payloads(call.key for call, _ in placed)
            known = {key: read_recorded(json.loads(payload)) for key, payload in payloads.items()}
            for call, answer in placed:
                first = known.get(call.key)
                if first is None:
                    new[call.key] = Answer(call, recorded_payload(answer, self._source), 0.0, 0)
                    source = self._source
                    known[call.key] = Recorded(
                        answer.text, answer.finish_reason, source.name, source.sha256, answer.line
                    )
                    self._count(answer)
                    self.outcome.n_new += 1
                elif not first.says(answer):
                    self._refuse(self._conflict(answer, call, first))
                elif first.sha256 == self._source.sha256 and first.line != answer.line and not self._repeats:
                    self._refuse(
                        BadRow(answer.line, Fault.REPEATED, f"it says the same as line {first.line}")
                    )
                else:
                    self._count(answer)
                    self.outcome.n_there += 1
            self._ledger.record(new.values())

    def _conflict(self, answer: RecordedAnswer, call: Call, first: Recorded) -> BadRow:
        where = "line" if first.sha256 == self._source.sha256 else f"{first.file!r}, line"
        said = (
            f"{answer.respondent!r} gave another answer to {call.item_id!r} in draw {answer.draw} ({where} "
            f"{first.line}), which was kept; tell them apart by --map draw=COLUMN, or by --map item='{{A}}/{{B}}'"
        )
        return BadRow(answer.line, Fault.CONFLICT, said)

    def _count(self, answer: RecordedAnswer) -> None:
        self.outcome.names[answer.respondent, answer.stage] += 1
        if not self._places.knows(answer.respondent):
            self.outcome.unknown[answer.respondent] = None
        lowest = self.outcome.min_draw
        self.outcome.min_draw = answer.draw if lowest is None else min(lowest, answer.draw)

    def _refuse(self, row: BadRow) -> None:
        _refuse(row, self.outcome, self._watcher)


def check_imported(outcomes: Sequence[Imported]) -> None:
    """Stop where there were rows and none could be used.

    Raises
    ------
    DataError
        Naming the commonest faults.
    """
    n_rows = sum(o.n_rows for o in outcomes)
    if n_rows and all(o.n_new + o.n_there == 0 for o in outcomes):
        counted = sum((o.bad for o in outcomes), Counter[Fault]())
        listed = ", ".join(f"{n} {fault}" for fault, n in counted.most_common())
        msg = f"None of {count(n_rows, 'row')} could be imported ({listed}); the ledger is as it was."
        raise DataError(msg)
