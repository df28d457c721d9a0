import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats import levels
from valuelex.stats.company import Company
from valuelex.stats.cooccurrence import cooccurrence, standardise_pairs
from valuelex.stats.levels import (
    between_affinity,
    block_sums,
    count_lists,
    product_affinity,
    profiles,
    within_affinity,
)

# Unit 0 names {a b}, {a c}, {a b}; unit 1 names {b c}, {a b c}. Two blocks in unit 0, one in unit 1.
LISTS = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 0], [0, 1, 1], [1, 1, 1]], dtype=np.uint8)
BLOCK = [0, 0, 1, 2, 2]
UNIT = [0, 0, 0, 1, 1]
ONCE = np.ones(3)


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def random_lists(seed=0, n=60, p=9, n_blocks=12, n_units=4):
    rng = np.random.default_rng(seed)
    lists = (rng.random((n, p)) < rng.uniform(0.1, 0.7, p)).astype(np.uint8)
    block = np.arange(n) % n_blocks
    return lists, block, block % n_units


def test_counts_by_block_by_hand():
    counts = count_lists(LISTS, BLOCK, UNIT)
    assert counts.totals.toarray().tolist() == [[2, 1, 1], [1, 1, 0], [1, 2, 2]]
    pairs = {(0, 1): 0, (0, 2): 1, (1, 2): 2}
    assert list(zip(counts.first, counts.second, strict=True)) == list(pairs)
    assert counts.pairs.toarray().tolist() == [[1, 1, 0], [1, 0, 0], [1, 1, 2]]
    assert counts.lengths.tolist() == [4, 2, 5]
    assert counts.ties.toarray().tolist() == [[2, 1, 1], [1, 1, 0], [2, 3, 3]]
    assert counts.n_lists.tolist() == [2, 1, 2]
    assert counts.unit.tolist() == [0, 0, 1]
    assert (counts.n_columns, counts.n_blocks, counts.n_units) == (3, 3, 2)


def expected(company):
    matrix = company.drawn.T @ company.drawn - company.crowded.T @ company.crowded
    np.fill_diagonal(matrix, 0.0)
    return matrix


def test_the_residual_is_of_what_is_expected():
    lists, block, unit = random_lists(n=200, p=20)
    counts = count_lists(lists, block, unit)
    due = off_diagonal(expected(counts.company))
    residual = (off_diagonal(cooccurrence(lists)) - due) / np.sqrt(due)
    z = (residual - residual.mean()) / residual.std()
    np.testing.assert_allclose(off_diagonal(within_affinity(counts, np.ones(12)).matrix), z, atol=1e-10)


def test_within_one_unit_is_pooled():
    lists, block, _ = random_lists()
    counts = count_lists(lists, block, np.zeros(len(block), dtype=int))
    np.testing.assert_allclose(
        within_affinity(counts, np.ones(12)).matrix,
        within_affinity(counts, np.ones(12), pooled=True).matrix,
        atol=1e-12,
    )


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_block_that_counts_twice_is_one_listed_twice(seed):
    lists, block, unit = random_lists(seed, n=24, p=5, n_blocks=6, n_units=2)
    # Blocks of one unit count alike within units; pooled, each may count for itself.
    for pooled, again in ((False, unit == seed % 2), (True, block == seed % 6)):
        weights = 1.0 + np.isin(np.arange(6), block[again])
        twice = count_lists(
            np.vstack([lists, lists[again]]), np.append(block, block[again]), np.append(unit, unit[again])
        )
        np.testing.assert_allclose(
            within_affinity(count_lists(lists, block, unit), weights, pooled=pooled).matrix,
            within_affinity(twice, np.ones(6), pooled=pooled).matrix,
            atol=1e-5,
        )


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_columns_and_units_have_no_order(seed):
    lists, block, unit = random_lists(seed, n=30, p=6, n_blocks=6, n_units=3)
    order = np.random.default_rng(seed).permutation(6)
    counts, moved = (
        count_lists(lists, block, unit),
        count_lists(lists[:, order], (block + 2) % 6, (unit + 2) % 3),
    )
    ones = np.ones(6)
    np.testing.assert_allclose(
        within_affinity(moved, ones).matrix,
        within_affinity(counts, ones).matrix[np.ix_(order, order)],
        atol=1e-9,
    )
    np.testing.assert_allclose(
        between_affinity(profiles(moved)).matrix,
        between_affinity(profiles(counts)).matrix[np.ix_(order, order)],
        atol=1e-9,
    )


