"""The map of words: labels that can be read, at a desk and on a telephone."""

import numpy as np
import pytest

from report.example_results import example_results
from report.test_charts import texts
from valuelex.report.lexical import MapPoint
from valuelex.report.sections import build_report
from valuelex.report.words_map import NARROW, WIDE, place_labels, words_map


@pytest.fixture(scope="module")
def report():
    return build_report(example_results())


def test_the_words_map_labels_words_and_names_groups(report):
    picture = words_map(report.found.points)
    shown = texts(picture)
    assert "clarity accuracy" in shown
    assert len({p.name for p in report.found.points} & set(shown)) >= 8
    assert (picture.width, picture.height) > (800, 500)


def test_a_label_gives_way_to_a_more_central_one():
    # Seven words on one spot: the four places around it go to the four most central, the others get none.
    points = [MapPoint(f"word{i}", 0.5, 0.5, "D", "S", 1, centrality=i / 10) for i in range(7)]
    assert [label.text for label in place_labels(points)] == ["word6", "word5", "word4", "word3"]


def boxes(points, size):
    """Boxes of the labels, and of the marks: circles and squares of the areas that the map draws."""
    largest = max(p.n_respondents for p in points)
    marks = []
    for p in points:
        r = 0.5 * (size.areas[0] + (size.areas[1] - size.areas[0]) * p.n_respondents / largest) ** 0.5
        marks.append(
            (p.x * size.width - r, p.y * size.height - r, p.x * size.width + r, p.y * size.height + r)
        )
    labels = []
    for label in place_labels(points, size):
        width = 6 * len(label.text)
        left = {"left": label.x, "right": label.x - width, "center": label.x - width / 2}[label.align]
        labels.append((left, label.y - 6, left + width, label.y + 6))
    return labels, marks


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_no_label_covers_another_or_a_mark_or_leaves_the_map(size):
    rng = np.random.default_rng(8)
    points = [
        MapPoint(f"word number {i}", *rng.random(2), "D", "S", int(rng.integers(1, 50)), rng.random())
        for i in range(80)
    ]
    labels, marks = boxes(points, size)
    assert len(labels) > 10
    for i, (left, top, right, bottom) in enumerate(labels):
        assert left > -20
        assert right < size.width + 20
        assert top > -16
        assert bottom < size.height + 16
        for other in (*labels[:i], *marks):
            assert left >= other[2] or other[0] >= right or top >= other[3] or other[1] >= bottom


def test_the_narrow_map_fits_a_telephone(report):
    narrow = words_map(report.found.points, NARROW)
    assert narrow.width <= 360
    assert "clarity accuracy" in texts(narrow)


def test_a_subdimension_is_named_with_its_dimension_only_where_two_have_one_name():
    points = [
        MapPoint(f"w{i}", i / 4, i / 4, f"D{i}", "same" if i < 2 else f"S{i}", 1, 0.0) for i in range(4)
    ]
    shown = texts(words_map(points))
    assert {"same (D0)", "same (D1)", "S2", "S3"} <= set(shown)


def test_the_map_does_not_change_from_one_drawing_to_the_next(report):
    assert words_map(report.found.points) == words_map(report.found.points)
