"""Ask respondents once more as if they were human, and compare what structure comes of it.

Owns the calls of the control, who is asked, and the comparison. How terms are grouped is given. Reads
responses and terms by the very same rules as the answers that respondents give as themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Call
from valuelex.domain.human_control import HalfCongruence, HumanControl
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.quality import Estimate
from valuelex.domain.sources import LEAST_INDEPENDENT, Sources
from valuelex.domain.study import Respondent, Study
from valuelex.errors import DataError
from valuelex.stages.elicit import plan_lists
from valuelex.stages.material import gather
from valuelex.stages.term_lists import term_lists
from valuelex.stats.bootstrap import bootstrap, resample_units
from valuelex.stats.congruence import congruence
from valuelex.stats.cooccurrence import cooccurrence, margin_residual, standardise_pairs
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
    unit_of: Mapping[str, str],
    rng: np.random.Generator,
    n_resamples: int = 1000,
) -> HumanControl:
    """Compare the structure of answers as oneself with that of the same respondents playing a human.

    Both matrices are cut to the respondents and the terms that they share, and grouped by the same function.

    Parameters
    ----------
    own
        Responses by terms of respondents as themselves.
    human
        The same of the answers as a human.
    build
        Groups the terms of a matrix, always in the same way. Where it raises `DataError`, as on too few terms, the
        result says why there is no comparison.
    unit_of
        What is resampled and halved of each respondent: its family, its model, or itself.
    rng
        Source of the resamples.
    n_resamples
        For the interval of `pair_congruence`; at least 100.

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
            own, human = _on(own, terms), _on(human, terms)
            compared = _compare(own, human, build)._replace(
                pair_congruence=_congruence_of_pairs(own, human, unit_of, rng, n_resamples),
                halves=_congruence_of_halves(own, human, unit_of, rng),
            )
            reason = ""
        except DataError as error:
            reason = f"the answers cannot be compared ({str(error).rstrip('.')})"
    return HumanControl(
        respondent_ids=tuple(dict.fromkeys(own.respondent_ids)),
        n_responses=(len(own.response_ids), len(human.response_ids)),
        terms=terms,
        gained=tuple(sorted(named - played)),
        lost=tuple(sorted(played - named)),
        verdict=_verdict(compared.halves, len(terms), len({unit_of[r] for r in both})) if not reason else "",
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
    pair_congruence: Estimate = Estimate(None, None, None, 0)
    halves: HalfCongruence | None = None
    group_congruence: tuple[float, ...] = ()


def _compare(own: ResponseMatrix, human: ResponseMatrix, build: Build) -> _Compared:
    """Compare two matrices of the same terms."""
    associations = [_association(matrix) for matrix in (own, human)]
    as_self, as_human = (np.asarray(build(matrix), dtype=np.int64) for matrix in (own, human))
    loadings = [_loadings(association, as_self) for association in associations]
    return _Compared(
        as_self,
        as_human,
        compare_partitions(as_self, as_human).adjusted_rand,
        group_congruence=tuple(np.diag(congruence(*loadings)).tolist()),
    )


def _congruence_of_pairs(
    own: ResponseMatrix,
    human: ResponseMatrix,
    unit_of: Mapping[str, str],
    rng: np.random.Generator,
    n_resamples: int,
) -> Estimate:
    """Congruence of the associations of all pairs; units are drawn together for both matrices."""
    number = {name: i for i, name in enumerate(dict.fromkeys(unit_of[r] for r in own.respondent_ids))}
    units = [np.array([number[unit_of[r]] for r in m.respondent_ids]) for m in (own, human)]
    upper = np.triu_indices(len(own.terms), 1)

    def statistic(weights: Array) -> Array:
        found = np.full((len(weights), 1), np.nan)
        for i, drawn in enumerate(weights):
            try:
                sides = [
                    _association(m, drawn[unit])[upper] for m, unit in zip((own, human), units, strict=True)
                ]
            except DataError:  # Nothing occurs together in the lists that were drawn.
                continue
            found[i] = congruence(sides[0][:, None], sides[1][:, None])[0, 0]
        return found

    everybody = float(statistic(np.ones((1, len(number))))[0, 0])
    if np.isnan(everybody):
        raise DataError("No list holds two of the terms that are named both ways.")
    if len(number) < 2:
        return Estimate(everybody, None, None, len(upper[0]), "one unit has no interval")
    drawn = resample_units(len(number), n_resamples, rng)
    found = bootstrap(statistic, drawn, method="percentile")
    low, high = (float(end[0]) if np.isfinite(end[0]) else None for end in (found.low, found.high))
    return Estimate(everybody, low, high, len(upper[0]))


def _verdict(halves: HalfCongruence | None, n_terms: int, n_units: int) -> str:
    shared = None if halves is None else halves.shared
    if halves is None or shared is None or min(halves.own, halves.human) < LEAST_OWN:
        told = "" if halves is None else f" (halves agree by {halves.own:.2f} and {halves.human:.2f})"
        return (
            f"The answers are too few to tell a structure of the {n_terms} shared terms from noise{told}; the control "
            "says nothing either way."
        )
    freed = f"{shared:.2f} of what is stable in it, freed of noise"
    if shared < OTHER:
        return f"The structure is another when the respondents answer as a human ({freed})."
    habits = (
        ""
        if n_units >= LEAST_INDEPENDENT
        else f" With {n_units} independent {'source' if n_units == 1 else 'sources'} it cannot be told from words that "
        "each of them names often both ways."
    )
    if shared >= SAME:
        alone = "" if habits else ": it is not theirs alone"
        return f"The structure is the same when the respondents answer as a human ({freed}){alone}.{habits}"
    return f"The structure is in part the same when the respondents answer as a human ({freed}).{habits}"


def _congruence_of_halves(
    own: ResponseMatrix, human: ResponseMatrix, unit_of: Mapping[str, str], rng: np.random.Generator
) -> HalfCongruence | None:
    """Halve the answers by chance, again and again, and compare the halves.

    Whole independent units are dealt where there are enough, the same way on both sides, and across is between
    the units of one half and those of the other: then nobody's habits are on both sides of a comparison.
    """
    upper = np.triu_indices(len(own.terms), 1)
    names = list(dict.fromkeys(unit_of[r] for r in own.respondent_ids))
    found = []
    for _ in range(N_HALVINGS):
        if len(names) >= LEAST_INDEPENDENT:
            first = set(rng.permutation(names)[: len(names) // 2].tolist())
            dealt = [_dealt([unit_of[r] in first for r in m.respondent_ids]) for m in (own, human)]
        else:
            dealt = [_halves(m, rng) for m in (own, human)]
        try:
            mine, played = (
                [_association(m, weights)[upper][:, None] for weights in halves]
                for m, halves in zip((own, human), dealt, strict=True)
            )
        except DataError:  # Nothing occurs together in one of the halves.
            continue
        across = [congruence(mine[i], played[1 - i])[0, 0] for i in (0, 1)]
        found.append([*(congruence(*halves)[0, 0] for halves in (mine, played)), (across[0] + across[1]) / 2])
    if not found:
        return None
    return HalfCongruence(*np.mean(found, axis=0).tolist())


def _halves(matrix: ResponseMatrix, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return weights of 0 and 1, and the others, which halve the responses of each respondent."""
    first = np.zeros(len(matrix.response_ids), dtype=np.bool_)
    who = np.asarray(matrix.respondent_ids)
    for name in dict.fromkeys(matrix.respondent_ids):
        own = rng.permutation(np.flatnonzero(who == name))
        n_first = (len(own) + int(rng.integers(2))) // 2  # An odd one falls on either side.
        first[own[:n_first]] = True
    return _dealt(first.tolist())


def _dealt(first: Sequence[bool]) -> tuple[Array, Array]:
    """Return weights of 1 for the responses of the first half, and of the second."""
    weights = np.asarray(first, dtype=np.float64)
    return weights, 1.0 - weights


def _of(matrix: ResponseMatrix, respondents: set[str]) -> ResponseMatrix:
    """Return the responses of some respondents."""
    kept = [i for i, name in enumerate(matrix.respondent_ids) if name in respondents]
    return matrix.of_rows(kept)


def _named(matrix: ResponseMatrix) -> set[str]:
    counts = matrix.named.of_each_column.tolist()
    return {term for term, n in zip(matrix.terms, counts, strict=True) if n}


def _on(matrix: ResponseMatrix, terms: tuple[str, ...]) -> ResponseMatrix:
    """Return a matrix of some of its terms; rows that name none of them stay, empty."""
    column = {term: j for j, term in enumerate(matrix.terms)}
    return matrix.of_terms([column[term] for term in terms])


def _association(matrix: ResponseMatrix, weights: Array | None = None) -> Array:
    """Margin residuals of all pairs, brought to mean 0: what is common to all pairs makes no structures alike."""
    lengths = matrix.named.of_each_row.astype(np.float64)
    return standardise_pairs(margin_residual(cooccurrence(term_lists(matrix), weights), lengths, weights))


def _loadings(association: Array, groups: NDArray[np.int64]) -> Array:
    """Mean association of each term with the members of each group, itself left out: (n_terms, n_groups)."""
    member = (groups[:, None] == np.arange(groups.max() + 1)).astype(np.float64)
    others = member.sum(axis=0) - member
    sums: Array = association @ member  # The diagonal of an association is 0.
    loadings: Array = np.divide(sums, others, out=np.zeros_like(sums), where=others > 0)
    return loadings
