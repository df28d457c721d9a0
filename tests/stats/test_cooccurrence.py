import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.cooccurrence import (
    as_lists,
    association_strength,
    cooccurrence,
    margin_residual,
    phi,
    ppmi,
    standardise_pairs,
)

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


def test_lists_of_one_column_say_nothing_and_are_refused():
    lists = np.eye(3, dtype=np.uint8)
    with pytest.raises(DataError) as caught:
        margin_residual(cooccurrence(lists), lists.sum(axis=1).astype(float))
    assert str(caught.value) == (
        "No list holds two or more columns, so nothing occurs together; longer lists are needed."
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


some_lists = arrays(np.uint8, (8, 5), elements=st.integers(0, 1)).filter(lambda x: (x.sum(axis=1) > 1).any())


@given(some_lists, st.permutations(range(8)), st.permutations(range(5)))
def test_order_of_lists_and_columns_does_not_matter(lists, rows, columns):
    residual = margin_residual(cooccurrence(lists), lists.sum(axis=1).astype(float))
    moved = lists[rows][:, columns]
    again = margin_residual(cooccurrence(moved), moved.sum(axis=1).astype(float))
    np.testing.assert_allclose(again, residual[np.ix_(columns, columns)], atol=1e-12)
    np.testing.assert_array_equal(residual, residual.T)


# Five lists over a, b, c: a in 3, b in 2, c in 4; a and b meet twice, a and c twice, b and c once.
FIVE = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 1]])


def test_phi_by_hand():
    # a, b: (5·2 - 3·2) / sqrt(3·2·2·3) = 4/6;  a, c: (5·2 - 3·4) / sqrt(3·2·4·1) = -2/sqrt(24);
    # b, c: (5·1 - 2·4) / sqrt(2·3·4·1) = -3/sqrt(24).
    ab, ac, bc = 2 / 3, -2 / np.sqrt(24), -3 / np.sqrt(24)
    r = phi(cooccurrence(FIVE), 5)
    np.testing.assert_allclose(r, [[1, ab, ac], [ab, 1, bc], [ac, bc, 1]], atol=1e-15)
    np.testing.assert_allclose(r, np.corrcoef(FIVE.T), atol=1e-15)


def test_ppmi_by_hand():
    # a, b: log2(5·2 / (3·2)) = log2(5/3); a, c: 10/12 < 1, so 0; b, c: 5/8 < 1, so 0.
    information = ppmi(cooccurrence(FIVE), 5)
    ab = np.log2(5 / 3)
    np.testing.assert_allclose(information, [[0, ab, 0], [ab, 0, 0], [0, 0, 0]], atol=1e-15)
    np.testing.assert_allclose(ppmi(cooccurrence(FIVE), 5, base=np.e)[0, 1], np.log(5 / 3), atol=1e-15)
    # One list more in each of the four cells: (2 + 1)(5 + 4) / ((3 + 2)(2 + 2)) = 27/20.
    smoothed = ppmi(cooccurrence(FIVE), 5, smoothing=1.0)
    assert smoothed[0, 1] == pytest.approx(np.log2(27 / 20), abs=1e-15)


def test_smoothing_gives_no_information_to_pairs_that_never_meet():
    # a and b are rare and apart: (0 + 1)(10 + 4) / ((1 + 2)(1 + 2)) = 14/9 > 1, yet they never meet.
    lists = np.zeros((10, 2), dtype=np.uint8)
    lists[0, 0] = lists[1, 1] = 1
    assert ppmi(cooccurrence(lists), 10, smoothing=1.0).tolist() == [[0, 0], [0, 0]]


def test_association_strength_by_hand():
    # 5·2 / (3·2), 5·2 / (3·4), 5·1 / (2·4): 1 is chance.
    ab, ac, bc = 10 / 6, 10 / 12, 5 / 8
    strength = association_strength(cooccurrence(FIVE), 5)
    np.testing.assert_allclose(strength, [[0, ab, ac], [ab, 0, bc], [ac, bc, 0]], atol=1e-15)


