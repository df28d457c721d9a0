"""Read answers that are JSON: the value words in one, or the one object that was asked for.

Owns which strings of a JSON answer are words, and when an answer is one object and nothing else. Does not split words;
`parse_list` does.
"""

from __future__ import annotations

import json
import re
from typing import Any

from valuelex.stages.families import WordRules, known_form

MAX_JSON_DEPTH = 20
"""JSON nested deeper than this holds no list of words."""

FENCE = re.compile(r"^[ \x02]*(?:```|~~~)[\w-]* ?$", re.MULTILINE)
_FENCED = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)
_NAME_KEYS = frozenset({"value", "name", "title", "word", "term", "label", "principle", "virtue"})


def from_json(text: str, rules: WordRules) -> list[str] | None:
    """Return the words of a JSON array or object, if the answer is one or holds one between fences."""
    parts = FENCE.split(text)
    for part in (parts[1] if len(parts) == 3 else "", "".join(parts)):
        body = part.strip()
        if not body or body[0] not in "[{" or body[-1] not in "]}":
            continue
        try:
            return _flatten(json.loads(body), rules, 0)
        except (ValueError, RecursionError):
            continue
    return None


def _flatten(value: Any, rules: WordRules, depth: int) -> list[str]:
    if depth > MAX_JSON_DEPTH:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [word for part in value for word in _flatten(part, rules, depth + 1)]
    if isinstance(value, dict):
        named = [key for key in value if key.lower() in _NAME_KEYS and isinstance(value[key], str)]
        if named:
            return [value[named[0]]]
        if any(known_form(key.lower(), rules) for key in value):
            return list(value)
        return [word for part in value.values() for word in _flatten(part, rules, depth + 1)]
    return []


def one_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that an answer is, in a code fence or not; None where it is anything else or more.

    An object in which a key stands twice is none: nobody can tell which of the two is meant.
    """
    fenced = _FENCED.match(text)
    try:
        content = json.loads(fenced.group(1) if fenced else text, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        msg = "a key stands twice"
        raise ValueError(msg)
    return dict(pairs)
