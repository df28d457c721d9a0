import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from examples import completion, rating_table, ratings, system
from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS, RatingArray
from valuelex.stages.score import commonest_reason, number_or_none, orient, stem_means

TREE = system({"d1": ("care", "skill"), "d2": ("hope",)})


def stems(n):
    return [f"s{i}" for i in range(n)]


def oriented(array, of=None, who=("a",), n_stems=6, seed=0):
    found = orient(array, of or system(), who, stems(n_stems), 400, np.random.default_rng(seed))
    return {(o.respondent_id, o.level, o.target): o for o in found}


def test_the_estimate_is_the_mean_of_stem_means_whatever_the_draws():
    # s0: draws 6, 0, 0 -> 2; s1: one draw 5; s2: draws 1 and REFUSED -> 1. Mean (2 + 5 + 1) / 3 = 8/3,
    # where the mean of all five ratings would be 12/5.
    array = ratings(
        {
            ("a", "s0", 0): 6.0,
            ("a", "s0", 1): 0.0,
            ("a", "s0", 2): 0.0,
            ("a", "s1", 0): 5.0,
            ("a", "s2", 0): 1.0,
            ("a", "s2", 1): Missing.REFUSED,
        }
    )
    found = oriented(array, n_stems=3)[("a", "subdimension", "care")]
    assert found.estimate == pytest.approx(8 / 3)
    assert (found.n_stems, found.n_completions, found.n_missing) == (3, 5, 1)
    assert found.missing == {Missing.REFUSED: 1}
    assert (found.ci_low, found.ci_high) == (None, None)  # three stems are too few for an interval


def test_a_refusal_is_not_a_low_score():
    scores = {("a", s, d): 5.0 if d else Missing.REFUSED for s in stems(20) for d in range(2)}
    found = oriented(ratings(scores), n_stems=20)[("a", "subdimension", "care")]
    # Twenty equal values: nothing tells how far the mean may be off, so there is no interval.
    assert (found.estimate, found.ci_low, found.ci_high) == (5, None, None)
    assert (found.n_stems, found.n_completions, found.n_missing) == (20, 20, 20)


def test_a_stem_that_was_never_rated_is_left_out_and_not_a_zero():
    scores = {("a", s, 0): 4.0 for s in stems(6)} | {("a", "s0", 0): Missing.EMPTY}
    found = oriented(ratings(scores))[("a", "subdimension", "care")]
    assert (found.estimate, found.n_stems) == (4, 5)


def test_a_dimension_is_the_mean_of_its_subdimensions():
    # care and skill rated 1 and 4 on each stem, hope 6: d1 = 2.5, d2 = 6.
    array = ratings({("a", s, 0): (1.0, 4.0, 6.0) for s in stems(6)}, TREE)
    found = oriented(array, TREE)
    assert [o.estimate for o in found.values()] == [1, 4, 6, 2.5, 6]
    assert list(found) == [
        ("a", "subdimension", "care"),
        ("a", "subdimension", "skill"),
        ("a", "subdimension", "hope"),
        ("a", "dimension", "d1"),
        ("a", "dimension", "d2"),
    ]


def test_stem_means_by_hand():
    array = ratings({("a", "s0", 0): 2.0, ("a", "s0", 1): 3.0, ("b", "s1", 0): 6.0})
    means = stem_means(array, system(), ["a", "b"], ["s0", "s1"])
    nan = np.nan
    np.testing.assert_array_equal(means.values[:, :, 0], [[2.5, nan], [nan, 6]])
    np.testing.assert_array_equal(means.values[:, :, 1], means.values[:, :, 0])
    assert means.targets == (("subdimension", "care"), ("dimension", "heart"))
    assert means.respondent_ids == ("a", "b")


@pytest.mark.parametrize(
    ("n_rated", "has_estimate", "has_interval"), [(0, 0, 0), (1, 0, 0), (2, 1, 0), (4, 1, 0), (5, 1, 1)]
)
def test_too_few_stems_give_none_and_never_nan(n_rated, has_estimate, has_interval):
    scores = {("a", s, 0): float(i) if i < n_rated else Missing.EMPTY for i, s in enumerate(stems(6))}
    found = oriented(ratings(scores))[("a", "subdimension", "care")]
    assert (found.estimate is not None) == bool(has_estimate)
    assert (found.ci_low is not None, found.ci_high is not None) == (has_interval, has_interval)
    assert found.n_stems == n_rated


