"""Elimination of the mixed-model equations of random intercepts, for determinants, solutions and traces.

With ``Z`` the indicators of all cells of all effects and ``D`` the roots of the ratios of their components to
the residual variance, the equations are ``M = [D Z'Z D + I, D Z'1; 1'Z D, n]``. They are eliminated in three
stages that follow the nesting of the cells:

1. one effect with many cells, whose part of M is diagonal;
2. the effects whose cells lie within the cells of one *splitting* effect: then M has one small dense block
   for each cell of that effect, and all blocks are inverted at once;
3. what is left, with the intercept, as one dense matrix.

Which effect plays which part is chosen by counting the arithmetic. Nothing here knows what the effects mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from valuelex.errors import DataError
from valuelex.stats.checks import Array

Codes = NDArray[np.int64]
_MOST_DENSE = 60_000_000
"""Most numbers held in the dense stages; above it memory would run out."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The equations solved at one set of ratios."""

    deviations: Array
    """(n_cells in all,) predicted deviation of each cell, over the residual's unit (already scaled by D)."""
    intercept: float
    """Mean beside that of the scores given."""
    intercept_variance: float
    """Over the residual variance."""
    squares: Array
    """(n_effects,) sum of squares of the standardised deviations, ``u'u``."""
    traces: Array
    """(n_effects,) trace of each effect's part of the inverse of M."""
    log_determinant: float
    """Of M."""
    factors: Factors


