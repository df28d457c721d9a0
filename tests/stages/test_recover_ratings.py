from dataclasses import replace

import numpy as np

from valuelex.domain.recovery import Experiment, Size
from valuelex.domain.simulation import PlantedSystem, SimulationPlan
from valuelex.domain.study import ConstructPlan, NormalisePlan
from valuelex.stages.recover_ratings import simulate_rated_study

SIZE = Size(60, 2, 2)
PLAN = SimulationPlan(PlantedSystem.even(2, 2, 24))
ASKED = Experiment(PLAN, (SIZE,), 1, 0, NormalisePlan(2, (), (), {}), ConstructPlan(resamples=1), mode="rate")


def test_ratings_of_many_models_give_the_planted_groups_back():
    found = simulate_rated_study(ASKED, SIZE, 0)
    assert (found.n_terms, found.n_subdimensions, found.n_dimensions) == (24, 4, 0)
    assert found.subdimension_ari == 1.0
    assert np.isnan(found.dimension_ari)


def test_styles_of_few_models_pass_for_factors_unless_the_number_is_given():
    few = replace(ASKED, plan=replace(PLAN, style=1.5))
    free = simulate_rated_study(few, Size(8, 10, 2), 0)
    given = simulate_rated_study(
        replace(few, construct=ConstructPlan(n_subdimensions=4, resamples=1)), Size(8, 10, 2), 0
    )
    assert free.n_subdimensions == given.n_subdimensions != 4
    assert free.subdimension_ari != given.subdimension_ari
