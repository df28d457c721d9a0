"""Build a value system from who named which words together.

Owns the affinity of terms (lists and embeddings), their groups at two levels, and the names by markers.
The numbers of groups are given by the study, not found. Does not measure anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.structure import BUILT, Dimension, Subdimension, Taxonomy, ValueSystem
from valuelex.domain.study import ConstructPlan
from valuelex.errors import DataError
from valuelex.stats.cluster import (
    Labels,
    modularity,
    spectral_clusters,
    spectral_embedding,
)
from valuelex.stats.cooccurrence import cooccurrence, margin_residual, standardise_pairs
from valuelex.stats.stability import partition_stability

Array = NDArray[np.float64]
WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Candidate weights of the embeddings (0: they do not help)."""
N_FOLDS = 5
N_MARKERS = 10


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists that hold a term, with the unit that is resampled and the unit that is held out of each."""

    values: NDArray[np.uint8]
    lengths: Array
    unit: Labels
    n_units: int
    fold_unit: Labels
    n_fold_units: int


def construct(
    matrix: ResponseMatrix,
    units: Sequence[str],
    vectors: Array,
    plan: ConstructPlan,
    rng: np.random.Generator,
    *,
    fold_units: Sequence[str] | None = None,
    resampled: str = "respondents",
) -> Taxonomy:
    """Group terms into subdimensions and those into dimensions.

    The affinity of two terms is ``z(margin residual) + a z(cosine)``: how much more often they are
    named together than their popularity and the lists' lengths explain, and how alike they mean.
    The weight a is the one whose partition has the highest modularity on held-out units.

    Parameters
    ----------
    matrix
        Responses by terms; every term must occur.
    units : (n_responses,)
        What is resampled of each response: its respondent, or its family where there are enough.
    vectors : (n_terms, d)
        Unit vectors of the terms.
    plan
        Numbers of groups and of resamples.
    rng
        Source of folds, starts and resamples.
    fold_units : (n_responses,), optional
        What is held out together when the weight is chosen: families wherever there are two. Folds that
        split a family reward its style. Default `units`.
    resampled
        What the units are, for the report.

    Returns
    -------
    Taxonomy
        With the stability of each term under resampling of units; NaN where it cannot be told.

    Raises
    ------
    DataError
        If there are fewer terms than groups, or no list holds two terms.
    """
    n_terms = len(matrix.terms)
    if n_terms < 2 * plan.n_subdimensions:
        msg = (
            f"Only {n_terms} terms were found, too few for {plan.n_subdimensions} subdimensions; elicit more "
            "responses, or lower n_subdimensions or [normalise] min_respondents."
        )
        raise DataError(msg)
    lists = _lists(matrix, units, units if fold_units is None else fold_units)
    cosine = standardise_pairs(vectors @ vectors.T)
    weight = _choose_weight(lists, cosine, plan.n_subdimensions, rng)
    affinity = _affinity(lists, cosine, weight)
    subdimension = spectral_clusters(affinity, plan.n_subdimensions, rng)
    dimension = _dimensions(affinity, subdimension, plan.n_dimensions, rng)[subdimension]
    stability = _stability(lists, cosine, weight, subdimension, plan, rng)
    embedding = spectral_embedding(affinity, plan.n_subdimensions)
    return Taxonomy(
        terms=matrix.terms,
        subdimension=subdimension,
        dimension=dimension,
        centrality=_centrality(affinity, subdimension),
        stability=stability,
        coordinates=_plane(embedding),
        embedding_weight=weight,
        n_resamples=plan.resamples if lists.n_units > 1 else 0,
        resampled=resampled,
    )


def _lists(matrix: ResponseMatrix, units: Sequence[str], fold_units: Sequence[str]) -> _Lists:
    filled = np.asarray(matrix.values.any(axis=1))
    values = matrix.values[filled]
    lengths = values.sum(axis=1).astype(np.float64)
    return _Lists(values, lengths, *_numbered(units, filled), *_numbered(fold_units, filled))


def _numbered(names: Sequence[str], filled: NDArray[np.bool_]) -> tuple[Labels, int]:
    distinct, number = np.unique(np.asarray(names, dtype=object)[filled].astype(str), return_inverse=True)
    return number.astype(np.int64), len(distinct)


def _affinity(lists: _Lists, cosine: Array, weight: float, weights: Array | None = None) -> Array:
    residual = margin_residual(cooccurrence(lists.values, weights), lists.lengths, weights)
    affinity: Array = standardise_pairs(residual) + weight * cosine
    return affinity


def _choose_weight(lists: _Lists, cosine: Array, n_groups: int, rng: np.random.Generator) -> float:
    """Return the weight whose partitions fit the co-occurrence of held-out units best; the least of equals.

    All weights share the starts of a fold, so that luck in k-means does not decide between them.
    """
    n_folds = min(N_FOLDS, lists.n_fold_units)
    if n_folds < 2:
        return 0.0
    fold = rng.permutation(np.arange(lists.n_fold_units) % n_folds)[lists.fold_unit]
    score = np.zeros(len(WEIGHTS))
    for held_out in range(n_folds):
        train = (fold != held_out).astype(np.float64)
        observed, excess = _excess(lists, 1.0 - train)
        if observed == 0 or not _holds_pairs(lists, train):
            continue
        seed = int(rng.integers(2**31))
        for i, weight in enumerate(WEIGHTS):
            starts = np.random.default_rng(seed)
            labels = spectral_clusters(_affinity(lists, cosine, weight, train), n_groups, starts)
            score[i] += modularity(excess, observed, labels)
    return WEIGHTS[int(np.argmax(score))]


def _excess(lists: _Lists, weights: Array) -> tuple[float, Array]:
    """Return the sum of co-occurrence off the diagonal, and observed minus expected for each pair."""
    counts = cooccurrence(lists.values, weights)
    share = np.diag(counts).copy()
    total = float((weights * lists.lengths).sum())
    pairs = float((weights * lists.lengths * (lists.lengths - 1)).sum())
    if pairs == 0:
        return 0.0, np.zeros_like(counts)
    return pairs, counts - np.outer(share, share) * (pairs / total**2)


def _holds_pairs(lists: _Lists, weights: Array) -> bool:
    return bool(((lists.lengths > 1) & (weights > 0)).any())


def _dimensions(affinity: Array, subdimension: Labels, n_dimensions: int, rng: np.random.Generator) -> Labels:
    """Group the subdimensions by the mean affinity between their terms; one label a subdimension."""
    n_groups = int(subdimension.max()) + 1
    member = np.eye(n_groups)[subdimension]
    size = member.sum(axis=0)
    between: Array = (member.T @ affinity @ member) / np.outer(size, size)
    between = between - between[np.triu_indices(n_groups, 1)].min(initial=0.0)
    if n_dimensions >= n_groups:
        return np.arange(n_groups)
    if not np.triu(between, 1).any():
        msg = (
            f"No subdimension is closer to one than to another, so {n_dimensions} dimensions cannot be told."
        )
        raise DataError(msg)
    return spectral_clusters(between, n_dimensions, rng)


def _stability(
    lists: _Lists,
    cosine: Array,
    weight: float,
    subdimension: Labels,
    plan: ConstructPlan,
    rng: np.random.Generator,
) -> Array:
    """Share of resamples of units in which each term stays in its group.

    A resample in which a term does not occur says nothing of that term and is left out for it.
    All are NaN for a single unit, whose resamples are all the same.
    """

    def partition(weights: Array) -> Labels:
        affinity = _affinity(lists, cosine, weight, weights)
        labels = spectral_clusters(affinity, plan.n_subdimensions, rng, n_starts=3)
        occurs = (lists.values * weights[:, None]).any(axis=0)
        return np.where(occurs, labels, -1)

    if lists.n_units < 2:
        return np.full(len(subdimension), np.nan)
    return partition_stability(partition, subdimension, lists.unit, plan.resamples, rng).items


def _centrality(affinity: Array, subdimension: Labels) -> Array:
    """Mean affinity of each term to the others of its group; 0 for a group of one."""
    same = (subdimension[:, None] == subdimension[None, :]).astype(np.float64)
    np.fill_diagonal(same, 0.0)
    others = same.sum(axis=1)
    mean: Array = np.divide(
        (affinity * same).sum(axis=1), others, out=np.zeros(len(others)), where=others > 0
    )
    return mean


def _plane(embedding: Array) -> Array:
    """Project to the two principal axes, the farthest term at the positive end; zeros where there is no second."""
    centred = embedding - embedding.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(embedding), 2))
    for i, axis in enumerate(axes[:2]):
        place = centred @ axis
        plane[:, i] = place if place[np.argmax(np.abs(place))] >= 0 else -place
    return plane


def build_system(taxonomy: Taxonomy, study_name: str) -> ValueSystem:
    """Turn a taxonomy into a value system that can be measured.

    Groups are named by their three most central terms; the ten most central are the markers. The anchors are
    one sentence pair for each marker, in a fixed form, so they are cruder than hand-written ones.
    """
    dimensions = []
    for d in range(int(taxonomy.dimension.max()) + 1):
        groups = np.unique(taxonomy.subdimension[taxonomy.dimension == d])
        subdimensions = tuple(_subdimension(taxonomy, int(g)) for g in groups)
        leaders = [s.markers[0] for s in subdimensions]
        dimensions.append(
            Dimension(
                id=f"d{d + 1}",
                name=" · ".join(leaders),
                definition=f"Words around {', '.join(leaders)}, as grouped in this study.",
                subdimensions=subdimensions,
            )
        )
    return ValueSystem(
        name=BUILT,
        title=f"System built from the study {study_name!r}",
        source=f"Built by ValueLex from the responses of the study {study_name!r}.",
        dimensions=tuple(dimensions),
    )


def _subdimension(taxonomy: Taxonomy, group: int) -> Subdimension:
    members = np.flatnonzero(taxonomy.subdimension == group)
    order = members[np.lexsort((members, -taxonomy.centrality[members]))]
    markers = tuple(taxonomy.terms[i] for i in order[:N_MARKERS])
    return Subdimension(
        id=f"s{group + 1}",
        name=", ".join(markers[:3]),
        definition=f"Words named together: {', '.join(markers)}.",
        markers=markers,
        high=tuple(f"I acted with {marker}, because {marker} matters to me." for marker in markers),
        low=tuple(f"I acted without {marker}, because {marker} does not matter to me." for marker in markers),
    )
