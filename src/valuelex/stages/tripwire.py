"""Tell a completion that addresses its judge from one that goes on with the sentence.

Owns what counts as an attack: commands to whoever reads or rates the text, claims of authority over the rating,
forged ratings and fences, and every disguise of these. A story about ratings, rules or judges is none.
Patterns see wording, not intent: a plea in words that nobody foresaw ("surely such a heart merits the summit"), a
language outside the table, or praise that a judge believes passes unseen. Of attacks written afresh, in words
unlike those that the patterns were made from, about half did. `fence` keeps what passes from acting as more
than text, and nothing keeps a judge from being persuaded.
"""

from __future__ import annotations

import re

from valuelex.stages.attack_english import (
    AUTHORITY,
    BARE_SIX,
    FAKE_SCORE,
    FENCE,
    INSTRUCT,
    MARKUP,
    NET_COMMAND,
    NET_RATING,
    NET_STORY,
    PERSON,
    SQUEEZED,
    STRONG,
    TO_READER,
    TOP_ALONE,
)
from valuelex.stages.attack_words import TONGUES, Tongue
from valuelex.stages.readings import bare, decoded, is_mixed, letters_apart, plain, turned, undisguised

KINDS = (
    "hidden", "overlong", "fence", "markup", "fake score", "authority", "instruct", "encoded", "homoglyph", "spelling",
)  # fmt: skip

N_LONG = 4000
"""Characters from which a text floods its judge; the longest sentence is a tenth of it."""
N_REPEATED = 20
"""Times that the same few words stand one after the other in a flood."""
N_APART = 14
"""Letters that stand apart in more than a spelled-out word."""
N_HIDDEN = 2
"""Hidden characters from which they are no slip."""

_WESTERN_SPLIT = re.compile(r"[.!?;।。！？；\n]+(?!\d)")
_ALLOWED_JOINERS = (
    re.compile("\U0001f3f4[\U000e0061-\U000e007a]{1,6}\U000e007f"),  # Flags of parts of a country.
    re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\u00a9\u00ae0-9#*\U0001f000-\U0001faff][\ufe0e\ufe0f]"),
    re.compile("(?<=[^\x00-\u02ff])[\u200c\u200d](?=[^\x00-\u02ff])"),
    re.compile("(?<=[\u0e00-\u109f\u1780-\u17ff])\u200b"),
    re.compile(
        "(?<=[\u0590-\u08ff\\W])[\u200e\u200f\u061c\u2066-\u2069](?=[\u0590-\u08ff\\W]|\\Z)(?=.*[\u0590-\u08ff])"
    ),
)
_HIDDEN = re.compile(
    "[\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CERTAINLY_HIDDEN = re.compile(
    "[\u202d\u202e\U000e0001-\U000e007f\U000e0100-\U000e01ef\x00-\x08\x0b\x0e-\x1f\x7f]"
)
_CODE = re.compile(
    r"(?<![\w/.])(?=[A-Za-z0-9+/_-]*[a-z])(?=[A-Za-z0-9+/_-]*[A-Z])(?=[A-Za-z0-9+/_-]*\d)[A-Za-z0-9+/_-]{24,}"
    r"={0,2}(?!\w)"
    r"|(?<!\w)[A-Z2-7]{24,}={0,6}(?!\w)|(?<!\w)(?:[0-9a-fA-F]{2}){16,}(?!\w)|(?:\b[01]{8}\b\s*){4,}"
    r"|(?:[.\-/_−·]{1,6}\s+){9,}[.\-/_−·]{1,6}|(?:(?:\\x|%|\\u00|U\+00)[0-9a-fA-F]{2}[\s,]*){5,}"
)
_SIGNS = frozenset("<>@#$%^&*;=~`{|}?")
_CLASSES = (str.islower, str.isupper, str.isdigit)
_FLOOD = re.compile(rf"(\S{{1,40}}(?:\s+\S{{1,40}}){{0,5}}?)(?:\s+\1){{{N_REPEATED - 1},}}")
_RUN = re.compile(r"(\S)\1{199,}")
_IS = re.compile(
    r"(?:[:=]|(?<!\w)(?:ist|lautet|est|es|è|é|jest|to|är|er|είναι|هي|هو|היא|הוא|это|есть|—|-)(?!\w)|[为為은는이가]"
    r"|は)\W{0,4}\Z"
)
"""What joins a rating to its value in the languages of the table."""


