"""Read study.toml and resolve it: grids unrolled, names looked up, weights found.

Owns the form of the study file. Unknown keys are refused with the nearest known one.
Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from valuelex.domain.measure import ProjectiveTest
from valuelex.domain.structure import BUILT
from valuelex.domain.study import (
    FACTORS,
    ComparePlan,
    ConstructPlan,
    ElicitPlan,
    Endpoint,
    Model,
    NormalisePlan,
    ProjectPlan,
    Respondent,
    Study,
)
from valuelex.errors import StudyError
from valuelex.io import assets, embedded
from valuelex.io.assets import EndpointEntry, Section, Text

Share = Annotated[float, Field(gt=0, le=1)]
Temperature = Annotated[float, Field(ge=0, le=5)]
Count = Annotated[int, Field(ge=1, strict=True)]
MOST_COMPARED = 100
"""Respondents that are contrasted pair by pair at the most (4,950 pairs)."""
EMBEDDED_BODY = {"min_p": 0.0, "top_k": 0}
"""Sent to the embedded server, whose own defaults (.05 and 40) would cut the distribution."""


class StudySection(Section):
    """Name and seed of the study."""

    name: Text
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class RespondentSection(Section):
    """A grid of respondents that share a model: temperatures x top_p x personas."""

    model: Text
    api: Literal["chat", "completion"] = "chat"
    label: str = ""
    prefill: bool = False
    temperature: Annotated[tuple[Temperature, ...], Field(min_length=1)] = (1.0,)
    top_p: Annotated[tuple[Share, ...], Field(min_length=1)] = (1.0,)
    personas: Annotated[tuple[str, ...], Field(min_length=1)] = ("",)
    family: str = ""
    attributes: dict[str, str | int | float | bool] = {}

    @field_validator("temperature", "top_p", "personas", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: object) -> object:
        return value if isinstance(value, list | tuple) else (value,)


class ElicitSection(Section):
    """How value words are asked for."""

    prompts: Text = "valuelex-15"
    draws: Count = 1
    max_tokens: Count = 64


class NormaliseSection(Section):
    """Which words become terms."""

    min_respondents: Count = 2
    keep: tuple[Text, ...] = ()
    drop: tuple[Text, ...] = ()
    merge: dict[str, str] = {}


class ConstructSection(Section):
    """How terms are grouped."""

    n_dimensions: Count = 3
    n_subdimensions: Annotated[int, Field(ge=2)] = 6
    resamples: Count = 200


class ProjectSection(Section):
    """How respondents are measured."""

    test: Text = "valuelex-60"
    stems: Annotated[int, Field(ge=2)] | Literal["all"] = "all"
    draws: Count = 1
    max_tokens: Count = 32
    systems: Annotated[tuple[Text, ...], Field(min_length=1)] = ("valuelex-2024",)


class JudgeSection(Section):
    """Who rates completions."""

    kind: Literal["axis"] = "axis"


class CompareSection(Section):
    """What is compared."""

    factors: tuple[Text, ...] = ("respondent",)
    resamples: Annotated[int, Field(ge=100)] = 2000


class StudyFile(Section):
    """A whole study file."""

    study: StudySection
    personas: dict[str, Text] = {}
    endpoints: dict[str, EndpointEntry] = {}
    respondents: Annotated[tuple[RespondentSection, ...], Field(min_length=1)]
    elicit: ElicitSection | None = None
    normalise: NormaliseSection = NormaliseSection()
    construct_: ConstructSection = Field(default=ConstructSection(), alias="construct")
    project: ProjectSection = ProjectSection()
    judges: Annotated[tuple[JudgeSection, ...], Field(min_length=1, max_length=1)] = (JudgeSection(),)
    compare: CompareSection = CompareSection()


def read_study(path: Path) -> Study:
    """Read and resolve a study file.

    Raises
    ------
    StudyError
        If the file, a key or a name in it is wrong.
    MissingPartError
        If it names the embedded model and that is not installed.
    """
    read = assets.validate(StudyFile, assets.read_toml(path, str(path)), str(path))
    try:
        return resolve(read, path.parent)
    except StudyError as error:
        message = str(error)
        raise StudyError(message if message.startswith(str(path)) else f"{path}: {message}") from error


def study_of_one_model(
    model: str,
    *,
    endpoint: Mapping[str, str] | None,
    respondent: Mapping[str, object],
    project: Mapping[str, object],
) -> Study:
    """Make a study that measures one model and elicits nothing, without a file.

    Parameters
    ----------
    model
        ``provider/name``.
    endpoint
        Keys of [endpoints.PROVIDER], where ValueLex does not know the provider.
    respondent, project
        Further keys of [[respondents]] and of [project].

    Raises
    ------
    StudyError
        As `read_study`.
    """
    table = {
        "study": {"name": f"measure {model}"},
        "endpoints": {model.partition("/")[0]: endpoint} if endpoint else {},
        "respondents": [{"model": model, **respondent}],
        "project": project,
    }
    return resolve(assets.validate(StudyFile, table, "measure"), Path())


def resolve(read: StudyFile, folder: Path) -> Study:
    """Unroll grids and look up names; relative paths start at `folder`."""
    respondents = tuple(r for section in read.respondents for r in _respondents(section, read, folder))
    if BUILT in read.project.systems and read.elicit is None:
        msg = "[project] systems names 'built', but nothing is elicited; add an [elicit] section."
        raise StudyError(msg)
    if read.construct_.n_dimensions > read.construct_.n_subdimensions:
        msg = (
            f"[construct] n_dimensions = {read.construct_.n_dimensions} is more than n_subdimensions = "
            f"{read.construct_.n_subdimensions}; a dimension holds at least one subdimension."
        )
        raise StudyError(msg)
    _check_factors(read.compare.factors, respondents)
    return Study(
        name=read.study.name,
        seed=read.study.seed,
        respondents=respondents,
        elicit=_elicit(read.elicit, folder),
        normalise=NormalisePlan(**read.normalise.model_dump()) if read.elicit else None,
        construct=ConstructPlan(**read.construct_.model_dump()) if read.elicit else None,
        project=_project(read.project, folder),
        judges=tuple(j.kind for j in read.judges),
        compare=ComparePlan(**read.compare.model_dump()),
    )


def _elicit(section: ElicitSection | None, folder: Path) -> ElicitPlan | None:
    if section is None:
        return None
    prompts = assets.load_prompts(section.prompts, folder)
    return ElicitPlan(prompts=prompts, draws=section.draws, max_tokens=section.max_tokens)


def _project(section: ProjectSection, folder: Path) -> ProjectPlan:
    test = assets.load_test(section.test, folder)
    if section.stems != "all":
        if section.stems > len(test.stems):
            msg = (
                f"[project] stems = {section.stems}, but the test {test.name!r} has {len(test.stems)}; "
                'ask for that many or fewer, or "all".'
            )
            raise StudyError(msg)
        test = ProjectiveTest(test.name, test.source, test.stems[: section.stems], test.examples)
    named = dict.fromkeys(section.systems)
    systems = tuple(assets.load_system(name, folder) for name in named if name != BUILT)
    names = [system.name for system in systems] + [BUILT]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        msg = f"[project] systems: two systems are called {repeated[0]!r}; give one another name in its file."
        raise StudyError(msg)
    return ProjectPlan(
        test=test,
        draws=section.draws,
        max_tokens=section.max_tokens,
        systems=systems,
        built=BUILT in named,
    )


def _respondents(section: RespondentSection, read: StudyFile, folder: Path) -> list[Respondent]:
    model = resolve_model(section.model, read.endpoints, folder)
    if section.prefill and section.api == "completion":
        msg = f'[[respondents]] {section.model!r}: prefill belongs to api = "chat"; leave it out.'
        raise StudyError(msg)
    found = []
    for persona, temperature, top_p in product(section.personas, section.temperature, section.top_p):
        if persona and persona not in read.personas:
            known = ", ".join(map(repr, read.personas)) or "none"
            msg = f"No persona {persona!r} in [personas]; it has {known}."
            raise StudyError(msg)
        parts = [section.label or f"{_short_name(model.name)} {section.api}"]
        parts += [persona] if persona else []
        parts += [f"t{temperature:g}"]
        parts += [f"p{top_p:g}"] if len(section.top_p) > 1 else []
        found.append(
            Respondent(
                id=" ".join(parts),
                model=model,
                api=section.api,
                temperature=temperature,
                top_p=top_p,
                family=section.family or model.label,
                persona=persona or None,
                subject=read.personas[persona] if persona else None,
                prefill=section.prefill,
                attributes=section.attributes,
            )
        )
    return found


def _short_name(model: str) -> str:
    return model.rstrip("/").rsplit("/", 1)[-1]


def resolve_model(reference: str, endpoints: Mapping[str, EndpointEntry], folder: Path) -> Model:
    """Look up ``provider/name``.

    Parameters
    ----------
    reference
        For instance ``openai/gpt-4o-mini``, ``embedded/smollm2-135m-instruct`` or ``embedded/FILE.gguf``.
    endpoints
        Providers of the study's own, which win over shipped ones of the same name.
    folder
        Where relative paths of GGUF files start.

    Raises
    ------
    StudyError
        If the form is wrong or nobody knows the provider.
    MissingPartError
        If the embedded model is not installed.
    """
    provider, slash, name = reference.partition("/")
    known = {**assets.load_endpoints(), **endpoints}
    if not slash or not name or (provider != "embedded" and provider not in known):
        choices = ", ".join(["embedded", *known])
        msg = (
            f"Model {reference!r} must be provider/name with a known provider ({choices}), "
            "or one that the study describes in [endpoints.NAME]."
        )
        raise StudyError(msg)
    if provider == "embedded":
        weights = embedded.find_weights(name, folder)
        endpoint = Endpoint("embedded", "embedded", None, True, embedded.SLOTS, EMBEDDED_BODY)
        short = name if name == embedded.DEFAULT_MODEL else weights.stem
        return Model(endpoint, short, embedded.weights_revision(weights), str(weights))
    entry = known[provider]
    endpoint = Endpoint(
        provider=provider,
        identity=entry.base_url,
        key_variable=entry.key_variable or None,
        sends_seed=entry.sends_seed,
        max_in_flight=entry.max_in_flight,
        extra_body=entry.extra_body,
    )
    return Model(endpoint, name)


def _check_factors(factors: tuple[str, ...], respondents: tuple[Respondent, ...]) -> None:
    attributes = sorted({name for r in respondents for name in r.attributes})
    known = [*FACTORS, *attributes]
    if "respondent" in factors and len(respondents) > MOST_COMPARED:
        msg = (
            f"[compare] factors: {len(respondents)} respondents make {len(respondents) * (len(respondents) - 1) // 2} "
            f"pairs, which no reader can use; compare up to {MOST_COMPARED}, or by 'model' or an attribute."
        )
        raise StudyError(msg)
    wrong = [f for f in factors if f not in known]
    if wrong:
        msg = f"[compare] factors: no factor {wrong[0]!r}; there is {', '.join(map(repr, known))}."
        raise StudyError(msg)
