"""Hand the responses of a matrix to the statistics, as lists of the terms that each named.

Owns the form in which they are counted. Counts nothing.
"""

from __future__ import annotations

from valuelex.domain.lexicon import ResponseMatrix
from valuelex.stats.sparse_counts import Counts, lists_of


def term_lists(matrix: ResponseMatrix) -> Counts:
    """Return which response named which term, (n_responses, n_terms), with ones as 64-bit floats."""
    named = matrix.named
    return lists_of(named.columns, named.starts, named.n_columns)
