"""Take off how severe each judge is, and join several judges to a panel.

Owns the additive model of ratings, completion plus judge, and what follows from it. Agreement of judges is in
`valuelex.stages.quality_judges`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import PANEL, SCALE_HIGH, SCALE_LOW, RatingArray
from valuelex.errors import DataError
from valuelex.stages.score import commonest_reason

Array = NDArray[np.float64]
LEAST_SHARED = 20
"""Completions that a judge shares with the judge of most ratings before it joins the panel: with fewer, even a spread
of one point between two judges leaves their shift unknown by half a point (1.96 / sqrt(20) = .44)."""
_SINGULAR = 1e-10
"""Share of the largest eigenvalue of the normal equations below which one counts as zero."""


def remove_severity(arrays: Sequence[RatingArray]) -> RatingArray:
    """Join judges to one array: the mean of their ratings after each judge's severity is taken off.

    A plain mean would reward respondents that only the milder judge could rate. Severity is estimated
    for each subdimension on completions that two judges or more rated (see `judge_shifts`). Judges without
    a common completion, even by way of others, are each taken as they are.

    Parameters
    ----------
    arrays
        One for each judge, of the same completions and subdimensions.

    Returns
    -------
    RatingArray
        Of the judge `PANEL`, in scale points, held within 0 to 6. Missing where no judge rated, for the
        commonest reason among the judges.

    Raises
    ------
    DataError
        If there is no array, or their labels differ.
    """
    refuse_different(arrays)
    values = np.stack([array.values for array in arrays])
    sums, sizes = shared_sums(values, np.zeros(values.shape[1], dtype=np.int64), 1)
    shifts = judge_shifts(sums[0], sizes[0])
    freed = values - shifts.T[:, None, :]
    present = ~np.isnan(freed)
    count = present.sum(axis=0)
    total = np.where(present, freed, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    codes = np.stack([array.missing for array in arrays], axis=-1)
    commonest = commonest_reason(codes.reshape(-1, len(arrays))).reshape(count.shape)
    first = arrays[0]
    return RatingArray(
        judge=PANEL,
        system=first.system,
        values=np.clip(mean, SCALE_LOW, SCALE_HIGH),
        missing=np.where(count > 0, np.int8(-1), commonest),
        completions=first.completions,
        subdimensions=first.subdimensions,
    )


def panel_members(arrays: Sequence[RatingArray]) -> tuple[RatingArray, ...]:
    """Return the judges that can make a panel: the one with the most ratings, and all who share enough with it.

    A judge's severity is estimated on shared completions. On a handful of them it would be chance, and taking
    it off would move every score.
    """
    rated = [~np.isnan(array.values) for array in arrays]
    first = max(range(len(arrays)), key=lambda j: int(rated[j].sum()))
    return tuple(
        array
        for j, array in enumerate(arrays)
        if j == first or int((rated[j] & rated[first]).any(axis=1).sum()) >= LEAST_SHARED
    )


def refuse_different(arrays: Sequence[RatingArray]) -> None:
    """Raise `DataError`, naming the judges, unless arrays share system, subdimensions and completions."""
    if not arrays:
        msg = "No ratings were given; pass the array of one judge at least."
        raise DataError(msg)
    names = [array.judge for array in arrays]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        msg = f"Judge {repeated[0]!r} has several arrays; give one for each judge."
        raise DataError(msg)
    first = arrays[0]
    for other in arrays[1:]:
        for what in ("system", "subdimensions"):
            if getattr(first, what) != getattr(other, what):
                msg = (
                    f"Judge {first.judge!r} rated the {what} {getattr(first, what)!r}, judge {other.judge!r} "
                    f"{getattr(other, what)!r}; give ratings on one value system."
                )
                raise DataError(msg)
        if [c.id for c in first.completions] != [c.id for c in other.completions]:
            msg = (
                f"Judges {first.judge!r} and {other.judge!r} have different completions ({len(first.completions)} and "
                f"{len(other.completions)}); give arrays over the same ones, with reasons where a judge did not rate."
            )
            raise DataError(msg)


def shared_sums(values: Array, unit: NDArray[np.int64], n_units: int) -> tuple[Array, Array]:
    """Sum up, for each unit, what the shifts of judges follow from.

    Parameters
    ----------
    values : (n_judges, n_completions, n_subdimensions)
        NaN where a judge did not rate.
    unit : (n_completions,)
        Independent unit of each completion, from 0.

    Returns
    -------
    sums : (n_units, n_subdimensions, n_judges)
        Of each judge's ratings less the mean of the completion over its judges.
    sizes : (n_units, n_subdimensions, n_judges, n_judges)
        The matrix of the normal equations: ratings of a judge less, for each pair of judges, its share in
        the completion means. Completions with one rating add nothing.
    """
    present = ~np.isnan(values)
    number = np.maximum(present.sum(axis=0), 1)
    mean = np.where(present, values, 0.0).sum(axis=0) / number
    deviation = np.where(present, values - mean, 0.0)
    n_judges, _, width = values.shape
    sums = np.zeros((n_units, width, n_judges))
    sizes = np.zeros((n_units, width, n_judges, n_judges))
    for k in range(width):
        for j in range(n_judges):
            sums[:, k, j] = np.bincount(unit, deviation[j, :, k], minlength=n_units)
            for other in range(n_judges):
                both = (present[j, :, k] & present[other, :, k]) / number[:, k]
                own = present[j, :, k] if j == other else 0.0
                sizes[:, k, j, other] = np.bincount(unit, own - both, minlength=n_units)
    return sums, sizes


@dataclass(frozen=True, slots=True)
class Shifts:
    """Judge effects on one subdimension as functions of the weights of units."""

    sums: Array
    """(n_units, n_judges) from `shared_sums`."""
    sizes: Array
    """(n_units, n_judges, n_judges) from `shared_sums`."""

    def __call__(self, weights: Array) -> Array:
        """Shifts (n_resamples, n_judges), in scale points, for unit weights (n_resamples, n_units)."""
        return judge_shifts(weights @ self.sums, np.tensordot(weights, self.sizes, axes=1))

    def variance(self, weights: Array) -> Array:
        """Squared cluster-robust standard errors (n_resamples, n_judges), by linearisation over units."""
        inverse = np.linalg.pinv(np.tensordot(weights, self.sizes, axes=1), rcond=_SINGULAR, hermitian=True)
        left = self.sums - np.einsum("bj,uij->bui", self(weights), self.sizes)
        influence = np.einsum("bij,buj->bui", inverse, left)
        n = weights.sum(axis=1)[:, None]
        squares: Array = np.einsum("bu,bui->bi", weights, influence**2) * n / (n - 1)
        return squares


def judge_shifts(sums: Array, sizes: Array) -> Array:
    """Least-squares judge effects of ``rating = completion + judge``: (..., n_judges), summing to 0.

    Positive for a judge who rates above the others on the same completions. 0 for a judge who shares
    no completion with another; several groups of judges that share none between them each sum to 0.
    """
    shifts: Array = (np.linalg.pinv(sizes, rcond=_SINGULAR, hermitian=True) @ sums[..., None])[..., 0]
    return shifts
