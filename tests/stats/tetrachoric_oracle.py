"""Tetrachoric and polychoric correlations against psych and polycor, normal probabilities against mvtnorm.

psych and polycor search for the correlation with `optimize`, which by default stops at 1.2e-4 and ends some
1e-5 off, more where the likelihood is flat because cells are empty. "tight" and "exact" are polycor's
likelihood searched to 1e-10, which double precision supports to about 3e-8, and a root search to 1e-13.
"""

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.bivariate_normal import bivariate_normal_cdf
from valuelex.stats.polychoric import polychoric
from valuelex.stats.tetrachoric import tetrachoric

DENSE, SPARSE, SEARCH = 3e-5, 1e-4, 1e-6


def comparisons() -> Comparisons:
    """Every case of tetrachoric.R."""
    oracle = load("tetrachoric")
    psych, polycor = (f"{name} {oracle['versions'][name]}" for name in ("psych", "polycor"))
    grid = {name: np.array(values) for name, values in oracle["grid"].items()}
    yield Comparison(
        "bivariate normal probability",
        f"{len(grid['p'])} places",
        f"mvtnorm {oracle['versions']['mvtnorm']}",
        bivariate_normal_cdf(grid["h"], grid["k"], grid["rho"]),
        grid["p"],
        1e-13,
    )
    yield from _binary(oracle["binary"], psych)
    yield from _ordered(oracle["ordinal"], psych, polycor)
    for number, case in enumerate(oracle["hard"]):
        table = np.array(case["table"])
        ours = polychoric(_rows(table), smoothing=False).correlation[0, 1]
        name = f"hard table {number + 1} ({table.shape[0]} × {table.shape[1]}, r = {case['rho']:.3f})"
        yield Comparison("polychoric, hard tables", name, f"{polycor}, tight", ours, case["rho"], SEARCH)
        if table.shape == (2, 2):
            ours = tetrachoric(_rows(table), smoothing=False).correlation[0, 1]
            yield Comparison("tetrachoric, hard tables", name, "mvtnorm, exact", ours, case["rho"], 1e-9)


def _binary(cases: dict, psych: str) -> Comparisons:
    for name, case in cases.items():
        x = np.array(case["x"], dtype=float)
        smoothed, raw = tetrachoric(x), tetrachoric(x, smoothing=False)
        what = "tetrachoric, empty cells" if name in ("sparse", "wide") else "tetrachoric"
        allowed = SPARSE if name in ("sparse", "wide") else DENSE
        yield Comparison(what, name, psych, raw.correlation, case["raw"], allowed)
        yield Comparison(f"{what}, smoothed", name, psych, smoothed.correlation, case["rho"], allowed)
        yield Comparison("thresholds", name, psych, raw.thresholds, case["tau"], 1e-12)
        if "exact" in case:
            yield Comparison("tetrachoric", name, "mvtnorm, exact", raw.correlation, case["exact"], 1e-9)


def _ordered(cases: dict, psych: str, polycor: str) -> Comparisons:
    for name, case in cases.items():
        x = np.array(case["x"], dtype=float)
        ours = polychoric(x, smoothing=False).correlation
        pairs = polychoric(x, smoothing=False, thresholds="pairs").correlation
        yield Comparison("polychoric", name, psych, ours, case["psych"], DENSE)
        yield Comparison("polychoric", name, f"{polycor}, tight", pairs, case["tight"], SEARCH)
        if "polycor" in case:
            yield Comparison("polychoric", name, polycor, pairs, case["polycor"], 1e-4)
        if "corrected" in case:
            ours = polychoric(x, smoothing=False, thresholds="pairs", correct=0.5).correlation
            yield Comparison(
                "polychoric, corrected", name, f"{polycor}, tight", ours, case["corrected"], SEARCH
            )


def _rows(table: np.ndarray) -> np.ndarray:
    """Rows of two columns that have this table."""
    return np.repeat(np.argwhere(table >= 0), table.ravel().astype(int), axis=0).astype(float)
