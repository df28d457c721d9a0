from dataclasses import replace

import numpy as np
import pytest

from rating_sets import TWO_BY_TWO, judged, people, simulated, stems
from valuelex.stages.items import describe_items, item_rest, weakest_items
from valuelex.stages.quality_reliability import measure_reliability
from valuelex.stages.quality_table import lay_out
from valuelex.stats.bootstrap import resample_units
from valuelex.stats.reliability import cronbach_alpha

NAN = np.nan


def reliability(scores, forms="", of=None, seed=0, **changes):
    array = judged(scores, of=of) if of else judged(scores)
    if changes:
        worded = tuple(replace(c, wording=c.draw, draw=0) for c in array.completions)
        array = replace(array, completions=worded)
    table = lay_out([array], people(len(scores)), stems(scores.shape[1], forms))
    n_units = int(table.unit.max()) + 1
    rng = np.random.default_rng(seed)
    weights = resample_units(n_units, 200, rng) if n_units > 1 else np.ones((1, 1))
    return {(r.kind, r.target): r for r in measure_reliability(table, weights, rng)}


def test_an_item_by_hand():
    # Stem 0: ratings 6, 5.5, 0, 3 and one missing: mean 14.5 / 4, two of four at 5.5 or above, one at .5 or below.
    scores = np.full((5, 2, 1, 1), 3.0)
    scores[:, 0, 0, 0] = [6, 5.5, 0, 3, NAN]
    table = lay_out([judged(scores)], people(5), stems(2, "AB"))
    item = describe_items(table)[0]
    assert (item.stem_id, item.kind, item.theme, item.form, item.subdimension) == (
        "s0",
        "neutral",
        "care",
        "A",
        "care",
    )
    assert item.mean == pytest.approx(14.5 / 4)
    assert item.sd == pytest.approx(np.std([6, 5.5, 0, 3], ddof=1))
    assert (item.ceiling, item.floor, item.n_respondents) == (0.5, 0.25, 4)
    assert item.missing == pytest.approx(0.2)
    assert item.discrimination is None
    assert item.reason == "4 respondents have this stem and another; 5 are needed."


def test_discrimination_is_that_of_cronbach_alpha_on_complete_data():
    # psych::alpha's r.drop, which `cronbach_alpha` is held to in tests/stats.
    means = simulated(np.random.default_rng(1), (12, 7, 1, 1))[:, :, 0]
    found, n = item_rest(means)
    np.testing.assert_allclose(found[:, 0], cronbach_alpha(means[:, :, 0]).item_rest, atol=1e-12)
    assert (n == 12).all()


def test_lost_stems_do_not_move_the_rest():
    # Stem 2 is 3 points above the others. Respondent 0 lost it: its rest stays what the others say of it.
    means = np.arange(6.0)[:, None] / 10 + np.array([1.0, 1.1, 4.0, 1.0])
    means[0, 2] = NAN
    found, n = item_rest(means[:, :, None])
    assert found[[0, 1, 3], 0] == pytest.approx(1, abs=0.02)
    # Deviations from the means of the stems are -.25, -.15, -.05, .05, .15, .25 (.1 apart), on stem 2 of the five that
    # have it -.2, -.1, 0, .1, .2. So the rest of stem 0 is the mean of the two or three others.
    own = np.arange(6) / 10 - 0.25
    third = np.array([NAN, -0.2, -0.1, 0, 0.1, 0.2])
    rest = [own[0], *((2 * own[1:] + third[1:]) / 3)]
    assert found[0, 0] == pytest.approx(np.corrcoef(own, rest)[0, 1], abs=1e-12)
    assert n[:, 0].tolist() == [6, 6, 5, 6]


def test_a_turned_stem_is_the_weakest():
    scores = simulated(np.random.default_rng(2), (20, 8, 1, 1), respondent_sd=0.8, both_sd=0.1)
    scores[:, 3] = 6 - scores[:, 3]
    items = describe_items(lay_out([judged(scores)], people(20), stems(8)))
    worst = weakest_items(items)[0]
    assert worst.stem_id == "s3"
    assert worst.discrimination < -0.5


