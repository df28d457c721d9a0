"""Lay out what speaks for the structure that was found: the verdict, then every figure behind it.

Computes nothing; the verdict is the stage's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from valuelex.domain.evidence import Estimate, Level, LevelChoice, Outcome, Structure
from valuelex.domain.results import Results
from valuelex.report.lexical import group_names
from valuelex.report.quality import Table
from valuelex.report.wording import DASH, interval, number, p_value

LEVELS = {
    Level.BETWEEN: "Between sources",
    Level.WITHIN: "Within responses",
    Level.POOLED: "Pooled, as in the paper",
    Level.JOINT: "Both levels",
}
OUTCOMES = {
    Outcome.GROUPS: "groups",
    Outcome.NO_GROUPS: "no groups",
    Outcome.TOO_LITTLE_DATA: "too little data to tell",
}
VIEWS = {
    "between": "Between sources",
    "within": "Within responses",
    "pooled": "Pooled responses",
    "embeddings": "Embeddings",
}


@dataclass(frozen=True, slots=True)
class StructureSection:
    """What was found in a heading, the verdict in sentences, what limits it, and the tables behind it."""

    title: str
    found: bool
    """Whether there is more than one group."""
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    tables: tuple[Table, ...]


def build_structure(results: Results) -> StructureSection | None:
    """Lay out the evidence; None when nothing was elicited."""
    found = results.found
    if found is None:
        return None
    place = "lists" if results.observed is None else "texts"
    return lay_out(found.structure, group_names(found.taxonomy, found.shown), place=place)


def lay_out(
    structure: Structure, names: Mapping[int, str], what: str = "value system", place: str = "lists"
) -> StructureSection:
    """Lay out a structure.

    Parameters
    ----------
    structure
        With all its evidence.
    names
        Those of its groups.
    what
        What was looked for.
    place
        Where, in the plural.
    """
    tables = [
        _numbers(structure),
        _views(structure),
        _groups(structure, names, place),
        _nulls(structure, place),
        _resamples(structure),
        _gains(structure),
    ]
    return StructureSection(
        title=_title(structure, what, place),
        found=_n_groups(structure) > 1,
        verdict=structure.verdict,
        notes=structure.notes,
        tables=tuple(t for t in tables if t.rows),
    )


def _n_groups(structure: Structure) -> int:
    return len(set(structure.taxonomy.subdimension.tolist()))


def _title(structure: Structure, what: str, place: str) -> str:
    """Say in a heading what came out: found, asked for by the study, or neither, and why."""
    joint = structure.joint
    if _n_groups(structure) > 1:
        same = structure.n_given is None or joint.n_groups == structure.n_given
        if joint.outcome is Outcome.GROUPS and same:
            return f"The {what} found"
        return f"The {what} that the study asked for"
    if joint.outcome is Outcome.TOO_LITTLE_DATA:
        return f"No {what} found: too little data to tell"
    return f"No {what} found: the {place} show no groups"


def _numbers(structure: Structure) -> Table:
    choices = [structure.joint, *structure.levels]
    rows = [_choice(LEVELS[c.level], c) for c in choices]
    for i, control in enumerate(structure.controls, 1):
        rows.append(_choice(f"Control without structure {i}", control))
    sources = f"{structure.n_independent} {structure.independent}"
    return Table(
        title="How many groups",
        about=f"Groups are learnt from some of {sources} and scored by the likelihood of the others. The number is the "
        "smallest within one standard error of the best; those as good are all within it. The gain is over one group; "
        "agreement is that of the groups learnt without different "
        "sources (adjusted Rand index). The trace tells, in standard errors, whether groups learnt from some sources "
        "show in the others at all: about 0 without structure. It counts only where one group predicts best: that "
        "there are no groups is then said only if the trace is 3 or less, and of ten sources or more.",
        columns=("Level", "Says", "Number", "As good", "Gain, nats a source", "Agreement", "Trace"),
        rows=tuple(rows),
    )


def _choice(name: str, choice: LevelChoice) -> tuple[str, ...]:
    at = choice.candidates.index(choice.n_groups)
    told = choice.outcome is not Outcome.TOO_LITTLE_DATA
    if len(choice.candidates) == 1:  # Nobody could be held out, so no number was scored.
        return (name, OUTCOMES[choice.outcome], *(DASH,) * 5)
    if choice.n_groups == 1:  # Gains are over one group, and one group agrees with itself.
        scored = (DASH, DASH)
    else:
        scored = (
            f"{number(choice.gain[at])} ± {number(choice.gain_error[at])}",
            number(choice.agreement[at]),
        )
    return (
        name,
        OUTCOMES[choice.outcome],
        str(choice.n_groups) if told else DASH,
        ", ".join(map(str, choice.plausible)),
        *scored,
        number(choice.trace, 1),
    )


def _views(structure: Structure) -> Table:
    return Table(
        title="Views of which terms belong together",
        about="The weight of a view is the one whose groups predict held-out sources best; 0: it did not help. In "
        "doubt embeddings count less: theirs is the least within one standard error of the best, unless the lists "
        "alone predict nothing. "
        "Agreement is that of the groups made from this view alone with those kept (adjusted Rand index).",
        columns=("View", "Weight", "Agreement"),
        rows=tuple(
            (
                VIEWS[v.name],
                DASH if v.name == "pooled" and structure.profiled else number(v.weight),
                number(v.agreement),
            )
            for v in structure.views
        ),
    )


def _groups(structure: Structure, names: Mapping[int, str], place: str) -> Table:
    return Table(
        title="Evidence for each group",
        about="Stability is the overlap of a group with its match when sources are drawn again (.75 is stable); by "
        f"{place}, that with its match among groups made from the {place} alone, as embeddings stay the same. "
        f"Support is how much its terms go together in the {place} of sources that had no part in making it, in "
        "standard deviations of all pairs of terms; beyond meaning, the share of it (0 to 1) that embeddings do not "
        "foretell.",
        columns=(
            "Group",
            "Terms",
            "Stability",
            f"By {place}",
            "Support",
            "Beyond meaning",
            "Overlap with embeddings alone",
        ),
        rows=tuple(
            (
                f"s{g.group + 1} {names.get(g.group, '')}".strip(),
                str(g.n_terms),
                number(g.stability),
                number(g.lists_stability),
                _estimate(g.support),
                _estimate(g.beyond_meaning),
                number(g.like_embeddings),
            )
            for g in structure.groups
        ),
    )


def _estimate(estimate: Estimate) -> str:
    if isnan(estimate.value):
        return DASH
    return f"{number(estimate.value)} {interval(estimate.ci_low, estimate.ci_high)}"


def _nulls(structure: Structure, place: str) -> Table:
    return Table(
        title="Beside what data without structure would give",
        about="Gains are nats for each source held out; agreement is an adjusted Rand index. Over says what p is "
        "counted over: replicates of the null, of which one in twenty reaches high, or sources held out (paired t "
        "test; high is then the mean gain from which p is under .05).",
        columns=("Null", "Question", "Found", "Null, mean", "Null, high", "p", "Over"),
        rows=tuple(
            (
                t.name,
                t.says.replace("lists", place),
                number(t.observed),
                number(t.null_mean),
                number(t.null_high),
                p_value(t.p),
                f"{t.n_replicates} {t.by}",
            )
            for t in structure.nulls
        ),
    )


def _resamples(structure: Structure) -> Table:
    rows = [
        (s.name, number(s.mean), f"{number(s.least)} to {number(s.greatest)}", str(s.n_splits), s.note)
        for s in structure.splits
    ]
    rows += [
        (s.choice, number(s.adjusted_rand), "", "", f"{s.n_terms} terms") for s in structure.sensitivities
    ]
    return Table(
        title="Other parts of the data, other choices",
        about="Adjusted Rand index between groups: of two halves with each other, otherwise with those kept. The "
        "number of groups and the weights of the views stay as they are.",
        columns=("What", "Agreement", "Range", "Times", "Note"),
        rows=tuple(rows),
    )


def _gains(structure: Structure) -> Table:
    choices = [structure.joint, *structure.levels]
    rows = [
        (LEVELS[c.level], str(k), f"{number(c.gain[i])} ± {number(c.gain_error[i])}", number(c.agreement[i]))
        for c in choices
        for i, k in enumerate(c.candidates)
        if k > 1
    ]
    rows += [
        ("Dimensions over the groups", str(k), number(gain), "")
        for k, gain in structure.dimension_gain.items()
        if k > 1
    ]
    return Table(
        title="Every number of groups that was tried",
        about="Held-out gain over one group (of dimensions, over one dimension), nats a source, with standard error.",
        columns=("Level", "Number", "Gain", "Agreement"),
        rows=tuple(rows),
        folded=True,
    )
