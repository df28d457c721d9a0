import re

import numpy as np
import pytest

from valuelex.domain.call import Missing
from valuelex.domain.term_ratings import RatedMatrix
from valuelex.errors import DataError
from valuelex.stages.rated_profiles import _centred, expected_cells, rated_profiles

NONE = np.nan


def rated(*rows: list[float]) -> RatedMatrix:
    """One rating asked for in each cell, which is refused where the value is NaN."""
    values = np.array(rows, dtype=float)
    there = ~np.isnan(values)
    return RatedMatrix(
        values,
        there.astype(np.int64),
        (Missing.REFUSED,),
        (~there).astype(np.int64)[:, :, None],
        np.full(values.shape, np.nan),
        tuple("abcdef"[: len(rows)]),
        ("care", "duty", "zeal")[: values.shape[1]],
    )


def themselves(matrix: RatedMatrix) -> dict[str, str]:
    return {name: name for name in matrix.respondent_ids}


def test_profiles_are_given_as_they_are_and_centred() -> None:
    matrix = rated([6, 2, 5], [2, 3, 5])
    found = rated_profiles(matrix, themselves(matrix))
    assert found.raw.tolist() == [[6, 2, 5], [2, 3, 5]]
    # Means 4, 2.5 and 5, standard deviations 2, 0.5 and 0: (1, -1, 0) and (-1, 1, 0), whose means are 0.
    assert found.centred.tolist() == [[1, -1, 0], [-1, 1, 0]]
    assert (found.units, found.n_filled) == (("a", "b"), 0)
    high = rated([6, 3, 4], [2, 2, 2])
    # Standard deviations 2, 0.5 and 1: all (1, 1, 1) and (-1, -1, -1); a unit that rates all high says no more.
    assert rated_profiles(high, themselves(high)).centred.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_unrelated_terms_of_unequal_spread_stay_unrelated() -> None:
    rng = np.random.default_rng(2)
    spread = np.repeat([0.2, 2.0], 10)
    raw = rng.normal(size=(400, 20)) * spread
    found = np.corrcoef(_centred(raw), rowvar=False)[np.triu_indices(20, 1)]
    # -1 / (n - 1) = -.05 for each pair, with a standard error of .05. Less the mean of the row alone, the ten terms of
    # little spread all carry it, and correlate by .1 / (.1 + .04), about .7.
    assert abs(found.mean() + 1 / 19) < 0.005
    assert np.abs(found + 1 / 19).max() < 0.22
    naive = np.corrcoef(raw - raw.mean(axis=1, keepdims=True), rowvar=False)
    assert naive[:10, :10][np.triu_indices(10, 1)].min() > 0.6


def test_respondents_of_one_unit_are_averaged() -> None:
    found = rated_profiles(rated([6, 4], [2, 0], [3, 3]), {"a": "one", "b": "one", "c": "two"})
    assert found.units == ("one", "two")
    assert found.raw.tolist() == [[4, 2], [3, 3]]


def test_a_gap_gets_what_its_row_and_column_make_expect() -> None:
    # Additive but for the gap: row b lies 2 below row a, column zeal 1 above care. So b on zeal is 3 - 2 = 1 above 0.
    matrix = rated([2, 4, 3], [0, 2, NONE], [3, 5, 4])
    found = rated_profiles(matrix, themselves(matrix))
    assert found.raw[1, 2] == pytest.approx(1)
    assert found.n_filled == 1
    # After both means are taken off, the gap holds nothing.
    doubly = found.centred - found.centred.mean(axis=0)
    assert doubly[1, 2] == pytest.approx(0, abs=1e-9)


def test_the_fit_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(7, 5))
    values[rng.random(values.shape) < 0.2] = np.nan
    there = np.argwhere(~np.isnan(values))
    design = np.hstack([np.eye(7)[there[:, 0]], np.eye(5)[there[:, 1]]])
    solved = np.linalg.lstsq(design, values[tuple(there.T)], rcond=None)[0]
    np.testing.assert_allclose(expected_cells(values), solved[:7, None] + solved[7:], atol=1e-9)


def test_who_and_what_is_hardly_rated_is_left_out_and_named() -> None:
    matrix = rated([1, 2, NONE], [2, 4, 1], [3, 1, NONE], [NONE, NONE, 5])
    found = rated_profiles(matrix, themselves(matrix))
    # d rated one of three; of the others, one of three rated zeal.
    assert (found.respondents_left_out, found.terms_left_out) == (("d",), ("zeal",))
    assert found.raw.tolist() == [[1, 2], [2, 4], [3, 1]]
    assert found.n_filled == 0


def test_too_few_units_or_terms_are_refused() -> None:
    said = "1 of 2 units and 2 of 2 terms have a rating in half of their cells; two of each are needed."
    with pytest.raises(DataError, match=re.escape(said)):
        rated_profiles(rated([1, 2], [NONE, NONE]), {"a": "a", "b": "b"})
    with pytest.raises(DataError, match="0 of 1 unit and 0 of 2 terms"):
        rated_profiles(rated([NONE, NONE]), {"a": "a"})
