"""Count the calls of a study: planned, answered, failed, left. Sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from valuelex.domain.call import Call, CallStage
from valuelex.domain.cost import CostEstimate, Spend, estimate, most_tokens, spend
from valuelex.domain.measure import Exhibit
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import NamerPlan, Study
from valuelex.io import assets
from valuelex.io.ledger import FailureReason, Ledger
from valuelex.pipeline.embedding import embedding_calls
from valuelex.pipeline.planning import planned_calls
from valuelex.pipeline.probing import count_probes, settled
from valuelex.pipeline.workspace import Workspace
from valuelex.stages.exhibits import excluded_respondents, prepare_exhibits, to_rate
from valuelex.stages.judge_prompt import TOKENS_EACH, TOKENS_MORE, n_ratings_calls, plan_ratings
from valuelex.stages.naming import plan_names
from valuelex.stages.probe import MAX_TOKENS as PROBE_TOKENS
from valuelex.stages.project import read_completions
from valuelex.stages.second_methods import MAX_TOKENS, n_choices, n_direct, plan_choices, plan_direct


@dataclass(frozen=True, slots=True)
class StageCount:
    """Calls of one stage: planned, answered in the ledger, failed at the last try.

    `n_unrecorded` are those whose answer can only be imported, and was not. `at_most` tells that the number planned
    depends on answers that are still to come; where it is `open_ended`, there can be more, and nobody can tell yet how
    many.
    """

    stage: CallStage
    n_planned: int
    n_answered: int
    n_failed: int
    at_most: bool = False
    n_unrecorded: int = 0
    open_ended: bool = False

    @property
    def n_new(self) -> int:
        """Calls that a run would send."""
        return max(self.n_planned - self.n_answered - self.n_unrecorded, 0)


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many calls without a reply failed last for a reason and with a message."""

    reason: FailureReason
    message: str
    n: int


@dataclass(frozen=True, slots=True)
class Status:
    """Where a study stands: calls by stage, failures by reason, and how long the rest would take.

    `seconds_left` goes by the pace of the last answers in the ledger; None where there are none. `cost` is of the
    calls that a run would send, `spend` of the replies in the ledger. `n_observed` counts imported free texts.
    `other_names` are those under which models answered, where they differ from those that were asked for.
    """

    counts: tuple[StageCount, ...]
    failures: tuple[FailureCount, ...]
    max_new_tokens: int
    cost: CostEstimate
    spend: Spend
    seconds_left: float | None = None
    n_observed: int = 0
    other_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def n_new(self) -> int:
        """Calls that a run would send."""
        return sum(c.n_new for c in self.counts)

    @property
    def at_most(self) -> bool:
        """Tell whether a run may send fewer."""
        return any(c.at_most and c.n_new for c in self.counts)


def status(workspace: Workspace) -> Status:
    """Count what is planned, answered, failed and left. Sends nothing and takes no lock."""
    if workspace.ledger_path.exists() and workspace.ledger_path.stat().st_size:
        with Ledger(workspace.ledger_path, read_only=True) as ledger:
            return count_calls(workspace.study, planned_calls(settled(workspace.study, ledger)), ledger)
    return count_calls(workspace.study, planned_calls(workspace.study), None)


