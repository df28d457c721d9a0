import numpy as np
import pytest
from scipy.stats import multivariate_normal, poisson, ttest_rel

from valuelex.stats import level_gain
from valuelex.stats.hierarchy import tied_cells
from valuelex.stats.level_gain import FAR, SHARES, at_best_share, between_gains, gain_over, within_gains
from valuelex.stats.levels import BlockSums

LABELS = np.array([0, 0, 0, 1, 1, 1, 1])
OBSERVED = np.array([[[4.0, 3.0], [3.0, 6.0]], [[2.0, 1.0], [1.0, 8.0]], [[6.0, 2.0], [2.0, 4.0]]])
EXPECTED = np.array([[[3.0, 4.0], [4.0, 5.0]], [[2.5, 2.0], [2.0, 5.5]], [[3.0, 4.0], [4.0, 3.0]]])


def two_factors(seed=0, n=30, loading=0.7, labels=LABELS):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, labels.max() + 1))
    return loading * factors[:, labels] + np.sqrt(1 - loading**2) * rng.normal(size=(n, len(labels)))


def test_within_is_the_poisson_likelihood_of_the_part_that_was_held_out():
    # Trained on the first two: C = 6, 4, 14 (aa, ab, bb) of E = 5.5, 6, 10.5; in all 28 of 28, so r = 1, and the
    # rates are (C + 1) / (E + 1).
    rate = {"aa": 7 / 6.5, "ab": 5 / 7, "bb": 15 / 11.5}
    # Cells of one group count each pair twice: 3 pairs in aa of 1.5 expected, 2 in ab of 4, 2 in bb of 1.5.
    seen, due = {"aa": 3, "ab": 2, "bb": 2}, {"aa": 1.5, "ab": 4.0, "bb": 1.5}
    by_hand = sum(poisson.logpmf(seen[c], rate[c] * due[c]) - poisson.logpmf(seen[c], due[c]) for c in rate)
    found = within_gains(BlockSums(OBSERVED, EXPECTED), np.array([True, True, False]))
    np.testing.assert_allclose(found.gain, [by_hand], atol=1e-12)
    # The held-out part has 14 of 14 expected, so its own rate is 1.
    slope = sum((seen[c] - due[c]) * np.log(rate[c]) for c in rate)
    np.testing.assert_allclose(found.slope, [slope], atol=1e-12)


def test_half_of_what_was_learnt_is_the_root_of_the_rates_and_half_of_the_covariances():
    rate = np.sqrt(np.array([[7 / 6.5, 5 / 7], [5 / 7, 15 / 11.5]]))
    found = within_gains(BlockSums(OBSERVED, EXPECTED), np.array([True, True, False]))
    by_hand = (OBSERVED[2] * np.log(rate) - (rate - 1) * EXPECTED[2]).sum() / 2
    np.testing.assert_allclose(found.by_share[SHARES == 0.5], [[by_hand]], atol=1e-12)
    training, held_out = two_factors(), two_factors(1)
    one = np.zeros_like(LABELS)
    by_hand = written_out(training, held_out, LABELS, share=0.5) - written_out(training, held_out, one)
    found = between_gains(training, held_out, LABELS)
    np.testing.assert_allclose(found.by_share[SHARES == 0.5], [by_hand], rtol=1e-4, atol=1e-4)


def test_all_cases_share_the_share_of_what_was_learnt():
    # Sums are 5 and 4 for the first candidate, -3 and -2 for the second.
    by_share = np.array([[[5.0, 0.0], [1.0, 3.0]], [[-1.0, -2.0], [-2.0, 0.0]]])
    assert at_best_share(by_share).tolist() == [[5.0, 0.0], [-2.0, 0.0]]


def test_groups_that_share_a_rate_are_counted_together():
    cells = np.array([[0, 1], [1, 0]])
    # aa and bb together: C = 20, E = 16.
    rate = np.array([[21 / 17, 9 / 13], [9 / 13, 21 / 17]])
    found = within_gains(BlockSums(OBSERVED, EXPECTED), np.array([True, True, False]), cells)
    by_hand = (OBSERVED[2] * np.log(rate) - (rate - 1) * EXPECTED[2]).sum() / 2
    np.testing.assert_allclose(found.gain, [by_hand], atol=1e-12)


