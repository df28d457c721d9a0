import json

import numpy as np
import pytest

from valuelex.domain.cost import Usage, expected_prompt_tokens, most_tokens, usage_of
from valuelex.domain.embedding import EMBEDDINGS_PATH, read_vector, require_reply
from valuelex.errors import DataError


def reply(*vectors: object) -> dict[str, object]:
    return {"object": "list", "data": [{"index": i, "embedding": v} for i, v in enumerate(vectors)]}


def test_a_vector_is_brought_to_unit_length() -> None:
    # 3² + 4² = 5²
    np.testing.assert_allclose(read_vector(reply([3, -4.0])), [0.6, -0.8], rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-200, 1e300])
def test_no_length_is_too_small_or_too_large(scale: float) -> None:
    np.testing.assert_allclose(read_vector(reply([3 * scale, 4 * scale])), [0.6, 0.8], rtol=1e-12)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"choices": [{"text": "x"}]}, "The answer has no 'data'."),
        ({"data": "abc"}, "The answer has no 'data'."),
        ([1.0], "The answer has no 'data'."),
        (reply(), "The answer has 0 vectors for one text."),
        (reply([1.0], [1.0]), "The answer has 2 vectors for one text."),
        (reply([]), "The answer has no list of numbers under 'embedding'."),
        (reply("AACAPw=="), "The answer has no list of numbers under 'embedding'."),
        ({"data": [3]}, "The answer has no list of numbers under 'embedding'."),
        (reply([1.0, None]), "The vector of the answer holds something that is no finite number."),
        (reply([1.0, True]), "The vector of the answer holds something that is no finite number."),
        (reply([1.0, float("nan")]), "The vector of the answer holds something that is no finite number."),
        (reply([1.0, 10**400]), "The vector of the answer holds something that is no finite number."),
        (reply([0.0, -0.0]), "The vector of the answer is zero, so it has no direction."),
    ],
)
def test_what_is_no_vector_is_refused_in_one_line(payload: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_vector(payload)
    assert str(caught.value) == message


def test_a_reply_must_have_the_form_of_its_request() -> None:
    words = {"choices": [{"text": "kindness"}]}
    require_reply("/completions", words)
    require_reply(EMBEDDINGS_PATH, reply([1.0]))
    with pytest.raises(DataError):
        require_reply(EMBEDDINGS_PATH, words)
    with pytest.raises(DataError):
        require_reply("/completions", reply([1.0]))


def test_vectors_cost_what_is_read_and_nothing_written() -> None:
    told = {"prompt_tokens": 2, "total_tokens": 2}
    assert usage_of({**reply([1.0]), "usage": told}) == Usage(2, 0)
    assert usage_of({"choices": [], "usage": told}) is None
    assert usage_of(reply([1.0])) is None
    body = json.dumps({"model": "m", "input": "courage!"})
    assert expected_prompt_tokens(body) == 2  # 8 characters, 4 a token
    assert most_tokens(body) == Usage(len(body), 0)
