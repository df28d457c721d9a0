import json
from pathlib import Path

import numpy as np
import pytest

from valuelex.io.embed import MiniLM

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
    np.testing.assert_allclose(model.embed(texts, batch_size=2), alone, atol=1e-6)


def test_no_texts_make_no_vectors(model: MiniLM) -> None:
    assert model.embed([]).shape == (0, 384)


def test_antonyms_are_closer_to_their_kind(model: MiniLM) -> None:
    honest, truthful, banana = model.embed(["honesty", "truthfulness", "banana"])
    assert honest @ truthful > honest @ banana + 0.2
