"""Turn value words as written into terms.

Owns what is accepted as a term and what is dropped, and the record of every merge and every drop.
Does not split texts (`parse_list`), know spelling and families (`families`), correlate or cluster;
the last two begin at `ResponseMatrix`.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.incidence import Incidence
from valuelex.domain.lexicon import Drop, Dropped, Lexicon, Merge, Response, ResponseMatrix, Rule, Term
from valuelex.domain.study import NormalisePlan
from valuelex.domain.wording import count
from valuelex.errors import StudyError
from valuelex.stages.accept import Verdict, accept
from valuelex.stages.families import Attested, WordRules
from valuelex.stages.parse_list import split_mentions

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_SPACES = re.compile(r"[\s_]+")
_AROUND_HYPHEN = re.compile(r"(?<=\w) ?[-‐‑] ?(?=\w)")


def form_key(form: str) -> str:
    """Return a form in lower case, without signs at its ends, with plain apostrophes and single spaces.

    A hyphen at the end stays: it shows a word that was cut. Empty when there is no letter or digit.
    """
    if not form.isascii():
        form = _INVISIBLE.sub("", unicodedata.normalize("NFKC", form)).replace("’", "'").replace("‘", "'")
    key = _SPACES.sub(" ", form.lower())
    start, end = 0, len(key)
    while start < end and not key[start].isalnum():
        start += 1
    while end > start and not (key[end - 1].isalnum() or key[end - 1] == "-"):
        end -= 1
    return _AROUND_HYPHEN.sub("-", key[start:end])


def normalise(
    responses: Sequence[Response],
    rules: WordRules,
    plan: NormalisePlan,
    truncated: Collection[str] = (),
) -> tuple[Lexicon, ResponseMatrix, tuple[Response, ...]]:
    """Join the mentions of all responses into terms.

    Equal responses give equal terms in whatever order they come. Time and memory are linear in the
    number of mentions.

    Parameters
    ----------
    responses
        In the order wanted for the rows. Those with a missing reason are passed on untouched.
    rules
        The shipped word lists.
    plan
        `keep`: forms that become terms whatever the rules say, however few name them. `drop`: forms
        or terms to leave out. `merge`: a form or term, and the word it is to count as; the target is
        normalised like any mention and becomes a term even if the rules would not take it.
    truncated
        Ids of the responses that were cut at the token limit.

    Returns
    -------
    Lexicon
        A `Merge` for every form that became a term, also where nothing changed (no rules), and a
        `Dropped` for every other. Their mentions add up to all mentions in the responses that had
        no missing reason. A mention of a term that the response's own prompt showed is dropped as
        SHOWN and counts nowhere. A form of a term that too few respondents named is dropped as RARE.
    ResponseMatrix
        (n_readable, n_terms): the responses that have no missing reason afterwards.
    tuple of Response
        The same responses. One that had no reason gets UNPARSEABLE if no word could be split out of
        it, or OFF_TOPIC if none of its words is a value word.

    Raises
    ------
    StudyError
        If a form is both to be kept and dropped, or merges lead in a circle.
    """
    study = _StudyWords.of(plan)
    cut = frozenset(truncated)
    mentions = _collect(responses, rules, cut)
    keys = [form_key(form) for form in mentions.forms]
    attested = Attested.of({key for key in keys if key})
    verdicts = [
        study.decide(form, key, rules, attested) for form, key in zip(mentions.forms, keys, strict=True)
    ]
    missing = _missing_after(mentions, verdicts, len(responses))
    updated = tuple(
        replace(response, missing=missing[i]) if i in missing else response
        for i, response in enumerate(responses)
    )
    names = sorted({verdict.term for verdict in verdicts if verdict.term is not None})
    forced = {study.decide(key, key, rules, attested).term for key in study.keep}
    rows = _Rows.of(updated)
    column = {name: j for j, name in enumerate(names)}
    term_ids = np.array([-1 if v.term is None else column[v.term] for v in verdicts], dtype=np.int64)
    named = term_ids[mentions.form_ids]
    shown_terms = {
        word: column.get(study.decide(word, form_key(word), rules, attested).term or "", -1)
        for word in {word for response in responses for word in response.shown}
    }
    shown = _shown(responses, mentions, named, shown_terms, len(names))
    terms, incidence = _tabulate(
        rows, mentions.positions, np.where(shown, -1, named), names, plan.min_respondents, forced
    )
    matrix = ResponseMatrix(incidence, rows.response_ids, rows.respondent_ids, tuple(t.name for t in terms))
    return _lexicon(terms, mentions, verdicts, shown), matrix, updated


@dataclass(frozen=True, slots=True)
class _StudyWords:
    """The study's own decisions, by key."""

    keep: frozenset[str]
    drop: frozenset[str]
    merge: Mapping[str, str]

    @classmethod
    def of(cls, plan: NormalisePlan) -> Self:
        keep = frozenset(map(form_key, plan.keep))
        drop = frozenset(map(form_key, plan.drop))
        both = sorted(keep & drop)
        if both:
            msg = f"{count(len(both), 'word is', 'words are')} both kept and dropped (first: {both[0]!r}). Choose one."
            raise StudyError(msg)
        return cls(keep, drop, {form_key(a): form_key(b) for a, b in plan.merge.items()})

    def decide(self, form: str, key: str, rules: WordRules, attested: Attested) -> Verdict:
        """Apply the rules, then the study's merges, then its drops."""
        verdict = accept(key, rules, attested)
        if verdict.term is None and key in self.keep:
            verdict = Verdict(key)
        used = set(verdict.rules)
        targets: list[str] = []
        word = key
        while True:
            target = self.merge.get(word) or self.merge.get(verdict.term or "")
            if target is None or target == verdict.term:
                break
            if target in targets:
                msg = f"Merges lead in a circle: {' -> '.join([key, *targets, target])}. Remove one of them."
                raise StudyError(msg)
            targets.append(target)
            word = target
            verdict = accept(target, rules, attested)
            verdict = Verdict(target) if verdict.term is None else verdict
            used |= verdict.rules | {Rule.BY_STUDY}
        if verdict.term is None:
            return verdict
        if key in self.drop or verdict.term in self.drop:
            return Verdict(None, reason=Drop.BY_STUDY)
        if form != key:
            used.add(Rule.CASE)
        return Verdict(verdict.term, frozenset(used))


