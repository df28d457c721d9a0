from itertools import combinations

import numpy as np
import pytest

from examples import system
from rating_sets import TWO_BY_TWO, judged, people, simulated, stems
from valuelex.stages.halo import measure_halo, profiles
from valuelex.stages.quality_correlation import correlation_estimates
from valuelex.stages.quality_table import deviations, ipsatise, lay_out
from valuelex.stats.bootstrap import resample_units
from valuelex.stats.unit_correlations import UnitCorrelations

NAN = np.nan


def halo(scores, of=TWO_BY_TWO, reliability=None):
    table = lay_out([judged(scores, of=of)], people(len(scores)), stems(scores.shape[1]))
    rng = np.random.default_rng(0)
    weights = tuple(
        resample_units(int(code.max()) + 1, 200, rng) if code.max() else np.ones((1, 1))
        for code in (table.unit, table.cluster)
    )
    halos, pairs = measure_halo(table, of, weights, reliability, rng)
    return {h.level: h for h in halos}, {(p.level, p.a, p.b): p for p in pairs}


def test_correlations_and_eigenvalues_are_numpys():
    scores = simulated(np.random.default_rng(1), (12, 9, 1, 4))
    found, _ = halo(scores, reliability=0.7)
    means = scores.mean(axis=(1, 2))
    flat = scores.reshape(-1, 4)
    inside = (
        scores[:, :, 0]
        - scores.mean(axis=(1, 2))[:, None]
        - scores.mean(axis=(0, 2))
        + scores.mean((0, 1, 2))
    )
    for level, rows in (("respondent", means), ("completion", flat), ("within", inside.reshape(-1, 4))):
        r = np.corrcoef(rows.T)
        np.testing.assert_allclose(found[level].correlations, r, atol=1e-9)
        np.testing.assert_allclose(found[level].eigenvalues, np.linalg.eigvalsh(r)[::-1], atol=1e-9)
        assert found[level].first_share.value == pytest.approx(np.linalg.eigvalsh(r)[-1] / 4)
        assert found[level].mean_correlation.value == pytest.approx((r.sum() - 4) / 12)
        assert found[level].n_rows == len(rows)
    assert found["respondent"].mean_reliability == 0.7
    assert found["within"].mean_reliability is None


def test_one_impression_of_each_completion_shows_within_and_not_between_respondents():
    rng = np.random.default_rng(2)
    scores = simulated(rng, (30, 10, 1, 4), respondent_sd=0.6, stem_sd=0.0, both_sd=0.0, draw_sd=0.1)
    impressed = np.clip(scores + 0.5 * rng.normal(size=(30, 10, 1, 1)), 0, 6)
    found, _ = halo(impressed)
    # Within: .25 common of .26, so all correlate .25 / .26 and the first eigenvalue is (1 + 3 r) / 4.
    assert found["within"].first_share.value == pytest.approx((1 + 3 * 0.25 / 0.26) / 4, abs=0.01)
    assert found["respondent"].first_share.value < 0.6


def test_htmt_by_hand():
    # Correlations between respondents: within d1 r12, within d2 r34; HTMT is the mean of the four others over
    # the root of r12 r34.
    rng = np.random.default_rng(3)
    trait = rng.normal(size=(40, 2))
    trait[:, 1] = 0.5 * trait[:, 0] + trait[:, 1]
    scores = 3 + 0.3 * np.repeat(trait, 2, axis=1)[:, None, None, :] + 0.2 * rng.normal(size=(40, 6, 1, 4))
    scores = np.clip(scores, 0, 6)
    _, pairs = halo(scores)
    r = np.corrcoef(scores.mean(axis=(1, 2)).T)
    expected = r[:2, 2:].mean() / np.sqrt(r[0, 1] * r[2, 3])
    found = pairs["respondent", "d1", "d2"]
    assert found.htmt.value == pytest.approx(expected)
    assert found.htmt.low < expected < found.htmt.high
    assert found.htmt.n == 40
    # Truth: .5 / sqrt(1.25) = .447 without error.
    assert found.disattenuated.value == pytest.approx(np.corrcoef(trait.T)[0, 1], abs=0.05)
    assert pairs["within", "d1", "d2"].disattenuated.reason == "Told between respondents only."


