from dataclasses import replace

import numpy as np
import pytest

from valuelex.domain.simulation import PlantedMeaning, PlantedSystem, Shares, SimulationPlan
from valuelex.stages.simulate import _Nest, _traits, draw_lists, draw_ratings

SIX = PlantedSystem.even(3, 2, n_terms=60)
SMALL = SimulationPlan(SIX, n_models=8, n_respondents=5, n_responses=5)


def drawn(plan, seed=0):
    return draw_lists(plan, np.random.default_rng(seed))


def test_the_odds_of_a_word_are_those_of_plackett_and_luce():
    # Six words of popularity 1/rank, two a list. The odds p of the first word are 1/rank over their sum, and
    # a word is named with probability p_j + sum over i != j of p_i p_j / (1 - p_i).
    plan = SimulationPlan(
        PlantedSystem.even(1, 1, n_terms=6), 200, 20, 10, list_length=2.0, popularity=1.0, sensitivity=0.0
    )
    lists = drawn(plan).values
    p = 1 / np.arange(1, 7)
    p /= p.sum()
    named = [p[j] + sum(p[i] * p[j] / (1 - p[i]) for i in range(6) if i != j) for j in range(6)]
    # 40,000 lists: a standard error of at most .0025.
    np.testing.assert_allclose(np.sort(lists.mean(axis=0))[::-1], named, atol=0.01)


def test_lists_are_as_long_as_planned():
    lengths = drawn(replace(SMALL, n_models=100, list_length=5.6)).values.sum(axis=1)
    assert lengths.min() == 2
    assert lengths.max() <= 20
    # Poisson of mean 5.6 in 2,500 lists: a standard error of .047; those cut to 2 add .03.
    assert lengths.mean() == pytest.approx(5.63, abs=0.15)
    assert lengths.var() == pytest.approx(5.5, abs=0.6)


def test_a_list_is_at_most_a_third_of_the_terms():
    plan = replace(SMALL, list_length=100.0)
    assert (drawn(plan).values.sum(axis=1) == 20).all()


