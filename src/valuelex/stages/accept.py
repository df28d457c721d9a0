"""Decide whether a word or phrase is a value word, and which term it is.

Owns the reasons for leaving a form out, the endings by which an unknown word passes for a quality,
and the reduction of phrases. Joins forms by the rules in `families`; counts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from valuelex.domain.lexicon import Drop, Rule
from valuelex.stages.families import MIN_STEM, Attested, Joined, WordRules, join, known_form

MAX_CONTENT_WORDS = 3
"""Words that a term may have beside function words."""

MAX_WORDS = 4
"""Words that a term may have."""

MAX_PHRASE_WORDS = 30
"""A longer form is not searched for a head; it is a text, not a phrase."""

MAX_LETTERS = 28
"""Letters that one English word may have."""

QUALITY_ENDINGS = (
    *("ness", "ity", "ety", "ism", "ance", "ence", "hood"),
    *("ization", "ification", "minded", "centric", "worthy"),
)
"""An unknown word with one of these endings is taken for a value word.

Others (-ful, -ous, -able, -ive, -ship, -acy) name things about as often as qualities, and the qualities
among them are in the vocabulary; `benchmarks/normalise_recall.py` measures both sides.
"""

OPPOSITES = ("un", "dis", "in", "im", "il", "ir", "non", "mis", "self-", "non-", "anti-")
"""Prefixes that make a term of its own of a form in the vocabulary."""

_PREPOSITIONS = frozenset(
    [
        *("of", "for", "to", "in", "with", "toward", "towards", "on", "upon", "from", "by", "at", "as"),
        *("about", "among", "amongst", "between", "over", "above", "within", "without", "under", "through"),
        *("across", "against", "before", "during", "beyond", "into"),
    ]
)
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*'?")
_LATIN = re.compile(r"[a-z]+")
_STUTTER = re.compile(r"(.)\1{3}|(..)\2{3}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The term that a form belongs to and the rules that led there, or the reason why it has none."""

    term: str | None
    rules: frozenset[Rule] = frozenset()
    reason: Drop | None = None


def accept(key: str, rules: WordRules, attested: Attested) -> Verdict:
    """Decide on one form.

    A form in the vocabulary, or joined to it, is taken. An unknown word is taken if it ends like the
    name of a quality and is not listed as something else. A phrase is first rid of what only says how
    much ("deep", "strong") or points at the value ("commitment to", "sense of"), which counts as the
    FAMILY rule; then it is taken as it is if a value word is its head and it is short, or reduced to
    its head if what follows is long or says nothing ("honest with oneself"), or to the quality before a
    last word that only says in what it is found ("trustworthy AI").

    Parameters
    ----------
    key
        A form as `normalise.form_key` returns it.
    rules, attested
        The word lists, and the keys of the run.

    Returns
    -------
    Verdict
        With a reason JUNK, FUNCTION_WORD, NOT_A_VALUE or TOO_LONG (more than four words, or more than
        three that are no function words) if it is not taken.
    """
    words = key.split(" ")
    if len(words) > MAX_PHRASE_WORDS:
        return Verdict(None, reason=Drop.TOO_LONG)
    if not _is_words(words):
        return Verdict(None, reason=Drop.JUNK)
    if known_form(key, rules) is None:
        if all(word in rules.function_words for word in words):
            return Verdict(None, reason=Drop.FUNCTION_WORD)
        if key in rules.not_values:
            return Verdict(None, reason=Drop.NOT_A_VALUE)
    joined = join(key, rules, attested)
    if joined.known:
        return Verdict(joined.name, joined.rules)
    if len(words) > 1:
        return _accept_phrase(words, rules, attested)
    if _passes(joined.name, rules, attested):
        return Verdict(joined.name, joined.rules)
    return Verdict(None, reason=Drop.NOT_A_VALUE)


def _is_words(words: list[str]) -> bool:
    """Tell words from single letters, numbers, signs, addresses, stutter and cut or vowelless strings."""
    for word in words:
        if _WORD.fullmatch(word) is None or _STUTTER.search(word):
            return False
        for part in word.split("-"):
            if len(part) > MAX_LETTERS:
                return False
            if _LATIN.fullmatch(part) and not any(letter in "aeiouy" for letter in part):
                return False
    return len(words) > 1 or len(words[0]) > 1


def _passes(word: str, rules: WordRules, attested: Attested) -> bool:
    """Tell if an unknown single word can stand as a term."""
    if word in rules.not_values or word in rules.function_words:
        return False
    plural = word.removesuffix("s")
    singulars = (plural, word.removesuffix("es"), word.removesuffix("ies") + "y")
    if plural != word and any(s in rules.not_values for s in singulars):
        return False
    for prefix in OPPOSITES:
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) > MIN_STEM and join(rest, rules, attested).known:
            return True
    modifier, _, head = word.rpartition("-")
    if modifier:
        return _heads(head, rules, attested) and modifier not in rules.negations
    return any(word.endswith(e) and len(word) - len(e) >= MIN_STEM for e in QUALITY_ENDINGS)