@pytest.mark.parametrize("density", [0.01, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_and_dense_products_agree(density, weighted):
    # At the one density the product is made sparse, at the other dense.
    rng = np.random.default_rng(3)
    lists = (rng.random((400, 60)) < density).astype(np.uint8)
    weights = rng.integers(0, 4, 400).astype(float) if weighted else None
    x = lists.astype(float)
    expected = x.T @ (x if weights is None else x * weights[:, None])
    for form in (lists, x, lists.astype(bool), sparse.csr_array(lists), sparse.coo_matrix(x)):
        counts = cooccurrence(form, weights)
        np.testing.assert_array_equal(counts, expected)
        assert counts.dtype == np.float64
        assert isinstance(counts, np.ndarray)


def test_lists_keep_their_ones_in_order():
    lists = as_lists(np.array([[0, 1, 1], [0, 0, 0], [1, 0, 1]]))
    assert lists.indices.tolist() == [1, 2, 0, 2]
    assert lists.indptr.tolist() == [0, 2, 2, 4]


def test_input_is_left_as_it_is():
    lists = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 1.0]]))
    lists.data[0] = 0
    weights = np.array([1.0, 2.0])
    assert cooccurrence(lists, weights).tolist() == [[2, 2], [2, 2]]
    assert lists.data.tolist() == [0, 1, 1]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_other_values_than_0_and_1_are_refused(form):
    with pytest.raises(DataError) as caught:
        cooccurrence(form(np.array([[1, 0, 2], [0.5, 1, 0]])))
    assert str(caught.value) == (
        "lists holds 2 values other than 0 and 1 (first: row 0 column 2 is 2, row 1 column 0 is 0.5); "
        "give 1 where a list holds the column and 0 elsewhere."
    )


@pytest.mark.parametrize(
    "wrong", [np.zeros((0, 3)), np.zeros(3), [["a"]], [[np.nan, 1]], np.zeros((3, 0), np.uint8)]
)
def test_what_is_no_table_of_numbers_is_refused(wrong):
    with pytest.raises(DataError, match="lists"):
        cooccurrence(wrong)


def test_a_sparse_value_that_stands_twice_is_refused():
    twice = sparse.coo_array((np.ones(2), ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(DataError, match="row 0 column 1 is 2"):
        cooccurrence(twice)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), r"weights has shape \(3,\), but there are 4 lists; give one weight a list\."),
        ([1, -1, 1, np.nan], r"2 of 4 weights are negative, missing or infinite \(first: list 1, 3\)"),
    ],
)
def test_weights_that_do_not_suit_are_refused(weights, message):
    with pytest.raises(DataError, match=message):
        cooccurrence(LISTS, weights)


@pytest.mark.parametrize("column", [np.zeros(5, dtype=int), np.ones(5, dtype=int)])
def test_a_column_in_no_list_or_all_has_no_phi(column):
    with pytest.raises(DataError) as caught:
        phi(cooccurrence(np.column_stack([FIVE, column])), 5)
    assert str(caught.value) == (
        "1 of 4 columns occur in no list or in all 5 (first: column 3); a constant column has no correlation, "
        "so drop it."
    )


@pytest.mark.parametrize("measure", [ppmi, association_strength])
def test_a_column_in_no_list_has_no_information(measure):
    with pytest.raises(DataError) as caught:
        measure(cooccurrence(np.column_stack([FIVE, np.zeros((5, 2), dtype=int)])), 5)
    assert str(caught.value) == (
        "2 of 5 columns occur in no list (first: column 3, 4); nothing is known of them, so drop them."
    )


def test_counts_that_cannot_come_from_so_many_lists_are_refused():
    with pytest.raises(DataError, match="counts from 1 to 4 cannot come from 3 lists"):
        phi(cooccurrence(FIVE), 3)
    with pytest.raises(DataError, match="must be square"):
        phi(np.ones((2, 3)), 3)


@pytest.mark.parametrize(
    "options", [{"base": 1.0}, {"base": np.nan}, {"smoothing": -1.0}, {"smoothing": np.inf}]
)
def test_options_of_ppmi_out_of_range_are_refused(options):
    with pytest.raises(DataError, match=next(iter(options))):
        ppmi(cooccurrence(FIVE), 5, **options)


@given(arrays(np.uint8, (9, 4), elements=st.integers(0, 1)), st.integers(2, 5))
def test_measures_do_not_depend_on_how_often_all_lists_are_repeated(lists, times):
    lists = np.vstack([lists, np.eye(4, dtype=np.uint8)])
    counts = cooccurrence(lists)
    n = len(lists)
    for measure in (phi, ppmi, association_strength):
        np.testing.assert_allclose(measure(counts * times, n * times), measure(counts, n), atol=1e-12)


@pytest.mark.parametrize(
    ("counts", "lengths", "message"),
    [
        (np.full((2, 3), 1.0), np.full(4, 2.0), r"counts of shape \(2, 3\)"),
        (np.full((2, 2), np.nan), np.full(4, 2.0), "counts holds 4 missing or infinite values"),
        (
            np.full((2, 2), 1.0),
            np.array([2.0, np.nan]),
            "Lengths or weights of lists are missing or infinite",
        ),
    ],
)
def test_counts_that_fit_no_lists_are_refused(counts, lengths, message):
    with pytest.raises(DataError, match=message):
        margin_residual(counts, lengths)


@pytest.mark.parametrize("counts", [[[5, 2], [3, 5]], [[5, 6], [6, 5]]])
def test_counts_that_no_lists_can_have_are_refused(counts):
    with pytest.raises(DataError, match="of columns 0 and 1, which occur 5 and 5 times, cannot be"):
        phi(np.array(counts, dtype=float), 20)
