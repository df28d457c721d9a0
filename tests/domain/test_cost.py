import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.domain.budget import Budget, check_prices
from valuelex.domain.call import Call, call_key
from valuelex.domain.cost import (
    DOLLAR,
    Price,
    Tally,
    Usage,
    estimate,
    expected_prompt_tokens,
    most_tokens,
    pico_dollars,
    price_per_million,
    show_usd,
    spend,
)
from valuelex.errors import CallError, DataError

MINI = price_per_million(0.15, 0.6)


def call(number: int, *, text: str = "Name your values.", max_tokens: int = 32, model: str = "mini") -> Call:
    request = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": max_tokens}
    body = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    where = {"endpoint": "http://127.0.0.1:9/v1", "revision": "", "path": "/chat/completions", "body": body}
    return Call(
        key=call_key(draw=number, **where),
        stage="elicit",
        respondent_id="r",
        item_id="i",
        draw=number,
        provider="p",
        model=model,
        **where,
    )


def test_a_price_is_exact() -> None:
    # $0.15 per million is 0.15e12 / 1e6 = 150,000 pico-dollars a token; 1,000 read and 200 written cost
    # 1,000 x 150,000 + 200 x 600,000 = 270,000,000 pico-dollars = $0.00027.
    assert Price(150_000, 600_000) == MINI
    assert MINI.of(1000, 200) == 270_000_000
    assert Decimal(MINI.of(1000, 200)) / DOLLAR == Decimal("0.00027")


@pytest.mark.parametrize("usd", [-1, float("nan"), float("inf"), 0.000_000_1])
def test_an_amount_that_is_no_price_is_refused(usd: float) -> None:
    with pytest.raises(DataError, match=r"six decimals|twelve decimals"):
        price_per_million(usd, 0)


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, "$0.00"), (27 * 10**7, "$0.0003"), (1234 * DOLLAR, "$1,234.00")]
)
def test_amounts_are_written_for_people(amount: int, shown: str) -> None:
    assert show_usd(amount) == shown


tallies = st.builds(
    Tally, st.integers(0, 9), st.integers(0, 9), st.integers(0, 10**12), st.integers(0, 10**12)
)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["elicit", "judge"]), tallies)), st.randoms()
)
def test_spend_is_the_same_in_any_order(rows: list[tuple[str, str, Tally]], random: object) -> None:
    prices = {"a": MINI, "b": price_per_million(0.0375, 1e-6)}
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = []
    for order in (rows, shuffled):
        sums: dict[tuple[str, str], Tally] = {}
        for model, stage, tally in order:
            sums[model, stage] = sums.get((model, stage), Tally()) + tally
        found.append(spend(sums, prices))
    assert found[0] == found[1]
    assert found[0].cost == sum(
        prices[m].of(t.prompt_tokens, t.completion_tokens) for m, _, t in rows if m in prices
    )


def test_an_unknown_price_is_not_nothing() -> None:
    found = spend(
        {("p/x", "elicit"): Tally(3, 1, 100, 50), ("p/free", "elicit"): Tally(2, 2)}, {"p/free": Price(0, 0)}
    )
    assert [(line.model, line.cost) for line in found.lines] == [("p/free", 0), ("p/x", None)]
    assert found.unknown == ("p/x",)
    # The two replies of the free model told no usage either, but they cost nothing.
    assert found.n_untold == 1


def test_prompt_tokens_are_characters_over_four_and_four_a_turn() -> None:
    # 17 characters are 5 tokens, and 4 for the turn.
    assert expected_prompt_tokens(call(0).body) == 9
    assert expected_prompt_tokens('{"prompt": "12345678"}') == 2
    assert expected_prompt_tokens('{"messages": [{"content": [{"text": "1234"}]}]}') == 5


def test_the_most_tokens_are_bytes_and_the_limit() -> None:
    assert most_tokens('{"max_tokens":7,"prompt":"é"}') == Usage(30, 7)
    assert most_tokens('{"max_completion_tokens":9,"max_tokens":7,"n":3}').completion_tokens == 27
    with pytest.raises(DataError, match="max_tokens"):
        most_tokens('{"prompt": "x"}')


