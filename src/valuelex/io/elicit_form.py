"""Resolve [elicit]: lists of words, or ratings of the terms of a lexicon.

Owns the defaults of each mode, and which keys do nothing in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from valuelex.domain.study import ElicitPlan, Respondent
from valuelex.domain.term_ratings import TermPlan
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.study_form import ElicitSection
from valuelex.io.term_list import load_terms

LIST_PROMPTS, RATE_PROMPTS = "valuelex-15", "terms-5"
LIST_TOKENS, RATE_TOKENS = 64, 8
"""Longest answers, in tokens."""
_ONLY = {"list": {"human_control"}, "rate": {"probabilities"}, "rate or observe": {"terms"}}


def list_plan(section: ElicitSection | None, folder: Path) -> ElicitPlan | None:
    """Return how lists of words are asked for; None in other modes.

    Raises
    ------
    StudyError
        If a key is set that does nothing in the mode, or a name is wrong.
    """
    if section is None or section.mode != "list":
        return None
    _refuse_idle(section)
    return ElicitPlan(
        prompts=assets.load_prompts(section.prompts or LIST_PROMPTS, folder),
        draws=section.draws,
        max_tokens=section.max_tokens or LIST_TOKENS,
        human_control=section.human_control,
    )


def term_plan(section: ElicitSection | None, folder: Path) -> TermPlan | None:
    """Return which terms are rated, and how; None in other modes.

    Raises
    ------
    StudyError
        As `list_plan`; or if no terms are named.
    """
    if section is None or section.mode != "rate":
        return None
    _refuse_idle(section)
    if section.terms is None:
        msg = (
            '[elicit] mode = "rate" needs terms: the lexicon.json of a study, a .txt file with one word a line, or a '
            "value system."
        )
        raise StudyError(msg)
    terms, source = load_terms(section.terms, folder)
    return TermPlan(
        terms=terms,
        source=source,
        prompts=assets.load_term_prompts(section.prompts or RATE_PROMPTS, folder),
        draws=section.draws,
        max_tokens=section.max_tokens or RATE_TOKENS,
        probabilities=section.probabilities,
    )


def check_control(plan: ElicitPlan | None, respondents: Sequence[Respondent]) -> None:
    """Make sure that there is somebody to ask as a human, where that is wanted.

    Raises
    ------
    StudyError
        If every respondent has a persona, or recorded answers.
    """
    if plan is None or not plan.human_control:
        return
    if all(r.persona is not None or r.model.is_recorded for r in respondents):
        msg = (
            "[elicit] human_control asks those that answer as themselves once more as a human, but every respondent "
            "has a persona or recorded answers; add one without, or leave human_control out."
        )
        raise StudyError(msg)


def _refuse_idle(section: ElicitSection) -> None:
    """Refuse a key that belongs to another mode."""
    others = {key for modes, keys in _ONLY.items() if section.mode not in modes.split(" or ") for key in keys}
    idle = sorted(others & section.model_fields_set)
    if idle:
        belongs = next(modes for modes, keys in _ONLY.items() if idle[0] in keys).replace(" or ", '" or "')
        msg = (
            f'[elicit] {idle[0]} belongs to mode = "{belongs}" and does nothing in mode = "{section.mode}"; leave it '
            "out, or change the mode."
        )
        raise StudyError(msg)
