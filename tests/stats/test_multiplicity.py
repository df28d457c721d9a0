import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuelex.errors import DataError
from valuelex.stats.multiplicity import benjamini_hochberg, holm


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04; a later one is never below an earlier: .06.
    p = np.array([0.04, 0.01, 0.03, 0.02])
    np.testing.assert_allclose(holm(p), [0.06, 0.04, 0.06, 0.06], atol=1e-12)


def test_holm_leaves_out_tests_that_could_not_be_made():
    # Two tests remain: .02 * 2 = .04, .5 * 1 = .5.
    np.testing.assert_allclose(holm(np.array([0.5, np.nan, 0.02])), [0.5, np.nan, 0.04], atol=1e-12)
    assert np.isnan(holm(np.array([np.nan]))).all()


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, st.integers(0, 12), elements=st.floats(0, 1)))
def test_holm_is_monotone_and_never_below_the_raw_p_value(p):
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert (adjusted <= np.minimum(p * max(len(p), 1), 1.0) + 1e-12).all()


def test_benjamini_hochberg_by_hand():
    # Sorted .01 .02 .03 .5 times 4/1 4/2 4/3 4/4 = .04 .04 .04 .5.
    np.testing.assert_allclose(
        benjamini_hochberg([0.5, 0.01, 0.03, 0.02]), [0.5, 0.04, 0.04, 0.04], atol=1e-12
    )
    # From the largest down: .04 * 2 / 2 = .04, then .03 * 2 / 1 = .06, which is not above the next: .04.
    np.testing.assert_allclose(benjamini_hochberg([0.03, 0.04]), [0.04, 0.04], atol=1e-12)


def test_benjamini_hochberg_leaves_out_tests_that_could_not_be_made():
    np.testing.assert_allclose(benjamini_hochberg([0.5, np.nan, 0.02]), [0.5, np.nan, 0.04], atol=1e-12)
    assert benjamini_hochberg([]).shape == (0,)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, st.integers(0, 12), elements=st.floats(0, 1)), st.randoms())
def test_both_adjustments_follow_their_tests_in_any_order(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    for adjust in (holm, benjamini_hochberg):
        np.testing.assert_allclose(adjust(p[order]), adjust(p)[order], atol=1e-12)
    assert (benjamini_hochberg(p) <= holm(p) + 1e-12).all()
    assert (benjamini_hochberg(p) >= p).all()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_bad_p_values_are_named(adjust):
    with pytest.raises(DataError) as caught:
        adjust([0.1, 1.2, -0.1])
    assert str(caught.value) == "2 of 3 p-values lie outside 0 to 1 (first: test 1, 2); correct them."
    with pytest.raises(
        DataError, match=r"^p-values have shape \(1, 2\); give one family of tests as a vector\.$"
    ):
        adjust([[0.1, 0.2]])
