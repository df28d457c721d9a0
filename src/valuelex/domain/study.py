"""What a study asks, of whom, and how: the resolved form of a study file.

Every choice is made and every name looked up; the stages read it and change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from valuelex.domain.call import Api
from valuelex.domain.cost import Price
from valuelex.domain.factors import FactorPlan
from valuelex.domain.measure import Manual, ProjectiveTest
from valuelex.domain.naming import NamingGuide
from valuelex.domain.population import Population
from valuelex.domain.structure import ValueSystem
from valuelex.domain.term_ratings import TermPlan
from valuelex.domain.wording import count
from valuelex.errors import StudyError

FACTORS = ("respondent", "model", "family", "api", "persona", "temperature", "top_p")
"""What respondents can be compared by, besides the attributes that a study gives them."""

STUDY = "study"
"""Source of an attribute that the study itself states."""

AttributeValue = str | int | float | bool
LimitKey = Literal["max_tokens", "max_completion_tokens"]
"""Names of the longest answer in a request; the second is that of OpenAI's reasoning models."""


def setting_text(value: float | None) -> str:
    """Write a temperature or top_p for a reader: 0.7, or default where none is sent."""
    return "default" if value is None else f"{value:g}"


RECORDED = "recorded"
"""Provider, and identity of the endpoint, of answers that were recorded elsewhere and imported."""


LOCAL: Mapping[str, bool] = {"local": True}
"""Marks a field that is a matter of this machine: it is left out of result files and of what tells studies apart."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where calls of one provider go.

    `identity` names it in call keys: the base URL, or 'embedded' for the model in this process.
    `extra_body` is merged into every request, `key_variable` is the environment variable with the API
    key (None: it needs none). `timeout_s` is for one attempt; limits a minute are None where there are none. How fast
    it is asked is a matter of the machine that asks: no result depends on it, and no result file tells it.

    What it can do is told by the study or the shipped list, or found out for each model (None until then):
    `sends_seed`, `json_schema` and `logprobs` tell whether it takes a seed, holds an answer to a JSON schema, and
    tells token probabilities; `limit_key` is the name under which it takes the longest answer; `raw_completion`
    tells whether its raw completion applies no chat template.
    """

    provider: str
    identity: str
    key_variable: str | None
    sends_seed: bool | None
    max_in_flight: int = field(metadata=LOCAL)
    json_schema: bool | None = False
    logprobs: bool | None = False
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float = field(default=180.0, metadata=LOCAL)
    requests_per_minute: float | None = field(default=None, metadata=LOCAL)
    tokens_per_minute: float | None = field(default=None, metadata=LOCAL)
    limit_key: LimitKey | None = "max_tokens"
    raw_completion: bool | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A language model at one endpoint and one revision (empty when the provider tells none).

    `weights` is the file of an embedded model. It is no part of the model's identity: `revision` is.
    """

    endpoint: Endpoint
    name: str
    revision: str = ""
    weights: str = field(default="", metadata=LOCAL)

    @property
    def is_recorded(self) -> bool:
        """Tell whether its answers were recorded elsewhere, so that it cannot be called."""
        return self.endpoint.identity == RECORDED

    @property
    def label(self) -> str:
        """The model as a study writes it: provider/name."""
        return f"{self.endpoint.provider}/{self.name}"


@dataclass(frozen=True, slots=True)
class Respondent:
    """A model with its decoding settings and optional persona: the one who is asked.

    `persona` is the name of a persona and `subject` its description ('an experienced nurse');
    both are None when the model answers as itself. `prefill` starts the assistant's turn for it,
    which only some endpoints allow. `reasoning_effort` is sent where it is given. A `temperature` or `top_p` of None
    is not sent: the endpoint's own applies, which nobody tells; or the answers were recorded elsewhere. `family` is
    the unit of independence: models that share weights or recipe. `attribute_sources` tells where each of the
    `attributes`, and the family, is from: the study or a named source.
    """

    id: str
    model: Model
    api: Api
    temperature: float | None
    top_p: float | None
    family: str
    persona: str | None = None
    subject: str | None = None
    prefill: bool = False
    reasoning_effort: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    attribute_sources: Mapping[str, str] = field(default_factory=dict)

    def level(self, factor: str) -> str | None:
        """Value of a factor, one of `FACTORS` or the name of an attribute; None where nobody tells.

        A decoding setting is the endpoint's default where none was sent, and unknown for recorded answers.
        """
        built_in = {
            "respondent": self.id,
            "model": self.model.label,
            "family": self.family,
            "api": self.api,
            "persona": self.persona or "none",
            "temperature": self._setting(self.temperature),
            "top_p": self._setting(self.top_p),
        }
        if factor in built_in:
            return built_in[factor]
        value = self.attributes.get(factor)
        return None if value is None else str(value)

    def _setting(self, value: float | None) -> str | None:
        return None if value is None and self.model.is_recorded else setting_text(value)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One elicitation prompt in its two forms.

    `chat` is the user's turn, `prefill` the start of the assistant's turn where that is used, and
    `raw` a line with one place for {subject}, which the list follows in raw completion.
    """

    id: str
    chat: str
    prefill: str
    raw: str


