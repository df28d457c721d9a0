import hashlib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from valuelex.domain.budget import Budget
from valuelex.domain.call import Call, Missing, call_key, canonical_json
from valuelex.domain.cost import Price
from valuelex.errors import LedgerError
from valuelex.io import client, pace
from valuelex.io.client import Gathered, gather
from valuelex.io.endpoint import Target
from valuelex.io.ledger import FailureReason, Ledger

pytestmark = pytest.mark.usefixtures("short_waits")


def calls_to(model: str, n: int, who: str = "r", **settings: int) -> list[Call]:
    made = []
    for draw in range(n):
        body = canonical_json({"model": model, "prompt": f"Values of {draw}:", **settings})
        parts = {"endpoint": "fake", "revision": "", "path": "/completions", "body": body, "draw": draw}
        key = call_key(**parts)
        made.append(Call(key, "elicit", who, "p", draw, "fake", model, "fake", "", "/completions", body))
    return made


def send(tmp_path: Path, calls: list[Call], target: Target) -> tuple[Gathered, Ledger]:
    ledger = Ledger(tmp_path / "ledger.db")
    return gather(calls, {call.route: target for call in calls}, ledger), ledger


def test_every_call_is_answered_once_and_recorded(tmp_path: Path, endpoint) -> None:
    calls = calls_to("good", 40)
    outcome, ledger = send(tmp_path, calls, Target(endpoint.base_url, 8))
    with ledger:
        assert outcome == Gathered(n_answered=40, n_failed=0, n_not_sent=0, stops={})
        assert ledger.answered() == {c.key for c in calls}
    assert len(endpoint.answered()) == 40


@pytest.mark.parametrize("model", ["flaky", "dropping"])
def test_passing_faults_are_tried_again(tmp_path: Path, endpoint, model: str) -> None:
    outcome, ledger = send(tmp_path, calls_to(model, 10), Target(endpoint.base_url, 4))
    with ledger:
        assert (outcome.n_answered, outcome.n_failed) == (10, 0)
    assert Counter(Counter(endpoint.answered()).values()) == {1: 10}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("locked", "refused the API key .*environment variable FAKE_KEY"),
        ("absent", "has no model 'absent' at .*404: no such model"),
        ("too-long", "400: context length exceeded"),
        ("moved", "has moved to http://127.0.0.1:9/elsewhere; set base_url"),
        ("escape", r"404: \]0;pwned x+\)$"),
        ("html", "not an OpenAI-compatible reply .*<html>.*does the base URL end in /v1"),
        ("no-choices", "not an OpenAI-compatible reply"),
        ("nan", "not an OpenAI-compatible reply"),
        ("broken", "503: overloaded"),
    ],
)
def test_a_hopeless_respondent_is_given_up_with_its_reason(
    tmp_path: Path, endpoint, model: str, words: str
) -> None:
    target = Target(endpoint.base_url, 4, api_key="sk-wrong-1234", key_variable="FAKE_KEY")
    outcome, ledger = send(tmp_path, calls_to(model, 30), target)
    with ledger:
        assert ledger.answered() == frozenset()
        (message,) = outcome.stops.values()
        assert re.search(words, message)
        # It stopped early, and the key is neither in the message nor in the file.
        assert outcome.n_not_sent > 0
        assert "sk-wrong-1234" not in message
        assert not any("sk-wrong-1234" in m for m in ledger.failures().values())
    assert b"sk-wrong-1234" not in (tmp_path / "ledger.db").read_bytes()


def test_an_endpoint_that_stays_busy_is_given_up(tmp_path: Path, endpoint) -> None:
    outcome, ledger = send(tmp_path, calls_to("quota", 60), Target(endpoint.base_url, 4))
    with ledger:
        assert 10 <= outcome.n_answered < 20
        assert outcome.n_not_sent > 30
        assert outcome.stops["r"].endswith("429: quota used up")
        assert set(ledger.failure_reasons().values()) == {FailureReason.RATE_LIMIT}


