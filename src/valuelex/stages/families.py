"""Which forms belong to one term: spelling, inflection and derivation.

Owns the vocabulary of value words and the suffix rules. A rule joins two forms only when the other
form is attested, in the vocabulary or in the run, and never when the two are listed as look-alikes.
No rule takes a prefix off, so a word and its opposite stay apart. Reads no answer and counts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from valuelex.domain.lexicon import Rule
from valuelex.domain.wording import count
from valuelex.errors import DataError

MAX_STEPS = 3
"""How many rules in a row may lead from a form to its term (zestfully, zestful, zestfulness)."""

MIN_STEM = 3
"""Letters that must be left before a suffix."""

_BREAKS = str.maketrans("", "", " -'")


def squash(key: str) -> str:
    """Return a key without word breaks: open-mindedness, open mindedness and openmindedness are one."""
    return key.translate(_BREAKS)


@dataclass(frozen=True, slots=True)
class WordRules:
    """What the shipped word lists say, in the form in which the rules look it up.

    `families` maps every form to the canonical name of its family (a canonical name to itself), and
    `squashed` a form without word breaks to the form with them. `apart` holds pairs that never join.
    The other sets are described in the word lists themselves. All words are lower case.
    """

    families: Mapping[str, str]
    squashed: Mapping[str, str]
    spellings: Mapping[str, str]
    function_words: frozenset[str]
    clause_words: frozenset[str]
    negations: frozenset[str]
    intensifiers: frozenset[str]
    light_heads: frozenset[str]
    phrase_heads: frozenset[str]
    trailing_heads: frozenset[str]
    ambiguous: frozenset[str]
    ambiguous_in_texts: frozenset[str]
    not_values: frozenset[str]
    apart: frozenset[frozenset[str]]
    longest: int

    @classmethod
    def from_tables(
        cls, families: Mapping[str, Any], words: Mapping[str, Any], spelling: Mapping[str, Any]
    ) -> WordRules:
        """Build the rules from the three decoded files of the lexicon.

        Parameters
        ----------
        families
            ``families.toml``: ``families`` holds themes, each with canonical names and their other forms.
        words
            ``words.toml``: strings of words between spaces, or of phrases between semicolons.
        spelling
            ``spelling.toml``: ``table`` maps a British to an American word.

        Raises
        ------
        DataError
            If a form stands in two families, a look-alike pair in one, or a value word among the
            words that are none.
        """
        forms: dict[str, str] = {}
        squashed: dict[str, str] = {}
        for theme in families["families"].values():
            for name, others in theme.items():
                for form in (name, *others):
                    taken = forms.setdefault(form, name)
                    short = squashed.setdefault(squash(form), form)
                    if taken != name or forms[short] != name:
                        msg = f"Value word {form!r} stands in two families: {forms[short]!r} and {name!r}."
                        raise DataError(msg)
        not_values = frozenset(word for text in words["not_values"].values() for word in text.split())
        both = sorted(not_values & forms.keys())
        if both:
            msg = f"{count(len(both), 'word is', 'words are')} listed as value words and as none (first: {both[:3]})."
            raise DataError(msg)
        apart = frozenset(frozenset(pair.split()) for pair in words["apart"].split(";"))
        joined = sorted(sorted(p) for p in apart if len({forms.get(w, w) for w in p}) < len(p))
        if joined:
            msg = f"{len(joined)} look-alike pairs stand in one family (first: {joined[0]})."
            raise DataError(msg)
        return cls(
            families=forms,
            squashed=squashed,
            spellings=dict(spelling["table"]),
            function_words=frozenset(words["function"].split()),
            clause_words=frozenset(words["clause"].split()),
            negations=frozenset(words["negations"].split()),
            intensifiers=frozenset(words["intensifiers"].split()),
            light_heads=frozenset(" ".join(head.split()) for head in words["light_heads"].split(";")),
            phrase_heads=frozenset(words["phrase_heads"].split()),
            trailing_heads=frozenset(words["trailing_heads"].split()),
            ambiguous=frozenset(words["ambiguous_in_prose"].split()),
            ambiguous_in_texts=frozenset(words.get("ambiguous_in_texts", "").split()),
            not_values=not_values,
            apart=apart,
            longest=max(len(form.split()) for form in forms),
        )


@dataclass(frozen=True, slots=True)
class Attested:
    """Keys that were written in this run, and the one way of breaking each that stands for the others."""

    keys: frozenset[str]
    squashed: Mapping[str, str]

    @classmethod
    def of(cls, keys: Collection[str]) -> Attested:
        """Collect keys; of open-mind, open mind and openmind the hyphenated, then the spaced one stands."""
        best: dict[str, str] = {}
        for key in sorted(keys, key=lambda k: ("-" not in k, " " not in k, k)):
            best.setdefault(squash(key), key)
        return cls(frozenset(keys), best)


@dataclass(frozen=True, slots=True)
class Joined:
    """Where the rules lead from a key: the end of the chain, the rules used, and if it is in the vocabulary."""

    name: str
    rules: frozenset[Rule]
    known: bool


def known_form(key: str, rules: WordRules) -> str | None:
    """Return the vocabulary's own form of a key, which may differ in word breaks; None if it has none."""
    if key in rules.families:
        return key
    return rules.squashed.get(squash(key))


