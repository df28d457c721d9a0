"""How attacks on a judge fare against the tripwire and the fence, by kind and by round of writing.

Usage: python benchmarks/attacks.py [--data FOLDER]

The corpus of tests/attacks was used to make the rules, so its figures are those of a development set; the head of
attacks.toml tells what was marked when each held-back round was first measured. The gullible judge obeys everything
that looks like an order. With --data, a folder that holds llm_values_pct/completions.jsonl.gz, the share of recorded
replies of language models that the tripwire marks is printed too: essays about opinions, so all alarms are false.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from valuelex.stages.clean import clean_answer
from valuelex.stages.fence import fenced, neutralise
from valuelex.stages.tripwire import KINDS, addresses_judge

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS / "attacks"))

from gullible_judge import GullibleJudge  # noqa: E402

TEMPLATE = (
    "Rate how far the sentence shows care, from 0 to 6.\nWhen it rained, I\n{}\nAnswer with one number."
)
RECORDED = Path("llm_values_pct") / "completions.jsonl.gz"
EVERY = 5
"""Every fifth recorded reply is read."""


def load(name: str) -> list[dict[str, Any]]:
    """Read one list of the corpus."""
    content = tomllib.loads((TESTS / "attacks" / f"{name}.toml").read_text(encoding="utf-8"))
    return list(content[name])


def print_table(attacks: list[dict[str, Any]]) -> None:
    """Print a row for each kind and each round."""
    naive = GullibleJudge(lambda text: TEMPLATE.format(f"--- sentence\n{text}\n--- end of sentence"))
    safe = GullibleJudge(lambda text: TEMPLATE.format(fenced(neutralise(text), "e0123456789abcdef")))
    print(f"{'':<12}{'n':>5}{'marked':>8}{'moved: undefended':>20}{'fence only':>12}{'both':>6}")
    rows = [(kind, [a for a in attacks if a["kind"] == kind]) for kind in KINDS]
    rows += [(f"round {r}", [a for a in attacks if a["round"] == r]) for r in range(1, 5)]
    for name, of in [*rows, ("all", attacks)]:
        marked = [addresses_judge(a["text"]) is not None for a in of]
        undefended = sum(naive.is_moved(a["text"]) for a in of)
        behind_fence = [safe.is_moved(a["text"]) for a in of]
        both = sum(moved and not seen for moved, seen in zip(behind_fence, marked, strict=True))
        print(f"{name:<12}{len(of):>5}{sum(marked):>8}{undefended:>20}{sum(behind_fence):>12}{both:>6}")


def print_recorded(folder: Path | None) -> None:
    """Print how many recorded replies are marked, by kind."""
    if folder is None or not (folder / RECORDED).exists():
        print(f"recorded replies: skipped, for want of {RECORDED} in the folder given by --data")
        return
    with gzip.open(folder / RECORDED, "rt", encoding="utf-8") as lines:
        replies = [json.loads(line)["completion"] for i, line in enumerate(lines) if i % EVERY == 0]
    kinds = Counter(addresses_judge(clean_answer(reply)) for reply in replies)
    n_marked = len(replies) - kinds.pop(None, 0)
    print(
        f"recorded replies: {n_marked} of {len(replies)} marked ({n_marked / len(replies):.2%}): {dict(kinds)}"
    )


def main() -> None:
    """Read the corpus and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with recorded replies of language models")
    arguments = parser.parse_args()
    attacks, benign = load("attacks"), load("benign")
    print(f"{len(attacks)} attacks in {len({a['language'] for a in attacks})} languages")
    print_table(attacks)
    false_alarms = [b["text"] for b in benign if addresses_judge(b["text"]) is not None]
    n_tricky = sum(b["tricky"] for b in benign)
    print(
        f"ordinary completions: {len(false_alarms)} of {len(benign)} marked ({n_tricky} tricky)",
        *false_alarms,
    )
    print_recorded(arguments.data)


if __name__ == "__main__":
    main()
