"""Which words of a running text count as terms."""

import pytest
from word_lists import shipped_rules

from valuelex.domain.lexicon import Rule
from valuelex.stages.term_search import TermSearch, is_word, tokens_of, without_quotes


def found(text, search=None):
    search = search or TermSearch(shipped_rules())
    return [(m.form, m.term, m.denied) for m in search.find(tokens_of(text))]


def terms(text, search=None):
    return [term for _, term, denied in found(text, search) if not denied]


def test_forms_of_one_family_are_one_term():
    assert terms("Honest people value honesty; compassionate ones, compassion.") == [
        "honesty",
        "honesty",
        "compassion",
        "compassion",
    ]


@pytest.mark.parametrize(
    "word", ["kind", "kinds", "just", "right", "unique", "patients", "prompts", "orders"]
)
def test_a_word_that_mostly_means_something_else_does_not_count(word):
    assert found(f"It was that {word} of thing.") == []


def test_the_noun_of_an_ambiguous_adjective_counts():
    assert terms("Her kindness and patience.") == ["kindness", "patience"]


def test_the_possessive_counts_as_the_word():
    assert terms("Honesty's reward") == ["honesty"]


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("He lacks honesty", False),  # "lacks" is no negation of the lists
        ("without any honesty", True),
        ("not honest", True),
        ("not only honest", False),
        ("I do not know. Honesty matters", False),
        ("never cruel but honest", False),
        ("no one two three four five six honesty", False),  # seven words on
    ],
)
def test_a_negation_reaches_its_clause(text, denied):
    assert [d for form, _, d in found(text) if form.startswith("hones")] == [denied]


def test_phrases_count_once_and_the_longest_first():
    assert terms("attention to detail, self discipline and self-discipline") == [
        "attention to detail",
        "self-discipline",
        "self-discipline",
    ]


def test_code_and_quotations_are_not_prose():
    text = (
        "```\nhonesty = 1\n```\n> honesty\n`honesty` <b title='honesty'> https://honesty.org/x\nIt is honesty"
    )
    assert terms(text) == ["honesty"]
    assert [t for t in tokens_of(text) if is_word(t)] == ["it", "is", "honesty"]


def test_an_open_fence_ends_with_the_text():
    assert tokens_of("Fine.\n```python\nhonesty") == ["fine", ".", "\n", "\n"]


def test_six_words_of_the_prompt_are_a_quotation_and_five_are_not():
    prompt = tokens_of("Should honesty always come before kindness in public life?")
    quoted = without_quotes(tokens_of("Honesty always come before kindness in my view"), prompt)
    assert [t for t in quoted if is_word(t)] == ["my", "view"]
    fewer = without_quotes(tokens_of("honesty always come before kindness, my view"), prompt)
    assert sum(map(is_word, fewer)) == 7


def test_given_terms_restrict_and_given_forms_win():
    rules = shipped_rules()
    search = TermSearch(rules, ["honesty", "grit"], {"kind": "kindness", "straight talk": "honesty"})
    text = "Honest, compassionate, gritty, kind. Straight talk and grit."
    assert terms(text, search) == ["honesty", "grit", "kindness", "honesty", "grit"]
    assert search.rules_of("kind") == (Rule.BY_STUDY,)


def test_what_the_study_drops_does_not_count():
    search = TermSearch(shipped_rules(), drop=["honesty", "caringly", "attention to detail"])
    assert terms("honest compassion, attention to detail", search) == ["compassion"]


def test_rules_of_a_form_are_told():
    search = TermSearch(shipped_rules())
    assert search.rules_of("honest") == (Rule.FAMILY,)
    assert search.rules_of("freedoms") == (Rule.INFLECTION,)
    assert search.rules_of("honesty") == ()


def test_long_texts_of_marks_take_linear_time():
    assert tokens_of("```" * 20_001 + "<" * 50_000 + "`" * 50_000 + ">" * 1000) is not None
