"""Lay out what was found in recorded texts: the verdict, both levels, rates of use and the forms that counted.

Reads `Observed`; counts and estimates nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from valuelex.domain.observed import Expectation, LevelStrength, Observed, TermRate
from valuelex.domain.results import Results
from valuelex.report.quality import Table
from valuelex.report.wording import DASH, count, interval, number, p_value, share

MOST_ROWS = 200
"""Forms that are shown; all of them stand in observed_forms.csv."""
_GIVEN = {
    Expectation.CHANCE: "chance",
    Expectation.RESPONDENT: "the respondent's own frequencies",
    Expectation.ITEM: "the respondent's own frequencies and the item's topic",
}


@dataclass(frozen=True, slots=True)
class ObservedSection:
    """What recorded texts show: sentences first, then tables."""

    about: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]


def build_observed(results: Results) -> ObservedSection | None:
    """Gather what was found in recorded texts; None where no study looked into any."""
    observed = results.observed
    if observed is None:
        return None
    missing = sum(text.missing is not None for text in observed.texts)
    about = (
        f"{count(len(observed.texts), 'recorded text')}, {share(missing, len(observed.texts))} of them missing, with "
        f"{count(observed.n_words, 'word')} outside code and quotations. Terms: {observed.terms_from}. Nobody was "
        "asked for values: these are words in use."
    )
    tables = [_levels(observed)] if observed.levels else []
    return ObservedSection(
        about,
        observed.verdict or (f"No structure was looked for. {observed.why_none}",),
        (*tables, _rates(observed), _extremes(observed), _forms(observed)),
    )


def _levels(observed: Observed) -> Table:
    return Table(
        "Structure of terms and of ordinary words",
        "How well groups of terms that were learnt on some respondents show in others. Between respondents: how much "
        "more alike rates of terms of one group are than of two. Within texts: nats for each 1,000 pairs of terms. "
        "Sets of ordinary words match the terms in number of texts, mentions a text and word class. 0 where no number "
        "of groups helps.",
        ("Level", "Beyond", "Groups", "Terms", "Ordinary words, median", "95 % of sets", "p"),
        tuple(_level_row(level) for level in observed.levels),
    )


def _level_row(level: LevelStrength) -> tuple[str, ...]:
    middle, spread = DASH, DASH
    if level.null:
        middle = number(float(np.median(level.null)), 3)
        low, high = (float(q) for q in np.quantile(level.null, [0.025, 0.975]))
        spread = f"{number(low, 3)} to {number(high, 3)}"
    where = "between respondents" if level.level == "between" else "within texts"
    given = "the item's topic" if level.level == "between" else _GIVEN[level.expectation]
    if level.level == "between" and level.expectation is not Expectation.ITEM:
        given = "the level of each respondent"
    return (
        where,
        given,
        f"{level.n_groups:,}",
        number(level.strength, 3),
        middle,
        spread,
        p_value(level.p),
    )


def _rates(observed: Observed) -> Table:
    read = Counter(text.respondent_id for text in observed.texts if text.missing is None)
    return Table(
        "How often respondents use terms",
        "Mentions of any term for each 1,000 words, with a 95 % interval over items; and their ratio to what all "
        "respondents together used on the same items.",
        (
            "Respondent",
            "Texts read",
            "Words",
            "Mentions",
            "For 1,000 words",
            "95 % interval",
            "Against others",
        ),
        tuple(
            (
                rate.respondent_id,
                f"{read[rate.respondent_id]:,}",
                f"{rate.n_words:,}",
                f"{rate.n_mentions:,}",
                number(rate.rate),
                interval(rate.ci_low, rate.ci_high),
                number(rate.standardised),
            )
            for rate in observed.rates
            if not rate.term
        ),
    )


def _extremes(observed: Observed) -> Table:
    """Show, for each respondent, the terms it uses most beyond what others do on the same items."""
    own: dict[str, list[TermRate]] = {}
    for rate in observed.rates:
        if rate.term and not isnan(rate.standardised):
            own.setdefault(rate.respondent_id, []).append(rate)
    return Table(
        "What sets respondents apart",
        "Terms of each respondent that lie farthest from what all used on the same items, in standard errors of a "
        "Poisson count. The farthest of many are likely overstated.",
        ("Respondent", "Used more", "Used less"),
        tuple((who, _far(rates, 1), _far(rates, -1)) for who, rates in own.items()),
        folded=True,
    )


def _far(rates: Sequence[TermRate], sign: int) -> str:
    def distance(rate: TermRate) -> float:
        due = rate.n_mentions / rate.standardised if rate.standardised > 0 else 0.0
        return sign * float((rate.n_mentions - due) / np.sqrt(max(due, 1.0)))

    ranked = sorted((r for r in rates if distance(r) > 0), key=lambda r: (-distance(r), r.term))
    return ", ".join(f"{r.term} ({number(r.rate)})" for r in ranked[:6]) or DASH


def _forms(observed: Observed) -> Table:
    ranked = sorted(observed.forms, key=lambda f: (-f.n_mentions, f.term, f.form))[:MOST_ROWS]
    shown = f"The {len(ranked)} commonest of {count(len(observed.forms), 'form')}; all stand in observed_forms.csv."
    return Table(
        "Forms that counted, with an example of each",
        f"{shown} Denied mentions (“lack of …”) do not count.",
        ("Form", "Term", "Mentions", "Denied", "Example"),
        tuple(
            (
                form.form,
                form.term,
                f"{form.n_mentions:,}",
                f"{form.n_denied:,}",
                form.examples[0].context if form.examples else DASH,
            )
            for form in ranked
        ),
        folded=True,
    )
