import numpy as np
import pytest
from scipy import sparse

from valuelex.stats.company import Company, company_of_sources, expected_company
from valuelex.stats.cooccurrence import cooccurrence
from valuelex.stats.nulls import curveball


def company(lists):
    """Return what the popularity of columns makes come together in lists of one source."""
    ties, totals = lists.T @ (lists.sum(axis=1) - 1.0), lists.sum(axis=0, dtype=float)
    return expected_company(ties[None], totals[None], np.array([float(len(lists))]))


def expected(found):
    matrix = found.drawn.T @ found.drawn - found.crowded.T @ found.crowded
    np.fill_diagonal(matrix, 0.0)
    return matrix


def random_lists(n, p, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((n, p)) < rng.uniform(0.1, 0.7, p)).astype(np.uint8)


def test_every_column_is_expected_to_have_the_company_it_has():
    lists = random_lists(200, 20)
    np.testing.assert_allclose(
        expected(company(lists)).sum(axis=0), lists.T @ (lists.sum(axis=1) - 1.0), rtol=1e-5
    )


def test_columns_alike_share_their_company():
    # All pairs of four columns, once each: every one is in 3 lists of 6, and every pair is expected once.
    pairs = np.array(
        [[i in pair for i in range(4)] for pair in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))]
    )
    found = expected(company(pairs.astype(np.uint8)))
    np.testing.assert_allclose(found[~np.eye(4, dtype=bool)], 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("steep", "shortest", "longest", "missed"),
    [(1.2, 4, 8, 0.06), (2.0, 6, 6, 0.02)],  # Without Hájek's formula the second misses by .066.
)
@pytest.mark.parametrize("seed", range(2))
def test_popular_columns_are_expected_together_as_often_as_in_reshuffled_lists(
    seed, steep, shortest, longest, missed
):
    # Plackett-Luce lists of some of 40 columns, the first of them in most lists.
    rng = np.random.default_rng(seed)
    wish = -steep * np.log(np.arange(1, 41)) + rng.gumbel(size=(600, 40))
    rank = np.argsort(np.argsort(-wish, axis=1), axis=1)
    lists = (rank < rng.integers(shortest, longest + 1, 600)[:, None]).astype(np.uint8)
    share, lengths = lists.mean(axis=0), lists.sum(axis=1).astype(float)
    assert share.max() > 0.8
    drawn, total = curveball(lists, rng), np.zeros((40, 40))
    for _ in range(150):
        drawn = curveball(drawn, rng, n_rounds=6)
        total += cooccurrence(drawn)
    mean = total / 150
    often = np.triu(mean, 1) > 10

    def missed_by(due):
        return float(np.sqrt(np.mean((due[often] / mean[often] - 1) ** 2)))

    product = np.outer(share, share) * 600**2 * (lengths * (lengths - 1)).sum() / lengths.sum() ** 2
    ours = missed_by(expected(company(lists)))
    assert ours < missed
    assert 1.3 * ours < missed_by(product), (ours, missed_by(product))


@pytest.mark.parametrize(
    ("steep", "room", "missed"),
    [(8.0, 1.25, 0.03), (16.0, 0.57, 0.05), (40.0, 0.13, 0.03)],  # With a least room of 1: .06, .57 and 1.2.
)
def test_lists_that_are_nearly_the_same_are_expected_as_they_are(steep, room, missed):
    # Six of 30 columns by taste and chance, each list for itself: nothing but popularity brings columns together.
    rng = np.random.default_rng(0)
    wish = steep * np.linspace(-1, 1, 30) + rng.gumbel(size=(4000, 30))
    lists = (np.argsort(np.argsort(-wish, axis=1), axis=1) < 6).astype(np.uint8)
    share = lists.mean(axis=0)
    assert (share * (1 - share)).sum() == pytest.approx(room, abs=0.05)
    together = cooccurrence(lists).astype(float)
    np.fill_diagonal(together, 0.0)
    assert np.abs(expected(company(lists)) - together).sum() / together.sum() < missed


def test_lists_that_are_all_the_same_are_expected_as_they_are():
    lists = np.tile(np.arange(8) < 5, (12, 1)).astype(np.uint8)
    together = lists.T @ lists
    np.fill_diagonal(together, 0)
    np.testing.assert_allclose(expected(company(lists)), together, atol=1e-4)


def test_the_company_of_sources_is_that_of_each_alone():
    lists, source = random_lists(90, 12), np.arange(90) % 3
    ties, totals = (
        sparse.csr_array(lists * (lists.sum(axis=1, keepdims=True) - 1.0)),
        sparse.csr_array(lists.astype(float)),
    )
    together = company_of_sources(ties, totals, np.ones(90), source)
    for one in range(3):
        alone = company(lists[source == one])
        np.testing.assert_allclose(together.drawn[one], alone.drawn[0], rtol=1e-6)
        np.testing.assert_allclose(together.crowded[one], alone.crowded[0], rtol=1e-6)


def test_a_source_that_counts_twice_is_expected_twice():
    once = company(random_lists(60, 8))
    both = Company(*(np.repeat(part, 2, axis=0) for part in (once.drawn, once.crowded)))
    np.testing.assert_allclose(expected(once.weighted(np.array([2.0]))), expected(both), rtol=1e-12)
