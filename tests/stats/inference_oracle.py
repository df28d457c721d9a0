"""Inference kernels against base R (oracles/inference.R)."""

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.inference import holm, standardised_mean


def comparisons() -> Comparisons:
    """Closed forms; what rests on random resamples is in test_inference_resamples.py."""
    oracle = load("inference")
    yield Comparison("Holm's adjustment", "8 tests", "R", holm(np.array(oracle["p"])), oracle["holm"], 1e-12)
    x = np.array(oracle["x"])[:, None]
    yield Comparison("standardised mean", "12 values", "R", standardised_mean(x)[0], oracle["d"], 1e-9)
