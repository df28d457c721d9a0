"""Correlations of columns as functions of how often each independent unit counts, ready to be bootstrapped.

Owns which correlation: phi and cosines of PPMI profiles of pooled lists, correlations between the profiles of
units, correlations within them, and those of ratings. A column that has no spread at some weights has NaN in its row
and column there, so that a resample without it can still be factored (`valuelex.stats.loading_intervals`).
Does not factor or cluster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_groups, as_table
from valuelex.stats.cooccurrence import as_lists, cooccurrence, phi, ppmi_checked
from valuelex.stats.loading_intervals import LARGEST_STACK, UnitCorrelations

SMOOTHING = 0.5
"""Lists added to each cell of a pair before its PPMI, so that pairs of rare columns do not lead."""
NO_SPREAD = 1e-10
"""Variance of a column, as a share of its mean square, at or below which it counts as constant."""


def phi_of_lists(lists: ArrayLike, units: ArrayLike) -> UnitCorrelations:
    """Correlate the columns of pooled lists.

    Parameters
    ----------
    lists : (n_lists, n_columns)
        0 and 1.
    units : (n_lists,)
        The independent unit of each list, numbered in sorted order of their names.

    Returns
    -------
    function of (n_units,)
        Phi, (n_columns, n_columns). A column in no list or in all has no spread.

    Raises
    ------
    DataError
        If the lists or the units do not suit.
    """
    counts = _Counts(lists, units)

    def correlations(weights: Array) -> Array:
        c, n = counts(weights), counts.n_lists(weights)
        s = np.diagonal(c)
        there = (s > 0) & (s < n)
        return _embed(phi(c[np.ix_(there, there)], n) if there.any() else None, there)

    return correlations


def ppmi_of_lists(lists: ArrayLike, units: ArrayLike) -> UnitCorrelations:
    """Compare the columns' profiles of positive pointwise mutual information with all columns, in pooled lists.

    Two columns are alike where they are named together with the same others, whether or not they are often
    named together themselves. The measure is the cosine, as in distributional semantics, and not Pearson's
    correlation: lists leave room for few words, so k groups that exclude each other have k - 1 dimensions about the
    mean profile, and k about zero. PPMI is smoothed by `SMOOTHING`.

    Parameters
    ----------
    lists, units
        As for `phi_of_lists`.

    Returns
    -------
    function of (n_units,)
        Cosines of profiles, (n_columns, n_columns), from 0 to 1: positive semidefinite with ones on the diagonal, so
        that it can be factored like correlations. A column in no list, or with no company beyond chance, has no
        spread.

    Raises
    ------
    DataError
        As `phi_of_lists`.

    References
    ----------
    Church & Hanks (1990), Word association norms, mutual information, and lexicography. Turney & Pantel
    (2010), From frequency to meaning.
    """
    counts = _Counts(lists, units)

    def similarities(weights: Array) -> Array:
        c = counts(weights)
        there = np.diagonal(c) > 0
        if not there.any():
            return _embed(None, there)
        if not there.all():
            c = c[np.ix_(there, there)]
        information = ppmi_checked(c, counts.n_lists(weights), smoothing=SMOOTHING)
        products = _embed(information.T @ information, there)
        return _as_correlations(products, np.nan_to_num(np.diagonal(products)) > 0)

    return similarities


def between_profiles(lists: ArrayLike, profiles: ArrayLike, units: ArrayLike) -> UnitCorrelations:
    """Correlate columns over profiles: whether those who name one column often name the other often.

    A profile holds the square root of the share of its lists that name each column, which steadies the variance of
    rare ones. Profiles count alike, however many lists they have.

    Parameters
    ----------
    lists : (n_lists, n_columns)
        0 and 1.
    profiles : (n_lists,)
        To which profile each list belongs, such as its model.
    units : (n_lists,)
        The independent unit of each list, such as the family of its model; a profile belongs to one.

    Returns
    -------
    function of (n_units,)
        Pearson correlations over profiles, (n_columns, n_columns), of rank less than the number of profiles.

    Raises
    ------
    DataError
        If the input does not suit, there are fewer than 3 profiles, or a profile belongs to two units.
    """
    own = _Profiles(lists, profiles, units)

    def correlations(weights: Array) -> Array:
        return _weighted_correlations(np.sqrt(own.shares), weights[own.unit])

    return correlations


def within_profiles(lists: ArrayLike, profiles: ArrayLike, units: ArrayLike) -> UnitCorrelations:
    """Correlate columns within profiles: which are named together beyond their shares in their profile.

    Parameters
    ----------
    lists, profiles, units
        As for `between_profiles`.

    Returns
    -------
    function of (n_units,)
        Correlations of lists less the mean of their profile, (n_columns, n_columns). A column that each profile
        names in no list or in all has no spread.

    Raises
    ------
    DataError
        As `between_profiles`.
    """
    own, counts = _Profiles(lists, profiles, units), _Counts(lists, units)

    def correlations(weights: Array) -> Array:
        raw = counts(weights)
        size = own.n_lists * weights[own.unit]
        covariance = raw - own.shares.T @ (size[:, None] * own.shares)
        spread = np.diagonal(covariance) > NO_SPREAD * np.maximum(np.diagonal(raw), 1.0)
        return _as_correlations(covariance, spread)

    return correlations


def ratings_of_rows(table: ArrayLike, units: ArrayLike) -> UnitCorrelations:
    """Correlate the columns of a table of ratings, pair by pair over the rows that hold both.

    Parameters
    ----------
    table : (n_rows, n_columns)
        Numbers; NaN where there is no rating, which leaves the row out of the pairs of that column.
    units : (n_rows,)
        The independent unit of each row.

    Returns
    -------
    function of (n_units,)
        Pearson correlations, (n_columns, n_columns); with missing values they need not be positive definite. A pair
        with fewer than 3 rows, or without spread in them, counts as uncorrelated.

    Raises
    ------
    DataError
        If the input does not suit.
    """
    x = as_table(table, name="ratings", missing=True, min_columns=3)
    unit = as_groups(units, len(x), name="units", min_groups=1)
    there = np.isfinite(x)
    n = np.maximum(there.sum(axis=0), 1)
    x = np.where(there, x, 0.0)
    x = np.where(there, x - x.sum(axis=0) / n, 0.0)
    complete = bool(there.all())
    mask = there.astype(np.float64)

    def correlations(weights: Array) -> Array:
        w = weights[unit]
        if complete:
            return _weighted_correlations(x, w)
        weighted, held = x * w[:, None], mask * w[:, None]
        both, sums, squares = held.T @ mask, weighted.T @ mask, (weighted * x).T @ mask
        with np.errstate(invalid="ignore", divide="ignore"):
            covariance = weighted.T @ x - sums * sums.T / both
            variance = squares - np.square(sums) / both
            spread = (variance > NO_SPREAD * squares) & (both >= 3)
            r = covariance / np.sqrt(np.where(spread & spread.T, variance * variance.T, np.inf))
        own = np.diagonal(spread)
        r[~own], r[:, ~own] = np.nan, np.nan
        r[own, own] = 1.0
        r[np.ix_(own, own)] = np.clip(r[np.ix_(own, own)], -1.0, 1.0)
        return r

    return correlations


class _Counts:
    """Co-occurrence at weights of units: from a stack of one matrix a unit, or counted anew where that is large."""

    def __init__(self, lists: ArrayLike, units: ArrayLike) -> None:
        self.lists = as_lists(lists)
        n_lists, p = self.lists.shape
        self.unit = as_groups(units, n_lists, name="units", min_groups=1)
        self.sizes = np.bincount(self.unit).astype(np.float64)
        self.stack: Array | None = None
        if len(self.sizes) * p * p <= LARGEST_STACK:
            self.stack = np.empty((len(self.sizes), p * p))
            for u in range(len(self.sizes)):
                self.stack[u] = cooccurrence(self.lists[np.flatnonzero(self.unit == u)]).ravel()

    def n_lists(self, weights: Array) -> float:
        return float(weights @ self.sizes)

    def __call__(self, weights: Array) -> Array:
        if self.stack is None:
            return cooccurrence(self.lists, weights[self.unit])
        p = self.lists.shape[1]
        counts: Array = (weights @ self.stack).reshape(p, p)
        return counts


class _Profiles:
    """Shares of each profile's lists that hold each column, and the unit of each profile."""

    def __init__(self, lists: ArrayLike, profiles: ArrayLike, units: ArrayLike) -> None:
        table = as_lists(lists)
        profile = as_groups(profiles, table.shape[0], name="profiles", min_groups=3)
        unit = as_groups(units, table.shape[0], name="units", min_groups=1)
        self.n_lists = np.bincount(profile).astype(np.float64)
        ones, lists_ = np.ones(len(profile)), np.arange(len(profile))
        member = sparse.csr_array((ones, (profile, lists_)), shape=(len(self.n_lists), len(profile)))
        self.shares: Array = (member @ table).toarray() / self.n_lists[:, None]
        pairs = np.unique(np.column_stack([profile, unit]), axis=0)
        if len(pairs) > len(self.n_lists):
            msg = (
                f"{len(pairs) - len(self.n_lists)} of {len(self.n_lists)} profiles belong to more than one unit; "
                "give units that hold whole profiles."
            )
            raise DataError(msg)
        self.unit: NDArray[np.int64] = pairs[:, 1]


def _weighted_correlations(x: Array, weights: Array) -> Array:
    total = weights.sum()
    centred = x - weights @ x / total
    covariance = centred.T @ (weights[:, None] * centred)
    spread = np.diagonal(covariance) > NO_SPREAD * np.maximum(weights @ np.square(x), 1e-300)
    return _as_correlations(covariance, spread)


def _as_correlations(covariance: Array, spread: NDArray[np.bool_]) -> Array:
    """Scale to correlations; NaN in rows and columns without spread."""
    scale = np.full(len(covariance), np.nan)
    scale[spread] = 1.0 / np.sqrt(np.diagonal(covariance)[spread])
    r: Array = covariance * scale * scale[:, None]
    np.clip(r, -1.0, 1.0, out=r)
    r[spread, spread] = 1.0
    return r


def _embed(part: Array | None, there: NDArray[np.bool_]) -> Array:
    if part is not None and there.all():
        return part
    whole = np.full((len(there), len(there)), np.nan)
    if part is not None:
        whole[np.ix_(there, there)] = part
    return whole
