"""The projective test and what comes out of it: completions, ratings, orientations, contrasts.

Owns labels, the rating scale and missing reasons. Does not judge or estimate.
"""

from __future__ import annotations

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


PANEL = "panel"
"""Name of the array that joins several judges; no judge may bear it."""


class StemKind(StrEnum):
    """What a stem does: leaves room, gives a role, sets two themes against each other, pulls the other way."""

    NEUTRAL = "neutral"
    ROLE = "role"
    CONFLICT = "conflict"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Stem:
    """The beginning of a sentence. `theme` names the subdimension whose situations it comes from.

    `against` names the second theme of a conflict stem and is None for other kinds. `form` names the
    parallel form that it belongs to ("" when the test has none). `wordings` are other
    ways to say the same; wording 0 is `text`, wording 1 the first of them.
    """

    id: str
    text: str
    kind: StemKind
    theme: str
    against: str | None = None
    form: str = ""
    wordings: tuple[str, ...] = ()

    def worded(self, wording: int) -> str:
        """Return the stem in one of its wordings, 0 being `text`."""
        return (self.text, *self.wordings)[wording]


@dataclass(frozen=True, slots=True)
class RawFrame:
    """How a test is put to a model that only continues text.

    `heading` opens the list of completed sentences; `turn`, with one place for {subject}, stands
    before the stem that is to be completed.
    """

    heading: str
    turn: str


DEFAULT_FRAME = RawFrame("Sentences that different people finished:", "Finished by {subject}:")
"""Of tests that give none of their own."""


@dataclass(frozen=True, slots=True)
class ProjectiveTest:
    """Stems in a fixed order, and everyday completed sentences that show a raw-completion model the task.

    `draft` tells that stems were drafted by a language model and not yet edited by a person.
    """

    name: str
    source: str
    stems: tuple[Stem, ...]
    examples: tuple[str, ...]
    frame: RawFrame = DEFAULT_FRAME
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Manual:
    """The scoring manual: what every judge, model or person, is told besides the value system.

    `levels` says in words what each point of the scale means, from 0 to 6; `relevance` is the question
    of the gate that comes before the rating.
    """

    name: str
    source: str
    task: str
    relevance: str
    levels: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = int(SCALE_HIGH - SCALE_LOW) + 1
        if len(self.levels) != expected:
            msg = (
                f"Manual {self.name!r} describes {len(self.levels)} levels; the scale has {expected} "
                f"points, from {SCALE_LOW:g} to {SCALE_HIGH:g}."
            )
            raise DataError(msg)


@dataclass(frozen=True, slots=True)
class Completion:
    """How one respondent ended one stem in one draw, or why it did not.

    `cut` tells that the token limit ended it in mid-sentence; it is rated as far as it goes.
    `wording` is the wording of the stem that it ends.
    """

    id: str
    respondent_id: str
    stem_id: str
    draw: int
    text: str
    missing: Missing | None
    call_key: str
    cut: bool = False
    wording: int = 0


@dataclass(frozen=True, slots=True)
class Exhibit:
    """What a judge sees: a stem and how it was completed. It tells nothing of who wrote it.

    Equal sentences are one exhibit, rated once. `id` follows from the content.
    """

    id: str
    stem: str
    ending: str


@dataclass(frozen=True, slots=True)
class Note:
    """One draw of a judge on one exhibit and subdimension: the rating or why there is none, and its grounds.

    `expected` is the mean of the scale under the endpoint's token probabilities, None where it told none.
    `evidence` is the part of the completion that the judge points at; `evidence_found` tells that
    it does stand there.
    """

    judge: str
    system: str
    exhibit_id: str
    subdimension: str
    draw: int
    rating: float | None
    expected: float | None
    missing: Missing | None
    evidence: str
    evidence_found: bool
    reason: str
    call_key: str


REASONS = tuple(Missing)
"""Missing reasons by their code in `RatingArray.missing`."""


@dataclass(frozen=True, slots=True)
class RatingArray:
    """One judge's ratings on one value system: (n_completions, n_subdimensions), 0 to 6.

    `missing` has the same shape: -1 where there is a rating, and elsewhere the position in `REASONS` of
    why there is none. `values` is NaN exactly there. A judge's several draws are averaged.
    """

    judge: str
    system: str
    values: NDArray[np.float64]
    missing: NDArray[np.int8]
    completions: tuple[Completion, ...]
    subdimensions: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.completions), len(self.subdimensions))
        for name, shape in (("values", self.values.shape), ("missing", self.missing.shape)):
            if shape != expected:
                msg = (
                    f"{name} has shape {shape}, but the labels describe {expected} "
                    f"({expected[0]} completions × {expected[1]} subdimensions)."
                )
                raise DataError(msg)
        outside = np.nansum((self.values < SCALE_LOW) | (self.values > SCALE_HIGH))
        if outside:
            msg = f"{int(outside)} ratings lie outside {SCALE_LOW:g} to {SCALE_HIGH:g}."
            raise DataError(msg)
        absent = np.isnan(self.values)
        lost = np.array([c.missing is not None for c in self.completions], dtype=bool)
        numbered = np.flatnonzero(lost & ~absent.all(axis=1))
        if numbered.size:
            msg = (
                f"{numbered.size} missing completions carry a rating (first: "
                f"{[self.completions[i].id for i in numbered[:3]]}). Missing is a reason, never a number."
            )
            raise DataError(msg)
        wrong = np.flatnonzero((absent != (self.missing >= 0)).any(axis=1))
        if wrong.size:
            msg = (
                f"{wrong.size} completions have a missing rating without a reason or a reason beside a rating "
                f"(first: {[self.completions[i].id for i in wrong[:3]]})."
            )
            raise DataError(msg)

    @classmethod
    def of(
        cls,
        judge: str,
        system: str,
        values: NDArray[np.float64],
        completions: tuple[Completion, ...],
        subdimensions: tuple[str, ...],
    ) -> RatingArray:
        """Make an array of a judge who rates every completion: nothing is missing but missing completions."""
        codes = np.array(
            [-1 if c.missing is None else REASONS.index(c.missing) for c in completions], np.int8
        )
        missing = np.repeat(codes[:, None], len(subdimensions), axis=1)
        return cls(judge, system, values, missing, completions, subdimensions)


def join_sentence(stem: str, ending: str) -> str:
    """Join a stem to its ending as one would write it: "..., I" and "'ll wait" make "..., I'll wait"."""
    return f"{stem}{ending}" if ending[:1] in ("'", "’") else f"{stem} {ending}"


@dataclass(frozen=True, slots=True)
class Saving:
    """What adaptive length saved: stems asked of each respondent, and of how many it could have been."""

    n_stems: Mapping[str, int]
    n_all: int

    @property
    def share(self) -> float:
        """Share of all completions that were not asked for (0 to 1)."""
        return 1 - sum(self.n_stems.values()) / (self.n_all * len(self.n_stems))


Level = Literal["subdimension", "dimension"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """Where a respondent stands on one subdimension or dimension, in scale points (0 to 6).

    The interval is at 95 %, over stems, and held within the scale; `standard_error` is that of the mean of stems. The
    estimate and it are None where fewer than two stems were rated, the interval where fewer than five were.
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
    standard_error: float | None = None

    @property
    def n_missing(self) -> int:
        """Completions without a rating on this target."""
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
