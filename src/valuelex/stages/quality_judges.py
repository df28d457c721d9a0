"""Check judges against each other: agreement, differences and severity.

Owns which completions are compared and what is resampled. Severity is taken off in `valuelex.stages.severity`.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import Estimate, JudgeAgreement, JudgePair, Severity
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.quality_correlation import correlation_estimates, resampled
from valuelex.stages.quality_table import RatingTable, estimate, unknown
from valuelex.stages.severity import Shifts, shared_sums
from valuelex.stats.agreement import krippendorff_alpha
from valuelex.stats.bootstrap import resample_units
from valuelex.stats.icc import FORMS, intraclass_correlations
from valuelex.stats.unit_correlations import UnitCorrelations
from valuelex.stats.unit_statistics import unit_means

Array = NDArray[np.float64]
ONE_CLUSTER = "All completions come from one respondent and one stem, so nothing can be resampled."
MOST_RESAMPLED = 20_000_000
"""Completions times resamples above which alpha's interval is linearised: both intervals cover alike
(benchmarks/coverage_reliability.py), and the bootstrap would take minutes."""


def compare_judges(
    table: RatingTable, n_resamples: int, rng: np.random.Generator
) -> tuple[tuple[JudgePair, ...], tuple[JudgeAgreement, ...], tuple[Severity, ...]]:
    """Compare judges on each subdimension, pair by pair and all together.

    Intervals resample whole clusters of completions (see `RatingTable.clustered`). With one judge there
    is nothing to compare, and all three are empty.
    """
    if len(table.judges) < 2:
        return (), (), ()
    pairs, agreements = [], []
    for k, target in enumerate(table.subdimensions):
        ratings = table.values[:, :, k].T
        pairs += [
            _pair(table, target, ratings, pair, n_resamples, rng)
            for pair in combinations(range(len(table.judges)), 2)
        ]
        single, mean = _intraclass(ratings)
        alpha = _alpha(table, ratings, n_resamples, rng)
        agreements.append(JudgeAgreement(target, alpha, single, mean))
    return tuple(pairs), tuple(agreements), estimate_severity(table, n_resamples, rng)


def estimate_severity(table: RatingTable, n_resamples: int, rng: np.random.Generator) -> tuple[Severity, ...]:
    """Estimate each judge's shift from the mean of the judges on the same completions, subdimension by subdimension.

    Least squares of ``rating = completion + judge`` over completions that two judges or more rated.
    """
    n_clusters = int(table.cluster.max()) + 1
    sums, sizes = shared_sums(table.values, table.cluster, n_clusters)
    weights = resample_units(n_clusters, n_resamples, rng) if n_clusters > 1 else np.ones((1, 1))
    found = []
    for k, target in enumerate(table.subdimensions):
        shifts = Shifts(sums[:, k], sizes[:, k])
        each = (~np.isnan(table.values[:, :, k])).sum(axis=0) > 1
        counts = [int((each & ~np.isnan(own[:, k])).sum()) for own in table.values]
        estimates = resampled(shifts, weights, counts, shifts.variance)
        for judge, n, own in zip(table.judges, counts, estimates, strict=True):
            shift = own if n else unknown("No completion was rated by this judge and another.")
            found.append(Severity(target, judge, shift))
    return tuple(found)


def _pair(
    table: RatingTable,
    target: str,
    ratings: Array,
    pair: tuple[int, int],
    n_resamples: int,
    rng: np.random.Generator,
) -> JudgePair:
    """Compare two columns of (n_completions, n_judges) ratings where both are there."""
    own = ratings[:, list(pair)]
    a, b = (table.judges[i] for i in pair)
    both = np.flatnonzero(~np.isnan(own).any(axis=1))
    if both.size < 2:
        none = unknown(
            f"Judges {a!r} and {b!r} rated {both.size} completions in common; 2 are needed.", both.size
        )
        return JudgePair(target, a, b, none, none, none)
    cluster = np.unique(table.cluster[both], return_inverse=True)[1]
    n_clusters = int(cluster.max()) + 1
    weights = resample_units(n_clusters, n_resamples, rng) if n_clusters > 1 else np.ones((1, 1))
    difference = own[both, 0] - own[both, 1]
    if n_clusters > 1:
        means = unit_means(difference[:, None], cluster)
        mean = resampled(means, weights, [both.size], means.variance)[0]
    else:
        mean = estimate(float(difference.mean()), np.nan, np.nan, both.size, ONE_CLUSTER)
    columns = UnitCorrelations.of(own[both, :1], own[both, 1:], cluster)
    correlation = correlation_estimates(columns, weights)[0]
    return JudgePair(target, a, b, mean, correlation, _alpha(table, own, n_resamples, rng))


def _alpha(table: RatingTable, ratings: Array, n_resamples: int, rng: np.random.Generator) -> Estimate:
    n = int(((~np.isnan(ratings)).sum(axis=1) > 1).sum())
    interval = "bootstrap" if n * n_resamples <= MOST_RESAMPLED else "linearised"

    try:
        found = krippendorff_alpha(
            ratings, groups=table.cluster, interval=interval, n_resamples=n_resamples, rng=rng
        )
    except DataError as error:
        return unknown(str(error), n)
    reason = "" if np.isfinite(found.low) else "Nothing tells how far alpha may be off."
    return estimate(found.alpha, found.low, found.high, found.n_units, reason)


def _intraclass(ratings: Array) -> tuple[Estimate, Estimate]:
    """ICC(2,1) and ICC(2,k) over completions that every judge rated."""
    complete = ratings[~np.isnan(ratings).any(axis=1)]
    if len(complete) < 2:
        none = unknown(
            f"{count(len(complete), 'completion was', 'completions were')} rated by every judge; 2 are needed.",
            len(complete),
        )
        return none, none

    try:
        found = intraclass_correlations(complete)
    except DataError as error:
        none = unknown(str(error), len(complete))
        return none, none
    single, mean = (
        estimate(found.estimate[i], found.low[i], found.high[i], len(complete))
        if np.isfinite(found.estimate[i])
        else unknown("Judges agree so little that the mean of several has no value.", len(complete))
        for i in (FORMS.index("ICC(2,1)"), FORMS.index("ICC(2,k)"))
    )
    return single, mean
