"""Tell what ratings of terms are worth: the units behind them, agreement of prompts, and what limits them.

Owns the conditions and the wording of warnings. Reads no replies and groups no terms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import Estimate
from valuelex.domain.rated_terms import RatedProfiles, RatedTerms
from valuelex.domain.sources import Sources, Units
from valuelex.domain.study import Respondent, Study
from valuelex.domain.term_ratings import RatedMatrix, TermRating
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.caveats import resampling_units
from valuelex.stages.rated_profiles import expected_cells, rated_profiles
from valuelex.stats.bootstrap import bootstrap, resample_units

Array = NDArray[np.float64]
RESAMPLES = 1000


def conclude_terms(
    study: Study, ratings: Sequence[TermRating], matrix: RatedMatrix, rng: np.random.Generator
) -> RatedTerms:
    """Gather all that ratings of terms tell.

    Parameters
    ----------
    study
        The study that asked for them.
    ratings, matrix
        As from `read_term_ratings` and `rated_matrix`.
    rng
        Source of the resamples of the interval of `consistency`.
    """
    unit_of, unit, units = profiled_units(study.respondents, matrix.respondent_ids)
    profiles: RatedProfiles | None = None
    reason = ""
    try:
        profiles = rated_profiles(matrix, unit_of)
        left = set(profiles.respondents_left_out)
        kept = [name for name in matrix.respondent_ids if name not in left]
        units = profiled_units(study.respondents, kept)[2]
    except DataError as error:
        reason = str(error)
    told = {r.respondent_id for r in ratings if r.on_scale is not None}
    by_probabilities = tuple(name for name in matrix.respondent_ids if name in told)
    return RatedTerms(
        matrix=matrix,
        unit=unit,
        units=units,
        profiles=profiles,
        reason=reason,
        consistency=prompt_consistency(ratings, matrix, resampling_units(study)[0], rng),
        by_probabilities=by_probabilities,
        warnings=_warnings(study, matrix, profiles, unit, by_probabilities),
    )


def profiled_units(
    respondents: Sequence[Respondent], kept: Sequence[str]
) -> tuple[dict[str, str], Literal["models", "respondents"], Units]:
    """Tell whose profiles are compared, and which of them are independent.

    A profile is a model's where models or their families are enough to be independent units, else a respondent's.

    Parameters
    ----------
    respondents
        All that were asked.
    kept
        Ids of those with ratings enough.

    Returns
    -------
    unit_of
        Of each respondent, the unit that its ratings count for.
    unit
        What units are.
    units
        For each unit of those that are kept, in the order of their first respondents, what is independent.
    """
    sources = Sources.of(respondents, [r.id for r in respondents])
    units = sources.units()
    owners = dict(zip(sources.models, units.independent_of, strict=True))
    whole = all(owners[m] == i for m, i in zip(sources.models, units.independent_of, strict=True))
    by_model = units.independent != "respondents" and whole
    labels = sources.models if by_model else sources.respondents
    unit_of = dict(zip(sources.respondents, labels, strict=True))
    held = dict(zip(labels, units.independent_of, strict=True))
    rows = dict.fromkeys(unit_of[name] for name in kept)
    independent = Units(units.independent, tuple(held[unit] for unit in rows), "", ())
    return unit_of, "models" if by_model else "respondents", independent


def prompt_consistency(
    ratings: Sequence[TermRating],
    matrix: RatedMatrix,
    resampled: Mapping[str, str],
    rng: np.random.Generator,
) -> Estimate:
    """Cronbach's alpha over prompts of the cells of respondents by terms, freed of row and column.

    The ratings of each prompt are centred by respondent and by term before, so that neither words that all value nor
    respondents that rate high make prompts agree.

    Parameters
    ----------
    ratings, matrix
        Ratings, and the matrix of their means.
    resampled
        The independent unit of each respondent, over which the interval is.
    rng
        Source of the resamples.

    Returns
    -------
    Estimate
        At most 1; n counts cells. None with the reason where there is a single prompt or nothing varies.

    References
    ----------
    Cronbach (1951), Coefficient alpha and the internal structure of tests.
    """
    by_prompt = _by_prompt(ratings, matrix)
    n_cells = matrix.values.size
    if len(by_prompt) < 2:
        return Estimate(None, None, None, n_cells, "one prompt cannot agree with itself")
    cells = np.stack([_interaction(values) for values in by_prompt], axis=2)
    number = {unit: i for i, unit in enumerate(dict.fromkeys(resampled[r] for r in matrix.respondent_ids))}
    member = np.eye(len(number))[[number[resampled[r]] for r in matrix.respondent_ids]]
    products = member.T @ np.einsum("rtp,rtq->rpq", cells, cells).reshape(len(cells), -1)

    def alpha(weights: Array) -> Array:
        summed = (weights @ products).reshape(len(weights), cells.shape[2], cells.shape[2])
        return _alpha(summed)[:, None]

    everybody = float(alpha(np.ones((1, len(number))))[0, 0])
    if np.isnan(everybody):
        return Estimate(None, None, None, n_cells, "nothing varies but terms and respondents as wholes")
    if len(number) < 2:
        return Estimate(everybody, None, None, n_cells, "one unit has no interval")
    found = bootstrap(alpha, resample_units(len(number), RESAMPLES, rng))
    low, high = (float(end[0]) if np.isfinite(end[0]) else None for end in (found.low, found.high))
    return Estimate(everybody, low, high, n_cells)


def _alpha(products: Array) -> Array:
    """Cronbach's alpha of items whose mean is 0, from stacks of their sums of products: (..., k, k) to (...)."""
    k = products.shape[-1]
    own = np.trace(products, axis1=-2, axis2=-1)
    total = products.sum(axis=(-2, -1))
    share = np.divide(own, total, out=np.full(total.shape, np.nan), where=total > 1e-12 * own)
    alpha: Array = k / (k - 1) * (1 - share)
    return alpha


