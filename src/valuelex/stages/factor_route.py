"""The second route from lists or ratings to a structure of terms: exploratory factor analysis.

Owns the choice of correlations, what is resampled, and the agreement of factors with groups. Groups are given; how
they are found is in `valuelex.stages.construct`. The numerics are in `valuelex.stats`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.factors import (
    LIST_MATRICES,
    Agreement,
    FactorMatch,
    FactorPlan,
    FactorRoute,
    MatrixName,
    NoFactors,
    OtherMatrix,
    RetentionRow,
)
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.errors import DataError
from valuelex.stages.factor_data import Factored, ListData, RatedData, named_columns
from valuelex.stages.factor_words import verdict
from valuelex.stats.congruence import congruence, match_columns
from valuelex.stats.factor import FactorSolution, efa
from valuelex.stats.loading_intervals import LoadingIntervals, bootstrap_factors
from valuelex.stats.partition_agreement import agreement_beyond_chance
from valuelex.stats.retention_table import RetentionRule, RetentionTable
from valuelex.stats.stability import compare_partitions

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
MOST_TERMS = 2000
"""Most terms that are factored: every resample factors a matrix of all pairs."""
N_STARTS = 10
"""Starts of the rotation of all units."""


def route_of_lists(
    matrix: ResponseMatrix,
    sources: Sources,
    groups: Labels,
    plan: FactorPlan,
    rng: np.random.Generator,
) -> FactorRoute | NoFactors:
    """Factor the terms of lists and hold the factors against groups of the same terms.

    What is resampled, and whose profiles are correlated, is told by `Sources.units`: families and models where there
    are enough of them, else respondents.

    Parameters
    ----------
    matrix
        Responses by terms.
    sources
        Of the responses.
    groups : (n_terms,)
        Group number of each term; -1 where it has none.
    plan
        What is factored; as many factors as groups where it gives no number.
    rng
        Source of starts, nulls, resamples and shuffles.

    Returns
    -------
    FactorRoute or NoFactors
        The latter where nothing could be factored, with the reason. Terms in no response or in all, and those that
        have no spread in the chosen correlations, are left out and named.
    """
    data = ListData.of(matrix, sources)
    others = tuple(name for name in LIST_MATRICES if name != plan.matrix)
    return _route(plan.matrix, data, others, groups, plan, rng)


def route_of_ratings(
    values: Array,
    terms: Sequence[str],
    sources: Sources,
    groups: Labels,
    plan: FactorPlan,
    rng: np.random.Generator,
) -> FactorRoute | NoFactors:
    """Factor the terms of a rated matrix and hold the factors against groups of the same terms.

    Parameters
    ----------
    values : (n_respondents, n_terms)
        Scale points; NaN where there is no rating.
    terms : (n_terms,)
        Names of the columns.
    sources
        Of the respondents.
    groups, plan, rng
        As for `route_of_lists`; `plan.matrix` is not used.

    Returns
    -------
    FactorRoute or NoFactors
        As for `route_of_lists`; the latter also where the ratings show one group and the study gives no number of
        factors, and where too few rated the terms for that many.
    """
    data = RatedData.of(values, terms, sources)
    n_groups = len(np.unique(groups[groups >= 0]))
    if plan.n_factors is None and n_groups < 2:
        return NoFactors(
            "Too few groups to say how many factors to look for: the ratings of terms show no more than one. Set "
            "[factors] n_factors to extract a number of your own."
        )
    too_few = data.too_few(plan.n_factors or n_groups)
    return NoFactors(too_few) if too_few else _route("ratings", data, (), groups, plan, rng)


def _route(
    name: MatrixName,
    data: ListData | RatedData,
    others: Sequence[MatrixName],
    groups: Labels,
    plan: FactorPlan,
    rng: np.random.Generator,
) -> FactorRoute | NoFactors:
    n_groups = len(np.unique(groups[groups >= 0]))
    n_factors = plan.n_factors or max(n_groups, 1)
    if len(data.terms) > MOST_TERMS:
        return NoFactors(
            f"{len(data.terms):,} terms are more than the {MOST_TERMS:,} that are factored; raise [normalise] "
            "min_respondents for a lexicon of fewer."
        )
    chosen_by = "given by the study" if plan.n_factors else "as many as groups"
    try:
        chosen = data.factored(name)
        found = _factors(chosen, n_factors, plan, rng)
    except DataError as error:
        return NoFactors(f"The terms could not be factored: {error}")
    solution = found.solution
    primary = _primary(solution.pattern)
    mine = _of_terms(groups, data.terms, chosen.terms)
    agreement = agree(primary, mine, rng) if n_groups > 1 else None
    matches = _matches(solution, chosen.correlations(np.ones(chosen.n_units)), primary, mine)
    table = RetentionTable.of(data.rules(n_factors, rng))
    resampled = len(found.patterns) > 0
    return FactorRoute(
        matrix=name,
        rotation=plan.rotation,
        chosen_by=chosen_by,
        terms=chosen.terms,
        left_out=chosen.left_out,
        pattern=solution.pattern,
        pattern_low=found.pattern_low,
        pattern_high=found.pattern_high,
        structure=solution.structure,
        phi=solution.phi,
        phi_low=found.phi_low,
        phi_high=found.phi_high,
        communalities=solution.communalities,
        communality_low=found.communality_low,
        communality_high=found.communality_high,
        variance_shares=solution.variance_shares,
        primary=primary,
        stability=_kept(found.patterns, primary),
        n_resamples=len(found.patterns),
        resampled=chosen.resampled,
        n_units=chosen.n_units,
        heywood_share=found.heywood_share if resampled else np.nan,
        not_converged_share=found.not_converged_share if resampled else np.nan,
        flags=tuple(_of_terms_only(str(named_columns(flag, chosen.terms))) for flag in found.flags),
        rules=tuple(_row(rule) for rule in table.rules),
        rules_agree=table.agreement,
        agreement=agreement,
        matches=matches,
        others=tuple(
            _other(other, data, n_factors, plan, groups, (chosen.terms, primary), rng) for other in others
        ),
        verdict=verdict(agreement, matches, n_groups),
    )


def _factors(data: Factored, n_factors: int, plan: FactorPlan, rng: np.random.Generator) -> LoadingIntervals:
    """Factor all units, with intervals where there are units and resamples for them."""
    if data.n_units > 1 and plan.resamples > 1:
        return bootstrap_factors(
            data.correlations,
            data.n_units,
            n_factors,
            rng=rng,
            n_resamples=plan.resamples,
            rotation=plan.rotation,
            normalise=True,
            n_starts=N_STARTS,
        )
    solution = _solution(data, n_factors, plan, rng)
    p, k = solution.pattern.shape
    loadings, between, shares = np.full((p, k), np.nan), np.full((k, k), np.nan), np.full(p, np.nan)
    none, no_phi, no_congruence = np.empty((0, p, k)), np.empty((0, k, k)), np.empty((0, k))
    return LoadingIntervals(
        solution,
        *(loadings, loadings, loadings, between, between, shares, shares),
        *(none, no_phi, no_congruence, np.nan, np.nan, data.n_units, solution.flags),
    )


def _solution(data: Factored, n_factors: int, plan: FactorPlan, rng: np.random.Generator) -> FactorSolution:
    r = data.correlations(np.ones(data.n_units))
    return efa(r, n_factors, rotation=plan.rotation, normalise=True, n_starts=N_STARTS, rng=rng)


def _primary(pattern: Array) -> Labels:
    """Factor of the largest loading; -1 where none is positive: a negative one tells what a term is named without."""
    largest: Labels = pattern.argmax(axis=1)
    return np.where(pattern.max(axis=1) > 0, largest, -1)


def _kept(patterns: Array, primary: Labels) -> Array:
    """Share of the resamples that hold a term in which its largest loading is on the same factor."""
    if not len(patterns):
        return np.full(len(primary), np.nan)
    there = np.all(np.isfinite(patterns), axis=2)
    largest: Labels = np.where(there[:, :, None], patterns, 0.0).argmax(axis=2)
    same = np.equal(largest, primary) & there
    n = there.sum(axis=0)
    share: Array = np.divide(same.sum(axis=0), n, out=np.full(len(primary), np.nan), where=n > 0)
    return share


def _of_terms(groups: Labels, all_terms: Sequence[str], terms: Sequence[str]) -> Labels:
    place = {term: i for i, term in enumerate(all_terms)}
    found: Labels = groups[np.array([place[term] for term in terms])]
    return found


def agree(one: Labels, other: Labels, rng: np.random.Generator) -> Agreement | None:
    """Compare two partitions of the same terms (-1: not placed); None where both place fewer than two of them."""
    if np.count_nonzero((one >= 0) & (other >= 0)) < 2:
        return None
    found = agreement_beyond_chance(one, other, rng)
    return Agreement(
        found.adjusted_rand,
        found.low,
        found.high,
        found.normalised_mutual_information,
        found.chance,
        found.p_value,
        found.n_items,
    )


def _matches(solution: FactorSolution, r: Array, primary: Labels, groups: Labels) -> tuple[FactorMatch, ...]:
    """Match factors to groups by the congruence of the pattern with membership (Hungarian)."""
    numbers = np.unique(groups[groups >= 0])
    if not len(numbers):
        return ()
    member = (groups[:, None] == numbers).astype(np.float64)
    others = member.sum(axis=0) - member
    sums = (r - np.eye(len(r))) @ member
    centroid = np.divide(sums, others, out=np.zeros_like(sums), where=others > 0)
    with_groups, with_centroids = (
        congruence(solution.pattern, member),
        congruence(solution.structure, centroid),
    )
    matches = []
    for factor, g in enumerate(match_columns(with_groups).tolist()):
        if g < 0:
            matches.append(FactorMatch(factor, None, np.nan, np.nan, 0))
            continue
        matches.append(
            FactorMatch(
                factor,
                int(numbers[g]),
                float(with_groups[factor, g]),
                float(with_centroids[factor, g]),
                int(((primary == factor) & (groups == numbers[g])).sum()),
            )
        )
    return tuple(matches)


def _other(
    name: MatrixName,
    data: ListData | RatedData,
    n_factors: int,
    plan: FactorPlan,
    groups: Labels,
    route: tuple[tuple[str, ...], Labels],
    rng: np.random.Generator,
) -> OtherMatrix:
    try:
        own = data.factored(name)
        primary = _primary(_solution(own, n_factors, plan, rng).pattern)
    except DataError as error:
        return OtherMatrix(name, np.nan, np.nan, 0, str(error))
    of_route = dict(zip(route[0], route[1].tolist(), strict=True))
    against = np.array([of_route.get(term, -1) for term in own.terms])
    return OtherMatrix(
        name,
        _adjusted_rand(primary, _of_terms(groups, data.terms, own.terms)),
        _adjusted_rand(primary, against),
        len(own.terms),
    )


def _adjusted_rand(one: Labels, other: Labels) -> float:
    both = (one >= 0) & (other >= 0)
    if min(len(np.unique(one[both])), len(np.unique(other[both]))) < 2:
        return float("nan")  # One group agrees with everything and with nothing.
    return compare_partitions(one, other).adjusted_rand


def _row(rule: RetentionRule) -> RetentionRow:
    flags = tuple(_of_terms_only(str(flag)) for flag in rule.flags)
    return RetentionRow(rule.rule, rule.suggests, _of_terms_only(rule.detail), rule.for_reference, flags)


def _of_terms_only(text: str) -> str:
    """Call columns what they are here."""
    return re.sub(r"\bcolumns\b", "terms", text)
