from dataclasses import replace

import numpy as np
import pytest

from examples import MODEL
from valuelex.domain.call import call_key
from valuelex.domain.study import EmbeddingPlan
from valuelex.stages.embed import plan_embeddings, read_embeddings

TERMS = ("care", "courage", "duty")
PLAN = EmbeddingPlan("acme/acme-1", MODEL)
CALLS = plan_embeddings(MODEL, TERMS)
UNIT = {call.key: row for call, row in zip(CALLS, np.eye(3), strict=True)}


def test_a_call_is_named_by_model_endpoint_and_term_alone() -> None:
    body = '{"input":"courage","model":"acme-1"}'
    assert [c.item_id for c in CALLS] == list(TERMS)
    assert CALLS[1].body == body
    assert CALLS[1].key == call_key(
        endpoint="https://acme.test/v1", revision="", path="/embeddings", body=body, draw=0
    )
    # Terms that come and go change no other call, and neither does the place of a term.
    again = plan_embeddings(MODEL, ("zeal", "duty", "care"))
    assert {c.key for c in again} & {c.key for c in CALLS} == {CALLS[0].key, CALLS[2].key}


def test_extras_of_the_endpoint_are_sent_but_never_another_text() -> None:
    endpoint = replace(MODEL.endpoint, extra_body={"dimensions": 64, "input": "secret"})
    (call,) = plan_embeddings(replace(MODEL, endpoint=endpoint), ("care",))
    assert call.body == '{"dimensions":64,"input":"care","model":"acme-1"}'


def test_rows_are_in_the_order_of_the_terms() -> None:
    found = read_embeddings(PLAN, CALLS, dict(reversed(UNIT.items())), {})
    assert found.vectors is not None
    np.testing.assert_array_equal(found.vectors, np.eye(3))
    assert (found.name, found.reason) == ("acme/acme-1", "")


def test_vectors_of_some_terms_are_none() -> None:
    some = {key: row for key, row in UNIT.items() if key != CALLS[1].key}
    found = read_embeddings(PLAN, CALLS, some, {CALLS[1].key: "'acme' is down."})
    assert found.vectors is None
    assert found.reason == "1 of 3 terms has no vector ('acme' is down)"
    assert found.way_out == "run the study again (valuelex run) to ask for them"
    assert read_embeddings(PLAN, CALLS, {}, {}).reason == "3 of 3 terms have no vector (it was not asked yet)"


def test_vectors_of_two_lengths_are_of_two_models() -> None:
    found = read_embeddings(PLAN, CALLS, UNIT | {CALLS[2].key: np.array([1.0])}, {})
    assert found.vectors is None
    assert found.reason == (
        "its vectors have 3 and 1 numbers (first: 'duty'), so more than one model answered under that name"
    )
    assert found.way_out == "name another in [construct] embeddings"


@pytest.mark.parametrize("terms", [(), ("care",)])
def test_as_many_rows_as_terms(terms: tuple[str, ...]) -> None:
    calls = plan_embeddings(MODEL, terms)
    found = read_embeddings(PLAN, calls, {c.key: np.array([1.0]) for c in calls}, {})
    assert found.vectors is not None
    assert len(found.vectors) == len(terms)
