"""Second methods beside the projective test: choices between statements, direct ratings, and how far methods agree.

Owns labels, shapes and missing reasons. Does not plan, read or estimate; `valuelex.stages.second_methods` and
`valuelex.stages.multitrait` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW
from valuelex.domain.quality import Estimate, ScoreForm
from valuelex.errors import DataError

Method = Literal["projective", "choices", "direct"]
"""Completions rated by judges; choices between two statements; statements rated by the respondent itself."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Which of two statements respondents chose, one entry for each call: every array is (n_choices,).

    `first` and `second` are positions in `subdimensions`, in the order in which the statements stood.
    `first_wins` is 1 where the first was chosen, 0 where the second was, and NaN where neither;
    `missing` is then the position in `valuelex.domain.measure.REASONS` of why, and elsewhere -1.
    """

    system: str
    subdimensions: tuple[str, ...]
    respondent_ids: tuple[str, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    draw: NDArray[np.int64]
    first_wins: NDArray[np.float64]
    missing: NDArray[np.int8]

    def __post_init__(self) -> None:
        expected = (len(self.respondent_ids),)
        for name in ("first", "second", "draw", "first_wins", "missing"):
            shape = getattr(self, name).shape
            if shape != expected:
                msg = (
                    f"{name} has shape {shape}, but there are {expected[0]} choices; give one entry for each."
                )
                raise DataError(msg)
        _refuse_unlike(self.first_wins, self.missing, "choices")


@dataclass(frozen=True, slots=True)
class DirectRatings:
    """How much respondents say each statement is like them: (n_respondents, n_subdimensions, n_draws), 0 to 6.

    A value is the mean of the scale under the endpoint's token probabilities where it told them. `missing` has the
    same shape: -1 where there is a value, and elsewhere the position in `valuelex.domain.measure.REASONS` of
    why there is none.
    """

    system: str
    respondent_ids: tuple[str, ...]
    subdimensions: tuple[str, ...]
    values: NDArray[np.float64]
    missing: NDArray[np.int8]

    def __post_init__(self) -> None:
        expected = (len(self.respondent_ids), len(self.subdimensions))
        for name, shape in (("values", self.values.shape), ("missing", self.missing.shape)):
            if shape[:2] != expected or shape != self.values.shape or len(shape) != 3:
                msg = (
                    f"{name} has shape {shape}, but the labels describe {expected[0]} respondents × "
                    f"{expected[1]} subdimensions × draws."
                )
                raise DataError(msg)
        given = self.values[~np.isnan(self.values)]
        if given.size and not (given.min() >= SCALE_LOW and given.max() <= SCALE_HIGH):
            msg = f"Direct ratings lie from {SCALE_LOW:g} to {SCALE_HIGH:g}, not {given.min():g} to {given.max():g}."
            raise DataError(msg)
        _refuse_unlike(self.values, self.missing, "direct ratings")


def _refuse_unlike(values: NDArray[np.float64], missing: NDArray[np.int8], what: str) -> None:
    n = int((np.isnan(values) != (missing >= 0)).sum())
    if n:
        msg = f"{n} {what} have no value and no reason, or both; missing is a reason, never a number."
        raise DataError(msg)


@dataclass(frozen=True, slots=True)
class MethodScores:
    """Scores of one method: arrays are (n_respondents, n_subdimensions), NaN where there is none.

    Choices are scored in logits that sum to zero over the subdimensions of a respondent, so they tell which of its own
    values a respondent puts first and nothing of how strong all of them are. Direct ratings are in scale points
    (0 to 6). Intervals are at 95 %, over draws.
    """

    method: Method
    system: str
    unit: Literal["logits", "scale points"]
    respondent_ids: tuple[str, ...]
    subdimensions: tuple[str, ...]
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    errors: NDArray[np.float64]
    """Standard errors."""
    n_answers: NDArray[np.int64]
    """Answers that the score rests on."""
    missing: tuple[Mapping[Missing, int], ...]
    """Of each respondent, how many answers are missing for which reason."""
    position: tuple[Estimate, ...]
    """Of each respondent, what standing first adds to a statement, in logits; empty for methods without places."""
    remarks: tuple[str, ...]
    """Of each respondent, why it has no score, or what weakens it; empty elsewhere."""

    def __post_init__(self) -> None:
        expected = (len(self.respondent_ids), len(self.subdimensions))
        for name in ("values", "low", "high", "errors", "n_answers"):
            shape = getattr(self, name).shape
            if shape != expected:
                msg = f"{name} has shape {shape}, but the labels describe {expected} (respondents × subdimensions)."
                raise DataError(msg)


@dataclass(frozen=True, slots=True)
class Convergence:
    """One subdimension by two methods, correlated over respondents; n counts respondents with both scores."""

    trait: str
    a: str
    b: str
    correlation: Estimate
    """-1 to 1, with Fisher's interval, which takes respondents as independent."""
    resampled: Estimate
    """The same with an interval over resampled units."""
    disattenuated: float | None
    """Freed of the error that the methods' reliabilities tell; may pass 1. None where one of them is unknown."""


@dataclass(frozen=True, slots=True)
class MethodPair:
    """Two methods on all subdimensions, by the criteria of Campbell and Fiske (1959).

    Convergent: one subdimension, two methods. Each is held against the correlations with another subdimension in its
    own row and column: between the two methods (heteromethod), and within each method (monomethod).
    """

    a: str
    b: str
    mean_convergent: Estimate
    """n counts respondents; the interval is over resampled units."""
    mean_heterotrait: float | None
    """Mean correlation of different subdimensions by the two methods."""
    ratio: float | None
    """`mean_heterotrait` over the mean convergent correlation: towards 0 the methods tell subdimensions apart,
    towards 1 they do not. None where the convergent mean is not above 0."""
    n_convergent: int
    n_positive: int
    """Convergent correlations whose Fisher interval lies above 0."""
    n_heteromethod: int
    n_above_heteromethod: int
    """Comparisons with heteromethod correlations, and those that the convergent correlation wins."""
    n_monomethod: int
    n_above_monomethod: int
    """Comparisons with monomethod correlations, and those that the convergent correlation wins."""


@dataclass(frozen=True, slots=True)
class Multitrait:
    """The multitrait-multimethod matrix of one form of the scores.

    `correlations` is (n_methods x n_traits) squared, all traits of the first method first; None where fewer
    than five respondents have both scores or one does not vary. Everything but the labels is empty where nothing can be
    told; `reason` then says why.
    """

    scores: ScoreForm
    methods: tuple[str, ...]
    traits: tuple[str, ...]
    n_respondents: int
    """With a score by two methods at least."""
    reliabilities: tuple[tuple[float | None, ...], ...]
    """Of each method, of each trait: 0 to 1, None where unknown."""
    correlations: tuple[tuple[float | None, ...], ...]
    convergences: tuple[Convergence, ...]
    monomethod: tuple[float | None, ...]
    """Of each method, the mean correlation of different traits."""
    pairs: tuple[MethodPair, ...]
    verdict: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SecondMethods:
    """All that second methods found on one value system; choices or direct ratings are None when not asked for.

    `multitrait` compares scores as they are, `ipsatised` each respondent's scores less their own mean, which is the
    only form in which choices and other methods measure the same thing.
    """

    system: str
    choices: Choices | None
    direct: DirectRatings | None
    scores: tuple[MethodScores, ...]
    multitrait: Multitrait
    ipsatised: Multitrait
    warnings: tuple[str, ...]
