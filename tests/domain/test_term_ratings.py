import re
from dataclasses import replace

import numpy as np
import pytest

from valuelex.domain.call import Missing
from valuelex.domain.term_ratings import RatedMatrix, TermPlan, TermPromptSet
from valuelex.errors import DataError


def matrix() -> RatedMatrix:
    """Two respondents, two terms: three of three ratings, none of three, two of three, three of three."""
    return RatedMatrix(
        values=np.array([[4.0, np.nan], [2.5, 6.0]]),
        n=np.array([[3, 0], [2, 3]]),
        reasons=(Missing.REFUSED,),
        missing=np.array([[[0], [3]], [[1], [0]]]),
        on_scale=np.full((2, 2), np.nan),
        respondent_ids=("a", "b"),
        terms=("care", "zeal"),
    )


def test_cells_count_what_was_asked_for() -> None:
    assert matrix().n_asked.tolist() == [[3, 3], [3, 3]]
    assert matrix().count_missing() == {Missing.REFUSED: 4}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"n": np.zeros((2, 3))},
            "n has shape (2, 3), but the labels describe (2, 2) (2 respondents × 2 terms).",
        ),
        (
            {"missing": np.zeros((2, 2))},
            "missing has shape (2, 2), but the labels describe (2, 2, 1) (2 respondents × 2 terms × reasons).",
        ),
        (
            {"values": np.array([[4.0, np.nan], [2.5, 6.5]])},
            "Ratings lie from 0 to 6, not 2.5 to 6.5.",
        ),
        (
            {"values": np.array([[4.0, 1.0], [2.5, 6.0]])},
            "1 cells have a value without half of the ratings, or none with them (first: 'a' on 'zeal').",
        ),
    ],
)
def test_a_matrix_that_contradicts_itself_is_refused(changes: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        replace(matrix(), **changes)


@pytest.mark.parametrize("terms", [("zeal", "care"), ("care", "care"), ("care",)])
def test_terms_are_in_order_and_distinct(terms: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"two or more, in alphabetical order, each once"):
        TermPlan(terms, "made up", TermPromptSet("few", "made up", (), ()), 1, 8, probabilities=True)
