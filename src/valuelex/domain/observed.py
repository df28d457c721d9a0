"""Value terms in recorded free text: what was counted, where, and how strong a structure it shows.

Owns the results of a study that observes. Counts nothing and estimates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from valuelex.domain.call import Missing
from valuelex.domain.lexicon import Rule
from valuelex.domain.study import Respondent

Level = Literal["between", "within"]
"""Between respondents: their rates of use. Within: terms in one text."""


@dataclass(frozen=True, slots=True)
class RecordedText:
    """A recorded text on its way from the ledger, with the prompt it answered where the file told it."""

    id: str
    respondent_id: str
    item_id: str
    draw: int
    text: str
    prompt: str
    missing: Missing | None
    call_key: str


@dataclass(frozen=True, slots=True)
class ObservedText:
    """What was counted in a text, without the text. `n_words` is its exposure: words outside code and quotes.

    `n_mentions` counts words of the lexicon, those denied left out.
    """

    id: str
    respondent_id: str
    item_id: str
    draw: int
    missing: Missing | None
    n_words: int
    n_mentions: int
    call_key: str

    @property
    def prompt_id(self) -> str:
        """The item, by the name that responses give to what was asked."""
        return self.item_id


@dataclass(frozen=True, slots=True)
class Example:
    """A mention in its context, and the text it stands in."""

    text_id: str
    context: str


@dataclass(frozen=True, slots=True)
class FormUse:
    """A form that counted as a term: by which rules, how often, how often denied, and where.

    Mentions that a denial precedes ("lack of honesty") are in `n_denied` and not in `n_mentions`.
    """

    form: str
    term: str
    rules: tuple[Rule, ...]
    n_mentions: int
    n_denied: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class TermRate:
    """How often a respondent used a term: mentions for each 1,000 words with a 95 % interval.

    `term` is empty for all terms together. `standardised` is the ratio of mentions to those expected if the respondent
    used the term as all respondents did who answered the same items; NaN where none is expected.
    """

    respondent_id: str
    term: str
    n_mentions: int
    n_texts: int
    n_words: int
    rate: float
    ci_low: float
    ci_high: float
    standardised: float


class Expectation(StrEnum):
    """What co-occurrence is compared with."""

    CHANCE = "CHANCE"
    """Two texts of different respondents to different items."""
    RESPONDENT = "RESPONDENT"
    """Beside chance, two texts of one respondent: what its own frequencies make."""
    ITEM = "ITEM"
    """Beside chance and the respondent, two texts to one item by different respondents: its topic."""


@dataclass(frozen=True, slots=True)
class LevelStrength:
    """How well groups of terms, learnt on some respondents, show in others; and of matched ordinary words.

    `strength` is that of the best of `candidates`: within texts, held-out log-likelihood over that of one group, in
    nats for each 1,000 pairs; between respondents, how much more profiles of one group correlate than those of two.
    0 where no number of groups helps. `null` has one entry for each set of ordinary words, and `p` is the share of
    sets, this one included, that are as strong.
    """

    level: Level
    expectation: Expectation
    n_groups: int
    strength: float
    candidates: tuple[int, ...]
    by_candidate: tuple[float, ...]
    null: tuple[float, ...]
    p: float


@dataclass(frozen=True, slots=True)
class Variation:
    """How much the rates of use differ between respondents, items taken out: median squared variation of terms.

    1 would be a standard deviation as large as the rate itself. `null` and `p` as in `LevelStrength`.
    """

    between: float
    null: tuple[float, ...]
    p: float


@dataclass(frozen=True, slots=True)
class Topic:
    """How much of the association of terms is the prompt's.

    `share_item` and `share_respondent` are the shares of the association within groups beyond chance that texts of
    others to the same item, or other texts of the same respondent, show as well. `n_shared` items were answered by
    several respondents, of `n_items`.
    """

    n_items: int
    n_shared: int
    share_item: float
    share_respondent: float


@dataclass(frozen=True, slots=True)
class Observed:
    """What a study found in recorded texts. `terms_from` names the lexicon; `verdict` follows from the figures.

    `ordinary` names, for each term, the commonest ordinary words it was matched with. `levels` is empty, and `why_none`
    says why, where no structure could be looked for.
    """

    texts: tuple[ObservedText, ...]
    forms: tuple[FormUse, ...]
    rates: tuple[TermRate, ...]
    terms_from: str
    ordinary: tuple[tuple[str, tuple[str, ...]], ...]
    levels: tuple[LevelStrength, ...]
    variation: Variation | None
    topic: Topic | None
    verdict: tuple[str, ...]
    why_none: str = ""

    @property
    def n_words(self) -> int:
        """Words of all texts: the exposure."""
        return sum(text.n_words for text in self.texts)


def recorded_names(respondents: Sequence[Respondent]) -> dict[str, str]:
    """Return the ids of recorded respondents by the names that their answers were recorded under."""
    return {r.model.name: r.id for r in respondents if r.model.is_recorded}
