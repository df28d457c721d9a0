"""Let simulated respondents answer, by lists of value words or ratings of them, from a planted value system.

Owns the generating model. A word's utility is its popularity, plus its sensitivity times the trait of its subdimension,
plus the model's own liking for it, plus noise. A list holds the words of the highest utility (Plackett-Luce, as the
noise is Gumbel's); a rating is the utility on a respondent's own use of the scale, rounded. Knows nothing of how
structure is looked for; the simulated answers go through the same stages as real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW
from valuelex.domain.simulation import Labels, PlantedMeaning, PlantedSystem, Simulated, SimulationPlan

Array = NDArray[np.float64]

ROWS_AT_ONCE = 4096
"""Responses whose utilities are in memory together."""

MIDDLE = (SCALE_LOW + SCALE_HIGH) / 2
"""Middle of the scale of ratings."""

UNRELATED_GROUPS = 8
"""Groups that misleading embeddings follow."""


def draw_lists(plan: SimulationPlan, rng: np.random.Generator) -> Simulated:
    """Draw the lists of all respondents of a simulated study.

    Time is linear in responses times terms, and so is memory, with a byte of each.

    Parameters
    ----------
    plan
        What is planted, how many answer, and the odds.
    rng
        Source of everything: traits, words, styles, lists and embeddings.

    Returns
    -------
    Simulated
        Rows in the order of families, models and respondents. Each list holds from `plan.shortest` to
        `plan.longest` different terms.

    References
    ----------
    Luce (1959), Individual Choice Behavior; Plackett (1975), The analysis of permutations. That the top m of
    utilities with Gumbel noise follow their law: Yellott (1977), Journal of Mathematical Psychology 15.
    """
    nest = _Nest.of(plan)
    traits = _traits(plan, nest, rng)
    words = _Words.draw(plan, rng)
    own = _styles(plan, nest, rng)
    # No list of the planned mean is longer, so the words after these need not be kept.
    longest = min(plan.longest, plan.shortest + int(plan.list_length + 10 * np.sqrt(plan.list_length) + 10))
    first = np.empty((plan.n_rows, longest), dtype=np.int32)
    for start in range(0, plan.n_rows, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        utility = words.liking(traits[rows]) + own[nest.models[rows]]
        first[rows] = _highest(utility + plan.noise * rng.gumbel(size=utility.shape), longest)
    lengths = np.clip(rng.poisson(plan.list_length, plan.n_rows), plan.shortest, longest)
    values = np.zeros((plan.n_rows, plan.system.n_terms), dtype=np.uint8)
    named = np.arange(longest) < lengths[:, None]
    values[np.repeat(np.arange(plan.n_rows), lengths), first[named]] = 1
    return _simulated(plan, nest, words, values, rng)


def draw_ratings(plan: SimulationPlan, rng: np.random.Generator) -> Simulated:
    """Draw how every respondent rates every term, once in each response.

    Parameters
    ----------
    plan
        What is planted, how many answer, and the odds; the length of lists is not used.
    rng
        Source of everything: traits, words, styles, ratings and embeddings.

    Returns
    -------
    Simulated
        Rows in the order of families, models and respondents. Ratings are whole numbers from 0 to 6. A word of mean
        popularity gets 3 from a respondent to whom its subdimension means as much as to the mean one.
    """
    nest = _Nest.of(plan)
    traits = _traits(plan, nest, rng)
    words = _Words.draw(plan, rng)
    own = _styles(plan, nest, rng)
    n_respondents = plan.n_models * plan.n_respondents
    shift = MIDDLE + plan.shift * rng.standard_normal(n_respondents)
    stretch = np.exp(plan.stretch * rng.standard_normal(n_respondents))
    values = np.empty((plan.n_rows, plan.system.n_terms), dtype=np.uint8)
    for start in range(0, plan.n_rows, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        utility = words.liking(traits[rows]) + own[nest.models[rows]]
        utility += plan.noise * rng.standard_normal(utility.shape)
        who = nest.respondents[rows]
        rating = np.rint(shift[who, None] + stretch[who, None] * utility)
        values[rows] = np.clip(rating, SCALE_LOW, SCALE_HIGH)
    return _simulated(plan, nest, words, values, rng)


@dataclass(frozen=True, slots=True)
class _Nest:
    """Respondent and model of each row, and family of each model."""

    respondents: Labels
    models: Labels
    family_of_model: Labels

    @classmethod
    def of(cls, plan: SimulationPlan) -> _Nest:
        respondents = np.repeat(np.arange(plan.n_models * plan.n_respondents), plan.n_responses)
        families = np.arange(plan.n_models) // plan.models_per_family
        return cls(respondents, respondents // plan.n_respondents, families)


@dataclass(frozen=True, slots=True)
class _Words:
    """Subdimension, sensitivity and popularity of each term: (n_terms,) each."""

    subdimension: Labels
    sensitivity: Array
    popularity: Array

    @classmethod
    def draw(cls, plan: SimulationPlan, rng: np.random.Generator) -> _Words:
        """Deal terms out to subdimensions, and popularity to terms; its mean is 0, a shift changes no list."""
        n, system = plan.system.n_terms, plan.system
        if system.subdimension is None:
            subdimension = rng.permutation(np.arange(n) % system.n_subdimensions)
        else:
            subdimension = np.array(system.subdimension, dtype=np.int64)
        sensitivity = rng.uniform(0.5, 1.5, n) * plan.sensitivity
        popularity = (-plan.popularity * np.log(np.arange(1, n + 1)))[rng.permutation(n)]
        return cls(subdimension, sensitivity, popularity - popularity.mean())

    def liking(self, traits: Array) -> Array:
        """Return the utility that comes of popularity and traits: (n_rows, n_terms)."""
        utility: Array = self.popularity + self.sensitivity * traits[:, self.subdimension]
        return utility


def _traits(plan: SimulationPlan, nest: _Nest, rng: np.random.Generator) -> Array:
    """Draw the traits behind each row, (n_rows, n_subdimensions), of unit variance, shared as planned."""
    mixing = np.linalg.cholesky(_correlation(plan.system)).T

    def draw(n: int) -> Array:
        drawn: Array = rng.standard_normal((n, plan.system.n_subdimensions)) @ mixing
        return drawn

    of_model = _of_models(plan, nest, draw)
    of_respondent = draw(plan.n_models * plan.n_respondents)
    traits: Array = (
        np.sqrt(plan.shares.models) * of_model[nest.models]
        + np.sqrt(plan.shares.respondents) * of_respondent[nest.respondents]
        + np.sqrt(plan.shares.responses) * draw(plan.n_rows)
    )
    return traits


def _correlation(system: PlantedSystem) -> Array:
    """Correlations of the traits: as planted inside a dimension, 0 across."""
    dimension = np.array(system.dimension)
    phi = np.where(dimension[:, None] == dimension, system.correlation, 0.0)
    np.fill_diagonal(phi, 1.0)
    return phi


def _styles(plan: SimulationPlan, nest: _Nest, rng: np.random.Generator) -> Array:
    """Draw each model's own liking for each term: (n_models, n_terms)."""
    return plan.style * _of_models(plan, nest, lambda n: rng.standard_normal((n, plan.system.n_terms)))


