"""Join the stages and the effects: from a study to its report.

The only module that knows both. Each stage that needs a model is two pure functions around one effect:
plan the calls, gather the replies, read them. All numbers are computed from the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from valuelex import __version__
from valuelex.domain.call import Call, Missing
from valuelex.domain.lexicon import Response
from valuelex.domain.measure import Completion, RatingArray
from valuelex.domain.results import Found, Results
from valuelex.domain.structure import BUILT, ValueSystem
from valuelex.domain.study import Study
from valuelex.errors import DataError, NotApprovedError, StudyError
from valuelex.io import assets, files
from valuelex.io.embed import MiniLM
from valuelex.io.ledger import Ledger
from valuelex.io.send import check_keys, send_calls
from valuelex.io.study_file import read_study
from valuelex.report.html import render
from valuelex.stages.caveats import caveats, resampling_units
from valuelex.stages.compare import contrast
from valuelex.stages.construct import build_system, construct
from valuelex.stages.elicit import plan_elicitation, read_responses, truncated_responses
from valuelex.stages.families import WordRules
from valuelex.stages.judge import anchor_sentences, judge_by_axis, sentences
from valuelex.stages.normalise import normalise
from valuelex.stages.project import plan_completions, read_completions
from valuelex.stages.score import orient

Stage = Literal["elicit", "construct", "project", "report"]
STAGES: tuple[Stage, ...] = ("elicit", "construct", "project", "report")


class Progress(Protocol):
    """Shows what is being done. Given by the command line; silent elsewhere."""

    def calls(self, title: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Show a bar for calls; the function is told how many have just ended."""

    def step(self, title: str) -> None:
        """Say which computation begins."""


