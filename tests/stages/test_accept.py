"""What passes for a value word, and why the rest does not."""

import pytest
from word_lists import shipped_rules

from valuelex.domain.lexicon import Drop
from valuelex.stages.accept import accept
from valuelex.stages.families import Attested
from valuelex.stages.normalise import form_key

RULES = shipped_rules()


def outcome(form: str) -> str | Drop | None:
    verdict = accept(form_key(form), RULES, Attested.of(()))
    return verdict.reason if verdict.term is None else verdict.term


@pytest.mark.parametrize(
    ("form", "term"),
    [
        ("Strong sense of justice", "justice"),
        ("commitment to honesty", "honesty"),
        ("being honest", "honesty"),
        ("a deep respect for nature", "respect for nature"),
        ("Unwavering faith in the power of kindness", "kindness"),
        ("sense of humour", "humor"),
        ("honest with oneself", "honesty"),
        ("Respectful towards oneself and others", "respect"),
        ("kindness to those who can't show them tears for the dead", "kindness"),
        ("social responsibility", "social responsibility"),
        ("respect for others", "respect for others"),
        ("freedom of speech", "freedom of speech"),
        ("self-improvement", "self-improvement"),
        ("love of old songs", "love of old songs"),
        ("attention to detail", "attention to detail"),
        ("tribal loyalty", "tribal loyalty"),
        ("tribal loyalties", "tribal loyalty"),
        ("watershed protection", "watershed protection"),
        ("strong sense of tribal loyalty", "tribal loyalty"),
        ("treating people with kindness", "kindness"),
        ("gives hope", "hope"),
        ("non-judgmental attitude", "non-judgment"),
        ("trustworthy AI", "trustworthiness"),
        ("explainable AI systems", "explainability"),
        ("respectful of autonomy", "respect for autonomy"),
        ("respectful of old songs", "respect"),
        ("customer obsession", "customer obsession"),
        ("laughter", "laughter"),
        ("money", "money"),
        ("greed", "greed"),
        ("deceptive", "deception"),
        ("freedom from bias", "unbiasedness"),
    ],
)
def test_phrases_keep_what_names_a_value(form, term):
    assert outcome(form) == term


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        *(
            (form, Drop.JUNK)
            for form in ("A-1", "x", "open-", "kzrt", "aaaaa", "https://a.org/b", "42nd", "a" * 40)
        ),
        *((form, Drop.FUNCTION_WORD) for form in ("Always", "and the", "others", "very")),
        *(
            (form, Drop.NOT_A_VALUE)
            for form in ("pizza", "banana", "list", "words", "people", "company", "Alarm")
        ),
        *(
            (form, Drop.NOT_A_VALUE)
            for form in ("zorb", "hospitals", "business", "loyal friends", "red car", "诚实")
        ),
        *((form, Drop.NOT_A_VALUE) for form in ("not lying", "no honesty", "lack of honesty", "love songs")),
        *((form, Drop.NOT_A_VALUE) for form in ("bias", "liability", "racism", "unreliable", "gender bias")),
        *((form, Drop.NOT_A_VALUE) for form in ("education system", "open system", "zorb attitude")),
        *((form, Drop.NOT_A_VALUE) for form in ("avoiding tribal loyalty", "i want loyalty")),
        ("the many people that live in this old town", Drop.TOO_LONG),
        ("four quite different garden tools", Drop.TOO_LONG),
        ("honesty " * 50, Drop.TOO_LONG),
    ],
)
def test_what_is_no_value_word_is_dropped_for_a_reason(form, reason):
    assert outcome(form) is reason


def test_unknown_words_pass_by_their_ending_unless_listed():
    assert outcome("glimmerousness") == "glimmerousness"
    assert outcome("unfriendliness") == "unfriendliness"
    assert outcome("wilderness") is Drop.NOT_A_VALUE
    assert outcome("glimmerous") is Drop.NOT_A_VALUE


@pytest.mark.parametrize("value", sorted(set(RULES.families.values()))[::9])
def test_every_name_in_the_vocabulary_is_accepted_as_itself(value):
    assert outcome(value) == value
