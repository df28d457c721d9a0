"""Compare a judge's ratings with people's labels.

Owns how a rating becomes comparable with a label, which is fixed and the same for every judge and label set, and which
figures tell of agreement, of its ceiling and of bias. Nothing is fitted to the labels: no threshold, no
sign, no scale. Rates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.labels import (
    OVERALL,
    Bias,
    BiasBy,
    Calibration,
    Estimate,
    LabelKind,
    LabelSet,
    TargetCalibration,
)
from valuelex.domain.measure import REASONS, SCALE_HIGH, SCALE_LOW, SCALE_NEUTRAL
from valuelex.domain.structure import ValueSystem
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.calibration_agreement import (
    Drawing,
    category_of,
    ceilings,
    label_alpha,
    label_kappa,
    renumbered,
)
from valuelex.stages.calibration_statistics import (
    Scored,
    area_under_curve,
    excess_by_group,
    rank_correlation,
    slope_within,
)
from valuelex.stats.bootstrap import FEW_UNITS

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
FEW_LABELS = 20
"""With fewer texts of a label, figures on it are rough, and a caveat says so."""
SAID = {
    LabelKind.SIGNED: {-1.0: "against", 0.0: "neither", 1.0: "for"},
    LabelKind.RELEVANCE: {0.0: "does not bear on it", 1.0: "bears on it"},
    LabelKind.SCALE: {float(point): str(point) for point in range(int(SCALE_LOW), int(SCALE_HIGH) + 1)},
}
"""Names of labels, and of ratings as labels; those of scale labels between two points are numbers."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """Labelled pairs of text and subdimension, (n_cells,) each.

    `score` rises with the label where the judge is right; `category` is what the rating is as a label. Both are NaN
    where there is no rating, for the reason of code `reason` (-1 elsewhere).
    """

    text: Numbers
    column: Numbers
    unit: Numbers
    label: Array
    score: Array
    category: Array
    reason: Numbers

    def where(self, chosen: NDArray[np.bool_]) -> _Cells:
        """Return some of the cells."""
        return _Cells(
            text=self.text[chosen],
            column=self.column[chosen],
            unit=self.unit[chosen],
            label=self.label[chosen],
            score=self.score[chosen],
            category=self.category[chosen],
            reason=self.reason[chosen],
        )

    @property
    def scored(self) -> Scored:
        """Scores and labels, with units numbered anew from 0; for rated cells only."""
        return Scored(self.score, self.label, self.column, renumbered(self.unit))


def calibrate(
    labels: LabelSet,
    judge: str,
    system: ValueSystem,
    values: Array,
    missing: NDArray[np.int8],
    *,
    gated: bool,
    n_available: int,
    rng: np.random.Generator,
    n_resamples: int = 1000,
) -> Calibration:
    """Compare ratings with labels.

    Signed labels are compared with the rating: it should be higher where people said 1 than where they said -1,
    and as a category it is -1 below 3, 0 at 3 and 1 above 3. Labels of relevance are compared with the judge's
    gate where it has one, else with the distance of its rating from 3, which is no category. Scale labels are
    compared with the rating, as categories with the nearest point.

    Intervals are percentiles of resamples of whole units; those of alpha are linearised over units. Figures over
    all subdimensions never rank ratings of different ones against each other.

    Parameters
    ----------
    labels
        Texts with their labels, the rows of `values`.
    judge
        Name of the judge.
    system
        The value system, whose subdimensions are the columns.
    values, missing : (n_texts, n_subdimensions)
        Ratings from 0 to 6, NaN where there is none, and the codes of the reasons (-1 where there is a rating).
    gated
        Whether the judge says that a text does not bear on a subdimension (missing as IRRELEVANT).
    n_available
        Texts of the file, of which `labels` may be a sample.
    rng
        Source of the resamples.
    n_resamples
        At least 100.

    Raises
    ------
    DataError
        If shapes do not fit, or no labelled text has a rating.
    """
    ids = [s.id for s in system.subdimensions]
    expected = (len(labels.texts), len(ids))
    if values.shape != expected or missing.shape != expected:
        msg = (
            f"Ratings have shape {values.shape} and reasons {missing.shape}, but the labels describe {expected} "
            f"({expected[0]} texts × {expected[1]} subdimensions)."
        )
        raise DataError(msg)
    cells = _labelled_cells(labels, ids, values, missing, gated=gated)
    if np.isnan(cells.score).all():
        msg = (
            f"None of {count(len(cells.score), 'label')} has a rating by {judge!r} beside it; read the reasons in the "
            "ledger."
        )
        raise DataError(msg)
    kind = labels.kind
    parts = [(name, cells.where(cells.column == j)) for j, name in enumerate(ids)]
    parts = [(name, own) for name, own in parts if len(own.label)]
    parts += [(OVERALL, cells)] if len(parts) > 1 else []
    draw = Drawing(n_resamples, rng)
    return Calibration(
        judge=judge,
        system=system.name,
        labels=labels.name,
        source=labels.source,
        kind=kind,
        n_available=n_available,
        n_texts=len(labels.texts),
        targets=tuple(_target(name, own, kind, draw) for name, own in parts),
        ceilings=ceilings(labels, ids, draw),
        biases=(
            *(b for name, own in parts if name != OVERALL for b in _bias_by_label(name, own, kind, draw)),
            *_biases(labels, cells, draw),
        ),
        rule=rule_of(kind, gated=gated),
        problems=labels.problems,
    )


def rule_of(kind: LabelKind, *, gated: bool) -> str:
    """Say in words how ratings are compared with labels."""
    if kind is LabelKind.SIGNED:
        return "rating below 3: -1; 3: 0; above 3: 1 (fixed beforehand); ranks: the rating, 1 against -1"
    if kind is LabelKind.SCALE:
        return "rating to the nearest point; ranks: the rating, labels above 3 against labels below 3"
    if gated:
        return "the gate: a rating is 1, IRRELEVANT is 0; ranks: the same"
    return "no gate, so no category; ranks: the distance of the rating from 3, 1 against 0"


def _labelled_cells(
    labels: LabelSet, ids: Sequence[str], values: Array, missing: NDArray[np.int8], *, gated: bool
) -> _Cells:
    place = {name: j for j, name in enumerate(ids)}
    found = [
        (i, place[name], label) for i, text in enumerate(labels.texts) for name, label in text.labels.items()
    ]
    text, column = (np.array([f[k] for f in found], dtype=np.int64) for k in (0, 1))
    rating, reason = values[text, column], missing[text, column].astype(np.int64)
    score, category = rating.copy(), np.full(len(found), np.nan)
    if labels.kind is LabelKind.SIGNED:
        category = np.sign(rating - SCALE_NEUTRAL)
    elif labels.kind is LabelKind.SCALE:
        category = np.floor(rating + 0.5)
    elif gated:
        score = np.where(
            ~np.isnan(rating), 1.0, np.where(reason == REASONS.index(Missing.IRRELEVANT), 0.0, np.nan)
        )
        category = score
        reason = np.where(np.isnan(score), reason, -1)
    else:
        score = np.abs(rating - SCALE_NEUTRAL)
    unit = np.unique([t.unit for t in labels.texts], return_inverse=True)[1][text]
    return _Cells(text, column, unit, np.array([f[2] for f in found]), score, category, reason)


def _target(name: str, cells: _Cells, kind: LabelKind, draw: Drawing) -> TargetCalibration:
    rated = cells.where(~np.isnan(cells.score))
    n_units = len(np.unique(rated.unit))
    caveats: list[str] = []
    auc = correlation = kappa = alpha = None
    if len(rated.label):
        scored = rated.scored
        high, low = poles(rated.label, kind)
        auc = draw.one(area_under_curve(scored, high, low), n_units)
        correlation = draw.one(rank_correlation(scored), n_units)
        if not np.isnan(rated.category).any():
            kappa, alpha = _coefficients(rated, kind, draw, caveats)
        caveats += _small(int(high.sum()), int(low.sum()), n_units)
    if auc is None:
        caveats.append("rated texts of both poles are needed for an AUC")
    return TargetCalibration(
        target=name,
        n_texts=len(cells.label),
        n_units=len(np.unique(cells.unit)),
        n_labels={_said(v, kind): int((cells.label == v).sum()) for v in np.unique(cells.label)},
        n_missing=_count_missing(cells, kind),
        auc=auc,
        correlation=correlation,
        kappa=kappa,
        alpha=alpha,
        confusion=_confusion(rated, kind),
        caveats=tuple(caveats),
    )


def poles(label: Array, kind: LabelKind) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which labels are high and which low: above and below the middle, or 1 and 0 of relevance."""
    middle = {LabelKind.SIGNED: 0.0, LabelKind.RELEVANCE: 0.5, LabelKind.SCALE: SCALE_NEUTRAL}[kind]
    return label > middle, label < middle


