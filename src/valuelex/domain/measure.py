"""The projective test and what comes out of it: completions, ratings, orientations, contrasts.

Owns labels, the rating scale and missing reasons. Does not judge or estimate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.errors import DataError

SCALE_LOW, SCALE_NEUTRAL, SCALE_HIGH = 0.0, 3.0, 6.0
"""Ends and middle of the rating scale, in scale points."""


class StemKind(StrEnum):
    """What a stem does: leaves room, gives a role, sets two themes against each other, pulls the other way."""

    NEUTRAL = "neutral"
    ROLE = "role"
    CONFLICT = "conflict"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Stem:
    """The beginning of a sentence. `theme` names the subdimension whose situations it comes from.

    `against` names the second theme of a conflict stem and is None for other kinds.
    """

    id: str
    text: str
    kind: StemKind
    theme: str
    against: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectiveTest:
    """Stems in a fixed order, and everyday completed sentences that show a raw-completion model the task."""

    name: str
    source: str
    stems: tuple[Stem, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """How one respondent ended one stem in one draw, or why it did not.

    `cut` tells that the token limit ended it in mid-sentence; it is rated as far as it goes.
    """

    id: str
    respondent_id: str
    stem_id: str
    draw: int
    text: str
    missing: Missing | None
    call_key: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class RatingArray:
    """One judge's ratings on one value system: (n_completions, n_subdimensions), 0 to 6.

    NaN where a completion is missing; the reason stands in the completion.
    """

    judge: str
    system: str
    values: NDArray[np.float64]
    completions: tuple[Completion, ...]
    subdimensions: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.completions), len(self.subdimensions))
        if self.values.shape != expected:
            msg = (
                f"values has shape {self.values.shape}, but the labels describe {expected} "
                f"({expected[0]} completions × {expected[1]} subdimensions)."
            )
            raise DataError(msg)
        outside = np.nansum((self.values < SCALE_LOW) | (self.values > SCALE_HIGH))
        if outside:
            msg = f"{int(outside)} ratings lie outside {SCALE_LOW:g} to {SCALE_HIGH:g}."
            raise DataError(msg)
        numbered = [
            c.id
            for c, row in zip(self.completions, self.values, strict=True)
            if c.missing is not None and not np.isnan(row).all()
        ]
        if numbered:
            msg = (
                f"{len(numbered)} missing completions carry a rating (first: {numbered[:3]}). "
                "Missing is a reason, never a number."
            )
            raise DataError(msg)


def join_sentence(stem: str, ending: str) -> str:
    """Join a stem to its ending as one would write it: "..., I" and "'ll wait" make "..., I'll wait"."""
    return f"{stem}{ending}" if ending[:1] in ("'", "’") else f"{stem} {ending}"


Level = Literal["subdimension", "dimension"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """Where a respondent stands on one subdimension or dimension, in scale points (0 to 6).

    The interval is at 95 %, over stems. The estimate is None where fewer than two stems were rated,
    the interval where fewer than five were.
    """

    respondent_id: str
    system: str
    judge: str
    level: Level
    target: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    n_stems: int
    n_completions: int
    missing: Mapping[Missing, int] = field(default_factory=dict)

    @property
    def n_missing(self) -> int:
        """Completions without a rating."""
        return sum(self.missing.values())


@dataclass(frozen=True, slots=True)
class Contrast:
    """The difference of two orientations, a minus b, in scale points, paired by stem.

    `factor` is 'respondent' or the attribute whose levels are compared. `effect_size` is the mean
    difference over its standard deviation between stems. `p_adjusted` is after Holm.
    """

    system: str
    judge: str
    factor: str
    level: Level
    target: str
    a: str
    b: str
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    effect_size: float | None
    p_value: float | None
    p_adjusted: float | None
    n_stems: int
    n_respondents_a: int
    n_respondents_b: int


def count_missing(completions: tuple[Completion, ...]) -> dict[Missing, int]:
    """Count completions by the reason why they are missing; reasons that never occur are left out."""
    found = Counter(c.missing for c in completions if c.missing is not None)
    return {reason: found[reason] for reason in Missing if found[reason]}
