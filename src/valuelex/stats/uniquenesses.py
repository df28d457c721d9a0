"""Search for the uniquenesses at which a factor model fits best, for `valuelex.stats.extraction`.

Owns the two objectives, least squares and likelihood, as functions of the uniquenesses alone, and the search.
Neither objective needs more than the leading eigenpairs, so large matrices are never decomposed whole. The
search is Newton's, projected on the bounds. Above `EXACT_UP_TO` variables the second derivatives leave out terms
that vanish with the residuals, and what is left is diagonal plus low rank.

References: Jöreskog (1977), Factor analysis by least-squares and maximum-likelihood methods; Clarke (1970), A
rapidly convergent method for maximum-likelihood factor analysis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from valuelex.stats.checks import Array

EXACT_UP_TO = 50
"""Most variables for which all eigenpairs and the exact second derivatives are used."""
LANCZOS_ABOVE = 130
"""Above this many variables leading eigenpairs come from Lanczos iterations."""
TOLERANCE = 1e-8
"""Largest component of the projected gradient at convergence."""
MAX_ITERATIONS = 200
"""Most Newton steps."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where the search ended."""

    loadings: Array
    """(p, k), columns in descending order of the eigenvalues, signs as they came."""
    bounded: Array
    """(p,) uniquenesses in the search."""
    objective: float
    """Least value found."""
    n_iterations: int
    """Newton steps."""
    worst: float
    """Largest component of the projected gradient at the end."""
    converged: bool
    """Whether that is small: at most a thousand times `TOLERANCE`, where rounding may stop a search."""


@dataclass(frozen=True, slots=True)
class Point:
    """Objective, gradient and eigenpairs at one set of uniquenesses."""

    x: Array
    """(p,) the uniquenesses, or their logarithms."""
    objective: float
    gradient: Array
    values: Array
    """(m,) eigenvalues in descending order: all p of them, or the leading k."""
    vectors: Array
    """(p, m)"""


class Residual:
    """Half the squared eigenvalues of R - Psi beyond the first k, as a function of the uniquenesses."""

    def __init__(self, r: Array, k: int, lower: float, precision: float = 0.0) -> None:
        self.r, self.k, self.lower, self.upper, self.precision = r, k, lower, 1.0, precision
        flat = r.ravel()
        self.off_diagonal = float(flat @ flat) - float(np.square(np.diagonal(r)).sum())

    def from_uniquenesses(self, psi: Array) -> Array:
        """Return the coordinates of the search, here the uniquenesses themselves."""
        return psi

    def to_uniquenesses(self, x: Array) -> Array:
        """Return the uniquenesses at the coordinates of the search."""
        return x

    def at(self, x: Array) -> Point:
        """Evaluate the objective and its gradient."""
        common = 1.0 - x
        if len(x) > LANCZOS_ABOVE:
            values, vectors = _lanczos(lambda v: self.r @ v - x * v, len(x), self.k, self.precision)
        else:
            reduced = self.r.copy()
            np.fill_diagonal(reduced, common)
            values, vectors = _dense(reduced, self.k)
        top = np.maximum(values[: self.k], 0.0)
        gradient = np.square(vectors[:, : self.k]) @ top - common
        objective = 0.5 * max(self.off_diagonal + float(common @ common) - float(top @ top), 0.0)
        return Point(x, objective, gradient, values, vectors)

    def loadings(self, point: Point) -> Array:
        """Return the loadings (p, k) that are best given the uniquenesses."""
        return point.vectors[:, : self.k] * np.sqrt(np.maximum(point.values[: self.k], 0.0))

    def exact_curvature(self, point: Point) -> Array:
        """Second derivatives (p, p), from all eigenpairs."""
        first_k, rest = point.values[: self.k], point.values[self.k :]
        tail = point.vectors[:, self.k :]
        within = np.square(tail @ tail.T)
        return within + _cross_curvature(point.vectors, -2.0 * rest / _gaps(first_k, rest))


