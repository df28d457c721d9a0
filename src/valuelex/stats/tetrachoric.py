"""Tetrachoric correlations of 0/1 columns, for all pairs at once.

Each column is taken for a normal variable cut at a threshold, and the correlation is that of the variables
before the cut. Owns the binary case; columns of more categories are for `valuelex.stats.polychoric`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import ndtri

from valuelex.errors import DataError
from valuelex.stats.bivariate_normal import bivariate_normal_cdf, bivariate_normal_pdf
from valuelex.stats.checks import Array, as_table
from valuelex.stats.cooccurrence import as_lists, cooccurrence
from valuelex.stats.flags import Flag
from valuelex.stats.latent_pairs import (
    LIMIT,
    Pairs,
    finish,
    refuse_constant,
    refuse_correct,
    refuse_unshared,
)

_BLOCK = 16384
"""Pairs at a time, so that the work stays in the cache."""
_TOLERANCE = 1e-9
"""Width of a bracket at which it is closed."""
_STEP_TOLERANCE = 1e-6
"""Length of a Newton step after which there is no other: what is left is about its square."""
_ROUNDING = 1e-14
"""Probabilities below it are rounding errors, from which no step can be taken."""
_MAX_STEPS = 100
_FLOOR = 1e-100


@dataclass(frozen=True, slots=True)
class Tetrachoric:
    """Tetrachoric correlations with the thresholds that they rest on."""

    correlation: Array
    """(p, p), from -1 to 1, with ones on the diagonal; positive definite if it was smoothed."""
    thresholds: Array
    """(p,), in standard deviations: a column is 1 where its normal variable exceeds its threshold."""
    flags: tuple[Flag, ...]
    """SPARSE_CELLS, AT_BOUNDARY and NOT_POSITIVE_DEFINITE, as they apply."""


def tetrachoric(
    data: ArrayLike | sparse.sparray, *, correct: float = 0.5, smoothing: bool = True
) -> Tetrachoric:
    """Correlate 0/1 columns as cut normal variables, by maximum likelihood in two steps.

    The thresholds come from the shares of ones. Given them, the likelihood of a 2 × 2 table depends on the
    correlation through one cell only, so the best value of that cell is found first (it is the observed
    share, unless a value is missing or a cell was corrected) and then the correlation that gives it.

    Parameters
    ----------
    data : (n_rows, p)
        0, 1 and NaN for a missing value, dense; or 0 and 1 in any matrix of `scipy.sparse`. A pair of
        columns is correlated over the rows that have both; a threshold uses every row that has its column.
    correct
        What stands in for an empty cell of a table, in rows. With 0 it stays empty, and the correlation of
        complete data goes to its limit.
    smoothing
        Whether to raise eigenvalues that are not positive, as `valuelex.stats.correlation.smooth` does.

    Returns
    -------
    Tetrachoric
        Correlations, thresholds, flags.

    Raises
    ------
    DataError
        If a value is not 0, 1 or NaN, a column is constant, two columns share no row, there are fewer than
        two columns, or `correct` is out of range.

    References
    ----------
    Pearson (1900), On the correlation of characters not quantitatively measurable. Olsson (1979), Maximum
    likelihood estimation of the polychoric correlation coefficient. Empty cells as psych::tetrachoric.
    """
    refuse_correct(correct)
    cells, low, pairs = _tables(data)
    empty = (cells == 0).any(axis=0)
    cells[cells == 0] = correct
    i, j = pairs
    rho = np.empty(len(i))
    for start in range(0, len(i), _BLOCK):
        part = slice(start, start + _BLOCK)
        rho[part] = correlate_tables(cells[:, part], low[i[part]], low[j[part]])
    certain = np.ones(len(rho), dtype=bool)
    matrix, flags = finish(rho, pairs, empty, ~certain, correct=correct, smoothing=smoothing)
    thresholds: Array = ndtri(low)
    return Tetrachoric(matrix, thresholds, flags)


def correlate_tables(cells: Array, low_i: Array, low_j: Array) -> Array:
    """Return the correlation that makes each 2 × 2 table likeliest, given the shares of 0 of both columns.

    Parameters
    ----------
    cells : (4, m)
        Rows with 0 in both columns, with 1 in the second only, in the first only, in both.
    low_i, low_j : (m,)
        Shares of 0 of the first and the second column, above 0 and below 1.

    Returns
    -------
    (m,)
        From ``-LIMIT`` to ``LIMIT``.
    """
    least, most = np.maximum(0.0, low_i + low_j - 1.0), np.minimum(low_i, low_j)
    target = _likeliest_share(cells, low_i, low_j, least, most)
    rho = np.where(target - least < most - target, -LIMIT, LIMIT)
    inside = np.flatnonzero(np.minimum(target - least, most - target) > 1e-12)
    rho[inside] = _invert(low_i[inside], low_j[inside], target[inside])
    return rho


def _tables(data: ArrayLike | sparse.sparray) -> tuple[Array, Array, Pairs]:
    """Return the cells of each pair (neither, second only, first only, both), the shares of 0, the pairs."""
    if sparse.issparse(data):
        lists, seen = as_lists(data), None
    else:
        table = as_table(data, min_columns=2, missing=True)
        missing = np.isnan(table)
        seen = ~missing if missing.any() else None
        lists = as_lists(table if seen is None else np.where(missing, 0.0, table))
    n_rows, p = lists.shape
    if p < 2:
        msg = f"data has {p} column; at least 2 are needed for a correlation."
        raise DataError(msg)
    i, j = pairs = np.triu_indices(p, 1)
    if seen is None:
        counts = cooccurrence(lists)
        n_ones = np.diag(counts)
        n_seen = np.full(p, float(n_rows))
        with_i, with_j, shared = n_ones[i], n_ones[j], n_seen[i]
    else:
        counts = cooccurrence(np.hstack([lists.toarray() > 0, seen]))
        n_ones, n_seen = np.diag(counts)[:p], np.diag(counts)[p:]
        with_i, with_j, shared = counts[i, p + j], counts[j, p + i], counts[p + i, p + j]
    refuse_constant(np.flatnonzero((n_ones == 0) | (n_ones == n_seen)), p)
    refuse_unshared(shared, pairs)
    both = counts[i, j]
    cells = np.array([shared - with_i - with_j + both, with_j - both, with_i - both, both])
    return cells, (n_seen - n_ones) / n_seen, pairs


def _likeliest_share(cells: Array, low_i: Array, low_j: Array, least: Array, most: Array) -> Array:
    """Return the share of rows with 0 in both columns that makes each table likeliest.

    With q this share, a and b the shares of 0, ``n00 log q + n01 log(a - q) + n10 log(b - q) + n11 log(1 - a
    - b + q)`` is concave, so Newton's method within a bracket finds its top, be it at an end.
    """
    neither, second, one, _ = cells
    total = cells.sum(axis=0)
    q: Array = neither / total
    off = np.maximum(np.abs((neither + second) / total - low_i), np.abs((neither + one) / total - low_j))
    rest = np.flatnonzero(off > 1e-12)
    if not rest.size:
        return q
    n, a, b = cells[:, rest], low_i[rest], low_j[rest]
    lower, upper = least[rest], most[rest]
    sign = np.array([1.0, -1.0, -1.0, 1.0])[:, None]
    x = (lower + upper) / 2
    for _ in range(_MAX_STEPS):
        share = np.maximum([x, a - x, b - x, 1.0 - a - b + x], _FLOOR)
        ratio = n / share
        slope = (sign * ratio).sum(axis=0)
        lower, upper = np.where(slope > 0, x, lower), np.where(slope > 0, upper, x)
        step = x + slope / np.maximum((ratio / share).sum(axis=0), _FLOOR)
        following = np.where((step > lower) & (step < upper), step, (lower + upper) / 2)
        moved, x = np.abs(following - x).max(), following
        if moved < 1e-15:
            break
    q[rest] = x
    return q


def _invert(low_i: Array, low_j: Array, target: Array) -> Array:
    """Return the correlations at which both columns are 0 with the target probability.

    Newton's method on the logarithm of the least of the four cells, over t = tan(arcsin(rho) / 2), within a
    bracket that is halved whenever a step leaves it or is not half as long as the one before.
    """
    h, k = ndtri(low_i), ndtri(low_j)
    shares = np.array([target, low_i - target, low_j - target, 1.0 - low_i - low_j + target])
    which = shares.argmin(axis=0)
    goal = shares[which, np.arange(len(h))]
    sign = np.where((which == 0) | (which == 3), 1.0, -1.0)
    end = _half_angle(np.array(LIMIT))
    lower, upper = np.full_like(h, -end), np.full_like(h, end)
    t = _half_angle(_rough(shares))
    length = upper - lower
    done = np.empty_like(h)
    left = np.arange(len(h))
    for _ in range(_MAX_STEPS):
        square = t * t
        rho = 2.0 * t / (1.0 + square)
        excess = bivariate_normal_cdf(h, k, rho) - target
        lower, upper = np.where(excess < 0, t, lower), np.where(excess < 0, upper, t)
        slope = bivariate_normal_pdf(h, k, rho) * (2.0 * (1.0 - square) / (1.0 + square) ** 2)
        cell = goal + sign * excess
        far = np.log(np.maximum(cell, _ROUNDING) / goal)
        step = t - sign * far * cell / np.maximum(slope, _FLOOR)
        good = (cell > _ROUNDING) & (step > lower) & (step < upper) & (np.abs(step - t) < length / 2)
        following = np.where(good, step, (lower + upper) / 2)
        length = np.where(good, np.abs(following - t), upper - lower)
        more = length > np.where(good, _STEP_TOLERANCE, _TOLERANCE)
        done[left] = t = following
        if not more.any():
            break
        left = left[more]
        h, k, target, goal, sign = h[more], k[more], target[more], goal[more], sign[more]
        lower, upper, length, t = lower[more], upper[more], length[more], t[more]
    rho = 2.0 * done / (1.0 + done * done)
    at_end = end - np.abs(done) < 10 * _TOLERANCE
    capped: Array = np.where(at_end, np.copysign(LIMIT, rho), rho)
    return capped


def _half_angle(rho: Array) -> Array:
    half: Array = rho / (1.0 + np.sqrt((1.0 - rho) * (1.0 + rho)))
    return half


def _rough(shares: Array) -> Array:
    """Approximate the correlation by the odds ratio, to start from (Bonett & Price, 2005)."""
    neither, second, one, both = shares
    odds = neither * both / (second * one)
    margin = np.minimum(np.minimum(neither + second, one + both), np.minimum(neither + one, second + both))
    power = (1.0 - np.abs(one - second) / 5 - (0.5 - margin) ** 2) / 2
    rough: Array = np.clip(np.cos(np.pi / (1.0 + odds**power)), -0.95, 0.95)
    return rough
