import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats.correlation import (
    bartlett_sphericity,
    correlate,
    inverse,
    kmo,
    smooth,
    squared_multiple_correlations,
)
from valuelex.stats.flags import Weakness

HALF = np.array([[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])
"""Three variables at r = .5: eigenvalues 2, .5, .5; determinant .5; the inverse has 1.5 on and -.5 off the diagonal."""


def test_correlations_by_hand() -> None:
    # Deviations (-1, 0, 1) and (-1, 1, 0): product sum 1, square sums 2 and 2, so r = 1/2.
    r = correlate([[1, 4], [2, 6], [3, 5]])
    np.testing.assert_allclose(r, [[1, 0.5], [0.5, 1]], atol=1e-15)


def test_correlation_of_binary_columns_is_phi() -> None:
    # 4 both, 2 first only, 1 second only, 3 neither: (4 * 3 - 2 * 1) / sqrt(6 * 4 * 5 * 5) = 10 / sqrt 600.
    data = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [4, 2, 1, 3], axis=0)
    assert correlate(data)[0, 1] == pytest.approx(10 / np.sqrt(600), abs=1e-15)


def test_correlate_leaves_its_input_alone() -> None:
    data = np.random.default_rng(0).standard_normal((9, 3))
    before = data.copy()
    correlate(data)
    np.testing.assert_array_equal(data, before)


def test_correlations_of_large_numbers_keep_their_digits() -> None:
    data = np.random.default_rng(1).standard_normal((50, 3))
    np.testing.assert_allclose(correlate(data * 1e-3 + 1e6), correlate(data), atol=1e-5)


def test_a_positive_definite_matrix_is_not_smoothed() -> None:
    mended, flags = smooth(HALF)
    np.testing.assert_array_equal(mended, HALF)
    assert flags == ()


def test_small_but_positive_eigenvalues_are_left_alone() -> None:
    r = np.array([[1, 1 - 1e-9], [1 - 1e-9, 1]])  # least eigenvalue 1e-9
    mended, flags = smooth(r)
    np.testing.assert_array_equal(mended, r)
    assert flags == ()


def test_smoothing_raises_the_lowest_eigenvalue_and_says_so() -> None:
    r = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])  # eigenvalues 1.9, 1.9, -.8
    before = r.copy()
    mended, (flag,) = smooth(r)
    np.testing.assert_array_equal(r, before)
    np.testing.assert_array_equal(np.diag(mended), 1.0)
    assert np.linalg.eigvalsh(mended)[0] > 0
    # With the third at 0 what is left is of rank 2 with equal roots: correlations of .5 in size.
    np.testing.assert_allclose(np.abs(mended[np.triu_indices(3, 1)]), 0.5, atol=1e-9)
    assert flag.weakness is Weakness.NOT_POSITIVE_DEFINITE
    assert flag.detail == (
        "1 of 3 eigenvalues were not positive (least -0.8); they were raised and correlations moved by up to 0.4"
    )


def test_inverse_by_hand() -> None:
    expected = np.full((3, 3), -0.5) + 2 * np.eye(3)
    np.testing.assert_allclose(inverse(HALF, purpose="this"), expected, atol=1e-14)


@pytest.mark.parametrize("r", [np.ones((3, 3)), np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])])
def test_a_matrix_without_inverse_is_refused(r: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"of 3 columns has no inverse .*, and this needs one; drop columns"):
        inverse(r, purpose="this")


def test_squared_multiple_correlations_by_hand() -> None:
    # 1 - 1 / 1.5. With two variables it is r squared.
    np.testing.assert_allclose(squared_multiple_correlations(HALF), 1 / 3, atol=1e-14)
    np.testing.assert_allclose(squared_multiple_correlations([[1, 0.6], [0.6, 1]]), 0.36, atol=1e-14)


def test_kmo_by_hand() -> None:
    # Partial correlations are .5 / 1.5 = 1/3: .25 / (.25 + 1/9) = 9/13.
    found = kmo(HALF)
    assert found.overall == pytest.approx(9 / 13, abs=1e-14)
    np.testing.assert_allclose(found.each, 9 / 13, atol=1e-14)


