import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from valuelex.stats.hierarchy import (
    candidates,
    choose_dimensions,
    group_affinity,
    join_groups,
    tie,
    tied_cells,
)

# Groups {0, 1}, {2}, {3, 4}: the first two are close.
LABELS = np.array([0, 0, 1, 2, 2])
AFFINITY = np.array(
    [
        [9.0, 4.0, 2.0, 0.0, -1.0],
        [4.0, 9.0, 3.0, 1.0, 0.0],
        [2.0, 3.0, 9.0, -2.0, 0.0],
        [0.0, 1.0, -2.0, 9.0, 5.0],
        [-1.0, 0.0, 0.0, 5.0, 9.0],
    ]
)
CLOSENESS = group_affinity(AFFINITY, LABELS)


def test_the_mean_affinity_of_groups_by_hand():
    # Within {0, 1} one pair of 4; {0, 1} to {2}: (2 + 3) / 2; to {3, 4}: (0 - 1 + 1 + 0) / 4; a group of one has none.
    assert group_affinity(AFFINITY, LABELS).tolist() == [[4.0, 2.5, 0.0], [2.5, 0.0, -1.0], [0.0, -1.0, 5.0]]


def test_the_closest_groups_are_joined_first():
    assert join_groups(CLOSENESS, 3).tolist() == [0, 1, 2]
    assert join_groups(CLOSENESS, 2).tolist() == [0, 0, 1]
    assert join_groups(CLOSENESS, 1).tolist() == [0, 0, 0]
    assert join_groups(CLOSENESS, 9).tolist() == [0, 1, 2]
    assert join_groups(np.array([[2.0]]), 1).tolist() == [0]


@given(st.permutations(range(5)))
def test_terms_have_no_order(order):
    order = np.array(order)
    first = {0: 0, 1: 0, 2: 1}
    moved = join_groups(group_affinity(AFFINITY[np.ix_(order, order)], LABELS[order]), 2)
    assert [moved[g] == moved[0] for g in range(3)] == [first[g] == first[0] for g in range(3)]


def test_cells_of_one_dimension_are_tied():
    assert tied_cells(np.array([0, 0, 1])).tolist() == [[0, 3, 4], [3, 1, 4], [4, 4, 2]]


def test_tied_values_are_a_weighted_mean():
    cells = np.array([[0, 1], [1, 0]])
    found = tie(np.array([[1.0, 4.0], [6.0, 2.0]]), np.array([[3.0, 1.0], [1.0, 1.0]]), cells)
    assert found.tolist() == [[1.25, 5.0], [5.0, 1.25]]
    none = tie(np.ones((2, 2)), np.zeros((2, 2)), cells)
    assert none.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_the_fewest_dimensions_within_one_standard_error_of_the_best():
    # Three dimensions are best (mean 3); two are behind by 2, 0 and 1 (mean 1, error 1 / sqrt(3) = .58); one by 3.
    gains = np.array([[0.0, 1.0, 3.0], [0.0, 3.0, 3.0], [0.0, 2.0, 3.0]])
    assert choose_dimensions(gains).n_dimensions == 3
    # Behind by 3, -1.5 and 0: mean .5, error 1.32.
    unsure = np.array([[0.0, 0.0, 3.0], [0.0, 4.5, 3.0], [0.0, 3.0, 3.0]])
    found = choose_dimensions(unsure)
    assert found.n_dimensions == 2
    assert found.gain.tolist() == [0.0, 2.5, 3.0]


def test_nothing_gained_is_one_dimension():
    assert choose_dimensions(np.array([[0.0, -1.0], [0.0, -2.0]])).n_dimensions == 1
    assert choose_dimensions(np.zeros((3, 2))).n_dimensions == 1
    assert choose_dimensions(np.array([[0.0, 1.0]])).n_dimensions == 2


def test_as_many_dimensions_as_groups_are_no_candidate():
    # There, no two groups share a dimension, and none differs from the rest: the same as one dimension.
    assert [list(candidates(k)) for k in (2, 3, 6)] == [[1], [1, 2], [1, 2, 3, 4, 5]]
