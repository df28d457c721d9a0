"""Speed of factor analysis and of its bootstrap against R's psych and factor_analyzer, as tables.

Both sides start from the same raw data. CPU seconds of one thread, least of runs that alternate. R is called
when Rscript and psych are installed; factor_analyzer gets an environment of its own in a temporary folder, with
the versions that it still runs with. What cannot be had is named and left out. R's own BLAS is named too: with
Debian's reference BLAS psych is slower than with OpenBLAS, which `--r-preload` puts in its place.

Run: python benchmarks/speed_efa.py [--r-preload "libblas.so.3:liblapack.so.3"] (about five minutes)
"""

from __future__ import annotations

import os

os.environ.update({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from valuelex.stats.factor import efa_of_data
from valuelex.stats.loading_intervals import bootstrap_loadings

Array = NDArray[np.float64]
K = 6
N_RESAMPLES = 40
PINNED = ("factor_analyzer==0.5.1", "scikit-learn==1.5.2", "numpy==1.26.4", "scipy==1.13.1", "pandas==2.2.3")

R_SCRIPT = """
suppressMessages({library(psych); library(GPArotation)})
a <- commandArgs(TRUE)
n <- as.integer(a[2]); p <- as.integer(a[3]); k <- as.integer(a[4])
X <- matrix(readBin(a[1], "double", n * p), n, p)
invisible(fa(X[, 1:12], 2, scores = "none"))
rows <- if (a[5] == "bootstrap") sample(n, n, TRUE) else seq_len(n)
cost <- system.time(fa(X[rows, ], k, fm = "minres", rotate = "oblimin", scores = "none", warnings = FALSE))
cat(sum(cost[1:2]), basename(extSoftVersion()["BLAS"]), dirname(extSoftVersion()["BLAS"]), sep = "|")
"""
FACTOR_ANALYZER_SCRIPT = """
import sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from factor_analyzer import FactorAnalyzer
path, n, p, k = sys.argv[1], *map(int, sys.argv[2:5])
x = np.fromfile(path).reshape(p, n).T
begin = time.process_time()
FactorAnalyzer(n_factors=k, method="minres", rotation="oblimin").fit(x)
print(time.process_time() - begin)
"""


@dataclass(frozen=True)
class Case:
    """One row of the first table."""

    name: str
    n: int
    p: int
    rounds: int
    """Alternations of ours and theirs."""
    target: int
    """Times faster than the other that is asked for."""
    other: str = "psych"
    kind: str = "efa"


CASES = (
    Case("EFA", 500, 100, 5, 7),
    Case("EFA", 500, 300, 3, 15),
    Case("EFA", 5000, 1000, 1, 50),
    Case("bootstrap, one resample", 500, 300, 3, 30, kind="bootstrap"),
    Case("EFA", 500, 300, 1, 300, other="factor_analyzer"),
)
GROWTH = (
    (500, 100),
    (500, 300),
    (5000, 300),
    (100_000, 300),
    (5000, 1000),
    (5000, 2000),
)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--r-preload", default="", help="libraries that R loads in place of its BLAS and LAPACK"
    )
    preload = parser.parse_args().r_preload
    with tempfile.TemporaryDirectory() as folder:
        others = {"psych": _psych(preload), "factor_analyzer": _factor_analyzer(Path(folder))}
        print(
            f"\nMinres and oblimin, k={K}, from raw data. CPU seconds, one thread, least of alternated runs.\n\n"
            "| Task | n | p | Ours | Other | Seconds of other | Times faster | Asked |\n" + "|---" * 8 + "|"
        )
        for case in CASES:
            print(_row(case, others[case.other], Path(folder)), flush=True)
    print(
        "\n| n | p | EFA, s | Floor, s | EFA / floor | Peak memory beside the data, MB | In p × p matrices |\n"
        + "|---" * 7
        + "|"
    )
    for n, p in GROWTH:
        print(_growth_row(n, p), flush=True)
    print("\nFloor: forming the correlations by one product and one full eigen-decomposition of them.")


def _row(case: Case, other: Callable[[Path, Case], float] | None, folder: Path) -> str:
    data = simulate(case.n, case.p)
    path = folder / f"{case.n}x{case.p}.bin"
    data.T.tofile(path)
    ours, theirs = [], []
    for _ in range(case.rounds):
        ours += [_ours(case, data) for _ in range(3)]
        if other is not None:
            theirs.append(other(path, case))
        ours += [_ours(case, data) for _ in range(3)]
    mine = min(ours)
    if not theirs:
        return f"| {case.name} | {case.n} | {case.p} | {mine:.4f} | {case.other} | not installed | – | {case.target} |"
    return (
        f"| {case.name} | {case.n} | {case.p} | {mine:.4f} | {case.other} | {min(theirs):.3f} "
        f"| {min(theirs) / mine:.0f} | {case.target} |"
    )


def _ours(case: Case, data: Array) -> float:
    if case.kind == "efa":
        return cpu_seconds(lambda: efa_of_data(data, K))
    rng = np.random.default_rng(1)
    # The solution of the whole sample is counted in, as part of each resample.
    return cpu_seconds(lambda: bootstrap_loadings(data, K, n_resamples=N_RESAMPLES, rng=rng)) / N_RESAMPLES


def _growth_row(n: int, p: int) -> str:
    data = simulate(n, p)
    seconds = min(cpu_seconds(lambda: efa_of_data(data, K)) for _ in range(3))

    def floor() -> None:
        centred = data - data.mean(axis=0)
        eigh(centred.T @ centred, check_finite=False, overwrite_a=True)

    least = min(cpu_seconds(floor) for _ in range(2))
    tracemalloc.start()
    efa_of_data(data, K)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (
        f"| {n} | {p} | {seconds:.4f} | {least:.4f} | {seconds / least:.2f} | {peak / 1e6:.1f} "
        f"| {peak / (8 * p * p):.1f} |"
    )


def cpu_seconds(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def simulate(n: int, p: int) -> Array:
    """Draw rows of p variables on K factors that correlate .3, loadings .4 to .8."""
    rng = np.random.default_rng([n, p])
    loadings = np.zeros((p, K))
    loadings[np.arange(p), np.arange(p) % K] = rng.uniform(0.4, 0.8, p)
    phi = np.full((K, K), 0.3)
    np.fill_diagonal(phi, 1.0)
    factors = rng.standard_normal((n, K)) @ np.linalg.cholesky(phi).T
    unique = np.sqrt(1.0 - np.square(loadings).sum(axis=1))
    return factors @ loadings.T + rng.standard_normal((n, p)) * unique


def _psych(preload: str) -> Callable[[Path, Case], float] | None:
    rscript = shutil.which("Rscript")
    found = rscript and subprocess.run(
        [rscript, "-e", "library(psych); library(GPArotation)"], capture_output=True, check=False
    )
    if rscript is None or not found or found.returncode:
        print("psych is not installed: our times only.")
        return None
    environment = os.environ | ({"LD_PRELOAD": preload} if preload else {})
    said: list[str] = []

    def run(path: Path, case: Case) -> float:
        arguments = [str(path), str(case.n), str(case.p), str(K), case.kind]
        done = subprocess.run(
            [rscript, "-e", R_SCRIPT, *arguments], capture_output=True, text=True, check=True, env=environment
        )
        seconds, blas, where = done.stdout.strip().splitlines()[-1].split("|")
        if not said:
            said.append(blas)
            print(f"<!-- R's BLAS: {blas} in {where} -->", flush=True)
        return float(seconds)

    return run


def _factor_analyzer(folder: Path) -> Callable[[Path, Case], float] | None:
    python = folder / "venv" / "bin" / "python"
    try:
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINNED], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"factor_analyzer could not be installed ({error}): left out.")
        return None

    def run(path: Path, case: Case) -> float:
        arguments = [str(path), str(case.n), str(case.p), str(K)]
        done = subprocess.run(
            [python, "-c", FACTOR_ANALYZER_SCRIPT, *arguments], capture_output=True, text=True, check=True
        )
        return float(done.stdout.strip().splitlines()[-1])

    return run


if __name__ == "__main__":
    sys.exit(main())
