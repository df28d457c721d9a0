"""Take off an answer what is no part of it: thinking, control tokens, an opening courtesy.

Owns the marks that models and their servers leave in a text. Both readers of replies use it. Does not
look for refusals or words.
"""

from __future__ import annotations

import re

_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_CONTROL = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?s>|\[/?INST\]")
_COURTESY = re.compile(
    r"\A\W*(?:sure(?:ly| thing)?|certainly|of course|absolutely|okay|ok|alright|gladly)[!.:]+\s+(?=\S)",
    re.IGNORECASE,
)


def clean_answer(text: str) -> str:
    """Return an answer without thinking, control tokens and an opening such as "Sure!".

    Thinking that never ends leaves nothing: the answer was not reached.
    """
    text = _CONTROL.sub("", _THINKING.sub("", text)).strip()
    return _COURTESY.sub("", text, count=1)
