import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import system
from rating_sets import IRRELEVANT, judged, people, simulated, stems
from valuelex.domain.call import Missing
from valuelex.domain.measure import PANEL, REASONS, RatingArray
from valuelex.errors import DataError
from valuelex.stages.quality_judges import compare_judges, estimate_severity
from valuelex.stages.quality_table import lay_out
from valuelex.stages.severity import Shifts, panel_members, remove_severity, shared_sums
from valuelex.stats.unit_statistics import unit_means

NAN = np.nan


def column(*scores):
    """One respondent's ratings, one a stem."""
    return np.array(scores, dtype=float).reshape(1, -1, 1, 1)


def severities(*arrays, seed=0):
    n_respondents = len({c.respondent_id for c in arrays[0].completions})
    table = lay_out(arrays, people(n_respondents), stems(len({c.stem_id for c in arrays[0].completions})))
    found = estimate_severity(table, 200, np.random.default_rng(seed))
    return {s.judge: s.shift for s in found}


def test_severity_of_two_judges_by_hand():
    # Common stems 0, 1, 2: a rates 3, 4, 5 and b 2, 2, 3: a is 1, 2, 2 above, 5/3 on average, so +5/6 and -5/6.
    # Stem 3 has a's 4 only: it says nothing of severity.
    a, b = judged(column(3, 4, 5, 4), judge="a"), judged(column(2, 2, 3, NAN), judge="b")
    found = severities(a, b)
    assert found["a"].value == pytest.approx(5 / 6)
    assert found["b"].value == pytest.approx(-5 / 6)
    assert found["a"].n == 3
    assert (found["a"].low, found["a"].reason) == (
        None,
        "Too few independent units to bound it on both sides.",
    )
    # The panel: (3 + 2) / 2, (4 + 2) / 2, (5 + 3) / 2, and 4 less a's severity.
    panel = remove_severity([a, b])
    assert panel.judge == PANEL
    assert panel.values[:, 0] == pytest.approx([2.5, 3, 4, 4 - 5 / 6])


def test_two_judges_severity_is_half_their_mean_difference_with_its_standard_error():
    # On complete ratings the shift is the mean of (a - b) / 2 over completions; `unit_means` has its clustered error.
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0, 6, (2, 30))
    unit = np.repeat(np.arange(10), 3)
    sums, sizes = shared_sums(np.stack([a, b])[:, :, None], unit, 10)
    shifts, known = Shifts(sums[:, 0], sizes[:, 0]), unit_means(((a - b) / 2)[:, None], unit)
    weights = rng.multinomial(10, np.full(10, 0.1), size=5).astype(float)
    np.testing.assert_allclose(shifts(weights), known(weights) * [[1, -1]])
    everything = np.ones((1, 10))
    np.testing.assert_allclose(shifts.variance(everything), known.variance(everything) * [[1, 1]])


def test_judges_that_meet_by_way_of_a_third_are_comparable():
    # a and b share stems 0 and 1 (a is 1 above), b and c stems 2 and 3 (b is 2 above): a 4/3, b 1/3, c -5/3.
    a = judged(column(4, 5, NAN, NAN), judge="a")
    b = judged(column(3, 4, 5, 4), judge="b")
    c = judged(column(NAN, NAN, 3, 2), judge="c")
    found = severities(a, b, c)
    assert [found[j].value for j in "abc"] == pytest.approx([4 / 3, 1 / 3, -5 / 3])
    panel = remove_severity([a, b, c]).values[:, 0]
    assert panel == pytest.approx([4 - 4 / 3, 5 - 4 / 3, 5 - 1 / 3, 4 - 1 / 3])


def test_judges_without_a_common_completion_are_taken_as_they_are():
    a, b = judged(column(5, NAN), judge="a"), judged(column(NAN, 1), judge="b")
    assert remove_severity([a, b]).values[:, 0] == pytest.approx([5, 1])
    found = severities(a, b)
    assert found["a"].value is None
    assert found["a"].reason == "No completion was rated by this judge and another."


def test_a_panel_stays_on_the_scale_and_gives_the_commonest_reason():
    # a is 2 above b on stem 0; alone on stem 1 it rates 0, and 0 - 1 is held at 0.
    codes = np.array([[-1], [-1], [IRRELEVANT]], dtype=np.int8)
    off = REASONS.index(Missing.OFF_SCALE)
    arrays = []
    for judge, scores, missing in (
        ("a", (6, 0, NAN), codes),
        ("b", (4, NAN, NAN), np.where(codes < 0, [[-1], [off], [off]], off).astype(np.int8)),
        ("c", (NAN, NAN, NAN), np.full((3, 1), IRRELEVANT, dtype=np.int8)),
    ):
        plain = judged(column(*scores), judge=judge)
        arrays.append(
            RatingArray(judge, plain.system, plain.values, missing, plain.completions, plain.subdimensions)
        )
    panel = remove_severity(arrays)
    assert panel.values[:2, 0] == pytest.approx([5, 0])
    assert panel.missing[:, 0].tolist() == [-1, -1, IRRELEVANT]
    alone = remove_severity(arrays[:1])
    np.testing.assert_array_equal(alone.values, arrays[0].values)