def test_lists_are_counted_alike_in_chunks(monkeypatch):
    lists, block, unit = random_lists()
    whole = count_lists(lists, block, unit)
    labels = np.arange(whole.n_columns) % 3
    cut = (labels, np.arange(whole.n_blocks) % 2, whole.company, np.arange(whole.n_units) % 2)
    sums = block_sums(whole, *cut)
    monkeypatch.setattr(levels, "CHUNK_PAIRS", 7)
    parts = count_lists(lists, block, unit)
    np.testing.assert_array_equal(sums.observed, block_sums(parts, *cut).observed)
    np.testing.assert_array_equal(whole.pairs.toarray(), parts.pairs.toarray())
    np.testing.assert_array_equal(whole.first, parts.first)
    np.testing.assert_array_equal(
        whole.pairs.sum(axis=0),
        [lists[:, i] @ lists[:, j] for i, j in zip(whole.first, whole.second, strict=True)],
    )


def test_many_columns_give_what_few_do(monkeypatch):
    lists, block, unit = random_lists(p=9)
    counts = count_lists(lists, block, unit)
    vectors = np.random.default_rng(1).normal(size=(4, 9))
    vectors /= np.linalg.norm(vectors, axis=0)
    made = (
        lambda: within_affinity(counts, np.ones(12)),
        lambda: between_affinity(profiles(counts)),
        lambda: product_affinity(vectors),
    )
    few = [make() for make in made]
    monkeypatch.setattr(levels, "MOST_EXACT", 5)
    monkeypatch.setattr(levels, "STRIP", 4)
    for one, make in zip(few, made, strict=True):
        many = make()
        for view, items in ((many, np.arange(9)), (many.restricted(np.array([7, 2, 4])), [7, 2, 4])):
            total = np.zeros((len(items), len(items)), dtype=np.float32)
            view.add_to(total, 0.5)
            np.testing.assert_allclose(
                off_diagonal(total), off_diagonal(0.5 * one.matrix[np.ix_(items, items)]), atol=2e-5
            )


def test_affinities_have_mean_0_and_variance_1_over_pairs():
    lists, block, unit = random_lists()
    counts = count_lists(lists, block, unit)
    for view in (within_affinity(counts, np.ones(12)), between_affinity(profiles(counts))):
        pairs = off_diagonal(view.matrix)
        assert pairs.mean() == pytest.approx(0, abs=1e-12)
        assert pairs.std() == pytest.approx(1, abs=1e-9)
        assert not np.diag(view.matrix).any()


def test_profiles_by_hand():
    # Unit 0 named 6 words and unit 1 named 5; of the 11 each word is 4, 4 and 3.
    found = profiles(count_lists(LISTS, BLOCK, UNIT))
    by_hand = np.log(
        [
            [3.5 / (24 / 11 + 0.5), 2.5 / (24 / 11 + 0.5), 1.5 / (18 / 11 + 0.5)],
            [1.5 / (20 / 11 + 0.5), 2.5 / (20 / 11 + 0.5), 2.5 / (15 / 11 + 0.5)],
        ]
    )
    np.testing.assert_allclose(found, by_hand, atol=1e-12)


def test_a_unit_that_said_more_of_the_same_has_the_same_profile():
    # As popular with both, so that neither likes any word, however often it was asked.
    more = count_lists(np.tile(LISTS[:2], (3, 1)), [0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1])
    np.testing.assert_allclose(profiles(more), 0, atol=1e-12)


