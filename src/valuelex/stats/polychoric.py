"""Polychoric correlations of columns of a few ordered categories, for all pairs at once.

Each column is taken for a normal variable cut at thresholds, and the correlation is that of the variables
before the cut. For columns of 0 and 1 `valuelex.stats.tetrachoric` gives the same faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import ndtr, ndtri

from valuelex.errors import DataError
from valuelex.stats.bivariate_normal import bivariate_normal_cdf, bivariate_normal_pdf
from valuelex.stats.checks import Array, as_table, choose, first
from valuelex.stats.cooccurrence import cooccurrence
from valuelex.stats.flags import Flag
from valuelex.stats.latent_pairs import (
    LIMIT,
    Pairs,
    finish,
    refuse_constant,
    refuse_correct,
    refuse_unshared,
)
from valuelex.stats.tetrachoric import correlate_tables

MAX_CATEGORIES = 20
"""Columns of more categories are refused: they are near enough to continuous for Pearson's correlation."""
_BLOCK = 16384
"""Cells at a time, so that the work stays in the cache."""
_TOLERANCE = 1e-9
"""Width of a bracket at which it is closed."""
_STEP_TOLERANCE = 1e-7
"""Length of a Newton step after which there is no other, if the slope is flat too."""
_FLAT = 1e-5
_MAX_STEPS = 100
_FLOOR = 1e-20
_ROUNDING = 1e-14
"""Probabilities below it are rounding errors, from which no step can be taken."""
_FAR = 30.0
"""Standard deviations that stand for an infinite threshold."""


@dataclass(frozen=True, slots=True)
class Polychoric:
    """Polychoric correlations with the thresholds that they rest on."""

    correlation: Array
    """(p, p), from -1 to 1, with ones on the diagonal; positive definite if it was smoothed."""
    thresholds: tuple[Array, ...]
    """One array a column, in standard deviations: where the next category begins, one fewer than categories."""
    categories: tuple[Array, ...]
    """One array a column: its values in ascending order."""
    flags: tuple[Flag, ...]
    """SPARSE_CELLS, AT_BOUNDARY, NOT_CONVERGED and NOT_POSITIVE_DEFINITE, as they apply."""


def polychoric(
    data: ArrayLike, *, correct: float = 0.0, thresholds: str = "columns", smoothing: bool = True
) -> Polychoric:
    """Correlate ordered columns as cut normal variables, by maximum likelihood in two steps.

    The thresholds come from the shares of the categories. Given them, ``sum n_ab log p_ab(rho)`` over the
    cells of the table of two columns is made as large as can be, by Newton's method within a bracket.

    Parameters
    ----------
    data : (n_rows, p)
        Numbers, whose order alone counts; each column has its own 2 to 20 different values. NaN is a
        missing value: a pair of columns is correlated over the rows that have both.
    correct
        What stands in for an empty cell of a table, in rows. With the default 0 empty cells stay empty,
        since tables of many categories have some; two columns whose order is perfect go to the limit then.
    thresholds
        "columns": from every row that has the column. "pairs": from the table of the pair, after the
        correction; a difference only where values are missing or cells are corrected.
    smoothing
        Whether to raise eigenvalues that are not positive, as `valuelex.stats.correlation.smooth` does.

    Returns
    -------
    Polychoric
        Correlations, thresholds of the columns, categories, flags. SPARSE_CELLS is for corrected tables;
        NOT_CONVERGED for those where a corrected cell is so improbable that the best correlation drowns in
        rounding errors, as happens where a correction meets strong correlations.

    Raises
    ------
    DataError
        If values are infinite, a column is constant or has too many categories, two columns share no row
        (with "pairs": no two categories of each), there are fewer than two columns, or an option is wrong.

    References
    ----------
    Olsson (1979), Maximum likelihood estimation of the polychoric correlation coefficient. With "columns" as
    psych::polychoric (global), with "pairs" as polycor::polychor (two-step). psych, unlike here, does not bring
    the shares of a corrected table back to a sum of 1.
    """
    refuse_correct(correct)
    choose(thresholds, ("columns", "pairs"), name="thresholds")
    table = as_table(data, min_columns=2, missing=True)
    codes, categories = _code(table)
    n_levels = np.array([len(values) for values in categories])
    start = np.concatenate([[0], np.cumsum(n_levels)])
    counts = _count(codes, start)
    occurs = np.split(np.diag(counts), start[1:-1])
    cuts = [_far_ndtri(np.cumsum(n)[:-1] / n.sum()) for n in occurs]
    i, j = pairs = np.triu_indices(len(n_levels), 1)
    shared = np.add.reduceat(np.add.reduceat(counts, start[:-1], axis=0), start[:-1], axis=1)
    refuse_unshared(shared[i, j], pairs)
    rho, empty, certain = np.empty(len(i)), np.zeros(len(i), dtype=bool), np.ones(len(i), dtype=bool)
    for part in _blocks(n_levels, pairs):
        a, b = i[part], j[part]
        cells = counts[
            (start[a][:, None] + np.arange(n_levels[a[0]]))[:, :, None],
            (start[b][:, None] + np.arange(n_levels[b[0]]))[:, None, :],
        ]
        empty[part] = _correct_empty(cells, correct, seen_only=thresholds == "pairs")
        if thresholds == "columns":
            h, k = np.array([cuts[m] for m in a]), np.array([cuts[m] for m in b])
        else:
            _refuse_constant_pairs(cells, (a, b))
            h, k = _pair_cuts(cells.sum(axis=2)), _pair_cuts(cells.sum(axis=1))
        if cells.shape[1:] == (2, 2):
            rho[part] = correlate_tables(cells.reshape(-1, 4).T, ndtr(h[:, 0]), ndtr(k[:, 0]))
        else:
            rho[part], certain[part] = _maximise(cells, h, k)
    matrix, flags = finish(rho, pairs, empty, ~certain, correct=correct, smoothing=smoothing)
    return Polychoric(matrix, tuple(cuts), categories, flags)


