import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import ndtr, ndtri

from valuelex.errors import DataError
from valuelex.stats.bivariate_normal import bivariate_normal_cdf, bivariate_normal_pdf
from valuelex.stats.flags import Weakness
from valuelex.stats.polychoric import polychoric
from valuelex.stats.tetrachoric import tetrachoric


def rows(table):
    """Rows of two columns whose table this is."""
    table = np.asarray(table)
    return np.repeat(np.argwhere(table >= 0), table.ravel(), axis=0).astype(float)


def kinds(result):
    return [flag.weakness for flag in result.flags]


def normal_columns(n_rows, n_columns, seed=0, shared=1.0):
    rng = np.random.default_rng(seed)
    return shared * rng.standard_normal((n_rows, 1)) + rng.standard_normal((n_rows, n_columns))


def test_probability_at_the_medians_by_hand():
    # P(x <= 0, y <= 0) = 1/4 + arcsin(rho) / (2 pi), on both sides of the change of method at .95.
    rho = np.array([-0.9999, -0.96, -0.94, -0.5, 0.0, 0.5, 0.94, 0.96, 0.9999])
    zero = np.zeros_like(rho)
    np.testing.assert_allclose(
        bivariate_normal_cdf(zero, zero, rho), 0.25 + np.arcsin(rho) / (2 * np.pi), atol=1e-15
    )


limits = st.floats(-5, 5, allow_nan=False)
correlations = st.floats(-0.9999, 0.9999)


@given(limits, limits, correlations)
@example(0.0, 1e-169, 0.97)
@example(-0.0, -5.0, -0.97)
def test_the_four_quadrants_sum_to_one(h, k, rho):
    h, k, rho = np.array([h, h, -h, -h]), np.array([k, -k, k, -k]), rho * np.array([1, -1, -1, 1])
    p = bivariate_normal_cdf(h, k, rho)
    assert p.sum() == pytest.approx(1.0, abs=1e-13)
    assert p[0] + p[1] == pytest.approx(float(ndtr(h[0])), abs=1e-13)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-0.9, 0.9))
def test_the_density_is_the_slope_of_the_probability(h, k, rho):
    at = np.full(2, h), np.full(2, k)
    low, high = bivariate_normal_cdf(*at, np.array([rho - 1e-5, rho + 1e-5]))
    density = bivariate_normal_pdf(np.array([h]), np.array([k]), np.array([rho]))[0]
    assert (high - low) / 2e-5 == pytest.approx(density, rel=1e-5, abs=1e-9)


def test_limits_near_zero_do_not_overflow():
    # With h at 0 and rho near 1: P(x <= 0, y <= -1) is P(y <= -1) but for what rho leaves.
    h = np.array([0.0, 1e-320, -1e-320, 0.0])
    k = np.array([-1.0, -1.0, -1.0, 1e-310])
    p = bivariate_normal_cdf(h, k, np.full(4, 0.9999))
    np.testing.assert_allclose(p[:3], ndtr(-1.0), atol=1e-12)
    assert p[3] == pytest.approx(0.25 + np.arcsin(0.9999) / (2 * np.pi), abs=1e-15)


def test_tetrachoric_by_hand():
    # Both columns split in half, so P(0, 0) = 1/4 + arcsin(r) / (2 pi); with 40 of 120 rows r = sin(pi / 6) = 1/2.
    result = tetrachoric(rows([[40, 20], [20, 40]]))
    np.testing.assert_allclose(result.correlation, [[1, 0.5], [0.5, 1]], atol=1e-12)
    np.testing.assert_allclose(result.thresholds, [0, 0], atol=1e-15)
    assert result.flags == ()


def test_thresholds_are_where_a_column_becomes_one():
    # 60 of 80 rows are 1 in the first column: the threshold has a quarter of the normal below it.
    result = tetrachoric(rows([[10, 10], [30, 30]]))
    np.testing.assert_allclose(result.thresholds, [ndtri(0.25), 0.0], atol=1e-15)
    assert result.correlation[0, 1] == pytest.approx(0.0, abs=1e-12)


def test_an_empty_cell_counts_as_half_a_row():
    # With the margins of 20 and 20 of 40 rows the share q of the corner solves 15/q = 5/(1/2-q) + ... by symmetry:
    # cells 20, .5, .5, 20 give q / (1/2 - q) = 20 / .5, so q = 20/41 and r = sin(2 pi (q - 1/4)).
    result = tetrachoric(rows([[20, 0], [0, 20]]))
    assert result.correlation[0, 1] == pytest.approx(np.sin(2 * np.pi * (20 / 41 - 0.25)), abs=1e-10)
    assert [str(flag) for flag in result.flags] == [
        "SPARSE_CELLS: 1 of 1 pairs of columns have empty cells, counted as 0.5 rows (first: 0 with 1)"
    ]


