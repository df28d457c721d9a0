"""The measuring instrument against a known truth, by simulation: components, intervals, tests, what is taken off.

Run: python benchmarks/instrument.py

Ratings with known effects of respondent, stem, judge, their interactions, draw and chance are put through the functions
that every study goes through. Goals: mean estimates of components within 5 % of the truth; 95 % intervals that hold
it in 94 to 96 % of samples; identical respondents that differ at .05 in 4 to 6 % of unadjusted contrasts and, after
Holm's adjustment, anywhere in a study in at most 5 %; judge severity and the slope on length found again. A
figure that misses its goal by more than two of its own standard errors is marked "missed", one within them "(noise)".
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS, Completion, RatingArray, Stem, StemKind
from valuelex.domain.quality import Estimate
from valuelex.domain.structure import Dimension, Subdimension, ValueSystem
from valuelex.domain.study import Endpoint, Model, Respondent
from valuelex.stages.compare import contrast
from valuelex.stages.components import measure_components
from valuelex.stages.confounds import remove_confounds
from valuelex.stages.quality_judges import estimate_severity
from valuelex.stages.quality_table import RatingTable, lay_out
from valuelex.stages.score import orient
from valuelex.stages.severity import remove_severity

Array = NDArray[np.float64]
SEED = 31
N_RESPONDENTS, N_STEMS, N_JUDGES, N_DRAWS = 40, 60, 2, 2
TRUTH = {
    "respondent": 0.12,
    "stem": 0.10,
    "judge": 0.03,
    "respondent x stem": 0.06,
    "respondent x judge": 0.02,
    "stem x judge": 0.015,
    "draw:(respondent x stem)": 0.06,
    "respondent x stem x judge": 0.02,
    "residual": 0.04,
}
"""Variances in squared scale points; in all .465, so that 3 is 4.4 standard deviations from the ends of the scale."""
AXES = {"respondent": 0, "stem": 1, "draw": 2, "judge": 3}
COMPLETE, WITH_GAPS, STUDIES, SEVERITIES = 5000, 2500, 1000, 1000
RESAMPLES = 1000
GAPS = 0.2


def value_system(width: int) -> ValueSystem:
    """One dimension for each pair of subdimensions; nothing else of it matters here."""
    own = [Subdimension(f"s{k}", f"s{k}", "-", (), ("a",), ("b",)) for k in range(width)]
    pairs = [tuple(own[k : k + 2]) for k in range(0, width, 2)]
    dimensions = tuple(Dimension(f"d{i}", f"d{i}", "-", pair) for i, pair in enumerate(pairs))
    return ValueSystem("simulated", "Simulated", "benchmarks/instrument.py", dimensions)


def respondents(n: int) -> list[Respondent]:
    """Respondents of one model family."""
    model = Model(Endpoint("simulated", "simulated", None, True, 1), "simulated")
    return [Respondent(f"r{r}", model, "chat", 1.0, 1.0, "simulated") for r in range(n)]


def stems(n: int) -> list[Stem]:
    """Neutral stems."""
    return [Stem(f"t{s}", f"stem {s}", StemKind.NEUTRAL, "s0") for s in range(n)]


def rating_array(
    scores: Array, system: ValueSystem, judge: str = "j0", known: RatingArray | None = None
) -> RatingArray:
    """Ratings from (n_respondents, n_stems, n_draws, n_subdimensions); NaN is EXCLUDED. `known` lends its labels."""
    n, s, d, width = scores.shape
    completions = (
        known.completions
        if known is not None
        else tuple(
            Completion(f"r{i}:t{j}:{k}", f"r{i}", f"t{j}", k, "x", None, "")
            for i in range(n)
            for j in range(s)
            for k in range(d)
        )
    )
    values = np.clip(scores, 0, 6).reshape(-1, width)
    codes = np.where(np.isnan(values), REASONS.index(Missing.EXCLUDED), -1).astype(np.int8)
    names = tuple(sub.id for sub in system.subdimensions)
    return RatingArray(judge, system.name, values, codes, completions, names)


def simulate(rng: np.random.Generator, n_draws: int, truth: dict[str, float]) -> Array:
    """(n_respondents, n_stems, n_draws, n_judges) scores about 3."""
    size = (N_RESPONDENTS, N_STEMS, n_draws, N_JUDGES)
    scores = np.full(size, 3.0)
    for effect, variance in truth.items():
        held = set(AXES) if effect == "residual" else {facet for facet in AXES if facet in effect}
        shape = tuple(n if facet in held else 1 for facet, n in zip(AXES, size, strict=True))
        scores = scores + np.sqrt(variance) * rng.normal(size=shape)
    return scores


def table_of(scores: Array, known: RatingTable) -> RatingTable:
    """Put new scores into a table that is laid out."""
    values = np.clip(scores, 0, 6).reshape(-1, N_JUDGES).T[:, :, None]
    return replace(known, values=values, panel=values[0])


def held(found: Estimate, truth: float) -> bool:
    """Whether an interval holds the truth; an open end holds all."""
    low = -np.inf if found.low is None else found.low
    high = np.inf if found.high is None else found.high
    return bool(low <= truth <= high)


def verdict(value: float, low: float, high: float, error: float) -> str:
    """Tell whether a figure meets its goal."""
    if low <= value <= high:
        return "met"
    return "missed" if value < low - 2 * error or value > high + 2 * error else "(noise)"


def components(n_draws: int, gaps: float, n_seeds: int, rng: np.random.Generator) -> None:
    """Print how close components come to the truth and how often their intervals, and G's, hold it."""
    truth = {k: v for k, v in TRUTH.items() if n_draws > 1 or "draw" not in k}
    if n_draws == 1:
        truth["residual"] = TRUTH["residual"] + TRUTH["draw:(respondent x stem)"]
    empty = np.full((N_RESPONDENTS, N_STEMS, n_draws, 1), 3.0)
    system = value_system(1)
    arrays = [rating_array(empty, system, f"j{j}") for j in range(N_JUDGES)]
    known = lay_out(arrays, respondents(N_RESPONDENTS), stems(N_STEMS))
    estimates: dict[str, list[float]] = {}
    covered: dict[str, list[bool]] = {}
    for _ in range(n_seeds):
        scores = simulate(rng, n_draws, truth)
        if gaps:
            scores[rng.random(scores.shape) < gaps] = np.nan
        (found,), (decision,) = measure_components(table_of(scores, known))
        reported = {c.effect: c.variance for c in found.components}
        for name, variance in expected(truth, reported).items():
            estimates.setdefault(name, []).append(reported[name].value or 0.0)
            covered.setdefault(name, []).append(held(reported[name], variance))
        if decision.present is None:
            continue
        numbers = (decision.present.n_stems, decision.present.n_draws, decision.present.n_judges)
        share = true_generalizability(truth, *numbers)
        g = decision.present.generalizability
        estimates.setdefault("generalizability", []).append(g.value or 0.0)
        covered.setdefault("generalizability", []).append(held(g, share))
    targets = expected(truth, reported) | {"generalizability": share}
    print(
        f"\n{N_RESPONDENTS} respondents x {N_STEMS} stems x {n_draws} draws x {N_JUDGES} judges, {gaps:.0%} missing, "
        f"{n_seeds} seeds\n"
    )
    print(f"{'component':30s} {'truth':>7s} {'mean':>7s} {'off by':>8s} {'':9s} {'coverage':>8s}")
    for name, truth_value in targets.items():
        values = np.array(estimates[name])
        off, error = values.mean() / truth_value - 1, values.std() / np.sqrt(n_seeds) / truth_value
        rate = float(np.mean(covered[name]))
        se = float(np.sqrt(0.95 * 0.05 / n_seeds))
        print(
            f"{name:30s} {truth_value:7.4f} {values.mean():7.4f} {off:+8.1%} {verdict(off, -0.05, 0.05, error):9s} "
            f"{rate:8.1%} {verdict(rate, 0.94, 0.96, se)}"
        )


