"""How near the embedded judge comes to the matrix products that it cannot do without, on one core.

The floor is the floating-point operations of the forward pass for the tokens that the texts have (products with the
weights and the two products of attention; nothing else, no padding), at the rate of a large float32 matrix product.
CPU seconds of the process, all threads. Products and embedding alternate, and the rate of a round is that of the
products right before and after, since other work on the machine slows both. Texts are completions as the judge sees
them, a shipped stem with an anchor sentence of `valuelex-2024` in place of its end, and those anchor sentences alone.
"Tokenising" is its share of the time taken.

Run: python benchmarks/speed_judge.py [rounds] (about half a minute)
"""

from __future__ import annotations

import os

os.environ.update({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from valuelex.io.assets import load_system, load_test
from valuelex.io.embed import HEADS, LAYERS, WIDTH, MiniLM

SEED, N_TEXTS, ROUNDS = 2024, 200, 9
SIDE, N_PRODUCTS = 1024, 10
INNER = 4 * WIDTH


def texts_to_judge(rng: np.random.Generator) -> dict[str, list[str]]:
    """Make the two kinds of text."""
    stems = [stem.text for stem in load_test("valuelex-120", Path()).stems]
    system = load_system("valuelex-2024", Path())
    anchors = [text for part in system.subdimensions for text in (*part.high, *part.low, *part.middle)]
    joined = [f"{rng.choice(stems)} {rng.choice(anchors).removeprefix('I ')}" for _ in range(N_TEXTS)]
    return {"stem with anchor sentence": joined, "anchor sentence": anchors}


def operations(lengths: np.ndarray) -> int:
    """Count multiplications and additions of the forward pass for texts of these lengths in tokens."""
    linear = 2 * lengths * (4 * WIDTH**2 + 2 * WIDTH * INNER)
    attention = 2 * 2 * lengths**2 * HEADS * (WIDTH // HEADS)
    return int(LAYERS * (linear + attention).sum())


def cpu_seconds(work: Callable[[], object]) -> float:
    """Time one run in CPU seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print one row a kind of text."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    rng = np.random.default_rng(SEED)
    model = MiniLM.load()
    a = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    out = np.empty_like(a)

    def products() -> None:
        for _ in range(N_PRODUCTS):
            np.matmul(a, a, out=out)

    print(
        "| Texts | n | tokens, 5 % to 95 % | rate, GFLOP/s | floor, s | took, s | share of floor (least, most) |"
        " tokenising |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for kind, texts in texts_to_judge(rng).items():
        lengths = np.array([len(ids) for ids in model.token_ids(texts)])
        needed = operations(lengths)
        rounds = []
        for _ in range(n_rounds):
            before = cpu_seconds(products)
            took = cpu_seconds(lambda texts=texts: model.embed(texts))
            rate = 2 * 2 * SIDE**3 * N_PRODUCTS / (before + cpu_seconds(products))
            tokenising = cpu_seconds(lambda texts=texts: model.token_ids(texts))
            rounds.append((rate / 1e9, needed / rate, took, needed / rate / took, tokenising / took))
        rate, floor, took, share, tokenising = np.median(rounds, axis=0)
        shares = [row[3] for row in rounds]
        low, high = np.percentile(lengths, [5, 95])
        print(
            f"| {kind} | {len(texts)} | {low:.0f} to {high:.0f} | {rate:.0f} | {floor:.2f} | {took:.2f} "
            f"| {share:.0%} ({min(shares):.0%}, {max(shares):.0%}) | {tokenising:.1%} |"
        )


if __name__ == "__main__":
    main()
