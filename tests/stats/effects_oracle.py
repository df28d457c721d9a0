"""Adjusted p-values, standardised effects and empirical Bayes estimates against R, metafor, psych and lme4."""

from typing import Any

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.effect_size import (
    one_sample_effect,
    paired_effect,
    probability_of_superiority,
    standardised_mean,
    two_sample_effect,
)
from valuelex.stats.multiplicity import benjamini_hochberg, holm
from valuelex.stats.shrinkage import shrink


def comparisons() -> Comparisons:
    """All closed forms and roots."""
    oracle = load("effects")
    yield Comparison("Holm's adjustment", "9 tests, ties", "R", holm(oracle["p"]), oracle["holm"], 1e-12)
    yield Comparison(
        "Benjamini-Hochberg", "9 tests, ties", "R", benjamini_hochberg(oracle["p"]), oracle["bh"], 1e-12
    )
    yield from _effects(oracle)
    yield from _superiority(oracle)
    yield from _shrinkage(oracle)


def _effects(oracle: Any) -> Comparisons:
    metafor = f"metafor {oracle['metafor']}"
    a, b, y = (np.array(oracle[name])[:, None] for name in "aby")
    for name, case in oracle["two"].items():
        found = two_sample_effect(a + case["shift"], b)
        yield Comparison("d of two samples", name, "psych", found.d, [case["psych"]], 1e-9)
        yield Comparison(
            "g of two samples", name, metafor, [found.g[0], found.variance[0]], [case["g"], case["v"]], 1e-9
        )
        yield Comparison("interval of d", name, "R pt", [found.low[0], found.high[0]], case["ci95"], 1e-8)
        found = two_sample_effect(a + case["shift"], b, level=0.9)
        yield Comparison(
            "interval of d", f"{name}, .9", "R pt", [found.low[0], found.high[0]], case["ci90"], 1e-8
        )
    one, paired = oracle["one"], oracle["paired"]
    found = one_sample_effect(a - y)
    yield Comparison("d of one sample", "11 pairs", "R", found.d, standardised_mean(a - y), 1e-12)
    yield Comparison("d of one sample", "11 pairs", "R", found.d, [one["d"]], 1e-9)
    yield Comparison("interval of d", "one sample", "R pt", [found.low[0], found.high[0]], one["ci"], 1e-8)
    yield Comparison(
        "g of one sample", "11 pairs", metafor, [found.g[0], found.variance[0]], [one["g"], one["v"]], 1e-9
    )
    found = paired_effect(a, y)
    yield Comparison("d of pairs", "11 pairs", "R", found.d, [paired["d"]], 1e-9)
    yield Comparison("interval of d", "pairs", "R pt", [found.low[0], found.high[0]], paired["ci"], 1e-8)
    correction = (found.g / found.d) ** 2
    yield Comparison("d of pairs", "variance", "R", found.variance / correction, [paired["v"]], 1e-9)


def _superiority(oracle: Any) -> Comparisons:
    a, b = (np.array(oracle[name])[:, None] for name in "ab")
    for name, left, right in (("plain", a, b), ("ties", np.round(a * 2) / 2, np.round(b * 2) / 2)):
        found = probability_of_superiority(left, right)
        ours = [found.probability[0], found.low[0], found.high[0]]
        yield Comparison("probability of superiority", name, "R", ours, oracle["superiority"][name], 1e-9)
    low = [
        probability_of_superiority(np.arange(m)[:, None] + 100.0, np.arange(n)[:, None] * 1.0).low[0]
        for m, n in ((5, 8), (2, 2), (30, 20))
    ]
    yield Comparison("probability of superiority", "wholly above", "R", low, oracle["newcombe"], 1e-8)


def _shrinkage(oracle: Any) -> Comparisons:
    metafor = f"metafor {oracle['metafor']}"
    for i, case in enumerate(oracle["shrunk"]):
        for name, method in (("reml", "reml"), ("pm", "paule-mandel"), ("dl", "dersimonian-laird")):
            found, theirs = shrink(case["y"], case["v"], method=method), case[name]
            scale = float(np.ptp(case["y"]))
            where = f"{method}, set {i}"
            yield Comparison(
                "variance between units",
                where,
                metafor,
                found.tau2 / scale**2,
                theirs["tau2"] / scale**2,
                1e-7,
            )
            ours = [found.mean, found.mean_standard_error, *found.shrunken, *found.standard_error]
            expected = [theirs["mean"], theirs["mean_se"], *theirs["pred"], *theirs["se"]]
            ours, expected = np.array(ours) / scale, np.array(expected) / scale
            yield Comparison("empirical Bayes estimates", where, metafor, ours, expected, 1e-7)
            yield Comparison("I²", where, metafor, found.i2, theirs["i2"], 1e-7)
            yield Comparison("Cochran's Q", where, metafor, found.q / theirs["q"], 1.0, 1e-9)
    lme = oracle["lme"]
    score = np.array(lme["score"]).reshape(9, 6)
    variance = np.full(9, score.var(axis=1, ddof=1).mean() / 6)
    found = shrink(score.mean(axis=1), variance)
    yield Comparison(
        "empirical Bayes estimates", "9 units of 6 rows", "lme4", found.shrunken, lme["ranef"], 1e-6
    )
    yield Comparison("variance between units", "9 units of 6 rows", "lme4", found.tau2, lme["tau2"], 1e-6)
