"""Rows of data whose columns each load on one of some correlated factors."""

from __future__ import annotations

import numpy as np


def rows(n: int, p: int, k: int, seed: int) -> np.ndarray:
    """Draw n rows of p columns of unit variance, of k factors that correlate by .3."""
    rng = np.random.default_rng(seed)
    loadings = np.zeros((p, k))
    loadings[np.arange(p), np.arange(p) % k] = rng.uniform(0.5, 0.8, p)
    phi = np.full((k, k), 0.3)
    np.fill_diagonal(phi, 1.0)
    factors = rng.standard_normal((n, k)) @ np.linalg.cholesky(phi).T
    return factors @ loadings.T + rng.standard_normal((n, p)) * np.sqrt(1 - np.square(loadings).sum(axis=1))