def count_calls(
    study: Study,
    calls: Mapping[CallStage, tuple[Call, ...]],
    ledger: Ledger | None,
    to_send: Sequence[Call] = (),
) -> Status:
    """Count the calls of a study against a ledger (None: nothing was sent yet).

    Ratings depend on completions: what is there is counted exactly, what is still to come at the most. So do the
    probes that find out what models can do; `study` is without what they found. `to_send` are calls that are about to
    be sent: where they are the namer's, or for vectors, these calls need no guess. The cost of ratings to come is that
    of rating completions as long as they may be; that of probes is not told.
    """
    n_probes, n_probed = count_probes(study, ledger)
    study = settled(study, ledger)
    known = _Known.of(ledger)
    counts = [
        known.count(stage, own, at_most=stage == "project" and study.project.adaptive is not None)
        for stage, own in calls.items()
    ]
    if n_probes:
        counts.insert(0, StageCount("probe", n_probes, n_probed, 0, at_most=n_probed < n_probes))
    tokens = {
        "probe": PROBE_TOKENS["chat"],
        "elicit": study.elicit.max_tokens if study.elicit else 0,
        "human": study.elicit.max_tokens if study.elicit else 0,
        "term": study.terms.max_tokens if study.terms else 0,
        "project": study.project.max_tokens,
    }
    new_tokens = sum(c.n_new * tokens[c.stage] for c in counts)
    if study.namer is not None:
        words_come = any(c.stage == "elicit" and c.n_new for c in counts)
        named, name_tokens = _count_names(study.namer, study, words_come, ledger, known, to_send)
        counts.append(named)
        new_tokens += name_tokens
    if "project" in calls:
        judged, judge_tokens = _count_ratings(study, calls["project"], ledger, known)
        counts += [*_count_second(study, ledger, known), *judged]
        new_tokens += (
            judge_tokens + sum(c.n_new for c in counts if c.stage in ("choose", "rate")) * MAX_TOKENS
        )
    counts += _count_embeddings(study, calls["elicit"], ledger, known, to_send)
    n_new = sum(c.n_new for c in counts)
    tallies, pace = (ledger.tallies(), ledger.pace()) if ledger else ({}, None)
    return Status(
        tuple(counts),
        _count_failures(ledger),
        new_tokens,
        estimate(known.new, study.prices, tallies, known.like_new),
        spend(tallies, study.prices),
        n_new / pace if pace else None,
        ledger.n_answered("observe") if ledger else 0,
        ledger.other_names() if ledger else {},
    )


@dataclass(slots=True)
class _Known:
    """What a ledger knows of calls, and the calls that it has no answer to: themselves, or ones like them."""

    answered: frozenset[str]
    failed: Mapping[str, str]
    new: list[Call] = field(default_factory=list)
    like_new: list[tuple[Call, int]] = field(default_factory=list)

    @classmethod
    def of(cls, ledger: Ledger | None) -> Self:
        return cls(ledger.answered(), ledger.failures()) if ledger else cls(frozenset(), {})

    def count(self, stage: CallStage, calls: Sequence[Call], *, at_most: bool = False) -> StageCount:
        """Count calls, and note the new ones."""
        left = [call for call in calls if call.key not in self.answered]
        new = [call for call in left if not call.is_recorded]
        self.new += new
        n_failed = sum(call.key in self.failed for call in new)
        return StageCount(stage, len(calls), len(calls) - len(left), n_failed, at_most, len(left) - len(new))


def _count_embeddings(
    study: Study, elicited: Sequence[Call], ledger: Ledger | None, known: _Known, to_send: Sequence[Call]
) -> list[StageCount]:
    """Count the calls for vectors of the terms that are known by now, and tell whether more may come.

    Which terms recorded texts hold is known only once they were searched: then they are about to be sent, or answered.
    """
    if not study.embedding_models:
        return []
    planned = [call for call in to_send if call.stage == "embed"]
    if planned or study.observe is None:
        replies = ledger.replies(c.key for c in elicited) if ledger else {}
        counted = known.count("embed", planned or embedding_calls(study, elicited, replies))
        return [
            replace(counted, open_ended=any(c.key not in replies and not c.is_recorded for c in elicited))
        ]
    n_answered = ledger.n_answered("embed") if ledger else 0
    return [StageCount("embed", n_answered, n_answered, 0, open_ended=not n_answered)]


def _count_failures(ledger: Ledger | None) -> tuple[FailureCount, ...]:
    """Count what failed by reason and message, the commonest first."""
    if ledger is None:
        return ()
    messages = ledger.failures()
    found = Counter((reason, messages[key]) for key, reason in ledger.failure_reasons().items())
    return tuple(FailureCount(reason, message, n) for (reason, message), n in found.most_common())


def _sizes(study: Study) -> list[int]:
    """Numbers of subdimensions of the measured systems, the built one as it was asked for, or at the most."""
    plan = study.construct if study.project.built else None
    built = [plan.n_subdimensions or plan.max_subdimensions] if plan else []
    return [len(s.subdimensions) for s in study.project.systems] + built


