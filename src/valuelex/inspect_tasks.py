"""Inspect AI tasks: ``inspect eval valuelex/elicit`` and ``inspect eval valuelex/project``.

Inspect finds them by the entry point of this package. They plan, read and rate by the same functions as a study,
so their requests are a study's, and their logs hold calls and replies that `valuelex import` puts into a
ledger. Own neither prompts nor estimates. Imported by Inspect only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import Model, ModelOutput, get_model
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from numpy.typing import NDArray

from valuelex import __version__
from valuelex.domain.call import Call, Missing, Reply
from valuelex.domain.measure import REASONS, Completion, Exhibit, RatingArray
from valuelex.domain.read_reply import read_reply
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import NormalisePlan, Study
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.embed import MiniLM
from valuelex.io.inspect_log import CALL, FORM, JUDGED, MARK, REPLY, answer_of, reply_fields
from valuelex.io.inspect_transport import keyless
from valuelex.io.inspect_wire import (
    INSPECT,
    RAW_PROVIDERS,
    is_openai_family,
    messages_of,
    output_of,
    payload_of,
    request_of,
)
from valuelex.io.ledger import Answer
from valuelex.io.study_file import resolve
from valuelex.io.study_form import StudyFile
from valuelex.io.toml_form import validate
from valuelex.stages.elicit import plan_elicitation, read_responses, truncated_responses
from valuelex.stages.exhibits import prepare_exhibits, sentence
from valuelex.stages.families import WordRules
from valuelex.stages.judge_answer import average_notes, read_ratings
from valuelex.stages.judge_axis import anchor_sentences, rate_by_axis
from valuelex.stages.judge_prompt import plan_ratings
from valuelex.stages.normalise import normalise
from valuelex.stages.project import plan_completions, read_completions
from valuelex.stages.score import orient

Rated = tuple[NDArray[np.float64], NDArray[np.int8], str]
"""Ratings and codes of reasons, (n_exhibits, n_subdimensions), and the grounds in words."""
GRADER = "grader"
RESAMPLES = 2000
"""Resamples of stems behind each interval; the same as a study's default."""


@task
def elicit(
    prompts: str = "valuelex-15",
    draws: int = 1,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    seed: int = 0,
) -> Task:
    """Ask a model which words name what it values, and count the words that can be read.

    Parameters
    ----------
    prompts
        A shipped set of prompts, or the path of a TOML file.
    draws
        Answers to each prompt.
    temperature, top_p
        Of the model; by default Inspect's `--temperature` and `--top-p`, else 1.
    max_tokens
        Longest answer; by default a study's.
    seed
        Of the study.
    """
    study = _study(
        seed,
        temperature,
        top_p,
        {"elicit": _given(prompts=prompts, draws=draws, max_tokens=max_tokens)},
        [{"kind": "axis"}],
    )
    return _task(study, prompts, plan_elicitation(study), word_counts(prompts))


@task
def project(
    system: str = "valuelex-2024",
    test: str = "valuelex-120",
    stems: int | str = "all",
    draws: int = 1,
    wordings: int = 1,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    seed: int = 0,
    judge: str = GRADER,
    together: bool = True,
) -> Task:
    """Give a model stems to complete, and let the grader rate what the completions tell of its values.

    Parameters
    ----------
    system, test
        A shipped value system and test, or paths of TOML files.
    stems
        How many stems, or "all".
    draws, wordings
        Completions of each stem in each of its wordings.
    temperature, top_p
        Of the model; by default Inspect's `--temperature` and `--top-p`, else 1.
    max_tokens
        Longest completion; by default a study's.
    seed
        Of the study.
    judge
        "grader": the model with that role. "axis": the embedded judge, which is free and weak.
    together
        Whether the grader rates all subdimensions in one call; false for one whose context is short.
    """
    if judge not in (GRADER, "axis"):
        msg = f"judge must be 'grader' or 'axis', not {judge!r}."
        raise StudyError(msg)
    plan = _given(
        systems=[system], test=test, stems=stems, draws=draws, wordings=wordings, max_tokens=max_tokens
    )
    study = _study(seed, temperature, top_p, {"project": plan}, [_judge(judge, together)])
    rate = value_ratings(system, test, seed, judge, together)
    return _task(study, test, plan_completions(study), rate)


def _judge(judge: str, together: bool) -> dict[str, Any]:
    """Describe the judge as a study does."""
    if judge == "axis":
        return {"kind": "axis"}
    grader = get_model(role=GRADER, required=True)
    chosen = _given(temperature=grader.config.temperature, top_p=grader.config.top_p)
    return {"kind": "llm", "model": f"{INSPECT}/{grader}", "together": together, **chosen}


def _given(**values: Any) -> dict[str, Any]:
    """Leave out what has no value, so that a study's own default holds."""
    return {name: value for name, value in values.items() if value is not None}


