"""Krippendorff's alpha: agreement of any number of raters, on three scales, with ratings missing.

Owns alpha and its interval over units or groups of units. Kappa and Gwet's coefficients, which correct for
chance in other ways, are in `valuelex.stats.kappa`; intraclass correlations in `valuelex.stats.icc`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import stdtrit

from valuelex.errors import DataError
from valuelex.stats.bootstrap import MIN_RESAMPLES, as_level, bca_tails, refuse_few_resamples
from valuelex.stats.checks import Array, as_groups, as_table, choose, first
from valuelex.stats.flags import Flag, Weakness

METRICS = ("nominal", "ordinal", "interval")
INTERVALS = ("linearised", "bootstrap")
FEW_UNITS = 50
"""Below this number of independent units a 95 % interval may cover less than 90 %."""
_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class KrippendorffAlpha:
    """Agreement beyond chance, with its interval over independent units."""

    alpha: float
    """At most 1; 0 where raters agree as often as chance, below 0 where they agree less often."""
    low: float
    """Lower end; NaN where there is none."""
    high: float
    """Upper end, at most 1."""
    observed: float
    """Observed disagreement, at least 0: share of unequal pairs (nominal) or mean squared difference, in
    ranks (ordinal) or in the unit of the ratings (interval)."""
    expected: float
    """The same of two ratings drawn at random, above 0."""
    n_units: int
    """Units with two ratings or more."""
    n_ratings: int
    """Ratings in those units."""
    flags: tuple[Flag, ...]
    """`LEFT_OUT` for units with fewer than two ratings and for resamples without a value; `FEW_UNITS`;
    `AT_BOUNDARY` where there is no interval, as when no two ratings of a unit differ."""


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    metric: str = "interval",
    groups: ArrayLike | None = None,
    interval: str = "linearised",
    level: float = 0.95,
    n_resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> KrippendorffAlpha:
    """Krippendorff's alpha, ``1 - observed / expected disagreement``, with an interval over units.

    Every pair of ratings within a unit of m ratings weighs ``1 / (m - 1)``. Disagreement of a pair is 1 if
    they differ (nominal), the squared difference of their mid-ranks among all ratings (ordinal), or
    their squared difference (interval).

    The linearised interval takes ``log(1 - alpha)`` plus or minus Student's t times its standard error, from the
    influence of each independent unit. The bootstrap draws the independent units with replacement and
    takes the BCa tails of alpha. 95 % intervals of either kind cover in 92 to 98 % of samples of 50 units or
    more, but in 81 to 97 % of samples of 20, least where scales are skewed or one category prevails (see
    `benchmarks/coverage_reliability.py`).

    Parameters
    ----------
    ratings : (n_units, n_raters)
        Numbers; NaN where a rater gave none. Units with fewer than two ratings are left out. The order of
        ratings within a unit does not matter.
    metric
        'nominal', 'ordinal' or 'interval'.
    groups : (n_units,), optional
        Independent unit of each rated unit, where several of them are not independent of each other.
    interval
        'linearised' or 'bootstrap'.
    level
        Coverage asked for, between 0 and 1.
    n_resamples
        Number of resamples of the bootstrap, at least 100.
    rng
        Source of the resamples; only the bootstrap needs it.

    Returns
    -------
    KrippendorffAlpha

    Raises
    ------
    DataError
        If fewer than two units have two ratings, they lie in fewer than two groups, all ratings are equal
        (agreement is then undefined), or an option is not one of those named.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability. Hayes & Krippendorff (2007), Answering the
    call for a standard reliability measure for coding data. Efron (1987), Better bootstrap confidence intervals.
    """
    choose(metric, METRICS, name="metric")
    choose(interval, INTERVALS, name="interval")
    as_level(level)
    source = _source(n_resamples, rng) if interval == "bootstrap" else None
    pairs, kept = _pairs(ratings, metric)
    unit = np.arange(len(kept)) if groups is None else as_groups(groups, len(kept), min_groups=1)
    unit = as_groups(unit[kept], int(kept.sum()))
    everything = np.ones((1, len(unit)))
    observed, expected = (float(part[0]) for part in _disagreements(everything, pairs))
    alpha = 1.0 - observed / expected
    n_groups = int(unit.max()) + 1
    flags = _flag_unpaired(kept) + _flag_few(n_groups)
    influence = np.zeros(n_groups)
    if observed > 0:
        np.add.at(influence, unit, _influence(pairs))
    if np.abs(influence).max() <= 1e-12:
        low = high = np.nan
        detail = "no unit agrees more or less than the others, so nothing tells how far alpha may be off"
        flags += (Flag(Weakness.AT_BOUNDARY, detail),)
    elif source is None:
        error = np.sqrt(n_groups / (n_groups - 1) * (influence**2).sum())
        reach = float(stdtrit(n_groups - 1, (1 + level) / 2) * error)
        low, high = 1 - (1 - alpha) * np.exp(reach), 1 - (1 - alpha) * np.exp(-reach)
    else:
        replicates = _resampled(pairs, unit, n_resamples, source)
        low, high, more = _bca(alpha, replicates, -influence, level)
        flags += more
    return KrippendorffAlpha(alpha, float(low), float(high), observed, expected, *pairs.size, flags)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Ratings of the units that have two or more, as counts of each value."""

    counts: csr_array
    """(n_units, n_values) how often each value was given."""
    values: Array
    """(n_values,) in rising order, less the mean of all ratings."""
    sizes: Array
    """(n_units,) number of ratings."""
    metric: str

    @property
    def size(self) -> tuple[int, int]:
        """Numbers of units and of ratings."""
        return len(self.sizes), int(self.sizes.sum())


