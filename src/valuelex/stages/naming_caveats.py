"""Say what a reader must know of the names of a built system: who gave them, and which are none.

Owns the conditions and the wording. They follow from the names alone, so a run and a later report say the same.
"""

from __future__ import annotations

from collections import Counter

from valuelex.domain.call import Missing
from valuelex.domain.naming import GroupName, Naming


def naming_caveats(naming: Naming) -> list[str]:
    """List who named the groups, which kept their names by markers and why, and which names are arbitrary."""
    n, unnamed = len(naming.groups), naming.unnamed
    sentences = []
    if len(unnamed) < n:
        sentences.append(
            f"{n - len(unnamed)} of {n} groups of the built system bear names and definitions by a language model "
            f"({naming.namer}, the most consistent of {naming.n_draws} draws). They are labels: nobody was measured "
            "by them, and the markers stand beside them."
        )
    if unnamed:
        sentences.append(
            f"{naming.namer} gave no name that could be used to {len(unnamed)} of {n} groups of the built system "
            f"({_why(unnamed)}); they are called by their markers. names.parquet leads to its answers."
        )
    arbitrary = naming.arbitrary
    if arbitrary:
        named = ", ".join(repr(g.name) for g in arbitrary)
        sentences.append(
            f"Over the draws of {naming.namer}, names of these groups agree no better than names of different groups "
            f"do: {named}. Go by their markers."
        )
    return sentences


def _why(unnamed: tuple[GroupName, ...]) -> str:
    """Count the names that are missing by reason, and those that other groups bear."""
    counted: Counter[Missing] = Counter()
    for group in unnamed:
        counted.update(group.missing)
    parts = [f"{counted[reason]} {reason.value}" for reason in Missing if counted[reason]]
    n_displaced = sum(bool(group.displaced) for group in unnamed)
    parts += [f"{n_displaced} with names that other groups bear"] if n_displaced else []
    return ", ".join(parts)
