"""Time and memory from a million ratings to orientations, components of variance and all other checks.

Run: python benchmarks/scoring.py

200 respondents x 139 stems x 6 draws x 6 subdimensions = 1,000,800 ratings of one judge, complete and with 5 % of the
ratings missing. Each step runs in a process of its own, so that its peak memory is its own; the ratings
themselves and their 166,800 completions are part of it. The steps with a target (under 60 s and 2 GB together) are
orientations and components with their intervals; the full set of checks is shown beside them.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import resource
import subprocess
import sys
import time

import numpy as np

from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS, Completion, RatingArray, Stem, StemKind
from valuelex.domain.structure import Dimension, Subdimension, ValueSystem
from valuelex.domain.study import Endpoint, Model, Respondent
from valuelex.stages.components import measure_components
from valuelex.stages.quality import measure_quality
from valuelex.stages.quality_table import lay_out
from valuelex.stages.score import orient

N_RESPONDENTS, N_STEMS, N_DRAWS = 200, 139, 6
RESAMPLES = 1000
STEPS = ("orientations", "components", "all checks")


def value_system() -> ValueSystem:
    """Three dimensions of two subdimensions."""
    return ValueSystem(
        "simulated",
        "Simulated",
        "benchmarks/scoring.py",
        tuple(
            Dimension(
                f"d{d}",
                f"d{d}",
                "-",
                tuple(Subdimension(f"s{2 * d + i}", "-", "-", (), ("a",), ("b",)) for i in range(2)),
            )
            for d in range(3)
        ),
    )


def simulate(missing: float) -> tuple[RatingArray, ValueSystem, list[Respondent], list[Stem]]:
    """Ratings with effects of respondent, stem, both, and chance, put onto the scale."""
    rng = np.random.default_rng(5)
    system = value_system()
    model = Model(Endpoint("simulated", "simulated", None, True, 1), "simulated")
    respondents = [
        Respondent(f"r{r}", model, "chat", 1.0, 1.0, f"family {r % 20}") for r in range(N_RESPONDENTS)
    ]
    stems = [Stem(f"t{s}", f"stem {s}", StemKind.NEUTRAL, "s0", None, "AB"[s % 2]) for s in range(N_STEMS)]
    shape = (N_RESPONDENTS, N_STEMS, N_DRAWS, 6)
    scores = 3.5 + rng.normal(size=shape)
    for axes in ((0,), (1,), (0, 1), (0, 3)):
        size = tuple(n if axis in axes else 1 for axis, n in enumerate(shape))
        scores += 0.5 * rng.normal(size=size)
    values = np.clip(scores, 0, 6).reshape(-1, 6)
    gone = rng.random(values.shape) < missing
    values[gone] = np.nan
    codes = np.where(gone, REASONS.index(Missing.IRRELEVANT), -1).astype(np.int8)
    completions = tuple(
        Completion(f"{r.id}:{s.id}:{d}", r.id, s.id, d, "word " * int(rng.integers(3, 30)), None, "")
        for r in respondents
        for s in stems
        for d in range(N_DRAWS)
    )
    names = tuple(s.id for s in system.subdimensions)
    return RatingArray("judge", system.name, values, codes, completions, names), system, respondents, stems


def step(name: str, missing: float) -> None:
    """Run one step and print its seconds and the peak memory of this process in MB."""
    ratings, system, respondents, stems = simulate(missing)
    rng = np.random.default_rng(6)
    start = time.perf_counter()
    if name == "orientations":
        orient(ratings, system, [r.id for r in respondents], [s.id for s in stems], RESAMPLES, rng)
    elif name == "components":
        measure_components(lay_out([ratings], respondents, stems))
    else:
        sentiment = rng.uniform(-1, 1, len(ratings.completions))
        measure_quality([ratings], system, respondents, stems, sentiment, RESAMPLES, rng)
    seconds = time.perf_counter() - start
    print(f"{seconds:.1f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def main() -> None:
    """Print one row for each step and share of missing ratings."""
    n = N_RESPONDENTS * N_STEMS * N_DRAWS * 6
    print(f"{n:,} ratings, {RESAMPLES} resamples, one thread\n")
    print(f"{'step':14s} {'missing':>8s} {'seconds':>8s} {'peak MB':>8s}")
    for missing in (0.0, 0.05):
        for name in STEPS:
            done = subprocess.run(
                [sys.executable, __file__, name, str(missing)], capture_output=True, text=True, check=True
            )
            seconds, peak = done.stdout.split()
            print(f"{name:14s} {missing:8.0%} {seconds:>8s} {peak:>8s}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        step(sys.argv[1], float(sys.argv[2]))
    else:
        main()
