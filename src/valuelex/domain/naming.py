"""Names and definitions that a language model gave to the groups of a built system.

Owns that names are labels: they stand beside the names by markers, never in their place, and what is measured does
not know them. Does not ask or choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from valuelex.domain.call import Missing
from valuelex.domain.measure import Level
from valuelex.domain.structure import Dimension, Subdimension, ValueSystem
from valuelex.domain.wording import count

Target = tuple[Level, str]
"""A group: its level and its id."""


@dataclass(frozen=True, slots=True)
class NamingGuide:
    """What a namer is told besides the groups: its task, and what a name and a definition must be."""

    name: str
    source: str
    task: str
    naming: str
    defining: str


@dataclass(frozen=True, slots=True)
class DrawnName:
    """What one draw of the namer called one group, or why it called it nothing. `kept` marks the one that is shown."""

    draw: int
    level: Level
    group: str
    name: str
    definition: str
    missing: Missing | None
    call_key: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class GroupName:
    """The name of one group, and how sure it is.

    `by_markers` is its name by its markers. `draw` is the draw whose name and definition are kept; None where the
    group keeps its name by markers. `consistency` is the mean agreement of the kept name with the other draws' names
    of the group (0 to 1; agreement is 1 for the same name and else the cosine of the names' embeddings, at least 0);
    None where fewer than two draws named the group. `n_named` draws gave a name, `n_same` of them the kept one.
    `displaced` is a name that was more consistent but that another group bears; empty where there is none.
    `withheld` is a name that the group does not bear since agreement on it is not told from chance; `consistency` and
    `n_same` are then those of that name. `missing` counts the draws without a name by reason.
    """

    level: Level
    group: str
    by_markers: str
    name: str
    definition: str
    draw: int | None
    consistency: float | None
    n_named: int
    n_same: int
    displaced: str = ""
    withheld: str = ""
    missing: Mapping[Missing, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Naming:
    """Who named the groups of a built system, and what came of it.

    `groups` holds the subdimensions and then the dimensions. `chance` is the mean consistency of names that are dealt
    to the groups at random within each draw, and `p_value` the share of such deals that reach the mean consistency of
    the namer's: names of a namer that is no better than that are withheld, and so is a name whose consistency is
    not above chance. Both are None where nothing can be told. `drawn` is every draw on every group. `silence` is
    why calls without an answer failed at the last try; empty where all were answered, or none was sent yet.
    """

    namer: str
    n_draws: int
    groups: tuple[GroupName, ...]
    chance: float | None
    p_value: float | None
    drawn: tuple[DrawnName, ...]
    silence: str = ""

    @property
    def unnamed(self) -> tuple[GroupName, ...]:
        """The groups that keep their names by markers."""
        return tuple(g for g in self.groups if g.draw is None)

    @property
    def withheld(self) -> tuple[GroupName, ...]:
        """The groups whose names are not told from chance by their agreement over draws."""
        return tuple(g for g in self.groups if g.withheld)

    @property
    def n_silent(self) -> int:
        """How many draws have no answer."""
        return len({d.draw for d in self.drawn if d.missing is Missing.CALL_FAILED})

    def of(self, level: Level, group: str) -> GroupName | None:
        """Return the name of a group; None for one that the namer was not asked about."""
        return next((g for g in self.groups if (g.level, g.group) == (level, group)), None)

    def apply(self, system: ValueSystem) -> ValueSystem:
        """Return the system with these names and definitions; ids, markers and anchors stay as they are.

        A group that the namer did not name keeps its own.
        """
        given = {(g.level, g.group): g for g in self.groups if g.draw is not None}
        if not given:
            return system

        def subdimension(s: Subdimension) -> Subdimension:
            found = given.get(("subdimension", s.id))
            return replace(s, name=found.name, definition=found.definition) if found else s

        def dimension(d: Dimension) -> Dimension:
            found = given.get(("dimension", d.id))
            named = replace(d, name=found.name, definition=found.definition) if found else d
            return replace(named, subdimensions=tuple(map(subdimension, d.subdimensions)))

        named = f"{len(given)} of {count(len(self.groups), 'group')} named and defined by {self.namer}."
        source = f"{system.source} {named}"
        return replace(system, source=source, dimensions=tuple(map(dimension, system.dimensions)))
