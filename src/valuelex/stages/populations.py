"""Value systems of populations from one set of lists, each built by itself, and compared pair by pair.

Owns who belongs, the cut of each lexicon, and what is compared. How a system is built is given as a function, so
that populations are built in the very way in which the study's own system is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.factors import Agreement, FactorPlan
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.population import (
    EVERYBODY,
    Difference,
    FactorCongruence,
    Population,
    PopulationContrast,
    Populations,
    PopulationSystem,
    TermShift,
    TermStatus,
)
from valuelex.domain.sources import Sources
from valuelex.domain.structure import Taxonomy, ValueSystem
from valuelex.domain.study import Respondent
from valuelex.domain.wording import count, p_equals
from valuelex.errors import DataError
from valuelex.stages.factor_data import Factored, ListData
from valuelex.stages.factor_route import agree
from valuelex.stages.factor_words import ALPHA, FAIR, degree, figures
from valuelex.stages.population_difference import difference_of
from valuelex.stages.term_lists import term_lists
from valuelex.stats.factor import efa
from valuelex.stats.sparse_counts import stack
from valuelex.stats.target_congruence import congruence_with_target

Array = NDArray[np.float64]
FEW = 3
"""With fewer independent families a population's groups describe its models, not a population."""
N_LEADING = 5


@dataclass(frozen=True, slots=True)
class Built:
    """What building gave: taxonomy, value system, in words how many groups there are and why, and what limits it."""

    taxonomy: Taxonomy
    system: ValueSystem
    outcome: str
    notes: tuple[str, ...] = ()


Build = Callable[[ResponseMatrix, Sources, Array | None, str, np.random.Generator], Built]
"""Builds from lists, who gave them, vectors of the terms and the population's name; `DataError` where it cannot."""


def compare_populations(
    populations: Sequence[Population],
    respondents: Sequence[Respondent],
    matrix: ResponseMatrix,
    sources: Sources,
    vectors: Array | None,
    min_respondents: int,
    whole: Built,
    build: Build,
    plan: FactorPlan,
    rng: np.random.Generator,
) -> Populations:
    """Build the value system of each population and compare each with everybody's and with each other's.

    Parameters
    ----------
    populations
        Checked by `valuelex.domain.population.check_populations`.
    respondents
        All of the study.
    matrix
        Responses by terms of everybody.
    sources
        Who gave each of them.
    vectors : (n_terms, d), optional
        Of the terms.
    min_respondents
        How many of its own respondents must name a term for a population's lexicon. A term that fewer of all
        respondents name was kept by the study; naming it once keeps it.
    whole
        What was built from everybody.
    build
        Builds the others in the same way.
    plan
        What is factored for the congruence of factors.
    rng
        Each population and each comparison draws from a generator of its own.

    Returns
    -------
    Populations
        A population from which nothing can be built stays, with the reason.
    """
    everybody = Population(EVERYBODY, {})
    n_naming = matrix.n_respondents()
    system = _as_system(everybody, respondents, matrix, whole, whole.notes)
    parts = [_Part(everybody, tuple(respondents), matrix, _counted(matrix), system)]
    own = rng.spawn(len(populations))
    for population, generator in zip(populations, own, strict=True):
        members = population.members(respondents)
        rows = _rows_of(members, matrix)
        lists = matrix.of_rows(rows)
        # What fewer of all respondents name is there because the study keeps it.
        least = np.where(n_naming < min_respondents, 1, min_respondents)
        columns = np.flatnonzero(lists.n_respondents() >= least)
        part = lists.of_terms(columns.tolist())
        of_terms = None if vectors is None else vectors[columns]
        system = _build(population, members, part, sources.of_rows(rows), of_terms, build, generator)
        parts.append(_Part(population, members, part, _counted(lists), system))
    pairs = list(combinations(parts, 2))
    contrasts = tuple(
        _contrast(a, b, plan, generator)
        for (a, b), generator in zip(pairs, rng.spawn(len(pairs)), strict=True)
    )
    return Populations(tuple(part.system for part in parts), contrasts)


@dataclass(frozen=True, slots=True)
class _Part:
    population: Population
    members: tuple[Respondent, ...]
    matrix: ResponseMatrix
    n_naming: dict[str, int]
    system: PopulationSystem

    @property
    def groups(self) -> dict[str, int]:
        """Subdimension of each term that has one."""
        taxonomy = self.system.taxonomy
        return (
            {} if taxonomy is None else dict(zip(taxonomy.terms, taxonomy.subdimension.tolist(), strict=True))
        )


