"""How well groups that were learnt on some units predict others: held-out likelihoods at both levels.

A gain is a log-likelihood over that of one group, in nats, of units that had no part in learning. Between units
the model is normal: standardised profiles share a covariance for each pair of groups. Within lists it is Poisson:
co-occurrence is its expectation times a rate for each pair of groups. Gains of both levels add up.

Does not partition; see `level_choice`.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Gains:
    """Gain of each part that was held out, and the trace of structure in it.

    The slope is the rate at which the log-likelihood grows when the groups' rates or covariances are drawn from none
    towards those learnt. Its expectation is 0 if what was learnt is luck, and positive however weak structure is.
    """

    gain: Array
    """(n_parts,) nats."""
    slope: Array
    """(n_parts,) nats."""


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
        Of the parts that were held out, in their order.
    """
    seen, due = sums.observed[training].sum(axis=0), sums.expected[training].sum(axis=0)
    overall = float(seen.sum() / due.sum())
    if cells is not None:
        one = np.ones_like(due)
        n_tied = np.bincount(cells.ravel())[cells]
        seen, due = tie(seen, one, cells) * n_tied, tie(due, one, cells) * n_tied
    rate = (seen + overall) / (due + 1.0)
    log_rate = np.log(rate / overall)
    observed, expected = sums.observed[~training], sums.expected[~training]
    gain = (observed * log_rate - (rate - overall) * expected).sum(axis=(1, 2)) / 2
    total = expected.sum(axis=(1, 2))
    own = np.divide(observed.sum(axis=(1, 2)), total, out=np.zeros_like(total), where=total > 0)
    slope = ((observed - own[:, None, None] * expected) * log_rate).sum(axis=(1, 2)) / 2
    return Gains(gain, slope)


def between_gains(
    training: Array, held_out: Array, labels: Labels, cells: NDArray[np.int64] | None = None
) -> Gains:
    """Score held-out units by the covariances of groups learnt on training units, between units.

    Columns are standardised by the training units. Two columns of groups a and b covary by ``g_ab``, the mean
    correlation of such pairs in training, and what a column has of its own is the rest of its variance. The gain is
    over the same model with one group.

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
        return Gains(np.zeros(len(held_out)), np.zeros(len(held_out)))
    mean, spread = training[:, differs].mean(axis=0), spread[differs]
    seen = (training[:, differs] - mean) / spread
    new = np.clip((held_out[:, differs] - mean) / spread, -FAR, FAR)
    groups = labels[differs]
    one = np.zeros_like(groups)
    covariance, size = _group_covariance(seen, groups)
    overall, _ = _group_covariance(seen, one)
    if cells is not None:
        covariance = _positive(tie(covariance, np.outer(size, size) - np.diag(size), cells))
    gain = _log_likelihood(new, groups, covariance, size) - _log_likelihood(
        new, one, overall, np.array([len(groups)])
    )
    return Gains(gain, _slope(new, groups, covariance - overall, size))


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


def _group_covariance(seen: Array, groups: Labels) -> tuple[Array, Array]:
    """Mean covariance of the pairs of columns of two groups (k, k), nearest positive, and sizes of groups (k,)."""
    member = np.eye(int(groups.max()) + 1)[groups]
    size = member.sum(axis=0)
    sums = seen @ member
    total = sums.T @ sums / (len(seen) - 1)
    own = (seen**2).sum(axis=0) @ member / (len(seen) - 1)
    n_pairs = np.outer(size, size) - np.diag(size)
    g = np.divide(total - np.diag(own), n_pairs, out=np.zeros_like(total), where=n_pairs > 0)
    return _positive(g), size


def _positive(symmetric: Array) -> Array:
    values, vectors = np.linalg.eigh(symmetric)
    nearest: Array = (vectors * np.clip(values, 1e-9, None)) @ vectors.T
    return nearest


def _log_likelihood(new: Array, groups: Labels, covariance: Array, size: Array) -> Array:
    """Log-likelihood of each row, up to a constant, by the Woodbury identity over groups."""
    k = len(size)
    own = np.clip(1.0 - np.diag(covariance), LEAST_OWN, None)
    member = np.eye(k)[groups]
    weighted = (new @ member) / own
    inner = np.linalg.inv(np.linalg.inv(covariance + 1e-9 * np.eye(k)) + np.diag(size / own))
    quadratic = (new**2 @ member / own).sum(axis=1) - np.einsum("ma,ab,mb->m", weighted, inner, weighted)
    _, determinant = np.linalg.slogdet(np.eye(k) + covariance * (size / own)[None, :])
    likelihood: Array = -(quadratic + (size * np.log(own)).sum() + determinant) / 2
    return likelihood


def _slope(new: Array, groups: Labels, covariance: Array, size: Array) -> Array:
    """Sum over pairs of columns of their product, less its mean over pairs, times the covariance of their groups."""
    member = np.eye(len(size))[groups]
    sums = new @ member
    n_pairs = np.outer(size, size) - np.diag(size)
    products = np.einsum("ma,mb->mab", sums, sums)
    products[:, np.arange(len(size)), np.arange(len(size))] -= new**2 @ member
    mean = products.sum(axis=(1, 2)) / n_pairs.sum()
    slope: Array = ((products - mean[:, None, None] * n_pairs) * covariance).sum(axis=(1, 2)) / 2
    return slope
