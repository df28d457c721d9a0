"""Estimate how often respondents used the terms of a lexicon in recorded texts.

Owns which terms are common enough for structure, their rates with intervals, and the lexicon and matrix that the value
system is built from. Counts nothing; `observe` does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.incidence import Incidence
from valuelex.domain.lexicon import Drop, Dropped, Lexicon, Merge, ResponseMatrix, Term
from valuelex.domain.observed import FormUse, ObservedText, TermRate
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.observe import Counted
from valuelex.stages.observed_structure import TextSources
from valuelex.stats.clustered_rates import clustered_rates, profiles
from valuelex.stats.sparse_counts import n_groups_with, n_rows_with, sum_groups, totals, with_total

PER_WORDS = 1000
LEAST_TEXTS = 20
"""Texts in which a term must be for a part in the structure."""
MOST_TERMS = 200
"""Terms in the structure at the most: the commonest."""
MOST_COMMON = 0.9
"""Share of texts above which a term tells texts not apart."""


def common_terms(counted: Counted, min_respondents: int, keep: Collection[str] = ()) -> NDArray[np.int64]:
    """Choose the terms whose structure is looked for, in alphabetical order.

    Parameters
    ----------
    counted
        What was counted.
    min_respondents
        How many respondents must have used a term; all of them, where fewer have a text.
    keep
        Terms that stay however rare.

    Returns
    -------
    (n_terms,)
        Columns of `counted.terms`.

    Raises
    ------
    DataError
        If fewer than two are left.
    """
    counts = counted.terms.counts
    n_respondents = n_groups_with(counts, _numbers(counted.read))
    n_texts = n_rows_with(counts)
    here = len({text.respondent_id for text in counted.read})
    least = min(min_respondents, here)
    fit = (n_texts >= LEAST_TEXTS) & (n_respondents >= least)
    fit |= np.array([name in keep for name in counted.terms.columns], dtype=bool)
    fit &= n_texts <= MOST_COMMON * counts.shape[0]
    chosen = np.flatnonzero(fit)
    chosen = chosen[np.argsort(-n_texts[chosen], kind="stable")[:MOST_TERMS]]
    if len(chosen) < 2:
        msg = (
            f"{count(len(chosen), 'term is', 'terms are')} in {LEAST_TEXTS} texts or more of "
            f"{count(least, 'respondent')} or more ({counts.shape[1]:,} found in "
            f"{count(counts.shape[0], 'text')} of {count(here, 'respondent')}); import more texts, or name other terms."
        )
        raise DataError(msg)
    return np.sort(chosen).astype(np.int64)


def _numbers(texts: Sequence[ObservedText]) -> NDArray[np.int64]:
    _, number = np.unique([text.respondent_id for text in texts], return_inverse=True)
    return number.astype(np.int64)


def term_rates(counted: Counted, sources: TextSources) -> tuple[TermRate, ...]:
    """Estimate the rate of every term, and of all together, of every respondent with a text.

    The clusters are a respondent's texts to one item. The intervals are of `clustered_rates`, and tell how a rate would
    move with other items of the same kind.

    Returns
    -------
    tuple of TermRate
        By respondent, all terms first. A respondent has a row for every term that anybody used.
    """
    texts = counted.read
    counts = with_total(counted.terms.counts)
    profile = profiles(counts, sources.n_words, sources.respondent, sources.item)
    names = ("", *counted.terms.columns)
    found = []
    for who in range(sources.n_respondents):
        rows = np.flatnonzero(sources.respondent == who)
        _, cluster = np.unique(sources.item[rows], return_inverse=True)
        own = counts[rows]
        exposure = np.bincount(cluster, sources.n_words[rows])
        rates = clustered_rates(sum_groups(own, cluster, len(exposure)), exposure / PER_WORDS)
        n_texts = n_rows_with(own)
        expected = profile.expected[who]
        ratio = np.divide(
            profile.observed[who], expected, out=np.full_like(expected, np.nan), where=expected > 0
        )
        found += [
            TermRate(
                respondent_id=texts[int(rows[0])].respondent_id,
                term=name,
                n_mentions=int(profile.observed[who, j]),
                n_texts=int(n_texts[j]),
                n_words=int(exposure.sum()),
                rate=float(rates.rate[j]),
                ci_low=float(rates.ci_low[j]),
                ci_high=float(rates.ci_high[j]),
                standardised=float(ratio[j]),
            )
            for j, name in enumerate(names)
        ]
    return tuple(found)


def observed_lexicon(counted: Counted, chosen: NDArray[np.int64]) -> tuple[Lexicon, ResponseMatrix]:
    """Make the lexicon and the matrix of texts by terms, 0 or 1, that a value system is built from.

    Terms that were not chosen are dropped as RARE.
    """
    terms = counted.terms.keep(chosen)
    texts = counted.read
    figures = zip(
        terms.columns,
        totals(terms.counts),
        n_rows_with(terms.counts),
        n_groups_with(terms.counts, _numbers(texts)),
        strict=True,
    )
    listed = tuple(Term(name, int(m), int(t), int(r)) for name, m, t, r in figures)
    names = set(terms.columns)
    used = [form for form in counted.forms if form.n_mentions]
    lexicon = Lexicon(
        listed,
        tuple(Merge(f.form, f.term, f.rules, f.n_mentions) for f in used if f.term in names),
        tuple(sorted(_dropped(used, names), key=lambda d: (d.form, d.reason))),
    )
    ids = tuple(text.id for text in texts)
    rows, columns = terms.counts.nonzero()
    named = Incidence.of_pairs(rows, columns, (len(ids), len(terms.columns)))
    return lexicon, ResponseMatrix(named, ids, tuple(t.respondent_id for t in texts), terms.columns)


def _dropped(forms: Sequence[FormUse], names: Collection[str]) -> list[Dropped]:
    return [Dropped(form.form, Drop.RARE, form.n_mentions) for form in forms if form.term not in names]
