"""Put simulated ratings of terms through the analysis of real ones, and count what comes back.

Owns the way from simulated ratings to groups of terms: the mean of each respondent, and factors of these means, each
term going with its largest loading. Answers are whole numbers on the scale, so there is nothing to lose in
reading them, and they enter as numbers.
"""

from __future__ import annotations

import numpy as np

from valuelex.domain.factors import FactorPlan, NoFactors
from valuelex.domain.recovery import Experiment, Recovery, Size
from valuelex.stages.factor_data import RatedData
from valuelex.stages.factor_route import route_of_ratings
from valuelex.stages.recover import agreement, sources_of, streams
from valuelex.stages.simulate import draw_ratings

RULE = "parallel analysis (components)"
"""The rule that tells the number of factors where the experiment gives none."""


def simulate_rated_study(experiment: Experiment, size: Size, study: int) -> Recovery:
    """Simulate one study in which every respondent rates every term, and compare its factors with what was planted.

    Parameters
    ----------
    experiment, size, study
        As for `simulate_study`. `construct.n_subdimensions` is the number of factors; None: as many as parallel
        analysis of the ratings suggests.

    Returns
    -------
    Recovery
        Without dimensions (0 of them, with an index of NaN): factors are not put in an order of levels.
        `n_subdimensions` is what parallel analysis suggests, also where the number is given.
    """
    plan = experiment.at(size)
    drawing, building = streams(experiment, size, study)
    simulated = draw_ratings(plan, drawing)
    n_respondents = plan.n_models * plan.n_respondents
    values = simulated.values.reshape(n_respondents, plan.n_responses, -1).mean(axis=1)
    sources = sources_of(simulated, np.arange(0, plan.n_rows, plan.n_responses))
    rules = RatedData.of(values, simulated.terms, sources).rules(experiment.n_planted, building)
    suggested = next((rule.suggests for rule in rules if rule.rule.startswith(RULE)), None)
    k = experiment.construct.n_subdimensions or suggested or 1
    route = route_of_ratings(
        values,
        simulated.terms,
        sources,
        np.full(len(simulated.terms), -1),
        FactorPlan(n_factors=k, resamples=0),
        building,
    )
    if isinstance(route, NoFactors):
        return Recovery(size, study, len(simulated.terms), 1, 0, True, 0.0, np.nan, failure=route.reason)
    place = {term: j for j, term in enumerate(simulated.terms)}
    planted = simulated.subdimension[[place[term] for term in route.terms]]
    return Recovery(
        size=size,
        study=study,
        n_terms=len(route.terms),
        n_subdimensions=max(suggested or 1, 1),
        n_dimensions=0,
        too_little=suggested is None,
        subdimension_ari=agreement(route.primary, planted),
        dimension_ari=np.nan,
    )
