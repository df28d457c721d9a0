import re
from dataclasses import replace

import numpy as np
import pytest
from example_results import SCRIPT, example_results

from examples import level_choice, structure, taxonomy
from valuelex.domain.evidence import (
    Estimate,
    GroupEvidence,
    Level,
    NullTest,
    Outcome,
    Sensitivity,
    Split,
    View,
)
from valuelex.report.html import render
from valuelex.report.lexical import build_found
from valuelex.report.structure import build_structure, lay_out

NAMES = {0: "calm", 1: "bold"}
LABELS = np.zeros(6, dtype=np.int64)
ONE = taxonomy((0,) * 6, (0,))


def whole():
    """One row of everything that can be shown."""
    known = Estimate(1.25, 0.5, 2.0)
    unknown = Estimate(np.nan, np.nan, np.nan)
    return structure(
        joint=level_choice(n_groups=2, n_candidates=3, plausible=(2, 3)),
        levels=(
            level_choice(Level.BETWEEN, Outcome.TOO_LITTLE_DATA, 1, n_candidates=2, trace=1.0),
            level_choice(Level.POOLED, Outcome.NO_GROUPS, 1, n_candidates=2, trace=-0.5),
        ),
        controls=(level_choice(outcome=Outcome.NO_GROUPS, n_groups=1, n_candidates=2, trace=0.0),),
        views=(View("between", 1.0, LABELS, 0.5), View("pooled", 0.0, LABELS, 0.25)),
        groups=(
            GroupEvidence(0, 4, 0.9, 0.7, known, unknown, 0.5),
            GroupEvidence(5, 2, 0.5, 0.4, known, known, np.nan),
        ),
        nulls=(
            NullTest("shuffled profiles", "Is it so?", 2.0, -0.5, 0.25, 0.05, 19),
            NullTest("embeddings only", "Better?", 2.0, 1.0, 1.5, 0.01, 6, by="sources held out"),
        ),
        splits=(Split("each source left out", 0.75, 0.5, 1.0, 6, "most without x"),),
        sensitivities=(Sensitivity("no embeddings", 0.5, 6),),
        dimension_gain={1: 0.0, 2: 1.5},
        notes=("A note.",),
        verdict=("A verdict.",),
    )


@pytest.fixture
def tables():
    return {t.title: t for t in lay_out(whole(), NAMES).tables}


def test_verdict_and_notes_come_as_they_are():
    section = lay_out(whole(), NAMES)
    assert (section.verdict, section.notes) == (("A verdict.",), ("A note.",))


def test_how_many_groups(tables):
    table = tables["How many groups"]
    assert "from some of 6 families" in table.about
    assert table.rows == (
        ("Both levels", "groups", "2", "2, 3", "1.00 ± 0.50", "0.50", "8.0"),
        # Over one group itself there is nothing to gain.
        ("Between sources", "too little data to tell", "–", "1", "–", "–", "1.0"),
        ("Pooled, as in the paper", "no groups", "1", "1", "–", "–", "−0.5"),
        ("Control without structure 1", "no groups", "1", "1", "–", "–", "0.0"),
    )


def test_a_pooled_view_beside_two_levels_has_no_weight(tables):
    about = "Views of which terms belong together"
    assert tables[about].rows == (("Between sources", "1.00", "0.50"), ("Pooled responses", "–", "0.25"))
    alone = replace(whole(), profiled="", views=(View("pooled", 1.0, LABELS, 0.25),))
    (table,) = [t for t in lay_out(alone, NAMES).tables if t.title == about]
    assert table.rows == (("Pooled responses", "1.00", "0.25"),)


def test_evidence_for_each_group(tables):
    first, second = tables["Evidence for each group"].rows
    assert first == ("s1 calm", "4", "0.90", "0.70", "1.25 [0.50, 2.00]", "–", "0.50")
    assert second == ("s6", "2", "0.50", "0.40", "1.25 [0.50, 2.00]", "1.25 [0.50, 2.00]", "–")


def test_nulls_splits_and_other_choices(tables):
    assert tables["Beside what data without structure would give"].rows == (
        ("shuffled profiles", "Is it so?", "2.00", "−0.50", "0.25", ".050", "19 replicates"),
        ("embeddings only", "Better?", "2.00", "1.00", "1.50", ".010", "6 sources held out"),
    )
    assert tables["Other parts of the data, other choices"].rows == (
        ("each source left out", "0.75", "0.50 to 1.00", "6", "most without x"),
        ("no embeddings", "0.50", "", "", "6 terms"),
    )


