"""Which strings of a JSON answer are words."""

import pytest
from word_lists import shipped_rules

from valuelex.stages.parse_json import MAX_JSON_DEPTH, from_json

RULES = shipped_rules()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["honesty", "care"]', ["honesty", "care"]),
        ('{"values": ["honesty"], "more": {"list": ["care"]}}', ["honesty", "care"]),
        ('{"honesty": 5, "care": 4}', ["honesty", "care"]),
        ('[{"name": "honesty", "description": "I keep promises"}]', ["honesty"]),
        ('Mine are:\n```json\n["honesty"]\n```\nAnything else?', ["honesty"]),
        ("[1, 2]", []),
        ("honesty, care", None),
        ('["honesty", "ca', None),
        ("[honesty, care]", None),
    ],
)
def test_words_are_the_strings_or_the_keys_that_name_values(text, words):
    assert from_json(text, RULES) == words


def test_json_nested_too_deep_holds_no_words():
    deepest = "[" * MAX_JSON_DEPTH + '"care"' + "]" * MAX_JSON_DEPTH
    assert from_json(deepest, RULES) == ["care"]
    assert from_json(f"[{deepest}]", RULES) == []
