"""Restricted maximum likelihood for components of variance, with crossed and nested random effects.

Owns the optimisation, the criterion and its information; the elimination of the mixed-model equations is in
`valuelex.stats.mixed_equations`. Which effects a design has, what balanced data need, and intervals are in
`valuelex.stats.variance_components`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh, lstsq

from valuelex.errors import DataError
from valuelex.stats.checks import Array
from valuelex.stats.design import RESIDUAL
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.mixed_equations import MixedEquations, Solution
from valuelex.stats.mixed_information import expected_information

Codes = NDArray[np.int64]
_FLOOR = 1e-10
"""Share of the residual variance, over scores a level, at which a component counts as zero."""
_ZERO = 1e-6
"""The same for the result: what ends below it is reported as zero."""
_RAISED = 1e-4
"""The same for the information, whose formula divides by the square."""
_PROMISE = 1e-12
"""Fall of the criterion below which a step is not worth taking."""
_PERFECT = 1e-10
"""Share of the variance of the scores below which the residual counts as zero."""


@dataclass(frozen=True, slots=True)
class Reml:
    """Components of variance with the largest restricted likelihood."""

    variance: NDArray[np.float64]
    """(n_effects + 1,), at least 0, in squared units of the scores; the last is the residual's."""
    information: NDArray[np.float64]
    """(n_effects + 1, n_effects + 1), expected information about them."""
    criterion: float
    """Minus twice the restricted log-likelihood, constants included as in lme4."""
    intercept: float
    """Generalised least-squares mean, in units of the scores."""
    intercept_standard_error: float
    """In units of the scores."""
    n_iterations: int
    """Steps taken."""
    flags: tuple[Flag, ...]
    """`AT_BOUNDARY` where a component is zero, `NOT_CONVERGED` where the limit of steps was met."""


def reml(
    scores: Array, cells: Sequence[tuple[Codes, int]], names: Sequence[str], *, max_iterations: int = 200
) -> Reml:
    """Fit ``scores = intercept + one random deviation for each cell of each effect + residual``.

    Every effect has one variance. Starting from the estimates of Henderson's first method, scoring steps are
    taken over the components that are above zero, with the average information or, where that fails, the
    expected information, each halved until the criterion falls; where both fail, a step of the EM algorithm is
    taken. The iteration ends when a step promises to lower the criterion by less than 1e-12.

    Parameters
    ----------
    scores : (n_scores,)
        Finite, with some spread.
    cells
        For each effect the cell (n_scores,) of each score, numbered from 0, and the number of cells.
    names
        What the effects are called in messages.
    max_iterations
        Most steps.

    Returns
    -------
    Reml

    Raises
    ------
    DataError
        If the components of some effects cannot be told apart, or the effects reproduce the scores exactly.

    References
    ----------
    Gilmour, Thompson & Cullis (1995), Average information REML. Bates, Mächler, Bolker & Walker (2015),
    Fitting linear mixed-effects models using lme4, for the criterion.
    """
    mean = float(scores.mean())
    problem = _Problem.of(scores - mean, MixedEquations(cells, len(scores)))
    total = problem.squares / (len(scores) - 1)
    start = np.maximum(_henderson(problem), 1e-3 * total)
    point = problem.at(start[:-1] / start[-1])
    information, step = None, 0
    while information is None and step < max_iterations:
        step += 1
        point, information = _improved(problem, point)
        _refuse_perfect(point, total)
    converged = information is not None
    information = information if information is not None else _expected(problem, point)
    all_names = [*names, RESIDUAL]
    _refuse_inseparable(information, all_names)
    zero = np.append(point.ratios <= _ZERO / _FLOOR * problem.floor, False)
    root = float(np.sqrt(point.residual_variance * point.solution.intercept_variance))
    return Reml(
        variance=np.where(zero, 0.0, point.variance),
        information=information,
        criterion=point.criterion,
        intercept=mean + point.solution.intercept,
        intercept_standard_error=root,
        n_iterations=step,
        flags=_flags(zero, all_names, converged, step),
    )


@dataclass(frozen=True, slots=True)
class _Point:
    """What is known at one set of ratios of each component to the residual."""

    ratios: Array
    residual_variance: float
    criterion: float
    solution: Solution
    residuals: Array

    @property
    def variance(self) -> Array:
        return np.append(self.ratios, 1.0) * self.residual_variance


@dataclass(frozen=True, slots=True)
class _Problem:
    """Centred scores with their equations, and the least ratios that are tried."""

    centred: Array
    squares: float
    sums: Array
    equations: MixedEquations
    floor: Array

    @classmethod
    def of(cls, centred: Array, equations: MixedEquations) -> _Problem:
        floor = _FLOOR * equations.n_cells / len(centred)
        return cls(centred, float(centred @ centred), equations.sums(centred), equations, floor)

    def at(self, ratios: Array) -> _Point:
        """Profile the criterion over the residual variance at these ratios."""
        ratios = np.maximum(ratios, self.floor)
        solution = self.equations.solve(ratios, self.sums)
        residuals = self.centred - self.equations.fitted(solution.deviations, solution.intercept)
        penalised = np.float64(residuals @ residuals + solution.squares.sum())
        df = len(self.centred) - 1
        with np.errstate(divide="ignore"):
            criterion = solution.log_determinant + df * (1 + np.log(2 * np.pi * penalised / df))
        return _Point(ratios, float(penalised / df), float(criterion), solution, residuals)


