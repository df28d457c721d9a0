"""Minimise a rotation criterion over transformations, for many problems at once.

Gradient projection (Jennrich 2001, 2002) with curvature: each step goes down the gradient projected onto
the orthogonal matrices or onto those with columns of length 1, bent by a quasi-Newton estimate of the
inverse Hessian (BFGS) in coordinates that move with the transformation. Every problem has its own step
and its own convergence, and those that are done leave. Which criterion is no matter here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from valuelex.stats.checks import Array
from valuelex.stats.rotation_criteria import Criterion

REACH = 0.7
"""Longest step: sum of absolute moves of one factor along the others. Below 1 no step can be singular."""
SLACK = 1e-14
"""Rise of the value, relative to its scale, that counts as rounding and not as ascent."""
BLOCK_CELLS = 60_000
"""Loadings worked on at once, so that they stay in the cache of the processor."""
NUDGE = 0.01
"""Radians by which a start without a gradient is turned, to see whether the value falls from there."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the descents ended, one row a problem."""

    transformation: NDArray[np.float64]
    """(n, k, k), T."""
    inverse: NDArray[np.float64]
    """(n, k, k), the inverse of T."""
    value: NDArray[np.float64]
    """(n,) of the criterion."""
    converged: NDArray[np.bool_]
    """(n,) whether the projected gradient met the tolerance."""
    n_iterations: NDArray[np.int64]
    """(n,) evaluations of the criterion."""


def minimise(
    loadings: Array, criterion: Criterion, starts: Array, *, tolerance: float, max_iterations: int
) -> Minimum:
    """Minimise the criterion of ``inverse(T) A'`` over T from each start.

    Parameters
    ----------
    loadings : (m, k, p)
        Unrotated, factors as rows.
    criterion
        What to minimise.
    starts : (m, s, k, k)
        Transformations to begin with: orthogonal, or with columns of length 1 if the criterion is oblique.
    tolerance
        Converged when the norm of the projected gradient is at most this times the scale of the criterion.
    max_iterations
        Most evaluations for one problem.

    Returns
    -------
    Minimum
        Of the m s problems, the starts of one matrix together.
    """
    m, s, k, _ = starts.shape
    which = np.repeat(np.arange(m), s)
    flat = starts.reshape(m * s, k, k)
    result = _descend(loadings, criterion, which, flat, tolerance, max_iterations)
    still = np.flatnonzero(result.converged & (result.n_iterations == 0))
    if still.size and k > 1:
        _leave_saddles(result, still, loadings, criterion, which, flat, tolerance, max_iterations)
    return result


