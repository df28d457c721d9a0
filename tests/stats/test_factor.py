import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.simple_structure import rows
from valuelex.errors import DataError
from valuelex.stats.congruence import align_loadings
from valuelex.stats.correlation import correlate
from valuelex.stats.extraction import extract
from valuelex.stats.factor import FactorSolution, efa, efa_of_data
from valuelex.stats.flags import Weakness
from valuelex.stats.rotation import rotate

PHI = np.array([[1, 0.4], [0.4, 1]])
# Variance that goes with a factor is diag(phi L'L): for the first .64 + .49 + .36 = 1.49, for the second
# .7^2 + .6^2 + .5^2 + .4^2 = 1.26, as L'L is diagonal.
SIMPLE = np.array([[0.8, 0], [0.7, 0], [0.6, 0], [0, 0.7], [0, 0.6], [0, 0.5], [0, 0.4]])


def exact() -> np.ndarray:
    r = SIMPLE @ PHI @ SIMPLE.T
    np.fill_diagonal(r, 1.0)
    return r


@pytest.mark.parametrize("method", ["minres", "ml", "pa"])
def test_a_simple_structure_is_found_again(method: str) -> None:
    found = efa(exact(), 2, method=method, n_rows=100)
    np.testing.assert_allclose(found.pattern, SIMPLE, atol=1e-6)
    np.testing.assert_allclose(found.phi, PHI, atol=1e-6)
    np.testing.assert_allclose(found.structure, SIMPLE @ PHI, atol=1e-6)
    np.testing.assert_allclose(found.communalities, np.square(SIMPLE).sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.uniquenesses, 1 - np.square(SIMPLE).sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.sums_of_squares, [1.49, 1.26], atol=1e-6)
    np.testing.assert_allclose(found.variance_shares, [1.49 / 7, 1.26 / 7], atol=1e-6)
    np.testing.assert_allclose(found.complexity, 1, atol=1e-6)
    assert found.fit.objective == pytest.approx(0, abs=1e-9)
    assert found.flags == ()


def test_complexity_by_hand() -> None:
    # Two equal loadings: (2 a^2)^2 / (2 a^4) = 2; loadings .6 and .3: (.36 + .09)^2 / (.1296 + .0081) = 1.4706.
    loadings = np.array([[0.5, 0.5], [0.6, 0.3], [0.6, -0.3], [0.5, -0.5], [0.7, 0.1], [0.4, -0.1]])
    r = loadings @ loadings.T
    np.fill_diagonal(r, 1.0)
    found = efa(r, 2, rotation="none")
    aligned = align_loadings(found.pattern, loadings)
    expected = np.square(np.square(aligned.loadings).sum(axis=1)) / (aligned.loadings**4).sum(axis=1)
    np.testing.assert_allclose(found.complexity, expected)
    assert np.isnan(efa(np.eye(6), 2, rotation="none").complexity).all()


@pytest.mark.parametrize(
    "rotation", ["none", "varimax", "promax", "oblimin", "geomin", "quartimax", "bifactor"]
)
def test_every_rotation_keeps_the_model(rotation: str) -> None:
    r = correlate(rows(200, 12, 3, seed=1))
    unrotated = extract(r, 3)
    found = efa(r, 3, rotation=rotation)
    common = unrotated.loadings @ unrotated.loadings.T
    np.testing.assert_allclose(found.pattern @ found.phi @ found.pattern.T, common, atol=1e-8)
    np.testing.assert_allclose(found.structure, found.pattern @ found.phi)
    np.testing.assert_allclose(found.phi, found.transformation.T @ found.transformation, atol=1e-10)
    np.testing.assert_allclose(
        found.pattern, found.unrotated @ np.linalg.inv(found.transformation).T, atol=1e-10
    )
    np.testing.assert_allclose(found.communalities, np.diag(common), atol=1e-10)
    assert found.sums_of_squares.sum() == pytest.approx(found.communalities.sum())
    assert (found.pattern.sum(axis=0) >= 0).all()
    if rotation != "bifactor":
        assert (np.diff(found.sums_of_squares) <= 1e-12).all()


