"""Tell whose the ratings of ValueBench are: the model's, the item's, or neither's.

Run: python benchmarks/valuebench_components.py --data FOLDER

FOLDER (or the environment variable VALUEBENCH) holds answers.jsonl.gz: one line for each answer of a model to an item,
with `item_id`, `value`, `agreement` (1 or -1), `model`, `answer` and `judge_rating` (0 to 10), from
github.com/Value4AI/ValueBench (MIT). Ratings of items with agreement -1 are turned round, all are brought to the
scale of 0 to 6, and go through the checks that every study goes through: models are respondents, items are
stems, and there is one judge and one draw. Ren et al. (2024), ValueBench.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from valuelex.domain.measure import Completion, RatingArray, Stem, StemKind
from valuelex.domain.structure import Dimension, Subdimension, ValueSystem
from valuelex.domain.study import Endpoint, Model, Respondent
from valuelex.stages.quality import measure_quality
from valuelex.stats.variance_components import VarianceComponents, variance_components

FILE = "answers.jsonl.gz"
RESAMPLES = 1000
ITEMS = (1, 5, 10, 20, 40)
WANTED = 0.8


def read(folder: Path) -> list[dict[str, Any]]:
    """Read the answers, ratings turned towards the value and brought to 0 to 6."""
    with gzip.open(folder / FILE, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        rating = row["judge_rating"]
        row["rating"] = 0.6 * (rating if row["agreement"] == 1 else 10 - rating)
    return rows


def overall(rows: list[dict[str, Any]]) -> None:
    """Print components, precision and warnings as every study has them."""
    system = ValueSystem(
        "valuebench",
        "ValueBench",
        "Ren et al. (2024)",
        (Dimension("all", "All", "-", (Subdimension("value", "Value", "-", (), ("a",), ("b",)),)),),
    )
    model = Model(Endpoint("valuebench", "valuebench", None, False, 1), "valuebench")
    names = list(dict.fromkeys(row["model"] for row in rows))
    respondents = [Respondent(n, model, "chat", 1.0, 1.0, n.split("-")[0]) for n in names]
    items = {str(row["item_id"]): row["value"] for row in rows}
    stems = [Stem(item, item, StemKind.NEUTRAL, value) for item, value in items.items()]
    completions = tuple(
        Completion(f"{i}", row["model"], str(row["item_id"]), 0, row["answer"], None, "")
        for i, row in enumerate(rows)
    )
    ratings = np.array([[row["rating"]] for row in rows])
    array = RatingArray.of("gpt", system.name, ratings, completions, ("value",))
    rng = np.random.default_rng(1)
    quality = measure_quality([array], system, respondents, stems, np.full(len(rows), np.nan), RESAMPLES, rng)
    (table,), (decision,) = quality.components, quality.decisions
    print(
        f"{table.n_ratings:,} ratings of {len(names)} models on {len(stems):,} items, squared points of 0 to 6\n"
    )
    for c in table.components:
        print(
            f"{c.effect:12s} {c.variance.value:6.3f} ({c.variance.low:.3f} to {c.variance.high:.3f}) {c.share:6.1%}  "
            f"{c.meaning}"
        )
    print(f"\n{decision.sentence}")
    for row in decision.rows:
        g, phi = row.generalizability, row.dependability
        print(
            f"{row.n_stems:6.0f} items: G {g.value:.3f} ({g.low:.3f} to {g.high:.3f}), dependability {phi.value:.3f}, "
            f"standard error {row.absolute_error:.3f}"
        )
    told = [item.discrimination for item in quality.items if item.discrimination is not None]
    print(
        f"\n{np.mean(np.array(told) < 0):.0%} of {len(told):,} items order the models against the other items"
    )
    print("\nWarnings")
    for warning in quality.warnings:
        print(f"- {warning}")


def in_values(rows: list[dict[str, Any]]) -> None:
    """Print components with items nested in values, and how many items a model's score on one value needs."""
    rated = np.array([row["rating"] for row in rows])
    labels = {
        "model": np.array([row["model"] for row in rows]),
        "value": np.array([row["value"] for row in rows]),
        "item": np.array([row["item_id"] for row in rows]),
    }
    found: VarianceComponents = variance_components(rated, labels, "model x (item:value)")
    total = found.variance.sum()
    print(f"\nItems nested in {found.n_levels['value']} values ({found.method})\n")
    for name, variance, low, high in zip(found.names, found.variance, found.low, found.high, strict=True):
        print(f"{name:16s} {variance:6.3f} ({low:.3f} to {high:.3f}) {variance / total:6.1%}")
    on_value = found.of("model") + found.of("model x value")
    cells = len({(row["value"], row["item_id"]) for row in rows}) / found.n_levels["value"]
    print(
        f"\nA model's score on one value, from n items ({cells:.1f} on average), for comparing models on it:"
    )
    for n in ITEMS:
        print(f"{n:6d} items: generalizability {on_value / (on_value + found.of('residual') / n):.2f}")
    needed = np.ceil(found.of("residual") * WANTED / (1 - WANTED) / on_value)
    print(f"{needed:.0f} items on one value reach {WANTED}")


def main() -> None:
    """Measure, or say what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=os.environ.get("VALUEBENCH", ""), help=f"folder of {FILE}")
    folder = parser.parse_args().data
    if not folder or not (Path(folder) / FILE).is_file():
        print(f"Skipped: {FILE} is not in {folder!r}. Give its folder with --data or VALUEBENCH.")
        return
    rows = read(Path(folder))
    overall(rows)
    in_values(rows)


if __name__ == "__main__":
    main()
