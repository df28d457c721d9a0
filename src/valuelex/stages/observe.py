"""Count the terms of a lexicon in recorded texts.

Owns the counts by text, their exposure in words, the record of every form with examples, and the ordinary words that
terms are compared with. Texts come one at a time and are not kept. Does not estimate; see `observed_rates` and
`observed_structure`.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.observed import Example, FormUse, ObservedText, RecordedText
from valuelex.stages.clean import clean_answer
from valuelex.stages.families import Attested, WordRules, join
from valuelex.stages.refusal import is_refusal
from valuelex.stages.term_search import Mention, TermSearch, is_word, tokens_of, without_quotes
from valuelex.stats.sparse_counts import Counts, from_rows, n_rows_with, select, totals

N_EXAMPLES = 3
"""Examples of each form."""
CONTEXT = 7
"""Words on either side of an example."""
N_ALIKE = 40
"""Ordinary words from which those that match a term are drawn."""
MOST_COUNTED = 65_535
ABSTRACT = (
    *(
        "ness",
        "ity",
        "ety",
        "ism",
        "ance",
        "ence",
        "ancy",
        "ency",
        "acy",
        "tude",
        "ship",
        "hood",
        "tion",
        "sion",
        "ment",
    ),
    *(
        "ous",
        "ful",
        "ive",
        "able",
        "ible",
        "ic",
        "ical",
        "al",
        "ant",
        "ent",
        "less",
        "ly",
        "ary",
        "ed",
        "ing",
    ),
)
"""Endings by which a word is likely an abstract noun or a quality; a stand-in for parts of speech."""


@dataclass(frozen=True, slots=True)
class TextCounts:
    """How often which text used which term or word: (n_texts, n_columns), of texts that could be read."""

    columns: tuple[str, ...]
    counts: Counts

    def keep(self, which: NDArray[np.int64]) -> TextCounts:
        """Return some columns, in the order given."""
        return TextCounts(tuple(self.columns[i] for i in which), select(self.counts, which))


@dataclass(frozen=True, slots=True)
class WordUse:
    """How often a word was used in all texts, and in how many: what ordinary words are matched by."""

    n_mentions: int
    n_texts: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What a pass over the texts found. `rows` are the places in `texts` of those that could be read."""

    texts: tuple[ObservedText, ...]
    rows: NDArray[np.int64]
    terms: TextCounts
    forms: tuple[FormUse, ...]
    words: Mapping[str, WordUse]

    @property
    def read(self) -> tuple[ObservedText, ...]:
        """The texts that could be read: the rows of `terms`."""
        return tuple(self.texts[i] for i in self.rows)


@dataclass(slots=True)
class _Cells:
    """The cells of a sparse matrix, row after row."""

    columns: array[int] = field(default_factory=lambda: array("i"))
    values: array[int] = field(default_factory=lambda: array("H"))
    ends: array[int] = field(default_factory=lambda: array("q", [0]))

    def add(self, row: Mapping[int, int]) -> None:
        for column in sorted(row):
            self.columns.append(column)
            self.values.append(min(row[column], MOST_COUNTED))
        self.ends.append(len(self.columns))

    def matrix(self, n_columns: int) -> Counts:
        return from_rows(self.columns, self.values, self.ends, n_columns)


def count_terms(texts: Iterable[RecordedText], search: TermSearch) -> Counted:
    """Count terms, and all words, in one pass.

    Parameters
    ----------
    texts
        In the order wanted. Refusals and empty answers are missing; code, quoted lines and what is quoted from the
        prompt count neither as mentions nor as words.
    search
        The lexicon.

    Returns
    -------
    Counted
        Terms in alphabetical order: all that were found once. Time is linear in the length of the texts; memory
        grows with the texts' number and with the words that are distinct, and not with their length.
    """
    seen: list[ObservedText] = []
    rows: list[int] = []
    numbers: dict[str, int] = {}
    cells, forms = _Cells(), _Forms(search)
    n_mentions: Counter[str] = Counter()
    n_texts: Counter[str] = Counter()
    for recorded in texts:
        missing, tokens = _prose(recorded)
        found = search.find(tokens) if missing is None else []
        n_words = sum(map(is_word, tokens)) if missing is None else 0
        if missing is None and n_words == 0:
            missing = Missing.EMPTY
        row: Counter[int] = Counter()
        if missing is None:
            rows.append(len(seen))
            counted = Counter(tokens)
            n_mentions.update(counted)
            n_texts.update(counted.keys())
            forms.add(recorded.id, tokens, found)
            row.update(numbers.setdefault(m.term, len(numbers)) for m in found if not m.denied)
            cells.add(row)
        seen.append(
            ObservedText(
                recorded.id,
                recorded.respondent_id,
                recorded.item_id,
                recorded.draw,
                missing,
                n_words,
                row.total(),
                recorded.call_key,
            )
        )
    names = sorted(numbers)
    order = np.array([numbers[name] for name in names], dtype=np.int64)
    counts = select(cells.matrix(len(numbers)), order)
    words = {word: WordUse(n, n_texts[word]) for word, n in n_mentions.items() if is_word(word)}
    return Counted(
        tuple(seen),
        np.array(rows, dtype=np.int64),
        TextCounts(tuple(names), counts),
        forms.uses(),
        words,
    )


