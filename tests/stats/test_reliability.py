import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f as f_distribution

from oracle import load
from valuelex.errors import DataError
from valuelex.stats.bootstrap import by_rows
from valuelex.stats.correlation import correlate
from valuelex.stats.flags import Weakness
from valuelex.stats.omega import bootstrap_omega, omega
from valuelex.stats.reliability import bootstrap_alpha, cronbach_alpha


def some_data(seed, n=40, k=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(size=(n, k))


def grouped_data(seed, n=120):
    rng = np.random.default_rng(seed)
    general, special = rng.normal(size=(n, 1)), np.repeat(rng.normal(size=(n, 3)), 3, axis=1)
    return general + 0.8 * special + rng.normal(size=(n, 9))


def structured(general=0.6, special=0.5, k=3):
    """Correlations of 3 columns on each of k group factors, and the loadings behind them."""
    p = 3 * k
    loadings = np.column_stack([np.full(p, general), np.kron(np.eye(k), np.full((3, 1), special))])
    r = loadings @ loadings.T
    np.fill_diagonal(r, 1.0)
    return r, loadings


# Alpha


def test_alpha_by_hand():
    # Columns (1, 2, 3, 4), (2, 1, 4, 3), (1, 3, 2, 4): each has variance 5/3; products of deviations sum to
    # 3 (first two), 4 (1 and 3), 0 (2 and 3), so covariances are 1, 4/3, 0 and correlations .6, .8, 0.
    # V = 3 · 5/3 + 2 (1 + 4/3) = 29/3; alpha = 3/2 (1 - 5 / (29/3)) = 3/2 · 14/29.
    found = cronbach_alpha([[1, 2, 1], [2, 1, 3], [3, 4, 2], [4, 3, 4]])
    assert found.raw == pytest.approx(21 / 29, abs=1e-12)
    assert found.standardised == pytest.approx(21 / 29, abs=1e-12)
    assert found.mean_correlation == pytest.approx(1.4 / 3, abs=1e-12)
    # Two columns of correlation r have alpha 2r / (1 + r).
    np.testing.assert_allclose(found.raw_if_dropped, [0, 1.6 / 1.8, 1.2 / 1.6], atol=1e-12)
    # The third with the sum of the first two: (4/3 + 0) / sqrt(5/3 · (10/3 + 2)).
    assert found.item_rest[2] == pytest.approx((4 / 3) / np.sqrt(5 / 3 * 16 / 3), abs=1e-12)
    assert found.item_total[2] == pytest.approx((4 / 3 + 5 / 3) / np.sqrt(5 / 3 * 29 / 3), abs=1e-12)


def test_the_feldt_interval_by_hand():
    data = some_data(1, n=30, k=4)
    found = cronbach_alpha(data, level=0.9)
    low = 1 - (1 - found.raw) * f_distribution.ppf(0.95, 29, 87)
    high = 1 - (1 - found.raw) * f_distribution.ppf(0.05, 29, 87)
    np.testing.assert_allclose(found.feldt, [low, high], atol=1e-9)


def test_two_columns_have_no_alpha_without_one():
    found = cronbach_alpha(some_data(2, k=2))
    assert np.isnan(found.raw_if_dropped).all()
    assert np.isnan(found.standardised_if_dropped).all()
    assert found.item_rest[0] == pytest.approx(found.item_rest[1])


def test_more_columns_than_rows_have_alpha_but_no_lambda():
    found = cronbach_alpha(some_data(3, n=4, k=6))
    assert np.isfinite(found.raw)
    assert np.isnan(found.lambda6)
    assert np.isnan(found.item_corrected).all()
    (flag,) = found.flags
    assert flag.weakness is Weakness.NOT_POSITIVE_DEFINITE
    assert "no lambda 6 and no corrected item correlations" in flag.detail


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-100, 100), st.floats(0.01, 100))
def test_alpha_does_not_depend_on_order_origin_or_unit(seed, shift, factor):
    rng = np.random.default_rng(seed)
    data = some_data(seed)
    one, two = cronbach_alpha(data), cronbach_alpha(data[rng.permutation(40)][:, ::-1] * factor + shift)
    for name in ("raw", "standardised", "lambda6", "mean_correlation", "standard_error", "feldt"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-8)
    for name in ("raw_if_dropped", "item_total", "item_rest", "item_corrected"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name)[::-1], atol=1e-8)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1, 2], [3, np.nan]], "data holds 1 missing or infinite values (first: row 1 column 1)"),
        ([[1, 2], [3, 2]], "1 of 2 columns of data are constant (first: column 1)"),
        ([[1], [2]], "data has 2 rows × 1 columns; at least 2 × 2 are needed."),
        (
            [[1, 3], [2, 2], [3, 1]],
            "The sum of the 2 columns is the same in all 3 rows; alpha is undefined, so reverse opposed columns.",
        ),
    ],
)
def test_what_has_no_alpha_is_refused(data, message):
    with pytest.raises(DataError) as caught:
        cronbach_alpha(data)
    assert str(caught.value).startswith(message)


