"""Check the stems of a projective test before they are put to anybody.

Owns what can be told of a stem by counting, by a lexicon and by embeddings: its length, whether it reads
easily, repeats another, leans to one side, names a value, leaves room for an ending, and whether the test is
balanced. A fault is a place to look at, not a verdict. Whether a reversed stem really pulls down, or a conflict
really divides, only a reader can tell. Embeds and scores nothing itself.

The limits were set on the sixty stems of form A of the shipped test, which are held to be sound, and on
judgement: each lies a little outside of what those stems show.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import ProjectiveTest, Stem, StemKind
from valuelex.domain.structure import ValueSystem
from valuelex.domain.wording import count
from valuelex.errors import DataError

MIN_WORDS, MAX_WORDS = 6, 16
"""Words of a stem. Fewer make no situation, and come close to the blanks of published tests, which open with one to
five words; more are read twice. Form A has 8 to 15."""

MAX_GRADE = 8.0
"""Largest automated readability index, in US school grades: 8 is read at thirteen. Form A reaches 5.8."""

NEAR = 0.65
"""Cosine of all-MiniLM-L6-v2 from which two different stems are one situation twice. Between stems of form A it stays
under .51; between any wordings of two shipped stems, which share turns of phrase, under .61."""

FAR = 0.60
"""Cosine under which a wording no longer says what its stem says: of the wordings that were tried, those under it had
lost a part of the situation when they were read again."""

MAX_POLARITY = 0.5
"""Sentiment, either way, that a neutral or role stem may have. Those of form A stay within .48."""

MAX_JOINS = 1
"""How often a stem may join clauses, besides the joint to its ending; a second time makes two situations."""

Check = Literal[
    "length",
    "reading level",
    "duplicate",
    "near duplicate",
    "far wording",
    "polarity",
    "names a value",
    "no room",
    "double-barrelled",
    "balance",
    "theme",
]

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_JOINS = frozenset({"and", "but", "or", "while"})
_MIN_ROOT = 4
_ENDINGS = (
    *("fulness", "iveness", "liness", "ability", "ibility", "ization", "isation", "ation", "ement", "ness"),
    *(
        "less",
        "ship",
        "hood",
        "ance",
        "ence",
        "ancy",
        "ency",
        "able",
        "ible",
        "atic",
        "ism",
        "ist",
        "ity",
        "ety",
    ),
    *("ant", "ent", "acy", "ate", "ise", "ize", "ice", "ion", "ful", "ous", "ive", "dom", "ing", "al", "ic"),
    *("at", "ed", "er", "ly", "th", "y", "e", "s", "d"),
)
"""Endings by which forms of one word differ, the longer ones first."""


@dataclass(frozen=True, slots=True)
class StemFault:
    """What is wrong with one text of a test, or with the test as a whole (`stem_id` is then empty).

    `wording` is the number of the wording, 0 being the stem's own text.
    """

    stem_id: str
    wording: int
    check: Check
    detail: str


@dataclass(frozen=True, slots=True)
class _Text:
    stem: Stem
    wording: int

    @property
    def text(self) -> str:
        return self.stem.worded(self.wording)

    @property
    def label(self) -> str:
        return f"{self.stem.id}~{self.wording}" if self.wording else self.stem.id

    def fault(self, check: Check, detail: str) -> StemFault:
        return StemFault(self.stem.id, self.wording, check, detail)


def texts_of(test: ProjectiveTest) -> tuple[str, ...]:
    """Return all texts of a test: each stem, then its other wordings, stem by stem."""
    return tuple(entry.text for entry in _entries(test))


def check_stems(
    test: ProjectiveTest,
    vectors: NDArray[np.float64],
    sentiment: NDArray[np.float64],
    system: ValueSystem | None,
) -> tuple[StemFault, ...]:
    """Find the faults of a test.

    Parameters
    ----------
    test
        Any test; its texts are taken in the order of `texts_of`.
    vectors : (n_texts, d)
        Unit embeddings of the texts.
    sentiment : (n_texts,)
        Polarity of the texts, from -1 to 1.
    system
        The value system whose markers no stem should name, a conflict stem excepted: it may have to
        say what is at stake. Without one this is not checked.

    Returns
    -------
    tuple of StemFault
        Text by text, then pairs, then the balance of the test. Reversed and conflict stems are not
        checked for polarity: they are meant to pull.

    Raises
    ------
    DataError
        If there is not one vector and one sentiment for each text.
    """
    entries = _entries(test)
    if vectors.ndim != 2 or len(vectors) != len(entries) or sentiment.shape != (len(entries),):
        msg = (
            f"vectors has shape {vectors.shape} and sentiment {sentiment.shape}, but test {test.name!r} has "
            f"{len(entries)} texts; give a row and a number for each of texts_of(test)."
        )
        raise DataError(msg)
    found: list[StemFault] = []
    for entry, polarity in zip(entries, sentiment, strict=True):
        found += _faults_of_text(entry, float(polarity), system)
    cosines = vectors @ vectors.T
    pairs = (*_duplicates(entries), *_near(entries, cosines), *_far(entries, cosines))
    return (*found, *pairs, *_balance(test), *_themes(test, system))


def readability(text: str) -> float:
    """Automated readability index of a text that is one sentence, in US school grades.

    It is 4.71 letters a word plus 0.5 words a sentence minus 21.43; about 0 and less for the first readers.
    Letters and digits count, punctuation does not.

    Raises
    ------
    DataError
        If the text has no word.

    References
    ----------
    Senter & Smith (1967), Automated readability index, AMRL-TR-66-220.
    """
    found = words_of(text)
    if not found:
        msg = f"{text!r} has no word, so no reading level; write a stem."
        raise DataError(msg)
    letters = sum(ch.isalnum() for word in found for ch in word)
    return 4.71 * letters / len(found) + 0.5 * len(found) - 21.43


def words_of(text: str) -> list[str]:
    """Split a text into lower-case words; neighbour's and well-to-do are one each."""
    return _WORD.findall(text.lower())


