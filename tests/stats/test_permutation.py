from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracle import load
from valuelex.errors import DataError
from valuelex.stats.flags import Weakness
from valuelex.stats.permutation import permute_labels, sign_flip_p_values


def permuted(values, labels, seed=0, **options):
    return permute_labels(np.asarray(values, dtype=float), labels, np.random.default_rng(seed), **options)


def exact_p_value(column):
    present = column[~np.isnan(column)]
    sums = np.array([abs(np.dot(signs, present)) for signs in product((-1, 1), repeat=len(present))])
    return np.mean(sums >= abs(present.sum()) - 1e-9)


def test_sign_flips_match_all_1024_patterns():
    rng = np.random.default_rng(2)
    differences = rng.normal(0.4, 1.0, size=(10, 6)).round(1)
    differences[:3, 5] = np.nan
    n_flips = 20_000
    found = sign_flip_p_values(differences, n_flips, np.random.default_rng(0))
    for column in range(6):
        exact = exact_p_value(differences[:, column])
        error = np.sqrt(exact * (1 - exact) / n_flips)
        assert abs(found[column] - exact) < 4 * error + 1 / n_flips


def test_a_p_value_by_hand():
    # Differences 1, 1, 1: only +++ and --- reach |sum| = 3, so p = 2/8; the estimate is (1 + b) / (1 + B).
    p = sign_flip_p_values(np.ones((3, 1)), 40_000, np.random.default_rng(0))
    assert p[0] == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 40_000))


def test_a_p_value_is_never_zero_and_equal_sums_count_as_reached():
    # 40 equal differences: 2 of 2^40 patterns reach the sum, none is drawn, and p = 1 / (1 + 500).
    assert sign_flip_p_values(np.full((40, 1), 0.1), 500, np.random.default_rng(0))[0] == pytest.approx(
        1 / 501
    )
    # .1 + .2 - .3 is not exactly 0; every pattern is at least as far from 0 as that.
    column = np.array([[0.1], [0.2], [-0.3]])
    assert sign_flip_p_values(column, 500, np.random.default_rng(0))[0] == 1.0


def test_no_difference_is_no_evidence():
    assert sign_flip_p_values(np.zeros((6, 1)), 200, np.random.default_rng(0))[0] == 1.0


def test_fewer_than_two_differences_have_no_p_value():
    differences = np.array([[np.nan, 1.0, 1.0], [np.nan, np.nan, 1.0], [np.nan, np.nan, np.nan]])
    p = sign_flip_p_values(differences, 200, np.random.default_rng(0))
    assert np.isnan(p).tolist() == [True, True, False]


def test_too_few_flips_are_refused():
    with pytest.raises(DataError) as caught:
        sign_flip_p_values(np.zeros((5, 1)), 99, np.random.default_rng(0))
    assert str(caught.value) == ("99 resamples are too few for an interval or a test; use 100 or more.")


def test_random_sign_flips_come_to_the_exact_p_value_of_r():
    # 99,999 random patterns: the standard error of p is sqrt(p (1 - p) / 99,999), here about 5e-4.
    oracle = load("resampling")
    column, p = np.array(oracle["x"])[:, None], oracle["sign_flip"]
    found = sign_flip_p_values(column, 99_999, np.random.default_rng(5))[0]
    assert found == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 99_999))


def test_all_sign_patterns_by_hand():
    # 1, 2, 3: |sum| = 6 in 2 of 8 patterns. In units (1, 2) and (3): in 2 of 4.
    column = np.array([[1.0], [2.0], [3.0]])
    rng = np.random.default_rng(0)
    assert sign_flip_p_values(column, 100, rng, exact=True)[0] == 2 / 8
    assert sign_flip_p_values(column, 100, rng, groups=[5, 5, 9], exact=True)[0] == 2 / 4
    # 7 rows have 128 patterns, more than 100 flips: random ones.
    assert sign_flip_p_values(np.ones((7, 1)), 100, rng, exact=True)[0] * 101 == pytest.approx(
        round(sign_flip_p_values(np.ones((7, 1)), 100, rng, exact=True)[0] * 101), abs=2.1
    )


def test_a_unit_without_values_does_not_count():
    differences = np.array([[np.nan], [np.nan], [1.0]])
    assert np.isnan(
        sign_flip_p_values(differences, 100, np.random.default_rng(0), groups=[0, 0, 1], exact=True)
    )[0]