def test_an_estimate_expects_what_replies_used() -> None:
    calls = [call(n) for n in range(4)]
    n_bytes = len(calls[0].body)
    (line,) = estimate(calls, {"p/mini": MINI}).lines
    # 4 calls of 9 tokens; nothing seen, so each answer may take its 32 tokens.
    assert line.expected == Usage(36, 128)
    assert line.most_cost == 150_000 * 4 * n_bytes + 600_000 * 128
    # Two of three replies told their usage, 50 tokens read and 20 written together: 25 and 10 each.
    (line,) = estimate(calls, {"p/mini": MINI}, {("p/mini", "elicit"): Tally(3, 1, 50, 20)}).lines
    assert line.expected == Usage(100, 40)
    assert line.expected_cost == 150_000 * 100 + 600_000 * 40


def test_an_estimate_names_models_without_a_price() -> None:
    found = estimate([call(0), call(1, model="other")], {"p/mini": MINI})
    assert found.unknown == ("p/other",)
    assert found.most == found.lines[0].most_cost


def test_a_limit_without_a_price_is_refused_with_the_way_out() -> None:
    with pytest.raises(CallError) as error:
        check_prices(["p/mini", "p/b", "p/a"], {"p/mini": MINI})
    assert str(error.value) == (
        "--max-cost cannot hold: no price is known for p/a, p/b. Give one in the study, for instance "
        '[prices."p/a"] with input and output in US dollars per million tokens, or by --prices FILE.'
    )


@given(
    limit=st.integers(0, 2 * 10**8),
    most_calls=st.none() | st.integers(0, 12),
    steps=st.lists(
        st.tuples(
            st.integers(0, 9), st.sampled_from(["send", "settle", "untold", "release"]), st.integers(0, 32)
        )
    ),
)
def test_a_budget_never_exceeds_its_limits(
    limit: int, most_calls: int | None, steps: list[tuple[int, str, int]]
) -> None:
    budget = Budget({"p/mini": MINI}, most_cost=limit, most_calls=most_calls)
    calls, in_flight, n_done = [call(n) for n in range(10)], set(), 0
    for number, step, tokens in steps:
        if step == "send":
            if budget.may_send(calls[number]):
                in_flight.add(number)
        elif number in in_flight:
            in_flight.remove(number)
            if step == "release":
                budget.release(calls[number])
            else:
                budget.settle(calls[number], Usage(tokens, tokens) if step == "settle" else None)
                n_done += 1
        assert budget.spent + budget.reserved <= limit
        assert budget.n_calls == len(in_flight) + n_done
        assert most_calls is None or budget.n_calls <= most_calls
    for number in in_flight:
        budget.release(calls[number])
    assert budget.reserved == 0


def test_a_call_fits_exactly() -> None:
    most = most_tokens(call(0).body)
    cost = MINI.of(most.prompt_tokens, most.completion_tokens)
    assert Budget({"p/mini": MINI}, most_cost=cost).may_send(call(0))
    assert not Budget({"p/mini": MINI}, most_cost=cost - 1).may_send(call(0))


def test_calls_in_flight_count_at_their_most() -> None:
    most = most_tokens(call(0).body)
    cost = MINI.of(most.prompt_tokens, most.completion_tokens)
    budget = Budget({"p/mini": MINI}, most_cost=2 * cost - 1)
    assert budget.may_send(call(0))
    assert not budget.may_send(call(1))
    # The first turns out to cost one token of answer, so the second fits.
    budget.settle(call(0), Usage(0, 1))
    assert budget.spent == 600_000
    assert budget.may_send(call(1))


def test_a_budget_settles_once() -> None:
    budget = Budget({}, most_calls=1)
    assert budget.may_send(call(0))
    budget.settle(call(0), None)
    assert not budget.may_send(call(1))
    with pytest.raises(DataError, match="settle once"):
        budget.settle(call(0), None)


def test_dollars_become_pico_dollars() -> None:
    assert pico_dollars("2.50") == pico_dollars(2.5) == 2_500_000_000_000
