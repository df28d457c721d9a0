"""Logs in Inspect AI's form (`.eval`): write a ledger's calls and replies as such, and read them back exactly.

A log holds the calls of one respondent, or judge, in one stage. What Inspect's viewer shows is made from the
reply; beside it each sample keeps the call and the reply as the ledger has them, and these are what is read
back. Logs of the tasks in `valuelex.inspect_tasks` keep the same. Equal ledgers make equal bytes. Does not
read logs of other tasks.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valuelex import __version__
from valuelex.domain.call import Call, canonical_json
from valuelex.domain.recorded import BadRow, Fault
from valuelex.errors import DataError, LedgerError
from valuelex.io.exported_rows import checked_answer
from valuelex.io.inspect_wire import messages_of, output_of, require_inspect
from valuelex.io.ledger import Answer

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample, EvalScore
    from inspect_ai.model import ModelUsage

MARK = "valuelex_log"
"""Key of a log's metadata that tells its form."""
FORM = 1
CALL, REPLY, JUDGED = "call", "reply", "judged"
"""Where a sample keeps its call (in its metadata), its reply, and the calls that judged it (both in its store)."""
SAMPLES = "samples/"
"""Where the zip file that a log is has its samples, one a file."""
FIXED_DATE = (1980, 1, 1, 0, 0, 0)

Standings = Mapping[str, Mapping[str, Mapping[str, float]]]
"""By respondent and by judge: orientations in scale points, and their standard errors."""
Scores = Mapping[str, Mapping[str, tuple[dict[str, float | None], dict[str, str]]]]
"""By completion and by judge: ratings by subdimension, and the reasons of those that are missing."""


def reply_fields(answer: Answer) -> dict[str, Any]:
    """Write down how a call was answered, as a log keeps it."""
    return {
        "payload": answer.payload,
        "latency_s": answer.latency_s,
        "attempts": answer.attempts,
        "received_at": answer.received_at,
    }


def answer_of(call: Mapping[str, Any], reply: Mapping[str, Any]) -> Answer:
    """Read an answer as a log keeps it.

    Raises
    ------
    DataError
        If a field is not there, or the key does not belong to the request.
    """
    try:
        return Answer(Call(**call), **reply)
    except TypeError as error:
        msg = f"A call or a reply has not the fields that ValueLex writes ({error})."
        raise DataError(msg) from error


def export_logs(
    folder: Path,
    study: str,
    answers: Iterable[Answer],
    scores: Scores | None = None,
    standings: Standings | None = None,
    on_written: Callable[[Path, int], None] = lambda _path, _n: None,
) -> None:
    """Write answers as logs, one for each stage and respondent or judge.

    Parameters
    ----------
    folder
        Made where it does not exist; logs of the same names are replaced.
    study
        Name of the study.
    answers
        With all of one stage and respondent one after another, as `Ledger.answers` gives them. One log is in
        memory at a time.
    scores
        Ratings of completions, which are shown beside them.
    standings
        What was estimated from them, which is shown as the metrics of a log.
    on_written
        Told the path of each log, and how many answers are in it.

    Raises
    ------
    MissingPartError
        If Inspect is not installed.
    LedgerError
        If a file cannot be written.
    """
    require_inspect()
    for (stage, who), group in groupby(answers, key=lambda a: (a.call.stage, a.call.respondent_id)):
        own = list(group)
        log = _log(study, stage, who, own, scores or {})
        if stage == "project" and log.results is not None:
            log.results.scores = _metrics((standings or {}).get(who, {}))
        path = folder / _file_name(log)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(log, path)
        except OSError as error:
            msg = f"{str(path)!r} cannot be written ({error.strerror or error}); free space or check its rights."
            raise LedgerError(msg) from error
        on_written(path, len(own))


def is_exported(path: Path) -> bool:
    """Tell whether a file is a log that `read_exported` reads.

    Raises
    ------
    MissingPartError
        If it may be one and Inspect is not installed.
    """
    if path.suffix != ".eval":
        return False
    require_inspect()
    from inspect_ai.log import read_eval_log

    try:
        header = read_eval_log(path, header_only=True)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile):
        return False
    return (header.eval.metadata or {}).get(MARK) == FORM


def read_exported(path: Path) -> Iterator[tuple[int, Answer] | BadRow]:
    """Read the answers in a log that ValueLex exported, or that one of its tasks made; one sample at a time.

    A sample that was not answered is left out: its call is to be sent.

    Yields
    ------
    tuple of int and Answer, or BadRow
        Each answer after the number of its sample, from 1. What can be no answer in a ledger is a bad row.

    Raises
    ------
    MissingPartError
        If Inspect is not installed.
    DataError
        Naming the file, if it is no whole zip file.
    """
    require_inspect()
    import inspect_ai.log  # noqa: F401 - it teaches zipfile the compression of logs

    try:
        with zipfile.ZipFile(path) as log:
            names = dict.fromkeys(n for n in log.namelist() if n.startswith(SAMPLES))
            for line, name in enumerate(names, 1):
                yield from _answers(line, name, log.read(name))
    except (ValueError, OSError, KeyError, NotImplementedError, zlib.error, zipfile.BadZipFile) as error:
        msg = f"{str(path)!r} is damaged ({error}); export it, or run its task, again."
        raise DataError(msg) from error


