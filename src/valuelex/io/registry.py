"""What is known of a model: from the shipped registry, and from a study that extends or corrects it.

Owns the forms of both and the rule by which a name matches. Every fact has a source; what nobody states stays
unknown. Sends nothing and guesses nothing: a name that is not listed has no facts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from valuelex.domain.study import STUDY, AttributeValue
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.toml_form import Section, Text, read_toml, validate

GROUPED = "grouped by ValueLex: models that share weights or a recipe"
"""Source of a family, which is no fact of a model card but a judgement of what counts as independent."""
_SNAPSHOT = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|20\d{6})$")
_SAME = (":latest", ":free")
"""Tags that name no other weights: Ollama's default and OpenRouter's free tier."""


class Facts(Section):
    """Facts about a model; those that are not known are left out."""

    developer: Text | None = None
    family: Text | None = None
    n_parameters: Annotated[int, Field(gt=0, strict=True)] | None = None
    n_active_parameters: Annotated[int, Field(gt=0, strict=True)] | None = None
    training: Literal["base", "instruct", "aligned"] | None = None
    base_model: Text | None = None
    data_source: Text | None = None
    released: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")] | None = None
    open_weights: bool | None = None


class StudyFacts(Facts):
    """What a study says of a model: [models."provider/name"]."""

    source: Text = STUDY


class _Sourced(Facts):
    source: Text | None = None
    other_sources: dict[str, Text] = {}
    """Source of a single fact by its name, where it is not `source`."""


class _Entry(_Sourced):
    names: Annotated[tuple[Text, ...], Field(min_length=1)]


class _Series(_Sourced):
    source: Text
    models: Annotated[tuple[_Entry, ...], Field(min_length=1)]


class _Registry(Section):
    sources: dict[str, Text]
    series: tuple[_Series, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Facts about one model by name of fact, and the source of each. A fact that is not there is unknown."""

    facts: Mapping[str, AttributeValue]
    sources: Mapping[str, str]
    names: tuple[str, ...] = ()

    @property
    def attributes(self) -> dict[str, AttributeValue]:
        """Facts that are attributes of a respondent: all but its family."""
        return {name: value for name, value in self.facts.items() if name != "family"}

    def family_or(self, default: str) -> str:
        """Family of the model, or a default where it is unknown."""
        return str(self.facts.get("family", default))


FACTS = tuple(Facts.model_fields)
"""Names of all facts, in the order in which they are shown."""
NOTHING = Known({}, {})


def listed_name(model: str) -> str:
    """Return a name as the registry lists names: no provider, no publisher, lower case, no tag that changes nothing.

    Other tags stay, since they can name other weights: ``ollama/llama3.2:1b`` is llama3.2:1b.
    """
    bare = model.rstrip("/").rsplit("/", 1)[-1].lower()
    for tag in _SAME:
        bare = bare.removesuffix(tag)
    return bare


@cache
def shipped_models() -> Mapping[str, Known]:
    """Load the shipped registry: facts by every name that is listed.

    Raises
    ------
    StudyError
        If an entry is wrong, names a source that is not there, or shares a name with another.
    """
    shown = "models.toml"
    read = validate(_Registry, read_toml(assets.ASSETS.joinpath(shown), shown), shown)
    found: dict[str, Known] = {}
    for series in read.series:
        for entry in series.models:
            known = _join(series, entry, read.sources)
            for name in entry.names:
                if name in found:
                    msg = f"{shown}: the name {name!r} is in two entries; one name has one entry."
                    raise StudyError(msg)
                found[name] = known
    return found


def _join(series: _Series, entry: _Entry, sources: Mapping[str, str]) -> Known:
    facts, source_of = {}, {}
    for part in (series, entry):
        stated = _stated(part)
        for name in part.other_sources.keys() - stated.keys():
            msg = f"models.toml: {entry.names[0]!r} has a source of {name!r}, but does not state it there."
            raise StudyError(msg)
        for name, value in stated.items():
            key = part.other_sources.get(name) or part.source or series.source
            if key not in sources:
                msg = f"models.toml: {entry.names[0]!r} names the source {key!r}, which is not in [sources]."
                raise StudyError(msg)
            facts[name], source_of[name] = value, GROUPED if name == "family" else sources[key]
    ordered = {name: facts[name] for name in FACTS if name in facts}
    return Known(ordered, {name: source_of[name] for name in ordered}, entry.names)


def _stated(facts: Facts) -> dict[str, AttributeValue]:
    return {name: value for name in FACTS if (value := getattr(facts, name)) is not None}


def look_up(model: str) -> Known:
    """Return what the shipped registry knows of a model; nothing where its name is not listed.

    A dated snapshot of a listed name (``gpt-4o-2024-08-06``) has its facts, without the release date of the name.

    Parameters
    ----------
    model
        Name with or without provider and publisher.
    """
    name = listed_name(model)
    models = shipped_models()
    if name in models:
        return models[name]
    known = models.get(_SNAPSHOT.sub("", name), NOTHING)
    facts = {fact: value for fact, value in known.facts.items() if fact != "released"}
    return Known(facts, {fact: known.sources[fact] for fact in facts}, known.names)


def known_of(reference: str, own: Mapping[str, StudyFacts]) -> Known:
    """Return what is known of a model in a study; the study's facts win over shipped ones, each by itself.

    Parameters
    ----------
    reference
        The model as the study writes it: provider/name.
    own
        The study's tables [models."provider/name"].
    """
    known = look_up(reference)
    if reference not in own:
        return known
    stated = _stated(own[reference])
    facts = {**known.facts, **stated}
    sources = {**known.sources, **dict.fromkeys(stated, own[reference].source)}
    return Known(facts, sources, known.names)
