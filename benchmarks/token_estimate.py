"""How far the estimate of prompt tokens is off, before a call is sent.

Sends prompts that the pocket study makes to the embedded model, one token of answer each, and sets the tokens that it
says it read, chat template included, beside the estimate and the upper bound of `valuelex.domain.cost`. Every
eighth distinct request is sent. One tokenizer: others differ, and text that is not English takes more tokens.

Run: python benchmarks/token_estimate.py
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import numpy as np

from valuelex.domain.call import Call
from valuelex.domain.cost import expected_prompt_tokens, most_tokens
from valuelex.io.embedded import DEFAULT_MODEL, EmbeddedServer, find_weights
from valuelex.io.study_file import read_study
from valuelex.stages.elicit import plan_elicitation
from valuelex.stages.project import plan_completions

STUDY = Path(__file__).parents[1] / "examples" / "pocket.toml"
EVERY = 8


def tokens_read(base_url: str, call: Call) -> int:
    """Send a call for one token and return how many tokens the model read."""
    body = json.dumps({**json.loads(call.body), "max_tokens": 1}).encode()
    request = urllib.request.Request(base_url + call.path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as reply:
        return int(json.load(reply)["usage"]["prompt_tokens"])


def main() -> None:
    """Print the errors by stage and way of asking, and over all."""
    study = read_study(STUDY)
    calls = [*plan_elicitation(study), *plan_completions(study)]
    distinct = list({(c.path, json.dumps({**json.loads(c.body), "seed": 0})): c for c in calls}.values())[
        ::EVERY
    ]
    with EmbeddedServer(find_weights(DEFAULT_MODEL, Path()), DEFAULT_MODEL) as server:
        read = np.array([tokens_read(server.base_url, call) for call in distinct])
    guessed = np.array([expected_prompt_tokens(call.body) for call in distinct])
    most = np.array([most_tokens(call.body).prompt_tokens for call in distinct])
    kind = np.array([f"{call.stage} {call.path}" for call in distinct])
    for name in [*sorted(set(kind)), "all"]:
        chosen = kind == name if name != "all" else np.ones(len(kind), dtype=bool)
        ratio = guessed[chosen] / read[chosen]
        total = guessed[chosen].sum() / read[chosen].sum() - 1
        print(
            f"{name:28} {chosen.sum():4} prompts, mean {read[chosen].mean():6.1f} tokens; estimate of the sum "
            f"{total:+.1%}, of one prompt {ratio.min() - 1:+.0%} to {ratio.max() - 1:+.0%}; "
            f"bound {(most[chosen] / read[chosen]).min():.2f} to {(most[chosen] / read[chosen]).max():.2f} times"
        )


if __name__ == "__main__":
    main()
