import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracle import load
from valuelex.errors import DataError
from valuelex.stats.bootstrap import bootstrap, resample_units
from valuelex.stats.unit_statistics import (
    MIN_ROWS,
    studentised_intervals,
    unit_effects,
    unit_means,
    unit_ratios,
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
    with pytest.raises(DataError, match=r"^99 resamples are too few"):
        intervals(np.zeros((5, 1)), n_resamples=99)


def test_one_row_is_no_sample():
    assert np.isnan(intervals([[3.0]])).all()


tables = arrays(np.float64, (9, 2), elements=st.integers(0, 60).map(lambda i: i / 10))


@settings(max_examples=40, deadline=None)
@given(tables, st.integers(-5, 5))
def test_adding_a_constant_moves_the_interval_with_it(values, shift):
    before, after = intervals(values), intervals(values + shift)
    for b, a in zip(before, after, strict=True):
        np.testing.assert_allclose(a, b + shift, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_an_interval_holds_its_mean(values):
    mean, low, high = intervals(values)
    bounded = ~np.isnan(low)
    assert (low[bounded] <= mean[bounded] + 1e-9).all()
    assert (high[bounded] >= mean[bounded] - 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(tables)
def test_turning_the_values_round_turns_the_interval_round(values):
    mean, low, high = intervals(values)
    turned = intervals(-values)
    np.testing.assert_allclose(turned, [-mean, -high, -low], atol=1e-6)


def test_the_studentised_interval_equals_that_of_400_000_resamples_in_r():
    # 40,000 resamples here: its ends move by about .003 from seed to seed.
    oracle = load("resampling")
    column = np.array(oracle["x"])[:, None]
    found = np.concatenate(studentised_intervals(column, 40_000, np.random.default_rng(5)))
    np.testing.assert_allclose(found, oracle["bootstrap_t"], atol=0.012)


def test_means_of_units_by_hand():
    # Unit a: 1, 3; unit b: 8. Mean 4. Deviations from it: a -4 in sum over 2 rows, b +4 over 1.
    # Variance 2 / 1 * ((-4)^2 + 4^2) / 3^2 = 64 / 9.
    mean = unit_means([[1.0], [8.0], [3.0]], ["a", "b", "a"])
    ones = np.ones((1, 2))
    assert mean(ones)[0, 0] == pytest.approx(4.0)
    assert mean.variance(ones)[0, 0] == pytest.approx(64 / 9)
    # Drawn twice and once: (2 * 4 + 8) / (2 * 2 + 1) = 16 / 5.
    assert mean(np.array([[2.0, 1.0]]))[0, 0] == pytest.approx(16 / 5)


def test_missing_values_count_in_no_unit():
    mean = unit_means([[1.0, np.nan], [3.0, 5.0], [8.0, 6.0]], [0, 0, 1])
    np.testing.assert_allclose(mean(np.ones((1, 2))), [[4.0, 5.5]])
    only_empty = unit_means([[np.nan], [5.0], [6.0]])
    assert np.isnan(only_empty(np.array([[3.0, 0.0, 0.0]]))[0, 0])


def test_rows_as_units_give_the_interval_of_plain_means():
    values = np.random.default_rng(3).gamma(2.0, size=(14, 3))
    values[[1, 5], 2] = np.nan
    mean, low, high = intervals(values)
    statistic = unit_means(values)
    weights = resample_units(14, 400, np.random.default_rng(0))
    found = bootstrap(statistic, weights, method="studentised", variance=statistic.variance)
    np.testing.assert_allclose([found.estimate, found.low, found.high], [mean, low, high], atol=1e-9)


def test_ratios_by_hand():
    # Weighted mean of 2 and 5 with weights 1 and 3: (2 + 15) / 4.
    ratio = unit_ratios([[2.0], [15.0]], [[1.0], [3.0]])
    assert ratio(np.ones((1, 2)))[0, 0] == pytest.approx(17 / 4)


def test_effects_by_hand():
    # 1, 2, 6: mean 3, variance 7. Two labels, 1 3 | 2 6: means 2 and 4, within 2 + 8 over 2 df = 5.
    one = unit_effects([[1.0], [2.0], [6.0]])
    assert one(np.ones((1, 3)))[0, 0] == pytest.approx(3 / np.sqrt(7))
    two = unit_effects([[1.0], [3.0], [2.0], [6.0]], ["u", "v", "w", "x"], labels=["a", "a", "b", "b"])
    assert two(np.ones((1, 4)))[0, 0] == pytest.approx(-2 / np.sqrt(5))
    # One unit only: no spread, no value.
    assert np.isnan(one(np.array([[3.0, 0.0, 0.0]]))[0, 0])


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (8, 2), elements=st.integers(0, 9).map(float)), st.permutations(range(8)))
def test_the_order_of_rows_and_the_names_of_units_do_not_matter(values, order):
    groups = np.array([0, 0, 1, 1, 1, 2, 3, 3])
    weights = np.array([[1.0, 1, 1, 1], [2, 0, 1, 1], [0, 3, 0, 1]])
    for make in (unit_means, unit_effects):
        before = make(values, groups)(weights)
        names = np.array(["p", "q", "r", "s"])[groups]
        after = make(values[list(order)], names[list(order)])(weights)
        np.testing.assert_allclose(after, before, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: unit_means([[1.0], [np.inf]]), "values holds 1 infinite values (first: row 1 column 0)"),
        (
            lambda: unit_means([[1.0, np.nan], [2.0, np.nan]]),
            "1 of 2 columns hold nothing (first: column 1); drop them.",
        ),
        (lambda: unit_means([[1.0], [2.0]], [1, 1]), "groups names 1 independent unit (first: 1)"),
        (lambda: unit_means([[1.0], [2.0]], [1, 2, 3]), "groups has shape (3,), but the data has 2 rows"),
        (
            lambda: unit_ratios([[1.0], [2.0]], [[1.0, 1.0], [2.0, 1.0]]),
            "numerators have shape (2, 1), denominators (2, 2)",
        ),
        (
            lambda: unit_effects([[1.0], [2.0], [3.0]], labels=list("abc")),
            "labels name 3 kinds; a standardised difference is between 2.",
        ),
        (
            lambda: unit_effects([[1.0, np.nan], [2.0, np.nan]]),
            "1 of 2 columns hold nothing (first: column 1)",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert message in str(caught.value)
