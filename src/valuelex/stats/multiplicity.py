"""Adjustment of p-values for many tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from valuelex.errors import DataError
from valuelex.stats.checks import Array, first


def holm(p_values: ArrayLike) -> Array:
    """Adjust p-values so that the chance of any false rejection stays below the level.

    Parameters
    ----------
    p_values : (n_tests,)
        From 0 to 1. NaN for a test that could not be made; it is not counted.

    Returns
    -------
    (n_tests,)
        Adjusted p-values, at most 1; NaN where the input is.

    Raises
    ------
    DataError
        If a p-value lies outside 0 to 1, or they are not one-dimensional.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    p = _checked(p_values)
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> Array:
    """Adjust p-values so that the expected share of false ones among the rejections stays below the level.

    The i-th smallest of n becomes ``min over j >= i of p_j * n / j``. It holds for independent tests and for
    positively dependent ones, such as quantities measured on the same rows.

    Parameters
    ----------
    p_values : (n_tests,)
        From 0 to 1. NaN for a test that could not be made; it is not counted.

    Returns
    -------
    (n_tests,)
        Adjusted p-values, at most 1; NaN where the input is.

    Raises
    ------
    DataError
        If a p-value lies outside 0 to 1, or they are not one-dimensional.

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate. Benjamini & Yekutieli (2001), The control
    of the false discovery rate in multiple testing under dependency.
    """
    p = _checked(p_values)
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(-p[made], kind="stable")]
    factors = len(order) / np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.minimum.accumulate(p[order] * factors), 1.0)
    return adjusted


def _checked(p_values: ArrayLike) -> Array:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        msg = f"p-values have shape {p.shape}; give one family of tests as a vector."
        raise DataError(msg)
    wrong = np.flatnonzero((p < 0) | (p > 1))
    if wrong.size:
        msg = f"{wrong.size} of {p.size} p-values lie outside 0 to 1 (first: test {first(wrong)}); correct them."
        raise DataError(msg)
    return p
