import numpy as np
import pytest

from valuelex.domain.second import Choices, DirectRatings
from valuelex.errors import DataError


def choices(wins, missing):
    n = len(wins)
    place = np.zeros(n, dtype=np.int64)
    return Choices(
        "tiny",
        ("care", "skill"),
        ("a",) * n,
        place,
        place + 1,
        place,
        np.array(wins, float),
        np.array(missing, np.int8),
    )


def test_a_choice_without_a_value_needs_a_reason():
    with pytest.raises(DataError, match="1 choices have no value and no reason, or both"):
        choices([1, np.nan], [-1, -1])
    with pytest.raises(DataError, match="1 choices have no value and no reason, or both"):
        choices([1, 0], [-1, 2])


def test_lengths_are_checked():
    with pytest.raises(DataError, match=r"missing has shape \(1,\), but there are 2 choices"):
        choices([1, 0], [-1])


def test_direct_ratings_lie_on_the_scale_and_fit_their_labels():
    ok = np.full((1, 2, 1), -1, np.int8)
    with pytest.raises(DataError, match="Direct ratings lie from 0 to 6, not 1 to 7"):
        DirectRatings("tiny", ("a",), ("care", "skill"), np.array([[[1.0], [7.0]]]), ok)
    with pytest.raises(DataError, match="1 respondents × 2 subdimensions × draws"):
        DirectRatings("tiny", ("a",), ("care", "skill"), np.zeros((1, 3, 1)), ok)
    with pytest.raises(DataError, match="1 direct ratings have no value and no reason"):
        DirectRatings("tiny", ("a",), ("care", "skill"), np.array([[[1.0], [np.nan]]]), ok)
