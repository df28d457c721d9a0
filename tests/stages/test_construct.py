import dataclasses
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from examples import response_matrix
from two_level_lists import two_level_lists
from valuelex.domain.evidence import Level, Outcome
from valuelex.domain.sources import Sources
from valuelex.domain.structure import Taxonomy
from valuelex.domain.study import ConstructPlan
from valuelex.errors import DataError
from valuelex.stages import construct as construct_module
from valuelex.stages import null_tests, sensitivity
from valuelex.stages.build_system import build_system
from valuelex.stages.construct import construct
from valuelex.stages.sensitivity import not_merged
from valuelex.stats.view_weights import EMBEDDING_WEIGHTS

N_GROUPS, PER_GROUP = 4, 6
GROUP = np.repeat(np.arange(N_GROUPS), PER_GROUP)
PLAN = ConstructPlan(n_dimensions=2, n_subdimensions=N_GROUPS, max_subdimensions=5, resamples=15)
OPEN = ConstructPlan(max_subdimensions=6, resamples=3)
GROUPS_ONLY = replace(PLAN, resamples=0)
"""The same groups, and nothing on how sure they are."""


@pytest.fixture(scope="module", autouse=True)
def few_replicates():
    """Nulls and splits are tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(null_tests, "N_REPLICATES", 2)
        patch.setattr(null_tests, "N_PROFILES", 2)
        patch.setattr(null_tests, "N_SHUFFLES", 19)
        patch.setattr(sensitivity, "N_SPLITS", 2)
        yield


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


def sources_of(matrix, models=None):
    """Each respondent a model of its own, unless models are given; each model a family of its own."""
    models = tuple(models or matrix.respondent_ids)
    return Sources(matrix.respondent_ids, models, models)


def built(matrix, vectors, plan=PLAN, seed=0, models=None):
    return construct(matrix, sources_of(matrix, models), vectors, plan, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def strong(few_replicates):
    """The structure of lists of strong taste, with embeddings that say nothing."""
    return built(planted_lists(strength=1.5), pure_noise())


def test_planted_groups_are_recovered_at_both_levels_without_help_from_meaning(strong):
    found = strong.taxonomy
    assert adjusted_rand_score(GROUP, found.subdimension) == 1.0
    assert found.dimension.tolist() == (GROUP >= N_GROUPS / 2).astype(int).tolist()
    assert found.stability.mean() > 0.95
    assert (found.stability > 0.6).all()
    assert found.n_resamples == 15
    assert found.terms == tuple(f"w{i:02d}" for i in range(24))


def test_of_sources_left_out_none_is_named_where_nothing_changes(strong):
    left_out = {split.name: split for split in strong.splits}["each source left out"]
    # Strong groups come out of the others' lists whoever is left out; weak ones do not.
    assert (left_out.least, left_out.note) == (1.0, "the groups stay the same")
    weak = built(planted_lists(strength=0.4), None)
    left_out = {split.name: split for split in weak.splits}["each source left out"]
    assert left_out.least < 1
    assert left_out.note.startswith("the groups change most without ")


def test_the_number_of_groups_and_of_dimensions_over_them_is_found():
    found = built(planted_lists(strength=1.5, n_draws=12), None, replace(OPEN, resamples=0))
    assert found.n_given is None
    assert (found.joint.outcome, found.joint.n_groups) == (Outcome.GROUPS, N_GROUPS)
    assert adjusted_rand_score(GROUP, found.taxonomy.subdimension) == 1.0
    assert found.taxonomy.dimension.tolist() == (GROUP >= N_GROUPS / 2).astype(int).tolist()
    assert list(found.dimension_gain) == [1, 2, 3]
    assert found.dimension_gain[1] == 0.0 < found.dimension_gain[2]


def test_lists_without_structure_are_one_group():
    found = built(planted_lists(strength=0.0, n_draws=12), vectors_of(GROUP), OPEN)
    assert found.joint.outcome is Outcome.NO_GROUPS
    assert not found.taxonomy.subdimension.any()
    assert not found.taxonomy.dimension.any()
    assert np.isnan(found.taxonomy.stability).all()
    assert (found.views, found.groups, found.nulls, found.splits, found.sensitivities) == ((),) * 5
    assert found.controls == ()
    assert found.verdict[0].endswith("so all terms stay in one group.")
    assert len(build_system(found.taxonomy, "bells").subdimensions) == 1


def test_groups_do_not_follow_the_order_of_terms():
    matrix = planted_lists(strength=1.5)
    order = np.random.default_rng(8).permutation(len(GROUP))
    moved = response_matrix(
        matrix.named.dense()[:, order], matrix.respondent_ids, [matrix.terms[i] for i in order]
    )
    found = built(moved, pure_noise()[order], GROUPS_ONLY).taxonomy
    assert adjusted_rand_score(GROUP[order], found.subdimension) == 1.0


def test_misleading_meaning_gets_a_small_weight_and_does_not_spoil_the_groups():
    misleading = vectors_of(np.random.default_rng(1).permutation(GROUP), noise=0.1)
    found = built(planted_lists(strength=1.5), misleading, GROUPS_ONLY).taxonomy
    assert found.weights["embeddings"] <= 0.25
    assert adjusted_rand_score(GROUP, found.subdimension) > 0.9


def test_true_meaning_helps_where_lists_are_weak():
    weak = planted_lists(strength=0.5, n_respondents=10)
    without = adjusted_rand_score(GROUP, built(weak, pure_noise(), GROUPS_ONLY).taxonomy.subdimension)
    helped = built(weak, vectors_of(GROUP), GROUPS_ONLY).taxonomy
    assert helped.weights["embeddings"] > 0
    assert helped.weights["embeddings"] in EMBEDDING_WEIGHTS
    assert adjusted_rand_score(GROUP, helped.subdimension) > max(without, 0.9)


def test_lists_without_structure_are_less_stable():
    # One and the same vector for all terms, so that groups come from the lists alone.
    alike = np.tile(np.eye(32)[0], (len(GROUP), 1))
    noise = built(planted_lists(strength=0.0), alike).taxonomy
    planted = built(planted_lists(strength=1.5), alike).taxonomy
    assert noise.weights["embeddings"] == planted.weights["embeddings"] == 0.0
    assert noise.stability.mean() < 0.7 < 0.95 < planted.stability.mean()


def test_the_same_seed_gives_the_same_structure():
    one, two = (built(planted_lists(strength=0.7), pure_noise(), seed=3) for _ in range(2))
    for field in dataclasses.fields(Taxonomy):
        np.testing.assert_array_equal(getattr(one.taxonomy, field.name), getattr(two.taxonomy, field.name))
    for field in dataclasses.fields(one):
        if field.name not in ("taxonomy", "views"):
            assert repr(getattr(one, field.name)) == repr(getattr(two, field.name))


def test_of_fewer_terms_than_the_groups_need_fewer_groups_are_made():
    # 7 terms, two for each group: 3 groups in place of the 4 that the plan asks for; 8 are enough.
    rows = np.eye(8, dtype=np.uint8) | np.roll(np.eye(8, dtype=np.uint8), 1, axis=1)
    few = built(response_matrix(rows[:, :7], "abcdefgh", "tuvwxyz"), np.eye(7))
    assert int(few.taxonomy.subdimension.max()) + 1 == 3
    assert few.n_given == 4
    assert (
        "The study asks for 4 subdimensions, but 7 terms were named by enough respondents, and each needs 2: "
        "there are 3. To have more, lower [normalise] min_respondents, or ask more respondents or for more responses."
        in few.notes
    )
    assert "the study asked for four, and got three." in few.verdict[0]
    enough = built(response_matrix(rows, "abcdefgh", "stuvwxyz"), np.eye(8))
    assert not any("asks for 4 subdimensions" in note for note in enough.notes)


@pytest.mark.parametrize("n_terms", [0, 3])
def test_without_terms_there_is_nothing_to_group(n_terms):
    matrix = response_matrix(np.ones((3, n_terms), dtype=np.uint8), "abc", "xyz"[:n_terms])
    with pytest.raises(DataError) as caught:
        built(matrix, None, OPEN)
    assert str(caught.value) == (
        f"Only {n_terms} terms were named by enough respondents, too few for a value system (at least 4); lower "
        "[normalise] min_respondents, or ask more respondents or for more responses."
    )


def test_lists_of_one_word_are_refused():
    matrix = response_matrix(np.eye(8, dtype=np.uint8), "aabbccdd", "stuvwxyz")
    with pytest.raises(DataError, match=r"^No list holds two or more columns"):
        built(matrix, np.eye(8))


def test_responses_that_are_all_empty_are_refused():
    matrix = response_matrix(np.zeros((8, 8), dtype=np.uint8), "aabbccdd", "stuvwxyz")
    with pytest.raises(DataError) as caught:
        built(matrix, np.eye(8))
    assert str(caught.value) == (
        "No response names a term of the lexicon, so there is nothing to group; see responses.parquet."
    )


def test_one_respondent_cannot_tell_its_stability():
    # Each resample of one unit is that unit again: a stability of 1 would be an illusion. Nothing can be held out
    # either, so no number of groups is chosen, and all views count alike.
    several = planted_lists(strength=1.5)
    matrix = response_matrix(several.named.dense(), ["one"] * len(several.response_ids), several.terms)
    found = built(matrix, vectors_of(GROUP))
    assert np.isnan(found.taxonomy.stability).all()
    assert found.taxonomy.n_resamples == 0
    assert found.taxonomy.weights == {"between": 0.0, "pooled": 1.0, "embeddings": 1.0}
    assert (found.joint.outcome, found.levels, found.groups) == (Outcome.TOO_LITTLE_DATA, (), ())
    assert adjusted_rand_score(GROUP, found.taxonomy.subdimension) == 1.0


def test_a_family_may_hold_several_respondents():
    # Ten families of two respondents each: more terms can change places than when respondents stand alone.
    matrix = planted_lists(strength=1.5)
    families = [f"f{int(name[1:]) // 2}" for name in matrix.respondent_ids]
    found = built(matrix, pure_noise(), GROUPS_ONLY, models=families)
    assert (found.independent, found.n_independent, found.taxonomy.resampled) == ("families", 10, "families")
    assert adjusted_rand_score(GROUP, found.taxonomy.subdimension) == 1.0


def test_a_response_without_a_term_changes_nothing(strong):
    matrix = planted_lists(strength=1.5)
    longer = response_matrix(
        np.vstack([matrix.named.dense(), np.zeros((5, 24), dtype=np.uint8)]),
        [*matrix.respondent_ids, *(["r0"] * 5)],
        matrix.terms,
    )
    one, two = strong.taxonomy, built(longer, pure_noise()).taxonomy
    np.testing.assert_array_equal(one.subdimension, two.subdimension)
    np.testing.assert_array_equal(one.stability, two.stability)


def test_as_many_dimensions_as_subdimensions_is_one_each():
    plan = replace(GROUPS_ONLY, n_dimensions=4)
    found = built(planted_lists(strength=1.5), pure_noise(), plan).taxonomy
    np.testing.assert_array_equal(found.dimension, found.subdimension)


def test_the_map_has_its_farthest_term_at_the_positive_end(strong):
    found = strong.taxonomy
    for axis in found.coordinates.T:
        assert np.abs(axis).max() == axis.max() > 0
    np.testing.assert_allclose(found.coordinates.mean(axis=0), 0, atol=1e-9)


def two_levels(plan=OPEN, vectors=None, **strength):
    planted = two_level_lists(**strength)
    return construct(planted.matrix, planted.sources, vectors, plan, np.random.default_rng(0)), planted.group


@pytest.mark.parametrize(
    ("strength", "level", "said"),
    [
        ({"between": 1.0}, Level.BETWEEN, "It lies between sources: "),
        ({"within": 1.2, "style": 1.0}, Level.WITHIN, "It lies within responses: "),
    ],
)
def test_the_level_that_carries_the_structure_is_told(strength, level, said):
    found, group = two_levels(**strength)
    assert (found.joint.outcome, found.joint.n_groups) == (Outcome.GROUPS, 3)
    assert [c.level for c in found.levels if c.outcome is Outcome.GROUPS and c.level is not Level.POOLED] == [
        level
    ]
    assert found.verdict[1].startswith(said)
    assert adjusted_rand_score(group, found.taxonomy.subdimension) > 0.8
    views = {v.name: v for v in found.views}
    assert list(views) == ["between", "within", "pooled"]
    weight = max(views.values(), key=lambda v: v.weight)
    assert (weight.name, weight.weight) == (level.value, 1.0)
    assert adjusted_rand_score(group, weight.partition) > 0.8
    assert views["pooled"].weight == 0.0
    assert len(found.controls) == 2
    assert all(c.outcome is not Outcome.GROUPS for c in found.controls)


def test_what_a_model_merely_likes_is_no_group():
    found, _ = two_levels(style=1.5)
    assert found.joint.outcome is not Outcome.GROUPS
    assert not found.taxonomy.subdimension.any()


def test_groups_that_are_all_meaning_are_said_to_be_so():
    # The study asks for three groups of lists without structure: they come from the embeddings, and say so.
    vectors = vectors_of(np.arange(21) % 3, noise=0.1)
    plan = ConstructPlan(n_subdimensions=3, max_subdimensions=3, resamples=25)
    found, _ = two_levels(plan, vectors, style=1.0)
    assert found.n_given == 3
    # Embeddings are the same in each resample; the lists alone do not bring the groups back.
    assert all(g.stability > 0.9 and g.lists_stability < 0.6 for g in found.groups)
    tests = {t.name: t for t in found.nulls}
    assert list(tests) == [
        "reshuffled responses",
        "shuffled profiles",
        "embeddings only",
        "agreement with meaning",
    ]
    assert tests["embeddings only"].p > 0.05
    assert all(g.beyond_meaning.ci_low == 0 for g in found.groups)
    assert (
        "None of three groups holds together in the lists of sources that had no part in making them"
        in " ".join(found.verdict)
    )


def test_who_named_no_term_is_no_source():
    planted = two_level_lists(within=1.2)
    mute = [f"mute{i}" for i in range(30)]
    matrix = response_matrix(
        np.vstack([planted.matrix.named.dense(), np.zeros((30, 21), dtype=np.uint8)]),
        [*planted.matrix.respondent_ids, *mute],
        planted.matrix.terms,
    )
    with_mute = construct(matrix, sources_of(matrix), None, OPEN, np.random.default_rng(0))
    without, _ = two_levels(within=1.2)
    assert (with_mute.n_independent, with_mute.n_models) == (16, 16)
    assert with_mute.verdict == without.verdict
    assert with_mute.splits == without.splits


def test_a_term_in_every_response_is_told_and_harms_nothing():
    planted = two_level_lists(within=1.2)
    matrix = response_matrix(
        np.column_stack(
            [planted.matrix.named.dense(), np.ones(len(planted.matrix.named.dense()), dtype=np.uint8)]
        ),
        planted.matrix.respondent_ids,
        [*planted.matrix.terms, "zest"],
    )
    found = construct(matrix, sources_of(matrix), None, replace(OPEN, resamples=0), np.random.default_rng(0))
    assert found.notes[0].startswith("1 term is in every response (first: 'zest'); ")
    assert adjusted_rand_score(planted.group, found.taxonomy.subdimension[:-1]) > 0.9


def test_forms_that_are_not_merged_are_compared_with_the_group_of_their_term(strong):
    matrix = planted_lists(strength=1.5)
    kept = strong.taxonomy
    # Two forms of each term: every other response of a respondent writes the second.
    second = (np.arange(len(matrix.response_ids)) % 2 == 1)[:, None]
    values = np.hstack([matrix.named.dense() * ~second, matrix.named.dense() * second])
    forms = response_matrix(values, matrix.respondent_ids, [*matrix.terms, *(f"{t}s" for t in matrix.terms)])
    sources = Sources(forms.respondent_ids, forms.respondent_ids, forms.respondent_ids)
    term_of = {f"{t}s": t for t in matrix.terms}
    lists_only = replace(kept, weights={**kept.weights, "embeddings": 0.0})
    (found,) = not_merged(lists_only, forms, sources, None, term_of)
    assert (found.choice, found.n_terms) == ("word families not merged", 48)
    # Half as many lists for each form, and forms of one term never in one list: less sure, and far from chance.
    assert found.adjusted_rand > 0.25
    moved = replace(lists_only, subdimension=np.random.default_rng(0).permutation(kept.subdimension))
    (chance,) = not_merged(moved, forms, sources, None, term_of)
    assert chance.adjusted_rand < 0.12
    assert (
        not_merged(
            replace(lists_only, subdimension=np.zeros_like(kept.subdimension)), forms, sources, None, {}
        )
        == ()
    )


def test_what_is_left_out_of_many_terms_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = two_level_lists(between=1.0, within=1.5, n_lists=15)
    plan = ConstructPlan(n_subdimensions=3, max_subdimensions=3, resamples=6)
    build = partial(construct, planted.matrix, planted.sources, None)
    everything = build(plan, np.random.default_rng(0))
    assert not [n for n in everything.notes if "resamples" in n]
    monkeypatch.setattr(construct_module, "MOST_EXACT", 20)
    monkeypatch.setattr(construct_module, "MOST_OF_MANY", 4)
    found = build(plan, np.random.default_rng(0))
    assert found.taxonomy.n_resamples == 4
    assert (
        "There are 21 terms, more than the 20 of which all can be told in time: 4 resamples are drawn instead of 6, "
        "phi and PPMI are not tried for co-occurrence, and what groups are beyond meaning is not told. Raise "
        "[normalise] min_respondents for fewer terms." in found.notes
    )
    few = build(replace(plan, resamples=2), np.random.default_rng(0))
    assert few.taxonomy.n_resamples == 2
    assert any(n.startswith("There are 21 terms") and "instead of" not in n for n in few.notes)
