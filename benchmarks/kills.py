"""What kill -9 costs: a study against a server on which everything goes wrong, killed at random moments, and resumed.

The server journals every answer before it leaves. After each kill the bodies that it has answered in that run and
that the ledger does not hold were in flight; only they may be answered again. At the end the same study runs
undisturbed at the same address, and all result files are compared byte by byte. The runs that are killed go as
far as the completions; the last one writes the report.

Run: python benchmarks/kills.py [--kills 100] [--calls 3000] [--seed 1] (about ten minutes)
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from faults.harness import (
    ELICIT,
    MAX_IN_FLIGHT,
    PROJECT,
    FaultServer,
    Kills,
    Running,
    kill_moments,
    recorded,
    results,
    run,
    write_study,
)

N_RESPONDENTS, N_PROMPTS, N_STEMS = 6, 15, 50
DELAY_S, HANG_S = 0.01, 2.0


def study_of(n_calls: int) -> tuple[str, int]:
    """Return the sections of a study of about so many calls, and their true number."""
    n_project = N_RESPONDENTS * N_STEMS
    draws = max(round((n_calls - n_project) / (N_RESPONDENTS * N_PROMPTS)), 1)
    return ELICIT.format(draws=draws) + PROJECT.format(
        stems=N_STEMS
    ), N_RESPONDENTS * N_PROMPTS * draws + n_project


def killed_run(server: FaultServer, path: Path, n_kills: int, n_calls: int, rng: random.Random) -> Kills:
    """Kill and resume the study, then let it end."""
    kills = Kills()
    for after_answers, jitter_s in kill_moments(n_kills, n_calls, rng):
        running = Running(path.parent, "run", str(path), "--until", "project")
        if not running.kill_9(server, after_answers, jitter_s):
            print("A run ended before it was killed; the number of kills is lower.")
            continue
        kills.note(server, path.parent)
    outcome = run(path)
    if outcome.returncode:
        sys.exit(f"The last run failed: {outcome.stderr[-1000:]}")
    return kills


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    more, n_calls = study_of(options.calls)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with FaultServer(
            folder / "faulty.jsonl", seed=options.seed, delay_s=DELAY_S, hang_s=HANG_S
        ) as server:
            path = write_study(folder / "killed", server.url, more=more)
            kills = killed_run(server, path, options.kills, n_calls, random.Random(options.seed))
            answered = server.answered()
            server.restart_as(folder / "calm.jsonl", rates={})
            calm = write_study(folder / "undisturbed", server.url, more=more)
            if run(calm).returncode:
                sys.exit("The undisturbed run failed.")
        same = results(path.parent) == results(calm.parent)
        missing = set(server.answered()) - recorded(path.parent)
        n_files = len(results(calm.parent))
    in_flight = [len(bodies) for bodies in kills.in_flight]
    rows = {
        "calls of the study": n_calls,
        "kill -9": len(in_flight),
        "distinct answers in the ledger": len(answered.keys() - missing),
        "lost": len(missing) + kills.n_lost,
        "answered again": answered.total() - len(answered),
        "of these in flight at a kill": answered.total()
        - len(answered)
        - kills.unexplained(answered).total(),
        f"most in flight at one kill (limit {MAX_IN_FLIGHT})": max(in_flight, default=0),
        f"result files identical to an undisturbed run (of {n_files})": "all" if same else "NOT ALL",
        "minutes": f"{(time.monotonic() - started) / 60:.1f}",
    }
    for title, value in rows.items():
        print(f"{title:60} {value:>8}")


if __name__ == "__main__":
    main()
