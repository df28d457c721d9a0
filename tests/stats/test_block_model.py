import numpy as np
import pytest
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.block_model import (
    Outcome,
    _Counts,
    _cross_validate,
    _scores,
    choice_of_gains,
    choose_n_groups,
    least_agreement,
)
from valuelex.stats.flags import Weakness


def planted(
    rng: np.random.Generator, n_lists: int, n_columns: int, n_groups: int, share: float, length: int = 6
) -> np.ndarray:
    """Lists that draw a share of their columns from one group, and the rest from all."""
    own = np.arange(n_columns) % n_groups
    weight = 1.0 / np.arange(1, n_columns + 1) ** 0.5
    taste = rng.integers(n_groups, size=n_lists)
    odds = weight * np.where(own == taste[:, None], 1 + share * n_groups, 1.0)
    wish = np.log(odds) + rng.gumbel(size=odds.shape)
    return (np.argsort(np.argsort(-wish, axis=1), axis=1) < length).astype(np.uint8)


def test_scores_by_hand() -> None:
    # Training: columns 0, 1 twice together and 2, 3 twice together; every column occurs twice, r = 2 in each of
    # the 4 lists, so q = 4 (2) / 8^2 = 1/8 and each pair is expected 2 (2) / 8 = 1/2. Both orders of a pair count:
    # observed 8, expected 12 / 2 = 6, overall rate 4/3.
    lists = np.repeat([[1, 1, 0, 0], [0, 0, 1, 1]], 2, axis=0).astype(float)
    counts = _Counts(lists.T @ lists, lists.sum(axis=1))
    one, two = np.zeros(4, dtype=np.int64), np.array([0, 0, 1, 1])
    found = _scores(counts, counts, [one, two])
    # One group: rate (8 + 4/3) / (6 + 1) = 4/3; (8 log 4/3 - 4/3 * 6) / 2.
    assert found[0, 0] == pytest.approx((8 * np.log(4 / 3) - 8) / 2)
    assert found[1, 0] == pytest.approx(0)
    # Two: inside each group observed 4, expected 1, rate (4 + 4/3) / 2 = 8/3; between (twice) 0 and 2, rate 4/9.
    inside, between = 8 / 3, 4 / 9
    by_hand = (2 * (4 * np.log(inside) - inside * 1) + 2 * (0 - between * 2)) / 2
    assert found[0, 1] == pytest.approx(by_hand)
    # Slope: rates over the overall 4/3 are 2 and 1/3; observed less 4/3 of expected is 8/3 inside, -8/3 between.
    assert found[1, 1] == pytest.approx((2 * 8 / 3 * np.log(2) - 2 * 8 / 3 * np.log(1 / 3)) / 2)


def test_a_fold_is_scored_by_what_the_others_taught() -> None:
    # Of two folds each learns from the other alone.
    rng = np.random.default_rng(4)
    halves = [planted(rng, n, 12, 2, 1.0, length).astype(float) for n, length in ((60, 4), (90, 5))]
    folds = [_Counts(half.T @ half, half.sum(axis=1)) for half in halves]
    scores, partitions = _cross_validate(folds, 3)
    for f, pairs in enumerate((60 * 4 * 3 / 2, 90 * 5 * 4 / 2)):
        by_hand = _scores(folds[1 - f], folds[f], partitions[f]) * 1000 / pairs
        np.testing.assert_allclose(scores[:, f], by_hand)


@pytest.mark.parametrize("n_groups", [2, 4])
def test_planted_groups_are_found(n_groups: int) -> None:
    rng = np.random.default_rng(n_groups)
    found = choose_n_groups(planted(rng, 600, 40, n_groups, 1.0), rng=rng, max_groups=7)
    assert found.outcome is Outcome.GROUPS
    assert found.n_groups == n_groups
    assert found.agreement[n_groups - 1] > 0.9
    assert found.flags == ()


def test_lists_without_structure_have_one_group() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        found = choose_n_groups(planted(rng, 400, 40, 4, 0.0), rng=rng, max_groups=6, n_repeats=2)
        assert (found.outcome, found.n_groups) == (Outcome.NO_GROUPS, 1)
        assert (found.gain[1:] < 0).all()
        assert abs(found.trace) < 3


def test_habits_of_units_are_no_structure_when_units_are_held_out_whole() -> None:
    rng = np.random.default_rng(5)
    unit = np.repeat(np.arange(24), 60)
    wish = 1.5 * rng.standard_normal((24, 40))[unit] + rng.gumbel(size=(len(unit), 40))
    lists = np.argsort(np.argsort(-wish, axis=1), axis=1) < 6
    found = choose_n_groups(lists, rng=rng, groups=unit, max_groups=6)
    assert (found.outcome, found.n_groups, found.n_units) == (Outcome.NO_GROUPS, 1, 24)
    by_row = choose_n_groups(lists, rng=rng, max_groups=6)
    assert by_row.gain.max() > found.gain.max()


def test_too_little_data_says_so() -> None:
    # Structure that many lists show is not there in a few.
    many = choose_n_groups(planted(np.random.default_rng(0), 3000, 60, 5, 0.35), rng=np.random.default_rng(0))
    assert (many.outcome, many.n_groups) == (Outcome.GROUPS, 5)
    few = choose_n_groups(planted(np.random.default_rng(1), 500, 60, 5, 0.35), rng=np.random.default_rng(0))
    # One group predicts best, yet what was learnt shows in the lists that were held out.
    assert (few.outcome, few.n_groups) == (Outcome.TOO_LITTLE_DATA, 1)
    assert (few.gain[1:] < 0).all()
    assert few.trace > 3
    (flag,) = few.flags
    assert flag.weakness is Weakness.FEW_UNITS
    assert flag.detail.startswith("too little data to tell the number of groups")


