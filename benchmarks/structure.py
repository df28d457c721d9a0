"""Measure how well a planted value system is found: the number of groups, and the terms of each.

Lists are drawn from three dimensions of two subdimensions each (traits of one dimension correlate .4), by
`valuelex.stages.simulate`. First the paper's size, 35 models x 15 settings x 15 prompts with 5.6 of 197 words: the
variance of the values lies between models (B), between settings of a model, or within lists (W); style is what each
model likes for no reason, with standard deviation 1 where terms are as sensitive to values as 1 (weak: .6); popular:
one term is in most lists. Then plain lists of about ten words from one source each, where the only level is that of all
lists together.

For each condition: how often the number of groups was found (from lists alone), how often it was said that there is too
little data to tell, and the adjusted Rand index with six groups: of each view alone, of the lists together, and of all
views with cross-validated weights, where embeddings follow the groups by 15 % of their variance, and where they mislead
(10 % follow the groups, 30 % others). `worst` is the least difference in any run, of the combined groups from the best
single view (good embeddings) and from the lists alone (misleading ones).

Run: python benchmarks/structure.py [--seeds 40] [--only CONDITION ...] [--curve] [--models N ...]
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import argparse
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from valuelex.domain.simulation import PlantedMeaning, PlantedSystem, Shares, SimulationPlan
from valuelex.stages.simulate import draw_lists
from valuelex.stats.level_choice import Evidence, affinities, choose_levels, partitions
from valuelex.stats.levels import Affinity, count_lists, product_affinity, profiles
from valuelex.stats.view_weights import choose_weights

PAPER = SimulationPlan(PlantedSystem.even(3, 2, 197))
PLAIN = replace(
    PAPER, n_models=500, n_respondents=1, n_responses=1, list_length=10.0, shortest=3, shares=Shares(0, 0, 1)
)
GOOD, MISLEADING = PlantedMeaning(0.15), PlantedMeaning(0.1, 0.3)
N_GROUPS = 6


def paper(models: float, respondents: float, responses: float, **more: float) -> SimulationPlan:
    """Plan the paper's size with these shares of variance."""
    return replace(PAPER, shares=Shares(models, respondents, responses), **more)


def plain(n: int, p: int, **more: float) -> SimulationPlan:
    """Plan so many lists of so many words, each from a source of its own."""
    return replace(PLAIN, n_models=n, system=PlantedSystem.even(3, 2, p), **more)


CONDITIONS = {
    "B .5 W .3": paper(0.5, 0.2, 0.3),
    "B .5 W .3 weak": paper(0.5, 0.2, 0.3, sensitivity=0.6),
    "B .8 W .1 weak": paper(0.8, 0.1, 0.1, sensitivity=0.6),
    "B .5 W .3 style": paper(0.5, 0.2, 0.3, style=1.0),
    "W 1 style": paper(0, 0, 1, style=1.0),
    "W 1 style weak": paper(0, 0, 1, style=1.0, sensitivity=0.6),
    "W 1 style popular": paper(0, 0, 1, style=1.0, popularity=1.3),
    "nothing, style": paper(0.5, 0.2, 0.3, sensitivity=0.0, style=1.0),
    "nothing": paper(0.5, 0.2, 0.3, sensitivity=0.0),
    "nothing, popular": paper(0.5, 0.2, 0.3, sensitivity=0.0, popularity=1.3),
    "plain n500 p100": plain(500, 100),
    "plain n500 p500": plain(500, 500),
    "plain n2000 p500": plain(2000, 500),
    "plain n2000 p300 weak": plain(2000, 300, sensitivity=0.6),
    "plain n500 p200": plain(500, 200),
    "plain n500 p100 nothing": plain(500, 100, sensitivity=0.0),
}


@dataclass(frozen=True)
class Run:
    """What one simulated study gave."""

    found: str
    """The number of groups, or what is said instead of one."""
    by_level: tuple[str, ...]
    rand: dict[str, float]


