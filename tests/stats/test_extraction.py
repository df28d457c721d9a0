import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from valuelex.errors import DataError
from valuelex.stats import extraction, uniquenesses
from valuelex.stats.extraction import Extraction, cholesky, extract, log_determinant, refit
from valuelex.stats.flags import Weakness
from valuelex.stats.uniquenesses import Likelihood, Residual


def correlations(p: int, k: int, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loadings = np.zeros((p, k))
    loadings[np.arange(p), np.arange(p) % k] = rng.uniform(0.4, 0.8, p)
    unique = np.sqrt(1 - np.square(loadings).sum(axis=1))
    rows = rng.standard_normal((n, k)) @ loadings.T + rng.standard_normal((n, p)) * unique
    return np.corrcoef(rows.T)


def weaknesses(result: Extraction) -> set[Weakness]:
    return {flag.weakness for flag in result.flags}


@pytest.mark.parametrize("method", ["minres", "ml", "pa"])
def test_one_exact_factor_is_found(method: str) -> None:
    # r_ij = l_i l_j with l = (.9, .8, .7, .6): r_12 = .72, r_13 = .63, ... Communalities .81, .64, .49, .36.
    loadings = np.array([0.9, 0.8, 0.7, 0.6])
    r = np.outer(loadings, loadings)
    np.fill_diagonal(r, 1.0)
    found = extract(r, 1, method=method)
    np.testing.assert_allclose(found.loadings[:, 0], loadings, atol=1e-7)
    np.testing.assert_allclose(found.communalities, [0.81, 0.64, 0.49, 0.36], atol=1e-7)
    np.testing.assert_allclose(found.uniquenesses, [0.19, 0.36, 0.51, 0.64], atol=1e-7)
    assert found.objective == pytest.approx(0, abs=1e-10)
    assert found.flags == ()


def test_three_variables_have_a_closed_form() -> None:
    # One factor, three variables: l_1^2 = r_12 r_13 / r_23 = .6 * .5 / .4 = .75, l_2^2 = .6 * .4 / .5 = .48,
    # l_3^2 = .5 * .4 / .6 = 1/3.
    r = np.array([[1, 0.6, 0.5], [0.6, 1, 0.4], [0.5, 0.4, 1]])
    for method in ("minres", "ml", "pa"):
        np.testing.assert_allclose(extract(r, 1, method=method).communalities, [0.75, 0.48, 1 / 3], atol=1e-6)


def test_no_correlation_leaves_no_factor() -> None:
    for method in ("minres", "ml", "pa"):
        found = extract(np.eye(8), 2, method=method)
        np.testing.assert_allclose(found.loadings, 0, atol=1e-9)
        assert found.flags == ()


@pytest.mark.parametrize(("p", "k"), [(12, 3), (60, 4), (140, 4)])
@pytest.mark.parametrize("method", ["minres", "ml"])
def test_the_minimum_is_that_of_a_general_optimiser(p: int, k: int, method: str) -> None:
    r = correlations(p, k, 6 * p, seed=p)
    found = extract(r, k, method=method)

    # Written out from the definitions, with no derivative and all eigenvalues: least squares of R - Psi, or the
    # discrepancy over the eigenvalues of Psi^-1/2 R Psi^-1/2 beyond the first k.
    def objective(psi: np.ndarray) -> float:
        if method == "minres":
            return 0.5 * float(np.square(np.linalg.eigvalsh(r - np.diag(psi))[:-k]).sum())
        rest = np.linalg.eigvalsh(r / np.sqrt(np.outer(psi, psi)))[:-k]
        return float((rest - np.log(rest) - 1).sum())

    assert found.objective == pytest.approx(objective(found.uniquenesses), rel=1e-7)
    problem = (
        Residual(r, k, 0.005) if method == "minres" else Likelihood(r, k, 0.005, log_determinant(cholesky(r)))
    )
    start = problem.from_uniquenesses(np.full(p, 0.6))
    bounds = [(problem.lower, problem.upper)] * p

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        point = problem.at(x)
        return point.objective, point.gradient

    other = minimize(
        value, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9}
    )
    assert found.objective <= other.fun + 1e-9
    np.testing.assert_allclose(found.uniquenesses, problem.to_uniquenesses(other.x), atol=1e-5)


