"""Find the terms of a lexicon in running text.

Owns what of a text is the respondent's own prose, which words of it count as terms, and which are denied. The rules
that join forms are those of `families`. Counts nothing; `observe` does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from valuelex.domain.lexicon import Rule
from valuelex.stages.families import Attested, WordRules, join
from valuelex.stages.normalise import form_key
from valuelex.stages.scan_text import NEGATION_REACH, NO_NEGATION_BEFORE, TURN

QUOTE_WORDS = 6
"""So many words in a row that stand in the prompt as well are a quotation of it."""

TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[.!?;:\n]")
_NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]{1,300}`|^[ \t]*>[^\n]*|https?://\S+|www\.\S+|<[^<>\n]{1,100}>",
    re.DOTALL | re.MULTILINE,
)
_ENDS = frozenset(".!?;:\n")
_NOBODY = Attested.of(())
_INFLECTED = ("s", "es", "ed", "ing", "ly", "d")
_MIN_PREFIX = 3


def tokens_of(text: str) -> list[str]:
    """Return the words of a text in lower case, and marks that end a clause, without code, quotes and addresses."""
    prose = _NOT_PROSE.sub("\n", text).lower().replace("’", "'")
    return TOKEN.findall(prose)


def is_word(token: str) -> bool:
    """Tell a word from a mark."""
    return token not in _ENDS


def without_quotes(tokens: Sequence[str], prompt: Sequence[str]) -> list[str]:
    """Replace what is quoted from the prompt, six words or more in a row, by ends of clauses."""
    asked = [token for token in prompt if token not in _ENDS]
    shingles = {tuple(asked[i : i + QUOTE_WORDS]) for i in range(len(asked) - QUOTE_WORDS + 1)}
    if not shingles:
        return list(tokens)
    at = [i for i, token in enumerate(tokens) if token not in _ENDS]
    words = [tokens[i] for i in at]
    kept = list(tokens)
    for i in range(len(words) - QUOTE_WORDS + 1):
        if tuple(words[i : i + QUOTE_WORDS]) in shingles:
            for j in at[i : i + QUOTE_WORDS]:
                kept[j] = "."
    return kept


@dataclass(frozen=True, slots=True)
class Mention:
    """A term in a text: the place of its first word among the tokens, how many words it has, and if it is denied."""

    at: int
    n_tokens: int
    form: str
    term: str
    denied: bool


class TermSearch:
    """Finds terms by the rules of the word lists.

    Parameters
    ----------
    rules
        The shipped word lists.
    terms
        Terms to look for, as `normalise` names them; None for every family of the word lists.
    forms
        Further forms of terms, such as those that an earlier study merged. They win over the rules.
    drop
        Forms and terms that are not to count.

    Forms that mostly mean something else in running text ("kind", "just", "order") are not counted, nor are their
    inflections, unless `forms` itself lists them.
    """

    def __init__(
        self,
        rules: WordRules,
        terms: Collection[str] | None = None,
        forms: Mapping[str, str] | None = None,
        drop: Collection[str] = (),
    ) -> None:
        self._rules = rules
        self._given = {form_key(form): term for form, term in (forms or {}).items()}
        wanted = None if terms is None else {*terms, *self._given.values()}
        self._wanted = wanted
        self._drop = frozenset(map(form_key, drop))
        self._known: dict[str, tuple[str, tuple[Rule, ...]] | None] = {}
        # Forms as text has them: of a hyphenated form the spaced one too, since both are written.
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._phrase_rules: dict[str, tuple[Rule, ...]] = {}
        for form, term in self._forms(terms or ()):
            for words in {tuple(form.split()), tuple(form.replace("-", " ").split())}:
                if len(words) > 1:
                    self._phrases.setdefault(words[0], []).append((words, term))
        for found in self._phrases.values():
            found.sort(key=lambda entry: (-len(entry[0]), entry[0]))
        self._prefixes = {form[:_MIN_PREFIX] for form in (*rules.families, *rules.spellings, *(terms or ()))}
        self._prefixes |= {form[:_MIN_PREFIX] for form in self._given}

    def _forms(self, terms: Iterable[str]) -> list[tuple[str, str]]:
        """List the forms with several words, or a hyphen, of the terms that are wanted."""
        listed = [
            (f, t) for f, t in self._rules.families.items() if self._wanted is None or t in self._wanted
        ]
        listed += [(form_key(term), term) for term in terms]
        every = dict([*listed, *self._given.items()])
        return [
            (form, term)
            for form, term in every.items()
            if (" " in form or "-" in form) and not self._drop & {form, term}
        ]

    def term_of(self, word: str) -> str | None:
        """Return the term that a single word counts as; None if it is none."""
        found = self._lookup(word)
        return None if found is None else found[0]

    def rules_of(self, form: str) -> tuple[Rule, ...]:
        """Return the rules by which a form that was found counts as its term."""
        if " " in form:
            return () if self._rules.families.get(form, form) == form else (Rule.FAMILY,)
        found = self._lookup(form)
        return () if found is None else found[1]

    def _lookup(self, word: str) -> tuple[str, tuple[Rule, ...]] | None:
        if word not in self._known:
            found = self._resolve(word) or self._resolve(word.removesuffix("'s"))
            self._known[word] = None if found is None or self._drop & {word, found[0]} else found
        return self._known[word]

    def _resolve(self, word: str) -> tuple[str, tuple[Rule, ...]] | None:
        rules = self._rules
        if word in self._given:
            return self._given[word], (Rule.BY_STUDY,) if self._given[word] != word else ()
        if word[:_MIN_PREFIX] not in self._prefixes or self._is_ambiguous(word):
            return None
        joined = join(word, rules, _NOBODY)
        if joined.known and (self._wanted is None or joined.name in self._wanted):
            return joined.name, tuple(rule for rule in Rule if rule in joined.rules)
        if self._wanted is not None and word in self._wanted:
            return word, ()
        return None

    def _is_ambiguous(self, word: str) -> bool:
        rules = self._rules
        doubtful = rules.ambiguous | rules.ambiguous_in_texts
        if word in doubtful or word in rules.function_words:
            return True
        if word in rules.families:
            return False
        return any(word.endswith(end) and word.removesuffix(end) in doubtful for end in _INFLECTED)

    def find(self, tokens: Sequence[str]) -> list[Mention]:
        """Find terms, the longest first, and tell which are denied.

        A negation reaches six words, to the end of its clause or to a turn ("but", "rather", "instead").
        """
        rules, found = self._rules, []
        denied_until = at = -1
        end = len(tokens)
        while at + 1 < end:
            at += 1
            word = tokens[at]
            if word in _ENDS or TURN.fullmatch(word):
                denied_until = -1
                continue
            phrase = self._phrase_at(tokens, at)
            if phrase is not None:
                found.append(Mention(at, len(phrase[0]), " ".join(phrase[0]), phrase[1], at <= denied_until))
                at += len(phrase[0]) - 1
                continue
            term = self.term_of(word)
            if term is not None:
                found.append(Mention(at, 1, word, term, at <= denied_until))
            elif word in rules.negations and (at + 1 == end or tokens[at + 1] not in NO_NEGATION_BEFORE):
                denied_until = at + NEGATION_REACH
        return found

    def _phrase_at(self, tokens: Sequence[str], at: int) -> tuple[tuple[str, ...], str] | None:
        for words, term in self._phrases.get(tokens[at], ()):
            if tuple(tokens[at : at + len(words)]) == words:
                return words, term
        return None
