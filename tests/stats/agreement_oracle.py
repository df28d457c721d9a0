"""Agreement against psych (oracles/agreement.R) and Python packages (oracles/agreement_packages.py)."""

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.agreement import METRICS, krippendorff_alpha
from valuelex.stats.kappa import WEIGHTS, cohen_kappa, gwet_agreement

PSYCH = "psych 2.2.9"


def comparisons() -> Comparisons:
    packages = load("agreement_packages")
    named = {name: f"{name} {number}" for name, number in packages["versions"].items()}
    for case, entry in load("agreement")["kappa"].items():
        yield from kappas(case, entry, packages["kappa"][case], named["statsmodels"])
    for case, entry in packages["tables"].items():
        ratings = np.array(entry["x"], dtype=float)
        ours = [krippendorff_alpha(ratings, metric=metric).alpha for metric in METRICS]
        theirs = [entry["krippendorff"][metric] for metric in METRICS]
        yield Comparison("Krippendorff's alpha", case, named["krippendorff"], ours, theirs, 1e-9)
        for key, categories in (("gwet", None), ("gwet_0_to_6", range(7))):
            if key in entry:
                yield from gwets(f"{case}, {key}", ratings, categories, entry[key], named["irrCAC"])


def kappas(case: str, entry: dict, weighted: dict, statsmodels: str) -> Comparisons:
    plain = cohen_kappa(entry["x"])
    ours, theirs = [plain.estimate, plain.standard_error], [entry["unweighted"], entry["se"]]
    yield Comparison("Cohen's kappa", case, PSYCH, ours, theirs, 1e-9)
    yield Comparison("Cohen's kappa, interval", case, PSYCH, [plain.low, plain.high], entry["ends"], 1e-8)
    for weights in ("linear", "quadratic"):
        found = cohen_kappa(entry["x"], weights=weights)
        label = f"{case}, {weights}"
        yield Comparison("weighted kappa", label, PSYCH, found.estimate, entry[weights], 1e-9)
        ours = [found.estimate, found.standard_error]
        yield Comparison("weighted kappa, standard error", label, statsmodels, ours, weighted[weights], 1e-9)


def gwets(case: str, ratings: object, categories: object, values: dict, software: str) -> Comparisons:
    for weights in WEIGHTS:
        found = gwet_agreement(ratings, weights=weights, categories=categories)
        ours = [found.estimate, found.standard_error, found.observed, found.expected, found.low, found.high]
        yield Comparison("Gwet's AC1 and AC2", f"{case}, {weights}", software, ours, values[weights], 1e-8)
