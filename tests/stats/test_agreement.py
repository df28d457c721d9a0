import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuelex.errors import DataError
from valuelex.stats.agreement import METRICS, krippendorff_alpha
from valuelex.stats.flags import Weakness
from valuelex.stats.kappa import WEIGHTS, cohen_kappa, gwet_agreement


def some_ratings(seed, n=30, k=4, missing=0.2):
    rng = np.random.default_rng(seed)
    x = np.clip(np.round(3 + rng.normal(size=(n, 1)) + 0.7 * rng.normal(size=(n, k))), 1, 5)
    x[rng.random(x.shape) < missing] = np.nan
    x[0, :2], x[1, :2] = 1, 5
    return x


def kinds(result):
    return [flag.weakness for flag in result.flags]


# Krippendorff's alpha


def test_interval_alpha_by_hand():
    # Three units, two ratings: (1, 2), (3, 4), (1, 1); n = 6, mean 2, squares about it 1, 0, 1, 4, 1, 1 = 8.
    # D_o = 2 (1 + 1 + 0) / 6 = 2/3;  D_e = 2 · 6 · 8 / (6 · 5) = 16/5;  alpha = 1 - 10/48 = 19/24.
    found = krippendorff_alpha([[1, 2], [3, 4], [1, 1]])
    assert found.observed == pytest.approx(2 / 3, abs=1e-12)
    assert found.expected == pytest.approx(16 / 5, abs=1e-12)
    assert found.alpha == pytest.approx(19 / 24, abs=1e-12)
    assert (found.n_units, found.n_ratings) == (3, 6)


def test_nominal_alpha_by_hand_with_a_unit_of_three():
    # (a a), (a b), (b b b), (c -): the last holds no pair. n = 7: 3 a, 4 b.
    # Unequal pairs: 2 / 1 of the second, so D_o = 2/7;  D_e = (49 - 9 - 16) / (7 · 6) = 24/42.
    na = np.nan
    found = krippendorff_alpha([[0, 0, na], [0, 1, na], [1, 1, 1], [2, na, na]], metric="nominal")
    assert found.alpha == pytest.approx(1 - (2 / 7) / (24 / 42), abs=1e-12)
    assert kinds(found) == [Weakness.LEFT_OUT, Weakness.FEW_UNITS]
    assert "1 of 4 units have fewer than two ratings and were left out (first: 3)" in found.flags[0].detail


def test_ordinal_alpha_by_hand():
    # Values 1, 1, 2, 5 in pairs (1, 2), (1, 5): mid-ranks 1, 1, 2.5, 3.5 count from 0: means 1, 2.5, 3.5.
    # Differences of ranks: 1.5 and 2.5, D_o = 2 (2.25 + 6.25) / 4 = 4.25.
    # All ordered pairs: 1-1 0; twice 1-2 2.25, twice 1-5 6.25, 2-5 1; D_e = 2 (4.5 + 12.5 + 1) / (4 · 3) = 3.
    found = krippendorff_alpha([[1, 2], [1, 5]], metric="ordinal")
    assert found.observed == pytest.approx(4.25, abs=1e-12)
    assert found.expected == pytest.approx(3, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(METRICS))
def test_order_of_units_and_of_ratings_within_them_does_not_matter(seed, metric):
    rng = np.random.default_rng(seed)
    ratings = some_ratings(seed)
    shuffled = rng.permuted(ratings, axis=1)[rng.permutation(len(ratings))]
    one, two = krippendorff_alpha(ratings, metric=metric), krippendorff_alpha(shuffled, metric=metric)
    np.testing.assert_allclose([one.alpha, one.low, one.high], [two.alpha, two.low, two.high], atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-50, 50), st.floats(0.1, 50))
def test_each_metric_has_its_own_invariance(seed, shift, factor):
    ratings = some_ratings(seed)
    for metric, other in (
        ("interval", ratings * factor + shift),
        ("ordinal", ratings**3 + shift),
        ("nominal", np.array([7.0, 3, 9, 1, 4])[np.nan_to_num(ratings, nan=1).astype(int) - 1] + 0 * ratings),
    ):
        one, two = krippendorff_alpha(ratings, metric=metric), krippendorff_alpha(other, metric=metric)
        np.testing.assert_allclose([one.alpha, one.low, one.high], [two.alpha, two.low, two.high], atol=1e-8)


