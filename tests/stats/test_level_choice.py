from dataclasses import replace

import numpy as np
import pytest

from two_level_lists import N_GROUPS, evidence_of, grouped, two_level_lists
from valuelex.errors import DataError
from valuelex.stats import level_choice
from valuelex.stats.block_model import Outcome
from valuelex.stats.cluster import adjusted_rand
from valuelex.stats.level_choice import (
    Evidence,
    affinities,
    choose_levels,
    choose_over_groups,
    deal_folds,
    summed,
)
from valuelex.stats.levels import Affinity, count_lists, profiles


def choices(evidence, seed=0, max_groups=5):
    return choose_levels(evidence, np.random.default_rng(seed), max_groups=max_groups, n_repeats=1)


@pytest.mark.parametrize("seed", range(3))
def test_structure_between_models_is_found_there_and_not_within_lists(seed):
    planted = two_level_lists(between=1.0, seed=seed)
    found = choices(evidence_of(planted))
    assert (found.between.outcome, found.between.n_groups) == (Outcome.GROUPS, N_GROUPS)
    assert (found.joint.outcome, found.joint.n_groups) == (Outcome.GROUPS, N_GROUPS)
    assert found.within.outcome is not Outcome.GROUPS
    assert adjusted_rand(grouped(evidence_of(planted), (1.0, 0.0, 0.0)), planted.group) > 0.8


@pytest.mark.parametrize(("seed", "style"), [(0, 0.0), (1, 0.0), (0, 1.0), (1, 1.0)])
def test_structure_within_lists_is_found_there_and_not_between_models(seed, style):
    planted = two_level_lists(within=1.2, style=style, seed=seed)
    found = choices(evidence_of(planted))
    assert (found.within.outcome, found.within.n_groups) == (Outcome.GROUPS, N_GROUPS)
    assert (found.joint.outcome, found.joint.n_groups) == (Outcome.GROUPS, N_GROUPS)
    assert found.between.outcome is not Outcome.GROUPS
    assert adjusted_rand(grouped(evidence_of(planted), (0.0, 1.0, 0.0)), planted.group) == 1.0


@pytest.mark.parametrize("style", [0.0, 1.0])
def test_neither_luck_nor_style_is_structure(style):
    outcomes = []
    for seed in range(6):
        found = choices(evidence_of(two_level_lists(style=style, seed=seed, n_models=30, n_lists=20)))
        outcomes += [found.joint.outcome, found.between.outcome, found.within.outcome]
    assert Outcome.GROUPS not in outcomes
    assert outcomes.count(Outcome.NO_GROUPS) > len(outcomes) / 3


def test_models_that_always_give_the_same_list_differ_only_from_one_another():
    # As at temperature 0: twelve models with four words of one group each, twelve with four of another.
    rng = np.random.default_rng(0)
    lists = np.zeros((24, 12), dtype=np.uint8)
    for i, words in enumerate(lists):
        words[rng.permutation(6)[:4] + 6 * (i % 2)] = 1
    model = np.repeat(np.arange(24), 5)
    counts = count_lists(lists[model], model, model)
    found = choices(Evidence(counts, profiles(counts), np.arange(24), np.arange(24)))
    assert (found.between.outcome, found.between.n_groups) == (Outcome.GROUPS, 2)
    assert found.within.n_groups == 1
    np.testing.assert_allclose(found.within.gain, 0.0, atol=1e-6)


def test_habits_of_a_family_leave_a_trace_only_where_its_models_are_held_out_one_by_one():
    # Four copies of the same six models: each family's style predicts its own models, and no other family.
    planted = two_level_lists(style=1.5, n_models=6, n_lists=120, seed=2)
    names = np.array(planted.sources.models)
    copy = np.arange(len(names)) % 4
    model = np.unique(np.char.add(names, copy.astype(str)), return_inverse=True)[1]
    counts = count_lists(planted.matrix.named.dense(), model, model)
    alone, family = np.arange(24), np.arange(24) // 4
    by_model = choices(Evidence(counts, profiles(counts), alone, alone))
    by_family = choices(Evidence(counts, profiles(counts), family, family))
    assert by_family.between.trace < 2 < 4 < by_model.between.trace
    assert by_family.between.outcome is not Outcome.GROUPS


def test_the_same_seed_gives_the_same_choice():
    evidence = evidence_of(two_level_lists(between=0.7, within=0.7))
    one, two = choices(evidence, seed=4), choices(evidence, seed=4)
    np.testing.assert_array_equal(one.joint.gain, two.joint.gain)
    assert one.mix == two.mix


