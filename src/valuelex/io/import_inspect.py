"""Read recorded answers out of the logs of Inspect AI, of any evaluation, through its own log reader.

Needs the extra `inspect`. Owns which parts of a sample are the answer. One sample is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from valuelex.domain.recorded import BadRow, Fault, RecordedAnswer
from valuelex.errors import DataError, MissingPartError, StudyError
from valuelex.io.import_map import MAX_NAME, ImportMap

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

_UNREAD = {"events", "events_data", "store", "timelines", "scores", "metadata"}
_FINISH = {
    "stop": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}
"""Inspect's reasons to stop in the words of OpenAI-compatible replies; others are left out."""


def read_inspect(path: Path, given: ImportMap) -> Iterator[RecordedAnswer | BadRow]:
    """Yield the answer of each sample in each epoch; the line is the sample's number in the log, from 1.

    The respondent is the model of the log, the item the sample's id, the draw its epoch less one, the text what the
    model said last.

    Raises
    ------
    MissingPartError
        If Inspect AI is not installed.
    StudyError
        If columns are mapped, which a log does not have.
    DataError
        If the log cannot be read.
    """
    if given.fields:
        msg = f"{path}: --map does nothing for Inspect logs, whose parts are known; leave it out."
        raise StudyError(msg)
    try:
        from inspect_ai.log import read_eval_log, read_eval_log_samples
    except ImportError as error:
        msg = f"{path}: Inspect logs need an extra part; install it: pip install 'valuelex[inspect]'"
        raise MissingPartError(msg) from error
    try:
        head = read_eval_log(str(path), header_only=True).eval
        samples: Iterable[EvalSample] = read_eval_log_samples(
            str(path), all_samples_required=False, resolve_attachments="core", exclude_fields=_UNREAD
        )
        if head.dataset.sample_ids is None:  # An old log, which Inspect reads as a whole only.
            samples = read_eval_log(str(path), resolve_attachments="core").samples or ()
        for number, sample in enumerate(samples, 1):
            yield _answer(number, sample, given, head.model)
    except (OSError, ValueError, LookupError, BadZipFile) as error:
        msg = f"{path}: it is no log that Inspect can read ({' '.join(str(error).split())[:160]}); give a .eval file."
        raise DataError(msg) from error


def _answer(number: int, sample: EvalSample, given: ImportMap, model: str) -> RecordedAnswer | BadRow:
    if sample.error is not None:
        said = " ".join(sample.error.message.split())[:160]
        return BadRow(number, Fault.NO_TEXT, f"sample {sample.id!r} ended in an error ({said})")
    if not sample.output.choices:
        return BadRow(number, Fault.NO_TEXT, f"sample {sample.id!r} has no output")
    item = str(sample.id).strip()
    if not item or len(item) > MAX_NAME or not item.isprintable():
        said = f"the sample's id {item[:40]!r} must be 1 to {MAX_NAME} visible characters"
        return BadRow(number, Fault.WRONG_TYPE, said)
    return RecordedAnswer(
        line=number,
        respondent=given.respondent or model,
        stage=given.stage or "observe",
        item=item,
        draw=sample.epoch - 1,
        text=sample.output.completion,
        prompt=_prompt(sample.input),
        finish_reason=_FINISH.get(sample.output.stop_reason),
    )


def _prompt(asked: Any) -> str:
    """Return what was asked: the input, or of a conversation the last user's turn."""
    if isinstance(asked, str):
        return asked
    said = [message.text for message in asked if message.role == "user"]
    return said[-1] if said else ""
