import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from valuelex.errors import DataError
from valuelex.stats import cluster
from valuelex.stats.cluster import (
    adjusted_rand,
    leading_vectors,
    match_labels,
    modularity,
    nested_partitions,
    relabel,
    spectral_embedding,
    spectral_partitions,
)

BLOCKS = np.array([0, 1, 0, 2, 1, 2, 0, 1, 2, 2])


def block_affinity(within: float = 1.0, between: float = 0.05) -> np.ndarray:
    return np.where(BLOCKS[:, None] == BLOCKS[None, :], within, between)


def test_blocks_are_found_and_numbered_by_first_occurrence():
    labels = spectral_partitions(block_affinity(), [3])[0]
    assert labels.tolist() == BLOCKS.tolist()


def test_order_of_items_does_not_matter():
    order = np.array([9, 3, 1, 0, 2, 8, 7, 6, 5, 4])
    labels = spectral_partitions(block_affinity()[np.ix_(order, order)], [3])[0]
    assert labels.tolist() == relabel(BLOCKS[order]).tolist()


def test_negative_affinities_and_the_diagonal_count_as_none():
    affinity = block_affinity(between=-3.0)
    np.fill_diagonal(affinity, 1e6)
    plain = block_affinity(between=0.0)
    np.testing.assert_allclose(
        np.abs(spectral_embedding(affinity, 1)), np.abs(spectral_embedding(plain, 1)), atol=1e-9
    )
    assert spectral_partitions(affinity, [3])[0].tolist() == BLOCKS.tolist()
    assert affinity[0, 0] == 1e6  # the input is left as it was


def test_two_items_by_hand():
    # Ties [[0, 2], [2, 0]]: degrees 2, mean degree 2, scale 1/sqrt(4); normalised off-diagonal 2/4 = .5.
    # Its leading eigenvector is (1, 1)/sqrt(2), the second (1, -1)/sqrt(2); rows have unit length already.
    embedding = spectral_embedding(np.array([[5.0, 2.0], [2.0, 5.0]]), 2)
    np.testing.assert_allclose(np.abs(embedding), np.full((2, 2), np.sqrt(0.5)), atol=1e-12)
    np.testing.assert_allclose(embedding[0, 0], embedding[1, 0], atol=1e-12)
    np.testing.assert_allclose(embedding[0, 1], -embedding[1, 1], atol=1e-12)


def test_rows_have_unit_length_and_one_without_ties_has_none():
    affinity = np.zeros((4, 4))
    affinity[:3, :3] = 1.0
    embedding = spectral_embedding(affinity, 1)
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), [1, 1, 1, 0], atol=1e-9)


def test_several_numbers_come_from_one_decomposition_and_none_where_nothing_is_alike():
    noisy, _ = noisy_blocks(3)
    each = [spectral_partitions(noisy, [k])[0].tolist() for k in (1, 2, 4)]
    assert [labels.tolist() for labels in spectral_partitions(noisy, (1, 2, 4))] == each
    assert [labels.tolist() for labels in spectral_partitions(-np.ones((4, 4)), [2, 3])] == [[0] * 4] * 2
    with pytest.raises(DataError, match="5 clusters were asked for, but there are 4 items"):
        spectral_partitions(-np.ones((4, 4)), [2, 5])


def test_one_cluster_holds_all():
    labels = spectral_partitions(np.ones((6, 6)), [1])[0]
    assert labels.tolist() == [0] * 6


@pytest.mark.parametrize("n_clusters", [0, 11])
def test_more_clusters_than_items_are_refused(n_clusters):
    with pytest.raises(DataError) as caught:
        spectral_embedding(block_affinity(), n_clusters)
    assert str(caught.value) == (
        f"{n_clusters} clusters were asked for, but there are 10 items; ask for 1 to 10."
    )


def test_no_positive_affinity_is_refused():
    with pytest.raises(DataError, match=r"^No two items have a positive affinity, so there is nothing"):
        spectral_embedding(-np.ones((3, 3)), 2)


