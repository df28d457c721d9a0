from itertools import islice, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import sparse
from scipy.stats import chi2

from valuelex.errors import DataError
from valuelex.stats import nulls
from valuelex.stats.nulls import (
    NULLS,
    curveball,
    curveball_correlations,
    null_correlation,
    permute_columns,
    wishart_correlation,
)


def rng(seed=0):
    return np.random.default_rng(seed)


@settings(max_examples=60)
@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 1)),
    st.integers(0, 99),
)
def test_curveball_keeps_both_margins(lists, seed):
    shuffled = curveball(lists, rng(seed), n_rounds=5)
    assert shuffled.dtype == np.uint8
    assert shuffled.max(initial=0) <= 1
    np.testing.assert_array_equal(shuffled.sum(axis=0), lists.sum(axis=0))
    np.testing.assert_array_equal(shuffled.sum(axis=1), lists.sum(axis=1))


def with_margins(rows, columns):
    """Every 0/1 matrix of these margins, as bytes."""
    shape = len(rows), len(columns)
    found = (
        np.array(cells, dtype=np.uint8).reshape(shape)
        for cells in product((0, 1), repeat=len(rows) * len(columns))
    )
    return [
        x.tobytes() for x in found if x.sum(axis=1).tolist() == rows and x.sum(axis=0).tolist() == columns
    ]


@pytest.mark.parametrize(
    ("start", "n_matrices"),
    [
        # Margins 2, 1, 1 on both sides: the first row is {1, 2} or {1, 3}, with two ways each for the
        # others, or {2, 3}, with one: 5 matrices.
        ([[1, 1, 0], [1, 0, 0], [0, 0, 1]], 5),
        # Margins 2, 2, 2, 2 on both sides: the 90 doubly regular matrices of size 4.
        ([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], 90),
    ],
)
def test_every_matrix_of_the_same_margins_is_equally_likely(start, n_matrices):
    start = np.array(start, dtype=np.uint8)
    possible = with_margins(start.sum(axis=1).tolist(), start.sum(axis=0).tolist())
    assert len(possible) == n_matrices
    n_draws, source = 20 * n_matrices + 900, rng(7)
    drawn = [curveball(start, source, n_rounds=12).tobytes() for _ in range(n_draws)]
    counts = np.array([drawn.count(x) for x in possible])
    assert counts.sum() == n_draws
    expected = n_draws / n_matrices
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert statistic < chi2.isf(0.001, n_matrices - 1)


def test_structure_is_gone_after_the_rounds_of_the_default():
    # 12 columns in 2 groups, each list within one group: 3 of 6 columns of it. By chance 5 of the 11 others
    # are of the same group; before the shuffle all are.
    source = rng(1)
    group = np.repeat([0, 1], 6)
    lists = np.zeros((200, 12), dtype=np.uint8)
    for i, row in enumerate(lists):
        row[source.choice(np.flatnonzero(group == i % 2), 3, replace=False)] = 1
    same = np.equal.outer(group, group) & ~np.eye(12, dtype=bool)

    def share_within(x):
        x = x.astype(float)
        counts = x.T @ x
        return counts[same].sum() / (counts.sum() - np.trace(counts))

    assert share_within(lists) == 1
    shuffled = np.mean([share_within(curveball(lists, source)) for _ in range(10)])
    assert shuffled == pytest.approx(5 / 11, abs=0.03)


def test_replicates_in_a_row_have_no_structure_and_differ():
    # Twelve columns that come in pairs: a list holds both of a pair, so phi within pairs is 1. In the null they
    # correlate as any two columns do.
    source = rng(3)
    lists = np.repeat((source.random((200, 6)) < 0.4).astype(np.uint8), 2, axis=1)
    replicates = list(islice(curveball_correlations(lists, source), 30))
    pairs = np.array([r[np.arange(0, 12, 2), np.arange(1, 12, 2)] for r in replicates])
    others = np.array([r[np.arange(0, 10, 2), np.arange(3, 12, 2)] for r in replicates])
    assert abs(pairs.mean() - others.mean()) < 0.03
    assert not np.array_equal(replicates[0], replicates[1])
    one, other = pairs[:-1].ravel(), pairs[1:].ravel()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.25


def test_keys_are_told_apart_by_table_and_by_sorting(monkeypatch):
    # Pairs of rows over 10 columns: 3 and 17 are in both rows of their pair.
    key, second = np.array([3, 5, 12, 17, 17, 3, 8]), np.array([0, 0, 0, 0, 1, 1, 1], dtype=bool)
    for largest in (nulls.LARGEST_TABLE, 0):
        monkeypatch.setattr(nulls, "LARGEST_TABLE", largest)
        both, alone = nulls._apart(key, second, 20)
        assert sorted(both.tolist()) == [3, 17]
        assert sorted(alone.tolist()) == [5, 8, 12]


@pytest.mark.parametrize("n_pairs", [2000, 2**16 + 1])
def test_columns_are_dealt_in_random_order(n_pairs):
    key = np.repeat(np.arange(2000), 3) * 3 + np.tile([0, 1, 2], 2000)
    pair, column = nulls._dealt(key, n_pairs, 3, rng(5))
    np.testing.assert_array_equal(pair, np.repeat(np.arange(2000), 3))
    counts = np.unique(column.reshape(-1, 3), axis=0, return_counts=True)[1]
    # Six orders, 333 of each expected: chi-square with 5 degrees of freedom.
    assert len(counts) == 6
    assert ((counts - 2000 / 6) ** 2 / (2000 / 6)).sum() < chi2.isf(0.001, 5)


