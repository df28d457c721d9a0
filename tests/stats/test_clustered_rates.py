"""Rates with intervals that allow for clusters, and rates standardised by topic."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import chi2

from valuelex.errors import DataError
from valuelex.stats.clustered_rates import clustered_rates, profiles


def test_no_event_has_the_exact_poisson_upper_end():
    # 0 events in 10 units: the exact upper end is chi²(.975, 2) / 2 / 10 = .3689.
    found = clustered_rates(sparse.csr_array((4, 1)), np.full(4, 2.5))
    assert found.rate[0] == found.ci_low[0] == 0
    assert found.ci_high[0] == pytest.approx(chi2.ppf(0.975, 2) / 20)


def test_events_spread_evenly_have_the_exact_poisson_interval():
    # One event in each of 5 units: no spread beyond Poisson, which is the least variance.
    found = clustered_rates(sparse.csr_array(np.ones((5, 1))), np.ones(5))
    assert found.rate[0] == 1
    assert found.ci_low[0] == pytest.approx(chi2.ppf(0.025, 10) / 10)
    assert found.ci_high[0] == pytest.approx(chi2.ppf(0.975, 12) / 10)


def test_events_in_one_cluster_widen_the_interval():
    exposure = np.ones(20)
    spread = np.zeros((20, 2))
    spread[:10, 0], spread[0, 1] = 1, 10
    found = clustered_rates(sparse.csr_array(spread), exposure)
    width = found.ci_high - found.ci_low
    assert found.rate[0] == found.rate[1] == 0.5
    assert width[1] > 2 * width[0]


def test_intervals_cover_in_clusters():
    # 60 clusters of unequal exposure, each with a rate of its own: gamma with mean .5 and variance .25.
    rng = np.random.default_rng(0)
    n, hits = 600, 0
    for _ in range(n):
        exposure = rng.uniform(1, 5, 60)
        counts = rng.poisson(exposure * rng.gamma(1.0, 0.5, 60))
        found = clustered_rates(sparse.csr_array(counts[:, None].astype(float)), exposure)
        hits += bool(found.ci_low[0] <= 0.5 <= found.ci_high[0])
    assert 0.92 <= hits / n <= 0.98


def test_a_cluster_without_exposure_is_refused():
    with pytest.raises(DataError) as error:
        clustered_rates(sparse.csr_array((2, 1)), np.array([1.0, 0.0]))
    assert "positive exposure" in str(error.value)


def test_profiles_expect_what_all_did_on_the_same_topics():
    # Topic 0: 3 events in 30 words of both makers, so .1; topic 1: 9 in 30, so .3. Maker 0 wrote 20 and 10 words.
    counts = np.array([[2.0], [3.0], [1.0], [6.0]])
    exposure = np.array([20.0, 10.0, 10.0, 20.0])
    found = profiles(sparse.csr_array(counts), exposure, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    np.testing.assert_allclose(found.observed[:, 0], [5, 7])
    np.testing.assert_allclose(found.expected[:, 0], [20 * 0.1 + 10 * 0.3, 10 * 0.1 + 20 * 0.3])
    # Variance: (2 - 2)² + (3 - 3)² = 0 and (1 - 1)² + (6 - 6)² = 0.
    np.testing.assert_allclose(found.variance[:, 0], [0, 0], atol=1e-12)
    np.testing.assert_allclose(found.variation, [0], atol=1e-12)


def test_topics_of_one_maker_share_one_rate():
    counts = np.array([[4.0], [1.0], [0.0]])
    exposure = np.array([10.0, 10.0, 10.0])
    found = profiles(sparse.csr_array(counts), exposure, np.array([0, 0, 1]), np.array([0, 1, 2]))
    np.testing.assert_allclose(found.expected[:, 0], [20 * 5 / 30, 10 * 5 / 30])


def test_variation_is_about_nothing_where_makers_do_not_differ_and_about_its_size_where_they_do():
    rng = np.random.default_rng(1)
    n_makers, n_topics, p = 20, 100, 30
    maker, topic = np.repeat(np.arange(n_makers), n_topics), np.tile(np.arange(n_topics), n_makers)
    exposure = rng.uniform(50, 150, len(maker))
    rate = 0.02 * rng.gamma(1.0, 1.0, (n_topics, p))[topic]
    same = profiles(
        sparse.csr_array(rng.poisson(rate * exposure[:, None]).astype(float)), exposure, maker, topic
    )
    assert abs(np.median(same.variation)) < 0.005
    # A gamma of shape 10 has a squared coefficient of variation of .1.
    own = rng.gamma(10.0, 0.1, (n_makers, p))[maker]
    differ = profiles(
        sparse.csr_array(rng.poisson(rate * own * exposure[:, None]).astype(float)), exposure, maker, topic
    )
    assert np.median(differ.variation) == pytest.approx(0.09, abs=0.03)
