"""Compute the results of a study from the answers to its calls, and write them.

Owns the order of the stages after elicitation. All numbers follow from the ledger, the study and its seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from valuelex import __version__
from valuelex.domain.call import Call, CallStage, Missing
from valuelex.domain.evidence import Sensitivity, Structure
from valuelex.domain.human_control import HumanControl
from valuelex.domain.lexicon import Lexicon, Response, ResponseMatrix
from valuelex.domain.measure import PANEL, REASONS, Completion, Orientation, RatingArray
from valuelex.domain.observed import ObservedText
from valuelex.domain.rated_terms import RatedTerms
from valuelex.domain.results import Found, Results, leading
from valuelex.domain.second import SecondMethods
from valuelex.domain.sources import Sources
from valuelex.domain.structure import BUILT, ValueSystem
from valuelex.domain.study import Study
from valuelex.domain.wording import tally
from valuelex.errors import DataError, StudyError
from valuelex.io import assets, files
from valuelex.io.crosswalk_file import write_crosswalks
from valuelex.io.embed import MiniLM
from valuelex.io.matrix_file import write_matrix
from valuelex.io.sentiment import sentiment
from valuelex.pipeline.asking import Asker
from valuelex.pipeline.crossing import cross_built
from valuelex.pipeline.eliciting import answers_as_human, compare_with_human, rate_terms, with_structure
from valuelex.pipeline.embedding import AskVectors, term_vectors
from valuelex.pipeline.measuring import Ask, Embeddings, Measured, measure_respondents
from valuelex.pipeline.naming import name_groups
from valuelex.pipeline.observing import Recorded, Seen, observe
from valuelex.pipeline.planning import Stage, first_round
from valuelex.pipeline.structuring import with_factors, with_further_routes
from valuelex.pipeline.workspace import Progress, Workspace, stage_rng
from valuelex.report.html import render
from valuelex.stages.build_system import build_system
from valuelex.stages.caveats import caveats, nobody_measured
from valuelex.stages.compare import contrast
from valuelex.stages.confounds import log_lengths, remove_confounds
from valuelex.stages.construct import construct
from valuelex.stages.elicit import read_responses, truncated_responses
from valuelex.stages.families import WordRules
from valuelex.stages.normalise import normalise
from valuelex.stages.observed_structure import topics_first
from valuelex.stages.other_embeddings import notes_on_embeddings, with_embeddings_told
from valuelex.stages.project import read_completions
from valuelex.stages.quality import measure_quality
from valuelex.stages.score import orient
from valuelex.stages.second_methods import plan_choices, plan_direct, read_choices, read_direct
from valuelex.stages.second_scores import second_results
from valuelex.stages.sensitivity import not_merged
from valuelex.stages.verdict import verdict


def compute(
    workspace: Workspace,
    calls: Mapping[CallStage, tuple[Call, ...]],
    ask: Asker,
    embedder: MiniLM | None,
    progress: Progress,
    until: Stage,
    recorded: Recorded,
) -> Results | None:
    """Carry a study from its answers to the results of the stage `until`, and write them.

    Parameters
    ----------
    workspace
        The study and its folder.
    calls
        The calls that depend on no answer, by stage.
    ask
        Gathers replies, and vectors of terms.
    embedder
        None where only the responses are wanted.
    progress
        Told which computation begins.
    until
        The last stage.
    recorded
        Reads the recorded texts, where the study looks for terms in them.

    Returns
    -------
    Results or None
        None when `until` is not the report.

    Raises
    ------
    DataError
        If the answers are too few or too poor for a stage.
    """
    study, folder = workspace.study, workspace.folder
    replies = ask("elicit", calls["elicit"])
    responses = read_responses(calls["elicit"], replies, study)
    rated = rate_terms(workspace, calls, ask)
    human = answers_as_human(workspace, calls, ask, None if embedder is None else normalised)
    seen = observe(workspace, recorded, progress, structure=embedder is not None)
    if embedder is None:
        if study.elicit is not None:
            files.write_responses(folder, responses)
        return None
    if rated is not None:
        _require_some("ratings of terms", rated.matrix.answers, folder / "term_ratings.parquet")
        progress.step("Building the value system")
        rated = with_structure(study, rated, embedder, ask.vectors, progress.tell)
        if rated.structure is not None:
            files.write_structure(folder, rated.structure)
            rated = with_factors(study, rated, folder)
    found: Found | None = None
    control: HumanControl | None = None
    if seen is not None and not seen.observed.why_none:
        progress.step("Building the value system")
        found = _construct_observed(workspace, seen, embedder, ask, progress)
    if study.elicit is not None:
        progress.step("Building the value system")
        truncated = truncated_responses(responses, replies)
        found = _construct(workspace, responses, truncated, embedder, ask, progress)
        if human is not None:
            control = compare_with_human(study, found, human)
            files.write_human_control(folder, control)
    unmeasured = "" if until == "construct" else _why_unmeasured(study, calls["project"], ask)
    if unmeasured:
        progress.tell(unmeasured)
        study = replace(study, measures=False)
    if until == "construct" or (until == "project" and not study.measures):
        _tell_conclusion(found, rated, seen, progress)
        return None
    if until == "project":
        first = first_round(study, calls["project"])
        completions = read_completions(first, ask("project", first), study.project.test)
        files.write_completions(folder, completions)
        _require_some("completions", [c.missing for c in completions], folder / "completions.parquet")
        return None
    if study.measures:
        own = found.system if found else rated.system if rated else None
        results = _measure(workspace, calls["project"], found, own, ask, embedder, progress)
    else:
        files.remove_measurement(folder)
        results = _measure_nobody(study, found, unmeasured)
    results = replace(results, rated=rated, control=control, observed=seen.observed if seen else None)
    results = _held_against_known(workspace, results, embedder, progress)
    progress.step("Writing the report")
    naming, own = (found.naming, found.shown) if found else (None, results.built)
    files.write_systems(folder, _all_systems(workspace.study, own), results.taxonomy, naming)
    if results.completions:
        files.write_ratings(folder, results.ratings)
        files.write_notes(folder, results.notes)
        files.write_orientations(folder, results.orientations)
        files.write_contrasts(folder, results.contrasts)
        files.write_quality(folder, results)
    files.write_report(folder, render(results))
    return results


def _why_unmeasured(study: Study, calls: Sequence[Call], ask: Ask) -> str:
    """Say why nobody can be measured in a study that has more than completions; empty where somebody may be.

    Only where all completions are recorded, so that no run could bring others.
    """
    has_more = study.elicit is not None or study.terms is not None or study.observe is not None
    if not (has_more and calls and all(c.is_recorded for c in calls)):
        return ""
    completions = read_completions(calls, ask("project", calls), study.project.test)
    return nobody_measured([c.missing for c in completions])


def _tell_conclusion(
    found: Found | None, rated: RatedTerms | None, seen: Seen | None, progress: Progress
) -> None:
    """Say what a value system comes to, where no report does."""
    if seen is not None:
        for sentence in seen.observed.verdict or (seen.observed.why_none,):
            progress.tell(sentence)
    elif found is not None:
        progress.tell(found.structure.verdict[0])
    elif rated is not None:
        progress.tell(rated.structure.verdict[0] if rated.structure is not None else rated.reason)


def _held_against_known(
    workspace: Workspace, results: Results, embedder: MiniLM, progress: Progress
) -> Results:
    """Hold the system that was built, if any, against known ones, and write what came of it."""
    if results.built is None or results.structure is None:
        return results
    progress.step("Holding the value system against known ones")
    walks = cross_built(workspace.study, results.built, results.structure, embedder)
    write_crosswalks(workspace.folder, walks)
    return replace(results, crosswalks=walks)


def _measure(
    workspace: Workspace,
    calls: Sequence[Call],
    found: Found | None,
    own: ValueSystem | None,
    ask: Ask,
    embedder: MiniLM,
    progress: Progress,
) -> Results:
    """Measure respondents on the systems that the study names; `own` is the one that was built."""
    study, folder = workspace.study, workspace.folder
    systems = study.project.systems + ((own,) if own and study.project.built else ())
    progress.step("Measuring respondents")
    measured = measure_respondents(study, systems, calls, ask, Embeddings(embedder))
    files.write_completions(folder, measured.completions)
    _require_some("completions", [c.missing for c in measured.completions], folder / "completions.parquet")
    _require_ratings(measured, folder)
    progress.step("Estimating orientations, contrasts and their quality")
    return _conclude(study, found, systems, measured, ask)


def _measure_nobody(study: Study, found: Found | None, why: str) -> Results:
    """Return the results of a study in which nobody was measured, and why, if its file wants it."""
    return Results(
        study=study,
        found=found,
        systems=(),
        completions=(),
        ratings=(),
        orientations=(),
        contrasts=(),
        warnings=(*([why] if why else ()), *caveats(study, found, ())),
        version=__version__,
    )


def _construct(
    workspace: Workspace,
    responses: Sequence[Response],
    truncated: frozenset[str],
    embedder: MiniLM,
    ask: Asker,
    progress: Progress,
) -> Found:
    study, folder = workspace.study, workspace.folder
    lexicon, matrix, responses = normalised(study, responses, truncated)
    files.write_responses(folder, responses)
    files.write_lexicon(folder, lexicon)
    write_matrix(folder, matrix)
    _require_some("responses", [r.missing for r in responses], folder / "responses.parquet")
    structure, vectors = structure_of(study, matrix, responses, embedder, ask.vectors, progress.tell)
    further = _not_merged(study, structure, responses, truncated, embedder)
    structure = replace(structure, sensitivities=(*structure.sensitivities, *further))
    system = build_system(structure.taxonomy, study.name)
    found = Found(tuple(responses), lexicon, matrix, structure, system)
    return _completed(workspace, found, responses, vectors, embedder, ask, progress)


def _not_merged(
    study: Study,
    structure: Structure,
    responses: Sequence[Response],
    truncated: frozenset[str],
    embedder: MiniLM,
) -> tuple[Sensitivity, ...]:
    """See whether the groups stay where words of one family are not merged, if the shipped embeddings can tell."""
    if study.normalise is None or study.construct is None or not structure.splits:
        return ()
    shipped = all(plan.model is None for plan in study.construct.embeddings[:1])
    if structure.taxonomy.weights["embeddings"] and not shipped:
        return ()
    rules = WordRules.from_tables(**assets.load_word_tables())
    apart = replace(rules, families={form: form for form in rules.families})
    _, matrix, _ = normalise(responses, apart, study.normalise, truncated)
    vectors = embedder.embed(matrix.terms) if structure.taxonomy.weights["embeddings"] else None
    sources = _sources(study, matrix, responses)
    return not_merged(structure.taxonomy, matrix, sources, vectors, rules.families)


def _construct_observed(
    workspace: Workspace, seen: Seen, embedder: MiniLM, ask: Asker, progress: Progress
) -> Found:
    """Build the system of the terms that recorded texts hold."""
    study, texts = workspace.study, seen.observed.texts
    structure, vectors = structure_of(study, seen.matrix, texts, embedder, ask.vectors, progress.tell)
    structure = replace(structure, verdict=topics_first(verdict(structure, "texts"), seen.observed.topic))
    found = Found((), seen.lexicon, seen.matrix, structure, build_system(structure.taxonomy, study.name))
    return _completed(workspace, found, texts, vectors, embedder, ask, progress)


def _completed(
    workspace: Workspace,
    found: Found,
    responses: Sequence[Response | ObservedText],
    vectors: NDArray[np.float64] | None,
    embedder: MiniLM,
    ask: Asker,
    progress: Progress,
) -> Found:
    """Name the groups that were found and look at them by further routes; write all of it."""
    study, folder = workspace.study, workspace.folder
    files.write_structure(folder, found.structure)
    naming = name_groups(study, found.system, ask.names, embedder, progress)
    found = replace(found, naming=naming)
    if naming is not None:
        files.write_names(folder, naming)
    files.write_systems(folder, _all_systems(study, found.shown), found.taxonomy, naming)
    return with_further_routes(study, found, _sources(study, found.matrix, responses), vectors, folder)


def normalised(
    study: Study, responses: Sequence[Response], truncated: frozenset[str]
) -> tuple[Lexicon, ResponseMatrix, Sequence[Response]]:
    """Turn the responses of a study into terms, by its plan and the shipped word tables."""
    if study.normalise is None or study.construct is None:
        msg = "The study elicits words but has no plan to normalise and construct."
        raise StudyError(msg)
    rules = WordRules.from_tables(**assets.load_word_tables())
    return normalise(responses, rules, study.normalise, truncated)


def structure_of(
    study: Study,
    matrix: ResponseMatrix,
    responses: Sequence[Response | ObservedText],
    embedder: MiniLM,
    ask_vectors: AskVectors,
    tell: Callable[[str], object] = lambda _: None,
) -> tuple[Structure, NDArray[np.float64] | None]:
    """Group the terms of a study, by its plan and seed; return also the vectors that were used, if any.

    `tell` hears which embeddings could not be used.
    """
    if study.construct is None:
        msg = "The study elicits words but has no plan to construct."
        raise StudyError(msg)
    sources = _sources(study, matrix, responses)
    named = term_vectors(study, matrix.terms, ask_vectors, embedder)
    for note in notes_on_embeddings(named):
        tell(note)
    vectors = named[0].vectors if named else None
    structure = construct(matrix, sources, vectors, study.construct, stage_rng(study, "construct"))
    return with_embeddings_told(structure, matrix, sources, named), vectors


def _sources(study: Study, matrix: ResponseMatrix, responses: Sequence[Response | ObservedText]) -> Sources:
    prompt_of = {r.id: r.prompt_id for r in responses}
    return Sources.of(study.respondents, matrix.respondent_ids, [prompt_of[i] for i in matrix.response_ids])


def _conclude(
    study: Study, found: Found | None, systems: tuple[ValueSystem, ...], measured: Measured, ask: Ask
) -> Results:
    by_name = {system.name: system for system in systems}
    shown = tuple(found.shown if found is not None and s.name == BUILT else s for s in systems)
    respondent_ids = [r.id for r in study.respondents]
    stem_ids = [s.id for s in study.project.test.stems]
    feelings = _feelings(measured.completions)
    ratings = (*measured.ratings, *_freed(study, measured, feelings))
    rng = stage_rng(study, "score")
    orientations = tuple(
        o
        for array in ratings
        for o in orient(array, by_name[array.system], respondent_ids, stem_ids, study.compare.resamples, rng)
    )
    rng = stage_rng(study, "compare")
    contrasts = tuple(
        c
        for array in leading(ratings)
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
    rng = stage_rng(study, "quality")
    quality = tuple(
        measure_quality(
            [array for array in measured.ratings if array.system == system.name],
            system,
            study.respondents,
            study.project.test.stems,
            feelings,
            study.compare.resamples,
            rng,
            study.judges,
        )
        for system in shown
    )
    return Results(
        study=study,
        found=found,
        systems=shown,
        completions=measured.completions,
        ratings=ratings,
        orientations=orientations,
        contrasts=contrasts,
        warnings=caveats(study, found, list(by_name), measured.completions, measured.ratings),
        version=__version__,
        notes=measured.notes,
        exhibit_of=measured.exhibit_of,
        saving=measured.saving,
        quality=quality,
        second=_second(study, systems, orientations, ask),
    )


def _second(
    study: Study, systems: Sequence[ValueSystem], orientations: Sequence[Orientation], ask: Ask
) -> tuple[SecondMethods, ...]:
    """Let respondents choose between statements and rate them, where the study asks for it.

    The built system has statements in one fixed form only; it is asked about where no other is measured.
    """
    if not study.second.choose_draws and not study.second.rate_draws:
        return ()
    rng = stage_rng(study, "second")
    found = []
    for system in study.project.systems or systems:
        choices = direct = None
        if study.second.choose_draws:
            calls = plan_choices(study, system)
            choices = read_choices(calls, ask("choose", calls), system)
        if study.second.rate_draws:
            calls = plan_direct(study, system)
            direct = read_direct(calls, ask("rate", calls), system)
        found.append(second_results(study, system, orientations, choices, direct, rng))
    return tuple(found)


def _feelings(completions: Sequence[Completion]) -> NDArray[np.float64]:
    """Sentiment of each completion, NaN where it is missing."""
    present = [i for i, c in enumerate(completions) if c.missing is None]
    feelings = np.full(len(completions), np.nan)
    feelings[present] = sentiment([completions[i].text for i in present])
    return feelings


def _freed(study: Study, measured: Measured, feelings: NDArray[np.float64]) -> tuple[RatingArray, ...]:
    """Take what the study wants removed out of the ratings on which conclusions rest."""
    if not study.compare.remove:
        return ()
    covariates = {"length": log_lengths(measured.completions), "sentiment": feelings}
    named = " and ".join(study.compare.remove)
    return tuple(
        replace(
            remove_confounds(array, covariates, study.compare.remove), judge=f"{array.judge} less {named}"
        )
        for array in leading(measured.ratings)
    )


def _all_systems(study: Study, own: ValueSystem | None) -> tuple[ValueSystem, ...]:
    """List the systems that the file of a study names, and the one that was built, measured on or not."""
    named = study.project.systems if study.measures else ()
    return named if own is None else (*named, own)


def _require_ratings(measured: Measured, folder: Path) -> None:
    """Stop where no judge rated anything on a system, and leave the judges' answers to be read."""
    for array in leading(measured.ratings):
        if np.isnan(array.values).all():
            files.write_notes(folder, measured.notes)
            of_judges = [a for a in measured.ratings if a.system == array.system and a.judge != PANEL]
            found = Counter(REASONS[code].value for a in of_judges for code in a.missing.ravel().tolist())
            counted = ", ".join(f"{n} {reason}" for reason, n in found.most_common())
            if set(found) == {Missing.CALL_FAILED.value}:
                msg = f"No rating on {array.system!r} has been given yet; run the study first."
                raise DataError(msg)
            msg = (
                f"No judge rated anything on {array.system!r} ({counted}); read the judges' answers in "
                f"{str(folder / 'notes.parquet')!r}, or name another judge."
            )
            raise DataError(msg)


def _require_some(what: str, missing: Sequence[Missing | None], file: Path) -> None:
    """Stop where every answer is missing: no statistic can be made of nothing."""
    if missing and all(reason is not None for reason in missing):
        if set(missing) == {Missing.CALL_FAILED}:
            msg = f"None of the {len(missing)} {what} has been answered yet; run the study first."
            raise DataError(msg)
        if set(missing) == {Missing.NOT_RECORDED}:
            msg = f"None of the {len(missing)} {what} was recorded; import them: valuelex import STUDY FILE"
            raise DataError(msg)
        msg = (
            f"None of the {len(missing)} {what} could be used ({tally(missing)}); read them in {str(file)!r}."
        )
        raise DataError(msg)
