"""How the subdimensions of one value system correspond to those of a known one.

Owns the labels and figures of a crosswalk. Does not compute them; `valuelex.stages.crosswalk` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from valuelex.errors import DataError


@dataclass(frozen=True, slots=True)
class Cell:
    """One subdimension held against one of the known system.

    `shared` are the terms that both have; `jaccard` is their share of all terms of the two, `overlap` their share
    of the smaller one (0 to 1). `similarity` is the mean cosine between the markers of both (-1 to 1), and
    `standardised` what remains of it without the means of its row and column, in standard deviations over all cells.
    `z` is the lesser of the similarity and that remainder, each in standard deviations of shuffled markers.
    `p_value` is one-sided and `p_adjusted` holds for all cells of the crosswalk together.
    `definition_similarity` is the cosine of the two definitions.
    """

    subdimension: str
    known: str
    shared: tuple[str, ...]
    jaccard: float
    overlap: float
    similarity: float
    standardised: float
    z: float
    p_value: float
    p_adjusted: float
    definition_similarity: float


class Doubt(StrEnum):
    """Why a group that was built may be none."""

    UNSTABLE = "UNSTABLE"
    """It does not come back when sources are drawn again."""
    NO_GROUPS = "NO_GROUPS"
    """The study gave the number of groups, and its data show none."""
    CHANCE = "CHANCE"
    """At no level is the structure beyond data without one."""


DOUBTS = {
    Doubt.UNSTABLE: "it is not stable",
    Doubt.NO_GROUPS: "the data show no groups",
    Doubt.CHANCE: "the structure cannot be told from chance",
}
"""What each doubt is in words, behind the name of a group."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks for one group of a built system.

    `stability` is its overlap with its match when sources are drawn again (0 to 1), None where it cannot be told;
    `doubt` why the group may be none, None where nothing says so.
    """

    stability: float | None
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The counterpart of one subdimension in the known system.

    `best` is the known subdimension that is nearest beyond chance; several subdimensions may have the same one.
    `one_to_one` is its partner where each may have one only. Both are None where the likeness could be chance, and
    for a group that may be none: what is like an accident is no finding. `standing` is that of the group, None for a
    system that was not built.
    """

    subdimension: str
    best: str | None
    one_to_one: str | None
    standing: Standing | None = None

    @property
    def doubt(self) -> Doubt | None:
        """Why the group may be none."""
        return self.standing.doubt if self.standing is not None else None


@dataclass(frozen=True, slots=True)
class TermAgreement:
    """Whether the groups of the system and the known groups part the same terms alike.

    A term that one known subdimension has among its markers is there, as `n_listed` of `n_terms` are; any other is put
    to the nearest. `adjusted_rand` is 0 at chance and 1 for equal partitions; `mutual_information` is in nats, and
    `mutual_information_chance` its mean when terms are shuffled. The p-values are one-sided.
    """

    n_terms: int
    n_listed: int
    adjusted_rand: float
    adjusted_rand_p: float
    mutual_information: float
    mutual_information_chance: float
    mutual_information_p: float


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """One value system held against a known one.

    `cells` go through the subdimensions of the system and for each through those of the known one. `unique` are terms
    that are farther from every known group than nearly all of the known markers are from their own.
    """

    system: str
    known: str
    known_title: str
    names: tuple[tuple[str, str], ...]
    known_names: tuple[tuple[str, str], ...]
    cells: tuple[Cell, ...]
    matches: tuple[Match, ...]
    agreement: TermAgreement
    unique: tuple[str, ...]
    level: float
    n_permutations: int

    def __post_init__(self) -> None:
        rows = [i for i, _ in self.names]
        expected = [(i, j) for i in rows for j, _ in self.known_names]
        if [(c.subdimension, c.known) for c in self.cells] != expected:
            msg = (
                f"{len(self.cells)} cells, but {len(rows)} subdimensions by {len(self.known_names)} known ones "
                "need one each, row by row."
            )
            raise DataError(msg)
        if [m.subdimension for m in self.matches] != rows:
            msg = f"{len(self.matches)} matches for {len(rows)} subdimensions; give one each, in order."
            raise DataError(msg)
