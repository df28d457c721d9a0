"""Unroll the grids of [[respondents]]: one respondent for each persona, temperature, top_p and reasoning effort."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from valuelex.domain.recorded import recorded_model
from valuelex.domain.study import RECORDED, STUDY, Model, Respondent, setting_text
from valuelex.errors import StudyError
from valuelex.io import registry
from valuelex.io.model_lookup import check_way, recorded_name, resolve_model
from valuelex.io.study_form import RespondentSection, StudyFile


def respondents_of(section: RespondentSection, read: StudyFile, folder: Path) -> list[Respondent]:
    """Unroll a grid of respondents that share a model; relative paths start at `folder`."""
    model = _recorded_model(section, read) or resolve_model(section.model, read.endpoints, folder)
    api = section.api if not model.is_recorded else "recorded"
    check_way(model, api)
    if section.prefill and section.api == "completion":
        msg = f'[[respondents]] {section.model!r}: prefill belongs to api = "chat"; leave it out.'
        raise StudyError(msg)
    known = registry.known_of(section.model, read.models)
    stated = {**section.attributes, **({"family": section.family} if section.family else {})}
    sources = {**known.sources, **dict.fromkeys(stated, STUDY)}
    unstated = {name: value for name, value in known.attributes.items() if name not in section.attributes}
    found = []
    grid = product(section.personas, *_settings(section, model), section.reasoning_effort)
    for persona, temperature, top_p, effort in grid:
        if persona and persona not in read.personas:
            personas = ", ".join(map(repr, read.personas)) or "none"
            msg = f"No persona {persona!r} in [personas]; it has {personas}."
            raise StudyError(msg)
        parts = [section.label or f"{_short_name(model.name)} {api}"]
        parts += [persona] if persona else []
        told = temperature is not None or not model.is_recorded
        parts += [f"t{setting_text(temperature)}"] if told else []
        parts += [f"p{setting_text(top_p)}"] if len(section.top_p) > 1 else []
        parts += [effort] if effort else []
        found.append(
            Respondent(
                id=" ".join(parts),
                model=model,
                api=api,
                temperature=temperature,
                top_p=top_p,
                family=section.family or known.family_or(model.label),
                persona=persona or None,
                subject=read.personas[persona] if persona else None,
                prefill=section.prefill,
                reasoning_effort=effort,
                attributes={**section.attributes, **unstated},
                attribute_sources=sources,
            )
        )
    return found


def _recorded_model(section: RespondentSection, read: StudyFile) -> Model | None:
    """Look up ``recorded/NAME``: what is told of how others asked is known, and nothing else is made up."""
    name = recorded_name(section.model)
    if name is None:
        return None
    if not name or RECORDED in read.endpoints:
        msg = (
            f"[[respondents]] {section.model!r}: recorded/NAME stands for answers that valuelex import found under "
            "NAME; give a name, and call no endpoint 'recorded'."
        )
        raise StudyError(msg)
    useless = sorted({"api", "prefill", "personas"} & section.model_fields_set)
    if useless:
        msg = f"[[respondents]] {section.model!r}: {useless[0]} does nothing for recorded answers; leave it out."
        raise StudyError(msg)
    if max(len(section.temperature), len(section.top_p)) > 1:
        msg = (
            f"[[respondents]] {section.model!r}: recorded answers have one temperature and one top_p; give the one "
            "they were made with, or leave it out where it is unknown."
        )
        raise StudyError(msg)
    return recorded_model(name)


def _settings(
    section: RespondentSection, model: Model
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Temperatures and top_p; of recorded answers unknown unless the study tells them."""
    unknown = {"temperature", "top_p"} - section.model_fields_set if model.is_recorded else set()
    return (
        (None,) if "temperature" in unknown else section.temperature,
        (None,) if "top_p" in unknown else section.top_p,
    )


def _short_name(model: str) -> str:
    return model.rstrip("/").rsplit("/", 1)[-1]
