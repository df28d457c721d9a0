"""Numbers, reasons and invisible characters in the words of the report."""

from __future__ import annotations

import pytest

from valuelex.domain.call import Missing
from valuelex.report.wording import (
    count,
    interval,
    listed,
    number,
    p_equals,
    p_value,
    reasons,
    share,
    visible,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand é ü 語", "two\nlines\tand é ü 語"),
        ("a\u202eb\u202cc", "a⟨U+202E⟩b⟨U+202C⟩c"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("line\u2028separator", "line⟨U+2028⟩separator"),
        ("nul\x00 and half \ud800", "nul⟨U+0000⟩ and half ⟨U+D800⟩"),
    ],
)
def test_characters_that_cannot_be_seen_are_shown_by_their_code(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(4.125, "4.12"), (-0.5, "−0.50"), (-0.001, "0.00"), (None, "–"), (float("nan"), "–"), (0.0, "0.00")],
)
def test_number(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(("p", "shown"), [(0.0004, "<.001"), (0.0321, ".032"), (1.0, "1.000"), (None, "–")])
def test_p_value(p, shown):
    assert p_value(p) == shown


def test_an_interval_with_a_missing_end_is_not_written():
    assert interval(1.0, 2.0) == "[1.00, 2.00]"
    assert interval(None, 2.0) == ""


def test_a_share_never_hides_the_few_or_the_exceptions():
    assert [share(n, 1000) for n in (0, 1, 120, 999, 1000)] == [
        "0\u00a0%",
        "<1\u00a0%",
        "12\u00a0%",
        ">99\u00a0%",
        "100\u00a0%",
    ]
    assert share(0, 0) == "–"


def test_counts_and_reasons():
    assert count(1, "stem") == "1 stem"
    assert count(1200, "stem") == "1,200 stems"
    assert count(2, "family", "families") == "2 families"
    assert reasons({Missing.OFF_TOPIC: 2, Missing.REFUSED: 1}) == "1 refused, 2 off topic"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_a_p_value_in_a_sentence_is_never_nothing():
    assert [p_equals(p) for p in (0.0005, 0.001, 0.0312, 1.0)] == [
        "p < .001",
        "p = .001",
        "p = .031",
        "p = 1.000",
    ]
    assert p_equals(None) == "p = –"
