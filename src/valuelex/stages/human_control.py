"""Ask respondents once more as if they were human, and compare what structure comes of it.

Owns the calls of the control, who is asked, and the comparison; what goes together at which level is in
`valuelex.stages.two_sides`. How terms are grouped is given. Reads responses and terms by the very same rules as the
answers that respondents give as themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Call
from valuelex.domain.evidence import Level
from valuelex.domain.human_control import HalfCongruence, HumanControl, LevelControl
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.quality import Estimate
from valuelex.domain.sources import LEAST_INDEPENDENT, Sources
from valuelex.domain.study import Respondent, Study
from valuelex.errors import DataError
from valuelex.stages.elicit import plan_lists
from valuelex.stages.material import gather
from valuelex.stages.two_sides import Sides, two_sides
from valuelex.stats.congruence import congruence
from valuelex.stats.jackknife import jackknife_interval
from valuelex.stats.level_choice import affinities, partitions
from valuelex.stats.stability import compare_partitions

N_HALVINGS = 50
LEAST_OWN = 0.2
"""Congruence of halves below which nothing is told from noise: a half then foretells 4 % of the other's variance."""
SAME, OTHER = 0.8, 0.5
"""Shared structure, freed of noise, from which on it is the same both ways, and below which it is another."""
HUMAN = "an ordinary person"
"""Whom respondents play: told "You are an ordinary person." (chat), or asked for the values of one (completion)."""

Build = Callable[[ResponseMatrix], NDArray[np.int64]]
"""From responses by terms to a group number for each term, (n_terms,); -1: in none."""
Array = NDArray[np.float64]


def plan_as_human(study: Study) -> tuple[Call, ...]:
    """Plan every call of `plan_elicitation` once more, for the same respondents playing a human.

    Those with a persona of their own are left out, for as a human they would be nobody else than without it; and those
    whose answers were recorded, whom nobody can ask.

    Returns
    -------
    tuple of Call
        In the order draw, prompt, respondent; empty where the study does not ask for the control.
    """
    plan = study.elicit
    if plan is None or not plan.human_control:
        return ()
    playing = tuple(
        replace(r, subject=HUMAN) for r in study.respondents if r.persona is None and not r.model.is_recorded
    )
    return plan_lists(replace(study, respondents=playing), plan, "human") if playing else ()


def human_control(
    own: ResponseMatrix,
    human: ResponseMatrix,
    build: Build,
    respondents: Sequence[Respondent],
    rng: np.random.Generator,
) -> HumanControl:
    """Compare the structure of answers as oneself with that of the same respondents playing a human.

    Both matrices are cut to the respondents and the terms that they share, and grouped by the same function. What goes
    together is compared between sources and within responses, each level for itself.

    Parameters
    ----------
    own
        Responses by terms of respondents as themselves.
    human
        The same of the answers as a human.
    build
        Groups the terms of a matrix, always in the same way. Where it raises `DataError`, as on too few terms, the
        result says why there is no comparison.
    respondents
        All of them; their families and models tell what is independent.
    rng
        Source of the halves.

    Returns
    -------
    HumanControl

    References
    ----------
    Tucker (1951), A method for synthesis of factor analysis studies; Hubert & Arabie (1985), Comparing partitions.
    """
    both = set(own.respondent_ids) & set(human.respondent_ids)
    own, human = _of(own, both), _of(human, both)
    named, played = _named(own), _named(human)
    terms = tuple(t for t in own.terms if t in named and t in played)
    compared, reason = _Compared(), "no respondent has a readable response of both kinds"
    if both:
        try:
            compared = _compare(_on(own, terms), _on(human, terms), build, respondents, rng)
            reason = ""
        except DataError as error:
            reason = f"the answers cannot be compared ({str(error).rstrip('.')})"
    return HumanControl(
        respondent_ids=tuple(dict.fromkeys(own.respondent_ids)),
        n_responses=(len(own.response_ids), len(human.response_ids)),
        terms=terms,
        gained=tuple(sorted(named - played)),
        lost=tuple(sorted(played - named)),
        reason=reason,
        **compared._asdict(),
    )


