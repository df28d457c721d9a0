"""Draw the words in a plane, wide for a desk and narrow for a telephone.

Owns sizes of the map and the placement of its labels. Where words lie is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from valuelex.report.charts import HUES, INK, Picture, as_picture
from valuelex.report.lexical import MapPoint
from valuelex.report.wording import visible

SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "triangle-down",
    "cross",
    "triangle-right",
    "triangle-left",
)
_CHARACTER, _LINE = 6.3, 13.0
"""Mean width and height of a label's character, in pixels."""
_GAP = 3.0
"""Pixels between a mark and its label."""


@dataclass(frozen=True, slots=True)
class MapSize:
    """A size of the map of words, in pixels: where marks lie, the areas of least and largest mark, and the legend."""

    width: int
    height: int
    areas: tuple[float, float]
    legend_columns: int


WIDE = MapSize(860, 560, (12.0, 190.0), 3)
NARROW = MapSize(290, 460, (8.0, 90.0), 1)
"""For a telephone, on which a wide map shrinks beyond reading."""


@dataclass(frozen=True, slots=True)
class Label:
    """Where the label of a point stands, in pixels from the upper left; `align` is Vega's."""

    text: str
    x: float
    y: float
    align: str


def words_map(points: Sequence[MapPoint], size: MapSize = WIDE) -> Picture:
    """Draw the words in the plane: colour for dimension, shape for subdimension, size for respondents.

    The most central words are labelled first; a label that would cover another or a mark is left out.

    Parameters
    ----------
    points
        The words.
    size
        `WIDE` or `NARROW`.
    """
    keys = list(dict.fromkeys((p.dimension, p.subdimension) for p in points))
    dimensions = list(dict.fromkeys(d for d, _ in keys))
    subdimensions = [s for _, s in keys]
    # A subdimension of that name alone needs no dimension before it, which would leave no room for its own name.
    names = {
        key: visible(key[1] if subdimensions.count(key[1]) == 1 else f"{key[1]} ({key[0]})") for key in keys
    }
    within = {key: [k for k in keys if k[0] == key[0]].index(key) for key in keys}
    rows = [
        {
            "x": p.x * size.width,
            "y": p.y * size.height,
            "group": names[p.dimension, p.subdimension],
            "respondents": p.n_respondents,
        }
        for p in points
    ]
    largest = max((p.n_respondents for p in points), default=1)
    domain = [names[key] for key in keys]
    legend = alt.Legend(
        title=None, orient="bottom", columns=size.legend_columns, labelLimit=280, symbolSize=90
    )
    x = alt.X("x:Q", scale=alt.Scale(domain=[-20, size.width + 20], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[size.height + 16, -16], nice=False), axis=None)
    marks = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_point(filled=True, opacity=0.8)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "group:N",
                scale=alt.Scale(
                    domain=domain, range=[HUES[dimensions.index(d) % len(HUES)] for d, _ in keys]
                ),
                legend=legend,
            ),
            shape=alt.Shape(
                "group:N",
                scale=alt.Scale(domain=domain, range=[SHAPES[within[key] % len(SHAPES)] for key in keys]),
                legend=legend,
            ),
            size=alt.Size(
                "respondents:Q",
                scale=alt.Scale(domain=[0, max(1, largest)], range=list(size.areas)),
                legend=None,
            ),
        )
    )
    placed = place_labels(points, size)
    layers: list[alt.Chart] = [marks]
    for align in ("left", "right", "center"):
        values = [{"x": t.x, "y": t.y, "text": visible(t.text)} for t in placed if t.align == align]
        if values:
            text = alt.Chart(alt.InlineData(values=values)).mark_text(
                align=align, baseline="middle", fontSize=11.5, color=INK
            )
            layers.append(text.encode(x=x, y=y, text="text:N"))
    chart = alt.layer(*layers).properties(width=size.width + 40, height=size.height + 32)
    what = (
        f"Map of {len(points)} words in {len(keys)} subdimensions under {len(dimensions)} dimensions; words "
        "that "
        "respondents name together, or that mean nearly the same, lie closer. The tree of words gives the "
        "same groups."
    )
    return as_picture(chart, what)


def place_labels(points: Sequence[MapPoint], size: MapSize = WIDE) -> tuple[Label, ...]:
    """Place labels greedily, the most central word first, beside, above or below its mark.

    Parameters
    ----------
    points
        The words.
    size
        Of the map they stand on.

    Returns
    -------
    tuple of Label
        Without the labels for which no free place is left.
    """
    largest = max((p.n_respondents for p in points), default=1)
    reach = [_reach(p.n_respondents / max(1, largest), size) for p in points]
    taken = [
        (p.x * size.width - r, p.y * size.height - r, p.x * size.width + r, p.y * size.height + r)
        for p, r in zip(points, reach, strict=True)
    ]
    labels = []
    for point, r in sorted(zip(points, reach, strict=True), key=lambda p: (-p[0].centrality, p[0].name)):
        width = _CHARACTER * len(visible(point.name))
        x, y = point.x * size.width, point.y * size.height
        away, above = r + _GAP, r + _LINE / 2
        options = (
            (Label(point.name, x + away, y, "left"), (x + away, x + away + width)),
            (Label(point.name, x - away, y, "right"), (x - away - width, x - away)),
            (Label(point.name, x, y - above, "center"), (x - width / 2, x + width / 2)),
            (Label(point.name, x, y + above, "center"), (x - width / 2, x + width / 2)),
        )
        for label, (left, right) in options:
            box = (left, label.y - _LINE / 2, right, label.y + _LINE / 2)
            inside = left > -20 and right < size.width + 20 and box[1] > -16 and box[3] < size.height + 16
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                labels.append(label)
                break
    return tuple(labels)


def _reach(share: float, size: MapSize) -> float:
    """Pixels from the middle of a mark to its farthest edge, given its share of the most respondents."""
    least, largest = size.areas
    return 0.62 * math.sqrt(least + (largest - least) * share)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
