"""Gather what a structure of terms is found from: counts of lists, profiles of sources, meanings.

Owns what is taken for a level, and in plain sentences what the data cannot give. Does not group terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import LEAST_INDEPENDENT, LEAST_LISTS, Sources, Units
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.term_lists import term_lists
from valuelex.stats.cluster import Labels
from valuelex.stats.level_choice import Evidence
from valuelex.stats.levels import Affinity, count_lists, product_affinity, profiles
from valuelex.stats.sparse_counts import Counts

Array = NDArray[np.float64]
FEW_MODELS = 3
NO_EMBEDDINGS = "No embeddings were used: terms are grouped by the lists alone."


@dataclass(frozen=True, slots=True)
class Material:
    """All that the structure of terms is found from."""

    evidence: Evidence
    pooled: Evidence | None
    """The same lists as if no source had habits; None where there is no other way to see them."""
    embeddings: Affinity | None
    vectors: Array | None
    """(n_terms, d) unit vectors that the embeddings are the products of; None where there are none."""
    filled: NDArray[np.bool_]
    """(n_responses,) which responses name a term; only these are counted."""
    block: Labels
    """(n_filled,) what each is counted together with: its source, or what is independent where none has habits."""

    @property
    def n_terms(self) -> int:
        """Number of terms."""
        return self.evidence.n_columns


def gather(matrix: ResponseMatrix, units: Units, vectors: Array | None) -> Material:
    """Count who named which terms, and which together.

    Parameters
    ----------
    matrix
        Responses by terms.
    units
        What is independent, and whose frequencies are compared.
    vectors : (n_terms, d)
        Unit vectors of the terms, or None.

    Returns
    -------
    Material

    Raises
    ------
    DataError
        If no response names two terms.
    """
    filled = matrix.named.of_each_row > 0
    if not filled.any():
        msg = "No response names a term of the lexicon, so there is nothing to group; see responses.parquet."
        raise DataError(msg)
    independent = numbered(units.independent_of, filled)
    profiled = (
        numbered(units.profiled_of, filled) if units.profiled else np.zeros(len(independent), dtype=np.int64)
    )
    # No smaller part is ever weighed by itself.
    block = profiled if units.profiled else independent
    counts = count_lists(telling(matrix, filled), block, profiled)
    fold_of_block = np.zeros(counts.n_blocks, dtype=np.int64)
    fold_of_block[block] = independent
    fold_of_unit = np.zeros(counts.n_units, dtype=np.int64)
    fold_of_unit[profiled] = independent
    pooled = Evidence(counts, None, np.zeros(0, dtype=np.int64), fold_of_block, pooled=True)
    both = Evidence(counts, profiles(counts), fold_of_unit, fold_of_block) if units.profiled else pooled
    return Material(
        evidence=both,
        pooled=pooled if units.profiled else None,
        embeddings=None if vectors is None else product_affinity(np.ascontiguousarray(vectors.T)),
        vectors=vectors,
        filled=filled,
        block=block,
    )


def telling(matrix: ResponseMatrix, filled: NDArray[np.bool_]) -> Counts:
    """Return the responses that name a term, without the terms that all of them name: these tell nothing of others.

    Left in, such a term would go together with all others, and outweigh what they have in common.
    """
    lists = term_lists(matrix)[np.flatnonzero(filled)]
    always = np.bincount(lists.indices, minlength=lists.shape[1]) == lists.shape[0]
    if always.any() and not always.all():
        lists.data[always[lists.indices]] = 0.0
        lists.eliminate_zeros()
    return lists


def numbered(names: Sequence[str], filled: NDArray[np.bool_]) -> Labels:
    """Give the names of the responses that are filled numbers from 0, in sorted order."""
    kept = [name for name, there in zip(names, filled.tolist(), strict=True) if there]
    number = {name: i for i, name in enumerate(sorted(set(kept)))}
    return np.fromiter((number[name] for name in kept), np.int64, len(kept))


def notes_on(
    matrix: ResponseMatrix, sources: Sources, units: Units, vectors: Array | None
) -> tuple[str, ...]:
    """Say in plain sentences what the data cannot give, so that nobody takes it for more."""
    notes = []
    n_models, n = sources.n_models, units.n_independent
    if n_models == 1:
        notes.append(
            f"All answers come from one model. Its {n} respondents (settings and personas) are not independent models: "
            "what is found between them is between settings and personas of this model, and says nothing of others."
            if n > 1
            else "All answers come from one respondent: what is found is of this one, and says nothing of other models."
        )
    elif units.independent == "respondents":
        few = "fewer than three" if n_models < FEW_MODELS else f"fewer than {LEAST_INDEPENDENT}"
        alike = "respondents of one model are no independent cases" if n > n_models else "so few tell little"
        notes.append(
            f"There are {few} independent models ({n_models}), so {count(n, 'respondent is', 'respondents are')} held "
            f"out and resampled instead; {alike}, and intervals are too narrow."
        )
    if units.independent == "models":
        notes.append(
            f"The {n} models come from fewer than {LEAST_INDEPENDENT} families, so models are held out and resampled "
            "instead; models of one family are alike, and intervals are too narrow."
        )
    if not units.profiled:
        notes.append(
            f"Sources have habits that can be compared where there are {LEAST_INDEPENDENT} of them or more, with "
            f"{LEAST_LISTS} responses each or more on average. Here there are not, so there is one level only: all "
            "responses together, in which what sources like and what belongs together cannot be told apart."
        )
    always = np.flatnonzero(matrix.named.of_each_column == len(matrix.response_ids))
    if always.size:
        shown = ", ".join(repr(matrix.terms[i]) for i in always[:3])
        notes.append(
            f"{always.size} {'term is' if always.size == 1 else 'terms are'} in every response (first: {shown}); such "
            "a term goes together with all others alike, so the lists cannot place it."
        )
    if vectors is None:
        notes.append(NO_EMBEDDINGS)
    return tuple(notes)
