import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats.correlation import correlate
from valuelex.stats.flags import Weakness
from valuelex.stats.retention import _upper_hull, empirical_kaiser, hull, minimum_average_partial, scree


def planted(rng: np.random.Generator, n_rows: int = 400, n_factors: int = 3, each: int = 4) -> np.ndarray:
    """Correlations of columns that load .8 on one of the factors."""
    own = np.repeat(np.arange(n_factors), each)
    f = rng.standard_normal((n_rows, n_factors))
    return correlate(0.8 * f[:, own] + 0.6 * rng.standard_normal((n_rows, len(own))))


def blocks(*sizes: int, r: float = 0.5) -> np.ndarray:
    """Correlation r inside blocks, 0 between."""
    own = np.repeat(np.arange(len(sizes)), sizes)
    matrix = np.where(own[:, None] == own, r, 0.0)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def test_scree_by_hand() -> None:
    # Blocks of 3 and 2 at r = .5 have eigenvalues 1 + 2 (.5) = 2, 1.5, and .5 three times.
    found = scree(blocks(3, 2))
    np.testing.assert_allclose(found.eigenvalues, [2, 1.5, 0.5, 0.5, 0.5], atol=1e-12)
    assert found.n_kaiser == 2
    # Second differences: .5 - 3 + 2 = -.5; .5 - 1 + 1.5 = 1; .5 - 1 + .5 = 0. The bend is at no. 3, after 2.
    np.testing.assert_allclose(found.acceleration, [np.nan, -0.5, 1, 0, np.nan], atol=1e-12)
    assert found.n_acceleration == 2
    # Line through no. 2 (1.5) and no. 5 (.5) has slope -1/3: at 1, 1.5 + 1/3. No. 3 and 5 are level: at 2, .5.
    np.testing.assert_allclose(found.coordinates, [1.5 + 1 / 3, 0.5, 0.5, np.nan, np.nan], atol=1e-12)
    assert found.n_coordinates == 2


def test_map_by_hand() -> None:
    # Three variables at r = .5: mean squared correlation 1/4, fourth power 1/16. The first component has eigenvalue
    # 2 and weights 1/sqrt 3, so what is left is r - 2/3: variances 1/3, covariances -1/6, correlations -1/2.
    found = minimum_average_partial(blocks(3))
    np.testing.assert_allclose(found.squared[:2], [1 / 4, 1 / 4], atol=1e-12)
    np.testing.assert_allclose(found.fourth_power[:2], [1 / 16, 1 / 16], atol=1e-12)
    assert found.n_squared == 0  # equal, so the fewer
    assert len(found.squared) == 3


def test_map_finds_planted_factors_and_none() -> None:
    rng = np.random.default_rng(1)
    found = minimum_average_partial(planted(rng))
    assert (found.n_squared, found.n_fourth_power) == (3, 3)
    assert minimum_average_partial(correlate(rng.standard_normal((2000, 8)))).n_squared == 0


def test_map_of_uncorrelated_variables_is_not_defined_beyond_none() -> None:
    # Taking out a component of the identity takes out a variable whole.
    found = minimum_average_partial(np.eye(4))
    assert found.n_squared == 0
    np.testing.assert_array_equal(found.squared, [0, np.nan, np.nan, np.nan])


def test_empirical_kaiser_by_hand() -> None:
    # p = 4, n = 16: (1 + 1/2)^2 = 2.25. Eigenvalues 2.5, .5, .5, .5: references 2.25,
    # 2.25 * 1.5 / 3 = 1.125, 2.25 / 2 and 2.25 * .5.
    found = empirical_kaiser(blocks(4), 16)
    np.testing.assert_allclose(found.reference, [2.25, 1.125, 1.125, 1.125], atol=1e-12)
    assert found.n_factors == 1
    assert empirical_kaiser(blocks(4), 9).n_factors == 0  # (1 + 2/3)^2 = 2.78 is above 2.5


