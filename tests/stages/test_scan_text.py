"""Which words of running text are taken as valued."""

import pytest
from word_lists import shipped_rules

from valuelex.stages.scan_text import scan

RULES = shipped_rules()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Honesty is the best policy", ["Honesty"]),
        ("Social justice needs moral courage", ["Social justice", "moral courage"]),
        ("We found a way to help and lead", []),
        ("I do not value honesty or loyalty", []),
        # The negation reaches six words on: loyalty is the sixth after "not", kindness the seventh.
        ("not a b c d e loyalty kindness", ["kindness"]),
        ("not honesty but loyalty", ["loyalty"]),
        ("not only honesty", ["honesty"]),
    ],
)
def test_evident_words_that_are_not_denied_are_found(text, found):
    assert scan(text, RULES) == found
