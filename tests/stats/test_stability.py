import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats.cluster import spectral_partitions
from valuelex.stats.flags import Weakness
from valuelex.stats.stability import (
    compare_partitions,
    partition_stability,
    split_half_loadings,
    split_half_partitions,
)

TWELVE_UNITS = np.repeat(np.arange(12), 3)
THREE_CLUSTERS = np.array([0, 0, 0, 1, 1, 2, 2, 2])


def fixed(labels: np.ndarray):
    return lambda weights: labels


def test_partitions_compared_by_hand():
    # Table [[2, 0], [1, 1]]. Pairs together in both: 1; in a: 1 + 1 = 2; in b: 3 + 0 = 3; of 6 pairs.
    # Expected 2·3/6 = 1, maximum (2 + 3)/2 = 2.5: (1 - 1) / (2.5 - 1) = 0.
    assert compare_partitions([0, 0, 1, 1], [0, 0, 0, 1]).adjusted_rand == pytest.approx(0.0, abs=1e-12)
    # Entropies ln 2 and -(3/4 ln 3/4 + 1/4 ln 1/4); information by cells p ln(p / (row · column)).
    h_a, h_b = np.log(2), -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    information = 0.5 * np.log(0.5 / 0.375) + 0.25 * np.log(0.25 / 0.375) + 0.25 * np.log(0.25 / 0.125)
    found = compare_partitions([0, 0, 1, 1], [0, 0, 0, 1]).normalised_mutual_information
    assert found == pytest.approx(2 * information / (h_a + h_b), abs=1e-12)


def test_items_that_one_side_did_not_place_are_left_out():
    found = compare_partitions([0, 0, 1, -1, 1], [5, 5, 2, 2, -1])
    assert (found.adjusted_rand, found.n_items) == (1.0, 3)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40),
    st.permutations(range(4)),
)
def test_the_numbering_the_order_and_the_sides_do_not_matter(pairs, numbering):
    a, b = np.array(pairs).T
    plain = compare_partitions(a, b)
    renumbered = compare_partitions(np.array(numbering)[b][::-1], a[::-1])
    assert renumbered.adjusted_rand == pytest.approx(plain.adjusted_rand, abs=1e-12)
    assert renumbered.normalised_mutual_information == pytest.approx(
        plain.normalised_mutual_information, abs=1e-9
    )
    assert compare_partitions(a, a).adjusted_rand == 1.0


def test_a_partition_that_ignores_the_data_is_fully_stable():
    renumbered = np.array([2, 2, 2, 0, 0, 1, 1, 1])
    found = partition_stability(fixed(renumbered), THREE_CLUSTERS, TWELVE_UNITS, 7, np.random.default_rng(0))
    assert found.items.tolist() == [1.0] * 8
    assert found.clusters.tolist() == [1.0] * 3
    assert found.adjusted_rand.tolist() == [1.0] * 7
    assert found.flags == ()


