"""Plan the calls of a study that depend on no answer.

Owns which calls can be sent before one of them is read. Everything else is planned from answers, where it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from valuelex.domain.call import Call, CallStage
from valuelex.domain.sources import LEAST_INDEPENDENT, Sources
from valuelex.domain.study import Study
from valuelex.domain.wording import count
from valuelex.errors import StudyError
from valuelex.io.rated import read_rated
from valuelex.stages.elicit import plan_elicitation
from valuelex.stages.human_control import plan_as_human
from valuelex.stages.project import plan_completions
from valuelex.stages.rate_terms import plan_term_ratings
from valuelex.stages.second_methods import plan_choices, plan_direct
from valuelex.stats.block_model import FEW_UNITS, LEAST_UNITS

Stage = Literal["elicit", "construct", "project", "report"]
STAGES: tuple[Stage, ...] = ("elicit", "construct", "project", "report")
ELICITED: tuple[CallStage, ...] = ("elicit", "human", "term")
"""Calls from which a value system is built."""


def planned_calls(study: Study) -> dict[CallStage, tuple[Call, ...]]:
    """Plan the calls that depend on no answer, by stage.

    Raises
    ------
    StudyError
        If two respondents would send the same calls, which would count one answer twice.
    """
    calls: dict[CallStage, tuple[Call, ...]] = {"elicit": plan_elicitation(study)}
    asked_besides: dict[CallStage, tuple[Call, ...]] = {
        "human": plan_as_human(study),
        "term": plan_term_ratings(study),
    }
    calls |= {stage: own for stage, own in asked_besides.items() if own}
    calls["project"] = plan_completions(study) if study.measures else ()
    seen: dict[str, Call] = {}
    for call in (c for stage in calls.values() for c in stage):
        other = seen.setdefault(call.key, call)
        if other is not call:
            msg = (
                f"{call.respondent_id!r} ({call.item_id}) and {other.respondent_id!r} ({other.item_id}) would send "
                "the same call; one answer cannot count twice, so make them differ or drop one."
            )
            raise StudyError(msg)
    return calls


def first_round(study: Study, calls: Sequence[Call]) -> list[Call]:
    """Return the calls of the first round: all of them, unless the length of the test is adaptive."""
    first = {s.id for s in study.project.test.stems[: study.project.first_stems]}
    return [c for c in calls if stem_of(c) in first]


def independent_calls(
    study: Study, calls: Mapping[CallStage, tuple[Call, ...]], until: Stage
) -> dict[CallStage, Sequence[Call]]:
    """Return the calls that depend on no answer: with them, one stopped respondent does not hold up the others."""
    found: dict[CallStage, Sequence[Call]] = {stage: calls[stage] for stage in ELICITED if stage in calls}
    if until in ("project", "report"):
        found["project"] = first_round(study, calls["project"])
    if until == "report" and study.second.choose_draws:
        found["choose"] = [c for system in study.project.systems for c in plan_choices(study, system)]
    if until == "report" and study.second.rate_draws:
        found["rate"] = [c for system in study.project.systems for c in plan_direct(study, system)]
    return found


def stem_of(call: Call) -> str:
    """Return the stem that a call asks for, in whichever of its wordings."""
    return call.item_id.partition("~")[0]


def needed_terms(study: Study) -> str:
    """Say what terms need that cannot be, or how many the number of groups needs that a study asks for; else nothing.

    Where the study names its terms, that they are enough was seen when its file was read.
    """
    plan, words = study.construct, study.normalise
    named = study.terms is not None or (study.observe is not None and study.observe.terms is not None)
    if plan is None or words is None or named:
        return ""
    if _lacks_respondents(study):
        return (
            f"[normalise] min_respondents = {words.min_respondents}, but the study has "
            f"{count(len(study.respondents), 'respondent')}: no word can become a term; lower it, or ask more."
        )
    if plan.n_subdimensions is None:
        return ""
    return (
        f"[construct] n_subdimensions = {plan.n_subdimensions} needs at least {plan.least_terms} different terms that "
        f"{count(words.min_respondents, 'respondent')} or more name; of fewer terms fewer groups are made."
    )


def asks_much(study: Study) -> bool:
    """Tell whether `needed_terms` is news: more groups are asked for than are usual, or terms that cannot be."""
    plan = study.construct
    return bool(needed_terms(study)) and plan is not None and (plan.is_ambitious or _lacks_respondents(study))


def _lacks_respondents(study: Study) -> bool:
    words = study.normalise
    return words is not None and not words.keep and len(study.respondents) < words.min_respondents


def needed_models(study: Study) -> str:
    """Say what so few models leave open of a value system that is to be built; empty where there are enough."""
    sources = Sources.of(study.respondents, [r.id for r in study.respondents])
    units = sources.units()
    n = units.n_independent
    if study.construct is None or (n >= FEW_UNITS and units.independent != "respondents"):
        return ""
    if units.independent == "respondents":
        said = (
            f"A value system is built from {count(sources.n_models, 'model')}, fewer than {LEAST_INDEPENDENT}: its "
            "respondents are taken for independent, and what is found says nothing of other models."
        )
    else:
        few = (
            f"with fewer than {LEAST_UNITS} the number of groups often cannot be told"
            if n < LEAST_UNITS
            else f"with fewer than {FEW_UNITS} the number of groups is often wrong"
        )
        said = f"A value system is built from {n} independent {units.independent}; {few}."
    if study.observe is not None:
        return said
    mode = "" if study.terms is None else "--mode rate "
    return f"{said} How many are enough: valuelex simulate {mode}--models {LEAST_UNITS},{FEW_UNITS}"


def check_rated(study: Study) -> None:
    """Read people's ratings, so that a file that cannot be used is told before anything is sent.

    Raises
    ------
    StudyError
        Naming the file and the line.
    """
    for judge in study.judges:
        for path in judge.ratings:
            for system in study.project.systems:
                read_rated(Path(path), judge.id, system)
