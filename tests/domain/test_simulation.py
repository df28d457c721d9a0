import numpy as np
import pytest

from valuelex.domain.simulation import PlantedMeaning, PlantedSystem, Shares, Simulated, SimulationPlan
from valuelex.errors import DataError

SIX = PlantedSystem.even(3, 2, n_terms=60)


def test_an_even_system_has_as_many_subdimensions_in_every_dimension():
    assert SIX.dimension == (0, 0, 1, 1, 2, 2)
    assert (SIX.n_dimensions, SIX.n_subdimensions) == (3, 6)


def test_a_plan_counts_what_it_holds():
    plan = SimulationPlan(SIX, n_models=7, n_respondents=3, n_responses=4, models_per_family=2)
    assert (plan.n_rows, plan.n_families, plan.longest) == (84, 4, 20)


def test_nothing_is_planted_without_sensitivity_or_with_one_group():
    assert SimulationPlan(SIX).is_planted
    assert not SimulationPlan(SIX, sensitivity=0.0).is_planted
    assert not SimulationPlan(PlantedSystem.even(1, 1, 30)).is_planted


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: PlantedSystem.even(3, 2, 11),
            "11 terms are too few to plant 6 subdimensions; give at least 12 terms, or plant fewer.",
        ),
        (
            lambda: PlantedSystem.even(0, 2, 11),
            "0 dimensions of 2 subdimensions cannot be planted; plant at least one of one.",
        ),
        (
            lambda: PlantedSystem((0, 2), 11),
            "The dimensions of the planted subdimensions are [0, 2]; number them from 0, none left out.",
        ),
        (
            lambda: PlantedSystem.even(3, 2, 60, correlation=1.0),
            "The correlation inside a planted dimension is 1.0; give one from 0 to below 1.",
        ),
        (
            lambda: PlantedSystem((0,), 2, terms=("a", "a")),
            "The planted term 'a' stands twice; give each once.",
        ),
        (
            lambda: PlantedSystem((0,), 2, terms=("a",)),
            "terms has 1 entries, but 2 terms are planted.",
        ),
        (
            lambda: PlantedSystem((0, 0), 4, subdimension=(0, 0, 0, 0)),
            "The planted terms must lie in subdimensions 0 to 1, and each must have one.",
        ),
        (
            lambda: Shares(0.5, 0.5, 0.5),
            "The shares of variance are 0.5, 0.5, 0.5; those between models, between respondents of a model and "
            "within responses must be at least 0 and add up to 1.",
        ),
        (
            lambda: PlantedMeaning(0.8, 0.3),
            "The embeddings follow the planted groups by 0.8 and others by 0.3 of their variance; both must be at "
            "least 0 and at most 1 together.",
        ),
        (lambda: SimulationPlan(SIX, n_models=0), "n_models is 0; simulate at least 1."),
        (lambda: SimulationPlan(SIX, style=-1.0), "style is -1.0; give a number of at least 0."),
        (lambda: SimulationPlan(SIX, noise=float("nan")), "noise is nan; give a number of at least 0."),
        (lambda: SimulationPlan(SIX, family_share=1.5), "family_share is 1.5; give a share from 0 to 1."),
        (
            lambda: SimulationPlan(PlantedSystem.even(1, 1, 5)),
            "Lists of at least 2 of 5 terms say too little: a list may hold a third of the terms, 1. Plant more terms.",
        ),
    ],
)
def test_what_cannot_be_planted_is_refused(make, message):
    with pytest.raises(DataError) as caught:
        make()
    assert str(caught.value) == message


def test_simulated_answers_have_the_shape_of_their_labels():
    rows, terms = np.zeros(3, dtype=np.int64), np.zeros(2, dtype=np.int64)
    with pytest.raises(DataError, match=r"^values has shape \(2, 3\), but the labels describe \(3, 2\)"):
        Simulated(np.zeros((2, 3), dtype=np.uint8), terms, terms, rows, rows, rows, None, ("a", "b"))