def _coefficients(
    cells: _Cells, kind: LabelKind, draw: Drawing, caveats: list[str]
) -> tuple[Estimate | None, Estimate | None]:
    """Kappa of categories (of points with quadratic weights), and Krippendorff's alpha."""
    rating = cells.score if kind is LabelKind.SCALE else cells.category
    kappa = alpha = None
    try:
        pairs = np.column_stack([category_of(cells.label, kind), cells.category])
        kappa = label_kappa(pairs, kind, cells.unit, draw)
        alpha = label_alpha(np.column_stack([cells.label, rating]), kind, cells.unit)
    except DataError as error:
        caveats.append(f"no kappa or alpha: {error}")
    return kappa, alpha


def _bias_by_label(target: str, cells: _Cells, kind: LabelKind, draw: Drawing) -> list[Bias]:
    rated = cells.where(~np.isnan(cells.score))
    if not len(rated.label):
        return []
    values, number = np.unique(rated.label, return_inverse=True)
    expected = rated.label if kind is LabelKind.SCALE else np.zeros(len(rated.label))
    return _by(draw, target, "label", [_said(v, kind) for v in values], number, rated.scored, expected)


def _biases(labels: LabelSet, cells: _Cells, draw: Drawing) -> list[Bias]:
    rated = cells.where(~np.isnan(cells.score))
    scored = rated.scored
    n_units = int(scored.unit.max()) + 1
    expected = rated.label if labels.kind is LabelKind.SCALE else None
    words = np.array([len(t.text.split()) for t in labels.texts], dtype=np.float64)
    third = np.searchsorted(np.quantile(words, [1 / 3, 2 / 3]), words, side="left")
    cuts = [f"{words[third == k].min():.0f} to {words[third == k].max():.0f} words" for k in np.unique(third)]
    names, group = np.unique([t.group for t in labels.texts], return_inverse=True)
    found: list[Bias] = []
    if len(names) > 1:
        found += _by(draw, OVERALL, "group", names.tolist(), group[rated.text], scored, expected)
    _, part = np.unique(third, return_inverse=True)
    found += _by(draw, OVERALL, "length", cuts, part[rated.text], scored, expected)
    slope = draw.one(slope_within(scored, np.log2(words[rated.text]), expected=expected), n_units)
    if slope is not None:
        found.append(Bias(OVERALL, "length", "slope", len(rated.label), slope))
    return found


