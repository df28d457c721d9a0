"""What is planted in a simulation, and what comes of it.

Owns the planted value system, the size and the odds of a simulated study, and the simulated data with their
truth. Draws nothing; `valuelex.stages.simulate` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.structure import ValueSystem
from valuelex.domain.wording import count
from valuelex.errors import DataError

Labels = NDArray[np.int64]

LEAST_PER_GROUP = 2
"""Terms that a planted subdimension must have: one alone goes together with nothing."""


@dataclass(frozen=True, slots=True)
class PlantedSystem:
    """A value system that the simulated models have.

    `dimension` is the dimension of each subdimension, (n_subdimensions,), numbered from 0. The traits behind the
    subdimensions of one dimension correlate by `correlation` (0 to below 1), those of different dimensions by 0.
    `subdimension` is the subdimension of each term, (n_terms,); None deals the terms out evenly at random.
    `terms` are their words; None numbers them.
    """

    dimension: tuple[int, ...]
    n_terms: int
    correlation: float = 0.4
    subdimension: tuple[int, ...] | None = None
    terms: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        k = len(self.dimension)
        if k == 0 or set(self.dimension) != set(range(max(self.dimension) + 1)):
            msg = (
                f"The dimensions of the planted subdimensions are {list(self.dimension)}; number them from 0, none "
                "left out."
            )
            raise DataError(msg)
        if not 0 <= self.correlation < 1:
            msg = f"The correlation inside a planted dimension is {self.correlation}; give one from 0 to below 1."
            raise DataError(msg)
        if self.n_terms < LEAST_PER_GROUP * k:
            msg = (
                f"{count(self.n_terms, 'term is', 'terms are')} too few to plant {k} subdimensions; give at least "
                f"{LEAST_PER_GROUP * k} terms, or plant fewer."
            )
            raise DataError(msg)
        for name, labels in (("subdimension", self.subdimension), ("terms", self.terms)):
            if labels is not None and len(labels) != self.n_terms:
                msg = f"{name} has {len(labels)} entries, but {self.n_terms} terms are planted."
                raise DataError(msg)
        if self.terms is not None and len(set(self.terms)) < self.n_terms:
            twice = next(t for t in self.terms if self.terms.count(t) > 1)
            msg = f"The planted term {twice!r} stands twice; give each once."
            raise DataError(msg)
        if self.subdimension is not None and set(self.subdimension) != set(range(k)):
            msg = f"The planted terms must lie in subdimensions 0 to {k - 1}, and each must have one."
            raise DataError(msg)

    @classmethod
    def even(
        cls, n_dimensions: int, per_dimension: int, n_terms: int, correlation: float = 0.4
    ) -> PlantedSystem:
        """Plant as many subdimensions in every dimension."""
        if n_dimensions < 1 or per_dimension < 1:
            msg = (
                f"{n_dimensions} dimensions of {per_dimension} subdimensions cannot be planted; plant at least one of "
                "one."
            )
            raise DataError(msg)
        dimension = tuple(d for d in range(n_dimensions) for _ in range(per_dimension))
        return cls(dimension, n_terms, correlation)

    @classmethod
    def of(cls, system: ValueSystem, correlation: float = 0.4) -> PlantedSystem:
        """Plant a value system: its markers are the terms."""
        parts = [(d, s) for d, dimension in enumerate(system.dimensions) for s in dimension.subdimensions]
        terms = [(i, marker) for i, (_, s) in enumerate(parts) for marker in s.markers]
        return cls(
            dimension=tuple(d for d, _ in parts),
            n_terms=len(terms),
            correlation=correlation,
            subdimension=tuple(i for i, _ in terms),
            terms=tuple(marker for _, marker in terms),
        )

    @property
    def n_subdimensions(self) -> int:
        """Number of planted subdimensions."""
        return len(self.dimension)

    @property
    def n_dimensions(self) -> int:
        """Number of planted dimensions."""
        return max(self.dimension) + 1


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the variance of each trait: between models, between respondents of a model, within responses.

    They add up to 1. The last is what changes from one response of a respondent to the next.
    """

    models: float = 0.5
    respondents: float = 0.2
    responses: float = 0.3

    def __post_init__(self) -> None:
        parts = (self.models, self.respondents, self.responses)
        if not (all(part >= 0 for part in parts) and abs(sum(parts) - 1) < 1e-9):
            shown = ", ".join(f"{part:g}" for part in parts)
            msg = (
                f"The shares of variance are {shown}; those between models, between respondents of a model and within "
                "responses must be at least 0 and add up to 1."
            )
            raise DataError(msg)


