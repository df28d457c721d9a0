"""Check by simulation how often 95 % intervals of reliability and agreement hold the true value.

The truth of each condition is the coefficient of a very large sample, or of the population's correlations. A row
gives coverage, its Monte-Carlo standard error, and the median width; 94 to 96 is what it should be.
"none" is the share of samples without an interval (such as full agreement), which are left out.

Run: python benchmarks/coverage_reliability.py (about 130 s on one core).
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from valuelex.stats.agreement import krippendorff_alpha
from valuelex.stats.icc import FORMS, intraclass_correlations
from valuelex.stats.kappa import cohen_kappa, gwet_agreement
from valuelex.stats.omega import bootstrap_omega, omega
from valuelex.stats.reliability import bootstrap_alpha, cronbach_alpha

Array = NDArray[np.float64]
Ends = dict[str, tuple[float, float]]
Draw = Callable[[int, int], Array]
"""From numbers of units and raters to ratings."""
SEED = 2026
LARGE = 100_000
RESAMPLES = 300
rng = np.random.default_rng(SEED)


def row(quantity: str, case: str, truth: float, ends: list[tuple[float, float]]) -> str:
    """One line of the table."""
    low, high = np.array(ends, dtype=np.float64).T
    given = ~np.isnan(low)
    rate = ((low <= truth) & (truth <= high))[given].mean()
    error = np.sqrt(max(rate * (1 - rate), 0.25 / given.sum()) / given.sum())
    width = np.median((high - low)[given])
    return (
        f"| {quantity} | {case} | {truth:.3f} | {len(ends)} | {100 * rate:.1f} | {100 * error:.1f} | {width:.3f} | "
        f"{100 * (1 - given.mean()):.1f} |"
    )


def study(case: str, n_samples: int, truth: dict[str, float], intervals: Callable[[], Ends]) -> Iterator[str]:
    """Rows for intervals by name; the truth is found by the name up to the first comma."""
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(n_samples):
        for name, ends in intervals().items():
            found.setdefault(name, []).append(ends)
    for name, ends in found.items():
        yield row(name, case, truth[name.split(",")[0]], ends)


# Alpha

COLUMNS = {
    "normal": lambda n: rng.normal(size=(n, 1)) + 1.3 * rng.normal(size=(n, 6)),
    "scale of 5, skewed": lambda n: np.clip(
        np.round(3.8 + rng.normal(size=(n, 1)) + 1.3 * rng.normal(size=(n, 6))), 1, 5
    ),
    "long tails (log-normal)": lambda n: np.exp(0.7 * (rng.normal(size=(n, 1)) + rng.normal(size=(n, 6)))),
}


def in_groups(n_groups: int, size: int = 5) -> tuple[Array, NDArray[np.int64]]:
    """Rows that share most of their signal within groups."""
    groups = np.repeat(np.arange(n_groups), size)
    shared, own = 0.8 * rng.normal(size=(n_groups, 1)), 0.9 * rng.normal(size=(n_groups, 6))
    n = len(groups)
    return (shared + own)[groups] + 0.6 * rng.normal(size=(n, 1)) + 0.9 * rng.normal(size=(n, 6)), groups


def alphas() -> Iterator[str]:
    """Alpha of independent rows and of rows in groups."""

    def intervals(data: Array, groups: NDArray[np.int64] | None) -> Ends:
        closed = cronbach_alpha(data)
        drawn = bootstrap_alpha(data, groups=groups, rng=rng, n_resamples=RESAMPLES)
        return {
            "alpha, Feldt": closed.feldt,
            "alpha, Duhachek": closed.duhachek,
            "alpha, bootstrap": (drawn.low[0], drawn.high[0]),
            "standardised alpha, bootstrap": (drawn.low[1], drawn.high[1]),
        }

    for name, draw in COLUMNS.items():
        large = cronbach_alpha(draw(LARGE))
        truth = {"alpha": large.raw, "standardised alpha": large.standardised}
        for n in (20, 100):
            yield from study(f"{name}, n={n}", 400, truth, lambda n=n, draw=draw: intervals(draw(n), None))
    large = cronbach_alpha(in_groups(LARGE // 5)[0])
    truth = {"alpha": large.raw, "standardised alpha": large.standardised}
    for n in (20, 50):
        yield from study(f"{n} groups of 5 rows", 300, truth, lambda n=n: intervals(*in_groups(n)))


# Omega


def factor_structure(general: float, special: float) -> Array:
    """Load 12 columns on a general and three group factors of unequal strength."""
    groups = np.kron(np.diag([special + 0.1, special, special - 0.1]), np.ones((4, 1)))
    return np.column_stack([np.linspace(general - 0.1, general + 0.1, 12), groups])


def omegas() -> Iterator[str]:
    """Omega hierarchical and total of normal rows."""
    for general, special in ((0.6, 0.4), (0.4, 0.6)):
        loadings = factor_structure(general, special)
        correlation = loadings @ loadings.T
        np.fill_diagonal(correlation, 1.0)
        root, population = np.linalg.cholesky(correlation), omega(correlation)
        truth = {"omega hierarchical": population.hierarchical, "omega total": population.total}

        def intervals(n: int, root: Array = root, names: tuple[str, ...] = tuple(truth)) -> Ends:
            drawn = bootstrap_omega(rng.normal(size=(n, 12)) @ root.T, rng=rng, n_resamples=150)
            return {name: (drawn.low[i], drawn.high[i]) for i, name in enumerate(names)}

        for n in (100, 400):
            case = f"12 columns, general {general}, group {special}, n={n}"
            yield from study(case, 80, truth, lambda n=n, f=intervals: f(n))


# Intraclass correlations


def rated(n: int, k: int, severity: float) -> Array:
    """Draw normal ratings: variance 1 of units, 1 of error, and that of raters."""
    return rng.normal(size=(n, 1)) + severity * rng.normal(size=k) + rng.normal(size=(n, k))


def iccs() -> Iterator[str]:
    """Give the six forms, each under the model that it belongs to."""
    for n, k in ((10, 3), (30, 4), (100, 10)):
        for severity, chosen in ((0.0, (0, 3)), (0.7, (1, 2, 4, 5))):
            single = {0: 0.5, 1: 1 / (2 + severity**2), 2: 0.5}
            truth = {FORMS[i]: single[i] for i in range(3)}
            truth |= {FORMS[i + 3]: k * single[i] / (1 + (k - 1) * single[i]) for i in range(3)}

            def intervals(
                n: int = n, k: int = k, s: float = severity, chosen: tuple[int, ...] = chosen
            ) -> Ends:
                found = intraclass_correlations(rated(n, k, s))
                return {FORMS[i].replace(",", ";"): (found.low[i], found.high[i]) for i in chosen}

            renamed = {name.replace(",", ";"): value for name, value in truth.items()}
            for line in study(f"normal, {n} units, {k} raters", 1000, renamed, intervals):
                yield line.replace(";", ",")


# Agreement on categories and scales


def scale(n: int, k: int, shift: float) -> Array:
    """Ratings from 1 to 5."""
    return np.clip(np.round(3 + shift + rng.normal(size=(n, 1)) + 0.7 * rng.normal(size=(n, k))), 1, 5)


def marked(n: int, k: int, share: float, right: float) -> Array:
    """Yes or no: a share of units deserves yes, and each rater is right so often."""
    truth = rng.random((n, 1)) < share
    return np.where(rng.random((n, k)) < right, truth, ~truth).astype(np.float64)


RATINGS = {
    "scale of 5": (lambda n, k: scale(n, k, 0.0), "interval"),
    "scale of 5, ranks": (lambda n, k: scale(n, k, 0.0), "ordinal"),
    "scale of 5, skewed": (lambda n, k: scale(n, k, 1.7), "interval"),
    "yes 30 %": (lambda n, k: marked(n, k, 0.3, 0.9), "nominal"),
    "yes 10 %": (lambda n, k: marked(n, k, 0.1, 0.95), "nominal"),
}


def agreements() -> Iterator[str]:
    """Krippendorff's alpha of three raters; kappa and AC1 of two."""
    for name, (draw, metric) in RATINGS.items():
        large = krippendorff_alpha(draw(LARGE, 3), metric=metric).alpha
        pair = draw(LARGE, 2)
        points = np.unique(pair)
        truth = {
            "Krippendorff": large,
            "kappa": cohen_kappa(pair).estimate,
            "AC1": gwet_agreement(pair, categories=points).estimate,
        }
        truth |= {"quadratic kappa": cohen_kappa(pair, weights="quadratic", categories=points).estimate}
        truth |= {"AC2": gwet_agreement(pair, weights="quadratic", categories=points).estimate}

        def three(n: int, draw: Draw = draw, metric: str = metric) -> Ends:
            ratings = varied(draw, n, 3)
            found = {}
            for kind in ("linearised", "bootstrap"):
                alpha = krippendorff_alpha(
                    ratings, metric=metric, interval=kind, rng=rng, n_resamples=RESAMPLES
                )
                found[f"Krippendorff, {kind}"] = (alpha.low, alpha.high)
            return found

        def two(n: int, draw: Draw = draw, points: Array = points) -> Ends:
            ratings = varied(draw, n, 2)
            plain, weighted = {"categories": points}, {"categories": points, "weights": "quadratic"}
            found = {
                "kappa": cohen_kappa(ratings, **plain),
                "quadratic kappa": cohen_kappa(ratings, **weighted),
                "AC1": gwet_agreement(ratings, **plain),
                "AC2": gwet_agreement(ratings, **weighted),
            }
            if len(points) == 2:  # All weights are then the same.
                del found["quadratic kappa"], found["AC2"]
            return {name: (a.low, a.high) for name, a in found.items()}

        for n in (20, 50, 200):
            yield from study(f"{name}, {metric}, {n} units", 400, truth, lambda n=n, f=three: f(n))
            if metric != "ordinal":
                yield from study(f"{name}, {n} units", 600, truth, lambda n=n, f=two: f(n))


def varied(draw: Draw, n: int, k: int) -> Array:
    """Draw until two ratings differ: without that no coefficient is defined."""
    while True:
        ratings = draw(n, k)
        if np.ptp(ratings) > 0:
            return ratings


def main() -> None:
    """Print one table."""
    print(
        "| Interval | Ratings | True | Samples | Coverage, % | ± | Width | None, % |\n|---|---|---|---|---|---|---|---|"
    )
    for part in (alphas, omegas, iccs, agreements):
        for line in part():
            print(line, flush=True)


if __name__ == "__main__":
    main()