def alpha_by_pairs(ratings, metric):
    """Alpha from every pair of ratings, one after the other."""
    units = [[v for v in row if not np.isnan(v)] for row in ratings]
    units = [u for u in units if len(u) > 1]
    pooled = np.array([v for u in units for v in u])
    below = {v: (pooled < v).sum() + (pooled == v).sum() / 2 for v in pooled}
    distance = {
        "nominal": lambda a, b: float(a != b),
        "ordinal": lambda a, b: (below[a] - below[b]) ** 2,
        "interval": lambda a, b: (a - b) ** 2,
    }[metric]
    observed = sum(sum(distance(a, b) for a in u for b in u) / (len(u) - 1) for u in units) / len(pooled)
    expected = sum(distance(a, b) for a in pooled for b in pooled) / (len(pooled) * (len(pooled) - 1))
    return 1 - observed / expected if expected else np.nan


@pytest.mark.parametrize("metric", METRICS)
def test_the_bootstrap_equals_a_loop_over_pairs(metric):
    ratings = some_ratings(3, n=12, k=3)
    ratings[0], ratings[1] = [1, 2, 1], [5, 4, np.nan]
    kept = ratings[(~np.isnan(ratings)).sum(axis=1) > 1]
    found = krippendorff_alpha(
        ratings, metric=metric, interval="bootstrap", n_resamples=150, rng=np.random.default_rng(4)
    )
    drawn = np.random.default_rng(4).integers(0, len(kept), (150, len(kept)))
    replicates = np.array([alpha_by_pairs(kept[rows], metric) for rows in drawn])
    replicates = replicates[~np.isnan(replicates)]
    assert found.alpha == pytest.approx(alpha_by_pairs(ratings, metric), abs=1e-12)
    # BCa only moves the tails, so both ends are quantiles of the replicates.
    ordered = np.sort(replicates)
    for end in (found.low, found.high):
        assert ordered[0] - 1e-12 <= end <= ordered[-1] + 1e-12
    low, high = np.quantile(replicates, [0.025, 0.975])
    assert abs(found.low - low) < 0.25
    assert abs(found.high - high) < 0.25


@pytest.mark.parametrize("metric", METRICS)
def test_the_linearised_error_is_that_of_leaving_units_out(metric):
    ratings = some_ratings(5, n=200, k=3)
    found = krippendorff_alpha(ratings, metric=metric)
    left_out = np.array(
        [
            np.log(1 - krippendorff_alpha(np.delete(ratings, i, axis=0), metric=metric).alpha)
            for i in range(200)
        ]
    )
    n = len(left_out)
    jackknife = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    # 1.972 is Student's t for 199 degrees of freedom at .975.
    assert np.log((1 - found.low) / (1 - found.high)) / 2 / 1.972 == pytest.approx(jackknife, rel=0.03)


def test_units_of_a_group_are_not_independent():
    ratings = some_ratings(6, n=25, missing=0.0)
    four_times = np.repeat(ratings, 4, axis=0)
    groups = np.repeat([f"g{i}" for i in range(25)], 4)
    for interval in ("linearised", "bootstrap"):
        alone, grouped, naive = (
            krippendorff_alpha(x, groups=g, interval=interval, rng=np.random.default_rng(1))
            for x, g in ((ratings, None), (four_times, groups), (four_times, None))
        )
        assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.1)
        assert naive.high - naive.low < 0.6 * (grouped.high - grouped.low)


def test_perfect_agreement_has_no_interval():
    found = krippendorff_alpha([[1, 1], [2, 2], [3, 3]])
    assert found.alpha == 1
    assert np.isnan([found.low, found.high]).all()
    assert kinds(found) == [Weakness.FEW_UNITS, Weakness.AT_BOUNDARY]


def test_a_group_without_pairs_does_not_count():
    ratings = [[1, 2], [3, 3], [5, np.nan]]
    assert (
        krippendorff_alpha(ratings, groups=["a", "b", "c"]).flags[1].detail.startswith("2 independent units")
    )
    with pytest.raises(DataError, match="names 1 independent unit"):
        krippendorff_alpha(ratings, groups=["a", "a", "c"])


def test_resamples_of_equal_ratings_are_left_out():
    ratings = np.zeros((12, 2))
    ratings[0] = 0, 1
    ratings[1] = 1, 1
    found = krippendorff_alpha(ratings, interval="bootstrap", rng=np.random.default_rng(2))
    assert "resamples held equal ratings only and were left out" in " ".join(map(str, found.flags))


