"""Split the text of an answer into value words as written.

Owns the forms in which answers come: comma lists, numbering, bullets, glosses, JSON, sentences.
Does not decide what is a value word; it looks words up only to find them in running text, to tell a
gloss from its head, and to see whether a last word was cut. Every pass is linear in the text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from valuelex.stages.families import WordRules, known_form

MAX_ITEM_WORDS = 4
"""A segment of more words is not taken for an item of a list without further signs."""

MAX_JSON_DEPTH = 20
"""JSON nested deeper than this holds no list of words."""

MAX_INTRODUCTIONS = 3
"""How many colons may introduce one list ("Sure: my values: honesty, care")."""

NEGATION_REACH = 6
"""Words after a negation in a sentence that are not taken as valued."""

_PLAIN = re.compile(r"[A-Za-z ,'\-]+\.?\s*")
_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\x00-\x08\x0b-\x1f\x7f]"
)
_COMMAS = str.maketrans(
    dict.fromkeys("、，،；;·", ",") | dict.fromkeys("’‘´", "'") | {"\u2011": "-", "\u2010": "-", ";": ","}
)
_SPACES = re.compile(r"[^\S\n]+")
_MARKUP = re.compile(r"<[^<>\n]{1,60}>")
_CIRCLED = re.compile("[\u2460-\u2473\u2776-\u277f]")
_HASHTAG = re.compile(r"(?:(?<=\s)|^)#(?=[^\W\d_])", re.MULTILINE)
_PARENTHESES = re.compile(r"\([^()\n]*\)")
_FENCE = re.compile(r"^ ?(?:```|~~~)[\w-]* ?$", re.MULTILINE)
_INLINE_NUMBER = re.compile(
    r"(?:(?<=[\s,;*])|^)[(\[]?(?:\d{1,3}\s?[.)\]](?!\d)|[A-Za-z]\)(?=\s))", re.MULTILINE
)
_LABEL = re.compile(r"(?:value|word|answer|item|number|no|#)?\s*\d{1,3}\s*[:=-]\s", re.IGNORECASE)
_BULLET = re.compile(r"\s*(?:[-*•‣▪●○◦–—+>|#]+|[a-hA-H][.)])\s+|\s*[•‣▪●○◦]+")
_BOLD = re.compile(r"(\*\*|__)([^*_\n]+?)\1")
_GLOSS = re.compile(r":|=|->|→|—| [-–]{1,2} |\|")
_SENTENCE_END = re.compile(r"[.!?](?: |$)|。")
_JOIN = re.compile(r" (?:and/or|and|or|plus)(?= |$)|[/|&]| \+ ", re.IGNORECASE)
_JOINERS = frozenset({"and", "or", "plus"})
_LEADING_JOIN = re.compile(r"^(?:and|or|plus)(?: +|$)", re.IGNORECASE)
_TRAILING_NUMBER = re.compile(r" \d{1,4}$")
_LEADING_NUMBER = re.compile(r"^\d{1,3} (?=\D)")
_LETTER = re.compile(r"[^\W\d_]")
_SUBJECTS = (
    "value|values|principle|principles|word|words|quality|qualities|trait|traits|virtue|virtues|ideal|ideals|"
    "belief|beliefs|priority|priorities|ones|following|these|they|list|top|first|core|things|me|myself|"
    "here|answer|include"
)
_TRIGGER = re.compile(
    rf"(?:\b(?:{_SUBJECTS})\b[^,:]{{0,60}}?\b(?:are|is|be|as|like|would be)\b(?!\s+(?:to|not|that|what)\b)"
    r"|\b(?:include|includes|including|such as|namely)\b|\bto be\b"
    r"|\b(?:i am|i'm|we are|we're)\b(?!\s+(?:not|a|an|the|sorry|here|committed|dedicated)\b)"
    r"|\b(?:i|we)\s+(?:(?!do\b|don't\b|not\b|never\b|can't\b|cannot\b)\w+\s+){0,2}?"
    r"(?:value|cherish|prize|prioritize|prioritise|treasure|embrace|embody|uphold|"
    r"believe in|care about|stand for|strive for|hold dear))\b",
    re.IGNORECASE,
)
_INTRO = re.compile(
    rf"\b(?:{_SUBJECTS}|are|is|i|my|our|response|result|output|sure|certainly)\b", re.IGNORECASE
)
_URL = re.compile(r"://|\bwww\.", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


def split_mentions(text: str, rules: WordRules, *, truncated: bool = False) -> tuple[str, ...]:
    """Split an answer into mentions as written, in order, with repeats.

    Lists are read wherever they stand. In an answer with a list, running text outside it is taken for
    explanation and left out; an answer without one is searched for words of the vocabulary, leaving
    out negated ones. The explanation after the head of an item ("Honesty: I never lie") is left out.

    Parameters
    ----------
    text
        The answer, of any length and in any script.
    rules
        The word lists.
    truncated
        Whether the answer was cut at the token limit. Its last word is then left out, unless it is a
        form in the vocabulary or a sign that ends an item follows it.

    Returns
    -------
    tuple of str
        Each holds a letter. Empty when there is nothing but numbers, signs, or sentences without a value word.
    """
    if _PLAIN.fullmatch(text) and "," in text:
        plain = _split_plain(text, rules)
        if plain is not None:
            return _without_cut(plain, text, rules) if truncated else plain
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _CIRCLED.sub("\n- ", text))
    text = _SPACES.sub(" ", _INVISIBLE.sub("", text.replace("\r", "\n")).translate(_COMMAS))
    values = _from_json(text, rules)
    if values is not None:
        found = tuple(m for value in values for m in _split_item(value, rules))
    else:
        found = _split_lines(text, rules)
    return _without_cut(found, text, rules) if truncated else found


def _split_plain(text: str, rules: WordRules) -> tuple[str, ...] | None:
    """Split a comma list in which every segment is short; None if anything asks for a closer look."""
    items: list[str] = []
    for segment in text.split(","):
        item = segment.strip(" .\n\t'")
        if not item or item.lower() in _JOINERS:
            continue
        if " " in item:
            words = item.lower().split()
            if words[0] in _JOINERS:
                item = item[len(words[0]) :].lstrip()
                words = words[1:]
            special = not rules.clause_words.isdisjoint(words) or not _JOINERS.isdisjoint(words)
            if special or len(words) > MAX_ITEM_WORDS or " -" in item or "- " in item:
                return None
            if len(words) > 2:
                items.extend(_words_without_commas(item, rules))
                continue
        items.append(item)
    return tuple(item for item in items if item.strip("-"))


def _without_cut(mentions: tuple[str, ...], text: str, rules: WordRules) -> tuple[str, ...]:
    """Drop the last mention if the text stops in the middle of it."""
    end = text.rstrip()
    if not mentions or not end.endswith(mentions[-1]):
        return mentions
    last = mentions[-1].lower()
    whole = known_form(last, rules) or known_form(last.rpartition(" ")[2], rules)
    return mentions if whole and not end.endswith("-") else mentions[:-1]


def _from_json(text: str, rules: WordRules) -> list[str] | None:
    """Return the words of a JSON array or object, if the answer is one."""
    body = _FENCE.sub("", text).strip()
    if not body or body[0] not in "[{" or body[-1] not in "]}":
        return None
    try:
        return _flatten(json.loads(body), rules, 0)
    except (ValueError, RecursionError):
        return None


def _flatten(value: Any, rules: WordRules, depth: int) -> list[str]:
    if depth > MAX_JSON_DEPTH:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [word for part in value for word in _flatten(part, rules, depth + 1)]
    if isinstance(value, dict):
        if any(known_form(key.lower(), rules) for key in value):
            return list(value)
        return [word for part in value.values() for word in _flatten(part, rules, depth + 1)]
    return []


def _split_lines(text: str, rules: WordRules) -> tuple[str, ...]:
    """Read line by line; running text counts only where no list was found."""
    text = _HASHTAG.sub(",", _MARKUP.sub("\n", _FENCE.sub("", text)))
    listed: list[str] = []
    running: list[str] = []
    is_list = False
    for line, numbered in _lines(text):
        bullet = _BULLET.match(line)
        if bullet or numbered:
            items = _split_item(line[bullet.end() :] if bullet else line, rules)
            listed.extend(items)
            is_list = is_list or bool(items)
            continue
        for chunk in _sentences(line.strip()):
            items_in = _split_chunk(chunk, rules)
            if items_in is None:
                running.append(chunk)
                continue
            listed.extend(items_in)
            is_list = is_list or len(items_in) > 1 or any(known_form(i.lower(), rules) for i in items_in)
    found = () if is_list else tuple(word for chunk in running for word in _scan(chunk, rules))
    return found or tuple(listed)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield lines, cut before inline numbers, and whether a number stood before each.

    What stands before a 2 in one line counts as numbered: the 1 is often left out.
    """
    for line in text.split("\n"):
        if _URL.search(line):
            yield line, False
            continue
        start, numbered = 0, False
        for number in _INLINE_NUMBER.finditer(line):
            yield line[start : number.start()], numbered or number.group().strip("([ .)]") == "2"
            start, numbered = number.end(), True
        yield line[start:], numbered


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE_END.finditer(line):
        yield line[start : end.start()]
        start = end.end()
    yield line[start:]