def test_permuted_labels_by_hand():
    # 1 2 3 | 4 5 6: difference -3, reached by 2 of 20 arrangements, and none is further out.
    found = permuted([[1], [2], [3], [4], [5], [6]], list("aaabbb"), statistic="difference")
    assert found.statistic[0] == pytest.approx(-3)
    assert found.p_values[0] == pytest.approx(2 / 20)
    assert found.smallest_p[0] == pytest.approx(2 / 20)
    assert found.n_permutations[0] == 20
    assert found.exact[0]
    (flag,) = found.flags
    assert str(flag) == (
        "FEW_UNITS: no p-value below .05 is possible in 1 of 1 columns (first: column 0, 20 permutations, "
        "smallest p 0.1)"
    )


def test_blocks_may_differ_in_level():
    # Within each of 5 blocks b is 1 above a: 2 of 2^5 arrangements are as far out. Levels 0 to 400 do not matter.
    blocks = np.repeat(np.arange(5), 2)
    values = 100.0 * blocks + np.tile([0.0, 1.0], 5)
    found = permuted(values[:, None], np.tile(["a", "b"], 5), blocks=blocks, statistic="difference")
    assert found.statistic[0] == pytest.approx(-1)
    assert found.p_values[0] == pytest.approx(2 / 32)


def test_random_permutations_come_to_the_exact_p_value():
    rng = np.random.default_rng(4)
    values, labels, blocks = rng.normal(size=(12, 3)), np.tile([0, 1, 1, 0], 3), np.repeat([0, 1, 2], 4)
    for statistic in ("studentised", "difference"):
        exact = permuted(values, labels, blocks=blocks, statistic=statistic)
        assert exact.n_permutations.tolist() == [216] * 3
        # 6^3 = 216 arrangements; with 200 permutations they are drawn at random.
        many = np.mean(
            [
                permuted(values, labels, s, blocks=blocks, statistic=statistic, n_permutations=200).p_values
                for s in range(60)
            ],
            axis=0,
        )
        expected = (1 + 200 * exact.p_values) / 201
        np.testing.assert_allclose(many, expected, atol=4 * np.sqrt(0.25 / 12_000))
    assert permuted(values, labels, blocks=blocks, n_permutations=200).smallest_p[0] == pytest.approx(1 / 201)


def test_a_random_permutation_p_value_is_never_zero():
    # 20 and 20 rows far apart: no random arrangement is as far out, and p = 1 / (1 + 500).
    values = np.arange(40.0)[:, None] + 1000 * np.repeat([0, 1], 20)[:, None]
    found = permuted(values, np.repeat([0, 1], 20), n_permutations=500)
    assert not found.exact[0]
    assert found.p_values[0] == found.smallest_p[0] == pytest.approx(1 / 501)


def test_whole_groups_are_permuted_and_count_once():
    # Means of units 0, 0, 10, 10 whatever their size: 2 of 6 arrangements.
    groups = [0, 0, 0, 1, 2, 3, 3]
    values = np.array([[0.0], [1], [-1], [0], [10], [9], [11]])
    labels = ["a", "a", "a", "a", "b", "b", "b"]
    found = permuted(values, labels, groups=groups, statistic="difference")
    assert (found.statistic[0], found.p_values[0], found.n_permutations[0]) == pytest.approx((-10, 2 / 6, 6))


def test_columns_with_the_same_rows_share_permutations_and_missing_rows_are_left_out():
    rng = np.random.default_rng(6)
    values = rng.normal(size=(40, 1)).repeat(3, axis=1)
    values[:3, 2] = np.nan
    labels = np.tile([0, 1], 20)
    found = permuted(values, labels, n_permutations=500)
    assert found.p_values[0] == found.p_values[1]
    alone = permuted(values[3:, 2:], labels[3:], n_permutations=500)
    assert found.statistic[2] == pytest.approx(alone.statistic[0])


def test_a_block_with_one_label_is_left_out_and_flagged():
    values = np.array([[1.0], [2], [3], [4], [50], [60]])
    found = permuted(values, [0, 1, 0, 1, 1, 1], blocks=[0, 0, 0, 0, 1, 1], statistic="difference")
    alone = permuted(values[:4], [0, 1, 0, 1], statistic="difference")
    assert found.statistic[0] == pytest.approx(alone.statistic[0])
    assert found.p_values[0] == alone.p_values[0]
    assert [f.weakness for f in found.flags] == [Weakness.FEW_UNITS, Weakness.LEFT_OUT]
    assert found.flags[1].detail.endswith("(first: column 0, 2 rows)")


def test_no_spread_within_labels_is_far_out_and_not_an_error():
    found = permuted([[1.0], [1], [1], [1], [5], [5], [5], [5]], [0] * 4 + [1] * 4)
    assert found.statistic[0] < -1e3
    assert found.p_values[0] == pytest.approx(2 / 70)
    three = permuted([[1.0], [1], [1], [5], [5], [5], [7], [7], [7]], [0] * 3 + [1] * 3 + [2] * 3)
    assert three.p_values[0] == pytest.approx(6 / 1680)


