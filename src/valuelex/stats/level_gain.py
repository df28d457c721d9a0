"""How well groups that were learnt on some units predict others: held-out likelihoods at both levels.

A gain is a log-likelihood over that of one group, in nats, of units that had no part in learning. Between units
the model is normal: standardised profiles share a covariance for each pair of groups. Within lists it is Poisson:
co-occurrence is its expectation times a rate for each pair of groups. Gains of both levels add up.

Does not partition; see `level_choice`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from valuelex.stats.checks import Array
from valuelex.stats.cluster import Labels
from valuelex.stats.hierarchy import tie
from valuelex.stats.levels import BlockSums

FAR = 4.0
"""Standard deviations at which a held-out value is cut, so that one odd unit does not decide."""
LEAST_OWN = 0.1
"""Least share of a column's variance that is its own."""
MOST_UNEQUAL = 3.0
"""Times their group's mean that a column may load. Where the mean is near 0, loadings would be its noise over it."""
SHARES = np.array([0.25, 0.5, 0.75, 1.0])
"""Shares of what was learnt of groups at which held-out units are scored. Groups that were made from few units look
more different in these than they are; groups that were made from something else do not."""


@dataclass(frozen=True, slots=True)
class Gains:
    """Gain of each part that was held out, and the trace of structure in it.

    The slope is the rate at which the log-likelihood grows when the groups' rates or covariances are drawn from none
    towards those learnt. Its expectation is 0 if what was learnt is luck, and positive however weak structure is.
    """

    by_share: Array
    """(n_shares, n_parts) nats, at each of `SHARES` of what was learnt."""
    slope: Array
    """(n_parts,) nats."""

    @property
    def gain(self) -> Array:
        """(n_parts,) nats, at all that was learnt."""
        whole: Array = self.by_share[-1]
        return whole

    @classmethod
    def none(cls, n_parts: int) -> Gains:
        """Return those of data that say nothing."""
        return cls(np.zeros((len(SHARES), n_parts)), np.zeros(n_parts))


def at_best_share(by_share: Array) -> Array:
    """Return gains at the share of what was learnt that predicts all cases together best.

    Parameters
    ----------
    by_share : (..., n_shares, n_cases)
        As in `Gains`.

    Returns
    -------
    (..., n_cases)
        Gains by which groups of different make can be compared: how far to trust what was learnt of them is told
        by the data.
    """
    best = by_share.sum(axis=-1).argmax(axis=-1)
    found: Array = np.take_along_axis(by_share, best[..., None, None], axis=-2)[..., 0, :]
    return found


def within_gains(
    sums: BlockSums, training: NDArray[np.bool_], cells: NDArray[np.int64] | None = None
) -> Gains:
    """Score held-out parts by rates learnt on the training parts, within lists.

    The rate of groups a, b is ``(C_ab + r) / (E_ab + 1)``, r the overall rate.

    Parameters
    ----------
    sums
        Co-occurrence by part and groups; the groups were learnt on the training parts.
    training : (n_parts,)
        True for the parts that were learnt from.
    cells : (n_groups, n_groups), optional
        Pairs of groups that share a rate, as from `valuelex.stats.hierarchy`; default: each has its own.

    Returns
    -------
    Gains
        Of the parts that were held out, in their order; 0 where nothing comes together in the training parts.
    """
    seen, due = sums.observed[training].sum(axis=0), sums.expected[training].sum(axis=0)
    if seen.sum() == 0 or due.sum() == 0:
        return Gains.none(int((~training).sum()))
    overall = float(seen.sum() / due.sum())
    if cells is not None:
        one = np.ones_like(due)
        n_tied = np.bincount(cells.ravel())[cells]
        seen, due = tie(seen, one, cells) * n_tied, tie(due, one, cells) * n_tied
    rate = (seen + overall) / (due + 1.0)
    log_rate = np.log(rate / overall)
    observed, expected = sums.observed[~training], sums.expected[~training]
    drawn = SHARES[:, None, None] * log_rate
    by_share = np.einsum("nab,sab->sn", observed, drawn) / 2
    by_share -= np.einsum("nab,sab->sn", expected, overall * np.expm1(drawn)) / 2
    total = expected.sum(axis=(1, 2))
    own = np.divide(observed.sum(axis=(1, 2)), total, out=np.zeros_like(total), where=total > 0)
    slope = ((observed - own[:, None, None] * expected) * log_rate).sum(axis=(1, 2)) / 2
    return Gains(by_share, slope)


def between_gains(
    training: Array, held_out: Array, labels: Labels, cells: NDArray[np.int64] | None = None
) -> Gains:
    """Score held-out units by the covariances of groups learnt on training units, between units.

    Columns are standardised by the training units. Each loads on the factor of its group, factors correlate, and what a
    column has of its own is the rest of its variance. The gain is over the same model with one group.

    Parameters
    ----------
    training : (n_training, n_columns)
        Profiles; at least 2.
    held_out : (n_held_out, n_columns)
        Profiles.
    labels : (n_columns,)
        Groups, learnt on training units.
    cells
        As in `within_gains`: pairs of groups that share a covariance.

    Returns
    -------
    Gains
        One value a held-out unit.
    """
    spread = training.std(axis=0, ddof=1)
    differs = spread > 1e-9
    if not differs.any():
        return Gains.none(len(held_out))
    mean, spread = training[:, differs].mean(axis=0), spread[differs]
    seen = (training[:, differs] - mean) / spread
    new = np.clip((held_out[:, differs] - mean) / spread, -FAR, FAR)
    groups = labels[differs]
    one = np.zeros_like(groups)
    model, null = _learn(seen, groups, cells), _learn(seen, one, None)
    drawn = [_log_likelihood(new, replace(model, loading=np.sqrt(s) * model.loading)) for s in SHARES]
    return Gains(np.array(drawn) - _log_likelihood(new, null), _slope(new, model))