def by_lists(respondents: Sequence[Respondent], n_groups: int) -> Build:
    """Return a function that parts terms into a number of groups by the lists alone, both levels counting alike.

    Embeddings have no part in it: the meaning of words is the same both ways and would make the groups alike.
    """

    def build(matrix: ResponseMatrix) -> NDArray[np.int64]:
        if len(matrix.terms) < 2 * n_groups:
            msg = f"Only {len(matrix.terms)} terms were named both ways, too few for {n_groups} groups."
            raise DataError(msg)
        sources = Sources.of(respondents, matrix.respondent_ids)
        evidence = gather(matrix, sources.units(), None).evidence
        views = affinities(evidence, np.ones(evidence.n_independent))
        levels = (0.0 if evidence.profile is None else 1.0, 1.0)
        (labels,) = partitions(views, levels, len(matrix.terms), [n_groups])
        return labels

    return build


class _Compared(NamedTuple):
    """The figures of a comparison; the fields are those of `HumanControl`."""

    as_self: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    as_human: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    adjusted_rand: float | None = None
    levels: tuple[LevelControl, ...] = ()
    verdict: str = ""


def _compare(
    own: ResponseMatrix,
    human: ResponseMatrix,
    build: Build,
    respondents: Sequence[Respondent],
    rng: np.random.Generator,
) -> _Compared:
    """Compare two matrices of the same terms and respondents."""
    as_self, as_human = (np.asarray(build(matrix), dtype=np.int64) for matrix in (own, human))
    sides = two_sides(own, human, respondents)
    congruences = _congruence_of_pairs(sides)
    halves = _congruence_of_halves(sides, rng)
    everybody = np.ones(len(sides[0].names))
    associations = [side.associations(everybody) for side in sides]
    levels, said = [], []
    for i, level in enumerate(sides[0].levels):
        loadings = [_loadings(a[i], as_self) for a in associations]
        groups = tuple(np.diag(congruence(*loadings)).tolist())
        levels.append(LevelControl(level, congruences[i], halves[i], groups))
        said.append(_verdict(level, halves[i], len(own.terms), len(everybody)))
    rand = compare_partitions(as_self, as_human).adjusted_rand
    return _Compared(as_self, as_human, rand, tuple(levels), " ".join(said))


def _congruence_of_pairs(sides: Sides) -> list[Estimate]:
    """Congruence of the associations of all pairs at each level, with an interval from leaving out units one by one.

    Units drawn with replacement would not do: a unit that is drawn twice says nothing new, so that resamples hold more
    noise than the answers themselves and agree less.
    """
    n_units, n_pairs = len(sides[0].names), len(sides[0].pairs[0])

    def found(weights: Array) -> Array:
        own, human = (side.of_pairs(weights) for side in sides)
        return _congruences(own, human)

    everybody = found(np.ones(n_units))
    if n_units < 3:
        reason = f"{'one unit has' if n_units == 1 else 'two units have'} no interval"
        return [Estimate(float(value), None, None, n_pairs, reason) for value in everybody]
    try:
        without = np.stack([found(weights) for weights in 1.0 - np.eye(n_units)])
    except DataError:
        reason = "without one of the units, nothing occurs together"
        return [Estimate(float(value), None, None, n_pairs, reason) for value in everybody]
    low, high = np.clip(jackknife_interval(everybody, without), -1.0, 1.0)
    return [
        Estimate(float(v), float(lo), float(hi), n_pairs)
        for v, lo, hi in zip(everybody, low, high, strict=True)
    ]


