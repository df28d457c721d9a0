"""Look at single stems: level, spread, ceiling and floor, and whether they tell respondents apart.

Owns the item statistics. Cronbach's alpha and the item statistics of complete tables are in
`valuelex.stats.reliability`; tests of language models have gaps, which those refuse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import Item
from valuelex.domain.wording import count
from valuelex.stages.quality_table import FEW_RESPONDENTS, RatingTable, cell_means, mean_present
from valuelex.stages.score import number_or_none
from valuelex.stats.unit_correlations import UnitCorrelations

Array = NDArray[np.float64]
CEILING, FLOOR = 5.5, 0.5
"""Ratings from the one on, and up to the other, are at an end of the scale: they round to 6 or 0."""
N_WEAKEST = 10
"""How many stems are named as discriminating least."""


def describe_items(table: RatingTable) -> tuple[Item, ...]:
    """Describe every stem on every subdimension, stem by stem."""
    means = cell_means(table, table.panel)
    discrimination, n_respondents = item_rest(means)
    found = []
    for s, stem in enumerate(table.stems):
        own = table.panel[table.stem == s]
        for k, subdimension in enumerate(table.subdimensions):
            rated = own[~np.isnan(own[:, k]), k]
            n = int((~np.isnan(means[:, s, k])).sum())
            value = number_or_none(discrimination[s, k])
            found.append(
                Item(
                    stem_id=stem.id,
                    kind=str(stem.kind),
                    theme=stem.theme,
                    form=stem.form,
                    subdimension=subdimension,
                    n_respondents=n,
                    mean=float(rated.mean()) if rated.size else None,
                    sd=float(rated.std(ddof=1)) if rated.size > 1 else None,
                    ceiling=float((rated >= CEILING).mean()) if rated.size else None,
                    floor=float((rated <= FLOOR).mean()) if rated.size else None,
                    missing=1 - rated.size / len(own),
                    discrimination=value,
                    reason="" if value is not None else _why(int(n_respondents[s, k])),
                )
            )
    return tuple(found)


def weakest_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """Return the stems that discriminate least on a subdimension, worst first."""
    told = [(item.discrimination, i) for i, item in enumerate(items) if item.discrimination is not None]
    return tuple(items[i] for _, i in sorted(told)[:N_WEAKEST])


def item_rest(means: Array) -> tuple[Array, NDArray[np.int64]]:
    """Correlate each stem over respondents with their mean on the other stems.

    Parameters
    ----------
    means : (n_respondents, n_stems, k)
        NaN where a respondent has no rating. The others' mean is over deviations from the mean of
        each stem, so that lost stems do not move it.

    Returns
    -------
    discrimination : (n_stems, k)
        -1 to 1. NaN with fewer than `FEW_RESPONDENTS` respondents, or where either side does not vary.
    n_respondents : (n_stems, k)
        With a rating on the stem and on another.
    """
    deviation = means - mean_present(means, axis=0)
    present = ~np.isnan(deviation)
    known = np.where(present, deviation, 0.0)
    others = present.sum(axis=1, keepdims=True) - present
    rest = np.divide(
        known.sum(axis=1, keepdims=True) - known, others, out=np.full(means.shape, np.nan), where=others > 0
    )
    n_respondents, n_stems, width = means.shape
    flat = (n_respondents, n_stems * width)
    pairs = UnitCorrelations.of(means.reshape(flat), rest.reshape(flat), np.arange(n_respondents))
    values = np.where(pairs.counts >= FEW_RESPONDENTS, pairs.everything(), np.nan)
    return values.reshape(n_stems, width), pairs.counts.reshape(n_stems, width)


def _why(n_respondents: int) -> str:
    if n_respondents < FEW_RESPONDENTS:
        return (
            f"{count(n_respondents, 'respondent has', 'respondents have')} this stem and another; {FEW_RESPONDENTS} "
            "are needed."
        )
    return "Respondents do not differ on this stem or on the others."
