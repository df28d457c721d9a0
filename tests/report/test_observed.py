"""What the report says of recorded texts."""

from dataclasses import replace

import numpy as np
from example_results import example_results

from valuelex.domain.call import Missing
from valuelex.domain.observed import (
    Example,
    Expectation,
    FormUse,
    LevelStrength,
    Observed,
    ObservedText,
    TermRate,
)
from valuelex.report.findings import write_findings
from valuelex.report.html import render
from valuelex.report.observed import build_observed

NAN = float("nan")
OBSERVED = Observed(
    texts=(
        ObservedText("a:1:0", "a", "1", 0, None, 1000, 3, "k1"),
        ObservedText("a:2:0", "a", "2", 0, Missing.REFUSED, 0, 0, "k2"),
    ),
    forms=(
        FormUse("honest", "honesty", (), 2, 1, (Example("a:1:0", "an honest <b>"),)),
        FormUse("courage", "courage", (), 9, 0, ()),
    ),
    rates=(
        TermRate("a", "", 3, 1, 1000, 3.0, 1.0, 6.0, 1.5),
        TermRate("a", "courage", 9, 1, 1000, 9.0, 4.0, 17.0, 2.25),  # 4 expected: 2.5 errors more
        TermRate("a", "honesty", 2, 1, 1000, 2.0, 0.2, 7.0, 0.125),  # 16 expected: 3.5 errors less
        TermRate("a", "wisdom", 0, 0, 1000, 0.0, 0.0, 3.7, NAN),
    ),
    terms_from="mine.txt",
    ordinary=(),
    levels=(
        LevelStrength("between", Expectation.ITEM, 2, 0.25, (2,), (0.25,), (0.1, 0.2, 0.3), 0.5),
        LevelStrength("within", Expectation.CHANCE, 1, 0.0, (2,), (-1.0,), (), NAN),
    ),
    variation=None,
    topic=None,
    verdict=("A verdict.",),
)


def tables(observed: Observed = OBSERVED):
    section = build_observed(replace(example_results(), observed=observed))
    return section, {table.title: table for table in section.tables}


def test_nothing_is_said_where_nothing_was_observed():
    assert build_observed(example_results()) is None


def test_texts_words_and_the_verdict_come_first():
    section, _ = tables()
    assert section.about.startswith("2 recorded texts, 50\u00a0% of them missing, with 1,000 words")
    assert "Terms: mine.txt." in section.about
    assert section.sentences == ("A verdict.",)


def test_the_system_built_of_texts_is_concluded_on_after_the_texts():
    plain = example_results()
    of_texts = replace(plain.found.structure, verdict=("Topics are in.", "Four groups.", "All are stable."))
    found = replace(plain.found, structure=of_texts, responses=())
    nobody = replace(plain, observed=OBSERVED, completions=())
    assert write_findings(replace(nobody, found=found), ())[:2] == (
        "A verdict.",
        "Four groups. Topics are in.",
    )
    alone = replace(of_texts, taxonomy=replace(of_texts.taxonomy, subdimension=np.zeros(16, dtype=np.int64)))
    said = write_findings(replace(nobody, found=replace(found, structure=alone)), ())
    assert said[1] == "Four groups."
    # What holds of lists elsewhere holds of texts here, and no term opens onto responses.
    page = render(replace(plain, found=found, observed=OBSERVED))
    assert "Open a term" not in page
    assert "Open a term" in render(plain)


def test_levels_stand_beside_those_of_ordinary_words():
    _, found = tables()
    assert found["Structure of terms and of ordinary words"].rows == (
        ("between respondents", "the item's topic", "2", "0.250", "0.200", "0.105 to 0.295", ".500"),
        ("within texts", "chance", "1", "0.000", "–", "–", "–"),
    )


def test_rates_and_what_sets_a_respondent_apart():
    _, found = tables()
    assert found["How often respondents use terms"].rows == (
        ("a", "1", "1,000", "3", "3.00", "[1.00, 6.00]", "1.50"),
    )
    assert found["What sets respondents apart"].rows == (("a", "courage (9.00)", "honesty (2.00)"),)


def test_forms_have_an_example_and_the_commonest_come_first():
    _, found = tables()
    rows = found["Forms that counted, with an example of each"].rows
    assert rows == (("courage", "courage", "9", "0", "–"), ("honest", "honesty", "2", "1", "an honest <b>"))


def test_why_no_structure_was_looked_for_is_said():
    section, found = tables(replace(OBSERVED, levels=(), verdict=(), why_none="Too few."))
    assert section.sentences == ("No structure was looked for. Too few.",)
    assert "Structure of terms and of ordinary words" not in found