def join(key: str, rules: WordRules, attested: Attested) -> Joined:
    """Follow the rules from a key to the family it belongs to, or as far as attested forms lead.

    The shortest way into the vocabulary wins. Without one, each step goes to the first candidate that
    was written in the run, so that the result does not depend on the order of the responses.

    Parameters
    ----------
    key
        A lower-case word or phrase.

    Returns
    -------
    Joined
        With the key itself and no rules when nothing can be joined.
    """
    found = _into_vocabulary(key, rules)
    if found is not None:
        return found
    name = _respell(key, rules)
    used: set[Rule] = set() if name == key else {Rule.SPELLING}
    for _ in range(MAX_STEPS):
        shared = attested.squashed.get(squash(name), name)
        if shared != name:
            used.add(Rule.CASE)
            name = shared
        step = next(
            (
                (word, rule)
                for word, rule in _steps(name, frozenset(used), rules)
                if squash(word) in attested.squashed and not _apart(key, word, rules)
            ),
            None,
        )
        if step is None:
            break
        name = attested.squashed[squash(step[0])]
        used.add(step[1])
    return Joined(name, frozenset(used), known=False)


def _into_vocabulary(key: str, rules: WordRules) -> Joined | None:
    level: list[tuple[str, frozenset[Rule]]] = [(key, frozenset())]
    seen = {key}
    for depth in range(MAX_STEPS + 1):
        for word, used in level:
            form = known_form(word, rules)
            if form is None:
                continue
            name = rules.families[form]
            if Rule.INFLECTION in used and form != name:
                continue
            if _apart(key, name, rules) or _apart(key, form, rules):
                continue
            if form != word:
                used |= {Rule.CASE}
            if name != form:
                used |= {Rule.FAMILY}
            return Joined(name, used, known=True)
        if depth == MAX_STEPS:
            break
        following = []
        for word, used in level:
            for candidate, rule in _steps(word, used, rules):
                if candidate not in seen:
                    seen.add(candidate)
                    following.append((candidate, used | {rule}))
        level = following
    return None


def _apart(a: str, b: str, rules: WordRules) -> bool:
    return a != b and frozenset((a, b)) in rules.apart


def _steps(key: str, used: frozenset[Rule], rules: WordRules) -> Iterator[tuple[str, Rule]]:
    """Yield what a key may be joined to, by the last word of it, in the order of the rules.

    An inflected form leads to a noun and no further, since the plural of an adjective is another word
    (kinds, novels, firms). A derived form leads to derived forms only.
    """
    if Rule.INFLECTION in used:
        return
    if Rule.FAMILY in used:
        yield from _endings(key, (Rule.FAMILY,), rules)
        return
    for spelled in _american(key, rules):
        yield spelled, Rule.SPELLING
    yield from _endings(key, (Rule.INFLECTION, Rule.FAMILY), rules)


def _endings(key: str, which: tuple[Rule, ...], rules: WordRules) -> Iterator[tuple[str, Rule]]:
    head, gap, last = key.rpartition(" ")
    if last in rules.function_words or last in rules.not_values:
        return
    for rule in which:
        for candidate in _uninflected(last) if rule is Rule.INFLECTION else _underived(last):
            if last.endswith("ly") and rules.families.get(candidate) == candidate:
                continue  # A noun with -ly is an adjective of its own: lovely, costly.
            blocked = candidate in rules.not_values or candidate in rules.function_words
            if not blocked and not _apart(last, candidate, rules):
                yield f"{head}{gap}{candidate}", rule


