"""Check by simulation how often 95 % intervals of Bradley-Terry abilities and position effects hold the truth.

The design is that of the choices between statements: 6 objects, 15 pairs, both orders, 5 draws. With groups, the draws
of one pair and order are one; since a dispersion below 1 counts as 1, intervals are then a little too wide
where draws are independent. In "shared" rows each cell of pair and order has a whim of its own, which all its draws
share (normal, in logits): that spread only groups can tell, and it draws all estimates towards zero.
Separated samples are those that plain maximum likelihood could not do.

Run: python benchmarks/coverage_paired.py (about 60 s on one core).
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from valuelex.stats.paired_comparison import paired_comparison

Array = NDArray[np.float64]
N_SAMPLES = 1000
N_OBJECTS, N_DRAWS = 6, 5
OBJECTS = [f"object {i}" for i in range(N_OBJECTS)]
CELLS = np.array([(i, j) for i in range(N_OBJECTS) for j in range(N_OBJECTS) if i != j])
FIRST, SECOND = np.repeat(CELLS, N_DRAWS, axis=0).T
CELL = np.repeat(np.arange(len(CELLS)), N_DRAWS)
SHAPES = {
    "equal": np.zeros(N_OBJECTS),
    "spread 2": np.linspace(-1, 1, N_OBJECTS),
    "spread 4": np.linspace(-2, 2, N_OBJECTS),
    "spread 8": np.linspace(-4, 4, N_OBJECTS),
    "one apart": np.array([3.0, -0.6, -0.6, -0.6, -0.6, -0.6]),
}
SEED = 2026
rng = np.random.default_rng(SEED)


def drawn(abilities: Array, position: float, shared: float, lost: float) -> Array:
    """Outcomes of one respondent; a share is lost at random."""
    logit = abilities[FIRST] - abilities[SECOND] + position
    logit = logit + shared * rng.normal(size=len(CELLS))[CELL]
    wins = (rng.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(np.float64)
    return np.where(rng.random(len(logit)) < lost, np.nan, wins)


def rows(
    case: str, abilities: Array, position: float, *, shared: float = 0.0, lost: float = 0.0, grouped: bool
) -> Iterator[str]:
    """One row for the abilities, one for the position effect."""
    held, placed, widths, estimates, separated = [], [], [], [], 0
    for _ in range(N_SAMPLES):
        found = paired_comparison(
            FIRST,
            SECOND,
            drawn(abilities, position, shared, lost),
            objects=OBJECTS,
            groups=CELL if grouped else None,
        )
        held.append((found.low <= abilities) & (abilities <= found.high))
        placed.append(found.position_low <= position <= found.position_high)
        widths.append((np.median(found.high - found.low), found.position_high - found.position_low))
        estimates.append((*found.abilities, found.position))
        separated += found.separated
    bias = np.mean(estimates, axis=0) - (*abilities, position)
    width = np.median(widths, axis=0)
    # Abilities of one sample are not independent, so the error is taken over samples.
    per_sample = np.mean(held, axis=1)
    by_object = 100 * np.mean(held, axis=0)
    error = per_sample.std(ddof=1) / np.sqrt(N_SAMPLES)
    name = f"{case} | {position:g} | {'yes' if grouped else 'no'}"
    share = f"{100 * separated / N_SAMPLES:.1f}"
    yield (
        f"| abilities | {name} | {100 * per_sample.mean():.1f} ({by_object.min():.1f} to {by_object.max():.1f}) | "
        f"{100 * error:.1f} | {np.abs(bias[:-1]).max():.3f} | {width[0]:.2f} | {share} |"
    )
    rate = np.mean(placed)
    error = np.sqrt(max(rate * (1 - rate), 0.25 / N_SAMPLES) / N_SAMPLES)
    yield (
        f"| position | {name} | {100 * rate:.1f} | {100 * error:.1f} | {abs(bias[-1]):.3f} | {width[1]:.2f} | {share} |"
    )


def main() -> None:
    """Print one table."""
    print(
        "| Quantity | Truth | Position | Groups | Coverage, % (by object) | ± | Largest bias | Width | Separated, % |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for name, abilities in SHAPES.items():
        for position in (0.0, 1.0):
            for line in rows(name, abilities, position, grouped=True):
                print(line, flush=True)
    for line in rows("spread 4", SHAPES["spread 4"], 1.0, grouped=False):
        print(line, flush=True)
    for line in rows("spread 4, 40 % lost", SHAPES["spread 4"], 1.0, lost=0.4, grouped=True):
        print(line, flush=True)
    for shared in (0.5, 1.0):
        for grouped in (False, True):
            for line in rows(
                f"spread 2, shared {shared:g}", SHAPES["spread 2"], 0.5, shared=shared, grouped=grouped
            ):
                print(line, flush=True)


if __name__ == "__main__":
    main()
