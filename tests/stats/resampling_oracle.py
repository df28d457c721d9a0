"""Bootstrap intervals against boot on its own resamples, and permutation tests against all arrangements in R."""

from typing import Any

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.bootstrap import bootstrap, by_rows
from valuelex.stats.permutation import permute_labels, sign_flip_p_values
from valuelex.stats.unit_statistics import unit_means

RNG = np.random.default_rng(0)


def comparisons() -> Comparisons:
    """What needs no resamples of our own; the rest is in test_permutation.py and test_unit_statistics.py."""
    oracle = load("resampling")
    yield from _intervals(oracle)
    yield from _permutations(oracle)


def _intervals(oracle: Any) -> Comparisons:
    boot = f"boot {oracle['boot']}"
    case = oracle["mean"]
    mean = unit_means(np.array(case["value"])[:, None], case["cluster"])
    for level, theirs in ((0.95, case), (0.9, case["at90"])):
        for method, name in (("percentile", "perc"), ("bca", "bca"), ("studentised", "stud")):
            found = bootstrap(mean, case["weights"], method=method, level=level, variance=mean.variance)
            ends = [found.low[0], found.high[0]]
            yield Comparison(f"bootstrap, {method}", f"cluster mean, {level}", boot, ends, theirs[name], 1e-9)
        yield Comparison(
            "bootstrap standard error", "cluster mean", boot, found.standard_error[0], theirs["se"], 1e-9
        )

    case = oracle["correlation"]
    x, y = np.array(case["x"]), np.array(case["y"])
    correlation = by_rows(lambda i: np.corrcoef(x[i], y[i])[0, 1], np.arange(15), n_rows=15)
    for method, name in (("percentile", "perc"), ("bca", "bca"), ("studentised", "stud")):
        found = bootstrap(correlation, case["weights"], method=method)
        ends = [found.low[0], found.high[0]]
        yield Comparison(f"bootstrap, {method}", "correlation, jackknifed", boot, ends, case[name], 1e-9)

    case = oracle["two"]
    z, kind = np.array(case["z"]), np.array(case["kind"])
    found = bootstrap(lambda w: _difference(w, z, kind == 1), case["weights"], strata=kind)
    yield Comparison("bootstrap, bca", "two strata", boot, [found.low[0], found.high[0]], case["bca"], 1e-9)
    found = bootstrap(
        lambda w: _difference(w, z, kind == 1), case["weights"], method="percentile", strata=kind
    )
    yield Comparison(
        "bootstrap, percentile", "two strata", boot, [found.low[0], found.high[0]], case["perc"], 1e-9
    )


def _difference(weights: np.ndarray, z: np.ndarray, first: np.ndarray) -> np.ndarray:
    def mean(of: np.ndarray) -> np.ndarray:
        return weights[:, of] @ z[of] / weights[:, of].sum(axis=1)

    return (mean(first) - mean(~first))[:, None]


def _permutations(oracle: Any) -> Comparisons:
    x = np.array(oracle["permutation"]["x"])
    for name, case in oracle["permutation"]["cases"].items():
        n = len(case["labels"])
        found = permute_labels(
            x[:n, None],
            case["labels"],
            RNG,
            blocks=case["block"],
            statistic=case["statistic"],
            n_permutations=20_000,
        )
        ours = [found.statistic[0], found.p_values[0], found.n_permutations[0] if found.exact[0] else np.nan]
        theirs = case["r"]
        if (
            theirs[2] != ours[2]
        ):  # R goes through equal labels as if they differed: the same share, more often.
            assert theirs[2] % ours[2] == 0, name
            theirs = [*theirs[:2], ours[2]]
        yield Comparison("permuted labels: statistic and p", name, "R", ours, theirs, 1e-8)
    pairs = oracle["permutation"]["cases"]["pairs"]
    found = permute_labels(x[:, None], pairs["labels"], RNG, blocks=pairs["block"])
    yield Comparison(
        "paired t", "6 pairs", "R t.test", found.statistic[0], oracle["permutation"]["paired_t"], 1e-9
    )

    whole = oracle["whole"]
    found = permute_labels(x[:, None], whole["labels"], RNG, groups=whole["groups"])
    ours = [found.statistic[0], found.p_values[0]]
    yield Comparison("permuted labels: statistic and p", "whole groups", "R", ours, whole["r"][:2], 1e-9)

    v = np.array(oracle["x"])[:, None]
    yield Comparison(
        "sign flips",
        "all 4096",
        "R",
        sign_flip_p_values(v, 4096, RNG, exact=True)[0],
        oracle["sign_flip"],
        1e-12,
    )
    by_unit = sign_flip_p_values(v, 4096, RNG, groups=np.array(oracle["units"]), exact=True)[0]
    yield Comparison("sign flips", "8 units", "R", by_unit, oracle["group_flip"], 1e-12)
