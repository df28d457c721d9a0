"""Co-occurrence in lists that are crossed by two factors: who made a list, and in answer to what.

Two columns occur together in a list because of its maker's habits, because of its topic, or because they belong
together. Lists of the same maker to other topics show the first, lists of other makers to the same topic the second:
a pair of columns taken from two such lists never stood in one. Owns these expectations, and how well groups of columns
that are learnt on some makers show in others. Makers and topics are numbers; names are the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_groups
from valuelex.stats.cluster import Labels, spectral_partitions
from valuelex.stats.cooccurrence import as_lists
from valuelex.stats.sparse_counts import sum_groups

LEAST_EXPECTED = 0.05
"""Expected pairs below which a pair of columns is not told from nothing."""


class Given(StrEnum):
    """What co-occurrence is expected from."""

    CHANCE = "CHANCE"
    MAKER = "MAKER"
    MAKER_AND_TOPIC = "MAKER_AND_TOPIC"


@dataclass(frozen=True, slots=True)
class CrossedPairs:
    """Pairs of columns by the two lists they are taken from, for each fold unit: (n_units, n_columns, n_columns).

    `same_list` counts pairs within a list, of which there are `n_same_list` (n_units,), pairs of a column with itself
    left out. `same_maker` and `neither` are products over pairs of different lists, of one maker and two topics, or of
    two makers and two topics; `n_same_maker` and `n_neither` are their sums over pairs of different columns, so that
    the ratio is the share of a pair. `same_topic` are the same products for one topic and two makers, brought topic by
    topic to the number of pairs within its lists: what is expected of them. `n_same_topic` counts those pairs; a topic
    that one maker answered has none. The second list of a pair may be of any unit. All are symmetric, with diagonals
    that are not used.
    """

    same_list: Array
    same_maker: Array
    same_topic: Array
    neither: Array
    n_same_list: Array
    n_same_maker: Array
    n_same_topic: Array
    n_neither: Array

    def over(self, units: Sequence[int] | slice) -> _Table:
        """Sum over some units."""
        return _Table(
            *(a[units].sum(axis=0) for a in (self.same_list, self.same_maker, self.same_topic, self.neither)),
            *(
                float(n[units].sum())
                for n in (self.n_same_list, self.n_same_maker, self.n_same_topic, self.n_neither)
            ),
        )


@dataclass(frozen=True, slots=True)
class _Table:
    same_list: Array
    same_maker: Array
    same_topic: Array
    neither: Array
    n_same_list: float
    n_same_maker: float
    n_same_topic: float
    n_neither: float

    def expected(self, given: Given) -> Array:
        """Return the expected pairs within lists, at least `LEAST_EXPECTED`, with a diagonal of 0."""
        chance = self.neither / max(self.n_neither, 1.0)
        maker = self.same_maker / self.n_same_maker - chance if self.n_same_maker > 0 else 0.0 * chance
        expected: Array = chance * self.n_same_list
        if given is not Given.CHANCE:
            expected += maker * self.n_same_list
        if given is Given.MAKER_AND_TOPIC:
            expected += self.same_topic - chance * self.n_same_topic
        expected = np.maximum(expected, LEAST_EXPECTED)
        np.fill_diagonal(expected, 0.0)
        return expected

    def observed(self) -> Array:
        """Return the pairs within lists, with a diagonal of 0."""
        seen = self.same_list.copy()
        np.fill_diagonal(seen, 0.0)
        return seen


def crossed_pairs(lists: Any, makers: Any, topics: Any, units: Any) -> CrossedPairs:
    """Count pairs of columns within lists, and over lists that share a maker, a topic or neither.

    With S the sums of lists, the products over different lists are ``sum S S' - (products within)``, so that time is
    linear in lists for few ones in each.

    Parameters
    ----------
    lists : (n_lists, n_columns)
        0 and 1, dense or sparse.
    makers, topics : (n_lists,)
        Labels. A topic that only one maker answered adds nothing to `same_topic`.
    units : (n_lists,)
        Independent units that folds are made of; all lists of a maker are of one unit.

    Returns
    -------
    CrossedPairs
        Units in the order of their sorted labels.

    Raises
    ------
    DataError
        If the labels do not suit, or a maker has lists in two units.
    """
    x = as_lists(lists)
    n = x.shape[0]
    maker, topic, unit = (as_groups(labels, n, min_groups=1) for labels in (makers, topics, units))
    n_makers, n_topics, n_units = (int(labels.max()) + 1 for labels in (maker, topic, unit))
    unit_of = np.zeros(n_makers, dtype=np.int64)
    unit_of[maker] = unit
    if (unit_of[maker] != unit).any():
        msg = "A maker's lists stand in two units; folds would not be independent. Give each maker one unit."
        raise DataError(msg)
    length = np.diff(x.indptr).astype(np.float64)
    # Lists of one maker to one topic are joined: within such a cell, two lists share both.
    cells, cell = np.unique(maker * n_topics + topic, return_inverse=True)
    by_cell = sum_groups(x, cell, len(cells))
    cell_maker, cell_topic = cells // n_topics, cells % n_topics
    by_topic = sum_groups(by_cell, cell_topic, n_topics)
    by_maker = sum_groups(by_cell, cell_maker, n_makers).toarray()
    total = by_maker.sum(axis=0)
    p = x.shape[1]
    tables = np.zeros((4, n_units, p, p))
    sizes = np.zeros((4, n_units))
    for u in range(n_units):
        mine = unit_of[cell_maker] == u
        its_cells, here = by_cell[mine], cell_topic[mine]
        in_cells = _square(its_cells)
        its_makers = by_maker[unit_of == u]
        maker_products = its_makers.T @ its_makers
        others = sparse.csr_array(by_topic[here] - its_cells)
        topic_products = _symmetric(its_cells.T @ others)
        r = length[unit == u]
        pairs = np.bincount(topic[unit == u], r * (r - 1), minlength=n_topics).astype(np.float64)
        due, n_due = _due(its_cells, others, here, pairs)
        neither = _symmetric(np.outer(its_makers.sum(axis=0), total)) - maker_products - topic_products
        tables[:, u] = _square(x[unit == u]), maker_products - in_cells, due, neither
        sizes[:, u] = pairs.sum(), _off_sum(maker_products - in_cells), n_due, _off_sum(neither)
    return CrossedPairs(*tables, *sizes)


def _due(cells: Any, others: Any, topics: Labels, pairs: Array) -> tuple[Array, float]:
    """Bring the products of cells and other makers' lists to the pairs within lists, topic by topic.

    Returns the expected pairs and how many they are; a topic whose lists share no two columns has none.
    """
    lengths = np.asarray(cells.sum(axis=1)).ravel() * np.asarray(others.sum(axis=1)).ravel()
    lengths -= np.asarray(cells.multiply(others).sum(axis=1)).ravel()
    possible = np.bincount(topics, lengths, minlength=len(pairs))
    weight = np.divide(pairs, possible, out=np.zeros(len(pairs)), where=possible > 0)
    scaled = sparse.csr_array(cells.multiply(weight[topics][:, None]))
    return _symmetric(scaled.T @ others), float(pairs[possible > 0].sum())


def _off_sum(table: Array) -> float:
    return float(table.sum() - np.trace(table))


def _square(x: Any) -> Array:
    product: Array = (x.T @ x).toarray()
    return product


def _symmetric(x: Any) -> Array:
    dense = x.toarray() if sparse.issparse(x) else x
    both: Array = (dense + dense.T) / 2
    return both


@dataclass(frozen=True, slots=True)
class HeldOutGroups:
    """How well groups learnt on some units show in others, for each candidate number of groups."""

    candidates: tuple[int, ...]
    gain: Array
    """(n_candidates,) mean over folds; positive where groups help."""


def held_out_gain(
    pairs: CrossedPairs,
    given: Given,
    candidates: Sequence[int],
    rng: np.random.Generator,
    n_folds: int = 5,
    n_repeats: int = 1,
) -> HeldOutGroups:
    """Score groups of columns by the likelihood of held-out lists against their expectation.

    In each fold, columns are partitioned by spectral clustering of ``(C - E) / sqrt(E)`` of the training units, with C
    the pairs within lists and E those expected. Rates of blocks are learnt there, and the Poisson log-likelihood of the
    held-out pairs is compared with that of one rate for all.

    Parameters
    ----------
    pairs
        As from `crossed_pairs`, with at least 2 units.
    given
        What the expectation rests on.
    candidates
        Numbers of groups, each from 2 to the number of columns.
    rng
        Source of the folds.
    n_folds, n_repeats
        Folds, lowered to the number of units, and how often they are dealt anew.

    Returns
    -------
    HeldOutGroups
        Gains in nats for each 1,000 pairs held out.

    Raises
    ------
    DataError
        If there are fewer than 2 units.
    """
    n_units = len(pairs.n_same_list)
    if n_units < 2:
        msg = f"{n_units} independent units cannot be held out; at least 2 are needed."
        raise DataError(msg)
    gains = []
    for _ in range(n_repeats):
        fold = rng.permutation(np.arange(n_units) % min(n_folds, n_units))
        for f in range(int(fold.max()) + 1):
            training = pairs.over(np.flatnonzero(fold != f).tolist())
            held_out = pairs.over(np.flatnonzero(fold == f).tolist())
            if held_out.n_same_list > 0 and training.n_same_list > 0:
                gains.append(_gains(training, held_out, given, candidates))
    if not gains:
        return HeldOutGroups(tuple(candidates), np.zeros(len(candidates)))
    return HeldOutGroups(tuple(candidates), np.mean(gains, axis=0))


def _gains(training: _Table, held_out: _Table, given: Given, candidates: Sequence[int]) -> Array:
    seen, due = training.observed(), training.expected(given)
    c, e = held_out.observed(), held_out.expected(given)
    overall = seen.sum() / due.sum()
    found = []
    for labels in spectral_partitions(residual(seen, overall * due), candidates):
        member = np.eye(int(labels.max()) + 1)[labels]
        s, d, held, expected = (member.T @ m @ member for m in (seen, due, c, e))
        # Rates relative to the overall one: a level that differs between folds is no group.
        rates = (s + overall) / (d + 1.0) / overall
        level = c.sum() / (rates * expected).sum()
        flat = c.sum() / e.sum()
        found.append((held * np.log(rates * level / flat)).sum() / 2)
    gains: Array = np.array(found) * (1000.0 / (held_out.n_same_list / 2))
    return gains


def residual(seen: Array, due: Array) -> Array:
    """Standardise pairs against their expectation, in standard deviations of a Poisson count; diagonal 0."""
    scale = np.sqrt(np.where(due > 0, due, 1.0))
    z: Array = (seen - due) / scale
    np.fill_diagonal(z, 0.0)
    return z


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the association within groups, beyond chance, that makers and topics explain; NaN without any."""

    maker: float
    topic: float


def explained_shares(pairs: CrossedPairs, labels: Labels) -> Shares:
    """Tell how much of the association within groups of columns lists of the same maker, or topic, show as well.

    Parameters
    ----------
    pairs
        As from `crossed_pairs`.
    labels : (n_columns,)
        Groups.

    Returns
    -------
    Shares
        ``(E_given - E_chance) / (C - E_chance)``, each summed over pairs of one group. May leave 0 to 1 where the
        figures are small.
    """
    table = pairs.over(slice(None))
    same = labels[:, None] == labels[None, :]
    np.fill_diagonal(same, val=False)
    c = float(table.observed()[same].sum())
    chance, maker, both = (float(table.expected(given)[same].sum()) for given in Given)
    beyond = c - chance
    if beyond <= 0:
        return Shares(float("nan"), float("nan"))
    return Shares((maker - chance) / beyond, (both - maker) / beyond)
