"""Make a respondent's text safe to show to a judge.

Owns what a judge may see of a completion: one bounded line of visible characters between two marker lines
that the line cannot contain. Does not tell whether the text tries to steer the judge; `tripwire` does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

CUT_MARK = " … (cut)"
"""Stands where a text was cut to its limit."""

_WITHOUT_TRACE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Control, format (bidi, zero width, tags), surrogate, private and unassigned characters."""

_BLANK = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)
"""Letters, marks and variation selectors that show nothing."""

_LOOK_ALIKES = {
    "‹": "<＜﹤〈⟨⟪",
    "›": ">＞﹥〉⟩⟫",
    "’": "`｀´",
    "(": "{[｛［﹛⦃⟦",
    ")": "}]｝］﹜⦄⟧",
    "¦": "|｜│┃∣",
    "/": "\\＼﹨",
    "”": "＂",
    "#": "＃﹟",
}
_HARMLESS = str.maketrans({bad: good for good, bads in _LOOK_ALIKES.items() for bad in bads})

_OPENING_QUOTE = re.compile(r'(?:(?<=\s)|(?<=[(\u2018\u2019‹-])|\A)"')
_RULE = re.compile(r"([-=#~*_+'’‹›«»《》¦:])\1{2,}")
"""A run that could rule off a section or quote a block."""
_ACCENTS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
_STACKED = re.compile(f"([{_ACCENTS}]{{3}})[{_ACCENTS}]+")
"""More accents on one letter than any language writes."""


LIMIT, LONGEST = 600, 8000
"""Characters of a completion that a judge sees, and of any text, such as one that people labelled."""


def neutralise(text: str, limit: int = LIMIT) -> str:
    """Return what a judge may see of a text: one line that can close no fence and hides nothing.

    Characters that show nothing are removed, white space becomes single spaces, and marks that could end
    a quotation, open a tag or rule off a section become look-alikes that mean nothing to a parser.
    An ordinary sentence keeps every letter; only straight double quotation marks become curved. Joiners go too, so an
    emoji that is drawn from several falls into its parts.

    Parameters
    ----------
    text
        Any text.
    limit
        Most characters of the result, from 8 up (the length of the mark); a longer text is cut and ends in `CUT_MARK`.

    Returns
    -------
    str
        In normal form C, free of line breaks, control and format characters. `neutralise` leaves it as it is.
    """
    visible = "".join(_shown(ch) for ch in text)
    plain = unicodedata.normalize("NFC", visible).translate(_HARMLESS)
    line = " ".join(plain.split())
    line = _OPENING_QUOTE.sub("“", line).replace('"', "”")
    line = _STACKED.sub(r"\1", _RULE.sub(r"\1", line))
    if len(line) <= limit:
        return line
    return (line[: limit - len(CUT_MARK)].rstrip() + CUT_MARK).lstrip()


def _shown(ch: str) -> str:
    if ch.isspace():
        return " "
    hidden = ord(ch) in _BLANK or unicodedata.category(ch) in _WITHOUT_TRACE
    return "" if hidden else ch


def fenced(text: str, nonce: str) -> str:
    """Return a text, neutralised, between an opening and a closing line that carry a nonce.

    The marker lines hold characters that `neutralise` replaces, so no text can forge one, even one that
    knows the nonce.

    Parameters
    ----------
    text
        What is shown, up to `LONGEST` characters.
    nonce
        From the content's hash, so that equal content gives equal prompts.
    """
    return fenced_lines([text], nonce)


def fenced_lines(lines: Sequence[str], nonce: str) -> str:
    """Return lines, each neutralised by itself, between the same two lines as `fenced` writes."""
    shown = "\n".join(neutralise(line, LONGEST) for line in lines)
    return f"<<<material {nonce}>>>\n{shown}\n<<<end of material {nonce}>>>"
