"""Bring the vectors of a study's terms together: the shipped model's, and those that endpoints give.

Owns that calls for vectors are planned from the lexicon, and so depend on the responses as ratings depend on
completions. An endpoint that gives none does not end a run: its vectors are then None, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from valuelex.domain.call import Call, Reply
from valuelex.domain.embedding import NamedVectors, Vector
from valuelex.domain.study import Study
from valuelex.errors import DataError
from valuelex.io.embed import MiniLM
from valuelex.io.ledger import Ledger
from valuelex.stages.elicit import read_responses, truncated_responses
from valuelex.stages.embed import plan_all_embeddings, plan_embeddings, read_embeddings

AskVectors = Callable[[Sequence[Call]], tuple[Mapping[str, Vector], Mapping[str, str]]]
"""Gathers vectors by key of the call, and why calls without one failed at the last try."""


def term_vectors(
    study: Study, terms: Sequence[str], ask: AskVectors, embedder: MiniLM
) -> tuple[NamedVectors, ...]:
    """Embed the terms of a study with every model that it names.

    Parameters
    ----------
    study
        Its `[construct] embeddings` say whose vectors.
    terms
        The terms of the lexicon that are grouped.
    ask
        Gathers the vectors of endpoints: from the ledger, and from the endpoints where sending is allowed.
    embedder
        The shipped model.

    Returns
    -------
    tuple of NamedVectors
        The leading ones first; empty where the study wants none.

    Raises
    ------
    NotApprovedError, BudgetError
        If sending ended early for reasons that are no endpoint's.
    """
    plans = study.construct.embeddings if study.construct else ()
    calls = [plan_embeddings(plan.model, terms) if plan.model else () for plan in plans]
    every = [call for own in calls for call in own]
    found, failures = ask(every) if every else ({}, {})
    return tuple(
        read_embeddings(plan, own, found, failures)
        if plan.model
        else NamedVectors(plan.name, embedder.embed(terms))
        for plan, own in zip(plans, calls, strict=True)
    )


def embedding_calls(study: Study, elicited: Sequence[Call], replies: Mapping[str, Reply]) -> tuple[Call, ...]:
    """Plan the calls for vectors of the terms that the study lets rate, or that the answers so far hold.

    Parameters
    ----------
    study
        The study.
    elicited
        Its calls for value words.
    replies
        Those that are there, by key.
    """
    if not study.embedding_models:
        return ()
    if study.terms is not None:
        return plan_all_embeddings(study, study.terms.terms)
    if not replies:
        return ()
    from valuelex.pipeline.computing import normalised  # Slow to import, and seldom needed here.

    responses = read_responses(elicited, replies, study)
    try:
        _, matrix, _ = normalised(study, responses, truncated_responses(responses, replies))
    except DataError:  # Too few words as yet.
        return ()
    return plan_all_embeddings(study, matrix.terms)


def vectors_of(ledger: Ledger) -> AskVectors:
    """Make what reads vectors, and why there are none, from a ledger alone."""

    def read(calls: Sequence[Call]) -> tuple[Mapping[str, Vector], Mapping[str, str]]:
        return ledger.vectors(c.key for c in calls), ledger.failures()

    return read
