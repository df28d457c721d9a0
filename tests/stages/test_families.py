"""Which forms the rules join, and which they must not."""

import pytest
from word_lists import shipped_rules

from valuelex.domain.lexicon import Rule
from valuelex.errors import DataError
from valuelex.stages.families import Attested, WordRules, join

RULES = shipped_rules()
NOTHING = Attested.of(())


def name_of(word: str) -> str:
    return join(word, RULES, NOTHING).name


@pytest.mark.parametrize(
    ("form", "name", "rules"),
    [
        ("honesty", "honesty", set()),
        ("honest", "honesty", {Rule.FAMILY}),
        ("honestly", "honesty", {Rule.FAMILY}),
        ("open mindedness", "open-mindedness", {Rule.CASE}),
        ("openmindedness", "open-mindedness", {Rule.CASE}),
        ("honour", "honor", {Rule.SPELLING}),
        ("honourable", "honor", {Rule.SPELLING, Rule.FAMILY}),
        ("organisation", "organization", {Rule.SPELLING}),
        ("judgement", "judgment", {Rule.SPELLING}),
        ("fulfilment", "fulfillment", {Rule.SPELLING}),
        ("scepticism", "skepticism", {Rule.SPELLING}),
        ("freedoms", "freedom", {Rule.INFLECTION}),
        ("loyalties", "loyalty", {Rule.INFLECTION}),
        ("social responsibilities", "social responsibility", {Rule.INFLECTION}),
        ("weaknesses", "weakness", {Rule.INFLECTION}),
        ("challenged", "challenge", {Rule.INFLECTION}),
        ("kindly", "kindness", {Rule.FAMILY}),
        ("helping", "helpfulness", {Rule.FAMILY}),
        ("fairly", "fairness", {Rule.FAMILY}),
        ("just", "justice", {Rule.FAMILY}),
        ("accessibly", "accessibility", {Rule.FAMILY}),
        ("empathic", "empathy", {Rule.FAMILY}),
        ("altruistic", "altruism", {Rule.FAMILY}),
        ("patient", "patience", {Rule.FAMILY}),
        ("trustworthy", "trustworthiness", {Rule.FAMILY}),
        ("respected", "being respected", {Rule.FAMILY}),
        ("considerate", "considerateness", {Rule.FAMILY}),
        ("analytical", "analytical thinking", {Rule.FAMILY}),
        ("evidence-based", "evidence-based", set()),
    ],
)
def test_a_form_reaches_its_family_by_the_rules_named(form, name, rules):
    found = join(form, RULES, NOTHING)
    assert (found.name, set(found.rules), found.known) == (name, rules, True)


LOOK_ALIKES = [
    *(
        "honest dishonest",
        "biased unbiased",
        "moral morale",
        "human humane",
        "human humanity",
        "humane humanity",
    ),
    *("humanity humanitarian", "social society", "social sociable", "responsive responsible", "just justify"),
    *("respect respectability", "respect respective", "sensible sensitive", "considerate considerable"),
    *("economy economical", "universal university", "confident confidential", "confidence confidentiality"),
    *(
        "patients patience",
        "order ordinary",
        "general generosity",
        "organ organization",
        "community communism",
    ),
    *(
        "community communication",
        "intelligent intelligible",
        "care career",
        "care careful",
        "careful careless",
    ),
    *(
        "fun funny",
        "moral immoral",
        "selfish selfless",
        "violence nonviolence",
        "trust distrust",
        "hospital hospitality",
    ),
    *("agent agency", "wit witness", "public publicity", "personal personality", "trust trustworthiness"),
    *(
        "bias unbiasedness",
        "respect respected",
        "love loved",
        "consideration considerate",
        "analysis analytical",
        "evidence evidence-based",
        "money wealth",
        "discipline self-discipline",
        "respect self-respect",
        "kind unkind",
        "equality inequality",
        "equity inequity",
    ),
]


@pytest.mark.parametrize("pair", [*LOOK_ALIKES, *sorted(" ".join(sorted(pair)) for pair in RULES.apart)])
def test_opposites_and_look_alikes_stay_apart(pair):
    a, b = pair.split()
    both = Attested.of((a, b))
    assert join(a, RULES, both).name != join(b, RULES, both).name


@pytest.mark.parametrize(
    "word",
    ["kinds", "novels", "firms", "objectives", "wines", "char", "qual", "caressed", "costly", "opening"],
)
def test_words_that_only_look_inflected_or_derived_stay_as_they_are(word):
    assert join(word, RULES, NOTHING).name == word


def test_no_family_holds_a_form_and_its_opposite():
    for form, name in RULES.families.items():
        for prefix in ("un", "dis", "in", "im", "ir", "non", "anti", "self-"):
            opposite = prefix + form
            if opposite in RULES.families:
                assert RULES.families[opposite] != name, (form, opposite)


def test_unknown_words_join_only_what_was_written_in_the_run():
    assert name_of("zestlikely") == "zestlikely"
    run = Attested.of(("glimmerous", "glimmerously", "glimmerousness"))
    assert [join(w, RULES, run).name for w in sorted(run.keys)] == ["glimmerousness"] * 3
    # Without the noun, the adverb still joins the adjective.
    run = Attested.of(("glimmerous", "glimmerously"))
    assert [join(w, RULES, run).name for w in sorted(run.keys)] == ["glimmerous"] * 2


def test_of_unknown_word_breaks_the_hyphenated_one_stands():
    run = Attested.of(("bright heartedness", "bright-heartedness", "brightheartedness"))
    assert {join(key, RULES, run).name for key in run.keys} == {"bright-heartedness"}


def test_the_vocabulary_is_broad_and_each_name_is_its_own_family():
    names = set(RULES.families.values())
    assert len(names) >= 700
    assert all(RULES.families[name] == name for name in names)
    assert all(form == form.lower().strip() for form in RULES.families)


def tables(families, apart="a b", not_values=""):
    lists = dict.fromkeys(
        (
            "function",
            "clause",
            "negations",
            "intensifiers",
            "light_heads",
            "phrase_heads",
            "trailing_heads",
            "ambiguous_in_prose",
        ),
        "",
    )
    words = {**lists, "apart": apart, "not_values": {"generic": not_values}}
    return {"families": {"theme": families}}, words, {"table": {}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            tables({"care": ["kind"], "love": ["kind"]}),
            "Value word 'kind' stands in two families: 'care' and 'love'.",
        ),
        (
            tables({"open-mind": [], "open mind": []}),
            "Value word 'open mind' stands in two families: 'open-mind' and 'open mind'.",
        ),
        (
            tables({"care": []}, not_values="care"),
            "1 word is listed as value words and as none (first: ['care']).",
        ),
        (
            tables({"care": ["career"]}, apart="care career"),
            "1 look-alike pairs stand in one family (first: ['care', 'career']).",
        ),
    ],
)
def test_word_lists_that_contradict_themselves_are_refused(given, message):
    with pytest.raises(DataError) as error:
        WordRules.from_tables(*given)
    assert str(error.value) == message