def _pairs(ratings: ArrayLike, metric: str) -> tuple[_Pairs, NDArray[np.bool_]]:
    table = as_table(ratings, name="ratings", min_columns=2, missing=True)
    present = ~np.isnan(table)
    sizes = present.sum(axis=1)
    kept = sizes >= 2
    if kept.sum() < 2:
        msg = (
            f"{int(kept.sum())} of {len(table)} units have two ratings or more; at least 2 such units are "
            "needed, so have more units rated twice."
        )
        raise DataError(msg)
    present &= kept[:, None]
    values, code = np.unique(table[present], return_inverse=True)
    if len(values) < 2:
        msg = (
            f"All {present.sum()} ratings are {values[0]:g}; agreement beyond chance is undefined, so rate units "
            "that differ."
        )
        raise DataError(msg)
    row = np.cumsum(kept)[np.nonzero(present)[0]] - 1
    counts = csr_array((np.ones(len(code)), (row, code)), shape=(int(kept.sum()), len(values)))
    counts.sum_duplicates()
    centred = values - table[present].mean()
    return _Pairs(counts, centred, sizes[kept].astype(np.float64), metric), kept


def _disagreements(weights: Array, pairs: _Pairs) -> tuple[Array, Array]:
    """Observed and expected disagreement, each (n_resamples,), for weights (n_resamples, n_units)."""
    total = weights @ pairs.sizes
    marginal = _by_value(pairs, weights)
    if pairs.metric == "nominal":
        observed = weights @ _unequal(pairs)
        expected = total**2 - (marginal**2).sum(axis=1)
    elif pairs.metric == "interval":
        scores = pairs.values[None, :]
        observed = weights @ _spread(pairs, scores)[:, 0]
        expected = _expected_spread(marginal, scores, total)
    else:
        scores = _midranks(marginal)
        observed = np.einsum("bu,ub->b", weights, _spread(pairs, scores))
        expected = _expected_spread(marginal, scores, total)
    return observed / total, expected / (total * (total - 1))


def _influence(pairs: _Pairs) -> Array:
    """Return the derivative of ``log(1 - alpha)`` by the weight of each unit, (n_units,); it sums to zero."""
    n, sizes = pairs.sizes.sum(), pairs.sizes
    marginal = _by_value(pairs, np.ones((1, len(sizes))))
    if pairs.metric == "nominal":
        own = _unequal(pairs)
        expected = n**2 - (marginal**2).sum()
        change: Array = own / own.sum() - 2 * (n * sizes - pairs.counts @ marginal[0]) / expected
        change += sizes / n
        return change
    ordinal = pairs.metric == "ordinal"
    scores = _midranks(marginal) if ordinal else pairs.values[None, :]
    own, x = _spread(pairs, scores)[:, 0], scores[0]
    # Mid-ranks and centred values have a weighted sum of zero, so expected is 2 n (sum of squares),
    # and n / (n - 1) counts as one.
    squares = float(marginal[0] @ x**2)
    change = own / own.sum() - (pairs.counts @ x**2) / squares
    if ordinal:
        # The ranks themselves move: a unit lifts those of higher values by 1, of its own value by 1/2.
        share = sizes / (sizes - 1)
        sums = pairs.counts @ x
        by_rank = 4 * (x * (pairs.counts.T @ share) - pairs.counts.T @ (sums / (sizes - 1))) / own.sum()
        by_rank -= 2 * marginal[0] * x / squares
        above = np.cumsum(by_rank[::-1])[::-1] - by_rank / 2
        change += pairs.counts @ above
    return change


