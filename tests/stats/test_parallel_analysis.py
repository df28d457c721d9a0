import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats.correlation import correlate
from valuelex.stats.extraction import extract
from valuelex.stats.flags import Weakness
from valuelex.stats.nulls import NULLS
from valuelex.stats.parallel_analysis import (
    _one_factor,
    parallel_analysis,
    parallel_analysis_of_correlation,
)


def planted(rng: np.random.Generator, n_rows: int = 300, n_factors: int = 2, each: int = 4) -> np.ndarray:
    own = np.repeat(np.arange(n_factors), each)
    f = rng.standard_normal((n_rows, n_factors))
    return 0.8 * f[:, own] + 0.6 * rng.standard_normal((n_rows, len(own)))


def test_eigenvalues_by_hand() -> None:
    # Four variables at r = .5: R has 1 + 3 (.5) = 2.5 and .5 thrice. One factor explains .5 of each exactly,
    # so with communalities .5 on the diagonal all cells are .5: eigenvalues 4 (.5) = 2 and 0 thrice.
    r = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    found = parallel_analysis_of_correlation(r, 500, rng=np.random.default_rng(0), n_replicates=20)
    np.testing.assert_allclose(found.components.observed, [2.5, 0.5, 0.5, 0.5], atol=1e-12)
    np.testing.assert_allclose(found.factors.observed, [2, 0, 0, 0], atol=1e-6)
    assert (found.components.n_retained, found.factors.n_retained) == (1, 1)
    assert (found.null, found.n_replicates, found.quantile, found.flags) == ("wishart", 20, 0.95, ())


@pytest.mark.parametrize("null", ["wishart", "permuted"])
def test_planted_factors_are_found(null: str) -> None:
    rng = np.random.default_rng(1)
    found = parallel_analysis(planted(rng), rng=rng, null=null, n_replicates=40)
    assert (found.components.n_retained, found.factors.n_retained) == (2, 2)


def test_planted_factors_of_binary_items_are_found_by_tetrachorics() -> None:
    rng = np.random.default_rng(2)
    data = (planted(rng) > 0.3).astype(float)
    found = parallel_analysis(data, rng=rng, null="permuted_tetrachoric", n_replicates=20)
    assert (found.components.n_retained, found.factors.n_retained) == (2, 2)
    # Tetrachorics of .64 in blocks of four: eigenvalues about 1 + 3 (.64) = 2.92, far above those of phi.
    assert found.components.observed[1] > 2.5


def test_lists_without_structure_need_the_null_that_keeps_their_lengths() -> None:
    # Every list holds 5 of 20 columns, so columns crowd each other out and the last eigenvalue is exactly 0. The
    # curveball null shares that; columns that are permuted one by one do not.
    rng = np.random.default_rng(3)
    lists = (np.argsort(np.argsort(rng.random((200, 20)), axis=1), axis=1) < 5).astype(np.uint8)
    kept = parallel_analysis(lists, rng=rng, null="curveball", n_replicates=20)
    assert kept.components.null_mean[-1] == pytest.approx(0, abs=1e-10)
    assert kept.components.n_retained == 0
    free = parallel_analysis(lists, rng=rng, null="permuted", n_replicates=20)
    assert free.components.null_mean[-1] > 0.4


def test_noise_keeps_nothing_as_often_as_the_quantile_says() -> None:
    # The first of 40 null-like samples passes its 95 % quantile in about 2; 8 or more have probability .001.
    rng = np.random.default_rng(3)
    kept = [
        parallel_analysis(rng.standard_normal((60, 5)), rng=rng, n_replicates=40).components.n_retained > 0
        for _ in range(40)
    ]
    assert sum(kept) < 8


def test_null_of_components_sums_to_the_number_of_columns() -> None:
    rng = np.random.default_rng(4)
    found = parallel_analysis(planted(rng), rng=rng, n_replicates=30)
    assert found.components.null_mean.sum() == pytest.approx(8, abs=1e-10)
    assert (np.diff(found.components.null_mean) <= 0).all()
    assert (found.components.null_quantile >= found.components.null_mean).all()


def test_data_and_its_correlations_give_the_same() -> None:
    data = planted(np.random.default_rng(5))
    a = parallel_analysis(data, rng=np.random.default_rng(6), n_replicates=20)
    b = parallel_analysis_of_correlation(
        correlate(data), len(data), rng=np.random.default_rng(6), n_replicates=20
    )
    np.testing.assert_array_equal(a.factors.null_quantile, b.factors.null_quantile)
    np.testing.assert_array_equal(a.components.observed, b.components.observed)


def test_more_columns_than_rows_are_used_and_flagged() -> None:
    rng = np.random.default_rng(7)
    found = parallel_analysis(rng.standard_normal((10, 15)), rng=rng, n_replicates=20)
    flags = [flag for flag in found.flags if flag.weakness is Weakness.NOT_POSITIVE_DEFINITE]
    assert len(flags) == 1
    assert flags[0].detail.endswith("they were used as they are")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"null": "normal"}, f"null must be one of {', '.join(map(repr, NULLS))}, not 'normal'"),
        ({"n_replicates": 19}, "n_replicates is 19; at least 20 are needed for a quantile"),
        ({"quantile": 1.0}, "quantile is 1.0; it must be above 0 and below 1"),
        ({"quantile": float("nan")}, "quantile is nan"),
        ({"null": "curveball"}, "0"),
    ],
)
def test_bad_options_are_named(options: dict, message: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match=message):
        parallel_analysis(rng.standard_normal((30, 4)), rng=rng, **options)


def test_bad_data_is_named() -> None:
    rng = np.random.default_rng(0)
    data = rng.standard_normal((30, 4))
    with pytest.raises(DataError, match="at least 2 × 3"):
        parallel_analysis(data[:, :2], rng=rng)
    with pytest.raises(DataError, match="1 of 4 columns of data are constant"):
        parallel_analysis(data * [1, 1, 0, 1], rng=rng)
    data[3, 1] = np.nan
    with pytest.raises(DataError, match="row 3 column 1"):
        parallel_analysis(data, rng=rng)
    with pytest.raises(DataError, match="n_rows is 2"):
        parallel_analysis_of_correlation(np.eye(3), 2, rng=rng)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_scale_and_constants_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = planted(rng, n_rows=100)
    rows, columns = rng.permutation(100), rng.permutation(8)
    moved = (data * rng.choice([-2.0, 3.0], 8) + rng.normal(size=8))[rows][:, columns]
    a = parallel_analysis(data, rng=np.random.default_rng(1), n_replicates=20)
    b = parallel_analysis(moved, rng=np.random.default_rng(1), n_replicates=20)
    np.testing.assert_allclose(b.components.observed, a.components.observed, atol=1e-9)
    np.testing.assert_allclose(b.factors.observed, a.factors.observed, atol=1e-5)
    assert b.components.n_retained == a.components.n_retained


@pytest.mark.parametrize("p", [40, 90])
def test_the_short_way_to_one_factor_ends_where_the_general_search_does(p: int) -> None:
    ended = 0
    for seed in range(6):
        r = np.corrcoef(np.random.default_rng(seed).standard_normal((4 * p, p)), rowvar=False)
        short = _one_factor(r)
        if short is not None:
            ended += 1
            np.testing.assert_allclose(short, extract(r, 1).communalities, atol=1e-6)
    assert ended >= 3


def test_a_heywood_case_is_left_to_the_general_search() -> None:
    # One factor that reproduces .9, .9, .9 with a third of .5: the implied communality .9 * .9 / .5 is above 1.
    r = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, 0.5], [0.9, 0.5, 1.0]])
    assert _one_factor(r) is None