def _of_models(plan: SimulationPlan, nest: _Nest, draw: Callable[[int], Array]) -> Array:
    """Draw a row for each model, with the planned share of variance that its family has in common."""
    own = draw(plan.n_models)
    if plan.family_share == 0:
        return own
    common = draw(plan.n_families)[nest.family_of_model]
    mixed: Array = np.sqrt(plan.family_share) * common + np.sqrt(1 - plan.family_share) * own
    return mixed


def _highest(utility: Array, n: int) -> NDArray[np.int64]:
    """Columns of the n highest utilities of each row, the highest first: (n_rows, n)."""
    best = np.argpartition(-utility, n - 1, axis=1)[:, :n]
    order = np.argsort(-np.take_along_axis(utility, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1)


def _simulated(
    plan: SimulationPlan, nest: _Nest, words: _Words, values: NDArray[np.uint8], rng: np.random.Generator
) -> Simulated:
    """Put the answers beside their truth. Where nothing is planted, all terms are one group."""
    system = plan.system
    subdimension = words.subdimension if plan.is_planted else np.zeros(system.n_terms, dtype=np.int64)
    dimension = np.array(system.dimension, dtype=np.int64)
    return Simulated(
        values=values,
        subdimension=subdimension,
        dimension=dimension[words.subdimension] if plan.is_planted else subdimension,
        respondents=nest.respondents,
        models=nest.models,
        families=nest.family_of_model[nest.models],
        vectors=None if plan.meaning is None else _vectors(system, plan.meaning, words.subdimension, rng),
        terms=system.terms or tuple(f"term {i}" for i in range(system.n_terms)),
    )


def _vectors(
    system: PlantedSystem, meaning: PlantedMeaning, subdimension: Labels, rng: np.random.Generator
) -> Array:
    """Draw embeddings: unit vectors of the terms, (n_terms, meaning.size).

    Words keep their meaning where respondents have no values: they follow the groups even if nothing is planted.
    """
    n, d = system.n_terms, meaning.size
    shared = rng.standard_normal((system.n_dimensions, d))[np.array(system.dimension)]
    own = rng.standard_normal((system.n_subdimensions, d))
    vectors: Array = np.sqrt(meaning.informative / 2) * (shared + own)[subdimension]
    unrelated = rng.standard_normal((UNRELATED_GROUPS, d))[rng.integers(0, UNRELATED_GROUPS, n)]
    vectors += np.sqrt(meaning.misleading) * unrelated
    vectors += np.sqrt(1 - meaning.informative - meaning.misleading) * rng.standard_normal((n, d))
    length: Array = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / length
