"""Lists of words with structure between models, within lists, or none, and with or without each model's own style."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples import response_matrix
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.stats.level_choice import Evidence, Weights, affinities, partitions
from valuelex.stats.levels import Affinity, count_lists, profiles

N_GROUPS = 3


class TwoLevels(NamedTuple):
    """Lists, who gave them, and the planted group of each word."""

    matrix: ResponseMatrix
    sources: Sources
    group: NDArray[np.int64]


def two_level_lists(
    *,
    between: float = 0.0,
    within: float = 0.0,
    style: float = 0.0,
    seed: int = 0,
    n_models: int = 16,
    n_lists: int = 40,
    per_group: int = 7,
    length: int = 5,
) -> TwoLevels:
    """Draw lists of the words that one wants most.

    A wish is the popularity of the word, a taste of the model for its group (`between`), one of this list (`within`),
    a liking of the model for the word alone (`style`), and luck; the arguments are standard deviations.
    """
    rng = np.random.default_rng(seed)
    n_words = N_GROUPS * per_group
    group = rng.permutation(np.arange(n_words) % N_GROUPS)
    model = np.repeat(np.arange(n_models), n_lists)
    n = len(model)
    taste = between * rng.normal(size=(n_models, N_GROUPS))[model] + within * rng.normal(size=(n, N_GROUPS))
    liking = style * rng.normal(size=(n_models, n_words))[model]
    popularity = -0.3 * np.log(rng.permutation(np.arange(1, n_words + 1)))
    wish = popularity + taste[:, group] + liking + rng.gumbel(size=(n, n_words))
    cut = np.sort(wish, axis=1)[:, -length, None]
    names = tuple(f"m{m:02d}" for m in model)
    matrix = response_matrix((wish >= cut).astype(np.uint8), names, [f"w{i:02d}" for i in range(n_words)])
    return TwoLevels(matrix, Sources(names, names, names), group)


def evidence_of(planted: TwoLevels) -> Evidence:
    """Lists and profiles of models, each of which can be held out alone."""
    names = sorted(set(planted.sources.models))
    model = np.array([names.index(m) for m in planted.sources.models])
    counts = count_lists(planted.matrix.named.dense(), model, model)
    alone = np.arange(len(names))
    return Evidence(counts, profiles(counts), alone, alone)


def grouped(evidence: Evidence, weights: Weights, embeddings: Affinity | None = None) -> NDArray[np.int64]:
    """Partition the words by these weights of the views, into as many groups as were planted."""
    views = (*affinities(evidence, np.ones(evidence.n_independent)), embeddings)
    return partitions(views, weights, evidence.n_columns, [N_GROUPS])[0]
