"""Two levels of what lists hold: between their sources, and within the lists of one source.

A list holds the columns that are 1 in it, and has a source (a unit). Between units: which columns do units that
favour one also favour? Within: which columns come together in one list, beyond how often its own unit names each?
The second is free of what any unit merely likes. Pooled, the two are added up, as if nobody had a habit.

Owns the counts, which any resample of units only weighs anew, and the affinity that each level gives two columns.
What popularity alone brings together is `valuelex.stats.company`; clusters and choices are `cluster` and
`level_choice`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_groups
from valuelex.stats.cluster import Labels
from valuelex.stats.company import Company, company_of_sources, expected_company
from valuelex.stats.cooccurrence import as_lists

MOST_EXACT = 2000
"""Above this number of columns, affinities and counts are kept in 32 bits and built in strips, to save memory."""
STRIP = 500
CHUNK_PAIRS = 4_000_000
"""Pairs of columns that are counted at once."""


@dataclass(frozen=True, slots=True)
class ListCounts:
    """What lists hold, added up by block: lists that are always drawn or held out together.

    All that the two levels need, so that lists are read once however often blocks are drawn again.
    """

    totals: sparse.csr_array
    """(n_blocks, n_columns) lists of a block that hold a column."""
    pairs: sparse.csr_array
    """(n_blocks, n_pairs) lists of a block that hold both columns of a pair that occurs."""
    first: NDArray[np.unsignedinteger]
    """(n_pairs,) the lower column of each pair."""
    second: NDArray[np.unsignedinteger]
    """(n_pairs,) the higher one."""
    ties: sparse.csr_array
    """(n_blocks, n_columns) other columns in the lists of a block that hold a column, added up."""
    n_lists: Array
    """(n_blocks,) number of lists."""
    lengths: Array
    """(n_blocks,) sum of the lengths of lists."""
    unit: Labels
    """(n_blocks,) the unit of each block."""
    company: Company
    """What each unit's own popularity of columns makes come together."""

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.totals.shape[1])

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.totals.shape[0])

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.unit.max()) + 1


