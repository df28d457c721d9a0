"""Look up a model by its reference, provider/name: where it is asked, and what is told of its endpoint.

Owns the forms of references and the providers that are no [endpoints] table: the embedded model, and those of Inspect
AI. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from valuelex.domain.call import PATHS, Api
from valuelex.domain.study import RECORDED, Endpoint, LimitKey, Model
from valuelex.errors import StudyError
from valuelex.io import assets, embedded
from valuelex.io.assets import EndpointEntry, FindOut
from valuelex.io.inspect_wire import INSPECT, check_path, identity_of, require_inspect

Told = TypeVar("Told", bool, LimitKey)

EMBEDDED_BODY = {"min_p": 0.0, "top_k": 0}
"""Sent to the embedded server, whose own defaults (.05 and 40) would cut the distribution."""


def resolve_model(reference: str, endpoints: Mapping[str, EndpointEntry], folder: Path) -> Model:
    """Look up ``provider/name``.

    Parameters
    ----------
    reference
        For instance ``openai/gpt-4o-mini``, ``embedded/smollm2-135m-instruct``, ``embedded/FILE.gguf`` or
        ``inspect/anthropic/NAME``.
    endpoints
        Providers of the study's own, which win over shipped ones of the same name.
    folder
        Where relative paths of GGUF files start.

    Raises
    ------
    StudyError
        If the form is wrong or nobody knows the provider.
    MissingPartError
        If the embedded model, or Inspect AI, is not installed.
    """
    if recorded_name(reference) is not None:
        msg = (
            f"{reference!r} cannot be called: recorded answers serve as [[respondents]] of a study file only."
        )
        raise StudyError(msg)
    provider, slash, name = reference.partition("/")
    known = {**assets.load_endpoints(), **endpoints}
    if not slash or not name or (provider not in ("embedded", INSPECT) and provider not in known):
        choices = ", ".join(dict.fromkeys(["embedded", INSPECT, *known]))
        msg = (
            f"Model {reference!r} must be provider/name with a known provider ({choices}), "
            "or one that the study describes in [endpoints.NAME]."
        )
        raise StudyError(msg)
    if provider == "embedded":
        weights = embedded.find_weights(name, folder)
        endpoint = Endpoint(
            "embedded",
            "embedded",
            None,
            sends_seed=True,
            max_in_flight=embedded.SLOTS,
            json_schema=True,
            logprobs=True,
            extra_body=EMBEDDED_BODY,
            raw_completion=True,
        )
        short = name if name == embedded.DEFAULT_MODEL else weights.stem
        return Model(endpoint, short, embedded.weights_revision(weights), str(weights))
    if provider == INSPECT and INSPECT not in known:
        return _inspect_model(name)
    entry = known[provider]
    endpoint = Endpoint(
        provider=provider,
        identity=entry.base_url,
        key_variable=entry.key_variable or None,
        sends_seed=_told(entry.sends_seed),
        max_in_flight=entry.max_in_flight,
        json_schema=_told(entry.json_schema),
        logprobs=_told(entry.logprobs),
        extra_body=entry.extra_body,
        timeout_s=entry.timeout_s,
        requests_per_minute=entry.requests_per_minute,
        tokens_per_minute=entry.tokens_per_minute,
        limit_key=_told(entry.limit_key),
        raw_completion=_told(entry.raw_completion),
    )
    return Model(endpoint, name)


def _inspect_model(name: str) -> Model:
    """Look up a model of Inspect's. It reads its own keys, and leaves out what a provider does not take."""
    require_inspect()
    if not all(name.partition("/")):
        msg = f"Model 'inspect/{name}' must be inspect/PROVIDER/NAME, such as inspect/anthropic/NAME."
        raise StudyError(msg)
    return Model(Endpoint(INSPECT, identity_of(name), None, sends_seed=True, max_in_flight=16), name)


def _told(ability: Told | FindOut) -> Told | None:
    """Return what is told of an ability; None where it is to be found out."""
    return None if ability == "find out" else ability


def rates_together(model: Model) -> bool:
    """Tell whether a judge is asked for all subdimensions in one call; the embedded model's context is too short."""
    return model.endpoint.provider != "embedded"


def check_way(model: Model, api: Api) -> None:
    """Make sure that a model can be asked by chat, or for raw completion."""
    if model.endpoint.provider == INSPECT:
        check_path(model.name, PATHS[api])


def recorded_name(reference: str) -> str | None:
    """Return NAME of ``recorded/NAME``, and None for every other model."""
    provider, _, name = reference.partition("/")
    return name if provider == RECORDED else None