def _descend(
    loadings: Array,
    criterion: Criterion,
    which: NDArray[np.int64],
    starts: Array,
    tolerance: float,
    max_iterations: int,
) -> Minimum:
    """Descend from each start (n, k, k) on the loadings that `which` (n,) names, block by block."""
    n, k, _ = starts.shape
    result = Minimum(
        np.empty((n, k, k)), np.empty((n, k, k)), np.empty(n), np.zeros(n, bool), np.zeros(n, np.int64)
    )
    size = max(1, BLOCK_CELLS // loadings[0].size)
    for begin in range(0, n, size):
        problems = np.arange(begin, min(begin + size, n))
        with np.errstate(all="ignore"):  # a step that overflows has no value that falls, and is shortened
            block = _Block(loadings[which[problems]], criterion, starts[problems], problems)
            block.descend(result, tolerance, max_iterations)
    return result


def _leave_saddles(
    result: Minimum,
    still: NDArray[np.int64],
    loadings: Array,
    criterion: Criterion,
    which: NDArray[np.int64],
    starts: Array,
    tolerance: float,
    max_iterations: int,
) -> None:
    """Turn starts without a gradient a little and descend again; keep what is lower.

    Such a start may be the worst and not the best: loadings of a general and a bipolar factor are one.
    """
    k = starts.shape[-1]
    turn = np.triu(NUDGE * (1.0 + np.arange(k * k).reshape(k, k) / k**2), 1)
    nudged = starts[still] @ expm(turn - turn.T)
    again = _descend(loadings, criterion, which[still], nudged, tolerance, max_iterations)
    scale = criterion.scale(loadings)[which[still]]
    lower = again.value < result.value[still] - 1e-9 * scale
    for field in ("transformation", "inverse", "value", "converged", "n_iterations"):
        getattr(result, field)[still[lower]] = getattr(again, field)[lower]


class _Block:
    """A set of problems in progress. All arrays have one row for each that is not done."""

    def __init__(self, a: Array, criterion: Criterion, t: Array, problems: NDArray[np.int64]) -> None:
        n, k, _ = t.shape
        self.criterion, self.problems, self.identity = criterion, problems, np.eye(k)
        self.a, self.scale = a, criterion.scale(a)
        self.t = t
        free = ~np.eye(k, dtype=bool) if criterion.oblique else np.triu(np.ones((k, k), bool), 1)
        self.cells = np.flatnonzero(free)
        self.inverse = np.linalg.inv(t).astype(np.float64) if criterion.oblique else np.swapaxes(t, 1, 2)
        self.value, self.gradient = self._evaluate(self.t, self.inverse)
        self.inverse_hessian = np.zeros((n, len(self.cells), len(self.cells)))
        self._restart(np.ones(n, bool))
        self.direction, self.step, self.slope = self._aim()

    def descend(self, result: Minimum, tolerance: float, max_iterations: int) -> None:
        """Step until every problem has converged or has used up its evaluations."""
        for iteration in range(max_iterations + 1):
            size = np.sqrt(_dot(self.gradient, self.gradient))
            converged = size <= tolerance * self.scale
            stuck = self.step < 1e-12
            done = converged | stuck if iteration < max_iterations else np.ones(len(size), bool)
            if done.any():
                self._finish(result, done, converged, iteration)
                if done.all():
                    return
                self._keep(~done)
            self._advance()

    def _advance(self) -> None:
        """Try one step of each problem; take it where the value falls enough, else shorten it."""
        move = self.step[:, None] * self.direction
        t, inverse = self._retract(self._spread(move))
        value, gradient = self._evaluate(t, inverse)
        expected = self.step * self.slope
        taken = value <= self.value + 1e-4 * expected + SLACK * self.scale
        if not taken.all():
            shorter = -0.5 * expected / (value - self.value - expected)
            self.step = np.where(taken, self.step, self.step * np.clip(np.nan_to_num(shorter), 0.1, 0.5))
            back = ~taken
            t[back], inverse[back] = self.t[back], self.inverse[back]
            value[back], gradient[back] = self.value[back], self.gradient[back]
        if taken.any():
            self._learn(move, gradient - self.gradient, taken)
            self.t, self.inverse, self.value, self.gradient = t, inverse, value, gradient
            direction, step, slope = self._aim()
            if taken.all():
                self.direction, self.step, self.slope = direction, step, slope
            else:
                self.direction = np.where(taken[:, None], direction, self.direction)
                self.step = np.where(taken, step, self.step)
                self.slope = np.where(taken, slope, self.slope)

    def _evaluate(self, t: Array, inverse: Array) -> tuple[Array, Array]:
        """Value, and gradient in coordinates relative to T: how far factors move along (or turn to) others."""
        rotated = inverse @ self.a
        value, by_loading = self.criterion.evaluate(rotated)
        m = by_loading @ np.swapaxes(rotated, 1, 2)
        if self.criterion.oblique:
            phi = np.swapaxes(t, 1, 2) @ t
            gradient = phi * np.diagonal(m, axis1=1, axis2=2)[:, None, :] - m
        else:
            gradient = np.swapaxes(m, 1, 2) - m
        return value, gradient.reshape(len(t), -1)[:, self.cells]

    def _spread(self, coordinates: Array) -> Array:
        """Put coordinates into matrices (n, k, k): zero on the diagonal, skew where factors only turn."""
        spread = np.zeros(self.t.shape)
        spread.reshape(len(spread), -1)[:, self.cells] = coordinates
        return spread if self.criterion.oblique else spread - np.swapaxes(spread, 1, 2)

    def _retract(self, move: Array) -> tuple[Array, Array]:
        """Return T and its inverse after a move: a Cayley rotation, or with columns brought back to length 1."""
        if self.criterion.oblique:
            moved = self.t @ (self.identity + move)
            length = np.linalg.norm(moved, axis=1)
            inverse = np.linalg.inv(self.identity + move) @ self.inverse
            return moved / length[:, None, :], inverse * length[:, :, None]
        half = 0.5 * move
        t = self.t @ (np.linalg.inv(self.identity - half) @ (self.identity + half))
        return t, np.swapaxes(t, 1, 2)

    def _aim(self) -> tuple[Array, Array, Array]:
        """Direction of descent, first step along it and slope of the value."""
        direction = -_times(self.inverse_hessian, self.gradient)
        slope = _dot(direction, self.gradient)
        longest = np.abs(self._spread(direction)).sum(axis=1).max(axis=1)
        return direction, REACH / np.maximum(longest, REACH), slope

    def _restart(self, which: NDArray[np.bool_]) -> None:
        d = self.inverse_hessian.shape[-1]
        first = 1.0 / np.where(self.scale > 0, self.scale, 1.0)
        self.inverse_hessian[which] = first[which, None, None] * np.eye(d)
        self.fresh = which.copy()

    def _learn(self, move: Array, change: Array, taken: NDArray[np.bool_]) -> None:
        """Update the inverse Hessian (BFGS) where the step met positive curvature."""
        curvature = _dot(move, change)
        squared = _dot(change, change)
        good = taken & (curvature > 1e-10 * np.sqrt(squared * _dot(move, move)))
        safe = np.where(good, curvature, 1.0)
        if self.fresh.any():
            first = self.fresh & good
            ratio = safe / np.where(squared > 0, squared, 1.0)
            d = self.inverse_hessian.shape[-1]
            self.inverse_hessian[first] = ratio[first, None, None] * np.eye(d)
            self.inverse_hessian[self.fresh & taken & ~good] *= 4.0
            self.fresh &= ~good
        bent = _times(self.inverse_hessian, change)
        along = 0.5 * (1.0 + _dot(change, bent) / safe)
        u = (along[:, None] * move - bent) * (good / safe)[:, None]
        both = np.stack([move, u], axis=1)
        self.inverse_hessian += np.swapaxes(both, 1, 2) @ both[:, ::-1]

    def _finish(
        self, result: Minimum, done: NDArray[np.bool_], converged: NDArray[np.bool_], iteration: int
    ) -> None:
        where = self.problems[done]
        result.transformation[where], result.inverse[where] = self.t[done], self.inverse[done]
        result.value[where], result.converged[where] = self.value[done], converged[done]
        result.n_iterations[where] = iteration

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        self.problems, self.a, self.scale = self.problems[rows], self.a[rows], self.scale[rows]
        self.t, self.inverse = self.t[rows], self.inverse[rows]
        self.value, self.gradient = self.value[rows], self.gradient[rows]
        self.inverse_hessian, self.fresh = self.inverse_hessian[rows], self.fresh[rows]
        self.direction, self.step, self.slope = self.direction[rows], self.step[rows], self.slope[rows]


def _dot(x: Array, y: Array) -> Array:
    product: Array = np.vecdot(x, y)
    return product


def _times(matrix: Array, vector: Array) -> Array:
    product: Array = (matrix @ vector[:, :, None])[:, :, 0]
    return product
