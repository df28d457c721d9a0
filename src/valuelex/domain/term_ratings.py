"""Ratings of terms: how respondents are asked, what each answer says, and the dense matrix of respondents by terms.

Owns labels, shapes and missing reasons. Does not plan, read or average; `valuelex.stages.rate_terms` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW
from valuelex.errors import DataError


@dataclass(frozen=True, slots=True)
class TermPrompt:
    """One way to ask how important what a term names is, from 0 to 6.

    `chat` is the user's turn with one place for {term}, `prefill` the start of the assistant's turn where that is used.
    In raw completion `heading` stands above a list of ratings, and `turn`, with one place each for {subject} and
    {term}, before each number.
    """

    id: str
    chat: str
    prefill: str
    heading: str
    turn: str


@dataclass(frozen=True, slots=True)
class TermExample:
    """A rating that shows a raw-completion model the form of an answer."""

    subject: str
    term: str
    rating: int


@dataclass(frozen=True, slots=True)
class TermPromptSet:
    """Prompts in a fixed order, and the examples that rotate before raw ones."""

    name: str
    source: str
    prompts: tuple[TermPrompt, ...]
    examples: tuple[TermExample, ...]


@dataclass(frozen=True, slots=True)
class TermPlan:
    """Which terms are rated, and how they are asked for.

    `source` is the name of the file or value system that the terms are from. `probabilities` tells whether ratings are
    expected values under token probabilities where the endpoint tells them, and otherwise the number that was written.
    """

    terms: tuple[str, ...]
    source: str
    prompts: TermPromptSet
    draws: int
    max_tokens: int
    probabilities: bool

    def __post_init__(self) -> None:
        if list(self.terms) != sorted(set(self.terms)) or len(self.terms) < 2:
            msg = "TermPlan.terms must be two or more, in alphabetical order, each once."
            raise DataError(msg)


@dataclass(frozen=True, slots=True)
class TermRating:
    """One answer about one term.

    `rating` is from 0 (not at all important) to 6 (as important as anything can be), or None with the reason in
    `missing`. `written` is the number that was written, if one was. `on_scale` is how much probability
    lay on the points of the scale (0 to 1), where the endpoint told: the rating is then the mean over these
    points; None where the rating is the number that was written.
    """

    id: str
    respondent_id: str
    term: str
    prompt_id: str
    draw: int
    rating: float | None
    written: int | None
    on_scale: float | None
    missing: Missing | None
    text: str
    call_key: str


@dataclass(frozen=True, slots=True)
class RatedMatrix:
    """How much each respondent values each term: (n_respondents, n_terms), 0 to 6.

    Every respondent was asked for every term, so that a rating of one leaves room for all others, unlike a list. A
    value is the mean of the ratings of a cell over prompts and draws, where at least half of those asked for were
    given; elsewhere NaN. `n` counts the ratings of each cell. `missing`, (n_respondents, n_terms, n_reasons), counts
    why others are not there, in the order of `reasons`. `on_scale` is the mean probability on the scale over the
    answers for which it was told; NaN where for none.
    """

    values: NDArray[np.float64]
    n: NDArray[np.int64]
    reasons: tuple[Missing, ...]
    missing: NDArray[np.int64]
    on_scale: NDArray[np.float64]
    respondent_ids: tuple[str, ...]
    terms: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.respondent_ids), len(self.terms))
        shapes = {"values": expected, "n": expected, "on_scale": expected}
        for name, shape in (shapes | {"missing": (*expected, len(self.reasons))}).items():
            found = getattr(self, name).shape
            if found != shape:
                msg = (
                    f"{name} has shape {found}, but the labels describe {shape} ({expected[0]} respondents × "
                    f"{expected[1]} terms{' × reasons' if name == 'missing' else ''})."
                )
                raise DataError(msg)
        given = self.values[~np.isnan(self.values)]
        if given.size and not (given.min() >= SCALE_LOW and given.max() <= SCALE_HIGH):
            msg = f"Ratings lie from {SCALE_LOW:g} to {SCALE_HIGH:g}, not {given.min():g} to {given.max():g}."
            raise DataError(msg)
        unlike = np.isnan(self.values) != ~((self.n > 0) & (2 * self.n >= self.n_asked))
        if unlike.any():
            row, column = np.argwhere(unlike)[0]
            msg = (
                f"{int(unlike.sum())} cells have a value without half of the ratings, or none with them (first: "
                f"{self.respondent_ids[row]!r} on {self.terms[column]!r})."
            )
            raise DataError(msg)

    @property
    def n_asked(self) -> NDArray[np.int64]:
        """Ratings that were asked for in each cell: (n_respondents, n_terms)."""
        asked: NDArray[np.int64] = self.n + self.missing.sum(axis=2)
        return asked

    @property
    def answers(self) -> list[Missing | None]:
        """The reason of every rating that was asked for, None for those that were given."""
        given: list[Missing | None] = [None] * int(self.n.sum())
        return given + [reason for reason, n in self.count_missing().items() for _ in range(n)]

    def count_missing(self) -> dict[Missing, int]:
        """Count missing ratings by reason, over all cells."""
        totals = self.missing.sum(axis=(0, 1)).tolist()
        return {reason: total for reason, total in zip(self.reasons, totals, strict=True) if total}
