"""Lay the ratings of all judges out for the checks of measurement, with codes for who, what and how often.

Owns the alignment of judges, the independent units, and means and deviations over cells. The checks themselves
are in the modules that `valuelex.stages.quality` joins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import PANEL, RatingArray, Stem
from valuelex.domain.quality import Estimate
from valuelex.domain.sources import Sources
from valuelex.domain.study import Respondent
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.score import number_or_none
from valuelex.stages.severity import refuse_different, remove_severity
from valuelex.stats.unit_statistics import sum_by_unit

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
FEW_RESPONDENTS = 5
"""Fewest respondents for a correlation over them: with 4 even .9 lies within chance (95 % interval of r = .9 at
n = 4 by Fisher's z: -.46 to 1)."""
ENOUGH_CLUSTERS = 10
"""Respondents or families from which on intervals over completions resample them; with fewer they resample stems,
if there are more of those, since a studentised interval needs about ten units."""
_MOST_SWEEPS = 500
_STILL = 1e-10


@dataclass(frozen=True, slots=True)
class RatingTable:
    """Ratings of all judges on one system and where each belongs.

    `values` are (n_judges, n_completions, n_subdimensions), NaN where missing; `panel` is
    (n_completions, n_subdimensions): the one judge, or all of them freed of severity. Codes are numbers
    from 0 of (n_completions,). `unit` numbers what is independent among respondents: (n_respondents,).
    """

    system: str
    judges: tuple[str, ...]
    values: Array
    panel: Array
    subdimensions: tuple[str, ...]
    respondents: tuple[Respondent, ...]
    stems: tuple[Stem, ...]
    respondent: Codes
    stem: Codes
    draw: Codes
    wording: Codes
    unit: Codes
    resampled: str
    cluster: Codes
    clustered: str

    @property
    def n_completions(self) -> int:
        """Number of completions, missing ones among them."""
        return len(self.respondent)

    @property
    def cell(self) -> Codes:
        """Number of the cell, respondent and stem, of each completion."""
        return self.respondent * len(self.stems) + self.stem


def lay_out(
    ratings: Sequence[RatingArray], respondents: Sequence[Respondent], stems: Sequence[Stem]
) -> RatingTable:
    """Align the arrays of all judges; the panel among them is left out, since it is no judge.

    Respondents and stems without a completion are left out; the others keep their order.

    Raises
    ------
    DataError
        If no judge is left, labels differ between judges, a completion names an unknown
        respondent or stem, or nothing at all was rated.
    """
    own = [array for array in ratings if array.judge != PANEL]
    refuse_different(own)
    completions = own[0].completions
    values = np.stack([array.values for array in own])
    if np.isnan(values).all():
        msg = (
            f"None of {count(len(completions), 'completion')} has a rating on {own[0].system!r} by any of "
            f"{count(len(own), 'judge')}, so nothing can be said about the measurement; look at the missing reasons."
        )
        raise DataError(msg)
    who = [c.respondent_id for c in completions]
    what = [c.stem_id for c in completions]
    asked = tuple(r for r in respondents if r.id in set(who))
    used = tuple(s for s in stems if s.id in set(what))
    respondent, stem = (
        _code(who, [r.id for r in asked], "respondent"),
        _code(what, [s.id for s in used], "stem"),
    )
    independent = Sources.of(asked, [r.id for r in asked]).units()
    names = list(dict.fromkeys(independent.independent_of))
    unit = np.array([names.index(name) for name in independent.independent_of])
    by_stem = int(unit.max()) + 1 < min(ENOUGH_CLUSTERS, len(used))
    resampled = independent.independent
    return RatingTable(
        system=own[0].system,
        judges=tuple(array.judge for array in own),
        values=values,
        panel=values[0] if len(own) == 1 else remove_severity(own).values,
        subdimensions=own[0].subdimensions,
        respondents=asked,
        stems=used,
        respondent=respondent,
        stem=stem,
        draw=np.array([c.draw for c in completions], dtype=np.int64),
        wording=np.array([c.wording for c in completions], dtype=np.int64),
        unit=unit,
        resampled=resampled,
        cluster=stem if by_stem else unit[respondent],
        clustered="stems" if by_stem else resampled,
    )


def cell_means(table: RatingTable, values: Array) -> Array:
    """Mean over completions of (n_completions, k) values: (n_respondents, n_stems, k), NaN where none is there."""
    shape = (len(table.respondents), len(table.stems))
    present = ~np.isnan(values)
    n_cells = shape[0] * shape[1]
    means = np.full((n_cells, values.shape[1]), np.nan)
    for k, column in enumerate(values.T):
        cell = table.cell[present[:, k]]
        count = np.bincount(cell, minlength=n_cells)
        total = np.bincount(cell, column[present[:, k]], minlength=n_cells)
        np.divide(total, count, out=means[:, k], where=count > 0)
    return means.reshape(*shape, -1)


def respondent_means(means: Array) -> Array:
    """Mean over stems of (n_respondents, n_stems, k) deviations from the stem's mean, plus the mean of stems.

    Without gaps that is the plain mean; with gaps a respondent that lost high stems is not put down for it.
    NaN where a respondent has no value.
    """
    stem = mean_present(means, axis=0)
    deviation = mean_present(means - stem, axis=1)
    centred: Array = deviation + mean_present(stem, axis=0)
    return centred


def mean_present(values: Array, axis: int) -> Array:
    """Mean of what is there along an axis, NaN where nothing is."""
    present = ~np.isnan(values)
    count = present.sum(axis=axis)
    total = np.where(present, values, 0.0).sum(axis=axis)
    mean: Array = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return mean


def within(table: RatingTable, values: Array) -> Array:
    """Deviations of (n_completions, k) values from what their respondent and their stem have in common."""
    return deviations(values, (table.respondent, table.stem))


def deviations(values: Array, codes: Sequence[Codes]) -> Array:
    """Take out of (n, k) values what each facet's levels have in common; NaN stays.

    Both facets are taken out by least squares over the values that are there, column by column: by turns, until
    nothing moves. With one value in every cell one turn is enough.
    """
    present = ~np.isnan(values)
    left = np.where(present, values, 0.0)
    counts = [np.maximum(sum_by_unit(present.astype(np.float64), code), 1.0) for code in codes]
    scale = float(np.abs(left).max(initial=0.0))
    for _ in range(_MOST_SWEEPS):
        moved = 0.0
        for code, size in zip(codes, counts, strict=True):
            mean = sum_by_unit(left, code) / size
            left = np.where(present, left - mean[code], 0.0)
            moved = max(moved, float(np.abs(mean).max()))
        if moved <= _STILL * scale:
            break
    # What the turns leave of a value that its facets explain wholly is a rounding error.
    left[np.abs(left) <= 10 * _STILL * scale] = 0.0
    return np.where(present, left, np.nan)


def ipsatise(values: Array) -> Array:
    """Take from each completion what it has on all subdimensions: (n_completions, n_subdimensions).

    Each rating, less the mean of its subdimension, less the mean of that over the subdimensions of the completion.
    NaN for completions rated on fewer than two, which have no profile.
    """
    centred = values - mean_present(values, axis=0)
    level = mean_present(centred, axis=1)
    enough = (~np.isnan(values)).sum(axis=1) > 1
    return np.where(enough[:, None], centred - level[:, None], np.nan)


def estimate(value: float, low: float, high: float, n: int, reason: str = "") -> Estimate:
    """Make an estimate of plain numbers; ends that are not finite are open."""
    ends = [float(end) if np.isfinite(end) else None for end in (low, high)]
    return Estimate(number_or_none(value), ends[0], ends[1], n, reason)


def unknown(reason: str, n: int = 0) -> Estimate:
    """Make an estimate that cannot be told, and say why."""
    return Estimate(None, None, None, n, reason)


def _code(names: Sequence[str], known: Sequence[str], what: str) -> Codes:
    place = {name: i for i, name in enumerate(known)}
    strange = sorted(set(names) - set(place))
    if strange:
        msg = f"{len(strange)} {what}s of completions are not in the study (first: {strange[0]!r}); give all of them."
        raise DataError(msg)
    return np.array([place[name] for name in names], dtype=np.int64)