def _study(
    seed: int,
    temperature: float | None,
    top_p: float | None,
    sections: Mapping[str, Any],
    judges: Sequence[Mapping[str, Any]],
) -> Study:
    """Make the study that asks the model under evaluation, and nobody else, this."""
    model = get_model()
    raw = str(model).partition("/")[0] in RAW_PROVIDERS
    own = {"temperature": model.config.temperature, "top_p": model.config.top_p}
    respondent = {
        "model": f"{INSPECT}/{model}",
        "api": "completion" if raw else "chat",
        **(_given(**own) | _given(temperature=temperature, top_p=top_p)),
    }
    table = {
        "study": {"name": "inspect", "seed": seed},
        "respondents": [respondent],
        "judges": judges,
        **sections,
    }
    return resolve(validate(StudyFile, table, "task"), Path())


def _task(study: Study, asked: str, calls: Sequence[Call], rate: Scorer) -> Task:
    samples = [
        Sample(id=f"{call.item_id}:{call.draw}", input=messages_of(call), metadata={CALL: asdict(call)})
        for call in calls
    ]
    return Task(
        dataset=MemoryDataset(samples, name=asked),
        solver=respond(),
        scorer=rate,
        metadata={MARK: FORM, "study": study.name},
        version=__version__,
    )


@solver
def respond() -> Solver:
    """Send the call of a sample exactly as a study would, and keep it with its reply."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001 - Inspect's form
        call = Call(**state.metadata[CALL])
        model = get_model()
        if state.epoch > 1:
            msg = (
                "Epochs would ask the same again under the same seed; ask for several draws with -T draws=N."
            )
            raise StudyError(msg)
        if str(model) != call.model:
            msg = f"The calls were planned for {call.model!r}, not for {str(model)!r}; start the task anew."
            raise StudyError(msg)
        answer, state.output = await _ask(model, call)
        state.messages.append(state.output.message)
        state.store.set(REPLY, reply_fields(answer))
        return state

    return solve


async def _ask(model: Model, call: Call) -> tuple[Answer, ModelOutput]:
    """Send a call; return its answer and what the log shows of it, both without a key that the endpoint says back."""
    messages, config = request_of(call, openai_family=is_openai_family(model.api))
    started = time.monotonic()
    output = await model.generate(messages, config=config, cache=False)
    latency_s, came = time.monotonic() - started, payload_of(output, call.path)
    payload = keyless(came, model)
    shown = output if payload == came else output_of(call, payload)
    return Answer(call, payload, latency_s, 1, time.time()), shown


def _answer_of(state: TaskState) -> tuple[Call, dict[str, Reply]]:
    """Return the call of a sample, and its reply by the key of the call."""
    answer = answer_of(state.metadata[CALL], state.store.get(REPLY))
    return answer.call, {answer.call.key: _read(answer)}


def _read(answer: Answer) -> Reply:
    return read_reply(answer.call.key, json.loads(answer.payload))


@metric(scores="unreduced")
def orientations() -> Metric:
    """Estimate orientations as a study does: the mean over stems, its standard error, and what is missing.

    Returns
    -------
    Metric
        By subdimension and dimension the estimate in scale points (0 to 6), ``... se`` and ``... missing``, the number
        of completions without a rating; and for each reason how often it occurs, over all subdimensions.
    """

    def estimate(scores: list[SampleScore]) -> Value:
        details = [s.score.metadata or {} for s in scores]
        if not details:
            return {}
        system = _system(details[0]["system"])
        ids = tuple(s.id for s in system.subdimensions)
        completions = tuple(
            Completion(**{**d["completion"], "missing": _missing(d["completion"]["missing"])})
            for d in details
        )
        values = np.array([[_number(s.score.as_dict()[name]) for name in ids] for s in scores])
        codes = [
            [REASONS.index(Missing(d["missing"][name])) if name in d["missing"] else -1 for name in ids]
            for d in details
        ]
        array = RatingArray(GRADER, system.name, values, np.array(codes, dtype=np.int8), completions, ids)
        stems = list(dict.fromkeys(c.stem_id for c in completions))
        who = [completions[0].respondent_id]
        found: dict[str, float] = {}
        for o in orient(array, system, who, stems, RESAMPLES, np.random.default_rng(0)):
            if o.estimate is not None:
                found[o.target] = o.estimate
            if o.standard_error is not None:
                found[f"{o.target} se"] = o.standard_error
            found[f"{o.target} missing"] = o.n_missing
        return found | _count_reasons([r for d in details for r in d["missing"].values()])

    return estimate


@metric(scores="unreduced")
def words() -> Metric:
    """Count: words an answer, over the answers that could be read, and why others could not.

    Returns
    -------
    Metric
        ``words``, ``missing`` and the number of each reason.
    """

    def count(scores: list[SampleScore]) -> Value:
        counted = [_number(s.score.as_dict()["words"]) for s in scores]
        read = [n for n in counted if n == n]
        reasons = [s.score.reason for s in scores if s.score.reason]
        found: dict[str, float] = {"words": float(np.mean(read))} if read else {}
        return found | {"missing": len(counted) - len(read)} | _count_reasons(reasons)

    return count


def _count_reasons(reasons: Sequence[str]) -> dict[str, float]:
    return {f"missing {reason}": reasons.count(reason) for reason in sorted(set(reasons))}


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _missing(reason: str | None) -> Missing | None:
    return None if reason is None else Missing(reason)


@cache
def _system(name: str) -> ValueSystem:
    return assets.load_system(name, Path())


@scorer(metrics=[words()])
def word_counts(prompts: str = "valuelex-15") -> Scorer:
    """Count the distinct value words of an answer; one that cannot be read has a reason, and no number."""

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 - Inspect's form
        call, replies = _answer_of(state)
        study = _study(0, None, None, {"elicit": {"prompts": prompts}}, [{"kind": "axis"}])
        asked = replace(study, respondents=(replace(study.respondents[0], id=call.respondent_id),))
        responses = read_responses([call], replies, asked)
        cut = truncated_responses(responses, replies)
        _, matrix, (response,) = normalise(responses, _rules(), NormalisePlan(1, (), (), {}), cut)
        read = response.missing is None
        return Score(
            value={"words": len(matrix.terms) if read else None},
            answer=response.text,
            explanation=", ".join(matrix.terms) if read else None,
            reason=None if response.missing is None else response.missing.value,
            metadata={"terms": list(matrix.terms)},
        )

    return score


@scorer(metrics=[orientations()])
def value_ratings(
    system: str = "valuelex-2024",
    test: str = "valuelex-120",
    seed: int = 0,
    judge: str = GRADER,
    together: bool = True,
) -> Scorer:
    """Rate a completion on every subdimension, from 0 to 6. What is not rated has a reason, and no number."""

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 - Inspect's form
        call, replies = _answer_of(state)
        study = _study(
            seed, None, None, {"project": {"systems": [system], "test": test}}, [_judge(judge, together)]
        )
        (completion,) = read_completions([call], replies, study.project.test)
        exhibits = prepare_exhibits([completion], study.project.test)
        rate = _rate_by_grader if judge == GRADER else _rate_by_axis
        values, codes, grounds = await rate(study, exhibits.items, state)
        ids = [s.id for s in study.project.systems[0].subdimensions]
        if completion.missing is None:
            reasons = {n: REASONS[c].value for n, c in zip(ids, codes[0].tolist(), strict=True) if c >= 0}
            rated = {n: None if v != v else v for n, v in zip(ids, values[0].tolist(), strict=True)}
        else:
            reasons, rated = dict.fromkeys(ids, completion.missing.value), dict.fromkeys(ids)
        return Score(
            value=rated,
            answer=completion.text,
            explanation=grounds or None,
            reason=None if completion.missing is None else completion.missing.value,
            metadata={"system": system, "missing": reasons, "completion": asdict(completion)},
        )

    return score


async def _rate_by_grader(study: Study, items: Sequence[Exhibit], state: TaskState) -> Rated:
    """Let the model with the grader's role rate; its calls and replies are kept with the sample."""
    system, judge = study.project.systems[0], study.judges[0]
    calls = plan_ratings(judge, system, items, study.manual, study.seed)
    grader = get_model(role=GRADER, required=True)
    answers = [(await _ask(grader, call))[0] for call in calls]
    state.store.set(JUDGED, [{CALL: asdict(a.call), REPLY: reply_fields(a)} for a in answers])
    notes = read_ratings(judge, system, items, calls, {a.call.key: _read(a) for a in answers})
    grounds = [f"{n.subdimension} {n.missing or n.rating}: {n.reason} [{n.evidence}]" for n in notes]
    return (*average_notes(notes, system, items), "\n".join(grounds))


async def _rate_by_axis(study: Study, items: Sequence[Exhibit], state: TaskState) -> Rated:  # noqa: ARG001
    """Place completions between example sentences of both poles; no subdimension is ever found irrelevant."""
    system, embed = study.project.systems[0], _embedder().embed
    vectors = embed([sentence(item) for item in items]) if items else np.zeros((0, 1))
    values = rate_by_axis(system, vectors, embed(anchor_sentences(system))) if items else np.zeros((0, 1))
    return values, np.full(values.shape, -1, dtype=np.int8), ""


@cache
def _embedder() -> MiniLM:
    return MiniLM.load()


@cache
def _rules() -> WordRules:
    return WordRules.from_tables(**assets.load_word_tables())
