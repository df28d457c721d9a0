import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import completion
from rating_sets import judged, people, simulated, stems
from valuelex.domain.call import Missing
from valuelex.errors import DataError
from valuelex.stages.confounds import check_confounds, log_lengths, remove_confounds
from valuelex.stages.quality_table import deviations, lay_out
from valuelex.stats.bootstrap import resample_units

NAN = np.nan


def codes(array):
    return [
        np.unique(labels, return_inverse=True)[1]
        for labels in ([c.respondent_id for c in array.completions], [c.stem_id for c in array.completions])
    ]


def checked(array, covariates):
    n = len({c.respondent_id for c in array.completions})
    table = lay_out([array], people(n), stems(len({c.stem_id for c in array.completions})))
    rng = np.random.default_rng(0)
    weights = tuple(
        resample_units(int(c.max()) + 1, 200, rng) if c.max() else np.ones((1, 1))
        for c in (table.unit, table.cluster)
    )
    return {
        (c.covariate, c.level, c.target): c.correlation for c in check_confounds(table, covariates, weights)
    }


def test_lengths_count_words():
    own = [
        completion(text="one  two\nthree"),
        completion(text="one"),
        completion(text="", missing=Missing.EMPTY),
    ]
    np.testing.assert_allclose(log_lengths(own), [np.log(3), 0, NAN])


def test_a_slope_is_removed_by_hand():
    # One respondent, two draws on each of two stems; the covariate is -1, 1 on stem 0 and 0, 2 on stem 1, the ratings
    # 1, 3 and 4, 6. Within stems both go up by 2: the slope is 1. The mean covariate is .5, so ratings lose -1.5, .5,
    # -.5 and 1.5: 2.5, 2.5, 4.5, 4.5, with the mean 3.5 kept. The plain slope would be 1.3: the stems differ too.
    array = judged(np.array([1.0, 3, 4, 6]).reshape(1, 2, 2, 1))
    found = remove_confounds(array, {"length": np.array([-1.0, 1, 0, 2])}, ["length"])
    assert found.values[:, 0] == pytest.approx([2.5, 2.5, 4.5, 4.5])


@given(st.integers(0, 10_000))
def test_after_removal_nothing_is_left_within(seed):
    rng = np.random.default_rng(seed)
    scores = simulated(rng, (5, 6, 2, 1))
    scores[rng.random(scores.shape) < 0.15] = NAN
    length = rng.normal(size=60)
    other = 0.5 * length + rng.normal(size=60)
    array = judged(scores)
    scored = judged((array.values[:, 0] + 0.1 * length).clip(0, 6).reshape(scores.shape))
    found = remove_confounds(scored, {"length": length, "sentiment": other}, ["length", "sentiment"])
    rated = ~np.isnan(found.values[:, 0])
    own = [np.unique(c[rated], return_inverse=True)[1] for c in codes(found)]
    left = deviations(np.column_stack([found.values[rated, 0], length[rated], other[rated]]), own)
    clipped = ((found.values <= 0) | (found.values >= 6)).any()
    if not clipped:
        assert left[:, 1:].T @ left[:, 0] == pytest.approx([0, 0], abs=1e-6)
        assert found.values[rated].mean() == pytest.approx(scored.values[rated].mean())
    np.testing.assert_array_equal(found.missing, scored.missing)


def test_true_differences_of_respondents_are_kept():
    # Respondents that stand higher write longer; a longer answer as such is rated no higher. Nothing must be taken.
    rng = np.random.default_rng(1)
    standing = np.linspace(-1, 1, 8)[:, None, None, None]
    scores = np.clip(3 + standing + 0.1 * rng.normal(size=(8, 10, 2, 1)), 0, 6)
    length = (standing + 0.5 * rng.normal(size=scores.shape)).ravel()
    freed = remove_confounds(judged(scores), {"length": length}, ["length"]).values.reshape(scores.shape)
    np.testing.assert_allclose(freed.mean(axis=(1, 2, 3)), scores.mean(axis=(1, 2, 3)), atol=0.1)


def test_ratings_stay_on_the_scale_and_unknown_covariates_leave_them_alone():
    array = judged(np.array([0.0, 6, 0, 6, 3, 3]).reshape(1, 3, 2, 1))
    x = np.array([0.0, 1, 0, 1, NAN, 9])
    found = remove_confounds(array, {"length": x}, ["length"])
    # Stems 0 and 1 go up by 6 a unit; stem 2 has one known covariate, 9, far above the mean 2.2: 3 - 6 * 6.8 < 0.
    assert found.values[:, 0] == pytest.approx([6, 6, 6, 6, 3, 0])


def test_nothing_is_taken_off_by_what_does_not_vary_within():
    scores = simulated(np.random.default_rng(2), (4, 5, 1, 1))
    by_respondent = np.repeat(np.arange(4.0), 5)
    array = judged(scores)
    found = remove_confounds(array, {"length": by_respondent}, ["length"])
    np.testing.assert_allclose(found.values, array.values)
    assert remove_confounds(array, {}, []) is array


def test_wrong_covariates_are_refused():
    array = judged(np.full((1, 3, 1, 1), 3.0))
    with pytest.raises(DataError, match="Covariate 'mood' is not known; there are 'length'"):
        remove_confounds(array, {"length": np.zeros(3)}, ["mood"])
    with pytest.raises(DataError, match=r"'length' has shape \(2,\); give one value for each of 3"):
        remove_confounds(array, {"length": np.zeros(2)}, ["length"])


def test_correlations_at_three_levels_are_numpys():
    rng = np.random.default_rng(3)
    scores = simulated(rng, (8, 6, 1, 1))
    x = rng.normal(size=48)
    found = checked(judged(scores), {"length": x})
    y = scores.ravel()
    table, lengths = y.reshape(8, 6), x.reshape(8, 6)

    def centred(m):
        return (m - m.mean(0) - m.mean(1)[:, None] + m.mean()).ravel()

    expected = {
        "completion": np.corrcoef(y, x)[0, 1],
        "within": np.corrcoef(centred(table), centred(lengths))[0, 1],
        "respondent": np.corrcoef(table.mean(1), lengths.mean(1))[0, 1],
    }
    for level, r in expected.items():
        estimate = found["length", level, "care"]
        assert estimate.value == pytest.approx(r, abs=1e-9)
        assert estimate.low < r < estimate.high
    assert found["length", "completion", "care"].n == 48
    assert found["length", "respondent", "care"].n == 8


def test_few_respondents_have_a_reason():
    # The position is a number of the respondent plus one of the stem, so it does not vary within them; its square does.
    position = np.arange(36.0)
    array = judged(simulated(np.random.default_rng(4), (3, 12, 1, 1)))
    found = checked(array, {"length": position**2, "sentiment": position})
    assert found["sentiment", "within", "care"].reason == "One of the two does not vary."
    assert found["length", "respondent", "care"].reason == "3 respondents are too few; 5 are needed."
    assert found["length", "within", "care"].value is not None