def test_rare_columns_do_not_go_together_because_units_said_more_or_less():
    # All units name words at the same rates, in 10 lists or in 400; 50 of the words are rare.
    rng = np.random.default_rng(4)
    unit = np.repeat(np.arange(20), np.where(np.arange(20) < 10, 10, 400))
    lists = (rng.random((len(unit), 60)) < np.where(np.arange(60) < 10, 0.3, 0.005)).astype(np.uint8)
    found = between_affinity(profiles(count_lists(lists, unit, unit)))
    rare = off_diagonal(found.matrix[10:, 10:])
    # Mean of a correlation of 0, in the units of the affinity.
    r = np.corrcoef(profiles(count_lists(lists, unit, unit)), rowvar=False)
    assert abs(off_diagonal(r[10:, 10:]).mean()) < 0.1
    assert abs(rare.mean()) < 0.3


def test_between_is_the_correlation_of_profiles():
    profile = np.random.default_rng(2).gamma(2.0, size=(7, 5))
    found = between_affinity(profile).matrix
    known = standardise_pairs(np.corrcoef(profile, rowvar=False))
    np.testing.assert_allclose(off_diagonal(found), off_diagonal(known), atol=1e-10)


def test_a_unit_that_counts_twice_is_one_that_is_there_twice():
    profile = np.random.default_rng(3).gamma(2.0, size=(6, 5))
    weights = np.array([0.0, 2.0, 1.0, 1.0, 0.0, 3.0])
    drawn = np.repeat(profile, weights.astype(int), axis=0)
    np.testing.assert_allclose(
        between_affinity(profile, weights).matrix, between_affinity(drawn).matrix, atol=1e-10
    )


def test_a_column_in_which_units_do_not_differ_has_no_correlation():
    profile = np.random.default_rng(3).gamma(2.0, size=(6, 4))
    profile[:, 2] = 3.0
    found = between_affinity(profile).matrix
    r = np.corrcoef(np.delete(profile, 2, axis=1), rowvar=False)
    known = np.zeros((4, 4))
    known[np.ix_([0, 1, 3], [0, 1, 3])] = r
    np.testing.assert_allclose(off_diagonal(found), off_diagonal(standardise_pairs(known)), atol=1e-10)


@pytest.mark.parametrize("profile", [np.ones((5, 4)), np.ones((1, 4)) * np.arange(4)])
def test_units_that_do_not_differ_give_no_affinity(profile):
    assert not between_affinity(profile).matrix.any()


def test_block_sums_by_hand():
    # Groups {a} and {b, c}; one part a unit. Off the diagonal of terms: unit 0 has ab 2, ac 1; unit 1 ab 1, ac 1, bc 2.
    counts = count_lists(LISTS, BLOCK, UNIT)
    labels, part = np.array([0, 1, 1]), np.array([0, 0, 1])
    sums = block_sums(counts, labels, part, counts.company, np.array([0, 1]))
    assert sums.observed.tolist() == [[[0, 3], [3, 0]], [[0, 2], [2, 4]]]
    member = np.eye(2)[labels]
    for unit in (0, 1):
        alone = Company(counts.company.drawn[[unit]], counts.company.crowded[[unit]])
        np.testing.assert_allclose(sums.expected[unit], member.T @ expected(alone) @ member, atol=1e-12)


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(DataError) as caught:
        count_lists(LISTS, [0, 0, 0, 0, 0], UNIT)
    assert str(caught.value) == (
        "A block belongs to two units; a block is the smallest part, and lies in one unit."
    )
    with pytest.raises(DataError) as caught:
        count_lists(np.eye(3), [0, 1, 2], [0, 1, 2])
    alone = "No list holds two or more columns, so nothing occurs together; longer lists are needed."
    assert str(caught.value) == alone
    counts = count_lists(np.array([[1, 1, 0], [1, 0, 0]]), [0, 1], [0, 1])
    with pytest.raises(DataError) as caught:
        within_affinity(counts, np.array([0.0, 1.0]))
    assert str(caught.value) == alone
