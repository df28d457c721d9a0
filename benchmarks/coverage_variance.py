"""How often 95 % intervals of variance components and of coefficients hold the truth, by simulation.

Run: python benchmarks/coverage_variance.py [replications]

Normal scores of crossed designs, complete (mean squares) and with 30 % missing at random (REML), for 10, 30 and
60 levels of the object of measurement. With 400 replications a coverage of .95 has a standard error of .011.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sys

import numpy as np

from valuelex.stats.design import parse_design
from valuelex.stats.generalizability import decision_study
from valuelex.stats.variance_components import variance_components

DESIGNS = {
    "p x i x j": (
        {"i": 20, "j": 4},
        {"p": 0.35, "i": 0.2, "j": 0.1, "p x i": 0.18, "p x j": 0.05, "i x j": 0.02, "residual": 0.35},
    ),
    "p x (i:h)": (
        {"h": 6, "i": 5},
        {"p": 0.35, "h": 0.1, "i:h": 0.15, "p x h": 0.1, "residual": 0.5},
    ),
    "p x i": ({"i": 12}, {"p": 0.4, "i": 0.2, "residual": 0.8}),
}


def simulate(
    notation: str, n: dict[str, int], truth: dict[str, float], rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """One set of scores, with the labels of its facets."""
    design = parse_design(notation)
    axes = dict(zip(n, np.indices(tuple(n.values())), strict=True))
    scores = rng.normal(size=tuple(n.values())) * np.sqrt(truth["residual"])
    for effect in design.effects[:-1]:
        shape = tuple(size if facet in effect else 1 for facet, size in n.items())
        scores = scores + rng.normal(size=shape) * np.sqrt(truth[design.name(effect)])
    labels = {facet: axis.ravel() for facet, axis in axes.items()}
    for facet, around in zip(design.facets, design.within, strict=True):
        for outer in around:
            labels[facet] = labels[facet] + 1000 * axes[outer].ravel()
    return scores.ravel(), labels


def coverage(notation: str, n_objects: int, missing: float, replications: int, seed: int) -> dict[str, float]:
    """Share of intervals that hold the truth: of each component, and of both coefficients."""
    others, truth = DESIGNS[notation]
    rng = np.random.default_rng(seed)
    hits: dict[str, list[bool]] = {}
    for _ in range(replications):
        scores, labels = simulate(notation, {"p": n_objects, **others}, truth, rng)
        kept = rng.random(len(scores)) >= missing
        found = variance_components(scores[kept], {f: v[kept] for f, v in labels.items()}, notation)
        for name, low, high in zip(found.names, found.low, found.high, strict=True):
            hits.setdefault(name, []).append(bool(low <= truth[name] <= high))
        study = decision_study(found, "p", others)
        weights = np.array([truth[name] for name in found.names])
        relative, absolute = true_errors(found.names, weights, others)
        for name, error, interval in (
            ("generalizability", relative, study.generalizability_interval),
            ("dependability", absolute, study.dependability_interval),
        ):
            share = truth["p"] / (truth["p"] + error)
            hits.setdefault(name, []).append(bool(interval[0] <= share <= interval[1]))
    return {name: float(np.mean(held)) for name, held in hits.items()}


def true_errors(names: tuple[str, ...], values: np.ndarray, n: dict[str, int]) -> tuple[float, float]:
    """Relative and absolute error variance of averages over n levels, written out again by name."""
    relative, absolute = 0.0, 0.0
    for name, value in zip(names, values, strict=True):
        facets = {"p", *n} if name == "residual" else set(name) & {"p", *n}
        if facets == {"p"}:
            continue
        share = value / np.prod([n[facet] for facet in facets - {"p"}])
        absolute += share
        relative += share * ("p" in facets)
    return relative, absolute


def main() -> None:
    """Print one table for each design."""
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    for notation in DESIGNS:
        rows = {
            (n_objects, missing): coverage(notation, n_objects, missing, replications, n_objects)
            for missing in (0.0, 0.3)
            for n_objects in (10, 30, 60)
        }
        names = list(next(iter(rows.values())))
        print(f"\n{notation}, {DESIGNS[notation][0]}, {replications} replications\n")
        print(f"| n_p | missing | {' | '.join(names)} |\n|{'---|' * (len(names) + 2)}")
        for (n_objects, missing), held in rows.items():
            cells = " | ".join(f"{held[name]:.3f}" for name in names)
            print(f"| {n_objects} | {missing:.0%} | {cells} |")


if __name__ == "__main__":
    main()
