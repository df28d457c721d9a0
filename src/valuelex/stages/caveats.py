"""Say in plain sentences what a reader must know before the figures.

Owns the conditions and the wording of caveats. Every condition is a fact of the study or its results.
"""

from __future__ import annotations

from collections.abc import Sequence

from valuelex.domain.results import Found
from valuelex.domain.study import Study

ENOUGH_FAMILIES = 5
"""Families from which on resampling is by family; with fewer it is by respondent, with a caveat."""


def resampling_units(study: Study) -> tuple[dict[str, str], str]:
    """Return the independent unit of each respondent, and what kind of unit it is.

    Families are independent; settings and personas of one model are not. With fewer than
    `ENOUGH_FAMILIES` families there is nothing to resample but respondents.
    """
    families = {r.family for r in study.respondents}
    if len(families) >= ENOUGH_FAMILIES:
        return {r.id: r.family for r in study.respondents}, "family"
    return {r.id: r.id for r in study.respondents}, "respondent"


def caveats(study: Study, found: Found | None, measured: Sequence[str]) -> tuple[str, ...]:
    """List what limits the conclusions of a study, most important first.

    Parameters
    ----------
    study
        The study.
    found
        What elicitation found, if anything was elicited.
    measured
        Names of the value systems on which respondents were rated.
    """
    sentences = []
    small = sorted({r.model.label for r in study.respondents if "135m" in r.model.name.lower()})
    if small:
        sentences.append(
            f"{', '.join(small)} is a model of 135 million parameters: this report shows every step of the method "
            "at work on real answers, but so small a model often loses the thread, so its scores say little "
            "about values and nothing about larger models."
        )
    n_families = len({r.family for r in study.respondents})
    _, unit = resampling_units(study)
    n_respondents = len(study.respondents)
    if unit == "respondent" and n_respondents > 1:
        families = "family" if n_families == 1 else "families"
        why = "they are not independent cases" if n_families < n_respondents else "these are few"
        sentences.append(
            f"The {n_respondents} respondents come from {n_families} model {families}; {why}, so nothing here "
            "generalises to models that were not asked."
        )
    if found is not None and study.construct is not None:
        sentences.append(
            f"The numbers of groups ({study.construct.n_dimensions} dimensions, "
            f"{study.construct.n_subdimensions} subdimensions) were given by the study and not found in the data. "
            "A word can stay in its group by its meaning alone, so a stable group is no proof that respondents "
            "share this structure."
        )
    sentences.append(
        "Completions were rated by a semantic axis between embeddings of example sentences: a weak judge, not "
        "checked against people here. Each subdimension has its own zero, so compare respondents on one "
        "subdimension, never one subdimension with another."
    )
    if "built" in measured:
        sentences.append(
            "The anchors of the built system are sentences in one fixed form around its markers; ratings on it "
            "are cruder than those on a system with hand-written anchors."
        )
    sentences.append(
        "Intervals and tests are over stems: they tell how a result would move with other stems of the "
        "same kind, not with other models or other judges."
    )
    return tuple(sentences)
