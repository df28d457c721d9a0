"""Read the answers of judges into notes, and average notes into ratings.

Owns what counts as an answer: one JSON object of the form that was asked for, every subdimension once, a whole
number from 0 to 6 behind an open gate. Everything else is a missing rating with a reason, never a low one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Call, Missing, Reply
from valuelex.domain.measure import REASONS, SCALE_HIGH, SCALE_LOW, Exhibit, Note
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import JudgePlan
from valuelex.stages.clean import clean_answer
from valuelex.stages.judge_prompt import ADDRESSES, FIELDS, entry_keys, groups_asked
from valuelex.stages.parse_json import one_object
from valuelex.stages.refusal import is_refusal
from valuelex.stages.scale_point import expected_point

NEEDED = frozenset({"bears", "rating"})
"""Fields without which an entry is no answer; the grounds may be left out."""
_RATING = re.compile(r'"rating"\s*:\s*([0-9])\b')

Verdict = tuple[float | None, Missing | None, str, str]
"""Rating or reason, evidence, reason in words."""


def read_ratings(
    judge: JudgePlan,
    system: ValueSystem,
    exhibits: Sequence[Exhibit],
    calls: Sequence[Call],
    replies: Mapping[str, Reply],
) -> tuple[Note, ...]:
    """Read one note for every exhibit, draw and subdimension.

    Parameters
    ----------
    judge, system, exhibits, calls
        As given to and returned by `plan_ratings`.
    replies
        By call key; a call without one leaves its ratings missing as CALL_FAILED.
    """
    notes: list[Note] = []
    remaining = iter(calls)
    for draw in range(judge.draws):
        for exhibit in exhibits:
            for group in groups_asked(judge, system, exhibit, draw):
                call = next(remaining)
                reply = replies.get(call.key)
                verdicts = read_verdicts(reply, [s.id for s in group])
                expected = _expected(reply, verdicts)
                notes += [
                    Note(
                        judge=judge.id,
                        system=system.name,
                        exhibit_id=exhibit.id,
                        subdimension=name,
                        draw=draw,
                        rating=rating,
                        expected=expected.get(name),
                        missing=missing,
                        evidence=evidence,
                        evidence_found=bool(evidence) and _plain(evidence) in _plain(exhibit.ending),
                        reason=reason,
                        call_key=call.key,
                    )
                    for name, (rating, missing, evidence, reason) in verdicts.items()
                ]
    return tuple(notes)


def read_verdicts(reply: Reply | None, ids: Sequence[str]) -> dict[str, Verdict]:
    """Read what an answer says of each subdimension, in the order of the answer where it has one."""

    def none_of(reason: Missing) -> dict[str, Verdict]:
        return dict.fromkeys(ids, (None, reason, "", ""))

    if reply is None:
        return none_of(Missing.CALL_FAILED)
    if reply.missing is not None:
        return none_of(reply.missing)
    entries = _entries(clean_answer(reply.text))
    if entries is None:
        return none_of(Missing.REFUSED if is_refusal(reply.text) else Missing.UNPARSEABLE)
    if entries.pop(ADDRESSES):
        return none_of(Missing.INJECTION)
    asked = dict(zip(entry_keys(len(ids)), ids, strict=True))
    if not set(entries) <= set(asked):
        return none_of(Missing.UNPARSEABLE)
    found = {asked[key]: _verdict(entry) for key, entry in entries.items()}
    return found | {name: (None, Missing.UNPARSEABLE, "", "") for name in ids if name not in found}


def _entries(text: str) -> dict[str, Any] | None:
    """Return the entries of an answer by key, or None if it is not one object of the form that was asked for."""
    content = one_object(text)
    if content is None or not isinstance(content.get(ADDRESSES), bool):
        return None
    entries = [entry for key, entry in content.items() if key != ADDRESSES]
    fit = all(isinstance(e, dict) and set(e) >= NEEDED and set(e) <= set(FIELDS) for e in entries)
    return content if fit else None


def _verdict(entry: Mapping[str, Any]) -> Verdict:
    evidence, reason = (
        value if isinstance(value := entry.get(key), str) else "" for key in ("evidence", "grounds")
    )
    rating, bears = entry["rating"], entry["bears"]
    missing: Missing | None = None
    if not isinstance(bears, bool):
        missing = Missing.UNPARSEABLE
    elif not bears:
        missing = Missing.IRRELEVANT
    elif isinstance(rating, bool) or not isinstance(rating, int | float):
        missing = Missing.UNPARSEABLE
    elif not SCALE_LOW <= rating <= SCALE_HIGH or rating != int(rating):
        missing = Missing.OFF_SCALE
    return (None if missing is not None else float(rating), missing, evidence, reason)


def _expected(reply: Reply | None, verdicts: Mapping[str, Verdict]) -> dict[str, float]:
    """Return the mean of the scale under the token probabilities, where a rating's token has them."""
    if reply is None or not reply.tokens:
        return {}
    rated = [name for name, (rating, _, _, _) in verdicts.items() if rating is not None]
    places = list(_RATING.finditer(reply.text))
    if len(places) != len(rated):
        return {}
    ends = np.cumsum([len(token.text) for token in reply.tokens])
    found = {}
    for name, place in zip(rated, places, strict=True):
        token = reply.tokens[int(np.searchsorted(ends, place.start(1), side="right"))]
        value = expected_point(token)
        if value is not None:
            found[name] = value
    return found


def average_notes(
    notes: Sequence[Note], system: ValueSystem, exhibits: Sequence[Exhibit]
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Average the draws of one judge.

    Parameters
    ----------
    notes
        Of one judge on one system; of what it was not asked there is none.
    system, exhibits
        The columns and rows.

    Returns
    -------
    values, missing : (n_exhibits, n_subdimensions)
        The mean over draws (of the expected point where the endpoint told probabilities) where at least
        half of the draws gave a rating; elsewhere NaN with the commonest reason. Where there is no note it is
        NOT_RATED.
    """
    row = {e.id: i for i, e in enumerate(exhibits)}
    column = {s.id: i for i, s in enumerate(system.subdimensions)}
    shape = (len(exhibits), len(system.subdimensions))
    total, n_rated, n_drawn = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    reasons: dict[tuple[int, int], Counter[Missing]] = {}
    for note in notes:
        if note.exhibit_id not in row:
            continue
        at = (row[note.exhibit_id], column[note.subdimension])
        n_drawn[at] += 1
        if note.missing is not None:
            reasons.setdefault(at, Counter())[note.missing] += 1
        elif note.rating is not None:
            total[at] += note.rating if note.expected is None else note.expected
            n_rated[at] += 1
    rated = (n_rated > 0) & (2 * n_rated >= n_drawn)
    values = np.divide(total, n_rated, out=np.full(shape, np.nan), where=rated)
    missing = np.full(shape, REASONS.index(Missing.NOT_RATED), dtype=np.int8)
    missing[rated] = -1
    for at, counted in reasons.items():
        if not rated[at]:
            missing[at] = REASONS.index(counted.most_common(1)[0][0])
    return values, missing


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
