"""Counting terms in recorded texts, and the ordinary words they are compared with."""

import numpy as np
from scipy import sparse
from word_lists import shipped_rules

from valuelex.domain.call import Missing
from valuelex.domain.observed import RecordedText
from valuelex.stages.observe import (
    Matcher,
    TextCounts,
    WordUse,
    candidates,
    count_terms,
    count_words,
    ordinary_words,
    term_classes,
    uses_of,
)
from valuelex.stages.term_search import TermSearch


def text(number, words, who="a", item="i", prompt="", missing=None):
    return RecordedText(f"{who}:{item}:{number}", who, item, number, words, prompt, missing, f"key{number}")


def counted(*texts):
    return count_terms(texts, TermSearch(shipped_rules()))


def test_counts_words_and_mentions_of_each_text():
    found = counted(text(0, "Honesty, honest honesty. No courage here."), text(1, "The table stands."))
    assert found.terms.columns == ("honesty",)
    np.testing.assert_array_equal(found.terms.counts.toarray(), [[3], [0]])
    assert [(t.n_words, t.n_mentions, t.missing) for t in found.texts] == [(6, 3, None), (3, 0, None)]
    courage = next(form for form in found.forms if form.form == "courage")
    assert (courage.n_mentions, courage.n_denied) == (0, 1)
    assert found.words["honesty"] == WordUse(2, 1)


def test_a_refusal_or_an_empty_text_is_missing_and_no_exposure():
    found = counted(
        text(0, "I'm sorry, but I can't assist with that request."),
        text(1, "```\nhonesty\n```"),
        text(2, "", missing=Missing.FILTERED),
        text(3, "Honesty."),
    )
    assert [t.missing for t in found.texts] == [Missing.REFUSED, Missing.EMPTY, Missing.FILTERED, None]
    assert found.rows.tolist() == [3]
    assert found.terms.counts.shape == (1, 1)
    assert sum(t.n_words for t in found.texts) == 1


def test_examples_do_not_depend_on_the_order_of_the_texts():
    texts = [text(i, f"word{i} honesty is seen") for i in range(20)]
    assert counted(*texts).forms == counted(*reversed(texts)).forms
    (form,) = counted(*texts).forms
    assert len(form.examples) == 3
    assert form.examples[0].context.endswith("honesty is seen")


def test_a_quotation_of_the_prompt_does_not_count():
    prompt = "Do you think that honesty is always the best policy for all?"
    found = counted(text(0, "Honesty is always the best policy? Compassion is.", prompt=prompt))
    assert found.terms.columns == ("compassion",)


def test_ordinary_words_are_joined_and_name_no_value():
    rules = shipped_rules()
    words = dict.fromkeys(
        ["garden", "gardens", "honest", "kind", "the", "not", "patient", "rare", "x1"], WordUse(9, 5)
    )
    words["rare"] = WordUse(2, 2)
    found = ordinary_words(words, TermSearch(rules), rules, least_texts=3)
    assert found.of_form == {"garden": "garden", "gardens": "garden"}
    assert found.use == {"garden": WordUse(18, 10)}


def test_a_second_pass_counts_the_wanted_words_of_the_same_rows():
    texts = [
        text(0, "Gardens and a garden"),
        text(1, "I'm sorry, but I can't assist with that request."),
        text(2, "tree"),
    ]
    found = count_words(texts, {"garden": "garden", "gardens": "garden", "tree": "tree"}, ["tree", "garden"])
    assert found.columns == ("garden", "tree")
    np.testing.assert_array_equal(found.counts.toarray(), [[2, 0], [0, 1]])


def ordinary(n=300, seed=0):
    rng = np.random.default_rng(seed)
    dense = (rng.random((400, n)) < np.linspace(0.02, 0.5, n)).astype(float)
    names = tuple(f"word{i:03d}" for i in range(n))
    return TextCounts(names, sparse.csr_array(dense))


def test_sets_of_ordinary_words_match_in_texts_and_class():
    words = ordinary()
    is_abstract = {name: i % 2 == 0 for i, name in enumerate(words.columns)}
    terms = words.keep(np.arange(20, 280, 13))
    abstract = [i % 2 == 0 for i in range(len(terms.columns))]
    matcher = Matcher(terms, abstract, words, is_abstract)
    rng = np.random.default_rng(1)
    draws = [matcher.draw(rng) for _ in range(30)]
    assert all(len(set(d.tolist())) == len(terms.columns) for d in draws)
    theirs = np.array([u.n_texts for u in uses_of(terms)])
    drawn = np.mean([np.sort([u.n_texts for u in uses_of(words.keep(d))]) for d in draws], axis=0)
    np.testing.assert_allclose(drawn[1:], np.sort(theirs)[1:], rtol=0.25)  # Nothing is rarer than the rarest.
    kinds = [np.mean([is_abstract[words.columns[i]] for i in d]) for d in draws]
    assert np.mean(kinds) == np.mean(abstract)
    assert len({tuple(d.tolist()) for d in draws}) == 30


def test_candidates_are_those_most_alike():
    rules = shipped_rules()
    words = {
        f"zz{chr(97 + i)}{chr(97 + j)}b": WordUse(10 + 26 * i + j, 10 + 26 * i + j)
        for i in range(8)
        for j in range(26)
    }
    found = ordinary_words(words, TermSearch(rules), rules, 1)
    near = candidates(found, [WordUse(100, 100)], [False])
    assert len(near) == 40
    texts = sorted(found.use[name].n_texts for name in near)
    assert texts[0] > 75
    assert texts[-1] < 130


def test_the_class_of_a_term_is_that_of_its_commonest_form():
    found = counted(text(0, "wise wisdom wisdom courageous courage courage"))
    assert term_classes(["courage", "wisdom"], found.forms) == [False, False]
    assert term_classes(["courage"], counted(text(0, "courageous")).forms) == [True]
