"""Read a text in the ways in which a language model may read it: despite disguise, and decoded.

Owns what a disguise is: look-alike letters, digits for letters, letters set apart, hidden characters, codes. Does
not tell what a reading means; `tripwire` does.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterator

_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True))
_ENCLOSED = {
    chr(first + i): chr(ord("a") + i)
    for first in (0x1F110, 0x1F130, 0x1F150, 0x1F170, 0x1F1E6)
    for i in range(26)
}
_PICTURED = str.maketrans(_SMALL_CAPITALS | _ENCLOSED)
"""Small capitals, enclosed letters and flag letters, which normal form KC leaves."""

_LOOK_ALIKES = str.maketrans(
    "авеіѕјкмнорстухґпԁԛԝһӏіё" + "αβεικνορτυχωηγμ" + "ɑɡıℓ",
    "abeisjkmhopctyxrndqwhlie" + "abeikvoptuxwnyu" + "agil",
)
"""Cyrillic, Greek and phonetic letters (small) by the Latin letter that they look like."""

_LEET = str.maketrans("013457@$!|€", "oieastasile")
_SLANG = {
    "r8": "rate",
    "plz": "please",
    "pls": "please",
    "dis": "this",
    "sco": "score",
    "ur": "your",
    "u": "you",
}
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
"""Characters that show nothing."""

_APART = re.compile(r"(?<![^\W_])(?:[^\W\d_](?:[ \t.\-_*~·,/|+]{1,3})){3,}[^\W\d_](?![^\W_])")
_SEAM = re.compile(r"(?<=[^\W\d_])[-_*~·.|+](?=[^\W\d_])")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_DISGUISED = re.compile(r"(?=\S*[a-z])\S*[013457@$!|€]\S*")
_WORDS_OFTEN_BROKEN = (
    "ignore", "disregard", "forget", "previous", "instructions", "instruction", "rubric", "rating", "rate", "score",
    "completion", "sentence", "highest", "maximum", "judge", "answer", "manual", "response", "evaluate",
)  # fmt: skip
_BY_LETTERS = {(word[0], "".join(sorted(word))): word for word in _WORDS_OFTEN_BROKEN}

N_PRINTABLE = 5
"""Characters that a code must hold to be read as one."""


def plain(text: str) -> str:
    """Return a text in normal form KC, in small letters, with single spaces and nothing hidden."""
    visible = _HIDDEN.sub("", unicodedata.normalize("NFKC", text).translate(_PICTURED))
    return " ".join(visible.casefold().translate(_PICTURED).split())


def bare(text: str) -> str:
    """Return a text without the accents of its letters."""
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


def undisguised(text: str) -> Iterator[tuple[str, str]]:
    """Yield the readings of a plain text (see `plain`) with one kind of disguise taken off, and the kind.

    Only readings that differ from the text are given.
    """
    latin = bare(text).translate(_LOOK_ALIKES)
    if latin != bare(text):
        yield "homoglyph", latin
    for undo in (_without_leet, _joined, _without_seams, _without_stretch, _unscrambled):
        reading = undo(latin)
        if reading != latin:
            yield "spelling", reading
    words = latin.split()
    if len(words) >= 4 and sum(map(len, words)) < 3 * len(words):
        yield "spelling", "".join(words)
    both = _without_stretch(_without_seams(_without_leet(latin)))
    if both != latin:
        yield "spelling", both


def is_mixed(word: str) -> bool:
    """Tell a word that has Latin letters and, among them, letters of another script that look like Latin."""
    letters = [c for c in word if c.isalpha()]
    n_latin = sum("LATIN" in unicodedata.name(c, "") for c in letters)
    odd = [c for c in letters if c.translate(_LOOK_ALIKES) != c and "LATIN" not in unicodedata.name(c, "")]
    return len(letters) >= 4 and n_latin > 0 and bool(odd) and n_latin + len(odd) == len(letters)


def _without_leet(text: str) -> str:
    slang = re.sub(r"[\w']+", lambda m: _SLANG.get(m[0], m[0]), text)
    return _DISGUISED.sub(lambda m: m[0].translate(_LEET), slang)


def _joined(text: str) -> str:
    """Join letters that stand apart: "r a t e" to "rate". Words among them run together."""
    return _APART.sub(lambda m: re.sub(r"[\W_]", "", m[0]), text)


def _without_seams(text: str) -> str:
    return _SEAM.sub("", text)


def _without_stretch(text: str) -> str:
    return _STRETCHED.sub(r"\1", text)


def _unscrambled(text: str) -> str:
    """Put the letters of well-known words in order: "raet" to "rate"."""
    return re.sub(r"[a-z]{4,}", lambda m: _BY_LETTERS.get((m[0][0], "".join(sorted(m[0]))), m[0]), text)


def letters_apart(text: str) -> int:
    """Count the letters of the longest stretch in which every letter stands apart."""
    return max((sum(c.isalpha() for c in m[0]) for m in _APART.finditer(text)), default=0)


def _hex(code: str) -> bytes:
    return bytes.fromhex(re.sub(r"0x|[^0-9a-f]", "", code, flags=re.IGNORECASE))


def _base64(code: str) -> bytes:
    return base64.b64decode(
        code.rstrip("=") + "=" * (-len(code.rstrip("=")) % 4), altchars=b"-_", validate=True
    )


def _base32(code: str) -> bytes:
    return base64.b32decode(code.rstrip("=") + "=" * (-len(code.rstrip("=")) % 8))


def _binary(code: str) -> bytes:
    digits = "".join(code.split())
    return int(digits, 2).to_bytes(len(digits) // 8, "big")


def _decimal(code: str) -> bytes:
    return bytes(int(n) for n in re.findall(r"\d+", code) if int(n) < 256)


_CODES: tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...] = (
    (re.compile(r"\b(?:0x)?(?:[0-9a-f]{2}[\s:]?){8,}\b", re.IGNORECASE), _hex),
    (
        re.compile(r"(?:(?:\\x|%|\\u00|0x|u\+00)[0-9a-f]{2}[\s,]*){5,}", re.IGNORECASE),
        lambda c: _hex(re.sub(r"\\u00|u\+00|\\x|0x", "", c, flags=re.IGNORECASE)),
    ),
    (re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{12,}={0,2}(?![A-Za-z0-9+/_=-])"), _base64),
    (re.compile(r"\b[A-Z2-7]{16,}={0,6}(?![A-Za-z0-9=])"), _base32),
    (re.compile(r"\b(?:[01]{8}\s*){4,}"), _binary),
    (re.compile(r"\b(?:1?\d{2}[\s,;]+){8,}1?\d{2}\b"), _decimal),
)


def decoded(text: str) -> Iterator[str]:
    """Yield what the codes in a text say: base64, base32, hexadecimal, binary, decimal, percent and escapes.

    A code that does not decode to letters is none.
    """
    for pattern, decode in _CODES:
        for match in pattern.finditer(text):
            try:
                said = decode(match[0].strip()).decode("utf-8")
            except (ValueError, binascii.Error):
                continue
            n_letters = sum(c.isalpha() or c.isspace() for c in said)
            if len(said) >= N_PRINTABLE and said.isprintable() and n_letters >= 0.6 * len(said):
                yield said
    unescaped = html.unescape(text)
    if unescaped != text:
        yield unescaped
    tags = "".join(chr(ord(c) - 0xE0000) for c in text if 0xE0020 <= ord(c) <= 0xE007E)
    if len(tags) >= N_PRINTABLE:
        yield tags


def turned(text: str) -> Iterator[str]:
    """Yield a text read backwards and with its letters moved by thirteen; both may be nonsense."""
    yield text[::-1]
    yield codecs.encode(text, "rot13")
