"""Components of variance, restricted likelihood and decision studies against lme4 and aov (oracles/variance.R)."""

from typing import Any

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.generalizability import decision_study
from valuelex.stats.variance_components import VarianceComponents, variance_components

CASES = {
    "penicillin": "Penicillin",
    "crossed": "40 x 20 x 3",
    "missing": "40 x 20 x 3, 30 % missing",
    "nested": "p x (i:h)",
    "nested_missing": "p x (i:h), 20 % missing",
    "grouped": "(p:g) x i, groups of different size",
    "singular": "25 x 10 x 4, zero components",
    "repeated": "p x i, 1 to 5 replicates",
    "additive": "p + i, 1 to 5 replicates",
    "even": "p x i, 3 replicates",
    "four": "p x i x j x k, 900 of 1008",
}


def _fit(case: dict[str, Any], method: str) -> tuple[VarianceComponents, list[int]]:
    """Ours, and where each of lme4's terms stands in it."""
    labels = {facet: np.array(values) for facet, values in case["labels"].items()}
    design = case.get("effects", case["design"])
    ours = variance_components(case["scores"], labels, design, method=method)
    effects = [frozenset(ours.design.closure(term.split(":"))) for term in case["terms"]]
    return ours, [*(ours.effects.index(effect) for effect in effects), len(effects)]


def comparisons() -> Comparisons:
    """REML everywhere, the closed form where the data are balanced, and decision studies by formula."""
    oracle = load("variance")
    software = f"lme4 {oracle['lme4']}"
    for key, name in CASES.items():
        case = oracle[key]
        ours, order = _fit(case, "reml")
        theirs = np.array(case["variance"])
        largest = theirs.max()
        yield Comparison(
            "REML components (over the largest)",
            name,
            software,
            ours.variance[order] / largest,
            theirs / largest,
            1e-5,
        )
        yield Comparison("REML criterion", name, software, ours.criterion, case["criterion"], 1e-6)
        yield Comparison(
            "REML intercept and its standard error",
            name,
            software,
            [ours.intercept, ours.intercept_standard_error],
            [case["intercept"], case["intercept_se"]],
            1e-5,
        )
    for key in ("crossed", "nested", "even", "penicillin"):
        case = oracle[key]
        ours, order = _fit(case, "ems")
        theirs = np.array(case["variance"])
        yield Comparison(
            "components from mean squares (over the largest)",
            CASES[key],
            software,
            ours.variance[order] / theirs.max(),
            theirs / theirs.max(),
            1e-5,
        )
        if "anova" in case:
            squares = np.array(case["anova"]["mean_squares"])
            place = _anova_order(case["anova"]["names"], ours)
            yield Comparison(
                "mean squares and degrees of freedom",
                CASES[key],
                "R anova",
                [ours.mean_squares.values[place], ours.mean_squares.degrees_of_freedom[place]],
                [squares, case["anova"]["df"]],
                1e-8,
            )
    yield from _decisions(oracle["crossed"])


def _anova_order(names: list[str], ours: VarianceComponents) -> list[int]:
    place = []
    for name in names:
        if name == "Residuals":
            place.append(len(ours.effects))
        else:
            place.append(ours.effects.index(ours.design.closure(name.split(":"))))
    return place


def _decisions(case: dict[str, Any]) -> Comparisons:
    ours, _ = _fit(case, "reml")
    theirs = case["decision"]
    study = decision_study(ours, "p", {"i": theirs["i"], "j": theirs["j"]})
    fixed = decision_study(ours, "p", {"i": [5, 20, 60]}, fixed=["j"])
    for quantity, figure, value in (
        ("relative error variance", study.relative_error_variance, theirs["relative"]),
        ("absolute error variance", study.absolute_error_variance, theirs["absolute"]),
        ("generalizability coefficient", study.generalizability, theirs["generalizability"]),
        ("dependability coefficient", study.dependability, theirs["dependability"]),
    ):
        yield Comparison(quantity, "9 decision studies", "formula in R", figure, value, 1e-5)
    yield Comparison(
        "generalizability coefficient",
        "one facet fixed",
        "formula in R",
        fixed.generalizability,
        theirs["fixed_j_generalizability"],
        1e-5,
    )