def _split_item(body: str, rules: WordRules) -> tuple[str, ...]:
    """Read one item of a list: the head before a gloss, and the words joined in it."""
    label = _LABEL.match(body)
    if label:
        body = body[label.end() :]
    bold = _BOLD.match(body.lstrip())
    if bold and _has_letter(bold.group(2)):
        return _split_head(bold.group(2), rules)
    sentences = [s for s in _sentences(body) if _has_letter(s)]
    if not sentences:
        return ()
    if len(sentences) > 1 and any(_is_long(s) for s in sentences[1:]):
        del sentences[1:]
    found: list[str] = []
    for sentence in sentences:
        head = _before_gloss(sentence)
        if head == sentence and _is_clause(sentence, rules):
            found.extend(_split_chunk(sentence, rules) or _scan(sentence, rules))
        else:
            found.extend(_split_head(head, rules))
    return tuple(found)


def _before_gloss(text: str) -> str:
    letter = _LETTER.search(text)
    gloss = _GLOSS.search(text, letter.end()) if letter else None
    return text[: gloss.start()] if gloss else text


def _split_head(text: str, rules: WordRules) -> tuple[str, ...]:
    return tuple(item for segment in _segments(text, rules) for item in _words_without_commas(segment, rules))


def _split_chunk(chunk: str, rules: WordRules) -> list[str] | None:
    """Read a line or sentence without a bullet: a list, possibly after an introduction, or None."""
    for _ in range(MAX_INTRODUCTIONS):
        lead, colon, tail = chunk.partition(":")
        if not colon or tail.startswith("//"):
            break
        if not _has_letter(tail):
            return [] if _INTRO.search(lead) else list(_split_head(lead, rules))
        if "," not in lead and known_form(_clean(lead).lower(), rules):
            return list(_split_head(lead, rules))
        chunk = tail
    if _is_clause(chunk, rules) or "such as" in chunk or "includ" in chunk:
        return _split_clause(chunk, rules)
    head = chunk if _URL.search(chunk) else _before_gloss(chunk)
    items = _segments(head, rules)
    n_long = sum(map(_is_long, items))
    if 2 * n_long > len(items):
        return None
    return [word for item in items for word in _words_without_commas(item, rules)]