def _count_ratings(
    study: Study, project: tuple[Call, ...], ledger: Ledger | None, known: _Known
) -> tuple[list[StageCount], int]:
    judges = [j for j in study.judges if j.kind == "llm"]
    if not judges:
        return [], 0
    replies = ledger.replies(c.key for c in project) if ledger else {}
    done = ledger.answered_items("judge") if ledger else frozenset()
    completions = read_completions([c for c in project if c.key in replies], replies, study.project.test)
    exhibits = prepare_exhibits(completions, study.project.test)
    n_to_come = sum(not c.is_recorded and c.key not in replies for c in project)
    longest = Exhibit("longest", study.project.test.stems[0].text, "word " * study.project.max_tokens)
    n_planned = n_answered = n_failed = n_tokens = 0
    for judge in judges:
        items = to_rate(exhibits, completions, excluded_respondents(judge, study.respondents))
        for size in _sizes(study):
            n_planned += n_ratings_calls(judge, size) * (len(items) + n_to_come)
        for system in study.project.systems:
            counted = known.count("judge", plan_ratings(judge, system, items, study.manual, study.seed))
            n_answered += counted.n_answered
            n_failed += counted.n_failed
            like = plan_ratings(judge, system, [longest], study.manual, study.seed)
            known.like_new += [(call, n_to_come) for call in like]
        if study.project.built:
            ids = {f"{item.id}/built" for item in items}
            n_done = sum(who == judge.id and what in ids for who, what, _ in done)
            n_answered += n_done
            like = plan_ratings(judge, _stand_in(study), [longest], study.manual, study.seed)
            known.like_new += [(call, len(items) + n_to_come - n_done // len(like)) for call in like]
        each = judge.max_tokens or TOKENS_EACH * max(_sizes(study)) + TOKENS_MORE
        n_tokens = max(n_tokens, each)
    counted = StageCount("judge", n_planned, n_answered, n_failed, at_most=n_to_come > 0)
    return [counted], counted.n_new * n_tokens


def _count_names(
    namer: NamerPlan,
    study: Study,
    words_come: bool,
    ledger: Ledger | None,
    known: _Known,
    to_send: Sequence[Call],
) -> tuple[StageCount, int]:
    """Count the calls of the namer, one for each draw, and the most tokens of their answers.

    While words are to come, names of a system of fewer words do not count.
    """
    like = plan_names(namer, _stand_in(study), study.seed)[0]
    planned = [call for call in to_send if call.stage == "name"]
    if planned:
        told, n_done = known.count("name", planned), namer.draws - len(planned)
        counted = replace(told, n_planned=namer.draws, n_answered=n_done)
    else:
        done = ledger.answered_items("name") if ledger else frozenset()
        n_done = 0 if words_come else min(sum(who == namer.id for who, _, _ in done), namer.draws)
        counted = StageCount("name", namer.draws, n_done, 0, at_most=words_come)
        known.like_new.append((like, counted.n_new))
    return counted, counted.n_new * most_tokens(like.body).completion_tokens


def _stand_in(study: Study) -> ValueSystem:
    """Return a system whose calls cost about what those on the built system will."""
    systems = study.project.systems
    return systems[0] if systems else assets.load_system(assets.DEFAULT_SYSTEM, Path())


_Plan = Callable[[Study, ValueSystem], tuple[Call, ...]]


def _count_second(study: Study, ledger: Ledger | None, known: _Known) -> list[StageCount]:
    """Count choices and direct ratings: by their keys on given systems, by their number on the built one."""
    plans: tuple[tuple[CallStage, _Plan, Callable[[Study, int], int], int], ...] = (
        ("choose", plan_choices, n_choices, study.second.choose_draws),
        ("rate", plan_direct, n_direct, study.second.rate_draws),
    )
    counts = []
    for stage, plan, count, draws in plans:
        if not draws:
            continue
        if study.project.systems:
            calls = [call for system in study.project.systems for call in plan(study, system)]
            counts.append(known.count(stage, calls))
        else:
            n_planned = sum(count(study, size) for size in _sizes(study))
            n_done = min(len(ledger.answered_items(stage)) if ledger else 0, n_planned)
            recorded = sum(r.model.is_recorded for r in study.respondents)
            n_unrecorded = n_planned * recorded // len(study.respondents)
            counts.append(StageCount(stage, n_planned, n_done, 0, at_most=True, n_unrecorded=n_unrecorded))
            like = [call for call in plan(study, _stand_in(study)) if not call.is_recorded]
            known.like_new += [(call, counts[-1].n_new // len(like)) for call in like]
    return counts
