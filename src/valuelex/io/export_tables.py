"""Tables of a ledger for other programs, and the ratings of a study folder to show beside its replies.

Owns the form of these Parquet files. Writes a part at a time, so memory does not grow with the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from valuelex.domain.cost import usage_of
from valuelex.errors import LedgerError
from valuelex.io.files import write_parquet
from valuelex.io.inspect_log import Scores, Standings
from valuelex.io.ledger import Answer

ROWS_A_FILE = 50_000
SCHEMA = {
    "key": pl.String,
    "stage": pl.String,
    "respondent_id": pl.String,
    "item_id": pl.String,
    "draw": pl.Int64,
    "provider": pl.String,
    "model": pl.String,
    "endpoint": pl.String,
    "revision": pl.String,
    "path": pl.String,
    "body": pl.String,
    "payload": pl.String,
    "latency_s": pl.Float64,
    "attempts": pl.Int64,
    "received_at": pl.Float64,
    "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
}


def write_answers(
    folder: Path,
    answers: Iterable[Answer],
    on_written: Callable[[Path, int], None] = lambda _path, _n: None,
) -> None:
    """Write calls and replies as Parquet files, answers-0001.parquet and so on; a row is an answered call.

    Parameters
    ----------
    folder
        Made where it does not exist; files of the same names are replaced.
    answers
        In the order of the rows. Token counts are null where the endpoint told none.
    on_written
        Told the path of each file, and its number of rows.

    Raises
    ------
    LedgerError
        If a file cannot be written.
    """
    rows = (_row(answer) for answer in answers)
    number = 0
    while part := list(islice(rows, ROWS_A_FILE)):
        number += 1
        path = folder / f"answers-{number:04d}.parquet"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"The folder {str(folder)!r} cannot be made ({error.strerror}); choose another one."
            raise LedgerError(msg) from error
        write_parquet(path, pl.DataFrame(part, schema=SCHEMA, orient="row"))
        on_written(path, len(part))


def _row(answer: Answer) -> tuple[Any, ...]:
    try:
        usage = usage_of(json.loads(answer.payload))
    except (ValueError, AttributeError):
        usage = None
    told = (answer.payload, answer.latency_s, answer.attempts, answer.received_at)
    counts = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    return (*asdict(answer.call).values(), *told, *counts)


def read_scores(folder: Path) -> Scores:
    """Read ratings.parquet of a study folder, by completion and judge; empty where it has none.

    Raises
    ------
    LedgerError
        If the file cannot be read.
    """
    path = folder / "ratings.parquet"
    if not path.exists():
        return {}
    columns = ["completion_id", "judge", "system", "subdimension", "rating", "missing"]
    try:
        rows = pl.read_parquet(path, columns=columns).select(columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        msg = f"{str(path)!r} cannot be read; compute it again with valuelex report."
        raise LedgerError(msg) from error
    found: dict[str, dict[str, tuple[dict[str, float | None], dict[str, str]]]] = {}
    for completion, judge, system, subdimension, rating, missing in rows.iter_rows():
        values, reasons = found.setdefault(completion, {}).setdefault(f"{judge} on {system}", ({}, {}))
        values[subdimension] = rating
        if missing is not None:
            reasons[subdimension] = missing
    return found


def read_standings(folder: Path) -> Standings:
    """Read orientations.csv of a study folder, by respondent and judge; empty where it has none.

    Raises
    ------
    LedgerError
        If the file cannot be read.
    """
    path = folder / "orientations.csv"
    if not path.exists():
        return {}
    columns = ["respondent_id", "judge", "system", "target", "estimate", "standard_error"]
    try:
        rows = pl.read_csv(path, columns=columns, infer_schema=False).select(columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        msg = f"{str(path)!r} cannot be read; compute it again with valuelex report."
        raise LedgerError(msg) from error
    found: dict[str, dict[str, dict[str, float]]] = {}
    for who, judge, system, target, estimate, spread in rows.iter_rows():
        own = found.setdefault(who, {}).setdefault(f"{judge} on {system}", {})
        own |= {f"{target}{what}": float(n) for what, n in (("", estimate), (" se", spread)) if n}
    return found