def test_coarse_partitions_must_agree_more() -> None:
    # .4 + .45, .4 + .15
    assert least_agreement(2) == pytest.approx(0.85)
    assert least_agreement(6) == pytest.approx(0.55)


def test_how_many_is_told_by_the_second_gains_only_where_the_first_tell_more_than_one() -> None:
    # Two cases that differ by .2: each mean has an error of .1, and so have differences from one group.
    some = np.array([[[0.0, 3.9, 4.0, 3.0], [0.0, 4.1, 4.0, 3.0]]])
    other = np.array([[[0.0, 4.0, 4.9, 6.0], [0.0, 4.0, 5.1, 6.0]]])
    none = np.array([[[0.0, -0.9, -1.0, -2.0], [0.0, -1.1, -1.0, -2.0]]])
    agreement = np.ones(4)
    assert choice_of_gains(some, agreement, 9.0, 40).n_groups == 2
    both = choice_of_gains(some, agreement, 9.0, 40, among=other)
    assert (both.n_groups, both.plausible.tolist(), both.gain.tolist()) == (4, [4], [0.0, 4.0, 5.0, 6.0])
    alone = choice_of_gains(none, agreement, 0.0, 40, among=other)
    assert (alone.outcome, alone.n_groups) == (Outcome.NO_GROUPS, 1)
    # Nine units are too few to tell that there are none.
    assert choice_of_gains(none, agreement, 0.0, 10).outcome is Outcome.NO_GROUPS
    assert choice_of_gains(none, agreement, 0.0, 9).outcome is Outcome.TOO_LITTLE_DATA


def test_result_hangs_together() -> None:
    rng = np.random.default_rng(8)
    found = choose_n_groups(planted(rng, 300, 30, 3, 1.0), rng=rng, max_groups=5, n_folds=4, n_repeats=2)
    assert found.candidates.tolist() == [1, 2, 3, 4, 5]
    assert found.fold_gains.shape == (8, 5)
    np.testing.assert_allclose(found.gain, found.fold_gains.mean(axis=0))
    assert found.gain[0] == found.gain_error[0] == 0
    assert found.shortfall[found.gain.argmax()] == found.shortfall_error[found.gain.argmax()] == 0
    np.testing.assert_allclose(found.shortfall, found.gain.max() - found.gain)
    errors = [found.fold_gains[i : i + 4].std(axis=0, ddof=1) / 2 for i in (0, 4)]
    np.testing.assert_allclose(found.gain_error, np.mean(errors, axis=0))
    assert found.plausible[0] == found.n_groups
    assert found.agreement[0] == 1


def test_few_units_and_empty_columns_are_flagged() -> None:
    rng = np.random.default_rng(9)
    lists = planted(rng, 300, 20, 2, 1.0)
    lists[:, 3] = 0
    found = choose_n_groups(lists, rng=rng, groups=np.arange(300) % 4, max_groups=4)
    assert found.n_units == 4
    assert found.fold_gains.shape[0] == 3 * 4
    details = {flag.weakness: flag.detail for flag in found.flags}
    assert details[Weakness.LEFT_OUT] == "1 of 20 columns occur in no list (first: column 3)"
    assert "4 independent units" in details[Weakness.FEW_UNITS]


def test_sparse_and_dense_lists_give_the_same() -> None:
    lists = planted(np.random.default_rng(1), 200, 20, 2, 1.0)
    dense = choose_n_groups(lists, rng=np.random.default_rng(2), max_groups=3)
    thin = choose_n_groups(sparse.csr_array(lists), rng=np.random.default_rng(2), max_groups=3)
    np.testing.assert_array_equal(dense.fold_gains, thin.fold_gains)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (None, {"max_groups": 1}, "max_groups is 1, but 10 columns occur; give 2 to 10"),
        (None, {"max_groups": 11}, "max_groups is 11"),
        (None, {"n_folds": 1}, "1 folds × 3 repeats were asked for; at least 2 × 1"),
        (None, {"n_repeats": 0}, "5 folds × 0 repeats"),
        (None, {"groups": np.arange(100) % 2}, "at least 3 are needed"),
        (None, {"groups": np.arange(99)}, "groups has shape"),
        (lambda x: x + 1, {}, "0"),
        (np.zeros_like, {}, "0 columns occur"),
        (
            lambda x: np.eye(10, dtype=np.uint8)[np.arange(100) % 10],
            {},
            "5 of 5 folds hold no list of two columns",
        ),
    ],
)
def test_bad_input_is_named(change, options: dict, message: str) -> None:
    lists = planted(np.random.default_rng(1), 100, 10, 2, 1.0, length=3)
    with pytest.raises(DataError, match=message):
        choose_n_groups(lists if change is None else change(lists), rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_names_of_units_and_order_of_columns_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists = planted(rng, 400, 24, 3, 1.5)
    unit = np.arange(400) // 10
    a = choose_n_groups(lists, rng=np.random.default_rng(1), groups=unit, max_groups=4, n_repeats=1)
    named = np.array([f"unit {i:03d}" for i in unit])
    order = rng.permutation(24)
    b = choose_n_groups(
        lists[:, order], rng=np.random.default_rng(1), groups=named, max_groups=4, n_repeats=1
    )
    assert (a.n_groups, b.n_groups) == (3, 3)
    np.testing.assert_allclose(b.fold_gains[:, 2], a.fold_gains[:, 2], atol=0.5)
