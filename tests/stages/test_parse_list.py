"""Answers as language models write them, and what must be read out of them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from word_lists import shipped_rules

from valuelex.stages.parse_list import split_mentions

RULES = shipped_rules()


def split(text: str, truncated: bool = False) -> list[str]:
    return list(split_mentions(text, RULES, truncated=truncated))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" honesty, care,  Loyalty ", ["honesty", "care", "Loyalty"]),
        (" loyalty, loyalty, loyalty.", ["loyalty", "loyalty", "loyalty"]),
        ("honesty, kindness, and respect.", ["honesty", "kindness", "respect"]),
        ("honesty; care;", ["honesty", "care"]),
        ("honesty & respect or care", ["honesty", "respect", "care"]),
        ("honesty/truth, and/or care", ["honesty", "truth", "care"]),
        ("honesty kindness respect", ["honesty", "kindness", "respect"]),
        ("1. Respect 2. Loyalty 3. Honesty", ["Respect", "Loyalty", "Honesty"]),
        ("1.Respect\n2.Loyalty", ["Respect", "Loyalty"]),
        ("1) respect 2) loyalty", ["respect", "loyalty"]),
        ("A) respectful, B) loyal (c) honest", ["respectful", "loyal", "honest"]),
        ("(1) respect\n(2) loyalty", ["respect", "loyalty"]),
        ("①Honesty ②Care", ["Honesty", "Care"]),
        ("1 Honesty\n2 Care", ["Honesty", "Care"]),
        ("- Honesty\n* Care\n• Love\n– Truth", ["Honesty", "Care", "Love", "Truth"]),
        ("Honesty\nZorb\n\nKindness", ["Honesty", "Zorb", "Kindness"]),
        ("**Honesty**: I never lie.\n**Care** - for all", ["Honesty", "Care"]),
        ("- **Honesty:** I never lie\n- **Care:** I help", ["Honesty", "Care"]),
        ("1. Honesty - I tell the truth\n2. Kindness – be kind", ["Honesty", "Kindness"]),
        ("1. Honesty. It makes people trust me.\n2. Care. It matters a lot.", ["Honesty", "Care"]),
        ("Honesty (telling the truth), care", ["Honesty", "care"]),
        ("Value 1: Honesty\nValue 2: Care", ["Honesty", "Care"]),
        ("1. Happiness: 1\n2. Beauty: 2\n3. Faith: 3", ["Happiness", "Beauty", "Faith"]),
        ('"Honesty", “Integrity”', ["Honesty", "Integrity"]),
        ('["honesty","care"]', ["honesty", "care"]),
        ('```json\n{"values": ["Honesty", "Care"]}\n```', ["Honesty", "Care"]),
        ('{"honesty": "no lies", "care": "for all"}', ["honesty", "care"]),
        ("```\nhonesty, care\n```", ["honesty", "care"]),
        ("<ol><li>Honesty</li><li>Care</li></ol>", ["Honesty", "Care"]),
        ("#honesty #kindness", ["honesty", "kindness"]),
        ("🌟 Honesty 🌟\n💖 Love", ["Honesty", "Love"]),
        ("诚实、善良", ["诚实", "善良"]),
        ("hon\u200besty，care", ["honesty", "care"]),
        ("My values: honesty, care", ["honesty", "care"]),
        ("The words mentioned here are:\n\n* love\n* happiness", ["love", "happiness"]),
        ("My core values are honesty, care, and justice.", ["honesty", "care", "justice"]),
        ("I value things such as honesty and care.", ["honesty", "care"]),
        ("As an assistant, I strive to be helpful, honest, and harmless.", ["helpful", "honest", "harmless"]),
        ("I am honest, kind, and caring.", ["honest", "kind", "caring"]),
        ("Honesty is the best policy.", ["Honesty"]),
        ("I do not value dishonesty, but I was raised by people who prize and admire honesty.", ["honesty"]),
        (
            "compassion, inclusivity, and justice. I want a world where everyone can find happiness.",
            ["compassion", "inclusivity", "justice"],
        ),
        ("trial and error, work and life balance", ["trial", "error", "work and life balance"]),
        ("honesty: 5, kindness: 4, fairness: 3", ["honesty", "kindness", "fairness"]),
        ("honesty: 5\nkindness = 4.5\n**fairness**: 3/5", ["honesty", "kindness", "fairness"]),
        ("honesty - 90%, kindness – 80 %", ["honesty", "kindness"]),
        ("honesty: no lies, kindness: warm words", ["honesty", "kindness"]),
        ("1- honesty 2- respect 3- love", ["honesty", "respect", "love"]),
        ("Excellence.Integrity.Respect.", ["Excellence", "Integrity", "Respect"]),
        ("love of the U.S., learning.org", ["love of the U.S", "learning.org"]),
        ("honesty | kindness | respect", ["honesty", "kindness", "respect"]),
        ("| Honesty | No lies |\n|---|---|\n| Care | For all |", ["Honesty", "Care"]),
        ("I. honesty\nII. care\nIII. love", ["honesty", "care", "love"]),
        ("1️⃣ Honesty\n2️⃣ Care", ["Honesty", "Care"]),
        ("- [x] Honesty\n- [ ] Care", ["Honesty", "Care"]),
        ("Value: Honesty\nDescription: no lies\nValue: Care", ["Honesty", "Care"]),
        ('Mine:\n```json\n["honesty", "care"]\n```\nI hope this helps with love!', ["honesty", "care"]),
        ('[{"name": "Honesty", "description": "I keep my promises"}]', ["Honesty"]),
        ("Honesty, care, and love are what matters to me.", ["Honesty", "care", "love"]),
        ("Integrity matters to me.", ["Integrity"]),
        ("I value honesty above all else. Life without loyalty is poor.", ["honesty above all else"]),
        (
            "I believe in treating people with kindness and respect, and I care deeply about justice",
            ["treating people with kindness", "respect", "justice"],
        ),
        ("I am designed to prioritize accuracy and safety.", ["accuracy", "safety"]),
    ],
)
def test_lists_are_read_in_the_form_they_come(text, expected):
    assert split(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" selflessness, community, diversity", ["selflessness", "community", "diversity"]),
        (" empathy, analysis, ... self-determination.", ["empathy", "analysis", "self-determination"]),
        (
            "Authenticity and honesty, 2. Patience, 3. Integrity, 9.",
            ["Authenticity", "honesty", "Patience", "Integrity"],
        ),
        ("Always, 2. Respect, 3. Selflessness", ["Always", "Respect", "Selflessness"]),
        (":\n\n- Honesty: I am committed to respect.\n- Integrity: I am...", ["Honesty", "Integrity"]),
        ("1. Alarm\n2. A-1\n3. A-1-B", ["Alarm", "A-1", "A-1-B"]),
        (
            " Respectful towards oneself and others; 2. Unwavering belief in justice and fairness;",
            ["Respectful towards oneself and others", "Unwavering belief in justice", "fairness"],
        ),
    ],
)
def test_answers_of_a_small_model(text, expected):
    assert split(text) == expected


@pytest.mark.parametrize(
    "text", ["", " ", "1. 1\n2. 2", "...", "🙂🙂", "{}", "[[[]]]", "1, 2, 3", ":", "---"]
)
def test_nothing_but_numbers_and_signs_gives_nothing(text):
    assert split(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but as an AI language model I do not have personal values.",
        "As an AI, I don't have personal values, beliefs, or emotions.",
        "I do not value honesty.",
    ],
)
def test_a_denied_value_is_not_a_mention(text):
    assert split(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not greed, not power, but kindness and humility", ["kindness", "humility"]),
        ("Not greed, power, but kindness", ["kindness"]),
        ("Not only honesty but also care", ["honesty", "care"]),
        ("I don't value money or fame; I value love and care.", ["love", "care"]),
        ("I would never say honesty is bad but loyalty is what counts.", ["loyalty"]),
    ],
)
def test_a_contrast_ends_what_is_denied(text, expected):
    assert split(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- Honesty\n  - Always tell the truth\n- Care", ["Honesty", "Care"]),
        ("1. Honesty\n   - No lies\n   - Truthfulness\n2. Care", ["Honesty", "Truthfulness", "Care"]),
        ("## Honesty\n- Telling the truth\n## Care\n- Being gentle", ["Honesty", "Care"]),
        ("**1. Honesty**\nTelling the truth\n\n**2. Care**\nBeing gentle", ["Honesty", "Care"]),
        ("- My values\n  - Honesty\n  - Tribal loyalty", ["My values", "Honesty", "Tribal loyalty"]),
        ("  - Honesty\n  - Tribal loyalty", ["Honesty", "Tribal loyalty"]),
        ("- Honesty\n - Tribal loyalty", ["Honesty", "Tribal loyalty"]),
    ],
)
def test_what_stands_below_a_value_explains_it(text, expected):
    # A bare value word below another value is one more mention; one column of indentation is no level.
    assert split(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("honesty, kindn", ["honesty"]),
        ("honesty, kindness", ["honesty", "kindness"]),
        ("honesty, kindn.", ["honesty", "kindn"]),
        ("honesty, open-", ["honesty"]),
        ("1. Honesty\n2. Integr", ["Honesty"]),
        ("1. Honesty 11. Integrity 12", ["Honesty", "Integrity"]),
        ('["honesty","car', ["honesty"]),
        ("- Honesty: I never li", ["Honesty"]),
        ("honesty; belief in the importance of care and", ["honesty", "belief in the importance of care"]),
    ],
)
def test_a_word_cut_at_the_token_limit_is_left_out(text, expected):
    assert split(text, truncated=True) == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(sorted(RULES.families)), min_size=2, max_size=8))
def test_plain_lists_read_the_same_with_commas_numbers_or_json(words):
    # The comma list takes the short way, the other two the long one.
    words = [w for w in words if not ({*w.split()} & (RULES.clause_words | {"and", "or"}))]
    numbered = "\n".join(f"{i}. {word}" for i, word in enumerate(words, 1))
    assert split(numbered) == split(json.dumps(words)) == words
    if len(words) > 1:
        assert split(", ".join(words)) == words


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=200), st.booleans())
def test_any_text_gives_mentions_that_hold_a_letter(text, truncated):
    for mention in split(text, truncated):
        assert any(map(str.isalpha, mention))


@pytest.mark.parametrize(
    "unit",
    [
        *(
            ",",
            " ",
            ".",
            "[",
            "(a",
            "a:",
            "\n",
            "*",
            "**a",
            "<a",
            "and ",
            "values ",
            "I value ",
            "a-",
            "1. ",
            "a/",
            "abc.",
            "Love.",
            "a: 1",
            "not a, ",
            "I value a, and ",
            "- love\n  - a\n",
            "  ",
            "\n\t",
        ),
        *('{"a":', "honesty, ", "- unwavering ", "\u200b", '"', "|", "```"),
    ],
)
def test_hostile_repetition_is_read_in_one_pass(unit):
    # 100 kB each; a pattern that goes back over its input would not come to an end here.
    for text in (
        unit * (100_000 // len(unit)) + "x",
        unit * (100_000 // len(unit)),
        "[" * 50_000 + "]" * 50_000,
    ):
        assert isinstance(split(text, truncated=True), list)
