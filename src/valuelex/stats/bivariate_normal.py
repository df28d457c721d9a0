"""Probabilities of the bivariate normal distribution, for many pairs of limits at once.

Owns the distribution function and the density. Estimates nothing; see `valuelex.stats.tetrachoric`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, owens_t

from valuelex.stats.checks import Array

GAUSS_LIMIT = 0.95
"""Correlations beyond it are left to Owen's function, because the integrand gets too steep for 20 nodes."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_BLOCK = 16384


def bivariate_normal_cdf(h: Array, k: Array, rho: Array) -> Array:
    """Probability that two standard normal variables of correlation rho are at most h and at most k.

    It is ``F(h) F(k)`` plus the integral of the density over correlations from 0 to rho. With
    ``r = 2 t / (1 + t^2)`` the integrand is smooth in t, and 20 Gauss-Legendre nodes give it to rounding
    where ``|rho| <= .95``; beyond that Owen's T function does.

    Parameters
    ----------
    h, k : (m,)
        Finite limits in standard deviations.
    rho : (m,)
        Correlations between -1 and 1, both left out.

    Returns
    -------
    (m,)
        From 0 to 1, to within 1e-14.

    References
    ----------
    Drezner & Wesolowsky (1990), On the computation of the bivariate normal integral. Owen (1956), Tables
    for computing bivariate normal probabilities.
    """
    p = np.empty_like(h)
    for start in range(0, len(h), _BLOCK):
        part = slice(start, start + _BLOCK)
        p[part] = _by_gauss(h[part], k[part], rho[part])
    steep = np.flatnonzero(np.abs(rho) > GAUSS_LIMIT)
    if steep.size:
        p[steep] = _by_owen(h[steep], k[steep], rho[steep])
    return np.clip(p, 0.0, np.minimum(ndtr(h), ndtr(k)))


def bivariate_normal_pdf(h: Array, k: Array, rho: Array) -> Array:
    """Density of two standard normal variables of correlation rho at h and k.

    It is also the derivative of the distribution function by rho.

    Parameters
    ----------
    h, k : (m,)
        Finite places in standard deviations.
    rho : (m,)
        Correlations between -1 and 1, both left out.

    Returns
    -------
    (m,)
        Not negative.
    """
    rest = (1.0 - rho) * (1.0 + rho)
    density: Array = np.exp(-((h - k) ** 2 / rest + 2 * h * k / (1.0 + rho)) / 2) / (
        2 * np.pi * np.sqrt(rest)
    )
    return density


def _by_gauss(h: Array, k: Array, rho: Array) -> Array:
    """Integrate over t = tan(arcsin(rho) / 2), which needs no sine at the nodes."""
    half = rho / (1.0 + np.sqrt((1.0 - rho) * (1.0 + rho))) / 2
    product = 2 * h * k
    squares = (h * h + k * k) / 2
    total = np.zeros_like(h)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        t = half * (1.0 + node)
        square = t * t
        more, less = 1.0 + square, 1.0 - square
        total += weight / more * np.exp((product * t - squares * more) * more / (less * less))
    probability: Array = ndtr(h) * ndtr(k) + total * half / np.pi
    return probability


def _by_owen(h: Array, k: Array, rho: Array) -> Array:
    root = np.sqrt((1.0 - rho) * (1.0 + rho))
    # Owen's form divides by h and by k; 1e-200 stands for less, so that no quotient overflows.
    h, k = (np.where(np.abs(limit) < 1e-200, 1e-200, limit) for limit in (h, k))
    across = owens_t(h, (k / h - rho) / root) + owens_t(k, (h / k - rho) / root)
    probability: Array = (ndtr(h) + ndtr(k)) / 2 - across - np.where((h < 0) != (k < 0), 0.5, 0.0)
    return probability