def test_permuting_respondents_changes_no_item():
    scores = simulated(np.random.default_rng(3), (8, 5, 2, 1))
    before, after = (
        describe_items(lay_out([judged(s)], people(8), stems(5)))
        for s in (scores, scores[[4, 2, 7, 0, 1, 6, 3, 5]])
    )
    assert [i.discrimination for i in before] == pytest.approx([i.discrimination for i in after])


def test_alternate_forms_by_hand():
    # Forms A (stems 0, 2) and B (1, 3). Scores on A 1 2 3 4 5, on B 1 3 2 4 5: r = 1 - 6 * 2 / (5 * 24) = .9 (no ties:
    # Pearson of these equals Spearman). Stepped up: 1.8 / 1.9.
    a, b = np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 3, 2, 4, 5])
    scores = np.stack([a, b, a, b], axis=1)[:, :, None, None]
    found = reliability(scores, "AB")["alternate_forms", "care"]
    assert found.correlation.value == pytest.approx(0.9)
    assert found.full_length.value == pytest.approx(1.8 / 1.9)
    assert found.correlation.low < 0.9 <= found.correlation.high
    assert (found.n_parts, found.correlation.n) == (2, 5)


def test_retest_is_the_mean_over_pairs_of_draws():
    scores = simulated(np.random.default_rng(4), (10, 6, 3, 1))
    means = scores.mean(axis=1)[:, :, 0]
    r = np.corrcoef(means.T)[np.triu_indices(3, 1)].mean()
    found = reliability(scores)
    assert found["retest", "care"].correlation.value == pytest.approx(r)
    assert found["retest", "care"].full_length.value == pytest.approx(3 * r / (1 + 2 * r))
    assert found["alternate_wordings", "care"].correlation.reason == "Every stem was asked in one wording."
    worded = reliability(scores, worded=True)
    assert worded["alternate_wordings", "care"].correlation.value == pytest.approx(r)
    assert worded["retest", "care"].correlation.value is None


def test_split_halves_come_close_to_alpha():
    # The mean over all halves, stepped up, is Cronbach's alpha where stems are parallel. 100 halves of 100 respondents.
    scores = simulated(np.random.default_rng(5), (100, 12, 1, 1))
    found = reliability(scores)["split_half", "care"].full_length
    assert found.value == pytest.approx(cronbach_alpha(scores[:, :, 0, 0]).raw, abs=0.01)
    assert found.low < found.value < found.high
    again = reliability(scores, seed=1)["split_half", "care"].full_length
    assert again.value == pytest.approx(found.value, abs=0.005)


@pytest.mark.parametrize(
    ("size", "kind", "reason"),
    [
        ((4, 8, 2, 1), "split_half", "4 respondents are too few"),
        ((6, 3, 2, 1), "split_half", "3 stems are too few to halve; 4 are needed."),
        ((6, 8, 1, 1), "retest", "Every stem was asked once"),
        ((6, 8, 1, 1), "alternate_forms", "not written as two parallel forms"),
    ],
)
def test_what_cannot_be_told_has_a_reason(size, kind, reason):
    found = reliability(simulated(np.random.default_rng(6), size))[kind, "care"]
    assert found.correlation.value is None
    assert reason in found.correlation.reason
    assert found.full_length.reason == found.correlation.reason


def test_equal_respondents_have_no_reliability():
    scores = np.tile(np.arange(6.0)[None, :, None, None], (6, 1, 1, 4)).copy()
    scores[:, :, :, 0] += 0  # respondents do not differ on anything
    found = reliability(scores, of=TWO_BY_TWO)["split_half", "a1"]
    assert found.correlation.reason.startswith("Respondents do not differ on one of the parts")