class Likelihood:
    """Discrepancy of maximum likelihood, as a function of the logarithms of the uniquenesses."""

    def __init__(
        self, r: Array, k: int, lower: float, log_determinant: float, precision: float = 0.0
    ) -> None:
        self.r, self.k, self.log_determinant, self.least, self.precision = (
            r,
            k,
            log_determinant,
            lower,
            precision,
        )
        self.lower, self.upper = float(np.log(lower)), 0.0

    def from_uniquenesses(self, psi: Array) -> Array:
        """Return the coordinates of the search, here the logarithms."""
        return np.log(np.maximum(psi, self.least))

    def to_uniquenesses(self, x: Array) -> Array:
        """Return the uniquenesses at the coordinates of the search."""
        return np.exp(x)

    def at(self, x: Array) -> Point:
        """Evaluate the objective and its gradient."""
        scale = np.exp(-0.5 * x)
        if len(x) > LANCZOS_ABOVE:
            values, vectors = _lanczos(
                lambda v: scale * (self.r @ (scale * v)), len(x), self.k, self.precision
            )
        else:
            values, vectors = _dense(self.r * scale * scale[:, None], self.k)
        inverse = np.exp(-x)
        top = np.maximum(values[: self.k], 1.0)
        gradient = 1.0 - inverse + np.square(vectors[:, : self.k]) @ (top - 1.0)
        # Over all eigenvalues, t - log t - 1 sums to trace - log determinant - p.
        total = float(inverse.sum() - self.log_determinant + x.sum()) - len(x)
        objective = total - float((top - np.log(top) - 1.0).sum())
        return Point(x, objective, gradient, values, vectors)

    def loadings(self, point: Point) -> Array:
        """Return the loadings (p, k) that are best given the uniquenesses."""
        scaled = point.vectors[:, : self.k] * np.sqrt(np.maximum(point.values[: self.k] - 1.0, 0.0))
        loadings: Array = scaled * np.exp(0.5 * point.x)[:, None]
        return loadings

    def exact_curvature(self, point: Point) -> Array:
        """Second derivatives (p, p), from all eigenpairs."""
        first_k, rest = point.values[: self.k], point.values[self.k :]
        tail = point.vectors[:, self.k :]
        within = ((tail * rest) @ tail.T) * (tail @ tail.T)
        weights = -(rest - 1.0) * (first_k[:, None] + rest) / _gaps(first_k, rest)
        return within + _cross_curvature(point.vectors, weights)


def _gaps(first_k: Array, rest: Array) -> Array:
    return np.maximum(first_k[:, None] - rest, 1e-6)


def _cross_curvature(vectors: Array, weights: Array) -> Array:
    """Sum over the first k eigenvectors u and the rest v of ``weight (u v)(u v)'``, products by element."""
    k = len(weights)
    head, tail = vectors[:, :k], vectors[:, k:]
    total = np.zeros((len(vectors), len(vectors)))
    for j in range(k):
        total += ((tail * weights[j]) @ tail.T) * np.outer(head[:, j], head[:, j])
    return total


def minimise(problem: Residual | Likelihood, start: Array, tolerance: float = TOLERANCE) -> Found:
    """Newton steps projected on the bounds, with a search along each step that lets the objective fall."""
    point = problem.at(np.clip(problem.from_uniquenesses(start), problem.lower, problem.upper))
    free, worst = _free(problem, point)
    n_iterations = 0
    while worst > tolerance and n_iterations < MAX_ITERATIONS:
        n_iterations += 1
        step = np.zeros_like(point.x)
        step[free] = _newton_step(problem, point, free)
        moved = _line_search(problem, point, step)
        if moved is None:
            break
        point = moved
        free, worst = _free(problem, point)
    return Found(
        problem.loadings(point),
        problem.to_uniquenesses(point.x),
        point.objective,
        n_iterations,
        worst,
        worst <= max(tolerance, 1e3 * TOLERANCE),
    )


