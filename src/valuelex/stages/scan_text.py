"""Find words of the vocabulary in running text.

Owns what counts as denied in a sentence. Does not read lists; `parse_list` does.
"""

from __future__ import annotations

import re

from valuelex.stages.families import WordRules

NEGATION_REACH = 6
"""Words after a negation in a sentence that are not taken as valued."""

TURN = re.compile(r"\b(?:but|rather|instead)\b", re.IGNORECASE)
NO_NEGATION_BEFORE = frozenset({"only", "just", "merely", "simply"})
_TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


def scan(text: str, rules: WordRules) -> list[str]:
    """Find vocabulary words in running text, the longest first, leaving out negated ones."""
    tokens = [(m.group(), m.group().lower()) for m in _TOKEN.finditer(text)]
    found: list[str] = []
    blocked_until = -1
    at = 0
    while at < len(tokens):
        low = tokens[at][1]
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if low in rules.negations and low not in rules.families and after not in NO_NEGATION_BEFORE:
            blocked_until = at + NEGATION_REACH
        elif TURN.fullmatch(low):
            blocked_until = -1
        if f"{low} {after}" in rules.light_heads:
            at += 2
            continue
        for length in range(min(rules.longest, len(tokens) - at), 0, -1):
            key = " ".join(word for _, word in tokens[at : at + length])
            if _is_evident(key, rules):
                if at > blocked_until:
                    found.append(" ".join(word for word, _ in tokens[at : at + length]))
                at += length
                break
        else:
            at += 1
    return found


def _is_evident(key: str, rules: WordRules) -> bool:
    """Tell if a key is in the vocabulary and can hardly mean anything else in a sentence."""
    return key in rules.families and key not in rules.ambiguous and key not in rules.function_words
