"""Draw the charts of the report as self-contained SVG pictures.

Owns colours and alternative texts; the map of words is in `valuelex.report.words_map`. Takes sections, and shows only
what stands in them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from valuelex.domain.measure import SCALE_NEUTRAL
from valuelex.report.crosswalk import WalkView
from valuelex.report.measured import OrientationTable
from valuelex.report.quality import Share
from valuelex.report.wording import count, number, visible

INK, MUTED, ACCENT = "#1c2530", "#5a6572", "#1f5f8b"
BELOW, NEUTRAL, ABOVE = "#b35806", "#f5f5f3", "#2b5c9e"
"""Ends and middle of the diverging scale: orange to blue, told apart by colour-blind readers."""
HUES = ("#0072b2", "#d55e00", "#008a63", "#a8528c", "#8a6d00", "#3f8fbf", "#5c4b9b", "#6b6b6b")
FONT = "Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as a data URI, its size in pixels, and a text that tells what it shows."""

    src: str
    width: int
    height: int
    alt: str


def heatmap(table: OrientationTable, reach: float) -> Picture:
    """Draw respondents by targets, the estimate in every cell, coloured by distance from the column's mean.

    Columns have no common zero, so colours compare respondents within a column only.

    Parameters
    ----------
    table
        Orientations of one level.
    reach
        Distance from the mean, in scale points, at which the colours are strongest.
    """
    columns = _distinct(table.columns)
    rows = [
        {
            "row": visible(respondent),
            "column": column,
            "offset": None if cell.value is None or mean is None else cell.value - mean,
            "text": cell.estimate,
            "strong": cell.value is not None and mean is not None and _is_dark((cell.value - mean) / reach),
        }
        for respondent, cells in table.rows
        for column, cell, mean in zip(columns, cells, table.means, strict=True)
    ]
    longest = max((len(word) for column in columns for word in column.split()), default=0)
    step = min(max(64, 7 * longest + 10), 130)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("column:N", sort=list(columns), title=None, axis=_top_axis(columns, step)),
        y=alt.Y("row:N", sort=_row_order(table), title=None, axis=_left_axis()),
    )
    colour = alt.Color(
        "offset:Q",
        legend=None,
        scale=alt.Scale(
            domain=[-reach, 0, reach],
            range=[BELOW, NEUTRAL, ABOVE],
            interpolate="lab",
        ),
    )
    cells_ = base.mark_rect(stroke="#fff", strokeWidth=2).encode(
        color=alt.condition("isValid(datum.offset)", colour, alt.value("#fff"))
    )
    figures = base.mark_text(fontSize=12).encode(
        text="text:N", color=alt.condition("datum.strong", alt.value("#fff"), alt.value(INK))
    )
    chart = alt.layer(cells_, figures).properties(width=step * len(columns), height=26 * len(table.rows))
    size = f"{count(len(table.rows), 'respondent')} by {count(len(columns), table.level)}"
    return as_picture(chart, f"Heatmap of {size}. {_extremes(table)}")


def likeness_map(walk: WalkView) -> Picture:
    """Draw the subdimensions of a system by those of a known one, coloured by how far from chance they are.

    Colours are strongest at the largest distance from chance of either sign; a star marks a cell beyond chance.
    """
    columns, names = _distinct(walk.columns), _distinct(walk.rows)
    reach = max((abs(z) for row in walk.z for z in row), default=0.0) or 1.0
    cells = [
        {"row": name, "column": column, "z": z, "text": text, "strong": _is_dark(z / reach)}
        for name, row, texts in zip(names, walk.z, walk.texts, strict=True)
        for column, z, text in zip(columns, row, texts, strict=True)
    ]
    longest = max((len(word) for column in columns for word in column.split()), default=0)
    step = min(max(64, 7 * longest + 10), 130)
    base = alt.Chart(alt.InlineData(values=cells)).encode(
        x=alt.X("column:N", sort=list(columns), title=None, axis=_top_axis(columns, step)),
        y=alt.Y("row:N", sort=list(names), title=None, axis=_left_axis()),
    )
    scale = alt.Scale(domain=[-reach, 0, reach], range=[BELOW, NEUTRAL, ABOVE], interpolate="lab")
    squares = base.mark_rect(stroke="#fff", strokeWidth=2).encode(
        color=alt.Color("z:Q", legend=None, scale=scale)
    )
    figures = base.mark_text(fontSize=12).encode(
        text="text:N", color=alt.condition("datum.strong", alt.value("#fff"), alt.value(INK))
    )
    chart = alt.layer(squares, figures).properties(width=step * len(columns), height=26 * len(names))
    return as_picture(
        chart, f"Heatmap of {len(names)} by {count(len(columns), 'subdimension')}. {walk.summary}"
    )


