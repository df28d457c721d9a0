"""Check by simulation how often 95 % intervals hold the truth: bootstrap over units, effects, shrunken means.

Run: python benchmarks/coverage_inference.py
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from valuelex.stats.bootstrap import bootstrap, resample_units
from valuelex.stats.effect_size import (
    one_sample_effect,
    paired_effect,
    probability_of_superiority,
    two_sample_effect,
)
from valuelex.stats.shrinkage import shrink
from valuelex.stats.unit_statistics import unit_effects, unit_means

Array = NDArray[np.float64]
SEED = 2024
RESAMPLES = 999
SAMPLES = 1600
ROWS_PER_UNIT = 5
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw standard normal values."""
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw exponential values of mean 0 and variance 1."""
    return rng.exponential(size=shape) - 1


def clustered(rng: np.random.Generator, draw: Draw, n_units: int, within: float, n_columns: int) -> Array:
    """Values (n_units * 5, n_columns) of mean 0 and variance 1, of which `within` is shared in a unit."""
    shared = np.repeat(draw(rng, (n_units, n_columns)), ROWS_PER_UNIT, axis=0)
    return np.sqrt(within) * shared + np.sqrt(1 - within) * draw(rng, shared.shape)


def covers(low: Array, high: Array, truth: Array | float) -> str:
    """Return the share of intervals that hold the truth, in %, with its standard error."""
    rate = float(((low <= truth) & (truth <= high)).mean())
    return f"{100 * rate:.1f} ± {100 * np.sqrt(rate * (1 - rate) / low.size):.1f}"


def bootstrap_table(rng: np.random.Generator) -> None:
    """Print coverage of the mean and of a standardised mean over clustered rows."""
    print(
        f"Bootstrap over units of {ROWS_PER_UNIT} rows, {SAMPLES} samples, {RESAMPLES} resamples. Coverage in %.\n"
    )
    print(
        "| Quantity | Values | Shared | Units | percentile | bca | studentised | t, units as rows | t, rows |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, draw in (("normal", normal), ("skewed", skewed)):
        for within in (0.1, 0.5):
            for n_units in (10, 20, 40, 100):
                values = clustered(rng, draw, n_units, within, SAMPLES)
                groups = np.repeat(np.arange(n_units), ROWS_PER_UNIT)
                weights = resample_units(n_units, RESAMPLES, rng)
                mean = unit_means(values, groups)
                cells = []
                for method in ("percentile", "bca", "studentised"):
                    found = bootstrap(mean, weights, method=method, variance=mean.variance)
                    cells.append(covers(found.low, found.high, 0.0))
                for table in (values.reshape(n_units, ROWS_PER_UNIT, -1).mean(axis=1), values):
                    se = table.std(axis=0, ddof=1) / np.sqrt(len(table))
                    reach = student.ppf(0.975, len(table) - 1) * se
                    cells.append(covers(table.mean(axis=0) - reach, table.mean(axis=0) + reach, 0.0))
                print("| mean |", " | ".join([name, f"{within:.0%}", str(n_units), *cells]), "|", flush=True)
    for name, draw in (("normal", normal), ("skewed", skewed)):
        for n_units in (10, 20, 40, 100):
            values = clustered(rng, draw, n_units, 0.5, SAMPLES // 4) + 0.5
            effect = unit_effects(values, np.repeat(np.arange(n_units), ROWS_PER_UNIT))
            weights = resample_units(n_units, RESAMPLES, rng)
            cells = []
            for method in ("percentile", "bca"):
                found = bootstrap(effect, weights, method=method)
                cells.append(covers(found.low, found.high, 0.5))
            found = bootstrap(effect, weights[:299], method="studentised") if n_units <= 20 else None
            cells.append("–" if found is None else covers(found.low, found.high, 0.5))
            print("| d = .5 |", " | ".join([name, "50%", str(n_units), *cells, "–", "–"]), "|", flush=True)


def effect_table(rng: np.random.Generator) -> None:
    """Print coverage of standardised effects, each column a sample."""
    n_samples = 4 * SAMPLES
    print(f"\nStandardised effects of independent rows, {n_samples} samples. Coverage in %.\n")
    print("| Rows | True d | one sample | two samples | two, variances 1 : 4 | pairs, r = .7 |")
    print("|---|---|---|---|---|---|")
    for n in (8, 20, 50):
        for d in (0.0, 0.5, 1.5):
            x, y = rng.normal(size=(n, n_samples)), rng.normal(size=(n, n_samples))
            one, two = one_sample_effect(x + d), two_sample_effect(x + d, y)
            unequal = two_sample_effect(x + d * np.sqrt(2.5), 2 * y)
            pairs = paired_effect(x + d, 0.7 * x + np.sqrt(0.51) * y)
            cells = [covers(found.low, found.high, d) for found in (one, two, unequal, pairs)]
            print("|", " | ".join([str(n), f"{d:.1f}", *cells]), "|", flush=True)
    print(
        "\n| Rows | Probability of superiority | normal | variances 1 : 4 | rounded to 5 steps |\n|---|---|---|---|---|"
    )
    for n in (8, 20, 50):
        for p in (0.5, 0.7, 0.95):
            x, y = rng.normal(size=(n, SAMPLES)), rng.normal(size=(n, SAMPLES))
            shift = norm.ppf(p)
            plain = probability_of_superiority(x + shift * np.sqrt(2), y)
            unequal = probability_of_superiority(x + shift * np.sqrt(5), 2 * y)
            steps, truth = rounded(x + shift * np.sqrt(2)), rounded_truth(shift * np.sqrt(2))
            coarse = probability_of_superiority(steps, rounded(y))
            cells = [covers(plain.low, plain.high, p), covers(unequal.low, unequal.high, p)]
            print(
                "|",
                " | ".join([str(n), f"{p}", *cells, covers(coarse.low, coarse.high, truth)]),
                "|",
                flush=True,
            )


def rounded(values: Array) -> Array:
    """Put values onto five steps from -2 to 2."""
    return np.clip(np.round(values), -2, 2)


def rounded_truth(shift: float) -> float:
    """Chance that a rounded normal value exceeds another, ties counting half, if the first is shifted."""
    edges = np.array([-np.inf, -1.5, -0.5, 0.5, 1.5, np.inf])
    a, b = np.diff(norm.cdf(edges - shift)), np.diff(norm.cdf(edges))
    return float(a @ (np.cumsum(b) - b / 2))


def shrinkage_table(rng: np.random.Generator) -> None:
    """Print how often intervals of shrunken means hold the unit's own true mean, on average over units."""
    n_samples = 300
    print(
        f"\nShrunken means, sampling variances from .3 to 3, {n_samples} samples. Average coverage over units in %,"
    )
    print("and mean width against that of the interval of the unit alone.\n")
    print(
        "| Units | Variance between | shrunken | width | between as if known | units alone |\n|---|---|---|---|---|---|"
    )
    for n_units in (6, 10, 20, 50):
        for tau2 in (0.0, 0.1, 0.5, 1.0, 4.0):
            held, naive, alone, width = [], [], [], []
            for _ in range(n_samples):
                variance = np.exp(rng.uniform(np.log(0.3), np.log(3), n_units))
                truth = np.sqrt(tau2) * rng.normal(size=n_units)
                estimate = truth + np.sqrt(variance) * rng.normal(size=n_units)
                found = shrink(estimate, variance)
                held.append(((found.low <= truth) & (truth <= found.high)).mean())
                known = np.sqrt((1 - found.share) * variance)
                naive.append((np.abs(found.shrunken - truth) <= 1.96 * known).mean())
                alone.append((np.abs(estimate - truth) <= 1.96 * np.sqrt(variance)).mean())
                width.append((found.high - found.low).mean() / (3.92 * np.sqrt(variance)).mean())
            cells = [
                f"{100 * np.mean(r):.1f} ± {100 * np.std(r) / np.sqrt(n_samples):.1f}"
                for r in (held, naive, alone)
            ]
            row = [str(n_units), f"{tau2}", cells[0], f"{np.mean(width):.2f}", *cells[1:]]
            print("|", " | ".join(row), "|", flush=True)


def main() -> None:
    """Print all tables."""
    rng = np.random.default_rng(SEED)
    bootstrap_table(rng)
    effect_table(rng)
    shrinkage_table(rng)


if __name__ == "__main__":
    main()
