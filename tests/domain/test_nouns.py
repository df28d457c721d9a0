import dataclasses

import numpy as np
import pytest

from examples import (
    completion,
    rating_table,
    respondent,
    response_matrix,
    study,
    system,
)
from valuelex.domain.call import Missing
from valuelex.domain.lexicon import Lexicon, Term
from valuelex.domain.measure import Orientation, RatingArray
from valuelex.domain.structure import Taxonomy, ValueSystem
from valuelex.errors import DataError, StudyError


def message_of(error, make):
    with pytest.raises(error) as caught:
        make()
    return str(caught.value)


def test_terms_stand_in_order_and_once():
    a, b = Term("aim", 2, 2, 1), Term("bond", 1, 1, 1)
    assert Lexicon((a, b), (), ()).names == ("aim", "bond")
    for terms in ((b, a), (a, a)):
        said = message_of(DataError, lambda terms=terms: Lexicon(terms, (), ()))
        assert said == "Lexicon.terms must be sorted by name, each name once."


def test_a_response_matrix_fits_its_labels():
    values = np.zeros((2, 3), dtype=np.uint8)
    assert message_of(DataError, lambda: response_matrix(values, ["a", "b"], ["x", "y"])) == (
        "The table has shape (2, 3), but the labels describe (2, 2) (2 responses × 2 terms)."
    )
    matrix = response_matrix(values, ["a", "b"], ["x", "y", "z"])
    assert message_of(DataError, lambda: dataclasses.replace(matrix, respondent_ids=("a",))) == (
        "1 respondent labels for 2 responses; give one for each row."
    )


def test_ratings_fit_their_labels_and_the_scale():
    array = rating_table(np.array([[0.0, 6.0]]), ["a", "b"])
    assert message_of(DataError, lambda: dataclasses.replace(array, values=np.zeros((2, 2)))) == (
        "values has shape (2, 2), but the labels describe (2, 1) (2 completions × 1 subdimensions)."
    )
    for wrong in (6.01, -0.01, np.inf):
        said = message_of(
            DataError, lambda wrong=wrong: dataclasses.replace(array, values=np.array([[wrong], [3.0]]))
        )
        assert said == "1 ratings lie outside 0 to 6."


def test_a_missing_completion_carries_no_number():
    said = message_of(
        DataError,
        lambda: RatingArray.of(
            "axis", "tiny", np.zeros((1, 1)), (completion(missing=Missing.REFUSED),), ("care",)
        ),
    )
    assert said == (
        "1 missing completions carry a rating (first: ['a:s0:0']). Missing is a reason, never a number."
    )


def test_an_orientation_counts_what_it_lacks():
    missing = {Missing.REFUSED: 4, Missing.UNPARSEABLE: 1}
    found = Orientation("a", "tiny", "axis", "dimension", "heart", 3.0, 2.0, 4.0, 9, 43, missing)
    assert found.n_missing == 5


def test_a_value_system_has_distinct_groups_and_no_bare_dimension():
    assert [s.id for s in system({"d1": ("a", "b"), "d2": ("c",)}).subdimensions] == ["a", "b", "c"]
    assert message_of(DataError, lambda: system({"d1": ("a", "b"), "d2": ("a",)})) == (
        "Value system 'tiny' needs subdimensions with distinct ids; repeated: 'a'."
    )
    twice = system({"d1": ("a",)}).dimensions + system({"d1": ("b",)}).dimensions
    assert message_of(DataError, lambda: ValueSystem("tiny", "Tiny", "made up", twice)) == (
        "Value system 'tiny' needs dimensions with distinct ids; repeated: 'd1'."
    )
    assert message_of(DataError, lambda: system({"d1": ("a",), "d2": ()})) == (
        "Dimension 'd2' of the value system 'tiny' has no subdimension; give it one."
    )
    assert message_of(DataError, lambda: ValueSystem("tiny", "Tiny", "made up", ())) == (
        "Value system 'tiny' needs dimensions with distinct ids; it has none."
    )


def test_a_taxonomy_fits_its_terms():
    groups, shares = np.zeros(2, dtype=np.int64), np.ones(2)
    whole = Taxonomy(("x", "y"), groups, groups, shares, shares, np.zeros((2, 2)), 0.0, 10)
    for name in ("subdimension", "dimension", "centrality", "stability"):
        cut = {name: getattr(whole, name)[:1]}
        said = message_of(DataError, lambda cut=cut: dataclasses.replace(whole, **cut))
        assert said == f"{name} has shape (1,), but there are 2 terms."
    assert message_of(DataError, lambda: dataclasses.replace(whole, coordinates=np.zeros((2, 3)))) == (
        "coordinates has shape (2, 3), expected (2, 2)."
    )


def test_a_study_has_each_respondent_once():
    assert message_of(StudyError, lambda: study([respondent(), respondent()])) == (
        "1 respondent is described twice (first: 'acme t1'). "
        "Give them different settings, personas or labels."
    )


def test_a_model_is_named_as_a_study_writes_it():
    assert respondent().model.label == "acme/acme-1"
