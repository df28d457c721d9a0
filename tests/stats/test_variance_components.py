"""Components of variance: hand calculations, refusals, flags and invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import f as f_distribution

from valuelex.errors import DataError
from valuelex.stats.design import parse_design
from valuelex.stats.flags import Weakness
from valuelex.stats.mean_square_intervals import linear_interval, share_interval
from valuelex.stats.mean_squares import MeanSquares
from valuelex.stats.variance_components import VarianceComponents, variance_components

Labels = dict[str, NDArray[np.int64]]


def _crossed(*sizes: int) -> Labels:
    return {f: axis.ravel() for f, axis in zip("pij", np.indices(sizes), strict=False)}


def _simulated(seed: int, *sizes: int) -> tuple[NDArray[np.float64], Labels]:
    rng = np.random.default_rng(seed)
    labels = _crossed(*sizes)
    scores = rng.normal(size=int(np.prod(sizes)))
    for facet, n in zip(labels, sizes, strict=True):
        scores = scores + rng.normal(size=n)[labels[facet]]
    for one, other in (("p", "i"), ("p", "j"), ("i", "j")) if len(sizes) == 3 else ():
        scores = scores + rng.normal(size=(max(sizes), max(sizes)))[labels[one], labels[other]]
    return scores, labels


def _kinds(found: VarianceComponents) -> list[Weakness]:
    return [flag.weakness for flag in found.flags]


def test_two_crossed_facets_by_hand() -> None:
    # Rows (1, 3), (2, 6), (6, 6): means 2, 4, 6 and 3, 5, overall 4.
    # MS_p = 2 (4 + 0 + 4) / 2 = 8;  MS_i = 3 (1 + 1) / 1 = 6;  rest: (26 - 16 - 6) / 2 = 2.
    found = variance_components([1, 3, 2, 6, 6, 6], _crossed(3, 2), "p x i")
    assert found.names == ("p", "i", "residual")
    np.testing.assert_allclose(found.mean_squares.values, [8, 6, 2], atol=1e-12)
    assert found.mean_squares.degrees_of_freedom.tolist() == [2, 1, 2]
    np.testing.assert_allclose(found.variance, [(8 - 2) / 2, (6 - 2) / 3, 2], atol=1e-12)
    assert found.of("p") == pytest.approx(3)
    assert found.intercept == pytest.approx(4)
    assert found.intercept_standard_error == pytest.approx(np.sqrt(3 / 3 + (4 / 3) / 2 + 2 / 6))
    # The variance of a mean square is estimated by 2 MS^2 / (df + 2).
    assert found.standard_error[0] == pytest.approx(np.sqrt(2 * 8**2 / 4 + 2 * 2**2 / 4) / 2)
    assert found.low[2] == pytest.approx(2 * 2 / chi2.isf(0.025, 2))
    assert found.high[2] == pytest.approx(2 * 2 / chi2.ppf(0.025, 2))


def test_replicates_separate_the_highest_interaction() -> None:
    # Cell means 2, 5, 6, 13 of two scores each, one above and one below: within 4 · 2 / 4 = 2.
    # Interaction: each cell is 1 off, 2 · 4 / 1 = 8;  MS_p = 4 (9 + 9) = 72;  MS_i = 4 (6.25 + 6.25) = 50.
    scores = [1, 3, 4, 6, 5, 7, 12, 14]
    labels = {f: np.repeat(values, 2) for f, values in _crossed(2, 2).items()}
    found = variance_components(scores, labels, "p x i")
    assert found.names == ("p", "i", "p x i", "residual")
    np.testing.assert_allclose(found.variance, [(72 - 8) / 4, (50 - 8) / 4, (8 - 2) / 2, 2], atol=1e-12)
    # Without the interaction it goes to the residual: (8 + 8) / 5.
    found = variance_components(scores, labels, ["p", "i"])
    np.testing.assert_allclose(found.variance, [(72 - 3.2) / 4, (50 - 3.2) / 4, 3.2], atol=1e-12)


def test_nested_facet_by_hand() -> None:
    # Groups of two: (1, 3), (5, 9), (6, 12); means 2, 7, 9, overall 6.
    # MS_g = 2 (16 + 1 + 9) / 2 = 26; within groups, one score each, (2 + 8 + 18) / 3 = 28 / 3.
    labels = {"p": np.arange(6), "g": np.repeat([7, 8, 9], 2)}
    for design in ("p:g", ["g", ("p", "g")]):
        found = variance_components([1, 3, 5, 9, 6, 12], labels, design)
        assert found.names == ("g", "residual")
        np.testing.assert_allclose(found.variance, [(26 - 28 / 3) / 2, 28 / 3], atol=1e-12)


def test_one_facet_without_replicates() -> None:
    with pytest.raises(DataError) as error:
        variance_components([1, 3, 5, 9], {"p": [1, 2, 3, 4]}, "p")
    assert str(error.value) == (
        "Effect 'p' and the residual cannot be separated: each of the 4 cells holds one score; add scores, or a facet."
    )


def test_a_negative_estimate_is_kept_beside_zero() -> None:
    # Rows (1, 5), (5, 1), (3, 3): all row means are 3, so MS_p = 0 and p is (0 - MS_residual) / 2.
    found = variance_components([1, 5, 5, 1, 3, 3], _crossed(3, 2), "p x i")
    np.testing.assert_allclose(found.raw, [-8 / 2, -8 / 3, 8], atol=1e-12)
    np.testing.assert_allclose(found.variance, [0, 0, 8], atol=1e-12)
    assert _kinds(found) == [Weakness.FEW_UNITS, Weakness.AT_BOUNDARY]
    assert found.flags[1].detail == (
        "2 of 3 components were estimated at or below zero and set to it: p (-4), i (-2.67)"
    )
    assert (found.low >= 0).all()


def test_effects_left_out_that_mean_squares_cannot_tell_go_to_reml() -> None:
    scores, labels = _simulated(3, 6, 5, 4)
    found = variance_components(scores, labels, [("i",), ("j",), ("p", "i"), ("p", "j")])
    assert found.method == "reml"


def test_missing_scores_are_left_out_and_counted() -> None:
    scores, labels = _simulated(4, 8, 6)
    holes = scores.copy()
    holes[[3, 20, 31, 40]] = np.nan
    found = variance_components(holes, labels, "p x i")
    kept = ~np.isnan(holes)
    same = variance_components(scores[kept], {f: v[kept] for f, v in labels.items()}, "p x i")
    np.testing.assert_array_equal(found.variance, same.variance)
    assert (found.method, found.n_scores, found.n_left_out) == ("reml", 44, 4)
    assert str(found.flags[0]) == "LEFT_OUT: 4 of 48 scores are missing (first: 3, 20, 31 and 1 more)"


def test_few_levels_are_named() -> None:
    scores, labels = _simulated(5, 7, 6, 3)
    found = variance_components(scores, labels, "p x i x j")
    assert "FEW_UNITS: facets with fewer than 5 levels: j (3)" in map(str, found.flags)


def test_levels_each_is_none_where_groups_differ_in_size() -> None:
    rng = np.random.default_rng(0)
    labels = {"p": np.arange(9).repeat(2), "g": np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]).repeat(2)}
    found = variance_components(rng.normal(size=18), labels, "p:g")
    assert found.levels_each == {"p": None, "g": 3}
    assert found.n_levels == {"p": 9, "g": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.full(12, 2.5)}, "All 12 scores are equal (2.5); there is no variance to divide."),
        (
            {"scores": np.full(12, np.nan)},
            "0 of 12 scores are there; components of variance need two at least.",
        ),
        ({"scores": np.r_[np.inf, np.arange(11.0)]}, "1 of 12 scores are infinite (first: 0); correct them."),
        ({"scores": ["a"] * 12}, "scores holds values that are not numbers; give an array of numbers."),
        (
            {"scores": np.ones((3, 4))},
            "scores has shape (3, 4); give one vector in long form, and labels for each facet.",
        ),
        ({"method": "anova"}, "method must be one of 'auto', 'ems', 'reml', not 'anova'."),
        ({"level": 1.0}, "level must lie between 0 and 1, not 1.0."),
        (
            {"labels": {"p": np.arange(11), "i": np.arange(12)}},
            "Facet 'p' has labels of shape (11,) for 12 scores; give one label a score.",
        ),
    ],
)
def test_input_that_is_refused(change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"scores": np.arange(12.0), "labels": _crossed(4, 3), "design": "p x i"}
    with pytest.raises(DataError) as error:
        variance_components(**(given | change))  # type: ignore[arg-type]
    assert str(error.value) == message


def test_the_number_of_labels_is_that_of_all_scores() -> None:
    scores = np.r_[np.nan, np.arange(11.0)]
    with pytest.raises(DataError, match=r"shape \(11,\) for 12 scores"):
        variance_components(scores, {f: v[1:] for f, v in _crossed(4, 3).items()}, "p x i")


def test_mean_squares_are_refused_on_unbalanced_data() -> None:
    labels = {f: v[1:] for f, v in _crossed(4, 3).items()}
    with pytest.raises(DataError) as error:
        variance_components(np.arange(11.0) ** 2, labels, "p x i", method="ems")
    assert str(error.value) == (
        "The 11 scores do not fill a balanced design with one mean square for each component, which expected mean "
        "squares need; use method='reml'."
    )


def test_an_effect_without_replicates_is_confounded_with_the_residual() -> None:
    labels = _crossed(6, 6)
    labels["j"] = (labels["p"] + labels["i"]) % 6
    scores = np.random.default_rng(1).normal(size=36)
    with pytest.raises(
        DataError, match=r"Effect 'p x i' and the residual cannot be separated: each of the 36"
    ):
        variance_components(scores, labels, "p x i x j")
    assert variance_components(scores, labels, ["p", "i", "j"]).names == ("p", "i", "j", "residual")


def test_effects_with_the_same_cells_are_both_named() -> None:
    # Each level of p meets two of i, and j is always that of the pair: p x i has the cells of p x i x j.
    rng = np.random.default_rng(2)
    p, i = (axis.ravel() for axis in np.indices((6, 4)))
    labels = {"p": np.tile(p, 2), "i": np.tile(i, 2), "j": np.tile((p + i) % 3, 2)}
    with pytest.raises(DataError) as error:
        variance_components(rng.normal(size=48), labels, "p x i x j")
    assert str(error.value).startswith(
        "Effects 'p x i' and 'p x i x j' cannot be separated: they divide the 48"
    )


@pytest.mark.parametrize("missing", [False, True])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_labels_origin_and_unit_do_not_matter(missing: bool, seed: int) -> None:
    scores, labels = _simulated(seed, 7, 6, 5)
    rng = np.random.default_rng(seed + 1)
    if missing:
        scores[rng.choice(len(scores), 40, replace=False)] = np.nan
    base = variance_components(scores, labels, "p x i x j")
    order = rng.permutation(len(scores))
    names = {f: rng.permutation([f"{f}{k}" for k in range(9)]) for f in labels}
    moved = {f: names[f][codes][order] for f, codes in labels.items()}
    changed = variance_components(7.0 - 3.0 * scores[order], moved, "p x i x j")
    scale = base.variance.max()
    np.testing.assert_allclose(changed.variance / 9, base.variance, atol=2e-6 * scale)
    np.testing.assert_allclose(changed.low / 9, base.low, atol=1e-4 * scale)
    assert changed.intercept == pytest.approx(7 - 3 * base.intercept, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_reml_equals_mean_squares_where_all_are_positive(seed: int) -> None:
    scores, labels = _simulated(seed, 9, 6, 5)
    closed = variance_components(scores, labels, "p x i x j")
    likely = variance_components(scores, labels, "p x i x j", method="reml")
    if (closed.raw > 0).all():
        np.testing.assert_allclose(likely.variance, closed.variance, rtol=1e-5)
        np.testing.assert_allclose(
            likely.mean_squares.degrees_of_freedom, closed.mean_squares.degrees_of_freedom, rtol=1e-3
        )
        np.testing.assert_allclose(likely.high, closed.high, rtol=1e-2)
        assert likely.intercept_standard_error == pytest.approx(closed.intercept_standard_error, rel=1e-5)


def test_the_interval_of_a_ratio_of_two_mean_squares_is_that_of_f() -> None:
    # (MS_1 - MS_2) / MS_1 is a share of MS_1 - MS_2 and MS_2; F is MS_1 / MS_2 = 4 with 9 and 27 df.
    squares = MeanSquares(np.array([8.0, 2.0]), np.array([9.0, 27.0]), np.array([[3.0, 1.0], [0.0, 1.0]]))
    low, high = share_interval(squares, np.array([1.0, -1.0]), np.array([0.0, 1.0]), 0.95)
    assert low == pytest.approx(1 - f_distribution.isf(0.025, 9, 27) / 4, abs=1e-9)
    assert high == pytest.approx(1 - f_distribution.ppf(0.025, 9, 27) / 4, abs=1e-9)


def test_the_interval_of_one_mean_square_is_that_of_chi_square() -> None:
    squares = MeanSquares(np.array([8.0, 2.0]), np.array([9.0, 27.0]), np.eye(2))
    low, high = linear_interval(squares, np.array([[1.0, 0.0], [0.0, -1.0]]), 0.9)
    np.testing.assert_allclose(low, [72 / chi2.isf(0.05, 9), -54 / chi2.ppf(0.05, 27)], rtol=1e-9)
    np.testing.assert_allclose(high, [72 / chi2.ppf(0.05, 9), -54 / chi2.isf(0.05, 27)], rtol=1e-9)


def test_a_design_may_be_given_ready_made() -> None:
    scores, labels = _simulated(6, 6, 5)
    ready = variance_components(scores, labels, parse_design("p x i"))
    np.testing.assert_array_equal(ready.variance, variance_components(scores, labels, "p x i").variance)