def test_columns_have_no_order():
    planted = two_level_lists(between=1.0, within=0.5)
    order = np.random.default_rng(3).permutation(len(planted.group))
    moved = planted._replace(
        matrix=replace(
            planted.matrix,
            named=planted.matrix.named.of_columns(order),
            terms=tuple(planted.matrix.terms[i] for i in order),
        )
    )
    one, two = choices(evidence_of(planted)), choices(evidence_of(moved))
    # Weak candidates may start elsewhere; what is chosen may not change.
    np.testing.assert_allclose(one.joint.gain[:3], two.joint.gain[:3], rtol=1e-6)
    assert one.joint.n_groups == two.joint.n_groups == N_GROUPS


def test_each_unit_is_held_out_once_in_five_folds():
    evidence = evidence_of(two_level_lists(n_lists=3, n_models=13))
    folds = deal_folds(evidence, np.random.default_rng(0))
    assert np.sum(folds, axis=0).tolist() == [1] * 13
    assert sorted(f.sum() for f in folds) == [2, 2, 3, 3, 3]
    few = replace(
        evidence, profile=None, fold_of_block=np.arange(13) % 3, fold_of_unit=np.zeros(0, dtype=int)
    )
    assert [f.sum() for f in deal_folds(few, np.random.default_rng(0))] == [1, 1, 1]


def test_what_is_held_out_has_no_part_in_the_groups():
    # Whatever the held-out models say, the groups learnt without them are the same.
    evidence = evidence_of(two_level_lists(between=1.0))
    weights = np.ones(16)
    weights[:3] = 0.0
    other = replace(evidence, profile=evidence.profile.copy())
    other.profile[:3] = np.random.default_rng(0).normal(size=other.profile[:3].shape)
    for one, two in zip(affinities(evidence, weights), affinities(other, weights), strict=True):
        np.testing.assert_allclose(one.matrix, two.matrix, atol=1e-12)


@pytest.mark.parametrize("n", [3, 4])
def test_few_independent_units_can_be_held_out(n):
    planted = two_level_lists(within=1.2, n_models=n, n_lists=80)
    evidence = evidence_of(planted)
    found = choices(replace(evidence, profile=None, fold_of_unit=np.zeros(0, dtype=int)))
    assert found.between is None
    assert found.joint.n_groups == N_GROUPS


def test_ratings_without_lists_have_one_level():
    rng = np.random.default_rng(1)
    group = np.arange(18) % 3
    profile = rng.normal(size=(40, 3))[:, group] + 0.7 * rng.normal(size=(40, 18))
    evidence = Evidence(None, profile, np.arange(40), np.zeros(0, dtype=int))
    found = choices(evidence)
    assert found.within is None
    assert (found.joint.outcome, found.joint.n_groups) == (Outcome.GROUPS, 3)
    assert evidence.mixes == ((1.0, 0.0),)


def test_views_are_added_up_by_their_weights():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4, 4))
    total = summed((Affinity(a), None, Affinity(spread=0.0), Affinity(b)), (2.0, 1.0, 1.0, 0.0), 4)
    np.testing.assert_array_equal(total, 2 * a)


def test_groups_of_one_dimension_are_found_over_groups():
    # Six groups in two halves: a model likes one half, and some groups of it.
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(6), 4)
    taste = 1.5 * rng.normal(size=(80, 2))[:, np.arange(6) // 3] + rng.normal(size=(80, 6))
    profile = taste[:, group] + 0.7 * rng.normal(size=(80, 24))
    evidence = Evidence(None, profile, np.arange(80), np.zeros(0, dtype=int))
    found = choose_over_groups(evidence, None, (1.0, 0.0, 0.0), group, np.random.default_rng(0))
    assert found.n_dimensions == 2
    assert len(found.gain) == 5


def test_what_cannot_be_chosen_is_refused():
    evidence = evidence_of(two_level_lists(n_lists=5, n_models=6))
    with pytest.raises(DataError) as caught:
        choices(replace(evidence, fold_of_unit=np.arange(6) % 2, fold_of_block=np.arange(6) % 2))
    assert str(caught.value) == (
        "2 independent units cannot be held out from one another; at least 3 are needed to choose a number of groups."
    )
    for wrong in (1, 22):
        with pytest.raises(DataError) as caught:
            choices(evidence, max_groups=wrong)
        assert str(caught.value) == f"max_groups is {wrong}, but 21 columns occur; give 2 to 21."


def test_both_levels_count_alike_unless_others_are_clearly_better():
    # Two numbers of groups, two cases. Mixes: between alone, both alike, within alone. The first number: behind the
    # best by 1 and 3, so 2 +- 1; the second: behind by 0 and 2, so 1 +- 1.
    mixes = ((1.0, 0.0), level_choice.ALIKE, (0.0, 1.0))
    first = [[5.0, 7.0], [4.0, 4.0], [0.0, 0.0]]
    second = [[4.0, 6.0], [4.0, 4.0], [0.0, 0.0]]
    gains = np.stack([first, second], axis=1)[None]
    assert level_choice._best_mixes(gains, mixes).tolist() == [0, 1]
    assert level_choice._best_mixes(gains[:, [0, 2]], (mixes[0], mixes[2])).tolist() == [0, 0]