def test_one_group_gains_nothing():
    one = np.zeros(7, dtype=np.int64)
    found = between_gains(two_factors(), two_factors(1), one)
    np.testing.assert_array_equal(found.gain, 0)
    np.testing.assert_allclose(found.slope, 0, atol=1e-12)
    sums = BlockSums(OBSERVED.sum(axis=(1, 2), keepdims=True), EXPECTED.sum(axis=(1, 2), keepdims=True))
    # The rate of the one group is drawn to the overall rate, and is equal to it here.
    np.testing.assert_allclose(within_gains(sums, np.array([True, True, False])).gain, 0, atol=1e-12)


def test_a_part_without_pairs_gains_nothing():
    sums = BlockSums(np.append(OBSERVED, [np.zeros((2, 2))], 0), np.append(EXPECTED, [np.zeros((2, 2))], 0))
    found = within_gains(sums, np.array([True, True, False, False]))
    assert (found.gain[1], found.slope[1]) == (0.0, 0.0)


def standardised(training, rows):
    return np.clip((rows - training.mean(axis=0)) / training.std(axis=0, ddof=1), -FAR, FAR)


def written_out(training, held_out, labels, share=1.0):
    """Log-likelihood of standardised rows under the covariance of factors, written out as a matrix of columns."""
    model = level_gain._learn(standardised(training, training), labels, None)
    load = np.eye(labels.max() + 1)[labels] * model.loading[:, None]
    sigma = share * load @ model.correlation @ load.T
    sigma[np.diag_indices(len(labels))] += 1 - share * model.loading**2
    new = standardised(training, held_out)
    return np.atleast_1d(multivariate_normal.logpdf(new, np.zeros(len(labels)), sigma))


@pytest.mark.parametrize("n_training", [4, 30])
def test_between_is_the_normal_likelihood_of_the_covariance_written_out(n_training):
    training, held_out = two_factors(n=n_training), two_factors(1, n=5)
    held_out[0, 0] = 60.0  # One odd value, which is cut.
    one = np.zeros_like(LABELS)
    by_hand = written_out(training, held_out, LABELS) - written_out(training, held_out, one)
    found = between_gains(training, held_out, LABELS)
    np.testing.assert_allclose(found.gain, by_hand, rtol=1e-4, atol=1e-4)


def test_loadings_and_correlations_of_factors_are_learnt():
    rng = np.random.default_rng(2)
    factors = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=4000)
    loading = np.array([0.9, 0.7, 0.5, 0.8, 0.6, 0.6, 0.4])
    rows = loading * factors[:, LABELS] + np.sqrt(1 - loading**2) * rng.normal(size=(4000, 7))
    model = level_gain._learn(standardised(rows, rows), LABELS, None)
    # The centroid method takes the others of a group to load as its mean, which draws loadings of a small one together.
    np.testing.assert_allclose(model.loading, loading, atol=0.13)
    assert np.argsort(model.loading[:3]).tolist() == [2, 1, 0]
    assert model.correlation[0, 1] == pytest.approx(0.5, abs=0.05)
    few = level_gain._learn(standardised(rows[:6], rows[:6]), LABELS, None)
    assert np.ptp(few.loading[:3]) < np.ptp(model.loading[:3])  # Drawn together where data are few.


def test_between_does_not_depend_on_the_units_of_columns():
    training, held_out = two_factors(), two_factors(1)
    scale, shift = np.arange(1, 8) * 3.0, np.arange(7) - 20.0
    one = between_gains(training, held_out, LABELS)
    other = between_gains(training * scale + shift, held_out * scale + shift, LABELS)
    np.testing.assert_allclose(one.gain, other.gain, atol=1e-9)


