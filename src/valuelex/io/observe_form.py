"""Resolve [elicit] mode = "observe": which terms are looked for in recorded texts.

Owns where the terms and their forms are from, and which sections and keys do nothing in this mode.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from valuelex.domain.study import ObservePlan, Respondent
from valuelex.errors import StudyError
from valuelex.io.study_form import StudyFile
from valuelex.io.term_list import load_terms

SHIPPED = "the shipped value words"
"""What the lexicon is called where a study names none."""
_IDLE = {"prompts", "draws", "max_tokens", "human_control", "probabilities"}


def observes(read: StudyFile) -> bool:
    """Tell whether terms are looked for in recorded texts."""
    return read.elicit is not None and read.elicit.mode == "observe"


def measures(read: StudyFile) -> bool:
    """Tell whether respondents are given the projective test: a study that observes does so only where it says so."""
    return not observes(read) or "project" in read.model_fields_set


def observe_plan(read: StudyFile, respondents: Sequence[Respondent], folder: Path) -> ObservePlan | None:
    """Return which terms are looked for; None in other modes.

    Raises
    ------
    StudyError
        If a key or section is set that does nothing in this mode, a respondent's answers are not recorded, or the terms
        cannot be read.
    """
    if read.elicit is None or not observes(read):
        return None
    idle = sorted(_IDLE & read.elicit.model_fields_set)
    if idle:
        msg = f'[elicit] {idle[0]} does nothing in mode = "observe", which asks nothing; leave it out.'
        raise StudyError(msg)
    useless = sorted({"judges", "second", "compare"} & read.model_fields_set)
    if useless and not measures(read):
        msg = (
            f'[{useless[0]}] does nothing in [elicit] mode = "observe" without a projective test; add [project], or '
            f"leave [{useless[0]}] out."
        )
        raise StudyError(msg)
    called = [r for r in respondents if not r.model.is_recorded]
    if called:
        msg = (
            f'[elicit] mode = "observe" reads recorded answers only, and {called[0].id!r} would be called; name '
            "respondents as recorded/NAME, and import their answers: valuelex import STUDY FILE --stage observe"
        )
        raise StudyError(msg)
    if read.elicit.terms is None:
        return ObservePlan(None, {}, SHIPPED)
    terms, source = load_terms(read.elicit.terms, folder)
    path = folder / Path(read.elicit.terms).expanduser()
    return ObservePlan(terms, _merged_forms(path) if path.suffix == ".json" else {}, source)


def _merged_forms(path: Path) -> dict[str, str]:
    """Return the forms that the study of a lexicon.json, which `load_terms` has read, joined to its terms."""
    content = json.loads(path.read_text("utf-8-sig"))
    return {str(merge["form"]): str(merge["term"]) for merge in content.get("merges", [])}
