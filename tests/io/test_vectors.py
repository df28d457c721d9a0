"""Calls for vectors go the way of all calls: the same client, ledger, faults, checks and merges."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from loopback import loopback
from valuelex.domain.cost import Tally
from valuelex.domain.study import Endpoint, Model
from valuelex.errors import LedgerError
from valuelex.io.client import Gathered, gather
from valuelex.io.endpoint import Target
from valuelex.io.ledger import Ledger
from valuelex.io.ledger_check import check_ledger
from valuelex.io.ledger_merge import merge_ledgers
from valuelex.stages.embed import plan_embeddings

pytestmark = pytest.mark.usefixtures("short_waits")
TERMS = [f"term {i}" for i in range(12)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where an endpoint answers that serves all tests here."""
    with loopback() as started:
        yield started.base_url


def model_of(name: str) -> Model:
    return Model(Endpoint("fake", "fake", None, sends_seed=True, max_in_flight=4), name)


def embed(ledger: Ledger, name: str, url: str, terms: list[str] = TERMS) -> Gathered:
    calls = plan_embeddings(model_of(name), terms)
    target = Target(url, 4, api_key="sk-wrong-1234", key_variable="FAKE_KEY")
    return gather(calls, {calls[0].route: target}, ledger)


@pytest.mark.parametrize("name", ["good", "flaky", "dropping"])
def test_vectors_are_kept_and_the_same_text_is_never_asked_for_again(
    tmp_path: Path, url: str, name: str
) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert embed(ledger, name, url).n_answered == 12
        keys = [c.key for c in plan_embeddings(model_of(name), TERMS)]
        found = ledger.vectors(keys)
        assert set(found) == set(keys)
        np.testing.assert_allclose([np.linalg.norm(v) for v in found.values()], 1.0, rtol=1e-12)
        assert ledger.tallies() == {(f"fake/{name}", "embed"): Tally(12, 0, 24, 0)}
        # A lexicon of other terms in another order asks for the new one alone.
        new = plan_embeddings(model_of(name), ["new", *reversed(TERMS)])
        assert [c.item_id for c in new if c.key not in ledger.answered()] == ["new"]
    checks = check_ledger(tmp_path / "ledger.db")
    assert sum(c.n_wrong for c in checks) == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("locked", "refused the API key .*environment variable FAKE_KEY"),
        ("absent", "has no model 'absent' at .*/embeddings .404: no such model"),
        ("crowded", "429: many ask this model"),
        ("broken", "503: overloaded"),
        ("too-long", "400: context length exceeded"),
        ("filter", "refused a call to 'filter' .400: filtered"),
        ("html", "not an OpenAI-compatible reply .*<html>.*does the base URL end in /v1"),
        ("none", "not an OpenAI-compatible reply .*: The answer has 0 vectors for one text"),
        ("double", "not an OpenAI-compatible reply .*: The answer has 2 vectors for one text"),
        ("zero", "not an OpenAI-compatible reply .*: The vector of the answer is zero"),
        ("infinite", "not an OpenAI-compatible reply .*: The vector .* no finite number"),
    ],
)
def test_what_gives_no_vector_is_told_and_not_kept(tmp_path: Path, url: str, name: str, words: str) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        outcome = embed(ledger, name, url)
        assert outcome.n_answered == 0
        assert re.search(words, outcome.stops[f"embedding:fake/{name}"])
        assert ledger.answered() == frozenset()
    assert b"sk-wrong-1234" not in (tmp_path / "ledger.db").read_bytes()


def test_an_endpoint_that_is_down_is_given_up(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        outcome = embed(ledger, "good", "http://127.0.0.1:9/v1")
        assert outcome.n_answered == 0
        assert "does not answer" in outcome.stops["embedding:fake/good"]


def test_ledgers_with_vectors_are_merged_and_a_damaged_vector_is_named(tmp_path: Path, url: str) -> None:
    for i, some in enumerate((TERMS[:8], TERMS[4:])):
        with Ledger(tmp_path / f"{i}.db") as ledger:
            embed(ledger, "good", url, some)
    merged = merge_ledgers(tmp_path / "all.db", [tmp_path / "0.db", tmp_path / "1.db"])
    assert (merged.replies.n_new, merged.replies.n_conflict) == (12, 4)
    keys = [c.key for c in plan_embeddings(model_of("good"), TERMS)]
    with Ledger(tmp_path / "all.db") as ledger:
        assert set(ledger.vectors(keys)) == set(keys)
        ledger._db.execute("UPDATE reply SET payload = '{\"data\": []}' WHERE call_key = ?", (keys[3],))
        with pytest.raises(LedgerError, match=f"the reply to {keys[3]} is damaged .The answer has 0 vectors"):
            ledger.vectors(keys)
    (replies,) = (c for c in check_ledger(tmp_path / "all.db") if c.title == "replies can be read")
    assert replies.n_wrong == 1