def _heads(word: str, rules: WordRules, attested: Attested) -> bool:
    """Tell if a word can be the head of a term of several words."""
    if word in rules.phrase_heads:
        return True
    if word in rules.function_words or word in rules.not_values:
        return False
    return join(word, rules, attested).known or _passes(word, rules, attested)


def _accept_phrase(words: list[str], rules: WordRules, attested: Attested) -> Verdict:
    core = list(words)
    while core and core[-1] in rules.function_words:
        core.pop()
    bare = core
    for front in _fronts_off(core, rules):
        joined = join(" ".join(front), rules, attested)
        if joined.known:
            return Verdict(joined.name, joined.rules | {Rule.FAMILY})
        core = front
    while bare and bare[0] in rules.intensifiers:
        bare = bare[1:]
    for rest in (core, bare):
        quality = _before_trailing_head(rest, rules, attested)
        if quality is not None:
            return Verdict(quality.name, quality.rules | {Rule.FAMILY})
        found = _name_phrase(rest, rules, attested) if len(rest) > 1 else None
        if found is not None:
            extra = {Rule.FAMILY} if len(rest) < len(words) else set()
            return Verdict(found.name, found.rules | extra)
    n_content = sum(word not in rules.function_words for word in words)
    long = len(words) > MAX_WORDS or n_content > MAX_CONTENT_WORDS
    return Verdict(None, reason=Drop.TOO_LONG if long else Drop.NOT_A_VALUE)


def _fronts_off(words: list[str], rules: WordRules) -> Iterator[list[str]]:
    """Yield what is left of a phrase as intensifiers and light heads are taken off its front."""
    yield words
    while words:
        for n in (5, 4, 3, 2):
            if len(words) > n and " ".join(words[:n]) in rules.light_heads:
                words = words[n:]
                break
        else:
            if words[0] not in rules.intensifiers:
                return
            words = words[1:]
        yield words


def _before_trailing_head(words: list[str], rules: WordRules, attested: Attested) -> Joined | None:
    """Return the quality that an adjective names before a last word such as "attitude"; None if none does."""
    core = list(words)
    while len(core) > 1 and core[-1] in rules.trailing_heads:
        core.pop()
    quality = " ".join(core)
    if len(core) == len(words) or quality in rules.ambiguous:
        return None
    found = join(quality, rules, attested)
    return found if found.known and Rule.FAMILY in found.rules else None


def _name_phrase(words: list[str], rules: WordRules, attested: Attested) -> Joined | None:
    """Return the term of a phrase that is not in the vocabulary: itself, or its head; None if neither."""
    before = next((i for i, word in enumerate(words) if i and word in _PREPOSITIONS), len(words))
    content = [word for word in words if word not in rules.function_words]
    short = len(words) <= MAX_WORDS and len(content) <= MAX_CONTENT_WORDS
    if before < len(words):
        first = " ".join(words[:before])
        head = join(first, rules, attested)
        if head.known and (first == head.name or first not in rules.ambiguous | rules.function_words):
            tail = words[before + 1 :]
            says_nothing = all(word in rules.function_words for word in tail)
            if first != head.name:
                for preposition in ("for", "of", "to"):
                    named = join(" ".join([head.name, preposition, *tail]), rules, attested)
                    if named.known:
                        return Joined(named.name, named.rules | {Rule.FAMILY}, known=True)
            if says_nothing or not short or first != head.name or not rules.clause_words.isdisjoint(tail):
                return Joined(head.name, head.rules | {Rule.FAMILY}, known=True)
            return join(" ".join(words), rules, attested)
    turned = rules.clause_words | rules.negations
    if not short or not turned.isdisjoint(words) or words[0] in rules.function_words:
        return None
    last = words[before - 1]
    if last in rules.not_values and last not in rules.phrase_heads:
        return None
    if not _heads(last, rules, attested):
        return None
    return _plain_head(words, before - 1, rules, attested)


def _plain_head(words: list[str], at: int, rules: WordRules, attested: Attested) -> Joined:
    """Put the head of a phrase into singular and American spelling where that gives a known form."""
    head = join(words[at], rules, attested)
    if head.known and head.rules and head.rules <= {Rule.SPELLING, Rule.INFLECTION}:
        words = [*words[:at], head.name, *words[at + 1 :]]
    else:
        head = Joined(words[at], frozenset(), known=False)
    whole = join(" ".join(words), rules, attested)
    return Joined(whole.name, whole.rules | head.rules, known=whole.known)
