"""Measure how long it takes to build a value system with all evidence, and how that grows.

First the paper's size: 525 respondents of 35 models, 7,875 lists of 5.6 of 197 terms, with embeddings: number of groups
at every level, weights of the views, dimensions, 1,000 resamples of families, nulls, splits, sensitivity, verdict. One
core, CPU seconds, best of three.

With --scale: lists of 10,000 terms by 35 models, doubled up to a million, each size in a process of its own: from the
matrix of responses, what every value system is made of, each once. Counting grows with the lists; grouping, which is
done again for every fold, weight and resample, with the terms.

With --whole: all of it, for a million lists, but the evidence: numbers of groups at all levels, weights, dimensions.

Run: python benchmarks/speed_structure.py [--scale] [--whole]
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from sklearn.metrics import adjusted_rand_score

from valuelex.domain.incidence import Incidence
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.simulation import PlantedMeaning, PlantedSystem, SimulationPlan
from valuelex.domain.sources import Sources
from valuelex.domain.study import ConstructPlan
from valuelex.stages.construct import construct
from valuelex.stages.material import gather
from valuelex.stages.simulate import draw_lists
from valuelex.stats.cluster import Labels
from valuelex.stats.level_choice import affinities, partitions
from valuelex.stats.view_weights import held_out_gains

SIZES = (125_000, 250_000, 500_000, 1_000_000)
N_TERMS, N_MODELS, N_GROUPS, LISTS_EACH = 10_000, 35, 6, 15


def paper_size() -> None:
    """Build one value system with all evidence, three times."""
    rng = np.random.default_rng(2026)
    data = draw_lists(SimulationPlan(PlantedSystem.even(3, 2, 197), meaning=PlantedMeaning(0.15)), rng)
    respondents = tuple(f"r{i}" for i in data.respondents)
    models = tuple(f"m{i}" for i in data.models)
    prompts = tuple(f"p{i % 15}" for i in range(len(respondents)))
    ids = tuple(str(i) for i in range(len(respondents)))
    matrix = ResponseMatrix.of_dense(data.values, ids, respondents, data.terms)
    sources = Sources(respondents, models, models, prompts)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        structure = construct(matrix, sources, data.vectors, ConstructPlan(), np.random.default_rng(1))
        seconds.append(time.process_time() - start)
    rand = adjusted_rand_score(data.subdimension, structure.taxonomy.subdimension)
    print(
        f"{len(matrix.response_ids):,} lists, {len(matrix.terms)} terms, {structure.taxonomy.n_resamples:,} resamples"
    )
    print(f"groups found {structure.joint.n_groups} of 6, adjusted Rand index {rand:.2f}")
    print(
        f"CPU seconds, all evidence: {min(seconds):.1f} (three runs: {', '.join(f'{s:.1f}' for s in seconds)})"
    )


def study_of(n_lists: int) -> tuple[ResponseMatrix, Sources, Labels]:
    """Draw lists of about 5.6 terms, half of them on the list's own topic; who gave them; the topics of terms."""
    rng = np.random.default_rng(n_lists)
    topic = np.arange(N_TERMS) % N_GROUPS
    reach = np.cumsum(np.arange(1, N_TERMS + 1) ** -0.7)
    length = np.clip(rng.poisson(5.6, n_lists), 2, None)
    row = np.repeat(np.arange(n_lists), length)
    term = np.searchsorted(reach, rng.random(len(row)) * reach[-1])
    own = rng.random(len(row)) < 0.5
    term[own] = np.minimum(
        (term[own] // N_GROUPS) * N_GROUPS + rng.integers(0, N_GROUPS, n_lists)[row[own]], N_TERMS - 1
    )
    named = Incidence.of_pairs(row, term, (n_lists, N_TERMS))
    model = np.arange(n_lists) * N_MODELS // n_lists
    who = np.arange(n_lists) // LISTS_EACH * N_MODELS + model
    respondents, models = (
        {i: f"{kind}{i}" for i in set(of.tolist())} for kind, of in (("r", who), ("m", model))
    )
    by = tuple(respondents[i] for i in who.tolist())
    of_model = tuple(models[i] for i in model.tolist())
    prompts = tuple(f"p{i % LISTS_EACH}" for i in range(n_lists))
    ids = tuple(f"{name}:{i % LISTS_EACH}" for i, name in enumerate(by))
    matrix = ResponseMatrix(named, ids, by, tuple(f"w{j}" for j in range(N_TERMS)))
    return matrix, Sources(by, of_model, of_model, prompts), topic


def one_size(n_lists: int) -> None:
    """Count lists, group the terms, and score groups on families held out."""
    matrix, sources, topic = study_of(n_lists)
    start = time.process_time()
    material = gather(matrix, sources.units(), None)
    counted = time.process_time() - start
    evidence = material.evidence
    start = time.process_time()
    (labels,) = partitions(affinities(evidence, np.ones(N_MODELS)), (1.0, 1.0), N_TERMS, [N_GROUPS])
    grouped = time.process_time() - start
    start = time.process_time()
    held = np.arange(N_MODELS) % 5 == 0
    gain = held_out_gains(evidence, None, N_GROUPS, [held], [(1.0, 1.0, 0.0)]).mean()
    scored = time.process_time() - start
    rand = adjusted_rand_score(topic, labels)
    print(
        f"{n_lists:>12,}{counted:>10.1f}{grouped:>10.1f}{scored:>14.1f}{peak():>10.2f}{rand:>8.2f}{gain:>14.0f}",
        flush=True,
    )


def whole(n_lists: int) -> None:
    """Build the value system of the largest study, without the evidence."""
    matrix, sources, topic = study_of(n_lists)
    start = time.process_time()
    structure = construct(matrix, sources, None, ConstructPlan(resamples=0), np.random.default_rng(1))
    seconds = time.process_time() - start
    rand = adjusted_rand_score(topic, structure.taxonomy.subdimension)
    print(f"{n_lists:,} lists, {N_TERMS:,} terms: {seconds:.0f} CPU seconds, peak {peak():.2f} GB")
    print(f"groups found {structure.joint.n_groups} of {N_GROUPS}, adjusted Rand index {rand:.2f}")


def peak() -> float:
    """Return the most memory that this process had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Print the table that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.size:
        one_size(arguments.size)
    elif arguments.whole:
        whole(SIZES[-1])
    elif arguments.scale:
        print(
            f"{'lists':>12}{'count s':>10}{'group s':>10}{'fold s':>14}{'peak GB':>10}{'ARI':>8}{'gain, nats':>14}"
        )
        for size in SIZES:
            subprocess.run([sys.executable, __file__, "--size", str(size)], check=True)
    else:
        paper_size()


if __name__ == "__main__":
    main()
