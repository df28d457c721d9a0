import dataclasses

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from examples import response_matrix
from valuelex.domain.structure import Taxonomy
from valuelex.domain.study import ConstructPlan
from valuelex.errors import DataError
from valuelex.stages.construct import WEIGHTS, build_system, construct

N_GROUPS, PER_GROUP = 4, 6
GROUP = np.repeat(np.arange(N_GROUPS), PER_GROUP)
PLAN = ConstructPlan(n_dimensions=2, n_subdimensions=N_GROUPS, resamples=15)


def planted_lists(strength, seed=0, n_respondents=20, n_draws=8, length=6):
    """Lists of the words that one wants most: a taste for groups (two in each half) and luck.

    A taste for the first half goes against one for the second, so halves are the dimensions.
    """
    rng = np.random.default_rng(seed)
    n = n_respondents * n_draws
    half = rng.normal(size=(n, 1)) * np.where(np.arange(N_GROUPS) < N_GROUPS / 2, 1.0, -1.0)
    taste = strength * (half + 1.2 * rng.normal(size=(n, N_GROUPS)))
    wish = taste[:, GROUP] + rng.gumbel(size=(n, len(GROUP)))
    cut = np.sort(wish, axis=1)[:, -length, None]
    who = [f"r{i // n_draws}" for i in range(n)]
    terms = [f"w{i:02d}" for i in range(len(GROUP))]
    return response_matrix((wish >= cut).astype(np.uint8), who, terms)


def vectors_of(groups, seed=0, noise=0.5, d=32):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(groups.max() + 1, d))[groups] + noise * rng.normal(size=(len(groups), d))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def pure_noise(seed=0):
    return vectors_of(np.arange(len(GROUP)), seed)


def built(matrix, vectors, plan=PLAN, seed=0, units=None):
    return construct(matrix, units or matrix.respondent_ids, vectors, plan, np.random.default_rng(seed))


def test_planted_groups_are_recovered_at_both_levels_without_help_from_meaning():
    found = built(planted_lists(strength=1.5), pure_noise())
    assert adjusted_rand_score(GROUP, found.subdimension) == 1.0
    assert found.dimension.tolist() == (GROUP >= N_GROUPS / 2).astype(int).tolist()
    assert (found.stability > 0.9).all()
    assert found.n_resamples == 15
    assert found.terms == tuple(f"w{i:02d}" for i in range(24))


def test_groups_do_not_follow_the_order_of_terms():
    matrix = planted_lists(strength=1.5)
    order = np.random.default_rng(8).permutation(len(GROUP))
    moved = response_matrix(matrix.values[:, order], matrix.respondent_ids, [matrix.terms[i] for i in order])
    found = built(moved, pure_noise()[order])
    assert adjusted_rand_score(GROUP[order], found.subdimension) == 1.0


def test_misleading_meaning_gets_a_small_weight_and_does_not_spoil_the_groups():
    misleading = vectors_of(np.random.default_rng(1).permutation(GROUP), noise=0.1)
    found = built(planted_lists(strength=1.5), misleading)
    assert found.embedding_weight <= 0.25
    assert adjusted_rand_score(GROUP, found.subdimension) > 0.9


def test_true_meaning_helps_where_lists_are_weak():
    weak = planted_lists(strength=0.5, n_respondents=10)
    without = adjusted_rand_score(GROUP, built(weak, pure_noise()).subdimension)
    helped = built(weak, vectors_of(GROUP))
    assert helped.embedding_weight > 0
    assert helped.embedding_weight in WEIGHTS
    assert adjusted_rand_score(GROUP, helped.subdimension) > max(without, 0.9)


def test_lists_without_structure_are_less_stable():
    # One and the same vector for all terms, so that groups come from the lists alone.
    alike = np.tile(np.eye(32)[0], (len(GROUP), 1))
    noise = built(planted_lists(strength=0.0), alike)
    planted = built(planted_lists(strength=1.5), alike)
    assert noise.embedding_weight == planted.embedding_weight == 0.0
    assert noise.stability.mean() < 0.7 < 0.95 < planted.stability.mean()


def test_the_same_seed_gives_the_same_taxonomy():
    one, two = (built(planted_lists(strength=0.7), pure_noise(), seed=3) for _ in range(2))
    for field in dataclasses.fields(Taxonomy):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(two, field.name))


def test_too_few_terms_are_refused():
    matrix = response_matrix(np.ones((3, 7), dtype=np.uint8), "abc", "tuvwxyz")
    with pytest.raises(DataError) as caught:
        built(matrix, np.eye(7))
    assert str(caught.value) == (
        "Only 7 terms were found, too few for 4 subdimensions; elicit more responses, or lower "
        "n_subdimensions or [normalise] min_respondents."
    )


