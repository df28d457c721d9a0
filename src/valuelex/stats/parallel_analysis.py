"""Parallel analysis: how many eigenvalues are larger than those of data without structure.

Owns the comparison of observed eigenvalues with those of null replicates, for components and for common
factors. The nulls themselves are drawn in `valuelex.stats.nulls`; other rules are in
`valuelex.stats.retention`.

The rows must be independent. Where several rows belong to one unit, no shuffling of rows mends that: shuffled
freely the null is too narrow, and shuffled within units it keeps what lies between units. Correlate the means
of units and give their number instead (or see `valuelex.stats.block_model`, whose folds keep units whole).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, lapack

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_correlation, as_table, choose
from valuelex.stats.correlation import EIGENVALUE_FLOOR, correlate
from valuelex.stats.extraction import LEAST_UNIQUENESS, check_n_factors, cholesky, extract_checked
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.nulls import NULLS, curveball_correlations, null_correlation, wishart_correlation
from valuelex.stats.tetrachoric import tetrachoric

MIN_REPLICATES = 20
"""With fewer replicates a quantile of .95 is the largest of them or lies beyond it."""
NEWTON_UP_TO = 600
"""Most variables for which the communalities of one factor come from linear systems."""
MAX_NEWTON_STEPS = 20


@dataclass(frozen=True, slots=True)
class EigenvalueComparison:
    """Observed eigenvalues beside those of the null, all in descending order."""

    observed: NDArray[np.float64]
    """(p,)"""
    null_mean: NDArray[np.float64]
    """(p,), mean of each eigenvalue over the replicates."""
    null_quantile: NDArray[np.float64]
    """(p,), the quantile that was asked for of each eigenvalue over the replicates."""
    n_retained: int
    """From 0 to p: observed eigenvalues before the first that is not above its null quantile."""


@dataclass(frozen=True, slots=True)
class ParallelAnalysis:
    """Number of components and of common factors by parallel analysis."""

    components: EigenvalueComparison
    """Eigenvalues of the correlation matrix R."""
    factors: EigenvalueComparison
    """Eigenvalues of R with the communalities of one minres factor on its diagonal."""
    null: str
    """Which null, one of `valuelex.stats.nulls.NULLS`."""
    n_replicates: int
    quantile: float
    """From 0 to 1."""
    flags: tuple[Flag, ...]
    """`NOT_POSITIVE_DEFINITE`, `SPARSE_CELLS`, `HEYWOOD` of the observed matrix; `NOT_CONVERGED` with the
    number of matrices for which the search for communalities stopped early."""


def parallel_analysis(
    data: ArrayLike,
    *,
    rng: np.random.Generator,
    null: str = "wishart",
    n_replicates: int = 100,
    quantile: float = 0.95,
) -> ParallelAnalysis:
    """Compare the eigenvalues of data with those of null replicates of the same size.

    Parameters
    ----------
    data : (n_rows, n_columns)
        Finite numbers, independent rows, each column with some spread, at least 3 columns. 0 and 1 for the
        nulls "curveball" and "permuted_tetrachoric".
    rng
        Source of the replicates.
    null
        "wishart": independent normal columns, the classical null. "permuted": each column shuffled, which
        keeps its distribution. "curveball": 0/1 rows reshuffled with both margins kept, the null for lists of
        limited length. "permuted_tetrachoric": shuffled and correlated as tetrachorics; the observed
        correlations are then tetrachorics too. Else they are Pearson's.
    n_replicates
        At least 20. The count rests on a quantile of so many values.
    quantile
        Above 0 and below 1. Each observed eigenvalue must be above this quantile (linear interpolation) of
        its null.

    Returns
    -------
    ParallelAnalysis

    Raises
    ------
    DataError
        If the data does not suit the null, a column is constant, or an option is out of range.

    References
    ----------
    Horn (1965), A rationale and test for the number of factors in factor analysis. Glorfeld (1995), An
    improvement on Horn's parallel analysis methodology, for the quantile. The eigenvalues for factors are
    those of psych::fa.parallel (Revelle).
    """
    choose(null, NULLS, name="null")
    table = as_table(data, min_columns=3)
    flags: tuple[Flag, ...] = ()
    if null == "permuted_tetrachoric":
        found = tetrachoric(table)
        r, flags = found.correlation, found.flags
    else:
        r = correlate(table)
    if null == "curveball":
        replicates = curveball_correlations(table, rng)
        return _compare(r, lambda: next(replicates), null, n_replicates, quantile, flags)
    return _compare(r, lambda: null_correlation(table, null, rng), null, n_replicates, quantile, flags)


def parallel_analysis_of_correlation(
    correlation: ArrayLike,
    n_rows: int,
    *,
    rng: np.random.Generator,
    n_replicates: int = 100,
    quantile: float = 0.95,
) -> ParallelAnalysis:
    """Compare the eigenvalues of a correlation matrix with those of independent normal columns.

    Parameters
    ----------
    correlation : (p, p)
        A correlation matrix of at least 3 variables.
    n_rows
        Number of independent rows behind it, at least 3.
    rng, n_replicates, quantile
        As for `parallel_analysis`.

    Returns
    -------
    ParallelAnalysis
        With the null "wishart".

    Raises
    ------
    DataError
        If the matrix is not a correlation matrix or a number is out of range.

    References
    ----------
    As for `parallel_analysis`.
    """
    r = as_correlation(correlation, min_size=3)
    if not (np.isfinite(n_rows) and n_rows >= 3):
        msg = f"n_rows is {n_rows}; parallel analysis needs at least 3 independent rows."
        raise DataError(msg)
    return _compare(
        r, lambda: wishart_correlation(n_rows, len(r), rng), "wishart", n_replicates, quantile, ()
    )


def _compare(
    r: Array,
    draw: Callable[[], Array],
    null: str,
    n_replicates: int,
    quantile: float,
    flags: tuple[Flag, ...],
) -> ParallelAnalysis:
    if not isinstance(n_replicates, (int, np.integer)) or n_replicates < MIN_REPLICATES:
        msg = f"n_replicates is {n_replicates}; at least {MIN_REPLICATES} are needed for a quantile."
        raise DataError(msg)
    if not 0 < quantile < 1:
        msg = f"quantile is {quantile}; it must be above 0 and below 1."
        raise DataError(msg)
    check_n_factors(1, len(r))
    observed, observed_flags = _both_eigenvalues(r)
    replicates = np.empty((n_replicates, 2, len(r)))
    n_stopped = 0
    for replicate in replicates:
        replicate[:], found = _both_eigenvalues(draw())
        n_stopped += any(flag.weakness is Weakness.NOT_CONVERGED for flag in found)
    notes = [
        *flags,
        *(flag for flag in observed_flags if flag.weakness is not Weakness.NOT_POSITIVE_DEFINITE),
    ]
    least = float(observed[0, -1])
    if least <= EIGENVALUE_FLOOR:
        detail = f"least eigenvalue of the correlations of {len(r)} columns is {least:.3g}; they were used as they are"
        notes.append(Flag(Weakness.NOT_POSITIVE_DEFINITE, detail))
    if n_stopped:
        detail = f"the communalities of {n_stopped} of {n_replicates} null replicates had not settled"
        notes.append(Flag(Weakness.NOT_CONVERGED, detail))
    components, factors = (_comparison(observed[i], replicates[:, i], quantile) for i in range(2))
    return ParallelAnalysis(components, factors, null, n_replicates, quantile, tuple(notes))


def _both_eigenvalues(r: Array) -> tuple[Array, tuple[Flag, ...]]:
    """Eigenvalues (2, p) of R and of R with the communalities of one factor, each in descending order."""
    communalities = _one_factor(r)
    flags: tuple[Flag, ...] = ()
    if communalities is None:
        one = extract_checked(r, 1, method="minres", factor=cholesky(r))
        communalities, flags = one.communalities, one.flags
    reduced = r.copy()
    np.fill_diagonal(reduced, communalities)
    values = np.stack([_eigenvalues(r.copy()), _eigenvalues(reduced)])
    return values, flags


def _one_factor(r: Array) -> Array | None:
    """Communalities of one minres factor by Newton's method on its loadings; None where the general search must do it.

    Without structure the leading eigenvalues lie close together, which makes the general search slow; here a step is
    one linear system. The general search takes over where the steps do not end at a minimum with communalities
    inside its bound, and for many variables, where a system costs more than it saves.
    """
    if len(r) > NEWTON_UP_TO:
        return None
    off = r.copy()
    np.fill_diagonal(off, 0.0)
    values, vectors = eigh(r, subset_by_index=(len(r) - 1, len(r) - 1), check_finite=False)
    loading = vectors[:, 0] * np.sqrt(max(float(values[0]) - 1.0, 0.05))
    for _ in range(MAX_NEWTON_STEPS):
        rest = loading @ loading - loading**2
        gradient = loading * rest - off @ loading
        curvature = 2.0 * np.outer(loading, loading) - off
        np.fill_diagonal(curvature, rest)
        factor, info = lapack.dpotrf(curvature, lower=1, overwrite_a=1)
        if info:
            return None
        if np.abs(gradient).max() < 1e-9:
            return loading**2 if (loading**2).max() < 1.0 - LEAST_UNIQUENESS else None
        loading = loading - lapack.dpotrs(factor, gradient, lower=1)[0]
    return None


def _eigenvalues(scratch: Array) -> Array:
    values: Array = eigh(scratch, eigvals_only=True, driver="evd", check_finite=False, overwrite_a=True)
    return values[::-1]


def _comparison(observed: Array, replicates: Array, quantile: float) -> EigenvalueComparison:
    limit = np.quantile(replicates, quantile, axis=0)
    not_above = np.flatnonzero(~(observed > limit))
    n_retained = int(not_above[0]) if not_above.size else len(observed)
    return EigenvalueComparison(observed.copy(), replicates.mean(axis=0), limit, n_retained)
