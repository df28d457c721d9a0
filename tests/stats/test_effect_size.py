import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuelex.errors import DataError
from valuelex.stats.effect_size import (
    one_sample_effect,
    paired_effect,
    probability_of_superiority,
    small_sample_correction,
    standardised_mean,
    two_sample_effect,
)
from valuelex.stats.flags import Weakness

RNG = np.random.default_rng(2)
A, B = RNG.normal(0.5, 1.0, (9, 3)), RNG.normal(0.0, 1.5, (12, 3))


def test_standardised_mean_by_hand():
    # 1, 2, 6: mean 3, variance (4 + 1 + 9) / 2 = 7. With NaN: 2, 4: mean 3, variance 2.
    differences = np.array([[1.0, 2.0, 5.0, 1.0], [2.0, np.nan, 5.0, np.nan], [6.0, 4.0, 5.0, np.nan]])
    found = standardised_mean(differences)
    np.testing.assert_allclose(found[:2], [3 / np.sqrt(7), 3 / np.sqrt(2)], atol=1e-12)
    assert np.isnan(found[2:]).all()  # no spread; one value


def test_two_samples_by_hand():
    # 1, 3 and 2, 6: means 2 and 4, pooled variance (2 + 8) / 2 = 5. df = 2: correction 1 / sqrt(pi) = .564.
    found = two_sample_effect([[1.0], [3]], [[2.0], [6]])
    assert found.d[0] == pytest.approx(-2 / np.sqrt(5))
    assert found.g[0] == pytest.approx(-2 / np.sqrt(5) / np.sqrt(np.pi))
    assert found.variance[0] == pytest.approx(1 + (4 / 5 / np.pi) / 8)
    assert found.df[0] == 2


def test_the_correction_by_hand():
    # Gamma(1) / (1 * Gamma(1/2)) = 1 / sqrt(pi); Gamma(2) / (sqrt(2) Gamma(3/2)) = sqrt(2 / pi).
    # For many it is nearly 1 - 3 / (4m - 1).
    np.testing.assert_allclose(
        small_sample_correction([2, 4]), [1 / np.sqrt(np.pi), np.sqrt(2 / np.pi)], atol=1e-12
    )
    np.testing.assert_allclose(small_sample_correction(200), 1 - 3 / 799, atol=1e-5)
    assert small_sample_correction(1) == 0


def test_pairs_by_hand():
    # a: 1, 2, 6 (variance 7), b: 0, 3, 3 (variance 3): mean difference 1 over sqrt(5).
    found = paired_effect([[1.0], [2], [6]], [[0.0], [3], [3]])
    assert found.d[0] == pytest.approx(1 / np.sqrt(5))
    # With equal variances and correlation 1/2, d_av is d_z: the variance of differences is that of each side.
    a, b = np.array([[1.0], [-1], [0], [0]]), np.array([[0.5], [-0.5], [np.sqrt(0.75)], [-np.sqrt(0.75)]])
    assert paired_effect(a + 1, b).d[0] == pytest.approx(1 / np.sqrt((2 / 3 + 2 / 3) / 2))


def test_superiority_by_hand():
    # 1, 3 against 2, 3: wins 0, 0, 1, 1/2 of four pairs.
    found = probability_of_superiority([[1.0], [3]], [[2.0], [3]])
    assert found.probability[0] == pytest.approx(1.5 / 4)
    assert found.low[0] < 1.5 / 4 < found.high[0]
    assert found.flags == ()


def test_samples_that_do_not_overlap_are_flagged_and_keep_a_wide_interval():
    found = probability_of_superiority(np.column_stack([A[:, 0] + 50, A[:, 1]]), B[:, :2])
    assert (found.probability[0], found.high[0]) == (1.0, 1.0)
    assert 0.5 < found.low[0] < 0.9
    (flag,) = found.flags
    assert flag.weakness is Weakness.AT_BOUNDARY
    assert "wholly above the other in 1 of 2 columns (first: column 0)" in flag.detail
    turned = probability_of_superiority(B[:, :1], A[:, :1] + 50)
    assert (turned.low[0], turned.high[0]) == pytest.approx((0.0, 1 - found.low[0]))


