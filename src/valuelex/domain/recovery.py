"""How well a planted value system was found again: in one simulated study, and over many of a size.

Owns the labels and the counts. Simulates and estimates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from valuelex.domain.simulation import SimulationPlan
from valuelex.domain.study import ConstructPlan, NormalisePlan
from valuelex.domain.wording import count
from valuelex.errors import DataError


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """How many models were asked, respondents of each, and responses of each respondent."""

    n_models: int
    n_respondents: int
    n_responses: int

    @property
    def n_rows(self) -> int:
        """Responses in all."""
        return self.n_models * self.n_respondents * self.n_responses

    def __str__(self) -> str:
        return (
            f"{count(self.n_models, 'model')} × {count(self.n_respondents, 'setting')} × "
            f"{count(self.n_responses, 'prompt')}"
        )


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is simulated: a plan at one or several sizes, `n_studies` of each, analysed as a study says.

    `plan` says all but the size. With a `target_ari`, the adjusted Rand index that the subdimensions should reach, it
    is asked which size is enough for a share `power` of studies. `mode` tells whether respondents list words or rate
    every term.
    """

    plan: SimulationPlan
    sizes: tuple[Size, ...]
    n_studies: int
    seed: int
    normalise: NormalisePlan
    construct: ConstructPlan
    target_ari: float | None = None
    power: float = 0.8
    mode: Literal["list", "rate"] = "list"

    def __post_init__(self) -> None:
        if not self.sizes or self.n_studies < 1:
            msg = f"{self.n_studies} studies of {len(self.sizes)} sizes cannot be simulated; give at least one of one."
            raise DataError(msg)
        for name, value in (("target_ari", self.target_ari), ("power", self.power)):
            if value is not None and not 0 < value <= 1:
                msg = f"{name} is {value:g}; give a number above 0 and at most 1."
                raise DataError(msg)

    def at(self, size: Size) -> SimulationPlan:
        """Return the plan of one size."""
        return replace(
            self.plan,
            n_models=size.n_models,
            n_respondents=size.n_respondents,
            n_responses=size.n_responses,
        )

    @property
    def n_planted(self) -> int:
        """Subdimensions that can be found: 1 where nothing is planted."""
        return self.plan.system.n_subdimensions if self.plan.is_planted else 1


@dataclass(frozen=True, slots=True)
class ViewRecovery:
    """The groups by one view alone: their adjusted Rand index with the planted ones, and the weight of the view."""

    name: str
    weight: float
    ari: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found in one simulated study.

    `study` is its number, which with the size and the seed gives its random numbers. `n_subdimensions` is the number
    that the answers support, 1 where they show no groups; `too_little` tells that they were judged too few to tell.
    The adjusted Rand indices are those of the system that was built with the planted groups, over the terms that were
    found; where nothing is planted they are 1 if one group was built and else 0. `views` are empty where there is one
    group. Where no system could be built, `failure` says why: the study counts as too little data, one group, and
    indices of 0. Ratings are not put into dimensions: there are 0, and their index is NaN.
    """

    size: Size
    study: int
    n_terms: int
    n_subdimensions: int
    n_dimensions: int
    too_little: bool
    subdimension_ari: float
    dimension_ari: float
    views: tuple[ViewRecovery, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over simulated studies with its simulation error; None with fewer than two of them."""

    value: float
    error: float | None


@dataclass(frozen=True, slots=True)
class Share:
    """A share of simulated studies with its 95 % interval (Wilson)."""

    n: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, from 0 to 1."""
        return self.n / self.of


@dataclass(frozen=True, slots=True)
class ViewMeans:
    """What one view alone comes to, over the `n_studies` that found more than one group."""

    name: str
    n_studies: int
    weight: Mean
    ari: Mean


@dataclass(frozen=True, slots=True)
class SizeRecovery:
    """How well studies of a size find what was planted.

    `right` is the share that found the planted number of subdimensions, `too_little` the share that said there
    was too little data, `reached` the share whose subdimensions reached the target (None without a target).
    """

    size: Size
    n_studies: int
    n_terms: float
    n_subdimensions: Mean
    right: Share
    too_little: Share
    subdimension_ari: Mean
    dimension_ari: Mean
    reached: Share | None
    views: tuple[ViewMeans, ...] = ()


@dataclass(frozen=True, slots=True)
class Power:
    """The answer to how many models and responses are enough.

    Enough is a size of which the share `power` of studies reaches `target_ari`. `tried` are the sizes that were
    simulated, the one of fewest responses first. `enough` is the first of them that passed and passed again in
    new studies, with the figures of the new ones only, which did not choose it; None if no size did.
    """

    n_subdimensions: int
    target_ari: float
    power: float
    tried: tuple[SizeRecovery, ...]
    enough: SizeRecovery | None
