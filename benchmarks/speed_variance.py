"""How fast components of variance are beside lme4 in R, on the same scores, alternated, one thread.

Run: python benchmarks/speed_variance.py

The balanced sets are for the closed form, the others have 30 % of the scores missing and are for REML. CPU
seconds of the fit alone, without starting or reading, so that other work on the machine matters less. A fit in R is
stopped after a minute and a half. Without Rscript or lme4 only our own times are shown.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from valuelex.stats.variance_components import variance_components

SIZES = {(40, 20, 3): 3, (100, 60, 3): 1, (500, 120, 3): 1}
LONGEST_S = 90.0
"""Size, and how often it is timed."""
IN_R = """
suppressMessages(library(lme4))
d <- read.csv(commandArgs(TRUE)[1], colClasses = c("factor", "factor", "factor", "numeric"))
t <- system.time(m <- lmer(y ~ 1 + (1 | p) + (1 | i) + (1 | j) + (1 | p:i) + (1 | p:j) + (1 | i:j), d,
  control = lmerControl(calc.derivs = FALSE)))
t <- t[["user.self"]] + t[["sys.self"]]
cat(t, REMLcrit(m), "\\n")
"""


def scores_of(
    size: tuple[int, int, int], rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Scores of a crossed design in long form."""
    a, b, c = size
    y = (
        0.6 * rng.normal(size=(a, 1, 1))
        + 0.45 * rng.normal(size=(1, b, 1))
        + 0.5 * rng.normal(size=(1, 1, c))
    )
    y = (
        y
        + 0.4 * rng.normal(size=(a, b, 1))
        + 0.2 * rng.normal(size=(a, 1, c))
        + 0.1 * rng.normal(size=(1, b, c))
    )
    y = y + 0.6 * rng.normal(size=size)
    axes = dict(zip("pij", np.indices(size), strict=True))
    return y.ravel(), {facet: axis.ravel() for facet, axis in axes.items()}


def ours(scores: np.ndarray, labels: dict[str, np.ndarray]) -> tuple[float, float]:
    """CPU seconds for one fit, and its criterion."""
    start = time.process_time()
    found = variance_components(scores, labels, "p x i x j")
    return time.process_time() - start, found.criterion


def theirs(scores: np.ndarray, labels: dict[str, np.ndarray], folder: Path) -> tuple[float, float] | None:
    """CPU seconds that lmer takes, and its criterion; infinite if it was stopped, None if R has no lme4."""
    table = np.column_stack([*labels.values(), scores])
    np.savetxt(
        folder / "y.csv", table, fmt=["%d"] * 3 + ["%.17g"], delimiter=",", header="p,i,j,y", comments=""
    )
    (folder / "fit.R").write_text(IN_R)
    command = ["Rscript", str(folder / "fit.R"), str(folder / "y.csv")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        return np.inf, np.nan
    if done.returncode:
        return None
    seconds, criterion = map(float, done.stdout.split())
    return seconds, criterion


def main() -> None:
    """Print one row for each set of scores."""
    with_r = shutil.which("Rscript") is not None
    if not with_r:
        print("Rscript was not found, so only our own times are shown.\n")
    print("| p x i x j | scores | method | ours, s | lmer, s | lmer / ours | criterion, lmer - ours |")
    print("|---|---|---|---|---|---|---|")
    rng = np.random.default_rng(11)
    ours(*scores_of((6, 5, 4), rng))
    with tempfile.TemporaryDirectory() as folder:
        for size, repeats in SIZES.items():
            full, names = scores_of(size, rng)
            for missing in (0.0, 0.3):
                kept = rng.random(len(full)) >= missing
                scores, labels = full[kept], {facet: codes[kept] for facet, codes in names.items()}
                mine, other = [], []
                for _ in range(repeats):
                    mine.append(ours(scores, labels))
                    other.append(theirs(scores, labels, Path(folder)) if with_r else None)
                seconds = statistics.median(s for s, _ in mine)
                cells = ["not run"] * 3
                timed = [pair for pair in other if pair is not None]
                if timed:
                    in_r = statistics.median(s for s, _ in timed)
                    gap = f"{timed[0][1] - mine[0][1]:.1e}" if missing else "–"
                    cells = [f"{in_r:.2f}", f"{in_r / seconds:.0f}", gap]
                    if np.isinf(in_r):
                        cells = [f"stopped after {LONGEST_S:.0f} s by the clock", "–", "–"]
                method = "REML, 30 % missing" if missing else "mean squares"
                name = " × ".join(map(str, size))
                print(
                    f"| {name} | {len(scores)} | {method} | {seconds:.4f} | {' | '.join(cells)} |", flush=True
                )


if __name__ == "__main__":
    main()
