"""Rules for the number of factors, sampling adequacy, smoothing and congruence against R (oracles/retention.R)."""

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.congruence import congruence
from valuelex.stats.correlation import (
    bartlett_sphericity,
    correlate,
    kmo,
    smooth,
    squared_multiple_correlations,
)
from valuelex.stats.parallel_analysis import (
    ParallelAnalysis,
    parallel_analysis,
    parallel_analysis_of_correlation,
)
from valuelex.stats.retention import empirical_kaiser, hull, minimum_average_partial, scree

PSYCH = "psych 2.2.9"
R = "R 4.2.2"
N_REPLICATES = 200


def comparisons() -> Comparisons:
    """Closed forms and counts exactly; means of null replicates within five Monte-Carlo errors."""
    oracle = load("retention")
    for case, values in oracle["cases"].items():
        data = None if values["data"] is None else np.array(values["data"], dtype=float)
        r = np.array(values["r"], dtype=float) if data is None else correlate(data)
        yield from _parallel(case, values, r, data)
        yield from _rules(case, values, r)
        yield from _adequacy(case, values, r)
    yield from _extra(oracle["extra"], np.array(oracle["cases"]["binary10"]["data"], dtype=float))


def _parallel(case: str, values: dict, r: np.ndarray, data: np.ndarray | None) -> Comparisons:
    theirs, n = values["parallel"], values["n"]
    rng = np.random.default_rng(5)
    ours = parallel_analysis_of_correlation(r, n, rng=rng, n_replicates=N_REPLICATES)
    counts = ours.components.n_retained, ours.factors.n_retained
    yield Comparison(
        "parallel analysis, counts", case, PSYCH, counts, (theirs["ncomp"], theirs["nfact"]), 1e-9
    )
    yield Comparison("eigenvalues of R", case, PSYCH, ours.components.observed, theirs["pc"], 1e-10)
    yield Comparison("eigenvalues with communalities", case, PSYCH, ours.factors.observed, theirs["fa"], 1e-5)
    yield from _null_means(f"{case}, normal", theirs, ours, "sim")
    if data is not None:
        permuted = parallel_analysis(data, rng=rng, null="permuted", n_replicates=N_REPLICATES)
        yield from _null_means(f"{case}, permuted", theirs, permuted, "resampled")


def _null_means(case: str, theirs: dict, ours: ParallelAnalysis, which: str) -> Comparisons:
    error = np.sqrt(1 / N_REPLICATES + 1 / theirs["n_iter"])
    for quantity, short, mean in (
        ("null mean of eigenvalues of R", "pc", ours.components.null_mean),
        ("null mean with communalities", "fa", ours.factors.null_mean),
    ):
        allowed = 5 * error * max(theirs[f"{short}_sd"])
        yield Comparison(quantity, case, PSYCH, mean, theirs[f"{short}_{which}"], allowed)


def _rules(case: str, values: dict, r: np.ndarray) -> Comparisons:
    partial = minimum_average_partial(r)
    most = len(values["map"])
    yield Comparison("MAP", case, PSYCH, partial.squared[1 : most + 1], values["map"], 1e-10)
    for quantity, ours, theirs in (
        ("MAP by regression", partial.squared, values["map2"]),
        ("MAP, fourth power", partial.fourth_power, values["map4"]),
    ):
        yield Comparison(quantity, case, R, ours[: most + 1], theirs, 1e-10)
    kaiser = empirical_kaiser(r, values["n"])
    yield Comparison(
        "empirical Kaiser criterion", case, R, kaiser.reference, values["ekc"]["reference"], 1e-10
    )
    yield Comparison("empirical Kaiser count", case, R, kaiser.n_factors, values["ekc"]["n"], 1e-9)
    theirs = values["hull"]
    for index, software, tolerance in (("caf", PSYCH, 1e-4), ("cfi", "R factanal", 5e-5)):
        ours = hull(r, max_factors=len(theirs["df"]) - 1, index=index, n_rows=values["n"])
        yield Comparison(f"Hull, {index}", case, software, ours.fit, theirs[index], tolerance)
        n = -1 if ours.n_factors is None else ours.n_factors
        expected = theirs[f"by_{index}"]["n"]
        yield Comparison(
            f"Hull count, {index}", case, software, n, -1 if expected is None else expected, 1e-9
        )
    bends, theirs = scree(r), values["scree"]
    counts = bends.n_coordinates, bends.n_acceleration, bends.n_kaiser
    expected = theirs["noc"], theirs["naf"], theirs["nkaiser"]
    yield Comparison("scree and Kaiser counts", case, "nFactors 2.4.1", counts, expected, 1e-9)
    coordinates = np.array(theirs["oc"], dtype=float)
    yield Comparison(
        "optimal coordinates", case, "nFactors 2.4.1", bends.coordinates[:-2], coordinates[:-2], 1e-10
    )
    acceleration = np.array(theirs["af"], dtype=float)
    yield Comparison("acceleration factor", case, "nFactors 2.4.1", bends.acceleration, acceleration, 1e-10)


def _adequacy(case: str, values: dict, r: np.ndarray) -> Comparisons:
    adequacy, test, theirs = kmo(r), bartlett_sphericity(r, values["n"]), values["bartlett"]
    yield Comparison("KMO", case, PSYCH, adequacy.overall, values["kmo"]["overall"], 1e-8)
    yield Comparison("KMO of each variable", case, PSYCH, adequacy.each, values["kmo"]["each"], 1e-8)
    yield Comparison(
        "squared multiple correlations", case, PSYCH, squared_multiple_correlations(r), values["smc"], 1e-8
    )
    ours = test.chi_square, test.degrees_of_freedom, test.p_value
    expected = theirs["chisq"], theirs["df"], theirs["p.value"]
    yield Comparison("Bartlett's sphericity", case, PSYCH, ours, expected, 1e-8)


def _extra(extra: dict, binary: np.ndarray) -> Comparisons:
    mended, _ = smooth(np.array(extra["smooth"]["before"]))
    yield Comparison("smoothing", "thurstone spoilt", PSYCH, mended, extra["smooth"]["after"], 1e-8)
    pair = extra["congruence"]
    yield Comparison(
        "Tucker's congruence",
        "thurstone, k=3 with 2",
        PSYCH,
        congruence(pair["a"], pair["b"]),
        pair["value"],
        1e-8,
    )
    yield Comparison("correlations", "binary10", R, correlate(binary), extra["correlate"]["value"], 1e-12)