def test_naming_one_word_leaves_no_room_for_another():
    # All lists have two words, so what covaries with one word by more covaries with the rest by less: rows of the
    # covariance add up to 0.
    covariance = np.cov(drawn(replace(SMALL, list_length=0.0)).values.astype(float).T)
    np.testing.assert_allclose(covariance.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("shares", [Shares(0.5, 0.2, 0.3), Shares(0.8, 0.1, 0.1), Shares(0, 0, 1)])
def test_the_variance_of_traits_is_shared_as_planned(shares):
    plan = replace(SMALL, n_models=4000, n_respondents=3, n_responses=3, shares=shares)
    traits = _traits(plan, _Nest.of(plan), np.random.default_rng(3)).reshape(4000, 3, 3, 6)
    between = traits.mean(axis=(1, 2)).var(axis=0, ddof=1)
    respondents = traits.mean(axis=2).var(axis=1, ddof=1).mean(axis=0)
    responses = traits.var(axis=2, ddof=1).mean(axis=(0, 1))
    # Expected mean squares: a mean of three holds a third of the variance below it.
    expected = (
        shares.models + shares.respondents / 3 + shares.responses / 9,
        shares.respondents + shares.responses / 3,
        shares.responses,
    )
    for found, share in zip((between, respondents, responses), expected, strict=True):
        np.testing.assert_allclose(found, share, atol=0.06)


def test_traits_correlate_inside_a_dimension_only():
    plan = replace(SMALL, n_models=20_000, n_respondents=1, n_responses=1)
    found = np.corrcoef(_traits(plan, _Nest.of(plan), np.random.default_rng(3)).T)
    expected = np.kron(np.eye(3), [[0, 0.4], [0.4, 0]]) + np.eye(6)
    np.testing.assert_allclose(found, expected, atol=0.03)


@pytest.mark.parametrize(
    ("shares", "alike"), [(Shares(1, 0, 0), 25), (Shares(0, 1, 0), 5), (Shares(0, 0, 1), 1)]
)
def test_without_noise_lists_differ_only_where_traits_do(shares, alike):
    # 8 models x 5 respondents x 5 responses, all of two words.
    plan = replace(SMALL, shares=shares, noise=0.0, list_length=0.0)
    lists = drawn(plan).values
    blocks = lists.reshape(-1, alike, 60)
    assert (blocks == blocks[:, :1]).all()
    assert len(np.unique(blocks[:, 0], axis=0)) > 3


def lift(simulated):
    """Mean co-occurrence over what popularity explains: in a subdimension, in a dimension only, across."""
    lists = simulated.values.astype(float)
    counts = lists.T @ lists
    expected = np.outer(lists.sum(0), lists.sum(0)) / len(lists)
    sub, dim = (g[:, None] == g for g in (simulated.subdimension, simulated.dimension))
    apart = ~np.eye(len(counts), dtype=bool)
    return [counts[pairs].sum() / expected[pairs].sum() for pairs in (sub & apart, dim & ~sub, ~dim)]


def test_words_of_a_group_are_named_together():
    planted = drawn(replace(SMALL, n_models=60))
    together, beside, across = lift(planted)
    assert together > 1.3 > 1.15 > beside > across + 0.05
    nothing = drawn(replace(SMALL, n_models=60, sensitivity=0.0))
    counted = replace(nothing, subdimension=planted.subdimension, dimension=planted.dimension)
    # Lists of limited length hold their words apart, alike in and across groups.
    assert np.ptp(lift(counted)) < 0.05


def test_families_share_traits_and_style():
    plan = replace(
        SMALL, n_models=5, models_per_family=2, family_share=1.0, style=1.0, noise=0.0, list_length=0.0,
        shares=Shares(1, 0, 0),
    )  # fmt: skip
    simulated = drawn(plan)
    assert simulated.families[::25].tolist() == [0, 0, 1, 1, 2]
    assert simulated.models[::25].tolist() == [0, 1, 2, 3, 4]
    assert simulated.respondents[::5].tolist() == list(range(25))
    first = simulated.values[::25]
    assert (first[0] == first[1]).all()
    assert (first[2] == first[3]).all()
    assert (first[1] != first[2]).any()
    own = drawn(replace(plan, family_share=0.5)).values[::25]
    assert (own[0] != own[1]).any()


def test_style_makes_models_differ_where_values_do_not():
    def spread(style):
        lists = drawn(replace(SMALL, sensitivity=0.0, style=style)).values
        return lists.reshape(8, 25, 60).mean(axis=1).var(axis=0).mean()

    assert spread(1.0) > 2 * spread(0.0)


def test_embeddings_follow_what_is_planted_in_them():
    plan = replace(SMALL, meaning=PlantedMeaning(informative=0.4, misleading=0.2, size=4000))
    simulated = drawn(plan)
    cosine = simulated.vectors @ simulated.vectors.T
    np.testing.assert_allclose(np.diag(cosine), 1)
    sub, dim = (g[:, None] == g for g in (simulated.subdimension, simulated.dimension))
    # Unrelated groups add .2 to the pairs that share one of the eight, about one pair in eight.
    assert np.median(cosine[sub & ~np.eye(60, dtype=bool)]) == pytest.approx(0.4, abs=0.04)
    assert np.median(cosine[dim & ~sub]) == pytest.approx(0.2, abs=0.04)
    assert np.median(cosine[~dim]) == pytest.approx(0.0, abs=0.04)
    assert cosine[~dim].mean() == pytest.approx(0.2 / 8, abs=0.015)


def test_without_embeddings_there_are_none():
    assert drawn(SMALL).vectors is None


def test_where_nothing_is_planted_all_terms_are_one_group():
    simulated = drawn(replace(SMALL, sensitivity=0.0))
    assert not simulated.subdimension.any()
    assert not simulated.dimension.any()


def test_a_given_system_keeps_its_terms_in_their_groups():
    system = PlantedSystem((0, 0, 1), 6, subdimension=(0, 0, 1, 1, 2, 2), terms=tuple("abcdef"))
    simulated = drawn(replace(SMALL, system=system))
    assert simulated.subdimension.tolist() == [0, 0, 1, 1, 2, 2]
    assert simulated.dimension.tolist() == [0, 0, 0, 0, 1, 1]
    assert simulated.terms == tuple("abcdef")


def test_the_same_seed_gives_the_same_lists():
    plan = replace(
        SMALL, n_models=180, style=0.5, meaning=PlantedMeaning()
    )  # more rows than are drawn at once
    one, two, other = drawn(plan, 1), drawn(plan, 1), drawn(plan, 2)
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.vectors, two.vectors)
    assert (one.values != other.values).any()