def test_a_refused_call_does_not_stop_a_respondent_that_has_answered(tmp_path: Path, endpoint) -> None:
    # The endpoint refuses bodies whose digest divides by four, about one of four; here not the first.
    calls = calls_to("picky", 60)
    calls.sort(key=lambda call: hashlib.sha256(call.body.encode()).digest()[0] % 4 == 0 and call.draw < 10)
    outcome, ledger = send(tmp_path, calls, Target(endpoint.base_url, 1))
    with ledger:
        assert outcome.stops == {}
        assert 0 < outcome.n_failed < 30
        assert outcome.n_answered + outcome.n_failed == 60
        assert set(ledger.failures().values()) == {"'fake' refused a call to 'picky' (400: context too long)"}
        assert set(ledger.failure_reasons().values()) == {FailureReason.TOO_LONG}


def test_a_filtered_prompt_is_an_answer_with_a_reason(tmp_path: Path, endpoint) -> None:
    calls = calls_to("filter", 5)
    outcome, ledger = send(tmp_path, calls, Target(endpoint.base_url, 4))
    with ledger:
        assert outcome.n_answered == 5
        assert {r.missing for r in ledger.replies(c.key for c in calls).values()} == {Missing.FILTERED}


def test_a_stopped_respondent_does_not_stop_another(tmp_path: Path, endpoint) -> None:
    absent, good = calls_to("absent", 20, "gone"), calls_to("good", 20, "here")
    calls = [c for pair in zip(absent, good, strict=True) for c in pair]
    outcome, ledger = send(tmp_path, calls, Target(endpoint.base_url, 4))
    with ledger:
        assert outcome.n_answered == 20
        assert list(outcome.stops) == ["gone"]


def test_an_endpoint_that_is_down_is_named(tmp_path: Path, unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}/v1"
    outcome, ledger = send(tmp_path, calls_to("good", 50), Target(url, 4))
    with ledger:
        assert outcome.n_answered == 0
        assert outcome.n_not_sent >= 40
        assert outcome.stops["r"].startswith(f"{url} does not answer")


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_the_key_does_not_show_in_a_target() -> None:
    assert "sk-1" not in repr(Target("http://e/v1", 1, api_key="sk-1"))


def test_a_budget_ends_the_sending_and_knows_what_was_used(tmp_path: Path, endpoint) -> None:
    calls, budget = calls_to("good", 40), Budget({}, most_calls=15)
    with Ledger(tmp_path / "ledger.db") as ledger:
        target = Target(endpoint.base_url, 8)
        outcome = gather(calls, {calls[0].route: target}, ledger, budget=budget)
        assert outcome == Gathered(15, 0, 25, {}, over_budget=True)
        assert budget.n_calls == 15
        # What was not sent is there for the next run.
        outcome = gather(calls, {calls[0].route: target}, ledger)
    assert (outcome.n_answered, outcome.n_elsewhere) == (25, 15)
    assert Counter(Counter(endpoint.answered()).values()) == {1: 40}


PRICES = {
    "fake/good": Price(2, 5),
    "fake/flaky": Price(2, 5),
    "fake/broken": Price(2, 5),
    "fake/absent": Price(2, 5),
}


@pytest.mark.parametrize(("model", "n_answered", "spent"), [("good", 10, 530), ("absent", 0, 0)])
def test_a_limit_on_cost_counts_what_replies_used(
    tmp_path: Path, endpoint, model: str, n_answered: int, spent: int
) -> None:
    # A reply uses 9 and 7 tokens: 9 x 2 + 7 x 5 = 53. What is refused costs nothing.
    calls, budget = calls_to(model, 10, max_tokens=7), Budget(PRICES, most_cost=10**6)
    with Ledger(tmp_path / "ledger.db") as ledger:
        outcome = gather(calls, {calls[0].route: Target(endpoint.base_url, 1)}, ledger, budget=budget)
    assert outcome.n_answered == n_answered
    assert (budget.spent, budget.reserved) == (spent, 0)


