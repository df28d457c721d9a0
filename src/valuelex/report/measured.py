"""Rows for what was measured: orientations by respondent, and contrasts by size.

Reads estimates and intervals as they are; computes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from valuelex.domain.measure import Contrast, Level, Orientation
from valuelex.domain.results import Results
from valuelex.report.evidence import Measure
from valuelex.report.wording import DASH, count, interval, labels, listed, number, p_value, reasons

SIGNIFICANCE = 0.05
N_SHOWN, N_LISTED = 20, 2000
LEVELS: tuple[Level, Level] = ("subdimension", "dimension")


@dataclass(frozen=True, slots=True)
class Cell:
    """One orientation. `target` and `respondent` are its numbers in the data of the panel.

    `reasons` counts what is missing by reason. `why_none` tells why there is no estimate, and is
    empty where there is one.
    """

    respondent: int
    target: int
    respondent_id: str
    target_name: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    estimate: str
    interval: str
    n: str
    missing: str
    reasons: str
    why_none: str


@dataclass(frozen=True, slots=True)
class OrientationTable:
    """Respondents by the targets of one level, for one judge on one value system."""

    level: Level
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, row by row."""
        return tuple(cell for _, row in self.rows for cell in row)

    @property
    def means(self) -> tuple[float | None, ...]:
        """Mean estimate of each column over respondents; None where nobody has one."""
        columns = zip(*(cells for _, cells in self.rows), strict=True)
        known = [[cell.value for cell in column if cell.value is not None] for column in columns]
        return tuple(fmean(values) if values else None for values in known)


@dataclass(frozen=True, slots=True)
class OrientationSection:
    """Where the respondents stand, for one judge on one value system."""

    measure: int
    title: str
    judge: str
    reach: float
    subdimensions: OrientationTable
    dimensions: OrientationTable

    @property
    def reach_text(self) -> str:
        """How far colours reach from the mean of a column, in scale points."""
        return f"{self.reach:g}"


@dataclass(frozen=True, slots=True)
class ContrastRow:
    """One contrast, formatted. `survives` tells whether its Holm-adjusted p is below .05."""

    target: str
    level: str
    a: str
    b: str
    difference: str
    interval: str
    effect_size: str
    p: str
    p_adjusted: str
    n_stems: str
    survives: bool


@dataclass(frozen=True, slots=True)
class ContrastTable:
    """All contrasts of one factor by one judge on one value system, the largest first."""

    title: str
    factor: str
    sentence: str
    rows: tuple[ContrastRow, ...]
    n_left_out: int

    @property
    def first(self) -> tuple[ContrastRow, ...]:
        """The rows to show at once."""
        return self.rows[:N_SHOWN]

    @property
    def rest(self) -> tuple[ContrastRow, ...]:
        """The rows to show when asked."""
        return self.rows[N_SHOWN:]


def survives(contrast: Contrast) -> bool:
    """Tell whether a contrast is below .05 after Holm."""
    return contrast.p_adjusted is not None and contrast.p_adjusted < SIGNIFICANCE


def build_orientations(results: Results, measures: Sequence[Measure]) -> tuple[OrientationSection, ...]:
    """Lay out the orientations of every measure as tables of respondents by targets."""
    found = {(o.respondent_id, o.system, o.judge, o.level, o.target): o for o in results.orientations}
    sections = []
    for i, measure in enumerate(measures):
        tables = {}
        for level in LEVELS:
            targets = [(j, t) for j, t in enumerate(measure.targets) if t.level == level]
            rows = []
            for r, respondent in enumerate(results.study.respondents):
                keys = [(respondent.id, measure.system, measure.judge, level, t.id) for _, t in targets]
                cells = [
                    _cell(found.get(key), r, respondent.id, j, t.name)
                    for key, (j, t) in zip(keys, targets, strict=True)
                ]
                rows.append((respondent.id, tuple(cells)))
            tables[level] = OrientationTable(level, tuple(t.name for _, t in targets), tuple(rows))
        sections.append(
            OrientationSection(
                i,
                labels(results).system(measure.system),
                measure.judge,
                _reach([tables["subdimension"], tables["dimension"]]),
                tables["subdimension"],
                tables["dimension"],
            )
        )
    return tuple(sections)