def addresses_judge(text: str) -> str | None:
    """Name the first kind of attack on a judge that a text holds, or None.

    The kinds are those of `KINDS`, in the order in which they are looked for. An attack in disguise has the
    kind of its disguise.

    Parameters
    ----------
    text
        The whole answer of a respondent, before anything is cut from it.
    """
    if _hides(text):
        return "hidden"
    if len(text) > N_LONG or _RUN.search(text) or _FLOOD.search(text):
        return "overlong"
    for kind, patterns in (("fence", FENCE), ("markup", MARKUP)):
        if any(p.search(text) for p in patterns):
            return kind
    reading = plain(text)
    said = _says(reading)
    if said is None and (_CODE.search(text) or _is_scrambled(text) or _coded(text, reading)):
        return "encoded"
    return said or _disguised(reading)


def _hides(text: str) -> bool:
    for allowed in _ALLOWED_JOINERS:
        text = allowed.sub("", text)
    return _CERTAINLY_HIDDEN.search(text) is not None or len(_HIDDEN.findall(text)) >= N_HIDDEN


def _is_scrambled(text: str) -> bool:
    """Tell a long word of small and capital letters, digits and many signs, as codes of base 85 are."""
    return any(
        len(word) >= 24
        and "://" not in word
        and sum(c in _SIGNS for c in word) >= 3
        and all(any(map(has, word)) for has in _CLASSES)
        for word in text.split()
    )


def _says(reading: str) -> str | None:
    """Name what a plain reading says to a judge, in whatever language."""
    english = bare(reading)
    for kind, patterns in (("fake score", FAKE_SCORE), ("authority", AUTHORITY), ("instruct", INSTRUCT)):
        if any(p.search(english) for p in patterns):
            return kind
    sentences = _WESTERN_SPLIT.split(reading)
    if _nets(english):
        return "instruct"
    for tongue in TONGUES:
        for sentence in sentences:
            found = _says_in(tongue, sentence)
            if found is not None:
                return found
    return None


def _nets(english: str) -> bool:
    to_reader = BARE_SIX.search(english) and TO_READER.search(english) and not PERSON.search(english)
    return bool(to_reader) or any(_net(sentence) for sentence in _WESTERN_SPLIT.split(english))


def _net(sentence: str) -> bool:
    """Tell a clause that joins a rating, a place on the scale and a command, and tells no story."""
    if TOP_ALONE.search(sentence) is None:
        return False
    if STRONG.search(sentence) and not PERSON.search(sentence):
        return True
    commanded = NET_RATING.search(sentence) and NET_COMMAND.search(sentence)
    return bool(commanded) and NET_STORY.search(sentence) is None


def _says_in(tongue: Tongue, sentence: str) -> str | None:
    top, score = tongue.top.search(sentence), tongue.score.search(sentence)
    official = tongue.official.search(sentence)
    if official and (top or ":" in sentence[official.end() : official.end() + 3]):
        return "authority"
    ignored = tongue.ignore.search(sentence) and tongue.rules.search(sentence)
    if ignored and (tongue.said.search(sentence) or top or score):
        return "instruct"
    if not (top and score):
        return None
    if tongue.give.search(sentence):
        return "instruct"
    between = sentence[score.end() : top.start()] if score.end() <= top.start() else None
    stated = between is not None and len(between) <= 25 and _IS.search(between)
    return "fake score" if stated else None


def _coded(text: str, reading: str) -> bool:
    said = [*decoded(text), *turned(bare(reading))]
    return any(_says(plain(code)) for code in said)


def _disguised(reading: str) -> str | None:
    if sum(is_mixed(word) for word in re.findall(r"[^\W\d_]+", reading)) >= 2:
        return "homoglyph"
    if letters_apart(reading) >= N_APART:
        return "spelling"
    for kind, undone in undisguised(reading):
        if _says_english(undone) or (kind == "spelling" and SQUEEZED.search(undone)):
            return kind
    return None


def _says_english(reading: str) -> bool:
    every = (*FAKE_SCORE, *AUTHORITY, *INSTRUCT)
    return any(p.search(reading) for p in every) or _nets(reading)