def _by(
    draw: Drawing,
    target: str,
    by: BiasBy,
    names: Sequence[str],
    group: Numbers,
    scored: Scored,
    expected: Array | None,
) -> list[Bias]:
    statistic = excess_by_group(scored, group, expected=expected)
    estimates = draw.estimates(statistic, int(scored.unit.max()) + 1)
    counts = np.bincount(group, minlength=len(names))
    return [
        Bias(target, by, name, int(n), estimate)
        for name, n, estimate in zip(names, counts, [*estimates, *[None] * len(names)], strict=False)
        if estimate is not None
    ]


def _small(n_high: int, n_low: int, n_units: int) -> list[str]:
    found = []
    if 0 < min(n_high, n_low) < FEW_LABELS:
        found.append(f"only {min(n_high, n_low)} rated texts of one pole ({n_high} high, {n_low} low)")
    if n_units < FEW_UNITS["percentile"]:
        found.append(f"only {n_units} independent units; intervals may be too short")
    return found


def _count_missing(cells: _Cells, kind: LabelKind) -> dict[str, dict[Missing, int]]:
    absent = cells.where(cells.reason >= 0)
    found: dict[str, dict[Missing, int]] = {}
    for value in np.unique(absent.label):
        codes = absent.reason[absent.label == value]
        found[_said(value, kind)] = {REASONS[c]: int((codes == c).sum()) for c in np.unique(codes)}
    return found


def _confusion(rated: _Cells, kind: LabelKind) -> dict[str, dict[str, int]]:
    if not len(rated.label) or np.isnan(rated.category).any():
        return {}
    label = category_of(rated.label, kind)
    return {
        _said(value, kind): {
            name: int(((label == value) & (rated.category == category)).sum())
            for category, name in SAID[kind].items()
        }
        for value in np.unique(label)
    }


def _said(label: float, kind: LabelKind) -> str:
    return SAID[kind].get(float(label), f"{label:g}")