@pytest.mark.parametrize(("model", "lost"), [("flaky", 1), ("broken", 6)])
def test_attempts_that_got_lost_count_against_the_limit(
    tmp_path: Path, endpoint, model: str, lost: int
) -> None:
    # Flaky answers 429, which costs nothing, then 500, which may have, then the reply; broken answers 503 six times.
    (call,), budget = calls_to(model, 1, max_tokens=7), Budget(PRICES, most_cost=10**6)
    most = len(call.body) * 2 + 7 * 5
    with Ledger(tmp_path / "ledger.db") as ledger:
        outcome = gather([call], {call.route: Target(endpoint.base_url, 1)}, ledger, budget=budget)
    assert budget.spent == lost * most + 53 * outcome.n_answered
    # With room for four attempts the sending ends after four.
    budget = Budget(PRICES, most_cost=4 * most)
    with Ledger(tmp_path / "other.db") as ledger:
        outcome = gather([call], {call.route: Target(endpoint.base_url, 1)}, ledger, budget=budget)
    assert outcome.over_budget == (model == "broken")
    assert budget.spent <= 4 * most


def test_a_plan_is_read_as_it_is_needed(tmp_path: Path, endpoint, monkeypatch) -> None:
    monkeypatch.setattr(client, "LOOK_AHEAD", 20)
    read, done, most = 0, 0, 0

    def plan():
        nonlocal read, most
        for call in calls_to("good", 200):
            read += 1
            most = max(most, read - done)
            yield call

    def on_done(n: int) -> None:
        nonlocal done
        done += n

    with Ledger(tmp_path / "ledger.db") as ledger:
        targets = {("fake", "fake", ""): Target(endpoint.base_url, 4)}
        assert gather(plan(), targets, ledger, on_done).n_answered == 200
    # Twenty planned, and at the most four claimed and four out.
    assert most <= 20 + 4 + 4


def test_a_slow_endpoint_does_not_hold_up_a_fast_one(tmp_path: Path, endpoint) -> None:
    slow, fast = calls_to("slow", 30, "s"), calls_to("good", 30, "f")
    fast = [replace(c, provider="other") for c in fast]
    order: list[str] = []
    with Ledger(tmp_path / "ledger.db") as ledger:
        record = ledger.record

        def noting(answers=(), failures=()) -> None:
            order.extend(a.call.respondent_id for a in answers)
            record(answers, failures)

        ledger.record = noting
        targets = {slow[0].route: Target(endpoint.base_url, 1), fast[0].route: Target(endpoint.base_url, 4)}
        assert gather([*slow, *fast], targets, ledger).n_answered == 60
    assert order[-10:] == ["s"] * 10


def test_limits_a_minute_are_kept(tmp_path: Path, endpoint) -> None:
    calls = calls_to("good", 12)
    with Ledger(tmp_path / "ledger.db") as ledger:
        target = Target(endpoint.base_url, 8, requests_per_minute=600)
        gather(calls, {calls[0].route: target}, ledger)
        rows = ledger._db.execute("SELECT received_at FROM reply ORDER BY received_at").fetchall()
    # Ten a second, of which ten at once: the other two take a tenth of a second each.
    assert rows[-1][0] - rows[0][0] >= 0.15


def test_answers_in_the_ledger_are_not_asked_for(tmp_path: Path, endpoint) -> None:
    calls = calls_to("good", 20)
    outcome, ledger = send(tmp_path, calls[:10], Target(endpoint.base_url, 4))
    with ledger:
        outcome = gather(calls, {calls[0].route: Target(endpoint.base_url, 4)}, ledger)
        assert (outcome.n_answered, outcome.n_elsewhere) == (10, 10)
    assert len(endpoint.answered()) == 20


