"""Permutation tests: labels within blocks, of rows or of whole independent units, and signs of paired differences.

All columns share each permutation. p-values are never zero: with random permutations the observed one counts
among them, and where there are few permutations all of them are gone through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.errors import DataError
from valuelex.stats.bootstrap import refuse_few_resamples
from valuelex.stats.checks import Array, as_groups, as_table, choose, first
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.label_statistics import LabelStatistic
from valuelex.stats.unit_statistics import refuse_no_rows, sum_by_unit

Labels = NDArray[np.int64]
STATISTICS = ("studentised", "difference")
_COLUMNS_AT_ONCE = 512
_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """Tests of columns by permuted labels."""

    statistic: Array
    """(n_columns,) with two labels signed (first label less second, in sorted order): t-like, or in the unit of
    the values; with more an F-like ratio, at least 0."""
    p_values: Array
    """(n_columns,) two-sided, above 0, at most 1."""
    smallest_p: Array
    """(n_columns,) the smallest p-value that these permutations can give."""
    n_permutations: NDArray[np.int64]
    """(n_columns,) number of permutations gone through, all of them where `exact`."""
    exact: NDArray[np.bool_]
    """(n_columns,) whether every permutation was gone through."""
    flags: tuple[Flag, ...]
    """`FEW_UNITS` where no p-value can reach .05; `LEFT_OUT` for rows in blocks with a single label."""


def permute_labels(
    values: ArrayLike,
    labels: ArrayLike,
    rng: np.random.Generator,
    *,
    n_permutations: int = 9_999,
    blocks: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    statistic: str = "studentised",
) -> PermutationTest:
    """Test whether columns depend on the labels of rows, by permuting the labels within blocks.

    The effect of labels is estimated by least squares with a constant for each block. 'studentised' divides
    by a standard error that allows for unequal variances (HC2): without blocks its square is Welch's, with
    pairs it is that of the paired t-test. It tests equal means even if variances differ, approximately, and
    is exact if labels do not matter at all. 'difference' is the plain difference of means, or F for more
    labels; it answers to unequal variances too.

    Parameters
    ----------
    values : (n_rows, n_columns)
        NaN where a row has no value; such cells are left out.
    labels : (n_rows,)
        Names or numbers of the kinds to compare, two or more.
    rng
        Source of the permutations.
    n_permutations
        Number of random permutations, at least 100. Where there are no more different ones, all are gone
        through and the test is exact.
    blocks : (n_rows,), optional
        Labels are permuted only within a block, and blocks may differ in level.
    groups : (n_rows,), optional
        Independent units of several rows that share one label. Whole units are permuted, and a unit counts as
        the mean of its rows.
    statistic
        'studentised' or 'difference'.

    Returns
    -------
    PermutationTest
        With random permutations p is ``(1 + b) / (1 + n_permutations)``, b the number as far out as observed.

    Raises
    ------
    DataError
        If lengths differ, labels do not vary within any block, differ within a unit, or are too rare for the
        statistic, or a column is empty or constant within blocks.

    References
    ----------
    Phipson & Smyth (2010), Permutation p-values should never be zero. Janssen (1997) and Chung & Romano (2013),
    on studentised permutation tests. MacKinnon & White (1985), on HC2.
    """
    table = as_table(values, name="values", missing=True)
    refuse_few_resamples(n_permutations)
    choose(statistic, STATISTICS, name="statistic")
    label = as_groups(labels, len(table), name="labels")
    block = (
        np.zeros(len(table), dtype=np.int64)
        if blocks is None
        else as_groups(blocks, len(table), name="blocks", min_groups=1)
    )
    if groups is not None:
        unit = as_groups(groups, len(table))
        label, block = (
            _of_units(vector, unit, name) for vector, name in ((label, "labels"), (block, "blocks"))
        )
        table = _unit_means(table, unit)
    names = np.unique(np.asarray(labels))
    parts: dict[int, _ColumnTests] = {}
    for columns in _same_rows_present(table):
        tests = _test_columns(table, label, block, columns, rng, n_permutations, statistic, names)
        parts |= dict.fromkeys(columns.tolist(), tests)
    return _join(parts, table.shape[1])


def sign_flip_p_values(
    differences: Array,
    n_flips: int,
    rng: np.random.Generator,
    *,
    groups: ArrayLike | None = None,
    exact: bool = False,
) -> Array:
    """Two-sided permutation p-values that the mean of each column is zero.

    Under the null hypothesis that each difference is as likely negative as positive, all sign
    patterns of the rows are equally likely. The p-value is ``(1 + b) / (1 + n_flips)`` with b the
    number of random patterns whose mean is at least as far from zero as the observed one.

    Parameters
    ----------
    differences : (n_rows, n_columns)
        Paired differences. NaN where a row has none; such cells are left out.
    n_flips
        Number of random sign patterns, at least 100; the smallest p-value is ``1 / (1 + n_flips)``.
    rng
        Source of the patterns.
    groups : (n_rows,), optional
        Independent units of several rows: all rows of a unit change sign together.
    exact
        Go through all sign patterns where there are no more of them than `n_flips`. p is then their share.

    Returns
    -------
    (n_columns,)
        Above 0, at most 1. NaN where a column has fewer than two differences (units, with `groups`).

    Raises
    ------
    DataError
        If `differences` is not two-dimensional or has no row, `n_flips` is below 100, or `groups` has the wrong
        length or a single unit.

    References
    ----------
    Phipson & Smyth (2010), Permutation p-values should never be zero.
    """
    refuse_no_rows(differences)
    refuse_few_resamples(n_flips)
    filled = np.where(np.isnan(differences), 0.0, differences)
    present = (~np.isnan(differences)).astype(np.float64)
    if groups is not None:
        unit = as_groups(groups, len(differences))
        filled, present = sum_by_unit(filled, unit), sum_by_unit(present, unit)
    observed = np.abs(filled.sum(axis=0))
    margin = 1e-9 * np.abs(filled).sum(axis=0)
    everything = exact and len(filled) < 63 and 2 ** len(filled) <= n_flips
    exceeding = np.zeros(filled.shape[1])
    for signs in _all_signs(len(filled)) if everything else _random_signs(len(filled), n_flips, rng):
        for column in range(0, filled.shape[1], _COLUMNS_AT_ONCE):
            part = slice(column, column + _COLUMNS_AT_ONCE)
            sums = np.abs(signs @ filled[:, part])
            exceeding[part] += (sums >= observed[part] - margin[part]).sum(axis=0)
    p_values = exceeding / 2 ** len(filled) if everything else (1 + exceeding) / (1 + n_flips)
    enough = (present > 0).sum(axis=0) >= 2
    return np.where(enough, p_values, np.nan)


@dataclass(frozen=True, slots=True)
class _ColumnTests:
    """Tests of the columns that have values in the same rows."""

    columns: Labels
    statistic: Array
    p_values: Array
    smallest_p: Array
    n_permutations: int
    exact: bool
    n_left_out: int


def _random_signs(n_rows: int, n_flips: int, rng: np.random.Generator) -> Iterator[Array]:
    for start in range(0, n_flips, 2000):
        count = min(2000, n_flips - start)
        signs: Array = rng.integers(0, 2, size=(count, n_rows)).astype(np.float64) * 2 - 1
        yield signs


def _all_signs(n_rows: int) -> Iterator[Array]:
    for start in range(0, 2**n_rows, 2000):
        number = np.arange(start, min(start + 2000, 2**n_rows))
        signs: Array = (number[:, None] >> np.arange(n_rows) & 1).astype(np.float64) * 2 - 1
        yield signs


def _same_rows_present(table: Array) -> list[Labels]:
    """Numbers of the columns with values in the same rows, which can share permutations."""
    _, kind = np.unique(~np.isnan(table), axis=1, return_inverse=True)
    return [np.flatnonzero(kind.ravel() == k) for k in range(int(kind.max()) + 1)]


def _test_columns(
    table: Array,
    label: Labels,
    block: Labels,
    columns: Labels,
    rng: np.random.Generator,
    n_permutations: int,
    statistic: str,
    names: NDArray[np.generic],
) -> _ColumnTests:
    where = f"columns {first(columns)}" if len(columns) > 1 else f"column {columns[0]}"
    n_labels = int(label.max()) + 1
    rows = np.flatnonzero(~np.isnan(table[:, columns[0]]))
    cells = np.zeros((int(block.max()) + 1, n_labels), dtype=np.int64)
    np.add.at(cells, (block[rows], label[rows]), 1)
    mixed = (cells > 0).sum(axis=1) > 1
    kept = rows[mixed[block[rows]]]
    if not kept.size:
        msg = (
            f"Labels do not vary within any block that has values in {where} ({len(rows)} rows, "
            f"{(cells.sum(axis=1) > 0).sum()} blocks), so there is nothing to permute; join blocks or leave it out."
        )
        raise DataError(msg)
    kept = kept[np.argsort(block[kept], kind="stable")]
    x, own_label = table[np.ix_(kept, columns)], label[kept]
    own_block = np.unique(block[kept], return_inverse=True)[1]
    centred = _centred(x, own_block, columns)
    measure = LabelStatistic(centred, cells[mixed], studentise=statistic == "studentised", names=names)
    by_block = np.split(own_label, np.cumsum(np.bincount(own_block))[:-1])
    n_all = math.prod(_n_arrangements(part) for part in by_block)
    exact = n_all <= n_permutations + 1
    observed = measure(own_label[None], own_block)[0]
    margin = np.abs(observed) * (1 - measure.tie) - measure.rounding
    count, top, n_top = np.zeros(len(columns)), np.zeros(len(columns)), np.zeros(len(columns))
    for some in _all_arrangements(by_block, n_all) if exact else _shuffles(by_block, n_permutations, rng):
        size = np.abs(measure(some, own_block))
        count += (size >= margin).sum(axis=0)
        new = np.maximum(top, size.max(axis=0))
        n_top = np.where(new * (1 - measure.tie) <= top, n_top, 0)
        n_top += (size >= new * (1 - measure.tie)).sum(axis=0)
        top = new
    p = count / n_all if exact else (1 + count) / (1 + n_permutations)
    smallest = n_top / n_all if exact else np.full(len(columns), 1 / (1 + n_permutations))
    n_done = n_all if exact else n_permutations
    return _ColumnTests(columns, observed, p, smallest, n_done, exact, len(rows) - len(kept))


def _centred(x: Array, block: Labels, columns: Labels) -> Array:
    """Take the mean of its block from each value."""
    mean = _unit_means(x, block)[block]
    centred: Array = x - mean
    scale = np.abs(x).max(axis=0)
    constant = np.flatnonzero(np.abs(centred).max(axis=0) <= 1e-12 * scale)
    if constant.size:
        msg = (
            f"{constant.size} columns are constant within every block (first: column {first(columns[constant])}); "
            "labels can make no difference there, so drop them."
        )
        raise DataError(msg)
    return centred


def _n_arrangements(labels: Labels) -> int:
    """Count the different orders of the labels of one block."""
    counts = np.bincount(labels)
    return math.factorial(len(labels)) // math.prod(math.factorial(int(c)) for c in counts)


def _arrangements(labels: Labels) -> Labels:
    """All different orders of the labels of one block, one a row."""
    kinds, counts = np.unique(labels, return_counts=True)
    if len(kinds) == 1:
        return labels[None]
    others = _arrangements(labels[labels != kinds[0]])
    rows = []
    for chosen in combinations(range(len(labels)), int(counts[0])):
        free = np.setdiff1d(np.arange(len(labels)), chosen)
        order = np.full((len(others), len(labels)), kinds[0])
        order[:, free] = others
        rows.append(order)
    return np.concatenate(rows)


def _all_arrangements(by_block: list[Labels], n_all: int) -> Iterator[Labels]:
    orders = [_arrangements(part) for part in by_block]
    step = max(1, _CELLS_AT_ONCE // sum(map(len, by_block)))
    for start in range(0, n_all, step):
        chosen = np.unravel_index(
            np.arange(start, min(start + step, n_all)), [len(order) for order in orders]
        )
        yield np.concatenate([order[pick] for order, pick in zip(orders, chosen, strict=True)], axis=1)


def _shuffles(by_block: list[Labels], n_permutations: int, rng: np.random.Generator) -> Iterator[Labels]:
    step = max(1, _CELLS_AT_ONCE // sum(map(len, by_block)))
    for start in range(0, n_permutations, step):
        count = min(step, n_permutations - start)
        yield np.concatenate([rng.permuted(np.tile(part, (count, 1)), axis=1) for part in by_block], axis=1)


def _of_units(vector: Labels, unit: Labels, name: str) -> Labels:
    """Value of each unit, which must be the same in all its rows."""
    at = np.unique(unit, return_index=True)[1]
    varying = np.unique(unit[vector != vector[at][unit]])
    if varying.size:
        msg = (
            f"{varying.size} of {len(at)} groups have rows with different {name} (first: group {first(varying)} in "
            "sorted order); whole groups are permuted, so give the groups as blocks if labels vary within them."
        )
        raise DataError(msg)
    own: Labels = vector[at]
    return own


def _unit_means(table: Array, unit: Labels) -> Array:
    """Mean of each unit over its values; NaN where it has none."""
    present = ~np.isnan(table)
    n = sum_by_unit(present.astype(np.float64), unit)
    total = sum_by_unit(np.where(present, table, 0.0), unit)
    mean: Array = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
    return mean


def _join(parts: dict[int, _ColumnTests], n_columns: int) -> PermutationTest:
    statistic, p_values, smallest = (np.empty(n_columns) for _ in range(3))
    for tests in parts.values():
        statistic[tests.columns], p_values[tests.columns] = tests.statistic, tests.p_values
        smallest[tests.columns] = tests.smallest_p
    n_done = np.array([parts[c].n_permutations for c in range(n_columns)])
    exact = np.array([parts[c].exact for c in range(n_columns)])
    flags: tuple[Flag, ...] = ()
    unable = np.flatnonzero(smallest > 0.05)
    if unable.size:
        detail = (
            f"no p-value below .05 is possible in {unable.size} of {n_columns} columns (first: column "
            f"{first(unable)}, {n_done[unable[0]]} permutations, smallest p {smallest[unable[0]]:.3g})"
        )
        flags += (Flag(Weakness.FEW_UNITS, detail),)
    lost = [c for c in range(n_columns) if parts[c].n_left_out]
    if lost:
        detail = (
            f"rows of blocks with a single label say nothing and were left out in {len(lost)} of {n_columns} "
            f"columns (first: column {lost[0]}, {parts[lost[0]].n_left_out} rows)"
        )
        flags += (Flag(Weakness.LEFT_OUT, detail),)
    return PermutationTest(statistic, p_values, smallest, n_done, exact, flags)
