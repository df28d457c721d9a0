"""The report says who named each group, from how many draws, how far they agreed, and keeps the markers beside it."""

from dataclasses import replace

import pytest

from report.example_results import SCRIPT, example_results
from valuelex.domain.call import Missing
from valuelex.domain.naming import GroupName, Naming
from valuelex.report.html import render
from valuelex.report.lexical import build_found
from valuelex.report.naming import named_by, naming_sentence


def group(level, part, **changes):
    kept = GroupName(level, part.id, part.name, part.name, part.definition, None, None, 0, 0)
    return replace(kept, **changes)


@pytest.fixture(scope="module")
def results():
    """The first subdimension and the first dimension are named; the second has names that another group bears."""
    plain = example_results()
    first, second, *others = plain.found.system.subdimensions
    whole, *wholes = plain.found.system.dimensions
    given = {
        "draw": 2,
        "definition": f"To be exact. {SCRIPT}",
        "consistency": 0.834,
        "n_named": 4,
        "n_same": 3,
    }
    groups = (
        group("subdimension", first, name="Exactness", missing={Missing.REFUSED: 1}, **given),
        group("subdimension", second, displaced="Exactness", n_named=5),
        *(group("subdimension", s, missing={Missing.UNPARSEABLE: 5}) for s in others),
        group("dimension", whole, name="Skill", draw=0, n_named=1, definition="To be able."),
        *(group("dimension", d) for d in wholes),
    )
    naming = Naming(f"baptist {SCRIPT}", 5, groups, 0.31, 0.004, ())
    found = replace(plain.found, naming=naming)
    shown = tuple(found.shown if s.name == found.system.name else s for s in plain.systems)
    return replace(plain, found=found, systems=shown)


def test_the_tree_has_the_names_and_who_gave_them(results):
    section = build_found(results)
    whole = section.dimensions[0]
    assert (whole.name, whole.definition) == ("Skill", "To be able.")
    assert whole.named == (
        f"Named by baptist {SCRIPT} in the only usable of 5 draws, so its consistency is not known. "
        "By its markers: Found 1."
    )
    named, unnamed = whole.groups
    assert named.name == "Exactness"
    assert named.named == (
        f"Named by baptist {SCRIPT}: the most consistent of 4 names from 5 draws (consistency 0.83; 3 gave this very "
        "name) (1 refused). By its markers: clarity accuracy."
    )
    # The words stay where they were, under whichever name.
    assert {w.name for w in named.words} == {"clarity", "accuracy", "care", "skill"}
    assert unnamed.name == "patience help"
    assert unnamed.named == (
        f"Called by its markers: other groups bear the names that baptist {SCRIPT} gave (first: Exactness)."
    )
    assert "no draw of baptist" in section.dimensions[1].groups[0].named
    assert "(5 unparseable)" in section.dimensions[1].groups[0].named
    assert section.naming.startswith(f"2 of 6 groups are named and defined by baptist {SCRIPT}")
    assert (
        "Names dealt to the groups at random have 0.31 on average, and reach the mean of all groups with p .004"
        in section.naming
    )


def test_a_name_is_text_of_a_model_and_escaped(results):
    text = render(results)
    assert "<script>alert" not in text
    assert "Exactness" in text
    assert "To be exact. &lt;script&gt;" in text


def test_without_a_namer_the_report_says_that_there_was_none():
    assert naming_sentence(None) == (
        "Groups are called by their three most central words; no language model named them."
    )
    assert named_by(None, "dimension", "d1") == ""
    assert all(not d.named for d in build_found(example_results()).dimensions)


def test_a_name_that_is_no_better_than_chance_is_not_shown_as_one():
    plain = example_results()
    first, *others = plain.found.system.subdimensions
    groups = (
        group("subdimension", first, withheld="Huckleberry River", consistency=0.26, n_named=5, n_same=1),
        *(group("subdimension", s) for s in others),
        *(group("dimension", d) for d in plain.found.system.dimensions),
    )
    naming = Naming("baptist", 5, groups, 0.27, 0.6, ())
    section = build_found(replace(plain, found=replace(plain.found, naming=naming)))
    shown = section.dimensions[0].groups[0]
    assert shown.name == first.name
    assert shown.named == (
        "Called by its markers: how far draws of baptist agree on a name is not told from chance (most consistent: "
        "Huckleberry River, 0.26)."
    )
    assert "A name that is not told from chance is not used." in section.naming