@dataclass(frozen=True, slots=True)
class PlantedMeaning:
    """Embeddings of the planted terms: shares of their variance that follow the planted groups, or others.

    `informative` follows the planted subdimensions (half of it shared by a dimension), `misleading` eight groups that
    have nothing to do with them; the rest is noise. `size` is the length of a vector.
    """

    informative: float = 0.15
    misleading: float = 0.0
    size: int = 128

    def __post_init__(self) -> None:
        if (
            min(self.informative, self.misleading) < 0
            or self.informative + self.misleading > 1
            or self.size < 1
        ):
            msg = (
                f"The embeddings follow the planted groups by {self.informative:g} and others by {self.misleading:g} "
                "of their variance; both must be at least 0 and at most 1 together."
            )
            raise DataError(msg)


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """One simulated study: what is planted, how many answer, and how they come by their words.

    Parameters
    ----------
    system
        The planted value system.
    n_models, n_respondents, n_responses
        Models, respondents of each model (its settings), and responses of each respondent (prompts times draws).
    models_per_family
        Models that share a family; the last family may have fewer.
    family_share
        Share of the variance between models, of traits and of style, that a family has in common (0 to 1).
    list_length
        Mean number of terms of a list (Poisson), cut to `shortest` and a third of all terms.
    popularity
        Exponent of Zipf's law: how much oftener some terms are named than others, whoever answers. 0: not at all.
    sensitivity
        How strongly the utility of a term follows its trait: each term between half and one and a half times as much,
        in units of the trait's standard deviation. 0 plants nothing: there is no structure to find.
    style
        Standard deviation, in utility, of each model's own liking for each term, which has nothing to do with values.
    noise
        Scale of the Gumbel noise of a list (1: Plackett-Luce), or standard deviation of the normal noise of a rating.
    shift, stretch
        Response style of ratings: standard deviation, in scale points, of how high a respondent rates all terms, and
        of the logarithm of how far its ratings lie apart.
    meaning
        Embeddings of the terms; None simulates none.
    """

    system: PlantedSystem
    n_models: int = 35
    n_respondents: int = 15
    n_responses: int = 15
    shares: Shares = Shares()
    models_per_family: int = 1
    family_share: float = 0.0
    list_length: float = 5.6
    shortest: int = 2
    popularity: float = 0.7
    sensitivity: float = 1.0
    style: float = 0.0
    noise: float = 1.0
    shift: float = 0.5
    stretch: float = 0.2
    meaning: PlantedMeaning | None = None

    def __post_init__(self) -> None:
        for name in ("n_models", "n_respondents", "n_responses", "models_per_family", "shortest"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}; simulate at least 1."
                raise DataError(msg)
        for name in ("list_length", "popularity", "sensitivity", "style", "noise", "shift", "stretch"):
            if not 0 <= getattr(self, name) < np.inf:
                msg = f"{name} is {getattr(self, name)}; give a number of at least 0."
                raise DataError(msg)
        if not 0 <= self.family_share <= 1:
            msg = f"family_share is {self.family_share}; give a share from 0 to 1."
            raise DataError(msg)
        if self.longest < self.shortest:
            msg = (
                f"Lists of at least {self.shortest} of {self.system.n_terms} terms say too little: a list may hold a "
                f"third of the terms, {self.longest}. Plant more terms."
            )
            raise DataError(msg)

    @property
    def longest(self) -> int:
        """Most terms of a list: a third of all."""
        return self.system.n_terms // 3

    @property
    def n_rows(self) -> int:
        """Responses of the whole study."""
        return self.n_models * self.n_respondents * self.n_responses

    @property
    def n_families(self) -> int:
        """Families of the models."""
        return -(-self.n_models // self.models_per_family)

    @property
    def is_planted(self) -> bool:
        """Tell whether there is anything to find."""
        return self.sensitivity > 0 and self.system.n_subdimensions > 1


@dataclass(frozen=True, slots=True)
class Simulated:
    """Simulated answers with the truth behind them.

    `values` is (n_rows, n_terms): 0 or 1 of lists, scale points of ratings. `subdimension` and `dimension` are the
    planted groups of the terms, all 0 where nothing is planted. `respondents`, `models` and `families` number who
    gave each row. `vectors` are unit vectors of the terms, None where no embeddings are simulated.
    """

    values: NDArray[np.uint8]
    subdimension: Labels
    dimension: Labels
    respondents: Labels
    models: Labels
    families: Labels
    vectors: NDArray[np.float64] | None
    terms: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.respondents), len(self.terms))
        if self.values.shape != expected:
            msg = (
                f"values has shape {self.values.shape}, but the labels describe {expected} "
                f"({expected[0]} responses × {expected[1]} terms)."
            )
            raise DataError(msg)
