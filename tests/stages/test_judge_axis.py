import dataclasses

import numpy as np
import pytest

from examples import system
from valuelex.errors import DataError
from valuelex.stages.judge_axis import anchor_sentences, axis_ratings, rate_by_axis

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


def test_anchors_come_high_then_low_for_each_subdimension():
    assert anchor_sentences(system({"d1": ("care",), "d2": ("skill",)})) == (
        "I keep care.",
        "I drop care.",
        "I keep skill.",
        "I drop skill.",
    )


def test_every_text_is_rated_on_the_axis_of_each_subdimension():
    # Subdimension care has two high anchors and one low, skill one of each.
    plain = system({"d1": ("care",), "d2": ("skill",)})
    care, skill = plain.subdimensions
    care = dataclasses.replace(care, high=("I keep care.", "I give care."))
    d1, d2 = plain.dimensions
    of = dataclasses.replace(plain, dimensions=(dataclasses.replace(d1, subdimensions=(care,)), d2))
    assert skill in of.subdimensions
    # care: high mean (1, 0), low (0, 0). skill: high (0, 1), low (0, 0).
    anchors = np.array([[1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    found = rate_by_axis(of, np.array([[0.5, 0.25], [1.0, 0.0]]), anchors)
    np.testing.assert_allclose(found, [[3, 1.5], [6, 0]])


def test_anchors_that_do_not_match_the_system_are_refused():
    with pytest.raises(DataError) as caught:
        rate_by_axis(system(), np.ones((1, 2)), np.ones((3, 2)))
    assert str(caught.value) == "There are 3 vectors for 2 anchors; embed each anchor once."


def test_nothing_to_rate_gives_no_number():
    assert rate_by_axis(system(), np.zeros((0, 2)), np.eye(2)).shape == (0, 1)
