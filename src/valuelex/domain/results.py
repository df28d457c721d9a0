"""Everything a finished study has found, for the report and the result files."""

from __future__ import annotations

from dataclasses import dataclass

from valuelex.domain.lexicon import Lexicon, Response, ResponseMatrix
from valuelex.domain.measure import Completion, Contrast, Orientation, RatingArray
from valuelex.domain.structure import Taxonomy, ValueSystem
from valuelex.domain.study import Study


@dataclass(frozen=True, slots=True)
class Found:
    """The part of the results that comes from elicitation."""

    responses: tuple[Response, ...]
    lexicon: Lexicon
    matrix: ResponseMatrix
    taxonomy: Taxonomy
    system: ValueSystem


@dataclass(frozen=True, slots=True)
class Results:
    """A study and what it found. `found` is None when nothing was elicited (`valuelex measure`).

    `ratings` holds one array for each judge and value system; `systems` those that were measured,
    the built one (if measured) last. `warnings` are plain sentences that a reader must see first.
    """

    study: Study
    found: Found | None
    systems: tuple[ValueSystem, ...]
    completions: tuple[Completion, ...]
    ratings: tuple[RatingArray, ...]
    orientations: tuple[Orientation, ...]
    contrasts: tuple[Contrast, ...]
    warnings: tuple[str, ...]
    version: str
