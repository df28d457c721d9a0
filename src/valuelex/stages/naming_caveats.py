"""Say what a reader must know of the names of a built system: who gave them, and which are none.

Owns the conditions and the wording. They follow from the names alone, so a run and a later report say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from valuelex.domain.call import Missing
from valuelex.domain.naming import GroupName, Naming
from valuelex.domain.wording import count, p_value
from valuelex.stages.name_chance import LEVEL, least_p


def naming_caveats(naming: Naming) -> list[str]:
    """List who named the groups, which kept their names by markers and why, and what to do about it."""
    n, unnamed = len(naming.groups), naming.unnamed
    if naming.n_silent == naming.n_draws:
        return [
            f"{naming.namer}, which was to name the groups of the built system, {_silent(naming)}. They are called "
            "by their markers; nothing else depends on names. Run the study again (valuelex run) to ask for them, or "
            "leave [namer] out."
        ]
    sentences = []
    if len(unnamed) < n:
        sentences.append(
            f"{n - len(unnamed)} of {count(n, 'group')} of the built system "
            f"{'bears a name and a definition' if n - len(unnamed) == 1 else 'bear names and definitions'} by a "
            f"language model ({naming.namer}, the most consistent of {count(naming.n_draws, 'draw')}). They are "
            "labels: nobody was measured by them, and the markers stand beside them."
        )
    if naming.n_silent:
        sentences.append(
            f"{count(naming.n_silent, 'draw')} of {naming.n_draws} of {naming.namer} {_silent(naming)}; run the study "
            "again (valuelex run) to ask for the rest."
        )
    useless = [g for g in unnamed if not g.withheld]
    if useless:
        sentences.append(
            f"{naming.namer} gave no name that could be used to {len(useless)} of {count(n, 'group')} of the built "
            f"system ({_why(useless)}); they are called by their markers. names.parquet leads to its answers."
        )
    return sentences + _withheld(naming)


def _withheld(naming: Naming) -> list[str]:
    if not naming.withheld:
        return []
    named = ", ".join(repr(g.withheld) for g in naming.withheld)
    if len(naming.unnamed) == len(naming.groups):
        least = least_p(naming.drawn)
        if least > LEVEL:
            return [
                f"The draws of {naming.namer} are too few to tell names from chance: if all agreed, p would be "
                f"{p_value(least)}. None is used and all groups are called by their markers. What it said (such as "
                f"{named}) is kept in names.parquet; raise draws in [namer] and run again."
            ]
        return [
            f"Over the draws of {naming.namer}, names agree no better than names dealt to the groups at random, so "
            f"none is used and all groups are called by their markers. What it said (such as {named}) is kept in "
            "names.parquet; another model, or more draws in [namer], may do better."
        ]
    return [
        f"Over the draws of {naming.namer}, names of some groups agree no better than names dealt at random do, so "
        f"these are called by their markers; not used: {named}."
    ]


def _silent(naming: Naming) -> str:
    return f"did not answer ({naming.silence.rstrip('.')})" if naming.silence else "has not answered yet"


def _why(unnamed: Sequence[GroupName]) -> str:
    """Count the names that are missing by reason, and those that other groups bear."""
    counted: Counter[Missing] = Counter()
    for group in unnamed:
        counted.update(group.missing)
    parts = [f"{counted[reason]} {reason.value}" for reason in Missing if counted[reason]]
    n_displaced = sum(bool(group.displaced) for group in unnamed)
    parts += [f"{n_displaced} with names that other groups bear"] if n_displaced else []
    return ", ".join(parts)
