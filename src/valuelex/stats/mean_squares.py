"""Mean squares of balanced designs, and what they are expected to be.

Owns the analysis of variance of data in which every cell holds the same number of scores. Which components
follow is the concern of `valuelex.stats.variance_components`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.stats.checks import Array
from valuelex.stats.design import Design, Effect, Levels


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """Independent mean squares, each a scaled chi-square, and what they estimate."""

    values: NDArray[np.float64]
    """(k,), at least 0."""
    degrees_of_freedom: NDArray[np.float64]
    """(k,), above 0."""
    expected: NDArray[np.float64]
    """(k, k): row by row, the expected mean square is this times the components of variance."""

    def weights(self) -> Array:
        """(k, k): row by row, what the mean squares are multiplied with to estimate each component."""
        return np.asarray(np.linalg.inv(self.expected), dtype=np.float64)


def balanced_table(scores: Array, levels: Levels) -> tuple[Array, int] | None:
    """Cell means with one axis a facet and the number of scores a cell, or None if that is not the same."""
    shape, index, stride = [], np.zeros(len(scores), dtype=np.int64), 1
    for facet, codes in zip(levels.design.facets, levels.codes, strict=True):
        each = levels.per_parent(facet)
        if each.min() != each.max():
            return None
        shape.append(int(each[0]))
        stride *= shape[-1]
        index = index * shape[-1] + _rank_in_parent(levels, facet)[codes]
        if stride > len(scores):
            return None
    filled = np.bincount(index, minlength=stride)
    if filled.min() != filled.max():
        return None
    means = np.bincount(index, weights=scores - scores.mean(), minlength=stride) / filled[0]
    return means.reshape(shape), int(filled[0])


def balanced_mean_squares(
    scores: Array, levels: Levels, table: tuple[Array, int]
) -> tuple[tuple[Effect, ...], MeanSquares] | None:
    """Mean squares of balanced data, one for each component, or None if effects left out make them more."""
    design, (means, n_each) = levels.design, table
    full = frozenset(design.facets)
    effects = tuple(e for e in design.effects if e != full or n_each > 1)
    sums = _sums_of_squares(design, means, n_each)
    pooled: dict[frozenset[Effect], list[float]] = {}
    for stratum, (square, df) in sums.items():
        held = pooled.setdefault(frozenset(e for e in effects if e >= stratum), [0.0, 0.0])
        held[0] += square
        held[1] += df
    if n_each > 1:
        centred = scores - scores.mean()
        within = float(centred @ centred) - n_each * float((means**2).sum())
        held = pooled.setdefault(frozenset(), [0.0, 0.0])
        held[0] += max(within, 0.0)
        held[1] += len(scores) - means.size
    if len(pooled) != len(effects) + 1:
        return None
    rows = [pooled[frozenset(e for e in effects if e >= effect)] for effect in effects] + [
        pooled[frozenset()]
    ]
    squares, df = np.array(rows).T
    sizes = [_n_cells(design, effect, means.shape) for effect in effects]
    expected = np.ones((len(rows), len(rows)))
    for i, effect in enumerate(effects):
        expected[i, :-1] = [
            len(scores) / size if other >= effect else 0.0 for other, size in zip(effects, sizes, strict=True)
        ]
    expected[-1, :-1] = 0.0
    return effects, MeanSquares(squares / df, df, expected)


def _sums_of_squares(design: Design, means: Array, n_each: int) -> dict[Effect, tuple[float, float]]:
    """Sum of squares and degrees of freedom of every effect that the nesting allows.

    The means of an effect's cells are centred along each of its facets in which no other of them is nested;
    nested ones are centred within what they are nested in. That takes out all coarser effects.
    """
    marginal: dict[Effect, Array] = {frozenset(design.facets): means}
    out: dict[Effect, tuple[float, float]] = {}
    for effect in reversed(design.possible_effects()):
        around = min((e for e in marginal if e >= effect), key=lambda e: marginal[e].size)
        axes = tuple(i for i, f in enumerate(design.facets) if f in around - effect)
        marginal[effect] = marginal[around].mean(axis=axes, keepdims=True)
        centred, df = marginal[effect], 1.0
        outer = frozenset[str]().union(*(design.within[design.facets.index(f)] for f in effect))
        for axis, facet in enumerate(design.facets):
            if facet in effect - outer:
                centred = centred - centred.mean(axis=axis, keepdims=True)
            if facet in effect:
                df *= means.shape[axis] - (facet not in outer)
        flat = centred.ravel()
        out[effect] = n_each * means.size / centred.size * float(flat @ flat), df
    return out


def _n_cells(design: Design, effect: Effect, shape: tuple[int, ...]) -> int:
    return int(np.prod([n for facet, n in zip(design.facets, shape, strict=True) if facet in effect]))


def _rank_in_parent(levels: Levels, facet: str) -> NDArray[np.int64]:
    """Give numbers from 0 to the levels of a facet within each cell that it is nested in."""
    parents = levels.parents(facet)
    n = levels.counts[levels.design.facets.index(facet)]
    if parents is None:
        return np.arange(n)
    order = np.argsort(parents[0], kind="stable")
    each = np.bincount(parents[0], minlength=parents[1])
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n) - np.repeat(np.cumsum(each) - each, each)
    return rank
