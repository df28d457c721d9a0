"""Ratings of terms and the human control in the report."""

from dataclasses import replace

import numpy as np

from report.example_results import example_results
from valuelex.domain.call import Missing
from valuelex.domain.evidence import Level
from valuelex.domain.human_control import HalfCongruence, HumanControl, LevelControl
from valuelex.domain.quality import Estimate
from valuelex.domain.rated_terms import RatedProfiles, RatedTerms
from valuelex.domain.sources import Units
from valuelex.domain.term_ratings import RatedMatrix, TermPlan, TermPrompt, TermPromptSet
from valuelex.report.html import render
from valuelex.report.human_control import build_control
from valuelex.report.rated_terms import build_rated

HOSTILE = "<script>alert(1)</script>.txt"


def rated() -> RatedTerms:
    matrix = RatedMatrix(
        values=np.array([[4.0, np.nan], [2.0, 6.0]]),
        n=np.array([[1, 0], [1, 1]]),
        reasons=(Missing.REFUSED,),
        missing=np.array([[[0], [1]], [[0], [0]]]),
        on_scale=np.array([[0.9, np.nan], [np.nan, np.nan]]),
        respondent_ids=("a", "b"),
        terms=("care", "zeal"),
    )
    raw = np.array([[4.0, 8 / 3], [2.0, 6.0]])
    profiles = RatedProfiles(("a", "b"), matrix.terms, raw, raw - raw.mean(axis=1, keepdims=True), (), (), 1)
    return RatedTerms(
        matrix,
        "respondents",
        profiles,
        "",
        Units("respondents", ("a", "b"), "", ()),
        Estimate(0.4, 0.1, 0.6, 4),
        ("a",),
        ("Read with care.",),
    )


def results(of: RatedTerms | None = None, control: HumanControl | None = None):
    plain = replace(example_results(), found=None)
    prompts = TermPromptSet("few", "made up", (TermPrompt("r1", "{term}?", "x", "y", "z"),), ())
    plan = TermPlan(("care", "zeal"), HOSTILE, prompts, 1, 8, probabilities=True)
    return replace(plain, study=replace(plain.study, terms=plan), rated=of, control=control)


def test_a_study_without_them_has_neither_section() -> None:
    plain = replace(example_results(), found=None)
    assert (build_rated(plain), build_control(plain)) == (None, None)
    html = render(plain)
    assert 'id="rated"' not in html
    assert "The same respondents as a human" not in html


def test_ratings_are_told_with_their_number_their_reasons_and_their_agreement() -> None:
    section = build_rated(results(rated()))
    assert section is not None
    assert section.sentences == (
        f"2 respondents rated 2 terms of {HOSTILE} from 0 (not at all important) to 6 (as important as anything can "
        "be), by 1 prompt of few, 1 draw each: 3 of 4 ratings (75\u00a0%); 1 refused.",
        "The ratings of 1 respondent are means of the scale under the probabilities of tokens; 0.90 of the probability "
        "lay on the scale on average, and a rating counts where at least half did.",
        "Agreement of the prompts on who values what more than others do (Cronbach's alpha, over 4 cells freed of the "
        "means of respondents and terms): 0.40 [0.10,\u00a00.60].",
    )
    terms, respondents = section.tables
    # Zeal: (8/3 + 6) / 2 = 4.33; a values it 0.67 less than its own mean, b 2.00 more.
    assert terms.rows[0] == ("zeal", "4.33", "2.36", "b (+2.00)", "a (−0.67)")
    assert respondents.rows == (
        ("a", "4.00", "–", "1 of 2", "0.90", "1 refused"),
        ("b", "4.00", "2.83", "2 of 2", "–", "–"),
    )


def test_what_could_not_be_made_is_said() -> None:
    without = replace(rated(), profiles=None, reason="too little was rated", by_probabilities=())
    section = build_rated(results(without))
    assert section is not None
    assert section.sentences[-1] == "No profiles: too little was rated"
    assert [table.title for table in section.tables] == ["Ratings by respondent"]


def test_names_of_files_and_terms_are_escaped() -> None:
    html = render(results(rated()))
    assert "Read with care." in html
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.txt" in html


def control(**changes: object) -> HumanControl:
    plain = HumanControl(
        respondent_ids=("a", "b"),
        n_responses=(30, 28),
        terms=("care", "zeal"),
        gained=("logic",),
        lost=("faith", "hope"),
        as_self=np.array([0, 1]),
        as_human=np.array([0, 0]),
        adjusted_rand=0.0,
        levels=(
            LevelControl(
                Level.BETWEEN, Estimate(0.3, 0.1, 0.5, 1), HalfCongruence(0.5, 0.6, 0.2), (0.1, 0.2)
            ),
            LevelControl(Level.WITHIN, Estimate(0.4, 0.2, 0.6, 1), None, (0.1, 0.2)),
        ),
        verdict="The structure is another.",
    )
    return replace(plain, **changes)


def test_the_control_tells_its_verdict_before_its_figures() -> None:
    section = build_control(results(control=control()))
    assert section is not None
    assert section.sentences == (
        "2 respondents without a persona answered the same prompts once more as an ordinary person: 30 responses as "
        "themselves, 28 as a human. 2 terms named both ways, 1 as themselves only, 2 as a human only.",
        "The structure is another.",
        "The figures: adjusted Rand index of the groups 0.00; between sources, congruence of the associations of 1 "
        "pair 0.30 [0.10,\u00a00.50]; between halves of the answers 0.50 as themselves, 0.60 as a human and 0.20 "
        "across; within responses, congruence of the associations of 1 pair 0.40 [0.20,\u00a00.60].",
    )
    html = render(results(control=control()))
    assert "As a human only: 2 terms" in html
    assert "faith, hope" in html


def test_a_control_that_compares_nothing_says_why() -> None:
    none = np.zeros(0, dtype=np.int64)
    section = build_control(
        results(control=control(reason="nobody was asked", verdict="", as_self=none, as_human=none))
    )
    assert section is not None
    assert section.sentences[1:] == ("Nothing can be compared: nobody was asked.",)