@pytest.mark.parametrize(("table", "sign"), [([[20, 0], [5, 20]], 1), ([[20, 9], [15, 0]], -1)])
def test_without_correction_an_empty_cell_leads_to_the_limit(table, sign):
    for result in (
        tetrachoric(rows(table), correct=0, smoothing=False),
        polychoric(rows(table), smoothing=False),
    ):
        assert result.correlation[0, 1] == sign * 0.9999
        assert Weakness.AT_BOUNDARY in kinds(result)


def test_perfect_order_leads_to_the_limit_where_the_likelihood_is_flat():
    # Every row of a higher category in one column has at least that of the other: correlation 1, and -1 turned.
    table = np.array([[1, 1, 7], [0, 0, 1]])
    for turned, sign in ((table, 1), (table[::-1], -1)):
        result = polychoric(rows(turned), smoothing=False)
        assert result.correlation[0, 1] == sign * 0.9999
        assert kinds(result) == [Weakness.AT_BOUNDARY]


@pytest.mark.parametrize(
    "table",
    [
        # Newton's step leads to a correlation at which cells that hold rows have probability 0 to rounding.
        [[805, 387, 0, 0, 0], [0, 481, 25, 1, 0], [0, 177, 198, 413, 0], [0, 0, 0, 340, 173]],
        [[114, 9, 33, 1], [0, 1, 0, 0], [2, 1, 71, 24], [0, 0, 2, 42]],
        [[300, 2, 0, 0], [1, 300, 2, 0], [0, 1, 300, 1], [0, 0, 2, 300]],
        [[1, 0, 40], [0, 9, 0], [40, 0, 1]],
        [[5, 0], [0, 1], [1, 0]],
    ],
)
def test_no_other_correlation_makes_a_table_likelier(table):
    table = np.array(table)
    found = polychoric(rows(table), smoothing=False)
    edges = [np.concatenate([[-30.0], cuts, [30.0]]) for cuts in found.thresholds]
    h, k = (x.ravel() for x in np.meshgrid(*edges, indexing="ij"))

    def likelihood(rho):
        below = bivariate_normal_cdf(h, k, np.full(len(h), rho)).reshape(len(edges[0]), -1)
        shares = np.diff(np.diff(below, axis=0), axis=1)
        return (table * np.log(np.maximum(shares, 1e-20))).sum()

    best = likelihood(found.correlation[0, 1])
    assert best >= max(likelihood(rho) for rho in np.sin(np.linspace(-1.55, 1.55, 400))) - 1e-9


def test_a_correction_of_cells_too_improbable_is_flagged():
    # Correlation near 1 and half a row in the far corners, where it leaves no probability above rounding.
    table = np.diag([100] * 6) + np.diag([25] * 5, 1) + np.diag([25] * 5, -1)
    assert kinds(polychoric(rows(table), smoothing=False)) == []
    assert kinds(polychoric(rows(table), correct=0.1, smoothing=False)) == [
        Weakness.SPARSE_CELLS,
        Weakness.NOT_CONVERGED,
    ]


def test_an_impossible_matrix_is_smoothed_and_flagged():
    # a goes with b and b with c, but a not with c: .9, .9 and -.9 are no correlations of three variables.
    data = (normal_columns(12, 8, seed=4, shared=3) > np.linspace(-1, 1, 8)).astype(float)
    raw, mended = tetrachoric(data, smoothing=False), tetrachoric(data)
    assert np.linalg.eigvalsh(raw.correlation)[0] < 0
    assert np.linalg.eigvalsh(mended.correlation)[0] > 0
    assert Weakness.NOT_POSITIVE_DEFINITE in kinds(mended)
    assert raw.flags[-1].detail == "eigenvalues are not positive, and the matrix was left as it is"


@pytest.mark.parametrize("seed", range(3))
def test_tetrachoric_is_polychoric_of_two_categories(seed):
    data = (normal_columns(60, 5, seed=seed) > np.array([-1.2, -0.5, 0, 0.6, 1.5])).astype(float)
    for holes in (False, True):
        if holes:
            data[np.arange(20), np.arange(20) % 5] = np.nan
        ours = tetrachoric(data, smoothing=False)
        np.testing.assert_allclose(
            ours.correlation, polychoric(data, correct=0.5, smoothing=False).correlation, atol=1e-8
        )


