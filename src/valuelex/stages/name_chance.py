"""Hold the agreement of drawn names against names that are dealt to the groups at random.

Owns the test of a namer as a whole. Which name a group bears is decided in `valuelex.stages.naming`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.naming import DrawnName, Target

LEVEL = 0.05
"""Of the test of the namer as a whole."""
N_DEALS = 999
"""How often names are dealt anew."""
NONE = -1
"""Where a draw gave a group no name."""


def against_chance(
    drawn: Sequence[DrawnName],
    agreement: NDArray[np.float64],
    place: Mapping[str, int],
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """Return the mean consistency of names dealt at random, and how seldom that reaches the namer's.

    In each draw the names are shuffled among all groups that it named; then each group has its most consistent name, as
    the namer's groups have. So the choice of the best of several is in the chance as well.

    Parameters
    ----------
    drawn
        Every draw on every group of both levels.
    agreement : (n_names, n_names)
        Of each pair of names, 0 to 1; 1 on the diagonal.
    place
        The row of each name, by its form in `drawn`.
    rng
        Deals the names.

    Returns
    -------
    tuple of float or None
        Chance (0 to 1), and the share of deals, the observed one among them, whose mean consistency is as high.
        None where there is nothing to tell apart: fewer than two subdimensions, or none that two draws named.
    """
    targets: list[Target] = list(dict.fromkeys((d.level, d.group) for d in drawn))
    draws = sorted({d.draw for d in drawn})
    table = np.full((len(draws), len(targets)), NONE, dtype=np.int64)
    for d in drawn:
        if d.missing is None:
            table[draws.index(d.draw), targets.index((d.level, d.group))] = place[d.name]
    of_subdimensions = np.array([level == "subdimension" for level, _ in targets], dtype=bool)
    if of_subdimensions.sum() < 2 or not ((table != NONE).sum(axis=0) > 1).any():
        return None
    observed = _mean_consistency(table, agreement)
    dealt = np.array([_mean_consistency(_deal(table, rng), agreement) for _ in range(N_DEALS)])
    return float(dealt.mean()), float((1 + (dealt >= observed - 1e-9).sum()) / (1 + N_DEALS))


def least_p(drawn: Sequence[DrawnName]) -> float:
    """Return how seldom names that agree in full would by chance, the least p of such draws.

    Against the draw that named most groups, one deal in n! of each other draw, which named n, says the same of each.
    Where draws name different groups, it is an upper bound.
    """
    named = sorted(Counter(d.draw for d in drawn if d.missing is None).values())
    return 1 / prod(factorial(n) for n in named[:-1])


def _deal(table: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    dealt = table.copy()
    for row in dealt:
        row[row != NONE] = rng.permutation(row[row != NONE])
    return dealt


def _mean_consistency(table: NDArray[np.int64], agreement: NDArray[np.float64]) -> float:
    """Mean over the groups of the best mean agreement of a name with those of the other draws."""
    named = table != NONE
    n = named.sum(axis=0)
    pairs = agreement[table[:, None, :], table[None, :, :]] * (named[:, None, :] & named[None, :, :])
    told = n > 1
    means = (pairs.sum(axis=1)[:, told] - 1) / (n[told] - 1)
    return float(np.where(named[:, told], means, 0.0).max(axis=0).mean())
