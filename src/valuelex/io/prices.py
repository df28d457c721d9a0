"""Read prices of models: shipped ones, a file of the user's, and the study's own.

Owns the forms of price lists and which of them wins: the study, then the file, then the shipped lists. Names match
exactly, since a dated snapshot can have another price. A provider that is free costs nothing; any other model that is
in no list has no known price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from valuelex.domain.cost import Price, price_per_million
from valuelex.errors import DataError, StudyError
from valuelex.io import assets
from valuelex.io.assets import EndpointEntry
from valuelex.io.toml_form import Section, Text, read_toml, validate

FREE = Price(0, 0, "runs on a machine of one's own")
_INSPECT = "inspect/"
_INSPECT_PROVIDERS = {"google": "gemini"}
"""Providers that Inspect calls otherwise than ValueLex does."""
_INSPECT_FREE = ("hf", "mockllm")
"""Providers of Inspect that run in its own process."""


class _Amounts(Section):
    input: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    output: Annotated[float, Field(ge=0, allow_inf_nan=False)]

    @field_validator("input", "output")
    @classmethod
    def _is_exact(cls, value: float) -> float:
        try:
            price_per_million(value, 0)
        except DataError as error:
            raise ValueError(str(error).removesuffix(".")) from error
        return value


class PriceEntry(_Amounts):
    """What a study says: [prices."provider/name"], in US dollars per million tokens read and written."""

    source: Text = "study"


class _List(Section):
    provider: Text
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    source: Text
    models: Annotated[dict[str, _Amounts], Field(min_length=1)]


class _Lists(Section):
    lists: Annotated[tuple[_List, ...], Field(min_length=1)]


def shipped_prices() -> dict[str, Price]:
    """Load the shipped price lists: price by provider/name."""
    shown = "prices.toml"
    return _read(read_toml(assets.ASSETS.joinpath(shown), shown), shown)


def read_prices(path: Path) -> dict[str, Price]:
    """Read a price file of the form of the shipped one: price by provider/name.

    Raises
    ------
    StudyError
        If the file, a key or an amount in it is wrong, or a model is in it twice.
    """
    return _read(read_toml(path, str(path)), str(path))


def _read(table: Mapping[str, Any], shown_as: str) -> dict[str, Price]:
    found: dict[str, Price] = {}
    for prices in validate(_Lists, table, shown_as).lists:
        for name, amounts in prices.models.items():
            label = f"{prices.provider}/{name}"
            if label in found:
                msg = f"{shown_as}: {label!r} has two prices; leave one."
                raise StudyError(msg)
            found[label] = price_per_million(amounts.input, amounts.output, prices.source, prices.date)
    return found


def prices_of(
    models: Iterable[str],
    endpoints: Mapping[str, EndpointEntry],
    own: Mapping[str, PriceEntry],
    listed: Mapping[str, Price],
) -> dict[str, Price]:
    """Look up the prices of models; one whose price is unknown is left out.

    Parameters
    ----------
    models
        Labels as a study writes them: provider/name.
    endpoints
        All providers that the study can name.
    own
        The study's tables [prices."provider/name"].
    listed
        Prices of lists, such as `shipped_prices` with those of a file over them.
    """
    found = {}
    for model in models:
        label = _plain_label(model)
        if model in own:
            price = own[model]
            found[model] = price_per_million(price.input, price.output, price.source)
        elif model in listed or label in listed:
            found[model] = listed.get(model) or listed[label]
        elif _is_free(label.partition("/")[0], endpoints, through_inspect=model.startswith(_INSPECT)):
            found[model] = FREE
    return found


def _plain_label(model: str) -> str:
    """Return ``inspect/google/NAME`` as gemini/NAME: the provider bills the same, whoever sends the call."""
    if not model.startswith(_INSPECT):
        return model
    provider, slash, name = model.removeprefix(_INSPECT).partition("/")
    return f"{_INSPECT_PROVIDERS.get(provider, provider)}{slash}{name}"


def _is_free(provider: str, endpoints: Mapping[str, EndpointEntry], *, through_inspect: bool) -> bool:
    if provider == "embedded" or (through_inspect and provider in _INSPECT_FREE):
        return True
    return provider in endpoints and endpoints[provider].free