def _congruence_of_halves(sides: Sides, rng: np.random.Generator) -> list[HalfCongruence | None]:
    """Halve the answers by chance, again and again, and compare the halves at each level.

    Whole independent units are dealt where there are enough, the same way on both sides, and across is between
    the units of one half and those of the other: then nobody's habits are on both sides of a comparison.
    """
    n_units = len(sides[0].names)
    found = []
    for _ in range(N_HALVINGS):
        try:
            if n_units >= LEAST_INDEPENDENT:
                first = np.zeros(n_units)
                first[rng.permutation(n_units)[: n_units // 2]] = 1.0
                mine, played = ([side.of_pairs(part) for part in (first, 1.0 - first)] for side in sides)
            else:
                mine, played = (side.of_half_responses(rng) for side in sides)
        except DataError:  # Nothing occurs together in one of the halves.
            continue
        across = (_congruences(mine[0], played[1]) + _congruences(mine[1], played[0])) / 2
        found.append([_congruences(*mine), _congruences(*played), across])
    if not found:
        return [None] * len(sides[0].levels)
    return [HalfCongruence(*(float(v) for v in values)) for values in np.mean(found, axis=0).T]


def _congruences(own: Array, human: Array) -> Array:
    """Congruence of the pairs of two sides at each level, (n_levels,) of (n_levels, n_pairs)."""
    return np.array([congruence(a[:, None], b[:, None])[0, 0] for a, b in zip(own, human, strict=True)])


WHERE = {
    Level.BETWEEN: "Between sources, the ",
    Level.WITHIN: "Within responses, the ",
    Level.POOLED: "The ",
}


def _verdict(level: Level, halves: HalfCongruence | None, n_terms: int, n_units: int) -> str:
    """Say in a sentence what follows from the halves of both kinds of answers at a level."""
    shared = None if halves is None else halves.shared
    if halves is None or shared is None or min(halves.own, halves.human) < LEAST_OWN:
        told = "" if halves is None else f" (halves agree by {halves.own:.2f} and {halves.human:.2f})"
        return (
            f"{WHERE[level]}answers are too few, or vary too little, to tell a structure of the {n_terms} shared terms "
            f"from noise{told}; the control says nothing either way."
        )
    freed = f"{shared:.2f} of what is stable in it, freed of noise"
    structure = f"{WHERE[level]}structure is"
    if shared < OTHER:
        return f"{structure} another when the respondents answer as a human ({freed})."
    habits = (
        ""
        if n_units >= LEAST_INDEPENDENT
        else f" With {n_units} independent {'source' if n_units == 1 else 'sources'} it cannot be told from words that "
        "each of them names often both ways."
    )
    if shared >= SAME:
        alone = "" if habits else ": it is not theirs alone"
        return f"{structure} the same when the respondents answer as a human ({freed}){alone}.{habits}"
    return f"{structure} in part the same when the respondents answer as a human ({freed}).{habits}"


def _of(matrix: ResponseMatrix, respondents: set[str]) -> ResponseMatrix:
    """Return the responses of some respondents."""
    return matrix.of_rows([i for i, name in enumerate(matrix.respondent_ids) if name in respondents])


def _named(matrix: ResponseMatrix) -> set[str]:
    counts = matrix.named.of_each_column.tolist()
    return {term for term, n in zip(matrix.terms, counts, strict=True) if n}


def _on(matrix: ResponseMatrix, terms: tuple[str, ...]) -> ResponseMatrix:
    """Return a matrix of some of its terms; rows that name none of them stay, empty."""
    column = {term: j for j, term in enumerate(matrix.terms)}
    return matrix.of_terms([column[term] for term in terms])


def _loadings(association: Array, groups: NDArray[np.int64]) -> Array:
    """Mean association of each term with the members of each group, itself left out: (n_terms, n_groups)."""
    member = (groups[:, None] == np.arange(groups.max() + 1)).astype(np.float64)
    others = member.sum(axis=0) - member
    sums: Array = association @ member  # The diagonal of an association is 0.
    loadings: Array = np.divide(sums, others, out=np.zeros_like(sums), where=others > 0)
    return loadings
