import numpy as np
import pytest
from scipy.stats import t

from stats.simple_structure import rows
from valuelex.errors import DataError
from valuelex.stats import loading_intervals
from valuelex.stats.congruence import align_loadings
from valuelex.stats.correlation import correlate
from valuelex.stats.factor import efa
from valuelex.stats.flags import Weakness
from valuelex.stats.loading_intervals import LoadingIntervals, bootstrap_factors, bootstrap_loadings


def weaknesses(found: LoadingIntervals) -> set[Weakness]:
    return {flag.weakness for flag in found.flags}


def test_intervals_are_made_of_the_resamples() -> None:
    found = bootstrap_loadings(rows(80, 8, 2, 0), 2, n_resamples=40, rng=np.random.default_rng(0), level=0.9)
    quantile = t.ppf(0.95, 79)
    error = found.patterns.std(axis=0, ddof=1)
    np.testing.assert_allclose(found.pattern_error, error)
    np.testing.assert_allclose(found.pattern_low, found.solution.pattern - quantile * error)
    np.testing.assert_allclose(found.pattern_high, found.solution.pattern + quantile * error)
    # Fisher's scale: tanh(arctanh(r) ± t s), s the standard deviation of arctanh over resamples.
    phi, centre = found.phis[:, 0, 1], np.arctanh(found.solution.phi[0, 1])
    ends = np.tanh(centre + quantile * np.arctanh(phi).std(ddof=1) * np.array([-1, 1]))
    np.testing.assert_allclose([found.phi_low[0, 1], found.phi_high[0, 1]], ends)
    np.testing.assert_array_equal(np.diag(found.phi_high), 1.0)
    np.testing.assert_array_equal(np.diag(found.phi_low), 1.0)
    shares = np.einsum("bij,bjk,bik->bi", found.patterns, found.phis, found.patterns)
    centre, error = np.arctanh(found.solution.communalities), np.arctanh(shares).std(axis=0, ddof=1)
    np.testing.assert_allclose(found.communality_high, np.tanh(centre + quantile * error), atol=1e-9)
    assert found.patterns.shape == (40, 8, 2)
    assert found.congruence.shape == (40, 2)
    assert found.congruence.min() > 0.8
    assert (found.n_units, found.heywood_share, found.not_converged_share, found.flags) == (80, 0.0, 0.0, ())


@pytest.mark.parametrize("rotation", ["none", "varimax", "promax", "oblimin", "geomin", "bifactor"])
@pytest.mark.parametrize("method", ["minres", "ml"])
def test_a_resample_is_the_factor_analysis_of_its_rows(rotation: str, method: str) -> None:
    data = rows(150, 12, 3, 1)
    found = bootstrap_loadings(
        data, 3, n_resamples=5, rng=np.random.default_rng(3), rotation=rotation, method=method
    )
    # The resamples again, from the same generator, each analysed from the start.
    rng = np.random.default_rng(3)
    for resample in range(5):
        counts = rng.multinomial(150, np.full(150, 1 / 150))
        again = efa(correlate(np.repeat(data, counts, axis=0)), 3, rotation=rotation, method=method)
        ours = found.patterns[resample] @ found.phis[resample] @ found.patterns[resample].T
        np.testing.assert_allclose(ours, again.pattern @ again.phi @ again.pattern.T, atol=1e-4)
        if rotation not in ("none", "bifactor"):
            aligned = align_loadings(again.pattern, found.solution.pattern)
            np.testing.assert_allclose(found.patterns[resample], aligned.loadings, atol=2e-4)


def test_factors_of_any_correlations_are_those_of_the_table() -> None:
    data = rows(100, 8, 2, 1)

    def correlations(weights: np.ndarray) -> np.ndarray:
        return correlate(np.repeat(data, weights.astype(int), axis=0))

    ours = bootstrap_factors(correlations, 100, 2, n_resamples=20, rng=np.random.default_rng(4))
    table = bootstrap_loadings(data, 2, n_resamples=20, rng=np.random.default_rng(4))
    np.testing.assert_allclose(ours.patterns, table.patterns, atol=1e-6)
    np.testing.assert_allclose(ours.phi_high, table.phi_high, atol=1e-6)


def test_a_variable_without_spread_in_a_resample_is_left_out_of_that_one_only() -> None:
    data = rows(30, 8, 2, 1)
    data[1:, 0] = 0.0  # One row alone gives it spread: it is in no resample without that row.

    def correlations(weights: np.ndarray) -> np.ndarray:
        drawn = np.repeat(data, weights.astype(int), axis=0)
        found = np.full((8, 8), np.nan)
        there = np.flatnonzero(np.ptp(drawn, axis=0) > 0)
        found[np.ix_(there, there)] = correlate(drawn[:, there])
        return found

    found = bootstrap_factors(correlations, 30, 2, n_resamples=60, rng=np.random.default_rng(4))
    absent = np.isnan(found.patterns).all(axis=2)
    # (29 / 30)^30 = .36 of the resamples lack the row.
    assert 0.2 < absent[:, 0].mean() < 0.55
    assert not absent[:, 1:].any()
    assert np.isfinite(found.pattern_low).all()
    assert Weakness.SPARSE_CELLS in weaknesses(found)
    assert Weakness.LEFT_OUT not in weaknesses(found)