def test_one_item_that_moves_by_hand():
    # Item 2 goes over to the second cluster each time: overlaps 2/3 and 2/3, the third untouched.
    moved = np.array([0, 0, 1, 1, 1, 2, 2, 2])
    found = partition_stability(fixed(moved), THREE_CLUSTERS, TWELVE_UNITS, 5, np.random.default_rng(0))
    assert found.items.tolist() == [1, 1, 0, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(found.clusters, [2 / 3, 2 / 3, 1], atol=1e-12)


def test_rows_of_one_unit_are_drawn_together():
    seen = []

    def partition(weights):
        seen.append(weights.reshape(12, 3))
        return THREE_CLUSTERS

    partition_stability(partition, THREE_CLUSTERS, TWELVE_UNITS, 20, np.random.default_rng(0))
    for weights in seen:
        assert (weights == weights[:, :1]).all()
        assert weights[:, 0].sum() == 12
    assert len({tuple(w[:, 0]) for w in seen}) > 15


def test_items_not_placed_say_nothing_and_refused_resamples_are_counted():
    turns = iter(range(100))

    def partition(weights):
        if next(turns) % 2:
            raise DataError("no list holds two terms.")
        return np.array([0, 0, -1, 1, 1, 2, 2, -1])

    found = partition_stability(partition, THREE_CLUSTERS, np.arange(4), 10, np.random.default_rng(0))
    np.testing.assert_array_equal(found.items, [1, 1, np.nan, 1, 1, 1, 1, np.nan])
    assert [f.weakness for f in found.flags] == [Weakness.FEW_UNITS, Weakness.LEFT_OUT]
    assert str(found.flags[1]) == "LEFT_OUT: 5 of 10 resamples (first reason: no list holds two terms.)"


def test_more_clusters_than_the_reference_has_are_matched_too():
    finer = np.arange(8)
    found = partition_stability(fixed(finer), THREE_CLUSTERS, TWELVE_UNITS, 3, np.random.default_rng(0))
    # One item of each cluster keeps its number: overlaps 1/3, 1/2, 1/3.
    np.testing.assert_allclose(found.clusters, [1 / 3, 1 / 2, 1 / 3], atol=1e-12)


def test_split_halves_hold_whole_units_once():
    seen = []

    def partition(weights):
        seen.append(weights)
        return THREE_CLUSTERS

    found = split_half_partitions(partition, TWELVE_UNITS, 4, np.random.default_rng(0))
    assert found.adjusted_rand.tolist() == found.normalised_mutual_information.tolist() == [1.0] * 4
    for one, other in zip(seen[::2], seen[1::2], strict=True):
        np.testing.assert_array_equal(one + other, 1.0)
        assert one.sum() == 18
        assert (one.reshape(12, 3) == one.reshape(12, 3)[:, :1]).all()


def test_halves_with_the_same_planted_blocks_agree_and_noise_does_not():
    rng = np.random.default_rng(3)
    block = np.repeat(np.arange(3), 8)
    taste = rng.integers(3, size=200)
    structured = (rng.random((200, 24)) < np.where(taste[:, None] == block, 0.6, 0.1)).astype(float)
    noise = (rng.random((200, 24)) < 0.25).astype(float)

    def partition_of(lists):
        def partition(weights):
            return spectral_partitions(np.corrcoef(lists[weights > 0].T), [3])[0]

        return partition

    units = np.arange(200)
    assert split_half_partitions(partition_of(structured), units, 5, rng).adjusted_rand.mean() > 0.9
    assert abs(split_half_partitions(partition_of(noise), units, 5, rng).adjusted_rand.mean()) < 0.1


def test_congruence_of_halves_does_not_depend_on_order_or_sign():
    reference = np.array([[0.8, 0.1], [0.7, 0.0], [0.1, 0.6], [0.0, 0.5]])
    turns = iter(range(100))

    def loadings(weights):
        return reference[:, ::-1] * [-1.0, 1.0] if next(turns) % 2 else reference

    found = split_half_loadings(loadings, reference, TWELVE_UNITS, 6, np.random.default_rng(0))
    np.testing.assert_allclose(found.congruence, np.ones((6, 2)), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: compare_partitions([0, 1], [0, 1, 2]), r"shapes \(2,\) and \(3,\)"),
        (lambda rng: compare_partitions([0, -1], [0, 1]), "1 items were placed by both partitions"),
        (
            lambda rng: partition_stability(fixed(THREE_CLUSTERS), THREE_CLUSTERS, ["a"] * 5, 3, rng),
            "groups names 1 independent unit",
        ),
        (
            lambda rng: partition_stability(fixed(THREE_CLUSTERS), [-1, 0, 1], np.arange(5), 3, rng),
            "The reference is no partition",
        ),
        (
            lambda rng: split_half_partitions(fixed(THREE_CLUSTERS), np.arange(5), 0, rng),
            "n_splits is 0; give a whole number of at least 1",
        ),
        (
            lambda rng: split_half_partitions(fixed(np.array([-1, 0])), np.arange(5), 3, rng),
            "None of 3 splits could be used .first reason: 1 items were placed",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(DataError, match=message):
        call(np.random.default_rng(0))


def test_a_missing_unit_is_not_a_unit():
    groups = np.array([0.0, 0, 1, 1, np.nan])
    with pytest.raises(DataError, match=r"groups is missing in 1 of 5 rows .first: row 4."):
        split_half_partitions(fixed(THREE_CLUSTERS), groups, 2, np.random.default_rng(0))
