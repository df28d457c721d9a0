"""Draw the independent sources again and again, and see which groups come back.

Owns stability of terms and groups, and the intervals of what the sources that were not drawn say of groups that they
had no part in; what they say is in `valuelex.stages.beyond_meaning`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Estimate, GroupEvidence
from valuelex.errors import DataError
from valuelex.stages.beyond_meaning import Meaning
from valuelex.stages.material import Material
from valuelex.stats.cluster import Labels, match_labels
from valuelex.stats.level_choice import Weights, affinities, partitions
from valuelex.stats.stability import jaccard

Array = NDArray[np.float64]
N_LEFT_OUT = 200
"""Resamples in which the sources that were not drawn are asked, and the lists alone grouped."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """What resamples of sources say. `items` (n_terms,) is the share in which a term stays in its group."""

    items: Array
    groups: tuple[GroupEvidence, ...]
    n_resamples: int


def resample(
    material: Material,
    weights: Weights,
    labels: Labels,
    n_resamples: int,
    rng: np.random.Generator,
) -> Resampled | None:
    """Group the terms again from sources drawn with replacement.

    In each resample groups are matched to those of all sources (Hungarian). About a third of the sources are not
    drawn; in their lists, which had no part in it, the mean affinity of the terms of each new group is its support. The
    share of it that embeddings do not foretell is beyond meaning. Their intervals are quantiles over sources not drawn.
    In the first resamples the lists alone are grouped too, as embeddings are the same in each.

    Parameters
    ----------
    material
        Lists, profiles and embeddings.
    weights
        Of the views.
    labels : (n_terms,)
        The groups.
    n_resamples
        At least 1.
    rng
        Source of resamples.

    Returns
    -------
    Resampled or None
        None where there is one independent source only: all resamples are the same.
    """
    n = material.evidence.n_independent
    if n < 2:
        return None
    k = int(labels.max()) + 1
    meaning = Meaning.of(material, weights)
    stayed, placed = np.zeros(len(labels)), np.zeros(len(labels))
    overlaps, alone, supports = [], [], []
    by_lists = (*weights[:2], 0.0) if any(weights[:2]) else (*material.evidence.mixes[0], 0.0)
    for i in range(n_resamples):
        drawn = np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64)
        try:
            views = affinities(material.evidence, drawn)
        except DataError:
            continue
        (found,) = partitions((*views, material.embeddings), weights, material.n_terms, [k])
        found = match_labels(found, labels, k)
        there = _occurs(material, drawn)
        stayed += (found == labels) & there
        placed += there
        overlaps.append(jaccard(found[there], labels[there], k))
        if i < N_LEFT_OUT:
            if weights[2] > 0:
                (lists,) = partitions((*views, None), by_lists, material.n_terms, [k])
                found_alone = match_labels(lists, labels, k)
            else:
                found_alone = found
            alone.append(jaccard(found_alone[there], labels[there], k))
        if i < N_LEFT_OUT and meaning is not None:
            supports.append(meaning.support(found, drawn, k))
    if not overlaps:
        return None
    items = np.divide(stayed, placed, out=np.full(len(labels), np.nan), where=placed > 0)
    stability = np.nanmean(overlaps, axis=0)
    lists_stability = np.nanmean(alone, axis=0)
    told = [s for s in supports if s is not None]
    groups = tuple(
        GroupEvidence(
            group=g,
            n_terms=int((labels == g).sum()),
            stability=float(stability[g]),
            lists_stability=float(lists_stability[g]),
            support=_estimate([s.affinity[g] for s in told]),
            beyond_meaning=_estimate([s.share_beyond[g] for s in told]),
            like_embeddings=_nearest(material, labels, g, k),
        )
        for g in range(k)
    )
    return Resampled(items, groups, len(overlaps))


def _occurs(material: Material, drawn: Array) -> NDArray[np.bool_]:
    counts = material.evidence.counts
    if counts is None:  # Every unit rated every term.
        return np.ones(material.n_terms, dtype=np.bool_)
    return np.asarray(counts.totals.T @ drawn[material.evidence.fold_of_block] > 0)


def _estimate(values: list[float]) -> Estimate:
    told = np.array([v for v in values if np.isfinite(v)])
    if len(told) < N_LEFT_OUT / 10:
        return Estimate(np.nan, np.nan, np.nan)
    low, high = np.quantile(told, [0.025, 0.975])
    return Estimate(float(told.mean()), float(low), float(high))


def _nearest(material: Material, labels: Labels, group: int, k: int) -> float:
    """Overlap (Jaccard) of a group with the nearest of as many groups made from embeddings alone; NaN without."""
    if material.embeddings is None:
        return float("nan")
    (meaning,) = partitions((material.embeddings,), (1.0,), material.n_terms, [k])
    mine = labels == group
    return max(
        float((mine & (meaning == other)).sum() / (mine | (meaning == other)).sum())
        for other in np.unique(meaning)
    )