@pytest.mark.parametrize(
    ("ratings", "options", "message"),
    [
        ([[1, 2]], {}, "ratings has 1 rows × 2 columns; at least 2 × 2 are needed."),
        ([[1], [2]], {}, "ratings has 2 rows × 1 columns; at least 2 × 2 are needed."),
        (
            [[1, np.nan], [2, 3], [np.nan, np.nan]],
            {},
            "1 of 3 units have two ratings or more; at least 2 such units are needed, so have more units rated twice.",
        ),
        (
            [[4, 4], [4, 4], [1, np.nan]],
            {},
            "All 4 ratings are 4; agreement beyond chance is undefined, so rate units that differ.",
        ),
        (np.full((3, 2), np.nan), {}, "ratings holds no value at all"),
        ([[1, np.inf], [2, 3]], {}, "ratings holds 1 infinite values"),
        ([["a", "b"], ["a", "a"]], {}, "ratings holds values that are not numbers"),
        (
            [[1, 2], [2, 3]],
            {"metric": "ratio"},
            "metric must be one of 'nominal', 'ordinal', 'interval', not 'ratio'.",
        ),
        (
            [[1, 2], [2, 3]],
            {"interval": "normal"},
            "interval must be one of 'linearised', 'bootstrap', not 'normal'.",
        ),
        ([[1, 2], [2, 3]], {"interval": "bootstrap"}, "A bootstrap interval needs a generator; pass rng="),
        ([[1, 2], [2, 3]], {"groups": [1]}, "groups has shape (1,), but the data has 2 rows"),
        ([[1, 2], [2, 3]], {"level": 0}, "level must lie between 0 and 1"),
    ],
)
def test_what_has_no_alpha_is_refused(ratings, options, message):
    with pytest.raises(DataError) as caught:
        krippendorff_alpha(ratings, **options)
    assert str(caught.value).startswith(message)


def test_too_few_resamples_are_refused():
    with pytest.raises(DataError, match="50 resamples are too few"):
        krippendorff_alpha(
            [[1, 2], [2, 3]], interval="bootstrap", n_resamples=50, rng=np.random.default_rng(1)
        )


# Kappa


def test_kappa_by_hand():
    # 10 units: 4 (0, 0), 1 (0, 1), 2 (1, 0), 3 (1, 1). Observed .7; expected .5 · .6 + .5 · .4 = .5; kappa .4.
    pairs = [[0, 0]] * 4 + [[0, 1]] + [[1, 0]] * 2 + [[1, 1]] * 3
    found = cohen_kappa(pairs)
    assert found.estimate == pytest.approx(0.4, abs=1e-12)
    assert (found.observed, found.expected) == pytest.approx((0.7, 0.5))
    # Influence of a unit in cell (i, j): (1 if i = j, less (1 - kappa) times the other rater's share of i plus the
    # first rater's share of j) / .5; shares of 0 are .5 (first) and .6 (other).
    cells = {(0, 0): 1 - 0.6 * 1.1, (0, 1): -0.6 * 1.1, (1, 0): -0.6 * 0.9, (1, 1): 1 - 0.6 * 0.9}
    influence = np.array([cells[tuple(pair)] for pair in pairs]) / 0.5
    assert found.standard_error == pytest.approx(influence.std() / np.sqrt(10), abs=1e-12)
    assert found.low == pytest.approx(0.4 - 1.959963985 * found.standard_error, abs=1e-8)
    assert kinds(found) == [Weakness.FEW_UNITS]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(WEIGHTS))
def test_raters_and_units_may_change_places(seed, weights):
    rng = np.random.default_rng(seed)
    ratings = some_ratings(seed, k=2, missing=0.0)
    one = cohen_kappa(ratings, weights=weights)
    two = cohen_kappa(ratings[rng.permutation(30)][:, ::-1] * 3 - 7, weights=weights)
    three = gwet_agreement(ratings, weights=weights), gwet_agreement(6 - ratings[:, ::-1], weights=weights)
    for a, b in ((one, two), three):
        np.testing.assert_allclose(
            [a.estimate, a.low, a.high, a.standard_error],
            [b.estimate, b.low, b.high, b.standard_error],
            atol=1e-9,
        )


def test_two_categories_make_all_weights_the_same():
    ratings = np.where(some_ratings(8, k=2, missing=0.0) > 3, 1.0, 0.0)
    for function in (cohen_kappa, gwet_agreement):
        estimates = [function(ratings, weights=weights).estimate for weights in WEIGHTS]
        np.testing.assert_allclose(estimates, estimates[0], atol=1e-12)


def test_an_unused_point_between_others_does_not_change_linear_kappa():
    ratings = np.array([[1, 1], [2, 4], [4, 4], [1, 2], [4, 2], [2, 2]])
    for weights in ("unweighted", "linear", "quadratic"):
        one, two = (cohen_kappa(ratings, weights=weights, categories=c) for c in (None, [1, 2, 3, 4]))
        assert one.estimate == pytest.approx(two.estimate, abs=1e-12)


def test_missing_ratings_leave_a_unit_out():
    ratings = some_ratings(9, k=2, missing=0.0)
    gaps = np.vstack([ratings, [[np.nan, 3], [2, np.nan]]])
    one, two = cohen_kappa(ratings), cohen_kappa(gaps)
    assert (one.estimate, one.low) == (two.estimate, two.low)
    assert "2 of 32 units do not have both ratings and hold no pair (first: 30, 31)" in str(two.flags[0])