@dataclass(frozen=True, slots=True)
class FewShot:
    """An example list that shows a raw-completion model the form of an answer."""

    subject: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromptSet:
    """Elicitation prompts in a fixed order, and the example lists that rotate before raw ones."""

    name: str
    source: str
    prompts: tuple[Prompt, ...]
    examples: tuple[FewShot, ...]


@dataclass(frozen=True, slots=True)
class ElicitPlan:
    """How value words are asked for.

    `human_control` tells whether respondents that answer as themselves are asked once more, as they play a human.
    """

    prompts: PromptSet
    draws: int
    max_tokens: int
    human_control: bool = False


@dataclass(frozen=True, slots=True)
class ObservePlan:
    """Which terms are looked for in recorded texts.

    `terms` are their names, None for all families of the shipped word lists; `forms` are further forms of them, such as
    those that an earlier study merged. `source` names where the terms are from.
    """

    terms: tuple[str, ...] | None
    forms: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class NormalisePlan:
    """Which words become terms. `min_respondents`: how many respondents must name a term."""

    min_respondents: int
    keep: tuple[str, ...]
    drop: tuple[str, ...]
    merge: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EmbeddingPlan:
    """Whose vectors of the terms are used: the shipped model's (`model` None), or those of a model at an endpoint."""

    name: str
    model: Model | None = None


SHIPPED_EMBEDDING = EmbeddingPlan("minilm")


TERMS_A_GROUP = 2
"""Terms that a subdimension has at least: with one there is nothing that it holds together."""


@dataclass(frozen=True, slots=True)
class ConstructPlan:
    """How terms are grouped: numbers of groups (None: found from the lists), and resamples for their stability.

    The first of `embeddings` is a view of the terms beside the lists, every further one a check of it; none: the lists
    alone.
    """

    n_dimensions: int | None = None
    n_subdimensions: int | None = None
    max_subdimensions: int = 10
    resamples: int = 1000
    embeddings: tuple[EmbeddingPlan, ...] = (SHIPPED_EMBEDDING,)

    @property
    def least_terms(self) -> int:
        """How many different terms the number of subdimensions needs, where it is given: two for each."""
        return TERMS_A_GROUP * (self.n_subdimensions or 0)

    @property
    def is_ambitious(self) -> bool:
        """Tell whether more subdimensions are asked for than would be tried if the number were to be found."""
        return (self.n_subdimensions or 0) > self.max_subdimensions