@pytest.mark.parametrize("method", ["minres", "ml"])
def test_derivatives_are_those_of_differences(method: str) -> None:
    p, k, h = 9, 2, 1e-5
    r = correlations(p, 3, 60, seed=2)
    problem = (
        Residual(r, k, 0.005) if method == "minres" else Likelihood(r, k, 0.005, log_determinant(cholesky(r)))
    )
    x = problem.from_uniquenesses(np.linspace(0.3, 0.8, p))
    point = problem.at(x)
    steps = h * np.eye(p)
    gradient = [(problem.at(x + s).objective - problem.at(x - s).objective) / (2 * h) for s in steps]
    curvature = [(problem.at(x + s).gradient - problem.at(x - s).gradient) / (2 * h) for s in steps]
    np.testing.assert_allclose(point.gradient, gradient, atol=1e-7)
    np.testing.assert_allclose(problem.exact_curvature(point), curvature, atol=1e-6)


def test_every_way_to_the_eigenpairs_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    r = correlations(40, 3, 200, seed=9)
    exact = [extract(r, 3, method=method).loadings for method in extraction.METHODS]
    for exact_up_to, lanczos_above in ((5, 1000), (5, 5)):
        monkeypatch.setattr(uniquenesses, "EXACT_UP_TO", exact_up_to)
        monkeypatch.setattr(uniquenesses, "LANCZOS_ABOVE", lanczos_above)
        for method, loadings in zip(extraction.METHODS, exact, strict=True):
            np.testing.assert_allclose(extract(r, 3, method=method).loadings, loadings, atol=1e-6)


def test_signs_and_order() -> None:
    found = extract(correlations(12, 3, 200, seed=4), 3)
    sums = np.square(found.loadings).sum(axis=0)
    assert (np.diff(sums) <= 0).all()
    assert (found.loadings.sum(axis=0) >= 0).all()
    np.testing.assert_allclose(found.communalities, np.square(found.loadings).sum(axis=1))


def test_principal_axis_ends_at_its_own_fixed_point() -> None:
    r = correlations(10, 2, 100, seed=6)
    found = extract(r, 2, method="pa")
    reduced = r.copy()
    np.fill_diagonal(reduced, found.communalities)
    values, vectors = np.linalg.eigh(reduced)
    again = np.square(vectors[:, -2:]) @ values[-2:]
    np.testing.assert_allclose(again, found.communalities, atol=1e-7)


def test_a_heywood_case_is_flagged_with_its_columns() -> None:
    # l_2^2 = r_12 r_23 / r_13 = .9 * .6 / .3 = 1.8: no proper solution.
    r = np.array([[1, 0.9, 0.3], [0.9, 1, 0.6], [0.3, 0.6, 1]])
    for method in ("minres", "ml", "pa"):
        found = extract(r, 1, method=method)
        (flag,) = found.flags
        assert flag.weakness is Weakness.HEYWOOD
        assert flag.detail.startswith("1 of 3 columns have no unique variance left (first: column 1; largest")
    # Without a bound the fixed point is the closed form.
    np.testing.assert_allclose(found.communalities, [0.45, 1.8, 0.2], atol=1e-6)


def test_the_better_of_several_ends_is_kept_when_one_is_improper() -> None:
    r = correlations(12, 2, 40, seed=36)
    found = extract(r, 4, method="ml")
    factor = cholesky(r)
    starts = [np.full(12, s) for s in (0.2, 0.9)] + [1 / np.diag(np.linalg.inv(r))]
    problem = Likelihood(r, 4, 0.005, log_determinant(factor))
    ends = [uniquenesses.minimise(problem, start).objective for start in starts]
    assert Weakness.HEYWOOD in weaknesses(found)
    assert found.objective == min(ends)
    # The usual start, last, ends at .787; the one at .9 at .752.
    assert ends[-1] > min(ends) + 0.03