def _free(problem: Residual | Likelihood, point: Point) -> tuple[NDArray[np.bool_], float]:
    """Which coordinates are not held at a bound, and the largest gradient among them."""
    held = (point.x <= problem.lower) & (point.gradient > 0) | (point.x >= problem.upper) & (
        point.gradient < 0
    )
    free = ~held
    return free, float(np.abs(point.gradient[free]).max(initial=0.0))


def _line_search(problem: Residual | Likelihood, point: Point, step: Array) -> Point | None:
    """Go along the step, or else down the gradient, until the objective falls; None if it does not."""
    noise = 1e-12 * (len(step) + abs(point.objective))
    for direction in (step, -point.gradient):
        length = 1.0
        for _ in range(25):
            trial = np.clip(point.x + length * direction, problem.lower, problem.upper)
            moved = problem.at(trial)
            expected = float(point.gradient @ (trial - point.x))
            if expected <= 0 and moved.objective <= point.objective + 1e-4 * expected + noise:
                return moved
            length *= 0.4
    return None


def _newton_step(problem: Residual | Likelihood, point: Point, free: NDArray[np.bool_]) -> Array:
    gradient = point.gradient[free]
    k = problem.k
    if point.vectors.shape[1] > k:
        return _solve(problem.exact_curvature(point)[np.ix_(free, free)], gradient)
    # With P = I - UU' the leading part is P * P by element: diag(1 - 2h) + WW', W the products of columns of U.
    u = point.vectors[free]
    diagonal = 1.0 - 2.0 * np.einsum("ij,ij->i", u, u)
    if diagonal.min() < 0.05:
        return _solve(np.square(np.eye(len(u)) - u @ u.T), gradient)
    a, b = np.triu_indices(k)
    w = u[:, a] * u[:, b] * np.where(a == b, 1.0, np.sqrt(2.0))
    scaled = w / diagonal[:, None]
    inner = np.eye(w.shape[1]) + w.T @ scaled
    step: Array = scaled @ np.linalg.solve(inner, scaled.T @ gradient) - gradient / diagonal
    return step


def _solve(curvature: Array, gradient: Array) -> Array:
    """Newton step ``-H^-1 g``, with a ridge where the second derivatives are not positive definite."""
    size = float(np.abs(np.diagonal(curvature)).mean())
    ridge = 0.0
    while True:
        ridged = curvature.copy()
        ridged.flat[:: len(ridged) + 1] += ridge + 1e-12 * size
        try:
            factor = cho_factor(ridged, lower=True, check_finite=False)
        except LinAlgError:
            ridge = max(10.0 * ridge, 1e-4 * size)
            continue
        step: Array = -cho_solve(factor, gradient, check_finite=False)
        return step


def _dense(matrix: Array, k: int) -> tuple[Array, Array]:
    """Eigenpairs in descending order: all of a small matrix, the first k of a larger one."""
    p = len(matrix)
    lowest = 0 if p <= EXACT_UP_TO else p - k
    driver = "evd" if lowest == 0 else "evr"
    subset = None if lowest == 0 else (lowest, p - 1)
    values, vectors = eigh(
        matrix, subset_by_index=subset, driver=driver, check_finite=False, overwrite_a=True
    )
    return values[::-1], vectors[:, ::-1]


def _lanczos(times: Callable[[Array], Array], p: int, k: int, precision: float = 0.0) -> tuple[Array, Array]:
    """Return the k leading eigenpairs in descending order; the precision is that of eigenvalues, 0 for all digits."""
    operator = LinearOperator((p, p), matvec=times, dtype=np.float64)
    # A start with no pattern cannot be orthogonal to an eigenvector that is sought; the result does not depend on it.
    pattern = np.random.default_rng(0).standard_normal(p)
    try:
        values, vectors = eigsh(operator, k, which="LA", v0=pattern, tol=precision)
    except ArpackError:
        matrix = np.column_stack([times(column) for column in np.eye(p)])
        values, vectors = eigh((matrix + matrix.T) / 2, subset_by_index=(p - k, p - 1), check_finite=False)
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order]