def _prose(recorded: RecordedText) -> tuple[Missing | None, list[str]]:
    """Return why a text is missing, and else the tokens of its prose."""
    if recorded.missing is not None:
        return recorded.missing, []
    text = clean_answer(recorded.text)
    if is_refusal(text):
        return Missing.REFUSED, []
    tokens = tokens_of(text)
    return None, without_quotes(tokens, tokens_of(recorded.prompt)) if recorded.prompt else tokens


class _Forms:
    """Counts forms, and keeps a few examples of each that do not depend on the order of the texts."""

    def __init__(self, search: TermSearch) -> None:
        self._search = search
        self._n: Counter[tuple[str, str]] = Counter()
        self._denied: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], list[tuple[int, str, str]]] = {}

    def add(self, text_id: str, tokens: Sequence[str], found: Iterable[Mention]) -> None:
        """Count the mentions of one text; its first of a form can become an example."""
        at_first: dict[tuple[str, str], Mention] = {}
        for mention in found:
            key = mention.form, mention.term
            (self._denied if mention.denied else self._n)[key] += 1
            at_first.setdefault(key, mention)
        draw = int.from_bytes(hashlib.blake2b(text_id.encode("utf-8", "replace"), digest_size=6).digest())
        for key, mention in at_first.items():
            kept = self._examples.setdefault(key, [])
            # Another order for every form, or a few texts would be the examples of all.
            rank = (draw * 2_654_435_761 ^ hash_of(key[0])) % 2**48
            if len(kept) < N_EXAMPLES or rank < kept[-1][0]:
                around = tokens[max(0, mention.at - CONTEXT) : mention.at + mention.n_tokens + CONTEXT]
                kept.append((rank, text_id, " ".join(" ".join(around).split())))
                kept.sort()
                del kept[N_EXAMPLES:]

    def uses(self) -> tuple[FormUse, ...]:
        """Return all forms by term and form."""
        keys = sorted(self._n.keys() | self._denied.keys(), key=lambda key: (key[1], key[0]))
        return tuple(
            FormUse(
                form,
                term,
                self._search.rules_of(form),
                self._n[form, term],
                self._denied[form, term],
                tuple(Example(text_id, context) for _, text_id, context in self._examples[form, term]),
            )
            for form, term in keys
        )