def test_principal_axis_that_runs_off_says_so() -> None:
    r = np.full((5, 5), -0.2499) + 1.2499 * np.eye(5)
    found = extract(r, 1, method="pa")
    assert {Weakness.NOT_CONVERGED, Weakness.HEYWOOD} == weaknesses(found)
    assert any("communality of 2 and no fixed point" in flag.detail for flag in found.flags)


def test_a_search_that_is_stopped_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uniquenesses, "MAX_ITERATIONS", 1)
    found = extract(correlations(12, 3, 60, seed=3), 3)
    assert Weakness.NOT_CONVERGED in weaknesses(found)
    assert found.n_iterations == 1


def test_a_singular_matrix_is_flagged_by_minres_and_refused_by_ml() -> None:
    r = np.corrcoef(np.random.default_rng(1).standard_normal((8, 12)), rowvar=False)
    found = extract(r, 2)
    assert Weakness.NOT_POSITIVE_DEFINITE in weaknesses(found)
    with pytest.raises(
        DataError, match=r"of 12 columns is not positive definite \(least eigenvalue .*smooth"
    ):
        extract(r, 2, method="ml")


@pytest.mark.parametrize("n_factors", [0, -1, 5, 10, 1.5, True])
def test_numbers_of_factors_that_cannot_be(n_factors: int) -> None:
    # (p - k)^2 >= p + k: with p = 8, k = 4 gives 16 >= 12, k = 5 gives 9 < 13.
    with pytest.raises(
        DataError, match=r"factors cannot be extracted from 8 variables; .* identify at most 4"
    ):
        extract(np.eye(8), n_factors)
    assert extract(correlations(8, 2, 90, seed=1), 4).loadings.shape == (8, 4)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.array([[1, np.nan], [np.nan, 1]]), "missing or infinite"),
        (np.ones((3, 2)), "square"),
        (np.diag([1.0, 2.0, 1.0]), "diagonal"),
        (np.array([[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]]), "not symmetric"),
        (np.ones((1, 1)), "at least 2"),
    ],
)
def test_what_is_no_correlation_matrix(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        extract(matrix, 1)


def test_unknown_method() -> None:
    with pytest.raises(DataError, match="method must be one of 'minres', 'ml', 'pa', not 'pca'"):
        extract(np.eye(5), 1, method="pca")


def test_two_variables_identify_no_factor() -> None:
    with pytest.raises(DataError, match="2 variables identify none"):
        extract(np.array([[1, 0.5], [0.5, 1]]), 1)


@pytest.mark.parametrize("method", ["minres", "ml", "pa"])
def test_a_refit_from_afar_ends_at_the_same_place(method: str) -> None:
    r = correlations(15, 3, 200, seed=8)
    found = extract(r, 3, method=method)
    for tolerance, atol in ((uniquenesses.TOLERANCE, 1e-6), (extraction.RESAMPLE_TOLERANCE, 1e-3)):
        again = refit(r, 3, method=method, start=np.full(15, 0.9), tolerance=tolerance)
        assert again.proper
        assert again.converged
        np.testing.assert_allclose(np.square(again.loadings).sum(axis=1), found.communalities, atol=atol)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(["minres", "ml", "pa"]))
def test_order_and_sign_of_variables_do_not_matter(seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    r = correlations(10, 2, 150, seed)
    order, signs = rng.permutation(10), rng.choice([-1.0, 1.0], 10)
    turned = (r * np.outer(signs, signs))[np.ix_(order, order)]
    before, after = extract(r, 2, method=method), extract(turned, 2, method=method)
    np.testing.assert_allclose(after.communalities, before.communalities[order], atol=1e-5)
    np.testing.assert_allclose(
        after.loadings @ after.loadings.T,
        ((before.loadings @ before.loadings.T) * np.outer(signs, signs))[np.ix_(order, order)],
        atol=1e-5,
    )


def test_the_input_is_left_alone() -> None:
    r = correlations(10, 2, 100, seed=0)
    kept = r.copy()
    for method in ("minres", "ml", "pa"):
        extract(r, 2, method=method)
    np.testing.assert_array_equal(r, kept)
