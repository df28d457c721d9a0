"""Say in words what the evidence on a structure amounts to; every sentence follows from figures that stand beside it.

Owns the thresholds at which a figure becomes a word. Computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from valuelex.domain.evidence import Level, LevelChoice, NullTest, Outcome, Structure
from valuelex.domain.wording import p_equals
from valuelex.stats.block_model import CLEAR_TRACE, FEW_UNITS, LEAST_UNITS

STABLE = 0.75
"""Overlap under resampling from which a group counts as stable (Hennig 2008)."""
UNSTABLE = 0.6
"""Overlap below which a group is not to be trusted (Hennig 2008)."""
MOSTLY = 0.5
"""Share of a group's support beyond meaning that its interval must lie above."""
SIGNIFICANT = 0.05
ONE = {"families": "family", "models": "model", "respondents": "respondent"}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def verdict(structure: Structure, what: str = "lists") -> tuple[str, ...]:
    """Conclude on a structure, in a few sentences.

    Parameters
    ----------
    structure
        With all its evidence; its own verdict is not read.
    what
        What the groups were learnt from, in the plural.

    Returns
    -------
    tuple of str
        The conclusion first.
    """
    said = [_number(structure, what)]
    levels = _levels(structure.levels, structure.joint)
    if levels:
        said.append(levels)
    if structure.groups:
        said.append(_stability(structure, what))
        said += _beyond(structure, what)
    said += _nulls(structure.nulls, what)
    if structure.controls:
        said.append(_controls(structure.controls, structure.n_independent))
    return tuple(said)


def in_words(n: int) -> str:
    """Write a number up to ten in words."""
    return NUMBERS[n] if n < len(NUMBERS) else str(n)


def _number(structure: Structure, what: str) -> str:
    joint, n = structure.joint, structure.n_independent
    who = structure.independent if n != 1 else ONE[structure.independent]
    basis = f"{n} {who}" if structure.independent == "respondents" else f"{n} independent {who}"
    if joint.outcome is Outcome.GROUPS:
        found = f"The {what} of {basis} support {in_words(joint.n_groups)} groups of terms"
        others = [k for k in joint.plausible if k != joint.n_groups]
        if others:
            found += f" ({', '.join(map(str, others))} predict held-out {what} as well to within one standard error)"
    elif joint.outcome is Outcome.NO_GROUPS:
        found = f"The {what} of {basis} show no groups of terms: one group predicts held-out {what} best"
    else:
        whether = n < LEAST_UNITS and joint.n_groups == 1
        what_for = "whether there are groups of terms" if whether else "how many groups of terms there are"
        found = f"The {what} of {basis} are too little data to tell {what_for}"
        if whether:
            found += f" (to say that there are none takes {LEAST_UNITS} {structure.independent})"
    if joint.outcome is Outcome.GROUPS and n < FEW_UNITS:
        found += (
            f"; with fewer than {FEW_UNITS} independent {structure.independent} that number is often wrong"
        )
    if structure.n_given is not None:
        k = int(structure.taxonomy.subdimension.max()) + 1
        same = joint.outcome is Outcome.GROUPS and joint.n_groups == structure.n_given
        got = (
            f"and got {in_words(k)}"
            if k != structure.n_given
            else "which is the same"
            if same
            else "and got them"
        )
        return f"{found}; the study asked for {in_words(structure.n_given)}, {got}."
    if joint.outcome is not Outcome.GROUPS:
        return f"{found}, so all terms stay in one group."
    return f"{found}."


def _levels(levels: Sequence[LevelChoice], joint: LevelChoice) -> str:
    two = {choice.level: choice for choice in levels}
    between, within = two.get(Level.BETWEEN), two.get(Level.WITHIN)
    if between is None or within is None:
        return ""
    alone = [choice.outcome is Outcome.GROUPS for choice in (between, within)]
    if joint.outcome is not Outcome.GROUPS and any(alone):
        return f"By itself, each level says: between sources, {_seen(between)}; within responses, {_seen(within)}."
    carries = {
        (
            True,
            True,
        ): "Both levels carry it: sources differ along these groups, and their terms come together "
        "in responses.",
        (
            True,
            False,
        ): "It lies between sources: they differ along these groups, while within a source's responses "
        f"{_seen(within)}.",
        (False, True): "It lies within responses: terms of a group come together beyond their source's own "
        f"frequencies, while between sources {_seen(between)}.",
        (False, False): f"Neither level carries groups by itself: {_at_both(between, within)}.",
    }
    return carries[between.outcome is Outcome.GROUPS, within.outcome is Outcome.GROUPS]


def _at_both(between: LevelChoice, within: LevelChoice) -> str:
    if _seen(between) == _seen(within):
        return f"at both, {_seen(between)}"
    return f"between sources {_seen(between)}, and within responses {_seen(within)}"