def hash_of(word: str) -> int:
    """Return a number for a word that is the same in every process."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=6).digest())


@dataclass(frozen=True, slots=True)
class OrdinaryWords:
    """Words that are in no value vocabulary, joined to their base forms: candidates for comparison.

    `of_form` maps a form to its base; `is_abstract` tells for each base whether it ends like a quality or an
    abstract noun.
    """

    of_form: Mapping[str, str]
    use: Mapping[str, WordUse]
    is_abstract: Mapping[str, bool]


def ordinary_words(
    words: Mapping[str, WordUse], search: TermSearch, rules: WordRules, least_texts: int
) -> OrdinaryWords:
    """Find the words that name no value, by the same rules of inflection and derivation as terms.

    Parameters
    ----------
    words
        All words of the texts.
    search
        The lexicon, whose words are left out, as are all families of `rules`, function words and negations.
    rules
        The shipped word lists.
    least_texts
        Words in fewer texts are left out.
    """
    attested = {w for w, use in words.items() if use.n_texts >= least_texts and w.isascii() and w.isalpha()}
    attested = {w for w in attested if len(w) > 2}
    valued = rules.ambiguous | rules.ambiguous_in_texts | rules.function_words | rules.negations
    known = Attested.of(attested)
    # Words that name no value are listed so that lists do not join them; here they are what is looked for.
    joining = replace(rules, not_values=frozenset())
    of_form: dict[str, str] = {}
    for word in sorted(attested):
        if word in valued or search.term_of(word) is not None:
            continue
        joined = join(word, joining, known)
        if joined.known or joined.name in valued or search.term_of(joined.name) is not None:
            continue
        of_form[word] = joined.name
    forms_of: dict[str, list[str]] = {}
    for form, base in of_form.items():
        forms_of.setdefault(base, []).append(form)
    use = {
        base: WordUse(sum(words[f].n_mentions for f in forms), sum(words[f].n_texts for f in forms))
        for base, forms in forms_of.items()
    }
    commonest = {b: max(forms, key=lambda f: (words[f].n_mentions, f)) for b, forms in forms_of.items()}
    return OrdinaryWords(of_form, use, {b: _is_abstract(commonest[b]) for b in commonest})


def _is_abstract(word: str) -> bool:
    return any(word.endswith(end) and len(word) - len(end) >= 3 for end in ABSTRACT)


def candidates(
    ordinary: OrdinaryWords, wanted: Sequence[WordUse], abstract: Sequence[bool]
) -> tuple[str, ...]:
    """Return the ordinary words that are most like any of the terms, in alphabetical order.

    Alike are words of the same class (abstract or not) in about as many texts, with about as many mentions in each.
    """
    found: set[str] = set()
    for kind in (True, False):
        names = sorted(b for b in ordinary.use if ordinary.is_abstract[b] is kind)
        if not names:
            continue
        place = _places([ordinary.use[name] for name in names])
        for use, is_abstract in zip(wanted, abstract, strict=True):
            if is_abstract is kind:
                near = np.abs(place - _places([use])).sum(axis=1)
                found.update(names[i] for i in np.argsort(near, kind="stable")[:N_ALIKE])
    return tuple(sorted(found))


def _places(uses: Sequence[WordUse]) -> NDArray[np.float64]:
    """Place words by the logarithms of their texts and of their mentions a text."""
    return np.array([(math.log(u.n_texts), math.log(u.n_mentions / u.n_texts)) for u in uses])


def count_words(
    texts: Iterable[RecordedText], of_form: Mapping[str, str], columns: Collection[str]
) -> TextCounts:
    """Count ordinary words in a second pass over the same texts.

    Parameters
    ----------
    texts
        As for `count_terms`, in the same order.
    of_form
        The base of each form.
    columns
        The bases that are wanted.
    """
    names = tuple(sorted(columns))
    number = {name: i for i, name in enumerate(names)}
    at = {form: number[base] for form, base in of_form.items() if base in number}
    cells = _Cells()
    for recorded in texts:
        missing, tokens = _prose(recorded)
        if missing is None and any(map(is_word, tokens)):
            cells.add(Counter(at[token] for token in tokens if token in at))
    return TextCounts(names, cells.matrix(len(names)))


class Matcher:
    """Draws sets of ordinary words that match terms in number of texts, mentions a text and class."""

    def __init__(
        self, terms: TextCounts, abstract: Sequence[bool], words: TextCounts, is_abstract: Mapping[str, bool]
    ) -> None:
        self.words = words
        place, theirs = (_places(uses_of(counts)) for counts in (words, terms))
        kinds = np.array([is_abstract[name] for name in words.columns])
        self._near: list[NDArray[np.int64]] = []
        for i, kind in enumerate(abstract):
            distance = np.abs(place - theirs[i]).sum(axis=1)
            # Of another class only where its own has too few.
            distance += np.where(kinds == kind, 0.0, 1e3)
            self._near.append(np.argsort(distance, kind="stable")[:N_ALIKE])

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw one word for each term, no word twice.

        Terms go in a random order, and each takes one of the nearest that are left; where none is, it goes without.
        """
        taken: set[int] = set()
        for i in rng.permutation(len(self._near)):
            free = [int(j) for j in self._near[i] if int(j) not in taken]
            if free:
                taken.add(free[int(rng.integers(min(len(free), N_ALIKE // 2)))])
        return np.array(sorted(taken), dtype=np.int64)

    def nearest(self, term: int, n: int) -> tuple[str, ...]:
        """Name the ordinary words nearest to a term."""
        return tuple(self.words.columns[i] for i in self._near[term][:n])


def uses_of(counts: TextCounts) -> list[WordUse]:
    """Return how often, and in how many texts, each column was used."""
    both = zip(totals(counts.counts), n_rows_with(counts.counts), strict=True)
    return [WordUse(int(mentions), int(texts)) for mentions, texts in both]


def term_classes(names: Sequence[str], forms: Sequence[FormUse]) -> list[bool]:
    """Tell of each term whether its commonest form ends like an abstract noun or a quality."""
    commonest: dict[str, tuple[int, str]] = {}
    for use in forms:
        commonest[use.term] = max(commonest.get(use.term, (0, "")), (use.n_mentions, use.form))
    return [_is_abstract(commonest[name][1]) for name in names]
