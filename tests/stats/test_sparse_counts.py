"""Sparse counts: how they are made, cut and summed."""

import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.sparse_counts import (
    from_rows,
    n_groups_with,
    n_rows_with,
    present,
    select,
    sum_groups,
    totals,
    with_total,
)

#        a  b  c
ROWS = [[2, 0, 1], [0, 0, 0], [3, 4, 0]]


def made():
    return from_rows([0, 2, 0, 1], [2, 1, 3, 4], [0, 2, 2, 4], 3)


def test_cells_make_the_matrix():
    np.testing.assert_array_equal(made().toarray(), ROWS)


def test_sums_and_selections():
    counts = made()
    np.testing.assert_array_equal(totals(counts), [5, 4, 1])
    np.testing.assert_array_equal(n_rows_with(counts), [2, 1, 1])
    np.testing.assert_array_equal(n_groups_with(counts, np.array([0, 1, 0])), [1, 1, 1])
    np.testing.assert_array_equal(n_groups_with(counts, np.array([0, 1, 2])), [2, 1, 1])
    np.testing.assert_array_equal(select(counts, np.array([2, 0])).toarray(), [[1, 2], [0, 0], [0, 3]])
    np.testing.assert_array_equal(present(counts).toarray(), [[1, 0, 1], [0, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(
        sum_groups(counts, np.array([1, 0, 1]), 2).toarray(), [[0, 0, 0], [5, 4, 1]]
    )
    np.testing.assert_array_equal(with_total(counts).toarray()[:, 0], [3, 0, 7])


def test_present_leaves_the_counts_as_they_are():
    counts = made()
    present(counts)
    np.testing.assert_array_equal(counts.toarray(), ROWS)


def test_ends_that_do_not_belong_to_the_cells_are_refused():
    with pytest.raises(DataError):
        from_rows([0, 1], [1, 1], [0, 1], 2)
