"""Tell how far embeddings alone find the published groups of the words of Values in the Wild, and what chance finds.

Run: python benchmarks/values_in_the_wild.py --data FOLDER [--seeds 5] [--sample 0]

FOLDER (or the environment variable VALUES_IN_THE_WILD) holds values_tree.csv of Anthropic/values-in-the-wild (CC BY
4.0; Huang et al. 2025): value words at level 0, whose ancestors at levels 2 and 3 are the 26 and 5 published groups.
Every word is embedded by MiniLM, the words are clustered into as many groups, and the partitions are compared. Nothing
of the tree is used but the number of groups, which are a reference to agree with, not a truth.

Three controls: words shuffled among clusters (1,000 times); words shuffled only within strata of the same number of
words in the name, of its length (quartiles) and of its frequency (quartiles), which keeps whatever these explain; and
clusters of these three alone. `--sample N` takes N words by a seeded draw, for a quick look.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "passive"

import argparse
import csv
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from valuelex.io.embed import MiniLM
from valuelex.stats.cluster import spectral_partitions
from valuelex.stats.cooccurrence import standardise_pairs

FILE = "values_tree.csv"
N_SHUFFLES = 1000
Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def read(folder: Path) -> tuple[list[str], Array, dict[int, Labels]]:
    """Read the words, their shares of all mentions, and their groups at levels 2 and 3."""
    with (folder / FILE).open(encoding="utf-8", newline="") as stream:
        rows = {row["cluster_id"]: row for row in csv.DictReader(stream)}
    words = [row for row in rows.values() if row["level"] == "0"]
    groups: dict[int, list[str]] = {2: [], 3: []}
    for row in words:
        above = row
        while above["parent_cluster_id"]:
            above = rows[above["parent_cluster_id"]]
            if int(above["level"]) in groups:
                groups[int(above["level"])].append(above["cluster_id"])
    share = np.array([float(row["pct_total_occurrences"]) for row in words])
    labels = {level: np.unique(ids, return_inverse=True)[1].astype(np.int64) for level, ids in groups.items()}
    return [row["name"] for row in words], share, labels


def features(words: list[str], share: Array) -> tuple[Array, Labels]:
    """Return what says nothing of meaning (words in the name, its length, log frequency), and strata of it."""
    table = np.array(
        [[len(w.split()), len(w), np.log(max(s, 1e-4))] for w, s in zip(words, share, strict=True)]
    )
    quartile = [np.searchsorted(np.quantile(column, (0.25, 0.5, 0.75)), column) for column in table[:, 1:].T]
    strata = np.unique(np.column_stack([table[:, 0], *quartile]), axis=0, return_inverse=True)[1]
    return (table - table.mean(axis=0)) / table.std(axis=0), strata.ravel().astype(np.int64)


def methods(vectors: Array) -> dict[str, Callable[[int, int], Labels]]:
    """Name each way to cluster: the product's spectral partitions, k-means and Ward's method on the vectors."""
    affinity = standardise_pairs(vectors @ vectors.T)
    return {
        "spectral (the product's, no starts)": lambda k, _seed: spectral_partitions(affinity, [k])[0],
        "k-means": lambda k, seed: (
            KMeans(k, n_init=10, random_state=seed).fit_predict(vectors).astype(np.int64)
        ),
        "Ward": lambda k, _seed: AgglomerativeClustering(k).fit_predict(vectors).astype(np.int64),
    }


def shuffled(found: Labels, truth: Labels, strata: Labels, rng: np.random.Generator) -> Array:
    """Return the adjusted Rand index and NMI of shuffles of words within strata: (N_SHUFFLES, 2)."""
    order = np.argsort(strata, kind="stable")
    scores = np.empty((N_SHUFFLES, 2))
    for i in range(N_SHUFFLES):
        mixed = np.lexsort((rng.random(len(strata)), strata))
        moved = np.empty_like(found)
        moved[order] = found[mixed]
        scores[i] = adjusted_rand_score(truth, moved), normalized_mutual_info_score(truth, moved)
    return scores


def line(name: str, k: int, scores: Array, null: Array, strata_null: Array) -> str:
    """Write a row of the table: mean and range over seeds, and the 95th percentiles of both nulls."""
    (ari, nmi), low, high = scores.mean(axis=0), scores.min(axis=0), scores.max(axis=0)
    chance, matched = np.quantile(null, 0.95, axis=0), np.quantile(strata_null, 0.95, axis=0)
    p = (1 + (strata_null[:, 0] >= scores[:, 0].min()).sum()) / (1 + N_SHUFFLES)
    return (
        f"| {name} | {k} | {ari:.3f} ({low[0]:.3f}-{high[0]:.3f}) | {chance[0]:.3f} | {matched[0]:.3f} | "
        f"{nmi:.3f} ({low[1]:.3f}-{high[1]:.3f}) | {chance[1]:.3f} | {matched[1]:.3f} | {p:.3f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("VALUES_IN_THE_WILD"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=0)
    options = parser.parse_args()
    if options.data is None:
        parser.error(f"give --data FOLDER with {FILE}")
    words, share, truth = read(Path(options.data))
    if options.sample:
        keep = np.sort(np.random.default_rng(0).choice(len(words), options.sample, replace=False))
        words, share = [words[i] for i in keep], share[keep]
        truth = {level: labels[keep] for level, labels in truth.items()}
    vectors = MiniLM.load().embed(words)
    plain, strata = features(words, share)
    everything = np.zeros(len(words), dtype=np.int64)
    print(
        f"{len(words)} words in {len(np.unique(strata))} strata; {options.seeds} seeds, {N_SHUFFLES} shuffles.\n"
    )
    print("| Clusters by | k | ARI, mean (range) | chance, 95 % | in strata, 95 % | NMI, mean (range) | chance, 95 % "
          "| in strata, 95 % | p, in strata |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    ways = methods(vectors)
    ways["length and frequency alone"] = lambda k, seed: KMeans(k, n_init=10, random_state=seed).fit_predict(
        plain
    )
    start = process_time()
    for level, labels in truth.items():
        k = len(np.unique(labels))
        for name, cluster in ways.items():
            seeds = range(1 if name == "Ward" else options.seeds)
            found = [cluster(k, seed) for seed in seeds]
            scores = np.array(
                [(adjusted_rand_score(labels, f), normalized_mutual_info_score(labels, f)) for f in found]
            )
            rng = np.random.default_rng(level)
            nulls = [shuffled(found[0], labels, within, rng) for within in (everything, strata)]
            print(line(name, k, scores, *nulls), flush=True)
    print(f"\n{process_time() - start:.0f} s of CPU")


if __name__ == "__main__":
    main()