def _counted(matrix: ResponseMatrix) -> dict[str, int]:
    return dict(zip(matrix.terms, matrix.n_respondents().tolist(), strict=True))


def _rows_of(members: Sequence[Respondent], matrix: ResponseMatrix) -> list[int]:
    ids = {r.id for r in members}
    return [i for i, respondent in enumerate(matrix.respondent_ids) if respondent in ids]


def _as_system(
    population: Population,
    members: Sequence[Respondent],
    matrix: ResponseMatrix,
    built: Built | None,
    cautions: tuple[str, ...] = (),
) -> PopulationSystem:
    families = {r.family for r in members}
    models = {r.model.label for r in members}
    if len(families) < FEW:
        few = "one model family" if len(families) == 1 else f"{len(families)} model families"
        cautions = (
            *cautions,
            f"It has {few}, fewer than {FEW}: what is found describes these models, not a population.",
        )
    return PopulationSystem(
        name=population.name,
        told=population.told,
        respondent_ids=tuple(r.id for r in members),
        n_models=len(models),
        n_families=len(families),
        n_responses=len(matrix.response_ids),
        terms=matrix.terms,
        n_naming=tuple(matrix.n_respondents().tolist()),
        outcome="no value system could be built" if built is None else built.outcome,
        taxonomy=None if built is None else built.taxonomy,
        system=None if built is None else built.system,
        cautions=cautions,
    )


def _build(
    population: Population,
    members: tuple[Respondent, ...],
    matrix: ResponseMatrix,
    sources: Sources,
    vectors: Array | None,
    build: Build,
    rng: np.random.Generator,
) -> PopulationSystem:
    if not len(matrix.named.columns):
        why = "No term is named by enough of its respondents."
        return _as_system(population, members, matrix, None, (why,))
    try:
        built = build(matrix, sources, vectors, population.name, rng)
    except DataError as error:
        return _as_system(population, members, matrix, None, (str(error),))
    return _as_system(population, members, matrix, built, built.notes)


def _contrast(a: _Part, b: _Part, plan: FactorPlan, rng: np.random.Generator) -> PopulationContrast:
    terms = _shifts(a, b)
    groups_a, groups_b = a.groups, b.groups
    both = [term for term in a.matrix.terms if term in groups_a and term in groups_b]
    agreement: Agreement | None = None
    if len(both) > 1 and min(a.system.n_groups, b.system.n_groups) > 1:
        of_a, of_b = (np.array([groups[term] for term in both]) for groups in (groups_a, groups_b))
        agreement = agree(of_b, of_a, rng)
    factors: tuple[FactorCongruence, ...] = ()
    reason = ""
    try:
        factors = _factors(a, b, plan, rng)
    except DataError as error:
        reason = f"Factors were not compared: {error}"
    n_both = len({r.id for r in a.members} & {r.id for r in b.members})
    difference = _difference(a, b, len(factors), rng) if factors and not n_both else None
    return PopulationContrast(
        a=a.population.name,
        b=b.population.name,
        n_respondents_a=len(a.members),
        n_respondents_b=len(b.members),
        n_both=n_both,
        n_groups_a=a.system.n_groups,
        n_groups_b=b.system.n_groups,
        terms=terms,
        agreement=agreement,
        factors=factors,
        difference=difference,
        reason=reason,
        verdict=" ".join(
            [*_verdict(a, b, terms, agreement, factors), *_about_difference(difference, n_both)]
        ),
    )


def _shifts(a: _Part, b: _Part) -> tuple[TermShift, ...]:
    """Terms of either lexicon, by status, those that most respondents of either name first."""
    in_a, in_b = set(a.matrix.terms), set(b.matrix.terms)
    groups_a, groups_b = a.groups, b.groups
    shifts = []
    for term in in_a | in_b:
        status: TermStatus = "lost" if term not in in_b else "gained" if term not in in_a else "shared"
        n_a, n_b = a.n_naming.get(term, 0), b.n_naming.get(term, 0)
        share_a, share_b = n_a / len(a.members), n_b / len(b.members)
        of_a, of_b = groups_a.get(term), groups_b.get(term)
        shifts.append(TermShift(term, status, n_a, n_b, share_a, share_b, of_a, of_b))
    return tuple(sorted(shifts, key=lambda t: (t.status, -max(t.share_a, t.share_b), t.term)))


