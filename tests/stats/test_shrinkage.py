import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuelex.errors import DataError
from valuelex.stats.flags import Weakness
from valuelex.stats.shrinkage import METHODS, shrink

RNG = np.random.default_rng(3)
Y, V = RNG.normal(0, 1.5, 16), RNG.uniform(0.2, 1.0, 16)


@pytest.mark.parametrize("method", METHODS)
def test_equal_variances_by_hand(method):
    # Estimates 0, 4, 8 of variance 4: their variance is 16, so 12 lies between units; half way is no unit's.
    # Share of the mean 4 / 16: 0 goes to 1, 8 to 7. Q = 32 / 4. I² = 12 / 16.
    found = shrink([0, 4, 8], [4, 4, 4], method=method)
    assert found.tau2 == pytest.approx(12)
    np.testing.assert_allclose(found.shrunken, [1, 4, 7], atol=1e-9)
    np.testing.assert_allclose(found.share, 0.25)
    assert (found.mean, found.mean_standard_error) == pytest.approx((4, np.sqrt(16 / 3)))
    assert (found.q, found.i2) == pytest.approx((8, 0.75))
    # (1 - 1/4) * 4 + (1/4)^2 * 16 / 3.
    np.testing.assert_allclose(found.standard_error, np.sqrt(3 + 1 / 3))


@pytest.mark.parametrize("method", METHODS)
def test_no_spread_beyond_chance_shrinks_all_to_one_mean_and_says_so(method):
    found = shrink([1.0, 1.1, 0.9, 1.0] * 3, [1.0] * 12, method=method)
    assert found.tau2 == 0
    assert found.i2 == 0
    np.testing.assert_allclose(found.shrunken, 1.0)
    (flag,) = found.flags
    assert str(flag) == (
        "AT_BOUNDARY: the variance between 12 units is estimated as 0, so all are shrunken to one mean"
    )
    # The interval still allows for a variance between units.
    assert (found.high - found.low > 1.96 * 2 * np.sqrt(1 / 12)).all()


def test_few_units_are_flagged_and_three_have_no_interval():
    found = shrink(Y[:6], V[:6])
    assert [flag.weakness for flag in found.flags] == [Weakness.FEW_UNITS]
    assert np.isfinite([found.low, found.high]).all()
    three = shrink([0.0, 10, 20], [1.0, 1, 1])
    assert np.isnan([three.low, three.high]).all()
    assert str(three.flags[0]) == (
        "FEW_UNITS: 3 units; below 10 the variance between them is hardly known, and below 4 there are no intervals"
    )


def test_an_estimate_between_units_is_pulled_towards_the_mean_and_the_uncertain_one_more():
    found = shrink([0.0, 0, 0, 0, 5, 5], [0.1, 0.1, 0.1, 0.1, 0.1, 5])
    assert 0 < found.shrunken[5] < found.shrunken[4] < 5
    assert found.high[5] - found.low[5] > found.high[4] - found.low[4]


def test_intervals_come_near_those_of_the_units_alone_when_units_differ_widely():
    found = shrink(Y * 1000, V)
    np.testing.assert_allclose(found.low, Y * 1000 - 1.959964 * np.sqrt(V), atol=1e-2)
    np.testing.assert_allclose(found.high, Y * 1000 + 1.959964 * np.sqrt(V), atol=1e-2)


def test_intervals_equal_a_plain_integral_over_the_variance_between_units():
    # The posterior mean and its tails by sums over 40,000 values of the variance, for one unit.
    tau2 = (np.arange(40_000) + 0.5) * 0.01
    w = 1 / (V + tau2[:, None])
    mean = (w @ Y) / w.sum(axis=1)
    log_likelihood = 0.5 * (
        np.log(w).sum(axis=1) - np.log(w.sum(axis=1)) - (w * (Y - mean[:, None]) ** 2).sum(axis=1)
    )
    chance = np.exp(log_likelihood - log_likelihood.max())
    draws = np.random.default_rng(0).choice(len(tau2), 400_000, p=chance / chance.sum())
    share = V[2] * w[draws, 2]
    spread = np.sqrt((1 - share) * V[2] + share**2 / w[draws].sum(axis=1))
    values = (
        share * mean[draws] + (1 - share) * Y[2] + spread * np.random.default_rng(1).normal(size=len(draws))
    )
    found = shrink(Y, V)
    np.testing.assert_allclose([found.low[2], found.high[2]], np.quantile(values, [0.025, 0.975]), atol=0.01)


def test_a_higher_level_gives_wider_intervals():
    narrow, wide = shrink(Y, V, level=0.5), shrink(Y, V, level=0.99)
    assert (wide.low < narrow.low).all()
    assert (narrow.high < wide.high).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: shrink([1.0, 2], [1.0]),
            "estimates have shape (2,), variances (1,); give one of each for every unit.",
        ),
        (lambda: shrink([[1.0], [2]], [[1.0], [2]]), "estimates have shape (2, 1)"),
        (
            lambda: shrink([1.0], [1.0]),
            "There is 1 unit; at least 2 are needed to estimate the variance between them.",
        ),
        (
            lambda: shrink([1.0, np.nan, 2], [1.0, 1, np.inf]),
            "2 of 3 units lack an estimate or a variance (first: unit 1, 2); leave them out.",
        ),
        (
            lambda: shrink([1.0, 2, 3], [1.0, 0, 1]),
            "1 of 3 variances are not above 0 (first: unit 1); correct them or leave the units out.",
        ),
        (lambda: shrink(["a", "b"], [1, 2]), "estimates or variances hold values that are not numbers"),
        (
            lambda: shrink(Y, V, method="ml"),
            "method must be one of 'reml', 'paule-mandel', 'dersimonian-laird'",
        ),
        (lambda: shrink(Y, V, level=0), "level must lie between 0 and 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert message in str(caught.value)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float64, 7, elements=st.integers(-30, 30).map(float)),
    st.permutations(range(7)),
    st.integers(-40, 40),
    st.sampled_from(METHODS),
)
def test_order_level_and_unit_do_not_matter(estimates, order, shift, method):
    variances = np.array([1.0, 2, 0.5, 4, 9, 1, 3])
    before = shrink(estimates, variances, method=method)
    order = list(order)
    after = shrink(estimates[order] * 2 + shift, variances[order] * 4, method=method)
    assert after.tau2 == pytest.approx(4 * before.tau2, rel=1e-6, abs=1e-7)
    for b, a in ((before.shrunken, after.shrunken), (before.low, after.low), (before.high, after.high)):
        np.testing.assert_allclose(a, b[order] * 2 + shift, atol=1e-5)
    assert (before.low <= before.shrunken).all()
    assert (before.shrunken <= before.high).all()
    assert (np.abs(before.shrunken - before.mean) <= np.abs(estimates - before.mean) + 1e-9).all()
