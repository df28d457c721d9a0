import math
from itertools import permutations

import numpy as np
import pytest

from valuelex.errors import DataError
from valuelex.stats.flags import Weakness
from valuelex.stats.paired_comparison import is_separated, paired_comparison

TWO = ("ham", "jam")


def tally(wins_in_order: int, wins_in_reverse: int, n: int = 4) -> tuple[list[int], list[int], list[float]]:
    """Two objects, n times in each order; how often the one that stood first won."""
    first, second = [0] * n + [1] * n, [1] * n + [0] * n
    wins = [1.0] * wins_in_order + [0.0] * (n - wins_in_order)
    return first, second, wins + [1.0] * wins_in_reverse + [0.0] * (n - wins_in_reverse)


def draws(
    n_objects: int, n_draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair in both orders, with outcomes from unequal abilities and a position effect of .5."""
    first, second = np.repeat(np.array(list(permutations(range(n_objects), 2))), n_draws, axis=0).T
    abilities = np.linspace(-1, 1, n_objects)
    logit = abilities[first] - abilities[second] + 0.5
    return first, second, (rng.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(float)


def test_likelihood_of_two_objects_by_hand():
    # d is the difference of abilities, e the position effect. Ham first: 3 of 4, so d + e = ln 3. Jam first: 2 of 4, so
    # -d + e = 0. Hence d = e = ln 3 / 2, and abilities are d/2 and -d/2. The two logits have variances
    # 1 / (4 * 3/4 * 1/4) = 4/3 and 1 / (4 * 1/4) = 1, so d and e have (4/3 + 1) / 4 = 7/12.
    found = paired_comparison(*tally(3, 2), objects=TWO, method="likelihood")
    d = math.log(3) / 2
    assert found.abilities == pytest.approx([d / 2, -d / 2], abs=1e-9)
    assert found.position == pytest.approx(d, abs=1e-9)
    assert found.position_error == pytest.approx(math.sqrt(7 / 12), abs=1e-9)
    assert found.standard_errors == pytest.approx([math.sqrt(7 / 12) / 2] * 2, abs=1e-9)
    assert found.high - found.abilities == pytest.approx([1.959964 * math.sqrt(7 / 12) / 2] * 2, abs=1e-6)
    assert found.n_comparisons == 8
    assert found.flags == ()


def test_prior_adds_half_a_win_to_each_side_of_a_saturated_model():
    # As many logits as estimates: Jeffreys' prior is then half a success and half a failure in each.
    # d + e = ln(3.5 / 1.5) and -d + e = ln(2.5 / 2.5) = 0.
    found = paired_comparison(*tally(3, 2), objects=TWO)
    d = math.log(7 / 3) / 2
    assert found.abilities == pytest.approx([d / 2, -d / 2], abs=1e-9)
    assert found.position == pytest.approx(d, abs=1e-9)


def test_an_object_that_always_wins_has_a_finite_ability_and_a_flag():
    # 4 of 4 in order and 0 of 4 in reverse: d + e = ln(4.5 / .5) = ln 9 and -d + e = -ln 9, so d = ln 9, e = 0.
    found = paired_comparison(*tally(4, 0), objects=TWO)
    assert found.abilities == pytest.approx([math.log(9) / 2, -math.log(9) / 2], abs=1e-9)
    assert found.position == pytest.approx(0, abs=1e-9)
    assert found.separated
    assert [flag.weakness for flag in found.flags] == [Weakness.AT_BOUNDARY]


def test_one_who_always_takes_the_first_has_a_position_effect_and_no_abilities():
    # d + e = ln 9 = -d + e.
    found = paired_comparison(*tally(4, 4), objects=TWO)
    assert found.abilities == pytest.approx([0, 0], abs=1e-9)
    assert found.position == pytest.approx(math.log(9), abs=1e-9)
    assert found.separated


def test_plain_likelihood_refuses_separated_comparisons():
    with pytest.raises(DataError) as caught:
        paired_comparison(*tally(4, 0), objects=TWO, method="likelihood")
    assert str(caught.value) == (
        "The 8 comparisons are separated: some estimates grow without end; "
        "use method 'jeffreys', which keeps them finite."
    )


def test_separation_is_seen_in_a_direction_that_no_single_column_shows():
    # Column sums do not separate, the difference of the columns does.
    design = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [1.0, 2.0]])
    assert is_separated(design, np.array([1.0, 0.0, 1.0, 0.0]))
    assert not is_separated(design, np.array([1.0, 1.0, 0.0, 0.0]))


def test_swapping_places_turns_the_position_effect_and_nothing_else():
    first, second, wins = draws(4, 3, np.random.default_rng(3))
    one = paired_comparison(first, second, wins, objects="abcd")
    other = paired_comparison(second, first, 1 - wins, objects="abcd")
    assert other.abilities == pytest.approx(one.abilities, abs=1e-9)
    assert other.position == pytest.approx(-one.position, abs=1e-9)
    assert (other.position_low, other.position_high) == pytest.approx((-one.position_high, -one.position_low))


@pytest.mark.parametrize("seed", range(5))
def test_numbers_of_objects_and_order_of_comparisons_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    first, second, wins = draws(5, 2, rng)
    place, order = rng.permutation(5), rng.permutation(len(wins))
    one = paired_comparison(first, second, wins, objects="abcde")
    other = paired_comparison(place[first][order], place[second][order], wins[order], objects="abcde")
    assert other.abilities[place] == pytest.approx(one.abilities, abs=1e-8)
    assert other.covariance[np.ix_(place, place)] == pytest.approx(one.covariance, abs=1e-8)
    assert one.abilities.sum() == pytest.approx(0, abs=1e-9)
    assert one.covariance.sum(axis=0) == pytest.approx(np.zeros(5), abs=1e-9)


def test_comparisons_without_a_winner_are_left_out_and_counted():
    first, second, wins = draws(4, 3, np.random.default_rng(4))
    lost = np.arange(len(wins)) % 5 == 0
    found = paired_comparison(first, second, np.where(lost, np.nan, wins), objects="abcd")
    kept = paired_comparison(first[~lost], second[~lost], wins[~lost], objects="abcd")
    assert found.abilities == pytest.approx(kept.abilities, abs=1e-12)
    assert (found.n_comparisons, found.n_left_out) == (28, 8)
    assert "LEFT_OUT: 8 of 36 comparisons had no winner" in map(str, found.flags)


def test_groups_whose_members_agree_too_well_widen_the_intervals():
    # Four copies of each comparison tell no more than one: Pearson's statistic of group totals is then 4 times that of
    # single comparisons at the same estimate, and so is the variance.
    first, second, wins = draws(5, 1, np.random.default_rng(8))
    cell = np.arange(len(wins))
    copied = [np.repeat(part, 4) for part in (first, second, wins)]
    plain = paired_comparison(*copied, objects="abcde", method="likelihood")
    found = paired_comparison(*copied, objects="abcde", method="likelihood", groups=np.repeat(cell, 4))
    single = paired_comparison(first, second, wins, objects="abcde", method="likelihood", groups=cell)
    assert single.dispersion > 1
    assert found.dispersion == pytest.approx(4 * single.dispersion)
    assert found.standard_errors == pytest.approx(math.sqrt(found.dispersion) * plain.standard_errors)
    assert found.abilities == pytest.approx(plain.abilities)
    # 20 groups less 5 estimates: Student's t with 15 degrees of freedom, 2.131450 at 97.5 %.
    assert found.high - found.abilities == pytest.approx(2.131450 * found.standard_errors, rel=1e-6)


def test_a_dispersion_below_chance_counts_as_chance():
    # Each order splits 2 to 2 as expected, in groups that split 1 to 1: no spread at all.
    first, second, wins = tally(2, 2)
    found = paired_comparison(first, second, wins, objects=TWO, groups=[0, 1, 0, 1, 2, 3, 2, 3])
    assert found.dispersion == 1


def test_too_few_groups_are_flagged():
    found = paired_comparison(*tally(3, 2), objects=TWO, groups=[0] * 4 + [1] * 4)
    assert found.dispersion == 1
    assert [flag.weakness for flag in found.flags] == [Weakness.FEW_UNITS]


def test_unconnected_objects_are_named():
    with pytest.raises(DataError) as caught:
        paired_comparison(
            [0, 1, 2, 3, 0],
            [1, 0, 3, 2, 2],
            [1, 0, 1, 0, np.nan],
            objects=["ham", "jam", "tea", "pie", "fig"],
        )
    assert str(caught.value) == (
        "The 4 comparisons with a winner leave 5 objects in 3 unconnected parts ('ham', 'jam'; 'tea', 'pie'; 'fig'); "
        "compare objects of different parts, or estimate each part alone."
    )


def test_place_that_cannot_be_told_from_abilities_is_refused():
    with pytest.raises(
        DataError, match="The place cannot be told from the abilities in 3 comparisons with a winner"
    ):
        paired_comparison([0, 0, 0], [1, 1, 2], [1, 0, 1], objects="abc")


@pytest.mark.parametrize(
    ("first", "second", "wins", "message"),
    [
        ([0, 1], [1], [1, 0], "give one entry a comparison in each"),
        (
            [0, 2],
            [1, 0],
            [1, 0],
            "1 comparisons name no object (first: comparison 1); give whole numbers from 0 to 1.",
        ),
        ([0, 1], [1, 1], [1, 0], "1 comparisons set an object against itself (first: comparison 1)"),
        ([0, 1], [1, 0], [1, 2], "neither 0, 1 nor missing (first: comparison 1)"),
    ],
)
def test_wrong_comparisons_are_refused(first, second, wins, message):
    with pytest.raises(DataError) as caught:
        paired_comparison(first, second, wins, objects=TWO)
    assert message in str(caught.value)


def test_one_object_and_an_unknown_method_are_refused():
    with pytest.raises(DataError, match="1 objects cannot be compared"):
        paired_comparison([], [], [], objects=["ham"])
    with pytest.raises(DataError, match="method must be one of 'jeffreys', 'likelihood', not 'firth'"):
        paired_comparison(*tally(3, 2), objects=TWO, method="firth")