@dataclass(frozen=True, slots=True)
class _Mentions:
    """All mentions in order: the number of their form, and the position of their response.

    `read` holds the positions of the responses that had no missing reason.
    """

    forms: tuple[str, ...]
    form_ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    read: tuple[int, ...]


def _collect(responses: Sequence[Response], rules: WordRules, cut: frozenset[str]) -> _Mentions:
    numbers: dict[str, int] = {}
    form_ids = array("q")
    lengths = array("q")
    read: list[int] = []
    for position, response in enumerate(responses):
        if response.missing is not None:
            continue
        mentions = split_mentions(response.text, rules, truncated=response.id in cut)
        read.append(position)
        lengths.append(len(mentions))
        form_ids.extend(numbers.setdefault(form, len(numbers)) for form in mentions)
    positions = np.repeat(np.array(read, dtype=np.int64), np.frombuffer(lengths, dtype=np.int64))
    ids = np.frombuffer(form_ids, dtype=np.int64) if form_ids else np.zeros(0, dtype=np.int64)
    return _Mentions(tuple(numbers), ids, positions, tuple(read))


def _missing_after(mentions: _Mentions, verdicts: Sequence[Verdict], n: int) -> dict[int, Missing]:
    """Return the reason for each response that was read and named no value word."""
    is_value = np.array([v.term is not None or v.reason is Drop.BY_STUDY for v in verdicts], dtype=bool)
    is_word = np.array([v.reason is not Drop.JUNK for v in verdicts], dtype=bool)
    named = np.zeros(n, dtype=bool)
    worded = np.zeros(n, dtype=bool)
    named[mentions.positions[is_value[mentions.form_ids]]] = True
    worded[mentions.positions[is_word[mentions.form_ids]]] = True
    return {i: Missing.OFF_TOPIC if worded[i] else Missing.UNPARSEABLE for i in mentions.read if not named[i]}