def test_sparse_and_dense_data_agree():
    data = (normal_columns(80, 4) > 0.3).astype(float)
    np.testing.assert_array_equal(
        tetrachoric(data).correlation, tetrachoric(sparse.csr_array(data)).correlation
    )


def test_many_pairs_are_those_of_each_block():
    # 200 columns are 19,900 pairs, more than are worked on at a time.
    data = (normal_columns(100, 200, seed=2) > 0).astype(float)
    whole = tetrachoric(data, smoothing=False).correlation
    part = tetrachoric(data[:, [3, 150, 198, 199]], smoothing=False).correlation
    np.testing.assert_allclose(whole[np.ix_([3, 150, 198, 199], [3, 150, 198, 199])], part, atol=1e-10)


def test_recovers_the_correlation_of_cut_normals():
    # Standard error of a tetrachoric r of .5 at 40,000 rows is about .007.
    x = normal_columns(40_000, 2, seed=1)
    cut = np.column_stack([x[:, 0] > 0.5, np.digitize(x[:, 1], [-2, -0.3, 1.0])]).astype(float)
    assert polychoric(cut).correlation[0, 1] == pytest.approx(0.5, abs=0.025)
    assert tetrachoric(x > 0.7).correlation[0, 1] == pytest.approx(0.5, abs=0.03)


def test_polychoric_by_hand():
    # Three and two categories. A table of products of its margins has correlation 0.
    result = polychoric(rows([[10, 20], [30, 60], [20, 40]]))
    assert result.correlation[0, 1] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(result.thresholds[0], ndtri([30 / 180, 120 / 180]), atol=1e-15)
    np.testing.assert_allclose(result.thresholds[1], ndtri([60 / 180]), atol=1e-15)
    assert [values.tolist() for values in result.categories] == [[0, 1, 2], [0, 1]]


def test_only_the_order_of_categories_counts():
    x = np.digitize(normal_columns(200, 4), [-1, 0.2, 1.1])
    spread = np.array([-7.0, 0.5, 0.75, 100.0])[x]
    np.testing.assert_array_equal(polychoric(x).correlation, polychoric(spread).correlation)


def test_columns_of_different_numbers_of_categories_agree_with_each_pair_alone():
    x = normal_columns(300, 5, seed=5)
    data = np.column_stack([np.digitize(x[:, m], np.linspace(-1.5, 1.5, m + 1)) for m in range(5)])
    whole = polychoric(data, smoothing=False).correlation
    for i in range(5):
        for j in range(i):
            one = polychoric(data[:, [i, j]], smoothing=False).correlation[0, 1]
            assert whole[i, j] == pytest.approx(one, abs=1e-9)


def test_missing_rows_of_a_pair_are_left_out_of_it():
    x = np.digitize(normal_columns(150, 3, seed=6), [-0.5, 1]).astype(float)
    x[:30, 0] = np.nan
    pairs = polychoric(x, thresholds="pairs", smoothing=False).correlation
    assert pairs[0, 1] == pytest.approx(polychoric(x[30:], smoothing=False).correlation[0, 1], abs=1e-8)
    assert pairs[1, 2] == pytest.approx(polychoric(x, smoothing=False).correlation[1, 2], abs=1e-8)
    np.testing.assert_allclose(polychoric(x).thresholds[1], polychoric(x[:, 1:]).thresholds[0])


def test_a_correction_leaves_out_categories_that_a_pair_does_not_hold():
    # The category 9 of the first column is seen only where the second is missing.
    table = rows([[9, 5, 0], [4, 12, 6], [0, 7, 9]])
    more = np.vstack([table, np.column_stack([np.full(5, 9.0), np.full(5, np.nan)])])
    options = {"correct": 0.5, "thresholds": "pairs", "smoothing": False}
    alone, within = polychoric(table, **options), polychoric(more, **options)
    assert within.correlation[0, 1] == pytest.approx(alone.correlation[0, 1], abs=1e-8)


def test_corrected_cells_of_polychoric_are_flagged():
    table = [[9, 5, 0], [4, 12, 6], [0, 7, 9]]
    plain, corrected = polychoric(rows(table)), polychoric(rows(table), correct=0.5)
    assert plain.flags == ()
    assert kinds(corrected) == [Weakness.SPARSE_CELLS]
    assert corrected.correlation[0, 1] < plain.correlation[0, 1]


binary_tables = st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(
    lambda t: (t[0] + t[1]) * (t[2] + t[3]) * (t[0] + t[2]) * (t[1] + t[3]) > 0
)