class Silent:
    """Progress that shows nothing."""

    def calls(self, title: str, total: int) -> AbstractContextManager[Callable[[int], None]]:  # noqa: ARG002
        """Show nothing."""
        return nullcontext(lambda _: None)

    def step(self, title: str) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A resolved study and the folder of its ledger and results."""

    study: Study
    folder: Path

    @property
    def ledger_path(self) -> Path:
        """Where the ledger is."""
        return self.folder / "ledger.db"


@dataclass(frozen=True, slots=True)
class StageCount:
    """Calls of one stage: planned, answered in the ledger, failed at the last try."""

    stage: str
    n_planned: int
    n_answered: int
    n_failed: int

    @property
    def n_new(self) -> int:
        """Calls that a run would send."""
        return self.n_planned - self.n_answered


@dataclass(frozen=True, slots=True)
class Status:
    """Where a study stands, and the messages of failed calls with how often each came."""

    counts: tuple[StageCount, ...]
    failures: Mapping[str, int]
    max_new_tokens: int

    @property
    def n_new(self) -> int:
        """Calls that a run would send."""
        return sum(c.n_new for c in self.counts)


def open_study(path: Path, folder: Path | None = None) -> Workspace:
    """Read a study file and choose its folder.

    Parameters
    ----------
    path
        The study file, or a folder that holds ``study.toml``.
    folder
        Where ledger and results go. By default the folder of ``study.toml``, and for a file of any other
        name the folder of that name beside it.
    """
    if path.is_dir():
        path = path / "study.toml"
    default = path.parent if path.name == "study.toml" else path.with_suffix("")
    return Workspace(read_study(path), folder or default)


def planned_calls(study: Study) -> dict[str, tuple[Call, ...]]:
    """Plan all calls of a study, by stage.

    Raises
    ------
    StudyError
        If two respondents would send the same calls, which would count one answer twice.
    """
    calls = {"elicit": plan_elicitation(study), "project": plan_completions(study)}
    seen: dict[str, Call] = {}
    for call in (c for stage in calls.values() for c in stage):
        other = seen.setdefault(call.key, call)
        if other is not call:
            msg = (
                f"{call.respondent_id!r} ({call.item_id}) and {other.respondent_id!r} ({other.item_id}) would send "
                "the same call; one answer cannot count twice, so make them differ or drop one."
            )
            raise StudyError(msg)
    return calls


def status(workspace: Workspace) -> Status:
    """Count what is planned, answered, failed and left. Sends nothing and takes no lock."""
    calls = planned_calls(workspace.study)
    answered: frozenset[str] = frozenset()
    failed: dict[str, str] = {}
    if workspace.ledger_path.exists() and workspace.ledger_path.stat().st_size:
        with Ledger(workspace.ledger_path, read_only=True) as ledger:
            answered, failed = ledger.answered(), ledger.failures()
    return _status(workspace.study, calls, answered, failed)


def _status(
    study: Study, calls: Mapping[str, Sequence[Call]], answered: frozenset[str], failed: Mapping[str, str]
) -> Status:
    counts = tuple(
        StageCount(
            stage,
            len(own),
            sum(c.key in answered for c in own),
            sum(c.key in failed for c in own),
        )
        for stage, own in calls.items()
    )
    messages = Counter(failed[c.key] for own in calls.values() for c in own if c.key in failed)
    limits = {"elicit": study.elicit.max_tokens if study.elicit else 0, "project": study.project.max_tokens}
    return Status(counts, dict(messages.most_common()), sum(c.n_new * limits[c.stage] for c in counts))


def run(
    workspace: Workspace,
    *,
    until: Stage = "report",
    send: bool = True,
    approve: Callable[[Status], bool] = lambda _: True,
    progress: Progress | None = None,
) -> Results | None:
    """Carry a study from its design to its report.

    Parameters
    ----------
    workspace
        The study and its folder, which is locked meanwhile.
    until
        The last stage to carry out.
    send
        False computes everything from the ledger as it is; calls without an answer then count
        as missing (CALL_FAILED).
    approve
        Asked before anything is sent, with the numbers of new calls; False ends the run.
    progress
        Shows what is being done.

    Returns
    -------
    Results or None
        None when the run ended before the report.

    Raises
    ------
    NotApprovedError
        If `approve` said no; nothing was sent.
    CallError
        If a model or endpoint could not be called; all answers so far are kept.
    DataError
        If the answers are too few or too poor for a stage.
    """
    progress = progress or Silent()
    with files.locked(workspace.folder), Ledger(workspace.ledger_path) as ledger:
        calls = planned_calls(workspace.study)
        if until in ("elicit", "construct"):
            calls = {"elicit": calls["elicit"]}
        embedder = None if until == "elicit" else MiniLM.load()  # Before anything is paid for.
        if send:
            answered = ledger.answered()
            new = {stage: [c for c in own if c.key not in answered] for stage, own in calls.items()}
            if any(new.values()):
                check_keys(workspace.study, {c.provider for own in new.values() for c in own})
                if not approve(_status(workspace.study, calls, answered, ledger.failures())):
                    raise NotApprovedError
                send_calls(workspace.study, new, ledger, progress.calls)
            else:
                progress.step(
                    f"Nothing to send, all {sum(map(len, calls.values()))} answers are in the ledger"
                )
        files.write_study(workspace.folder, workspace.study)
        return _compute(workspace, calls, ledger, embedder, progress, until)


def _compute(
    workspace: Workspace,
    calls: Mapping[str, Sequence[Call]],
    ledger: Ledger,
    embedder: MiniLM | None,
    progress: Progress,
    until: Stage,
) -> Results | None:
    study, folder = workspace.study, workspace.folder
    replies = ledger.replies(c.key for own in calls.values() for c in own)
    responses = read_responses(calls["elicit"], replies, study)
    if embedder is None:
        files.write_responses(folder, responses)
        return None
    found: Found | None = None
    if study.elicit is not None:
        progress.step("Building the value system")
        found = _construct(workspace, responses, truncated_responses(responses, replies), embedder)
    if until == "construct":
        return None
    completions = read_completions(calls["project"], replies, study.project.test)
    files.write_completions(folder, completions)
    _require_some("completions", [c.missing for c in completions], folder / "completions.parquet")
    if until == "project":
        return None
    progress.step("Rating completions")
    systems = study.project.systems + ((found.system,) if found and study.project.built else ())
    ratings = _judge(completions, systems, study, embedder)
    progress.step("Estimating orientations and contrasts")
    results = _conclude(study, found, systems, completions, ratings)
    progress.step("Writing the report")
    files.write_systems(folder, _all_systems(results), found.taxonomy if found else None)
    files.write_ratings(folder, ratings)
    files.write_orientations(folder, results.orientations)
    files.write_contrasts(folder, results.contrasts)
    files.write_report(folder, render(results))
    return results


def _construct(
    workspace: Workspace, responses: Sequence[Response], truncated: frozenset[str], embedder: MiniLM
) -> Found:
    study, folder = workspace.study, workspace.folder
    if study.normalise is None or study.construct is None:
        msg = "The study elicits words but has no plan to normalise and construct."
        raise StudyError(msg)
    rules = WordRules.from_tables(**assets.load_word_tables())
    lexicon, matrix, responses = normalise(responses, rules, study.normalise, truncated)
    files.write_responses(folder, responses)
    files.write_lexicon(folder, lexicon)
    files.write_matrix(folder, matrix)
    _require_some("responses", [r.missing for r in responses], folder / "responses.parquet")
    unit_of, resampled = resampling_units(study)
    family_of = {r.id: r.family for r in study.respondents}
    several = len(set(family_of.values())) > 1
    taxonomy = construct(
        matrix,
        [unit_of[respondent_id] for respondent_id in matrix.respondent_ids],
        embedder.embed(matrix.terms),
        study.construct,
        _rng(study, "construct"),
        fold_units=[family_of[i] if several else i for i in matrix.respondent_ids],
        resampled=resampled,
    )
    return Found(tuple(responses), lexicon, matrix, taxonomy, build_system(taxonomy, study.name))


def _judge(
    completions: tuple[Completion, ...], systems: Sequence[ValueSystem], study: Study, embedder: MiniLM
) -> tuple[RatingArray, ...]:
    vectors = embedder.embed(sentences(completions, study.project.test))
    return tuple(
        judge_by_axis(
            completions,
            system,
            vectors,
            embedder.embed(anchor_sentences(system)),
            judge=f"{kind}:{embedder.name}",
        )
        for kind in study.judges
        for system in systems
    )


def _conclude(
    study: Study,
    found: Found | None,
    systems: tuple[ValueSystem, ...],
    completions: tuple[Completion, ...],
    ratings: tuple[RatingArray, ...],
) -> Results:
    by_name = {system.name: system for system in systems}
    respondent_ids = [r.id for r in study.respondents]
    stem_ids = [s.id for s in study.project.test.stems]
    rng = _rng(study, "score")
    orientations = tuple(
        o
        for array in ratings
        for o in orient(array, by_name[array.system], respondent_ids, stem_ids, study.compare.resamples, rng)
    )
    rng = _rng(study, "compare")
    contrasts = tuple(
        c
        for array in ratings
        for factor in study.compare.factors
        for c in contrast(
            array,
            by_name[array.system],
            study.respondents,
            stem_ids,
            factor,
            study.compare.resamples,
            rng,
        )
    )
    warnings = caveats(study, found, list(by_name), completions)
    return Results(
        study=study,
        found=found,
        systems=systems,
        completions=completions,
        ratings=ratings,
        orientations=orientations,
        contrasts=contrasts,
        warnings=warnings,
        version=__version__,
    )


def _all_systems(results: Results) -> tuple[ValueSystem, ...]:
    """List the measured systems, and the built one also when nobody was measured on it."""
    measured = results.systems
    if results.found is not None and BUILT not in {s.name for s in measured}:
        return (*measured, results.found.system)
    return measured


def _require_some(what: str, missing: Sequence[Missing | None], file: Path) -> None:
    """Stop where every answer is missing: no statistic can be made of nothing."""
    if missing and all(reason is not None for reason in missing):
        if set(missing) == {Missing.CALL_FAILED}:
            msg = f"None of the {len(missing)} {what} has been answered yet; run the study first."
            raise DataError(msg)
        reasons = Counter(str(reason) for reason in missing).most_common()
        counted = ", ".join(f"{n} {reason}" for reason, n in reasons)
        msg = f"None of the {len(missing)} {what} could be used ({counted}); read them in {str(file)!r}."
        raise DataError(msg)


def _rng(study: Study, stage: str) -> np.random.Generator:
    """Return the random numbers of a stage; stages do not share them, so one cannot shift another."""
    return np.random.default_rng([study.seed, *stage.encode()])