def count_lists(lists: ArrayLike | sparse.sparray, blocks: ArrayLike, units: ArrayLike) -> ListCounts:
    """Add up lists by block.

    Parameters
    ----------
    lists : (n_lists, n_columns)
        0 and 1, dense or sparse.
    blocks : (n_lists,)
        What is drawn or held out together at the least, such as a respondent.
    units : (n_lists,)
        Whose habits are its own, such as a model; blocks never split.

    Returns
    -------
    ListCounts
        Blocks and units numbered in sorted order.

    Raises
    ------
    DataError
        If values other than 0 and 1 are given, the lengths differ, a block belongs to two units, or no list
        holds two columns.
    """
    table = as_lists(lists)
    n_lists, n_columns = table.shape
    block = as_groups(blocks, n_lists, min_groups=1)
    unit_of_list = as_groups(units, n_lists, min_groups=1)
    unit = np.zeros(int(block.max()) + 1, dtype=np.int64)
    unit[block] = unit_of_list
    if (unit[block] != unit_of_list).any():
        msg = "A block belongs to two units; a block is the smallest part, and lies in one unit."
        raise DataError(msg)
    length = np.diff(table.indptr).astype(np.float64)
    n_blocks = len(unit)
    member = sparse.csr_array((np.ones(n_lists), (block, np.arange(n_lists))), shape=(n_blocks, n_lists))
    if not (length > 1).any():
        msg = "No list holds two or more columns, so nothing occurs together; longer lists are needed."
        raise DataError(msg)
    pairs, distinct = _pairs(table, block)
    narrow = np.min_scalar_type(n_columns)
    beside = table.copy()
    beside.data = np.repeat(length - 1, np.diff(table.indptr))
    totals, ties = sparse.csr_array(member @ table), sparse.csr_array(member @ beside)
    n_lists_of = np.bincount(block, minlength=n_blocks).astype(np.float64)
    return ListCounts(
        totals=totals,
        pairs=pairs,
        first=(distinct // n_columns).astype(narrow),
        second=(distinct % n_columns).astype(narrow),
        ties=ties,
        n_lists=n_lists_of,
        lengths=np.bincount(block, length, minlength=n_blocks).astype(np.float64),
        unit=unit,
        company=company_of_sources(ties, totals, n_lists_of, unit),
    )


def _pairs(table: sparse.csr_array, block: Labels) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Return how many lists of a block hold each pair of columns, and the pairs that occur, each in one number.

    Whole blocks are counted together, as many as have `CHUNK_PAIRS` pairs, so that time and memory grow with the lists.
    """
    n_columns = table.shape[1]
    order = np.argsort(block, kind="stable")
    begins, length = table.indptr[:-1][order], np.diff(table.indptr)[order]
    n_pairs = np.concatenate([[0], np.cumsum(length * (length - 1) // 2)])
    ends = np.cumsum(np.bincount(block))
    found: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.int32]] = []
    in_block = np.zeros(len(ends), dtype=np.int64)
    first = start = 0
    while first < len(ends):
        fit = int(np.searchsorted(n_pairs, n_pairs[start] + CHUNK_PAIRS, side="right")) - 1
        last = max(first + 1, int(np.searchsorted(ends, fit, side="right")))
        end = int(ends[last - 1])
        codes = [np.zeros(0, dtype=np.int64)]
        for size in np.unique(length[start:end]):
            rows = start + np.flatnonzero(length[start:end] == size)
            columns = np.sort(table.indices[begins[rows][:, None] + np.arange(size)], axis=1)
            i, j = np.triu_indices(size, 1)
            pair = columns[:, i].astype(np.int64) * n_columns + columns[:, j]
            codes.append((block[order[rows], None] * n_columns**2 + pair).ravel())
        code, n_lists = np.unique(np.concatenate(codes), return_counts=True)
        in_block += np.bincount(code // n_columns**2, minlength=len(ends))
        found.append(code % n_columns**2)
        counts.append(n_lists.astype(np.int32))
        first, start = last, end
    distinct = _distinct(np.concatenate(found))
    starts = np.concatenate([[0], np.cumsum(in_block)])
    narrow = np.int32 if max(starts[-1], len(distinct)) < 2**31 else np.int64
    index = np.empty(starts[-1], dtype=narrow)
    done = 0
    for part in found:
        # Asked in order, as they are too many for a cache.
        order = np.argsort(part)
        index[done + order] = np.searchsorted(distinct, part[order])
        done += len(part)
    held = np.concatenate(counts, dtype=np.float64 if n_columns <= MOST_EXACT else np.int32)
    return sparse.csr_array((held, index, starts.astype(narrow)), shape=(len(ends), len(distinct))), distinct


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each number once, ascending. The numbers are sorted in place: NumPy's own way takes ten times as long."""
    numbers.sort()
    first: NDArray[np.bool_] = np.concatenate([[True], numbers[1:] != numbers[:-1]])
    return np.compress(first, numbers)


@dataclass(frozen=True, slots=True)
class Affinity:
    """How much two columns belong together, standardised over pairs; given as a matrix or as factors of one."""

    matrix: Array | None = None
    """(n, n) of mean 0 and standard deviation 1 off the diagonal."""
    factor: Array | None = None
    """(d, n) columns of unit length (or 0), whose products are the cells before `mean` and `spread`."""
    mean: float = 0.0
    spread: float = 1.0

    @property
    def tells(self) -> bool:
        """Tell whether any two columns differ from others in it."""
        return self.spread > 0 and (self.factor is not None or bool(np.any(self.matrix)))

    def restricted(self, items: NDArray[np.int64]) -> Affinity:
        """Return the affinity of some of the columns, in the units of all."""
        if self.matrix is not None:
            return Affinity(matrix=np.ascontiguousarray(self.matrix[np.ix_(items, items)]))
        factor = None if self.factor is None else self.factor[:, items]
        return Affinity(factor=factor, mean=self.mean, spread=self.spread)

    def add_to(self, total: Array, weight: float) -> None:
        """Add it, times a weight, to a matrix (n, n) in place; the diagonal is of no meaning."""
        if weight == 0 or self.spread == 0:
            return
        factor = self.factor
        for start in range(0, len(total), STRIP):
            strip = slice(start, start + STRIP)
            if self.matrix is not None:
                total[strip] += weight * self.matrix[strip] if weight != 1 else self.matrix[strip]
            elif factor is not None:
                total[strip] += (factor[:, strip].T @ factor - self.mean) * (weight / self.spread)


def product_affinity(factor: Array) -> Affinity:
    """Return the affinity of columns by the products of their unit vectors, such as cosines.

    Parameters
    ----------
    factor : (d, n)
        One column a thing; of unit length, or 0 where nothing is known of it.

    Returns
    -------
    Affinity
        All zero where products do not differ.
    """
    n = factor.shape[1]
    square = np.einsum("dn,dn->n", factor, factor)
    n_pairs = n * (n - 1)
    summed = factor.sum(axis=1)
    mean = float(summed @ summed - square.sum()) / n_pairs if n_pairs else 0.0
    gram = factor @ factor.T if factor.shape[0] <= n else factor.T @ factor
    mean_square = float((gram**2).sum() - (square**2).sum()) / n_pairs if n_pairs else 0.0
    variance = mean_square - mean**2
    spread = float(np.sqrt(variance)) if variance > 1e-12 * max(mean_square, 1e-300) else 0.0
    if n > MOST_EXACT:
        return Affinity(factor=factor.astype(np.float32), mean=mean, spread=spread)
    if spread == 0:
        return Affinity(matrix=np.zeros((n, n)))
    matrix = (factor.T @ factor - mean) / spread
    np.fill_diagonal(matrix, 0.0)
    return Affinity(matrix=matrix)


def profiles(counts: ListCounts) -> Array:
    """Return the profile of each unit: (n_units, n_columns) logarithms of how much oftener than all it names a column.

    ``log((s + 1/2) / (l p + 1/2))``, s the lists of the unit that hold the column, l the sum of their lengths and p the
    share of the column in all. What a unit likes multiplies its rates, so that on this scale frequent and rare columns
    of one group move alike; on others they would look like two groups. The half on both sides keeps rare columns from
    going together merely because units said more or less.
    """
    size = (counts.n_units, counts.n_blocks)
    member = sparse.csr_array(
        (np.ones(counts.n_blocks), (counts.unit, np.arange(counts.n_blocks))), shape=size
    )
    totals = np.asarray((member @ counts.totals).toarray(), dtype=np.float64)
    lengths = np.asarray(member @ counts.lengths, dtype=np.float64)
    expected = np.outer(lengths, totals.sum(axis=0) / lengths.sum())
    ratio: Array = np.log((totals + 0.5) / (expected + 0.5))
    return ratio


def between_affinity(profile: ArrayLike, weights: Array | None = None) -> Affinity:
    """Return the affinity of columns between units: the correlation of their profiles.

    Parameters
    ----------
    profile : (n_units, n_columns)
        As from `profiles`, or ratings that units give columns.
    weights : (n_units,), optional
        How often each unit counts.

    Returns
    -------
    Affinity
        Columns in which units do not differ have none.
    """
    x = np.asarray(profile, dtype=np.float64)
    w = np.ones(len(x)) if weights is None else weights
    centred = (x - w @ x / max(float(w.sum()), 1e-300)) * np.sqrt(w)[:, None]
    length = np.sqrt((centred**2).sum(axis=0))
    known = length > 1e-9 * max(float(length.max(initial=0.0)), 1e-300)
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=known)
    return product_affinity(unit)


