import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats.congruence import align_loadings, congruence, match_columns, procrustes


def loadings(seed: int, p: int = 9, k: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((p, k))


def test_congruence_by_hand() -> None:
    # (1 * 3 + 2 * 1) / sqrt(5 * 10) = 1 / sqrt 2; with the reverse sign -1 / sqrt 2.
    found = congruence([[1.0], [2.0]], [[3.0, -3.0], [1.0, -1.0]])
    np.testing.assert_allclose(found, [[np.sqrt(0.5), -np.sqrt(0.5)]], atol=1e-15)


def test_congruence_does_not_centre() -> None:
    # Equal shape and another level: a correlation of 1, but (1 * 11 + 2 * 12) / sqrt(5 * 265) = .961.
    found = congruence([[1.0], [2.0]], [[11.0], [12.0]])
    assert found[0, 0] == pytest.approx(35 / np.sqrt(5 * 265), abs=1e-15)


def test_a_factor_without_loadings_is_like_none() -> None:
    assert congruence([[0.0], [0.0]], [[1.0], [2.0]])[0, 0] == 0


def test_congruence_of_a_stack_is_that_of_each() -> None:
    stack, reference = np.stack([loadings(i) for i in range(4)]), loadings(9, k=2)
    found = congruence(stack, reference)
    assert found.shape == (4, 3, 2)
    np.testing.assert_allclose(found[2], congruence(stack[2], reference), atol=1e-15)


def test_alignment_undoes_order_and_signs() -> None:
    reference = loadings(1)
    moved = reference[:, [2, 0, 1]] * [-1, 1, -1]
    found = align_loadings(moved, reference)
    np.testing.assert_allclose(found.loadings, reference, atol=1e-15)
    np.testing.assert_allclose(found.congruence, 1, atol=1e-12)
    # Factor 0 of the reference stands second in `moved`, factor 1 third, factor 2 first.
    assert found.order.tolist() == [1, 2, 0]
    assert found.signs.tolist() == [1, -1, -1]


def test_alignment_takes_factor_correlations_along() -> None:
    reference = loadings(2)
    phi = np.array([[1, 0.3, 0.1], [0.3, 1, -0.2], [0.1, -0.2, 1]])
    order, sign = [2, 0, 1], np.array([-1, 1, -1])
    moved_phi = (phi * np.outer(sign, sign)[np.argsort(order)][:, np.argsort(order)])[np.ix_(order, order)]
    moved = reference[:, order] * sign
    # What must stay: the common part L phi L'.
    np.testing.assert_allclose(moved @ moved_phi @ moved.T, reference @ phi @ reference.T, atol=1e-12)
    found = align_loadings(moved, reference)
    np.testing.assert_allclose(found.factor_correlations(moved_phi), phi, atol=1e-15)


def test_alignment_seeks_the_largest_sum_and_not_the_best_first() -> None:
    # Congruences .45 and .4 for factor 0, .425 and .05 for factor 1: .4 + .425 beats .45 + .05. The rest of each
    # factor lies in rows where the reference has no loading.
    reference = np.eye(4)[:, :2]
    x = np.array([[0.45, 0.425], [0.4, 0.05], [0, 0], [0, 0]])
    x[[2, 3], [0, 1]] = np.sqrt(1 - np.sum(x**2, axis=0))
    found = align_loadings(x, reference)
    assert found.order.tolist() == [1, 0]
    np.testing.assert_allclose(found.congruence, [0.425, 0.4], atol=1e-12)


def test_alignment_of_a_stack_is_that_of_each() -> None:
    stack, reference = np.stack([loadings(i) for i in range(5)]), loadings(10)
    phi = np.stack([np.corrcoef(loadings(20 + i).T) for i in range(5)])
    found = align_loadings(stack, reference)
    aligned_phi = found.factor_correlations(phi)
    for i in range(5):
        one = align_loadings(stack[i], reference)
        np.testing.assert_array_equal(found.loadings[i], one.loadings)
        np.testing.assert_array_equal(found.order[i], one.order)
        np.testing.assert_array_equal(found.signs[i], one.signs)
        np.testing.assert_allclose(found.congruence[i], one.congruence, atol=1e-15)
        np.testing.assert_array_equal(aligned_phi[i], one.factor_correlations(phi[i]))


def test_procrustes_finds_the_rotation_that_was_made() -> None:
    a = loadings(3)
    turn = np.linalg.qr(loadings(4, p=3))[0]
    rotated, rotation = procrustes(a, a @ turn)
    np.testing.assert_allclose(rotation, turn, atol=1e-12)
    np.testing.assert_allclose(rotated, a @ turn, atol=1e-12)


def test_procrustes_by_hand() -> None:
    # A quarter turn takes (1, 0), (0, 1) to (0, 1), (-1, 0).
    rotated, rotation = procrustes(np.eye(2), [[0, 1], [-1, 0]])
    np.testing.assert_allclose(rotation, [[0, 1], [-1, 0]], atol=1e-15)
    np.testing.assert_allclose(rotated, [[0, 1], [-1, 0]], atol=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: congruence(np.ones((3, 1)), np.ones((4, 1))),
            "shape .3, 1. cannot be compared with .* .4, 1.",
        ),
        (lambda: congruence(np.ones(3), np.ones((3, 1))), "cannot be compared"),
        (lambda: congruence([[np.nan]], [[1.0]]), "Loadings hold missing or infinite values"),
        (lambda: align_loadings(loadings(0), loadings(0, k=2)), "3 factors cannot be matched to 2"),
        (lambda: procrustes(loadings(0), loadings(0, k=2)), "they must be equal"),
        (lambda: procrustes(loadings(0), np.full((9, 3), np.inf)), "missing or infinite"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(DataError, match=message):
        call()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_alignment_does_not_depend_on_order_signs_or_sizes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, reference = loadings(seed), loadings(seed + 1)
    order, sign, size = rng.permutation(3), rng.choice([-1.0, 1.0], 3), rng.uniform(0.5, 2, 3)
    a, b = align_loadings(x, reference), align_loadings(x[:, order] * sign, reference)
    np.testing.assert_allclose(b.loadings, a.loadings, atol=1e-12)
    np.testing.assert_allclose(align_loadings(x * size, reference).congruence, a.congruence, atol=1e-12)
    assert (a.congruence >= 0).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_no_small_turn_brings_procrustes_closer(seed: int) -> None:
    a, b = loadings(seed), loadings(seed + 1)
    rotated, rotation = procrustes(a, b)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    skew = np.random.default_rng(seed).standard_normal((3, 3)) * 1e-2
    turn = np.linalg.qr(np.eye(3) + skew - skew.T)[0]
    turn *= np.sign(np.diag(turn))
    assert np.linalg.norm(rotated @ turn - b) >= np.linalg.norm(rotated - b) - 1e-12


def test_columns_are_matched_to_the_largest_total():
    # Greedy takes .9 and leaves -.5; together .8 + .7 is more.
    np.testing.assert_array_equal(match_columns([[0.9, 0.8], [0.7, -0.5]]), [1, 0])
    np.testing.assert_array_equal(match_columns([[0.1], [0.9], [0.2]]), [-1, 0, -1])
    np.testing.assert_array_equal(match_columns([[0.1, 0.2, 0.9]]), [2])
