"""Say who named the groups of a built system, from how many draws, and how far these agreed.

Reads `Naming`; chooses nothing.
"""

from __future__ import annotations

from valuelex.domain.measure import Level
from valuelex.domain.naming import GroupName, Naming
from valuelex.domain.study import NamerPlan, setting_text
from valuelex.report.wording import count, number, p_value, reasons


def naming_sentence(naming: Naming | None) -> str:
    """Say who named the groups, and how to read the consistency of a name."""
    if naming is None:
        return "Groups are called by their three most central words; no language model named them."
    n = len(naming.groups)
    n_named = n - len(naming.unnamed)
    told = (
        f"{n_named} of {count(n, 'group')} are named and defined by {naming.namer}, each by the most consistent of "
        f"{count(naming.n_draws, 'draw')}. A name is a label: respondents are measured by markers and anchors, "
        "whatever a group is called."
    )
    if naming.n_silent == naming.n_draws:
        return (
            f"Groups are called by their three most central words: {naming.namer} did not answer"
            f"{f' ({naming.silence})' if naming.silence else ''}."
        )
    if not n_named and not naming.withheld:
        return told
    told += (
        " Consistency is the mean agreement of a name with those of the other draws: 1 for the same name, else the "
        "similarity of meaning."
    )
    if naming.chance is not None:
        told += (
            f" Names dealt to the groups at random have {number(naming.chance)} on average, and reach the mean of all "
            f"groups with p {p_value(naming.p_value)}. A name that is not told from chance is not used."
        )
    return told


def named_by(naming: Naming | None, level: Level, group: str) -> str:
    """Say of one group who named it and what its name by markers is; empty where no namer was asked about it."""
    found = naming.of(level, group) if naming is not None else None
    if naming is None or found is None:
        return ""
    lost = f" ({reasons(found.missing)})" if found.missing else ""
    if found.withheld:
        return (
            f"Called by its markers: how far draws of {naming.namer} agree on a name is not told from chance (most "
            f"consistent: {found.withheld}, {number(found.consistency)})."
        )
    if found.draw is None:
        why = (
            f"other groups bear the names that {naming.namer} gave (first: {found.displaced})"
            if found.displaced
            else f"no draw of {naming.namer} gave a name that could be used{lost}"
        )
        return f"Called by its markers: {why}."
    return f"{_how(naming, found)}{lost}. By its markers: {found.by_markers}."


def _how(naming: Naming, found: GroupName) -> str:
    draws = count(naming.n_draws, "draw")
    if found.consistency is None:
        return f"Named by {naming.namer} in the only usable of {draws}, so its consistency is not known"
    next_best = f"; {found.displaced} was more so, but another group bears it" if found.displaced else ""
    return (
        f"Named by {naming.namer}: the most consistent of {count(found.n_named, 'name')} from {draws}{next_best} "
        f"(consistency {number(found.consistency)}; {found.n_same} gave this very name)"
    )


def namer_setting(namer: NamerPlan | None) -> str:
    """Write the settings of a namer for the section on method."""
    if namer is None:
        return "none: groups are called by their markers"
    return (
        f"{namer.id} ({count(namer.draws, 'draw')}, temperature {setting_text(namer.temperature)}"
        f"{f', reasoning effort {namer.reasoning_effort}' if namer.reasoning_effort else ''}, guide {namer.guide.name})"
    )