def within_affinity(counts: ListCounts, weights: Array, *, pooled: bool = False) -> Affinity:
    """Return the affinity of columns within lists: the residual of their co-occurrence.

    ``(C - E) / sqrt(E)``, C how many lists hold both columns and E how many would by what each unit names, and in
    lists of which length, alone: see `expected_company`.

    Parameters
    ----------
    counts
        The lists.
    weights : (n_blocks,)
        How often each block counts; blocks of one unit alike, unless pooled.
    pooled
        Expect by popularity over all units, and so take their habits for association.

    Returns
    -------
    Affinity

    Raises
    ------
    DataError
        If the blocks that count hold no two columns in one list.
    """
    company = _weighted_company(counts, weights, pooled=pooled)
    n = counts.n_columns
    dtype = np.float64 if n <= MOST_EXACT else np.float32
    c: NDArray[Any] = np.zeros((n, n), dtype=dtype)
    together = weights @ counts.pairs
    c[counts.first, counts.second] = together
    c[counts.second, counts.first] = together
    drawn: NDArray[Any] = company.drawn.astype(dtype)
    crowded: NDArray[Any] = company.crowded.astype(dtype)
    total, squares = 0.0, 0.0
    for start in range(0, n, STRIP if n > MOST_EXACT else n):
        strip = slice(start, start + STRIP if n > MOST_EXACT else n)
        expected: NDArray[Any] = drawn[:, strip].T @ drawn
        expected -= crowded[:, strip].T @ crowded
        np.clip(expected, 0.0, None, out=expected)
        part = c[strip]
        part -= expected
        np.sqrt(expected, out=expected)
        np.divide(part, expected, out=part, where=expected > 0)
        part[np.arange(len(part)), np.arange(start, start + len(part))] = 0.0
        total += float(part.sum(dtype=np.float64))
        squares += float(np.einsum("ij,ij->", part, part, dtype=np.float64))
    n_pairs = n * (n - 1)
    mean = total / n_pairs
    variance = squares / n_pairs - mean**2
    if variance <= 1e-18 * max(squares, 1.0):
        return Affinity(matrix=np.zeros_like(c))
    c -= dtype(mean)
    c /= dtype(np.sqrt(variance))
    np.fill_diagonal(c, 0.0)
    return Affinity(matrix=c)


