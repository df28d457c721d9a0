"""Let every respondent rate every term of a lexicon: a dense matrix that is not ipsative.

Owns the calls, the reading of their replies into ratings or missing reasons, and the means of each cell. Does not
correlate or group terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from valuelex.domain.call import Call, Missing, Reply
from valuelex.domain.study import Respondent, Study
from valuelex.domain.term_ratings import (
    RatedMatrix,
    TermExample,
    TermPlan,
    TermPrompt,
    TermPromptSet,
    TermRating,
)
from valuelex.errors import StudyError
from valuelex.stages.request import Item, plan_calls, rotate, subject_of
from valuelex.stages.scale_point import (
    LEAST_ON_SCALE,
    mean_on_scale,
    place_of_rating,
    telling_probabilities,
    text_or_reason,
    written_point,
)

N_EXAMPLES = 3
"""Example ratings before a raw-completion prompt."""


def plan_term_ratings(study: Study) -> tuple[Call, ...]:
    """Plan one call for every respondent, term, prompt and draw.

    Token probabilities are asked for where the endpoint tells them and the study wants them. Raw completion shows
    three example ratings, which change with term, prompt and draw and are the same for all respondents, so that over
    seven terms every number from 0 to 6 is shown equally often.

    Returns
    -------
    tuple of Call
        In the order draw, prompt, term, respondent; empty when nobody is to rate terms. `item_id` is
        ``PROMPT/TERM``.

    Raises
    ------
    StudyError
        If raw completion is asked for by prompts without examples.
    """
    plan = study.terms
    if plan is None:
        return ()
    prompts = plan.prompts
    n_terms = len(plan.terms)

    def raw(position: int, draw: int, respondent: Respondent) -> str:
        place, column = divmod(position, n_terms)
        examples = _examples(prompts, plan.terms[column], column + N_EXAMPLES * place + draw)
        return raw_prompt(prompts.prompts[place], plan.terms[column], examples, respondent)

    asked = study
    if plan.probabilities:
        asked = replace(study, respondents=tuple(map(telling_probabilities, study.respondents)))
    return plan_calls(
        asked, "term", term_items(plan), draws=plan.draws, max_tokens=plan.max_tokens, raw_prompt=raw
    )


def term_items(plan: TermPlan) -> list[Item]:
    """Return what is asked, in the order prompt, term."""
    return [
        Item(f"{prompt.id}/{term}", prompt.chat.replace("{term}", term), prompt.prefill)
        for prompt in plan.prompts.prompts
        for term in plan.terms
    ]


def _examples(prompts: TermPromptSet, term: str, start: int) -> Sequence[TermExample]:
    """Take the examples before a term; one that is about the term itself is never among them."""
    return rotate([e for e in prompts.examples if e.term != term], start, N_EXAMPLES)


def raw_prompt(prompt: TermPrompt, term: str, examples: Sequence[TermExample], respondent: Respondent) -> str:
    """Write a raw-completion prompt: the heading, example ratings in the prompt's own form, then the open line.

    Raises
    ------
    StudyError
        If there are no examples.
    """
    if not examples:
        msg = "The prompt set has no examples, which raw completion needs; add [[examples]]."
        raise StudyError(msg)
    lines = [f"{_turn(prompt, e.subject, e.term)} {e.rating}" for e in examples]
    return "\n".join([prompt.heading, *lines, _turn(prompt, subject_of(respondent), term)])


def _turn(prompt: TermPrompt, subject: str, term: str) -> str:
    return prompt.turn.replace("{term}", term).replace("{subject}", subject)


def read_term_ratings(
    calls: Sequence[Call], replies: Mapping[str, Reply], plan: TermPlan
) -> tuple[TermRating, ...]:
    """Read one rating from each call.

    Where the endpoint told token probabilities and the study wants them, the rating is the mean over the points
    of the scale under the probabilities in its place, renormalised; where less than half of the probability lies on the
    scale it is missing. Elsewhere it is the one number on the scale that was written.

    Parameters
    ----------
    calls
        As planned by `plan_term_ratings`.
    replies
        By call key; a call without one is missing as CALL_FAILED, or NOT_RECORDED.
    plan
        The plan of the study that planned the calls.

    Returns
    -------
    tuple of TermRating
        In the order of `calls`. Missing as OFF_SCALE: another number, or a number whose place has less than half of
        its probability on the scale; UNPARSEABLE: no clear number.
    """
    prompts = {prompt.id: prompt for prompt in plan.prompts.prompts}
    found = []
    for call in calls:
        prompt_id, _, term = call.item_id.partition("/")
        reply = replies.get(call.key)
        answer = _Answer(call.unanswered)
        if reply is not None:
            answer = _answer(reply, prompts[prompt_id].prefill, term, plan.probabilities)
        found.append(
            TermRating(
                id=f"{call.respondent_id}:{call.item_id}:{call.draw}",
                respondent_id=call.respondent_id,
                term=term,
                prompt_id=prompt_id,
                draw=call.draw,
                rating=answer.rating,
                written=answer.written,
                on_scale=answer.on_scale,
                missing=answer.missing,
                text=answer.text,
                call_key=call.key,
            )
        )
    return tuple(found)


class _Answer(NamedTuple):
    """What one answer says; the fields are those of `TermRating`."""

    missing: Missing | None
    text: str = ""
    written: int | None = None
    rating: float | None = None
    on_scale: float | None = None


def _answer(reply: Reply, prefill: str, term: str, probabilities: bool) -> _Answer:
    """Read the rating of a term out of a reply."""
    said = text_or_reason(reply)
    if isinstance(said, Missing):
        return _Answer(said, reply.text.strip())
    text = said.removeprefix(prefill).strip()
    number = written_point(text, term)
    written = None if isinstance(number, Missing) else number
    place = place_of_rating(reply.tokens, written) if probabilities else None
    if place is None:
        reason = number if isinstance(number, Missing) else None
        return _Answer(reason, text, written, None if written is None else float(written))
    mean, on_scale = mean_on_scale(place)
    if on_scale < LEAST_ON_SCALE:
        reason = number if isinstance(number, Missing) else Missing.OFF_SCALE
        return _Answer(reason, text, written, None, on_scale)
    return _Answer(None, text, written, mean, on_scale)


def rated_matrix(
    ratings: Sequence[TermRating], respondent_ids: Sequence[str], terms: Sequence[str]
) -> RatedMatrix:
    """Average the ratings of each respondent and term over prompts and draws.

    Parameters
    ----------
    ratings
        As read by `read_term_ratings`.
    respondent_ids, terms
        The rows and columns.

    Returns
    -------
    RatedMatrix
        A mean stands where at least half of the ratings that were asked for were given.
    """
    row = {name: i for i, name in enumerate(respondent_ids)}
    column = {term: i for i, term in enumerate(terms)}
    occurring = {rating.missing for rating in ratings}
    reasons = tuple(reason for reason in Missing if reason in occurring)
    place = {reason: i for i, reason in enumerate(reasons)}
    shape = (len(row), len(column))
    total, mass = np.zeros(shape), np.zeros(shape)
    n, n_told = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    missing = np.zeros((*shape, len(reasons)), dtype=np.int64)
    for rating in ratings:
        at = (row[rating.respondent_id], column[rating.term])
        if rating.on_scale is not None:
            mass[at] += rating.on_scale
            n_told[at] += 1
        if rating.missing is not None:
            missing[*at, place[rating.missing]] += 1
        elif rating.rating is not None:
            total[at] += rating.rating
            n[at] += 1
    enough = (n > 0) & (n >= missing.sum(axis=2))
    return RatedMatrix(
        values=np.divide(total, n, out=np.full(shape, np.nan), where=enough),
        n=n,
        reasons=reasons,
        missing=missing,
        on_scale=np.divide(mass, n_told, out=np.full(shape, np.nan), where=n_told > 0),
        respondent_ids=tuple(row),
        terms=tuple(column),
    )
