import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.jackknife import jackknife_interval


def test_the_interval_of_a_mean_is_students():
    x = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0], [9.0, 5.0]])
    without = (x.sum(axis=0) - x) / 3
    low, high = jackknife_interval(x.mean(axis=0), without)
    # Mean 4; squares about it 9 + 4 + 0 + 25 = 38, so the standard error is sqrt(38 / 3 / 4) = 1.7795; t(3) = 3.1824.
    assert low == pytest.approx([4 - 3.1824 * 1.7795, 5], abs=1e-3)
    assert high == pytest.approx([4 + 3.1824 * 1.7795, 5], abs=1e-3)
    narrow, _ = jackknife_interval(x.mean(axis=0), without, level=0.5)
    assert low[0] < narrow[0] < 4


@pytest.mark.parametrize("without", [np.ones((2, 2)), np.ones((4, 3))])
def test_too_few_units_or_other_values_are_refused(without):
    with pytest.raises(DataError, match="do not suit; give a row for each of at least 3 units"):
        jackknife_interval(np.ones(2), without)
