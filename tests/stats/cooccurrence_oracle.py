"""Co-occurrence and its measures against base R and vegan."""

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.cooccurrence import association_strength, cooccurrence, phi, ppmi


def comparisons() -> Comparisons:
    """Every quantity of cooccurrence.R."""
    oracle = load("cooccurrence")
    x, w = np.array(oracle["x"]), np.array(oracle["weights"], dtype=float)
    counts, weighted = cooccurrence(x), cooccurrence(x, w)
    case = f"{x.shape[0]} lists × {x.shape[1]} columns"
    vegan = f"vegan {oracle['versions']['vegan']}"
    for quantity, software, ours, theirs in (
        ("co-occurrence", "R", counts, "counts"),
        ("co-occurrence, weighted", "R", weighted, "weighted"),
        ("phi", "R", phi(counts, len(x)), "phi"),
        ("phi, weighted", "R", phi(weighted, w.sum()), "weighted_phi"),
        ("PPMI", "R", ppmi(counts, len(x)), "ppmi"),
        ("PPMI, smoothed", "R", ppmi(counts, len(x), smoothing=0.5), "ppmi_smoothed"),
        ("association strength", vegan, association_strength(counts, len(x)), "strength"),
    ):
        yield Comparison(quantity, case, software, ours, oracle[theirs], 1e-12)
