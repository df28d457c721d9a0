"""Exploratory factor analysis against psych::fa (oracles/efa.R)."""

from typing import Any

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.congruence import align_loadings
from valuelex.stats.correlation import correlate
from valuelex.stats.factor import FactorSolution, efa
from valuelex.stats.fit import FitStatistics

PSYCH = "psych 2.2.9"
LOADINGS = {"minres": 1e-5, "uls": 1e-5, "ml": 5e-5, "pa": 1e-4}
"""How precisely psych finds the uniquenesses, principal axis with min.err = 1e-9."""
VARIMAX = 2e-3
"""R's varimax stops at 1e-5, and promax starts from it."""
HEYWOOD = 10
"""How many times less precisely psych finds a minimum at a bound."""

Solution = dict[str, Any]


def comparisons() -> Comparisons:
    """Loadings, communalities and every fit statistic, for each method and rotation."""
    oracle = load("efa")
    data = np.array(oracle["data"])
    yield Comparison("correlations", "150 × 12", "R", correlate(data), _case(oracle, "simulated"), 1e-12)
    for case in oracle["cases"]:
        for theirs in case["solutions"]:
            ours = efa(
                np.array(case["correlation"]),
                case["n_factors"],
                n_rows=case["n_rows"],
                method="minres" if theirs["method"] == "uls" else theirs["method"],
                rotation=theirs["rotation"],
            )
            name = f"{case['name']}, k={case['n_factors']}, {theirs['method']}, {theirs['rotation']}"
            yield from _solution(name, ours, theirs)
            if theirs["rotation"] == "none":
                yield from _fit(name, ours.fit, theirs)


def _case(oracle: Any, name: str) -> Any:
    return next(case["correlation"] for case in oracle["cases"] if case["name"] == name)


def _solution(name: str, ours: FactorSolution, theirs: Solution) -> Comparisons:
    method, rotation = theirs["method"], theirs["rotation"]
    tolerance = LOADINGS[method] * (HEYWOOD if name.startswith("heywood") else 1)
    yield Comparison(
        f"{method} communalities", name, PSYCH, ours.communalities, theirs["communality"], tolerance
    )
    yield Comparison(
        f"{method} uniquenesses", name, PSYCH, ours.uniquenesses, theirs["uniqueness"], tolerance
    )
    if rotation in ("varimax", "promax"):
        tolerance = VARIMAX
    pattern = np.array(theirs["pattern"])
    aligned = align_loadings(ours.pattern, pattern)
    label = f"{method} {rotation}"
    yield Comparison(f"{label} loadings", name, PSYCH, aligned.loadings, pattern, tolerance)
    yield Comparison(f"{label} order and signs", name, PSYCH, ours.pattern, pattern, tolerance)
    yield Comparison(f"{label} structure", name, PSYCH, ours.structure, theirs["structure"], tolerance)
    yield Comparison(f"{label} factor correlations", name, PSYCH, ours.phi, theirs["phi"], 2 * tolerance)
    squares = np.ravel(theirs["sums_of_squares"])
    yield Comparison(f"{label} sums of squares", name, PSYCH, ours.sums_of_squares, squares, 4 * tolerance)
    shares = np.ravel(theirs["shares"])
    yield Comparison(f"{label} shares of variance", name, PSYCH, ours.variance_shares, shares, tolerance)
    complexity = theirs["complexity"]
    yield Comparison(f"{label} complexity", name, PSYCH, ours.complexity, complexity, 10 * tolerance)
    yield Comparison(
        f"{label} determinacy", name, PSYCH, ours.determinacy, np.ravel(theirs["R2"]), 2 * tolerance
    )


def _fit(name: str, ours: FitStatistics, theirs: Solution) -> Comparisons:
    expected = {key: np.nan if value is None else value for key, value in theirs["fit"].items()}
    pairs = {
        "objective": (ours.objective, 1e-6),
        "dof": (ours.degrees_of_freedom, 0.1),
        "STATISTIC": (ours.chi_square, 2e-4),
        "PVAL": (ours.p_value, 1e-5),
        "chi": (ours.empirical_chi_square, 2e-4),
        "EPVAL": (ours.empirical_p_value, 1e-5),
        "null.model": (ours.null_objective, 1e-10),
        "null.chisq": (ours.null_chi_square, 1e-8),
        "null.dof": (ours.null_degrees_of_freedom, 0.1),
        "TLI": (ours.tli, 1e-6),
        "CFI": (ours.cfi, 1e-6),
        "RMSEA": (ours.rmsea, 1e-6),
        "RMSEA.low": (ours.rmsea_low, 1e-5),
        "RMSEA.high": (ours.rmsea_high, 1e-5),
        "rms": (ours.rmsr, 1e-6),
        "crms": (ours.corrected_rmsr, 1e-6),
        "BIC": (ours.bic, 2e-4),
        "SABIC": (ours.sabic, 2e-4),
        "EBIC": (ours.empirical_bic, 2e-4),
        "ESABIC": (ours.empirical_sabic, 2e-4),
        "fit": (ours.fit, 2e-5),
        "fit.off": (ours.fit_off_diagonal, 1e-6),
    }
    for key, (value, tolerance) in pairs.items():
        allowed = tolerance * (HEYWOOD if name.startswith("heywood") else 1)
        software = "R" if key == "CFI" else PSYCH
        yield Comparison(f"fit: {key}", name, software, value, expected[key], allowed)