def _by_prompt(ratings: Sequence[TermRating], matrix: RatedMatrix) -> list[Array]:
    """Return the mean of each cell over draws, for each prompt: (n_respondents, n_terms), NaN where there is none."""
    row = {name: i for i, name in enumerate(matrix.respondent_ids)}
    column = {term: i for i, term in enumerate(matrix.terms)}
    prompt = {name: p for p, name in enumerate(dict.fromkeys(r.prompt_id for r in ratings))}
    total = np.zeros((len(prompt), *matrix.values.shape))
    n = np.zeros_like(total)
    for rating in ratings:
        if rating.rating is not None:
            at = (prompt[rating.prompt_id], row[rating.respondent_id], column[rating.term])
            total[at] += rating.rating
            n[at] += 1
    return list(np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0))


def _interaction(values: Array) -> Array:
    """Return what row and column do not explain; 0 where there is no value."""
    rest: Array = np.where(np.isnan(values), 0.0, values - expected_cells(values))
    return rest


def _warnings(
    study: Study,
    matrix: RatedMatrix,
    profiles: RatedProfiles | None,
    unit: str,
    by_probabilities: Sequence[str],
) -> tuple[str, ...]:
    sentences = []
    n_models = len({(r.model.label, r.model.revision) for r in study.respondents})
    if unit == "respondents" and len(study.respondents) > 1:
        models = "one model" if n_models == 1 else count(n_models, "model")
        sentences.append(
            f"The {len(study.respondents)} respondents who rated terms come from {models}: what goes together between "
            "them goes together between settings and personas, and says nothing of other models."
        )
    asked = Counter(
        (r.model.label, r.model.revision, r.api, r.subject, r.prefill, r.reasoning_effort)
        for r in study.respondents
        if r.id in set(by_probabilities)
    )
    n_alike = sum(n for n in asked.values() if n > 1)
    if n_alike:
        sentences.append(
            f"{n_alike} respondents differ from another in temperature or top_p alone. Endpoints commonly tell token "
            "probabilities as they are before these settings, so that they are the same case more than once; set "
            "[elicit] probabilities = false to read what they write."
        )
    if by_probabilities and len(by_probabilities) < len(matrix.respondent_ids):
        n_written = len(matrix.respondent_ids) - len(by_probabilities)
        sentences.append(
            f"{count(len(by_probabilities), 'respondent is', 'respondents are')} rated by token probabilities and "
            f"{n_written} by the number they wrote: means of the first lie nearer the middle, so a contrast of the "
            "two is one of ways of reading."
        )
    total, n = int(matrix.n_asked.sum()), int(matrix.n.sum())
    if 2 * n < total:
        sentences.append(f"Less than half of the ratings could be read ({n} of {total}).")
    if profiles is not None and profiles.respondents_left_out:
        left = profiles.respondents_left_out
        sentences.append(
            f"{count(len(left), 'respondent')} rated less than half of the terms, left out of the profiles (first: "
            f"{left[0]!r})."
        )
    return tuple(sentences)
