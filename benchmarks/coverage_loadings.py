"""Coverage of 95 % bootstrap intervals of loadings, factor correlations and communalities, as a table.

Samples are drawn from known correlated factors; a value is covered when its interval holds the solution of the
population's correlations. Percentile intervals of the same resamples stand beside for comparison.

Run: python benchmarks/coverage_loadings.py (about two minutes on one core)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.stats.congruence import align_loadings
from valuelex.stats.factor import FactorSolution, efa
from valuelex.stats.loading_intervals import LoadingIntervals, bootstrap_loadings

N_SAMPLES = 80
N_RESAMPLES = 200
TAILS = (0.025, 0.975)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Condition:
    """One row of the table."""

    n_units: int
    p: int
    k: int
    rows_per_unit: int = 1
    """Rows of one unit share half of the variance of their factors."""
    rotation: str = "oblimin"
    skewed: bool = False
    """Whether factors and uniquenesses are exponential and not normal."""


CONDITIONS = (
    Condition(200, 12, 2),
    Condition(500, 12, 2),
    Condition(200, 18, 3),
    Condition(500, 18, 3),
    Condition(500, 18, 3, rotation="geomin"),
    Condition(200, 12, 2, skewed=True),
    Condition(100, 12, 2, rows_per_unit=5),
    Condition(30, 12, 2, rows_per_unit=10),
    Condition(12, 12, 2, rows_per_unit=20),
)


def main() -> None:
    """Print coverage in per cent, averaged over cells and samples."""
    print(
        "| Units × rows | p | k | Rotation | Distribution | Pattern | Least of its cells | Factor correlations "
        "| Communalities | Pattern, percentile | Factor correlations, percentile | Width of a loading |\n"
        + "|---" * 12
        + "|"
    )
    for number, condition in enumerate(CONDITIONS):
        rng = np.random.default_rng([20260, number])
        loadings, phi = population(condition, rng)
        correlation = loadings @ phi @ loadings.T
        np.fill_diagonal(correlation, 1.0)
        truth = efa(correlation, condition.k, rotation=condition.rotation)
        hits = [covered(bootstrap(condition, loadings, phi, rng), truth) for _ in range(N_SAMPLES)]
        pattern, phis, communalities, pattern_percentile, phi_percentile, width = (
            np.array(column) for column in zip(*hits, strict=True)
        )
        print(
            f"| {condition.n_units} × {condition.rows_per_unit} | {condition.p} | {condition.k} "
            f"| {condition.rotation} | {'exponential' if condition.skewed else 'normal'} "
            f"| {100 * pattern.mean():.1f} | {100 * pattern.mean(axis=0).min():.0f} "
            f"| {100 * phis.mean():.1f} | {100 * communalities.mean():.1f} "
            f"| {100 * pattern_percentile.mean():.1f} | {100 * phi_percentile.mean():.1f} | {width.mean():.2f} |",
            flush=True,
        )


def population(condition: Condition, rng: np.random.Generator) -> tuple[Array, Array]:
    """Make loadings (p, k) with small cross-loadings, and factor correlations of .3."""
    p, k = condition.p, condition.k
    loadings = rng.uniform(-0.1, 0.15, (p, k))
    loadings[np.arange(p), np.arange(p) % k] = rng.uniform(0.45, 0.8, p)
    phi = np.full((k, k), 0.3)
    np.fill_diagonal(phi, 1.0)
    return loadings, phi


def sample(
    condition: Condition, loadings: Array, phi: Array, rng: np.random.Generator
) -> tuple[Array, NDArray[np.int64]]:
    """Rows and the unit of each; factors and unique parts each have variance 1 within and between together."""
    n_rows = condition.n_units * condition.rows_per_unit
    units = np.repeat(np.arange(condition.n_units), condition.rows_per_unit)
    draw = (lambda shape: rng.exponential(size=shape) - 1.0) if condition.skewed else rng.standard_normal
    factors = draw((n_rows, condition.k))
    if condition.rows_per_unit > 1:
        shared = draw((condition.n_units, condition.k))[units]
        factors = np.sqrt(0.5) * (shared + factors)
    common = factors @ np.linalg.cholesky(phi).T @ loadings.T
    unique = np.sqrt(1.0 - np.einsum("ij,jk,ik->i", loadings, phi, loadings))
    return common + draw((n_rows, condition.p)) * unique, units


def bootstrap(
    condition: Condition, loadings: Array, phi: Array, rng: np.random.Generator
) -> LoadingIntervals:
    """Draw a sample and make its intervals."""
    data, units = sample(condition, loadings, phi, rng)
    return bootstrap_loadings(
        data, condition.k, groups=units, n_resamples=N_RESAMPLES, rotation=condition.rotation, rng=rng
    )


def covered(
    found: LoadingIntervals, truth: FactorSolution
) -> tuple[Array, Array, Array, Array, Array, float]:
    """Whether each interval holds the truth, brought into the order and signs of the sample's solution."""
    aligned = align_loadings(truth.pattern, found.solution.pattern)
    phi = aligned.factor_correlations(truth.phi)
    pairs = np.triu_indices(len(phi), 1)
    back = np.argsort(aligned.order)
    pattern = (found.pattern_low <= aligned.loadings) & (aligned.loadings <= found.pattern_high)
    phis = (found.phi_low <= phi) & (phi <= found.phi_high)
    communalities = (found.communality_low <= truth.communalities) & (
        truth.communalities <= found.communality_high
    )
    low, high = np.quantile(found.patterns, TAILS, axis=0)
    pattern_percentile = (low <= aligned.loadings) & (aligned.loadings <= high)
    low, high = np.quantile(found.phis, TAILS, axis=0)
    phi_percentile = (low <= phi) & (phi <= high)
    width = float((found.pattern_high - found.pattern_low).mean())
    return (
        pattern[:, back],
        phis[pairs],
        communalities,
        pattern_percentile,
        phi_percentile[pairs],
        width,
    )


if __name__ == "__main__":
    main()