def _code(table: Array) -> tuple[NDArray[np.int64], tuple[Array, ...]]:
    """Give each category of each column its number from 0, and a missing value -1."""
    codes = np.full(table.shape, -1, dtype=np.int64)
    categories = []
    for column, values in enumerate(table.T):
        seen = ~np.isnan(values)
        found, codes[seen, column] = np.unique(values[seen], return_inverse=True)
        categories.append(found)
    n_levels = np.array([len(found) for found in categories])
    refuse_constant(np.flatnonzero(n_levels < 2), table.shape[1])
    many = np.flatnonzero(n_levels > MAX_CATEGORIES)
    if many.size:
        msg = (
            f"{many.size} of {table.shape[1]} columns of data have more than {MAX_CATEGORIES} categories (first: "
            f"column {first(many)}); use Pearson's correlation, or put categories together."
        )
        raise DataError(msg)
    return codes, tuple(categories)


def _count(codes: NDArray[np.int64], start: NDArray[np.int64]) -> Array:
    """Count how often each category of each column meets each other: all tables in one matrix."""
    row, column = np.nonzero(codes >= 0)
    indicator = sparse.csr_array(
        (np.ones(len(row)), (row, start[column] + codes[row, column])), shape=(len(codes), int(start[-1]))
    )
    return cooccurrence(indicator)


