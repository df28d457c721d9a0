"""Tell talk about the task from an ending of the sentence.

Owns the wording by which models comment on the task, ask back, offer several endings or greet. Does not know
refusals (`refusal`) or attacks (`tripwire`).
"""

from __future__ import annotations

import re

_WRITING = r"(?:complet|continu|edit|end|finish|preserv|refin|rephras|rewr[io]t|writ|chang|punctuat|concis)"
_THE_SENTENCE = r"(?<!\bmy\s)(?<!\bhis\s)(?<!\bher\s)(?<!\btheir\s)\bsentences?\b"
_ABOUT_THE_TASK = re.compile(
    rf"\b{_WRITING}\w*\b[^.!?]{{0,40}}{_THE_SENTENCE}|{_THE_SENTENCE}[^.!?]{{0,40}}\b{_WRITING}"
    r"|\b(?:this|your)\s+sentence\b|\bapostrophe\b|\bgrammatical(?:ly)?\b|\bfill\s+in\s+the\s+blank"
    r"|\bword\s+(?:limit|count)\b|\bending\s+(?:of|to|for)\s+(?:this|the)\b|\bincomplete\s+sentence\b"
    r"|\bsentence\s+is\s+(?:incomplete|unfinished)\b|\bwhich\s+sentence\b"
    r"|\b(?:the|this)\s+(?:phrase|prompt|clause|fragment|stem)\s+(?:suggests?|implies|express\w*|asks?|needs?"
    r"|indicates?|describes?|is)\b"
    r"|\bsubject\s+of\s+the\s+clause\b|\bbeginning\s+of\s+(?:your|this|the)\s+(?:story|sentence)\b",
    re.IGNORECASE,
)
"""Talk about finishing sentences. A judge's sentence is none: "gave him the sentence he deserved"."""

_CONTEXT = r"(?:context|information|details?|background|rest|full\s+(?:sentence|text|prompt))"
_ENDINGS = (
    r"(?:options?|endings?|ways?|possibilit\w+|completions?|examples?|suggestions?|ideas?|alternatives?)"
)
_OPENING = re.compile(
    rf"""\A\W*(?:
        (?:could|can|would|will)\s+you\s+(?:please\s+)?(?:provide|tell\s+me|give\s+me|share
            |clarify|specify|elaborate|rephrase)\b
      | please\s+(?:provide|specify|clarify|share|send)\b[^.!?]*\b{_CONTEXT}
      | please\s+(?:tell|let)\s+me\b[^.!?]*\b(?:you|more|sentence)\b
      | (?:what|which)\s+(?:kind|sort|type|tone|style|ending)\b[^.!]*\b(?:ending|you|should|tone)\b[^.!]*\?
      | what\s+would\s+you\s+like\b | how\s+would\s+you\s+like\b
      | (?:it|this|that)\s+(?:seems|looks|appears|sounds)\s+(?:like|as\s+if|that)\s+
            (?:you|your|the\s+(?:sentence|text|message|prompt))\b
      | (?:here\s+are|these\s+are|below\s+are|some|several|a\s+few|there\s+are)\b[^.:\n]{{0,30}}\b{_ENDINGS}\b
            [^.\n]{{0,30}}(?::|\bto\s+(?:end|finish|complete|continue)\b)
      | option\s+(?:1|a|one)\b
      | (?:hello|hi|hey|greetings)\b\W+(?:there\W+)?(?:how|what|i'm|i\s+am)\b
      | how\s+(?:can|may|could)\s+i\s+(?:help|assist)\s+you\b
      | i(?:'m|\s+am)\s+here\s+to\s+(?:help|assist)\W*(?:you\b|what\b|how\b|\Z)
      | i(?:'d|\s+would)\s+be\s+(?:happy|glad|pleased|delighted)\s+to\s+
            (?:help|assist)(?:\s+you\s+(?:with|complete|finish|write|continue)\b|\W+(?:which|what)\b)
      | (?:sure|certainly|of\s+course|absolutely|okay|yes)\b\W+i(?:\s+can|\s+will|\s+would|\s+could|'ll|'d)\b
            [^.!?]{{0,30}}\b(?:help|assist)\s+(?:you\s+)?with\s+(?:that|this)\b
      | (?:(?:what\s+)?an?\s+|that(?:'s|\s+is)\s+an?\s+)?
            (?:great|good|nice|interesting|excellent|lovely|wonderful|intriguing)\s+
            (?:start|beginning|question|prompt|stem|opening)\b
      | let\s+me\s+know\s+(?:if|what|how|whether|which)\s+you\b
      | i\s+hope\s+(?:this|that|it)\s+(?:helps|is\s+(?:helpful|what\s+you))\b
      | feel\s+free\s+to\s+(?:ask|adjust|modify|change|use|let)\b
      | is\s+there\s+anything\s+(?:else|more)\s+(?:i|you)\b
      | thank(?:s|\s+you)\s+for\s+(?:sharing|providing|(?:your|the)\s+(?:prompt|question|sentence|message|input))\b
      | (?:i\s+understand|understood|got\s+it|noted)[.!,]\s+(?:i(?:'ll|\s+will)|here|let\s+me)\b
      | (?:it|that)\s+(?:really\s+|all\s+)?depends\s+on\s+(?:the\s+context\s+of|what\s+you|how\s+you|your)\b
      | i\s+(?:would\s+)?need\s+(?:more|additional)\s+{_CONTEXT}\s+(?:in\s+order\s+)?to\s+
            (?:finish|complete|continue|end)\b
      | (?:an?|one|the|another)\s+(?:appropriate|possible|suitable|good|natural|short|potential|fitting)\s+
            (?:ending|completion|continuation)\b[^:\n]*\Z
      | you\s+(?:could|can|might|may)\s+(?:end|finish|complete|continue)\s+(?:it|this|the\s+sentence)\s+with\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_ITEM = re.compile(
    r"^\s*(?:[-*•–]\s+|\(?(?:\d{1,2}|[a-h])[.)]\s+|option\s+\w+\s*[:.)])\S", re.IGNORECASE | re.MULTILINE
)


def is_off_topic(answer: str) -> bool:
    """Tell whether an answer speaks of the task instead of ending the sentence, from its opening.

    Parameters
    ----------
    answer
        The whole answer, without a preamble and the repeated beginning of the sentence.
    """
    plain = answer.replace("’", "'")
    return _OPENING.match(plain) is not None


def offers_several(text: str) -> bool:
    """Tell whether a text is a list of endings to choose from: two items or more, the first in the first line."""
    items = list(_ITEM.finditer(text))
    return len(items) >= 2 and not text[: items[0].start()].strip()


def is_about_the_task(ending: str) -> bool:
    """Tell whether an ending speaks of sentences, their grammar or the form that was asked for."""
    return _ABOUT_THE_TASK.search(ending) is not None
