"""Gather what respondents tell besides their lists: ratings of terms, and lists of respondents that play a human.

Joins the plans, the answers and the files of both. All numbers follow from the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from valuelex.domain.call import Call, CallStage, Reply
from valuelex.domain.human_control import HumanControl
from valuelex.domain.lexicon import Lexicon, Response, ResponseMatrix
from valuelex.domain.rated_terms import RatedProfiles, RatedTerms
from valuelex.domain.results import Found
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Study
from valuelex.domain.term_ratings import TermRating
from valuelex.errors import DataError, StudyError
from valuelex.io import files
from valuelex.io.embed import MiniLM
from valuelex.io.matrix_file import write_matrix
from valuelex.pipeline.embedding import AskVectors, term_vectors
from valuelex.pipeline.measuring import Ask
from valuelex.pipeline.workspace import Workspace, stage_rng
from valuelex.stages.elicit import read_responses, truncated_responses
from valuelex.stages.human_control import by_lists, human_control
from valuelex.stages.other_embeddings import notes_on_embeddings
from valuelex.stages.rate_terms import rated_matrix, read_term_ratings
from valuelex.stages.rated_quality import conclude_terms
from valuelex.stages.rated_structure import structure_of_ratings, system_of_ratings

Calls = Mapping[CallStage, tuple[Call, ...]]
Normalised = Callable[
    [Study, Sequence[Response], frozenset[str]], tuple[Lexicon, ResponseMatrix, Sequence[Response]]
]
"""Turns responses into terms by the plan of a study."""


def rate_terms(workspace: Workspace, calls: Calls, ask: Ask) -> RatedTerms | None:
    """Gather the ratings of terms and write them: term_ratings.parquet, rated_matrix.parquet, rated_terms.json.

    None where the study lets nobody rate terms.
    """
    study, folder = workspace.study, workspace.folder
    if study.terms is None:
        return None
    ratings, rated = _concluded(study, calls["term"], ask("term", calls["term"]))
    files.write_term_ratings(folder, ratings)
    files.write_rated_matrix(folder, rated.matrix)
    files.write_rated_terms(folder, rated)
    return rated


def rated_system(
    study: Study,
    calls: Sequence[Call],
    replies: Mapping[str, Reply],
    embedder: MiniLM,
    ask_vectors: AskVectors,
) -> ValueSystem:
    """Build the value system of a study from the answers about its terms.

    Raises
    ------
    DataError
        If too little was rated.
    """
    rated = with_structure(study, _concluded(study, calls, replies)[1], embedder, ask_vectors)
    if rated.system is None:
        raise DataError(rated.reason)
    return rated.system


def _concluded(
    study: Study, calls: Sequence[Call], replies: Mapping[str, Reply]
) -> tuple[tuple[TermRating, ...], RatedTerms]:
    if study.terms is None:
        msg = "The study lets nobody rate terms."
        raise StudyError(msg)
    ratings = read_term_ratings(calls, replies, study.terms)
    matrix = rated_matrix(ratings, [r.id for r in study.respondents], study.terms.terms)
    return ratings, conclude_terms(study, ratings, matrix, stage_rng(study, "terms"))


def with_structure(
    study: Study,
    rated: RatedTerms,
    embedder: MiniLM,
    ask_vectors: AskVectors,
    tell: Callable[[str], object] = lambda _: None,
) -> RatedTerms:
    """Group the rated terms, by the plan and seed of the study; `tell` hears which embeddings could not be used.

    Raises
    ------
    DataError
        If the study measures respondents on the built system, and none can be built.
    """
    if study.construct is None:
        msg = "The study lets terms be rated but has no plan to construct."
        raise StudyError(msg)
    try:
        profiles = _profiles_of(rated)
        named = term_vectors(study, rated.matrix.terms, ask_vectors, embedder)
        vectors = named[0].vectors if named else None
        place = {term: i for i, term in enumerate(rated.matrix.terms)}
        structure = structure_of_ratings(
            profiles,
            rated.units,
            None if vectors is None else vectors[[place[term] for term in profiles.terms]],
            study.construct,
            len({(r.model.label, r.model.revision) for r in study.respondents}),
            stage_rng(study, "construct"),
        )
    except DataError as error:
        if study.project.built:
            raise
        return replace(rated, reason=str(error))
    lacking = notes_on_embeddings(named, "ratings")
    for note in lacking:
        tell(note)
    structure = replace(structure, notes=(*structure.notes, *lacking))
    return replace(rated, structure=structure, system=system_of_ratings(structure, study.name))


def _profiles_of(rated: RatedTerms) -> RatedProfiles:
    if rated.profiles is None:
        raise DataError(rated.reason)
    return rated.profiles


def answers_as_human(
    workspace: Workspace, calls: Calls, ask: Ask, normalised: Normalised | None
) -> ResponseMatrix | None:
    """Gather the lists of respondents that play a human, and write them: human_responses.parquet.

    Parameters
    ----------
    workspace, calls, ask
        As everywhere.
    normalised
        Turns responses into terms, by the same rules as those that respondents give as themselves; then
        human_lexicon.json and human_matrix.npz are written too. None where the responses alone are wanted.

    Returns
    -------
    ResponseMatrix or None
        None where the study asks for no such answers, or only responses are wanted.
    """
    study, folder = workspace.study, workspace.folder
    if "human" not in calls:
        return None
    replies = ask("human", calls["human"])
    responses: Sequence[Response] = read_responses(calls["human"], replies, study)
    matrix = None
    if normalised is not None:
        lexicon, matrix, responses = normalised(study, responses, truncated_responses(responses, replies))
        files.write_lexicon(folder, lexicon, "human_lexicon.json")
        write_matrix(folder, matrix, "human_matrix.npz")
    files.write_responses(folder, responses, "human_responses.parquet")
    return matrix


def compare_with_human(study: Study, found: Found, human: ResponseMatrix) -> HumanControl:
    """Compare the structures of both kinds of answers, each grouped by its lists alone.

    Both are parted into as many groups as were kept of the answers as themselves; into two, where these hold one.
    """
    n_groups = max(2, int(found.taxonomy.subdimension.max()) + 1)
    return human_control(
        found.matrix,
        human,
        by_lists(study.respondents, n_groups),
        study.respondents,
        stage_rng(study, "human"),
    )