def test_columns_in_which_training_units_do_not_differ_are_left_out():
    training, held_out = two_factors(), two_factors(1)
    with_flat = between_gains(
        np.insert(training, 3, 5.0, axis=1), np.insert(held_out, 3, 9.0, axis=1), np.insert(LABELS, 3, 0)
    )
    np.testing.assert_allclose(with_flat.gain, between_gains(training, held_out, LABELS).gain, atol=1e-9)
    flat = between_gains(np.ones((5, 7)), held_out, LABELS)
    assert not flat.gain.any()
    assert not flat.slope.any()


def test_a_true_structure_gains_and_a_false_one_does_not():
    training, held_out = two_factors(n=40), two_factors(1, n=200)
    false = np.array([0, 1, 0, 1, 0, 1, 0])
    assert between_gains(training, held_out, LABELS).gain.mean() > 0.5
    assert abs(between_gains(training, held_out, false).gain.mean()) < 0.02


def test_the_slope_is_0_on_average_where_what_was_learnt_is_luck():
    # Groups of other columns than those that go together in the data held out: its mean is 0, at any strength.
    rng = np.random.default_rng(5)
    training, held_out = two_factors(n=10), two_factors(1, n=300)
    slopes = [
        between_gains(training, held_out[:, rng.permutation(7)], LABELS).slope.mean() for _ in range(400)
    ]
    assert abs(np.mean(slopes)) < 3 * np.std(slopes) / np.sqrt(len(slopes))
    assert between_gains(training, held_out, LABELS).slope.mean() > np.mean(slopes) + 3 * np.std(slopes)


def test_tied_groups_share_a_covariance():
    # Three groups of one dimension each tied to nothing else is no tie at all.
    labels = np.array([0, 0, 1, 1, 2, 2, 2])
    training, held_out = two_factors(labels=labels), two_factors(1, labels=labels)
    free = between_gains(training, held_out, labels)
    own = np.arange(9).reshape(3, 3)
    own = np.minimum(own, own.T)
    np.testing.assert_allclose(between_gains(training, held_out, labels, own).gain, free.gain, atol=1e-6)
    tied = between_gains(training, held_out, labels, tied_cells(np.array([0, 0, 0])))
    assert np.abs(tied.gain - free.gain).max() > 1e-3


def test_gains_are_compared_case_by_case():
    gains, others = np.array([3.0, 2.0, 5.0, 1.0]), np.array([1.0, 1.5, 2.0, 1.2])
    p, high = gain_over(gains, others)
    assert p == pytest.approx(ttest_rel(gains, others, alternative="greater").pvalue)
    # At the limit itself p is .05.
    moved = gains - gains.mean() + high
    assert gain_over(moved, others)[0] == pytest.approx(0.05)
    assert gain_over(gains, gains) == (1.0, 2.75)
    assert gain_over(gains[:1], others[:1]) == (1.0, 1.0)


def test_nothing_is_learnt_where_nothing_comes_together():
    nothing = np.zeros((1, 2, 2))
    sums = BlockSums(np.concatenate([nothing, OBSERVED[:1]]), np.concatenate([nothing, EXPECTED[:1]]))
    found = within_gains(sums, np.array([True, False]))
    np.testing.assert_array_equal(found.by_share, np.zeros((len(SHARES), 1)))
    np.testing.assert_array_equal(found.slope, [0.0])


def test_groups_of_nothing_never_seem_to_predict_much():
    # 24 units learnt from and 6 held out, 24 columns in three groups, no relation at all: what one group or three are
    # said to share is near 0, and loadings are then noise over it. Nothing is gained, and in no draw by more than a
    # nat a unit, where columns that share half of their variance gain two.
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 3
    draws = [between_gains(rng.normal(size=(24, 24)), rng.normal(size=(6, 24)), labels) for _ in range(300)]
    mean = np.array([at_best_share(found.by_share).mean() for found in draws])
    assert mean.max() < 1
    factor = rng.normal(size=(30, 3))[:, labels] + rng.normal(size=(30, 24))
    assert at_best_share(between_gains(factor[:24], factor[24:], labels).by_share).mean() > 2