def alpha_of(rows):
    c = np.cov(rows.T)
    r = np.corrcoef(rows.T)
    k = len(c)
    return [k / (k - 1) * (1 - np.trace(m) / m.sum()) for m in (c, r)]


def test_the_bootstrap_matches_a_plain_loop():
    # Studentised by hand: alpha of repeated rows, and a leave-one-unit-out error, which is close to the linearised
    # one with 40 units: the ends differ by less than 6 % of the interval.
    data = some_data(4)
    found = bootstrap_alpha(data, rng=np.random.default_rng(1), n_resamples=150)
    np.testing.assert_allclose(found.estimate, alpha_of(data), atol=1e-12)
    counts = np.random.default_rng(1).multinomial(40, np.full(40, 1 / 40), size=150)
    spread = np.std([alpha_of(np.repeat(data, count, axis=0)) for count in counts], axis=0)
    np.testing.assert_allclose(found.standard_error, spread, rtol=0.2)
    statistic = by_rows(lambda rows: np.log(1 - np.array(alpha_of(data[rows]))), np.arange(40), n_rows=40)
    left_out = statistic(np.ones((40, 40)) - np.eye(40))
    error = np.sqrt(39 / 40 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    t = []
    for count in counts:
        rows = np.repeat(data, count, axis=0)
        one_less = np.array([np.log(1 - np.array(alpha_of(np.delete(rows, i, axis=0)))) for i in range(40)])
        own = np.sqrt(39 / 40 * ((one_less - one_less.mean(axis=0)) ** 2).sum(axis=0))
        t.append((np.log(1 - np.array(alpha_of(rows))) - np.log(1 - found.estimate)) / own)
    below, above = np.quantile(t, [0.025, 0.975], axis=0)
    low = 1 - (1 - found.estimate) * np.exp(-below * error)
    high = 1 - (1 - found.estimate) * np.exp(-above * error)
    np.testing.assert_allclose(found.low, low, atol=0.06 * (high - low).min())
    np.testing.assert_allclose(found.high, high, atol=0.06 * (high - low).min())


def test_rows_repeated_within_units_add_nothing():
    # Each row three times in a unit of its own: the same units, so the same interval.
    data = some_data(5)
    units = np.repeat(np.arange(40), 3)
    one = bootstrap_alpha(data, rng=np.random.default_rng(2), n_resamples=200)
    many = bootstrap_alpha(
        np.repeat(data, 3, axis=0), groups=units, rng=np.random.default_rng(2), n_resamples=200
    )
    np.testing.assert_allclose(one.low, many.low, atol=1e-9)
    np.testing.assert_allclose(one.high, many.high, atol=1e-9)
    assert many.n_units == 40
    naive = bootstrap_alpha(np.repeat(data, 3, axis=0), rng=np.random.default_rng(2), n_resamples=200)
    assert (naive.high - naive.low < 0.7 * (many.high - many.low)).all()


def test_names_of_units_do_not_matter_and_few_are_flagged():
    data, names = some_data(6), np.arange(40) % 10
    one = bootstrap_alpha(data, groups=names, rng=np.random.default_rng(3), n_resamples=100)
    two = bootstrap_alpha(
        data, groups=[f"u{n}" for n in names], rng=np.random.default_rng(3), n_resamples=100
    )
    np.testing.assert_array_equal(one.low, two.low)
    assert one.flags[0].weakness is Weakness.FEW_UNITS


def test_columns_that_repeat_each_other_have_no_interval():
    column = np.arange(10.0)[:, None]
    with pytest.raises(
        DataError, match=r"Alpha is 1 raw and 1 standardised: columns repeat or cancel each other"
    ):
        bootstrap_alpha(np.hstack([column, column]), rng=np.random.default_rng(1))


def test_resamples_without_spread_are_left_out():
    # A column with a single 1 among 8 rows is constant in about a third of resamples.
    rng = np.random.default_rng(4)
    data = np.column_stack([np.eye(8)[0], np.eye(8)[0] + rng.normal(size=8), rng.normal(size=8)])
    found = bootstrap_alpha(data, rng=rng, n_resamples=300)
    assert Weakness.LEFT_OUT in {flag.weakness for flag in found.flags}


# Omega


def test_omega_of_a_known_structure():
    # General .6 and group .5 on 9 columns: V = 9 + 2 (9 · .61 + 27 · .36) = 39.42; the general part is
    # (9 · .6)^2 = 29.16 and the unique part 9 (1 - .61) = 3.51.
    r, loadings = structured()
    found = omega(r)
    assert r.sum() == pytest.approx(39.42)
    assert found.hierarchical == pytest.approx(29.16 / 39.42, abs=1e-6)
    assert found.total == pytest.approx(1 - 3.51 / 39.42, abs=1e-6)
    assert found.limit == pytest.approx(29.16 / (39.42 - 3.51), abs=1e-6)
    assert found.common_variance == pytest.approx(0.36 / 0.61, abs=1e-6)
    np.testing.assert_allclose(found.general, 0.6, atol=1e-5)
    np.testing.assert_allclose(np.sort(np.abs(found.group), axis=1)[:, -1], 0.5, atol=1e-5)
    # A group of three: V = 3 + 6 · .61 = 6.66, general (1.8)^2 = 3.24, group (1.5)^2 = 2.25.
    np.testing.assert_allclose(found.subscales, [[5.49 / 6.66, 3.24 / 6.66, 2.25 / 6.66]] * 3, atol=1e-5)
    np.testing.assert_array_equal(np.sort(np.bincount(found.members)), [3, 3, 3])
    assert found.flags == ()
    assert loadings.shape == (9, 4)


def test_reversed_columns_are_turned_and_named():
    r, _ = structured()
    sign = np.array([1, -1, 1, 1, 1, 1, -1, 1, 1.0])
    turned = omega(r * np.outer(sign, sign))
    np.testing.assert_array_equal(turned.keys, sign)
    assert turned.hierarchical == pytest.approx(omega(r).hierarchical, abs=1e-8)
    given = omega(r * np.outer(sign, sign), keys=sign)
    assert given.hierarchical == pytest.approx(turned.hierarchical, abs=1e-8)
    left = omega(r * np.outer(sign, sign), keys=np.ones(9))
    # Left as they are, columns cancel: (7 - 2) · .6 = 3, squared 9, over the sum of their correlations.
    assert left.hierarchical == pytest.approx(9 / (r * np.outer(sign, sign)).sum(), abs=1e-5)


def test_two_and_one_factor_are_flagged():
    r, _ = structured(k=2)
    two, one = omega(r, 2), omega(r, 1)
    np.testing.assert_allclose(two.second_order**2, [two.phi[0, 1]] * 2, atol=1e-12)
    assert "2 factors cannot identify a general factor; their loadings on it were set equal" in str(
        two.flags[0]
    )
    assert one.hierarchical == pytest.approx(one.general.sum() ** 2 / r.sum())
    assert (one.group == 0).all()
    assert Weakness.AT_BOUNDARY in {flag.weakness for flag in one.flags}


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_omega_does_not_depend_on_order_or_sign_of_columns(seed):
    rng = np.random.default_rng(seed)
    r = correlate(grouped_data(seed, n=400))
    order, sign = rng.permutation(9), rng.choice([-1.0, 1.0], 9)
    one, two = omega(r), omega((r * np.outer(sign, sign))[np.ix_(order, order)])
    assert one.hierarchical == pytest.approx(two.hierarchical, abs=1e-5)
    assert one.total == pytest.approx(two.total, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_factors": 6}, "6 factors cannot be extracted from 9 variables"),
        ({"method": "pc"}, "method must be one of 'minres', 'ml', 'pa', not 'pc'."),
        ({"rotation": "varimax"}, "rotation must be one of 'oblimin', 'promax', 'geomin', not 'varimax'."),
        ({"keys": [1, -1]}, "keys have shape (2,), but there are 9 columns; give 1 or -1 for each."),
        ({"keys": [2] + [1] * 8}, "1 of 9 keys are neither 1 nor -1 (first: column 0)."),
    ],
)
def test_options_of_omega_are_checked(arguments, message):
    with pytest.raises(DataError) as caught:
        omega(structured()[0], **arguments)
    assert str(caught.value).startswith(message)


