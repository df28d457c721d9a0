"""Small builders of domain objects, for tests that need one and do not care about the rest of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing, Reply
from valuelex.domain.evidence import Level, LevelChoice, Outcome, Structure
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.measure import Completion, Manual, ProjectiveTest, RatingArray, Stem, StemKind
from valuelex.domain.read_reply import read_reply
from valuelex.domain.structure import Dimension, Subdimension, Taxonomy, ValueSystem
from valuelex.domain.study import (
    ComparePlan,
    ConstructPlan,
    ElicitPlan,
    Endpoint,
    FewShot,
    JudgePlan,
    Model,
    NormalisePlan,
    ProjectPlan,
    Prompt,
    PromptSet,
    Respondent,
    Study,
)

ENDPOINT = Endpoint("acme", "https://acme.test/v1", "ACME_KEY", sends_seed=True, max_in_flight=4)
MODEL = Model(ENDPOINT, "acme-1")


def respondent(name: str = "acme t1", **changes: Any) -> Respondent:
    """A chat respondent without a persona; any field can be given another value."""
    plain = Respondent(id=name, model=MODEL, api="chat", temperature=1.0, top_p=0.9, family="acme")
    return replace(plain, **changes)


def prompt_set(n_prompts: int = 2, n_examples: int = 5) -> PromptSet:
    prompts = tuple(
        Prompt(f"p{i}", f"Which words matter to you ({i})?", f"Words ({i}):", f"Words ({i}) of {{subject}}:")
        for i in range(n_prompts)
    )
    examples = tuple(FewShot(f"a baker {i}", (f"flour{i}", f"yeast{i}")) for i in range(n_examples))
    return PromptSet("few", "made up", prompts, examples)


def projective_test(n_stems: int = 2, n_examples: int = 5) -> ProjectiveTest:
    stems = tuple(
        Stem(f"s{i}", f"When the bell rang {i} times, I", StemKind.NEUTRAL, "care") for i in range(n_stems)
    )
    examples = tuple(f"It rained on day {i}, so I stayed in." for i in range(n_examples))
    return ProjectiveTest("bells", "made up", stems, examples)


def manual() -> Manual:
    """A scoring manual with a word for each of the seven points."""
    return Manual("plain", "made up", "Rate the sentence.", "Does it bear on this?", tuple("abcdefg"))


def subdimension(name: str) -> Subdimension:
    return Subdimension(
        name, name.title(), f"Words around {name}.", (name,), (f"I keep {name}.",), (f"I drop {name}.",)
    )


def system(groups: Mapping[str, Sequence[str]] | None = None, name: str = "tiny") -> ValueSystem:
    """A value system from dimension ids to subdimension ids; by default one dimension of one."""
    dimensions = tuple(
        Dimension(d, d.title(), f"About {d}.", tuple(subdimension(s) for s in own))
        for d, own in (groups or {"heart": ("care",)}).items()
    )
    return ValueSystem(name, "Tiny", "made up", dimensions)


def study(
    respondents: Sequence[Respondent] = (respondent(),),
    *,
    prompts: PromptSet | None = None,
    test: ProjectiveTest | None = None,
    draws: int = 1,
    elicits: bool = True,
) -> Study:
    return Study(
        name="bells",
        seed=7,
        respondents=tuple(respondents),
        elicit=ElicitPlan(prompts or prompt_set(), draws, max_tokens=64) if elicits else None,
        normalise=NormalisePlan(2, (), (), {}) if elicits else None,
        construct=ConstructPlan(n_dimensions=2, n_subdimensions=3, resamples=20) if elicits else None,
        project=ProjectPlan(test or projective_test(), draws, 32, (system(),), built=False),
        judges=(JudgePlan("axis", "axis"),),
        manual=manual(),
        compare=ComparePlan(("respondent",), 200),
    )


def reply(key: str, text: str, missing: Missing | None = None, finish_reason: str = "stop") -> Reply:
    """An answer as it is read from a chat endpoint; `missing` is a reason that the text does not tell."""
    choice = {"message": {"content": text}, "finish_reason": finish_reason}
    read = read_reply(key, {"choices": [choice]})
    return read if missing is None else replace(read, missing=missing)


def completion(
    who: str = "a", stem: str = "s0", draw: int = 0, text: str = "smiled.", missing: Missing | None = None
) -> Completion:
    return Completion(f"{who}:{stem}:{draw}", who, stem, draw, text, missing, f"call:{who}:{stem}:{draw}")


def ratings(
    scores: Mapping[tuple[str, str, int], float | Sequence[float] | Missing],
    of: ValueSystem | None = None,
) -> RatingArray:
    """Ratings from (respondent, stem, draw) to a score, one score a subdimension, or a missing reason."""
    of = of or system()
    width = len(of.subdimensions)
    rows, completions = [], []
    for (who, stem, draw), score in scores.items():
        missing = score if isinstance(score, Missing) else None
        rows.append(np.full(width, np.nan) if missing else np.broadcast_to(np.asarray(score, float), width))
        completions.append(completion(who, stem, draw, "" if missing else "smiled.", missing))
    return RatingArray.of(
        "axis:test", of.name, np.array(rows), tuple(completions), tuple(s.id for s in of.subdimensions)
    )


def rating_table(
    scores: NDArray[np.float64], who: Sequence[str], of: ValueSystem | None = None
) -> RatingArray:
    """Ratings from (n_stems, n_respondents) or (n_stems, n_respondents, n_subdimensions), one draw each."""
    return ratings(
        {(name, f"s{s}", 0): scores[s, r] for s in range(len(scores)) for r, name in enumerate(who)},
        of,
    )


def response_matrix(lists: NDArray[np.uint8], who: Sequence[str], terms: Sequence[str]) -> ResponseMatrix:
    ids = tuple(f"{name}:{i}" for i, name in enumerate(who))
    return ResponseMatrix.of_dense(lists, ids, tuple(who), tuple(terms))


def level_choice(
    level: Level = Level.JOINT,
    outcome: Outcome = Outcome.GROUPS,
    n_groups: int = 3,
    *,
    n_candidates: int = 5,
    plausible: Sequence[int] = (),
    trace: float = 8.0,
) -> LevelChoice:
    """A choice of a number of groups; k groups gain k - 1 nats a source, with an error of half a nat."""
    numbers = tuple(range(1, n_candidates + 1))
    return LevelChoice(
        level,
        outcome,
        n_groups,
        numbers,
        tuple(k - 1.0 for k in numbers),
        tuple(0.5 if k > 1 else 0.0 for k in numbers),
        tuple(1.0 / k for k in numbers),
        tuple(plausible) or (n_groups,),
        trace,
    )


def taxonomy(
    subdimension: Sequence[int] = (0, 0, 1, 1, 2, 2), dimension: Sequence[int] = (0, 0, 1)
) -> Taxonomy:
    """Terms w00, w01... in the given groups, all alike stable and central; `dimension` is one a group."""
    groups = np.asarray(subdimension, dtype=np.int64)
    n = len(groups)
    return Taxonomy(
        tuple(f"w{i:02d}" for i in range(n)),
        groups,
        np.asarray(dimension, dtype=np.int64)[groups],
        np.ones(n),
        np.full(n, 0.9),
        np.zeros((n, 2)),
        {"between": 1.0, "within": 0.5, "embeddings": 0.25},
        20,
        "families",
    )


def structure(of: Taxonomy | None = None, **changes: Any) -> Structure:
    """What was found of six families and nothing more than that; any field can be given another value."""
    plain = Structure(
        taxonomy=of or taxonomy(),
        joint=level_choice(),
        levels=(),
        views=(),
        groups=(),
        nulls=(),
        splits=(),
        sensitivities=(),
        controls=(),
        dimension_gain={},
        n_given=None,
        independent="families",
        n_independent=6,
        profiled="models",
        n_models=8,
    )
    return replace(plain, **changes)
