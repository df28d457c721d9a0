"""Check by simulation how often tests find what is not there, at the 5 % level.

Run: python benchmarks/false_positives.py [--splits]
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.simulation import PlantedSystem, SimulationPlan
from valuelex.stages.population_difference import difference_of
from valuelex.stages.simulate import draw_lists
from valuelex.stats.cooccurrence import as_lists
from valuelex.stats.correlation import bartlett_sphericity, correlate
from valuelex.stats.multiplicity import benjamini_hochberg, holm
from valuelex.stats.permutation import permute_labels, sign_flip_p_values

Array = NDArray[np.float64]
SEED = 2024
SAMPLES = 4000
PERMUTATIONS = 999


def rate(found: NDArray[np.bool_]) -> str:
    """Return a rate in % with its standard error."""
    share = float(found.mean())
    return f"{100 * share:.1f} ± {100 * np.sqrt(share * (1 - share) / found.size):.1f}"


def permuted(values: Array, labels: NDArray[np.int64], rng: np.random.Generator, **options: object) -> str:
    """Rate of p <= .05 over columns, each a sample of its own."""
    found = permute_labels(values, labels, rng, n_permutations=PERMUTATIONS, **options)  # type: ignore[arg-type]
    return rate(found.p_values <= 0.05)


def label_table(rng: np.random.Generator) -> None:
    """Print false positives of label permutation by design."""
    print(
        f"Permuted labels, {SAMPLES} samples without an effect, {PERMUTATIONS} permutations. p <= .05, in %.\n"
    )
    print("| Design | studentised | difference | what would be wrong |\n|---|---|---|---|")

    def show(name: str, cells: list[str]) -> None:
        print("|", " | ".join([name, *cells]), "|", flush=True)

    both = ("studentised", "difference")
    labels = np.repeat([0, 1], [12, 12])
    values = rng.normal(size=(24, SAMPLES))
    show("12 and 12 rows", [permuted(values, labels, rng, statistic=s) for s in both] + ["–"])
    labels = np.repeat([0, 1], [8, 32])
    values = np.where(labels == 0, 3.0, 1.0)[:, None] * rng.normal(size=(40, SAMPLES))
    show("8 and 32 rows, sd 3 : 1", [permuted(values, labels, rng, statistic=s) for s in both] + ["–"])
    labels = np.repeat([0, 1, 2], [8, 16, 32])
    values = np.array([3.0, 2.0, 1.0])[labels][:, None] * rng.normal(size=(56, SAMPLES))
    show("8, 16, 32 rows, sd 3 : 2 : 1", [permuted(values, labels, rng, statistic=s) for s in both] + ["–"])
    # Blocks that differ in level, and in how many of their rows have the first label.
    blocks = np.repeat(np.arange(6), 6)
    labels = np.concatenate([np.arange(6) < n for n in (1, 2, 3, 3, 4, 5)]).astype(np.int64)
    values = 1.5 * np.arange(6)[blocks][:, None] + rng.normal(size=(36, SAMPLES))
    wrong = f"blocks left out: {permuted(values, labels, rng)}"
    show(
        "6 blocks of 6 rows, levels go with labels",
        [permuted(values, labels, rng, blocks=blocks, statistic=s) for s in both] + [wrong],
    )
    for n_units in (8, 20):
        groups = np.repeat(np.arange(n_units), 5)
        labels = groups % 2
        values = rng.normal(size=(n_units, SAMPLES))[groups] + rng.normal(size=(5 * n_units, SAMPLES))
        wrong = f"rows permuted: {permuted(values, labels, rng)}"
        cells = [permuted(values, labels, rng, groups=groups, statistic=s) for s in both]
        show(f"{n_units} units of 5 rows that share half their variance", [*cells, wrong])


def sign_table(rng: np.random.Generator) -> None:
    """Print false positives of sign flips."""
    print(f"\nSign flips, {SAMPLES} samples of differences around 0. p <= .05, in %.\n")
    print(
        "| Rows | normal | heavy tails (t, 3 df) | 2 rows a unit, units flipped | the same, rows flipped |\n"
        "|---|---|---|---|---|"
    )
    for n_rows in (6, 12, 24):
        groups = np.repeat(np.arange(n_rows // 2), 2)
        normal, heavy = rng.normal(size=(n_rows, SAMPLES)), rng.standard_t(3, size=(n_rows, SAMPLES))
        shared = rng.normal(size=(n_rows // 2, SAMPLES))[groups] + 0.5 * normal
        flips = {"n_flips": PERMUTATIONS, "rng": rng, "exact": True}
        cells = [rate(sign_flip_p_values(values, **flips) <= 0.05) for values in (normal, heavy)]
        cells.append(rate(sign_flip_p_values(shared, groups=groups, **flips) <= 0.05))
        cells.append(rate(sign_flip_p_values(shared, **flips) <= 0.05))
        print("|", " | ".join([str(n_rows), *cells]), "|", flush=True)


def family_table(rng: np.random.Generator) -> None:
    """Print errors over families of correlated tests, some of which have an effect."""
    n_families, n_tests = 800, 20
    print(
        f"\nFamilies of {n_tests} sign-flip tests on the same 24 rows, correlated .4, {n_families} families, in %.\n"
    )
    print(
        "| Tests with an effect (d = 1) | any false, unadjusted | any false, Holm | "
        "false among found, Benjamini-Hochberg |\n|---|---|---|---|"
    )
    for n_real in (0, 5, 10):
        plain, family, false_share = [], [], []
        for _ in range(n_families):
            values = np.sqrt(0.4) * rng.normal(size=(24, 1)) + np.sqrt(0.6) * rng.normal(size=(24, n_tests))
            values[:, :n_real] += 1.0
            p = sign_flip_p_values(values, 1999, rng)
            null = np.arange(n_tests) >= n_real
            plain.append((p[null] <= 0.05).any())
            family.append((holm(p)[null] <= 0.05).any())
            found = benjamini_hochberg(p) <= 0.05
            false_share.append((found & null).sum() / max(found.sum(), 1))
        error = 100 * np.std(false_share) / np.sqrt(n_families)
        discovery = f"{100 * np.mean(false_share):.1f} ± {error:.1f}"
        print(
            "|",
            " | ".join([str(n_real), rate(np.array(plain)), rate(np.array(family)), discovery]),
            "|",
            flush=True,
        )


def bartlett_table(rng: np.random.Generator) -> None:
    """Print false positives of Bartlett's test of sphericity."""
    print(
        f"\nBartlett's test of sphericity on independent columns, {SAMPLES // 2} samples. p <= .05, in %.\n"
    )
    print("| Columns | Rows | normal | exponential |\n|---|---|---|---|")
    for n_columns, n_rows in ((5, 20), (5, 100), (20, 50), (20, 200)):
        cells = []
        for draw in (rng.normal, rng.exponential):
            p = [
                bartlett_sphericity(correlate(draw(size=(n_rows, n_columns))), n_rows).p_value
                for _ in range(SAMPLES // 2)
            ]
            cells.append(rate(np.array(p) <= 0.05))
        print("|", " | ".join([str(n_columns), str(n_rows), *cells]), "|", flush=True)


def split_table() -> None:
    """Print how often two populations of models are told apart, of one planted value system or of two."""
    n_studies = 100
    print(
        f"\nTwo populations of models against random splits of all, {n_studies} studies each, "
        "three settings of ten lists of a model, 60 words. p <= .05, in %.\n"
    )
    print("| Models | one value system | two: the second's words are shuffled |\n|---|---|---|")
    for n_first, n_second in ((12, 12), (6, 18)):
        plan = SimulationPlan(
            PlantedSystem.even(3, 2, 60), n_models=n_first + n_second, n_respondents=3, n_responses=10
        )
        found: dict[bool, list[bool]] = {False: [], True: []}
        for rng in np.random.default_rng([SEED, n_first]).spawn(n_studies):
            data = draw_lists(plan, rng)
            is_second = data.models >= n_first
            names = [f"m{m}" for m in data.models.tolist()]
            for other, p_values in found.items():
                lists = data.values.copy()
                if other:
                    lists[is_second] = lists[is_second][:, rng.permutation(len(data.terms))]
                difference = difference_of(as_lists(lists), is_second, names, names, 6, rng)
                if difference is not None:
                    p_values.append(difference.p_value <= 0.05)
        cells = [f"{rate(np.array(p))} (of {len(p)})" for p in found.values()]
        print("|", " | ".join([f"{n_first} and {n_second}", *cells]), "|", flush=True)


def main() -> None:
    """Print all tables, or that of two populations alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", action="store_true", help="only two populations against random splits")
    if parser.parse_args().splits:
        split_table()
        return
    rng = np.random.default_rng(SEED)
    label_table(rng)
    sign_table(rng)
    family_table(rng)
    bartlett_table(rng)
    split_table()


if __name__ == "__main__":
    main()
