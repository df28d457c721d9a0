"""Time the factor-analytic route at the paper's size, and its bootstrap beside one that starts anew each time.

525 respondents of 35 models give 7,875 lists of about 5.6 of 197 words; six factors, families resampled. Plain: each
resample's lists are put together, correlated (phi) and factored from the start, `efa(correlate(rows))`, in a loop.
CPU seconds with one thread, the least of the rounds; runs alternate.

Run: python benchmarks/speed_factors.py
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import time
from collections.abc import Callable

import numpy as np

from factor_matrices import CONDITIONS, GROUPS, MODELS, planted
from valuelex.domain.factors import FactorPlan
from valuelex.stages.factor_data import ListData
from valuelex.stages.factor_route import route_of_lists
from valuelex.stats.associations import phi_of_lists
from valuelex.stats.correlation import correlate
from valuelex.stats.factor import efa
from valuelex.stats.loading_intervals import bootstrap_factors

ROUNDS, PLAIN, RESAMPLES = 3, 10, 100


def seconds(run: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    """Print the times."""
    matrix, sources, group = planted(CONDITIONS[0], np.random.default_rng(1))
    family = np.unique(np.asarray(sources.families), return_inverse=True)[1]
    rows = matrix.named.dense().astype(np.float64)
    by_family = [rows[family == f] for f in range(MODELS)]

    def plain() -> None:
        rng = np.random.default_rng(2)
        for _ in range(PLAIN):
            drawn = np.concatenate([by_family[f] for f in rng.integers(MODELS, size=MODELS)])
            efa(correlate(drawn[:, drawn.any(axis=0)]), GROUPS, normalise=True)

    def ours() -> None:
        of_lists = phi_of_lists(matrix.named.dense(), family)
        rng = np.random.default_rng(2)
        bootstrap_factors(of_lists, MODELS, GROUPS, rng=rng, n_resamples=RESAMPLES, normalise=True)

    def route(n: int) -> Callable[[], object]:
        return lambda: route_of_lists(
            matrix, sources, group, FactorPlan(resamples=n), np.random.default_rng(3)
        )

    def rules() -> None:
        ListData.of(matrix, sources).rules(GROUPS, np.random.default_rng(4))

    times = {"plain": [], "ours": [], "rules": [], 200: [], 1000: []}
    for _ in range(ROUNDS):
        times["plain"].append(seconds(plain) / PLAIN)
        times["ours"].append(seconds(ours) / RESAMPLES)
        times["rules"].append(seconds(rules))
        for n in (200, 1000):
            times[n].append(seconds(route(n)))
    best = {name: min(values) for name, values in times.items()}
    print("| What | CPU s |\n|---|---|")
    print(f"| the route with 200 resamples | {best[200]:.2f} |")
    print(f"| the route with 1,000 resamples | {best[1000]:.2f} |")
    print(f"| of that, all rules for the number of factors | {best['rules']:.2f} |")
    print(f"| one resample of phi, ours | {best['ours']:.4f} |")
    print(f"| one resample of phi, plain | {best['plain']:.4f} |")
    print(f"\nPlain over ours: {best['plain'] / best['ours']:.1f}")


if __name__ == "__main__":
    main()
