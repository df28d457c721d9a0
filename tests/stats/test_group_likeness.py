"""Groups that are alike are found, groups that are not are left to chance, and the arithmetic is shown."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from valuelex.errors import DataError
from valuelex.stats.group_likeness import group_likeness, pair_off, partition_test


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def planted(seed, n_groups=4, per_group=8, noise=0.6, d=16):
    """Two sets of items around the same centres, the second in reverse order of groups."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_groups, d))
    labels = np.repeat(np.arange(n_groups), per_group)
    items, others = (unit(centres[labels] + noise * rng.normal(size=(len(labels), d))) for _ in range(2))
    return items, np.eye(n_groups)[labels], others, np.eye(n_groups)[n_groups - 1 - labels]


def test_similarity_is_the_mean_cosine_between_members():
    # Two groups of one axis each: cosines 1 and 0; the second item of group 0 is at 60 degrees to the x axis.
    items = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)], [0.0, 1.0]])
    groups = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = group_likeness(items, groups, np.eye(2), np.eye(2), 50, np.random.default_rng(0))
    expected = [[0.75, np.sqrt(0.75) / 2], [0.0, 1.0]]
    np.testing.assert_allclose(found.similarity, expected, atol=1e-12)
    # Without the means of rows and columns a table of 2 by 2 has one number left, in all four cells.
    np.testing.assert_allclose(found.standardised, [[1.0, -1.0], [-1.0, 1.0]], atol=1e-12)


def test_counterparts_are_found_and_paired_off():
    found = group_likeness(*planted(1), 500, np.random.default_rng(1))
    assert found.z.argmax(axis=1).tolist() == [3, 2, 1, 0]
    assert (found.p_adjusted[range(4), [3, 2, 1, 0]] == 1 / 501).all()
    assert pair_off(found.z) == ((0, 3), (1, 2), (2, 1), (3, 0))


def test_groups_drawn_at_random_seldom_have_a_counterpart():
    # 60 tables without structure at 5 %: 3 expected with any false match; 10 or more has a chance below .001.
    false = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        items, groups, others, other_groups = planted(seed)
        found = group_likeness(items, rng.permutation(groups), others, other_groups, 99, rng)
        false += bool((found.p_adjusted <= 0.05).any())
    assert false < 10


def test_a_group_near_everything_is_no_match_for_that():
    items, groups, others, other_groups = planted(2)
    items = items.copy()
    # The direction that has the same cosine with the mean of every group of the others.
    means = other_groups.T @ others
    common = np.linalg.pinv(means).sum(axis=1)
    items[:8] = unit(common + 0.01 * np.random.default_rng(3).normal(size=(8, 16)))
    found = group_likeness(items, groups, others, other_groups, 300, np.random.default_rng(2))
    assert (found.p_adjusted[0] > 0.05).all()


def test_pairing_is_for_the_best_sum_and_leaves_rows_over():
    # 9 + 1 < 8 + 7: the first row gives up its best.
    assert pair_off(np.array([[9.0, 8.0], [7.0, 1.0], [0.0, 0.0]])) == ((0, 1), (1, 0))


def test_partition_test_matches_hand_calculation_and_sklearn():
    labels = np.array([0, 0, 1, 1])
    same = partition_test(labels, 1 - labels, 999, np.random.default_rng(0))
    assert same.adjusted_rand == 1
    assert same.mutual_information == pytest.approx(np.log(2), abs=1e-12)
    # 2 of the 6 ways to part four items into these pairs are the same: p near 1/3, and chance is log(2) / 3.
    assert same.adjusted_rand_p == pytest.approx(1 / 3, abs=0.05)
    assert same.mutual_information_chance == pytest.approx(np.log(2) / 3, abs=0.05)
    rng = np.random.default_rng(4)
    a, b = rng.integers(5, size=80), rng.integers(3, size=80)
    found = partition_test(a, b, 200, rng)
    assert found.mutual_information == pytest.approx(mutual_info_score(a, b), abs=1e-12)
    assert found.adjusted_rand_p > 0.01


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.ones((3, 1)), "groups has one group; a comparison needs two groups or more, none of them empty."),
        (
            np.array([[1.0, 0], [1, 0], [1, 0]]),
            "group 1 of groups has no item; a comparison needs two groups",
        ),
        (np.eye(2), "groups has shape (2, 2), but there are 3 items; give a row for each."),
    ],
)
def test_groups_that_cannot_be_compared_are_refused(groups, message):
    with pytest.raises(DataError) as error:
        group_likeness(np.eye(3)[:, :2] + 1, groups, np.eye(2), np.eye(2), 9, np.random.default_rng(0))
    assert message in str(error.value)


def test_a_group_near_nothing_is_not_matched_with_what_is_left():
    # Groups 0 to 2 have their own; group 3 and the last of the others have nothing to do with each other or the rest.
    items, groups, others, other_groups = planted(5, noise=0.3)
    rng = np.random.default_rng(6)
    items, others = items.copy(), others.copy()
    items[24:] = unit(rng.normal(size=(1, 16)) + 0.3 * rng.normal(size=(8, 16)))
    found = group_likeness(items, groups, others, other_groups, 500, rng)
    assert found.standardised[3, 0] > 1
    assert found.p_adjusted[3, 0] > 0.05
