"""Give the projective test: rounds of stems, completions, judges, until everybody has been asked enough.

Joins the stages of the test with the answers of models. All numbers follow from the ledger, so a run that was
interrupted, or is computed again, goes through the same rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from valuelex.domain.call import Call, CallStage, Reply
from valuelex.domain.measure import Completion, Note, RatingArray, Saving
from valuelex.domain.results import leading
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import JudgePlan, Study
from valuelex.errors import DataError
from valuelex.io.embed import WIDTH, MiniLM
from valuelex.io.rated import read_rated
from valuelex.pipeline.planning import stem_of
from valuelex.stages.adaptive import count_saving, still_open
from valuelex.stages.exhibits import (
    Exhibits,
    excluded_respondents,
    prepare_exhibits,
    rating_array,
    sentence,
    to_rate,
)
from valuelex.stages.judge_answer import average_notes, read_ratings
from valuelex.stages.judge_axis import anchor_sentences, rate_by_axis
from valuelex.stages.judge_prompt import plan_ratings
from valuelex.stages.project import read_completions
from valuelex.stages.severity import panel_members, remove_severity

Ask = Callable[[CallStage, Sequence[Call]], Mapping[str, Reply]]
"""Gathers the replies to calls, sending those that the ledger has not answered where that is allowed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Completions, the ratings of every judge on every system, and their grounds."""

    completions: tuple[Completion, ...]
    ratings: tuple[RatingArray, ...]
    notes: tuple[Note, ...]
    exhibit_of: Mapping[str, str]
    saving: Saving | None


class Embeddings:
    """Vectors of texts, each computed once."""

    def __init__(self, model: MiniLM) -> None:
        self._model = model
        self._known: dict[str, np.ndarray] = {}
        self.name = model.name

    def of(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n_texts, d) unit vectors."""
        if not texts:
            return np.zeros((0, WIDTH))
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known |= dict(zip(new, self._model.embed(new), strict=True))
        return np.array([self._known[text] for text in texts]).reshape(len(texts), -1)


def measure_respondents(
    study: Study, systems: Sequence[ValueSystem], calls: Sequence[Call], ask: Ask, embeddings: Embeddings
) -> Measured:
    """Ask, rate, and ask on where intervals are wider than the study wants.

    Parameters
    ----------
    study
        The study; without `[project] stop_width` there is one round with every stem.
    systems
        What to rate on.
    calls
        As planned by `plan_completions`.
    ask
        Gathers replies.
    embeddings
        For the axis judge.
    """
    adaptive = study.project.adaptive
    limits = {r.id: study.project.first_stems for r in study.respondents}
    position = {s.id: i for i, s in enumerate(study.project.test.stems)}
    while True:
        chosen = [c for c in calls if position[stem_of(c)] < limits[c.respondent_id]]
        replies = ask("project", chosen)
        completions = read_completions(chosen, replies, study.project.test)
        ratings, notes = rate(study, systems, completions, ask, embeddings)
        # Who lost a call of this round goes on when it is answered, and not before; what was not recorded never is.
        waiting = {c.respondent_id for c in chosen if c.key not in replies and not c.is_recorded}
        unfinished = still_open(study, systems, leading(ratings), limits) - waiting
        if adaptive is None or not unfinished:
            saving = count_saving(study, limits) if adaptive is not None else None
            return Measured(completions, ratings, notes, _exhibit_of(completions, study), saving)
        limits |= {name: min(limits[name] + adaptive.step, len(position)) for name in unfinished}


def _exhibit_of(completions: Sequence[Completion], study: Study) -> dict[str, str]:
    """Name the exhibit that judges saw of each completion."""
    exhibits = prepare_exhibits(completions, study.project.test)
    return {
        c.id: exhibits.items[p].id
        for c, p in zip(completions, exhibits.position.tolist(), strict=True)
        if p >= 0
    }


def rate(
    study: Study,
    systems: Sequence[ValueSystem],
    completions: tuple[Completion, ...],
    ask: Ask,
    embeddings: Embeddings,
) -> tuple[tuple[RatingArray, ...], tuple[Note, ...]]:
    """Let every judge rate completions on every system; judges that share enough make a panel besides."""
    exhibits = prepare_exhibits(completions, study.project.test)
    arrays: list[RatingArray] = []
    notes: list[Note] = []
    for system in systems:
        own: list[RatingArray] = []
        for judge in study.judges:
            excluded = excluded_respondents(judge, study.respondents)
            if judge.kind == "axis":
                vectors = embeddings.of([sentence(e) for e in exhibits.items])
                values = rate_by_axis(system, vectors, embeddings.of(anchor_sentences(system)))
                missing = np.full(values.shape, -1, dtype=np.int8)
            else:
                found = _notes(study, judge, system, exhibits, completions, ask)
                values, missing = average_notes(found, system, exhibits.items)
                notes += found
            own.append(rating_array(judge.id, system, values, missing, exhibits, completions, excluded))
        arrays += _with_panel(own)
    return tuple(arrays), tuple(notes)


def _with_panel(own: Sequence[RatingArray]) -> list[RatingArray]:
    """Add the panel where two judges or more can make one; else the fullest judge comes last, which leads."""
    members = panel_members(own)
    if len(members) > 1:
        return [*own, remove_severity(members)]
    return sorted(own, key=lambda array: array.judge == members[0].judge)


def _notes(
    study: Study,
    judge: JudgePlan,
    system: ValueSystem,
    exhibits: Exhibits,
    completions: Sequence[Completion],
    ask: Ask,
) -> tuple[Note, ...]:
    if judge.kind == "people":
        shown = {e.id for e in exhibits.items}
        found = [n for path in judge.ratings for n in read_rated(Path(path), judge.id, system)]
        fitting = tuple(n for n in found if n.exhibit_id in shown)
        if found and not fitting:
            msg = (
                f"None of the {len(found)} ratings of {judge.id!r} on {system.name!r} is of a completion of this study "
                f"(first file: {judge.ratings[0]!r}); name the file that valuelex rate wrote for it."
            )
            raise DataError(msg)
        return fitting
    items = to_rate(exhibits, completions, excluded_respondents(judge, study.respondents))
    calls = plan_ratings(judge, system, items, study.manual, study.seed)
    return read_ratings(judge, system, items, calls, ask("judge", calls))
