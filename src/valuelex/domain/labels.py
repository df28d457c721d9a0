"""Texts that people have labelled, and how well a judge's ratings agree with those labels.

Owns the kinds of labels and the form of the result. Reads no file and estimates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median, multimode
from typing import Literal

from valuelex.domain.call import Missing
from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW
from valuelex.errors import DataError

OVERALL = "all"
"""Target that stands for all subdimensions together."""


class LabelKind(StrEnum):
    """What the numbers of a label set say about a text and a subdimension.

    SIGNED: -1 against it, 1 for it, 0 neither. RELEVANCE: 1 the text bears on it, 0 it does not; nothing
    is said about the side it takes. SCALE: a point of the judge's own scale, 0 to 6.
    """

    SIGNED = "signed"
    RELEVANCE = "relevance"
    SCALE = "scale"

    def allows(self, value: float) -> bool:
        """Tell whether a label may have this value."""
        if self is LabelKind.SIGNED:
            return value in (-1, 0, 1)
        if self is LabelKind.RELEVANCE:
            return value in (0, 1)
        return SCALE_LOW <= value <= SCALE_HIGH


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One text and what people said of it.

    `context` is what came before the text: a stem, a question, or the claim that the labels are about. `group` is
    who wrote it, as a model family. Texts of one `unit` are not independent of each other: they share a
    claim or a question. `annotations` has one mapping of subdimension to label for each annotator of the
    set, empty where one did not label this text.
    """

    id: str
    context: str
    text: str
    group: str
    unit: str
    annotations: tuple[Mapping[str, float], ...]

    @property
    def labels(self) -> dict[str, float]:
        """What a judge is compared with: of each subdimension the commonest label of its annotators.

        Where several are equally common it is their median, so that no order of annotators or rows counts; a
        median between two categories is no label.
        """
        given: dict[str, list[float]] = {}
        for annotation in self.annotations:
            for name, value in annotation.items():
                given.setdefault(name, []).append(value)
        found = {name: _commonest(values) for name, values in given.items()}
        return {name: value for name, value in found.items() if value is not None}


def _commonest(values: list[float]) -> float | None:
    modes = sorted(multimode(values))
    if len(modes) == 1:
        return modes[0]
    middle = median(modes)
    return middle if middle in modes else None


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """A row, or one label in it, that could not be used: the line of its file and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labelled texts of one source, all of one kind, and the rows that could not be used."""

    name: str
    source: str
    kind: LabelKind
    annotators: tuple[str, ...]
    texts: tuple[LabelledText, ...]
    problems: tuple[LabelProblem, ...] = ()

    def __post_init__(self) -> None:
        for text in self.texts:
            if len(text.annotations) != len(self.annotators):
                msg = (
                    f"Text {text.id!r} has {len(text.annotations)} annotations, but there are "
                    f"{len(self.annotators)} annotators."
                )
                raise DataError(msg)
            for annotation in text.annotations:
                wrong = [name for name, value in annotation.items() if not self.kind.allows(value)]
                if wrong:
                    msg = (
                        f"Text {text.id!r}: {annotation[wrong[0]]:g} is no {self.kind.value} label "
                        f"(of {wrong[0]!r})."
                    )
                    raise DataError(msg)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval; ends are None where the data give none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far people agree with each other on a target: what no judge should be expected to pass.

    `share_equal` and `kappa` compare the two annotators with the most texts in common, which `n_texts` counts; `kappa`
    is as the judge's is computed. `alpha` takes all annotators. `why` tells why a coefficient is None.
    """

    target: str
    n_texts: int
    share_equal: float | None
    kappa: Estimate | None
    alpha: Estimate | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class TargetCalibration:
    """How a judge's ratings go with the labels of one subdimension, or of all together.

    `n_labels` counts labelled texts by label, `n_missing` those without a rating by label and reason.
    `confusion` counts rated texts by label and by the category of the rating, empty where ratings have no
    category. `auc` is the chance that a text labelled higher is rated higher than one labelled lower (ties count
    half), `correlation` Spearman's. Where the coefficient does not exist it is None and a caveat says why.
    """

    target: str
    n_texts: int
    n_units: int
    n_labels: Mapping[str, int]
    n_missing: Mapping[str, Mapping[Missing, int]]
    auc: Estimate | None
    correlation: Estimate | None
    kappa: Estimate | None
    alpha: Estimate | None
    confusion: Mapping[str, Mapping[str, int]]
    caveats: tuple[str, ...] = ()


BiasBy = Literal["label", "group", "length"]


@dataclass(frozen=True, slots=True)
class Bias:
    """How far ratings of some texts differ from what their labels let expect, in scale points.

    By group or length, over all subdimensions: mean of the rating less the mean of all texts with the same label on
    the same subdimension (of scale labels: less the label). By label, of each subdimension: the mean rating itself
    (of scale labels: less the label). Of relevance labels, the distance of the rating from 3 stands for
    the rating, or the share of open gates. Length is in words, in thirds of the texts, and the level
    'slope' is the change for each doubling of it.
    """

    target: str
    by: BiasBy
    level: str
    n_ratings: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """A judge against people: agreement, its ceiling, biases, and what is missing."""

    judge: str
    system: str
    labels: str
    source: str
    kind: LabelKind
    n_available: int
    n_texts: int
    targets: tuple[TargetCalibration, ...]
    ceilings: tuple[Ceiling, ...]
    biases: tuple[Bias, ...]
    rule: str
    problems: tuple[LabelProblem, ...] = field(default=())

    @property
    def overall(self) -> TargetCalibration:
        """All subdimensions together; the only one where there is one."""
        return self.targets[-1]
