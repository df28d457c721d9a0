"""Rates of events for each unit of exposure, where events come in clusters.

Arrays in, arrays out. Owns intervals of rates and standardised ratios.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import chi2

from valuelex.errors import DataError
from valuelex.stats.checks import Array


@dataclass(frozen=True, slots=True)
class Rates:
    """Events a unit of exposure, with 95 % intervals: (n_columns,)."""

    rate: Array
    ci_low: Array
    ci_high: Array


def clustered_rates(counts: sparse.csr_array, exposure: Array) -> Rates:
    """Estimate rates with intervals that allow for clusters.

    The rate is a ratio of sums over clusters, with its linearised variance ``n / (n - 1) sum (c - R w)² / (sum w)²``,
    but at least that of Poisson counts. The interval is the gamma one of Fay and Feuer, which holds for few events and
    is ``[0, upper]`` for none.

    Parameters
    ----------
    counts : (n_clusters, n_columns)
        Events.
    exposure : (n_clusters,)
        Positive.

    Returns
    -------
    Rates

    Raises
    ------
    DataError
        If there is no cluster, or an exposure is not positive.

    References
    ----------
    Fay & Feuer (1997), Confidence intervals for directly standardized rates: a method based on the gamma
    distribution. Cochran (1977), Sampling techniques, for the variance of a ratio.
    """
    n = len(exposure)
    if n == 0 or counts.shape[0] != n or not (np.isfinite(exposure).all() and (exposure > 0).all()):
        msg = f"Rates need clusters of positive exposure, one row of counts each, not {n} for {counts.shape[0]} rows."
        raise DataError(msg)
    total = float(exposure.sum())
    events = np.asarray(counts.sum(axis=0)).ravel()
    rate = events / total
    squares = np.asarray(counts.multiply(counts).sum(axis=0)).ravel()
    cross = np.asarray(counts.T @ exposure).ravel()
    spread = squares - 2 * rate * cross + rate**2 * float((exposure**2).sum())
    poisson = events / total**2
    variance = np.maximum(spread / total**2 * (n / max(n - 1, 1)), poisson)
    low, high = _gamma(rate, variance, 1.0 / total)
    return Rates(rate, low, high)


def _gamma(rate: Array, variance: Array, weight: float) -> tuple[Array, Array]:
    """Return the gamma interval of rates; `weight` is what one event adds to a rate."""
    safe_rate, safe_variance = np.where(rate > 0, rate, 1.0), np.where(variance > 0, variance, 1.0)
    scale = safe_variance / (2 * safe_rate)
    low = np.where(rate > 0, scale * chi2.ppf(0.025, safe_rate / scale), 0.0)
    plus = rate + weight
    wider = (variance + weight**2) / (2 * plus)
    high = wider * chi2.ppf(0.975, plus / wider)
    return low, high


@dataclass(frozen=True, slots=True)
class Profiles:
    """What makers used, against what all who made lists of the same topics would have: (n_makers, n_columns).

    `variance` is the sampling variance of `observed`, lists taken as clusters.
    """

    observed: Array
    expected: Array
    variance: Array

    @property
    def log_ratio(self) -> Array:
        """Logarithm of observed over expected, half an event added to both."""
        ratio: Array = np.log((self.observed + 0.5) / (self.expected + 0.5))
        return ratio

    @property
    def variation(self) -> Array:
        """Squared coefficient of variation of rates between makers: (n_columns,).

        ``sum (O - E)² - V`` over ``sum E²``: what is beyond sampling; about 0, and then also negative, where makers do
        not differ. NaN for a column that never occurs.
        """
        excess = ((self.observed - self.expected) ** 2 - self.variance).sum(axis=0)
        scale = (self.expected**2).sum(axis=0)
        variation: Array = np.divide(excess, scale, out=np.full_like(excess, np.nan), where=scale > 0)
        return variation


def profiles(
    counts: sparse.csr_array, exposure: Array, makers: NDArray[np.int64], topics: NDArray[np.int64]
) -> Profiles:
    """Standardise the counts of makers by topic: indirect standardisation, as of rates of disease by age.

    The rate of a topic is that of all its lists together; a topic that only one maker has made lists of says nothing
    of makers then, so such topics share one rate.

    Parameters
    ----------
    counts : (n_lists, n_columns)
        Events.
    exposure : (n_lists,)
        Positive.
    makers, topics : (n_lists,)
        Numbers from 0.

    Returns
    -------
    Profiles
    """
    n_makers = int(makers.max()) + 1
    topic = _shared_topics(makers, topics)
    n_topics = int(topic.max()) + 1
    n = len(exposure)
    rows = np.arange(n)
    in_topic = sparse.csr_array((np.ones(n), (topic, rows)), shape=(n_topics, n))
    in_maker = sparse.csr_array((np.ones(n), (makers, rows)), shape=(n_makers, n))
    topic_exposure = in_topic @ exposure
    by_topic = (in_topic @ counts).toarray()
    rate = by_topic / topic_exposure[:, None]
    weights = sparse.csr_array((exposure, (makers, topic)), shape=(n_makers, n_topics))
    squares = sparse.csr_array((exposure**2, (makers, topic)), shape=(n_makers, n_topics))
    coo = counts.tocoo()
    # sum (c - w b)² = sum c² - 2 sum c w b + sum w² b², the first two over cells that are not 0.
    cell = coo.data**2 - 2 * coo.data * exposure[coo.row] * rate[topic[coo.row], coo.col]
    own = sparse.csr_array((cell, (makers[coo.row], coo.col)), shape=(n_makers, counts.shape[1])).toarray()
    return Profiles(
        observed=(in_maker @ counts).toarray(),
        expected=weights @ rate,
        variance=np.maximum(own + squares @ rate**2, 0.0),
    )


def _shared_topics(makers: NDArray[np.int64], topics: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber topics, those of a single maker all as one."""
    pairs = np.unique(np.stack([topics, makers]), axis=1)
    n_makers = np.bincount(pairs[0], minlength=int(topics.max()) + 1)
    _, renumbered = np.unique(np.where(n_makers[topics] > 1, topics, -1), return_inverse=True)
    return renumbered.astype(np.int64)
