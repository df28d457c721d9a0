import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from valuelex.domain.incidence import Incidence
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.errors import DataError

TABLES = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=7), elements=st.integers(0, 1)
)


def labelled(table: np.ndarray, who: list[int] | None = None) -> ResponseMatrix:
    n_rows, n_columns = table.shape
    return ResponseMatrix.of_dense(
        table,
        [f"x{i}" for i in range(n_rows)],
        [f"r{i}" for i in (who or range(n_rows))],
        [f"w{j}" for j in range(n_columns)],
    )


@given(TABLES)
def test_a_table_comes_back_as_it_was(table):
    held = Incidence.of_dense(table)
    written = held.dense()
    assert written.dtype == np.uint8
    np.testing.assert_array_equal(written, table)
    np.testing.assert_array_equal(Incidence.of_dense(table.astype(bool)).dense(), table)
    assert held.shape == table.shape
    np.testing.assert_array_equal(held.of_each_row, table.sum(axis=1))
    np.testing.assert_array_equal(held.of_each_column, table.sum(axis=0))
    np.testing.assert_array_equal(np.column_stack([held.rows, held.columns]), np.argwhere(table))


@given(TABLES, st.data())
def test_rows_and_terms_are_those_of_the_table(table, data):
    n_rows, n_columns = table.shape
    matrix = labelled(table)
    rows = data.draw(st.lists(st.integers(0, n_rows - 1), max_size=9)) if n_rows else []
    part = matrix.of_rows(rows)
    np.testing.assert_array_equal(part.named.dense(), table[np.array(rows, dtype=int)])
    assert part.response_ids == tuple(f"x{i}" for i in rows)
    columns = data.draw(st.permutations(range(n_columns)))[: n_columns // 2 + 1]
    of_terms = matrix.of_terms(columns)
    np.testing.assert_array_equal(of_terms.named.dense(), table[:, np.array(columns, dtype=int)])
    assert of_terms.terms == tuple(f"w{j}" for j in columns)
    first, last = sorted(data.draw(st.tuples(st.integers(0, n_rows), st.integers(0, n_rows))))
    np.testing.assert_array_equal(matrix.named.dense(first, last), table[first:last])


@given(TABLES, st.data())
def test_the_order_of_pairs_and_their_number_do_not_matter(table, data):
    pairs = np.argwhere(table)
    again = np.concatenate([pairs, pairs])[data.draw(st.permutations(range(2 * len(pairs))))]
    held = Incidence.of_pairs(again[:, 0], again[:, 1], table.shape)
    np.testing.assert_array_equal(held.dense(), table)


@given(TABLES, st.data())
def test_a_respondent_who_names_a_term_twice_counts_once(table, data):
    who = data.draw(st.lists(st.integers(0, 2), min_size=len(table), max_size=len(table)))
    expected = [len({who[i] for i in np.flatnonzero(column)}) for column in table.T]
    assert labelled(table, who).n_respondents().tolist() == expected


@pytest.mark.parametrize(
    ("starts", "columns", "says"),
    [
        ([0, 1], [0, 1], "do not cut the 2 ones"),
        ([1, 2], [0, 1], "do not cut"),
        ([0, 2, 1, 2], [0, 1], "do not cut"),
        ([], [], "do not cut"),
        ([0, 1, 2], [0, 3], "Column 3 was named, but there are 3"),
        ([0, 1], [-1], "Column -1"),
        ([0, 1, 3], [2, 1, 1], "columns of row 1 do not ascend"),
        ([0, 0, 2], [2, 0], "columns of row 1 do not ascend"),
    ],
)
def test_a_form_that_does_not_hold_is_refused(starts, columns, says):
    with pytest.raises(DataError, match=says):
        Incidence(np.array(starts, dtype=np.int64), np.array(columns, dtype=np.int32), 3)


def test_rows_may_begin_anew_and_be_empty():
    held = Incidence(np.array([0, 0, 2, 3, 3]), np.array([1, 2, 0], dtype=np.int32), 3)
    np.testing.assert_array_equal(held.dense(), [[0, 0, 0], [0, 1, 1], [1, 0, 0], [0, 0, 0]])


def test_what_is_no_table_of_ones_is_refused():
    with pytest.raises(DataError, match="0 and 1 only"):
        Incidence.of_dense([[0, 2]])
    with pytest.raises(DataError, match="0 and 1 only"):
        Incidence.of_dense([[0.5, np.nan]])
    with pytest.raises(DataError, match="1 dimensions is no table"):
        Incidence.of_dense([0, 1])
    with pytest.raises(DataError, match="outside a table of 1 × 2"):
        Incidence.of_pairs([0], [2], (1, 2))
