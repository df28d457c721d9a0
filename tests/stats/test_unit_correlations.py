import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.stats.unit_correlations import UnitCorrelations

X = np.array([[1.0, 5.0], [2.0, 4.0], [3.0, 6.0], [4.0, 1.0], [5.0, 2.0]])
Y = np.array([[2.0, 1.0], [1.0, 1.0], [4.0, 1.0], [3.0, 1.0], [5.0, 1.0]])


def test_by_hand_and_a_constant_column_has_none():
    # Ranks with squared differences 1, 1, 1, 1, 0: r = 1 - 6 * 4 / 120 = .8. The second y is constant.
    found = UnitCorrelations.of(X, Y, np.arange(5)).everything()
    assert found[0] == pytest.approx(0.8)
    assert np.isnan(found[1])


def test_pairs_that_miss_a_value_are_left_out_pair_by_pair():
    y = Y.copy()
    y[0, 0] = np.nan
    pairs = UnitCorrelations.of(X, y, np.arange(5))
    assert pairs.counts.tolist() == [4, 5]
    assert pairs.everything()[0] == pytest.approx(np.corrcoef(X[1:, 0], Y[1:, 0])[0, 1])


@given(st.integers(0, 2**32 - 1))
def test_weights_are_repetitions_of_whole_units(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 12, 3))
    unit = np.repeat(np.arange(4), 3)
    times = rng.integers(0, 3, size=4)
    times[:2] += 1
    rows = np.repeat(np.arange(12), times[unit])
    found = UnitCorrelations.of(x, y, unit)(times[None].astype(float))[0]
    expected = [np.corrcoef(x[rows, k], y[rows, k])[0, 1] for k in range(3)]
    assert found == pytest.approx(expected, abs=1e-9)
