"""Rates of terms, and which terms are common enough for structure."""

from types import SimpleNamespace

import numpy as np
import pytest
from word_lists import shipped_rules

from valuelex.domain.lexicon import Drop
from valuelex.domain.observed import RecordedText
from valuelex.errors import DataError
from valuelex.stages.observe import count_terms
from valuelex.stages.observed_rates import common_terms, observed_lexicon, term_rates
from valuelex.stages.observed_structure import TextSources
from valuelex.stages.term_search import TermSearch


def counted(*said):
    """Texts (respondent, item, words)."""
    texts = [RecordedText(f"{who}:{item}:0", who, item, 0, words, "", None, "k") for who, item, words in said]
    found = count_terms(texts, TermSearch(shipped_rules()))
    sources = TextSources.of(found.read, [SimpleNamespace(id=who, family=who) for who in ("a", "b")])
    return found, sources


def test_rates_are_for_a_thousand_words_and_against_others_on_the_same_items():
    # Item 1: 2 mentions in 4 + 6 words, so .2 a word; item 2: 1 in 5 words, by a alone.
    found, sources = counted(
        ("a", "1", "honesty one two three"),
        ("b", "1", "honesty one two three four five"),
        ("a", "2", "honesty one two three four"),
    )
    rates = {(r.respondent_id, r.term): r for r in term_rates(found, sources)}
    a, b = rates["a", "honesty"], rates["b", "honesty"]
    assert (a.n_mentions, a.n_texts, a.n_words) == (2, 2, 9)
    assert a.rate == pytest.approx(1000 * 2 / 9)
    # Expected of a: 4 · .2 + 5 · .2 (an item of its own has its own rate, 1 in 5).
    assert a.standardised == pytest.approx(2 / 1.8)
    assert b.standardised == pytest.approx(1 / 1.2)
    assert rates["a", ""].n_mentions == 2
    assert a.ci_low < a.rate < a.ci_high


def test_terms_in_too_few_texts_or_in_nearly_all_have_no_part_in_the_structure():
    said = [
        ("a" if i % 2 else "b", str(i), "honesty " + ("courage " if i < 30 else "wisdom ")) for i in range(49)
    ]
    said += [("a", str(i), "compassion") for i in range(49, 52)]
    found, _ = counted(*said)
    assert found.terms.columns == ("compassion", "courage", "honesty", "wisdom")
    with pytest.raises(DataError) as error:
        common_terms(found, 2)  # Honesty is in 49 of 52 texts, wisdom in 19, compassion in 3.
    assert str(error.value) == (
        "1 term is in 20 texts or more of 2 respondents or more (4 found in 52 texts of 2 respondents); import more "
        "texts, or name other terms."
    )
    # Terms of a single respondent cannot be those of two: its own are taken.
    alone, _ = counted(*((("a", item, text) for _, item, text in said)))
    assert [alone.terms.columns[i] for i in common_terms(alone, 2, keep=["wisdom"])] == ["courage", "wisdom"]
    kept = common_terms(found, 2, keep=["wisdom"])
    assert [found.terms.columns[i] for i in kept] == ["courage", "wisdom"]
    lexicon, matrix = observed_lexicon(found, kept)
    assert [(t.name, t.n_mentions, t.n_responses, t.n_respondents) for t in lexicon.terms] == [
        ("courage", 30, 30, 2),
        ("wisdom", 19, 19, 2),
    ]
    assert [(d.form, d.reason, d.n_mentions) for d in lexicon.dropped] == [
        ("compassion", Drop.RARE, 3),
        ("honesty", Drop.RARE, 49),
    ]
    np.testing.assert_array_equal(matrix.named.dense().sum(axis=0), [30, 19])
    assert len(matrix.response_ids) == 52
