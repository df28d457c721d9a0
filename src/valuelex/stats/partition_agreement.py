"""How sure the agreement of two partitions of the same items is: an interval over items, and chance.

The adjusted Rand index itself is in `valuelex.stats.cluster`, with mutual information in `valuelex.stats.stability`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from valuelex.stats.bootstrap import as_level
from valuelex.stats.checks import as_count
from valuelex.stats.cluster import Labels, adjusted_rand_of_tables, contingency_table
from valuelex.stats.stability import compare_partitions

LEAST_ITEMS = 4
"""With fewer items in both partitions there is neither interval nor test."""


@dataclass(frozen=True, slots=True)
class ChanceAgreement:
    """Agreement of two partitions with its interval and its chance."""

    adjusted_rand: float
    """About 0 for unrelated partitions, 1 for the same."""
    low: float
    """Lower end over items: how the index would move with other items of the same kind. NaN with few items, and
    where no single item makes a difference, as in partitions that are the same."""
    high: float
    """Upper end, at most 1."""
    normalised_mutual_information: float
    """From 0 to 1, not corrected for chance."""
    chance: float
    """The .95 quantile of the index when the items are shuffled over the groups; NaN with few items."""
    p_value: float
    """Share of shuffles, the observed one among them, that agree at least as well; NaN with few items."""
    n_items: int
    """Items placed by both."""


def agreement_beyond_chance(
    labels: ArrayLike,
    reference: ArrayLike,
    rng: np.random.Generator,
    *,
    n_permutations: int = 999,
    level: float = 0.95,
) -> ChanceAgreement:
    """Compare two partitions, with a jackknife interval over items and a permutation test.

    The interval is the index plus and minus the normal quantile times the jackknife standard error: the index
    without each item in turn. It holds the items for a sample of all that could be placed; it does not tell how
    either partition would move with other data. The test shuffles one partition's labels over the items.

    Parameters
    ----------
    labels, reference : (n_items,)
        Group numbers; negative for an item that is not placed, which leaves it out.
    rng
        Source of the permutations.
    n_permutations
        At least 1.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    ChanceAgreement

    Raises
    ------
    DataError
        If the partitions do not suit, or fewer than two items were placed by both.

    References
    ----------
    Hubert & Arabie (1985), Comparing partitions. Efron & Tibshirani (1993), An Introduction to the Bootstrap,
    chapter 11.
    """
    n_permutations = as_count(n_permutations, name="n_permutations", least=1)
    found = compare_partitions(labels, reference)
    a, b = np.asarray(labels), np.asarray(reference)
    both = (a >= 0) & (b >= 0)
    a, b = (np.unique(part[both], return_inverse=True)[1] for part in (a, b))
    low = high = chance = p_value = np.nan
    if len(a) >= LEAST_ITEMS:
        error = _jackknife_error(a, b)
        reach = float(ndtri((1 + as_level(level)) / 2)) * error
        if error > 0:
            low, high = found.adjusted_rand - reach, min(found.adjusted_rand + reach, 1.0)
        shuffled = adjusted_rand_of_tables(shuffled_tables(b, a, n_permutations, rng))
        chance = float(np.quantile(shuffled, 0.95))
        p_value = float((1 + (shuffled >= found.adjusted_rand - 1e-12).sum()) / (n_permutations + 1))
    return ChanceAgreement(
        found.adjusted_rand,
        low,
        high,
        found.normalised_mutual_information,
        chance,
        p_value,
        found.n_items,
    )


def shuffled_tables(
    labels: Labels, reference: Labels, n_permutations: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Shuffle items over the groups of one partition, whose sizes stay, and count how they fall into another's.

    Parameters
    ----------
    labels, reference : (n_items,)
        Group numbers from 0.
    n_permutations
        How often items are shuffled.
    rng
        Source of the shuffles.

    Returns
    -------
    (n_permutations, n_groups, n_reference_groups)
        Contingency tables, as for `valuelex.stats.cluster.adjusted_rand_of_tables`.
    """
    return np.stack([contingency_table(rng.permutation(labels), reference) for _ in range(n_permutations)])


def _jackknife_error(a: Labels, b: Labels) -> float:
    """Give the standard error over items; all items of one cell of the table give the same index without them."""
    table = contingency_table(a, b).astype(np.float64)
    rows, columns = np.nonzero(table)
    without = np.repeat(table[None], len(rows), axis=0)
    without[np.arange(len(rows)), rows, columns] -= 1.0
    values, weights = adjusted_rand_of_tables(without), table[rows, columns]
    n = len(a)
    mean = weights @ values / n
    return float(np.sqrt((n - 1) / n * (weights @ np.square(values - mean))))
