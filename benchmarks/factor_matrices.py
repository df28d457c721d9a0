"""Measure which correlations recover planted groups best by factor analysis, at the paper's size.

35 models in 15 settings give 15 lists each of about 5.6 of 197 words (7,875 lists). Words belong to six
subdimensions, two to each of three dimensions; a list holds the words of highest utility: popularity + sensitivity x
trait + style + luck. The variance of traits lies between models (B), between settings, and within lists (W); style is
a model's own liking for words, unrelated to the groups. Printed for each matrix that the factor-analytic route can
take: the adjusted Rand index of primary loadings of six factors with the planted groups, mean and least of the seeds;
then the mean and the worst condition, of the conditions with structure only. The last condition plants nothing.

Run: python benchmarks/factor_matrices.py [SEEDS]   (about a minute and a half for the default of 10)
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.factors import LIST_MATRICES
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.stages.factor_data import ListData
from valuelex.stats.factor import efa
from valuelex.stats.stability import compare_partitions

Array = NDArray[np.float64]
SEED, SEEDS = 2025, 10
MODELS, SETTINGS, PROMPTS, WORDS, LENGTH, GROUPS = 35, 15, 15, 197, 5.6, 6


@dataclass(frozen=True)
class Condition:
    """Where the variance of traits lies: between models, between settings, within lists; and how much of all it is."""

    name: str
    share: tuple[float, float, float] = (0.5, 0.2, 0.3)
    sensitivity: float = 1.0
    style: float = 0.0


CONDITIONS = (
    Condition("B .5 W .3"),
    Condition("B .5 W .3, weak", sensitivity=0.6),
    Condition("B .8 W .1, weak", (0.8, 0.1, 0.1), 0.6),
    Condition("B .33 W .33, sensitivity .8", (0.33, 0.34, 0.33), 0.8),
    Condition("B .5 W .3, style", style=1.0),
    Condition("W 1, weak", (0.0, 0.0, 1.0), 0.6),
    Condition("W 1, style, weak", (0.0, 0.0, 1.0), 0.6, 1.0),
    Condition("nothing, style", sensitivity=0.0, style=1.0),
)


def traits(rng: np.random.Generator, n: int) -> Array:
    """Tastes for the subdimensions, (n, 6): correlated .4 inside a dimension."""
    shared = np.repeat(rng.standard_normal((n, GROUPS // 2)), 2, axis=1)
    return np.sqrt(0.4) * shared + np.sqrt(0.6) * rng.standard_normal((n, GROUPS))


def planted(
    condition: Condition, rng: np.random.Generator
) -> tuple[ResponseMatrix, Sources, NDArray[np.int64]]:
    """Simulate the lists of all models; words in fewer than 40 lists (.5 %) are no terms."""
    n = MODELS * SETTINGS * PROMPTS
    model, setting = (
        np.repeat(np.arange(MODELS), SETTINGS * PROMPTS),
        np.repeat(np.arange(MODELS * SETTINGS), PROMPTS),
    )
    between, settings, within = np.sqrt(condition.share)
    taste = between * traits(rng, MODELS)[model] + settings * traits(rng, MODELS * SETTINGS)[setting]
    taste += within * traits(rng, n)
    group = rng.permutation(np.arange(WORDS) % GROUPS)
    sensitivity = condition.sensitivity * rng.uniform(0.5, 1.5, WORDS)
    popularity = -0.7 * np.log(rng.permutation(np.arange(1, WORDS + 1)))
    own = condition.style * rng.standard_normal((MODELS, WORDS))
    wish = popularity + sensitivity * taste[:, group] + own[model] + rng.gumbel(size=(n, WORDS))
    length = np.clip(rng.poisson(LENGTH, n), 2, WORDS // 3)
    lists = (np.argsort(np.argsort(-wish, axis=1), axis=1) < length[:, None]).astype(np.uint8)
    kept = np.flatnonzero(lists.sum(axis=0) >= 40)
    names, models = tuple(f"r{i:03d}" for i in setting), tuple(f"m{i:02d}" for i in model)
    terms = tuple(f"w{i:03d}" for i in kept)
    matrix = ResponseMatrix.of_dense(lists[:, kept], tuple(f"x{i}" for i in range(n)), names, terms)
    return matrix, Sources(names, models, models), group[kept]


def recovered(matrix: ResponseMatrix, sources: Sources, group: NDArray[np.int64]) -> list[float]:
    """Give the adjusted Rand index of each matrix, factored as the route does."""
    data = ListData.of(matrix, sources)
    place = {term: i for i, term in enumerate(matrix.terms)}
    found = []
    for name in LIST_MATRICES:
        own = data.factored(name)
        rng = np.random.default_rng(SEED)
        r = own.correlations(np.ones(own.n_units))
        pattern = efa(r, GROUPS, normalise=True, n_starts=10, rng=rng).pattern
        primary = np.where(pattern.max(axis=1) > 0, pattern.argmax(axis=1), -1)
        truth = group[[place[term] for term in own.terms]]
        found.append(compare_partitions(primary, truth).adjusted_rand)
    return found


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    print(f"Adjusted Rand index with the planted groups: mean (least) of {seeds} seeds\n")
    print("| Condition | " + " | ".join(LIST_MATRICES) + " |\n|---" + "|---" * len(LIST_MATRICES) + "|")
    means = []
    for number, condition in enumerate(CONDITIONS):
        rngs = [np.random.default_rng([SEED, number, seed]) for seed in range(seeds)]
        table = np.array([recovered(*planted(condition, rng)) for rng in rngs])
        cells = [f"{m:.2f} ({low:.2f})" for m, low in zip(table.mean(axis=0), table.min(axis=0), strict=True)]
        print(f"| {condition.name} | " + " | ".join(cells) + " |", flush=True)
        if condition.sensitivity:
            means.append(table.mean(axis=0))
    for label, row in (
        ("mean of conditions", np.mean(means, axis=0)),
        ("worst condition", np.min(means, axis=0)),
    ):
        print(f"| **{label}** | " + " | ".join(f"{v:.2f}" for v in row) + " |")


if __name__ == "__main__":
    main()