def test_a_call_that_is_dropped_is_no_longer_claimed(tmp_path: Path, endpoint) -> None:
    # Two at a time: while the slow call is out, both of the absent model are claimed; the first stops the second.
    slow, gone = calls_to("slow", 7, "here"), calls_to("absent", 2, "gone")
    plan = [slow[0], *calls_to("good", 1, "here"), *gone, *slow[1:]]
    path = tmp_path / "ledger.db"
    claimed: list[set[str]] = []
    with Ledger(path) as ledger, Ledger(path) as other:

        def on_done(_: int) -> None:
            claimed.append({key for (key,) in other._db.execute("SELECT call_key FROM claim")})

        outcome = gather(plan, {plan[0].route: Target(endpoint.base_url, 2)}, ledger, on_done)
    assert (outcome.n_answered, outcome.n_failed, outcome.n_not_sent) == (8, 1, 1)
    assert any(gone[1].key in keys for keys in claimed)
    assert gone[1].key not in claimed[-2]


def test_a_busy_model_does_not_keep_others_from_their_endpoint(tmp_path: Path, endpoint, monkeypatch) -> None:
    monkeypatch.setattr(client, "BUSY_PATIENCE_S", 0.2)
    monkeypatch.setattr(pace, "PATIENCE_S", 60.0)
    calls = [
        c for pair in zip(calls_to("crowded", 30, "a"), calls_to("good", 30, "b"), strict=True) for c in pair
    ]
    outcome, ledger = send(tmp_path, calls, Target(endpoint.base_url, 4))
    with ledger:
        assert list(outcome.stops) == ["a"]
        assert outcome.n_answered == 30


def test_a_respondent_that_answered_before_is_not_stopped_by_a_refused_text(tmp_path: Path, endpoint) -> None:
    good, long = calls_to("good", 3), calls_to("too-long", 8)
    _, ledger = send(tmp_path, good, Target(endpoint.base_url, 2))
    with ledger:
        outcome = gather(long, {long[0].route: Target(endpoint.base_url, 2)}, ledger)
    assert (outcome.n_failed, outcome.stops) == (8, {})


def test_nothing_more_is_sent_once_the_ledger_cannot_be_written(
    tmp_path: Path, endpoint, monkeypatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    calls, n_written = calls_to("good", 60), 0
    with Ledger(tmp_path / "ledger.db") as ledger:
        record = ledger.record

        def failing(answers=(), failures=()) -> None:
            nonlocal n_written
            if n_written >= 5:
                raise LedgerError("the disk is full")
            n_written += len(list(answers))
            record(answers, failures)

        ledger.record = failing
        # Ten a second, so that calls wait at the gate when the ledger fails.
        target = Target(endpoint.base_url, 4, requests_per_minute=600)
        with pytest.raises(LedgerError, match="the disk is full"):
            gather(calls, {calls[0].route: target}, ledger)
    kept = n_written
    for rescued in tmp_path.glob("valuelex-rescued-*.db"):
        with Ledger(rescued, read_only=True) as ledger:
            kept += len(ledger.answered())
    # What was in flight when it failed was rescued; nothing else was sent.
    assert len(endpoint.answered()) == kept <= n_written + 4


def test_a_call_waits_for_what_those_in_flight_leave_of_the_budget(tmp_path: Path, endpoint) -> None:
    # The most that one call can cost is set aside for it, and a reply costs 53: one at a time, many more than one fit.
    calls = calls_to("good", 20, max_tokens=7)
    most = max(len(call.body) for call in calls) * 2 + 7 * 5
    budget = Budget(PRICES, most_cost=most + 53 * 10)
    with Ledger(tmp_path / "ledger.db") as ledger:
        outcome = gather(calls, {calls[0].route: Target(endpoint.base_url, 8)}, ledger, budget=budget)
    assert outcome.over_budget
    # After ten replies there is room for exactly one at its most; after eleven there is not.
    assert outcome.n_answered >= 11
    assert budget.spent + budget.reserved <= most + 53 * 10