def test_every_number_that_was_tried(tables):
    table = tables["Every number of groups that was tried"]
    assert table.folded
    assert table.rows == (
        ("Both levels", "2", "1.00 ± 0.50", "0.50"),
        ("Both levels", "3", "2.00 ± 0.50", "0.33"),
        ("Between sources", "2", "1.00 ± 0.50", "0.50"),
        ("Pooled, as in the paper", "2", "1.00 ± 0.50", "0.50"),
        ("Dimensions over the groups", "2", "1.50", ""),
    )


def test_tables_without_rows_are_left_out():
    titles = [t.title for t in lay_out(structure(), NAMES).tables]
    assert titles == ["How many groups", "Every number of groups that was tried"]


def test_nothing_elicited_has_no_structure():
    assert build_structure(example_results(elicited=False)) is None


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "The value system found"),
        ({"n_given": 3}, "The value system found"),
        ({"n_given": 2}, "The value system that the study asked for"),
        (
            {"n_given": 3, "joint": level_choice(outcome=Outcome.NO_GROUPS, n_groups=1)},
            "The value system that the study asked for",
        ),
        (
            {"taxonomy": ONE, "joint": level_choice(outcome=Outcome.NO_GROUPS, n_groups=1)},
            "No value system found: the lists show no groups",
        ),
        (
            {"taxonomy": ONE, "joint": level_choice(outcome=Outcome.TOO_LITTLE_DATA, n_groups=2)},
            "No value system found: too little data to tell",
        ),
    ],
)
def test_the_heading_says_what_came_out(changes, title):
    section = lay_out(structure(**changes), NAMES)
    assert section.title == title
    assert section.found is (changes.get("taxonomy") is not ONE)


def test_ratings_have_a_heading_of_their_own():
    none = structure(ONE, joint=level_choice(outcome=Outcome.NO_GROUPS, n_groups=1))
    assert lay_out(none, NAMES, "value system of the rated terms", "ratings").title == (
        "No value system of the rated terms found: the ratings show no groups"
    )


def test_what_is_said_of_lists_is_said_of_ratings_where_there_are_ratings():
    asked = NullTest("embeddings only", "Do groups made with the lists predict?", 2.0, 1.0, 1.5, 0.01, 6)
    of = replace(whole(), nulls=(asked,))
    tables = {t.title: t for t in lay_out(of, NAMES, "value system of the rated terms", "ratings").tables}
    groups, nulls = tables["Evidence for each group"], tables["Beside what data without structure would give"]
    assert groups.columns[3] == "By ratings"
    assert "lists" not in groups.about
    assert nulls.rows[0][1] == "Do groups made with the ratings predict?"


def test_groups_have_the_codes_that_the_verdict_calls_them_by():
    page = render(example_results())
    assert re.findall(r'<h5><span class="muted">(s\d)</span> ([^<]*)</h5>', page) == [
        ("s1", "clarity accuracy"),
        ("s2", "patience help"),
        ("s3", "kindness friendship"),
        ("s4", "courage hope"),
    ]


def test_a_page_without_a_value_system_does_not_claim_one():
    results = example_results()
    alone = replace(results.found.taxonomy, subdimension=np.zeros(16, dtype=np.int64))
    joint = level_choice(outcome=Outcome.TOO_LITTLE_DATA, n_groups=2)
    unsure = replace(results.found.structure, taxonomy=alone, joint=joint)
    of_none = replace(results, found=replace(results.found, structure=unsure))
    page = render(of_none)
    assert '<h2 id="system">No value system found: too little data to tell</h2>' in page
    assert "The value system found" not in page
    assert "16 terms in one group, so no view of them was weighted and no stability estimated." in page
    assert "Groups are called by" not in page
    # Places of terms that were not grouped are noise, and are not drawn.
    assert "Map of the words" not in page
    assert '<span class="muted">s1</span>' not in page
    assert {(t.dimension, t.subdimension, t.stability) for t in build_found(of_none).terms} == {("–",) * 3}
    assert '<h2 id="system">The value system found</h2>' in render(results)


def test_a_level_that_nobody_could_score_has_no_figures():
    unscored = level_choice(outcome=Outcome.TOO_LITTLE_DATA, n_groups=1, n_candidates=1, trace=0.0)
    (table,) = [t for t in lay_out(structure(joint=unscored), NAMES).tables if t.title == "How many groups"]
    assert table.rows == (("Both levels", "too little data to tell", *("–",) * 5),)


def test_the_verdict_is_in_the_page_and_escaped():
    page = render(example_results())
    assert "A verdict. &lt;script&gt;" in page
    assert f"A verdict. {SCRIPT}" not in page
