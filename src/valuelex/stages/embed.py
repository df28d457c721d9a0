"""Plan the calls that ask endpoints for vectors of the terms, and read the vectors into rows.

One call holds one term, so that its key is that of model, endpoint and term: a term that stays in the lexicon is
never asked for again, whatever joins or leaves it. Sends nothing and groups no terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from valuelex.domain.call import Call, call_key, canonical_json
from valuelex.domain.embedding import EMBEDDINGS_PATH, NamedVectors, Vector
from valuelex.domain.study import EmbeddingPlan, Model, Study
from valuelex.domain.wording import count


def plan_embeddings(model: Model, terms: Sequence[str]) -> tuple[Call, ...]:
    """Plan one call for each term, in their order.

    Parameters
    ----------
    model
        A model at an endpoint that embeds.
    terms
        What to embed.
    """
    endpoint, revision = model.endpoint.identity, model.revision
    calls = []
    for term in terms:
        body = canonical_json({"model": model.name, **model.endpoint.extra_body, "input": term})
        key = call_key(endpoint=endpoint, revision=revision, path=EMBEDDINGS_PATH, body=body, draw=0)
        calls.append(
            Call(
                key=key,
                stage="embed",
                respondent_id=f"embedding:{model.label}",
                item_id=term,
                draw=0,
                provider=model.endpoint.provider,
                model=model.name,
                endpoint=endpoint,
                revision=revision,
                path=EMBEDDINGS_PATH,
                body=body,
            )
        )
    return tuple(calls)


def plan_all_embeddings(study: Study, terms: Sequence[str]) -> tuple[Call, ...]:
    """Plan the calls of all embedding models of a study, one model after another."""
    return tuple(call for model in study.embedding_models for call in plan_embeddings(model, terms))


def read_embeddings(
    plan: EmbeddingPlan, calls: Sequence[Call], found: Mapping[str, Vector], failures: Mapping[str, str]
) -> NamedVectors:
    """Put the vectors of one model into rows, or say why they cannot be used.

    Terms without a vector cannot be placed among the others, so vectors are used for all terms or for none.

    Parameters
    ----------
    plan
        Whose vectors.
    calls
        As `plan_embeddings` planned them.
    found
        Unit vectors by key of the call; one that has no answer is missing.
    failures
        Why calls failed at the last try, by key.

    Returns
    -------
    NamedVectors
        Its rows are in the order of the calls.
    """
    lacking = [call for call in calls if call.key not in found]
    if lacking:
        said = next((failures[call.key] for call in lacking if call.key in failures), "it was not asked yet")
        reason = (
            f"{len(lacking)} of {count(len(calls), 'term')} {'has' if len(lacking) == 1 else 'have'} no vector "
            f"({said.rstrip('.')})"
        )
        return NamedVectors(plan.name, None, reason, "run the study again (valuelex run) to ask for them")
    widths = {call.item_id: len(found[call.key]) for call in calls}
    usual = next(iter(widths.values()), 0)
    other = next((term for term, width in widths.items() if width != usual), None)
    if other is not None:
        reason = (
            f"its vectors have {usual} and {widths[other]} numbers (first: {other!r}), so more than one model answered "
            "under that name"
        )
        return NamedVectors(plan.name, None, reason, "name another in [construct] embeddings")
    return NamedVectors(plan.name, np.array([found[call.key] for call in calls]).reshape(len(calls), usual))