_AMERICAN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"is(e|ed|es|er|ers|ing|ation|ations|ational|able|ability)\b", r"iz\1"),
        (r"ys(e|ed|es|er|ing)\b", r"yz\1"),
        (r"(?<=[a-z]{2})our", "or"),
        (r"ence(less)?(?=\b)", r"ense\1"),
        (r"ll(ed|ing|er|or|ors|ers|ous|ity)\b", r"l\1"),
        (r"(?<=[a-z])il(ment|ments|ful|fulness|fully)\b", r"ill\1"),
        (r"dgement", "dgment"),
        (r"ae|oe", "e"),
        (r"ogue(?=\b|s)", "og"),
        (r"(?<=[tb])re\b", "er"),
    )
)


def _american(key: str, rules: WordRules) -> Iterator[str]:
    """Yield American spellings of a key; the caller takes one only if it is attested."""
    listed = _respell(key, rules)
    if listed != key:
        yield listed
    every = listed
    for pattern, replacement in _AMERICAN:
        changed = pattern.sub(replacement, listed)
        if changed != listed:
            yield changed
        every = pattern.sub(replacement, every)
    if every not in (key, listed):
        yield every


def _respell(key: str, rules: WordRules) -> str:
    """Replace the words that the spelling table lists, which need no attestation."""
    words = key.split(" ")
    return " ".join("-".join(rules.spellings.get(p, p) for p in word.split("-")) for word in words)


def _uninflected(word: str) -> Iterator[str]:
    """Yield the singular of a plural and the base of a verb form."""
    n = len(word)
    if word.endswith("ies") and n - 3 >= MIN_STEM:
        yield word[:-3] + "y"
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")) and n - 2 >= MIN_STEM:
        yield word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and n - 1 >= MIN_STEM:
        yield word[:-1]
    for suffix in ("ing", "ed"):
        stem = word.removesuffix(suffix)
        if stem != word and len(stem) >= MIN_STEM:
            yield stem
            yield stem + "e"
            if stem[-1] == stem[-2] and stem[-1] != "s":
                yield stem[:-1]


# Word endings and what may stand in their place: adverb to adjective, adjective to noun. The longer
# ending first. Nothing leads back from a noun, so no two forms can name each other.
_ENDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fully", ("ful",)),
    ("ably", ("able",)),
    ("ibly", ("ible",)),
    ("ically", ("ic", "ical")),
    ("ily", ("y",)),
    ("ly", ("", "le")),
    ("ability", ()),
    ("able", ("ability", "ableness")),
    ("ible", ("ibility", "ibleness")),
    ("istic", ("ism",)),
    ("ist", ("ism",)),
    ("ical", ("ic", "icality", "icalness")),
    ("ic", ("icity", "icness")),
    ("ious", ("iousness", "iety", "iosity")),
    ("ous", ("ousness", "osity", "ity")),
    ("ive", ("iveness", "ivity")),
    ("ful", ("fulness",)),
    ("less", ("lessness",)),
    ("ent", ("ence", "ency", "entness")),
    ("ant", ("ance", "ancy", "antness")),
    ("ate", ("acy", "ateness")),
    ("y", ("iness",)),
    ("al", ("ality", "alness")),
    ("ar", ("arity",)),
    ("ile", ("ility",)),
    ("id", ("idity", "idness")),
    ("ane", ("aneness", "anity")),
    ("ene", ("enity",)),
    ("ere", ("erity", "ereness")),
    ("ure", ("urity", "ureness")),
    ("some", ("someness",)),
    ("ed", ("edness",)),
    ("ing", ("ingness",)),
)
_NOUN_ENDINGS = ("ness", "ity", "ety", "ism", "ance", "ence", "ancy", "ency", "acy", "tude", "ship", "hood")


def _underived(word: str) -> Iterator[str]:
    """Yield the adjective of an adverb, and the quality nouns of an adjective."""
    if word.endswith(_NOUN_ENDINGS):
        return
    for ending, replacements in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= MIN_STEM:
            for replacement in replacements:
                yield stem + replacement
    yield word + "ness"
