"""The form of a study file: its sections and keys, with their defaults and ranges.

Owns what a key may be on its own. Unknown keys are refused. What keys mean together is resolved by
`valuelex.io.study_file`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from valuelex.domain.factors import Rotation
from valuelex.domain.study import SHIPPED_EMBEDDING, Confound, JudgeKind
from valuelex.io import assets
from valuelex.io.assets import EndpointEntry
from valuelex.io.prices import PriceEntry
from valuelex.io.registry import StudyFacts
from valuelex.io.study_populations import PopulationSection
from valuelex.io.toml_form import Section, Text


def _unsent(value: object) -> object:
    return None if value == "default" else value


def _found(value: object) -> object:
    return None if value == "found" else value


Share = Annotated[Annotated[float, Field(gt=0, le=1)] | None, BeforeValidator(_unsent)]
Temperature = Annotated[Annotated[float, Field(ge=0, le=5)] | None, BeforeValidator(_unsent)]
"""A number to send, or "default": none is sent, and the endpoint's own applies."""
Count = Annotated[int, Field(ge=1, strict=True)]
Found = Annotated[Count | None, BeforeValidator(_found)]
"""A number, or "found": the lists tell it."""
Effort = Annotated[str, Field(pattern=r"^[a-z]*$")]
"""A reasoning effort as the provider calls it, such as low or high; empty: none is sent."""


class StudySection(Section):
    """Name and seed of the study."""

    name: Text
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class RespondentSection(Section):
    """A grid of respondents that share a model: temperatures x top_p x personas x reasoning efforts."""

    model: Text
    api: Literal["chat", "completion"] = "chat"
    label: str = ""
    prefill: bool = False
    temperature: Annotated[tuple[Temperature, ...], Field(min_length=1)] = (1.0,)
    top_p: Annotated[tuple[Share, ...], Field(min_length=1)] = (1.0,)
    personas: Annotated[tuple[str, ...], Field(min_length=1)] = ("",)
    reasoning_effort: Annotated[tuple[Effort, ...], Field(min_length=1)] = ("",)
    family: str = ""
    attributes: dict[str, str | int | float | bool] = {}

    @field_validator("temperature", "top_p", "personas", "reasoning_effort", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: object) -> object:
        return value if isinstance(value, list | tuple) else (value,)


class ElicitSection(Section):
    """How value words are asked for, which terms are rated, or which are looked for in recorded texts.

    Defaults that depend on the mode are None here.
    """

    mode: Literal["list", "rate", "observe"] = "list"
    prompts: Text | None = None
    draws: Count = 1
    max_tokens: Count | None = None
    human_control: bool = False
    terms: Text | None = None
    probabilities: bool = True


class NormaliseSection(Section):
    """Which words become terms."""

    min_respondents: Count = 2
    keep: tuple[Text, ...] = ()
    drop: tuple[Text, ...] = ()
    merge: dict[str, str] = {}


class ConstructSection(Section):
    """How terms are grouped; numbers of groups are found from the lists unless they are given."""

    n_dimensions: Found = None
    n_subdimensions: Annotated[Annotated[int, Field(ge=2)] | None, BeforeValidator(_found)] = None
    max_subdimensions: Annotated[int, Field(ge=2, le=50)] = 10
    resamples: Annotated[int, Field(ge=0, strict=True)] = 1000
    embeddings: Annotated[tuple[Text, ...], Field(min_length=1)] = (SHIPPED_EMBEDDING.name,)

    @field_validator("embeddings", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: object) -> object:
        return value if isinstance(value, list | tuple) else (value,)


class FactorSection(Section):
    """The factor-analytic route: what is factored and how; as many factors as groups where no number is given."""

    matrix: Literal["ppmi", "phi", "between", "within"] = "ppmi"
    rotation: Rotation = "oblimin"
    n_factors: Count | None = None
    resamples: Annotated[int, Field(ge=2, strict=True)] = 200


class ProjectSection(Section):
    """How respondents are measured."""

    test: Text = assets.DEFAULT_TEST
    stems: Annotated[int, Field(ge=2)] | Literal["all"] = "all"
    wordings: Count = 1
    draws: Count = 1
    max_tokens: Count = 32
    systems: Annotated[tuple[Text, ...], Field(min_length=1)] = (assets.DEFAULT_SYSTEM,)
    manual: Text = "valuelex-7"
    stop_width: Annotated[float, Field(ge=0, le=6)] = 0.0
    stop_step: Count = 12
    stop_least: Annotated[int, Field(ge=5)] = 24


class JudgeSection(Section):
    """Who rates completions: an axis between embeddings, a language model, or people."""

    kind: JudgeKind = "axis"
    name: str = ""
    model: str = ""
    family: str = ""
    temperature: Temperature = 0.0
    top_p: Share = 1.0
    draws: Count = 1
    max_tokens: Annotated[int, Field(ge=0, strict=True)] = 0
    together: bool | None = None
    exclude_family: bool = False
    reasoning_effort: Effort = ""
    ratings: tuple[Text, ...] = ()


class NamerSection(Section):
    """The language model that names the groups of the built system."""

    model: Text
    name: str = ""
    guide: Text = "valuelex-names"
    draws: Count = 5
    temperature: Temperature = 0.7
    top_p: Share = 1.0
    max_tokens: Annotated[int, Field(ge=0, strict=True)] = 0
    reasoning_effort: Effort = ""


class SecondSection(Section):
    """Second methods: choices between statements, and direct ratings of them; 0 draws leaves one out."""

    choose_draws: Annotated[int, Field(ge=0, strict=True)] = 0
    rate_draws: Annotated[int, Field(ge=0, strict=True)] = 0


class CompareSection(Section):
    """What is compared."""

    factors: tuple[Text, ...] = ("respondent",)
    resamples: Annotated[int, Field(ge=100)] = 2000
    remove: tuple[Confound, ...] = ()


class StudyFile(Section):
    """A whole study file."""

    study: StudySection
    personas: dict[str, Text] = {}
    endpoints: dict[str, EndpointEntry] = {}
    models: dict[str, StudyFacts] = {}
    prices: dict[str, PriceEntry] = {}
    respondents: tuple[RespondentSection, ...] = ()
    elicit: ElicitSection | None = None
    normalise: NormaliseSection = NormaliseSection()
    construct_: ConstructSection = Field(default=ConstructSection(), alias="construct")
    factors: FactorSection = FactorSection()
    populations: tuple[PopulationSection, ...] = ()
    namer: NamerSection | None = None
    project: ProjectSection = ProjectSection()
    judges: Annotated[tuple[JudgeSection, ...], Field(min_length=1)] = (JudgeSection(),)
    second: SecondSection = SecondSection()
    compare: CompareSection = CompareSection()