def _factors(a: _Part, b: _Part, plan: FactorPlan, rng: np.random.Generator) -> tuple[FactorCongruence, ...]:
    """Rotate the factors of the second towards those of the first, on the terms that both lexicons have.

    As many factors as groups of the first. Its varimax factors are the target: both sides are orthogonal, so that no
    freedom of oblique axes makes them alike.

    Raises
    ------
    DataError
        If either cannot be factored.
    """
    n_factors = plan.n_factors or a.system.n_groups or b.system.n_groups
    if not n_factors:
        msg = "Neither has a group, so the number of factors is not known."
        raise DataError(msg)
    shared = tuple(term for term in a.matrix.terms if term in set(b.matrix.terms))
    one, other = _factored(a, shared, plan), _factored(b, shared, plan)
    shared = tuple(term for term in one.terms if term in set(other.terms))
    if (one.terms, other.terms) != (shared, shared):
        one, other = _factored(a, shared, plan), _factored(b, shared, plan)
    target = efa(one.correlations(np.ones(one.n_units)), n_factors, rotation="varimax").pattern
    loadings = efa(other.correlations(np.ones(other.n_units)), n_factors, rotation="none").pattern
    found = congruence_with_target(loadings, target, rng)
    return tuple(
        FactorCongruence(
            k,
            float(found.congruence[k]),
            float(found.chance[k]),
            tuple(shared[i] for i in np.argsort(-target[:, k], kind="stable")[:N_LEADING]),
        )
        for k in range(n_factors)
    )


def _factored(part: _Part, terms: tuple[str, ...], plan: FactorPlan) -> Factored:
    wanted = set(terms)
    columns = [j for j, term in enumerate(part.matrix.terms) if term in wanted]
    lists = part.matrix.of_terms(columns)
    return ListData.of(lists, Sources.of(part.members, lists.respondent_ids)).factored(plan.matrix)


def _verdict(
    a: _Part,
    b: _Part,
    terms: Sequence[TermShift],
    agreement: Agreement | None,
    factors: Sequence[FactorCongruence],
) -> list[str]:
    n = Counter(t.status for t in terms)
    parts = [
        f"{count(n['shared'], 'term is', 'terms are')} in both lexicons, {n['lost']} in the first alone, "
        f"{n['gained']} in the second alone."
    ]
    k_a, k_b = a.system.n_groups, b.system.n_groups
    if agreement is None:
        parts.append(f"Groups cannot be compared: the first has {k_a} and the second {k_b}.")
    else:
        parts.append(f"Their groups ({k_a} and {k_b}) {degree(agreement)} ({figures(agreement)}).")
    if factors:
        beyond = sum(f.congruence > f.chance for f in factors)
        alike = sum(f.congruence > max(f.chance, FAIR) for f in factors)
        parts.append(
            f"Factors of the first found again beyond chance: {beyond} of {len(factors)}; with a congruence over "
            f"{FAIR}: {alike}."
        )
    return parts


def _difference(a: _Part, b: _Part, n_factors: int, rng: np.random.Generator) -> Difference | None:
    wanted = set(b.matrix.terms)
    shared = [term for term in a.matrix.terms if term in wanted]
    tables, ids = [], []
    for part in (a, b):
        place = {term: j for j, term in enumerate(part.matrix.terms)}
        tables.append(term_lists(part.matrix.of_terms([place[term] for term in shared])))
        ids.append(part.matrix.respondent_ids)
    sources = Sources.of((*a.members, *b.members), (*ids[0], *ids[1]))
    in_second = np.repeat([False, True], [len(part) for part in ids])
    lists = stack(tables)
    return difference_of(lists, in_second, sources.families, sources.models, n_factors, rng)


def _about_difference(difference: Difference | None, n_both: int) -> list[str]:
    if n_both:
        return [
            f"{count(n_both, 'respondent belongs', 'respondents belong')} to both, which makes the two more alike."
        ]
    if difference is None:
        return ["Whether they differ more than models do cannot be told: too few models belong to one alone."]
    d = difference
    said = "less alike than" if d.p_value <= ALPHA else "not distinguishable from"
    return [
        f"They are {said} random splits of the same {d.n_units} {d.units}: their factors' mean congruence is "
        f"{d.congruence:.2f}, that of splits {d.by_split:.2f} ({p_equals(d.p_value)})."
    ]