GOOD = np.array([[1.0, 2], [3, 1], [2, 5], [4, 4]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: permuted(GOOD, [1, 1, 1, 1]), "labels names 1 independent unit (first: 1); at least 2"),
        (lambda: permuted(GOOD, [1, 2, 1]), "labels has shape (3,), but the data has 4 rows"),
        (lambda: permuted(GOOD, [1, 2, 1, 2], blocks=[1]), "blocks has shape (1,), but the data has 4 rows"),
        (
            lambda: permuted(GOOD, [1, 1, 2, 2], blocks=[1, 1, 2, 2]),
            "Labels do not vary within any block that has values in columns 0, 1 (4 rows, 2 blocks), so there is "
            "nothing to permute; join blocks or leave it out.",
        ),
        (
            lambda: permuted(np.column_stack([GOOD, [3.0] * 4]), [1, 1, 2, 2]),
            "1 columns are constant within every block (first: column 2); labels can make no difference there",
        ),
        (lambda: permuted(GOOD * np.nan, [1, 1, 2, 2]), "values holds no value at all"),
        (
            lambda: permuted(np.column_stack([GOOD, [np.nan] * 4]), [1, 1, 2, 2]),
            "that has values in column 2 (0 rows, 0 blocks)",
        ),
        (
            lambda: permuted(GOOD, ["x", "y", "y", "y"]),
            "1 of 2 labels have fewer than 2 rows with values in blocks that can be compared (first: x)",
        ),
        (
            lambda: permuted(GOOD, [1, 2, 1, 2], groups=[1, 1, 2, 2]),
            "2 of 2 groups have rows with different labels (first: group 0, 1 in sorted order)",
        ),
        (
            lambda: permuted(np.eye(8)[:, :2], list("aabbccdd"), blocks=[0, 0, 0, 0, 1, 1, 1, 1]),
            "Not all 4 labels (a, b, c and 1 more) are connected",
        ),
        (
            lambda: permuted(GOOD, [1, 1, 2, 2], statistic="median"),
            "statistic must be one of 'studentised', 'difference', not 'median'.",
        ),
        (lambda: permuted(GOOD, [1, 1, 2, 2], n_permutations=10), "10 resamples are too few"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert message in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float64, (10, 2), elements=st.integers(0, 30).map(float), unique=True),
    st.permutations(range(10)),
    st.integers(-50, 50),
    st.sampled_from(["studentised", "difference"]),
)
def test_order_of_rows_names_level_and_unit_do_not_matter(values, order, shift, statistic):
    labels, blocks = np.tile([0, 1], 5), np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    order = list(order)
    before = permuted(values, labels, blocks=blocks, statistic=statistic)
    after = permuted(
        values[order] * 2.5 + shift,
        np.array(["p", "q"])[labels][order],
        blocks=np.array([9, 4])[blocks][order],
        statistic=statistic,
    )
    assert before.exact.all()
    np.testing.assert_allclose(after.p_values, before.p_values, atol=1e-12)
    turned = permuted(values, 1 - labels, blocks=blocks, statistic=statistic)
    np.testing.assert_allclose(turned.p_values, before.p_values, atol=1e-12)
    np.testing.assert_allclose(turned.statistic, -before.statistic, rtol=1e-7, atol=1e-9)


def test_p_values_are_spread_evenly_where_labels_do_not_matter():
    # 2,000 samples at once; the standard error of a share of 5 % is half a per cent.
    rng = np.random.default_rng(7)
    for options in ({}, {"statistic": "difference"}, {"blocks": np.repeat([0, 1, 2], 6)}):
        p = permuted(rng.normal(size=(18, 2000)), np.tile([0, 1], 9), n_permutations=199, **options).p_values
        assert abs((p <= 0.05).mean() - 0.05) < 0.02


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, (7, 1), elements=st.integers(0, 3).map(float)), st.permutations(range(3)))
def test_names_of_three_labels_do_not_matter_even_without_spread(values, names):
    if len(np.unique(values)) == 1:
        return
    labels = np.array([0, 0, 1, 1, 2, 2, 2])
    for statistic in ("studentised", "difference"):
        before = permuted(values, labels, statistic=statistic)
        after = permuted(values, np.array(names)[labels], statistic=statistic)
        np.testing.assert_allclose(after.p_values, before.p_values, atol=1e-12)
        np.testing.assert_allclose(after.statistic, before.statistic, rtol=1e-4, atol=1e-6)
