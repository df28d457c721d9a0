"""From responses to the lexicon and the matrix."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from word_lists import shipped_rules

from valuelex.domain.call import Missing
from valuelex.domain.lexicon import Drop, Dropped, Merge, Response, Rule, Term
from valuelex.domain.study import NormalisePlan
from valuelex.errors import StudyError
from valuelex.stages.normalise import form_key, normalise
from valuelex.stages.parse_list import split_mentions

RULES = shipped_rules()


def plan(min_respondents=1, keep=(), drop=(), merge=None) -> NormalisePlan:
    return NormalisePlan(min_respondents=min_respondents, keep=keep, drop=drop, merge=merge or {})


def response(number, text, respondent="m1", missing=None) -> Response:
    return Response(f"r{number}", respondent, "p1", number, text, missing, f"k{number}")


def respond(*texts, respondents=None) -> list[Response]:
    return [response(i, t, respondents[i] if respondents else "m1") for i, t in enumerate(texts)]


def test_forms_of_one_family_are_one_column_with_their_rules():
    lexicon, matrix, _ = normalise(
        respond("Honest, care", "honestly, honesty, honesty", "Kind"), RULES, plan()
    )
    # honesty: Honest + honestly + 2 x honesty = 4 mentions in responses 0 and 1, all of respondent m1.
    assert lexicon.terms == (Term("care", 1, 1, 1), Term("honesty", 4, 2, 1), Term("kindness", 1, 1, 1))
    assert lexicon.merges == (
        Merge("care", "care", (), 1),
        Merge("Honest", "honesty", (Rule.CASE, Rule.FAMILY), 1),
        Merge("honestly", "honesty", (Rule.FAMILY,), 1),
        Merge("honesty", "honesty", (), 2),
        Merge("Kind", "kindness", (Rule.CASE, Rule.FAMILY), 1),
    )
    assert matrix.terms == ("care", "honesty", "kindness")
    assert matrix.named.dense().dtype == np.uint8
    np.testing.assert_array_equal(matrix.named.dense(), [[1, 1, 0], [0, 1, 0], [0, 0, 1]])


def test_what_cannot_be_read_gets_a_reason_and_no_row():
    given = [
        response(0, "honesty"),
        response(1, "1. 1\n2. 2"),
        response(2, "pizza, banana"),
        response(3, "", missing=Missing.REFUSED),
        response(4, "A-1, A-2"),
        response(5, "pizza, care"),
    ]
    lexicon, matrix, updated = normalise(given, RULES, plan())
    assert [r.missing for r in updated] == [
        None,
        Missing.UNPARSEABLE,
        Missing.OFF_TOPIC,
        Missing.REFUSED,
        Missing.UNPARSEABLE,
        None,
    ]
    assert matrix.response_ids == ("r0", "r5")
    assert updated[0] is given[0]
    # Off-topic words stay in the record: pizza of r2 and of r5.
    assert Dropped("pizza", Drop.NOT_A_VALUE, 2) in lexicon.dropped


def test_rare_terms_are_dropped_and_may_leave_a_row_of_zeros():
    given = respond("honesty", "honest, care", "mercy, mercy", respondents=["a", "b", "c"])
    lexicon, matrix, updated = normalise(given, RULES, plan(min_respondents=2))
    assert lexicon.terms == (Term("honesty", 2, 2, 2),)
    assert lexicon.dropped == (Dropped("care", Drop.RARE, 1), Dropped("mercy", Drop.RARE, 2))
    np.testing.assert_array_equal(matrix.named.dense(), [[1], [1], [0]])
    assert updated[2].missing is None


def test_draws_of_one_respondent_do_not_make_a_term_frequent():
    given = respond("honesty", "honesty", "honesty", respondents=["a", "a", "a"])
    lexicon, _, _ = normalise(given, RULES, plan(min_respondents=2))
    assert lexicon.terms == ()


def test_the_study_keeps_drops_and_merges():
    given = respond("Pizza, candour, thrift, zorb, honest", "truth", respondents=["a", "b"])
    study = plan(
        min_respondents=2, keep=("pizza",), drop=("thrift",), merge={"candor": "truth", "ZORB": "pizza"}
    )
    lexicon, matrix, _ = normalise(given, RULES, study)
    assert matrix.terms == ("pizza", "truth")  # pizza is kept though only one respondent names it
    assert lexicon.merges == (
        Merge("Pizza", "pizza", (Rule.CASE,), 1),
        Merge("zorb", "pizza", (Rule.BY_STUDY,), 1),
        Merge("candour", "truth", (Rule.SPELLING, Rule.BY_STUDY), 1),
        Merge("truth", "truth", (), 1),
    )
    assert lexicon.dropped == (Dropped("honest", Drop.RARE, 1), Dropped("thrift", Drop.BY_STUDY, 1))


def test_a_merge_lands_where_the_target_itself_lands():
    lexicon, _, _ = normalise(respond("frankness, honesty"), RULES, plan(merge={"frankness": "Honest"}))
    assert lexicon.names == ("honesty",)


def test_a_response_whose_only_word_the_study_drops_stays_a_row():
    _, matrix, updated = normalise(respond("thrift", "care"), RULES, plan(drop=("thrift",)))
    np.testing.assert_array_equal(matrix.named.dense(), [[0], [1]])
    assert updated[0].missing is None


def test_contradictory_plans_are_refused():
    with pytest.raises(StudyError) as error:
        normalise(respond("care"), RULES, plan(keep=("Care",), drop=("care",)))
    assert str(error.value) == "1 word is both kept and dropped (first: 'care'). Choose one."
    with pytest.raises(StudyError) as error:
        normalise(respond("care"), RULES, plan(merge={"care": "love", "love": "care"}))
    assert str(error.value) == "Merges lead in a circle: care -> love -> care -> love. Remove one of them."


def test_only_the_responses_named_as_cut_lose_their_last_word():
    given = respond("care, zorbness", "care, zorbness")
    lexicon, _, _ = normalise(given, RULES, plan(), truncated={"r1"})
    assert [(t.name, t.n_mentions) for t in lexicon.terms] == [("care", 2), ("zorbness", 1)]


def test_no_responses_give_an_empty_matrix():
    lexicon, matrix, updated = normalise([], RULES, plan())
    assert (lexicon.terms, matrix.named.dense().shape, updated) == ((), (0, 0), ())
    _, matrix, _ = normalise(respond("1"), RULES, plan())
    assert matrix.named.dense().shape == (0, 0)


@pytest.mark.parametrize(
    ("form", "key"),
    [
        ("  “Honesty!” ", "honesty"),
        ("Open - Mindedness", "open-mindedness"),
        ("ＣＡＲＥ", "care"),
        ("hon\u200besty", "honesty"),
        ("open-", "open-"),
        ("one’s_word", "one's word"),
        ("...", ""),
    ],
)
def test_form_keys(form, key):
    assert form_key(form) == key


WORDS = st.sampled_from(
    [
        *(
            "honesty",
            "Honest",
            "care",
            "pizza",
            "zorbness",
            "zorbnesses",
            "the",
            "A-1",
            "Behaviour",
            "honour",
        ),
        *("open mind", "open-mind", "openmind", "strong sense of duty", "42"),
        "a very long line of words that says nothing at all",
    ]
)
TEXTS = st.one_of(st.lists(WORDS, max_size=6).map(", ".join), st.text(max_size=30))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(TEXTS, st.sampled_from("abc"), st.booleans()), max_size=8),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_every_mention_is_accounted_for_in_any_order(drawn, min_respondents, rng: random.Random):
    given_ = [response(i, t, m, Missing.EMPTY if gone else None) for i, (t, m, gone) in enumerate(drawn)]
    study = plan(min_respondents, keep=("pizza",), drop=("duty",), merge={"behavior": "care"})
    lexicon, matrix, updated = normalise(given_, RULES, study)
    total = sum(len(split_mentions(r.text, RULES)) for r in given_ if r.missing is None)
    assert sum(m.n_mentions for m in lexicon.merges) + sum(d.n_mentions for d in lexicon.dropped) == total
    assert [t.n_mentions for t in lexicon.terms] == [
        sum(m.n_mentions for m in lexicon.merges if m.term == t.name) for t in lexicon.terms
    ]
    assert [t.n_responses for t in lexicon.terms] == matrix.named.dense().sum(axis=0).tolist()
    assert matrix.response_ids == tuple(r.id for r in updated if r.missing is None)
    shuffled = list(given_)
    rng.shuffle(shuffled)
    again, other, _ = normalise(shuffled, RULES, study)
    assert again == lexicon
    rows = dict(zip(other.response_ids, other.named.dense().tolist(), strict=True))
    assert [rows[i] for i in matrix.response_ids] == matrix.named.dense().tolist()


def test_a_word_that_the_prompt_showed_is_no_evidence():
    shown = ("Honest", "order")
    given = [
        Response("r0", "m1", "p1", 0, "honesty, care, honest", None, "k0", shown),
        Response("r1", "m2", "p1", 1, "honesty, care", None, "k1"),
    ]
    lexicon, matrix, updated = normalise(given, RULES, plan())
    # In r0 the family of honesty was shown: two mentions dropped. In r1 it was not: one counts.
    assert lexicon.terms == (Term("care", 2, 2, 2), Term("honesty", 1, 1, 1))
    assert [d for d in lexicon.dropped if d.reason is Drop.SHOWN] == [
        Dropped("honest", Drop.SHOWN, 1),
        Dropped("honesty", Drop.SHOWN, 1),
    ]
    np.testing.assert_array_equal(matrix.named.dense(), [[1, 0], [1, 1]])
    n_counted = sum(m.n_mentions for m in lexicon.merges) + sum(d.n_mentions for d in lexicon.dropped)
    assert n_counted == 5
    assert [r.missing for r in updated] == [None, None]


def test_a_response_of_shown_words_only_is_a_row_of_zeros():
    given = [
        Response("r0", "m1", "p1", 0, "honesty", None, "k0", ("honesty",)),
        Response("r1", "m2", "p1", 1, "care", None, "k1", ("honesty",)),
    ]
    lexicon, matrix, _ = normalise(given, RULES, plan())
    assert lexicon.names == ("care",)
    np.testing.assert_array_equal(matrix.named.dense(), [[0], [1]])