def expected(truth: dict[str, float], reported: dict[str, Estimate]) -> dict[str, float]:
    """Truth by the names that were reported: what has no component of its own is in the residual."""
    own = {name: variance for name, variance in truth.items() if name in reported}
    own["residual"] = truth["residual"] + sum(v for name, v in truth.items() if name not in reported)
    return own


def true_generalizability(truth: dict[str, float], n_stems: float, n_draws: float, n_judges: float) -> float:
    """Generalizability by its definition, effect by effect."""
    divide = {"stem": n_stems, "judge": n_judges, "draw": n_draws}
    error = 0.0
    for name, variance in truth.items():
        facets = set(AXES) if name == "residual" else {f for f in AXES if f in name}
        if "respondent" in facets and facets != {"respondent"}:
            error += variance / np.prod([divide[f] for f in facets - {"respondent"}])
    return truth["respondent"] / (truth["respondent"] + error)


def orientations(n_studies: int, rng: np.random.Generator) -> None:
    """Print how often intervals of orientations hold what endless stems would show, one judge rating."""
    system, who, what = value_system(1), respondents(N_RESPONDENTS), stems(N_STEMS)
    known: RatingArray | None = None
    by_study = []
    for _ in range(n_studies):
        standing = 3 + np.sqrt(TRUTH["respondent"]) * rng.normal(size=(N_RESPONDENTS, 1, 1, 1))
        scores = standing + np.sqrt(TRUTH["stem"]) * rng.normal(size=(1, N_STEMS, 1, 1))
        scores = scores + np.sqrt(TRUTH["respondent x stem"]) * rng.normal(
            size=(N_RESPONDENTS, N_STEMS, 1, 1)
        )
        chance = np.sqrt(TRUTH["draw:(respondent x stem)"] + TRUTH["residual"])
        scores = scores + chance * rng.normal(size=(N_RESPONDENTS, N_STEMS, N_DRAWS, 1))
        known = rating_array(scores, system, known=known)
        found = orient(known, system, [r.id for r in who], [s.id for s in what], RESAMPLES, rng)
        own = [o for o in found if o.level == "subdimension"]
        hits = [
            held(Estimate(o.estimate, o.ci_low, o.ci_high, o.n_stems), float(t))
            for o, t in zip(own, standing.ravel(), strict=True)
        ]
        by_study.append(np.mean(hits))
    rate, error = float(np.mean(by_study)), float(np.std(by_study) / np.sqrt(n_studies))
    print(
        f"\nOrientations over {N_STEMS} stems: coverage {rate:.1%} (standard error {error:.1%}, {n_studies} studies "
        f"of {N_RESPONDENTS} respondents): {verdict(rate, 0.94, 0.96, error)}"
    )


