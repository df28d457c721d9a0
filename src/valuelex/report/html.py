"""Write the report as one HTML file that opens without a network.

Owns escaping: every text is made visible and escaped, the data block cannot be closed by its content, and the
page's own policy forbids any request and any script but the one written here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from valuelex.domain.results import Results
from valuelex.report.charts import Picture, dot_plot, heatmap, likeness_map, variance_bars
from valuelex.report.sections import Report, build_report
from valuelex.report.wording import visible
from valuelex.report.words_map import NARROW, words_map

_JSON_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def render(results: Results) -> str:
    """Render results as the text of a self-contained HTML page.

    Returns
    -------
    str
        The same results give the same text, byte for byte.

    Raises
    ------
    DataError
        If orientations, ratings and completions contradict one another.
    """
    report = build_report(results)
    environment = Environment(
        loader=PackageLoader("valuelex", "assets"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _asset("report.js")
    return environment.get_template("report.html.j2").render(
        report=report,
        charts=_charts(report),
        style=Markup(_asset("report.css")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=embed_json(report.evidence.data),
    )


def embed_json(value: Any) -> Markup:
    """Write a value as JSON that can stand inside a script element, whatever its texts are."""
    text = json.dumps(_visible_all(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_JSON_ESCAPES))  # noqa: S704 - no markup is left


def _finalize(value: Any) -> Any:
    """Make every text of the template visible before it is escaped; the page's own parts pass."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value


def _visible_all(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _visible_all(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_visible_all(entry) for entry in value]
    return value


def _asset(name: str) -> str:
    return files("valuelex.assets").joinpath(name).read_text(encoding="utf-8")


def _charts(report: Report) -> dict[str, Any]:
    pictures: dict[str, Any] = {
        "orientations": [
            {
                "subdimension": heatmap(section.subdimensions, section.reach),
                "dimension": heatmap(section.dimensions, section.reach),
                "dots": dot_plot(section.subdimensions),
            }
            for section in report.orientations
        ]
    }
    pictures["quality"] = [variance_bars(s.shares) if s.shares else None for s in report.quality]
    walks = report.crosswalk.walks if report.crosswalk is not None else ()
    pictures["crosswalk"] = [likeness_map(walk) for walk in walks]
    words: tuple[Picture, ...] = ()
    if report.found is not None and report.found.points:
        words = (words_map(report.found.points), words_map(report.found.points, NARROW))
    return {**pictures, "words": words}