def observe(plan: SimulationPlan, seed: int) -> Run:
    """Simulate one study and group its terms."""
    drawing, choosing = np.random.default_rng([2026, seed]).spawn(2)
    # The embeddings come last from the generator, so both draws have the same lists.
    state = drawing.bit_generator.state
    data = draw_lists(replace(plan, meaning=GOOD), drawing)
    drawing.bit_generator.state = state
    other = draw_lists(replace(plan, meaning=MISLEADING), drawing)
    assert (data.values == other.values).all()
    named = data.values.sum(axis=0) >= max(5, 0.005 * len(data.values) if plan.n_responses == 1 else 0)
    truth = data.subdimension[named]
    evidence = _evidence(plan, data.values[:, named], data.respondents, data.models)
    choice = choose_levels(evidence, choosing)
    everyone = np.ones(evidence.n_independent)
    between, within = affinities(evidence, everyone)
    p = len(truth)

    def rand(views: tuple[Affinity | None, ...], weights: tuple[float, ...]) -> float:
        (labels,) = partitions(views, weights, p, [N_GROUPS])
        return float(adjusted_rand_score(truth, labels)) if plan.is_planted else 0.0

    found = {"within": rand((within,), (1.0,))}
    if evidence.profile is not None:
        found["between"] = rand((between,), (1.0,))
    found["lists"] = rand((between, within), choice.mix[N_GROUPS - 1])
    for name, vectors in (("good", data.vectors), ("misleading", other.vectors)):
        assert vectors is not None
        meaning = product_affinity(vectors[named].T)
        weights = choose_weights(evidence, meaning, N_GROUPS, choice.mix[N_GROUPS - 1], choosing)
        found[f"{name} alone"] = rand((meaning,), (1.0,))
        found[f"with {name}"] = rand((between, within, meaning), weights)
    levels = tuple(_said(level) for level in (choice.between, choice.within) if level is not None)
    return Run(_said(choice.joint), levels, found)


def _evidence(plan: SimulationPlan, values: Any, respondents: Any, models: Any) -> Evidence:
    none = np.zeros(0, dtype=np.int64)
    if plan.n_responses == 1:
        counts = count_lists(values, respondents, np.zeros(len(values), dtype=np.int64))
        return Evidence(counts, None, none, np.arange(counts.n_blocks), pooled=True)
    counts = count_lists(values, respondents, models)
    return Evidence(counts, profiles(counts), np.arange(counts.n_units), counts.unit)


def _said(choice: Any) -> str:
    outcome = choice.outcome.value
    return str(choice.n_groups) if outcome == "GROUPS" else {"NO_GROUPS": "1"}.get(outcome, "too little")


def main() -> None:
    """Print a row for each condition."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--only", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS))
    parser.add_argument("--curve", action="store_true", help="numbers of models instead")
    parser.add_argument(
        "--models", type=int, nargs="+", default=[5, 10, 20, 35, 70, 200], help="those numbers"
    )
    arguments = parser.parse_args()
    conditions = {name: CONDITIONS[name] for name in arguments.only}
    if arguments.curve:
        conditions = {
            f"{name}, {n} models": replace(CONDITIONS[name], n_models=n)
            for name in ("B .5 W .3", "B .5 W .3 weak", "B .5 W .3 style")
            for n in arguments.models
        }
    columns = ("between", "within", "lists", "good alone", "with good", "with misleading")
    print(f"{'':28}{'number found (runs)':40}" + "".join(f"{c:>16}" for c in columns) + f"{'worst':>14}")
    for name, plan in conditions.items():
        runs = [observe(plan, seed) for seed in range(arguments.seeds)]
        said = ", ".join(f"{found} ({n})" for found, n in Counter(r.found for r in runs).most_common())
        means = [np.mean([r.rand.get(c, np.nan) for r in runs]) for c in columns]
        best = [
            r.rand["with good"]
            - max(v for c, v in r.rand.items() if "with " not in c and c != "misleading alone")
            for r in runs
        ]
        spoiled = [r.rand["with misleading"] - r.rand["lists"] for r in runs]
        cells = "".join(f"{'' if np.isnan(m) else format(m, '.2f'):>16}" for m in means)
        print(f"{name:28}{said:40}{cells}{min(best):>7.2f}{min(spoiled):>7.2f}", flush=True)
        for i, level in enumerate(("between", "within")[-len(runs[0].by_level) :]):
            each = Counter(r.by_level[i] for r in runs).most_common()
            print(f"  {level:26}{', '.join(f'{found} ({n})' for found, n in each)}", flush=True)


if __name__ == "__main__":
    main()