def test_an_interval_stays_on_the_scale():
    # Eleven sixes and a zero do not bound the mean from below; the scale does.
    table = np.array([[6.0]] * 11 + [[0.0]])
    found = oriented(rating_table(table, ["a"]), n_stems=12)[("a", "subdimension", "care")]
    assert (found.estimate, found.ci_low) == (5.5, 0.0)
    assert 5.5 < found.ci_high <= 6


def test_respondents_are_reported_in_the_order_asked_and_kept_apart():
    table = np.column_stack([np.full(6, 1.0), np.full(6, 5.0)])
    found = oriented(rating_table(table, ["a", "b"]), who=("b", "a"))
    assert [(k[0], o.estimate) for k, o in found.items() if k[1] == "dimension"] == [("b", 5), ("a", 1)]


def test_the_same_seed_gives_the_same_intervals():
    array = rating_table(np.random.default_rng(1).uniform(0, 6, (12, 1)), ["a"])
    assert oriented(array, n_stems=12) == oriented(array, n_stems=12)


@given(arrays(np.float64, (6, 1), elements=st.integers(0, 50).map(lambda i: i / 10)))
def test_adding_a_constant_to_all_ratings_shifts_an_estimate_by_it(table):
    before = oriented(rating_table(table, ["a"]))[("a", "subdimension", "care")]
    after = oriented(rating_table(table + 1, ["a"]))[("a", "subdimension", "care")]
    assert after.estimate == pytest.approx(before.estimate + 1)
    assume(before.ci_low is not None)
    assert before.ci_low - 1e-9 <= before.estimate <= before.ci_high + 1e-9
    for end in ("ci_low", "ci_high"):
        inside = [0 < getattr(o, end) < 6 for o in (before, after)]
        if all(inside):
            assert getattr(after, end) == pytest.approx(getattr(before, end) + 1, abs=1e-6)


def test_nan_has_no_place_in_a_result():
    assert number_or_none(float("nan")) is None
    assert number_or_none(np.float64(0.0)) == 0.0


def coded(values, missing, of=TREE):
    """One respondent's completions, one a stem, with ratings and reasons by subdimension."""
    values = np.asarray(values, dtype=float)
    codes = np.array([[-1 if m is None else REASONS.index(m) for m in row] for row in missing], dtype=np.int8)
    own = tuple(completion("a", f"s{i}") for i in range(len(values)))
    return RatingArray("j", of.name, values, codes, own, tuple(s.id for s in of.subdimensions))


def test_reasons_are_counted_for_each_target():
    nan, no, off = np.nan, Missing.IRRELEVANT, Missing.OFF_SCALE
    # care, skill | hope. d1 (care, skill) is the mean of what is there: 1, 4, nothing, nothing; of stem 2 both reasons
    # occur once, and IRRELEVANT stands later in REASONS than OFF_SCALE; of stem 3 both are IRRELEVANT.
    array = coded(
        [[1, nan, 2], [2, 6, nan], [nan, nan, 5], [nan, nan, 5]],
        [[None, no, None], [None, None, off], [no, off, None], [no, no, None]],
    )
    found = {target: o.missing for (_, _, target), o in oriented(array, TREE, n_stems=4).items()}
    assert found == {
        "care": {no: 2},
        "skill": {off: 1, no: 2},
        "hope": {off: 1},
        "d1": {off: 1, no: 1},
        "d2": {off: 1},
    }
    orientations = oriented(array, TREE, n_stems=4)
    d1 = orientations["a", "dimension", "d1"]
    assert d1.estimate == pytest.approx((1 + 4) / 2)
    assert (d1.n_stems, d1.n_completions, d1.n_missing) == (2, 2, 2)


def test_the_commonest_reason_and_the_first_of_equals():
    codes = np.array([[-1, -1, -1], [3, 6, 6], [6, 3, -1], [0, 0, 9]], dtype=np.int8)
    assert commonest_reason(codes).tolist() == [-1, 6, 3, 0]