def test_units_are_drawn_whole_by_rows_or_by_cross_products() -> None:
    data = rows(240, 6, 2, 2)
    units = np.repeat(np.arange(24), 10)
    by_products = loading_intervals._Resampler(data, units, 24)
    by_rows = loading_intervals._Resampler(data, units, 24)
    by_rows.products = None
    assert by_products.products is not None
    counts = np.random.default_rng(5).multinomial(24, np.full(24, 1 / 24))
    expected = correlate(np.repeat(data, counts[units], axis=0))
    np.testing.assert_allclose(by_products.correlations(counts.astype(float)), expected, atol=1e-12)
    np.testing.assert_allclose(by_rows.correlations(counts.astype(float)), expected, atol=1e-12)


def test_copies_of_units_add_no_precision() -> None:
    # Each row four times over, as one unit: errors are those of the rows once, and half of them if rows were units.
    once = rows(60, 8, 2, 4)
    data, units = np.repeat(once, 4, axis=0), np.repeat(np.arange(60), 4)
    single, grouped, wrong = (
        bootstrap_loadings(x, 2, groups=g, n_resamples=150, rng=np.random.default_rng(1)).pattern_error.mean()
        for x, g in ((once, None), (data, units), (data, None))
    )
    assert grouped == pytest.approx(single, rel=0.1)
    assert wrong == pytest.approx(single / 2, rel=0.15)


def test_names_and_order_of_units_do_not_matter() -> None:
    data = rows(200, 6, 2, 5)
    units = np.repeat(np.arange(25), 8)
    a = bootstrap_loadings(data, 2, groups=units, n_resamples=10, rng=np.random.default_rng(1))
    names = np.array([f"unit {u:02d}" for u in units])
    b = bootstrap_loadings(data, 2, groups=names, n_resamples=10, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(a.patterns, b.patterns)
    order = np.random.default_rng(2).permutation(200)
    c = bootstrap_loadings(data[order], 2, groups=units[order], n_resamples=10, rng=np.random.default_rng(1))
    np.testing.assert_allclose(a.patterns, c.patterns, atol=1e-6)
    assert np.isnan(a.solution.fit.chi_square)


def test_more_starts_find_no_worse_an_end() -> None:
    data = rows(120, 9, 3, 6)
    found = bootstrap_loadings(
        data, 3, n_resamples=6, rng=np.random.default_rng(1), rotation="geomin", n_starts=4
    )
    assert found.congruence.min() > 0.5
    assert found.solution.optima[0].n_starts >= 1


def test_few_units_are_flagged() -> None:
    units = np.repeat(np.arange(12), 10)
    found = bootstrap_loadings(
        rows(120, 6, 2, 7), 2, groups=units, n_resamples=10, rng=np.random.default_rng(0)
    )
    assert Weakness.FEW_UNITS in weaknesses(found)
    assert any(flag.detail.startswith("12 independent units; below 20") for flag in found.flags)
    # Twelve units leave eleven degrees of freedom, however many rows they have.
    half_width = (found.pattern_high - found.pattern_low) / 2
    np.testing.assert_allclose(half_width, t.ppf(0.975, 11) * found.pattern_error)


def test_resamples_without_spread_are_left_out_and_counted() -> None:
    data = rows(40, 6, 1, 8)
    data[:, 5] = 0
    data[3, 5] = 1
    found = bootstrap_loadings(data, 1, n_resamples=60, rng=np.random.default_rng(0))
    # A resample misses the one row with probability (1 - 1 / 40)^40 = .36.
    assert Weakness.LEFT_OUT in weaknesses(found)
    assert 25 < len(found.patterns) < 52
    assert any(f"{60 - len(found.patterns)} of 60 resamples" in flag.detail for flag in found.flags)


def test_improper_resamples_are_counted() -> None:
    found = bootstrap_loadings(rows(40, 6, 2, 9), 3, n_resamples=30, rng=np.random.default_rng(0))
    assert found.heywood_share > 0.3
    assert Weakness.HEYWOOD in weaknesses(found)
    n_improper = round(30 * found.heywood_share)
    assert any(flag.detail == f"{n_improper} of 30 resamples have a communality of 1" for flag in found.flags)
    assert (found.communality_low <= found.solution.communalities).all()
    assert (found.communality_high >= found.solution.communalities).all()
    assert (found.communality_low >= 0).all()


def test_what_cannot_be_resampled() -> None:
    data, rng = rows(40, 6, 2, 9), np.random.default_rng(0)
    with pytest.raises(DataError, match="6 rows for 6 columns; more rows than columns"):
        bootstrap_loadings(data[:6], 2, rng=rng)
    with pytest.raises(DataError, match="n_resamples is 1; an interval needs at least 2"):
        bootstrap_loadings(data, 2, rng=rng, n_resamples=1)
    with pytest.raises(DataError, match="level is 95; give a share between 0 and 1"):
        bootstrap_loadings(data, 2, rng=rng, level=95)
    with pytest.raises(DataError, match="groups names 1 independent unit"):
        bootstrap_loadings(data, 2, rng=rng, groups=np.zeros(40))
    two = data.copy()
    two[:20, 0], two[20:, 0] = 0, 1
    units = np.arange(40) // 20
    two[20:, 1:] = data[:20, 1:]
    with pytest.raises(DataError, match="resamples of 2 units have a constant column"):
        bootstrap_loadings(two, 1, rng=np.random.default_rng(3), groups=units, n_resamples=2)