def test_lists_are_those_of_a_plain_drawing_of_the_same_numbers():
    # The model written out in one piece, with the rank of every word, as in the definition.
    plan = SimulationPlan(PlantedSystem.even(3, 2, 50), 70, 8, 9, style=0.5, sensitivity=0.8)
    rng = np.random.default_rng(5)
    mixing = np.linalg.cholesky(np.kron(np.eye(3), [[1, 0.4], [0.4, 1]])).T
    model, respondent = np.repeat(np.arange(70), 72), np.repeat(np.arange(560), 9)
    parts = [rng.standard_normal((n, 6)) @ mixing for n in (70, 560, 5040)]
    trait = np.sqrt(0.5) * parts[0][model] + np.sqrt(0.2) * parts[1][respondent] + np.sqrt(0.3) * parts[2]
    group = rng.permutation(np.arange(50) % 6)
    sensitivity = 0.8 * rng.uniform(0.5, 1.5, 50)
    popularity = (-0.7 * np.log(np.arange(1, 51)))[rng.permutation(50)]
    style = 0.5 * rng.standard_normal((70, 50))
    utility = popularity + sensitivity * trait[:, group] + style[model] + rng.gumbel(size=(5040, 50))
    rank = np.argsort(np.argsort(-utility, axis=1), axis=1)
    lists = rank < np.clip(rng.poisson(5.6, 5040), 2, 16)[:, None]
    np.testing.assert_array_equal(drawn(plan, 5).values, lists)


def rated(plan, seed=0):
    return draw_ratings(plan, np.random.default_rng(seed))


def test_ratings_correlate_as_the_traits_behind_them():
    # Utility with sensitivity 1 on average and noise 1: two words of a subdimension correlate by about 1 / 2, less
    # what rounding and the ends of the scale take; of a dimension by .4 of it, of others not at all.
    plan = replace(
        SMALL, n_models=400, n_respondents=1, n_responses=1, shift=0.0, stretch=0.0, popularity=0.0, noise=1.0
    )  # fmt: skip
    simulated = rated(plan)
    r = np.corrcoef(simulated.values.astype(float).T)
    sub, dim = (g[:, None] == g for g in (simulated.subdimension, simulated.dimension))
    together = r[sub & ~np.eye(60, dtype=bool)].mean()
    assert 0.4 < together < 0.5
    assert r[dim & ~sub].mean() == pytest.approx(0.4 * together, abs=0.04)
    assert r[~dim].mean() == pytest.approx(0.0, abs=0.04)


def test_ratings_use_the_scale_around_its_middle():
    plan = replace(SMALL, n_models=100, popularity=0.0, shift=0.0, stretch=0.0)
    values = rated(plan).values
    assert (values.min(), values.max()) == (0, 6)
    assert values.mean() == pytest.approx(3.0, abs=0.1)


def test_respondents_use_the_scale_in_their_own_way():
    plan = replace(SMALL, n_models=60, sensitivity=0.0, popularity=0.5, noise=0.5, shift=0.6, stretch=0.0)
    means = rated(plan).values.reshape(300, 5 * 60).mean(axis=1)
    # 300 respondents: the mean of 300 ratings of each lies where its shift puts it.
    assert means.std() == pytest.approx(0.6, abs=0.06)
    same = rated(replace(plan, shift=0.0)).values.reshape(300, 5 * 60)
    assert same.mean(axis=1).std() < 0.05
    stretched = rated(replace(plan, shift=0.0, stretch=0.3)).values.reshape(300, 5 * 60)
    assert np.log(stretched.std(axis=1)).std() > 2 * np.log(same.std(axis=1)).std()


def test_a_rating_leaves_room_for_all_others():
    # Unlike lists, rows do not add up to one number: with values of their own, respondents rate all higher or lower.
    lengths = rated(replace(SMALL, n_models=60)).values.sum(axis=1, dtype=int)
    assert lengths.std() > 15


def test_ratings_of_a_respondent_without_noise_are_the_same_each_time():
    plan = replace(SMALL, shares=Shares(0.5, 0.5, 0), noise=0.0)
    blocks = rated(plan).values.reshape(40, 5, 60)
    assert (blocks == blocks[:, :1]).all()
    assert (blocks[0] != blocks[1]).any()
