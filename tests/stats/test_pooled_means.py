import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.pooled_means import pooled_means

NAN = np.nan


def test_cells_share_their_variance_by_hand():
    # Means 2, 5 and 4; sums of squares 2, 0 and none: 2 over 5 values less 3 cells = 1. Errors 1/sqrt(2), 1/sqrt(2), 1;
    # Student's t with 2 degrees of freedom is 4.302653 at 97.5 %.
    found = pooled_means([[1, 3], [5, 5], [NAN, 4]])
    assert found.degrees == 2
    assert found.mean == pytest.approx([2, 5, 4])
    assert found.error == pytest.approx([0.5**0.5, 0.5**0.5, 1])
    assert found.high - found.mean == pytest.approx(4.302653 * found.error, rel=1e-6)
    assert found.mean - found.low == pytest.approx(4.302653 * found.error, rel=1e-6)


@pytest.mark.parametrize("values", [[[4, 4], [2, 2]], [[4], [2]]])
def test_without_spread_there_is_no_interval(values):
    found = pooled_means(values)
    assert found.mean == pytest.approx([4, 2])
    assert np.isnan([found.error, found.low, found.high]).all()


def test_an_empty_cell_has_no_mean():
    found = pooled_means([[1, 3], [NAN, NAN]])
    assert np.isnan([found.mean[1], found.error[1], found.low[1]]).all()
    assert found.error[0] == pytest.approx(1)


def test_intervals_hold_the_mean_as_often_as_they_should():
    # 4,000 samples of 6 cells x 3 draws: the Monte-Carlo error of a share of .95 is .0034 for independent cells; cells
    # of one sample share a variance, so three times that is allowed.
    rng = np.random.default_rng(5)
    held = []
    for _ in range(4000):
        found = pooled_means(rng.normal(3, 0.7, size=(6, 3)))
        held.append((found.low <= 3) & (found.high >= 3))
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)


def test_nothing_at_all_is_refused():
    with pytest.raises(DataError, match="holds no value at all"):
        pooled_means([[NAN, NAN]])
