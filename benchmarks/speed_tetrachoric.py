"""Time latent correlations, co-occurrence and null replicates against R, as a table.

Ours and theirs alternate, each on one thread, and the least time of each counts. R is timed within R, without
its start. Needs Rscript with psych and vegan.

Run: python benchmarks/speed_tetrachoric.py
"""

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from valuelex.stats.cooccurrence import as_lists, cooccurrence  # noqa: E402
from valuelex.stats.nulls import ROUNDS, curveball, permute_columns, wishart_correlation  # noqa: E402
from valuelex.stats.polychoric import polychoric  # noqa: E402
from valuelex.stats.tetrachoric import tetrachoric  # noqa: E402

OPTIONS = "options(mc.cores = 1); suppressPackageStartupMessages({library(psych); library(vegan)}); "
READ = 'x <- as.matrix(read.csv("{file}", header = FALSE)); '
TIME = "invisible(capture.output(suppressMessages(suppressWarnings(t <- system.time({call})[[3]])))); cat(t)"
Row = tuple[str, str, float, str, float]


def main() -> None:
    """Print one row for each task."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_latent(Path(folder), rng), *_counts(rng), *_nulls(Path(folder), rng)]
    print("| Task | Ours, s | Other | Other, s | Other / ours |\n|---|---|---|---|---|")
    for task, size, ours, other, theirs in rows:
        print(f"| {task}, {size} | {ours:.4f} | {other} | {theirs:.4f} | {theirs / ours:.0f} |")


def _latent(folder: Path, rng: np.random.Generator) -> list[Row]:
    normal = rng.standard_normal((500, 6)) @ rng.standard_normal((6, 300)) * 0.3 + rng.standard_normal(
        (500, 300)
    )
    binary = (normal > rng.normal(0, 0.6, 300)).astype(float)
    ordered = np.digitize(normal[:, :40], [-1.2, -0.4, 0.5, 1.4]).astype(float)
    return [
        (
            "tetrachoric",
            "n = 500, p = 300",
            *_against_r(lambda: tetrachoric(binary), "psych", folder, binary, "tetrachoric(x)", repeats=1),
        ),
        (
            "polychoric, 5 categories",
            "n = 500, p = 40",
            *_against_r(
                lambda: polychoric(ordered),
                "psych",
                folder,
                ordered,
                "polychoric(x, progress = FALSE)",
                repeats=2,
            ),
        ),
    ]


def _counts(rng: np.random.Generator) -> list[Row]:
    n, p = 20_000, 2_000
    popularity = 1 / np.arange(1, p + 1) ** 0.7
    columns = np.minimum(
        np.searchsorted(np.cumsum(popularity) / popularity.sum(), rng.random((n, 10))), p - 1
    )
    lists = np.zeros((n, p), dtype=np.uint8)
    lists[np.arange(n)[:, None], columns] = 1
    ready = as_lists(lists)
    least = {"dense": np.inf, "sparse": np.inf, "product": np.inf}
    for _ in range(2):
        least["dense"] = min(least["dense"], _time(lambda: _dense(lists)))
        for _ in range(3):
            least["sparse"] = min(least["sparse"], _time(lambda: cooccurrence(lists)))
            least["product"] = min(least["product"], _time(lambda: cooccurrence(ready)))
    size = f"n = {n:,}, p = {p:,}"
    return [
        ("co-occurrence of a dense array", size, least["sparse"], "numpy, dense", least["dense"]),
        ("co-occurrence of a sparse one", size, least["product"], "numpy, dense", least["dense"]),
    ]


def _nulls(folder: Path, rng: np.random.Generator) -> list[Row]:
    n, p = 7_875, 197
    popularity = np.log(1 / np.arange(1, p + 1) ** 0.7)
    order = np.argsort(np.argsort(-(popularity + rng.gumbel(size=(n, p))), axis=1), axis=1)
    lists = (order < np.clip(rng.poisson(5.6, n), 1, 15)[:, None]).astype(np.uint8)
    # In a round every row trades once, which is half as many trades as there are rows.
    trades = ROUNDS * n // 2
    call = f'simulate(nullmodel(x, "curveball"), nsim = 1, burnin = {trades})'
    normal = rng.standard_normal((5_000, 300))
    wishart = min(_time(lambda: wishart_correlation(5_000, 300, rng)) for _ in range(5))
    drawn = min(_time(lambda: np.corrcoef(rng.standard_normal((5_000, 300)).T)) for _ in range(3))
    permuted = min(_time(lambda: np.corrcoef(permute_columns(normal, rng).T)) for _ in range(3))
    return [
        (
            f"curveball, {ROUNDS} rounds",
            f"{n:,} × {p}",
            *_against_r(lambda: curveball(lists, rng), "vegan", folder, lists, call, repeats=2),
        ),
        ("Wishart null", "n = 5,000, p = 300", wishart, "numpy, normal rows drawn", drawn),
        ("Wishart null", "n = 5,000, p = 300", wishart, "columns permuted", permuted),
    ]


def _dense(lists: np.ndarray) -> np.ndarray:
    x = lists.astype(float)
    return x.T @ x


def _against_r(
    ours: Callable[[], object], package: str, folder: Path, data: np.ndarray, call: str, *, repeats: int
) -> tuple[float, str, float]:
    """Return our least time, the package, and its least time; runs alternate."""
    file = folder / "data.csv"
    np.savetxt(file, data, fmt="%d", delimiter=",")
    script = OPTIONS + READ.format(file=file) + TIME.replace("{call}", call)
    our_least = their_least = np.inf
    for _ in range(repeats):
        our_least = min(our_least, *(_time(ours) for _ in range(5)))
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
        their_least = min(their_least, float(done.stdout.split()[-1]))
    return our_least, package, their_least


def _time(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
