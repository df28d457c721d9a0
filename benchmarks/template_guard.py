"""How often the guard against secret chat templates is wrong, on the embedded model with and without its template.

The embedded server is asked as it is (raw), and through a chat made of the same prompt (templated), as an endpoint
does that applies a template in secret. The guard's own calls are sent at temperature 0; here the pattern is also sent
at others and with many seeds, to see how far the verdict rests on luck. "counted" are the verdicts with the
endpoint's counts of tokens, "uncounted" those of an endpoint that tells none. One model of 135 million parameters: a
larger one goes on with the pattern more surely and begins like an assistant more surely.

Run: python benchmarks/template_guard.py [seeds] (about a minute)
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from valuelex.domain.call import Call
from valuelex.domain.study import Endpoint, Model, Respondent
from valuelex.io.embedded import DEFAULT_MODEL, EmbeddedServer, find_weights
from valuelex.io.model_lookup import EMBEDDED_BODY
from valuelex.stages.template_guard import plan_guard, read_guard

SEEDS = 40
TEMPERATURES = (0.0, 0.5, 1.0)


def post(base_url: str, body: dict[str, Any], *, templated: bool) -> dict[str, Any]:
    """Ask the server, raw or through a chat; the answer has the form of raw completion."""
    if templated:
        body = {**body, "messages": [{"role": "user", "content": body["prompt"]}]}
        del body["prompt"]
    path = "/chat/completions" if templated else "/completions"
    request = urllib.request.Request(
        base_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        answer: dict[str, Any] = json.load(reply)
    for choice in answer["choices"]:
        if templated:
            choice["text"] = choice.pop("message")["content"]
    return answer


def verdicts(
    base_url: str, calls: tuple[Call, ...], temperature: float, n_seeds: int, *, templated: bool
) -> tuple[Counter[str], Counter[str]]:
    """Count the verdicts over seeds, with and without the endpoint's counts of tokens."""
    *counting, pattern = calls
    answers = {c.key: post(base_url, json.loads(c.body), templated=templated) for c in counting}
    counted: Counter[str] = Counter()
    uncounted: Counter[str] = Counter()
    for seed in range(n_seeds):
        body = json.loads(pattern.body) | {"temperature": temperature, "seed": seed}
        answers[pattern.key] = post(base_url, body, templated=templated)
        counted[read_guard(calls, answers).verdict] += 1
        bare = {key: {"choices": answer["choices"]} for key, answer in answers.items()}
        uncounted[read_guard(calls, bare).verdict] += 1
    return counted, uncounted


def main() -> None:
    """Print the verdicts for both kinds of endpoint at each temperature."""
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    endpoint = Endpoint(
        "guarded", "guarded", None, sends_seed=False, max_in_flight=1, extra_body=EMBEDDED_BODY
    )
    who = Respondent("guarded", Model(endpoint, DEFAULT_MODEL), "completion", 1.0, 1.0, "small")
    calls = plan_guard(who, 0)
    names = ("raw", "templated", "cannot tell")
    print(f"{'endpoint':10} {'temperature':>11} {'counts':>10} " + " ".join(f"{name:>12}" for name in names))
    with EmbeddedServer(find_weights(DEFAULT_MODEL, Path()), DEFAULT_MODEL) as server:
        for templated in (False, True):
            for temperature in TEMPERATURES:
                found = verdicts(server.base_url, calls, temperature, n_seeds, templated=templated)
                for label, counted in zip(("counted", "uncounted"), found, strict=True):
                    shares = " ".join(f"{counted[name]:>9} /{n_seeds:>2}" for name in names)
                    kind = "templated" if templated else "raw"
                    print(f"{kind:10} {temperature:11g} {label:>10} {shares}")


if __name__ == "__main__":
    main()
