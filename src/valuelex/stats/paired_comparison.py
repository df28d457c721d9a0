"""Bradley-Terry abilities from comparisons of two things at a time, freed of a liking for the first place.

Each comparison shows a first and a second object, and one of them wins. The logit of the probability that the
first wins is its ability, less that of the second, plus a position effect that all comparisons share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, ndtri, stdtrit

from valuelex.errors import DataError
from valuelex.stats.bootstrap import as_level
from valuelex.stats.checks import Array, as_groups, choose, first
from valuelex.stats.flags import Flag, Weakness

METHODS = ("jeffreys", "likelihood")
MAX_ITERATIONS = 200
TOLERANCE = 1e-10
"""Largest step of an estimate, in logits, at which the iteration has met its end."""
LARGEST_STEP = 5.0
"""In logits; a longer step is shortened to it, since information far from the estimate says little."""
_RANK_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Abilities and position effect, in logits. Intervals are at `level`."""

    abilities: Array
    """(n_objects,), summing to zero."""
    standard_errors: Array
    """(n_objects,) of the abilities."""
    covariance: Array
    """(n_objects, n_objects) of the abilities; rows sum to zero."""
    low: Array
    high: Array
    """(n_objects,) ends of the intervals of the abilities."""
    position: float
    """Logit of the probability that the first of two equal objects wins: above 0 where the first place helps."""
    position_error: float
    """Its standard error."""
    position_low: float
    position_high: float
    dispersion: float
    """At least 1: the factor by which variances were raised because groups spread more than chance allows."""
    n_comparisons: int
    """Comparisons that were used."""
    n_left_out: int
    """Comparisons without a winner."""
    separated: bool
    """Whether a direction in the estimates fits every comparison it touches, so that likelihood alone has no end."""
    level: float
    flags: tuple[Flag, ...]


def paired_comparison(
    first_object: ArrayLike,
    second_object: ArrayLike,
    first_wins: ArrayLike,
    *,
    objects: Sequence[str],
    groups: ArrayLike | None = None,
    method: str = "jeffreys",
    level: float = 0.95,
) -> PairedComparison:
    """Estimate Bradley-Terry abilities and a position effect.

    With `jeffreys` the log-likelihood is raised by half the logarithm of the determinant of the information (the
    prior of Jeffreys, which for this model is the bias reduction of Firth). It takes off the bias of order 1/n and
    keeps estimates finite where one object always wins. Standard errors come from the information at the
    estimate.

    Where `groups` are given, the comparisons in one are repetitions under the same conditions. Their variance about
    the model is taken as a common multiple of the binomial one: Pearson's statistic of the group totals over
    its degrees of freedom, and at least 1. Intervals then use Student's t with these degrees of freedom.

    Parameters
    ----------
    first_object, second_object : (n_comparisons,)
        Numbers of the objects, from 0, by the place in which they stood.
    first_wins : (n_comparisons,)
        1 where the first object won, 0 where the second did, NaN where neither did: that one is left out.
    objects
        What the objects are called in messages, in the order of their numbers; two at least.
    groups : (n_comparisons,), optional
        Names or numbers of groups of repetitions.
    method
        'jeffreys' or 'likelihood' (plain maximum likelihood, which separated comparisons do not have).
    level
        Coverage asked for, between 0 and 1.

    Returns
    -------
    PairedComparison
        Flags: `AT_BOUNDARY` where comparisons are separated, `LEFT_OUT` where some had no winner,
        `FEW_UNITS` where groups are too few to tell their spread (dispersion is then 1), `NOT_CONVERGED`.

    Raises
    ------
    DataError
        If lengths or values are wrong, the comparisons leave objects unconnected, the position effect cannot be told
        from the abilities, or `likelihood` is asked of separated comparisons.

    References
    ----------
    Bradley & Terry (1952), Rank analysis of incomplete block designs. Davidson & Beaver (1977), On extending the
    Bradley-Terry model to incorporate within-pair order effects. Firth (1993), Bias reduction of
    maximum likelihood estimates. McCullagh & Nelder (1989), Generalized Linear Models, section 4.5.
    """
    choose(method, METHODS, name="method")
    as_level(level)
    pair, outcome = _checked(first_object, second_object, first_wins, len(objects))
    decided = ~np.isnan(outcome)
    pair, outcome = pair[:, decided], outcome[decided]
    _refuse_unconnected(pair, objects)
    design = _design(pair, len(objects))
    _refuse_confounded(design)
    separated = is_separated(design, outcome)
    if separated and method == "likelihood":
        msg = (
            f"The {len(outcome)} comparisons are separated: some estimates grow without end; "
            "use method 'jeffreys', which keeps them finite."
        )
        raise DataError(msg)
    estimate, information, converged = _fit(design, outcome, method == "jeffreys")
    unit = None if groups is None else as_groups(groups, len(decided), min_groups=1)[decided]
    dispersion, degrees = _dispersion(design, outcome, estimate, unit)
    quantile = float(ndtri((1 + level) / 2) if degrees < 1 else stdtrit(degrees, (1 + level) / 2))
    flags = _flags(
        separated, int((~decided).sum()), len(decided), unit is not None and degrees < 1, converged
    )
    covariance = np.asarray(dispersion * np.linalg.inv(information), dtype=np.float64)
    abilities, spread = _about_their_mean(estimate, covariance)
    errors = np.sqrt(np.diag(spread))
    return PairedComparison(
        abilities=abilities[:-1],
        standard_errors=errors[:-1],
        covariance=spread[:-1, :-1],
        low=(abilities - quantile * errors)[:-1],
        high=(abilities + quantile * errors)[:-1],
        position=float(abilities[-1]),
        position_error=float(errors[-1]),
        position_low=float(abilities[-1] - quantile * errors[-1]),
        position_high=float(abilities[-1] + quantile * errors[-1]),
        dispersion=dispersion,
        n_comparisons=len(outcome),
        n_left_out=int((~decided).sum()),
        separated=separated,
        level=level,
        flags=flags,
    )