def dot_plot(table: OrientationTable) -> Picture:
    """Draw every estimate with its 95 % interval, one panel for each target, on the whole scale."""
    columns = _distinct(table.columns)
    rows = [
        {
            "row": visible(respondent),
            "column": column,
            "value": cell.value,
            "low": cell.ci_low,
            "high": cell.ci_high,
        }
        for respondent, cells in table.rows
        for column, cell in zip(columns, cells, strict=True)
        if cell.value is not None
    ]
    low, high = _dot_domain(rows)
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    axis_x = alt.Axis(tickCount=6, format="~g", grid=True, gridColor="#eef1f4", domain=False)
    y = alt.Y("row:N", sort=_row_order(table), title=None, axis=_left_axis())
    base = alt.Chart().encode(y=y)
    neutral = (
        alt.Chart()
        .mark_rule(color=MUTED, strokeDash=[3, 3])
        .encode(x=alt.datum(SCALE_NEUTRAL, type="quantitative"))
    )
    spans = base.mark_rule(color=ACCENT, strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale, axis=axis_x, title=None), x2="high:Q"
    )
    dots = base.mark_point(color=ACCENT, filled=True, size=46, opacity=1).encode(
        x=alt.X("value:Q", scale=scale)
    )
    panels = (
        alt.layer(neutral, spans, dots, data=alt.InlineData(values=rows))
        .properties(width=210, height=max(60, 19 * len(table.rows)))
        .facet(
            facet=alt.Facet(
                "column:N", sort=list(columns), title=None, header=alt.Header(labelFontWeight="bold")
            ),
            columns=3,
            spacing=18,
        )
        .resolve_axis(x="independent")
    )
    what = (
        f"Dot plot of estimates with 95 percent intervals for {count(len(table.rows), 'respondent')} on "
        f"{count(len(columns), table.level)}; the dashed line is the middle of the scale. {_extremes(table)}"
    )
    return as_picture(panels, what)


def variance_bars(shares: Sequence[Share]) -> Picture:
    """Draw one bar for each target, divided into the shares of the variance that effects make."""
    targets = list(dict.fromkeys(s.target for s in shares))
    effects = list(dict.fromkeys(s.effect for s in shares))
    rows = [
        {"target": s.target, "effect": s.effect, "share": s.share, "order": effects.index(s.effect)}
        for s in shares
    ]
    colours = [HUES[i % len(HUES)] for i in range(len(effects))]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(stroke="#fff", strokeWidth=1)
        .encode(
            x=alt.X(
                "share:Q",
                stack="zero",
                title=None,
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%", tickCount=5, grid=False),
            ),
            y=alt.Y("target:N", sort=targets, title=None, axis=_left_axis()),
            color=alt.Color(
                "effect:N",
                sort=effects,
                scale=alt.Scale(domain=effects, range=colours),
                legend=alt.Legend(title=None, orient="bottom", columns=3, labelLimit=260),
            ),
            order=alt.Order("order:Q"),
        )
        .properties(width=560, height=24 * len(targets))
    )
    first = [s for s in shares if s.effect == effects[0]]
    spread = f"{min(s.share for s in first):.0%} to {max(s.share for s in first):.0%}"
    return as_picture(
        chart, f"Bars of variance for {count(len(targets), 'target')}; {effects[0]} makes {spread} of it."
    )


def _is_dark(position: float) -> bool:
    """Tell whether white reads better than ink at a place of the colour scale, from -1 (orange) to 1 (blue)."""
    return position > 0.7 or position < -0.85


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Make names visible, and number those that occur twice, so that no two columns fall into one."""
    shown = [visible(name) for name in names]
    return tuple(
        name if shown.count(name) == 1 else f"{name} {shown[: i + 1].count(name)}"
        for i, name in enumerate(shown)
    )


def _row_order(table: OrientationTable) -> list[str]:
    return [visible(respondent) for respondent, _ in table.rows]


def _top_axis(columns: Sequence[str], step: int) -> alt.Axis:
    """Write names above columns of a width in pixels, one word a line."""
    n_lines = max((len(column.split()) for column in columns), default=1)
    return alt.Axis(
        labelPadding=4 + 13 * (n_lines - 1),
        orient="top",
        labelAngle=0,
        labelExpr="split(datum.label, ' ')",
        labelLimit=step,
        domain=False,
        ticks=False,
    )


def _left_axis() -> alt.Axis:
    return alt.Axis(labelLimit=230, domain=False, ticks=False, labelPadding=8)


def _dot_domain(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return the range of the intervals with neutral inside, out to whole half points."""
    ends = [SCALE_NEUTRAL - 0.5, SCALE_NEUTRAL + 0.5]
    for row in rows:
        ends += [end for end in (row["low"], row["value"], row["high"]) if end is not None]
    low, high = min(ends), max(ends)
    return max(0.0, (2 * low) // 1 / 2), min(6.0, -((-2 * high) // 1) / 2)


def _extremes(table: OrientationTable) -> str:
    known = [c.value for c in table.cells if c.value is not None]
    if not known:
        return "No estimate could be given."
    return f"Estimates from {number(min(known))} to {number(max(known))}; the table below gives the same figures."


def as_picture(chart: Any, what: str) -> Picture:
    """Draw a chart as a picture that needs no network; `what` tells what it shows."""
    styled = (
        chart.configure(background="#ffffff", font=FONT, padding=8)
        .configure_view(stroke=None)
        .configure_axis(labelColor=INK, labelFontSize=12, titleFontWeight="normal")
        .configure_header(labelColor=INK, labelFontSize=13)
        .configure_legend(labelColor=INK, labelFontSize=12)
    )
    svg = vl_convert.vegalite_to_svg(styled.to_dict(), vl_version=_vegalite_version(), allowed_base_urls=[])
    size = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    width, height = (round(float(edge)) for edge in size.groups()) if size else (0, 0)
    encoded = base64.b64encode(svg.encode()).decode()
    return Picture(f"data:image/svg+xml;base64,{encoded}", width, height, what)


def _vegalite_version() -> str:
    """Return the Vega-Lite version that this Altair writes, as vl-convert names it: 'v6.4.1' is '6.4'."""
    major, minor = str(alt.SCHEMA_VERSION).removeprefix("v").split(".")[:2]
    return f"{major}.{minor}"
