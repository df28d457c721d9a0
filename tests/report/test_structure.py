from dataclasses import replace

import numpy as np
import pytest
from example_results import SCRIPT, example_results

from examples import level_choice, structure
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
from valuelex.report.structure import build_structure, lay_out

NAMES = {0: "calm", 1: "bold"}
LABELS = np.zeros(6, dtype=np.int64)


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
        ("Between sources", "too little data to tell", "–", "1", "0.00 ± 0.00", "1.00", "1.0"),
        ("Pooled, as in the paper", "no groups", "1", "1", "0.00 ± 0.00", "1.00", "−0.5"),
        ("Control without structure 1", "no groups", "1", "1", "0.00 ± 0.00", "1.00", "0.0"),
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


def test_the_verdict_is_in_the_page_and_escaped():
    page = render(example_results())
    assert "A verdict. &lt;script&gt;" in page
    assert f"A verdict. {SCRIPT}" not in page
