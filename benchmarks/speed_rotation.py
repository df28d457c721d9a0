"""Time rotations against GPArotation, alternately, and print the ratios as a table.

Run: OPENBLAS_NUM_THREADS=1 python benchmarks/speed_rotation.py   (under two minutes; R with GPArotation and jsonlite)

Processor time. One R process is kept open and timed inside, so that its start does not count. Both minimise from
the identity and from 29 random orthogonal matrices, or rotate 200 replicates from the identity (GPArotation the
first 10 of them, times 20). GPArotation stops at a projected gradient of 1e-5, its default; we at about 1e-8.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from valuelex.stats.checks import Array
from valuelex.stats.rotation import rotate

ROUNDS = 3
N_STARTS = 30
N_REPLICATES = 200
N_REPLICATES_R = 10
R_CRITERIA = {"oblimin": "oblimin", "geomin": "geominQ"}
TIMER = """
suppressMessages({library(GPArotation); library(jsonlite)})
input <- file("stdin", "r")
while (length(line <- readLines(input, 1)) > 0) {
  task <- fromJSON(line)
  data <- fromJSON(task$path)
  end <- numeric(0)
  seconds <- system.time({
    for (a in seq_len(dim(data$loadings)[1])) for (s in seq_len(dim(data$starts)[1])) {
      r <- suppressWarnings(do.call(task$method, list(data$loadings[a, , ], Tmat = data$starts[s, , ])))
      end <- c(end, r$Table[nrow(r$Table), 2])
    }
  })[1:2]
  cat(toJSON(list(seconds = sum(seconds), least = min(end)), auto_unbox = TRUE, digits = NA), "\\n", sep = "")
}
"""


def main() -> None:
    """Print one row a task."""
    rng = np.random.default_rng(0)
    print("| Task | ours, ms | GPArotation, ms | GPArotation / ours | least value, GPArotation - ours |")
    print("|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        r = _open_r(Path(folder))
        for criterion, method in R_CRITERIA.items():
            for p in (100, 300):
                a = _loadings(p, 6, rng)
                rotate(a, criterion)
                starts = [np.eye(6), *(np.linalg.qr(rng.normal(size=(6, 6)))[0] for _ in range(N_STARTS - 1))]
                replicates = a + rng.normal(0, 0.03, (N_REPLICATES, p, 6))
                _row(f"{criterion}, p={p}, k=6, 1 start", a[None], starts[:1], criterion, method, r)
                _row(f"{criterion}, p={p}, k=6, {N_STARTS} starts", a[None], starts, criterion, method, r)
                if p == 100:
                    name = f"{criterion}, p={p}, k=6, {N_REPLICATES} replicates"
                    _row(name, replicates, starts[:1], criterion, method, r)
        if r is None:
            print("\nR with GPArotation and jsonlite is not installed: no ratios.")
        else:
            r.communicate()


def _row(
    task: str,
    stack: Array,
    starts: list[Array],
    criterion: str,
    method: str,
    r: subprocess.Popen[str] | None,
) -> None:
    loadings = stack[0] if len(stack) == 1 else stack
    ours, theirs, gap = [], [], float("nan")
    given = stack[:N_REPLICATES_R]
    for _ in range(ROUNDS if len(stack) * len(starts) == 1 else 1):
        seconds, least = _timed(lambda: rotate(loadings, criterion, n_starts=len(starts), rng=_rng()).value)
        ours.append(seconds)
        if r is not None:
            answer = _ask(r, method, given, starts)
            theirs.append(answer["seconds"] * len(stack) / len(given))
            gap = answer["least"] - float(np.min(np.atleast_1d(least)[: len(given)]))
    if theirs:
        ratio = np.median(theirs) / np.median(ours)
        print(
            f"| {task} | {1e3 * np.median(ours):.1f} | {1e3 * np.median(theirs):.0f} | {ratio:.0f} | {gap:.0e} |"
        )
    else:
        print(f"| {task} | {1e3 * np.median(ours):.1f} | – | – | – |")


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)


def _timed(work: Callable[[], Array]) -> tuple[float, Array]:
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def _loadings(p: int, k: int, rng: np.random.Generator) -> Array:
    a = rng.normal(0, 0.1, (p, k))
    a[np.arange(p), np.arange(p) % k] += rng.uniform(0.3, 0.8, p)
    u, d, _ = np.linalg.svd(a, full_matrices=False)
    principal: Array = u * d
    return principal


def _open_r(folder: Path) -> subprocess.Popen[str] | None:
    program = shutil.which("Rscript")
    if program is None:
        return None
    check = "q(status = !all(sapply(c('GPArotation', 'jsonlite'), requireNamespace, quietly = TRUE)))"
    if subprocess.run([program, "-e", check], capture_output=True, check=False).returncode:
        return None
    script = folder / "timer.R"
    script.write_text(TIMER)
    return subprocess.Popen(
        [program, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )


def _ask(r: subprocess.Popen[str], method: str, stack: Array, starts: list[Array]) -> dict[str, float]:
    assert r.stdin is not None
    assert r.stdout is not None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "task.json"
        path.write_text(json.dumps({"loadings": stack.tolist(), "starts": np.stack(starts).tolist()}))
        r.stdin.write(json.dumps({"path": str(path), "method": method}) + "\n")
        answer: dict[str, float] = json.loads(r.stdout.readline())
    return answer


if __name__ == "__main__":
    main()
