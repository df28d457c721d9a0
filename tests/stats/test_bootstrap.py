import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuelex.errors import DataError
from valuelex.stats.bootstrap import METHODS, bootstrap, by_rows, resample_units
from valuelex.stats.flags import Weakness
from valuelex.stats.unit_statistics import unit_means

RNG = np.random.default_rng(1)
UNITS = RNG.exponential(size=(60, 2))


def weights(n_units, n_resamples=499, seed=0, **options):
    return resample_units(n_units, n_resamples, np.random.default_rng(seed), **options)


def mean_of(values):
    """Mean of each column of (n_units, n_columns)."""
    return lambda w: w @ values / w.sum(axis=1, keepdims=True)


def test_resamples_have_as_many_units_as_there_are_in_all_and_in_each_stratum():
    strata = np.repeat(["a", "b"], [3, 7])
    drawn = weights(10, strata=strata)
    assert drawn.shape == (499, 10)
    assert (drawn.sum(axis=1) == 10).all()
    assert (drawn[:, :3].sum(axis=1) == 3).all()
    assert (weights(10)[:, :3].sum(axis=1) != 3).any()


def test_percentile_ends_by_hand():
    # 199 resampled values 1..199: the 2.5 % point has rank 200 * .025 = 5, the 97.5 % point rank 195.
    order = np.random.default_rng(0).permutation(199) + 1.0
    values = np.append(order, 100.0)

    def statistic(w):
        return values[-1:, None] if len(w) == 1 else values[: len(w), None]

    found = bootstrap(statistic, np.ones((199, 2)), method="percentile")
    assert (found.low[0], found.high[0]) == pytest.approx((5, 195))
    assert found.standard_error[0] == pytest.approx(np.std(order, ddof=1))


def test_bca_without_bias_and_skewness_is_the_percentile_interval():
    # Symmetric units and mirrored resamples: as many values below the estimate as above, no acceleration.
    values = np.array([[-3.0], [-1], [0], [1], [3]])
    drawn = weights(5, 400)
    drawn = np.vstack([drawn, drawn[:, ::-1]])
    plain = bootstrap(mean_of(values), drawn, method="percentile")
    moved = bootstrap(mean_of(values), drawn, method="bca")
    np.testing.assert_allclose([moved.low, moved.high], [plain.low, plain.high], atol=1e-9)
    assert plain.low[0] == pytest.approx(-plain.high[0])


def test_equal_values_count_half_in_the_bias():
    # Of 200 resampled values 60 are below the estimate, 80 equal and 60 above: no bias, though 30 % are below.
    values = np.concatenate([np.linspace(-2, -1, 60), np.zeros(80), np.linspace(1, 2, 60)])

    def statistic(w):
        if len(w) == 200:
            return values[:, None]
        return np.zeros((1, 1)) if len(w) == 1 else np.array([[1.0], [-1.0], [0.0]])

    drawn = np.ones((200, 3))
    moved, plain = (bootstrap(statistic, drawn, method=method) for method in ("bca", "percentile"))
    np.testing.assert_allclose([moved.low, moved.high], [plain.low, plain.high], atol=1e-12)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = UNITS[:12]
    plain = bootstrap(mean_of(values), weights(12), method="studentised")
    statistic = unit_means(values)
    closed = bootstrap(statistic, weights(12), method="studentised", variance=statistic.variance)
    np.testing.assert_allclose([plain.low, plain.high], [closed.low, closed.high], rtol=1e-9)


def test_a_function_of_rows_equals_one_of_weights():
    values = RNG.normal(size=(30, 2))
    groups = np.array(["x", "y", "z", "x", "u"])[np.arange(30) % 5]
    by_weight = unit_means(values, groups)
    by_row = by_rows(lambda rows: values[rows].mean(axis=0), groups, n_rows=30)
    drawn = weights(4)
    np.testing.assert_allclose(by_row(drawn), by_weight(drawn), atol=1e-12)
    for method in ("percentile", "bca"):
        one, other = bootstrap(by_row, drawn, method=method), bootstrap(by_weight, drawn, method=method)
        np.testing.assert_allclose([one.low, one.high], [other.low, other.high], atol=1e-9)


def test_clustered_rows_give_wider_intervals_than_rows_as_units():
    groups = np.repeat(np.arange(20), 10)
    values = RNG.normal(size=(20, 1))[groups] + 0.1 * RNG.normal(size=(200, 1))
    whole = bootstrap(unit_means(values, groups), weights(20), method="percentile")
    rows = bootstrap(unit_means(values), weights(200), method="percentile")
    assert (whole.high - whole.low)[0] > 2 * (rows.high - rows.low)[0]


@pytest.mark.parametrize(("method", "least"), [("percentile", 40), ("bca", 40), ("studentised", 10)])
def test_few_units_are_flagged(method, least):
    few = bootstrap(mean_of(UNITS[: least - 1]), weights(least - 1), method=method)
    assert str(few.flags[0]) == (
        f"FEW_UNITS: {least - 1} independent units; below {least} a {method} interval may be too short"
    )
    enough = bootstrap(mean_of(UNITS[:least]), weights(least), method=method)
    assert Weakness.FEW_UNITS not in [flag.weakness for flag in enough.flags]


