"""Restricted likelihood: against the dense formula, at the boundary, and where there is no maximum."""

import numpy as np
import pytest
from numpy.typing import NDArray

from valuelex.errors import DataError
from valuelex.stats.design import code_levels, parse_design
from valuelex.stats.flags import Weakness
from valuelex.stats.mixed_equations import MixedEquations
from valuelex.stats.mixed_information import expected_information
from valuelex.stats.reml import reml

Array = NDArray[np.float64]
Cells = list[tuple[NDArray[np.int64], int]]
DESIGNS = ["p", "p x i", "p x i x j", "p x (i:h)", "(p:g) x i", "p:g"]


def _data(notation: str, seed: int = 0, n: int = 150) -> tuple[Array, Cells, list[str]]:
    """Scores at random places of a design, with an effect of every cell but those of all facets."""
    rng = np.random.default_rng(seed)
    design = parse_design(notation)
    labels: dict[str, NDArray[np.int64]] = {}
    sizes = {"p": 12, "i": 9, "j": 3, "h": 4, "g": 5}
    for facet in design.facets:
        labels[facet] = rng.integers(0, sizes[facet], n)
    for facet, around in zip(design.facets, design.within, strict=True):
        for outer in around:
            labels[facet] = labels[facet] + 100 * labels[outer]
    levels = code_levels(design, labels, n)
    effects = [e for e in design.effects if len(e) < len(design.facets)] or list(design.effects)
    cells = [levels.cells(e) for e in effects]
    scores = 5 + rng.normal(size=n) + sum(rng.normal(size=count)[codes] for codes, count in cells)
    return scores, cells, [design.name(e) for e in effects]


def _dense(scores: Array, cells: Cells, variance: Array) -> tuple[float, Array]:
    """Minus twice the restricted log-likelihood by inverting the covariance of the scores, and P."""
    n = len(scores)
    covariance = variance[-1] * np.eye(n)
    for (codes, _), v in zip(cells, variance, strict=False):
        covariance += v * (codes[:, None] == codes)
    inverse = np.linalg.inv(covariance)
    ones = np.ones(n)
    weight = ones @ inverse @ ones
    projection = inverse - np.outer(inverse @ ones, ones @ inverse) / weight
    value = np.linalg.slogdet(covariance)[1] + np.log(weight) + scores @ projection @ scores
    return float(value + (n - 1) * np.log(2 * np.pi)), projection


