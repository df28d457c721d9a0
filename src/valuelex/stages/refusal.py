"""Tell a refusal from an answer.

Owns the wording by which models decline. A refusal is a reason for a missing answer and never
a low score. Does not look at the endpoint's own flags; `read_reply` does.
"""

from __future__ import annotations

import re

_N_OPENING = 300
"""Characters in which a refusal shows itself; what comes later is part of an answer."""

_N_OFFER = 100
"""Characters within which an offer of help must come to a colon, and so to a list of its own."""

_SELF = (
    r"(?:\b(?:as|being)|\bi(?:\s+am|'?m))\s+(?:(?:just|only|merely|simply)\s+)?(?:an?\s+)?(?:\w+\s+)?"
    r"(?:ai|artificial\s+intelligence|(?:large\s+|ai\s+)?language\s+model|ai\s+assistant|chatbot|machine)\b"
)
_NOT = r"\b(?:do\s+not|don'?t|can\s*not|can'?t|lack|unable|not\s+able|not\s+capable|no\s+(?:personal|feelings))\b"
_OWN = (
    r"(?:personal|human|subjective)\s+"
    r"(?:values|beliefs|opinions|feelings|emotions|preferences|experiences|thoughts|views)\b"
)
_REQUEST = r"(?:this|that|these|those|such|your|the\s+(?:sentence|statement|prompt|task|request|question))\b"

_DISCLAIMER = re.compile(
    rf"(?<!\bthat\s)(?<!\bthat,\s){_SELF}(?:(?!\bbut\b)[^.!?\n]){{0,80}}?{_NOT}", re.IGNORECASE
)
_OPENING = re.compile(
    rf"""^\W*
    (?:no\b\W+)?
    (?:
        (?:(?:i(?:\s+am|'?m)\s+)?(?:very|so|truly|really|terribly)?\s*sorry|my\s+apologies|i\s+(?:must\s+)?apologi[sz]e
           |i\s+regret|i\s+appreciate|i\s+understand|thank\s+you|thanks)\b[^!?\n]{{0,80}}?\b(?=i\b|as\b|that's\b)
      | (?:unfortunately|regrettably|(?:i(?:\s+am|'?m)\s+)?afraid)\b\W*(?:but\s+|that\s+)?
    )?
    (?:
        that's\s+not\s+something\s+i\s+can
      | i\s+(?:(?:must|have\s+to|need\s+to|will|respectfully|politely)\s+){{0,3}}decline
            \s*(?:\bto\s+(?:answer|complete|provide|respond|comment|participate|engage)|{_REQUEST}|[.,!]|$)
      | i(?:'d|\s+would)\s+(?:rather|prefer)\s+not\s+(?:to\s+)?(?:answer|say|respond|comment|complete)\b
      | i\s+(?:do\s+not|don'?t)\s+(?:feel\s+)?comfortable\s+(?:answering|completing|providing|sharing|with\s+{_REQUEST})
      | i(?:\s+am|'?m)\s+not\s+comfortable\s+(?:answering|completing|providing|sharing|with\s+{_REQUEST})
      | it(?:\s+is\s+not|\s+would\s+not\s+be|'s\s+not|\s+isn't|\s+wouldn't\s+be)\s+appropriate\s+for\s+me\b
      | i\s+(?:do\s+not|don'?t)\s+(?:actually\s+|really\s+)?(?:have|hold|possess)\s+(?:any\s+)?
{_OWN}
      | i\s*(?:can\s*not(?:\s+and\s+will\s+not)?|can'?t|won't|will\s+not
              |(?:am|'?m)\s+(?:unable|not\s+able|not\s+allowed)\s+to)
        \s+(?:in\s+good\s+conscience\s+|\w+ly\s+)?
        (?:
            assist\b | comply\b | engage\s+(?:in|with)\b | fulfil
          | help\s+(?:you\s+)?with\s+{_REQUEST}
          | (?:complete|finish|answer|respond\s+to|participate\s+in|take\s+part\s+in|continue(?:\s+with)?)
                \s+{_REQUEST}
          | do\s+(?:this|that)\W*$ | do\s+(?:this|that)[.!]
          | (?:provide|generate|create|give|offer)\s+(?:an?\s+|any\s+|my\s+|you\s+with\s+)*
                (?:direct\s+|personal\s+|subjective\s+|definit(?:e|ive)\s+|specific\s+)?
                (?:answer|response|completion|ending|opinion|list|sentence|assistance|content|guidance)
          | (?:share|express|offer|provide|have|hold)\s+(?:any\s+|my\s+)?{_OWN}
        )
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_TURN = re.compile(
    r"\b(?:but|however|that\s+said|nevertheless|instead|here(?:'s|\s+is|\s+are))\b", re.IGNORECASE
)
_OFFER = re.compile(
    r"\W*i(?:\s+can|\s+could|\s+would|'d|'m|\s+am)\b[^.:]{0,40}\b(?:help|assist|provide|offer|discuss|share|explain|here)\b",
    re.IGNORECASE,
)


def is_refusal(text: str) -> bool:
    """Tell whether an answer declines the task, from its opening or its disclaimer.

    Only the first 300 characters count. A list of values that ends in a disclaimer is still a list, and so
    is one that follows a disclaimer ('I have no personal values, but I aim for ...').
    """
    plain = text.replace("’", "'")
    opening = plain[:_N_OPENING]
    declined = _OPENING.search(opening)
    disclaimer = _DISCLAIMER.search(opening)
    if disclaimer is not None and (declined is None or disclaimer.start() < declined.end()):
        declined = None if _is_list(plain[: disclaimer.start()]) else disclaimer
    return declined is not None and not _answers_after_all(plain[declined.end() :])


def _answers_after_all(rest: str) -> bool:
    turn = _TURN.search(rest)
    if turn is None:
        return False
    answer = rest[turn.end() :]
    if _OFFER.match(answer):
        answer = answer.partition(":")[2] if ":" in answer[:_N_OFFER] else ""
    return _is_list(answer)


def _is_list(text: str) -> bool:
    return text.count(",") >= 2 or sum(bool(line.strip()) for line in text.splitlines()) >= 3