def test_relabel_by_hand():
    # 7 occurs first, then 2, then 4.
    assert relabel(np.array([7, 2, 7, 4, 2])).tolist() == [0, 1, 0, 2, 1]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_relabel_keeps_the_partition(labels):
    before = np.array(labels)
    after = relabel(before)
    assert ((before[:, None] == before) == (after[:, None] == after)).all()
    firsts = [int(np.flatnonzero(after == g)[0]) for g in range(after.max() + 1)]
    assert firsts == sorted(firsts)
    assert relabel(after).tolist() == after.tolist()


def test_match_labels_by_hand():
    # Overlaps (rows: labels, columns: reference): 0 -> {1: 2, 0: 1}, 1 -> {2: 2}, 2 -> {0: 2}; so 0->1, 1->2, 2->0.
    labels = np.array([0, 0, 0, 1, 1, 2, 2])
    reference = np.array([1, 1, 0, 2, 2, 0, 0])
    assert match_labels(labels, reference, 3).tolist() == [1, 1, 1, 2, 2, 0, 0]


def test_match_labels_gives_up_a_pair_for_a_better_whole():
    # Overlaps: 0 -> {0: 3, 1: 2}, 1 -> {0: 3}. Greedy 0->0 keeps 3 + 0; the best match 0->1, 1->0 keeps 2 + 3.
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    reference = np.array([0, 0, 0, 1, 1, 0, 0, 0])
    assert match_labels(labels, reference, 2).tolist() == [1, 1, 1, 1, 1, 0, 0, 0]


@given(st.permutations(range(4)), st.lists(st.integers(0, 3), min_size=4, max_size=15))
def test_a_renumbered_partition_is_matched_back(numbers, labels):
    reference = np.array(labels)
    renumbered = np.array(numbers)[reference]
    assert match_labels(renumbered, reference, 4).tolist() == reference.tolist()


def test_modularity_of_two_triangles_and_a_bridge_by_hand():
    # Edges 01 02 12 34 35 45 23: m = 7, degrees 2 2 3 3 2 2. Within each triangle 3 edges and degree sum 7:
    # Q = 2 (3/7 - (7/14)^2) = 6/7 - 1/2 = 5/14, in Newman's form, which counts the diagonal k_i^2 / 2m.
    # The diagonal is left out here: its expectation is sum k_i^2 / 2m / 2m = 34 / 14 / 14 = 17/98.
    edges = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)]
    ties = np.zeros((6, 6))
    for i, j in edges:
        ties[i, j] = ties[j, i] = 1.0
    degree = ties.sum(axis=1)
    residual = ties - np.outer(degree, degree) / 14
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert modularity(residual, 14.0, labels) == pytest.approx(5 / 14 + 17 / 98, abs=1e-12)


def test_every_item_alone_has_no_pair_inside():
    assert modularity(np.ones((3, 3)), 6.0, np.arange(3)) == 0.0


@pytest.mark.parametrize(
    ("affinity", "message"),
    [
        (np.ones((3, 4)), "shape .3, 4. is not symmetric"),
        (np.array([[0.0, 1.0], [2.0, 0.0]]), "shape .2, 2. is not symmetric"),
        (
            np.array([[0.0, np.nan], [np.nan, 0.0]]),
            "affinity holds 2 missing or infinite values .first: row 0",
        ),
    ],
)
def test_what_is_no_affinity_is_refused(affinity, message):
    with pytest.raises(DataError, match=message):
        spectral_embedding(affinity, 1)


def test_labels_and_totals_that_cannot_be_are_refused():
    two = np.array([0, 1])
    with pytest.raises(DataError, match="each from 0 to 1"):
        match_labels(np.array([-1, 1]), two, 2)
    with pytest.raises(DataError, match=r"a positive total, not 0\.0"):
        modularity(np.zeros((2, 2)), 0.0, two)
    with pytest.raises(DataError, match=r"residual has shape .3, 3., but there are 2 labels"):
        modularity(np.zeros((3, 3)), 1.0, two)


