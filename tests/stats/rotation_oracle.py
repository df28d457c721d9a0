"""Rotation against R's stats, GPArotation and psych (oracles/rotation.R)."""

from typing import Any

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.congruence import align_loadings
from valuelex.stats.rotation import rotate

OPTIONS = ("gamma", "delta", "normalise")
N_STARTS = 40


def comparisons() -> Comparisons:
    """Best of several starts on both sides, factors aligned: pattern, factor correlations and value."""
    for name, data in load("rotation").items():
        unrotated = np.array(data["unrotated"])
        for case in data["cases"]:
            yield from _compare(name, unrotated, case)


def _compare(name: str, unrotated: np.ndarray, case: dict[str, Any]) -> Comparisons:
    options = {option: case[option] for option in OPTIONS if option in case}
    where = ", ".join([f"{name}, k={unrotated.shape[1]}", *(f"{o} {v}" for o, v in options.items())])
    if "target" in case:
        options["target"] = np.array(case["target"], dtype=float)
    rng = np.random.default_rng(1)
    ours = rotate(unrotated, case["criterion"], n_starts=N_STARTS, rng=rng, **options)
    theirs = np.array(case["loadings"])
    aligned = align_loadings(ours.pattern, theirs)
    tolerance = 1e-7 if case["software"] in ("stats", "base (Procrustes)") else 1e-6
    phi = aligned.factor_correlations(ours.phi)
    label = case["criterion"].replace("_", " ")
    yield Comparison(f"{label} loadings", where, case["software"], aligned.loadings, theirs, tolerance)
    yield Comparison(f"{label} factor correlations", where, case["software"], phi, case["phi"], tolerance)
    if "value" in case:
        yield Comparison(f"{label} criterion", where, case["software"], ours.value, case["value"], 1e-9)
