"""The gradient of each criterion against differences of its value, and small cases by hand."""

import numpy as np
import pytest

from valuelex.stats.rotation_criteria import OBLIQUE, ORTHOGONAL, Criterion, criterion_of

TARGET = np.where(np.arange(28).reshape(7, 4) % 3 == 0, np.nan, 0.3)


def of(name: str, gamma: float = 0.0) -> Criterion:
    return criterion_of(name, gamma=gamma, delta=0.01, target=TARGET if "target" in name else None)


@pytest.mark.parametrize("name", [*ORTHOGONAL, *OBLIQUE])
@pytest.mark.parametrize("gamma", [0.0, -0.7])
def test_gradients_equal_differences(name: str, gamma: float) -> None:
    rng = np.random.default_rng(1)
    loadings, direction = rng.normal(0, 0.5, (3, 4, 7)), rng.normal(size=(3, 4, 7))
    rule = of(name, gamma)
    h = 1e-5
    difference = (rule.evaluate(loadings + h * direction)[0] - rule.evaluate(loadings - h * direction)[0]) / (
        2 * h
    )
    _, gradient = rule.evaluate(loadings)
    np.testing.assert_allclose((gradient * direction).sum(axis=(1, 2)), difference, atol=1e-7)


def test_two_variables_by_hand() -> None:
    # Factors as rows: squares (1, 4) and (9, 16).
    loadings = np.array([[[1.0, 2.0], [3.0, 4.0]]])

    def value(name: str, gamma: float = 0.0) -> float:
        return float(of(name, gamma).evaluate(loadings)[0][0])

    assert value("quartimin") == pytest.approx((1 * 9 + 4 * 16) * 2 / 4)
    # gamma 1: less 1 / 2 of the products of sums, 5 * 25.
    assert value("oblimin", 1.0) == pytest.approx((73 - 5 * 25 / 2) * 2 / 4)
    assert value("quartimax") == pytest.approx(-(1 + 16 + 81 + 256) / 4)
    # Deviations from the means 2.5 and 12.5 are 1.5 and 3.5.
    assert value("varimax") == pytest.approx(-(2 * 1.5**2 + 2 * 3.5**2) / 4)
    assert value("geomin") == pytest.approx(np.sqrt(1.01 * 9.01) + np.sqrt(4.01 * 16.01))
    # Of three factors with squares (1), (4), (9) the last two are group factors: 2 * 4 * 9.
    three = np.array([[[1.0], [2.0], [3.0]]])
    assert float(of("bifactor").evaluate(three)[0][0]) == pytest.approx(72)


def test_free_cells_of_a_target_do_not_count() -> None:
    loadings = np.where(np.isnan(TARGET), 9.0, 0.5).T[None]
    n_known = int(np.isfinite(TARGET).sum())
    value, gradient = of("target").evaluate(loadings)
    assert value[0] == pytest.approx(n_known * 0.2**2)
    np.testing.assert_array_equal(gradient[0].T[np.isnan(TARGET)], 0.0)


def test_the_scale_follows_the_degree() -> None:
    # Communalities 10 and 20.
    loadings = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    assert of("geomin").scale(loadings)[0] == pytest.approx(30)
    assert of("oblimin").scale(loadings)[0] == pytest.approx(500)