def test_upper_hull_by_hand() -> None:
    # One free parameter a factor. The third solution, .6, lies under the chord from .5 to .9, which is at .7, and the
    # last is worse than the one before. Slopes .5, .4 / 2 = .2, .05, .01, so bends 2.5, 4 and 5.
    fit = np.array([0, 0.5, 0.6, 0.9, 0.95, 0.96, 0.955])
    on_hull, bend = _upper_hull(fit, np.arange(7)[::-1])
    assert on_hull.tolist() == [True, True, False, True, True, True, False]
    np.testing.assert_allclose(bend, [np.nan, 2.5, np.nan, 4, 5, np.nan, np.nan])


@pytest.mark.parametrize("index", ["caf", "cfi"])
def test_hull_finds_planted_factors(index: str) -> None:
    found = hull(planted(np.random.default_rng(2)), max_factors=5, index=index, n_rows=400)
    assert found.n_factors == 3
    assert found.index == index
    # p = 12: ((12 - k)^2 - (12 + k)) / 2.
    assert found.degrees_of_freedom.tolist() == [66, 54, 43, 33, 24, 16]
    assert found.on_hull[3]
    assert found.fit[3] > found.fit[:3].max()


def test_hull_without_later_gain_takes_the_last_that_gains() -> None:
    # Two exact factors: fit is perfect from 2 on and never higher, so there is no inner point.
    r = blocks(4, 4, r=0.6)
    found = hull(r, max_factors=4, index="caf")
    assert found.n_factors in (2, None)
    assert found.fit[2] > found.fit[1]


def test_hull_without_any_correlation_has_no_number() -> None:
    found = hull(np.eye(8), max_factors=3)
    assert found.n_factors is None
    np.testing.assert_allclose(found.fit, 1.0)
    assert hull(np.eye(8), max_factors=3, index="cfi", n_rows=100).n_factors is None


def test_hull_carries_the_weaknesses_of_its_solutions() -> None:
    rng = np.random.default_rng(0)
    found = hull(correlate(rng.standard_normal((60, 8))), max_factors=4)
    (flag,) = [f for f in found.flags if f.weakness is Weakness.HEYWOOD]
    assert flag.detail.startswith("in the solution of ")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scree(np.eye(2)), "at least 3 × 3"),
        (lambda: minimum_average_partial(np.ones((4, 4))), "has no inverse"),
        (
            lambda: minimum_average_partial(np.eye(4), max_components=4),
            "max_components is 4; 4 variables allow 1 to 3",
        ),
        (lambda: empirical_kaiser(np.eye(4), 2), "n_rows is 2"),
        (lambda: hull(np.eye(6), max_factors=1), "max_factors is 1"),
        (lambda: hull(np.eye(6), max_factors=4), "4 factors cannot be extracted from 6 variables"),
        (lambda: hull(np.eye(6), max_factors=2, index="rmsea"), "index must be one of 'caf', 'cfi'"),
        (lambda: hull(np.eye(6), max_factors=2, index="cfi"), "n_rows is None for 6 columns"),
        (lambda: hull(np.ones((6, 6)), max_factors=2), "the Hull method needs one"),
        (lambda: scree(np.full((4, 4), np.nan)), "16 missing or infinite values"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(DataError, match=message):
        call()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_and_signs_of_variables_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    r = planted(rng, n_rows=120, n_factors=2)
    order, sign = rng.permutation(len(r)), rng.choice([-1.0, 1.0], len(r))
    moved = (r * np.outer(sign, sign))[np.ix_(order, order)]
    for rule in (
        lambda m: scree(m).eigenvalues,
        lambda m: minimum_average_partial(m).squared[:6],
        lambda m: minimum_average_partial(m).fourth_power[:6],
        lambda m: empirical_kaiser(m, 120).reference,
    ):
        np.testing.assert_allclose(rule(moved), rule(r), atol=1e-9)
    # Only solutions without a Heywood case have one optimum.
    np.testing.assert_allclose(hull(moved, max_factors=2).fit, hull(r, max_factors=2).fit, atol=1e-6)
