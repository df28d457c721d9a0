"""Make agreement_packages.json: Krippendorff's alpha, Gwet's AC1 and AC2 and weighted kappa of Python packages.

None of them is needed to run or to test this project. In an environment of its own:
pip install krippendorff==0.9.0 irrCAC==0.4.4 statsmodels==0.15.0 and
python tests/oracles/agreement_packages.py > tests/oracles/agreement_packages.json
"""

import json
from importlib.metadata import version
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
from irrCAC.raw import CAC
from statsmodels.stats.inter_rater import cohens_kappa

NAMES = {"unweighted": "identity", "linear": "linear", "quadratic": "quadratic", "ordinal": "ordinal"}


def simulated(rng, n_units, n_raters, missing, shift=0.0, noise=0.7):
    """Ratings from 1 to 5 with some missing."""
    x = rng.normal(size=(n_units, 1)) + noise * rng.normal(size=(n_units, n_raters)) + shift
    x = np.clip(np.round(x + 3), 1, 5)
    x[rng.random(x.shape) < missing] = np.nan
    return x


def tables():
    """Krippendorff's published example (12 units, 4 raters) and simulated ratings."""
    rng = np.random.default_rng(40)
    na = np.nan
    published = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, na, na, na],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, na, 3],
        [na, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, na],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, na],
    ]
    return {
        "published": np.array(published).T,
        "complete": simulated(rng, 30, 3, 0.0),
        "gaps": simulated(rng, 50, 6, 0.4),
        "skewed": simulated(rng, 60, 2, 0.0, shift=1.8),
        "chance": simulated(rng, 40, 3, 0.2, noise=8.0),
        "unequal steps": 2.0 ** simulated(rng, 25, 4, 0.1),
    }


def gwet(table, weights, categories=None):
    """Coefficient, standard error, observed and expected agreement, and interval."""
    found = CAC(pd.DataFrame(table), weights=NAMES[weights], categories=categories, digits=12).gwet()["est"]
    names = ("coefficient_value", "se", "pa", "pe")
    return [float(found[name]) for name in names] + [float(end) for end in found["confidence_interval"]]


def main():
    """Print all values with their inputs."""
    out = {}
    for name, table in tables().items():
        codes = {
            metric: krippendorff.alpha(reliability_data=table.T, level_of_measurement=metric)
            for metric in ("nominal", "ordinal", "interval")
        }
        entry = {
            "x": [[None if np.isnan(v) else float(v) for v in row] for row in table],
            "krippendorff": codes,
            "gwet": {weights: gwet(table, weights) for weights in NAMES},
        }
        if name != "unequal steps":
            entry["gwet_0_to_6"] = {w: gwet(table, w, [float(c) for c in range(7)]) for w in NAMES}
        out[name] = entry
    kappas = json.loads((Path(__file__).parent / "agreement.json").read_text())["kappa"]
    weighted = {}
    for name, entry in kappas.items():
        pair = np.array(entry["x"])
        q = pair.max()
        counts = np.zeros((q, q))
        np.add.at(counts, (pair[:, 0] - 1, pair[:, 1] - 1), 1)
        weighted[name] = {}
        for wt in ("linear", "quadratic"):
            found = cohens_kappa(counts, wt=wt)
            weighted[name][wt] = [float(found.kappa), float(found.std_kappa)]
    packages = ("krippendorff", "irrCAC", "statsmodels")
    print(json.dumps({"versions": {p: version(p) for p in packages}, "tables": out, "kappa": weighted}))


if __name__ == "__main__":
    main()
