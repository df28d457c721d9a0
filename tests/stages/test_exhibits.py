import dataclasses

import numpy as np

from examples import MODEL, completion, projective_test, respondent, system
from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS
from valuelex.domain.study import JudgePlan
from valuelex.stages.exhibits import (
    excluded_respondents,
    exhibit,
    own_respondents,
    prepare_exhibits,
    rating_array,
    sentence,
    to_rate,
)

WRITTEN = (
    completion("secret name", "s1", text="slept."),
    completion("a", "s0", text="", missing=Missing.EMPTY),
    completion("b", "s1", text="slept."),
    completion("a", "s1", text="ran."),
)
OTHER = dataclasses.replace(MODEL, name="other-1")


def test_a_judge_sees_stem_and_ending_and_nothing_of_who_wrote_it():
    found = prepare_exhibits(WRITTEN, projective_test())
    # Two respondents wrote the same sentence: one exhibit.
    assert [sentence(e) for e in found.items] == [
        "When the bell rang 1 times, I slept.",
        "When the bell rang 1 times, I ran.",
    ]
    assert found.position.tolist() == [0, -1, 0, 1]
    assert "secret" not in repr(found.items)


def test_the_id_follows_from_the_content_and_from_nothing_else():
    assert exhibit("A", "b c").id == exhibit("A", "b   c").id
    assert exhibit("A", "b c").id != exhibit("A b", "c").id


def test_another_wording_is_another_exhibit():
    test = projective_test()
    worded = dataclasses.replace(
        test, stems=tuple(dataclasses.replace(s, wordings=("At the bell, I",)) for s in test.stems)
    )
    second = dataclasses.replace(WRITTEN[0], wording=1)
    assert [e.stem for e in prepare_exhibits((WRITTEN[0], second), worded).items] == [
        "When the bell rang 1 times, I",
        "At the bell, I",
    ]


def test_ratings_come_back_to_every_completion_of_the_sentence():
    found = prepare_exhibits(WRITTEN, projective_test())
    off = REASONS.index(Missing.IRRELEVANT)
    array = rating_array(
        "j", system(), np.array([[4.0], [np.nan]]), np.array([[-1], [off]], np.int8), found, WRITTEN
    )
    np.testing.assert_array_equal(array.values[:, 0], [4, np.nan, 4, np.nan])
    assert [REASONS[c] if c >= 0 else None for c in array.missing[:, 0]] == [
        None,
        Missing.EMPTY,
        None,
        Missing.IRRELEVANT,
    ]


def test_a_judge_of_the_family_is_known_and_can_be_kept_out():
    people = [respondent("a"), respondent("b", family="other", model=OTHER), respondent("c", model=OTHER)]
    judge = JudgePlan("j", "llm", MODEL, family="acme")
    assert own_respondents(judge, people) == ("a", "c")  # The model itself, and its family.
    assert excluded_respondents(judge, people) == frozenset()
    keeping_out = dataclasses.replace(judge, exclude_family=True)
    assert excluded_respondents(keeping_out, people) == {"a", "c"}
    assert own_respondents(JudgePlan("axis", "axis"), people) == ()


def test_what_only_the_excluded_wrote_is_not_sent_and_what_they_wrote_has_no_rating():
    found = prepare_exhibits(WRITTEN, projective_test())
    assert [e.ending for e in to_rate(found, WRITTEN, {"a"})] == ["slept."]
    assert len(to_rate(found, WRITTEN, ())) == 2
    ones = np.ones((2, 1))
    array = rating_array("j", system(), ones, np.full((2, 1), -1, np.int8), found, WRITTEN, {"b", "a"})
    reasons = [REASONS[c] if c >= 0 else None for c in array.missing[:, 0]]
    assert reasons == [None, Missing.EMPTY, Missing.EXCLUDED, Missing.EXCLUDED]
