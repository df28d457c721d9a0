"""Means of a few repetitions each, with intervals from the spread that all cells have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from valuelex.stats.bootstrap import as_level
from valuelex.stats.checks import Array, as_table


@dataclass(frozen=True, slots=True)
class PooledMeans:
    """Means of cells: every array is (n_cells,), in the unit of the values."""

    mean: Array
    error: Array
    """Standard error."""
    low: Array
    high: Array
    degrees: int
    """Degrees of freedom of the pooled variance."""


def pooled_means(values: ArrayLike, *, level: float = 0.95) -> PooledMeans:
    """Mean of each cell over its repetitions, with the variance within cells taken as the same for all.

    ``mean ± t s / sqrt(n)``, where s² is the sum of squares about cell means over the degrees of freedom, which are
    the number of values less that of cells with a value. A few repetitions tell little of their own spread; those of
    all cells tell more.

    Parameters
    ----------
    values : (n_cells, n_repetitions)
        NaN where a repetition is missing.
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    PooledMeans
        The mean is NaN in a cell without a value. Errors and ends are all NaN where no cell has two values or all
        repetitions agree: how far a mean may be off cannot then be told.

    Raises
    ------
    DataError
        If `values` is no table, holds infinite values, or no value at all.
    """
    table = as_table(values, name="values", min_rows=1, missing=True)
    as_level(level)
    present = ~np.isnan(table)
    n = present.sum(axis=1)
    mean = np.divide(np.where(present, table, 0.0).sum(axis=1), n, out=np.full(len(n), np.nan), where=n > 0)
    squares = float((np.where(present, table - mean[:, None], 0.0) ** 2).sum())
    degrees = int(n.sum() - (n > 0).sum())
    error = np.full(len(n), np.nan)
    if degrees and squares > 1e-20 * float((np.where(present, table, 0.0) ** 2).sum()):
        np.divide(squares / degrees, n, out=error, where=n > 0)
        error = np.sqrt(error)
    reach = float(stdtrit(max(degrees, 1), (1 + level) / 2)) * error
    return PooledMeans(mean, error, mean - reach, mean + reach, degrees)
