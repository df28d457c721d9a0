from dataclasses import replace

import numpy as np
import pytest
from word_lists import shipped_rules

from valuelex.domain.recovery import Experiment, Mean, Power, Recovery, Share, Size, ViewRecovery
from valuelex.domain.simulation import PlantedMeaning, PlantedSystem, SimulationPlan
from valuelex.domain.study import ConstructPlan, NormalisePlan
from valuelex.errors import DataError
from valuelex.stages import recover
from valuelex.stages.normalise import normalise
from valuelex.stages.recover import plant_words, say_power, simulate_study, summarise, write_answers
from valuelex.stages.simulate import draw_lists

SIZE = Size(24, 4, 6)
TERMS = NormalisePlan(min_respondents=2, keep=(), drop=(), merge={})
GROUPS = ConstructPlan(max_subdimensions=4, resamples=1)


def experiment(**changes):
    system = plant_words(PlantedSystem.even(2, 2, 24, correlation=0.5), shipped_rules())
    plan = SimulationPlan(system, sensitivity=3.0, popularity=0.2)
    return Experiment(replace(plan, **changes), (SIZE,), 2, 0, TERMS, GROUPS)


def test_normalisation_reads_every_list_as_it_was_drawn():
    system = plant_words(PlantedSystem.even(3, 2, 800), shipped_rules())
    simulated = draw_lists(SimulationPlan(system, 10, 10, 20, popularity=0.3), np.random.default_rng(0))
    assert any("-" in term for term in system.terms)
    every = replace(TERMS, min_respondents=1)
    lexicon, matrix, _ = normalise(write_answers(simulated), shipped_rules(), every)
    assert lexicon.dropped == ()
    assert matrix.response_ids == tuple(map(str, range(2000)))
    assert matrix.respondent_ids == tuple(str(i // 20) for i in range(2000))
    named = np.flatnonzero(simulated.values.any(axis=0))
    order = sorted(named, key=lambda j: simulated.terms[j])
    assert matrix.terms == tuple(simulated.terms[j] for j in order)
    np.testing.assert_array_equal(matrix.named.dense(), simulated.values[:, order])


def test_a_list_is_written_between_commas():
    simulated = draw_lists(experiment().at(Size(1, 1, 2)), np.random.default_rng(0))
    for answer, row in zip(write_answers(simulated), simulated.values, strict=True):
        assert answer.text.split(", ") == [t for t, named in zip(simulated.terms, row, strict=True) if named]


def test_words_of_a_system_are_planted_as_the_terms_they_count_as():
    system = PlantedSystem((0,), 3, terms=("honest", "xyzzy", "bravely"))
    assert plant_words(system, shipped_rules()).terms == ("honesty", "xyzzy", "bravery")


def test_two_words_of_one_term_are_not_planted():
    with pytest.raises(DataError) as caught:
        plant_words(PlantedSystem((0,), 2, terms=("honest", "honesty")), shipped_rules())
    assert str(caught.value) == (
        "The planted words 'honest' and 'honesty' count as one term, 'honesty'; plant one of them."
    )


def test_more_terms_than_the_vocabulary_has_are_not_planted():
    with pytest.raises(
        DataError, match=r"^9000 terms cannot be planted: the shipped lexicon has \d+ single words\."
    ):
        plant_words(PlantedSystem.even(3, 2, 9000), shipped_rules())


def test_strong_values_are_found_again():
    found = simulate_study(experiment(), SIZE, 0, shipped_rules())
    assert found.size == SIZE
    assert (found.n_terms, found.n_subdimensions, found.n_dimensions) == (24, 4, 2)
    assert found.subdimension_ari > 0.9
    assert found.dimension_ari > 0.9
    assert not found.too_little
    assert [view.name for view in found.views] == ["between", "within", "pooled"]
    assert max(view.ari for view in found.views) > 0.9
    assert found.views[2].weight == 0.0


@pytest.fixture
def given(monkeypatch):
    """What studies give to be analysed; nothing is analysed."""
    seen = []

    def look(*analysed):
        seen.append(analysed)
        raise DataError("looked")

    monkeypatch.setattr(recover, "construct", look)
    return seen


def test_a_study_comes_out_the_same_whatever_is_simulated_beside_it(given):
    many = replace(experiment(), sizes=(Size(1, 1, 1), SIZE), n_studies=9)
    for asked, study in ((experiment(), 3), (many, 3), (many, 4), (replace(many, seed=1), 3)):
        simulate_study(asked, SIZE, study, shipped_rules())
    alone, same, *others = [(matrix.named.dense().tobytes(), rng.random()) for matrix, *_, rng in given]
    assert same == alone
    for other in others:
        assert other[0] != alone[0]
        assert other[1] != alone[1]


def test_who_gave_a_list_reaches_the_analysis(given):
    planted = experiment(models_per_family=2, meaning=PlantedMeaning())
    found = simulate_study(planted, Size(5, 2, 3), 0, shipped_rules())
    ((matrix, sources, vectors, plan, _),) = given
    assert found.failure == "looked"
    assert plan is planted.construct
    assert sources.respondents == matrix.respondent_ids == tuple(str(i // 3) for i in range(30))
    assert sources.models == tuple(str(i // 6) for i in range(30))
    assert sources.families == tuple(str(i // 12) for i in range(30))
    # Terms are in alphabetical order now, and each vector has come along with its own.
    drawing, _ = np.random.default_rng([0, 0, 5, 2, 3]).spawn(2)
    simulated = draw_lists(planted.at(Size(5, 2, 3)), drawing)
    order = [simulated.terms.index(term) for term in matrix.terms]
    np.testing.assert_array_equal(vectors, simulated.vectors[order])


def test_a_study_too_small_for_a_value_system_says_why():
    found = simulate_study(experiment(), Size(1, 1, 1), 0, shipped_rules())
    assert found.too_little
    assert found.failure.startswith(
        "Only 0 terms were named by enough respondents, too few for a value system"
    )
    assert (found.n_subdimensions, found.subdimension_ari, found.dimension_ari) == (1, 0.0, 0.0)


def found(ari, k=4, *, too_little=False):
    return Recovery(SIZE, 0, 30, k, 2, too_little, ari, ari / 2)


def test_studies_of_a_size_are_counted():
    # Mean of .9, .7 and .2 is .6, their variance (.09 + .01 + .16) / 2 = .13, its error sqrt(.13 / 3).
    counted = summarise([found(0.9), found(0.7, k=5), found(0.2, too_little=True)], 4, target_ari=0.7)
    assert counted.n_studies == 3
    assert counted.subdimension_ari.value == pytest.approx(0.6)
    assert counted.subdimension_ari.error == pytest.approx(np.sqrt(0.13 / 3))
    assert counted.dimension_ari.value == pytest.approx(0.3)
    assert counted.n_subdimensions.value == pytest.approx(13 / 3)
    # One of the two that found four did not trust it.
    assert (counted.right.n, counted.too_little.n, counted.reached.n, counted.reached.of) == (1, 1, 2, 3)


def test_views_are_counted_over_the_studies_that_have_them():
    one, two = ViewRecovery("between", 1.0, 0.9), ViewRecovery("between", 0.5, 0.7)
    other = ViewRecovery("within", 0.0, 0.2)
    studies = [replace(found(0.9), views=(one, other)), replace(found(0.7), views=(two,)), found(0.0)]
    between, within = summarise(studies, 4, None).views
    assert (between.name, between.n_studies, between.ari.value) == ("between", 2, pytest.approx(0.8))
    assert (between.weight.value, between.ari.error) == (0.75, pytest.approx(0.1))
    assert (within.name, within.n_studies, within.ari.error) == ("within", 1, None)


def test_one_study_has_no_simulation_error_and_no_target_counts_nothing():
    counted = summarise([found(0.9)], 4, target_ari=None)
    assert counted.subdimension_ari == Mean(0.9, None)
    assert counted.reached is None


@pytest.mark.parametrize(("n", "low", "high"), [(10, 0.7225, 1.0), (5, 0.2366, 0.7634), (0, 0.0, 0.2775)])
def test_shares_have_the_interval_of_wilson(n, low, high):
    # 10 of 10: 1 / (1 + 1.96^2 / 10) = .7225; statsmodels' proportion_confint(5, 10, method="wilson") for 5.
    share = summarise([found(0.9)] * n + [found(0.1)] * (10 - n), 4, target_ari=0.5).reached
    assert (share.low, share.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert share.value == n / 10


def test_the_answer_names_the_size_its_odds_and_their_error():
    enough = replace(summarise([found(0.95), found(0.93)], 4, 0.9), reached=Share(2, 2, 0.342, 1.0))
    assert say_power(Power(4, 0.9, 0.8, (enough,), enough)) == (
        "24 models × 4 settings × 6 prompts (576 responses) may be enough to recover 4 groups with an adjusted Rand "
        "index of 0.9: 2 of 2 simulated studies reach it (probability 1.00, 95 % interval 0.34 to 1.00), mean index "
        "0.940 (simulation error 0.010), all of them other studies than those that chose this size. More --seeds "
        "would tell."
    )
    # Of 10 in 10 the interval begins at .72: more often than not at the least.
    sure = replace(enough, reached=Share(10, 10, 0.7225, 1.0))
    assert "(576 responses) are enough to recover" in say_power(Power(4, 0.9, 0.8, (sure,), sure))


def test_the_answer_says_so_if_no_size_is_enough_and_names_the_best():
    worse, best = (summarise([found(a), found(a)], 4, 0.9) for a in (0.1, 0.5))
    assert say_power(Power(4, 0.9, 0.8, (worse, best), None)) == (
        "No size that was tried is enough to recover 4 groups with an adjusted Rand index of 0.9 in 80% of studies. "
        "The best of them, 24 models × 4 settings × 6 prompts (576 responses): 0 of 2 simulated studies reach it "
        "(probability 0.00, 95 % interval 0.00 to 0.66), mean index 0.500 (simulation error 0.000). Try more models or "
        "prompts."
    )