def test_kmo_of_a_variable_without_correlations_is_undefined() -> None:
    r = np.eye(4)
    r[:3, :3] = HALF
    found = kmo(r)
    assert found.overall == pytest.approx(9 / 13, abs=1e-14)
    assert np.isnan(found.each).tolist() == [False, False, False, True]
    assert np.isnan(kmo(np.eye(3)).overall)


def test_bartlett_by_hand() -> None:
    # -(100 - 1 - 11/6) log .5 = 97.1667 * .693147, 3 degrees of freedom.
    found = bartlett_sphericity(HALF, 100)
    assert found.chi_square == pytest.approx(97.16666666666667 * np.log(2), abs=1e-10)
    assert found.degrees_of_freedom == 3
    assert found.p_value < 1e-13
    nothing = bartlett_sphericity(np.eye(3), 100)
    assert nothing.chi_square == pytest.approx(0, abs=1e-12)
    assert nothing.p_value == pytest.approx(1)


def test_bartlett_holds_its_level_on_independent_columns() -> None:
    rng = np.random.default_rng(2)
    p = [bartlett_sphericity(correlate(rng.standard_normal((80, 5))), 80).p_value for _ in range(400)]
    # 5 % of 400 is 20 with standard deviation 4.4.
    assert 8 <= sum(value < 0.05 for value in p) <= 34


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: correlate([[1, 2]]), "data has 1 rows × 2 columns; at least 2 × 1"),
        (
            lambda: correlate([[1, 2], [np.nan, 3]]),
            "data holds 1 missing or infinite values .first: row 1 column 0",
        ),
        (lambda: correlate([[1, 2], [np.inf, 3]]), "1 missing or infinite"),
        (lambda: correlate([["a", "b"], ["c", "d"]]), "data holds values that are not numbers"),
        (
            lambda: correlate([[1, 2, 5], [1, 3, 5]]),
            "2 of 3 columns of data are constant .first: column 0, 2",
        ),
        (lambda: kmo(np.ones((2, 3))), "correlation has shape .2, 3.; a correlation matrix is square"),
        (lambda: kmo(4 * np.eye(3)), "3 of 3 diagonal cells of correlation are not 1 .first: 0, 1, 2"),
        (lambda: kmo([[1, 0.2], [0.3, 1]]), "correlation is not symmetric .worst at 0, 1: 0.2 against 0.3"),
        (lambda: kmo([[1, 1.2], [1.2, 1]]), "correlation holds 1.2 at 0, 1; a correlation lies from -1 to 1"),
        (lambda: kmo(np.ones((3, 3))), "the Kaiser-Meyer-Olkin measure needs one"),
        (lambda: bartlett_sphericity(HALF, 3), "3 rows for 3 columns; Bartlett's test needs more rows"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(DataError, match=message):
        call()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_and_constants_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((30, 1)) + rng.standard_normal((30, 4))
    rows, columns = rng.permutation(30), rng.permutation(4)
    r = correlate(data)
    moved = correlate((3 * data + rng.normal(size=4))[rows][:, columns])
    np.testing.assert_allclose(moved, r[np.ix_(columns, columns)], atol=1e-12)
    np.testing.assert_allclose(kmo(moved).each, kmo(r).each[columns], atol=1e-9)
    smc = squared_multiple_correlations(r)
    np.testing.assert_allclose(squared_multiple_correlations(moved), smc[columns], atol=1e-10)
    assert bartlett_sphericity(moved, 30).chi_square == pytest.approx(bartlett_sphericity(r, 30).chi_square)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_smoothing_gives_a_correlation_matrix_whatever_the_input(seed: int) -> None:
    rng = np.random.default_rng(seed)
    r = np.eye(5)
    upper = np.triu_indices(5, 1)
    r[upper] = rng.uniform(-1, 1, 10)
    r = np.triu(r) + np.triu(r, 1).T
    mended, flags = smooth(r)
    assert bool(flags) == (np.linalg.eigvalsh(r)[0] < 1e-12)
    assert np.linalg.eigvalsh(mended)[0] > 0
    np.testing.assert_array_equal(mended, mended.T)
    assert np.abs(mended).max() <= 1
