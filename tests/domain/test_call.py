import dataclasses

import pytest

from valuelex.domain.call import Call, call_key, canonical_json
from valuelex.errors import DataError

REQUEST = {
    "endpoint": "https://acme.test/v1",
    "revision": "",
    "path": "/chat/completions",
    "body": '{"model":"acme-1"}',
    "draw": 0,
}


def test_the_form_of_a_key_is_a_file_format_promise():
    # SHA-256 of the line: ["https://acme.test/v1","","/chat/completions","{\"model\":\"acme-1\"}",0]
    assert call_key(**REQUEST) == "call1-a96541c0ea121a9d0547a47a1f513378e38b9d60dd681bfe06e8c975392a57a5"


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "https://other.test/v1"},
        {"revision": "sha256:1"},
        {"path": "/completions"},
        {"body": '{"model":"acme-2"}'},
        {"draw": 1},
    ],
)
def test_every_part_of_a_request_is_part_of_its_key(change):
    assert call_key(**{**REQUEST, **change}) != call_key(**REQUEST)


def test_parts_cannot_run_into_each_other():
    assert call_key(**{**REQUEST, "endpoint": "ab", "revision": "c"}) != call_key(
        **{**REQUEST, "endpoint": "a", "revision": "bc"}
    )


def test_a_call_whose_key_is_not_its_own_is_refused():
    call = Call(
        key=call_key(**REQUEST),
        stage="elicit",
        respondent_id="a",
        item_id="p0",
        provider="acme",
        model="acme-1",
        **REQUEST,
    )
    with pytest.raises(DataError) as caught:
        dataclasses.replace(call, draw=1)
    wanted = call_key(**{**REQUEST, "draw": 1})
    assert str(caught.value) == (
        f"Call key {call.key!r} does not belong to its request; it should be {wanted!r}."
    )


def test_canonical_json_has_one_form():
    assert canonical_json({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
