"""Charts are self-contained pictures that show the figures of their section."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from report.example_results import example_results
from valuelex.report.charts import Picture, dot_plot, heatmap
from valuelex.report.sections import build_report


@pytest.fixture(scope="module")
def report():
    return build_report(example_results())


def texts(picture: Picture) -> list[str]:
    svg = base64.b64decode(picture.src.removeprefix("data:image/svg+xml;base64,")).decode()
    return [
        element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith(("text", "tspan"))
    ]


def test_the_heatmap_writes_every_estimate_into_its_cell(report):
    table = report.orientations[0].subdimensions
    shown = texts(heatmap(table, report.orientations[0].reach))
    expected = [cell.estimate for cell in table.cells]
    assert sorted(t for t in shown if t in expected) == sorted(expected)
    assert "Skilled" in shown


def test_a_missing_estimate_is_a_dash_and_no_number(report):
    table = report.orientations[0].subdimensions
    respondent, cells = table.rows[0]
    none = replace(cells[0], value=None, ci_low=None, ci_high=None, estimate="–")
    changed = replace(table, rows=((respondent, (none, *cells[1:])), *table.rows[1:]))
    assert texts(heatmap(changed, 1.0)).count("–") == 1
    assert "0.00" not in texts(heatmap(changed, 1.0))
    assert respondent in texts(dot_plot(changed))


def test_the_dot_plot_has_a_panel_for_every_subdimension(report):
    table = report.orientations[0].subdimensions
    shown = texts(dot_plot(table))
    assert set(table.columns) <= set(shown)


def test_a_chart_tells_its_range_in_words(report):
    table = report.orientations[0].subdimensions
    highest = max(table.cells, key=lambda cell: cell.value)
    lowest = min(table.cells, key=lambda cell: cell.value)
    assert f"Estimates from {lowest.estimate} to {highest.estimate};" in heatmap(table, 1.0).alt


def test_hostile_text_stays_text_in_a_chart(report):
    table = report.orientations[0].subdimensions
    renamed = replace(table, rows=tuple((f"{name}\u202e<b>", cells) for name, cells in table.rows))
    assert any(t.endswith("⟨U+202E⟩<b>") for t in texts(heatmap(renamed, 1.0)))


def test_charts_do_not_change_from_one_drawing_to_the_next(report):
    table = report.orientations[0].subdimensions
    assert heatmap(table, 1.0) == heatmap(table, 1.0)
    assert dot_plot(table) == dot_plot(table)