def test_omega_of_covariances_is_refused():
    with pytest.raises(DataError, match="give correlations, not covariances"):
        omega(4 * structured()[0])


def test_the_bootstrap_of_omega_equals_a_loop_over_repeated_rows():
    data = grouped_data(7)[:, :6]
    found = bootstrap_omega(data, 2, rng=np.random.default_rng(5), n_resamples=100)
    counts = np.random.default_rng(5).multinomial(120, np.full(120, 1 / 120), size=100)
    both = np.array(
        [
            [solution.hierarchical, solution.total]
            for solution in (omega(correlate(np.repeat(data, count, axis=0)), 2) for count in counts)
        ]
    )
    own = omega(correlate(data), 2)
    np.testing.assert_allclose(found.estimate, [own.hierarchical, own.total], atol=1e-8)
    logit = np.log(both / (1 - both))
    centre = np.log(found.estimate / (1 - found.estimate))
    below = np.quantile(logit - centre, 0.025, axis=0, method="lower")
    above = np.quantile(logit - centre, 0.975, axis=0, method="higher")
    np.testing.assert_allclose(found.low, 1 / (1 + np.exp(above - centre)), atol=1e-5)
    np.testing.assert_allclose(found.high, 1 / (1 + np.exp(below - centre)), atol=1e-5)


def test_the_bootstrap_of_omega_draws_whole_units():
    data = grouped_data(8, n=60)[:, :6]
    one = bootstrap_omega(data, 2, rng=np.random.default_rng(6), n_resamples=100)
    twice = bootstrap_omega(
        np.repeat(data, 2, axis=0),
        2,
        groups=np.repeat(np.arange(60), 2),
        rng=np.random.default_rng(6),
        n_resamples=100,
    )
    np.testing.assert_allclose(one.low, twice.low, atol=1e-5)
    assert twice.n_units == 60


def test_columns_that_share_nothing_have_no_limit():
    # With the identity no factor holds any variance: 0 of 0 is no share.
    assert np.isnan(omega(np.eye(8), 1).limit)
    assert omega(np.eye(8), np.int64(1)).total == pytest.approx(0.0, abs=1e-12)


def test_promax_is_that_of_psych():
    # psych::omega(Thurstone, 3, rotate = "promax"), with stats::varimax going on to eps = 1e-15.
    correlation = load("reliability")["omega"]["thurstone"]["r"]
    found = omega(correlation, 3, rotation="promax")
    assert found.hierarchical == pytest.approx(0.75676274, abs=1e-5)
    assert found.total == pytest.approx(0.93082541, abs=1e-5)
