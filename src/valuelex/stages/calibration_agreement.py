"""Agreement on labels beyond chance, with intervals over units: of a judge with people, and of people with each other.

The same coefficients serve both, so that a judge can be held against the ceiling. Does not say what a
rating is as a label; `valuelex.stages.calibrate` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.labels import OVERALL, Ceiling, Estimate, LabelKind, LabelSet
from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW
from valuelex.errors import DataError
from valuelex.stats.agreement import krippendorff_alpha
from valuelex.stats.bootstrap import bootstrap, by_rows, resample_units
from valuelex.stats.kappa import cohen_kappa

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Statistic = Callable[[Array], Array]
METRIC = {LabelKind.SIGNED: "ordinal", LabelKind.RELEVANCE: "nominal", LabelKind.SCALE: "interval"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """Makes intervals of statistics from resamples of units."""

    n_resamples: int
    rng: np.random.Generator

    def estimates(self, statistic: Statistic, n_units: int) -> list[Estimate | None]:
        """Estimate every quantity; None where it has no value on all units."""
        everything = statistic(np.ones((1, n_units)))[0]
        has = np.isfinite(everything)
        found: list[Estimate | None] = [
            None if not ok else Estimate(v, None, None)
            for v, ok in zip(everything.tolist(), has, strict=True)
        ]
        if n_units < 2 or not has.any():
            return found
        weights = resample_units(n_units, self.n_resamples, self.rng)
        ends = bootstrap(lambda w: statistic(w)[:, has], weights, method="percentile")
        for k, value, low, high in zip(np.flatnonzero(has), ends.estimate, ends.low, ends.high, strict=True):
            found[k] = Estimate(float(value), end_of(low), end_of(high))
        return found

    def one(self, statistic: Statistic, n_units: int) -> Estimate | None:
        """Estimate a single quantity."""
        return self.estimates(statistic, n_units)[0]


def label_kappa(pairs: Array, kind: LabelKind, unit: Numbers, draw: Drawing) -> Estimate | None:
    """Cohen's kappa of two columns of categories, on the scale with quadratic weights, over whole units.

    Raises
    ------
    DataError
        If it is undefined, as where all categories are the same.
    """
    points = np.arange(SCALE_LOW, SCALE_HIGH + 1) if kind is LabelKind.SCALE else None
    weights = "quadratic" if kind is LabelKind.SCALE else "unweighted"
    whole = cohen_kappa(pairs, weights=weights, categories=points).estimate
    units = renumbered(unit)
    n_units = int(units.max()) + 1
    if n_units < 2:
        return Estimate(whole, None, None)

    def of(rows: NDArray[np.int64]) -> float:
        try:
            return cohen_kappa(pairs[rows], weights=weights, categories=points).estimate
        except DataError:  # A resample in which all are alike has no kappa.
            return float("nan")

    return draw.one(by_rows(of, units, n_rows=len(pairs)), n_units)


def label_alpha(ratings: Array, kind: LabelKind, unit: Numbers) -> Estimate:
    """Krippendorff's alpha of all columns, ordinal for sides, nominal for relevance, interval on the scale.

    Raises
    ------
    DataError
        If it is undefined, as where all ratings are the same.
    """
    found = krippendorff_alpha(ratings, metric=METRIC[kind], groups=unit)
    return Estimate(found.alpha, end_of(found.low), end_of(found.high))


def category_of(label: Array, kind: LabelKind) -> Array:
    """Return the category of each label: itself, on the scale the nearest point."""
    return np.floor(label + 0.5) if kind is LabelKind.SCALE else label


def ceilings(labels: LabelSet, ids: Sequence[str], draw: Drawing) -> tuple[Ceiling, ...]:
    """Compare annotators with each other: by subdimension and, with several, in all; none where no text has two."""
    rows = [
        (j, i, [annotation.get(name, np.nan) for annotation in text.annotations])
        for i, text in enumerate(labels.texts)
        for j, name in enumerate(ids)
        if sum(name in annotation for annotation in text.annotations) >= 2
    ]
    if not rows:
        return ()
    unit = np.unique([t.unit for t in labels.texts], return_inverse=True)[1]
    column = np.array([j for j, _, _ in rows])
    units = unit[[i for _, i, _ in rows]]
    given = np.array([said for _, _, said in rows])
    targets = [(ids[j], column == j) for j in np.unique(column)]
    targets += [(OVERALL, column >= 0)] if len(targets) > 1 else []
    return tuple(_ceiling(name, given[of], units[of], labels.kind, draw) for name, of in targets)


def _ceiling(target: str, given: Array, unit: Numbers, kind: LabelKind, draw: Drawing) -> Ceiling:
    both = given[:, _fullest_pair(given)]
    shared = ~np.isnan(both).any(axis=1)
    equal = float((both[shared, 0] == both[shared, 1]).mean()) if shared.any() else None
    kappa = alpha = None
    why = ""
    try:
        kappa = (
            label_kappa(category_of(both[shared], kind), kind, unit[shared], draw) if shared.any() else None
        )
        alpha = label_alpha(given, kind, unit)
    except DataError as error:
        why = str(error)
    return Ceiling(target, int(shared.sum()), equal, kappa, alpha, why)


def _fullest_pair(given: Array) -> list[int]:
    """Return the two annotators with the most texts in common, of equals the first by place."""
    pairs = list(combinations(range(given.shape[1]), 2))
    return list(max(pairs, key=lambda pair: int((~np.isnan(given[:, list(pair)])).all(axis=1).sum())))


def renumbered(unit: Numbers) -> Numbers:
    """Give units new numbers from 0, without gaps."""
    return np.unique(unit, return_inverse=True)[1].astype(np.int64)


def end_of(value: float) -> float | None:
    """Return the end of an interval, None where there is none."""
    return float(value) if np.isfinite(value) else None
