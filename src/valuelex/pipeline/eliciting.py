"""Gather what respondents tell besides their lists: ratings of terms, and lists of respondents that play a human.

Joins the plans, the answers and the files of both. All numbers follow from the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from valuelex.domain.call import Call, CallStage
from valuelex.domain.lexicon import Lexicon, Response, ResponseMatrix
from valuelex.domain.study import Study
from valuelex.domain.term_ratings import RatedTerms
from valuelex.io import files
from valuelex.pipeline.measuring import Ask
from valuelex.pipeline.workspace import Workspace, stage_rng
from valuelex.stages.elicit import read_responses, truncated_responses
from valuelex.stages.rate_terms import rated_matrix, read_term_ratings
from valuelex.stages.rated_quality import conclude_terms

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
    ratings = read_term_ratings(calls["term"], ask("term", calls["term"]), study.terms)
    matrix = rated_matrix(ratings, [r.id for r in study.respondents], study.terms.terms)
    files.write_term_ratings(folder, ratings)
    files.write_rated_matrix(folder, matrix)
    rated = conclude_terms(study, ratings, matrix, stage_rng(study, "terms"))
    files.write_rated_terms(folder, rated)
    return rated


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
        files.write_matrix(folder, matrix, "human_matrix.npz")
    files.write_responses(folder, responses, "human_responses.parquet")
    return matrix