def gain_over(gains: Array, others: Array) -> tuple[float, float]:
    """Test whether gains are greater than others of the same cases, by a paired t test.

    Parameters
    ----------
    gains, others : (n_cases,)
        Nats.

    Returns
    -------
    (p, high)
        One-sided p; 1 where cases do not differ, or there is one only. `high` is the mean gain from which on p is
        under .05.
    """
    difference = gains - others
    n = len(difference)
    error = float(difference.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    if error == 0:
        return 1.0, float(others.mean())
    p = float(student.sf(difference.mean() / error, n - 1))
    return p, float(others.mean() + student.isf(0.05, n - 1) * error)


@dataclass(frozen=True, slots=True)
class _Factors:
    """One factor a group: a column loads on that of its own group only, and the factors correlate."""

    groups: Labels
    loading: Array
    """(n_columns,)"""
    correlation: Array
    """(n_groups, n_groups)"""


def _learn(seen: Array, groups: Labels, cells: NDArray[np.int64] | None) -> _Factors:
    """Learn loadings and correlations of factors by the centroid method, loadings drawn towards their group's mean.

    Columns of one group may load unequally, or a group would be split into its stronger and its weaker columns; but
    none more than `MOST_UNEQUAL` times their mean, nor below 0.
    """
    n = len(seen)
    k = int(groups.max()) + 1
    member = np.eye(k)[groups]
    size = member.sum(axis=0)
    sums = seen @ member
    own = (seen**2).sum(axis=0)
    total = sums.T @ sums / (n - 1)
    mean = np.divide(
        np.diag(total) - own @ member / (n - 1), size * (size - 1), out=np.zeros(k), where=size > 1
    )
    common = np.sqrt(np.clip(mean, 0.0, None))
    # Mean covariance of each column with the others of its group: its loading times their mean loading.
    with_others = np.einsum("nj,nj->j", seen, sums[:, groups]) - own
    with_others /= (n - 1) * np.maximum(size[groups] - 1, 1.0)
    shared = common[groups]
    raw = np.divide(with_others, shared, out=np.zeros(len(groups)), where=shared > 0)
    # What sampling alone would spread them by, against how far they lie apart.
    noise = np.divide(
        shared**2 + 1.0 / size[groups], (n - 1) * shared**2, out=np.ones(len(groups)), where=shared > 0
    )
    apart = (raw - shared) ** 2 @ member
    kept = np.divide(np.clip(apart - noise @ member, 0.0, None), apart, out=np.zeros(k), where=apart > 0)
    most = np.minimum(MOST_UNEQUAL * shared, np.sqrt(1.0 - LEAST_OWN))
    loading = np.clip(shared + kept[groups] * (raw - shared), 0.0, most)
    reach = loading @ member
    n_pairs = np.outer(reach, reach)
    correlation = np.divide(total, n_pairs, out=np.zeros((k, k)), where=n_pairs > 0)
    if cells is not None:
        correlation = tie(correlation, n_pairs, cells)
    np.fill_diagonal(correlation, 1.0)
    return _Factors(groups, loading, _positive(np.clip(correlation, -1.0, 1.0)))


def _positive(symmetric: Array) -> Array:
    values, vectors = np.linalg.eigh(symmetric)
    nearest: Array = (vectors * np.clip(values, 1e-6, None)) @ vectors.T
    return nearest


def _log_likelihood(new: Array, model: _Factors) -> Array:
    """Log-likelihood of each row, up to a constant, by the Woodbury identity over groups."""
    k = len(model.correlation)
    own = np.clip(1.0 - model.loading**2, LEAST_OWN, None)
    member = np.eye(k)[model.groups] * model.loading[:, None]
    weighted = (new / own) @ member
    load = np.diag((member**2 / own[:, None]).sum(axis=0))
    inner = np.linalg.inv(np.linalg.inv(model.correlation) + load)
    quadratic = (new**2 / own).sum(axis=1) - np.einsum("ma,ab,mb->m", weighted, inner, weighted)
    _, determinant = np.linalg.slogdet(np.eye(k) + model.correlation @ load)
    likelihood: Array = -(quadratic + np.log(own).sum() + determinant) / 2
    return likelihood


def _slope(new: Array, model: _Factors) -> Array:
    """Sum over pairs of columns of their product, less its mean over pairs, times their learnt covariance."""
    k = len(model.correlation)
    member = np.eye(k)[model.groups] * model.loading[:, None]
    sums = new @ member
    learnt = np.einsum("ma,ab,mb->m", sums, model.correlation, sums) - new**2 @ model.loading**2
    reach = member.sum(axis=0)
    n = len(model.groups)
    mean = (new.sum(axis=1) ** 2 - (new**2).sum(axis=1)) / (n * (n - 1))
    total = float(reach @ model.correlation @ reach - (model.loading**2).sum())
    slope: Array = (learnt - mean * total) / 2
    return slope
