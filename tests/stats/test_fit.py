import math

import numpy as np
import pytest
from scipy.stats import chi2, ncx2

from valuelex.errors import DataError
from valuelex.stats.fit import factor_determinacy, fit_statistics

R = np.array([[1, 0.6, 0.5, 0.4], [0.6, 1, 0.4, 0.3], [0.5, 0.4, 1, 0.2], [0.4, 0.3, 0.2, 1]])
LOADINGS = np.array([[0.8], [0.7], [0.6], [0.5]])
# Model: .56 .48 .40 / .42 .35 / .30. Residuals: .04 .02 0 / -.02 -.05 / -.10.
SQUARES = 2 * (0.04**2 + 0.02**2 + 0 + 0.02**2 + 0.05**2 + 0.1**2)


def test_residuals_by_hand() -> None:
    found = fit_statistics(R, LOADINGS, n_rows=100)
    assert found.degrees_of_freedom == 2  # 4 * 3 / 2 - 4 * 1 + 0
    assert found.rmsr == pytest.approx(math.sqrt(SQUARES / 12))
    assert found.corrected_rmsr == pytest.approx(math.sqrt(SQUARES / 4))
    assert found.empirical_chi_square == pytest.approx(100 * SQUARES)
    assert found.empirical_p_value == pytest.approx(chi2.sf(100 * SQUARES, 2))
    assert found.empirical_bic == pytest.approx(100 * SQUARES - 2 * math.log(100))
    assert found.empirical_sabic == pytest.approx(100 * SQUARES - 2 * math.log(102 / 24))
    # Off the diagonal sum r^2 = 2 (.36 + .25 + .16 + .16 + .09 + .04) = 2.12; diagonal residuals .36 .51 .64 .75.
    on = 0.36**2 + 0.51**2 + 0.64**2 + 0.75**2
    assert found.fit == pytest.approx(1 - (SQUARES + on) / (2.12 + 4))
    assert found.fit_off_diagonal == pytest.approx(1 - SQUARES / 2.12)


def test_discrepancy_and_what_is_made_of_it() -> None:
    found = fit_statistics(R, LOADINGS, n_rows=100)
    model = LOADINGS @ LOADINGS.T
    np.fill_diagonal(model, 1.0)
    objective = math.log(np.linalg.det(model) / np.linalg.det(R)) + np.trace(R @ np.linalg.inv(model)) - 4
    null = -math.log(np.linalg.det(R))
    assert found.objective == pytest.approx(objective, abs=1e-12)
    assert found.null_objective == pytest.approx(null, abs=1e-12)
    # n - 1 - (2p + 5) / 6 = 99 - 13 / 6, and 2 k / 3 = 2 / 3 less for the model.
    null_chi, chi = null * (99 - 13 / 6), objective * (99 - 13 / 6 - 2 / 3)
    assert found.chi_square == pytest.approx(chi)
    assert found.null_chi_square == pytest.approx(null_chi)
    assert (found.degrees_of_freedom, found.null_degrees_of_freedom) == (2, 6)
    assert found.p_value == pytest.approx(chi2.sf(chi, 2))
    assert found.bic == pytest.approx(chi - 2 * math.log(100))
    assert found.sabic == pytest.approx(chi - 2 * math.log(102 / 24))
    assert found.cfi == pytest.approx(1 - max(chi - 2, 0) / (null_chi - 6))
    assert found.tli == pytest.approx((null / 6 - objective / 2) / (null / 6 - 1 / (99 - 13 / 6 - 2 / 3)))
    assert found.rmsea == pytest.approx(math.sqrt(max(chi / 200 - 1 / 99, 0)))


def test_ends_of_the_rmsea_interval_are_noncentralities() -> None:
    poor = fit_statistics(R, LOADINGS * 0.6, n_rows=400)
    for end, share in ((poor.rmsea_low, 0.95), (poor.rmsea_high, 0.05)):
        # end = sqrt(noncentrality / (df (n - 1)))
        assert ncx2.cdf(poor.chi_square, 2, end**2 * 2 * 399) == pytest.approx(share, abs=1e-9)
    assert poor.rmsea_low < poor.rmsea < poor.rmsea_high
    exact = fit_statistics(np.where(np.eye(4) > 0, 1.0, LOADINGS @ LOADINGS.T), LOADINGS, n_rows=400)
    assert (exact.rmsea, exact.rmsea_low, exact.rmsea_high) == (0, 0, 0)
    assert exact.cfi == 1
    assert exact.objective == pytest.approx(0, abs=1e-14)


