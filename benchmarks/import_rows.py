"""How fast and in how much memory recorded answers are imported, by kind of file.

Makes files of ROWS answers of about 300 characters by 50 respondents in a temporary folder, imports each into a study
of its own by the command line, and prints rows a second, the peak memory of that process and the size of the ledger.
The last line imports the first file again, which must change nothing. Run: benchmarks/import_rows.py [ROWS] [KIND ...]
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

ROWS = 1_000_000
KINDS = ("jsonl", "csv", "parquet", "json")
WORDS = [
    "honesty",
    "trust",
    "care",
    "the",
    "of",
    "when",
    "she",
    "waited",
    "told",
    "him",
    "“courage”",
    "freedom,",
]
STUDY = '[study]\nname = "bench"\n[[respondents]]\nmodel = "recorded/model-0"\n[project]\nstems = 24\n'


def rows(n: int) -> Iterator[dict[str, str | int]]:
    """Make rows, the same at every run."""
    rng = np.random.default_rng(7)
    for start in range(0, n, 10_000):
        words = rng.integers(len(WORDS), size=(10_000, 55))
        for i, picked in enumerate(words[: n - start].tolist(), start):
            text = " ".join(WORDS[w] for w in picked)
            yield {"respondent": f"model-{i % 50}", "item": f"item-{i // 50}", "draw": 0, "text": text}


def write(path: Path, kind: str, n: int) -> None:
    """Write a file of n rows."""
    if kind == "parquet":
        pl.DataFrame(rows(n)).write_parquet(path, row_group_size=n)  # One group: the hard case for memory.
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        if kind == "csv":
            writer = csv.writer(stream)
            writer.writerow(["respondent", "item", "draw", "text"])
            writer.writerows(row.values() for row in rows(n))
        elif kind == "jsonl":
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(n))
        else:
            for i, row in enumerate(rows(n)):
                stream.write(("[\n " if i == 0 else ",\n ") + json.dumps(row, ensure_ascii=False))
            stream.write("\n]\n")


def run(folder: Path, path: Path) -> tuple[float, float, str]:
    """Import a file; return seconds, peak memory in MB and the line that accounts for the rows."""
    command = [sys.executable, "-m", "valuelex", "import", str(folder), str(path), "--stage", "observe"]
    started = time.perf_counter()
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        said.seek(0)
        account = said.readline().strip()
    if status:
        sys.exit(f"import failed: {account}")
    return seconds, usage.ru_maxrss / 1024, account


def main() -> None:
    """Measure each kind."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as temporary:
        first: tuple[Path, Path] | None = None
        for kind in sys.argv[2:] or KINDS:
            folder = Path(temporary) / kind
            folder.mkdir()
            (folder / "study.toml").write_text(STUDY)
            path = folder / f"answers.{kind}"
            # In a process of its own, so that its memory is not this one's when the next begins.
            made = os.fork()
            if made == 0:
                write(path, kind, n)
                os._exit(0)
            os.waitpid(made, 0)
            report(kind, n, folder, path)
            first = first or (folder, path)
            if first[1] != path:
                path.unlink()
                (folder / "ledger.db").unlink()
        if first is not None:
            report("again", n, *first)


def report(kind: str, n: int, folder: Path, path: Path) -> None:
    """Import and print one line."""
    seconds, peak, account = run(folder, path)
    ledger = (folder / "ledger.db").stat().st_size / 1e6
    print(
        f"{kind:8} {n / seconds:8.0f} rows/s, peak {peak:5.0f} MB, file {path.stat().st_size / 1e6:6.0f} MB, "
        f"ledger {ledger:6.0f} MB: {account}",
        flush=True,
    )


if __name__ == "__main__":
    main()
