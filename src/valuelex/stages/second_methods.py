"""Ask for values in two other ways: choose between two statements, and rate each statement.

Owns the calls of both methods and the strict reading of their replies. Statements are those of a value system's
subdimensions. Does not score the answers; `second_scores` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Call, Missing, Reply
from valuelex.domain.measure import REASONS, SCALE_HIGH, SCALE_LOW, SCALE_NEUTRAL
from valuelex.domain.second import Choices, DirectRatings
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Respondent, Study
from valuelex.stages.request import Item, plan_calls, rotate, subject_of
from valuelex.stages.scale_point import (
    expected_point,
    telling_probabilities,
    text_or_reason,
    written_point,
)

MAX_TOKENS = 8
"""Longest answer of either method, in tokens."""

CHOOSE = "Which of the two is more important to you?\nA: {first}\nB: {second}\nAnswer with A or B only."
CHOOSE_PREFILL = "My answer:"
CHOOSE_HEADING = "Two sentences each, A and B, and which of them is more important to the one who is asked:"
CHOOSE_TURN = "{who}. A: {first} B: {second} Answer:"
CHOOSE_EXAMPLES = (
    ("a baker", "I like my bread dark.", "I like my shop tidy."),
    ("a bus driver", "I like the window open.", "I like the radio low."),
    ("a gardener", "I like roses by the gate.", "I like a bench in the shade."),
    ("a painter", "I like large brushes.", "I like the light from the north."),
)
N_CHOOSE_EXAMPLES = 2
"""One is answered with A and one with B; which comes last changes from pair to pair and from draw to draw."""

RATE = (
    "How much is this like you?\n{statement}\nAnswer with one whole number from "
    f"{SCALE_LOW:g} to {SCALE_HIGH:g} only: {SCALE_LOW:g} = not at all, {SCALE_NEUTRAL:g} = neither, "
    f"{SCALE_HIGH:g} = fully."
)
RATE_PREFILL = "My number:"
RATE_HEADING = (
    f"How much each sentence is like the one who is asked, from {SCALE_LOW:g} = not at all over "
    f"{SCALE_NEUTRAL:g} = neither to {SCALE_HIGH:g} = fully:"
)
RATE_TURN = "{who}. {statement} Number:"
RATE_EXAMPLES = (
    ("a baker", "I rise before the sun.", 3),
    ("a bus driver", "I sing in the bath.", 0),
    ("a gardener", "I wear a hat in summer.", 6),
    ("a painter", "I drink my tea cold.", 2),
    ("a clerk", "I walk to work.", 5),
    ("a sailor", "I sleep on my side.", 1),
    ("a cook", "I read the paper at noon.", 4),
)
N_RATE_EXAMPLES = 3
"""Every number from 0 to 6 is shown equally often over seven statements or draws."""

_LEAD = (
    r"\W*(?:(?:my|the|i)(?:\s+|'d\s+))?(?:(?:would|will)\s+)?"
    r"(?:(?:answer|choice|choose|pick|option|statement|sentence)\b(?:\s+(?:is|would\s+be))?\W*"
    r"(?:option|statement|sentence)?)?\W*"
)
_AROUND = " .:;,()[]*\"'\n"
_ANSWER = re.compile(
    rf"\A{_LEAD}([AB])(?=\W*\Z|\s*[{re.escape(_AROUND.strip())}\n]"
    r"|\s+(?:is|matters|would\s+be)\s+(?:the\s+)?(?:more|most)\b)",
    re.IGNORECASE,
)
_LETTER = re.compile(r"(?<![\w'’])[AB](?![\w'’])")


def plan_choices(study: Study, system: ValueSystem) -> tuple[Call, ...]:
    """Plan one call for every draw, pair of subdimensions in both orders, and respondent.

    Returns
    -------
    tuple of Call
        In that order. `item_id` is ``SYSTEM/FIRST/SECOND``. Raw completion shows two examples, the same for
        both orders of a pair and for all respondents.
    """
    shown = _orders(system)
    said = {s.id: s.said for s in system.subdimensions}

    def raw(position: int, draw: int, respondent: Respondent) -> str:
        start = position // 2 + draw
        examples = [
            f"{CHOOSE_TURN.format(who=who, first=one, second=other)} {'AB'[(start + place) % 2]}"
            for place, (who, one, other) in enumerate(rotate(CHOOSE_EXAMPLES, start, N_CHOOSE_EXAMPLES))
        ]
        first, second = shown[position]
        turn = CHOOSE_TURN.format(who=subject_of(respondent), first=said[first], second=said[second])
        return "\n".join([CHOOSE_HEADING, *examples, turn])

    items = [
        Item(f"{system.name}/{a}/{b}", CHOOSE.format(first=said[a], second=said[b]), CHOOSE_PREFILL)
        for a, b in shown
    ]
    draws = study.second.choose_draws
    return plan_calls(study, "choose", items, draws=draws, max_tokens=MAX_TOKENS, raw_prompt=raw)


def plan_direct(study: Study, system: ValueSystem) -> tuple[Call, ...]:
    """Plan one call for every draw, subdimension and respondent.

    Returns
    -------
    tuple of Call
        In that order. `item_id` is ``SYSTEM/SUBDIMENSION``. Token probabilities are asked for where the endpoint
        tells them. Raw completion shows three examples with different numbers, which change with statement and
        draw and are the same for all respondents.
    """
    subdimensions = system.subdimensions

    def raw(position: int, draw: int, respondent: Respondent) -> str:
        examples = [
            f"{RATE_TURN.format(who=who, statement=statement)} {number}"
            for who, statement, number in rotate(RATE_EXAMPLES, position + draw, N_RATE_EXAMPLES)
        ]
        turn = RATE_TURN.format(who=subject_of(respondent), statement=subdimensions[position].said)
        return "\n".join([RATE_HEADING, *examples, turn])

    items = [
        Item(f"{system.name}/{s.id}", RATE.format(statement=s.said), RATE_PREFILL) for s in subdimensions
    ]
    asked = replace(study, respondents=tuple(map(telling_probabilities, study.respondents)))
    draws = study.second.rate_draws
    return plan_calls(asked, "rate", items, draws=draws, max_tokens=MAX_TOKENS, raw_prompt=raw)


def n_choices(study: Study, size: int) -> int:
    """Count the calls of `plan_choices` on a system of `size` subdimensions."""
    return len(study.respondents) * size * (size - 1) * study.second.choose_draws


def n_direct(study: Study, size: int) -> int:
    """Count the calls of `plan_direct` on a system of `size` subdimensions."""
    return len(study.respondents) * size * study.second.rate_draws


def read_choices(calls: Sequence[Call], replies: Mapping[str, Reply], system: ValueSystem) -> Choices:
    """Read which statement was chosen in each call.

    Parameters
    ----------
    calls
        As planned by `plan_choices` on `system`.
    replies
        By call key; a call without one is missing as CALL_FAILED, or NOT_RECORDED.
    """
    place = {s.id: i for i, s in enumerate(system.subdimensions)}
    said = [s.said for s in system.subdimensions]
    shown = {f"{system.name}/{a}/{b}": (place[a], place[b]) for a, b in _orders(system)}
    pairs = np.array([shown[call.item_id] for call in calls], dtype=np.int64).reshape(-1, 2)
    read = [
        _choice(replies[call.key], said[a], said[b]) if call.key in replies else call.unanswered
        for call, (a, b) in zip(calls, pairs.tolist(), strict=True)
    ]
    wins, missing = _as_arrays(read)
    return Choices(
        system=system.name,
        subdimensions=tuple(place),
        respondent_ids=tuple(call.respondent_id for call in calls),
        first=pairs[:, 0],
        second=pairs[:, 1],
        draw=np.array([call.draw for call in calls], dtype=np.int64),
        first_wins=wins,
        missing=missing,
    )


def read_direct(calls: Sequence[Call], replies: Mapping[str, Reply], system: ValueSystem) -> DirectRatings:
    """Read the rating in each call.

    Parameters
    ----------
    calls
        As planned by `plan_direct` on `system`.
    replies
        By call key; a call without one is missing as CALL_FAILED, or NOT_RECORDED.
    """
    column = {f"{system.name}/{s.id}": i for i, s in enumerate(system.subdimensions)}
    said = [s.said for s in system.subdimensions]
    row = {name: i for i, name in enumerate(dict.fromkeys(call.respondent_id for call in calls))}
    shape = (len(row), len(column), 1 + max((call.draw for call in calls), default=-1))
    values = np.full(shape, np.nan)
    missing = np.full(shape, REASONS.index(Missing.CALL_FAILED), dtype=np.int8)
    where = tuple(
        np.array([(row[c.respondent_id], column[c.item_id], c.draw) for c in calls], dtype=np.int64)
        .reshape(-1, 3)
        .T
    )
    read = [
        _rating(replies[call.key], said[column[call.item_id]]) if call.key in replies else call.unanswered
        for call in calls
    ]
    values[where], missing[where] = _as_arrays(read)
    return DirectRatings(system.name, tuple(row), tuple(s.id for s in system.subdimensions), values, missing)


def _orders(system: ValueSystem) -> list[tuple[str, str]]:
    """Every pair of subdimensions, in its own order and then in the other."""
    ids = [s.id for s in system.subdimensions]
    return [order for a, b in combinations(ids, 2) for order in ((a, b), (b, a))]


Answer = float | Missing


def _as_arrays(read: Sequence[Answer]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    values = np.array(
        [np.nan if isinstance(answer, Missing) else answer for answer in read], dtype=np.float64
    )
    missing = [REASONS.index(answer) if isinstance(answer, Missing) else -1 for answer in read]
    return values, np.array(missing, dtype=np.int8)


def _choice(reply: Reply, first: str, second: str) -> Answer:
    """Return 1 for the first statement, 0 for the second, or why there is no choice.

    An answer is one letter, alone or before its own statement (as far as the token limit let it come), or one of the
    statements alone. Both letters, or a letter before the other statement, are none.
    """
    text = text_or_reason(reply)
    if isinstance(text, Missing):
        return text
    said = {"A": first, "B": second}
    chosen = {letter for letter, statement in said.items() if statement in text}
    bare = text.replace(first, " ").replace(second, " ")
    letters = {found.upper() for found in _LETTER.findall(bare)}
    answer = _ANSWER.match(bare)
    if answer is not None:
        letter = answer.group(1).upper()
        rest = bare[answer.end() :].strip(_AROUND)
        begun = {name for name, statement in said.items() if rest and statement.startswith(rest)}
        chosen |= letters | {letter} | (set() if letter in begun else begun)
    elif letters or re.search(r"\w", bare):
        return Missing.UNPARSEABLE
    if len(chosen) != 1:
        return Missing.UNPARSEABLE
    return 1.0 if chosen == {"A"} else 0.0


def _rating(reply: Reply, statement: str) -> Answer:
    """Return the point of the scale, its mean under the token probabilities where told, or why there is none."""
    text = text_or_reason(reply)
    if isinstance(text, Missing):
        return text
    number = written_point(text, statement)
    if isinstance(number, Missing):
        return number
    rated = [token for token in reply.tokens if token.text.strip() == str(number)]
    expected = expected_point(rated[0]) if len(rated) == 1 else None
    return float(number) if expected is None else expected
