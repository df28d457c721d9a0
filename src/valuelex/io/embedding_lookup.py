"""Look up whose vectors of the terms a study wants: the shipped model's, none, or those of models at endpoints.

Owns the names that `[construct] embeddings` can hold. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from valuelex.domain.study import SHIPPED_EMBEDDING, EmbeddingPlan, Model
from valuelex.errors import StudyError
from valuelex.io.assets import EndpointEntry
from valuelex.io.inspect_wire import INSPECT
from valuelex.io.model_lookup import resolve_model

NONE = "none"


def is_at_endpoint(name: str) -> bool:
    """Tell whether a name is of a model at an endpoint, provider/name."""
    return "/" in name


def resolve_embeddings(
    names: Sequence[str], endpoints: Mapping[str, EndpointEntry], folder: Path
) -> tuple[EmbeddingPlan, ...]:
    """Look up embeddings by name, in their order.

    Parameters
    ----------
    names
        "minilm", "none" alone, or ``provider/name`` of a model that an OpenAI-compatible endpoint embeds with.
    endpoints
        Providers of the study's own.
    folder
        Where relative paths of GGUF files start.

    Raises
    ------
    StudyError
        If a name is unknown or repeated, or cannot embed.
    """
    if NONE in names:
        if len(names) > 1:
            msg = '[construct] embeddings: "none" leaves embeddings out, so it stands alone; drop it or the others.'
            raise StudyError(msg)
        return ()
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        msg = f"[construct] embeddings names {repeated!r} twice; once is enough."
        raise StudyError(msg)
    return tuple(
        SHIPPED_EMBEDDING
        if name == SHIPPED_EMBEDDING.name
        else EmbeddingPlan(name, _model(name, endpoints, folder))
        for name in names
    )


def _model(name: str, endpoints: Mapping[str, EndpointEntry], folder: Path) -> Model:
    provider = name.partition("/")[0]
    if not is_at_endpoint(name) or (provider == INSPECT and INSPECT not in endpoints):
        msg = f"[construct] embeddings: 'minilm', 'none' or provider/name of a model at an endpoint, not {name!r}."
        raise StudyError(msg)
    model = resolve_model(name, endpoints, folder)
    if provider == "embedded":  # What it is sent otherwise is about sampling.
        return replace(model, endpoint=replace(model.endpoint, extra_body={}))
    return model
