import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats.flags import Weakness
from valuelex.stats.icc import FORMS, intraclass_correlations
from valuelex.stats.reliability import cronbach_alpha


def some_ratings(seed, n=9, k=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(size=k) + 0.6 * rng.normal(size=(n, k))


def test_hand_calculation():
    # Units (1, 2), (3, 4), (5, 9), n = 3, k = 2; grand mean 4, unit means 1.5, 3.5, 7, rater means 3, 5.
    # Between units: 2 (6.25 + .25 + 9) / 2 = 15.5. Within: (.5 + .5 + 8) / 3 = 3.
    # Raters: 3 (1 + 1) / 1 = 6. Residual: (9 - 6) / 2 = 1.5.
    # ICC(1,1) = 12.5 / 18.5; ICC(2,1) = 14 / (15.5 + 1.5 + 2 · 4.5 / 3) = 14 / 20; ICC(3,1) = 14 / 17.
    # ICC(1,k) = 12.5 / 15.5; ICC(2,k) = 14 / (15.5 + 1.5); ICC(3,k) = 14 / 15.5.
    found = intraclass_correlations([[1, 2], [3, 4], [5, 9]])
    np.testing.assert_allclose(found.mean_squares, [15.5, 3, 6, 1.5], atol=1e-12)
    expected = [12.5 / 18.5, 14 / 20, 14 / 17, 12.5 / 15.5, 14 / 17, 14 / 15.5]
    np.testing.assert_allclose(found.estimate, expected, atol=1e-12)
    np.testing.assert_allclose(found.f_ratio, [15.5 / 3, 15.5 / 1.5, 15.5 / 1.5] * 2, atol=1e-12)
    np.testing.assert_array_equal(found.df_error, [3, 2, 2, 3, 2, 2])
    assert len(FORMS) == 6


def test_the_mean_of_fixed_raters_is_as_reliable_as_alpha_says():
    ratings = some_ratings(1)
    assert intraclass_correlations(ratings).estimate[5] == pytest.approx(
        cronbach_alpha(ratings).raw, abs=1e-12
    )


def test_disagreement_gives_negative_forms_with_a_flag():
    found = intraclass_correlations([[3, 2], [0, 3], [4, 3], [2, 4], [2, 1], [1, 2], [5, 1]])
    assert (found.estimate < 0).all()
    assert [f.weakness for f in found.flags] == [Weakness.FEW_UNITS, Weakness.AT_BOUNDARY]
    assert (
        "6 of 6 forms are negative (first: ICC(1,1), ICC(2,1), ICC(3,1) and 3 more)" in found.flags[1].detail
    )
    assert (found.low <= found.estimate).all()
    assert (found.estimate <= found.high).all()


def test_what_no_mean_of_raters_can_have_is_infinite():
    # The lower end of ICC(2,1) lies below -1 / (k - 1) = -1: stepped up it would come out above 1.
    found = intraclass_correlations([[3, 3], [3, 5], [1, 4], [4, 0]])
    assert found.low[1] < -1
    assert found.low[4] == -np.inf
    assert np.isfinite(found.estimate).all()


def test_an_estimate_that_no_mean_of_raters_can_have_has_no_interval():
    # B = 1/3, J = 0, E = 19/3, n = 4, k = 2: the mean's denominator B + (J - E) / n = 1/3 - 19/12 is negative.
    found = intraclass_correlations([[1, 5], [5, 2], [2, 4], [4, 1]])
    assert found.estimate[1] == pytest.approx((1 / 3 - 19 / 3) / (1 / 3 + 19 / 3 - 2 * 19 / 12))
    assert found.estimate[4] == -np.inf
    for end in (found.low, found.high):
        np.testing.assert_array_equal(np.isnan(end), [False, True, False, False, True, False])


def test_many_units_carry_no_flag():
    assert intraclass_correlations(some_ratings(2, n=30)).flags == ()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-1000, 1000))
def test_order_unit_and_origin_do_not_matter(seed, factor, shift):
    rng = np.random.default_rng(seed)
    ratings = some_ratings(seed)
    other = (ratings[rng.permutation(9)][:, rng.permutation(4)]) * factor + shift
    one, two = intraclass_correlations(ratings), intraclass_correlations(other)
    for name in ("estimate", "low", "high", "p_value"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_severity_counts_against_agreement_only(seed):
    ratings = some_ratings(seed)
    harsher = ratings + np.array([0, 0, 0, 3.0])
    one, two = intraclass_correlations(ratings), intraclass_correlations(harsher)
    np.testing.assert_allclose(one.estimate[[2, 5]], two.estimate[[2, 5]], atol=1e-9)
    np.testing.assert_allclose(one.f_ratio[1], two.f_ratio[1], rtol=1e-9)


def test_a_higher_level_gives_a_wider_interval():
    narrow, wide = (intraclass_correlations(some_ratings(3), level=level) for level in (0.8, 0.99))
    assert (wide.low < narrow.low).all()
    assert (wide.high > narrow.high).all()


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (
            [[1, 2], [np.nan, 3], [4, 5]],
            "1 of 3 units miss a rating (first: unit 1); leave those units out, or estimate variance components "
            "by REML, which uses them.",
        ),
        ([[1], [2], [3]], "ratings has 3 rows × 1 columns; at least 2 × 2 are needed."),
        ([[1, 2]], "ratings has 1 rows × 2 columns; at least 2 × 2 are needed."),
        ([[4, 4], [4, 4]], "All 4 ratings are 4; an intraclass correlation needs units that differ."),
        (
            [[0.1, 0.7]] * 3,
            "The 3 units all have the same mean; an intraclass correlation needs units that differ.",
        ),
        (
            [[1, 1], [2, 2], [4, 4]],
            "The ratings of all 2 raters are the same for every unit, so there is no residual variance to test "
            "against; check that the columns are not copies of one.",
        ),
        (
            [[1, 2.1], [2, 3.1], [4, 5.1]],
            "The ratings of all 2 raters differ by the same amount on every unit, so there is no residual variance "
            "to test against; check that the columns are not copies of one.",
        ),
        ([[1, np.inf], [2, 3]], "ratings holds 1 infinite values"),
    ],
)
def test_what_cannot_be_estimated_is_refused(ratings, message):
    with pytest.raises(DataError) as caught:
        intraclass_correlations(ratings)
    assert str(caught.value).startswith(message)


def test_the_level_is_checked():
    with pytest.raises(DataError, match="level must lie between 0 and 1"):
        intraclass_correlations(some_ratings(1), level=95)


def test_input_is_not_changed():
    ratings = some_ratings(4)
    before = ratings.copy()
    intraclass_correlations(ratings)
    np.testing.assert_array_equal(ratings, before)