@dataclass(frozen=True, slots=True)
class Adaptive:
    """When to stop asking a respondent: once every interval is at most `width` scale points wide.

    Stems are asked in rounds of `step`; nobody is stopped before `least` stems.
    """

    width: float
    step: int
    least: int


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """How respondents are measured. `systems` are shipped or given; `built` adds the one from the run.

    Every stem is asked in its first `n_wordings` wordings. `adaptive` is None where everybody gets
    every stem.
    """

    test: ProjectiveTest
    draws: int
    max_tokens: int
    systems: tuple[ValueSystem, ...]
    built: bool
    n_wordings: int = 1
    adaptive: Adaptive | None = None

    @property
    def first_stems(self) -> int:
        """The number of stems of the first round."""
        n_stems = len(self.test.stems)
        return n_stems if self.adaptive is None else min(self.adaptive.least, n_stems)


JudgeKind = Literal["axis", "llm", "people"]


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """Who rates completions, and how.

    `id` names the judge in every result. A judge that is a language model has the fields of its calls:
    `together` puts all subdimensions of a system into one call, else each has its own. People are read
    from `ratings`, files that `valuelex rate` wrote. `exclude_family` keeps the judge from
    completions of its own family.
    """

    id: str
    kind: JudgeKind
    model: Model | None = None
    family: str = ""
    temperature: float | None = 0.0
    top_p: float | None = 1.0
    draws: int = 1
    max_tokens: int = 0
    together: bool = True
    exclude_family: bool = False
    reasoning_effort: str = ""
    ratings: tuple[str, ...] = field(default=(), metadata=LOCAL)


@dataclass(frozen=True, slots=True)
class NamerPlan:
    """The language model that names the groups of the built system, and how it is asked.

    `id` names it in every result. `max_tokens` is its longest answer; 0: enough for the form.
    """

    id: str
    model: Model
    guide: NamingGuide
    draws: int
    temperature: float | None
    top_p: float | None
    max_tokens: int
    reasoning_effort: str


@dataclass(frozen=True, slots=True)
class SecondPlan:
    """Second methods: draws of each choice between two statements and of each direct rating; 0 leaves one out."""

    choose_draws: int
    rate_draws: int


Confound = Literal["length", "sentiment"]


@dataclass(frozen=True, slots=True)
class ComparePlan:
    """Which respondents are compared: 'respondent' or names of attributes; resamples of stems.

    `remove` names what is regressed out of every rating before orientations are estimated.
    """

    factors: tuple[str, ...]
    resamples: int
    remove: tuple[Confound, ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """A resolved study. `elicit`, `normalise`, `construct` and `factors` are None when nothing is elicited.

    `terms` is given where terms are rated instead of elicited; `elicit` and `normalise` are then None.
    `namer` is None where groups are named by their markers alone.
    `observe` is given where terms are looked for in recorded texts instead of elicited; `elicit` is then None.
    `measures` tells whether respondents are given the projective test.
    `prices` are those known of its models, by label. They change no result and are no part of its resolved form.
    `populations` are those whose value systems are built beside everybody's.
    """

    name: str
    seed: int
    respondents: tuple[Respondent, ...]
    elicit: ElicitPlan | None
    normalise: NormalisePlan | None
    construct: ConstructPlan | None
    project: ProjectPlan
    judges: tuple[JudgePlan, ...]
    manual: Manual
    compare: ComparePlan
    second: SecondPlan = SecondPlan(0, 0)
    terms: TermPlan | None = None
    namer: NamerPlan | None = None
    observe: ObservePlan | None = None
    measures: bool = True
    prices: Mapping[str, Price] = field(default_factory=dict, metadata=LOCAL)
    factors: FactorPlan | None = None
    populations: tuple[Population, ...] = ()

    @property
    def embedding_models(self) -> tuple[Model, ...]:
        """Models at endpoints that are asked for vectors of the terms."""
        plans = self.construct.embeddings if self.construct else ()
        return tuple(plan.model for plan in plans if plan.model is not None)

    def __post_init__(self) -> None:
        ids = [r.id for r in self.respondents]
        repeated = sorted({i for i in ids if ids.count(i) > 1})
        if repeated:
            msg = (
                f"{count(len(repeated), 'respondent is', 'respondents are')} described twice (first: {repeated[0]!r}). "
                "Give them different settings, personas or labels."
            )
            raise StudyError(msg)
