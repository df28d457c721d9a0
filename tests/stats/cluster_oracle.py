"""Partitions against mclust, igraph, clue and base R (oracles/cluster.R)."""

import numpy as np

from oracle import Comparison, Comparisons, load
from valuelex.stats.cluster import match_labels, modularity, spectral_embedding, spectral_partitions
from valuelex.stats.stability import compare_partitions


def comparisons() -> Comparisons:
    """Agreement, matching, modularity and spectral clustering."""
    oracle = load("cluster")
    for case, pair in oracle["agreement"].items():
        found = compare_partitions(pair["a"], pair["b"])
        yield Comparison("adjusted Rand index", case, "mclust", found.adjusted_rand, pair["ari"], 1e-12)
        if case != "one_cluster":  # igraph gives 0/0 = NaN there
            nmi = found.normalised_mutual_information
            yield Comparison("normalised mutual information", case, "igraph", nmi, pair["nmi"], 1e-12)

    table = np.array(oracle["table"])
    rows, columns = np.divmod(np.repeat(np.arange(25), table.ravel()), 5)
    matched = match_labels(rows, columns, 5)
    best = [int(matched[rows == i][0]) + 1 for i in range(5)]
    yield Comparison("Hungarian match of clusters", "5 × 5", "clue", best, oracle["match"], 0.5)

    affinity = np.array(oracle["affinity"], dtype=float)
    embedding = spectral_embedding(affinity, 3)
    case = "45 items, 3 blocks"
    yield Comparison(
        "spectral embedding", case, "R eigen", embedding @ embedding.T, oracle["projector"], 1e-10
    )
    labels = spectral_partitions(affinity, [3])[0]
    ari = compare_partitions(labels, oracle["spectral"]).adjusted_rand
    yield Comparison("spectral clusters (adjusted Rand index)", case, "R kmeans", ari, 1.0, 1e-12)

    degree = affinity.sum(axis=0)
    residual = affinity - np.outer(degree, degree) / degree.sum()
    # Ours leaves the diagonal out: a node cannot be its own neighbour; igraph counts its expectation.
    own = (degree**2).sum() / degree.sum() ** 2
    q = modularity(residual, degree.sum(), np.array(oracle["spectral"])) - own
    yield Comparison("modularity", case, "igraph", q, oracle["modularity"], 1e-12)
