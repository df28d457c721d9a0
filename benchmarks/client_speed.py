"""What a call costs the client: CPU seconds for 1,000 calls, beside bare aiohttp and beside other clients.

The mock server is a process of its own that answers after 50 ms; it is no part of the figures and its own CPU time is
told apart. 100 calls are in flight. Contenders take turns, each in a process of its own; imports and the first 20
calls do not count. The ratio is that of the medians. Bare aiohttp posts, reads and decodes, and keeps nothing;
ValueLex commits every reply to its ledger before it counts.

Other clients are measured where they are installed: --rivals names the Python of an environment that has openai,
litellm or inspect-ai.

Run: python benchmarks/client_speed.py [--rounds 5] [--rivals PYTHON] (about a minute; with all others five)
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
DELAY_S, IN_FLIGHT = 0.05, 100
N_CALLS = {
    "bare aiohttp": 4000,
    "valuelex": 4000,
    "openai SDK": 1000,
    "LiteLLM": 500,
    "Inspect model API": 500,
    "Inspect eval": 200,
}
OURS = ("bare aiohttp", "valuelex")
TARGET = 2.0


@contextmanager
def server(delay_s: float) -> Iterator[str]:
    """Start the mock endpoint; give its base URL."""
    command = [sys.executable, str(HERE / "client_server.py"), str(delay_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.terminate()


def server_cpu_s(url: str) -> float:
    """CPU seconds that the mock endpoint has used."""
    with urllib.request.urlopen(url.replace("/v1", "/cpu")) as reply:
        return float(json.load(reply))


def one_round(python: str, name: str, url: str, n_calls: int, in_flight: int = IN_FLIGHT) -> dict[str, float]:
    """Carry out a round in a process of its own."""
    command = [python, str(HERE / "client_rounds.py"), name, url, str(n_calls), str(in_flight)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print one row a contender."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rivals", default=sys.executable, metavar="PYTHON")
    options = parser.parse_args()
    cost: dict[str, list[float]] = {name: [] for name in N_CALLS}
    missing: dict[str, str] = {}
    servers: dict[str, list[float]] = {name: [] for name in N_CALLS}
    with server(DELAY_S) as url:
        for _ in range(options.rounds):
            for name, n_calls in N_CALLS.items():
                if name in missing:
                    continue
                before = server_cpu_s(url)
                python = sys.executable if name in OURS else options.rivals
                found = one_round(python, name, url, n_calls)
                if "missing" in found:
                    missing[name] = str(found["missing"])
                    continue
                cost[name].append(found["cpu_s"] / n_calls * 1000)
                servers[name].append((server_cpu_s(url) - before) / n_calls * 1000)
    print(
        f"CPU seconds for 1,000 calls, {IN_FLIGHT} in flight, server answers after {DELAY_S * 1000:.0f} ms,"
    )
    print(f"{options.rounds} alternated rounds")
    print(f"{'':20} {'median':>8} {'min':>8} {'max':>8} {'x aiohttp':>10} {'server':>8}")
    bare = statistics.median(cost["bare aiohttp"])
    for name, found in cost.items():
        if name in missing:
            print(f"{name:20} not installed ({missing[name]})")
            continue
        middle = statistics.median(found)
        print(
            f"{name:20} {middle:8.3f} {min(found):8.3f} {max(found):8.3f} {middle / bare:10.2f} "
            f"{statistics.median(servers[name]):8.3f}"
        )
    ratio = statistics.median(cost["valuelex"]) / bare
    print(
        f"valuelex: {ratio:.2f} x bare aiohttp; target {TARGET:g}: {'met' if ratio <= TARGET else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
