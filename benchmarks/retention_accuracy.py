"""Measure how often each rule finds the number of factors or groups that was planted.

First table: normal data of 300 rows and 24 columns that load about .6 on one of 0, 1, 3 or 6 factors, which correlate
.3. Second: 0/1 lists of about ten columns, the ten that a row wants most (popularity + its taste for one of six
groups of columns + luck), with six groups or none planted; 200 columns in 500 lists are too few data, and the right
answer is to say so. Third: 35 sources with habits of their own that write 60 lists each and no groups, with folds that
split sources and folds that do not. A dash counts the runs in which a rule gave no number.

Run: python benchmarks/retention_accuracy.py
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from valuelex.stats.block_model import choose_n_groups
from valuelex.stats.retention_table import retention_table

Array = NDArray[np.float64]
SEED, NORMAL_RUNS, LIST_RUNS = 2026, 20, 5
N_GROUPS = 6


def normal_data(rng: np.random.Generator, n_factors: int, n_rows: int = 300, n_columns: int = 24) -> Array:
    """Simulate columns that load .45 to .75 on one factor each; factors correlate .3."""
    if n_factors == 0:
        return rng.standard_normal((n_rows, n_columns))
    shared = rng.standard_normal((n_rows, 1))
    factor = np.sqrt(0.3) * shared + np.sqrt(0.7) * rng.standard_normal((n_rows, n_factors))
    loading = rng.uniform(0.45, 0.75, n_columns)
    own = factor[:, np.arange(n_columns) % n_factors]
    data: Array = loading * own + np.sqrt(1 - loading**2) * rng.standard_normal((n_rows, n_columns))
    return data


def lists_of(
    rng: np.random.Generator, n_lists: int, n_columns: int, strength: float, unit_taste: Array | None = None
) -> NDArray[np.uint8]:
    """Simulate lists; columns in fewer than five of them are left out."""
    group = rng.permutation(np.arange(n_columns) % N_GROUPS)
    popularity = -0.7 * np.log(rng.permutation(np.arange(1, n_columns + 1)))
    # Tastes for groups 2 d and 2 d + 1 correlate .4.
    pair = np.repeat(rng.standard_normal((n_lists, N_GROUPS // 2)), 2, axis=1)
    taste = np.sqrt(0.4) * pair + np.sqrt(0.6) * rng.standard_normal((n_lists, N_GROUPS))
    sensitivity = strength * rng.uniform(0.5, 1.5, n_columns)
    wish = popularity + sensitivity * taste[:, group] + rng.gumbel(size=(n_lists, n_columns))
    if unit_taste is not None:
        wish += unit_taste
    length = np.clip(rng.poisson(10, n_lists), 3, n_columns // 3)
    rank = np.argsort(np.argsort(-wish, axis=1), axis=1)
    lists = (rank < length[:, None]).astype(np.uint8)
    return lists[:, lists.sum(axis=0) >= 5]


def shown(found: list[int | None], planted: int | None) -> str:
    """Show how often the planted number was found, and which others."""
    counts = Counter("-" if n is None else str(n) for n in found)
    right = counts.pop("-" if planted is None else str(planted), 0)
    others = ", ".join(f"{n}×{c}" if c > 1 else n for n, c in sorted(counts.items()))
    return f"{right} of {len(found)}" + (f" ({others})" if others else "")


Condition = tuple[Callable[[str], int | None], list[dict[str, int | None]]]
"""The right answer of a rule (None: to give no number), and what each rule suggested in each run."""


def print_table(title: str, conditions: dict[str, Condition]) -> None:
    """Print one row a rule and one column a condition."""
    print(f"\n{title}\n\n| Rule | {' | '.join(conditions)} |\n|---|{'---|' * len(conditions)}")
    for rule in next(iter(conditions.values()))[1][0]:
        cells = [shown([run[rule] for run in runs], right(rule)) for right, runs in conditions.values()]
        print(f"| {rule} | {' | '.join(cells)} |")


def right_number(planted: int, _rule: str) -> int:
    """Return the number of factors, which is the same for every rule."""
    return planted


def right_number_of_groups(planted: int | None, rule: str) -> int | None:
    """Return the number of groups; without any, the block model should say 1 and the other rules 0."""
    return 0 if planted == 1 and not rule.startswith("block model") else planted


def main() -> None:
    """Print the three tables."""
    normal: dict[str, Condition] = {}
    for k in (0, 1, 3, 6):
        runs = []
        for run in range(NORMAL_RUNS):
            rng = np.random.default_rng([SEED, k, run])
            table = retention_table(normal_data(rng, k), rng=rng, n_replicates=50)
            runs.append({rule.rule: rule.suggests for rule in table.rules[:-1]})
        normal[f"{k} factors"] = partial(right_number, k), runs
    print_table("Normal data", normal)

    lists: dict[str, Condition] = {}
    for name, planted, n_columns, strength in (
        ("6 groups, 100 columns", 6, 100, 1.0),
        ("none, 100 columns", 1, 100, 0.0),
        ("6 groups, 200 columns (too few data)", None, 200, 1.0),
    ):
        runs = []
        for run in range(LIST_RUNS):
            rng = np.random.default_rng([SEED, n_columns, int(strength), run])
            data = lists_of(rng, 500, n_columns, strength)
            table = retention_table(lists=data, rng=rng, n_replicates=20)
            runs.append({rule.rule: rule.suggests for rule in table.rules})
        lists[name] = partial(right_number_of_groups, planted), runs
    print_table("500 lists (no groups are 1 for the block model and 0 for the other rules)", lists)

    print("\nBlock model, 35 sources with habits, 60 lists each, no groups (outcome, number, trace)\n")
    for name in ("folds by list", "folds by source"):
        found = []
        for run in range(LIST_RUNS):
            rng = np.random.default_rng([SEED, run])
            source = np.repeat(np.arange(35), 60)
            data = lists_of(rng, len(source), 100, 0.0, rng.standard_normal((35, 100))[source])
            choice = choose_n_groups(data, rng=rng, groups=source if name == "folds by source" else None)
            found.append(f"{choice.outcome} {choice.n_groups} ({choice.trace:.1f})")
        print(f"- {name}: {', '.join(found)}")


if __name__ == "__main__":
    main()