def _improved(problem: _Problem, point: _Point) -> tuple[_Point, Array | None]:
    """Take one step; at the minimum, take none and return the expected information with it.

    Average information is cheap but vanishes with the spread of an effect's means, so that it is held above
    a bound on the expected information, ``tr(P V)^2 / (2 cells)``; where it promises nothing, the expected
    information itself is asked.
    """
    s2, solution, n = point.residual_variance, point.solution, len(point.residuals)
    explained = problem.equations.n_cells - solution.traces
    e2 = float(point.residuals @ point.residuals)
    gradient = np.append(
        (explained - solution.squares / s2) / (point.ratios * s2),
        (n - 1 - explained.sum()) / s2 - e2 / s2**2,
    )
    average = problem.equations.information(point.ratios, solution, e2) / (2 * s2**3)
    least = (explained / point.ratios / s2) ** 2 / problem.equations.n_cells / 2
    np.fill_diagonal(average, np.maximum(np.diag(average), np.append(least, 0.0)))
    new, _ = _scored(problem, point, gradient, average)
    if new is not None:
        return new, None
    expected = _expected(problem, point)
    new, idle = _scored(problem, point, gradient, expected)
    if new is None and not idle:
        kept = (solution.squares / s2 + solution.traces) / problem.equations.n_cells
        tried = problem.at(point.ratios * kept)
        new = tried if tried.criterion < point.criterion - 1e-12 * abs(point.criterion) else None
    return (point, expected) if new is None else (new, None)


def _scored(
    problem: _Problem, point: _Point, gradient: Array, information: Array
) -> tuple[_Point | None, bool]:
    """Take a scoring step over the components that are free to move; also whether it promises nothing."""
    free = np.append(point.ratios > 2 * problem.floor, True) | (gradient < 0)
    variance = point.variance
    scale = variance[free]
    scaled = information[np.ix_(free, free)] * np.outer(scale, scale)
    move = np.zeros_like(variance)
    move[free] = -scale * lstsq(scaled, gradient[free] * scale / 2, cond=1e-14)[0]
    promised = float(-gradient @ move)
    if promised < _PROMISE:
        return None, True
    for halving in range(12):
        tried = np.maximum(variance + move * 0.5**halving, 0.0)
        tried[-1] = max(tried[-1], 0.1 * variance[-1])
        try:
            new = problem.at(tried[:-1] / tried[-1])
        except LinAlgError:
            continue
        if new.criterion < point.criterion or promised < 1e-13 * abs(point.criterion):
            return new, False
    return None, False


def _expected(problem: _Problem, point: _Point) -> Array:
    """Return the expected information; components whose share in it would be rounding errors are raised."""
    equations = problem.equations
    ratios = np.maximum(point.ratios, _RAISED * equations.n_cells / equations.n_scores)
    solution = point.solution if (ratios == point.ratios).all() else equations.solve(ratios, problem.sums)
    return expected_information(equations, ratios, solution) / (2 * point.residual_variance**2)


def _henderson(problem: _Problem) -> Array:
    """Solve the uncorrected sums of squares for the components: unbiased, and the start of the iteration."""
    expected, observed = problem.equations.uncorrected(problem.sums, problem.squares)
    try:
        estimate = np.linalg.solve(expected, observed)
    except np.linalg.LinAlgError:
        return np.full(len(observed) - 1, problem.squares / len(problem.centred) / len(observed))
    return np.asarray(estimate[1:], dtype=np.float64)


def _refuse_perfect(point: _Point, total: float) -> None:
    """Raise `DataError` if nothing is left for the residual."""
    if point.residual_variance < _PERFECT * total:
        msg = (
            f"The effects reproduce all {len(point.residuals)} scores to rounding, so the residual is zero and the "
            "likelihood has no maximum; leave an effect out of the design, or add scores."
        )
        raise DataError(msg)


def _refuse_inseparable(information: Array, names: Sequence[str]) -> None:
    """Raise `DataError` if a combination of components leaves the likelihood as it is, or no residual is left."""
    if not np.isfinite(information).all():
        msg = (
            "The effects explain the scores that there are without a residual, so the components cannot be told; "
            "add scores."
        )
        raise DataError(msg)
    root = np.sqrt(np.maximum(np.diag(information), 1e-300))
    values, vectors = eigh(information / root / root[:, None])
    if values[0] < 1e-9:
        worst = np.argsort(-np.abs(vectors[:, 0]))[:2]
        one, other = (names[i] for i in sorted(worst))
        msg = (
            f"The components of {one!r} and {other!r} cannot be separated: the scores that there are bear on both "
            "in the same way; leave one of these effects out, or add scores that tell them apart."
        )
        raise DataError(msg)


def _flags(zero: NDArray[np.bool_], names: Sequence[str], converged: bool, steps: int) -> tuple[Flag, ...]:
    flags = []
    if zero.any():
        which = ", ".join(name for name, low in zip(names, zero, strict=True) if low)
        flags.append(
            Flag(Weakness.AT_BOUNDARY, f"{int(zero.sum())} of {len(zero)} components are zero: {which}")
        )
    if not converged:
        flags.append(Flag(Weakness.NOT_CONVERGED, f"stopped after {steps} steps"))
    return tuple(flags)


def inverse_information(information: Array) -> Array:
    """Invert the information by Cholesky on a common scale; it has been refused if it is singular."""
    root = np.sqrt(np.diag(information))
    try:
        factor = cho_factor(information / np.outer(root, root))
    except LinAlgError:
        return np.full_like(information, np.nan)
    return np.asarray(cho_solve(factor, np.eye(len(root))) / np.outer(root, root), dtype=np.float64)