def test_shared_accidents_of_completions_do_not_raise_the_disattenuated_correlation():
    # Two unrelated dimensions; each completion moves both. Scores correlate by that, halves of other stems do not.
    rng = np.random.default_rng(4)
    trait = 0.5 * rng.normal(size=(200, 1, 1, 2))
    scores = np.clip(
        3 + np.repeat(trait, 2, axis=3) + 0.8 * rng.normal(size=(200, 6, 1, 1)) + np.zeros((1, 1, 1, 4)), 0, 6
    )
    found, pairs = halo(scores)
    raw = np.corrcoef(scores.mean(axis=(1, 2))[:, [0, 2]].T)[0, 1]
    assert raw > 0.2
    assert abs(pairs["respondent", "d1", "d2"].disattenuated.value) < 0.15
    assert found["completion"].mean_correlation.value > 0.5


def test_profiles_by_hand():
    # r0: 1 and 3 -> own mean 2, profile -1 and +1; r1: 5 and 5 -> 0 and 0.
    of = system({"d1": ("a",), "d2": ("b",)})
    scores = np.array([[1.0, 3], [5, 5]])[:, None, None, :] * np.ones((1, 3, 1, 1))
    table = lay_out([judged(scores, of=of)], people(2), stems(3))
    found = [(p.respondent_id, p.subdimension, p.raw, p.ipsatised) for p in profiles(table)]
    assert found == [("r0", "a", 1, -1), ("r0", "b", 3, 1), ("r1", "a", 5, 0), ("r1", "b", 5, 0)]


def test_ipsatising_by_hand():
    # Columns have means 2 and 4; row 0 (1, 5) is (-1, 1) off them, its mean 0; row 1 (3, 3) is (1, -1). Row 2 has one
    # rating and so no profile, but counts for the mean of its column: (2, NaN).
    values = np.array([[1.0, 5], [3, 3], [2, NAN]])
    np.testing.assert_allclose(ipsatise(values), [[-1, 1], [1, -1], [NAN, NAN]])


def test_deviations_are_the_residuals_of_least_squares():
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, 4, 40), rng.integers(0, 5, 40)
    y = rng.normal(size=40)
    y[3] = NAN
    kept = ~np.isnan(y)
    design = np.column_stack([np.eye(4)[a], np.eye(5)[b]])[kept]
    fitted = design @ np.linalg.lstsq(design, y[kept], rcond=None)[0]
    np.testing.assert_allclose(deviations(y[:, None], (a, b))[kept, 0], y[kept] - fitted, atol=1e-8)


def test_correlations_of_units_are_numpys_and_leave_out_pairs_with_gaps():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(2, 30, 3))
    x[4, 1] = y[7, 1] = NAN
    unit = np.repeat(np.arange(10), 3)
    found = UnitCorrelations.of(x, y, unit)
    kept = [i for i in range(30) if i not in (4, 7)]
    expected = [np.corrcoef(x[:, 0], y[:, 0])[0, 1], np.corrcoef(x[kept, 1], y[kept, 1])[0, 1]]
    assert found.everything()[:2] == pytest.approx(expected)
    assert found.counts.tolist() == [30, 28, 30]
    # Weights are how often each unit of three rows is there: twice the first and none of the second.
    weights = np.ones((1, 10))
    weights[0, :2] = 2, 0
    rows = np.concatenate([np.arange(3), np.arange(3), np.arange(6, 30)])
    assert found(weights)[0, 0] == pytest.approx(np.corrcoef(x[rows, 0], y[rows, 0])[0, 1])
    x[:, 2] = 1.0
    flat = correlation_estimates(UnitCorrelations.of(x, y, unit), resample_units(10, 200, rng))
    assert (flat[2].value, flat[2].reason) == (None, "One of the two does not vary.")


@pytest.mark.parametrize("n", [1, 4])
def test_few_respondents_have_a_reason(n):
    found, pairs = halo(simulated(np.random.default_rng(7), (n, 12, 1, 4)))
    who = "1 respondent is" if n == 1 else f"{n} respondents are"
    assert found["respondent"].reason == f"{who} too few; 5 are needed."
    assert found["completion"].first_share.value is not None
    assert pairs["respondent", "d1", "d2"].htmt.value is None


def test_one_subdimension_has_no_halo():
    assert halo(simulated(np.random.default_rng(8), (6, 5, 1, 1)), of=system()) == ({}, {})


def test_permuting_respondents_changes_no_correlation():
    scores = simulated(np.random.default_rng(9), (7, 6, 1, 4))
    before, _ = halo(scores)
    after, _ = halo(scores[::-1])
    for level, one in before.items():
        for i, j in combinations(range(4), 2):
            assert after[level].correlations[i][j] == pytest.approx(one.correlations[i][j])
