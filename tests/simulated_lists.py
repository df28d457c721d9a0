"""Simulated lists of words with planted groups, small enough to be factored in a blink."""

from __future__ import annotations

import numpy as np

from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.simulation import PlantedSystem, Shares, SimulationPlan
from valuelex.domain.sources import Sources
from valuelex.stages.simulate import draw_lists


def simulated_lists(*, n_respondents: int = 2) -> tuple[ResponseMatrix, Sources, np.ndarray]:
    """Draw 60 lists of each of 12 families, one model each, and each word's group.

    Families have a taste for the three groups, and so have lists; 30 words w00, w01... are dealt to groups in turn.
    """
    group = np.arange(30) % 3
    plan = SimulationPlan(
        PlantedSystem((0, 1, 2), 30, subdimension=tuple(group.tolist())),
        n_models=12,
        n_respondents=n_respondents,
        n_responses=60 // n_respondents,
        shares=Shares(0.5, 0.0, 0.5),
        popularity=0.3,
        sensitivity=1.5,
    )
    drawn = draw_lists(plan, np.random.default_rng(0))
    respondents = tuple(f"r{i:02d}" for i in drawn.respondents)
    families = tuple(f"f{i:02d}" for i in drawn.families)
    ids = tuple(f"x{i}" for i in range(plan.n_rows))
    terms = tuple(f"w{i:02d}" for i in range(30))
    return (
        ResponseMatrix.of_dense(drawn.values, ids, respondents, terms),
        Sources(respondents, families, families),
        group,
    )
