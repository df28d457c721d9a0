from dataclasses import replace

import pytest

from report.example_results import example_results
from valuelex.domain.measure import Saving
from valuelex.domain.quality import Estimate
from valuelex.report.html import render
from valuelex.report.quality import build_quality, saving_sentence


@pytest.fixture(scope="module")
def results():
    return example_results(elicited=False, with_quality=True)


@pytest.fixture(scope="module")
def section(results):
    (only,) = build_quality(results)
    return only


def table(section, title):
    return next(t for t in section.tables if t.title.startswith(title))


def test_every_row_fills_the_columns_of_its_table(section):
    assert len(section.tables) >= 9
    for one in section.tables:
        assert one.rows
        assert {len(row) for row in one.rows} == {len(one.columns)}, one.title


def test_warnings_stand_first_and_as_they_are(results, section):
    assert section.warnings == results.quality[0].warnings
    page = render(results)
    assert page.index('aria-label="Warnings"') < page.index("Where the variance of single ratings lies")


def test_shares_of_a_bar_make_the_whole(section):
    for target in {s.target for s in section.shares}:
        assert sum(s.share for s in section.shares if s.target == target) == pytest.approx(1)


def test_components_and_coefficients_stand_in_one_row(results, section):
    found = results.quality[0]
    row = next(r for r in table(section, "Where the variance").rows if r[0] == "All subdimensions")
    decided = next(d for d in found.decisions if d.target == "all" and d.scores == "raw")
    assert row[1].startswith(f"{decided.present.generalizability.value:.2f}")
    assert row[3].split("\u00a0")[0] == f"{100 * found.components[0].components[0].share:.0f}"


def test_the_milder_judge_is_shown_as_milder(section):
    rows = [r for r in table(section, "Severity").rows if r[1] == "mild"]
    assert all(not r[2].startswith("−") for r in rows)
    assert len(rows) == 6


def test_what_cannot_be_told_says_why(results):
    found = results.quality[0]
    untold = Estimate(None, None, None, 4, "too few respondents")
    reliabilities = tuple(replace(r, correlation=untold) for r in found.reliabilities)
    (section,) = build_quality(replace(results, quality=(replace(found, reliabilities=reliabilities),)))
    assert table(section, "Reliability").rows[0][2] == "– (too few respondents)"


def test_saving_is_said_in_one_sentence():
    # 24 + 72 of 2 x 120 stems asked: 60 % saved.
    assert saving_sentence(Saving({"a": 24, "b": 72}, 120)) == (
        "The length of the test was adaptive: respondents were asked 24 to 72 of 120 stems, which saved 60\u00a0% of "
        "the completions."
    )
    assert saving_sentence(None) == ""


def test_the_page_has_no_markup_of_others(results):
    assert "<script>alert" not in render(results)
