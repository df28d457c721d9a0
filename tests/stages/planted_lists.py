"""Lists of words with planted groups, small enough to be factored in a blink."""

from __future__ import annotations

import numpy as np

from valuelex.domain.evidence import Level, LevelChoice, Outcome, Structure
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.domain.structure import Taxonomy


def structured(taxonomy: Taxonomy) -> Structure:
    """Make a structure of a taxonomy that nothing speaks for or against."""
    n = len(set(taxonomy.subdimension.tolist()))
    none = (0.0,) * n
    joint = LevelChoice(Level.JOINT, Outcome.GROUPS, n, tuple(range(1, n + 1)), none, none, none, (n,), 0.0)
    return Structure(
        taxonomy=taxonomy,
        joint=joint,
        levels=(),
        views=(),
        groups=(),
        nulls=(),
        splits=(),
        sensitivities=(),
        controls=(),
        dimension_gain={},
        n_given=n,
        independent="families",
        n_independent=12,
        profiled="",
        n_models=12,
        verdict=(f"The study gave {n} groups.",),
    )


def planted(
    seed: int = 0,
    *,
    n_families: int = 12,
    per_family: int = 2,
    lists: int = 30,
    n_words: int = 30,
    n_groups: int = 3,
    strength: float = 1.5,
) -> tuple[ResponseMatrix, Sources, np.ndarray]:
    """Lists of 5 words, the groups that families and lists have a taste for preferred; and each word's group."""
    rng = np.random.default_rng(seed)
    group = np.arange(n_words) % n_groups
    family = np.repeat(np.arange(n_families), per_family * lists)
    respondent = np.repeat(np.arange(n_families * per_family), lists)
    taste = (
        rng.standard_normal((n_families, n_groups))[family] + rng.standard_normal((len(family), n_groups))
    ) / np.sqrt(2)
    wish = strength * taste[:, group] + rng.gumbel(size=(len(family), n_words))
    values = (np.argsort(np.argsort(-wish, axis=1), axis=1) < 5).astype(np.uint8)
    respondents = tuple(f"r{i:02d}" for i in respondent)
    families = tuple(f"f{i:02d}" for i in family)
    matrix = ResponseMatrix.of_dense(
        values,
        tuple(f"x{i}" for i in range(len(values))),
        respondents,
        tuple(f"w{i:02d}" for i in range(n_words)),
    )
    return matrix, Sources(respondents, families, families), group
