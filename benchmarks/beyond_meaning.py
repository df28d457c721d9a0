"""Measure how often groups are said to be beyond what their terms mean, where they are not, and where they are.

Lists are drawn from utilities of 197 words: popularity, and tastes of sources for directions of meaning, for six
planted groups that meaning knows nothing of, or for both (half of the variance each). Half of the variance of tastes
lies between sources, a fifth between settings of a source, three tenths within lists; 225 lists of about 5.6 words
from each source (45 where there are 1,000 sources). Words lie alone in 64 directions ("spread"), or on eight topics
with 30 % of their variance ("topics"), or are value words that MiniLM embeds ("words"). Sources like one direction
more than another (the variance falls as 1 / rank, in random order of the directions) or all alike ("even"); only
where they like all alike does the cosine of two words foretell how they go together.

For each condition: sources, groups (six in each study), the share of groups that are said to be mostly beyond
meaning, the share of studies with any such group, the mean share of support beyond meaning, and the adjusted Rand
index with the planted groups.

Run: python benchmarks/beyond_meaning.py [--seeds 10] [--sources 35 200 1000] [--only CONDITION ...]
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.io.embed import MiniLM
from valuelex.stages.material import gather
from valuelex.stages.resample import N_LEFT_OUT, resample
from valuelex.stages.verdict import MOSTLY
from valuelex.stats.cluster import adjusted_rand
from valuelex.stats.level_choice import affinities, partitions
from valuelex.stats.view_weights import choose_weights

Array = NDArray[np.float64]
SEED, WORDS, GROUPS, PROMPTS, LENGTH, LONGEST = 2026, 197, 6, 15, 5.6, 40
SENSITIVITY = 1.5
SHARES = (0.5, 0.2, 0.3)
AT_ONCE = 4096


@dataclass(frozen=True)
class Condition:
    """What the words mean, which directions of meaning sources like, and how much of their taste is for groups."""

    meaning: str
    even: bool = False
    planted: float = 0.0
    sensitivity: float = SENSITIVITY


CONDITIONS = {
    "meaning only, spread, even": Condition("spread", even=True),
    "meaning only, spread": Condition("spread"),
    "meaning only, topics, even": Condition("topics", even=True),
    "meaning only, topics": Condition("topics"),
    "meaning only, words, even": Condition("words", even=True),
    "meaning only, words": Condition("words"),
    "groups only, topics": Condition("topics", planted=1.0),
    "groups only, words, weak": Condition("words", planted=1.0, sensitivity=0.7),
    "half groups, topics": Condition("topics", planted=0.5),
    "half groups, words": Condition("words", planted=0.5),
}


@cache
def value_words() -> Array:
    """Embed the value words of the shipped lexicon, (n_words, 384)."""
    table = tomllib.loads((files("valuelex") / "assets/lexicon/families.toml").read_text(encoding="utf-8"))
    words = sorted({word for family in table["families"].values() for word in family})
    return np.asarray(MiniLM.load().embed(words), dtype=np.float64)


def vectors(kind: str, rng: np.random.Generator) -> Array:
    """Draw the unit vectors of the words."""
    if kind == "words":
        known = value_words()
        return known[rng.permutation(len(known))[:WORDS]]
    if kind == "topics":
        topics = rng.standard_normal((8, 128))[rng.integers(0, 8, WORDS)]
        found = np.sqrt(0.3) * topics + np.sqrt(0.7) * rng.standard_normal((WORDS, 128))
    else:
        found = rng.standard_normal((WORDS, 64))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def reach(condition: Condition, meaning: Array, group: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """How much each direction of taste moves the utility of each word, (n_words, n_directions), of mean square 1."""
    centred = meaning - meaning.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    along = centred @ axes.T
    if not condition.even:
        along *= rng.permutation(np.arange(1, along.shape[1] + 1)) ** -0.5
    along /= np.sqrt((along**2).sum(axis=1).mean())
    return np.hstack(
        [np.sqrt(1 - condition.planted) * along, np.sqrt(condition.planted) * np.eye(GROUPS)[group]]
    )


def study(
    condition: Condition, n_sources: int, rng: np.random.Generator
) -> tuple[ResponseMatrix, Sources, Array, NDArray[np.int64]]:
    """Draw the lists of all sources; words in fewer than 5 lists are no terms."""
    meaning, group = vectors(condition.meaning, rng), rng.permutation(np.arange(WORDS) % GROUPS)
    moved = reach(condition, meaning, group, rng)
    settings = 3 if n_sources >= 1000 else 15
    source = np.repeat(np.arange(n_sources), settings * PROMPTS)
    setting = np.repeat(np.arange(n_sources * settings), PROMPTS)
    of_source, of_setting = (rng.standard_normal((n[-1] + 1, moved.shape[1])) for n in (source, setting))
    sensitivity = condition.sensitivity * rng.uniform(0.5, 1.5, WORDS)
    popularity = -0.7 * np.log(rng.permutation(np.arange(1, WORDS + 1)))
    between, settled, within = np.sqrt(SHARES)
    lists = np.zeros((len(source), WORDS), dtype=np.uint8)
    for start in range(0, len(source), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(source)))
        taste = between * of_source[source[rows]] + settled * of_setting[setting[rows]]
        taste += within * rng.standard_normal(taste.shape)
        wish = popularity + sensitivity * (taste @ moved.T) + rng.gumbel(size=(len(rows), WORDS))
        best = np.argsort(-wish, axis=1)[:, :LONGEST]
        length = np.clip(rng.poisson(LENGTH, len(rows)), 2, LONGEST)
        lists[np.repeat(rows, length), best[np.arange(LONGEST) < length[:, None]]] = 1
    kept = np.flatnonzero(lists.sum(axis=0) >= 5)
    who, models = tuple(f"r{i:05d}" for i in setting), tuple(f"m{i:04d}" for i in source)
    terms = tuple(f"w{i:03d}" for i in kept)
    matrix = ResponseMatrix.of_dense(lists[:, kept], tuple(str(i) for i in range(len(lists))), who, terms)
    return matrix, Sources(who, models, models), meaning[kept], group[kept]


def observe(condition: Condition, n_sources: int, rng: np.random.Generator) -> tuple[Array, Array, float]:
    """Group the words of one study into six by all views, as the pipeline does, and see what is beyond meaning."""
    matrix, sources, meaning, group = study(condition, n_sources, rng)
    material = gather(matrix, sources.units(), meaning)
    weights = choose_weights(material.evidence, material.embeddings, GROUPS, (1.0, 1.0), rng)
    views = (*affinities(material.evidence, np.ones(n_sources)), material.embeddings)
    (labels,) = partitions(views, weights, len(group), [GROUPS])
    found = resample(material, weights, labels, N_LEFT_OUT, rng)
    assert found is not None
    share = np.array([g.beyond_meaning.value for g in found.groups])
    beyond = np.array([g.beyond_meaning.ci_low > MOSTLY for g in found.groups])
    return beyond, share, adjusted_rand(labels, group) if condition.planted else 0.0


def main() -> None:
    """Print a row for each condition and number of sources."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sources", type=int, nargs="+", default=[35, 200, 1000])
    parser.add_argument("--only", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS))
    arguments = parser.parse_args()
    print(f"{'':28}{'sources':>8}{'groups':>8}{'beyond':>8}{'studies':>9}{'share':>7}{'ARI':>6}")
    for n_sources in arguments.sources:
        for name in arguments.only:
            number = list(CONDITIONS).index(name)
            rngs = [np.random.default_rng([SEED, number, n_sources, seed]) for seed in range(arguments.seeds)]
            runs = [observe(CONDITIONS[name], n_sources, rng) for rng in rngs]
            beyond = np.stack([r[0] for r in runs])
            print(
                f"{name:28}{n_sources:>8}{beyond.size:>8}{beyond.mean():>8.2f}{beyond.any(axis=1).mean():>9.2f}"
                f"{np.nanmean([r[1] for r in runs]):>7.2f}{np.mean([r[2] for r in runs]):>6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
