"""Factors of resamples: extracted one by one, rotated together, and brought into the order of the whole sample.

Owns how a resample is factored once the whole sample is. The resamples and the intervals made of them are in
`valuelex.stats.loading_intervals`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError
from valuelex.stats.checks import Array
from valuelex.stats.congruence import align_loadings
from valuelex.stats.extraction import refit
from valuelex.stats.factor import NORMALISED, FactorSolution
from valuelex.stats.rotation import rotate
from valuelex.stats.rotation_criteria import OBLIQUE

ROTATED_AT_ONCE = 100
"""Resamples rotated in one stack; more do not fit the cache and are no faster."""


@dataclass(frozen=True, slots=True)
class Options:
    """How resamples are factored, and the coverage asked for."""

    method: str
    rotation: str
    normalise: bool | None
    n_starts: int
    level: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """Unrotated factors of the resamples that could be used."""

    loadings: Array
    """(B, p, k), 0 for a variable that is not there."""
    there: NDArray[np.bool_]
    """(B, p) whether the variable had spread."""
    proper: NDArray[np.bool_]
    converged: NDArray[np.bool_]


def extract_all(
    correlations: Callable[[Array], Array | None],
    n_units: int,
    n_resamples: int,
    method: str,
    solution: FactorSolution,
    rng: np.random.Generator,
) -> Drawn:
    """Factor every resample. A variable without spread is made one that correlates with nothing, and so loads 0."""
    fits, there = [], []
    for _ in range(n_resamples):
        r = correlations(rng.multinomial(n_units, np.full(n_units, 1.0 / n_units)).astype(np.float64))
        if r is None:
            continue
        spread = np.isfinite(np.diagonal(r))
        if not spread.all():
            r = np.where(np.isfinite(r), r, 0.0)
            np.fill_diagonal(r, 1.0)
        there.append(spread)
        fits.append(refit(r, solution.pattern.shape[1], method=method, start=solution.uniquenesses))
    if len(fits) < 2:
        msg = (
            f"{n_resamples - len(fits)} of {n_resamples} resamples of {n_units} units have a constant "
            "column, so there is no interval; drop rare columns or gather more units."
        )
        raise DataError(msg)
    return Drawn(
        np.stack([fit.loadings for fit in fits]),
        np.stack(there),
        np.array([fit.proper for fit in fits]),
        np.array([fit.converged for fit in fits]),
    )


@dataclass(frozen=True, slots=True)
class Turned:
    """Rotated resamples in the order and signs of the whole sample."""

    pattern: Array
    phi: Array
    congruence: Array
    converged: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        loadings: Array,
        solution: FactorSolution,
        options: Options,
        rng: np.random.Generator,
    ) -> Turned:
        """Rotate the unrotated loadings (B, p, k) of resamples and align them with the solution of the whole sample."""
        rotation, normalise = options.rotation, options.normalise
        normalised = rotation in NORMALISED if normalise is None else normalise
        # An oblique rotation starts from the transformation of the whole sample, the others from its result.
        start = None
        if rotation in OBLIQUE:
            start, near = solution.transformation, solution.unrotated
        elif rotation == "promax":
            near = rotate(solution.unrotated, "varimax", normalise=normalised).pattern
        else:
            near = solution.pattern
        if rotation != "none":
            u, _, vt = np.linalg.svd(np.swapaxes(loadings, 1, 2) @ near)
            loadings = loadings @ (u @ vt)
        parts = []
        for begin in range(0, len(loadings), ROTATED_AT_ONCE):
            turned = rotate(
                loadings[begin : begin + ROTATED_AT_ONCE],
                rotation,
                normalise=normalised,
                start=start,
                n_starts=options.n_starts,
                rng=rng,
            )
            aligned = align_loadings(turned.pattern, solution.pattern)
            parts.append(
                (
                    aligned.loadings,
                    aligned.factor_correlations(turned.phi),
                    aligned.congruence,
                    turned.converged,
                )
            )
        pattern, phi, congruence, converged = zip(*parts, strict=True)
        return cls(
            np.concatenate(pattern),
            np.concatenate(phi),
            np.concatenate(congruence),
            np.concatenate(converged),
        )