def identical(n_studies: int, rng: np.random.Generator) -> None:
    """Print how often contrasts of identical respondents are called real."""
    n, width = 4, 6
    system, who, what = value_system(width), respondents(n), stems(N_STEMS)
    known: RatingArray | None = None
    rates: list[float] = []
    any_family: list[tuple[bool, bool]] = []
    for _ in range(n_studies):
        scores = 3 + np.sqrt(TRUTH["stem"]) * rng.normal(size=(1, N_STEMS, 1, width))
        scores = scores + 0.3 * rng.normal(size=(n, N_STEMS, 1, 1))  # common to all subdimensions
        scores = scores + 0.4 * rng.normal(size=(n, N_STEMS, 1, width))
        known = rating_array(scores, system, known=known)
        found = contrast(known, system, who, [s.id for s in what], "respondent", RESAMPLES, rng)
        rates.append(float(np.mean([c.p_value is not None and c.p_value < 0.05 for c in found])))
        by_level = [
            any(c.p_adjusted is not None and c.p_adjusted < 0.05 for c in found if c.level == level)
            for level in ("subdimension", "dimension")
        ]
        any_family.append((by_level[0], by_level[1]))
    rate, error = float(np.mean(rates)), float(np.std(rates) / np.sqrt(n_studies))
    print(f"\nIdentical respondents, {n_studies} studies of {n} respondents on {width} subdimensions")
    print(
        f"p < .05 unadjusted: {rate:.1%} of contrasts (standard error {error:.1%}): {verdict(rate, 0.04, 0.06, error)}"
    )
    for level, hits in zip(("subdimensions", "dimensions"), zip(*any_family, strict=True), strict=True):
        share = float(np.mean(hits))
        error = float(np.sqrt(max(share, 0.01) * (1 - share) / n_studies))
        print(
            f"any p < .05 after Holm, {level}: {share:.1%} of studies (standard error {error:.1%}): "
            f"{verdict(share, 0.0, 0.05, error)}"
        )


