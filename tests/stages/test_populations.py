from dataclasses import replace

import numpy as np
import pytest

from report.example_results import respondents as example_respondents
from simulated_lists import simulated_lists
from valuelex.domain.factors import FactorPlan
from valuelex.domain.incidence import Incidence
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.population import Population
from valuelex.domain.sources import Sources
from valuelex.domain.structure import Taxonomy
from valuelex.errors import DataError
from valuelex.stages.build_system import build_system
from valuelex.stages.populations import Built, compare_populations
from valuelex.stats.cluster import spectral_partitions
from valuelex.stats.cooccurrence import cooccurrence, margin_residual

N_GROUPS, BASE = 3, 6
PLAN = FactorPlan()


def build(matrix, sources, vectors, name, rng) -> Built:
    """Group terms by their lists alone, in a moment."""
    assert len(sources.families) == len(matrix.named.dense())
    assert vectors is None or len(vectors) == len(matrix.terms)
    if len(matrix.terms) < N_GROUPS:
        msg = f"Only {len(matrix.terms)} terms for {N_GROUPS} groups."
        raise DataError(msg)
    lists = matrix.named.dense()[matrix.named.dense().any(axis=1)]
    affinity = margin_residual(cooccurrence(lists), lists.sum(axis=1).astype(float))
    (labels,) = spectral_partitions(affinity, [N_GROUPS])
    n = len(labels)
    taxonomy = Taxonomy(
        matrix.terms, labels, labels, np.arange(n) * -1.0, np.full(n, np.nan), np.zeros((n, 2)), {}, 0
    )
    return Built(taxonomy, build_system(taxonomy, name), f"{len(set(labels.tolist()))} groups, given")


def world(*, swapped: bool = False):
    """Twelve respondents, each of a family of its own, six of them base; base ones may have another structure."""
    matrix, sources, group = simulated_lists(n_respondents=1)
    base = np.array([name < f"r{BASE:02d}" for name in sources.respondents])
    values = matrix.named.dense()
    if swapped:
        values[base] = values[base][:, np.argsort(group, kind="stable")]
    one = example_respondents(2)[0]
    people = tuple(
        replace(
            one,
            id=f"r{i:02d}",
            family=f"f{i:02d}",
            model=replace(one.model, name=f"m{i:02d}"),
            attributes={"training": "base" if i < BASE else "instruct"},
        )
        for i in range(12)
    )
    return replace(matrix, named=Incidence.of_dense(values)), people


BASE_ONLY = Population("base", {"training": ("base",)})
TUNED = Population("tuned", {"training": ("instruct",)})


def compare(matrix: ResponseMatrix, people, populations, min_respondents=2, seed=0):
    rng = np.random.default_rng(seed)
    sources = Sources.of(people, matrix.respondent_ids)
    whole = build(matrix, sources, None, "all", rng)
    return compare_populations(
        populations,
        people,
        matrix,
        sources,
        None,
        min_respondents,
        whole,
        build,
        PLAN,
        np.random.default_rng(seed),
    )


@pytest.fixture(scope="module")
def same():
    return compare(*world(), [BASE_ONLY, TUNED])


def test_everybody_comes_first_and_each_is_compared_with_each(same):
    assert [s.name for s in same.systems] == ["all", "base", "tuned"]
    assert [(c.a, c.b) for c in same.contrasts] == [("all", "base"), ("all", "tuned"), ("base", "tuned")]
    assert [c.n_both for c in same.contrasts] == [6, 6, 0]
    base = same.systems[1]
    assert base.respondent_ids == tuple(f"r{i:02d}" for i in range(6))
    assert (base.n_models, base.n_families, base.n_responses, base.n_groups) == (6, 6, 360, 3)
    assert base.told == "training is base"
    assert base.cautions == ()
    assert base.system.title == "System built from the study 'base'"


def test_populations_of_one_structure_agree(same):
    between = same.contrasts[2]
    assert between.agreement.adjusted_rand > 0.8
    assert all(f.congruence > max(f.chance, 0.85) for f in between.factors)
    assert "Their groups (3 and 3) agree " in between.verdict
    assert (
        "Factors of the first found again beyond chance: 3 of 3; with a congruence over 0.85: 3."
        in between.verdict
    )
    assert "belong to both" not in between.verdict
    assert (between.difference.units, between.difference.n_units) == ("families", 12)
    assert between.difference.p_value > 0.05
    assert "They are not distinguishable from random splits of the same 12 families" in between.verdict
    assert same.contrasts[0].difference is None
    assert "6 respondents belong to both" in same.contrasts[0].verdict


