"""Check by simulation that intervals cover and that tests of identical respondents stay quiet.

Coverage: a respondent's rating of a stem is its mean + the stem's effect + noise, put onto the scale of 0
to 6. A 95 % interval of `orient` should hold the mean over all stems there could be (known here
from four million draws) in 94 to 96 % of samples of stems. It is compared with Student's t and with the plain
percentile bootstrap on the same samples.

False positives: four respondents of one and the same standing, rated on three dimensions of two
subdimensions. `contrast` should give p < .05 in 5 % of contrasts, and a p below .05 after
Holm's adjustment anywhere in a family of contrasts in at most 5 % of studies.

Run: python benchmarks/coverage.py
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from valuelex.domain.measure import Completion, RatingArray
from valuelex.domain.structure import Dimension, Subdimension, ValueSystem
from valuelex.domain.study import Endpoint, Model, Respondent
from valuelex.stages.compare import contrast
from valuelex.stages.score import orient

Array = NDArray[np.float64]
SEED = 2024
N_STEMS = (12, 24, 48)
SAMPLES, AT_ONCE = 4000, 200
STUDIES = 1000
RESAMPLES = 2000
POPULATION = 4_000_000
SHAPES = {
    "normal, in mid-scale": lambda rng, shape: (
        3.0 + 0.8 * rng.normal(size=shape) + 0.6 * rng.normal(size=shape)
    ),
    "skewed": lambda rng, shape: 1.2 + rng.exponential(size=shape) + 0.4 * rng.normal(size=shape),
    "ceiling, 36 % are 6": lambda rng, shape: 5.6 + rng.normal(size=shape) + 0.5 * rng.normal(size=shape),
    "ceiling, 76 % are 6": lambda rng, shape: 6.8 + rng.normal(size=shape) + 0.5 * rng.normal(size=shape),
}


def value_system(groups: dict[str, tuple[str, ...]]) -> ValueSystem:
    """Build a value system of the given subdimensions; nothing else of it matters here."""
    dimensions = tuple(
        Dimension(d, d, d, tuple(Subdimension(s, s, s, (s,), (s,), (s,)) for s in own))
        for d, own in groups.items()
    )
    return ValueSystem("simulated", "Simulated", "benchmarks/coverage.py", dimensions)


def rating_array(scores: Array, system: ValueSystem) -> RatingArray:
    """Ratings from scores of (n_stems, n_respondents, n_subdimensions), one draw each."""
    n_stems, n_respondents, width = scores.shape
    completions = tuple(
        Completion(f"r{r}:s{s}:0", f"r{r}", f"s{s}", 0, "x", None, "")
        for s in range(n_stems)
        for r in range(n_respondents)
    )
    subdimensions = tuple(s.id for s in system.subdimensions)
    return RatingArray.of("simulated", system.name, scores.reshape(-1, width), completions, subdimensions)


def stem_ids(n_stems: int) -> list[str]:
    """Names of the stems of a rating array."""
    return [f"s{s}" for s in range(n_stems)]


def coverage(shape: str, n_stems: int, rng: np.random.Generator) -> list[str]:
    """Simulate one kind of ratings; returns the cells of a row."""
    draw, system = SHAPES[shape], value_system({"d": ("s",)})
    target = float(np.clip(draw(np.random.default_rng(SEED), POPULATION), 0, 6).mean())
    names = [f"r{r}" for r in range(AT_ONCE)]
    ends: dict[str, list[tuple[Array, Array]]] = {"ours": [], "t": [], "percentile": []}
    for _ in range(SAMPLES // AT_ONCE):
        # Each respondent meets stems of its own, so that it is a sample of its own.
        scores = np.clip(draw(rng, (n_stems, AT_ONCE)), 0, 6)
        found = orient(
            rating_array(scores[:, :, None], system), system, names, stem_ids(n_stems), RESAMPLES, rng
        )
        own = [o for o in found if o.level == "subdimension"]
        low_high = np.array([[o.ci_low, o.ci_high] for o in own], dtype=np.float64)  # None becomes NaN.
        ends["ours"].append((low_high[:, 0], low_high[:, 1]))
        mean, se = scores.mean(axis=0), scores.std(axis=0, ddof=1) / np.sqrt(n_stems)
        reach = student.ppf(0.975, n_stems - 1) * se
        ends["t"].append((mean - reach, mean + reach))
        draws = rng.multinomial(n_stems, np.full(n_stems, 1 / n_stems), size=RESAMPLES)
        low, high = np.quantile(draws @ scores / n_stems, [0.025, 0.975], axis=0)
        ends["percentile"].append((low, high))
    cells = [f"{shape:22s}", f"{n_stems:5d}", f"{target:6.2f}"]
    without: list[float] = []
    for pairs in ends.values():
        low, high = (np.concatenate(part) for part in zip(*pairs, strict=True))
        given = ~np.isnan(low)
        rate = float(((low <= target) & (target <= high))[given].mean())
        cells += [
            f"{100 * rate:6.1f}±{standard_error(rate, SAMPLES):.1f}",
            f"{(high - low)[given].mean():5.2f}",
        ]
        without.append(100 * float((~given).mean()))
    return [*cells, f"{without[0]:7.1f}"]


def standard_error(rate: float, n: int) -> float:
    """Monte-Carlo standard error of a rate, in percentage points."""
    return 100 * float(np.sqrt(rate * (1 - rate) / n))


def false_positives(n_stems: int, rng: np.random.Generator) -> list[str]:
    """Simulate studies of identical respondents; returns the cells of a row."""
    system = value_system({f"d{d}": (f"s{2 * d}", f"s{2 * d + 1}") for d in range(3)})
    model = Model(Endpoint("simulated", "simulated", None, True, 1), "simulated")
    respondents = [Respondent(f"r{r}", model, "chat", 1.0, 1.0, "simulated") for r in range(4)]
    raw: list[Array] = []
    families = {"subdimension": 0, "dimension": 0}
    for _ in range(STUDIES):
        scores = (
            4.0
            + 0.8 * rng.normal(size=(n_stems, 1, 6))
            + 0.5 * rng.normal(size=(n_stems, 4, 1))  # what a completion has in common on all subdimensions
            + 0.6 * rng.normal(size=(n_stems, 4, 6))
        )
        array = rating_array(np.clip(scores, 0, 6), system)
        found = contrast(array, system, respondents, stem_ids(n_stems), "respondent", 100, rng)
        raw.append(np.array([c.p_value for c in found]))
        for level in families:
            families[level] += any((c.p_adjusted or 0.0) < 0.05 for c in found if c.level == level)
    by_study = (np.stack(raw) < 0.05).mean(axis=1)
    cells = [f"{n_stems:5d}", f"{100 * by_study.mean():8.1f}±{100 * by_study.std() / np.sqrt(STUDIES):.1f}"]
    for n_found in families.values():
        rate = n_found / STUDIES
        cells.append(f"{100 * rate:14.1f}±{standard_error(rate, STUDIES):.1f}")
    return cells


def main() -> None:
    """Print both tables."""
    rng = np.random.default_rng(SEED)
    print(f"Share of 95 % intervals that hold the true mean, in %, over {SAMPLES:,} samples of stems")
    print(
        f"(± is the simulation's standard error), and mean width in scale points; {RESAMPLES:,} resamples.\n"
        "none: samples of equal "
        "ratings, which have no interval and are left out of the first method, in %.\n"
    )
    print(f"{'ratings':22s} stems   mean   bootstrap-t (ours)  Student's t       percentile       none")
    for shape in SHAPES:
        for n_stems in N_STEMS:
            print(*coverage(shape, n_stems, rng), flush=True)
    print("\nIdentical respondents (4, so 6 pairs; 6 subdimensions and 3 dimensions), in %, over")
    print(f"{STUDIES} studies: contrasts with p < .05, and studies with any p < .05 after Holm.\n")
    print("stems  p < .05   subdimensions (36)   dimensions (18)")
    for n_stems in N_STEMS:
        print(*false_positives(n_stems, rng), flush=True)


if __name__ == "__main__":
    main()
