"""How much each view helps to find groups, by units held out.

The weights of the views between units, within lists and by meaning (embeddings) are those whose groups, learnt on some
independent units, predict the others best; a view that does not help gets 0. Embeddings propose groups, but only lists
score them, and in doubt they count less.

Does not choose a number of groups; see `level_choice`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.stats.block_model import standard_error
from valuelex.stats.checks import Array
from valuelex.stats.level_choice import (
    Evidence,
    Held,
    Weights,
    affinities,
    deal_folds,
    held_out_scores,
    partitions,
)
from valuelex.stats.level_gain import at_best_share
from valuelex.stats.levels import Affinity

EMBEDDING_WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Candidate weights of the embeddings, where the larger weight of the lists is 1."""
N_WEIGHINGS = 2
"""How often units are dealt into folds to weigh the views."""


def choose_weights(
    evidence: Evidence,
    embeddings: Affinity | None,
    n_groups: int,
    mix: tuple[float, float],
    rng: np.random.Generator,
) -> Weights:
    """Choose the weights of the views whose groups predict held-out units best; of the embeddings, the least.

    The weight of the embeddings is chosen at the given weights of the levels: the least that is not worse than the best
    by more than one standard error of their difference, or the best where the lists alone predict nothing. Then the
    weights of the levels give way to others that are better by more than one standard error.
    Groups by embeddings owe nothing to the units that they are learnt on, and predict as well as they seem to; groups
    by few lists look more different than they are. So gains are compared at the best share of what was learnt.

    Parameters
    ----------
    evidence
        Lists and profiles.
    embeddings
        None where there are none.
    n_groups
        At least 2.
    mix
        Weights of the levels to begin with, as from `choose_levels`.
    rng
        Deals the units into folds.

    Returns
    -------
    (between, within, embeddings)
        0: the view did not help, or there is none.
    """
    start = (*mix, 0.0)
    if evidence.n_independent < 3:
        return start
    folds = [f for _ in range(N_WEIGHINGS) for f in deal_folds(evidence, rng)]
    if embeddings is not None and embeddings.tells:
        tried = [*((*mix, weight) for weight in EMBEDDING_WEIGHTS), (0.0, 0.0, 1.0)]
        start = tried[_least_of_best(held_out_gains(evidence, embeddings, n_groups, folds, tried))]
        if not any(start[:2]):
            return start
    tried = [start, *((*levels, start[2]) for levels in evidence.mixes if levels != start[:2])]
    gains = held_out_gains(evidence, embeddings, n_groups, folds, tried)
    return start if _near_best(gains)[0] else tried[int(gains.sum(axis=1).argmax())]


def held_out_gains(
    evidence: Evidence,
    embeddings: Affinity | None,
    n_groups: int,
    folds: Sequence[Held],
    candidates: Sequence[Weights],
) -> Array:
    """Return how well groups by each candidate's weights predict the lists of units held out.

    Parameters
    ----------
    evidence, embeddings
        As for `choose_weights`.
    n_groups
        At least 2.
    folds
        As from `deal_folds`.
    candidates
        Weights of the views.

    Returns
    -------
    (n_candidates, n_cases)
        Gain over one group at both levels, nats, of each unit held out in each fold, at the best share of what was
        learnt (`level_gain.at_best_share`).
    """
    found = []
    for held in folds:
        views = (*affinities(evidence, (~held).astype(np.float64)), embeddings)
        rows = []
        for weights in candidates:
            (labels,) = partitions(views, weights, evidence.n_columns, [n_groups])
            rows.append([s.by_share for s in held_out_scores(evidence, held, labels)])
        found.append(np.array(rows))
    total: Array = at_best_share(np.concatenate(found, axis=-1)).sum(axis=1)
    return total


def _least_of_best(gains: Array) -> int:
    """Return the first candidate that is within one standard error of the best; gains (n_candidates, n_cases).

    The first is that of the lists alone. Where these predict nothing by themselves they have no claim to the doubt, and
    the best is taken.
    """
    if gains[0].mean() <= _error(gains[0]):
        return int(gains.sum(axis=1).argmax())
    return int(np.flatnonzero(_near_best(gains))[0])


def _near_best(gains: Array) -> NDArray[np.bool_]:
    """Return which candidates are within one standard error of the best."""
    behind = gains[gains.sum(axis=1).argmax()] - gains
    return np.array([row.mean() <= _error(row) for row in behind])


def _error(values: Array) -> float:
    """Return the standard error of the mean of cases that were dealt `N_WEIGHINGS` times."""
    return float(standard_error(values.reshape(N_WEIGHINGS, -1, 1))[0])
