"""Value words: as written, as terms, and which response named which.

Owns the audit trail from a mention to its term, and the labelled matrix.
Does not decide what is a value word; `valuelex.stages.normalise` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.domain.call import Missing
from valuelex.domain.incidence import Incidence
from valuelex.errors import DataError


@dataclass(frozen=True, slots=True)
class Response:
    """One answer to one elicitation prompt: a respondent's words, or why there are none.

    `shown` are the words that the prompt itself showed as examples; to repeat them is no evidence.
    """

    id: str
    respondent_id: str
    prompt_id: str
    draw: int
    text: str
    missing: Missing | None
    call_key: str
    shown: tuple[str, ...] = ()


class Drop(StrEnum):
    """Why a mention did not become a term."""

    JUNK = "JUNK"
    FUNCTION_WORD = "FUNCTION_WORD"
    TOO_LONG = "TOO_LONG"
    NOT_A_VALUE = "NOT_A_VALUE"
    BY_STUDY = "BY_STUDY"
    SHOWN = "SHOWN"
    RARE = "RARE"


class Rule(StrEnum):
    """Which rule joined a form to its term, in the order in which they apply."""

    CASE = "CASE"
    SPELLING = "SPELLING"
    INFLECTION = "INFLECTION"
    FAMILY = "FAMILY"
    BY_STUDY = "BY_STUDY"


@dataclass(frozen=True, slots=True)
class Merge:
    """One form that was joined to a term, by which rules, and how often it was written."""

    form: str
    term: str
    rules: tuple[Rule, ...]
    n_mentions: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """One form that was left out, why, and how often it was written."""

    form: str
    reason: Drop
    n_mentions: int


@dataclass(frozen=True, slots=True)
class Term:
    """A normalised value word. Counts are of mentions, responses and respondents that named it."""

    name: str
    n_mentions: int
    n_responses: int
    n_respondents: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All terms in alphabetical order, with the record of every merge and every drop."""

    terms: tuple[Term, ...]
    merges: tuple[Merge, ...]
    dropped: tuple[Dropped, ...]

    def __post_init__(self) -> None:
        names = [term.name for term in self.terms]
        if names != sorted(set(names)):
            msg = "Lexicon.terms must be sorted by name, each name once."
            raise DataError(msg)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the terms, in order."""
        return tuple(term.name for term in self.terms)


@dataclass(frozen=True, slots=True)
class ResponseMatrix:
    """Which response named which term: (n_responses, n_terms), 0 or 1.

    Rows that share a respondent are repeated draws, not independent cases.
    Only responses that could be read are rows; one that named no term in the lexicon is a row of zeros.
    """

    named: Incidence
    response_ids: tuple[str, ...]
    respondent_ids: tuple[str, ...]
    terms: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.response_ids), len(self.terms))
        if self.named.shape != expected:
            msg = (
                f"The table has shape {self.named.shape}, but the labels describe {expected} "
                f"({expected[0]} responses × {expected[1]} terms)."
            )
            raise DataError(msg)
        if len(self.respondent_ids) != len(self.response_ids):
            msg = (
                f"{len(self.respondent_ids)} respondent labels for "
                f"{len(self.response_ids)} responses; give one for each row."
            )
            raise DataError(msg)

    @classmethod
    def of_dense(
        cls,
        values: ArrayLike,
        response_ids: Sequence[str],
        respondent_ids: Sequence[str],
        terms: Sequence[str],
    ) -> ResponseMatrix:
        """Label a dense table (n_responses, n_terms) of 0 and 1."""
        return cls(Incidence.of_dense(values), tuple(response_ids), tuple(respondent_ids), tuple(terms))

    def of_rows(self, rows: Sequence[int]) -> ResponseMatrix:
        """Return the same for some of the responses, with all terms."""
        return ResponseMatrix(
            self.named.of_rows(rows),
            tuple(self.response_ids[i] for i in rows),
            tuple(self.respondent_ids[i] for i in rows),
            self.terms,
        )

    def of_terms(self, columns: Sequence[int]) -> ResponseMatrix:
        """Return the same for some of the terms, with all responses."""
        terms = tuple(self.terms[j] for j in columns)
        return ResponseMatrix(self.named.of_columns(columns), self.response_ids, self.respondent_ids, terms)

    def n_respondents(self) -> NDArray[np.int64]:
        """Count the respondents who named each term: (n_terms,)."""
        number = {name: i for i, name in enumerate(dict.fromkeys(self.respondent_ids))}
        who = np.fromiter((number[name] for name in self.respondent_ids), np.int64, len(self.respondent_ids))
        shape = (len(number), len(self.terms))
        return Incidence.of_pairs(who[self.named.rows], self.named.columns, shape).of_each_column
