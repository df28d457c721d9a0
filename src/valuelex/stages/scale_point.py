"""Read a rating out of an answer: the number that was written, or the mean over the probabilities of its token.

Owns what counts as a clear number on the scale, and when token probabilities may stand for it. Direct ratings of
statements, ratings of terms and judges all read through it. Plans no calls.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from valuelex.domain.call import Missing, Reply, Token
from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW
from valuelex.domain.study import Respondent
from valuelex.stages.clean import clean_answer
from valuelex.stages.refusal import is_refusal

TOP_LOGPROBS = 10
"""Alternatives to a token that are asked for: more than the seven points of the scale."""
LEAST_ON_SCALE = 0.5
"""Probability on the points of the scale from which on their mean is taken for the rating."""
_POINTS = {str(point): float(point) for point in range(int(SCALE_LOW), int(SCALE_HIGH) + 1)}
_OF_SCALE = re.compile(rf"(?<=\d)\s*(?:/|out\s+of)\s*{SCALE_HIGH:g}(?![\d.,]\d|\d)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,])-?\d+(?:[.,]\d+)?")


def telling_probabilities(respondent: Respondent) -> Respondent:
    """Ask the endpoint for the probabilities of tokens, in the form of its API, where it tells them."""
    endpoint = respondent.model.endpoint
    if not endpoint.logprobs:
        return respondent
    asked = (
        {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        if respondent.api == "chat"
        else {"logprobs": TOP_LOGPROBS}
    )
    told = replace(endpoint, extra_body={**asked, **endpoint.extra_body})
    return replace(respondent, model=replace(respondent.model, endpoint=told))


def text_or_reason(reply: Reply) -> str | Missing:
    """Return what a respondent said, without marks and courtesies, or why it said nothing of use."""
    if reply.missing is not None:
        return reply.missing
    text = clean_answer(reply.text)
    if not text:
        return Missing.EMPTY
    return Missing.REFUSED if is_refusal(text) else text


def written_point(text: str, statement: str) -> int | Missing:
    """Return the one number that an answer gives, or why there is none on the scale.

    Parameters
    ----------
    text
        The answer, or what of it is no beginning that was given.
    statement
        What was asked about; numbers in it do not count where the answer repeats it.
    """
    numbers = {
        float(n.replace(",", ".")) for n in _NUMBER.findall(_OF_SCALE.sub("", text.replace(statement, " ")))
    }
    if len(numbers) != 1:
        return Missing.UNPARSEABLE
    (number,) = numbers
    if not SCALE_LOW <= number <= SCALE_HIGH or number != int(number):
        return Missing.OFF_SCALE
    return int(number)


def mean_on_scale(token: Token) -> tuple[float, float]:
    """Return the mean over the points of the scale by their probability in a place, and all of that probability.

    The mean is NaN where no point is among the alternatives that the endpoint told.
    """
    weights: dict[str, float] = {}
    for text, logprob in token.alternatives:
        if text.strip() in _POINTS:
            weights[text.strip()] = weights.get(text.strip(), 0.0) + math.exp(logprob)
    total = sum(weights.values())
    if total == 0:
        return math.nan, 0.0
    return sum(_POINTS[point] * weight for point, weight in weights.items()) / total, min(total, 1.0)


def expected_point(token: Token) -> float | None:
    """Return the mean over the points of the scale, each weighted by its probability in this place.

    None where less than half of the probability lies on the scale, or the token is more than a digit.
    """
    if token.text.strip() not in _POINTS:
        return None
    mean, total = mean_on_scale(token)
    return None if total < LEAST_ON_SCALE else mean


def place_of_rating(tokens: Sequence[Token], written: int | None) -> Token | None:
    """Return the token in whose place the rating stands; None where that cannot be told.

    That is the first token of the answer, behind blanks and behind a beginning that was given; where another one is the
    only token of the number that was written, and more probability lies on the scale there, it is that one. A digit
    that another digit follows is the beginning of a longer number, and no place of a rating.
    """
    said = [
        (token, after)
        for token, after in pairwise([*tokens, Token("", ())])
        if token.alternatives and token.text.strip()
    ]
    number = [pair for pair in said if pair[0].text.strip() == str(written)]
    wanted = said[:1] + (number if len(number) == 1 else [])
    places = [t for t, after in wanted if not (t.text[-1].isdigit() and after.text[:1].isdigit())]
    return max(places, key=lambda token: mean_on_scale(token)[1], default=None)
