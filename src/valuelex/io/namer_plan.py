"""Resolve the namer of a study file: its model, what it is told, and what it is called in results."""

from __future__ import annotations

from pathlib import Path

from valuelex.domain.study import NamerPlan
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.model_lookup import check_way, resolve_model
from valuelex.io.study_form import StudyFile


def namer_plan(read: StudyFile, folder: Path) -> NamerPlan | None:
    """Resolve [namer]; None where the study has none.

    Raises
    ------
    StudyError
        If there is nothing to name, or the model or the guide is not known.
    """
    section = read.namer
    if section is None:
        return None
    if read.elicit is None:
        msg = (
            "[namer] names the groups of a system that is built from elicited words, but nothing is elicited; add an "
            "[elicit] section, or leave [namer] out."
        )
        raise StudyError(msg)
    model = resolve_model(section.model, read.endpoints, folder)
    check_way(model, "chat")
    return NamerPlan(
        id=section.name or f"namer:{model.label}",
        model=model,
        guide=assets.load_naming_guide(section.guide, folder),
        **section.model_dump(include={"draws", "temperature", "top_p", "max_tokens", "reasoning_effort"}),
    )
