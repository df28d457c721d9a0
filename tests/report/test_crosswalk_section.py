"""What the report says of counterparts, and that it says nothing where nothing was built."""

from dataclasses import replace

import pytest

from report.example_results import SCRIPT, example_results
from valuelex.domain.crosswalk import Cell, Crosswalk, Doubt, Match, Standing, TermAgreement
from valuelex.report.crosswalk import build_crosswalk
from valuelex.report.html import render
from valuelex.report.wording import DASH


def cell(i, j, z, p, shared=()):
    return Cell(i, j, shared, 0.125 * len(shared), 0.25 * len(shared), 0.5, 1.0, z, p, p, 0.3)


WALK = Crosswalk(
    system="built",
    known="known-1",
    known_title="Known system",
    names=(("s1", f"care {SCRIPT}"), ("s2", "order")),
    known_names=(("k1", "Kindness"), ("k2", "Rank")),
    cells=(cell("s1", "k1", 4.0, 0.0005, ("care",)), cell("s1", "k2", -2.0, 1.0), cell("s2", "k1", -1.0, 1.0),
           cell("s2", "k2", 1.5, 0.2)),
    matches=(Match("s1", "k1", "k1", Standing(0.81)), Match("s2", None, None, Standing(None))),
    agreement=TermAgreement(16, 3, 0.21, 0.01, 0.4, 0.1, 0.02),
    unique=(f"hope {SCRIPT}",),
    level=0.05,
    n_permutations=2000,
)  # fmt: skip


@pytest.fixture(scope="module")
def results():
    return replace(example_results(), crosswalks=(WALK,))


def test_counterparts_are_told_and_chance_is_called_none(results):
    section = build_crosswalk(results)
    assert section.overview.rows == (
        (f"care {SCRIPT}", "0.81", "Kindness"),
        ("order", DASH, "no counterpart"),
    )
    (walk,) = section.walks
    assert walk.summary == "1 of 2 subdimensions with a counterpart"
    assert walk.texts == (("4.0*", "−2.0"), ("−1.0", "1.5"))
    assert walk.table.rows[0] == (
        f"care {SCRIPT}", "0.81", "Kindness", "Kindness", "Kindness", "0.50", "4.0", "<.001", "<.001", "0.30",
        "care (Jaccard 0.12)",
    )  # fmt: skip
    # The nearest is shown even where it may be chance, and is not called a match.
    assert walk.table.rows[1][1:5] == (DASH, "no counterpart", DASH, "Rank")


def test_a_group_that_may_be_none_is_said_to_have_no_counterpart_for_that(results):
    doubted = replace(
        WALK, matches=(Match("s1", None, None, Standing(0.42, Doubt.UNSTABLE)), WALK.matches[1])
    )
    section = build_crosswalk(replace(results, crosswalks=(doubted,)))
    assert section.overview.rows[0] == (f"care {SCRIPT}", "0.42", "no counterpart: it is not stable")
    assert section.walks[0].summary == "0 of 2 subdimensions with a counterpart"
    assert section.walks[0].table.rows[0][1:5] == (
        "0.42",
        "no counterpart: it is not stable",
        DASH,
        "Kindness",
    )


def test_competence_is_said_to_be_human_too(results):
    assert (
        "competence, for one, is a component of human value lexicons too"
        in build_crosswalk(results).sentences[0]
    )


def test_the_figures_of_terms_are_told(results):
    told = " ".join(build_crosswalk(results).walks[0].sentences)
    assert "16 terms" in told
    assert "that has it among its markers (3), or else to the nearest" in told
    assert "adjusted Rand index of 0.21 (0 is chance, 1 is the same; p = .010)" in told
    assert "1 term farther from all of them than 95 % of the known markers" in told


def test_the_page_shows_the_map_and_escapes_every_name(results):
    page = render(results)
    assert '<section aria-labelledby="crosswalk">' in page
    assert '<a href="#crosswalk">Known systems</a>' in page
    assert "Heatmap of 2 by 2 subdimensions." in page
    assert SCRIPT not in page


def test_nothing_is_shown_where_nothing_was_built():
    plain = example_results(elicited=False)
    assert build_crosswalk(plain) is None
    assert 'id="crosswalk"' not in render(plain)


def test_a_single_group_is_said_to_be_too_few():
    section = build_crosswalk(example_results())
    assert section.sentences == (
        "The value system has too few groups to be held against known ones: a crosswalk needs two.",
    )
    assert section.walks == ()