@given(binary_tables)
def test_turning_a_column_round_turns_the_sign(table):
    data = rows(np.reshape(table, (2, 2)))
    turned = data.copy()
    turned[:, 1] = 1 - turned[:, 1]
    r = tetrachoric(data, smoothing=False).correlation[0, 1]
    assert tetrachoric(turned, smoothing=False).correlation[0, 1] == pytest.approx(-r, abs=1e-8)
    assert tetrachoric(data[:, ::-1], smoothing=False).correlation[0, 1] == pytest.approx(r, abs=1e-8)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 12), min_size=12, max_size=12))
def test_turning_an_ordered_column_round_turns_the_sign(table):
    table = np.reshape(table, (3, 4)) + np.eye(3, 4, dtype=int) + np.eye(3, 4, 1, dtype=int)
    data = rows(table)
    turned = np.column_stack([data[:, 0], -data[:, 1]])
    r = polychoric(data, smoothing=False).correlation[0, 1]
    assert polychoric(turned, smoothing=False).correlation[0, 1] == pytest.approx(-r, abs=1e-6)


@given(st.permutations(range(40)), st.permutations(range(4)))
def test_order_of_rows_and_columns_does_not_matter(order, columns):
    data = (normal_columns(40, 4, seed=9) > 0).astype(float)
    r = tetrachoric(data).correlation
    moved = tetrachoric(data[order][:, columns]).correlation
    np.testing.assert_allclose(moved, r[np.ix_(columns, columns)], atol=1e-8)


def test_input_is_left_as_it_is():
    data = (normal_columns(30, 3) > 0).astype(float)
    data[0, 0] = np.nan
    before = data.copy()
    tetrachoric(data)
    polychoric(data)
    np.testing.assert_array_equal(data, before)


GOOD = np.array([[0, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 1]], dtype=float)


@pytest.mark.parametrize("correlate", [tetrachoric, polychoric])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            np.column_stack([GOOD, np.ones(4)]),
            "1 of 4 columns of data are constant (first: column 3); a constant column has no correlation, so drop it.",
        ),
        (np.column_stack([GOOD, [np.nan] * 4]), "1 of 4 columns of data are constant (first: column 3)"),
        (np.where(GOOD == 0, np.nan, GOOD), "3 of 3 columns of data are constant (first: column 0, 1, 2)"),
        (
            np.column_stack([[0, 1, np.nan, np.nan], [np.nan, np.nan, 0, 1], [0, 1, 1, 0]]),
            "1 of 3 pairs of columns share no row without missing values (first: 0 with 1); drop one column of each.",
        ),
        (np.full((3, 2), np.nan), "holds no value at all"),
        (np.where(GOOD == 0, np.inf, GOOD), "infinite values"),
        (GOOD[:, :1], "at least 2 × 2 are needed"),
        (GOOD[0], "give a table of rows × columns"),
    ],
)
def test_data_that_has_no_correlation_is_refused(correlate, data, message):
    with pytest.raises(DataError) as caught:
        correlate(data)
    assert message in str(caught.value)


def test_other_values_than_0_and_1_are_refused():
    with pytest.raises(DataError, match=r"2 values other than 0 and 1 \(first: row 0 column 0 is 2"):
        tetrachoric(np.array([[2.0, 1], [1, np.nan], [0, 3]]))
    with pytest.raises(DataError, match="1 column"):
        tetrachoric(sparse.csr_array(np.array([[1], [0]])))


def test_too_many_categories_are_refused():
    data = np.column_stack([np.arange(30), np.arange(30) % 3])
    with pytest.raises(DataError) as caught:
        polychoric(data)
    assert str(caught.value) == (
        "1 of 2 columns of data have more than 20 categories (first: column 0); use Pearson's correlation, or put "
        "categories together."
    )


def test_a_column_that_is_constant_within_a_pair_has_no_thresholds_there():
    data = np.array([[0, 0], [0, 1], [0, 1], [1, np.nan]])
    with pytest.raises(DataError) as caught:
        polychoric(data, thresholds="pairs")
    assert str(caught.value) == (
        "Columns 0 and 1 share only rows in which one of them is constant; take thresholds from 'columns', or "
        "drop one of the two."
    )


@pytest.mark.parametrize("correct", [-0.1, 1.0, np.nan])
def test_a_correction_out_of_range_is_refused(correct):
    for correlate in (tetrachoric, polychoric):
        with pytest.raises(DataError, match="correct must be from 0 to less than 1"):
            correlate(GOOD, correct=correct)


def test_an_unknown_choice_of_thresholds_is_refused():
    with pytest.raises(DataError, match="thresholds must be one of 'columns', 'pairs', not 'global'"):
        polychoric(GOOD, thresholds="global")