def _split_clause(sentence: str, rules: WordRules) -> list[str] | None:
    """Read the list in a sentence: after its last trigger, or most of its segments. None without one."""
    trigger = max(_TRIGGER.finditer(sentence), key=re.Match.end, default=None)
    lead = sentence[: trigger.end()] if trigger else sentence
    if not rules.negations.isdisjoint(lead.lower().split()):
        return None
    items = _segments(sentence[trigger.end() :] if trigger else sentence, rules)
    plain = [item for item in items if not _is_clause(item, rules)]
    if trigger:
        return plain if items and items[0] in plain and not _is_long(items[0]) else None
    short = [item for item in plain if not _is_long(item)]
    return items if len(items) > 2 and 2 * len(short) > len(items) else None


def _segments(text: str, rules: WordRules) -> list[str]:
    """Split at commas, slashes and joining words, except inside a phrase of the vocabulary."""
    bare = _PARENTHESES.sub(" ", text)
    text = bare if _has_letter(bare) else text
    found: list[str] = []
    for part in text.split(","):
        whole = _clean(part)
        if not _has_letter(whole):
            continue
        if _URL.search(whole) or known_form(whole.lower(), rules):
            found.append(whole)
            continue
        pieces = [_clean(piece) for piece in _JOIN.split(part)]
        pieces = [piece for piece in pieces if _has_letter(piece)]
        if len(pieces) > 1 and pieces[-1].lower() in rules.function_words:
            pieces = [whole] if len(pieces) == 2 else pieces[:-1]
        found.extend(pieces)
    return found


def _words_without_commas(item: str, rules: WordRules) -> list[str]:
    """Take apart three or more value words in a row that nothing separates."""
    words = item.split()
    if len(words) >= 3 and all(rules.families.get(w.lower()) == w.lower() for w in words):
        return words
    return [item]


def _clean(piece: str) -> str:
    """Strip signs, joining words and numbers from the ends; a hyphen at the end of a cut word stays."""
    piece = _LEADING_JOIN.sub("", _strip_signs(piece), count=1)
    return _strip_signs(_TRAILING_NUMBER.sub("", _LEADING_NUMBER.sub("", piece, count=1)))


def _strip_signs(piece: str) -> str:
    start, end = 0, len(piece)
    while start < end and not piece[start].isalnum():
        start += 1
    while end > start and not piece[end - 1].isalnum():
        end -= 1
    cut = piece[end : end + 1] == "-" and piece[end + 1 :].strip(" .") == ""
    return piece[start : end + cut]


def _scan(text: str, rules: WordRules) -> list[str]:
    """Find vocabulary words in running text, the longest first, leaving out negated ones."""
    tokens = [(m.group(), m.group().lower()) for m in _TOKEN.finditer(text)]
    found: list[str] = []
    blocked_until = -1
    at = 0
    while at < len(tokens):
        if tokens[at][1] in rules.negations and tokens[at][1] not in rules.families:
            blocked_until = at + NEGATION_REACH
        if f"{tokens[at][1]} {tokens[at + 1][1] if at + 1 < len(tokens) else ''}" in rules.light_heads:
            at += 2
            continue
        for length in range(min(rules.longest, len(tokens) - at), 0, -1):
            key = " ".join(low for _, low in tokens[at : at + length])
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


def _is_clause(text: str, rules: WordRules) -> bool:
    return not rules.clause_words.isdisjoint(text.lower().split())


def _is_long(text: str) -> bool:
    return len(text.split()) > MAX_ITEM_WORDS


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))
