"""What a study meets on a server on which everything goes wrong, and what it ends with.

One run of about 3,000 calls: 10 % 429 (with and without Retry-After), 5 % 500/502/503, 2 % dropped connections, 2 %
truncated JSON, 1 % hangs of 60 s, 1 % duplicates, 8 % answers of another content type or compressed. The same study
then runs at the same address undisturbed, and all result files are compared byte by byte.

Run: python benchmarks/fault_run.py [--calls 3000] [--hang 60] [--seed 1] (about a quarter of an hour)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from faults.harness import FaultServer, recorded, results, run, write_study
from kills import DELAY_S, study_of


def main() -> None:
    """Print what was met and what is there in the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--hang", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    more, n_calls = study_of(options.calls)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with FaultServer(
            folder / "faulty.jsonl", seed=options.seed, delay_s=DELAY_S, hang_s=options.hang
        ) as server:
            path = write_study(folder / "faulty", server.url, more=more)
            started = time.monotonic()
            codes = []
            # A call that met a fault at every attempt is left for the next run.
            while not codes or (len(recorded(path.parent)) < n_calls and len(codes) < 3):
                codes.append(run(path, timeout_s=3000).returncode)
            minutes = (time.monotonic() - started) / 60
            answered, met = server.answered(), server.met()
            server.restart_as(folder / "calm.jsonl", rates={})
            calm = write_study(folder / "undisturbed", server.url, more=more)
            if run(calm).returncode:
                sys.exit("The undisturbed run failed.")
        kept = recorded(path.parent)
        same = results(path.parent) == results(calm.parent)
    print(f"{'Attempts met by the server':60} {met.total():>8}")
    for what, n in sorted(met.items()):
        print(f"  {what:58} {n:>8}")
    rows = {
        "calls of the study": n_calls,
        "distinct answers in the ledger": len(kept),
        "lost": len(answered.keys() - kept),
        "answered again": answered.total() - len(answered),
        "runs, and the exit code of each": ", ".join(map(str, codes)),
        "result files identical to an undisturbed run": "all" if same else "NOT ALL",
        "minutes": f"{minutes:.1f}",
    }
    for title, value in rows.items():
        print(f"{title:60} {value:>8}")


if __name__ == "__main__":
    main()
