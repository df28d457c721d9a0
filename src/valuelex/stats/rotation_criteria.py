"""What a rotation minimises: the value of each criterion and its gradient, for a stack of loading matrices.

Loadings come here with factors as rows, (n, k, p), since sums over factors are then fast. How a criterion
is minimised is in `valuelex.stats.gradient_projection`; what the user calls is `valuelex.stats.rotation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from valuelex.stats.checks import Array

ORTHOGONAL = ("varimax", "quartimax", "geomin_orthogonal", "bifactor", "target_orthogonal")
OBLIQUE = ("oblimin", "quartimin", "geomin", "bifactor_oblique", "target")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One function of loadings to be minimised."""

    evaluate: Callable[[Array], tuple[Array, Array]]
    """From loadings (n, k, p) to values (n,) and gradients (n, k, p)."""
    oblique: bool
    """Whether factors may correlate."""
    degree: int
    """Power of the loadings with which the value grows: 2 or 4."""

    def scale(self, loadings: Array) -> Array:
        """Size that the criterion can have on loadings (n, k, p), which no rotation changes much; (n,)."""
        communalities = (loadings * loadings).sum(axis=1)
        total: Array = (communalities if self.degree == 2 else communalities**2).sum(axis=1)
        return total


def criterion_of(name: str, *, gamma: float, delta: float, target: NDArray[np.float64] | None) -> Criterion:
    """Return the criterion of that name, which is in `ORTHOGONAL` or `OBLIQUE`."""
    oblique = name in OBLIQUE
    match name.removesuffix("_orthogonal").removesuffix("_oblique"):
        case "varimax":
            return Criterion(_varimax, oblique, 4)
        case "quartimax":
            return Criterion(_quartimax, oblique, 4)
        case "geomin":
            return Criterion(partial(_geomin, delta), oblique, 2)
        case "bifactor":
            return Criterion(_bifactor, oblique, 4)
        case "target" if target is not None:
            known = np.isfinite(target).astype(np.float64).T
            return Criterion(partial(_target, known, np.nan_to_num(target, nan=0.0).T), oblique, 2)
        case _:
            return Criterion(partial(_oblimin, gamma if name == "oblimin" else 0.0), oblique, 4)


def _inner(x: Array, y: Array) -> Array:
    """Sum the products of two stacks (n, k, p), as (n,)."""
    n = len(x)
    total: Array = np.vecdot(x.reshape(n, -1), y.reshape(n, -1))
    return total


def _varimax(loadings: Array) -> tuple[Array, Array]:
    """Return minus a quarter of the summed squared deviations of squared loadings from their mean, by factor."""
    deviations = loadings * loadings
    deviations -= deviations.mean(axis=2, keepdims=True)
    value = -0.25 * _inner(deviations, deviations)
    deviations *= loadings
    return value, -deviations


def _quartimax(loadings: Array) -> tuple[Array, Array]:
    """Return minus a quarter of the sum of fourth powers."""
    squares = loadings * loadings
    return -0.25 * _inner(squares, squares), -squares * loadings


def _oblimin(gamma: float, loadings: Array) -> tuple[Array, Array]:
    """Return a quarter of the summed products of squared loadings of different factors, less means by `gamma`."""
    squares = loadings * loadings
    others = squares.sum(axis=1, keepdims=True) - squares
    if gamma:
        others -= gamma * others.mean(axis=2, keepdims=True)
    value = 0.25 * _inner(squares, others)
    others *= loadings
    return value, others


def _geomin(delta: float, loadings: Array) -> tuple[Array, Array]:
    """Sum, over variables, the geometric means of their squared loadings, each raised by `delta`."""
    k = loadings.shape[1]
    squares = loadings * loadings
    squares += delta
    means = np.exp(np.log(squares).mean(axis=1, keepdims=True))
    return means.sum(axis=(1, 2)), (2.0 / k) * means * loadings / squares


def _bifactor(loadings: Array) -> tuple[Array, Array]:
    """Sum the products of squared loadings of different group factors; the first factor is general."""
    groups = loadings[:, 1:]
    squares = groups * groups
    others = squares.sum(axis=1, keepdims=True) - squares
    gradient = np.zeros_like(loadings)
    np.multiply(groups, others, out=gradient[:, 1:])
    gradient *= 4.0
    return _inner(squares, others), gradient


def _target(known: Array, target: Array, loadings: Array) -> tuple[Array, Array]:
    """Sum the squared distances from the known cells of a target."""
    distances = (loadings - target) * known
    return _inner(distances, distances), 2.0 * distances
