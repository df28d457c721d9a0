"""Read the populations of a study file: whose value systems are built apart.

Owns what is refused about them. Who belongs is decided by `valuelex.domain.population`.
"""

from __future__ import annotations

from collections.abc import Sequence

from valuelex.domain.population import EVERYBODY, Population
from valuelex.domain.study import FACTORS, Respondent
from valuelex.errors import StudyError
from valuelex.io.toml_form import Section, Text

Level = str | int | float | bool


class PopulationSection(Section):
    """A name, and for each factor the level or the levels of those who belong."""

    name: Text
    where: dict[str, Level | tuple[Level, ...]]


def read_populations(
    sections: Sequence[PopulationSection], respondents: Sequence[Respondent]
) -> tuple[Population, ...]:
    """Resolve populations against the respondents of the study.

    Raises
    ------
    StudyError
        If a name is taken, nobody belongs, or a factor or level is one that no respondent has.
    """
    everybody = [section.name for section in sections if not section.where]
    if everybody:
        msg = f"[[populations]] {everybody[0]!r} takes everybody, as 'all' does; say in where what sets it apart."
        raise StudyError(msg)
    populations = tuple(
        Population(
            section.name,
            {
                factor: tuple(
                    _as_level(v, factor, respondents)
                    for v in (value if isinstance(value, tuple) else (value,))
                )
                for factor, value in section.where.items()
            },
        )
        for section in sections
    )
    check_populations(populations, respondents)
    return populations


def _as_level(value: Level, factor: str, respondents: Sequence[Respondent]) -> str:
    """Write a value as the respondents who have it do: 1.0 is the level 1 of temperature."""
    ways = (str(value), f"{value:g}") if isinstance(value, int | float) else (value,)
    there = {r.level(factor) for r in respondents}
    return next((way for way in ways if way in there), ways[0])


def check_populations(populations: Sequence[Population], respondents: Sequence[Respondent]) -> None:
    """Refuse populations that nobody belongs to, that share a name, or whose factors and levels nobody has.

    Raises
    ------
    StudyError
        Naming the first offender, and what there is.
    """
    names = [EVERYBODY, *(p.name for p in populations)]
    known = (*FACTORS, *sorted({name for r in respondents for name in r.attributes}))
    for population in populations:
        said = f"[[populations]] {population.name!r}"
        if names.count(population.name) > 1:
            msg = f"{said}: the name is taken; {EVERYBODY!r} stands for all respondents, and names differ."
            raise StudyError(msg)
        for factor, levels in population.where.items():
            there = sorted({level for r in respondents if (level := r.level(factor)) is not None})
            if factor not in known:
                msg = f"{said}: no factor {factor!r}; there is {', '.join(map(repr, known))}."
                raise StudyError(msg)
            wrong = [level for level in levels if level not in there]
            if wrong or not levels:
                which = f"no respondent has {factor} = {wrong[0]!r}" if wrong else f"{factor} has no value"
                msg = f"{said}: {which}; there is {', '.join(map(repr, there)) or 'none'}."
                raise StudyError(msg)
        if not population.members(respondents):
            msg = f"{said}: no respondent has all of it at once ({population.told}); leave a condition out."
            raise StudyError(msg)
