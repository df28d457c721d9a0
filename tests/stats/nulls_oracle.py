"""Means over null replicates against vegan's curveball and against simulated normal data.

Both sides are random, so each mean may be off by five standard errors of the difference; what is compared is
the difference in standard errors.
"""

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.cooccurrence import cooccurrence
from valuelex.stats.nulls import curveball, wishart_correlation

N_THEIRS = 20000
N_OURS = 500


def comparisons() -> Comparisons:
    """Mean co-occurrence with both margins kept, mean eigenvalues of normal data."""
    oracle, rng = load("nulls"), np.random.default_rng(1)
    x = np.array(oracle["x"])
    counts = np.mean([cooccurrence(curveball(x, rng)) for _ in range(N_OURS)], axis=0)
    spread = np.maximum(np.array(oracle["sd"]), 1e-9)
    yield _in_errors(
        "curveball, mean co-occurrence (standard errors)",
        f"{x.shape[0]} × {x.shape[1]}",
        f"vegan {oracle['versions']['vegan']}",
        counts,
        np.array(oracle["mean"]),
        spread,
        N_OURS,
    )
    for case in oracle["normal"]:
        n, p = case["n"], case["p"]
        values = [np.linalg.eigvalsh(wishart_correlation(n, p, rng))[::-1] for _ in range(4 * N_OURS)]
        yield _in_errors(
            "Wishart null, mean eigenvalues (standard errors)",
            f"n = {n}, p = {p}",
            "R",
            np.mean(values, axis=0),
            np.array(case["mean"]),
            np.maximum(np.array(case["sd"]), 1e-9),
            4 * N_OURS,
        )


def _in_errors(
    quantity: str, case: str, software: str, ours: np.ndarray, theirs: np.ndarray, sd: np.ndarray, n: int
) -> Comparison:
    error = sd * np.sqrt(1 / n + 1 / N_THEIRS)
    return Comparison(quantity, case, software, ours / error, theirs / error, 5.0)
