"""Ask whether ratings follow the length or the sentiment of completions, and take that out.

Owns the covariates' names and levels, and the slope that is removed. Sentiment is computed elsewhere and passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW, Completion, RatingArray
from valuelex.domain.quality import ConfoundCheck, Level
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.quality_correlation import correlation_estimates
from valuelex.stages.quality_table import (
    FEW_RESPONDENTS,
    RatingTable,
    cell_means,
    deviations,
    respondent_means,
    unknown,
)
from valuelex.stats.unit_correlations import UnitCorrelations

Array = NDArray[np.float64]
_NO_SPREAD = 1e-10


def log_lengths(completions: Sequence[Completion]) -> Array:
    """Natural logarithm of the number of words of each completion: (n_completions,); NaN where one is missing.

    Words are what white space separates. In logarithms, since twenty words more mean less for a long answer.
    """
    words = [len(c.text.split()) if c.missing is None else 0 for c in completions]
    return np.array([np.log(n) if n else np.nan for n in words])


def check_confounds(
    table: RatingTable, covariates: Mapping[str, Array], weights: tuple[Array, Array]
) -> tuple[ConfoundCheck, ...]:
    """Correlate ratings with each covariate: over completions, within respondents and stems, and over respondents.

    Parameters
    ----------
    table
        Ratings; several judges count as a panel.
    covariates
        For each name (n_completions,) values, NaN where there is none.
    weights
        Resamples of the units of respondents, and of the clusters of completions.
    """
    found = []
    for name, values in covariates.items():
        found += _check(table, name, values, weights)
    return tuple(found)


def remove_confounds(
    ratings: RatingArray, covariates: Mapping[str, Array], names: Sequence[str]
) -> RatingArray:
    """Take from every rating what its completion's covariates explain.

    The slopes are estimated within respondents and stems, pooled over them: by least squares of the ratings on
    the covariates after what each respondent and each stem have in common is taken out of both. So a
    respondent that writes longer and also holds a value dearer does not make the slope; only that a longer
    completion of the same respondent on a like stem is rated otherwise does. What is taken off is the slope
    times the distance to the mean covariate; the mean of each subdimension stays.

    Parameters
    ----------
    ratings
        One judge's, or a panel's.
    covariates
        For each name (n_completions,) values. NaN where there is none: that rating stays as it is.
    names
        Which of them to take out; together, so that each has the other's part removed.

    Returns
    -------
    RatingArray
        Of the same judge, held within 0 to 6, with the same reasons where ratings are missing. A covariate that
        does not vary within respondents and stems takes nothing off.

    Raises
    ------
    DataError
        If a name is unknown or a covariate has the wrong length.
    """
    x = _chosen(covariates, names, len(ratings.completions))
    if not x.shape[1]:
        return ratings
    codes = [
        np.unique(labels, return_inverse=True)[1]
        for labels in (
            [c.respondent_id for c in ratings.completions],
            [c.stem_id for c in ratings.completions],
        )
    ]
    values = ratings.values.copy()
    for k, column in enumerate(ratings.values.T):
        used = np.flatnonzero(~(np.isnan(column) | np.isnan(x).any(axis=1)))
        if used.size < 2:
            continue
        own = [np.unique(code[used], return_inverse=True)[1] for code in codes]
        left = deviations(np.column_stack([column[used], x[used]]), own)
        slopes = _slopes(left[:, 0], left[:, 1:], x[used])
        values[used, k] = column[used] - (x[used] - x[used].mean(axis=0)) @ slopes
    return RatingArray(
        judge=ratings.judge,
        system=ratings.system,
        values=np.clip(values, SCALE_LOW, SCALE_HIGH),
        missing=ratings.missing,
        completions=ratings.completions,
        subdimensions=ratings.subdimensions,
    )


def _chosen(covariates: Mapping[str, Array], names: Sequence[str], n: int) -> Array:
    """(n, n_names) covariates by name."""
    strange = [name for name in names if name not in covariates]
    if strange:
        msg = f"Covariate {strange[0]!r} is not known; there are {', '.join(map(repr, covariates))}."
        raise DataError(msg)
    for name in names:
        if covariates[name].shape != (n,):
            msg = f"Covariate {name!r} has shape {covariates[name].shape}; give one value for each of {n} completions."
            raise DataError(msg)
    return np.stack([covariates[name] for name in names], axis=1) if names else np.empty((n, 0))


def _slopes(rating: Array, left: Array, x: Array) -> Array:
    """Least-squares slopes (n_covariates,); 0 for a covariate that has no spread left within."""
    spread = (left**2).mean(axis=0) > _NO_SPREAD * np.maximum(x.var(axis=0), _NO_SPREAD)
    slopes = np.zeros(x.shape[1])
    if spread.any():
        slopes[spread] = np.linalg.lstsq(left[:, spread], rating, rcond=None)[0]
    return slopes


def _check(table: RatingTable, name: str, values: Array, weights: tuple[Array, Array]) -> list[ConfoundCheck]:
    ratings = table.panel
    both = np.where(np.isnan(ratings), np.nan, values[:, None])
    own = np.where(np.isnan(both), np.nan, ratings)
    facets = [table.respondent, table.stem]
    scores = [respondent_means(cell_means(table, part)) for part in (own, both)]
    few = len(table.respondents) < FEW_RESPONDENTS
    levels: list[tuple[Level, Array, Array, NDArray[np.int64], Array]] = [
        ("completion", own, both, table.cluster, weights[1]),
        ("within", deviations(own, facets), deviations(both, facets), table.cluster, weights[1]),
        ("respondent", scores[0], scores[1], table.unit, weights[0]),
    ]
    found = []
    for level, a, b, unit, resamples in levels:
        if level == "respondent" and few:
            reason = (
                f"{count(len(table.respondents), 'respondent is', 'respondents are')} too few; {FEW_RESPONDENTS} are "
                "needed."
            )
            estimates = [unknown(reason, len(table.respondents))] * len(table.subdimensions)
        else:
            estimates = correlation_estimates(UnitCorrelations.of(a, b, unit), resamples)
        found += [
            ConfoundCheck(name, level, target, r)
            for target, r in zip(table.subdimensions, estimates, strict=True)
        ]
    return found
