import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.target_congruence import congruence_with_target


def simple(p: int = 24, k: int = 3) -> np.ndarray:
    loadings = np.zeros((p, k))
    loadings[np.arange(p), np.arange(p) % k] = np.linspace(0.4, 0.8, p)
    return loadings


def test_turned_factors_are_found_again():
    rng = np.random.default_rng(0)
    target = simple()
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    found = congruence_with_target(target @ turn, target, rng)
    np.testing.assert_allclose(found.congruence, 1.0, atol=1e-12)
    assert (found.chance < 0.8).all()


def test_unrelated_factors_pass_chance_as_often_as_they_should():
    # 60 pairs of 3 factors, each over its .95 quantile one time in 20: 9 of 180 expected.
    rng = np.random.default_rng(1)
    target = simple()
    passed = 0
    for _ in range(60):
        found = congruence_with_target(rng.permutation(target), target, rng, n_permutations=99)
        passed += int((found.congruence > found.chance).sum())
    assert 1 <= passed <= 20


def test_what_cannot_be_rotated_is_refused():
    with pytest.raises(DataError, match="they must be equal"):
        congruence_with_target(simple(k=2), simple(), np.random.default_rng(0))
    with pytest.raises(DataError, match="n_permutations is 5; give a whole number of at least 19"):
        congruence_with_target(simple(), simple(), np.random.default_rng(0), n_permutations=5)
