"""The numbers and sentences of the report, against counts done by hand or by plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from report.example_results import example_results
from valuelex.domain.call import Missing
from valuelex.domain.measure import Completion
from valuelex.report.html import render
from valuelex.report.lexical import strength
from valuelex.report.sections import build_report


@pytest.fixture(scope="module")
def results():
    return example_results()


@pytest.fixture(scope="module")
def report(results):
    return build_report(results)


def test_facts_count_answers(report):
    # 4 respondents x 12 stems x 2 draws = 96 completions; numbers 3, 10, ..., 94 are missing: 14, in turn for
    # four reasons: refused 4, off topic 4, empty 3, call failed 3. 96 - 14 = 82 usable, 85 %.
    facts = {fact.label: fact for fact in report.facts}
    assert facts["Respondents"].value == "4"
    assert facts["Respondents"].note == "4 models, 2 families"
    assert facts["Completions asked"].value == "96"
    assert (
        facts["Completions asked"].note
        == "82 usable (85\u00a0%); 4 refused, 3 empty, 4 off topic, 3 call failed"
    )
    assert facts["Completions rated"].value == "82"
    # 4 x 2 prompts x 2 draws = 16 responses; 4 and 13 are refused, 7 is unparseable.
    assert facts["Responses asked"].note == "13 parseable (81\u00a0%); 2 refused, 1 unparseable"
    assert facts["Value terms"].note == "from 2 forms, 4 forms dropped"


def test_missing_table_by_hand(results):
    first, second = (r.id for r in results.study.respondents[:2])
    stem = results.study.project.test.stems[0].id
    answers = (
        Completion("a", first, stem, 0, "", Missing.EMPTY, "k"),
        Completion("b", first, stem, 1, "done", None, "k"),
        Completion("c", second, stem, 0, "no", Missing.REFUSED, "k"),
    )
    few = replace(
        results,
        study=replace(results.study, respondents=results.study.respondents[:2]),
        found=None,
        systems=results.systems[:1],
        completions=answers,
        ratings=(),
        orientations=(),
        contrasts=(),
    )
    (table,) = build_report(few).missing
    assert table.columns == ("refused", "empty")
    nothing, half, whole, third = (
        ("0", "0\u00a0%"),
        ("1", "50\u00a0%"),
        ("1", "100\u00a0%"),
        ("1", "33\u00a0%"),
    )
    assert table.rows == (
        (first, "2", (nothing, half), half),
        (second, "1", (whole, nothing), whole),
        ("All", "3", (third, third), ("2", "67\u00a0%")),
    )


def test_orientation_cells_show_what_was_estimated(results, report):
    given = report.orientations[0]
    expected = {(o.respondent_id, o.target): o for o in results.orientations if o.level == "subdimension"}
    ids = [s.id for s in results.systems[0].subdimensions]
    for respondent, cells in given.subdimensions.rows:
        for id_, cell in zip(ids, cells, strict=True):
            o = expected[respondent, id_]
            assert cell.estimate == f"{o.estimate:.2f}"
            assert cell.interval == f"[{o.ci_low:.2f}, {o.ci_high:.2f}]"
            assert cell.n == f"{o.n_stems} stems"
            assert cell.missing == f"{o.n_missing} missing"


def test_an_orientation_that_could_not_be_estimated_is_a_dash_with_its_reason(results):
    first = results.orientations[0]
    none = replace(first, estimate=None, ci_low=None, ci_high=None, n_stems=1)
    report = build_report(replace(results, orientations=(none, *results.orientations[1:])))
    cell = report.orientations[0].subdimensions.cells[0]
    assert (cell.estimate, cell.interval, cell.why_none) == ("–", "", "only 1 stem rated")


def test_contrasts_are_sorted_by_size_and_marked_when_they_survive(results, report):
    table = report.contrasts[0]
    # 6 pairs of 4 respondents on 6 subdimensions and 3 dimensions.
    assert len(table.rows) == 6 * 9
    assert "54 contrasts tested (36 on subdimensions and 18 on dimensions" in table.sentence
    sizes = [abs(float(row.difference.replace("−", "-"))) for row in table.rows]
    assert sizes == sorted(sizes, reverse=True)
    surviving = sum(c.p_adjusted < 0.05 for c in results.contrasts if c.system == "given-3x2")
    assert 0 < surviving < 54
    assert sum(row.survives for row in table.rows) == surviving
    assert f"{surviving} survive at .05" in table.sentence
    assert len(table.first) == 20
    assert table.first + table.rest == table.rows


def test_attributes_are_told_in_plain_words(results):
    one, *others = results.study.respondents
    changed = replace(one, persona=None, attributes={"n_parameters": 1_500_000_000, "open_weights": True})
    rest = tuple(replace(other, persona=None, attributes={}) for other in others)
    study = replace(results.study, respondents=(changed, *rest))
    asked = build_report(replace(results, study=study)).asked
    assert asked.attributes == ("Parameters", "Open weights")
    assert asked.respondents[0].attributes == ("1,500,000,000", "yes")
    assert asked.respondents[1].attributes == ("–", "–")
    # A column for personas that nobody has says nothing.
    assert not asked.personas
    assert build_report(results).asked.personas
    assert "top_p" not in render(results)


def test_the_first_finding_is_the_conclusion_on_the_value_system(results, report):
    assert report.findings[0] == results.found.structure.verdict[0]
    without = build_report(replace(results, found=None))
    assert results.found.structure.verdict[0] not in without.findings


@pytest.mark.parametrize(
    ("n_weak", "said"),
    [
        (
            0,
            "16 value words from 4 respondents make up the value system; each stays in its group in at least 90",
        ),
        (
            1,
            "1 of them (6\u00a0%) does not stay in its group in at least 50\u00a0% of 200 resamples of respondents, ",
        ),
        (
            2,
            "2 of them (12\u00a0%) do not stay in their group in at least 50\u00a0% of 200 resamples of respondents",
        ),
    ],
)
def test_how_many_words_are_undecided_is_said(results, n_weak, said):
    stability = np.where(np.arange(16) < n_weak, 0.4, 0.9)
    taxonomy = replace(results.found.taxonomy, stability=stability, resampled="respondents")
    structure = replace(results.found.structure, taxonomy=taxonomy)
    assert (
        said in build_report(replace(results, found=replace(results.found, structure=structure))).findings[-1]
    )


def test_the_next_finding_is_the_largest_contrast_that_survives(results, report):
    clear = [c for c in results.contrasts if c.p_adjusted < 0.05 and c.ci_low * c.ci_high > 0]
    largest = max(clear, key=lambda c: abs(c.difference))
    higher, lower = (largest.a, largest.b) if largest.difference > 0 else (largest.b, largest.a)
    ends = sorted((abs(largest.ci_low), abs(largest.ci_high)))
    sentence = report.findings[1]
    assert sentence.startswith(f"{higher} leans further toward ")
    assert f" than {lower} (difference {abs(largest.difference):.2f} scale points" in sentence
    assert f"CI {ends[0]:.2f} to {ends[1]:.2f}, {largest.n_stems} stems" in sentence
    assert f"of {len(clear)} contrasts that survive, of {len(results.contrasts)} tested" in sentence


def test_no_difference_is_claimed_when_none_survives(results):
    dull = tuple(replace(c, p_adjusted=1.0) for c in results.contrasts)
    sentence = build_report(replace(results, contrasts=dull)).findings[1]
    assert sentence.startswith(f"None of {len(dull)} tested contrasts survives")
    assert "not evidence that they are alike" in sentence


def test_no_difference_is_claimed_when_the_interval_holds_zero(results):
    unsure = tuple(replace(c, ci_low=-0.1, ci_high=0.1) for c in results.contrasts)
    assert build_report(replace(results, contrasts=unsure)).findings[1].startswith("None of ")


def test_respondents_are_ranked_within_one_subdimension_only(results, report):
    # Subdimensions have no common zero: the one on which respondents differ most is reported.
    given = [o for o in results.orientations if o.system == "given-3x2" and o.level == "subdimension"]
    spread = {}
    for target in {o.target for o in given}:
        own = [o for o in given if o.target == target]
        spread[target] = (max(own, key=lambda o: o.estimate), min(own, key=lambda o: o.estimate))
    high, low = max(spread.values(), key=lambda pair: pair[0].estimate - pair[1].estimate)
    finding = report.findings[2]
    assert (
        f"highest is {high.respondent_id} ({high.estimate:.2f}, 95\u00a0% CI {high.ci_low:.2f} to " in finding
    )
    assert f"lowest {low.respondent_id} ({low.estimate:.2f}" in finding
    assert "neutral" not in finding


def test_overlapping_extremes_are_not_ordered(results):
    wide = tuple(replace(o, ci_low=0.1, ci_high=5.9) for o in results.orientations)
    finding = build_report(replace(results, orientations=wide)).findings[2]
    assert "the order between them is not established" in finding


def test_a_single_respondent_has_no_contrasts():
    report = build_report(example_results(n_respondents=1, elicited=False))
    assert report.contrasts == ()
    assert report.no_contrasts.startswith("One respondent was measured")
    assert report.findings[0].startswith("One respondent was measured")


def test_nothing_elicited_leaves_its_sections_out():
    report = build_report(example_results(elicited=False))
    assert report.found is None
    assert report.asked.prompts == ()
    assert [table.title for table in report.missing] == ["Completions"]
    assert [fact.label for fact in report.facts] == ["Respondents", "Completions asked", "Completions rated"]


def test_the_tree_holds_every_term_once_under_its_own_group(results, report):
    placed = {w.name: (d.name, g.name) for d in report.found.dimensions for g in d.groups for w in g.words}
    assert sorted(placed) == list(results.found.taxonomy.terms)
    # The first group of the example holds clarity, accuracy, care and skill, and is named after the first two.
    assert placed["care"] == ("Found 1", "clarity accuracy")
    assert placed["wonder"] == ("Found 2", "courage hope")


def test_groups_are_found_by_their_markers_and_not_by_their_number(results):
    taxonomy = results.found.taxonomy
    renumbered = replace(taxonomy, subdimension=3 - taxonomy.subdimension, dimension=1 - taxonomy.dimension)
    structure = replace(results.found.structure, taxonomy=renumbered)
    report = build_report(replace(results, found=replace(results.found, structure=structure)))
    placed = {w.name: (d.name, g.name) for d in report.found.dimensions for g in d.groups for w in g.words}
    assert placed["care"] == ("Found 1", "clarity accuracy")


def test_stability_decides_how_firm_a_word_looks():
    assert [strength(s) for s in (0.8, 0.79, 0.5, 0.49, np.nan)] == [
        "firm",
        "middling",
        "middling",
        "weak",
        "unknown",
    ]


def test_the_weights_of_the_views_are_said_in_words(report):
    assert report.found.embeddings == (
        "Terms are grouped by a weighted sum of views: between sources 1.00, within responses 0.50 and embeddings "
        "0.00; 0 means that a view did not help to predict sources."
    )


def test_drops_are_grouped_by_reason(report):
    assert [(reason, size) for reason, size, _ in report.found.drops] == [
        ("not a word", "2 forms, 5 mentions"),
        ("too long for a value word", "1 form, 2 mentions"),
        ("named by too few respondents", "1 form, 1 mention"),
    ]