def _cell(o: Orientation | None, respondent: int, respondent_id: str, target: int, name: str) -> Cell:
    if o is None:
        nothing = (None, None, None, DASH, "", "", "", "", "not measured")
        return Cell(respondent, target, respondent_id, name, *nothing)
    why_none = ""
    if o.estimate is None:
        why_none = "no stem was rated" if o.n_stems == 0 else f"only {count(o.n_stems, 'stem')} rated"
    return Cell(
        respondent,
        target,
        respondent_id,
        name,
        o.estimate,
        o.ci_low,
        o.ci_high,
        number(o.estimate),
        interval(o.ci_low, o.ci_high),
        count(o.n_stems, "stem"),
        f"{o.n_missing:,} missing" if o.n_missing else "none missing",
        reasons(o.missing),
        why_none,
    )


def _reach(tables: Sequence[OrientationTable]) -> float:
    """Return how far colours reach: the largest distance from a column's mean, up to the next quarter point."""
    distances = [
        abs(cell.value - mean)
        for table in tables
        for _, cells in table.rows
        for cell, mean in zip(cells, table.means, strict=True)
        if cell.value is not None and mean is not None
    ]
    return max(0.25, ceil(4 * max(distances, default=0.0)) / 4)


def build_contrasts(results: Results, measures: Sequence[Measure]) -> tuple[ContrastTable, ...]:
    """Sort the contrasts of every measure and factor by the size of their difference."""
    tables = []
    for measure in measures:
        for factor in results.study.compare.factors:
            group = [
                c
                for c in results.contrasts
                if (c.system, c.judge, c.factor) == (measure.system, measure.judge, factor)
            ]
            if group:
                tables.append(_contrast_table(results, measure, factor, group))
    return tuple(tables)


def _contrast_table(
    results: Results, measure: Measure, factor: str, group: Sequence[Contrast]
) -> ContrastTable:
    known = labels(results)
    ranked = sorted(
        group, key=lambda c: (-abs(c.difference) if c.difference is not None else 1.0, c.target, c.a, c.b)
    )
    rows = tuple(
        ContrastRow(
            target=known.target(c.system, c.level, c.target),
            level=c.level,
            a=_side(c.a, c.n_respondents_a, factor),
            b=_side(c.b, c.n_respondents_b, factor),
            difference=number(c.difference),
            interval=interval(c.ci_low, c.ci_high),
            effect_size=number(c.effect_size),
            p=p_value(c.p_value),
            p_adjusted=p_value(c.p_adjusted),
            n_stems=f"{c.n_stems:,}",
            survives=survives(c),
        )
        for c in ranked[:N_LISTED]
    )
    return ContrastTable(measure.title, factor, _tests_sentence(group), rows, len(ranked) - len(rows))


def _tests_sentence(group: Sequence[Contrast]) -> str:
    tested = [c for c in group if c.p_value is not None]
    levels = [f"{n:,} on {level}s" for level in LEVELS if (n := sum(c.level == level for c in tested))]
    sentence = (
        f"{count(len(tested), 'contrast')} tested ({listed(levels)}, each level corrected by Holm on its "
        "own); "
        f"{_survivors(sum(survives(c) for c in group))} at .05."
    )
    if len(tested) < len(group):
        untested = count(len(group) - len(tested), "contrast")
        sentence += f" {untested} could not be tested: too few stems rated on both sides."
    return sentence


def _survivors(n: int) -> str:
    if n == 0:
        return "none survives"
    return f"{n:,} survives" if n == 1 else f"{n:,} survive"


def _side(level: str, n_respondents: int, factor: str) -> str:
    return level if factor == "respondent" else f"{level} ({count(n_respondents, 'respondent')})"