# Gwet


def test_ac1_by_hand():
    # 11 of 20 ratings are 0: expected 2 · .55 · .45 = .495; AC1 = (.7 - .495) / (1 - .495) = .205 / .505.
    pairs = [[0, 0]] * 4 + [[0, 1]] + [[1, 0]] * 2 + [[1, 1]] * 3
    found = gwet_agreement(pairs)
    assert found.expected == pytest.approx(0.495, abs=1e-12)
    assert found.estimate == pytest.approx(0.205 / 0.505, abs=1e-12)


def test_naming_points_that_were_never_used_raises_ac1():
    # Chance is sum p (1 - p) / (q - 1): .495 with the two points that occur, a third of it with four named.
    pairs = [[0, 0]] * 4 + [[0, 1]] + [[1, 0]] * 2 + [[1, 1]] * 3
    found = gwet_agreement(pairs, categories=range(4))
    assert found.expected == pytest.approx(0.495 / 3, abs=1e-12)
    assert found.estimate > gwet_agreement(pairs).estimate


def test_one_category_needs_its_scale():
    same = [[3, 3], [3, 3], [3, 3]]
    with pytest.raises(DataError) as caught:
        gwet_agreement(same)
    assert str(caught.value) == (
        "All ratings are 3; with a single category agreement by chance is certain, so give categories: all points "
        "of the scale."
    )
    found = gwet_agreement(same, categories=[1, 2, 3])
    assert found.estimate == 1
    assert np.isnan([found.low, found.high]).all()
    assert Weakness.AT_BOUNDARY in kinds(found)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_the_error_of_gwet_is_that_of_leaving_units_out(seed):
    ratings = some_ratings(seed, n=60)
    found = gwet_agreement(ratings, categories=range(1, 6))
    left_out = np.array(
        [gwet_agreement(np.delete(ratings, i, axis=0), categories=range(1, 6)).estimate for i in range(60)]
    )
    jackknife = np.sqrt(59 / 60 * ((left_out - left_out.mean()) ** 2).sum())
    assert found.standard_error == pytest.approx(jackknife, rel=0.08)


@pytest.mark.parametrize("function", [cohen_kappa, gwet_agreement])
@pytest.mark.parametrize(
    ("ratings", "options", "message"),
    [
        ([[1, 2]], {}, "ratings has 1 rows × 2 columns; at least 2 × 2 are needed."),
        (
            [[1, 2], [2, 7]],
            {"categories": [1, 2, 3]},
            "1 of 3 values in ratings are not among the 3 categories (first: 7); correct them or name all points",
        ),
        ([[1, 2], [2, 2]], {"categories": [1, 2, np.nan]}, "categories holds 1 missing or infinite values"),
        (
            [[1, 2], [2, 2]],
            {"weights": "cubic"},
            "weights must be one of 'unweighted', 'linear', 'quadratic', 'ordinal'",
        ),
        ([[1, 2], [2, 2]], {"level": 1.5}, "level must lie between 0 and 1"),
        ([[1, -np.inf], [2, 2]], {}, "ratings holds 1 infinite values"),
    ],
)
def test_what_cannot_be_counted_is_refused(function, ratings, options, message):
    with pytest.raises(DataError) as caught:
        function(ratings, **options)
    assert str(caught.value).startswith(message)


def test_refusals_of_each():
    with pytest.raises(DataError) as caught:
        cohen_kappa([[1, 2, 3], [1, 2, 3]])
    assert str(caught.value).startswith("ratings have 3 columns; kappa compares 2 raters")
    with pytest.raises(DataError) as caught:
        cohen_kappa([[2, 2], [2, 2]], categories=[1, 2])
    assert str(caught.value).startswith("All 4 ratings are 2; kappa is then undefined")
    with pytest.raises(DataError) as caught:
        cohen_kappa([[1, 2], [np.nan, 2]])
    assert str(caught.value) == "1 of 2 units have both ratings; at least 2 are needed."
    with pytest.raises(DataError) as caught:
        gwet_agreement([[1, np.nan], [np.nan, 2]])
    assert str(caught.value).startswith("None of 2 rated units has two ratings")
    with pytest.raises(DataError) as caught:
        gwet_agreement([[1, 2], [np.nan, np.nan]])
    assert str(caught.value) == "1 of 2 units have a rating; at least 2 are needed."


def test_kappa_of_full_agreement_has_no_interval():
    found = cohen_kappa([[1, 1], [2, 2], [2, 2]])
    assert found.estimate == 1
    assert np.isnan([found.low, found.high]).all()
    assert Weakness.AT_BOUNDARY in kinds(found)
