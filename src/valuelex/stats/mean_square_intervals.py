"""Intervals for sums, differences and ratios of mean squares.

Owns the modified large-sample intervals of Graybill, Wang, Ting and others. Where the mean squares come from
is the concern of `valuelex.stats.mean_squares`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, fdtri

from valuelex.stats.checks import Array
from valuelex.stats.mean_squares import MeanSquares

_BISECTIONS = 45
_HUGE = 1e60


def linear_interval(mean_squares: MeanSquares, coefficients: Array, level: float) -> tuple[Array, Array]:
    """Two-sided interval for linear combinations of expected mean squares.

    Exact for one mean square, and at zero for a difference of two; close to nominal otherwise.

    Parameters
    ----------
    mean_squares
        k independent ones.
    coefficients : (..., k)
        Of either sign.
    level
        Coverage, between 0 and 1.

    Returns
    -------
    low, high : (...,)
        Not truncated at zero; `high` is infinite where the degrees of freedom bound nothing.

    References
    ----------
    Ting, Burdick, Graybill, Jeyaratnam & Lu (1990), Confidence intervals on linear combinations of variance
    components that are unrestricted in sign. Burdick & Graybill (1992), Confidence Intervals on Variance
    Components, section 3.3.
    """
    tables = _tables(mean_squares.degrees_of_freedom, (1 - level) / 2)
    parts = _without_traces(coefficients * mean_squares.values)
    return _lower(parts, tables), _upper(parts, tables)


def share_interval(
    mean_squares: MeanSquares, part: Array, remainder: Array, level: float
) -> tuple[Array, Array]:
    """Two-sided interval for a share ``part / (part + remainder)`` of two linear combinations.

    An end is the share at which the bound on ``(1 - share) part - share remainder`` passes zero. For one
    mean square over another this is the exact interval from F.

    Parameters
    ----------
    mean_squares
        k independent ones.
    part, remainder : (..., k)
        Coefficients.
    level
        Coverage, between 0 and 1.

    Returns
    -------
    low, high : (...,)
        From 0 to 1.
    """
    tables = _tables(mean_squares.degrees_of_freedom, (1 - level) / 2)
    part, remainder = part * mean_squares.values, remainder * mean_squares.values
    ends = []
    for bound in (_lower, _upper):
        low, high = np.zeros(part.shape[:-1]), np.ones(part.shape[:-1])
        for _ in range(_BISECTIONS):
            middle = ((low + high) / 2)[..., None]
            above = bound(_without_traces((1 - middle) * part - middle * remainder), tables) > 0
            low, high = np.where(above, middle[..., 0], low), np.where(above, high, middle[..., 0])
        ends.append((low + high) / 2)
    return ends[0], ends[1]


@dataclass(frozen=True, slots=True)
class _Tables:
    """Constants of the intervals for the given degrees of freedom and tail."""

    g: Array
    h: Array
    g_cross: Array
    h_cross: Array
    same_sign: Array


def _tables(df: Array, tail: float) -> _Tables:
    row, column = df[:, None], df[None, :]
    g = 1 - df / chdtri(df, tail)
    h = np.minimum(df / np.maximum(chdtri(df, 1 - tail), 1 / _HUGE), _HUGE) - 1
    far = np.clip(fdtri(row, column, 1 - tail), 1 / _HUGE, _HUGE)
    near = np.clip(fdtri(row, column, tail), 1 / _HUGE, _HUGE)
    g_cross = ((far - 1) ** 2 - (g[:, None] * far) ** 2 - h[None, :] ** 2) / far
    h_cross = ((1 - near) ** 2 - (h[:, None] * near) ** 2 - g[None, :] ** 2) / near
    total = row + column
    pooled = (1 - total / chdtri(total, tail)) ** 2 * total**2 / (row * column)
    same_sign = np.triu(pooled - g[:, None] ** 2 * row / column - g[None, :] ** 2 * column / row, 1)
    return _Tables(g, h, g_cross, h_cross, same_sign)


def _without_traces(parts: Array) -> Array:
    """Set rounding errors to zero, since the number of terms of each sign matters."""
    return np.where(np.abs(parts) < 1e-7 * np.abs(parts).max(axis=-1, keepdims=True), 0.0, parts)


def _lower(parts: Array, tables: _Tables) -> Array:
    plus, minus = np.maximum(parts, 0.0), np.maximum(-parts, 0.0)
    spread = plus**2 @ tables.g**2 + minus**2 @ tables.h**2
    spread += ((plus @ tables.g_cross) * minus).sum(axis=-1)
    spread += _together(plus, tables)
    bound: Array = parts.sum(axis=-1) - np.sqrt(np.maximum(spread, 0.0))
    return bound


def _upper(parts: Array, tables: _Tables) -> Array:
    plus, minus = np.maximum(parts, 0.0), np.maximum(-parts, 0.0)
    spread = plus**2 @ tables.h**2 + minus**2 @ tables.g**2
    spread += ((plus @ tables.h_cross) * minus).sum(axis=-1)
    spread += _together(minus, tables)
    bound: Array = parts.sum(axis=-1) + np.sqrt(np.maximum(spread, 0.0))
    return np.where(bound > 1e12 * np.abs(parts).sum(axis=-1), np.inf, bound)


def _together(parts: Array, tables: _Tables) -> Array:
    """Terms of each two combined parts of the same sign."""
    count = np.maximum((parts > 0).sum(axis=-1) - 1, 1)
    terms: Array = ((parts @ tables.same_sign) * parts).sum(axis=-1) / count
    return terms
