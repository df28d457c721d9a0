"""Tell which embeddings a structure rests on: what could not be used, and whether another model gives the same groups.

The number of groups and the weights of the views stay as they are, so that only the vectors differ. Owns the notes on
embeddings; plans and reads no calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from valuelex.domain.embedding import NamedVectors
from valuelex.domain.evidence import Sensitivity, Structure
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.stages.material import NO_EMBEDDINGS, gather
from valuelex.stats.level_choice import affinities, partitions
from valuelex.stats.levels import product_affinity
from valuelex.stats.stability import compare_partitions


def with_embeddings_told(
    structure: Structure, matrix: ResponseMatrix, sources: Sources, named: Sequence[NamedVectors]
) -> Structure:
    """Add what there is to say of embeddings to a structure.

    Parameters
    ----------
    structure
        Made with the vectors of the first of `named`, or without where it has none.
    matrix, sources
        What it was made from.
    named
        The embeddings that the study wants, the leading one first.

    Returns
    -------
    Structure
        With a note for each embedding that could not be used, and a sensitivity for each further one that could. The
        note on the leading one takes the place of the plain one that there were none.
    """
    notes = notes_on_embeddings(named)
    failed = bool(named) and named[0].vectors is None
    others = [one for one in named[1:] if one.vectors is not None]
    n_groups = int(structure.taxonomy.subdimension.max()) + 1
    if others and n_groups > 1 and not structure.taxonomy.weights["embeddings"]:
        names = " and ".join(one.name for one in others)
        notes.append(
            f"Embeddings have weight 0 in these groups, so those of {names} were not compared with them."
        )
        others = []
    return replace(
        structure,
        notes=(*(n for n in structure.notes if not (failed and n == NO_EMBEDDINGS)), *notes),
        sensitivities=(
            *structure.sensitivities,
            *(_others(structure, matrix, sources, others, n_groups) if others and n_groups > 1 else ()),
        ),
    )


def notes_on_embeddings(named: Sequence[NamedVectors], what: str = "lists") -> list[str]:
    """Say which embeddings could not be used, and what that means, a sentence each.

    Parameters
    ----------
    named
        The leading ones first.
    what
        What terms are grouped by besides, in the plural.
    """
    return [_note(one, what, leads=place == 0) for place, one in enumerate(named) if one.vectors is None]


def _note(one: NamedVectors, what: str, *, leads: bool) -> str:
    instead = (
        f"terms are grouped by the {what} alone"
        if leads
        else "it was not seen whether they give the same groups"
    )
    return f"The embeddings of {one.name} could not be used: {one.reason}, so {instead}; {one.way_out}."


def _others(
    structure: Structure,
    matrix: ResponseMatrix,
    sources: Sources,
    others: Sequence[NamedVectors],
    n_groups: int,
) -> list[Sensitivity]:
    """Group the terms with other vectors."""
    weights = tuple(structure.taxonomy.weights.values())
    labels = structure.taxonomy.subdimension
    material = gather(matrix, sources.units(), None)
    levels = affinities(material.evidence, np.ones(material.evidence.n_independent))
    found = []
    for one in others:
        assert one.vectors is not None
        meaning = product_affinity(np.ascontiguousarray(one.vectors.T))
        (partition,) = partitions((*levels, meaning), weights, material.n_terms, [n_groups])
        agreement = compare_partitions(partition, labels).adjusted_rand
        found.append(Sensitivity(f"embeddings of {one.name}", agreement, material.n_terms))
    return found