def test_resamples_without_a_value_are_left_out_and_flagged():
    def statistic(w):
        return np.where(w[:, :1] > 3, np.nan, mean_of(UNITS[:50, :1])(w))

    drawn = weights(50)
    found = bootstrap(statistic, drawn)
    lost = int((drawn[:, 0] > 3).sum())
    assert lost > 0
    assert str(found.flags[0]) == (
        f"LEFT_OUT: up to {lost} of 499 resamples had no value and were left out, for 1 of 1 quantities (first: 0)"
    )
    kept = bootstrap(mean_of(UNITS[:50, :1]), drawn[drawn[:, 0] <= 3])
    np.testing.assert_allclose([found.low, found.high], [kept.low, kept.high], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_what_does_not_vary_has_no_interval_and_a_flag(method):
    values = np.column_stack([UNITS[:50, 0], np.full(50, 0.1)])
    found = bootstrap(mean_of(values), weights(50), method=method)
    assert np.isfinite([found.low[0], found.high[0]]).all()
    assert np.isnan([found.low[1], found.high[1]]).all()
    assert "1 of 2 quantities have no interval (first: 1)" in str(found.flags[-1])


def test_an_estimate_outside_all_resamples_has_no_bca_interval():
    found = bootstrap(lambda w: (w == 1).all(axis=1)[:, None] * 1e3 + mean_of(UNITS[:50, :1])(w), weights(50))
    assert np.isnan([found.low, found.high]).all()
    assert found.flags[-1].weakness is Weakness.LEFT_OUT


def test_an_end_at_the_most_extreme_resample_is_flagged():
    found = bootstrap(mean_of(UNITS), weights(60, 100), method="percentile", level=0.999)
    assert found.flags[-1].weakness is Weakness.AT_BOUNDARY
    assert (
        "2 of 2 intervals end at the most extreme resample (first: quantity 0, 1)" in found.flags[-1].detail
    )


def test_nearly_equal_units_do_not_bound_the_mean_on_one_side():
    found = bootstrap(unit_means([[6.0]] * 11 + [[0.0]]), weights(12), method="studentised")
    assert found.low[0] == -np.inf
    assert 5.5 < found.high[0] < np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: weights(5, 99), "99 resamples are too few for an interval or a test; use 100 or more."),
        (lambda: weights(1), "There is 1 independent unit; at least 2 are needed to resample them."),
        (
            lambda: weights(3, strata=["a", "a", "b"]),
            "1 of 2 strata have a single unit (first: b); at least 2 are needed to resample within them, so join "
            "strata.",
        ),
        (lambda: weights(3, strata=["a", "a"]), "strata has shape (2,), but the data has 3 rows"),
        (
            lambda: bootstrap(mean_of(UNITS), weights(60), method="basic"),
            "method must be one of 'percentile', 'bca'",
        ),
        (
            lambda: bootstrap(mean_of(UNITS), weights(60), level=95),
            "level must lie between 0 and 1, such as .95",
        ),
        (
            lambda: bootstrap(mean_of(UNITS), -weights(60)),
            "499 of 499 rows of weights are negative somewhere",
        ),
        (
            lambda: bootstrap(mean_of(UNITS), weights(60) * np.nan),
            "weights holds 29940 missing or infinite values",
        ),
        (lambda: bootstrap(mean_of(UNITS), np.ones((5, 60))), "5 resamples are too few"),
        (
            lambda: bootstrap(lambda w: w[:, 0], weights(60)),
            "The statistic returned shape (1,) for 1 resamples; it must return (1, n_quantities).",
        ),
        (
            lambda: bootstrap(lambda w: w[:, :2] * [1, np.nan], weights(60)),
            "1 of 2 quantities have no value on all units (first: quantity 1); leave them out.",
        ),
        (lambda: by_rows(np.mean, [1, 1], n_rows=2), "groups names 1 independent unit (first: 1)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert message in str(caught.value)


@settings(max_examples=25, deadline=None)
@given(
    arrays(np.float64, (9, 2), elements=st.integers(0, 40).map(lambda i: i / 4), unique=True),
    st.permutations(range(9)),
    st.integers(-20, 20),
    st.sampled_from(METHODS),
)
def test_order_of_units_and_a_constant_do_not_matter(values, order, shift, method):
    drawn = weights(9, 200)
    order = list(order)
    before = bootstrap(mean_of(values), drawn, method=method)
    after = bootstrap(mean_of(values[order] * 3 + shift), drawn[:, order], method=method)
    for b, a in ((before.low, after.low), (before.high, after.high)):
        np.testing.assert_allclose(a, b * 3 + shift, atol=1e-7)
    turned = bootstrap(mean_of(-values), drawn, method=method)
    np.testing.assert_allclose([turned.low, turned.high], [-before.high, -before.low], atol=1e-7)
