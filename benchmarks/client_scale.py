"""Whether the client stays small and quick however long the study: memory, resuming, and the start of the command line.

Memory: the highest resident memory of a process that sends calls from a generator to a server that answers at once.
Resuming: how long it takes to find that nothing is to be sent of a study of 100,800 calls, made by recording answers.
Help: the wall time of `valuelex --help`, best of ten.

Run: python benchmarks/client_scale.py [--most 200000] (about ten minutes)
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from client_server import REPLY
from client_speed import one_round, server

SIZES = (1_000, 10_000, 50_000, 200_000)
IN_FLIGHT = 100
MOST_GROWTH = 1.2
RESUME_TARGET_S, HELP_TARGET_S = 3.0, 0.3
STUDY = """
[study]
name = "finished"
[endpoints.mock]
base_url = "http://127.0.0.1:9/v1"
[[respondents]]
model = "mock/one"
temperature = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
[project]
draws = 84
"""
"""10 respondents x 120 stems x 84 draws."""


def verdict(is_met: bool) -> str:
    """Say whether a target is met."""
    return "met" if is_met else "MISSED"


def memory(most: int) -> None:
    """Print the highest resident memory by number of calls."""
    print(f"{'calls':>10} {'peak MB':>10} {'calls/s':>10}")
    peaks = []
    with server(0.0) as url:
        for n in (size for size in SIZES if size <= most):
            found = one_round(sys.executable, "valuelex", url, n, IN_FLIGHT)
            peaks.append(found["peak_mb"])
            print(f"{n:>10,} {found['peak_mb']:>10.0f} {n / found['wall_s']:>10.0f}", flush=True)
    growth = peaks[-1] / peaks[0]
    print(
        f"last to first: {growth:.2f}; target: flat, {MOST_GROWTH:g} at the most: {verdict(growth <= MOST_GROWTH)}"
    )


def finish(folder: Path) -> Path:
    """Make a study all calls of which are answered; return its file."""
    import json

    from valuelex import pipeline
    from valuelex.io.ledger import Answer, Ledger

    path = folder / "study.toml"
    path.write_text(STUDY)
    workspace = pipeline.open_study(path)
    calls = pipeline.planned_calls(workspace.study)["project"]
    payload = json.dumps(REPLY)
    with Ledger(workspace.ledger_path) as ledger:
        for start in range(0, len(calls), 5000):
            some = calls[start : start + 5000]
            ledger.record(Answer(call, payload, 0.05, 1) for call in some)
    return path


def best_s(command: list[str], n: int) -> float:
    """Return the shortest wall time of a command."""

    def once() -> float:
        started = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        return time.monotonic() - started

    return min(once() for _ in range(n))


def resuming(folder: Path) -> None:
    """Print how long it takes to find that nothing is to be sent."""
    from valuelex import pipeline

    path = finish(folder)
    workspace = pipeline.open_study(path)
    cli = [sys.executable, "-m", "valuelex"]

    def in_process() -> float:
        started = time.monotonic()
        if pipeline.status(workspace).n_new:
            sys.exit("The study is not finished.")
        return time.monotonic() - started

    started = time.monotonic()
    subprocess.run([*cli, "run", str(path)], check=True, capture_output=True)
    print(f"{'its first report':30} {time.monotonic() - started:6.1f} s")
    ways: dict[str, Callable[[], float]] = {
        "pipeline.status": lambda: min(in_process() for _ in range(3)),
        "valuelex status": lambda: best_s([*cli, "status", str(path)], 3),
        "valuelex run": lambda: best_s([*cli, "run", str(path)], 3),
    }
    for name, measure in ways.items():
        seconds = measure()
        print(
            f"{name:30} {seconds:6.2f} s; target {RESUME_TARGET_S:g}: {verdict(seconds <= RESUME_TARGET_S)}"
        )


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=SIZES[-1])
    options = parser.parse_args()
    print("Memory of the client")
    memory(options.most)
    print("\nResuming a finished study of 100,800 calls, best of three")
    with tempfile.TemporaryDirectory() as name:
        resuming(Path(name))
    print("\nStart of the command line, best of ten")
    seconds = best_s([sys.executable, "-m", "valuelex", "--help"], 10)
    print(
        f"{'valuelex --help':30} {seconds:6.2f} s; target {HELP_TARGET_S:g}: {verdict(seconds <= HELP_TARGET_S)}"
    )


if __name__ == "__main__":
    main()
