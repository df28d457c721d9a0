"""Gather the replies that a run needs: from the ledger, and from models where sending is allowed.

Owns what is asked before the first call, and that a call is tried once in a run. A respondent that was stopped does
not keep others from being asked; the run ends before anything is computed on answers that are not all there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from valuelex.domain.budget import Budget
from valuelex.domain.call import Call, CallStage, Reply
from valuelex.domain.embedding import Vector
from valuelex.domain.study import Model, Study
from valuelex.errors import CallError, NotApprovedError
from valuelex.io.client import Gathered
from valuelex.io.ledger import Ledger
from valuelex.io.send import Sender, check_keys, raise_for_stops
from valuelex.pipeline.embedding import vectors_of
from valuelex.pipeline.probing import probe_payloads
from valuelex.pipeline.status import Status, count_calls
from valuelex.stages.probe import unsettled


def models_of(study: Study) -> tuple[Model, ...]:
    """Return every model that a study may call: respondents', judges', the namer's, and those that embed its terms."""
    namer = (study.namer.model,) if study.namer is not None else ()
    judges = (j.model for j in study.judges if j.model is not None)
    return (*(r.model for r in study.respondents), *judges, *namer, *study.embedding_models)


class Asker:
    """Gathers replies for one run of a study.

    Parameters
    ----------
    study
        The study.
    calls
        Its calls that depend on no answer, by stage.
    ledger
        Open for writing.
    sender
        None where nothing is to be sent; what the ledger has not answered is then missing.
    approve
        Asked once, before the first call; False ends the run.
    budget
        What may be spent; None for no limit.
    """

    def __init__(
        self,
        study: Study,
        calls: Mapping[CallStage, tuple[Call, ...]],
        ledger: Ledger,
        sender: Sender | None,
        approve: Callable[[Status], bool],
        budget: Budget | None = None,
    ) -> None:
        self._study, self._calls, self._ledger = study, calls, ledger
        self._sender, self._approve, self._budget = sender, approve, budget
        self._tried: set[str] = set()
        self._allowed = 0
        self._allows_vectors = False
        self.is_complete = True
        """Whether every call that can be sent, of those asked for, has a reply."""

    def replan(self, calls: Mapping[CallStage, tuple[Call, ...]]) -> None:
        """Count other calls from now on: probes have told what the requests must look like."""
        self._calls = calls

    @property
    def n_sent(self) -> int:
        """Calls that were sent so far, or tried."""
        return len(self._tried)

    def __call__(self, stage: CallStage, calls: Sequence[Call]) -> Mapping[str, Reply]:
        """Return the replies to calls, by key; those without one are left out.

        Raises
        ------
        NotApprovedError
            If `approve` said no; nothing was sent.
        CallError, BudgetError
            If sending ended early; all answers so far are kept.
        """
        self.ahead({stage: calls})
        replies = self._ledger.replies(c.key for c in calls)
        self.is_complete &= all(c.key in replies or c.is_recorded for c in calls)
        return replies

    def vectors(self, calls: Sequence[Call]) -> tuple[Mapping[str, Vector], Mapping[str, str]]:
        """Return the vectors of terms by key of the call, and why calls without one failed at the last try.

        An endpoint that gives none does not end the run: the value system can be built from the lists alone.

        Raises
        ------
        NotApprovedError, BudgetError
            As `__call__`.
        """
        outcomes, _ = self._send({"embed": calls})
        raise_for_stops([replace(o, stops={}) for o in outcomes], any_answered=True)
        found, failures = vectors_of(self._ledger)(calls)
        self.is_complete &= all(c.key in found for c in calls)
        return found, failures

    def names(self, calls: Sequence[Call]) -> tuple[Mapping[str, Reply], str]:
        """Return the namer's replies by key of the call, and why those that are missing failed at the last try.

        A namer that answers nothing does not end the run: names are labels, and no figure waits for them. Where it
        could not be found out what it can do, it is not asked, and the reason is that of its probes.

        Raises
        ------
        NotApprovedError, BudgetError
            As `__call__`.
        CallError
            If the namer needs an API key that is not there.
        """
        probes = unsettled(self._study, probe_payloads(self._study, self._ledger))
        open_ = [key for call in calls for key in probes.get(call.respondent_id, ())]
        if not open_:
            outcomes, _ = self._send({"name": calls})
            raise_for_stops([replace(o, stops={}) for o in outcomes], any_answered=True)
        elif self._sender is not None and self._study.namer is not None:
            check_keys([self._study.namer.model], folder=self._ledger.path.parent)
        replies = self._ledger.replies(c.key for c in calls)
        lacking = [c.key for c in calls if c.key not in replies]
        self.is_complete &= not lacking
        failures = self._ledger.failures() if lacking else {}
        return replies, next((failures[key] for key in (*lacking, *open_) if key in failures), "")

    def ahead(self, wanted: Mapping[CallStage, Sequence[Call]]) -> None:
        """Send the calls of several stages that do not depend on one another, before one of them is read.

        Raises
        ------
        NotApprovedError, CallError, BudgetError
            As `__call__`, once all that can be sent was sent.
        """
        outcomes, judging = self._send(wanted)
        raise_for_stops(outcomes, any_answered=any(self._ledger.n_answered(stage) for stage in wanted))
        self._check_judges(judging)

    def _send(self, wanted: Mapping[CallStage, Sequence[Call]]) -> tuple[list[Gathered], dict[str, str]]:
        """Send what is new; return what became of it, and a key of each judge that was sent some."""
        outcomes: list[Gathered] = []
        judging: dict[str, str] = {}
        for stage, calls in wanted.items():
            new = self._new(calls)
            if new and self._sender is not None and not any(o.over_budget for o in outcomes):
                if stage == "embed" and self._allows_vectors:
                    self._allowed = max(self._allowed, self.n_sent) + len(new)
                elif self.n_sent + len(new) > self._allowed:
                    self._ask_leave(new)
                self._tried |= {call.key for call in new}
                outcomes.append(self._sender.send(stage, new))
                judging |= {call.respondent_id: call.key for call in new if stage == "judge"}
        return outcomes, judging

    def _check_judges(self, judging: Mapping[str, str]) -> None:
        """End the run where a judge has not answered a single call; `judging` is a key of each that was sent some.

        One text that a judge refuses says nothing of the next, so it is asked about all before.
        """
        silent = [who for who in judging if not self._ledger.has_answered(who)]
        if silent:
            said = self._ledger.failures().get(judging[silent[0]], "see valuelex status")
            msg = f"Judge {silent[0]!r} answered none of its calls: {said.rstrip('.')}. The answers of others are kept."
            raise CallError(msg)

    def _new(self, calls: Sequence[Call]) -> list[Call]:
        """Return calls that can be sent, that nobody has answered and this run has not tried."""
        answered = self._ledger.answered()
        left = (c for c in calls if c.key not in answered and c.key not in self._tried and not c.is_recorded)
        return list({c.key: c for c in left}.values())

    def _ask_leave(self, new: Sequence[Call]) -> None:
        state = count_calls(self._study, self._calls, self._ledger, new)
        wanted = {c.stage for c in state.counts if c.n_new or c.open_ended} | {c.stage for c in new}
        judged = {j.model.endpoint.provider for j in self._study.judges if j.model and "judge" in wanted}
        of_respondents = wanted - {"judge", "name", "embed"}
        asked = {r.model.endpoint.provider for r in self._study.respondents if of_respondents}
        namer = self._study.namer
        named = {namer.model.endpoint.provider} if namer is not None and "name" in wanted else set()
        embedding = {m.endpoint.provider for m in self._study.embedding_models if "embed" in wanted}
        check_keys(models_of(self._study), judged | asked | named | embedding, self._ledger.path.parent)
        if self._budget is not None:
            self._budget.check(line.model for line in state.cost.lines)
        if not self._approve(state):
            raise NotApprovedError
        self._allowed = self.n_sent + max(state.n_new, len(new))
        self._allows_vectors = any(c.open_ended for c in state.counts)