def test_without_rows_only_what_needs_them_is_nan() -> None:
    found = fit_statistics(R, LOADINGS)
    needs = {
        "chi_square", "p_value", "empirical_chi_square", "empirical_p_value", "null_chi_square", "tli", "cfi",
        "rmsea", "rmsea_low", "rmsea_high", "bic", "sabic", "empirical_bic", "empirical_sabic",
    }  # fmt: skip
    missing = {name for name in found.__slots__ if np.isnan(getattr(found, name))}
    assert missing == needs


def test_no_degrees_of_freedom() -> None:
    r = np.array([[1, 0.6, 0.5], [0.6, 1, 0.4], [0.5, 0.4, 1]])
    found = fit_statistics(r, np.sqrt([[0.75], [0.48], [1 / 3]]), n_rows=50)
    assert found.degrees_of_freedom == 0
    assert found.chi_square == pytest.approx(0, abs=1e-12)
    for name in ("p_value", "empirical_p_value", "tli", "cfi", "rmsea", "corrected_rmsr", "empirical_bic"):
        assert np.isnan(getattr(found, name))


def test_too_few_rows_for_the_correction_give_no_chi_square() -> None:
    # n - 1 - (2p + 5) / 6 - 2k / 3 = 2 - 13/6 - 2/3 < 0
    found = fit_statistics(R, LOADINGS, n_rows=3)
    assert np.isnan(
        [found.chi_square, found.p_value, found.tli, found.cfi, found.rmsea, found.null_chi_square]
    ).all()


@pytest.mark.parametrize("largest", [1.0, 1.3])
def test_improper_loadings_have_a_finite_discrepancy(largest: float) -> None:
    found = fit_statistics(R, np.array([[largest], [0.7], [0.6], [0.5]]), n_rows=100)
    assert np.isfinite(found.objective)
    assert found.objective > 0


@pytest.mark.parametrize("uniqueness", [2e-4, 5e-5])
def test_both_ways_to_the_discrepancy_agree_with_its_definition(uniqueness: float) -> None:
    # .0002 takes the low-rank way, .00005 the dense one.
    r = np.corrcoef(np.random.default_rng(0).standard_normal((40, 6)), rowvar=False)
    loadings = np.sqrt([[1 - uniqueness], [0.5], [0.4], [0.3], [0.2], [0.1]])
    model = loadings @ loadings.T
    np.fill_diagonal(model, 1.0)
    expected = np.linalg.slogdet(model)[1] - np.linalg.slogdet(r)[1] + np.trace(np.linalg.solve(model, r)) - 6
    assert fit_statistics(r, loadings).objective == pytest.approx(expected, rel=1e-9)


def test_residuals_of_many_variables_are_summed_in_blocks() -> None:
    rng = np.random.default_rng(3)
    r = np.corrcoef(rng.standard_normal((400, 300)), rowvar=False)
    loadings = rng.uniform(0, 0.4, (300, 2))
    residual = r - loadings @ loadings.T
    np.fill_diagonal(residual, 0.0)
    found = fit_statistics(r, loadings, n_rows=400)
    assert found.empirical_chi_square == pytest.approx(400 * np.square(residual).sum())


def test_determinacy_by_hand() -> None:
    # One factor, loadings .8 on two uncorrelated-given-factor variables, r = .64: w = .8 / 1.64, R2 = 2 * .64 / 1.64.
    r = np.array([[1, 0.64], [0.64, 1]])
    np.testing.assert_allclose(factor_determinacy(r, [[0.8], [0.8]]), [2 * 0.64 / 1.64])
    assert np.isnan(factor_determinacy(np.ones((2, 2)), [[0.8], [0.8]])).all()


def test_what_does_not_fit_together() -> None:
    with pytest.raises(DataError, match="loadings have 3 rows for 4 variables"):
        fit_statistics(R, LOADINGS[:3])
    with pytest.raises(DataError, match="structure has 3 rows for 4 variables"):
        factor_determinacy(R, LOADINGS[:3])
    with pytest.raises(DataError, match="n_rows is 1; give the number of independent rows, at least 2"):
        fit_statistics(R, LOADINGS, n_rows=1)
    with pytest.raises(DataError, match="missing or infinite"):
        fit_statistics(R, LOADINGS * np.nan)
