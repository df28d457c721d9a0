"""How often columns come together in lists because they are popular, and nothing else.

Owns the expectation that co-occurrence within lists is held against. It takes only how often a source names a column,
and in how much company; which columns do come together is `valuelex.stats.levels`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from valuelex.stats.checks import Array
from valuelex.stats.cluster import Labels

LEAST_ROOM = 2.0
"""Least spread of lists' choices (sum of p (1 - p)) for which Hájek's formula is used as it is. With as little as 1,
columns that are in every list would be expected never to come together, though they always do."""
MOST_ROUNDS = 60
"""Rounds in which expected co-occurrence is fitted; most need 20."""


@dataclass(frozen=True, slots=True)
class Company:
    """Expected co-occurrence of columns in the lists of some sources, if nothing drew columns together.

    That of columns i and j is ``sum over sources of a_i a_j - b_i b_j``.
    """

    drawn: Array
    """(n_sources, n_columns) a."""
    crowded: Array
    """(n_sources, n_columns) b."""

    def weighted(self, weights: Array) -> Company:
        """Return the same when each source (n_sources,) counts so often."""
        root = np.sqrt(weights)[:, None]
        return Company(self.drawn * root, self.crowded * root)


def expected_company(ties: Array, totals: Array, n_lists: Array) -> Company:
    """Expect co-occurrence by how often columns are named, and in how much company, alone.

    A list names a column once, so popular columns come together less than their shares multiply to. With inclusion
    probabilities p and d the sum of p (1 - p), two columns of lists of fixed length come together about
    ``1 - (1 - p_i) (1 - p_j) / d`` times as often (Hájek). What of this belongs to one column alone, and the spread
    of the lengths, is in the a: they are such that each column has as much company as it has.

    Parameters
    ----------
    ties : (n_sources, n_columns)
        Other columns in the lists that hold a column, added up.
    totals : (n_sources, n_columns)
        Lists that hold a column.
    n_lists : (n_sources,)
        Lists.

    Returns
    -------
    Company

    References
    ----------
    Hájek (1964), Asymptotic theory of rejective sampling with varying probabilities from a finite population.
    """
    share = np.divide(totals, n_lists[:, None], out=np.zeros_like(totals), where=n_lists[:, None] > 0)
    room = (share * (1.0 - share)).sum(axis=1, keepdims=True)
    crowd = share / np.sqrt(np.maximum(room, LEAST_ROOM))
    reach = np.sqrt(ties.sum(axis=1, keepdims=True))
    a = np.divide(ties, reach, out=np.zeros_like(ties), where=reach > 0)
    for _ in range(MOST_ROUNDS):
        b = a * crowd
        others = a.sum(axis=1, keepdims=True) - a - crowd * (b.sum(axis=1, keepdims=True) - b)
        fitted = np.divide(ties, others, out=np.zeros_like(ties), where=others > 1e-12)
        moved = np.sqrt(a * fitted)
        done = np.abs(moved - a).max(initial=0.0) <= 1e-7 * a.max(initial=0.0)
        a = moved
        if done:
            break
    return Company(a, a * crowd)


def company_of_sources(
    ties: sparse.csr_array, totals: sparse.csr_array, n_lists: Array, source: Labels
) -> Company:
    """Expect co-occurrence where each source is some of the rows: its number of each is `source` (n_rows,).

    The rest is as for `expected_company`, of each row.
    """
    size = (int(source.max()) + 1, len(source))
    member = sparse.csr_array((np.ones(len(source)), (source, np.arange(len(source)))), shape=size)
    company, named = (np.asarray((member @ table).toarray(), dtype=np.float64) for table in (ties, totals))
    return expected_company(company, named, np.asarray(member @ n_lists, dtype=np.float64))
