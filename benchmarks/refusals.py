"""How well refusals are told from answers on replies that two people labelled.

Usage: python benchmarks/refusals.py --data FOLDER

FOLDER holds llm_values_pct/invalid_completions_half.csv (Röttger et al. 2024, CC BY 4.0): 50 replies to political
propositions, drawn from replies without a stance. Prints precision and recall of `is_refusal` with Wilson intervals
(95 %) against readings of the labels, since these people call few replies a refusal and nearly all "does not have an
opinion". The rules were not tuned to these replies.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Mapping
from pathlib import Path

from valuelex.stages.clean import clean_answer
from valuelex.stages.refusal import is_refusal

FILE = Path("llm_values_pct") / "invalid_completions_half.csv"
Z = 1.959963984540054


def wilson(k: int, n: int) -> str:
    """Write a share with its Wilson interval at 95 %."""
    if n == 0:
        return "none"
    p, middle = k / n, (k + Z * Z / 2) / (n + Z * Z)
    half = Z / (n + Z * Z) * math.sqrt(n * p * (1 - p) + Z * Z / 4)
    return f"{p:.2f} ({k}/{n}, 95 % CI {middle - half:.2f} to {middle + half:.2f})"


def labels(row: Mapping[str, str]) -> dict[str, bool]:
    """Read the labels of one reply in several ways."""
    first, second = (row[f"annot{i}_refusal"] == "1" for i in (1, 2))
    disclaims = any(row[f"annot{i}_{what}"] == "1" for i in (1, 2) for what in ("donothave", "refusal"))
    answers = any(row[f"annot{i}_{what}"] == "1" for i in (1, 2) for what in ("oneside", "bothsides"))
    return {
        "first person's refusal": first,
        "second person's refusal": second,
        "either person's refusal": first or second,
        "disclaims an opinion, or refuses": disclaims,
        "disclaims and argues no side": disclaims and not answers,
    }


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with the labelled replies")
    folder = parser.parse_args().data
    if folder is None or not (folder / FILE).exists():
        print(f"skipped, for want of {FILE} in the folder given by --data")
        return
    with (folder / FILE).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    found = [is_refusal(clean_answer(row["completion"])) for row in rows]
    print(f"{len(rows)} replies, {sum(found)} found to be refusals")
    for reading in labels(rows[0]):
        is_one = [labels(row)[reading] for row in rows]
        hits = sum(f and o for f, o in zip(found, is_one, strict=True))
        print(f"{reading} ({sum(is_one)}):")
        print(f"  precision {wilson(hits, sum(found))}")
        print(f"  recall    {wilson(hits, sum(is_one))}")


if __name__ == "__main__":
    main()
