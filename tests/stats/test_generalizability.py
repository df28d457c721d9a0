"""Decision studies: published formulas by hand, ICC equalities, fixed facets and numbers of levels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from valuelex.errors import DataError
from valuelex.stats.flags import Weakness
from valuelex.stats.generalizability import decision_study, levels_needed
from valuelex.stats.variance_components import VarianceComponents, variance_components


def _crossed(seed: int = 0, sizes: tuple[int, ...] = (12, 8, 4)) -> VarianceComponents:
    rng = np.random.default_rng(seed)
    labels = {f: axis.ravel() for f, axis in zip("pij", np.indices(sizes), strict=False)}
    scores = rng.normal(size=sizes)
    for axis in range(len(sizes)):
        shape = [n if k == axis else 1 for k, n in enumerate(sizes)]
        scores = scores + rng.normal(size=shape)
    return variance_components(scores.ravel(), labels, " x ".join(labels))


def _nested(seed: int = 0) -> VarianceComponents:
    rng = np.random.default_rng(seed)
    p, h, i = (axis.ravel() for axis in np.indices((15, 6, 5)))
    i = i + 5 * h
    scores = rng.normal(size=15)[p] + rng.normal(size=6)[h] + rng.normal(size=30)[i] + rng.normal(size=450)
    scores += 0.5 * rng.normal(size=(15, 6))[p, h]
    return variance_components(scores, {"p": p, "i": i, "h": h}, "p x (i:h)")


def test_two_crossed_facets_by_the_formulas_of_the_textbook() -> None:
    found = _crossed()
    p, i, j, pi, pj, ij, pij = found.variance
    study = decision_study(found, "p", {"i": 10, "j": 3})
    # Brennan (2001), section 4.1: relative pi/n_i + pj/n_j + pij/(n_i n_j); absolute adds i, j and ij.
    relative = pi / 10 + pj / 3 + pij / 30
    absolute = relative + i / 10 + j / 3 + ij / 30
    assert study.universe_variance == pytest.approx(p, rel=1e-12)
    assert study.relative_error_variance == pytest.approx(relative, rel=1e-12)
    assert study.absolute_error_variance == pytest.approx(absolute, rel=1e-12)
    assert study.relative_standard_error == pytest.approx(np.sqrt(relative), rel=1e-12)
    assert study.absolute_standard_error == pytest.approx(np.sqrt(absolute), rel=1e-12)
    assert study.generalizability == pytest.approx(p / (p + relative), rel=1e-12)
    assert study.dependability == pytest.approx(p / (p + absolute), rel=1e-12)


def test_a_nested_facet_by_the_formulas_of_the_textbook() -> None:
    found = _nested()
    h, ph, ih, rest = (found.of(name) for name in ("h", "p x h", "i:h", "residual"))
    study = decision_study(found, "p", {"i": 4, "h": 3})
    # Brennan (2001), section 4.2: i counts within h, so that 3 · 4 items are averaged.
    relative = ph / 3 + rest / 12
    assert study.relative_error_variance == pytest.approx(relative)
    assert study.absolute_error_variance == pytest.approx(relative + h / 3 + ih / 12)


def test_an_object_that_is_nested() -> None:
    rng = np.random.default_rng(1)
    g, p, i = (axis.ravel() for axis in np.indices((6, 4, 5)))
    p = p + 4 * g
    scores = rng.normal(size=6)[g] + rng.normal(size=24)[p] + rng.normal(size=5)[i] + rng.normal(size=120)
    found = variance_components(scores, {"p": p, "g": g, "i": i}, "(p:g) x i")
    v = dict(zip(found.names, found.variance, strict=True))
    of_p = decision_study(found, "p", {"i": 5})
    assert of_p.universe_variance == pytest.approx(v["g"] + v["p:g"])
    assert of_p.relative_error_variance == pytest.approx((v["g x i"] + v["residual"]) / 5)
    of_g = decision_study(found, "g", {"i": 5, "p": 4})
    assert of_g.universe_variance == pytest.approx(v["g"])
    assert of_g.relative_error_variance == pytest.approx(v["p:g"] / 4 + v["g x i"] / 5 + v["residual"] / 20)
    assert of_g.absolute_error_variance - of_g.relative_error_variance == pytest.approx(v["i"] / 5)


def test_one_facet_gives_the_intraclass_correlations_and_alpha() -> None:
    # Shrout & Fleiss (1979): 6 targets, 4 judges.
    table = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
    )
    labels = {f: axis.ravel() for f, axis in zip("pi", np.indices((6, 4)), strict=True)}
    found = variance_components(table.ravel(), labels, "p x i")
    study = decision_study(found, "p", {"i": [1, 4]})
    between = 4 * table.mean(axis=1).var(ddof=1)
    judges = 6 * table.mean(axis=0).var(ddof=1)
    rest = (table.var() * 24 - 5 * between - 3 * judges) / 15
    # ICC(3,1), ICC(3,k), ICC(2,1) and ICC(2,k) by their mean squares.
    icc3 = (between - rest) / (between + 3 * rest), (between - rest) / between
    icc2 = (
        (between - rest) / (between + 3 * rest + 4 * (judges - rest) / 6),
        (between - rest) / (between + (judges - rest) / 6),
    )
    np.testing.assert_allclose(study.generalizability, icc3, rtol=1e-12)
    np.testing.assert_allclose(study.dependability, icc2, rtol=1e-12)
    np.testing.assert_allclose(np.round(icc3 + icc2, 2), [0.71, 0.91, 0.29, 0.62])
    alpha = 4 / 3 * (1 - table.var(axis=0, ddof=1).sum() / table.sum(axis=1).var(ddof=1))
    assert study.generalizability[1] == pytest.approx(alpha, rel=1e-12)
    # The interval of ICC(3,k) is exact: 1 - quantiles of F(5, 15) over F.
    ratio = between / rest
    np.testing.assert_allclose(
        study.generalizability_interval[1],
        [1 - f_distribution.isf(0.025, 5, 15) / ratio, 1 - f_distribution.ppf(0.025, 5, 15) / ratio],
        rtol=1e-9,
    )


def test_numbers_of_levels_are_broadcast() -> None:
    found = _crossed()
    study = decision_study(found, "p", {"i": [[5], [10], [20]], "j": [1, 2]})
    assert study.generalizability.shape == (3, 2)
    assert study.generalizability_interval.shape == (3, 2, 2)
    single = decision_study(found, "p", {"i": 20, "j": 2})
    assert study.dependability[2, 1] == pytest.approx(single.dependability, rel=1e-12)
    np.testing.assert_allclose(study.dependability_interval[2, 1], single.dependability_interval, rtol=1e-9)
    assert study.n_levels["i"].tolist() == [[5, 5], [10, 10], [20, 20]]


def test_numbers_not_given_are_those_of_the_data() -> None:
    found = _crossed()
    assert decision_study(found, "p").generalizability == pytest.approx(
        decision_study(found, "p", {"i": 8, "j": 4}).generalizability
    )


def test_a_fixed_facet_is_averaged_over() -> None:
    found = _crossed()
    p, i, _, pi, pj, ij, pij = found.variance
    study = decision_study(found, "p", {"i": 10}, fixed="j")
    # Shavelson & Webb (1991), chapter 5: the interaction with the fixed facet joins p, the facet itself drops out.
    assert study.universe_variance == pytest.approx(p + pj / 4)
    assert study.relative_error_variance == pytest.approx(pi / 10 + pij / 40)
    assert study.absolute_error_variance == pytest.approx(pi / 10 + pij / 40 + i / 10 + ij / 40)


def test_replicates_divide_the_residual_only() -> None:
    rng = np.random.default_rng(3)
    p, i, _ = (axis.ravel() for axis in np.indices((10, 6, 3)))
    scores = rng.normal(size=10)[p] + rng.normal(size=(10, 6))[p, i] + rng.normal(size=180)
    found = variance_components(scores, {"p": p, "i": i}, "p x i")
    study = decision_study(found, "p", {"i": 6}, n_replicates=[1, 3])
    np.testing.assert_allclose(
        study.relative_error_variance, found.of("p x i") / 6 + found.of("residual") / np.array([6, 18])
    )


@pytest.mark.parametrize(
    "quantity", ["generalizability", "dependability", "relative_standard_error", "absolute_standard_error"]
)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 40))
def test_the_number_needed_is_the_least_that_reaches_the_target(quantity: str, seed: int, n: int) -> None:
    found = _crossed(seed, (8, 6, 5))
    if not found.variance[0]:
        return
    at = getattr(decision_study(found, "p", {"i": n + 0.5, "j": 3}), quantity)
    needed = levels_needed(found, "p", "i", at, quantity=quantity, n_levels={"j": 3})
    grid = decision_study(found, "p", {"i": np.arange(1, 60), "j": 3})
    reached = getattr(grid, quantity) >= at if "standard" not in quantity else getattr(grid, quantity) <= at
    first = np.flatnonzero(reached)[0] + 1
    assert needed == first


def test_a_target_beyond_reach_needs_infinitely_many() -> None:
    found = _crossed()
    study = decision_study(found, "p", {"i": 1e12, "j": 3})
    best = float(study.dependability)
    needed = levels_needed(
        found, "p", "i", [best - 0.05, best + 0.01], quantity="dependability", n_levels={"j": 3}
    )
    assert np.isfinite(needed[0])
    assert needed[1] == np.inf


def test_no_variance_of_the_object_is_flagged() -> None:
    labels = {f: axis.ravel() for f, axis in zip("pi", np.indices((3, 2)), strict=True)}
    found = variance_components([1, 5, 5, 1, 3, 3], labels, "p x i")
    study = decision_study(found, "p", {"i": [2, 4]})
    np.testing.assert_array_equal(study.generalizability, [0, 0])
    assert study.flags[-1].weakness is Weakness.AT_BOUNDARY
    assert study.flags[-1].detail == "the variance of p is zero, so the coefficients are zero"
    assert levels_needed(found, "p", "i", 0.8) == np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"object_facet": "q"}, "object_facet must be one of 'p', 'i', 'j', not 'q'."),
        ({"n_levels": {"p": 3}}, "n_levels must be one of 'i', 'j', not 'p'."),
        ({"n_levels": {"i": 0}}, "n_levels['i'] must be at least 1 everywhere, not 0."),
        ({"n_replicates": np.nan}, "n_replicates must be at least 1 everywhere, not nan."),
        ({"level": 0.0}, "level must lie between 0 and 1, not 0.0."),
        ({"fixed": ["p"]}, "fixed must be one of 'i', 'j', not 'p'."),
        (
            {"fixed": ["j"], "n_levels": {"j": 9}},
            "Facet 'j' is fixed, so its number of levels is that of the data (4); leave it out.",
        ),
        (
            {"n_levels": {"i": [1, 2], "j": [1, 2, 3]}},
            "The numbers of levels have shapes that cannot be broadcast: i (2,), j (3,), replicates ().",
        ),
    ],
)
def test_what_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as error:
        decision_study(**({"components": _crossed(), "object_facet": "p"} | arguments))  # type: ignore[arg-type]
    assert str(error.value) == message


def test_a_fixed_facet_may_not_be_nested_in_a_random_one() -> None:
    with pytest.raises(DataError) as error:
        decision_study(_nested(), "p", fixed=["i"])
    assert str(error.value) == (
        "Facet 'i' cannot be fixed while 'h', which it is nested in, is random; fix both or neither."
    )


def test_a_target_out_of_range() -> None:
    with pytest.raises(DataError, match=r"target must lie between 0 and 1 for generalizability, not 1\.2"):
        levels_needed(_crossed(), "p", "i", 1.2)
    with pytest.raises(DataError, match="target must lie above 0 for absolute_standard_error, not -1"):
        levels_needed(_crossed(), "p", "i", -1, quantity="absolute_standard_error")


def test_a_design_without_the_effect_of_the_object() -> None:
    rng = np.random.default_rng(0)
    p, i, j = (axis.ravel() for axis in np.indices((6, 5, 4)))
    scores: NDArray[np.float64] = rng.normal(size=120)
    found = variance_components(scores, {"p": p, "i": i, "j": j}, ["i", "j", ("p", "i"), ("p", "j")])
    with pytest.raises(DataError, match="The design has no effect of 'p' alone"):
        decision_study(found, "p")