def test_lists_of_one_word_are_refused():
    matrix = response_matrix(np.eye(8, dtype=np.uint8), "aabbccdd", "stuvwxyz")
    with pytest.raises(DataError, match=r"^No list holds two or more columns"):
        built(matrix, np.eye(8))


def test_one_respondent_cannot_tell_its_stability():
    # Each resample of one unit is that unit again: a stability of 1 would be an illusion.
    matrix = planted_lists(strength=1.5)
    found = built(matrix, pure_noise(), units=["one"] * len(matrix.response_ids))
    assert np.isnan(found.stability).all()
    assert (found.n_resamples, found.embedding_weight) == (0, 0.0)
    assert adjusted_rand_score(GROUP, found.subdimension) == 1.0


def test_a_unit_may_hold_several_respondents():
    # Ten families of two respondents each: more terms can change places than when respondents stand alone.
    matrix = planted_lists(strength=1.5)
    families = [f"f{int(name[1:]) // 2}" for name in matrix.respondent_ids]
    found = built(matrix, pure_noise(), units=families)
    assert adjusted_rand_score(GROUP, found.subdimension) == 1.0


def test_a_response_without_a_term_changes_nothing():
    matrix = planted_lists(strength=1.5)
    longer = response_matrix(
        np.vstack([matrix.values, np.zeros((5, 24), dtype=np.uint8)]),
        [*matrix.respondent_ids, *(["r0"] * 5)],
        matrix.terms,
    )
    one, two = built(matrix, pure_noise()), built(longer, pure_noise())
    np.testing.assert_array_equal(one.subdimension, two.subdimension)
    np.testing.assert_array_equal(one.stability, two.stability)


def test_as_many_dimensions_as_subdimensions_is_one_each():
    plan = ConstructPlan(n_dimensions=4, n_subdimensions=4, resamples=2)
    found = built(planted_lists(strength=1.5), pure_noise(), plan)
    np.testing.assert_array_equal(found.dimension, found.subdimension)


def test_the_map_has_its_farthest_term_at_the_positive_end():
    found = built(planted_lists(strength=1.5), pure_noise())
    for axis in found.coordinates.T:
        assert np.abs(axis).max() == axis.max() > 0
    np.testing.assert_allclose(found.coordinates.mean(axis=0), 0, atol=1e-9)


def taxonomy():
    # s1: c .9, a .5, e .5 (alphabetical on a tie); s2: b; s3: d. d1 holds s1 and s3, d2 holds s2.
    return Taxonomy(
        terms=("a", "b", "c", "d", "e"),
        subdimension=np.array([0, 1, 0, 2, 0]),
        dimension=np.array([0, 1, 0, 0, 0]),
        centrality=np.array([0.5, 0.0, 0.9, 0.0, 0.5]),
        stability=np.ones(5),
        coordinates=np.zeros((5, 2)),
        embedding_weight=0.0,
        n_resamples=10,
    )


def test_a_system_is_named_by_its_most_central_terms():
    system = build_system(taxonomy(), "bells")
    assert [(d.id, d.name) for d in system.dimensions] == [("d1", "c · d"), ("d2", "b")]
    assert [(s.id, s.name, s.markers) for s in system.subdimensions] == [
        ("s1", "c, a, e", ("c", "a", "e")),
        ("s3", "d", ("d",)),
        ("s2", "b", ("b",)),
    ]
    first = system.subdimensions[0]
    assert first.definition == "Words named together: c, a, e."
    assert first.high[0] == "I acted with c, because c matters to me."
    assert first.low[1] == "I acted without a, because a does not matter to me."
    assert len(first.high) == len(first.low) == 3
    assert (system.name, system.title) == ("built", "System built from the study 'bells'")


def test_a_group_shows_at_most_ten_markers_and_names_three():
    n = 14
    zeros = np.zeros(n, dtype=np.int64)
    terms = tuple(f"w{i:02d}" for i in range(n))
    whole = Taxonomy(terms, zeros, zeros, np.arange(n) / n, np.ones(n), np.zeros((n, 2)), 0.0, 1)
    (only,) = build_system(whole, "bells").subdimensions
    assert only.markers == tuple(f"w{i:02d}" for i in range(13, 3, -1))
    assert only.name == "w13, w12, w11"


def test_every_term_is_in_a_group_of_the_built_system():
    found = built(planted_lists(strength=1.5), pure_noise())
    system = build_system(found, "bells")
    assert sorted(m for s in system.subdimensions for m in s.markers) == sorted(found.terms)
    for subdimension in system.subdimensions:
        own = {found.subdimension[found.terms.index(m)] for m in subdimension.markers}
        assert own == {int(subdimension.id[1:]) - 1}