def _by_value(pairs: _Pairs, weights: Array) -> Array:
    """How often each value was given, (n_resamples, n_values)."""
    marginal: Array = (pairs.counts.T @ weights.T).T
    return marginal


def _midranks(marginal: Array) -> Array:
    """Mean rank of each value, less the mean of all ranks: (n_resamples, n_values)."""
    ranks: Array = np.cumsum(marginal, axis=1) - marginal / 2 - marginal.sum(axis=1, keepdims=True) / 2
    return ranks


def _unequal(pairs: _Pairs) -> Array:
    """Count the unequal pairs of each unit, over ``m - 1``."""
    same = np.asarray(pairs.counts.power(2).sum(axis=1)).ravel()
    unequal: Array = (pairs.sizes**2 - same) / (pairs.sizes - 1)
    return unequal


def _spread(pairs: _Pairs, scores: Array) -> Array:
    """Sum of squared differences of the pairs of each unit over ``m - 1``: (n_units, n_resamples)."""
    m = pairs.sizes[:, None]
    spread: Array = 2 * (m * (pairs.counts @ (scores**2).T) - (pairs.counts @ scores.T) ** 2) / (m - 1)
    return np.where(spread > 1e-12 * m * np.abs(scores).max(axis=1) ** 2, spread, 0.0)


def _expected_spread(marginal: Array, scores: Array, total: Array) -> Array:
    spread: Array = 2 * (total * (marginal * scores**2).sum(axis=1) - (marginal * scores).sum(axis=1) ** 2)
    return spread


def _source(n_resamples: int, rng: np.random.Generator | None) -> np.random.Generator:
    refuse_few_resamples(n_resamples)
    if rng is None:
        msg = "A bootstrap interval needs a generator; pass rng=numpy.random.default_rng(seed)."
        raise DataError(msg)
    return rng


def _resampled(pairs: _Pairs, unit: NDArray[np.int64], n_resamples: int, rng: np.random.Generator) -> Array:
    """Alpha of resamples of whole groups, (n_resamples,); NaN where all ratings drawn are equal."""
    n_groups = int(unit.max()) + 1
    alphas = np.empty(n_resamples)
    step = max(1, _CELLS_AT_ONCE // len(unit))
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        drawn = rng.integers(0, n_groups, (size, n_groups)) + n_groups * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * n_groups).reshape(size, n_groups)
        observed, expected = _disagreements(weights[:, unit].astype(np.float64), pairs)
        varied = expected > 1e-12 * expected.max(initial=0.0)
        alphas[start : start + size] = np.where(
            varied, 1 - observed / np.where(varied, expected, 1.0), np.nan
        )
    return alphas


def _bca(
    estimate: float, replicates: Array, influence: Array, level: float
) -> tuple[float, float, tuple[Flag, ...]]:
    """Take the ends at tails moved by median bias and by the skewness of the influence of each unit."""
    usable = replicates[~np.isnan(replicates)]
    flags: tuple[Flag, ...] = ()
    if len(usable) < len(replicates):
        detail = (
            f"{len(replicates) - len(usable)} of {len(replicates)} resamples held equal ratings only and were "
            "left out"
        )
        flags = (Flag(Weakness.LEFT_OUT, detail),)
    tie = 1e-10
    below = (usable < estimate - tie).sum() + (np.abs(usable - estimate) <= tie).sum() / 2
    if len(usable) < MIN_RESAMPLES or not 0 < below < len(usable):
        detail = "nearly all resamples lie on one side of alpha, so there is no interval"
        return np.nan, np.nan, (*flags, Flag(Weakness.AT_BOUNDARY, detail))
    acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    tails = bca_tails(np.array([(1 - level) / 2, (1 + level) / 2]), below / len(usable), acceleration)
    low, high = np.quantile(usable, tails, method="weibull")
    return float(low), float(high), flags


def _flag_unpaired(kept: NDArray[np.bool_]) -> tuple[Flag, ...]:
    alone = np.flatnonzero(~kept)
    if not alone.size:
        return ()
    detail = f"{alone.size} of {len(kept)} units have fewer than two ratings and were left out (first: {first(alone)})"
    return (Flag(Weakness.LEFT_OUT, detail),)


def _flag_few(n_groups: int) -> tuple[Flag, ...]:
    if n_groups >= FEW_UNITS:
        return ()
    detail = f"{n_groups} independent units; below {FEW_UNITS} the interval may cover far less than asked for"
    return (Flag(Weakness.FEW_UNITS, detail),)
