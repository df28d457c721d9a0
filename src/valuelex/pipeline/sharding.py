"""Send one machine's part of a study's calls.

Owns which calls can be sent with the answers that are there: those that depend on none, and those whose own sources are
answered. Computes no results; the ledgers of the shards are merged for that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from valuelex.domain.budget import Budget
from valuelex.domain.call import Call, CallStage, Reply, shard_of
from valuelex.domain.cost import estimate, most_tokens, spend
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Study
from valuelex.errors import CallError, NotApprovedError, StudyError
from valuelex.io import files
from valuelex.io.embed import MiniLM
from valuelex.io.ledger import Ledger
from valuelex.io.send import Sender, check_keys, raise_for_stops
from valuelex.pipeline.asking import models_of
from valuelex.pipeline.embedding import embedding_calls, vectors_of
from valuelex.pipeline.measuring import Embeddings, measure_respondents
from valuelex.pipeline.planning import check_rated, independent_calls, planned_calls
from valuelex.pipeline.probing import probe_payloads, send_probes, settled
from valuelex.pipeline.status import StageCount, Status
from valuelex.pipeline.workspace import Progress, Silent, Workspace
from valuelex.stages.exhibits import excluded_respondents, prepare_exhibits, to_rate
from valuelex.stages.judge_prompt import plan_ratings
from valuelex.stages.naming import plan_names
from valuelex.stages.probe import unsettled
from valuelex.stages.project import read_completions
from valuelex.stages.second_methods import plan_choices, plan_direct

Plan = dict[CallStage, list[Call]]


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `of` parts of the calls; `number` counts from 1."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Shard:
        """Read the form 2/4.

        Raises
        ------
        StudyError
            If the text has another form, or there is no such part.
        """
        number, _, of = text.partition("/")
        if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
            return cls(int(number), int(of))
        msg = f"--shard must be K/N with K from 1 to N, such as 2/4, not {text!r}."
        raise StudyError(msg)

    def holds(self, call: Call) -> bool:
        """Tell whether a call is in this part."""
        return shard_of(call.key, self.of) == self.number - 1


@dataclass(frozen=True, slots=True)
class ShardSent:
    """What a shard has come to.

    `n_own` calls of it could be sent by now, of which `n_new` were still without an answer and were sent.
    `n_elsewhere` calls of other shards have no answer in this ledger. `is_whole` tells that every
    call of the study could be planned, so that no further round is to come.
    """

    n_own: int
    n_new: int
    n_elsewhere: int
    is_whole: bool


def send_shard(
    workspace: Workspace,
    shard: Shard,
    *,
    approve: Callable[[Status], bool] = lambda _: True,
    progress: Progress | None = None,
    budget: Budget | None = None,
) -> ShardSent:
    """Send the calls of one shard that can be sent with the answers that are there.

    Parameters
    ----------
    workspace
        The study and the folder of this shard's ledger.
    shard
        Which part.
    approve
        Asked before probes, where some are needed, and before the first call, with the numbers of this shard's
        calls; False ends it.
    progress
        Shows what is being done.
    budget
        Limits on calls and cost of this time; None for none.

    Raises
    ------
    NotApprovedError
        If `approve` said no; nothing more was sent.
    CallError, BudgetError
        If a model or endpoint could not be called; all answers so far are kept.
    """
    progress = progress or Silent()
    files.open_folder(workspace.folder)
    check_rated(workspace.study)
    with (
        Ledger(workspace.ledger_path) as ledger,
        Sender(models_of(workspace.study), ledger, progress.calls, budget) as sender,
    ):
        round_ = _Round(workspace.study, shard, ledger, sender, approve, budget)
        round_.find_out()
        return round_.send()


class _Round:
    """One time that a shard is sent."""

    def __init__(
        self,
        study: Study,
        shard: Shard,
        ledger: Ledger,
        sender: Sender,
        approve: Callable[[Status], bool],
        budget: Budget | None,
    ) -> None:
        self._study, self._shard, self._ledger, self._sender = study, shard, ledger, sender
        self._approve, self._budget = approve, budget
        self._approved = False
        self._trouble: CallError | None = None
        self._waiting: Collection[str] = ()

    def find_out(self) -> None:
        """Send the probes that the ledger lacks: every shard must know what the requests look like."""
        try:
            send_probes(self._study, self._ledger, self._probe)
        except CallError as error:
            self._trouble = error
        self._waiting = unsettled(self._study, probe_payloads(self._study, self._ledger))

    def _probe(self, probes: Sequence[Call]) -> None:
        self._ask_leave({"probe": list(probes)}, {"probe": list(probes)})
        raise_for_stops([self._sender.send("probe", probes)])

    def send(self) -> ShardSent:
        """Send what is of this shard.

        Raises
        ------
        CallError
            If something could not be found out, once the calls of all others were sent.
        """
        holds = self._shard.holds
        plan, is_whole = sendable_calls(settled(self._study, self._ledger), self._ledger)
        plan = {
            stage: [c for c in calls if not c.is_recorded and c.respondent_id not in self._waiting]
            for stage, calls in plan.items()
        }
        answered = self._ledger.answered()
        own = {stage: [c for c in calls if holds(c)] for stage, calls in plan.items()}
        new = {stage: [c for c in calls if c.key not in answered] for stage, calls in own.items()}
        if any(new.values()):
            self._ask_leave(own, new)
            raise_for_stops([self._sender.send(stage, calls) for stage, calls in new.items() if calls])
        if self._waiting:
            who = min(self._waiting)
            msg = f"What {who!r} can do could not be found out; see valuelex status, and run again."
            raise self._trouble or CallError(msg)
        answered = self._ledger.answered()
        elsewhere = [c for calls in plan.values() for c in calls if not holds(c) and c.key not in answered]
        n_own, n_new = (sum(map(len, part.values())) for part in (own, new))
        return ShardSent(n_own, n_new, len(elsewhere), is_whole)

    def _ask_leave(self, own: Plan, new: Plan) -> None:
        """Ask once; probes come before the number of calls is known for certain."""
        to_send = [c for calls in new.values() for c in calls]
        check_keys(models_of(self._study), {c.provider for c in to_send}, self._ledger.path.parent)
        state = self._count(own, new)
        if self._budget is not None:
            self._budget.check(line.model for line in state.cost.lines)
        if not self._approved and not self._approve(state):
            raise NotApprovedError
        self._approved = "probe" not in new

    def _count(self, own: Plan, new: Plan) -> Status:
        failed = self._ledger.failures()
        counts = tuple(
            StageCount(stage, len(calls), len(calls) - len(new[stage]), sum(c.key in failed for c in calls))
            for stage, calls in own.items()
        )
        to_send = [c for calls in new.values() for c in calls]
        tallies, prices = self._ledger.tallies(), self._study.prices
        n_tokens = sum(most_tokens(c.body).completion_tokens for c in to_send)
        return Status(counts, (), n_tokens, estimate(to_send, prices, tallies), spend(tallies, prices))


def sendable_calls(study: Study, ledger: Ledger) -> tuple[Plan, bool]:
    """Plan every call whose sources are answered; the second value tells whether these are all calls of the study.

    A call that is planned from some of the answers is also planned from all of them: judges are asked about one
    completion at a time. What depends on all answers of a stage waits until they are there: vectors of the terms, the
    built system, and further rounds of an adaptive test. What depends on terms in recorded texts waits for the run.
    Recorded answers that were not imported do not keep anything waiting.
    """
    calls = planned_calls(study)
    plan: Plan = {stage: list(own) for stage, own in independent_calls(study, calls, "report").items()}
    replies = ledger.replies(c.key for own in calls.values() for c in own)
    rated = study.project.adaptive is not None or any(judge.kind == "llm" for judge in study.judges)
    chosen = bool(study.second.choose_draws or study.second.rate_draws) and not study.project.systems
    systems = study.project.systems
    wordless = any(c.key not in replies and not c.is_recorded for c in calls["elicit"])
    plan["embed"] = [] if wordless else list(embedding_calls(study, calls["elicit"], replies))
    # Terms in recorded texts are looked for by the run, which plans what depends on them.
    observes = study.observe is not None
    waits = (wordless or observes) and bool(study.embedding_models)
    needs_groups = study.namer is not None or (study.project.built and (rated or chosen))
    if needs_groups and observes:
        waits = True
    elif needs_groups:
        source: CallStage = "elicit" if study.elicit is not None else "term"
        vectorless = len(ledger.answered(c.key for c in plan["embed"])) < len(plan["embed"])
        waits = vectorless or any(c.key not in replies and not c.is_recorded for c in calls[source])
        if not waits:
            built = _built(study, calls[source], replies, ledger)
            if study.namer is not None:
                plan["name"] = list(plan_names(study.namer, built, study.seed))
            if study.project.built and (rated or chosen):
                systems = (*systems, built)
    if chosen and study.second.choose_draws:
        plan["choose"] = [c for system in systems for c in plan_choices(study, system)]
    if chosen and study.second.rate_draws:
        plan["rate"] = [c for system in systems for c in plan_direct(study, system)]
    plan["judge"] = _ratings(study, systems, [c for c in calls["project"] if c.key in replies], replies)
    waits |= rated and any(c.key not in replies and not c.is_recorded for c in plan["project"])
    if study.project.adaptive is not None and not waits:
        further, waits = _further_round(study, systems, calls["project"], ledger)
        plan["project"] = list({c.key: c for c in (*plan["project"], *further)}.values())
    return plan, not waits


def _ratings(
    study: Study, systems: Sequence[ValueSystem], answered: Sequence[Call], replies: Mapping[str, Reply]
) -> list[Call]:
    """Plan the ratings of the completions that are there."""
    completions = read_completions(answered, replies, study.project.test)
    exhibits = prepare_exhibits(completions, study.project.test)
    return [
        call
        for judge in study.judges
        if judge.kind == "llm"
        for system in systems
        for call in plan_ratings(
            judge,
            system,
            to_rate(exhibits, completions, excluded_respondents(judge, study.respondents)),
            study.manual,
            study.seed,
        )
    ]


def _built(study: Study, calls: Sequence[Call], replies: Mapping[str, Reply], ledger: Ledger) -> ValueSystem:
    """Build the system that every shard builds alike, since all follow from the same answers."""
    from valuelex.pipeline.computing import (
        normalised,
        structure_of,
    )  # Slow to import, and seldom needed to send.
    from valuelex.pipeline.eliciting import rated_system
    from valuelex.stages.build_system import build_system
    from valuelex.stages.elicit import read_responses, truncated_responses

    if study.terms is not None:
        return rated_system(study, calls, replies, MiniLM.load(), vectors_of(ledger))
    read = read_responses(calls, replies, study)
    _, matrix, responses = normalised(study, read, truncated_responses(read, replies))
    structure, _ = structure_of(study, matrix, responses, MiniLM.load(), vectors_of(ledger))
    return build_system(structure.taxonomy, study.name)


class _WaitingError(Exception):
    """A round cannot be gone through, since answers to these calls are to come."""

    def __init__(self, calls: Sequence[Call]) -> None:
        super().__init__()
        self.calls = calls


def _further_round(
    study: Study, systems: Sequence[ValueSystem], calls: Sequence[Call], ledger: Ledger
) -> tuple[Sequence[Call], bool]:
    """Go through the rounds of an adaptive test as far as answers are there.

    Returns
    -------
    calls
        The completions of the round for which answers are to come; none where it waits for ratings.
    waits
        Whether answers are to come.
    """

    def ask(stage: CallStage, wanted: Sequence[Call]) -> Mapping[str, Reply]:
        replies = ledger.replies(c.key for c in wanted)
        if any(c.key not in replies and not c.is_recorded for c in wanted):
            raise _WaitingError(wanted if stage == "project" else ())
        return replies

    try:
        measure_respondents(study, systems, calls, ask, Embeddings(MiniLM.load()))
    except _WaitingError as waiting:
        return waiting.calls, True
    return (), False
