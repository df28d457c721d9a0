"""Data and correlations as they would be if the columns had nothing to do with each other.

Owns four nulls: normal data, columns permuted, 0/1 rows reshuffled with both margins kept, and permuted
columns correlated as tetrachorics. Each is drawn anew for every replicate from the generator passed in.
Does not compare anything with a null; see `valuelex.stats.parallel_analysis`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_groups, as_table, choose
from valuelex.stats.cooccurrence import as_lists, cooccurrence, phi
from valuelex.stats.correlation import correlate
from valuelex.stats.tetrachoric import tetrachoric

NULLS = ("wishart", "permuted", "curveball", "permuted_tetrachoric")
"""Names of the nulls of `null_correlation`."""
ROUNDS = 50
"""Rounds of `curveball`; see there for the mixing check."""
LARGEST_TABLE = 50_000_000
"""Most pairs of rows times columns that are marked in a table (bytes); beyond, they are sorted."""
ROUNDS_BETWEEN = 5
"""Rounds from one replicate of `curveball_correlations` to the next."""


def null_correlation(data: ArrayLike, null: str, rng: np.random.Generator) -> Array:
    """Draw the correlation matrix of one null replicate of the data.

    Parameters
    ----------
    data : (n_rows, n_columns)
        The data that the null belongs to, without missing values, each column with some spread. 0 and 1 for
        "curveball" and "permuted_tetrachoric".
    null
        "wishart": normal data of the same shape. "permuted": each column shuffled by itself, then Pearson
        correlations. "curveball": 0/1 rows with both margins kept, then phi. "permuted_tetrachoric": each
        column shuffled, then smoothed tetrachoric correlations.
    rng
        Source of the replicate.

    Returns
    -------
    (n_columns, n_columns)
        Correlations of the replicate.

    Raises
    ------
    DataError
        If the name is not one of `NULLS`, or the data does not suit the null.
    """
    choose(null, NULLS, name="null")
    if null == "wishart":
        n_rows, n_columns = as_table(data).shape
        return wishart_correlation(n_rows, n_columns, rng)
    if null == "permuted":
        return correlate(permute_columns(data, rng))
    if null == "curveball":
        lists = curveball(data, rng)
        return phi(cooccurrence(lists), lists.shape[0])
    return tetrachoric(permute_columns(data, rng)).correlation


def curveball_correlations(lists: ArrayLike, rng: np.random.Generator) -> Iterator[Array]:
    """Draw phi correlations of 0/1 rows reshuffled with both margins kept, one replicate after the other.

    The first is `ROUNDS` rounds of `curveball` away from the data, so that nothing of the data is left; each of the
    others goes on from the one before for `ROUNDS_BETWEEN` rounds. What a replicate keeps of another replicate is
    no structure of the data: it biases nothing, and costs a little of the precision of many.

    Parameters
    ----------
    lists : (n_rows, n_columns)
        0 and 1, no column of zeros or of ones alone.
    rng
        Source of the replicates.

    Yields
    ------
    (n_columns, n_columns)
        Correlations, without end.

    Raises
    ------
    DataError
        If the lists do not suit.
    """
    drawn = curveball(lists, rng)
    while True:
        yield phi(cooccurrence(drawn), drawn.shape[0])
        drawn = curveball(drawn, rng, n_rounds=ROUNDS_BETWEEN)


def wishart_correlation(n_rows: int, n_columns: int, rng: np.random.Generator) -> Array:
    """Draw the correlation matrix of independent normal columns, without drawing their rows.

    The cross-products of `n_rows` centred rows are Wishart with ``n_rows - 1`` degrees of freedom, so they
    are ``T T'`` with T triangular, standard normal off the diagonal and chi on it. This takes
    ``p^2 / 2`` random numbers whatever the number of rows. With fewer rows than columns T is trapezoidal
    and the correlations are singular, as those of the rows would be.

    Parameters
    ----------
    n_rows, n_columns
        At least 2 and 1.
    rng
        Source of the matrix.

    Returns
    -------
    (n_columns, n_columns)
        From -1 to 1.

    Raises
    ------
    DataError
        If there are fewer than 2 rows or no column.

    References
    ----------
    Bartlett (1933), On the theory of statistical regression. Smith & Hocking (1972), Algorithm AS 53.
    """
    if n_rows < 2 or n_columns < 1:
        msg = f"Correlations of {n_rows} rows × {n_columns} columns do not exist; give at least 2 × 1."
        raise DataError(msg)
    df = n_rows - 1
    factor = rng.standard_normal((n_columns, min(n_columns, df)))
    width = factor.shape[1]
    rows = np.arange(width)
    factor[rows, rows] = np.sqrt(rng.chisquare(df - rows))
    factor[:width][np.triu_indices(width, 1)] = 0.0
    factor /= np.sqrt(np.einsum("ij,ij->i", factor, factor))[:, None]
    r: Array = factor @ factor.T
    np.clip(r, -1.0, 1.0, out=r)
    np.fill_diagonal(r, 1.0)
    return r


def permute_columns(data: ArrayLike, rng: np.random.Generator) -> Array:
    """Shuffle each column by itself, which keeps its values and breaks every relation.

    Parameters
    ----------
    data : (n_rows, n_columns)
        Numbers; NaN moves with the rest.
    rng
        Source of the shuffles.

    Returns
    -------
    (n_rows, n_columns)
        A new table.

    Raises
    ------
    DataError
        If the data is not a table of numbers.
    """
    return rng.permuted(as_table(data, missing=True), axis=0)


def curveball(
    lists: ArrayLike | sparse.sparray,
    rng: np.random.Generator,
    *,
    n_rounds: int = ROUNDS,
    units: ArrayLike | None = None,
) -> Any:
    """Draw a 0/1 matrix that has the row sums and the column sums of the one given.

    In a round the rows are paired at random and every pair trades: the columns that only one of the two
    holds are dealt out anew at random, each row keeping its number. Trades of disjoint pairs do not disturb
    each other, so a round is done at once. Over rounds every matrix of the same margins is equally likely.

    Parameters
    ----------
    lists : (n_rows, n_columns)
        0 and 1, dense or sparse.
    rng
        Source of pairs and trades.
    n_rounds
        How often every row trades, at least 1. In simulated rows of 6 of 197 columns in 6 groups, the
        excess of co-occurrence within groups halved with every round and was gone, to within chance, after
        10, for 1,000 rows as for 8,000. With very uneven rows (log lengths of standard deviation 1.2) a
        fifth went with every round, and 30 were needed.
    units : (n_rows,), optional
        Rows trade with rows of their own unit alone, so that the column sums of every unit are kept.

    Returns
    -------
    (n_rows, n_columns)
        0 and 1: a dense array of bytes, or compressed sparse rows where sparse lists are given.

    Raises
    ------
    DataError
        If values other than 0 and 1 are given, the lengths differ, or no round is asked for.

    References
    ----------
    Strona et al. (2014), A fast and unbiased procedure to randomize ecological binary matrices. Carstens,
    Berger & Strona (2018), A unifying framework for fast randomization of ecological networks.
    """
    if n_rounds < 1:
        msg = f"n_rounds is {n_rounds}; at least 1 is needed, and {ROUNDS} mix most data well."
        raise DataError(msg)
    table = as_lists(lists)
    row, column = (index.astype(np.int64) for index in table.nonzero())
    n_rows, n_columns = table.shape
    sums = np.bincount(row, minlength=n_rows)
    unit = np.zeros(n_rows, dtype=np.int64) if units is None else as_groups(units, n_rows, min_groups=1)
    size = np.bincount(unit)
    # Each unit has an even number of places, so that no pair is of two units.
    start = np.cumsum(size + size % 2) - (size + size % 2)
    in_order = np.repeat(start, size) + np.arange(n_rows) - np.repeat(np.cumsum(size) - size, size)
    for _ in range(n_rounds):
        mixed = rng.permutation(n_rows)
        place = np.empty(n_rows, dtype=np.int64)
        place[mixed[np.argsort(unit[mixed], kind="stable")]] = in_order
        row, column = _trade(row, column, sums, place, n_columns, rng)
    if sparse.issparse(lists):
        ones = np.ones(len(row), dtype=np.uint8)
        return sparse.csr_array((ones, (row, column)), shape=table.shape)
    shuffled = np.zeros((n_rows, n_columns), dtype=np.uint8)
    shuffled[row, column] = 1
    return shuffled


def _trade(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    sums: NDArray[np.int64],
    place_of: NDArray[np.int64],
    n_columns: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Let every row trade with another once. The ones are given by their rows and columns.

    Rows at places 2 i and 2 i + 1 are pair i; a row whose neighbour is empty trades with nobody.
    """
    n_pairs = int(place_of.max(initial=0)) // 2 + 1
    order = np.zeros(2 * n_pairs, dtype=np.int64)
    order[place_of] = np.arange(len(sums))
    place = place_of[row]
    both, alone = _apart((place // 2) * n_columns + column, place % 2 == 1, n_pairs * n_columns)
    pair, dealt = _dealt(alone, n_pairs, n_columns, rng)
    start = np.concatenate([[0], np.cumsum(np.bincount(pair, minlength=n_pairs))])
    kept = sums[order[::2]] - np.bincount(both // n_columns, minlength=n_pairs)
    second = np.arange(len(pair)) - start[pair] >= kept[pair]
    place = np.concatenate([2 * pair + second, 2 * (both // n_columns), 2 * (both // n_columns) + 1])
    return order[place], np.concatenate([dealt, both % n_columns, both % n_columns])


def _apart(
    key: NDArray[np.int64], second: NDArray[np.bool_], n_keys: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys that the first and the second row of a pair both hold, once each, and those that one of them holds."""
    if n_keys > LARGEST_TABLE:
        ordered = np.sort(key)
        same = ordered[1:] == ordered[:-1]
        shared = np.zeros(len(ordered), dtype=bool)
        shared[1:] |= same
        shared[:-1] |= same
        return ordered[1:][same], ordered[~shared]
    mine, theirs = key[~second], key[second]
    held = np.zeros(n_keys, dtype=np.uint8)
    held[mine] = 1
    shared = held[theirs] == 1
    both = theirs[shared]
    held[both] = 2
    return both, np.concatenate([mine[held[mine] == 1], theirs[~shared]])


def _dealt(
    key: NDArray[np.int64], n_pairs: int, n_columns: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair and column of each key, pairs in order, the columns of a pair in random order."""
    key = rng.permutation(key)
    pair = key // n_columns
    # Numbers of 16 bits are sorted by their digits, many times faster than longer ones.
    order = np.argsort(pair.astype(np.uint16) if n_pairs <= 2**16 else pair, kind="stable")
    return pair[order], key[order] % n_columns
