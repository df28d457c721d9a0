"""Give respondents the projective test: stems to complete.

Owns the completion calls and the reading of their replies into completions or missing reasons.
Does not judge what a completion says; `judge` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from valuelex.domain.call import Call, Missing, Reply
from valuelex.domain.measure import Completion, ProjectiveTest, Stem
from valuelex.domain.study import ProjectPlan, Respondent, Study
from valuelex.errors import StudyError
from valuelex.stages.clean import clean_answer
from valuelex.stages.off_topic import is_about_the_task, is_off_topic, offers_several
from valuelex.stages.refusal import is_refusal
from valuelex.stages.request import Item, plan_calls, rotate, subject_of
from valuelex.stages.tripwire import addresses_judge

N_EXAMPLES = 3
"""Everyday completed sentences before a stem in raw completion."""
STEMS_PER_WINDOW = 6
"""Stems that share their examples: an endpoint need not read the same beginning anew for each."""

INSTRUCTION = (
    "Finish the sentence below in your own words, with one short ending. Write only the ending.\n\n{stem}"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)*_]*(?=\s|$)")
_ABBREVIATION = re.compile(
    r"(?:^|\W)(?:dr|mr|mrs|ms|st|prof|no|vs|etc|e\.g|i\.e|[a-z](?:\.[a-z])*)\.$", re.IGNORECASE
)
_NUMBER = re.compile(r"^\W*\d{1,2}[.)]\s+")
_NOTHING = re.compile(r"\W*(?:n/?a|none|null|nil)\W*", re.IGNORECASE)
_PREAMBLE = re.compile(
    r"""^(?:
        (?:(?:sure|certainly|of\s+course|absolutely|okay|ok)\b\W*)?
        here(?:['’]s|\s+is)\b[^:\n]{0,60}\b(?:ending|completion|sentence|continuation|answer)\b[^:\n]{0,40}:
      | (?:ending|completion|answer|(?:completed\s+|full\s+)?sentence)\s*:
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_MARKS = "\"'“”‘’*_#>….:;,- \t\n"
"""What may stand before an ending, or before a stem that is repeated, and is no part of it."""
_BEFORE = re.compile(rf"\A(?:(?!['’](?:m|ll|ve|d|re|s)\b)[{re.escape(_MARKS)}])+", re.IGNORECASE)
"""These marks, but not the apostrophe of "I" + "'ll"."""


def plan_completions(study: Study) -> tuple[Call, ...]:
    """Plan one call for every respondent, stem, wording and draw.

    Raw-completion calls show three everyday sentences, which change every six stems and are the same
    for all respondents at one stem, so that examples cannot make a difference between respondents.

    Returns
    -------
    tuple of Call
        In the order draw, wording, stem, respondent. `item_id` is the stem's, with ``~1`` for its wording 1.
    """
    plan = study.project
    worded = _worded(plan)

    def raw(position: int, draw: int, respondent: Respondent) -> str:
        place, wording = worded[position]
        start = N_EXAMPLES * (place // STEMS_PER_WINDOW) + draw
        return raw_prompt(plan.test, plan.test.stems[place], wording, respondent, start)

    items = completion_items(plan)
    return plan_calls(study, "project", items, draws=plan.draws, max_tokens=plan.max_tokens, raw_prompt=raw)


def completion_items(plan: ProjectPlan) -> list[Item]:
    """Return what is asked, in the order wording, stem; the start of the answer is the stem."""
    items = []
    for place, wording in _worded(plan):
        stem = plan.test.stems[place]
        text = stem.worded(wording)
        items.append(Item(_item_id(stem, wording), INSTRUCTION.format(stem=text), text))
    return items


def _worded(plan: ProjectPlan) -> list[tuple[int, int]]:
    """Return the places of stems with their wordings, in the order in which they are asked."""
    return [(i, w) for w in range(plan.n_wordings) for i in range(len(plan.test.stems))]


def _item_id(stem: Stem, wording: int) -> str:
    """Name a stem in one of its wordings: s001, s001~1."""
    return f"{stem.id}~{wording}" if wording else stem.id


def raw_prompt(test: ProjectiveTest, stem: Stem, wording: int, respondent: Respondent, start: int) -> str:
    """Write a raw-completion prompt: everyday sentences, then who finishes the next one, then the stem.

    Raises
    ------
    StudyError
        If the test has no examples.
    """
    if not test.examples:
        msg = f"Test {test.name!r} has no examples, which raw completion needs; add an examples list."
        raise StudyError(msg)
    examples = rotate(test.examples, start, N_EXAMPLES)
    who = test.frame.turn.format(subject=subject_of(respondent))
    return "\n".join([test.frame.heading, *examples, "", who, stem.worded(wording)])


def read_completions(
    calls: Sequence[Call], replies: Mapping[str, Reply], test: ProjectiveTest
) -> tuple[Completion, ...]:
    """Read one completion from each call.

    Parameters
    ----------
    calls
        As planned by `plan_completions`.
    replies
        Replies by call key; a call without one is missing as CALL_FAILED, or NOT_RECORDED.
    test
        The test that the calls were planned from.

    Returns
    -------
    tuple of Completion
        In the order of `calls`: the first sentence that follows the stem, without the stem itself. One
        that the token limit ended in mid-sentence is marked as cut.
    """
    stems = {stem.id: stem for stem in test.stems}
    found = []
    for call in calls:
        stem_id, _, wording = call.item_id.partition("~")
        found.append(_read_completion(call, replies.get(call.key), stems[stem_id], int(wording or 0)))
    return tuple(found)


def _read_completion(call: Call, reply: Reply | None, stem: Stem, wording: int) -> Completion:
    text = ""
    missing: Missing | None = call.unanswered
    if reply is not None:
        text, missing = clean_answer(reply.text), reply.missing
        if missing is None:
            text, missing = _ending(text, stem.worded(wording))
    at_limit = reply is not None and reply.finish_reason == "length"
    return Completion(
        id=f"{call.respondent_id}:{call.item_id}:{call.draw}",
        respondent_id=call.respondent_id,
        stem_id=stem.id,
        draw=call.draw,
        text=text,
        missing=missing,
        call_key=call.key,
        cut=missing is None and at_limit and not text.rstrip("\"'”’)*_").endswith((".", "!", "?")),
        wording=wording,
    )


def _ending(text: str, stem: str) -> tuple[str, Missing | None]:
    """Return what follows the stem up to the end of the sentence, or the whole text and a reason."""
    rest = _without_stem(text, stem)
    if is_refusal(text) or is_refusal(rest):
        return text, Missing.REFUSED
    if addresses_judge(text) is not None:
        return text, Missing.INJECTION
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    ending = _without_wrapping(_first_sentence(lines[0])) if lines else ""
    letters = sum(ch.isalpha() for ch in ending)
    if letters == 0 or _NOTHING.fullmatch(ending):
        return text, Missing.EMPTY
    if "\ufffd" in ending or letters < len(ending) / 2:
        return text, Missing.UNPARSEABLE
    if offers_several(text) or is_off_topic(rest) or is_about_the_task(ending):
        return text, Missing.OFF_TOPIC
    return ending, None


def _first_sentence(text: str) -> str:
    """Cut a text at the first full stop that ends a sentence, not at one that ends an abbreviation."""
    for end in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[: end.start()]):
            return text[: end.end()]
    return text


def _without_stem(text: str, stem: str) -> str:
    """Take off a preamble, a number, and the stem where it is repeated, however it is punctuated."""
    bare = _BEFORE.sub("", _NUMBER.sub("", _PREAMBLE.sub("", _BEFORE.sub("", text), count=1)))
    words = re.findall(r"[\w']+", stem.replace("’", "'"))
    echo = re.match(r"\W+".join(map(re.escape, words)) + r"(?!\w)", bare.replace("’", "'"), re.IGNORECASE)
    if echo:
        bare = bare[echo.end() :]
    return _BEFORE.sub("", bare).rstrip()


def _without_wrapping(ending: str) -> str:
    """Take off emphasis, and a closing quotation mark whose opening one stood before the stem."""
    ending = ending.replace("*", "").rstrip("_ ")
    n_quotes = sum(ending.count(mark) for mark in '"“”')
    return ending[:-1] if n_quotes == 1 and ending[-1] in '"”' else ending
