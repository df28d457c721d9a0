"""What adaptive length saves, and what stopping on a width costs in coverage.

Simulates respondents whose ratings vary between stems by different amounts, on one system of six subdimensions, and
gives them the test as the pipeline does: 24 stems, then rounds of 12, until every interval is narrow enough or
120 stems are asked. Prints the share of completions saved, the coverage of the 95 % intervals of the
subdimensions where one stopped, beside that of all 120 stems, and the mean error of the estimate.

Run: python benchmarks/adaptive.py
"""

from __future__ import annotations

import dataclasses

import numpy as np

from valuelex.domain.measure import Completion, Manual, ProjectiveTest, RatingArray, Stem, StemKind
from valuelex.domain.structure import Dimension, Subdimension, ValueSystem
from valuelex.domain.study import (
    Adaptive,
    ComparePlan,
    Endpoint,
    JudgePlan,
    Model,
    ProjectPlan,
    Respondent,
    Study,
)
from valuelex.stages.adaptive import count_saving, still_open
from valuelex.stages.score import orient

N_RESPONDENTS, N_STEMS, N_SUBDIMENSIONS = 100, 120, 6
N_STUDIES = 20
WIDTHS = (1.0, 0.8, 0.6)
RESAMPLES = 1000
SEED = 2024


def design(width: float) -> tuple[Study, ValueSystem]:
    """Make a study that asks for intervals of this width."""
    endpoint = Endpoint("none", "none", None, sends_seed=False, max_in_flight=1)
    model = Model(endpoint, "simulated")
    people = tuple(Respondent(f"r{i}", model, "chat", 1.0, 1.0, family=f"f{i}") for i in range(N_RESPONDENTS))
    names = [f"v{i}" for i in range(N_SUBDIMENSIONS)]
    parts = tuple(Subdimension(n, n, n, (n,), (n,), (n,)) for n in names)
    system = ValueSystem("simulated", "simulated", "simulated", (Dimension("all", "all", "all", parts),))
    stems = tuple(Stem(f"s{i:03d}", f"When {i}, I", StemKind.NEUTRAL, "v0") for i in range(N_STEMS))
    project = ProjectPlan(
        ProjectiveTest("simulated", "simulated", stems, ()),
        1,
        1,
        (system,),
        built=False,
        adaptive=Adaptive(width, step=12, least=24),
    )
    study = Study(
        "simulated",
        SEED,
        people,
        None,
        None,
        None,
        project,
        (JudgePlan("simulated", "axis"),),
        Manual("none", "none", "", "", ("",) * 7),
        ComparePlan((), RESAMPLES),
    )
    return study, system


def simulate(study: Study, rng: np.random.Generator) -> tuple[RatingArray, np.ndarray]:
    """Rate every respondent on every stem; return the ratings and the true standings."""
    truth = rng.normal(3.0, 0.5, size=(N_RESPONDENTS, N_SUBDIMENSIONS))
    spread = rng.uniform(0.5, 1.6, size=(N_RESPONDENTS, 1, 1))
    noise = rng.normal(size=(N_RESPONDENTS, N_STEMS, N_SUBDIMENSIONS))
    values = np.clip(truth[:, None, :] + spread * noise, 0, 6)
    # The truth of a clipped rating is its own mean, by many more draws of the same noise.
    draws = np.clip(
        truth[:, None, :] + spread * rng.normal(size=(N_RESPONDENTS, 20_000, N_SUBDIMENSIONS)), 0, 6
    )
    completions = tuple(
        Completion(f"{r.id}:{s.id}", r.id, s.id, 0, "said.", None, "")
        for r in study.respondents
        for s in study.project.test.stems
    )
    system = study.project.systems[0]
    array = RatingArray.of(
        "simulated",
        system.name,
        values.reshape(-1, N_SUBDIMENSIONS),
        completions,
        tuple(s.id for s in system.subdimensions),
    )
    return array, draws.mean(axis=1)


def asked(array: RatingArray, limits: dict[str, int]) -> RatingArray:
    """Keep the first stems of each respondent."""
    kept = np.array([int(c.stem_id[1:]) < limits[c.respondent_id] for c in array.completions])
    completions = tuple(c for c, keep in zip(array.completions, kept, strict=True) if keep)
    return dataclasses.replace(
        array, values=array.values[kept], missing=array.missing[kept], completions=completions
    )


def give(study: Study, system: ValueSystem, array: RatingArray) -> dict[str, int]:
    """Ask in rounds, as the pipeline does; return how many stems each respondent was asked."""
    limits = {r.id: study.project.first_stems for r in study.respondents}
    while unfinished := still_open(study, [system], [asked(array, limits)], limits):
        limits |= {name: min(limits[name] + 12, N_STEMS) for name in unfinished}
    return limits


def covered(
    study: Study, system: ValueSystem, array: RatingArray, truth: np.ndarray, rng: np.random.Generator
) -> tuple[list[bool], list[float]]:
    """Tell of each subdimension of each respondent whether its interval holds the truth, and the error."""
    ids = [r.id for r in study.respondents]
    stems = [s.id for s in study.project.test.stems]
    hits, errors = [], []
    for o in orient(array, system, ids, stems, RESAMPLES, rng):
        if (
            o.level == "subdimension"
            and o.estimate is not None
            and o.ci_low is not None
            and o.ci_high is not None
        ):
            true = truth[int(o.respondent_id[1:]), int(o.target[1:])]
            hits.append(bool(o.ci_low <= true <= o.ci_high))
            errors.append(float(o.estimate - true))
    return hits, errors


def main() -> None:
    """Simulate and print the table."""
    print(f"{N_STUDIES} studies of {N_RESPONDENTS} respondents, at most {N_STEMS} stems")
    print("width  saved  coverage stopped  all stems  mean error")
    for width in WIDTHS:
        study, system = design(width)
        saved, stopped, full, errors = [], [], [], []
        for seed in range(N_STUDIES):
            rng = np.random.default_rng([SEED, seed])
            array, truth = simulate(study, rng)
            limits = give(study, system, array)
            saved.append(count_saving(study, limits).share)
            hits, error = covered(study, system, asked(array, limits), truth, rng)
            stopped += hits
            errors += error
            full += covered(study, system, array, truth, rng)[0]
        shares = f"{np.mean(saved):5.0%}  {np.mean(stopped):16.1%}  {np.mean(full):9.1%}"
        print(f"{width:5.1f}  {shares}  {np.mean(errors):10.3f}")


if __name__ == "__main__":
    main()
