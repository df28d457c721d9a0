from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuelex.errors import DataError
from valuelex.stats.inference import (
    MIN_ROWS,
    holm,
    sign_flip_p_values,
    standardised_mean,
    studentised_intervals,
)


def intervals(values, n_resamples=400, seed=0):
    return studentised_intervals(np.asarray(values, dtype=float), n_resamples, np.random.default_rng(seed))


def bootstrap_t_by_loop(column, n_resamples, seed):
    """Efron & Tibshirani's recipe, one resample after the other, on the values that are there."""
    counts = np.random.default_rng(seed).multinomial(
        len(column), np.full(len(column), 1 / len(column)), size=n_resamples
    )
    own = [v for v in column if not np.isnan(v)]
    mean, se = np.mean(own), np.std(own, ddof=1) / np.sqrt(len(own))
    t = []
    for count in counts:
        sample = [v for v, c in zip(column, count, strict=True) for _ in range(c) if not np.isnan(v)]
        if len(sample) < 2:
            continue
        if len(set(sample)) == 1:
            t.append(0.0 if np.isclose(sample[0], mean) else np.inf * np.sign(sample[0] - mean))
        else:
            t.append((np.mean(sample) - mean) / (np.std(sample, ddof=1) / np.sqrt(len(sample))))
    t.sort()
    below = t[int(np.floor(0.025 * (len(t) - 1)))]
    above = t[int(np.ceil(0.975 * (len(t) - 1)))]
    return mean, mean - above * se, mean - below * se


def test_intervals_match_a_plain_loop():
    rng = np.random.default_rng(3)
    values = rng.gamma(2.0, size=(12, 3))
    values[[1, 4, 7], 1] = np.nan
    mean, low, high = intervals(values)
    for column in range(3):
        expected = bootstrap_t_by_loop(values[:, column], 400, seed=0)
        assert (mean[column], low[column], high[column]) == pytest.approx(expected, abs=1e-9)


def test_intervals_of_a_small_sample_match_a_plain_loop():
    # Five values, one of them far out: a resample of five equal values happens in 5 of 3125 draws, and
    # resamples of four equal ones often; 1,000 resamples hold both.
    values = np.array([[1.0], [1.0], [1.0], [2.0], [6.0]])
    mean, low, high = intervals(values, n_resamples=1000)
    assert (mean[0], low[0], high[0]) == pytest.approx(bootstrap_t_by_loop(values[:, 0], 1000, seed=0))


def test_nearly_equal_values_do_not_bound_the_mean_on_the_side_of_the_exception():
    # Eleven sixes and a zero: (11/12)^12 = 35 % of resamples are all six, so the share of the
    # population below 6 may be far larger than 1 in 12, and nothing seen bounds it.
    mean, low, high = intervals([[6.0]] * 11 + [[0.0]])
    assert mean[0] == pytest.approx(5.5)
    assert low[0] == -np.inf
    assert 5.5 < high[0] < np.inf


def test_equal_values_bound_nothing_and_give_no_interval():
    mean, low, high = intervals([[0.1, 6.0]] * 7)
    np.testing.assert_allclose(mean, [0.1, 6.0], atol=1e-12)
    assert np.isnan([low, high]).all()


@pytest.mark.parametrize("n_present", range(8))
def test_too_few_values_have_no_interval_and_one_has_no_mean(n_present):
    column = np.full(8, np.nan)
    column[:n_present] = np.arange(n_present)
    mean, low, high = intervals(column[:, None])
    if n_present < 2:
        assert np.isnan(mean[0])
    else:
        assert mean[0] == pytest.approx((n_present - 1) / 2)
    assert np.isnan([low[0], high[0]]).all() == (n_present < MIN_ROWS)
    assert np.isnan([low[0], high[0]]).any() == (n_present < MIN_ROWS)


def test_columns_share_each_resample_also_beyond_one_block_of_columns():
    column = np.random.default_rng(5).normal(size=(10, 1))
    _, low, high = intervals(np.repeat(column, 1100, axis=1))
    np.testing.assert_allclose(low, low[0], atol=1e-12)
    np.testing.assert_allclose(high, high[0], atol=1e-12)


def test_a_higher_level_gives_a_wider_interval():
    values = np.random.default_rng(5).normal(size=(20, 1))
    narrow = studentised_intervals(values, 1000, np.random.default_rng(0), level=0.5)
    wide = studentised_intervals(values, 1000, np.random.default_rng(0), level=0.99)
    assert wide[1] < narrow[1] < narrow[2] < wide[2]


def test_the_input_is_checked():
    with pytest.raises(DataError) as caught:
        intervals(np.zeros(5))
    assert str(caught.value) == (
        "Expected a table of rows × columns with a row at least, got an array of shape (5,)."
    )
    with pytest.raises(DataError, match=r"got an array of shape \(0, 3\)\.$"):
        intervals(np.zeros((0, 3)))
    with pytest.raises(DataError) as caught:
        sign_flip_p_values(np.zeros((5, 1)), 99, np.random.default_rng(0))
    assert str(caught.value) == ("99 resamples are too few for an interval or a test; use 100 or more.")


tables = arrays(np.float64, (9, 2), elements=st.integers(0, 60).map(lambda i: i / 10))


@given(tables, st.integers(-5, 5))
def test_adding_a_constant_moves_the_interval_with_it(values, shift):
    before, after = intervals(values), intervals(values + shift)
    for b, a in zip(before, after, strict=True):
        np.testing.assert_allclose(a, b + shift, atol=1e-6)


@given(tables)
def test_an_interval_holds_its_mean(values):
    mean, low, high = intervals(values)
    bounded = ~np.isnan(low)
    assert (low[bounded] <= mean[bounded] + 1e-9).all()
    assert (high[bounded] >= mean[bounded] - 1e-9).all()


@given(tables)
def test_turning_the_values_round_turns_the_interval_round(values):
    mean, low, high = intervals(values)
    turned = intervals(-values)
    np.testing.assert_allclose(turned, [-mean, -high, -low], atol=1e-6)


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


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04; a later one is never below an earlier: .06.
    p = np.array([0.04, 0.01, 0.03, 0.02])
    np.testing.assert_allclose(holm(p), [0.06, 0.04, 0.06, 0.06], atol=1e-12)


def test_holm_leaves_out_tests_that_could_not_be_made():
    # Two tests remain: .02 * 2 = .04, .5 * 1 = .5.
    np.testing.assert_allclose(holm(np.array([0.5, np.nan, 0.02])), [0.5, np.nan, 0.04], atol=1e-12)
    assert np.isnan(holm(np.array([np.nan]))).all()


@given(arrays(np.float64, st.integers(0, 12), elements=st.floats(0, 1)))
def test_holm_is_monotone_and_never_below_the_raw_p_value(p):
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert (adjusted <= np.minimum(p * max(len(p), 1), 1.0) + 1e-12).all()


def test_standardised_mean_by_hand():
    # 1, 2, 6: mean 3, variance (4 + 1 + 9) / 2 = 7. With NaN: 2, 4: mean 3, variance 2.
    differences = np.array([[1.0, 2.0, 5.0, 1.0], [2.0, np.nan, 5.0, np.nan], [6.0, 4.0, 5.0, np.nan]])
    found = standardised_mean(differences)
    np.testing.assert_allclose(found[:2], [3 / np.sqrt(7), 3 / np.sqrt(2)], atol=1e-12)
    assert np.isnan(found[2:]).all()  # no spread; one value