@dataclass(frozen=True, slots=True)
class Factors:
    """What solves further right-hand sides at the same ratios."""

    root: float
    diagonal: Array
    scale: Array
    blocks: Array
    bridge: Array
    rest: Array


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which effect is eliminated first, and where the cells of the others stand after it."""

    alone: int
    n_blocks: int
    size: int
    position: tuple[Codes | None, ...]
    """For each effect but `alone`, the position of each of its cells; blocks first, padded to one size."""
    n_rest: int
    """With the intercept, which comes last."""

    @property
    def n_within(self) -> int:
        return self.n_blocks * self.size

    @property
    def n_dense(self) -> int:
        return self.n_within * (self.size + self.n_rest) + self.n_rest**2


class MixedEquations:
    """Counts of scores by cells, arranged so that the equations are solved fast for any ratios."""

    def __init__(self, cells: Sequence[tuple[Codes, int]], n_scores: int) -> None:
        self.n_scores = n_scores
        self.codes = [codes for codes, _ in cells]
        self.n_cells = np.array([count for _, count in cells], dtype=np.int64)
        self.starts = np.concatenate(([0], np.cumsum(self.n_cells)))
        self.counts = _counts(self.codes, self.n_cells, n_scores)
        self.plan = _plan(cells)
        self._arrange()

    def _arrange(self) -> None:
        """Lay the counts out in the order of elimination."""
        plan, k = self.plan, len(self.n_cells)
        n_later = plan.n_within + plan.n_rest
        self.effect_at = np.full(n_later, k, dtype=np.int64)
        where = np.zeros(int(self.starts[-1]) + 1, dtype=np.int64)
        where[-1] = n_later - 1
        self.effect_at[-1] = k + 1
        for effect, position in enumerate(plan.position):
            if position is not None:
                where[self.starts[effect] : self.starts[effect + 1]] = position
                self.effect_at[position] = effect
        first, last = self.starts[plan.alone], self.starts[plan.alone + 1]
        self.where = where
        self.later = np.r_[0:first, last : len(where)]
        self.alone_counts = self.counts.diagonal()[first:last]
        columns = sparse.csr_array(self.counts[first:last][:, self.later])
        columns = sparse.csr_array(
            (columns.data, where[self.later][columns.indices], columns.indptr), shape=(last - first, n_later)
        )
        columns.sort_indices()
        self.between = columns
        among = sparse.coo_array(self.counts[self.later][:, self.later])
        rows, others = where[self.later][among.coords[0]], where[self.later][among.coords[1]]
        upper = rows <= others
        self.dense = np.zeros(plan.n_dense)
        self.dense[self._place(rows[upper], others[upper])] = among.data[upper]
        self.products = self._pairs()

    def _place(self, row: Codes, column: Codes) -> Codes:
        """Where the cell of M at row <= column is held among the dense numbers."""
        plan = self.plan
        w, s, r = plan.n_within, plan.size, plan.n_rest
        inner = row * s + column % s if s else row
        bridge = w * s + row * r + column - w
        rest = w * (s + r) + (row - w) * r + column - w
        return np.where(column < w, inner, np.where(row < w, bridge, rest))

    def _pairs(self) -> sparse.csr_array:
        """Products of counts that the first stage takes from the dense numbers: (n_dense, n cells alone)."""
        table = self.between
        lengths = np.diff(table.indptr).astype(np.int64)
        of_entry = np.repeat(np.arange(len(lengths)), lengths)
        left_over = table.indptr[of_entry + 1] - np.arange(len(of_entry))
        left = np.repeat(np.arange(len(of_entry)), left_over)
        ends = np.cumsum(left_over)
        right = left + np.arange(len(left)) - np.repeat(ends - left_over, left_over)
        place = self._place(table.indices[left].astype(np.int64), table.indices[right].astype(np.int64))
        products = table.data[left] * table.data[right]
        shape = (self.plan.n_dense, len(lengths))
        return sparse.csr_array(sparse.coo_array((products, (place, of_entry[left])), shape=shape))

    def sums(self, scores: Array) -> Array:
        """Return sums of the scores in each cell of each effect, and over all."""
        parts = [
            np.bincount(codes, weights=scores, minlength=count)
            for codes, count in zip(self.codes, self.n_cells, strict=True)
        ]
        return np.concatenate([*parts, [scores.sum()]])

    def fitted(self, deviations: Array, intercept: float) -> Array:
        """Return the sum of the deviations and the intercept at each score: (n_scores,)."""
        out = np.full(self.n_scores, intercept)
        for codes, start in zip(self.codes, self.starts, strict=False):
            out += deviations[start:][codes]
        return out

    def solve(self, ratios: Array, sums: Array) -> Solution:
        """Eliminate the equations at these ratios of component to residual variance and solve for the sums."""
        plan, k = self.plan, len(self.n_cells)
        roots = np.sqrt(ratios)
        ratio = float(ratios[plan.alone])
        scale = np.append(roots, [0.0, 1.0])[self.effect_at]
        diagonal = 1.0 + ratio * self.alone_counts
        taken = self.products @ np.column_stack([ratio / diagonal, ratio / diagonal**2])
        inner, bridge, rest = self.scaled(self.dense - taken[:, 0], scale)
        inner[:, np.arange(plan.size), np.arange(plan.size)] += 1.0
        rest[np.arange(plan.n_rest - 1), np.arange(plan.n_rest - 1)] += 1.0
        blocks: Array = np.asarray(np.linalg.inv(inner), dtype=np.float64)
        carried = blocks @ bridge
        flat, flat_carried = (a.reshape(plan.n_within, plan.n_rest) for a in (bridge, carried))
        lower, inverse = _rooted(rest - flat.T @ flat_carried)
        factors = Factors(float(roots[plan.alone]), diagonal, scale, blocks, flat_carried, inverse)
        log_determinant = np.log(diagonal).sum() + 2 * np.log(lower).sum()
        log_determinant += 2 * np.log(np.diagonal(np.linalg.cholesky(inner), axis1=1, axis2=2)).sum()
        traces = self._traces(factors, self.scaled(taken[:, 1], scale))
        u = self._solved(factors, self._standardised(factors, sums[:, None]))[:, 0]
        squares = np.array([u[a:b] @ u[a:b] for a, b in zip(self.starts, self.starts[1:], strict=False)])
        deviations = u[:-1] * np.repeat(roots, self.n_cells)
        variance = float(inverse[-1, -1])
        return Solution(
            deviations, float(u[-1]), variance, squares, traces[:k], float(log_determinant), factors
        )

    def information(self, ratios: Array, solution: Solution, residual_squares: float) -> Array:
        """Return ``w_k' P w_l`` with ``w_k = Z_k Z_k' e`` for each effect and ``e`` itself for the residual.

        P is the projection of the equations at a residual variance of one and C the inverse of M. From
        ``D Z'e = u``, ``D Z'P Z D = I - C`` and ``D Z'P e = C u`` no difference of large numbers is taken.
        """
        k = len(self.n_cells)
        roots = np.sqrt(ratios)
        right = np.zeros((int(self.starts[-1]) + 1, k + 1))
        for effect, (a, b) in enumerate(zip(self.starts, self.starts[1:], strict=False)):
            right[a:b, effect] = solution.deviations[a:b] / ratios[effect]
            right[a:b, k] = solution.deviations[a:b] / roots[effect]
        solved = self._solved(solution.factors, right)
        out: Array = np.diag((right**2).sum(axis=0)) - right.T @ solved
        out[:k, k] = out[k, :k] = right[:, :k].T @ solved[:, k]
        out[k, k] = residual_squares - right[:, k] @ solved[:, k]
        scale = np.append(1.0 / roots, 1.0)
        out *= np.outer(scale, scale)
        return (out + out.T) / 2

    def uncorrected(self, sums: Array, squares: float) -> tuple[Array, Array]:
        """Return expected and observed uncorrected sums of squares of mean, effects and scores (Henderson I).

        Columns of the expectation are the squared mean, the components, and the residual.
        """
        k = len(self.n_cells)
        counts = self.counts.diagonal()
        groups = [slice(len(counts) - 1, len(counts)), *map(slice, self.starts[:-1], self.starts[1:])]
        squared = self.counts.multiply(self.counts)
        expected = np.zeros((k + 2, k + 2))
        observed = np.zeros(k + 2)
        for row, group in enumerate(groups):
            weights = 1.0 / counts[group]
            observed[row] = sums[group] ** 2 @ weights
            by_column = weights @ squared[group]
            expected[row, :-1] = [self.n_scores, *(by_column[other].sum() for other in groups[1:])]
            expected[row, -1] = len(weights)
        observed[-1], expected[-1] = squares, self.n_scores
        return expected, observed

    def scaled(self, dense: Array, scale: Array) -> tuple[Array, Array, Array]:
        """Split dense numbers into blocks, bridge and rest, symmetric and scaled on both sides."""
        plan = self.plan
        w, s, r = plan.n_within, plan.size, plan.n_rest
        inner = dense[: w * s].reshape(plan.n_blocks, s, s)
        inner = inner + np.swapaxes(np.triu(inner, 1), 1, 2)
        by_block = scale[:w].reshape(plan.n_blocks, s)
        inner *= by_block[:, :, None]
        inner *= by_block[:, None, :]
        bridge = dense[w * s : w * (s + r)].reshape(plan.n_blocks, s, r) * by_block[:, :, None] * scale[w:]
        rest = dense[w * (s + r) :].reshape(r, r)
        rest = (rest + np.triu(rest, 1).T) * np.outer(scale[w:], scale[w:])
        return inner, bridge, rest

    def _traces(self, factors: Factors, taken: tuple[Array, Array, Array]) -> Array:
        """Traces by effect from the diagonal of the inverse, stage by stage backwards."""
        plan, k = self.plan, len(self.n_cells)
        reached = factors.bridge @ factors.rest
        shape = (plan.n_blocks, plan.size, plan.n_rest)
        inner = factors.blocks + reached.reshape(shape) @ np.swapaxes(factors.bridge.reshape(shape), 1, 2)
        along = np.diagonal(inner, axis1=1, axis2=2).reshape(-1)
        along = np.concatenate([along, np.diag(factors.rest)])
        traces = np.bincount(self.effect_at, weights=along, minlength=k + 2)[:k].astype(np.float64)
        traces[plan.alone] = (1.0 / factors.diagonal).sum() + (inner * taken[0]).sum()
        traces[plan.alone] += (factors.rest * taken[2]).sum()
        traces[plan.alone] -= 2 * (reached * taken[1].reshape(reached.shape)).sum()
        return traces

    def _standardised(self, factors: Factors, sums: Array) -> Array:
        """Multiply sums by cell with D: the right-hand side for the standardised deviations."""
        out = np.empty_like(sums)
        a, b = self.starts[self.plan.alone], self.starts[self.plan.alone + 1]
        out[self.later] = sums[self.later] * factors.scale[self.where[self.later], None]
        out[a:b] = sums[a:b] * factors.root
        return out

    def _solved(self, factors: Factors, right: Array) -> Array:
        """Solve for right-hand sides (n_cells in all + 1, m) in the order of the effects."""
        plan, m = self.plan, right.shape[1]
        a, b = self.starts[plan.alone], self.starts[plan.alone + 1]
        later = np.zeros((len(self.effect_at), m))
        later[self.where[self.later]] = right[self.later]
        reduced = right[a:b] / factors.diagonal[:, None]
        later -= factors.scale[:, None] * (self.between.T @ (factors.root * reduced))
        within = factors.blocks @ later[: plan.n_within].reshape(plan.n_blocks, plan.size, m)
        within = within.reshape(plan.n_within, m)
        rest = factors.rest @ (later[plan.n_within :] - factors.bridge.T @ later[: plan.n_within])
        solved = np.concatenate([within - factors.bridge @ rest, rest])
        out = np.empty_like(right)
        out[self.later] = solved[self.where[self.later]]
        back = self.between @ (factors.scale[:, None] * solved)
        out[a:b] = reduced - factors.root * back / factors.diagonal[:, None]
        return out


def _rooted(matrix: Array) -> tuple[Array, Array]:
    """Diagonal of the Cholesky factor, and the inverse."""
    factor, failed = lapack.dpotrf(matrix, lower=1)
    if failed:
        raise np.linalg.LinAlgError
    inverted, _ = lapack.dpotri(factor, lower=1)
    lower = np.tril(inverted)
    return np.diag(factor), lower + np.tril(lower, -1).T


def _counts(codes: Sequence[Codes], n_cells: Codes, n_scores: int) -> sparse.csr_array:
    """Scores shared by each two cells, the intercept as a last cell that holds them all."""
    k = len(codes)
    starts = np.concatenate(([0], np.cumsum(n_cells)))
    columns = np.empty((n_scores, k + 1), dtype=np.int64)
    for effect, of_score in enumerate(codes):
        columns[:, effect] = of_score + starts[effect]
    columns[:, k] = starts[-1]
    pointer = np.arange(0, n_scores * (k + 1) + 1, k + 1)
    shape = (n_scores, int(starts[-1]) + 1)
    indicators = sparse.csr_array((np.ones(columns.size), columns.ravel(), pointer), shape=shape)
    return sparse.csr_array(indicators.T @ indicators)


def _plan(cells: Sequence[tuple[Codes, int]]) -> _Plan:
    """Choose which effect goes first and which one splits, by the arithmetic that each choice costs."""
    inside: dict[tuple[int, int], Codes] = {}
    for inner, (codes, count) in enumerate(cells):
        for outer, (around, _) in enumerate(cells):
            holder = np.zeros(count, dtype=np.int64)
            holder[codes] = around
            if (holder[codes] == around).all():
                inside[inner, outer] = holder
    k = len(cells)
    options = [_arranged(cells, inside, alone, None) for alone in range(k)]
    options += [_arranged(cells, inside, alone, outer) for alone, outer in inside if alone != outer]
    best = min(options, key=_cost)
    if best.n_dense > _MOST_DENSE:
        msg = (
            f"The effects have {[count for _, count in cells]} cells, too many that cross one another to be solved at "
            f"once ({best.n_dense} numbers, at most {_MOST_DENSE}); leave the finest interactions out."
        )
        raise DataError(msg)
    return best


def _arranged(
    cells: Sequence[tuple[Codes, int]], inside: dict[tuple[int, int], Codes], alone: int, outer: int | None
) -> _Plan:
    within = [e for e in range(len(cells)) if e != alone and outer is not None and (e, outer) in inside]
    position: list[Codes | None] = [None] * len(cells)
    n_blocks, size = 0, 0
    if outer is not None and within:
        n_blocks = cells[outer][1]
        holder = np.concatenate([inside[e, outer] for e in within])
        fill = np.bincount(holder, minlength=n_blocks)
        size = int(fill.max())
        order = np.argsort(holder, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order)) - np.repeat(np.cumsum(fill) - fill, fill) + holder[order] * size
        for effect, part in zip(
            within, np.split(place, np.cumsum([cells[e][1] for e in within])[:-1]), strict=True
        ):
            position[effect] = part
    start = n_blocks * size
    for effect, (_, count) in enumerate(cells):
        if effect != alone and position[effect] is None:
            position[effect] = np.arange(start, start + count)
            start += count
    return _Plan(alone, n_blocks, size, tuple(position), start - n_blocks * size + 1)


def _cost(plan: _Plan) -> float:
    """Multiplications of the dense stages, roughly."""
    w, s, r = float(plan.n_within), float(plan.size), float(plan.n_rest)
    return w * s * (s + r) + 2 * w * r * r + 2 * r**3 + 10 * plan.n_dense
