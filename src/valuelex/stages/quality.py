"""Ask of the projective test what a referee asks of an instrument, from the ratings of all judges on one system.

Joins the checks: components of variance and precision, stems, reliability, judges, halo, confounds, warnings.
Each of them is in a module of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import PANEL, RatingArray, Stem
from valuelex.domain.quality import ALL, DecisionTable, Quality
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import JudgePlan, Respondent
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.components import measure_components
from valuelex.stages.confounds import check_confounds, log_lengths
from valuelex.stages.halo import measure_halo, profiles
from valuelex.stages.items import describe_items, weakest_items
from valuelex.stages.quality_judges import compare_judges
from valuelex.stages.quality_reliability import measure_reliability
from valuelex.stages.quality_table import RatingTable, lay_out
from valuelex.stages.quality_warnings import quality_warnings
from valuelex.stages.severity import LEAST_SHARED, panel_members
from valuelex.stats.bootstrap import resample_units

Array = NDArray[np.float64]


def measure_quality(
    ratings: Sequence[RatingArray],
    system: ValueSystem,
    respondents: Sequence[Respondent],
    stems: Sequence[Stem],
    sentiment: Array,
    n_resamples: int,
    rng: np.random.Generator,
    judges: Sequence[JudgePlan] = (),
) -> Quality:
    """Check how well the test measures on one value system.

    Parameters
    ----------
    ratings
        One array for each judge, over the same completions; a panel among them is left out.
    system
        The value system of the ratings.
    respondents, stems
        Of the study; those without a completion are left out.
    sentiment : (n_completions,)
        From -1 to 1, NaN where it is not known.
    n_resamples
        Resamples behind intervals, at least 100.
    rng
        Source of the resamples and of random halves.
    judges
        As in the study, to tell which share a family with respondents.

    Returns
    -------
    Quality
        Several judges count as a panel, freed of severity, except where judges are compared or are a facet. With
        one respondent, stem, judge or draw that facet is left out, and a sentence says what cannot be told.

    Raises
    ------
    DataError
        If nothing was rated, arrays have different labels or another system, or `sentiment` has the
        wrong length or lies outside -1 to 1.
    """
    judged = [array for array in ratings if array.judge != PANEL]
    members = panel_members(judged) if judged else ()
    table = lay_out(members, respondents, stems)
    completions = ratings[0].completions
    _refuse_other_system(table, system)
    covariates = {"length": log_lengths(completions), "sentiment": _sentiment(sentiment, table)}
    weights = _weights(table.unit, n_resamples, rng), _weights(table.cluster, n_resamples, rng)
    components, decisions = measure_components(table)
    items = describe_items(table)
    pairs, agreements, severities = compare_judges(table, n_resamples, rng)
    halos, discriminances = measure_halo(table, system, weights, _mean_reliability(decisions), rng)
    quality = Quality(
        system=table.system,
        judges=table.judges,
        n_respondents=len(table.respondents),
        n_stems=len(table.stems),
        n_draws=int(np.bincount(table.cell).max()),
        n_completions=table.n_completions,
        resampled=table.resampled,
        clustered=table.clustered,
        components=components,
        decisions=decisions,
        items=items,
        weakest=weakest_items(items),
        reliabilities=measure_reliability(table, weights[0], rng),
        pairs=pairs,
        agreements=agreements,
        severities=severities,
        halos=halos,
        discriminances=discriminances,
        profiles=profiles(table),
        confounds=check_confounds(table, _known(covariates), weights),
    )
    joined = {array.judge for array in members}
    left_out = (array for array in judged if array.judge not in joined)
    said = tuple(_left_out(array) for array in left_out)
    return replace(quality, warnings=(*said, *quality_warnings(quality, system, respondents, judges)))


def _left_out(array: RatingArray) -> str:
    n = int((~np.isnan(array.values)).any(axis=1).sum())
    if not n:
        return f"Judge {array.judge!r} rated nothing, and is left out of all figures."
    return (
        f"Judge {array.judge!r} rated {count(n, 'completion')} and shares fewer than {LEAST_SHARED} of them with the "
        "judge of most ratings: it is left out of the panel and of these figures. Let it rate more of the same "
        "completions."
    )


def _weights(unit: NDArray[np.int64], n_resamples: int, rng: np.random.Generator) -> Array:
    """Resamples of units; a single unit has nothing to resample, and every statistic then goes without interval."""
    n_units = int(unit.max()) + 1
    return resample_units(n_units, n_resamples, rng) if n_units > 1 else np.ones((1, 1))


def _refuse_other_system(table: RatingTable, system: ValueSystem) -> None:
    own = tuple(s.id for s in system.subdimensions)
    if table.system != system.name or set(table.subdimensions) != set(own):
        msg = (
            f"The ratings are on {table.system!r} ({', '.join(table.subdimensions)}), the system given is "
            f"{system.name!r} ({', '.join(own)}); pass the system that was rated."
        )
        raise DataError(msg)


def _sentiment(sentiment: Array, table: RatingTable) -> Array:
    if sentiment.shape != (table.n_completions,):
        msg = (
            f"sentiment has shape {sentiment.shape}, but there are {table.n_completions} completions; give one number "
            "for each, NaN where it is not known."
        )
        raise DataError(msg)
    outside = np.flatnonzero(np.abs(sentiment) > 1)
    if outside.size:
        msg = (
            f"{outside.size} sentiments lie outside -1 to 1 (first: {sentiment[outside[0]]:g}); rescale them."
        )
        raise DataError(msg)
    return sentiment


def _known(covariates: Mapping[str, Array]) -> dict[str, Array]:
    """Leave out a covariate that is known of no completion."""
    return {name: values for name, values in covariates.items() if not np.isnan(values).all()}


def _mean_reliability(decisions: Sequence[DecisionTable]) -> float | None:
    """Mean generalizability of the subdimensions' scores, None where none is known."""
    values = [
        d.present.generalizability.value
        for d in decisions
        if d.target != ALL and d.scores == "raw" and d.present is not None
    ]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
