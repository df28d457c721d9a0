"""Interval of a statistic from its values without one independent unit each.

For statistics that a bootstrap would bias: where a unit that is drawn twice says nothing new, as in the agreement of
two noisy matrices, resamples agree less than the data do. Owns the interval; its caller computes the statistic.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from valuelex.errors import DataError
from valuelex.stats.checks import Array


def jackknife_interval(value: ArrayLike, without: ArrayLike, *, level: float = 0.95) -> tuple[Array, Array]:
    """Return the ends of an interval about each value, by Student's t and the jackknife standard error.

    Parameters
    ----------
    value : (n_values,)
        Statistics of all units.
    without : (n_units, n_values)
        The same without each unit; at least 3 units.
    level
        Coverage, between 0 and 1.

    Returns
    -------
    (low, high)
        (n_values,) each.

    Raises
    ------
    DataError
        If there are fewer than 3 units, or the numbers of values differ.

    References
    ----------
    Efron & Stein (1981), The jackknife estimate of variance.
    """
    own, left = np.asarray(value, dtype=np.float64), np.asarray(without, dtype=np.float64)
    n = len(left)
    if n < 3 or left.shape[1:] != own.shape:
        msg = (
            f"Values of shape {own.shape} and values without one unit each of shape {left.shape} do not suit; give a "
            "row for each of at least 3 units."
        )
        raise DataError(msg)
    reach = student.ppf((1.0 + level) / 2.0, n - 1) * np.sqrt((n - 1) * left.var(axis=0))
    return own - reach, own + reach
