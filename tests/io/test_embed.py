import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import erf

from valuelex.io.embed import MiniLM, gelu

pytestmark = pytest.mark.embedded
REFERENCE = json.loads((Path(__file__).parent.parent / "oracles" / "minilm_reference.json").read_text())


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM.load()


def test_vectors_equal_those_of_transformers(model: MiniLM) -> None:
    # The reference (oracles/minilm_reference.py, torch) is rounded to 7 decimals; float32 sums differ by 1e-6.
    reference = np.array(REFERENCE["vectors"])
    vectors = model.embed(REFERENCE["texts"])
    np.testing.assert_allclose(vectors, reference, atol=2e-6)
    cosine = (vectors * reference).sum(axis=1) / np.linalg.norm(reference, axis=1)
    assert (cosine >= 0.9999998).all()


def test_a_text_has_one_vector_whatever_it_is_embedded_with(model: MiniLM) -> None:
    texts = ["honesty", "I told her the truth, although it cost me the order.", "x"]
    alone = np.vstack([model.embed([text]) for text in texts])
    np.testing.assert_allclose(model.embed(texts, batch_tokens=8), alone, atol=1e-6)


WORDS = st.sampled_from(["honest", "I", "the", "uncomprehending", "sold", ",", "naïveté", "."])
TEXTS = st.lists(WORDS, max_size=30).map(" ".join)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=12, unique=True), data=st.data())
def test_neighbours_order_and_batches_do_not_touch_a_vector(
    model: MiniLM, texts: list[str], data: st.DataObject
) -> None:
    # Texts of like and unlike length. One against itself alone, to rounding; another order of all, to the last bit.
    batch_tokens = data.draw(st.integers(1, 200))
    chosen = data.draw(st.integers(0, len(texts) - 1))
    vectors = model.embed(texts, batch_tokens)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=3e-7)
    np.testing.assert_allclose(vectors[chosen], model.embed([texts[chosen]])[0], atol=1e-6)
    np.testing.assert_array_equal(model.embed(texts[::-1], batch_tokens)[::-1], vectors)


def test_gelu_is_exact_to_float32() -> None:
    # x Phi(x) = x (1 + erf(x / sqrt 2)) / 2 in double precision, up to the largest |x| the weights allow, 139.
    x = np.concatenate([np.linspace(-8, 8, 160_001), np.linspace(-139, 139, 27_801)])[:, None].astype(
        np.float32
    )
    exact = x.astype(np.float64) * (1 + erf(x.astype(np.float64) / np.sqrt(2))) / 2
    result = x.copy()
    gelu(result)
    # Half an error of 1.3e-7 in 1 + tanh, and rounding of the product (6e-8).
    assert (np.abs(result - exact) <= 1.4e-7 * np.abs(x)).all()


def test_no_texts_make_no_vectors(model: MiniLM) -> None:
    assert model.embed([]).shape == (0, 384)


def test_antonyms_are_closer_to_their_kind(model: MiniLM) -> None:
    honest, truthful, banana = model.embed(["honesty", "truthfulness", "banana"])
    assert honest @ truthful > honest @ banana + 0.2