@dataclass(frozen=True, slots=True)
class _Rows:
    """Labels of the readable responses, and for each position its row and its respondent's number."""

    response_ids: tuple[str, ...]
    respondent_ids: tuple[str, ...]
    row: NDArray[np.int64]
    respondent: NDArray[np.int64]
    n_respondents: int

    @classmethod
    def of(cls, responses: Sequence[Response]) -> Self:
        readable = [response for response in responses if response.missing is None]
        numbers: dict[str, int] = {}
        respondent = [numbers.setdefault(r.respondent_id, len(numbers)) for r in responses]
        is_row = np.array([r.missing is None for r in responses], dtype=bool)
        return cls(
            tuple(r.id for r in readable),
            tuple(r.respondent_id for r in readable),
            np.where(is_row, np.cumsum(is_row) - 1, -1),
            np.array(respondent, dtype=np.int64),
            len(numbers),
        )


def _shown(
    responses: Sequence[Response],
    mentions: _Mentions,
    named: NDArray[np.int64],
    shown_terms: Mapping[str, int],
    n_terms: int,
) -> NDArray[np.bool_]:
    """Tell for each mention whether its term stood in the examples of the response's own prompt."""
    pairs = [
        position * n_terms + shown_terms[word]
        for position in mentions.read
        for word in responses[position].shown
        if shown_terms[word] >= 0
    ]
    codes = mentions.positions * n_terms + named
    return (named >= 0) & np.isin(codes, np.array(pairs, dtype=np.int64))


def _tabulate(
    rows: _Rows,
    positions: NDArray[np.int64],
    named: NDArray[np.int64],
    names: Sequence[str],
    min_respondents: int,
    forced: Collection[str | None],
) -> tuple[tuple[Term, ...], Incidence]:
    """Return the terms that enough respondents named, and which row named which.

    `positions` and `named` hold the response and the term of each mention, -1 for one without a term.
    """
    is_term = named >= 0
    named, positions = named[is_term], positions[is_term]
    by_respondent = Incidence.of_pairs(rows.respondent[positions], named, (rows.n_respondents, len(names)))
    n_respondents = by_respondent.of_each_column
    kept = n_respondents >= min_respondents
    kept |= np.array([name in forced for name in names], dtype=bool)
    n_mentions = np.bincount(named, minlength=len(names))
    new = np.cumsum(kept) - 1
    stays = kept[named]
    shape = (len(rows.response_ids), int(kept.sum()))
    incidence = Incidence.of_pairs(rows.row[positions[stays]], new[named[stays]], shape)
    n_responses = incidence.of_each_column
    terms = tuple(
        Term(names[j], int(n_mentions[j]), int(n_responses[new[j]]), int(n_respondents[j]))
        for j in np.flatnonzero(kept).tolist()
    )
    return terms, incidence


def _lexicon(
    terms: tuple[Term, ...],
    mentions: _Mentions,
    verdicts: Sequence[Verdict],
    shown: NDArray[np.bool_],
) -> Lexicon:
    """Record what became of every form; one that was shown in some prompts only has two entries."""
    names = {term.name for term in terms}
    n_forms = len(mentions.forms)
    counts = np.bincount(mentions.form_ids[~shown], minlength=n_forms).tolist()
    n_shown = np.bincount(mentions.form_ids[shown], minlength=n_forms).tolist()
    merges: list[Merge] = []
    dropped = [Dropped(f, Drop.SHOWN, n) for f, n in zip(mentions.forms, n_shown, strict=True) if n]
    for form, verdict, n_said in zip(mentions.forms, verdicts, counts, strict=True):
        if n_said == 0:
            continue
        if verdict.term is None:
            dropped.append(Dropped(form, verdict.reason or Drop.NOT_A_VALUE, n_said))
        elif verdict.term not in names:
            dropped.append(Dropped(form, Drop.RARE, n_said))
        else:
            used = tuple(rule for rule in Rule if rule in verdict.rules)
            merges.append(Merge(form, verdict.term, used, n_said))
    merges.sort(key=lambda merge: (merge.term, merge.form))
    dropped.sort(key=lambda drop: (drop.form, drop.reason))
    return Lexicon(terms, tuple(merges), tuple(dropped))
