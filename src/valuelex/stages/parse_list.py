"""Split the text of an answer into value words as written.

Owns the forms in which answers come: comma lists, numbering, bullets, glosses, tables, sentences with a
list. Leaves JSON to `parse_json` and running text without a list to `scan_text`. Does not decide what is
a value word; it looks words up only to tell a gloss from its head, to tell items from what explains them,
and to see whether a last word was cut. Every pass is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from valuelex.stages.families import WordRules, known_form
from valuelex.stages.parse_json import FENCE, from_json
from valuelex.stages.scan_text import TURN, scan

MAX_ITEM_WORDS = 4
"""A segment of more words is not taken for an item of a list without further signs."""

MAX_DEPTH = 8
"""Levels of indentation that are told apart."""

MAX_INTRODUCTIONS = 3
"""How many colons may introduce one list ("Sure: my values: honesty, care")."""

_PLAIN = re.compile(r"[A-Za-z ,'\-]+\.?\s*")
_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\x00-\x08\x0b-\x1f\x7f]"
)
_COMMAS = str.maketrans(
    dict.fromkeys("、，،；;·", ",")
    | dict.fromkeys("’‘´", "'")
    | {"\u20e3": ". ", "\u2011": "-", "\u2010": "-", ";": ","}
)
_SPACES = re.compile(r"[^\S\n]+")
_MARKUP = re.compile(r"<[^<>\n]{1,60}>")
_CIRCLED = re.compile("[\u2460-\u2473\u2776-\u277f]")
_HASHTAG = re.compile(r"(?:(?<=\s)|^)#(?=[^\W\d_])", re.MULTILINE)
_PARENTHESES = re.compile(r"\([^()\n]*\)")
_INLINE_NUMBER = re.compile(
    r"(?:(?<=[\s,;*])|^)[(\[]?(?:\d{1,3}(?:\s?[.)\]](?!\d)|-(?=\s))|[A-Za-z]\)(?=\s))", re.MULTILINE
)
_LABEL = re.compile(r"(?:value|word|answer|item|number|no|#)?\s*\d{1,3}\s*[:=-]\s", re.IGNORECASE)
_BULLET = re.compile(
    r"\s*(?:[-*•‣▪●○◦–—+>|#]+|(?:[a-hA-H]|[ivxIVX]{1,5})[.)])\s+(?:\[[ xX]?\] ?)?|\s*[•‣▪●○◦]+"
)
_BOLD = re.compile(r"(\*\*|__)([^*_\n]+?)\1")
_GLOSS = re.compile(r":|=|->|→|—| [-–]{1,2} |\|")
_SCORE = re.compile(
    r"(?<=[^\W\d_])(?:\*\*)?(?: ?[:=]| [-–—]) ?(?:\*\*)?\d{1,3}(?:\.\d{1,2})?(?: ?%| ?/ ?\d{1,3})?(?= ?(?:[,;|\n]|$))"
)
_DOTTED = re.compile(r"(?<![\w.@/-])[^\W\d_]{3,40}(?:\.[^\W\d_]{3,40})+(?![\w@/-])")
_INDENT = re.compile(r"^(?: {2}|\t)[ \t]*+(?=\S)", re.MULTILINE)
_NESTED = "\x02"
_SENTENCE_END = re.compile(r"[.!?](?: |$)|。")
_JOIN = re.compile(r" (?:and/or|and|or|plus|but)(?= |$)|[/|&]| [+>] ", re.IGNORECASE)
_JOINERS = frozenset({"and", "or", "plus", "but"})
_LEADING_JOIN = re.compile(
    r"^(?:not (?:only|just)|also|(?:and|or|plus|but)(?: also\b)?)(?: +|$)", re.IGNORECASE
)
_NEGATED_LEAD = re.compile(r"\W*(?:not|no|neither|never)\b(?! (?:only|just|merely|simply)\b)", re.IGNORECASE)
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
    r"|\b(?:i am|i'm|we are|we're)\b(?!\s+(?:not|a|an|the|sorry|here|committed|dedicated|"
    r"designed|programmed|trained|built|made|able)\b)"
    r"|\b(?:i|we)\s+(?:(?!do\b|don't\b|not\b|never\b|can't\b|cannot\b)\w+\s+){0,3}?"
    r"(?:value|cherish|prize|prioritize|prioritise|treasure|embrace|embody|uphold|"
    r"believe in|(?:care|caring)(?: \w+ly)? about|stand for|strive for|hold dear))\b",
    re.IGNORECASE,
)
_INTRO = re.compile(
    rf"\b(?:{_SUBJECTS}|are|is|i|my|our|response|result|output|sure|certainly)\b", re.IGNORECASE
)
_GLOSS_LABELS = frozenset(
    {"description", "definition", "explanation", "meaning", "reason", "why", "example", "note"}
)
_URL = re.compile(r"://|\bwww\.", re.IGNORECASE)


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
    text = _INVISIBLE.sub("", text.replace("\r", "\n")).translate(_COMMAS)
    text = _SPACES.sub(" ", _INDENT.sub(_depth_marks, text))
    values = from_json(text.replace(_NESTED, " "), rules)
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
            special = words[0] in rules.negations or not _JOINERS.isdisjoint(words)
            special = special or not rules.clause_words.isdisjoint(words)
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


def _depth_marks(indent: re.Match[str]) -> str:
    """Write indentation, which tells a list from what explains its items, as one sign a level."""
    return _NESTED * min(len(indent.group().replace("\t", "  ")) // 2, MAX_DEPTH)


def _split_lines(text: str, rules: WordRules) -> tuple[str, ...]:
    """Read line by line; running text counts only where no list was found.

    What stands below an item or heading that names a value explains it, and counts only where it is
    itself a form in the vocabulary.
    """
    text = _HASHTAG.sub(",", _MARKUP.sub("\n", FENCE.sub("", text)))
    text = _DOTTED.sub(lambda run: _spaced(run.group(), rules), _SCORE.sub("", text))
    listed: list[str] = []
    running: list[str] = []
    is_list = False
    parent: int | None = None
    for line, numbered, depth in _lines(text):
        bullet = _BULLET.match(line)
        is_item = numbered or bullet is not None
        level = 3 * depth + (2 if not numbered else 1)
        if _is_heading(line, rules):
            is_item, level = True, 3 * depth
        if parent is not None and level > parent and (is_item or _glosses(line, depth, parent, rules)):
            items = _split_item(line[bullet.end() :] if bullet else line, rules)
            listed.extend(item for item in items if _is_bare_value(item, rules))
        elif is_item:
            items = _split_item(line[bullet.end() :] if bullet else line, rules)
            listed.extend(items)
            is_list = is_list or bool(items)
            if items:
                parent = level if any(_names_value(item, rules) for item in items) else None
        elif _has_letter(line):
            parent = None
            for chunk in _sentences(line.strip()):
                items_in = _split_chunk(chunk, rules)
                if items_in is None:
                    running.append(chunk)
                    continue
                listed.extend(items_in)
                is_list = is_list or len(items_in) > 1 or any(known_form(i.lower(), rules) for i in items_in)
    found = [] if is_list else [word for chunk in running for word in scan(chunk, rules)]
    return tuple([item for item in listed if not found or _names_value(item, rules)] + found)


def _is_heading(line: str, rules: WordRules) -> bool:
    """Tell if a line is a value word marked as a heading: by a sign before, bold letters or a colon."""
    marked = line.startswith(("#", "**", "__")) or line.rstrip().endswith(":")
    return marked and known_form(_clean(line).lower(), rules) is not None


def _glosses(line: str, depth: int, parent: int, rules: WordRules) -> bool:
    """Tell if a line without a bullet explains the item above: it is indented, or short and no list."""
    return _has_letter(line) and (
        depth > 0 or (parent < 2 and "," not in line and not _is_clause(line, rules))
    )


def _is_bare_value(item: str, rules: WordRules) -> bool:
    """Tell a value word from a phrase that describes one ("telling the truth")."""
    form = known_form(item.lower(), rules)
    return form is not None and (" " not in form or rules.families[form] == form)


def _names_value(item: str, rules: WordRules) -> bool:
    return known_form(item.lower(), rules) is not None or bool(scan(item, rules))


def _spaced(run: str, rules: WordRules) -> str:
    """Put spaces after dots if they part items: a value word, and capitals or value words beside it."""
    parts = run.split(".")
    known = [known_form(part.lower(), rules) is not None for part in parts]
    is_list = any(known) and all(k or part[0].isupper() for k, part in zip(known, parts, strict=True))
    return ". ".join(parts) if is_list else run


def _lines(text: str) -> Iterator[tuple[str, bool, int]]:
    """Yield lines, cut before inline numbers, whether a number stood before each, and its depth.

    What stands before a 2 in one line counts as numbered: the 1 is often left out.
    """
    for marked in text.split("\n"):
        line = marked.lstrip(_NESTED)
        depth = len(marked) - len(line)
        if _URL.search(line):
            yield line, False, depth
            continue
        start, numbered = 0, False
        for number in _INLINE_NUMBER.finditer(line):
            yield line[start : number.start()], numbered or number.group().strip("([ .)]-") == "2", depth
            start, numbered = number.end(), True
        yield line[start:], numbered, depth


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
            found.extend(_split_chunk(sentence, rules) or scan(sentence, rules))
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
    negated = _NEGATED_LEAD.match(chunk)
    turn = TURN.search(chunk, negated.end()) if negated else None
    if turn:
        chunk = chunk[turn.end() :]
    for _ in range(MAX_INTRODUCTIONS):
        lead, colon, tail = chunk.partition(":")
        if not colon or tail.startswith("//"):
            break
        if _clean(lead).lower() in _GLOSS_LABELS:
            return []
        if not _has_letter(tail):
            return [] if _INTRO.search(lead) else list(_split_head(lead, rules))
        if "," not in lead and known_form(_clean(lead).lower(), rules):
            heads = [part.partition(":")[0] for part in chunk.split(",") if ":" in part]
            return [word for head in heads if not _is_long(head) for word in _split_head(head, rules)]
        chunk = tail
    if _is_clause(chunk, rules) or "such as" in chunk or "includ" in chunk:
        return _split_clause(chunk, rules)
    cells = chunk.split("|")
    if len(cells) > 2 and sum(known_form(_clean(cell).lower(), rules) is not None for cell in cells) > 1:
        chunk = ",".join(cells)
    head = chunk if _URL.search(chunk) else _before_gloss(chunk)
    items = _segments(head, rules)
    n_long = sum(map(_is_long, items))
    if 2 * n_long > len(items):
        return None
    return [word for item in items for word in _words_without_commas(item, rules)]


def _split_clause(sentence: str, rules: WordRules) -> list[str] | None:
    """Read the list in a sentence: after its triggers, or most of its segments. None without one.

    A trigger before the last counts if a new "I" or "we" follows what it introduces.
    """
    triggers = list(_TRIGGER.finditer(sentence))
    lead = sentence[: triggers[-1].end()] if triggers else sentence
    if triggers and _opens_clause(triggers[-1], lead):
        lead = triggers[-1].group()
    if not rules.negations.isdisjoint(lead.lower().split()):
        return None
    items = _segments(sentence[triggers[-1].end() :] if triggers else sentence, rules)
    plain = [item for item in items if not _is_clause(item, rules)]
    if not triggers:
        short = [item for item in plain if not _is_long(item)]
        is_list = len(items) > 2 and 2 * len(short) > len(items)
        return [head for item in items if (head := _before_clause(item, rules))] if is_list else None
    if not items or items[0] not in plain or _is_long(items[0]):
        return None
    before: list[str] = []
    for trigger, following in pairwise(triggers):
        if _opens_clause(following, sentence):
            for item in _segments(sentence[trigger.end() : following.start()], rules):
                is_item = not _is_clause(item, rules) and not _is_long(item) and _names_value(item, rules)
                before.extend([item] if is_item else scan(item, rules))
    return before + plain


def _opens_clause(trigger: re.Match[str], sentence: str) -> bool:
    """Tell if a trigger starts a clause of its own, so that a negation before it does not reach it."""
    before = sentence[max(trigger.start() - 5, 0) : trigger.start()].rstrip().lower()
    own = trigger.group()[:2].lower() in ("i ", "i'", "we")
    return own and before.endswith((",", " and", " but"))


def _before_clause(item: str, rules: WordRules) -> str:
    """Return what stands before the verb of a segment: "care are the values that matter" gives "care"."""
    words = item.split()
    verb = next((i for i, word in enumerate(words) if word.lower() in rules.clause_words), len(words))
    return " ".join(words[:verb])


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


def _is_clause(text: str, rules: WordRules) -> bool:
    return not rules.clause_words.isdisjoint(text.lower().split())


def _is_long(text: str) -> bool:
    return len(text.split()) > MAX_ITEM_WORDS


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))
