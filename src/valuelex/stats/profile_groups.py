"""Groups of columns whose profiles over makers go together, learnt on some makers and seen in others.

Arrays in, arrays out. A profile is a column of rates or log ratios, one for each maker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_groups, as_table
from valuelex.stats.cluster import Labels, spectral_partitions
from valuelex.stats.crossed_pairs import HeldOutGroups


def double_centred(profiles: Array) -> Array:
    """Take the mean of each maker and of each column out: the general level of use, and how common a column is."""
    centred: Array = profiles - profiles.mean(axis=1, keepdims=True)
    centred -= centred.mean(axis=0, keepdims=True)
    return centred


def held_out_coherence(
    profiles: Array,
    units: Any,
    candidates: Sequence[int],
    rng: np.random.Generator,
    n_folds: int = 5,
    n_repeats: int = 2,
) -> HeldOutGroups:
    """Tell how much more profiles agree within groups than between them, on makers that the groups were not learnt on.

    In each fold columns are brought to mean 0 and standard deviation 1 over the training makers and partitioned by
    spectral clustering of their positive correlations there. The held-out makers' values, on the same scale, give the
    mean product of two columns of one group less that of two columns of two groups.

    Parameters
    ----------
    profiles : (n_makers, n_columns)
        Log ratios, double-centred.
    units : (n_makers,)
        Independent units, at least 3; a fold never splits one.
    candidates
        Numbers of groups, each from 2 to the number of columns less 1.
    rng
        Source of folds.
    n_folds, n_repeats
        Folds, lowered to the number of units, and how often they are dealt anew.

    Returns
    -------
    HeldOutGroups
        Differences of mean products, averaged over held-out makers: about 0 without structure, and up to 1 where
        columns of one group are alike and others unrelated (held-out values can be larger than those learnt on).

    Raises
    ------
    DataError
        If there are fewer than 3 units.
    """
    table = as_table(profiles, name="profiles", min_rows=3)
    unit = as_groups(units, len(table), min_groups=3)
    if len(candidates) == 0 or not 2 <= min(candidates) <= max(candidates) < table.shape[1]:
        msg = f"Candidates {tuple(candidates)} for {table.shape[1]} columns; give 2 to {table.shape[1] - 1}."
        raise DataError(msg)
    n_units = int(unit.max()) + 1
    total, n_held_out = np.zeros(len(candidates)), 0
    for _ in range(n_repeats):
        fold = rng.permutation(np.arange(n_units) % min(n_folds, n_units))[unit]
        for f in range(int(fold.max()) + 1):
            training = table[fold != f]
            spread = training.std(axis=0)
            scale = np.where(spread > 1e-9, spread, np.inf)
            z = (training - training.mean(axis=0)) / scale
            held_out = (table[fold == f] - training.mean(axis=0)) / scale
            correlation = z.T @ z / len(z)
            np.fill_diagonal(correlation, 0.0)
            found = spectral_partitions(correlation, candidates)
            total += [_coherence(held_out, labels) for labels in found]
            n_held_out += len(held_out)
    return HeldOutGroups(tuple(candidates), total / n_held_out)


def _coherence(z: Array, labels: Labels) -> float:
    """Sum over makers of the mean product within groups less that between; 0 where there is no pair of either."""
    member = np.eye(int(labels.max()) + 1)[labels]
    size = member.sum(axis=0)
    sums = z @ member
    within = (sums**2).sum(axis=1) - (z**2).sum(axis=1)
    between = z.sum(axis=1) ** 2 - (sums**2).sum(axis=1)
    n_within = float((size * (size - 1)).sum())
    n_between = float(size.sum() ** 2 - (size**2).sum())
    if n_within == 0 or n_between == 0:
        return 0.0
    return float((within / n_within - between / n_between).sum())
