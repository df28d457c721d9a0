from dataclasses import replace

import numpy as np

from two_level_lists import N_GROUPS, evidence_of, grouped, two_level_lists
from valuelex.domain.incidence import Incidence
from valuelex.stats import view_weights
from valuelex.stats.cluster import adjusted_rand
from valuelex.stats.level_choice import MIXES
from valuelex.stats.levels import product_affinity
from valuelex.stats.view_weights import EMBEDDING_WEIGHTS, choose_weights, held_out_gains


def meaning_of(groups, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(groups.max() + 1, 16))[groups] + noise * rng.normal(size=(len(groups), 16))
    return product_affinity((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T)


def test_a_unit_held_out_without_any_pair_gains_nothing():
    planted = two_level_lists(within=1.2, n_lists=20, n_models=8)
    values = planted.matrix.named.dense()
    alone = np.flatnonzero(np.array(planted.sources.models) == "m03")
    values[alone] = 0
    values[alone, np.arange(len(alone)) % 21] = 1
    evidence = evidence_of(planted._replace(matrix=replace(planted.matrix, named=Incidence.of_dense(values))))
    evidence = replace(evidence, profile=None, fold_of_unit=np.zeros(0, dtype=int))
    folds = [np.arange(8) == i for i in range(8)]
    (gains,) = held_out_gains(evidence, None, 3, folds, [(0.0, 1.0, 0.0)])
    assert gains[3] == 0.0
    assert (np.delete(gains, 3) > 0).all()


def test_true_meaning_gets_a_weight_and_false_meaning_none():
    planted = two_level_lists(between=0.45, n_lists=15)
    evidence = evidence_of(planted)
    true = meaning_of(planted.group)
    weights = choose_weights(evidence, true, N_GROUPS, (1.0, 0.0), np.random.default_rng(0))
    assert weights[2] > 0
    assert adjusted_rand(grouped(evidence, weights, embeddings=true), planted.group) > 0.9
    strong = evidence_of(two_level_lists(between=1.5))
    false = meaning_of(np.random.default_rng(8).permutation(planted.group), noise=0.1)
    between, within, embedded = choose_weights(strong, false, N_GROUPS, (1.0, 0.0), np.random.default_rng(0))
    assert embedded == 0.0
    assert (between, within) in MIXES


def test_embeddings_that_are_hardly_better_get_the_least_weight():
    # Means 1, 1.9, 2, 0; behind the best by 1 +- .05, .1 +- .15, 0 and 2 (dealt twice, two cases each).
    gains = np.array([[1.05, 0.95] * 2, [2.05, 1.75] * 2, [2.0, 2.0] * 2, [0.0, 0.0] * 2])
    assert view_weights._least_of_best(gains) == 1
    assert view_weights._least_of_best(gains[[0, 2, 1]]) == 1
    assert view_weights._least_of_best(gains[[0, 3]]) == 0
    # Lists that gain 1 +- 1 predict nothing, so they have no claim although the best is ahead by 1 +- 1 only.
    assert view_weights._least_of_best(np.array([[2.0, 0.0] * 2, [2.0, 2.0] * 2])) == 1
    assert view_weights._least_of_best(np.array([[2.1, 0.2] * 2, [2.0, 2.0] * 2])) == 0


def test_weights_stay_where_nothing_can_be_held_out():
    planted = two_level_lists(within=1.0, n_models=2)
    evidence = evidence_of(planted)
    found = choose_weights(evidence, meaning_of(planted.group), 3, (0.5, 1.0), np.random.default_rng(0))
    assert found == (0.5, 1.0, 0.0)
    assert 0.0 in EMBEDDING_WEIGHTS