def test_populations_of_two_structures_do_not():
    found = compare(*world(swapped=True), [BASE_ONLY, TUNED])
    between = found.contrasts[2]
    assert between.agreement.p_value > 0.05
    assert sum(f.congruence > f.chance for f in between.factors) <= 1
    assert "agree no more than chance would" in between.verdict
    assert between.difference.p_value == 1 / 50  # None of 49 splits is as little alike.
    assert between.difference.congruence < between.difference.by_split
    assert "They are less alike than random splits" in between.verdict


def test_each_lexicon_has_its_own_cut_and_terms_are_counted_below_it():
    matrix, people = world()
    values = matrix.named.dense()
    # Only tuned respondents name the first term, only one base respondent names the second.
    is_base = np.array([r < "r06" for r in matrix.respondent_ids])
    values[is_base, 0] = 0
    values[is_base & np.array([r != "r00" for r in matrix.respondent_ids]), 1] = 0
    values[0, 1] = 1
    found = compare(replace(matrix, named=Incidence.of_dense(values)), people, [BASE_ONLY, TUNED])
    base, tuned = found.systems[1:]
    assert {"w00", "w01"} & set(base.terms) == set()
    assert {"w00", "w01"} <= set(tuned.terms)
    gained = {t.term: t for t in found.contrasts[2].with_status("gained")}
    assert set(gained) == {"w00", "w01"}
    assert (gained["w01"].n_a, gained["w01"].share_a) == (1, 1 / 6)
    assert (gained["w00"].n_a, gained["w00"].group_a) == (0, None)
    assert gained["w00"].share_b == gained["w00"].n_b / 6
    assert {t.term for t in found.contrasts[0].with_status("lost")} == {"w00", "w01"}
    assert (
        "28 terms are in both lexicons, 0 in the first alone, 2 in the second alone"
        in found.contrasts[2].verdict
    )


def test_a_term_that_the_study_keeps_stays_where_it_is_named_once():
    matrix, people = world()
    values = matrix.named.dense()
    values[:, 0] = 0
    values[0, 0] = 1  # Named by r00 alone, and yet a term: by order of the study.
    found = compare(replace(matrix, named=Incidence.of_dense(values)), people, [BASE_ONLY, TUNED])
    assert "w00" in found.systems[1].terms
    assert "w00" not in found.systems[2].terms


def test_four_families_a_side_are_too_few_to_tell_a_difference():
    matrix, people = world()
    some = [
        Population(n, {"respondent": tuple(f"r{i:02}" for i in ids)})
        for n, ids in (("x", range(4)), ("y", range(6, 11)))
    ]
    found = compare(matrix, people, some)
    assert found.contrasts[2].difference is None
    assert "cannot be told: too few models belong to one alone" in found.contrasts[2].verdict


def test_too_small_a_population_is_said_and_no_crash():
    matrix, people = world()
    alone = Population("one", {"respondent": ("r00",)})
    pair = Population("pair", {"respondent": ("r00", "r01")})
    found = compare(matrix, people, [alone, pair])
    one, two = found.systems[1:]
    # One respondent cannot make two agree on a term.
    assert one.taxonomy is None
    assert one.cautions == (
        "No term is named by enough of its respondents.",
        "It has one model family, fewer than 3: what is found describes these models, not a population.",
    )
    assert one.outcome == "no value system could be built"
    assert two.cautions[0].startswith("It has 2 model families, fewer than 3")
    with_all = found.contrasts[0]
    assert (with_all.agreement, with_all.factors, with_all.n_groups_b) == (None, (), 0)
    assert with_all.reason.startswith("Factors were not compared: ")
    assert "Groups cannot be compared: the first has 3 and the second 0." in with_all.verdict


def test_fewer_terms_than_groups_is_the_reason_that_building_gives():
    matrix, people = world()
    values = matrix.named.dense()
    values[np.array([r < "r06" for r in matrix.respondent_ids]), 2:] = 0
    found = compare(replace(matrix, named=Incidence.of_dense(values)), people, [BASE_ONLY])
    assert found.systems[1].taxonomy is None
    assert found.systems[1].cautions == ("Only 2 terms for 3 groups.",)


def test_the_same_seed_gives_the_same_comparison():
    one, same = (compare(*world(), [BASE_ONLY]) for _ in range(2))
    assert one.contrasts == same.contrasts


def test_models_are_exchanged_where_families_have_members_on_both_sides():
    matrix, people = world()
    paired = tuple(replace(p, family=f"f{i % 6}") for i, p in enumerate(people))
    found = compare(matrix, paired, [BASE_ONLY, TUNED]).contrasts[2]
    assert (found.difference.units, found.difference.n_units) == ("models", 12)
    one_model = tuple(replace(p, model=people[0].model) for p in paired)
    found = compare(matrix, one_model, [BASE_ONLY, TUNED]).contrasts[2]
    assert found.difference is None
    assert "cannot be told: too few models belong to one alone" in found.verdict
