"""How strong a structure terms show in recorded texts, beside that of ordinary words.

Owns the analysis at both levels, its null of matched ordinary words, and the verdict in words. Everything that is done
to terms is done to each set of ordinary words. Counts nothing; `observe` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.observed import Expectation, Level, LevelStrength, ObservedText, Topic, Variation
from valuelex.domain.study import Respondent
from valuelex.domain.wording import count, p_equals
from valuelex.stages.observe import Matcher, TextCounts
from valuelex.stats.cluster import spectral_partitions
from valuelex.stats.clustered_rates import profiles
from valuelex.stats.crossed_pairs import (
    CrossedPairs,
    Given,
    HeldOutGroups,
    crossed_pairs,
    explained_shares,
    held_out_gain,
    residual,
)
from valuelex.stats.profile_groups import double_centred, held_out_coherence
from valuelex.stats.sparse_counts import Counts, present

N_NULL = 99
"""Sets of ordinary words: the smallest p is .01."""
LEAST_RESPONDENTS = 4
LEAST_TERMS = 12
CANDIDATES = (2, 3, 4, 6, 8)
"""Numbers of groups that are tried, as far as there are three times as many terms."""
MOST_UNITS = 30
"""Independent units are dealt into so many, where there are more, to bound memory."""
SIGNIFICANCE = 0.05
_GIVEN = {
    Expectation.CHANCE: Given.CHANCE,
    Expectation.RESPONDENT: Given.MAKER,
    Expectation.ITEM: Given.MAKER_AND_TOPIC,
}


@dataclass(frozen=True, slots=True)
class TextSources:
    """Numbers of the respondent, item and independent unit of each text, and its words: (n_texts,) each."""

    respondent: NDArray[np.int64]
    item: NDArray[np.int64]
    unit: NDArray[np.int64]
    n_words: NDArray[np.float64]
    unit_name: str
    n_shared: int
    """Items that several respondents answered."""

    @classmethod
    def of(cls, texts: Sequence[ObservedText], respondents: Sequence[Respondent]) -> TextSources:
        """Take families as units where there are `LEAST_RESPONDENTS` of them, else respondents.

        Lists need five (`Sources.units`). The null here is other words of the same texts, which are as few.
        """
        family = {r.id: r.family for r in respondents}
        here = [text.respondent_id for text in texts]
        enough = len({family[i] for i in here}) >= LEAST_RESPONDENTS
        unit_of = family if enough else {r.id: r.id for r in respondents}
        _, respondent = np.unique(here, return_inverse=True)
        _, item = np.unique([text.item_id for text in texts], return_inverse=True)
        _, unit = np.unique([unit_of[i] for i in here], return_inverse=True)
        pairs = np.unique(np.stack([item, respondent]), axis=1)
        return cls(
            respondent.astype(np.int64),
            item.astype(np.int64),
            (unit % MOST_UNITS).astype(np.int64),
            np.array([text.n_words for text in texts], dtype=np.float64),
            "families" if enough else "respondents",
            int((np.bincount(pairs[0]) > 1).sum()),
        )

    @property
    def expectation(self) -> Expectation:
        """The strictest expectation that the items allow."""
        return Expectation.ITEM if self.n_shared else Expectation.RESPONDENT

    @property
    def n_respondents(self) -> int:
        """Respondents with a text."""
        return int(self.respondent.max()) + 1 if len(self.respondent) else 0


def why_no_structure(sources: TextSources, n_terms: int) -> str:
    """Say why no structure can be looked for; empty where it can."""
    n_units = len(np.unique(sources.unit))
    if min(sources.n_respondents, n_units) < LEAST_RESPONDENTS:
        return (
            f"Texts of {count(sources.n_respondents, 'respondent')} were counted; at least {LEAST_RESPONDENTS} are "
            "needed to tell structure from the style of one. Import texts of other models, and name them in "
            "[[respondents]]."
        )
    if n_terms < LEAST_TERMS:
        return (
            f"{count(n_terms, 'term was', 'terms were')} used often enough; at least {LEAST_TERMS} are needed to look "
            "for groups of them."
        )
    return ""


@dataclass(frozen=True, slots=True)
class Structure:
    """The figures of one analysis: both levels with their nulls, variation between respondents, and topic."""

    levels: tuple[LevelStrength, ...]
    variation: Variation
    topic: Topic


@dataclass(frozen=True, slots=True)
class _Analysis:
    """What one set of words shows."""

    between: HeldOutGroups
    within: HeldOutGroups
    variation: float


def compare_structure(
    terms: TextCounts,
    matcher: Matcher,
    sources: TextSources,
    rng: np.random.Generator,
    *,
    n_null: int = N_NULL,
    told: Callable[[int], object] = lambda _: None,
) -> Structure:
    """Measure the structure of terms and of matched ordinary words, in the same way.

    Between respondents: rates standardised by item, as log ratios with the general level of each respondent taken
    out; how well groups learnt on some units cohere in others. Within texts: which terms come together in a text beyond
    what the respondent's own frequencies and the item's topic make; the held-out gain of groups.

    Parameters
    ----------
    terms
        At least `LEAST_TERMS` columns; only whether a text holds a term counts within texts.
    matcher
        Draws the ordinary words.
    sources
        Of each text. Folds hold out units.
    rng
        Source of folds and of the sets of ordinary words.
    n_null
        Sets of ordinary words.
    told
        Called with 1 after each set.

    Returns
    -------
    Structure
        The first two levels are those the verdict is about. The rest are within texts against weaker expectations, of
        terms alone, without a null (``p`` NaN), to show what topic and style make.
    """
    expectation = sources.expectation
    ks = tuple(k for k in CANDIDATES if 3 * k <= len(terms.columns))
    mine, pairs = _analyse(terms.counts, sources, ks, rng)
    weaker = [e for e in Expectation if e is not expectation and (e is not Expectation.ITEM)]
    others = [held_out_gain(pairs, _GIVEN[e], ks, rng) for e in weaker]
    nulls: list[_Analysis] = []
    for _ in range(n_null):
        drawn = matcher.words.keep(matcher.draw(rng))
        nulls.append(_analyse(drawn.counts, sources, ks, rng)[0])
        told(1)
    levels = [
        _level("between", expectation, mine.between, [null.between for null in nulls]),
        _level("within", expectation, mine.within, [null.within for null in nulls]),
        *(_level("within", e, found, []) for e, found in zip(weaker, others, strict=True)),
    ]
    null = tuple(n.variation for n in nulls)
    variation = Variation(mine.variation, null, _p(mine.variation, null))
    return Structure(tuple(levels), variation, _topic(pairs, sources, levels[1].n_groups))


def _analyse(
    counts: Counts, sources: TextSources, ks: Sequence[int], rng: np.random.Generator
) -> tuple[_Analysis, CrossedPairs]:
    profile = profiles(counts, sources.n_words, sources.respondent, sources.item)
    unit_of = np.zeros(sources.n_respondents, dtype=np.int64)
    unit_of[sources.respondent] = sources.unit
    between = held_out_coherence(double_centred(profile.log_ratio), unit_of, ks, rng)
    pairs = crossed_pairs(present(counts), sources.respondent, sources.item, sources.unit)
    within = held_out_gain(pairs, _GIVEN[sources.expectation], ks, rng)
    return _Analysis(between, within, float(np.nanmedian(profile.variation))), pairs


def _level(
    level: Level, expectation: Expectation, found: HeldOutGroups, nulls: Sequence[HeldOutGroups]
) -> LevelStrength:
    strength = max(float(found.gain.max()), 0.0)
    null = tuple(max(float(n.gain.max()), 0.0) for n in nulls)
    return LevelStrength(
        level=level,
        expectation=expectation,
        n_groups=found.candidates[int(found.gain.argmax())] if strength > 0 else 1,
        strength=strength,
        candidates=found.candidates,
        by_candidate=tuple(float(g) for g in found.gain),
        null=null,
        p=_p(strength, null),
    )


def _p(value: float, null: Sequence[float]) -> float:
    """Share of sets, the observed one included, that reach the value; NaN without sets."""
    return (1 + sum(n >= value for n in null)) / (1 + len(null)) if null else float("nan")


def _topic(pairs: CrossedPairs, sources: TextSources, n_groups: int) -> Topic:
    """Tell what topic and respondents explain of the association in groups of the terms as they are used together."""
    table = pairs.over(slice(None))
    seen, due = table.observed(), table.expected(Given.CHANCE)
    (labels,) = spectral_partitions(residual(seen, due * (seen.sum() / due.sum())), [max(n_groups, 2)])
    shares = explained_shares(pairs, labels)
    return Topic(int(sources.item.max()) + 1, sources.n_shared, shares.topic, shares.maker)


def verdict(structure: Structure, sources: TextSources) -> tuple[str, ...]:
    """Say in sentences what the figures of both levels allow, and no more."""
    sentences = [_say_level(level) for level in structure.levels if level.null]
    clear = [level.level for level in structure.levels if level.null and _is_clear(level)]
    if clear:
        where = " and ".join("between respondents" if c == "between" else "within texts" for c in clear)
        more = f"Value terms show more structure than ordinary words of the same frequency {where}; "
        if sources.unit_name == "families":
            more += "that is evidence of a value system in use there, not of what respondents would say they value."
        else:
            more += (
                f"with fewer than {LEAST_RESPONDENTS} families, some of one stand on both sides of a fold, so it "
                "can be the taste of a family and is no evidence of a value system."
            )
        sentences.insert(0, more)
    else:
        sentences.insert(
            0,
            "Value terms show no more structure than ordinary words of the same frequency, at neither level: what "
            "groups there are can be each respondent's style of vocabulary and the topics it was asked about.",
        )
    sentences.append(_say_variation(structure.variation))
    sentences.append(_say_topic(structure.topic, sources))
    return tuple(sentences)


def topics_first(said: Sequence[str], topic: Topic | None) -> tuple[str, ...]:
    """Put before what is said of a value system that its groups were built from texts with their topics in.

    Parameters
    ----------
    said
        The verdict on the value system, which knows nothing of items.
    topic
        What items explain, where it is known.
    """
    how = "These groups are of terms as texts have them, the topics of their items included"
    if topic is None or not topic.n_shared or np.isnan(topic.share_item):
        return f"{how}; how much of them that is cannot be told.", *said
    return (
        f"{how}: of the association in such groups, texts of other respondents to the same item show "
        f"{_percent(topic.share_item)}. What is said here is beyond chance and the respondents' own frequencies, not "
        "beyond topics; see the verdict on recorded texts.",
        *said,
    )


def _is_clear(level: LevelStrength) -> bool:
    return level.strength > 0 and level.p <= SIGNIFICANCE


def _say_level(level: LevelStrength) -> str:
    where = "Between respondents" if level.level == "between" else "Within texts"
    unit = "" if level.level == "between" else " nats for 1,000 pairs"
    middle = float(np.median(level.null))
    low, high = (float(q) for q in np.quantile(level.null, [0.025, 0.975]))
    figures = (
        f"{level.strength:.3g}{unit} against {middle:.3g} ({low:.3g} to {high:.3g}) of "
        f"{len(level.null)} sets of ordinary words, {p_equals(level.p)}"
    )
    if level.strength <= 0:
        return (
            f"{where} no number of groups of terms held up in respondents it was not learnt on ({figures})."
        )
    compared = "more than" if _is_clear(level) else "no more than"
    return f"{where} groups of terms hold up in other respondents {compared} groups of ordinary words do ({figures})."


def _say_variation(variation: Variation) -> str:
    middle = float(np.median(variation.null))
    if variation.p <= SIGNIFICANCE:
        compared = "more than"
    elif 1 - variation.p <= SIGNIFICANCE:
        compared = "less than"
    else:
        compared = "about as much as"
    return (
        f"Rates of value terms vary between respondents {compared} those of ordinary words (median squared variation "
        f"{variation.between:.3g} against {middle:.3g})."
    )


def _say_topic(topic: Topic, sources: TextSources) -> str:
    if not topic.n_shared:
        return (
            "No item was answered by two respondents, so what terms share because of what was asked cannot be taken "
            "out: groups within texts may be topics."
        )
    asked = (
        f"{topic.n_shared:,} of {count(topic.n_items, 'item')} {'was' if topic.n_shared == 1 else 'were'} answered by "
        "several respondents"
    )
    if np.isnan(topic.share_item):
        return f"{asked}; groups of terms show no association beyond chance for their topics to explain."
    return (
        f"{asked}; of the association within groups beyond chance, other respondents' texts to the same item show "
        f"{_percent(topic.share_item)}, and other texts of the same respondent {_percent(topic.share_respondent)}; "
        f"both are taken out before terms are compared with ordinary words. Folds hold out {sources.unit_name}."
    )


def _percent(share: float) -> str:
    return f"{round(100 * share) + 0} %"