def severity(n_studies: int, rng: np.random.Generator) -> None:
    """Print how well judge severity is found where the milder judge alone rates half of some respondents."""
    system, who, what = value_system(1), respondents(N_RESPONDENTS), stems(N_STEMS)
    truth = {k: v for k, v in TRUTH.items() if k != "judge" and (k == "residual" or "judge" not in k)}
    shift = np.array([0.4, -0.4])
    covered, errors, plain, freed = [], [], [], []
    known: RatingArray | None = None
    for _ in range(n_studies):
        scores = simulate(rng, 1, truth) + shift
        standing = scores[:, :, 0, :].mean(axis=(1, 2))
        alone = np.zeros(scores.shape, dtype=bool)
        alone[: N_RESPONDENTS // 2, ::2, :, 1] = True  # The severe judge skips these.
        seen = np.where(alone, np.nan, scores)
        arrays = []
        for j in range(N_JUDGES):
            known = rating_array(seen[..., j : j + 1], system, f"j{j}", known)
            arrays.append(known)
        found = estimate_severity(lay_out(arrays, who, what), RESAMPLES, rng)
        errors.append((found[0].shift.value or 0.0) - 0.4)
        covered.append(held(found[0].shift, 0.4))
        panel = remove_severity(arrays).values.reshape(N_RESPONDENTS, -1)
        mean = np.nanmean(seen[:, :, 0, :], axis=2)
        half = N_RESPONDENTS // 2
        plain.append(
            (mean.mean(axis=1) - standing)[:half].mean() - (mean.mean(axis=1) - standing)[half:].mean()
        )
        freed.append(
            (panel.mean(axis=1) - standing)[:half].mean() - (panel.mean(axis=1) - standing)[half:].mean()
        )
    rate, se = float(np.mean(covered)), float(np.sqrt(0.95 * 0.05 / n_studies))
    error = float(np.std(errors) / np.sqrt(n_studies)) / 0.4
    off = float(np.mean(errors)) / 0.4
    print(
        "\nSeverity of +.4 and -.4; the severe judge skips half of the stems of half of the respondents; "
        f"{n_studies} studies"
    )
    print(
        f"shift of the milder: off by {off:+.2%} on average: {verdict(off, -0.05, 0.05, error)}; coverage {rate:.1%}: "
        f"{verdict(rate, 0.94, 0.96, se)}"
    )
    print(
        f"advantage of those respondents in scale points: plain mean {np.mean(plain):+.3f}, freed of severity "
        f"{np.mean(freed):+.4f}"
    )


def confound(n_studies: int, rng: np.random.Generator) -> None:
    """Print how well a slope on length is taken off where respondents that stand higher also write longer."""
    system = value_system(1)
    slope = 0.4
    shape = (N_RESPONDENTS, N_STEMS, N_DRAWS, 1)
    kept: dict[str, list[float]] = {"as rated": [], "within slope": [], "pooled slope": []}
    known: RatingArray | None = None
    for _ in range(n_studies):
        standing = np.sqrt(TRUTH["respondent"]) * rng.normal(size=(N_RESPONDENTS, 1, 1, 1))
        length = (
            2.5 + 0.7 * standing + 0.3 * rng.normal(size=(1, N_STEMS, 1, 1)) + 0.4 * rng.normal(size=shape)
        )
        scores = 3 + standing + np.sqrt(TRUTH["stem"]) * rng.normal(size=(1, N_STEMS, 1, 1))
        scores = scores + 0.3 * rng.normal(size=shape) + slope * (length - 2.5)
        known = rating_array(scores, system, known=known)
        x = length.ravel()
        freed = remove_confounds(known, {"length": x}, ["length"]).values.ravel()
        y = known.values.ravel()
        pooled = y - np.polyfit(x, y, 1)[0] * (x - x.mean())
        for name, values in (("as rated", y), ("within slope", freed), ("pooled slope", pooled)):
            means = values.reshape(shape).mean(axis=(1, 2, 3))
            kept[name].append(float(np.polyfit(standing.ravel(), means, 1)[0]))
    print(
        f"\nSlope of {slope} on log length, and respondents that stand higher write longer; {n_studies} studies"
    )
    print("one scale point between respondents in truth comes out as")
    for name, values in kept.items():
        error = float(np.std(values) / np.sqrt(n_studies))
        mark = verdict(float(np.mean(values)), 0.95, 1.05, error) if name == "within slope" else ""
        print(f"  {name:14s} {np.mean(values):5.3f} {mark}")


def main() -> None:
    """Run all simulations."""
    rng = np.random.default_rng(SEED)
    components(N_DRAWS, 0.0, COMPLETE, rng)
    components(1, GAPS, WITH_GAPS, rng)
    orientations(STUDIES, rng)
    identical(STUDIES, rng)
    severity(SEVERITIES, rng)
    confound(SEVERITIES, rng)


if __name__ == "__main__":
    main()
