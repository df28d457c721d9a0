"""The factor-analytic route and the populations in the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examples import structure
from report.example_results import HOSTILE, SCRIPT, example_results
from simulated_lists import simulated_lists
from stages.test_populations import BASE_ONLY, TUNED, compare, world
from valuelex.domain.factors import FactorPlan, NoFactors, RetentionRow
from valuelex.domain.population import Population
from valuelex.domain.structure import Taxonomy
from valuelex.report.factors import build_factors
from valuelex.report.html import render
from valuelex.report.populations import build_populations
from valuelex.report.wording import WEAKNESSES
from valuelex.stages.factor_route import route_of_lists
from valuelex.stats.flags import Weakness

RNG = 0


@pytest.fixture(scope="module")
def route():
    matrix, sources, group = simulated_lists()
    hostile = replace(matrix, terms=(*HOSTILE, *matrix.terms[len(HOSTILE) :]))
    return route_of_lists(hostile, sources, group, FactorPlan(resamples=10), np.random.default_rng(RNG))


@pytest.fixture(scope="module")
def populations():
    matrix, people = world()
    only = Population("one", {"respondent": ("r00",)})
    return compare(
        replace(matrix, terms=(SCRIPT, *matrix.terms[1:])),
        people,
        [BASE_ONLY, replace(TUNED, name=SCRIPT), only],
    )


@pytest.fixture(scope="module")
def results(route, populations):
    plain = example_results()
    given = plain.found.structure
    taxonomy = replace(given if isinstance(given, Taxonomy) else given.taxonomy, weights={})
    found = replace(
        plain.found,
        structure=structure(taxonomy, verdict=("Three groups.",)),
        factors=(route,),
        populations=populations,
    )
    return replace(plain, found=found)


def cells(section, title: str) -> tuple[tuple[str, ...], ...]:
    return next(t for t in section.tables if t.title.startswith(title)).rows


def test_every_figure_of_a_route_is_shown(results, route):
    (section,) = build_factors(results)
    assert section.title == "The same terms by factor analysis: cosines of PPMI profiles of the lists"
    assert section.verdict == route.verdict
    matches = cells(section, "Factors beside groups")
    assert [row[0] for row in matches] == ["F1", "F2", "F3"]
    assert matches[0][4] == f"{route.matches[0].congruence:.2f}"
    loadings = {row[0]: row for row in cells(section, "Loadings")}
    assert len(loadings) == 30
    i = route.terms.index("w10")
    value, low, high = route.pattern[i, 0], route.pattern_low[i, 0], route.pattern_high[i, 0]
    expected = f"{value:.2f} [{low:.2f},\u00a0{high:.2f}]".replace("-", "\u2212")
    assert loadings["w10"][1] == expected.replace("\u22120.00", "0.00")
    assert len(cells(section, "All rules for the number of factors")) == len(route.rules)
    assert len(cells(section, "The same analysis of other matrices")) == 3
    assert cells(section, "Correlations of the factors")[2][3] == "1"
    assert any("10 resamples of 12 families" in s for s in section.sentences)
    suggested = dict(cells(section, "How many factors the rules suggest"))
    used = [rule for rule in route.rules if rule.suggests is not None and not rule.for_reference]
    for n, rules in suggested.items():
        assert [rule.rule for rule in used if rule.suggests == int(n)] == rules.split("; ")
    assert sum(len(rules.split("; ")) for rules in suggested.values()) == len(used)
    assert list(suggested) == sorted(suggested, key=int)


def test_flags_are_told_in_plain_words(results, route):
    bare = replace(route, flags=("FEW_UNITS: 12 independent units", "NEW_KIND: as it is", "no kind"))
    (section,) = build_factors(replace(results, found=replace(results.found, factors=(bare,))))
    assert section.warnings == (
        "Few independent units: 12 independent units",
        "NEW_KIND: as it is",
        "no kind",
    )
    assert set(WEAKNESSES) == set(Weakness)
    page = render(results)
    assert "FEW_UNITS" not in page
    assert "Few independent units: 720 rows are counted as independent" in page


def test_how_far_rules_agree_is_one_sentence(results, route):
    def said(*rules: RetentionRow) -> str:
        bare = replace(route, rules=rules)
        (section,) = build_factors(replace(results, found=replace(results.found, factors=(bare,))))
        return section.sentences[-1]

    one, two = RetentionRow("MAP", 3, "", False), RetentionRow("Hull", 3, "", False)
    misled, unused = RetentionRow("Kaiser", 9, "", True), RetentionRow("EKC", None, "not used", False)
    assert (
        said(one, two, misled, unused)
        == "All 2 rules for the number of factors that could be used suggest 3."
    )
    other = RetentionRow("CAF", 5, "", False)
    assert said(other, one, misled) == (
        "The 2 rules for the number of factors that could be used disagree: they suggest from 3 to 5."
    )
    assert said(one, unused) == "The one rule for the number of factors that could be used suggests 3."
    assert said(misled, unused).startswith("No rule for the number of factors could be used")


def test_a_route_without_resamples_or_factors_says_so(results, route):
    bare = replace(route, n_resamples=0, left_out=("w99",))
    found = replace(results.found, factors=(bare, NoFactors("The terms could not be factored: too few.")))
    one, none = build_factors(replace(results, found=found))
    assert "There is one unit, so nobody to resample and no interval." in one.sentences
    assert any(s.endswith("keep no company beyond chance: w99.") for s in one.sentences)
    assert none.verdict == "The terms could not be factored: too few."
    assert none.tables == ()
    assert build_factors(replace(results, found=None)) == ()


def test_populations_are_told_and_compared(results, populations):
    section = build_populations(results)
    assert section.overview.rows[1][:6] == ("base", "training is base", "6", "6", "6", "360")
    assert len(section.populations) == 3
    assert section.populations[2].cautions[0] == "No term is named by enough of its respondents."
    assert section.populations[2].dimensions == ()
    assert section.populations[0].dimensions
    first = section.contrasts[0]
    assert first.title == "all and base"
    assert first.verdict == populations.contrasts[0].verdict
    (groups,) = cells(first, "Groups")
    assert groups[0] == "3 and 3"
    assert groups[1] == f"{populations.contrasts[0].agreement.adjusted_rand:.2f}"
    assert groups[-1] == "6"
    assert len(cells(first, "Factors of all found again in base")) == 3
    shown = {row[0]: row for row in cells(first, "Terms of both")}
    shift = next(t for t in populations.contrasts[0].terms if t.term == "w05")
    assert shown["w05"][2] == f"{shift.n_a} ({100 * shift.share_a:.0f}\u00a0%)"
    assert build_populations(example_results()) is None


def test_a_comparison_with_nobody_to_compare_has_no_figures(results, populations):
    of_one = [c for c in build_populations(results).contrasts if c.title == "all and one"]
    (groups,) = cells(of_one[0], "Groups")
    assert set(groups[1:6]) == {"–"}
    assert "Factors were not compared" in of_one[0].verdict
    lost = next(t for t in of_one[0].tables if t.title.startswith("Terms gained and lost"))
    assert lost.title == f"Terms gained and lost: {len(populations.contrasts[2].with_status('lost'))}"


def test_hostile_terms_and_names_are_text(results):
    page = render(results)
    assert "<h4>all and &lt;script&gt;alert(1)&lt;/script&gt;</h4>" in page
    assert SCRIPT not in page
    assert "\u202e" not in page
    assert 'aria-label="Loadings"' in page
