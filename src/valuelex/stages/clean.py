"""Take off an answer what is no part of it: control tokens, an opening courtesy.

Owns the marks that models and their servers leave in a text. All readers of replies use it. Does not
look for refusals or words; thinking was parted from the answer by `read_reply`.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?s>|\[/?INST\]")
_COURTESY = re.compile(
    r"\A\W*(?:sure(?:ly| thing)?|certainly|of course|absolutely|okay|ok|alright|gladly)[!.:]+\s+(?=\S)",
    re.IGNORECASE,
)


def clean_answer(text: str) -> str:
    """Return an answer without control tokens and an opening such as "Sure!"."""
    text = _CONTROL.sub("", text).strip()
    return _COURTESY.sub("", text, count=1)