def test_determinacy_is_that_of_a_regression_on_the_data() -> None:
    found = efa(exact(), 2)
    # Factors in the population: cor(f, x) = structure; R2 = s' R^-1 s.
    expected = [s @ np.linalg.solve(exact(), s) for s in (SIMPLE @ PHI).T]
    np.testing.assert_allclose(found.determinacy, expected, atol=1e-6)


def test_one_factor_needs_no_rotation() -> None:
    found = efa(correlate(rows(100, 6, 1, seed=2)), 1)
    np.testing.assert_array_equal(found.pattern, found.unrotated)
    np.testing.assert_array_equal(found.phi, [[1.0]])


def test_rows_and_correlations_give_the_same() -> None:
    data = rows(120, 10, 2, seed=3)
    a, b = efa_of_data(data, 2), efa(correlate(data), 2, n_rows=120)
    np.testing.assert_allclose(a.pattern, b.pattern, atol=1e-10)
    assert a.fit == b.fit


def test_varimax_is_normalised_unless_told_otherwise() -> None:
    r = correlate(rows(120, 10, 2, seed=4))
    default, plain = efa(r, 2, rotation="varimax"), efa(r, 2, rotation="varimax", normalise=False)
    weighted = efa(r, 2, rotation="varimax", normalise=True)
    np.testing.assert_array_equal(default.pattern, weighted.pattern)
    assert np.abs(default.pattern - plain.pattern).max() > 1e-4
    np.testing.assert_array_equal(efa(r, 2).pattern, efa(r, 2, normalise=False).pattern)


def test_flags_of_extraction_and_rotation_are_joined() -> None:
    r = np.corrcoef(np.random.default_rng(2).standard_normal((8, 9)), rowvar=False)
    found = efa(r, 3, rotation="geomin", n_starts=20, rng=np.random.default_rng(1))
    unrotated = extract(r, 3)
    turned = rotate(unrotated.loadings, "geomin", n_starts=20, rng=np.random.default_rng(1))
    assert found.flags == unrotated.flags + turned.flags
    assert {flag.weakness for flag in unrotated.flags} >= {Weakness.NOT_POSITIVE_DEFINITE}
    assert [flag.weakness for flag in turned.flags] == [Weakness.LOCAL_OPTIMA]
    assert np.isnan(found.determinacy).all()
    assert sum(optimum.n_starts for optimum in found.optima) == 20


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((20, 4)), "4 of 4 columns of data are constant"),
        (np.random.default_rng(0).standard_normal((6, 8)), "6 rows for 8 columns; more rows than columns"),
        (np.full((20, 4), np.nan), "80 missing or infinite values"),
        (np.arange(20.0), "rows × columns"),
    ],
)
def test_data_from_which_nothing_can_be_estimated(data: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        efa_of_data(data, 1)


def test_options_that_do_not_exist() -> None:
    with pytest.raises(DataError, match="method must be one of 'minres', 'ml', 'pa', not 'x'"):
        efa(np.eye(6), 1, method="x")
    with pytest.raises(DataError, match=r"rotation must be one of 'none', 'promax', .*, not 'target'"):
        efa(np.eye(6), 1, rotation="target")
    with pytest.raises(DataError, match="n_rows is 0"):
        efa(np.eye(6), 1, n_rows=0)


def same(a: FactorSolution, b: FactorSolution, variables: np.ndarray) -> None:
    aligned = align_loadings(b.pattern, a.pattern[variables])
    np.testing.assert_allclose(aligned.loadings, a.pattern[variables], atol=1e-5)
    np.testing.assert_allclose(aligned.factor_correlations(b.phi), a.phi, atol=1e-5)
    assert b.fit.chi_square == pytest.approx(a.fit.chi_square, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), rotation=st.sampled_from(["oblimin", "varimax"]))
def test_what_must_not_matter(seed: int, rotation: str) -> None:
    rng = np.random.default_rng(seed)
    data = rows(300, 9, 3, seed)
    before = efa_of_data(data, 3, rotation=rotation)
    same(before, efa_of_data(data[rng.permutation(300)], 3, rotation=rotation), np.arange(9))
    same(
        before,
        efa_of_data(data * rng.uniform(0.1, 10, 9) + rng.normal(0, 5, 9), 3, rotation=rotation),
        np.arange(9),
    )
    order = rng.permutation(9)
    same(before, efa_of_data(data[:, order], 3, rotation=rotation), order)