def test_effects_far_out_have_intervals_too():
    # d = t / sqrt(3) is so large that only the standard deviation is uncertain: d * sqrt(chi-square / 2), 2 df, whose
    # quantiles are -2 log(1 - p).
    found = one_sample_effect([[1e6], [1e6 + 1], [1e6 + 3]])
    ends = found.d[0] * np.sqrt(-np.log([0.975, 0.025]))
    np.testing.assert_allclose([found.low[0], found.high[0]], ends, rtol=1e-5)
    # On both sides of where the method changes the ends go on evenly.
    x = np.array([-1.0, 0, 1, 2, -2])[:, None]
    scale = x.std(ddof=1) / np.sqrt(5)
    near, far = (one_sample_effect(x + t * scale) for t in (49.9999, 50.0001))
    np.testing.assert_allclose(
        [far.low, far.high], np.array([near.low, near.high]) * 50.0001 / 49.9999, rtol=1e-6
    )


def test_missing_values_are_left_out():
    holed = np.vstack([A, np.full((2, 3), np.nan)])[RNG.permutation(11)]
    for measure in (two_sample_effect, probability_of_superiority):
        whole, without = measure(A, B), measure(holed, B)
        np.testing.assert_allclose([without.low, without.high], [whole.low, whole.high], atol=1e-12)
    np.testing.assert_allclose(one_sample_effect(holed).low, one_sample_effect(A).low, atol=1e-12)
    left, right = np.vstack([A, [[1.0] * 3]]), np.vstack([B[:9], [[np.nan] * 3]])
    np.testing.assert_allclose(paired_effect(left, right).low, paired_effect(A, B[:9]).low, atol=1e-12)


def test_a_higher_level_is_wider_and_holds_the_estimate():
    for found, wider in (
        (two_sample_effect(A, B, level=0.5), two_sample_effect(A, B, level=0.99)),
        (one_sample_effect(A, level=0.5), one_sample_effect(A, level=0.99)),
        (paired_effect(A, B[:9], level=0.5), paired_effect(A, B[:9], level=0.99)),
    ):
        assert (wider.low < found.low).all()
        assert (found.low < found.d).all()
        assert (found.d < found.high).all()
        assert (found.high < wider.high).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: two_sample_effect(A, B[:, :2]), "a has 3 columns, b has 2; give the same columns in both."),
        (lambda: probability_of_superiority(A, B[:, :2]), "a has 3 columns, b has 2"),
        (
            lambda: paired_effect(A, B),
            "a has shape (9, 3), b (12, 3); pairs are on the same rows and columns.",
        ),
        (
            lambda: one_sample_effect([[1.0, 0.1], [2.0, 0.1], [3.0, 0.1]]),
            "1 of 2 columns have no spread (first: column 1), so nothing to measure an effect in; drop them.",
        ),
        (lambda: two_sample_effect(np.ones((3, 1)), np.ones((3, 1))), "1 of 1 columns have no spread"),
        (lambda: paired_effect(A, A + 1), "3 of 3 columns have no spread (first: column 0, 1, 2)"),
        (
            lambda: probability_of_superiority(np.ones((3, 1)), np.ones((3, 1))),
            "1 of 1 columns have no spread",
        ),
        (
            lambda: two_sample_effect([[1.0, np.nan], [2.0, 3.0]], B[:, :2]),
            "1 of 2 columns of a have fewer than 2 values (first: column 1); drop them.",
        ),
        (lambda: one_sample_effect([[np.nan], [np.nan]]), "values holds no value at all"),
        (lambda: one_sample_effect([1.0, 2.0]), "values has shape (2,); give a table of rows × columns."),
        (lambda: two_sample_effect(A, B, level=1.0), "level must lie between 0 and 1, such as .95, not 1.0."),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(DataError) as caught:
        call()
    assert message in str(caught.value)


@settings(max_examples=15, deadline=None)
@given(
    arrays(np.float64, (7, 2), elements=st.integers(0, 50).map(float), unique=True),
    st.permutations(range(7)),
    st.integers(-100, 100),
)
def test_order_level_and_unit_do_not_matter_and_turning_turns(values, order, shift):
    a, b = values[:3], values[3:] + np.array([0.5, 0.25])
    for measure in (two_sample_effect, probability_of_superiority):
        before, after = measure(a, b), measure(a[::-1] * 2 + shift, b[[2, 0, 3, 1]] * 2 + shift)
        np.testing.assert_allclose([after.low, after.high], [before.low, before.high], atol=1e-7)
        turned, centre = measure(b, a), 1.0 if measure is probability_of_superiority else 0.0
        np.testing.assert_allclose(
            [turned.low, turned.high], [centre - before.high, centre - before.low], atol=1e-7
        )
    one = one_sample_effect(values)
    np.testing.assert_allclose(
        one_sample_effect(values[list(order)] * 7).high, one.high, rtol=1e-7, atol=1e-9
    )
