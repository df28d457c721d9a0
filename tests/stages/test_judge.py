import dataclasses

import numpy as np
import pytest

from examples import completion, projective_test, system
from valuelex.domain.call import Missing
from valuelex.errors import DataError
from valuelex.stages.judge import anchor_sentences, axis_ratings, judge_by_axis, sentences

# In the plane: low anchors at (0, -1) and (0, 1), mean (0, 0); high anchors at (1, 0), mean (1, 0).
LOW, HIGH = np.array([[0.0, -1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])


def test_the_axis_by_hand():
    # Along (1, 0): the low mean is 0, the high mean 6, halfway 3, a quarter 1.5; .6 of the way 3.6 however
    # far off the axis; beyond an end stays at the end.
    texts = np.array([[0, 0], [1, 0], [0.5, 0], [0.25, 0], [0.6, 0.8], [2, 0], [-1, 0]])
    assert axis_ratings(texts, HIGH, LOW) == pytest.approx([0, 6, 3, 1.5, 3.6, 6, 0])


def test_an_oblique_axis_by_hand():
    # From (1, 0) to (0, 1): axis (-1, 1), length^2 2. (.8, .6): ((-.2)(-1) + .6 * 1) / 2 = .4, rating 2.4.
    found = axis_ratings(np.array([[0.8, 0.6]]), np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]))
    assert found == pytest.approx([2.4])


def test_poles_exchanged_exchange_the_ends():
    texts = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_allclose(axis_ratings(texts, HIGH, LOW), 6 - axis_ratings(texts, LOW, HIGH), atol=1e-12)


def test_an_axis_needs_two_poles():
    with pytest.raises(DataError) as caught:
        axis_ratings(HIGH, HIGH, np.zeros((0, 2)))
    assert str(caught.value) == (
        "The axis judge needs anchors at both poles; add 'high' and 'low' sentences to the system."
    )
    with pytest.raises(DataError) as caught:
        axis_ratings(HIGH, LOW, LOW[::-1])
    assert str(caught.value) == (
        "The high and low anchors have the same mean, so there is no axis; write distinct anchors."
    )


def test_a_judge_reads_stem_and_ending_and_nothing_of_who_wrote_it():
    written = (
        completion("secret name", "s1", text="slept."),
        completion("a", "s0", text="", missing=Missing.EMPTY),
        completion("a", "s0", text="ran."),
    )
    assert sentences(written, projective_test()) == (
        "When the bell rang 1 times, I slept.",
        "When the bell rang 0 times, I ran.",
    )


def test_anchors_come_high_then_low_for_each_subdimension():
    assert anchor_sentences(system({"d1": ("care",), "d2": ("skill",)})) == (
        "I keep care.",
        "I drop care.",
        "I keep skill.",
        "I drop skill.",
    )


def test_every_present_completion_is_rated_on_its_own_axis_and_a_missing_one_on_none():
    # Subdimension care has two high anchors and one low, skill one of each.
    plain = system({"d1": ("care",), "d2": ("skill",)})
    care, skill = plain.subdimensions
    care = dataclasses.replace(care, high=("I keep care.", "I give care."))
    d1, d2 = plain.dimensions
    of = dataclasses.replace(plain, dimensions=(dataclasses.replace(d1, subdimensions=(care,)), d2))
    assert skill in of.subdimensions
    # care: high mean (1, 0), low (0, 0). skill: high (0, 1), low (0, 0).
    anchors = np.array([[1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    written = (completion("a"), completion("b", missing=Missing.REFUSED), completion("c"))
    vectors = np.array([[0.5, 0.25], [1.0, 0.0]])
    found = judge_by_axis(written, of, vectors, anchors, "axis:plane")
    np.testing.assert_allclose(found.values, [[3, 1.5], [np.nan, np.nan], [6, 0]])
    assert (found.judge, found.system, found.subdimensions) == ("axis:plane", "tiny", ("care", "skill"))


def test_vectors_that_do_not_match_the_texts_are_refused():
    # One vector for two completions would be spread over both without a word.
    written = (completion("a"), completion("b"))
    with pytest.raises(DataError) as caught:
        judge_by_axis(written, system(), np.ones((1, 2)), np.eye(2), "axis")
    assert str(caught.value) == (
        "There are 1 vectors of completions and 2 of anchors, but "
        "2 completions to rate and 2 anchors; embed each text once."
    )


def test_nothing_to_rate_gives_no_number():
    written = (completion(missing=Missing.EMPTY),)
    found = judge_by_axis(written, system(), np.zeros((0, 2)), np.eye(2), "axis")
    assert np.isnan(found.values).all()
