"""Print how far each statistic is from that of other software, as the table of docs/explanation/statistics.md.

Run: python benchmarks/oracles.py
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "stats")]

from oracle import Comparison  # noqa: E402


def main() -> None:
    """Print one row for each quantity: the worst of its cases."""
    rows: dict[str, list[Comparison]] = {}
    for path in sorted((ROOT / "tests" / "stats").glob("*_oracle.py")):
        for comparison in importlib.import_module(path.stem).comparisons():
            rows.setdefault(comparison.quantity, []).append(comparison)
    print("| Quantity | Cases | Against | Largest deviation | Allowed |\n|---|---|---|---|---|")
    for quantity, cases in rows.items():
        worst = max(cases, key=lambda c: c.deviation / c.tolerance)
        software = ", ".join(sorted({c.software for c in cases}))
        print(f"| {quantity} | {len(cases)} | {software} | {worst.deviation:.1e} | {worst.tolerance:.0e} |")


if __name__ == "__main__":
    main()
