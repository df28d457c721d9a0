"""How an endpoint's limits give way and come back, on a clock that the test turns."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.io import pace as module
from valuelex.io.pace import Allowance, Pace, Trouble


def test_no_more_calls_are_out_than_allowed() -> None:
    pace = Pace(2)
    assert pace.wait_s(0) == 0
    pace.begin(0)
    pace.begin(0)
    assert pace.wait_s(0) == math.inf
    pace.answered()
    assert pace.wait_s(0) == 0


def test_sixty_requests_a_minute_are_one_a_second() -> None:
    pace = Pace(100, requests_per_minute=60)
    pace.begin(10.0)
    assert pace.wait_s(10.0) == pytest.approx(1.0)
    assert pace.wait_s(10.75) == pytest.approx(0.25)
    assert pace.wait_s(11.0) == 0


def test_tokens_are_paid_back_by_waiting() -> None:
    # 600 tokens a minute are 10 a second, and the bucket holds one second. A call of 30 leaves 10 - 30 = -20: the next
    # call of 5 needs 25 more, which take 2.5 s.
    pace = Pace(100, tokens_per_minute=600)
    assert pace.wait_s(0.0, 30) == 0
    pace.begin(0.0, 30)
    assert pace.wait_s(0.0, 5) == pytest.approx(2.5)
    assert pace.wait_s(2.0, 5) == pytest.approx(0.5)


@given(
    st.floats(1, 6000),
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 50)), min_size=1, max_size=50),
)
def test_no_more_is_taken_than_flows_in(per_minute: float, demands: list[tuple[float, float]]) -> None:
    bucket, now, taken = Allowance(per_minute), 0.0, 0.0
    for later, amount in demands:
        now += later + bucket.wait_s(now + later, amount)
        bucket.take(now, amount)
        taken += amount
    # What is there at the start, what flowed in since, and the debt that the last amount may leave.
    assert taken <= bucket.capacity + now * per_minute / 60 + max(a for _, a in demands) + 1e-6


def test_calls_give_way_once_and_come_back_one_by_one() -> None:
    pace = Pace(8)
    for _ in range(8):
        pace.begin(0)
    for _ in range(4):
        # All were out already at the first refusal, which alone counts: 8 x .75 = 6.
        pace.failed(1.0, Trouble.BUSY, begun=0.0)
    assert pace.limit == 6
    for _ in range(4):
        pace.answered()
    # Each answer adds 1/limit: 6 + 1/6 + 1/6.17 + 1/6.33 + 1/6.49 = 6.64.
    assert pace.limit == 6
    pace.begin(2.0)
    pace.failed(3.0, Trouble.BUSY, begun=2.0)
    assert pace.limit == 4
    for _ in range(100):
        pace.begin(4.0)
        pace.answered()
    assert pace.limit == 8


def test_everybody_waits_as_long_as_the_endpoint_asks() -> None:
    pace = Pace(8)
    pace.begin(0.0)
    pace.failed(1.0, Trouble.BUSY, begun=0.0, wait_s=20.0)
    assert pace.wait_s(1.0) == 20.0
    assert pace.wait_s(21.0) == 0


def test_the_breaker_opens_tries_one_call_and_closes() -> None:
    pace = Pace(8)
    pace.begin(0.0)
    pace.answered()
    for _ in range(module.OPEN_AFTER):
        pace.begin(1.0)
    for _ in range(module.OPEN_AFTER):
        pace.failed(2.0, Trouble.FAULT, begun=1.0)
    assert pace.wait_s(2.0) == 1.0
    assert (pace.wait_s(3.0), pace.limit) == (0.0, 1)
    pace.begin(3.0)
    assert pace.wait_s(3.0) == math.inf
    pace.failed(3.5, Trouble.FAULT, begun=3.0)
    assert pace.wait_s(3.5) == 2.0
    pace.begin(5.5)
    pace.answered()
    assert (pace.wait_s(5.5), pace.limit) == (0.0, 8)


def test_an_endpoint_that_was_never_there_is_given_up_at_once() -> None:
    pace = Pace(8)
    for attempt in range(3):
        assert not pace.is_hopeless(attempt)
        pace.begin(attempt)
        pace.failed(attempt, Trouble.DOWN, begun=attempt)
    assert pace.is_hopeless(2)


def test_an_endpoint_that_has_answered_may_restart() -> None:
    pace = Pace(8)
    pace.begin(0.0)
    pace.answered()
    for at in range(10, 300, 30):
        pace.begin(at)
        pace.failed(at, Trouble.DOWN, begun=at)
        assert not pace.is_hopeless(at)
    assert not pace.is_hopeless(309.9)
    assert pace.is_hopeless(310.0)
    pace.begin(310.0)
    pace.answered()
    assert not pace.is_hopeless(9e9)


def test_an_endpoint_that_asks_for_patience_before_it_has_answered_gets_it() -> None:
    pace = Pace(8)
    for at in (0, 60, 120):
        pace.begin(at)
        pace.failed(at, Trouble.BUSY, begun=at, wait_s=60.0)
        assert not pace.is_hopeless(at)
