import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuelex.errors import DataError
from valuelex.stats.cooccurrence import cooccurrence, margin_residual, standardise_pairs

# Four lists over a, b, c: {a, b}, {a, b}, {a, b, c}, {c}.
LISTS = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1]], dtype=np.uint8)
LENGTHS = LISTS.sum(axis=1).astype(float)


def test_counts_by_hand():
    # a and b meet in lists 1, 2, 3; a and c, b and c in list 3 only; a, b occur 3 times, c twice.
    assert cooccurrence(LISTS).tolist() == [[3, 3, 1], [3, 3, 1], [1, 1, 2]]


def test_a_weight_counts_a_list_so_often():
    # List 3 twice and list 2 not at all: a and b still meet 1 + 0 + 2 times, a and c now twice.
    weights = np.array([1.0, 0.0, 2.0, 1.0])
    assert cooccurrence(LISTS, weights).tolist() == [[3, 3, 2], [3, 3, 2], [2, 2, 3]]
    repeated = LISTS[[0, 2, 2, 3]]
    np.testing.assert_array_equal(cooccurrence(LISTS, weights), cooccurrence(repeated))


def test_counts_of_many_lists_do_not_overflow_a_byte():
    lists = np.ones((300, 2), dtype=np.uint8)
    assert cooccurrence(lists)[0, 1] == 300


def test_margin_residual_by_hand():
    # Lengths 2, 2, 3, 1: sum r = 8, sum r (r - 1) = 2 + 2 + 6 + 0 = 10, q = 10 / 64.
    # a, b: e = 3 * 3 * 10/64 = 90/64, C = 3, residual (3 - 1.40625) / sqrt(1.40625) = 1.343968...
    # a, c: e = 3 * 2 * 10/64 = 60/64, C = 1, residual (1 - .9375) / sqrt(.9375) = .0645497...
    residual = margin_residual(cooccurrence(LISTS), LENGTHS)
    ab, ac = (3 - 90 / 64) / np.sqrt(90 / 64), (1 - 60 / 64) / np.sqrt(60 / 64)
    np.testing.assert_allclose(residual, [[0, ab, ac], [ab, 0, ac], [ac, ac, 0]], atol=1e-12)
    assert ab == pytest.approx(1.343968, abs=1e-6)


def test_expected_pairs_sum_to_the_observed_ones():
    # q is chosen so that sum over all i, j of s_i s_j q = sum r (r - 1), the number of ordered pairs.
    counts = cooccurrence(LISTS)
    share = np.diag(counts)
    off_diagonal = counts.sum() - share.sum()
    assert np.outer(share, share).sum() * 10 / 64 == pytest.approx(off_diagonal)


def test_weights_of_the_residual_stand_for_repeated_lists():
    weights = np.array([2.0, 1.0, 0.0, 3.0])
    again = np.repeat(LISTS, weights.astype(int), axis=0)
    np.testing.assert_allclose(
        margin_residual(cooccurrence(LISTS, weights), LENGTHS, weights),
        margin_residual(cooccurrence(again), again.sum(axis=1).astype(float)),
        atol=1e-12,
    )


def test_a_column_in_no_list_has_residual_zero():
    lists = np.column_stack([LISTS, np.zeros(4, dtype=np.uint8)])
    residual = margin_residual(cooccurrence(lists), LENGTHS)
    assert residual[3].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(residual[:3, :3], margin_residual(cooccurrence(LISTS), LENGTHS))


def test_lists_of_one_word_say_nothing_and_are_refused():
    lists = np.eye(3, dtype=np.uint8)
    with pytest.raises(DataError) as caught:
        margin_residual(cooccurrence(lists), lists.sum(axis=1).astype(float))
    assert str(caught.value) == (
        "No list holds two terms or more, so nothing occurs together; elicit longer lists."
    )


def test_standardise_pairs_by_hand():
    # Cells above the diagonal 1, 2, 6: mean 3, variance (4 + 1 + 9) / 3 = 14/3.
    matrix = np.array([[9.0, 1, 2], [1, 9, 6], [2, 6, 9]])
    z = np.array([-2, -1, 3]) / np.sqrt(14 / 3)
    expected = [[0, z[0], z[1]], [z[0], 0, z[2]], [z[1], z[2], 0]]
    np.testing.assert_allclose(standardise_pairs(matrix), expected, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -7.3])
def test_equal_pairs_have_no_spread_to_standardise(value):
    # The mean of 45 copies of .1 is not exactly .1, so the spread is about 1e-17 and not 0.
    assert not standardise_pairs(np.full((10, 10), value)).any()


def test_one_item_has_no_pair():
    assert standardise_pairs(np.ones((1, 1))).tolist() == [[0.0]]


lists_of_words = arrays(np.uint8, (8, 5), elements=st.integers(0, 1)).filter(
    lambda x: (x.sum(axis=1) > 1).any()
)


@given(lists_of_words, st.permutations(range(8)), st.permutations(range(5)))
def test_order_of_lists_and_words_does_not_matter(lists, rows, columns):
    residual = margin_residual(cooccurrence(lists), lists.sum(axis=1).astype(float))
    moved = lists[rows][:, columns]
    again = margin_residual(cooccurrence(moved), moved.sum(axis=1).astype(float))
    np.testing.assert_allclose(again, residual[np.ix_(columns, columns)], atol=1e-12)
    np.testing.assert_array_equal(residual, residual.T)