def named_markers(text: str, system: ValueSystem) -> tuple[str, ...]:
    """Return the markers that a text names in any of their forms (honest, honestly: honesty).

    Forms are told by their common root, so that a word may be found that only looks like a relative.
    """
    roots = [_root(word) for word in words_of(text)]
    return tuple(m for s in system.subdimensions for m in s.markers if _stands_in(m, roots))


def _stands_in(marker: str, roots: Sequence[str]) -> bool:
    sought = [_root(word) for word in words_of(marker)]
    return any(roots[i : i + len(sought)] == sought for i in range(len(roots) - len(sought) + 1))


def _root(word: str) -> str:
    """Take endings off as long as four letters are left: fairness, fairly and fair share one root."""
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= _MIN_ROOT), "")
    return _root(word.removesuffix(ending)) if ending else word


def _entries(test: ProjectiveTest) -> tuple[_Text, ...]:
    return tuple(_Text(stem, w) for stem in test.stems for w in range(1 + len(stem.wordings)))


def _faults_of_text(entry: _Text, polarity: float, system: ValueSystem | None) -> Iterator[StemFault]:
    words, kind = words_of(entry.text), entry.stem.kind
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        yield entry.fault(
            "length", f"{count(len(words), 'word')}; {MIN_WORDS} to {MAX_WORDS} are read at once"
        )
    if words and (grade := readability(entry.text)) > MAX_GRADE:
        yield entry.fault("reading level", f"school grade {grade:.1f}; use shorter words")
    if kind in (StemKind.NEUTRAL, StemKind.ROLE) and abs(polarity) > MAX_POLARITY:
        yield entry.fault("polarity", f"sentiment {polarity:+.2f}; a {kind} stem leans to neither side")
    if system is not None and kind is not StemKind.CONFLICT:
        for marker in named_markers(entry.text, system):
            yield entry.fault("names a value", f"{marker!r}; put the situation in place of the word")
    if entry.text.rstrip().endswith((".", "!", "?")):
        yield entry.fault("no room", "it is a whole sentence; leave off its ending")
    joins = sum(word in _JOINS for word in words[:-2])
    if joins > MAX_JOINS:
        yield entry.fault("double-barrelled", f"{joins} joints before the ending; keep one situation")


def _duplicates(entries: Sequence[_Text]) -> Iterator[StemFault]:
    first: dict[str, _Text] = {}
    for entry in entries:
        earlier = first.setdefault(" ".join(words_of(entry.text)), entry)
        if earlier is not entry:
            yield entry.fault("duplicate", f"the words of {earlier.label}")


def _near(entries: Sequence[_Text], cosines: NDArray[np.float64]) -> Iterator[StemFault]:
    """Yield one fault for each two stems, at their closest texts."""
    closest: dict[tuple[str, str], tuple[float, int, int]] = {}
    for i, j in np.argwhere(np.triu(cosines >= NEAR, k=1)):
        pair = (entries[i].stem.id, entries[j].stem.id)
        if pair[0] != pair[1]:
            closest[pair] = max(closest.get(pair, (-1.0, 0, 0)), (float(cosines[i, j]), int(i), int(j)))
    for cosine, i, j in closest.values():
        yield entries[j].fault("near duplicate", f"cosine {cosine:.2f} with {entries[i].label}")


def _far(entries: Sequence[_Text], cosines: NDArray[np.float64]) -> Iterator[StemFault]:
    for i, entry in enumerate(entries):
        cosine = float(cosines[i, i - entry.wording])
        if entry.wording and cosine < FAR:
            yield entry.fault("far wording", f"cosine {cosine:.2f} with its stem; keep the situation")


def _themes(test: ProjectiveTest, system: ValueSystem | None) -> Iterator[StemFault]:
    """Find themes that no subdimension of the system bears; other systems may have them."""
    if system is None:
        return
    known = [s.id for s in system.subdimensions]
    named = dict.fromkeys(t for s in test.stems for t in (s.theme, s.against) if t is not None)
    for theme in (t for t in named if t not in known):
        near = get_close_matches(theme, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, known))}."
        yield StemFault("", 0, "theme", f"{theme!r} is no subdimension of {system.name!r}; {hint}")


def _balance(test: ProjectiveTest) -> Iterator[StemFault]:
    """Yield one fault for each kind of which themes and forms do not have equally many stems."""
    counts = Counter((stem.kind, stem.theme, stem.form) for stem in test.stems)
    themes = dict.fromkeys(stem.theme for stem in test.stems)
    forms = dict.fromkeys(stem.form for stem in test.stems)
    for kind in StemKind:
        cells = {(t, f): counts[kind, t, f] for t, f in product(themes, forms)}
        if len(set(cells.values())) > 1:
            low, high = min(cells, key=cells.__getitem__), max(cells, key=cells.__getitem__)
            yield StemFault(
                "",
                0,
                "balance",
                f"{kind} stems: {cells[low]} for {_cell(low)}, {cells[high]} for {_cell(high)}; make them equal",
            )


def _cell(cell: tuple[str, str]) -> str:
    theme, form = cell
    return f"{theme!r} in form {form!r}" if form else repr(theme)