def _blocks(n_levels: NDArray[np.int64], pairs: Pairs) -> Iterator[NDArray[np.int64]]:
    """Go through the pairs by the shape of their tables, some thousand cells at a time."""
    shapes = np.stack([n_levels[pairs[0]], n_levels[pairs[1]]])
    for shape in np.unique(shapes, axis=1).T:
        same = np.flatnonzero((shapes == shape[:, None]).all(axis=0))
        size = max(1, _BLOCK // int((shape - 1).prod()))
        yield from np.split(same, range(size, len(same), size))


def _correct_empty(cells: Array, correct: float, *, seen_only: bool) -> NDArray[np.bool_]:
    """Fill the empty cells in place, and tell which tables had some; none if there is nothing to fill with.

    With `seen_only` the categories that the rows of a pair do not hold stay empty: they have no threshold.
    """
    if correct == 0:
        return np.zeros(len(cells), dtype=bool)
    empty = cells == 0
    if seen_only:
        empty &= (cells.sum(axis=2) > 0)[:, :, None] & (cells.sum(axis=1) > 0)[:, None, :]
    cells[empty] = correct
    some: NDArray[np.bool_] = empty.any(axis=(1, 2))
    return some


def _refuse_constant_pairs(cells: Array, pairs: Pairs) -> None:
    """Raise `DataError` if a column has one category only in the rows that it shares with another."""
    fewest = np.minimum((cells.sum(axis=2) > 0).sum(axis=1), (cells.sum(axis=1) > 0).sum(axis=1))
    constant = np.flatnonzero(fewest < 2)
    if constant.size:
        i, j = pairs[0][constant[0]], pairs[1][constant[0]]
        msg = (
            f"Columns {i} and {j} share only rows in which one of them is constant; take thresholds from "
            "'columns', or drop one of the two."
        )
        raise DataError(msg)


def _pair_cuts(occurs: Array) -> Array:
    return _far_ndtri(np.cumsum(occurs, axis=1)[:, :-1] / occurs.sum(axis=1, keepdims=True))


def _far_ndtri(share: Array) -> Array:
    cuts: Array = np.clip(ndtri(np.clip(share, 0.0, 1.0)), -_FAR, _FAR)
    return cuts


def _maximise(cells: Array, h: Array, k: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the correlation of each table at which its likelihood is largest, and whether that is certain.

    It is not where the search closed in on a place at which the probability of a cell is a rounding error.
    """
    best = _perfect(cells, h, k)
    certain = best != 0
    left = np.flatnonzero(~certain)
    cells, h, k = cells[left], h[left], k[left]
    rho = np.clip(_pearson(cells), -0.9, 0.9)
    lower, upper = np.full_like(rho, -LIMIT), np.full_like(rho, LIMIT)
    length = upper - lower
    for _ in range(_MAX_STEPS):
        if not left.size:
            break
        slope, bend, sound = _score(cells, h, k, rho)
        lower, upper = np.where(slope > 0, rho, lower), np.where(slope > 0, upper, rho)
        step = rho - slope / np.minimum(bend, -_FLOOR)
        good = sound & (bend < 0) & (step > lower) & (step < upper) & (np.abs(step - rho) < length / 2)
        following = np.where(good, step, (lower + upper) / 2)
        length = np.where(good, np.abs(following - rho), upper - lower)
        # No table of n rows holds more information than n normal pairs, which bounds the slope near the top.
        information = cells.sum(axis=(1, 2)) * (1.0 + rho**2) / (1.0 - rho**2) ** 2
        near = good & (np.abs(slope) <= _FLAT * information)
        more = length > np.where(near, _STEP_TOLERANCE, _TOLERANCE)
        best[left], certain[left] = following, near
        left, cells, h, k = left[more], cells[more], h[more], k[more]
        lower, upper, length, rho = lower[more], upper[more], length[more], following[more]
    at_end = LIMIT - np.abs(best) < 10 * _TOLERANCE
    return np.where(at_end, np.copysign(LIMIT, best), best), certain | at_end


def _perfect(cells: Array, h: Array, k: Array) -> Array:
    """Return the limit for tables that are as a correlation of 1 or -1 would make them, 0 for all others.

    No likelihood can be larger there, but it is flat to rounding long before the limit.
    """
    share = cells.cumsum(axis=1).cumsum(axis=2) / cells.sum(axis=(1, 2))[:, None, None]
    one = np.ones((len(cells), 1))
    a, b = np.hstack([ndtr(h), one])[:, :, None], np.hstack([ndtr(k), one])[:, None, :]
    up = (np.abs(share - np.minimum(a, b)) < 1e-12).all(axis=(1, 2))
    down = (np.abs(share - np.maximum(a + b - 1.0, 0.0)) < 1e-12).all(axis=(1, 2))
    limit: Array = LIMIT * (up.astype(np.float64) - down)
    return limit


def _score(cells: Array, h: Array, k: Array, rho: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return the first and second derivative of each table's log-likelihood by the correlation.

    And whether they are sound: no cell that holds rows has a probability that is a rounding error.
    """
    shape = (len(rho), h.shape[1], k.shape[1])
    at = [np.broadcast_to(x, shape).ravel() for x in (h[:, :, None], k[:, None, :], rho[:, None, None])]
    below = np.zeros((shape[0], shape[1] + 2, shape[2] + 2))
    below[:, 1:-1, 1:-1] = bivariate_normal_cdf(*at).reshape(shape)
    below[:, -1, 1:-1], below[:, 1:-1, -1], below[:, -1, -1] = ndtr(k), ndtr(h), 1.0
    first_order, second_order = np.zeros_like(below), np.zeros_like(below)
    density = bivariate_normal_pdf(*at)
    first_order[:, 1:-1, 1:-1] = density.reshape(shape)
    second_order[:, 1:-1, 1:-1] = (density * _log_slope(*at)).reshape(shape)
    share = np.maximum(_rectangles(below), _FLOOR)
    relative = _rectangles(first_order) / share
    slope: Array = (cells * relative).sum(axis=(1, 2))
    bend: Array = (cells * (_rectangles(second_order) / share - relative**2)).sum(axis=(1, 2))
    sound: NDArray[np.bool_] = ((share > _ROUNDING) | (cells == 0)).all(axis=(1, 2))
    return slope, bend, sound


def _log_slope(h: Array, k: Array, rho: Array) -> Array:
    """Return the derivative of the logarithm of the bivariate normal density by its correlation."""
    rest = (1.0 - rho) * (1.0 + rho)
    slope: Array = rho / rest + (h * k * (1.0 + rho * rho) - rho * (h * h + k * k)) / rest**2
    return slope


def _rectangles(corners: Array) -> Array:
    difference: Array = np.diff(np.diff(corners, axis=1), axis=2)
    return difference


def _pearson(cells: Array) -> Array:
    """Return the correlation of the category numbers in each table, 0 where one does not vary."""
    total = cells.sum(axis=(1, 2))
    rows, columns = np.arange(cells.shape[1]), np.arange(cells.shape[2])
    by_row, by_column = cells.sum(axis=2) / total[:, None], cells.sum(axis=1) / total[:, None]
    mean_row, mean_column = by_row @ rows, by_column @ columns
    spread = (by_row @ rows**2 - mean_row**2) * (by_column @ columns**2 - mean_column**2)
    product = np.einsum("mab,a,b->m", cells, rows, columns) / total - mean_row * mean_column
    r: Array = np.divide(
        product, np.sqrt(np.maximum(spread, 0.0)), out=np.zeros_like(total), where=spread > 1e-12
    )
    return r