def _answers(line: int, name: str, content: bytes) -> Iterator[tuple[int, Answer] | BadRow]:
    """Read the answers that a sample keeps, its own and those of its judges."""
    try:
        sample = json.loads(content)
    except (ValueError, RecursionError) as error:
        fault = Fault.NOT_UTF8 if isinstance(error, UnicodeDecodeError) else Fault.NOT_JSON
        yield BadRow(line, fault, f"{name}: {error}")
        return
    kept = sample.get("store", {}) if isinstance(sample, Mapping) else None
    judged = kept.get(JUDGED, []) if isinstance(kept, Mapping) else None
    if not isinstance(sample, Mapping) or not isinstance(kept, Mapping) or not isinstance(judged, list):
        yield BadRow(line, Fault.NOT_AN_OBJECT, f"{name}: it has not the form of a sample")
        return
    where = f"sample {sample.get('id')!r}"
    own = [{CALL: _field(sample.get("metadata"), CALL), REPLY: kept[REPLY]}] if REPLY in kept else []
    for each in [*own, *judged]:
        row = checked_answer(line, where, _field(each, CALL), _field(each, REPLY))
        yield row if isinstance(row, BadRow) else (line, row)


def _field(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else None


def _log(study: str, stage: str, who: str, answers: Sequence[Answer], scores: Scores) -> EvalLog:
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalPlan, EvalResults, EvalSpec, EvalStats

    first = answers[0].call
    ids = _sample_ids(answers)
    samples = [_sample(a, i, scores) for a, i in zip(answers, ids, strict=True)]
    digest = hashlib.sha256(
        canonical_json([study, stage, who, *(a.call.key for a in answers)]).encode()
    ).hexdigest()
    label = f"{first.provider}/{first.model}"
    return EvalLog(
        status="success",
        eval=EvalSpec(
            created=_time(min(a.received_at or 0.0 for a in answers)),
            eval_id=digest[:22],
            run_id=digest[:22],
            task_id=digest[22:44],
            task=f"valuelex/{stage}",
            task_display_name=f"{stage}: {who}",
            dataset=EvalDataset(name=study, samples=len(set(ids)), sample_ids=list(dict.fromkeys(ids))),
            model=label,
            config=EvalConfig(epochs=1 + max(a.call.draw for a in answers)),
            packages={"valuelex": __version__},
            metadata={MARK: FORM, "study": study, "stage": stage, "respondent": who},
        ),
        plan=EvalPlan(),
        results=EvalResults(total_samples=len(samples), completed_samples=len(samples)),
        stats=EvalStats(
            started_at=_time(min(a.received_at or 0.0 for a in answers)),
            completed_at=_time(max(a.received_at or 0.0 for a in answers)),
            model_usage=_sum_usage(label, samples),
        ),
        samples=samples,
    )


def _metrics(standings: Mapping[str, Mapping[str, float]]) -> list[EvalScore]:
    from inspect_ai.log import EvalMetric, EvalScore

    return [
        EvalScore(
            name=judge,
            scorer=judge,
            metrics={name: EvalMetric(name=name, value=value) for name, value in found.items()},
        )
        for judge, found in standings.items()
    ]


def _sample_ids(answers: Sequence[Answer]) -> list[str]:
    """Name samples by what was asked; where one thing was asked in several ways, by the key of the call too."""
    asked = Counter((a.call.item_id, a.call.draw) for a in answers)
    return [
        a.call.item_id + f" {a.call.key[-8:]}" * (asked[a.call.item_id, a.call.draw] > 1) for a in answers
    ]


def _sample(answer: Answer, sample_id: str, scores: Scores) -> EvalSample:
    from inspect_ai.log import EvalSample
    from inspect_ai.scorer import Score

    call = answer.call
    shown = messages_of(call)
    output = output_of(call, answer.payload)
    label = f"{call.provider}/{call.model}"
    rated = (
        scores.get(f"{call.respondent_id}:{call.item_id}:{call.draw}", {}) if call.stage == "project" else {}
    )
    return EvalSample(
        id=sample_id,
        epoch=call.draw + 1,
        uuid=call.key.rpartition("-")[2][:22],
        input=shown,
        target="",
        messages=[*shown, output.choices[0].message],
        output=output,
        scores={
            judge: Score(value=values, answer=output.completion, metadata={"missing": reasons})
            for judge, (values, reasons) in rated.items()
        },
        metadata={CALL: asdict(call)},
        store={REPLY: reply_fields(answer)},
        model_usage={label: output.usage} if output.usage else {},
        started_at=_time((answer.received_at or 0.0) - answer.latency_s),
        completed_at=_time(answer.received_at or 0.0),
        total_time=answer.latency_s,
    )


def _sum_usage(label: str, samples: Sequence[EvalSample]) -> dict[str, ModelUsage]:
    from inspect_ai.model import ModelUsage

    counted = [usage for sample in samples for usage in sample.model_usage.values()]
    return {label: sum(counted, ModelUsage())} if counted else {}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _file_name(log: EvalLog) -> str:
    """Name a log as Inspect does: time, task, id."""
    time = log.eval.created.replace(":", "-").replace("+00-00", "").replace(".", "-")
    return f"{time}_{log.eval.task.replace('/', '-')}_{log.eval.eval_id}.eval"


def _write(log: EvalLog, path: Path) -> None:
    """Write a log beside its place, give its parts a fixed date, and move it there whole."""
    from inspect_ai.log import write_eval_log

    raw, beside = path.with_name(f".{path.name}.raw"), path.with_name(f".{path.name}.part")
    try:
        write_eval_log(log, raw, format="eval")
        with zipfile.ZipFile(raw) as written, zipfile.ZipFile(beside, "w") as fixed:
            for part in written.infolist():
                kept = zipfile.ZipInfo(part.filename, FIXED_DATE)
                fixed.writestr(kept, written.read(part), compress_type=part.compress_type)
        beside.replace(path)
    finally:
        raw.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
