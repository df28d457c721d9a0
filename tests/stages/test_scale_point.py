import math
from dataclasses import replace

import pytest

from examples import ENDPOINT, MODEL, respondent
from valuelex.domain.call import Missing, Token
from valuelex.domain.read_reply import read_reply
from valuelex.stages.scale_point import (
    expected_point,
    mean_on_scale,
    place_of_rating,
    telling_probabilities,
    written_point,
)


def token(text: str, **others: float) -> Token:
    """A token of probability 1 less that of others, whose names begin with _ where they are digits."""
    shares = {name.lstrip("_"): share for name, share in others.items()}
    own = {text: 1 - sum(shares.values())}
    return Token(text, tuple((t, math.log(p)) for t, p in (own | shares).items() if p > 0))


def test_the_mean_is_over_the_points_of_the_scale_alone() -> None:
    # 4 with .5, 5 with .3, seven with .2: (4 * .5 + 5 * .3) / .8 = 4.375, and .8 lies on the scale.
    assert mean_on_scale(token("4", _5=0.3, seven=0.2)) == pytest.approx((4.375, 0.8))
    # 7 is a number, but no point of the scale.
    assert mean_on_scale(token("7", _6=0.25)) == pytest.approx((6.0, 0.25))
    mean, on_scale = mean_on_scale(token("no"))
    assert math.isnan(mean)
    assert on_scale == 0


def test_a_point_is_told_only_where_half_of_the_probability_lies_on_the_scale() -> None:
    assert expected_point(token("4", _5=0.1, no=0.4)) == pytest.approx((4 * 0.5 + 5 * 0.1) / 0.6)
    assert expected_point(token("4", no=0.51)) is None


def test_the_rating_stands_in_the_first_place_behind_blanks_and_a_given_beginning() -> None:
    given, blank, first = Token("My number:", ()), token(" ", no=0.1), token("4", _5=0.3)
    assert place_of_rating((given, blank, first, token(" of"), token(" 9")), 4) is first
    # The sampled token is no point, but the probabilities of its place are what counts.
    seven = token("7", _6=0.9)
    assert place_of_rating((seven,), None) is seven
    assert place_of_rating((given,), None) is None
    assert place_of_rating((), 4) is None


def test_a_number_later_on_is_the_place_where_more_probability_lies_on_the_scale() -> None:
    said = (token("My", _5=0.1), token(" number"), token(" 5", _4=0.2))
    assert place_of_rating(said, 5) is said[2]
    # Written twice, it cannot be told which of them is meant.
    assert place_of_rating((*said, token(" 5")), 5) is said[0]


def test_a_digit_that_goes_on_is_no_place() -> None:
    # 18 in two tokens: the probability of its 1 is not that of the point 1.
    assert place_of_rating((token("1", _2=0.4), token("8")), None) is None
    assert place_of_rating((token("1", _2=0.4), token(".")), 1) is not None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("5", 5),
        ("honesty: 5", 5),
        ("plan 9: 4", 4),
        ("5 out of 6", 5),
        ("7", Missing.OFF_SCALE),
        ("-1", Missing.OFF_SCALE),
        ("2.5", Missing.OFF_SCALE),
        ("3 or 4", Missing.UNPARSEABLE),
        ("very", Missing.UNPARSEABLE),
    ],
)
def test_one_clear_number_is_read(text: str, read: int | Missing) -> None:
    assert written_point(text, "plan 9") == read


def test_probabilities_are_asked_for_in_the_form_of_the_api() -> None:
    tells = replace(MODEL, endpoint=replace(ENDPOINT, logprobs=True, extra_body={"min_p": 0.0}))
    chat, raw = (
        telling_probabilities(respondent(api=api, model=tells)).model.endpoint.extra_body
        for api in ("chat", "completion")
    )
    assert chat == {"logprobs": True, "top_logprobs": 10, "min_p": 0.0}
    assert raw == {"logprobs": 10, "min_p": 0.0}
    plain = respondent()
    assert telling_probabilities(plain) is plain


def test_tokens_behind_a_beginning_that_was_given_are_kept() -> None:
    # The endpoint repeats the prefill in the text, and tells the probabilities of what came after it.
    content = [
        {"token": t, "logprob": -0.1, "top_logprobs": [{"token": t, "logprob": -0.1}]} for t in (" ", "4")
    ]
    choice = {"message": {"content": "My number: 4"}, "logprobs": {"content": content}}
    reply = read_reply("k", {"choices": [choice]})
    assert [(t.text, bool(t.alternatives)) for t in reply.tokens] == [
        ("My number:", False),
        (" ", True),
        ("4", True),
    ]
    # What does not belong to the end of the text is left.
    choice = {"message": {"content": "My number: 5"}, "logprobs": {"content": content}}
    assert read_reply("k", {"choices": [choice]}).tokens == ()
