import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from valuelex.errors import DataError
from valuelex.stats.cluster import adjusted_rand_of_tables
from valuelex.stats.partition_agreement import agreement_beyond_chance


def noisy(n: int, kept: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    a = rng.integers(0, 4, n)
    return a, np.where(rng.random(n) < kept, a, rng.integers(0, 4, n))


def test_index_of_tables_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    pairs = [noisy(40, kept, rng) for kept in (0.0, 0.5, 1.0)]
    tables = np.array([np.histogram2d(a, b, bins=4)[0] for a, b in pairs])
    expected = [adjusted_rand_score(a, b) for a, b in pairs]
    np.testing.assert_allclose(adjusted_rand_of_tables(tables), expected, atol=1e-12)


def test_interval_is_the_jackknife_over_items():
    rng = np.random.default_rng(1)
    a, b = noisy(30, 0.6, rng)
    without = [adjusted_rand_score(np.delete(a, i), np.delete(b, i)) for i in range(30)]
    error = np.sqrt(29 / 30 * np.square(np.array(without) - np.mean(without)).sum())
    found = agreement_beyond_chance(a, b, rng)
    assert found.adjusted_rand == pytest.approx(adjusted_rand_score(a, b))
    assert found.low == pytest.approx(found.adjusted_rand - 1.959964 * error, abs=1e-6)
    assert found.high == pytest.approx(min(1, found.adjusted_rand + 1.959964 * error), abs=1e-6)


def test_chance_is_told_from_agreement():
    rng = np.random.default_rng(2)
    related = agreement_beyond_chance(*noisy(60, 0.6, rng), rng)
    assert related.p_value == 1 / 1000  # None of 999 shuffles does as well.
    assert related.chance < related.low
    p_values = [
        agreement_beyond_chance(*noisy(25, 0.0, rng), rng, n_permutations=199).p_value for _ in range(200)
    ]
    # A test at .05 rejects about 10 of 200 unrelated pairs; 3 to 19 hold 99 % of the time.
    assert 3 <= sum(p <= 0.05 for p in p_values) <= 19


def test_items_that_one_side_did_not_place_are_left_out():
    a = np.array([0, 0, 1, 1, -1, 2, 2])
    b = np.array([1, 1, 0, 0, 0, -1, 2])
    found = agreement_beyond_chance(a, b, np.random.default_rng(0))
    assert (found.n_items, found.adjusted_rand) == (5, 1.0)
    assert np.isnan(found.low)  # No item makes a difference, which is no proof that no other would.
    assert found.p_value < 0.2


def test_few_items_have_neither_interval_nor_test():
    found = agreement_beyond_chance(np.array([0, 1, 1]), np.array([0, 1, 1]), np.random.default_rng(0))
    assert found.adjusted_rand == 1
    assert np.isnan([found.low, found.high, found.chance, found.p_value]).all()
    with pytest.raises(DataError, match="at least 2 are needed"):
        agreement_beyond_chance(np.array([0, -1]), np.array([0, 1]), np.random.default_rng(0))
