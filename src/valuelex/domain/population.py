"""Populations of respondents, the value system of each, and how two of them differ.

Owns which respondents belong to a population, and the names and units of what is compared. Does not compute it;
`valuelex.stages.populations` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from valuelex.domain.factors import Agreement
from valuelex.domain.structure import Taxonomy, ValueSystem

EVERYBODY = "all"
"""The population of all respondents, which every study with populations has; no other may bear the name."""


class HasLevels(Protocol):
    """One who has a level on each factor, or None where it is unknown: a respondent."""

    def level(self, factor: str) -> str | None:
        """Tell the level on a factor."""


Member = TypeVar("Member", bound=HasLevels)


@dataclass(frozen=True, slots=True)
class Population:
    """A name, and for each factor the levels of those who belong; nobody is left out where `where` is empty.

    Factors are those of `valuelex.domain.study.FACTORS` and the attributes of respondents. A respondent for whom a
    factor is unknown does not belong.
    """

    name: str
    where: Mapping[str, tuple[str, ...]]

    def members(self, respondents: Sequence[Member]) -> tuple[Member, ...]:
        """Respondents that belong, in their order."""
        return tuple(
            r for r in respondents if all(r.level(factor) in levels for factor, levels in self.where.items())
        )

    @property
    def told(self) -> str:
        """Who belongs, in words: ``training is base and family is a or b``."""
        parts = [f"{factor} is {' or '.join(levels)}" for factor, levels in self.where.items()]
        return " and ".join(parts) or "every respondent"


@dataclass(frozen=True, slots=True)
class PopulationSystem:
    """The value system of one population.

    `n_naming` counts, for each term of its lexicon, its respondents that named it. `outcome` says in words how many
    groups there are and how that was decided. `taxonomy` and `system` are None where none could be built.
    `cautions` say what limits it.
    """

    name: str
    told: str
    respondent_ids: tuple[str, ...]
    n_models: int
    n_families: int
    n_responses: int
    terms: tuple[str, ...]
    n_naming: tuple[int, ...]
    outcome: str
    taxonomy: Taxonomy | None
    system: ValueSystem | None
    cautions: tuple[str, ...]

    @property
    def n_groups(self) -> int:
        """Number of subdimensions; 0 where none were built."""
        return 0 if self.taxonomy is None else len(set(self.taxonomy.subdimension.tolist()))


TermStatus = Literal["shared", "gained", "lost"]


@dataclass(frozen=True, slots=True)
class TermShift:
    """One term in two populations: gained is in the second's lexicon alone, lost in the first's alone.

    `share_a` and `share_b` are the shares of respondents that named it, 0 to 1; `group_a` and `group_b` its
    subdimension, None where it is in none.
    """

    term: str
    status: TermStatus
    n_a: int
    n_b: int
    share_a: float
    share_b: float
    group_a: int | None
    group_b: int | None


@dataclass(frozen=True, slots=True)
class FactorCongruence:
    """A factor of the first population, and how congruent that of the second is after rotation towards it.

    `congruence` is Tucker's, -1 to 1; `chance` the .95 quantile of it where the second's terms are shuffled before
    they are rotated. `leading` are the terms that load most in the first.
    """

    factor: int
    congruence: float
    chance: float
    leading: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Whether two populations differ more than random splits of the same models.

    `congruence` is the mean congruence of their factors, `by_split` its median over random splits of both together,
    and `p_value` the share of splits, the observed one among them, that are no more congruent. `units` are what was
    exchanged whole, families or models, and `n_units` how many of them there are.
    """

    congruence: float
    by_split: float
    p_value: float
    units: str
    n_units: int


@dataclass(frozen=True, slots=True)
class PopulationContrast:
    """Two populations compared on the terms that both have.

    `n_both` respondents belong to both: what they have in common with themselves makes the populations more
    alike. `agreement` is that of the groups; None where it cannot be told. `difference` is None where they share
    respondents or have too few models. `reason` says why factors were not
    compared, and is empty where they were. `verdict` says all of it in words.
    """

    a: str
    b: str
    n_respondents_a: int
    n_respondents_b: int
    n_both: int
    n_groups_a: int
    n_groups_b: int
    terms: tuple[TermShift, ...]
    agreement: Agreement | None
    factors: tuple[FactorCongruence, ...]
    difference: Difference | None
    reason: str
    verdict: str

    def with_status(self, status: TermStatus) -> tuple[TermShift, ...]:
        """Terms of one status."""
        return tuple(t for t in self.terms if t.status == status)


@dataclass(frozen=True, slots=True)
class Populations:
    """All populations of a study, everybody first, and the comparison of each with each after it."""

    systems: tuple[PopulationSystem, ...]
    contrasts: tuple[PopulationContrast, ...]