@pytest.mark.parametrize("notation", DESIGNS)
def test_the_elimination_equals_dense_algebra(notation: str) -> None:
    scores, cells, _ = _data(notation)
    n = len(scores)
    equations = MixedEquations(cells, n)
    ratios = np.linspace(0.3, 2.0, len(cells))
    centred = scores - scores.mean()
    solution = equations.solve(ratios, equations.sums(centred))
    _, projection = _dense(centred, cells, np.append(ratios, 1.0))
    relations = [(codes[:, None] == codes).astype(float) for codes, _ in cells]
    residuals = centred - equations.fitted(solution.deviations, solution.intercept)
    np.testing.assert_allclose(residuals, projection @ centred, atol=1e-9)
    # tr(P Z Z') = (cells - trace) / ratio, since D Z'P Z D = I - C.
    expected = [np.trace(projection @ r) for r in relations]
    np.testing.assert_allclose((equations.n_cells - solution.traces) / ratios, expected, rtol=1e-8)
    both = expected_information(equations, ratios, solution)
    parts = [projection @ r for r in (*relations, np.eye(n))]
    np.testing.assert_allclose(both, [[np.sum(a * b.T) for b in parts] for a in parts], rtol=1e-8)
    w = np.column_stack([*(r @ residuals for r in relations), residuals])
    found = equations.information(ratios, solution, float(residuals @ residuals))
    np.testing.assert_allclose(found, w.T @ projection @ w, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("notation", DESIGNS)
def test_the_criterion_is_the_restricted_likelihood_at_its_best(notation: str) -> None:
    scores, cells, names = _data(notation, seed=3)
    fit = reml(scores, cells, names)
    best, projection = _dense(scores, cells, fit.variance)
    assert fit.criterion == pytest.approx(best, abs=1e-5)
    for k, value in enumerate(fit.variance):
        for factor in (0.9, 1.1):
            other = fit.variance.copy()
            other[k] = value * factor if value > 0 else 0.02 * fit.variance[-1]
            assert _dense(scores, cells, other)[0] > best
    # Expected information: half of tr(P V_k P V_l); where a component is zero it is raised a little before.
    derivatives = [(codes[:, None] == codes).astype(float) for codes, _ in cells] + [np.eye(len(scores))]
    traces = [[np.sum((projection @ a) * (projection @ b).T) / 2 for b in derivatives] for a in derivatives]
    np.testing.assert_allclose(fit.information, traces, rtol=2e-2 if fit.flags else 1e-5)


def test_one_way_balanced_by_hand() -> None:
    # Groups (1, 3), (5, 9), (6, 12): mean squares 26 and 28 / 3, so 28 / 3 within and (26 - 28 / 3) / 2 between.
    codes = np.repeat([0, 1, 2], 2)
    fit = reml(np.array([1.0, 3, 5, 9, 6, 12]), [(codes, 3)], ["g"])
    np.testing.assert_allclose(fit.variance, [25 / 3, 28 / 3], rtol=1e-8)
    assert fit.intercept == pytest.approx(6)
    # The variance of the mean is the between mean square over the number of scores.
    assert fit.intercept_standard_error == pytest.approx(np.sqrt(26 / 6), rel=1e-8)


def test_a_zero_component_is_flagged_and_the_rest_is_refitted() -> None:
    # Groups (1, 5), (5, 1), (3, 3) have the same mean, so the variance is that of all: 16 / 5.
    codes = np.repeat([0, 1, 2], 2)
    fit = reml(np.array([1.0, 5, 5, 1, 3, 3]), [(codes, 3)], ["g"])
    np.testing.assert_allclose(fit.variance, [0.0, 16 / 5], rtol=1e-6)
    assert [str(flag) for flag in fit.flags] == ["AT_BOUNDARY: 1 of 2 components are zero: g"]


def test_a_limit_of_steps_is_flagged() -> None:
    scores, cells, names = _data("p x i x j")
    fit = reml(scores, cells, names, max_iterations=1)
    assert fit.flags[-1].weakness is Weakness.NOT_CONVERGED
    assert fit.flags[-1].detail == "stopped after 1 steps"


def test_scores_without_residual_have_no_likelihood() -> None:
    _, cells, names = _data("p x i")
    scores = np.sin(cells[0][0] + 1.0) + np.cos(2.0 * cells[1][0])
    with pytest.raises(DataError) as error:
        reml(scores, cells, names)
    assert str(error.value) == (
        "The effects reproduce all 150 scores to rounding, so the residual is zero and the likelihood has no maximum; "
        "leave an effect out of the design, or add scores."
    )


def test_components_that_no_score_tells_apart() -> None:
    scores, cells, _ = _data("p x i")
    with pytest.raises(DataError, match=r"The components of 'a' and 'b' cannot be separated"):
        reml(scores, [cells[0], cells[0]], ["a", "b"])


def test_too_many_crossing_cells() -> None:
    rng = np.random.default_rng(0)
    cells = [(np.r_[np.arange(9000), rng.permutation(9000)], 9000) for _ in range(3)]
    with pytest.raises(DataError, match="too many that cross one another"):
        reml(rng.normal(size=18000), cells, ["a", "b", "c"])


def test_a_small_residual_beside_large_effects() -> None:
    _, cells, names = _data("p x i")
    rng = np.random.default_rng(1)
    noise = rng.normal(size=150)
    scores = 1e3 * np.sin(cells[0][0] + 1.0) + 1e3 * np.cos(2.0 * cells[1][0]) + noise
    indicators = [np.eye(count)[codes] for codes, count in cells]
    left = np.linalg.lstsq(np.hstack(indicators), noise, rcond=None)[0]
    rest = noise - np.hstack(indicators) @ left
    rank = sum(count for _, count in cells) - 1
    fit = reml(scores, cells, names)
    assert fit.variance[-1] == pytest.approx(rest @ rest / (150 - rank), rel=1e-4)
    assert not fit.flags
