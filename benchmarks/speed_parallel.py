"""Time one replicate of parallel analysis here and in psych::fa.parallel, with one thread each, in CPU seconds.

Both draw normal data, correlate it, and take the eigenvalues with and without communalities. R is timed inside R,
and runs alternate. A replicate of ours is the difference between 20 and 60 of them, so that what is done once does not
count; psych runs five, on a correlation matrix with n.obs, and what it does once is a sixth of that.

Run: python benchmarks/speed_parallel.py
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import shutil
import subprocess
import time

import numpy as np

from valuelex.stats.parallel_analysis import parallel_analysis_of_correlation

SIZES = ((100, 500), (300, 500), (300, 5000))
ROUNDS, R_REPLICATES = 2, 5
SCRIPT = """
suppressPackageStartupMessages(library(psych)); options(mc.cores = 1, warn = -1); set.seed(1)
r <- matrix(.3, {p}, {p}); diag(r) <- 1
t <- system.time(invisible(capture.output(
  fa.parallel(r, n.obs = {n}, n.iter = {replicates}, plot = FALSE))))[c("user.self", "sys.self")]
cat(sum(t) / ({replicates} + 1))
"""


def ours(p: int, n: int) -> float:
    """CPU seconds a replicate."""
    r = np.full((p, p), 0.3) + 0.7 * np.eye(p)
    seconds = []
    for n_replicates in (20, 60):
        start = time.process_time()
        parallel_analysis_of_correlation(r, n, rng=np.random.default_rng(1), n_replicates=n_replicates)
        seconds.append(time.process_time() - start)
    return (seconds[1] - seconds[0]) / 40


def theirs(p: int, n: int) -> float:
    """CPU seconds a replicate, as R measures them."""
    script = SCRIPT.format(p=p, n=n, replicates=R_REPLICATES)
    done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def r_is_there() -> bool:
    """Tell whether R can load psych."""
    if shutil.which("Rscript") is None:
        return False
    check = ["Rscript", "-e", "library(psych)"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def main() -> None:
    """Print a row for each size."""
    compare = r_is_there()
    if not compare:
        print("R with psych is not installed, so only our own times are shown.\n")
    print("| p | n | ours, ms a replicate | psych, ms | ratio |\n|---|---|---|---|---|")
    for p, n in SIZES:
        own, other = [], []
        for _ in range(ROUNDS):
            own.append(ours(p, n))
            if compare:
                other.append(theirs(p, n))
        a = min(own) * 1e3
        b = min(other) * 1e3 if compare else float("nan")
        print(f"| {p} | {n} | {a:.1f} | {b:.0f} | {b / a:.0f} |")


if __name__ == "__main__":
    main()
