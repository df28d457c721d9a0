"""A value system: dimensions over subdimensions over markers, and the taxonomy it came from.

Owns the labels and their shapes. Does not estimate anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError

BUILT = "built"
"""Name of the value system that is built from a run; no shipped one may bear it."""


CONTEXT = "{context}"
"""Place, in the words of a system, of the context of the text that is rated, such as the claim it answers."""


@dataclass(frozen=True, slots=True)
class Subdimension:
    """A group of value words with its definition and the two poles that a judge compares with.

    `high` and `low` are example completions that do and do not conform to the subdimension, `middle` ones
    that bear on it and do neither (empty where nobody wrote any). `statement` is a
    sentence in the first person that says one holds it dear; without one, `said` makes it of the definition.
    """

    id: str
    name: str
    definition: str
    markers: tuple[str, ...]
    high: tuple[str, ...]
    low: tuple[str, ...]
    middle: tuple[str, ...] = ()
    statement: str = ""

    @property
    def said(self) -> str:
        """The statement by which respondents rate or choose this subdimension."""
        if self.statement:
            return self.statement
        return f"I value {self.name}: {self.definition}"


@dataclass(frozen=True, slots=True)
class Dimension:
    """A group of subdimensions."""

    id: str
    name: str
    definition: str
    subdimensions: tuple[Subdimension, ...]


@dataclass(frozen=True, slots=True)
class ValueSystem:
    """Dimensions over subdimensions, with the source of the words used here."""

    name: str
    title: str
    source: str
    dimensions: tuple[Dimension, ...]

    def __post_init__(self) -> None:
        for what, parts in (("dimensions", self.dimensions), ("subdimensions", self.subdimensions)):
            ids = [part.id for part in parts]
            repeated = sorted({i for i in ids if ids.count(i) > 1})
            if not ids or repeated:
                msg = f"Value system {self.name!r} needs {what} with distinct ids" + (
                    f"; repeated: {', '.join(map(repr, repeated))}." if repeated else "; it has none."
                )
                raise DataError(msg)
        bare = [d.id for d in self.dimensions if not d.subdimensions]
        if bare:
            msg = f"Dimension {bare[0]!r} of the value system {self.name!r} has no subdimension; give it one."
            raise DataError(msg)

    @property
    def subdimensions(self) -> tuple[Subdimension, ...]:
        """All subdimensions, in the order of their dimensions."""
        return tuple(s for d in self.dimensions for s in d.subdimensions)

    @property
    def takes_context(self) -> bool:
        """Tell whether the system is about the context of each text, so that it has to be filled in for each."""
        return any(CONTEXT in text for s in self.subdimensions for text in (s.definition, *s.high, *s.low))


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Where each term of a lexicon was put, and how sure that is.

    `subdimension` and `dimension` are group numbers from 0. `stability` is the share of resamples of
    respondents in which a term stays in its group (0 to 1), and NaN where it cannot be told, as with
    one respondent. `coordinates` are for the words map only. `weights` are the cross-validated weights of the
    views by name (0: that view did not help). `resampled` is what was resampled: families, models or respondents.
    """

    terms: tuple[str, ...]
    subdimension: NDArray[np.int64]
    dimension: NDArray[np.int64]
    centrality: NDArray[np.float64]
    stability: NDArray[np.float64]
    coordinates: NDArray[np.float64]
    weights: Mapping[str, float]
    n_resamples: int
    resampled: str = "respondents"

    def __post_init__(self) -> None:
        n = len(self.terms)
        for name in ("subdimension", "dimension", "centrality", "stability"):
            shape = getattr(self, name).shape
            if shape != (n,):
                msg = f"{name} has shape {shape}, but there are {n} terms."
                raise DataError(msg)
        if self.coordinates.shape != (n, 2):
            msg = f"coordinates has shape {self.coordinates.shape}, expected {(n, 2)}."
            raise DataError(msg)
