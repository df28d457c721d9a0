"""Measure how well `construct` finds groups of words that were planted.

Words belong to six subdimensions, two to each of three dimensions. A respondent has a taste for each
subdimension, a list adds one of its own, and the ten or so words that it wants most (popularity + taste + luck)
are the list. Embeddings are none (all random), good (15 % of their variance follows the true
groups) or misleading (half follows other groups). Printed for each number of respondents: the adjusted Rand
index with the planted groups at both levels (1: the same, 0: no better than chance), from the embeddings alone
and from `construct`; the chosen weight of the embeddings; and the mean stability of words. The last
line plants nothing: there the index must be about 0, and stability shows what groups of luck reach.

Run: python benchmarks/recovery.py
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.study import ConstructPlan
from valuelex.stages.construct import construct
from valuelex.stats.cluster import spectral_clusters
from valuelex.stats.cooccurrence import standardise_pairs

Array = NDArray[np.float64]
SEED, SEEDS = 2024, 4
N_WORDS, N_GROUPS, N_DIMENSIONS, PROMPTS, LENGTH = 90, 6, 3, 15, 10
PLAN = ConstructPlan(N_DIMENSIONS, N_GROUPS, resamples=20)
VIEWS = {"none": (0.0, 0.0), "good": (0.15, 0.0), "misleading": (0.0, 0.5)}
"""Share of the variance of embeddings that follows the planted groups, and other groups."""


def tastes(rng: np.random.Generator, n: int) -> Array:
    """Tastes for the subdimensions, (n, 6): correlated .4 inside a dimension."""
    shared = np.repeat(rng.normal(size=(n, N_DIMENSIONS)), 2, axis=1)
    return np.sqrt(0.4) * shared + np.sqrt(0.6) * rng.normal(size=(n, N_GROUPS))


def planted(
    rng: np.random.Generator, n_respondents: int, strength: float
) -> tuple[ResponseMatrix, NDArray[np.int64]]:
    """Simulate the lists of every respondent for every prompt, and the group of each word that was named."""
    group = rng.permutation(np.arange(N_WORDS) % N_GROUPS)
    popularity = -0.7 * np.log(rng.permutation(np.arange(1, N_WORDS + 1)))
    who = np.repeat(np.arange(n_respondents), PROMPTS)
    taste = np.sqrt(0.6) * tastes(rng, n_respondents)[who] + np.sqrt(0.4) * tastes(rng, len(who))
    wish = popularity + strength * taste[:, group] + rng.gumbel(size=(len(who), N_WORDS))
    length = np.clip(rng.poisson(LENGTH, len(who)), 3, 25)
    rank = np.argsort(np.argsort(-wish, axis=1), axis=1)
    lists = (rank < length[:, None]).astype(np.uint8)
    named = lists.any(axis=0)
    terms = tuple(f"w{i:03d}" for i in np.flatnonzero(named))
    ids = tuple(f"r{r}:{i}" for i, r in enumerate(who))
    return ResponseMatrix(lists[:, named], ids, tuple(f"r{r}" for r in who), terms), group[named]


def embeddings(rng: np.random.Generator, group: NDArray[np.int64], true: float, other: float) -> Array:
    """Make unit vectors, with shares of variance that follow the planted groups and groups of no account."""
    pairs = rng.normal(size=(N_DIMENSIONS, 96))[group // 2]
    own = np.sqrt(0.5) * pairs + np.sqrt(0.5) * rng.normal(size=(N_GROUPS, 96))[group]
    unrelated = rng.normal(size=(8, 96))[rng.integers(0, 8, len(group))]
    noise = rng.normal(size=(len(group), 96))
    mixed = np.sqrt(true) * own + np.sqrt(other) * unrelated + np.sqrt(1 - true - other) * noise
    vectors: Array = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return vectors


def measure(n_respondents: int, view: str, strength: float) -> str:
    """Simulate one condition; returns its line."""
    rows, weights = [], []
    for seed in range(SEEDS):
        rng = np.random.default_rng([SEED, seed, n_respondents])
        matrix, group = planted(rng, n_respondents, strength)
        vectors = embeddings(rng, group, *VIEWS[view])
        alone = spectral_clusters(standardise_pairs(vectors @ vectors.T), N_GROUPS, rng)
        found = construct(matrix, matrix.respondent_ids, vectors, PLAN, rng)
        rows.append(
            [
                adjusted_rand_score(group, alone),
                adjusted_rand_score(group, found.subdimension),
                adjusted_rand_score(group // 2, found.dimension),
                np.nanmean(found.stability),
            ]
        )
        weights.append(f"{found.embedding_weight:g}")
    alone_ari, subdimension, dimension, stability = np.mean(rows, axis=0)
    return (
        f"{n_respondents:11d}  {view:10s} {alone_ari:8.2f} {subdimension:14.2f} {dimension:10.2f} "
        f"{stability:10.2f}   {' '.join(weights)}"
    )


def main() -> None:
    """Print the table."""
    print(f"Agreement with planted groups (adjusted Rand index), mean of {SEEDS} simulated studies:")
    print(f"{N_WORDS} words, {PROMPTS} lists of about {LENGTH} words from each respondent.\n")
    print("respondents  embeddings    alone  subdimensions dimensions  stability   weights chosen")
    for n_respondents in (10, 30, 90):
        for view in VIEWS:
            print(measure(n_respondents, view, strength=1.0), flush=True)
    print("\nNothing planted in the lists, other groups in the embeddings:")
    print(measure(30, "misleading", strength=0.0))


if __name__ == "__main__":
    main()