def _weighted_company(counts: ListCounts, weights: Array, *, pooled: bool) -> Company:
    """Expect co-occurrence when blocks count so often."""
    if not (weights @ counts.ties).any():
        msg = "No list holds two or more columns, so nothing occurs together; longer lists are needed."
        raise DataError(msg)
    if pooled:
        ties, totals = (
            np.asarray(weights @ table, dtype=np.float64)[None] for table in (counts.ties, counts.totals)
        )
        return expected_company(ties, totals, np.array([weights @ counts.n_lists]))
    of_unit = np.zeros(counts.n_units)
    of_unit[counts.unit] = weights
    return counts.company.weighted(of_unit)


def company_of_parts(counts: ListCounts, part: Labels) -> Company:
    """Expect the co-occurrence of each part of the lists, numbered (n_blocks,), as if each were one source."""
    return company_of_sources(counts.ties, counts.totals, counts.n_lists, part)


@dataclass(frozen=True, slots=True)
class BlockSums:
    """Co-occurrence between groups of columns: how often, and how often by popularity alone."""

    observed: Array
    """(n_parts, n_groups, n_groups) symmetric; a pair of one group counts twice on the diagonal."""
    expected: Array
    """The same, expected."""


def block_sums(
    counts: ListCounts, labels: Labels, part: Labels, company: Company, part_of: Labels
) -> BlockSums:
    """Sum co-occurrence and its expectation by groups of columns, for several parts of the lists.

    Parameters
    ----------
    counts
        The lists.
    labels : (n_columns,)
        Group of each column.
    part : (n_blocks,)
        Which part each block belongs to.
    company
        Expected of sources, each of which lies in one part.
    part_of : (n_sources,)
        That part.

    Returns
    -------
    BlockSums
    """
    k, n_parts = int(labels.max()) + 1, int(part.max()) + 1
    cell = labels[counts.first] * k + labels[counts.second]
    half = _sum_cells(counts.pairs, part, cell, (n_parts, k * k)).reshape(n_parts, k, k)
    group = np.eye(k)[labels]
    expected = np.zeros((len(part_of), k, k))
    for factor, sign in ((company.drawn, 1.0), (company.crowded, -1.0)):
        g = factor @ group
        expected += sign * np.einsum("ua,ub->uab", g, g)
        expected[:, np.arange(k), np.arange(k)] -= sign * (factor**2 @ group)
    summed = np.zeros((n_parts, k, k))
    np.add.at(summed, part_of, expected)
    return BlockSums((half + half.transpose(0, 2, 1)).astype(np.float64), summed)


def _sum_cells(table: sparse.csr_array, part: Labels, cell: Labels, shape: tuple[int, int]) -> Array:
    """Sum a table by the part of its rows and the cell of its columns, many rows at a time."""
    starts = table.indptr
    cuts = np.searchsorted(starts, np.arange(CHUNK_PAIRS, starts[-1], CHUNK_PAIRS))
    summed = np.zeros(shape[0] * shape[1])
    for first, last in pairwise([0, *cuts.tolist(), len(part)]):
        held = slice(starts[first], starts[last])
        row = np.repeat(part[first:last], np.diff(starts[first : last + 1]))
        summed += np.bincount(
            row * shape[1] + cell[table.indices[held]], table.data[held], minlength=len(summed)
        )
    return summed
