"""One round of one contender, in a process of its own: so many calls to an endpoint, and what they cost.

Imports and a few first calls are not counted. Prints JSON: CPU seconds (user and system, all threads), wall
seconds and the highest resident memory of the process in MB; or the package that is not installed.

Run: python benchmarks/client_rounds.py CONTENDER URL CALLS IN_FLIGHT (client_speed.py and client_scale.py start it)
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

N_FIRST = 20
PROMPT = "Name ten values that guide what you do, number {}."
Round = Callable[[int], None]


def bodies(n: int) -> Iterator[str]:
    """Make request bodies as ValueLex sends them."""
    for i in range(n):
        messages = [{"role": "user", "content": PROMPT.format(i)}]
        request = {"max_tokens": 64, "messages": messages, "model": "mock", "temperature": 1.0, "top_p": 1.0}
        yield json.dumps(request)


async def by_workers(n: int, in_flight: int, one: Callable[[int], Awaitable[object]]) -> None:
    """Keep so many calls in flight."""
    numbers = iter(range(n))

    async def work() -> None:
        for i in numbers:
            await one(i)

    await asyncio.gather(*(work() for _ in range(in_flight)))


def bare_aiohttp(url: str, in_flight: int) -> Round:
    """Post, read and decode, with one keep-alive session; nothing is kept."""
    import aiohttp

    async def run(n: int) -> None:
        made = list(bodies(n))
        headers = {"Content-Type": "application/json"}
        connector = aiohttp.TCPConnector(limit=in_flight)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def one(i: int) -> None:
                async with session.post(f"{url}/chat/completions", data=made[i].encode()) as response:
                    json.loads(await response.read())

            await by_workers(n, in_flight, one)

    return lambda n: asyncio.run(run(n))


def valuelex_calls(n: int) -> Iterator[object]:
    """Make calls one by one, as they are asked for."""
    from valuelex.domain.call import Call, call_key

    path = "/chat/completions"
    for i, body in enumerate(bodies(n)):
        key = call_key(endpoint="mock", revision="", path=path, body=body, draw=0)
        yield Call(key, "elicit", "r", f"p{i}", 0, "mock", "mock", "mock", "", path, body)


def valuelex(url: str, in_flight: int) -> Round:
    """Send with the client of ValueLex: every reply is in the ledger, durably, before it counts."""
    from valuelex.io.client import gather
    from valuelex.io.endpoint import Target
    from valuelex.io.ledger import Ledger

    targets = {("mock", "mock", ""): Target(url, in_flight)}

    def run(n: int) -> None:
        with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.db") as ledger:
            outcome = gather(valuelex_calls(n), targets, ledger)
            if outcome.n_answered != n:
                sys.exit(f"{outcome}")

    return run


def openai_sdk(url: str, in_flight: int) -> Round:
    """Send with the openai package."""
    from openai import AsyncOpenAI

    async def run(n: int) -> None:
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

            async def one(i: int) -> None:
                messages = [{"role": "user", "content": PROMPT.format(i)}]
                await client.chat.completions.create(
                    model="mock", messages=messages, max_tokens=64, temperature=1.0, top_p=1.0
                )

            await by_workers(n, in_flight, one)

    return lambda n: asyncio.run(run(n))


def litellm_completion(url: str, in_flight: int) -> Round:
    """Send with LiteLLM."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.telemetry = False

    async def run(n: int) -> None:
        async def one(i: int) -> None:
            messages = [{"role": "user", "content": PROMPT.format(i)}]
            await litellm.acompletion(
                model="openai/mock",
                api_base=url,
                api_key="none",
                messages=messages,
                max_tokens=64,
                num_retries=0,
            )

        await by_workers(n, in_flight, one)

    return lambda n: asyncio.run(run(n))


def _inspect_model(url: str, in_flight: int) -> Any:
    from inspect_ai.model import GenerateConfig, get_model

    config = GenerateConfig(max_connections=in_flight, max_tokens=64, temperature=1.0, top_p=1.0)
    return get_model("openai-api/mock/mock", base_url=url, api_key="none", config=config, memoize=False)


def inspect_model(url: str, in_flight: int) -> Round:
    """Send with Inspect's model API."""
    import inspect_ai.model  # noqa: F401

    async def run(n: int) -> None:
        async with _inspect_model(url, in_flight) as model:
            await by_workers(n, in_flight, lambda i: model.generate(PROMPT.format(i)))

    return lambda n: asyncio.run(run(n))


def inspect_eval(url: str, in_flight: int) -> Round:
    """Send with an Inspect task, which writes its log."""
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import Sample
    from inspect_ai.solver import generate

    def run(n: int) -> None:
        task = Task(dataset=[Sample(input=PROMPT.format(i)) for i in range(n)], solver=generate())
        with tempfile.TemporaryDirectory() as folder:
            (log,) = evaluate(
                task,
                model=_inspect_model(url, in_flight),
                display="none",
                log_dir=folder,
                max_samples=in_flight,
            )
        if log.status != "success":
            sys.exit(f"{log.error}")

    return run


CONTENDERS: dict[str, tuple[str, Callable[[str, int], Round]]] = {
    "bare aiohttp": ("aiohttp", bare_aiohttp),
    "valuelex": ("valuelex", valuelex),
    "openai SDK": ("openai", openai_sdk),
    "LiteLLM": ("litellm", litellm_completion),
    "Inspect model API": ("inspect_ai", inspect_model),
    "Inspect eval": ("inspect_ai", inspect_eval),
}
"""The package that each needs, and what makes a round of it."""


def cpu_s() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """Highest resident memory of this process so far."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Carry out one round."""
    name, url, n, in_flight = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    package, contender = CONTENDERS[name]
    if importlib.util.find_spec(package) is None:
        print(json.dumps({"missing": package}))
        return
    carry_out = contender(url, in_flight)
    carry_out(N_FIRST)
    cpu, wall = cpu_s(), time.monotonic()
    carry_out(n)
    print(json.dumps({"cpu_s": cpu_s() - cpu, "wall_s": time.monotonic() - wall, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
