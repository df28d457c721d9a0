"""Trace the rows of result files to the calls in the ledger, and compare result files with others.

Reads only, and computes no results: what to compare with is given.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from valuelex.domain.call import Missing
from valuelex.domain.check import Check
from valuelex.domain.wording import count

TRACED = (
    "responses.parquet",
    "human_responses.parquet",
    "observed_texts.parquet",
    "term_ratings.parquet",
    "completions.parquet",
    "notes.parquet",
    "names.parquet",
)
_UNANSWERED = [Missing.CALL_FAILED.value, Missing.NOT_RECORDED.value]


def trace_rows(folder: Path, answered: Collection[str]) -> list[Check]:
    """Trace every row to its call, and every rating to its completion.

    Parameters
    ----------
    folder
        With the result files; those that are not there are not checked.
    answered
        Keys of the calls that have a reply.

    Returns
    -------
    list of Check
        That the files can be read; that rows have their call; that no row calls a call unanswered
        that has been answered since; that ratings have their completion.
    """
    readable = Check("tables of results can be read")
    frames = {}
    for name in (*TRACED, "ratings.parquet"):
        if (folder / name).exists():
            readable.n_checked += 1
            try:
                frames[name] = pl.read_parquet(folder / name)
            except (pl.exceptions.PolarsError, OSError) as error:
                readable.wrong(f"{name} ({str(error).splitlines()[0]})")
    called = Check("rows of results have their reply in the ledger")
    newer = Check("no call that results count as unanswered has been answered since")
    replied = pl.Series(list(answered), dtype=pl.String)
    for name in TRACED:
        if name not in frames:
            continue
        # What people rated has no call.
        frame = frames[name].with_row_index("row").filter(pl.col("call_key") != "")
        failed = pl.col("missing").is_in(_UNANSWERED).fill_null(value=False)
        there = pl.col("call_key").is_in(replied.implode())
        called.n_checked += frame.height
        newer.n_checked += frame.filter(failed).height
        _count(called, name, frame.filter(~failed & ~there))
        _count(newer, name, frame.filter(failed & there))
    return [readable, called, newer, *_trace_ratings(frames)]


def _count(check: Check, name: str, rows: pl.DataFrame) -> None:
    for row, key in rows.select("row", "call_key").iter_rows():
        check.wrong(f"{name} row {row + 1} ({key})")


def _trace_ratings(frames: dict[str, pl.DataFrame]) -> list[Check]:
    if not {"ratings.parquet", "completions.parquet"} <= set(frames):
        return []
    check = Check("ratings have their completion")
    same = ["respondent_id", "stem_id", "wording", "draw"]
    completions = frames["completions.parquet"].select(pl.col("id").alias("completion_id"), *same)
    ratings = frames["ratings.parquet"].with_row_index("row")
    check.n_checked = ratings.height
    lost = ratings.join(completions, on=["completion_id", *same], how="anti").sort("row")
    for row, completion in lost.select("row", "completion_id").iter_rows():
        check.wrong(f"ratings.parquet row {row + 1} ({completion})")
    return [check]


def compare_results(folder: Path, again: Path, names: Collection[str], stopped: str = "") -> Check:
    """Compare result files, byte by byte, with the same files computed again.

    Parameters
    ----------
    folder, again
        The results, and those that they should be.
    names
        Files to compare; those that are in neither folder are left out. One that only one folder has is wrong.
    stopped
        Why not all could be computed again. A run stops there too, so that it is wrong only where files differ.
    """
    check = Check("results are those of the answers in the ledger")
    offenders = []
    for name in sorted(names):
        mine, should_be = folder / name, again / name
        if not (mine.exists() or should_be.exists()):
            continue
        check.n_checked += 1
        if not mine.exists():
            offenders.append(f"{name} (missing)")
        elif not should_be.exists():
            offenders.append(f"{name} (not made from these answers)")
        elif mine.read_bytes() != should_be.read_bytes():
            offenders.append(f"{name}{_where(mine, should_be)}")
    if offenders and stopped:
        check.wrong(f"they cannot be computed again ({stopped})")
    for offender in offenders:
        check.wrong(offender)
    return check


def _where(path: Path, again: Path) -> str:
    """Say in which rows a table differs."""
    if path.suffix != ".parquet":
        return ""
    try:
        mine, should_be = pl.read_parquet(path), pl.read_parquet(again)
    except (pl.exceptions.PolarsError, OSError):
        return " (cannot be read)"
    if mine.columns != should_be.columns or mine.height != should_be.height:
        return f" ({count(mine.height, 'row')}, computed again {should_be.height})"
    differs = pl.DataFrame(
        [mine[name].ne_missing(should_be[name]).alias(name) for name in mine.columns]
    ).with_row_index("row")
    rows = differs.filter(pl.any_horizontal(mine.columns))
    if not rows.height:
        return " (the same rows, written otherwise)"
    first = int(rows["row"][0])
    columns = ", ".join(name for name in mine.columns if differs[name][first])
    return f" ({count(rows.height, 'row differs', 'rows differ')}, first row {first + 1} in {columns})"
