"""How congruent factors are with a target after rotation towards it, and what chance would give.

Rotation towards a target finds some likeness anywhere; so the same is done with the variables shuffled. Owns that
comparison; the rotation and the coefficient are in `valuelex.stats.congruence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.stats.checks import Array, as_count
from valuelex.stats.congruence import congruence, procrustes

QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class TargetCongruence:
    """Congruence of k factors with their targets."""

    congruence: NDArray[np.float64]
    """(k,) Tucker's congruence after rotation, -1 to 1."""
    chance: NDArray[np.float64]
    """(k,) its .95 quantile where the variables are shuffled before the rotation."""


def congruence_with_target(
    loadings: ArrayLike, target: ArrayLike, rng: np.random.Generator, *, n_permutations: int = 199
) -> TargetCongruence:
    """Rotate loadings orthogonally towards a target and compare them with it, factor by factor.

    Parameters
    ----------
    loadings : (p, k)
        Unrotated or orthogonally rotated loadings.
    target : (p, k)
        Loadings of the same variables on as many orthogonal factors.
    rng
        Source of the shuffles.
    n_permutations
        At least 19.

    Returns
    -------
    TargetCongruence

    Raises
    ------
    DataError
        If the shapes differ, a cell is not finite or there are too few permutations.

    References
    ----------
    McCrae, Zonderman, Costa, Bond & Paunonen (1996), Evaluating replicability of factors in the Revised NEO
    Personality Inventory, for the rotation and for chance by shuffled variables.
    """
    n_permutations = as_count(n_permutations, name="n_permutations", least=19)
    rotated, _ = procrustes(loadings, target)
    a, b = np.asarray(loadings, dtype=np.float64), np.asarray(target, dtype=np.float64)
    found = np.diagonal(congruence(rotated, b)).copy()
    shuffled = np.stack([a[rng.permutation(len(a))] for _ in range(n_permutations)])
    u, _, vt = np.linalg.svd(np.swapaxes(shuffled, 1, 2) @ b)
    by_chance: Array = np.diagonal(congruence(shuffled @ (u @ vt), b), axis1=1, axis2=2)
    return TargetCongruence(found, np.quantile(by_chance, QUANTILE, axis=0))