def noisy_blocks(
    seed: int, n: int = 60, n_blocks: int = 4, noise: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    blocks = rng.permutation(np.arange(n) % n_blocks)
    upper = np.triu(rng.normal(size=(n, n)), 1)
    strength = rng.uniform(0.8, 1.6, n_blocks)[blocks]
    return (blocks[:, None] == blocks) * np.sqrt(np.outer(strength, strength)) + noise * (
        upper + upper.T
    ), blocks


def partitioned(affinity: np.ndarray, numbers: list[int]) -> list[np.ndarray]:
    return nested_partitions(leading_vectors(affinity.copy(), max(numbers)), numbers)


def test_planted_blocks_are_found_without_chance():
    affinity, blocks = noisy_blocks(0)
    one, four = partitioned(affinity, [1, 4])
    assert not one.any()
    assert four.tolist() == relabel(blocks).tolist()
    assert partitioned(affinity, [4])[0].tolist() == four.tolist()


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_items_have_no_order(seed: int):
    affinity, _ = noisy_blocks(seed, n=30, noise=0.6)
    order = np.random.default_rng(seed).permutation(30)
    plain, moved = partitioned(affinity, [3, 5]), partitioned(affinity[np.ix_(order, order)], [3, 5])
    for labels, other in zip(plain, moved, strict=True):
        assert other.tolist() == relabel(labels[order]).tolist()


def test_many_items_are_partitioned_as_few_are(monkeypatch: pytest.MonkeyPatch):
    for seed in range(5):
        affinity, _ = noisy_blocks(seed)
        dense, found = leading_vectors(affinity.copy(), 5), partitioned(affinity, [2, 3, 4, 5])
        monkeypatch.setattr(cluster, "MOST_DENSE", 10)
        np.testing.assert_allclose(leading_vectors(affinity.copy(), 5), dense, atol=1e-4)
        single = leading_vectors(affinity.astype(np.float32), 5)
        np.testing.assert_allclose(np.abs(single), np.abs(dense), atol=1e-2)
        for labels, known in zip(partitioned(affinity, [2, 3, 4, 5]), found, strict=True):
            np.testing.assert_array_equal(labels, known)
        monkeypatch.undo()


def test_alike_items_are_partitioned_alike_each_time(monkeypatch: pytest.MonkeyPatch):
    # All degrees are equal and all blocks alike: a start at the degrees would never leave the first vector.
    monkeypatch.setattr(cluster, "MOST_DENSE", 10)
    blocks = np.repeat(np.arange(4), 15)
    affinity = (blocks[:, None] == blocks).astype(float) + 0.01
    for _ in range(3):
        assert partitioned(affinity, [4])[0].tolist() == blocks.tolist()


def test_no_tie_gives_no_vectors():
    assert leading_vectors(-np.ones((5, 5)), 2) is None


def test_more_clusters_than_there_are_different_items():
    # Two pairs of equal items without other ties: five clusters are wanted of what are two kinds of items.
    blocks = np.repeat([0, 1], 4)
    (found,) = partitioned((blocks[:, None] == blocks).astype(float), [5])
    assert len(found) == 8
    assert not set(found[:4]) & set(found[4:])


labels_of_ten = st.lists(st.integers(0, 4), min_size=10, max_size=10).map(np.array)


@given(labels_of_ten, labels_of_ten)
def test_adjusted_rand_is_that_of_scikit_learn(labels: np.ndarray, reference: np.ndarray):
    assert adjusted_rand(labels, reference) == adjusted_rand_score(labels, reference)


def test_adjusted_rand_by_hand():
    # {a b c}, {d e f} and {a b}, {c d e f}: 2 x (1 + 3) ordered pairs in both, 4 in the first only, 6 in the second
    # only, 12 in neither. 2 (8 x 12 - 4 x 6) / (12 x 16 + 14 x 18) = 144 / 444.
    assert adjusted_rand(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1])) == pytest.approx(
        144 / 444
    )