def is_separated(design: Array, outcome: Array) -> bool:
    """Tell whether plain maximum likelihood of a logistic model has no finite estimate.

    That is so where a direction leads no row away from its outcome and some rows towards it.

    Parameters
    ----------
    design : (n_rows, n_parameters)
        Of full column rank.
    outcome : (n_rows,)
        0 or 1.

    References
    ----------
    Albert & Anderson (1984), On the existence of maximum likelihood estimates in logistic regression models.
    Konis (2007), Linear programming algorithms for detecting separated data.
    """
    signed = np.unique(np.where(outcome[:, None] > 0.5, design, -design), axis=0)
    found = linprog(
        -signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1.0, 1.0), method="highs"
    )
    return bool(found.fun < -1e-7)


def _checked(
    first_object: ArrayLike, second_object: ArrayLike, first_wins: ArrayLike, n_objects: int
) -> tuple[NDArray[np.int64], Array]:
    if n_objects < 2:
        msg = f"{n_objects} objects cannot be compared; give two at least."
        raise DataError(msg)
    outcome = np.asarray(first_wins, dtype=np.float64)
    places = [np.asarray(place) for place in (first_object, second_object)]
    shapes = [array.shape for array in (*places, outcome)]
    if outcome.ndim != 1 or len(set(shapes)) > 1:
        msg = f"first_object, second_object and first_wins have shapes {shapes}; give one entry a comparison in each."
        raise DataError(msg)
    pair = np.array(places)
    wrong = np.flatnonzero(~((pair >= 0) & (pair < n_objects) & (pair == np.floor(pair))).all(axis=0))
    if wrong.size:
        msg = (
            f"{wrong.size} comparisons name no object (first: comparison {first(wrong)}); "
            f"give whole numbers from 0 to {n_objects - 1}."
        )
        raise DataError(msg)
    same = np.flatnonzero(pair[0] == pair[1])
    if same.size:
        msg = f"{same.size} comparisons set an object against itself (first: comparison {first(same)}); leave them out."
        raise DataError(msg)
    wrong = np.flatnonzero(~np.isnan(outcome) & (outcome != 0) & (outcome != 1))
    if wrong.size:
        msg = (
            f"{wrong.size} entries of first_wins are neither 0, 1 nor missing (first: comparison {first(wrong)}); "
            "give 1 where the first won, 0 where the second did."
        )
        raise DataError(msg)
    return pair.astype(np.int64), outcome


def _refuse_unconnected(pair: NDArray[np.int64], objects: Sequence[str]) -> None:
    n = len(objects)
    graph = coo_array((np.ones(pair.shape[1]), (pair[0], pair[1])), shape=(n, n))
    n_parts, label = connected_components(graph, directed=False)
    if n_parts > 1:
        parts = [[name for name, own in zip(objects, label, strict=True) if own == p] for p in range(n_parts)]
        named = "; ".join(", ".join(map(repr, part)) for part in parts)
        msg = (
            f"The {pair.shape[1]} comparisons with a winner leave {n} objects in {n_parts} unconnected parts "
            f"({named}); compare objects of different parts, or estimate each part alone."
        )
        raise DataError(msg)


