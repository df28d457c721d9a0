import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.foretold import Expectation, foretell


def symmetric(rng: np.random.Generator, n: int) -> np.ndarray:
    half = rng.standard_normal((n, n))
    pairs = half + half.T
    np.fill_diagonal(pairs, 0.0)
    return pairs


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    upper = np.triu_indices(len(a), 1)
    return float(np.corrcoef(a[upper], b[upper])[0, 1])


def test_each_thing_is_foretold_by_the_others_alone(monkeypatch):
    monkeypatch.setattr("valuelex.stats.foretold.RIDGES", (0.5,))
    rng = np.random.default_rng(1)
    n = 9
    vectors, affinity = rng.standard_normal((n, 3)), symmetric(rng, n)
    centred = vectors - vectors.mean(axis=0)
    ridge = 0.5 * (centred**2).sum() / n
    differs = affinity - affinity.mean(axis=0)
    rows = np.zeros((n, n))
    for i in range(n):
        others = np.arange(n) != i
        x = centred[others]
        rows[i] = centred[i] @ np.linalg.solve(x.T @ x + ridge * np.eye(3), x.T @ differs[others])
    expected = (rows + rows.T) / 2
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(foretell(affinity, vectors), expected, atol=1e-10)


def test_what_follows_few_directions_of_the_vectors_is_foretold_where_cosines_do_not_tell_it():
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((120, 40))
    weights = np.array([3.0, 2.0, 1.0] + [0.0] * 37)
    affinity = (vectors * weights) @ vectors.T
    np.fill_diagonal(affinity, 0.0)
    assert agreement(affinity, foretell(affinity, vectors)) > 0.9
    assert agreement(affinity, vectors @ vectors.T) < 0.5


def test_what_vectors_do_not_tell_is_not_foretold():
    rng = np.random.default_rng(3)
    group = np.arange(120) % 6
    affinity = (group[:, None] == group) - 1 / 6
    np.fill_diagonal(affinity, 0.0)
    assert abs(agreement(affinity, foretell(affinity, rng.standard_normal((120, 40))))) < 0.1


def test_vectors_that_are_all_the_same_foretell_nothing():
    affinity = symmetric(np.random.default_rng(4), 6)
    assert not foretell(affinity, np.ones((6, 2))).any()


def test_what_does_not_suit_is_refused():
    with pytest.raises(DataError, match=r"2 vectors and an affinity of shape \(3, 3\)"):
        foretell(np.zeros((3, 3)), np.ones((2, 1)))


def test_the_nearest_mixture_is_that_of_least_squares_over_pairs():
    rng = np.random.default_rng(5)
    affinity, first, second = (symmetric(rng, 7) for _ in range(3))
    upper = np.triu_indices(7, 1)
    x = np.column_stack([np.ones(21), first[upper], second[upper]])
    slopes = np.linalg.lstsq(x, affinity[upper], rcond=None)[0]
    # What is on the diagonals of likenesses does not count.
    found = Expectation.by([first + 9 * np.eye(7), second]).of(affinity)
    np.testing.assert_allclose(found[upper], x @ slopes)
    assert not np.diagonal(found).any()
    # Of two that say the same, neither is asked for more.
    twice = Expectation.by([first, second, first]).of(affinity)
    np.testing.assert_allclose(twice, found, atol=1e-10)