def test_curveball_of_sparse_lists_is_that_of_dense_ones():
    lists = (rng().random((30, 10)) < 0.3).astype(np.uint8)
    found = curveball(sparse.csr_array(lists), rng(5))
    assert sparse.issparse(found)
    np.testing.assert_array_equal(curveball(lists, rng(5)), found.toarray())


def test_rows_trade_inside_their_unit():
    # Units of 5, 1, 4 and 7 rows, mixed: odd ones have a row that trades with nobody.
    unit = rng(2).permutation(np.repeat([0, 1, 2, 3], [5, 1, 4, 7]))
    lists = (rng(3).random((17, 12)) < 0.4).astype(np.uint8)
    source, moved = rng(4), np.zeros(17)
    for _ in range(40):
        shuffled = curveball(lists, source, n_rounds=3, units=unit)
        np.testing.assert_array_equal(shuffled.sum(axis=1), lists.sum(axis=1))
        for u in range(4):
            np.testing.assert_array_equal(shuffled[unit == u].sum(axis=0), lists[unit == u].sum(axis=0))
        moved += (shuffled != lists).any(axis=1)
    # Nobody is left out for good but the row that is alone.
    assert (moved[unit != 1] > 20).all()
    assert moved[unit == 1] == 0


def test_a_matrix_that_its_margins_determine_stays():
    lists = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=np.uint8)
    np.testing.assert_array_equal(curveball(lists, rng()), lists)
    np.testing.assert_array_equal(curveball(lists[:1], rng()), lists[:1])


def test_curveball_refuses_what_it_cannot_shuffle():
    with pytest.raises(DataError, match="values other than 0 and 1"):
        curveball(np.array([[1, 2], [0, 1]]), rng())
    with pytest.raises(DataError, match="n_rounds is 0; at least 1 is needed, and 50 mix most data well"):
        curveball(np.eye(2), rng(), n_rounds=0)


def test_permuted_columns_keep_their_values():
    data = rng(2).standard_normal((40, 3))
    data[3, 1] = np.nan
    before = data.copy()
    permuted = permute_columns(data, rng(3))
    np.testing.assert_array_equal(np.sort(permuted, axis=0), np.sort(data, axis=0))
    np.testing.assert_array_equal(data, before)
    # Columns move apart from each other.
    order = [np.argsort(np.argsort(column)) for column in permuted[:, [0, 2]].T]
    assert not np.array_equal(order[0], order[1])


@pytest.mark.parametrize(("n_rows", "n_columns"), [(50, 6), (7, 6), (6, 6), (4, 6), (2, 3), (5, 1)])
def test_wishart_correlations_have_the_rank_of_the_rows(n_rows, n_columns):
    r = wishart_correlation(n_rows, n_columns, rng(4))
    np.testing.assert_array_equal(np.diag(r), 1)
    np.testing.assert_array_equal(r, r.T)
    values = np.linalg.eigvalsh(r)
    assert (values > 1e-9).sum() == min(n_rows - 1, n_columns)
    assert values[0] > -1e-12


def test_wishart_correlations_spread_as_those_of_normal_rows():
    # r of independent normal columns has mean 0 and variance 1 / (n - 1): at n = 11, sd sqrt(1 / 10) = .316.
    source = rng(6)
    r = np.array([wishart_correlation(11, 4, source)[np.triu_indices(4, 1)] for _ in range(4000)])
    assert np.abs(r.mean(axis=0)).max() < 0.02
    np.testing.assert_allclose(r.var(axis=0), 0.1, atol=0.01)


@pytest.mark.parametrize(("n_rows", "n_columns"), [(1, 3), (5, 0)])
def test_too_small_a_wishart_matrix_is_refused(n_rows, n_columns):
    with pytest.raises(DataError, match="do not exist; give at least 2 × 1"):
        wishart_correlation(n_rows, n_columns, rng())


@pytest.mark.parametrize("null", NULLS)
def test_every_null_is_a_correlation_matrix_without_structure(null):
    # Two columns that are nearly equal: r about .9 in the data, about 0 in the null.
    source = rng(8)
    one = source.random(300) < 0.4
    data = np.column_stack([one, one ^ (source.random(300) < 0.04), source.random((300, 10)) < 0.5]).astype(
        float
    )
    replicates = np.array([null_correlation(data, null, source) for _ in range(20)])
    assert np.corrcoef(data.T)[0, 1] > 0.85
    assert abs(replicates[:, 0, 1].mean()) < 0.1
    np.testing.assert_array_equal(np.diagonal(replicates, axis1=1, axis2=2), 1)
    assert (np.linalg.eigvalsh(replicates) > -1e-9).all()


def test_a_replicate_follows_its_generator():
    data = (rng().random((50, 5)) < 0.5).astype(float)
    for null in NULLS:
        one, same, other = (null_correlation(data, null, rng(seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)


def test_an_unknown_null_is_refused():
    with pytest.raises(DataError) as caught:
        null_correlation(np.eye(3), "bootstrap", rng())
    assert str(caught.value) == (
        "null must be one of 'wishart', 'permuted', 'curveball', 'permuted_tetrachoric', not 'bootstrap'."
    )


@pytest.mark.parametrize("null", NULLS[1:])
def test_a_constant_column_has_no_null_correlation(null):
    with pytest.raises(DataError, match="constant"):
        null_correlation(np.column_stack([np.eye(4), np.ones(4)]), null, rng())