@given(st.floats(-1, 1), st.integers(0, 10_000))
def test_a_constant_added_to_one_judge_changes_its_severity_and_nothing_of_the_panels_order(shift, seed):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(2, 4, (3, 1, 4, 2, 1)) * np.ones((3, 2, 1, 1, 1))
    scores = scores + rng.uniform(-0.2, 0.2, scores.shape)
    scores[rng.random(scores.shape) < 0.2] = NAN
    scores[:, 0, 0, 0] = 3.0  # all judges meet
    arrays = [judged(s, judge=f"j{i}") for i, s in enumerate(scores)]
    moved = [*arrays[:2], judged(scores[2] + shift, judge="j2")]
    before, after = ([s.value for s in severities(*judges).values()] for judges in (arrays, moved))
    # Shifts sum to zero, so a third of the constant goes to each of the others, with the other sign.
    assert after == pytest.approx([before[0] - shift / 3, before[1] - shift / 3, before[2] + 2 * shift / 3])
    assert sum(after) == pytest.approx(0, abs=1e-9)
    # The panel's mean moves by the mean of the constant over judges; differences stay.
    np.testing.assert_allclose(
        remove_severity(moved).values, remove_severity(arrays).values + shift / 3, atol=1e-9
    )


def test_agreement_of_judges_by_hand():
    # Differences a - b: 0, 1, 0, 1: mean .5. Ratings a 1 3 2 6, b 1 2 2 5. Observed disagreement: mean over pairs of
    # d^2 = (0 + 1 + 0 + 1) / 4 = .5. Expected: over all 8 values, sum 22, sum of squares 84: mean squared
    # difference of two = 2 (84 - 22^2 / 8) / 7 = 47 / 7. Alpha = 1 - .5 * 7 / 47 = 1 - 3.5 / 47.
    a, b = judged(column(1, 3, 2, 6), judge="a"), judged(column(1, 2, 2, 5), judge="b")
    table = lay_out([a, b], people(1), stems(4))
    pairs, (joint,), _ = compare_judges(table, 200, np.random.default_rng(0))
    (pair,) = pairs
    assert pair.difference.value == pytest.approx(0.5)
    assert pair.alpha.value == joint.alpha.value == pytest.approx(1 - 3.5 / 47)
    assert pair.correlation.value == pytest.approx(np.corrcoef([1, 3, 2, 6], [1, 2, 2, 5])[0, 1])
    # Two-way: means of stems 1, 2.5, 2, 5.5; judges 3, 2.5; mean 2.75. B = 2 (3.0625 + .0625 + .5625 + 7.5625) / 3 =
    # 7.5; J = 4 (.0625 + .0625) = .5; total 29.5 - 6 ... E = (84 - 8 * 2.75^2 - 22.5 - .5) / 3 = .5 / 3.
    between, judges, error = 7.5, 0.5, 0.5 / 3
    single = (between - error) / (between + error + 2 * (judges - error) / 4)
    assert joint.icc_single.value == pytest.approx(single)
    assert joint.icc_mean.value == pytest.approx(2 * single / (1 + single))
    assert joint.icc_single.low < single < joint.icc_single.high


def test_one_judge_is_compared_with_nobody():
    table = lay_out([judged(column(1, 2, 3))], people(1), stems(3))
    assert compare_judges(table, 200, np.random.default_rng(0)) == ((), (), ())


def test_judges_with_nothing_in_common_have_a_reason():
    a, b = judged(column(5, 2, NAN), judge="a"), judged(column(NAN, NAN, 1), judge="b")
    table = lay_out([a, b], people(1), stems(3))
    (pair,), (joint,), _ = compare_judges(table, 200, np.random.default_rng(0))
    assert pair.difference.reason == "Judges 'a' and 'b' rated 0 completions in common; 2 are needed."
    assert joint.icc_single.reason == "0 completions were rated by every judge; 2 are needed."
    assert "units have two ratings" in joint.alpha.reason


def test_intervals_of_judges_are_wider_where_completions_hang_together():
    # Differences are one number a stem, whoever answered: 40 respondents are no 40 cases.
    rng = np.random.default_rng(3)
    base = simulated(rng, (8, 12, 1, 1))
    shifts = 0.3 * rng.normal(size=(1, 12, 1, 1))
    table = lay_out([judged(base), judged(np.clip(base + shifts, 0, 6), judge="j1")], people(8), stems(12))
    assert table.clustered == "stems"
    (pair,), _, _ = compare_judges(table, 400, np.random.default_rng(0))
    width = pair.difference.high - pair.difference.low
    # 12 stems: about 4 standard errors of .3 / sqrt(12); 96 cases would give .12.
    assert width > 0.2


def test_arrays_that_do_not_fit_are_refused():
    a, b = judged(column(1, 2), judge="a"), judged(column(1, 2, 3), judge="b")
    with pytest.raises(DataError, match="No ratings were given"):
        remove_severity([])
    with pytest.raises(DataError, match=r"'a' and 'b' have different completions \(2 and 3\)"):
        remove_severity([a, b])
    with pytest.raises(DataError, match="Judge 'a' has several arrays"):
        remove_severity([a, a])
    other = judged(column(1, 2), judge="c", of=system(name="other"))
    with pytest.raises(DataError, match="give ratings on one value system"):
        remove_severity([a, other])


def test_a_judge_joins_the_panel_when_it_shares_twenty_completions_with_the_fullest():
    full = np.full((5, 5, 1, 1), 3.0)
    few, enough = np.full((2, 25, 1), np.nan)
    few[:19], enough[5:] = 4.0, 4.0
    arrays = [judged(full, judge="full")]
    arrays += [judged(s.reshape(5, 5, 1, 1), judge=n) for s, n in ((few, "few"), (enough, "enough"))]
    assert [a.judge for a in panel_members(arrays)] == ["full", "enough"]
    # Nineteen ratings would move every score by half a point; they are left out instead.
    assert remove_severity(panel_members(arrays[:2])).values == pytest.approx(arrays[0].values)
