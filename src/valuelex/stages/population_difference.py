"""Whether two populations differ more in structure than random halves of the same models would.

Owns the statistic, the units that are exchanged, and the shuffles. What the populations are is given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.population import Difference
from valuelex.errors import DataError
from valuelex.stats.associations import ppmi_of_lists
from valuelex.stats.congruence import congruence, procrustes
from valuelex.stats.factor import efa
from valuelex.stats.sparse_counts import Counts

Array = NDArray[np.float64]
N_SPLITS = 49
"""Random splits; the smallest p-value is then 1 / 50."""
LEAST_UNITS = 5
"""With fewer independent units on a side, splits are too few: 3 and 3 have 20, 5 and 5 have 252."""


def difference_of(
    lists: Counts,
    in_second: NDArray[np.bool_],
    families: Sequence[str],
    models: Sequence[str],
    n_factors: int,
    rng: np.random.Generator,
) -> Difference | None:
    """Hold the congruence of two populations' factors against that of random splits of both together.

    The statistic is the mean congruence of the second's factors of PPMI with those of the first after rotation towards
    them. Splits exchange whole families, or whole models where a family has members on both sides, and keep the
    numbers of units on both sides.

    Parameters
    ----------
    lists : (n_lists, n_terms)
        Of both populations, on the terms that both have; 1 for what is named.
    in_second : (n_lists,)
        Whether the list is of the second population; no list is of both.
    families, models : (n_lists,)
        Of each list.
    n_factors
        Number of factors.
    rng
        Source of the splits.

    Returns
    -------
    Difference or None
        None with fewer than `LEAST_UNITS` units on a side, where a model has members on both, or where the lists
        cannot be factored.
    """
    units = _exchangeable(in_second, (("families", families), ("models", models)))
    if units is None:
        return None
    what, unit, second = units
    similarities = ppmi_of_lists(lists, unit)

    def statistic(side: NDArray[np.bool_]) -> float:
        a, b = (similarities(which.astype(np.float64)) for which in (~side, side))
        there = np.isfinite(np.diagonal(a)) & np.isfinite(np.diagonal(b))
        target = efa(a[np.ix_(there, there)], n_factors, rotation="varimax").pattern
        other = efa(b[np.ix_(there, there)], n_factors, rotation="none").pattern
        return float(np.diagonal(congruence(procrustes(other, target)[0], target)).mean())

    try:
        observed = statistic(second)
        splits = np.array([statistic(rng.permutation(second)) for _ in range(N_SPLITS)])
    except DataError:
        return None
    p_value = float((1 + (splits <= observed + 1e-12).sum()) / (N_SPLITS + 1))
    return Difference(observed, float(np.median(splits)), p_value, what, len(second))


def _exchangeable(
    in_second: NDArray[np.bool_], kinds: Sequence[tuple[str, Sequence[str]]]
) -> tuple[str, NDArray[np.int64], NDArray[np.bool_]] | None:
    """Take the first kind of units that lie wholly on one side, enough of them on each: its name, units, sides."""
    for what, names in kinds:
        distinct, unit = np.unique(np.asarray(names), return_inverse=True)
        second, first = (
            np.bincount(unit[rows], minlength=len(distinct)) > 0 for rows in (in_second, ~in_second)
        )
        if not (first & second).any() and min(first.sum(), second.sum()) >= LEAST_UNITS:
            return what, unit.astype(np.int64), second
    return None