def _design(pair: NDArray[np.int64], n_objects: int) -> Array:
    """Rows of 1 and -1 for first and second object, the last object being the reference, and 1 for the place."""
    row = np.arange(pair.shape[1])
    design = np.zeros((pair.shape[1], n_objects))
    design[row, pair[0]] = 1.0
    design[row, pair[1]] = -1.0
    design[:, -1] = 1.0
    return design


def _refuse_confounded(design: Array) -> None:
    if np.linalg.matrix_rank(design, tol=_RANK_TOLERANCE * len(design)) < design.shape[1]:
        msg = (
            f"The place cannot be told from the abilities in {len(design)} comparisons with a winner; "
            "show more pairs in both orders."
        )
        raise DataError(msg)


def _fit(design: Array, outcome: Array, penalised: bool) -> tuple[Array, Array, bool]:
    """Fisher scoring with steps that are halved until the objective rises: estimate, information, convergence."""
    estimate = np.zeros(design.shape[1])
    value, score, information = _objective(design, outcome, estimate, penalised)
    for _ in range(MAX_ITERATIONS):
        step = np.linalg.solve(information, score)
        step *= min(1.0, LARGEST_STEP / max(float(np.abs(step).max()), LARGEST_STEP))
        while True:
            moved = _objective(design, outcome, estimate + step, penalised)
            if moved[0] >= value - 1e-12 * abs(value) or np.abs(step).max() <= TOLERANCE:
                break
            step = step / 2
        estimate = estimate + step
        value, score, information = moved
        if np.abs(step).max() <= TOLERANCE:
            return estimate, information, True
    return estimate, information, False


def _objective(design: Array, outcome: Array, estimate: Array, penalised: bool) -> tuple[float, Array, Array]:
    """Log-likelihood, with half the log-determinant of the information where penalised; score; information."""
    logit = design @ estimate
    probability = expit(logit)
    weight = probability * expit(-logit)
    information: Array = design.T @ (weight[:, None] * design)
    value = -float(np.logaddexp(0.0, np.where(outcome > 0.5, -logit, logit)).sum())
    residual = outcome - probability
    if penalised:
        value += float(np.linalg.slogdet(information)[1]) / 2
        leverage = weight * np.einsum("ij,ij->i", design @ np.linalg.inv(information), design)
        residual = residual + leverage * (0.5 - probability)
    return value, design.T @ residual, information


def _dispersion(
    design: Array, outcome: Array, estimate: Array, unit: NDArray[np.int64] | None
) -> tuple[float, int]:
    """Pearson's statistic of group totals over its degrees of freedom, at least 1; and these, 0 if it has none."""
    if unit is None:
        return 1.0, 0
    probability = expit(design @ estimate)
    _, group = np.unique(unit, return_inverse=True)
    excess = np.bincount(group, outcome - probability)
    variance = np.bincount(group, probability * (1 - probability))
    degrees = len(excess) - design.shape[1]
    if degrees < 1:
        return 1.0, 0
    return max(1.0, float((excess**2 / variance).sum()) / degrees), degrees


def _flags(
    separated: bool, n_left_out: int, n_all: int, too_few_groups: bool, converged: bool
) -> tuple[Flag, ...]:
    found = []
    if separated:
        detail = (
            "the comparisons are separated (without exception, some objects win), so the data alone do not bound all "
            "estimates; the prior does"
        )
        found.append(Flag(Weakness.AT_BOUNDARY, detail))
    if n_left_out:
        found.append(Flag(Weakness.LEFT_OUT, f"{n_left_out} of {n_all} comparisons had no winner"))
    if too_few_groups:
        detail = (
            "no more groups than estimates, so their spread beyond chance cannot be told and is taken as none"
        )
        found.append(Flag(Weakness.FEW_UNITS, detail))
    if not converged:
        found.append(Flag(Weakness.NOT_CONVERGED, f"still moving after {MAX_ITERATIONS} steps"))
    return tuple(found)


def _about_their_mean(estimate: Array, covariance: Array) -> tuple[Array, Array]:
    """Turn abilities against the last object into abilities about their mean; the position effect stays the last."""
    n = len(estimate)
    turn = np.zeros((n + 1, n))
    turn[:-1, :-1] = np.eye(n)[:, :-1] - 1 / n
    turn[-1, -1] = 1.0
    return turn @ estimate, turn @ covariance @ turn.T