def _seen(choice: LevelChoice) -> str:
    """Say what a level shows; a trace is called clear from where the rule for the number of groups calls it so."""
    if choice.outcome is Outcome.GROUPS:
        return f"{in_words(choice.n_groups)} groups show"
    if choice.outcome is Outcome.NO_GROUPS:
        return "no groups show"
    if choice.trace > CLEAR_TRACE:
        return "there is a clear trace of groups, but too little data to tell how many"
    return "there is too little data to tell groups"


def _stability(structure: Structure, what: str) -> str:
    groups = structure.groups
    stable = [g for g in groups if g.stability >= STABLE]
    alone = [g for g in groups if g.lists_stability >= STABLE]
    weak = [g for g in groups if g.stability < UNSTABLE]
    n = len(groups)
    said = f"{_of(len(stable), n, 'is', 'are')} stable when sources are drawn again"
    if structure.taxonomy.weights.get("embeddings", 0.0) > 0 and alone != stable:
        said += (
            f" beside embeddings that stay as they are; by the {what} alone, "
            f"{in_words(len(alone)) if alone else 'none'} of {in_words(n)} {'is' if len(alone) < 2 else 'are'}"
        )
    if weak:
        named = ", ".join(f"s{g.group + 1}" for g in weak)
        said += (
            f"; {named} {'is' if len(weak) == 1 else 'are'} not to be trusted (overlap under {UNSTABLE:g})"
        )
    return said + "."


def _beyond(structure: Structure, what: str) -> list[str]:
    told = [g for g in structure.groups if np.isfinite(g.beyond_meaning.value)]
    if not told:
        return []
    beyond = [g for g in told if g.support.ci_low > 0 and g.beyond_meaning.ci_low > MOSTLY]
    rest = [g for g in told if g.support.ci_low > 0 and g not in beyond]
    where = f"in the {what} of sources that had no part in making them"
    held = [g for g in told if g.support.ci_low > 0]
    said = f"{_of(len(held), len(told), 'holds', 'hold')} together {where}"
    if not held:
        return [f"{said}."]
    if not rest:
        return [f"{said}; most of that is beyond what their terms mean."]
    if not beyond:
        return [f"{said}; half of that or more may be what their terms mean anyway, as embeddings tell it."]
    named = ", ".join(f"s{g.group + 1}" for g in rest)
    more = f"most of that is beyond what their terms mean, but of {named} half or more may be what embeddings tell"
    return [f"{said}; {more}."]


def _of(n: int, total: int, one: str, many: str) -> str:
    if n == 0:
        return f"None of {in_words(total)} groups {one}"
    if n == total > 1:
        return f"All {in_words(total)} groups {many}"
    return f"{in_words(n).capitalize()} of {in_words(total)} groups {one if n == 1 else many}"


def _nulls(nulls: Sequence[NullTest], what: str) -> list[str]:
    said = []
    by_name = {test.name: test for test in nulls}
    for name, where in (
        ("shuffled profiles", "between sources"),
        ("reshuffled responses", "within responses"),
    ):
        test = by_name.get(name)
        if test is not None:
            n = test.n_replicates
            passed = n + 1 - round(test.p * (n + 1))
            verb = "is" if test.p <= SIGNIFICANT else "cannot be told from chance: it is"
            of = "all" if passed == n else f"{passed} of"
            said.append(f"The structure {where} {verb} beyond {of} {n} replicates of {name}.")
    meaning = by_name.get("embeddings only")
    if meaning is not None:
        verb = "predict" if meaning.p <= SIGNIFICANT else "do not predict"
        said.append(
            f"Groups made with the {what} {verb} held-out sources better than those of embeddings alone "
            f"({p_equals(meaning.p)})."
        )
    return said


def _controls(controls: Sequence[LevelChoice], n_independent: int) -> str:
    """Say what is found in nothing; of few sources the rules never say that there are no groups, only find none."""
    n, is_few = len(controls), n_independent < LEAST_UNITS
    data = f"{in_words(n)} data {'set' if n == 1 else 'sets'} from which all structure was taken"
    found = sum(c.outcome is Outcome.GROUPS for c in controls)
    unsure = sum(c.outcome is Outcome.TOO_LITTLE_DATA and not (is_few and c.n_groups == 1) for c in controls)
    if not found and not unsure:
        return f"In {data}, the same rules find none."
    said = [f"in {in_words(found)} of {data}, the same rules find groups"] if found else []
    if unsure:
        where = "they" if found else f"of {data}, the same rules"
        said.append(
            f"in {in_words(unsure)} {where} find too little data to tell, and not that there are none"
        )
    return f"Caution: {'; '.join(said)}."
