"""See whether other halves of the data, or other choices, give the same groups.

Owns split halves, leaving one source out, and the choices that are made otherwise. The number of groups and the
weights of the views stay as they are, so that only the groups can differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Sensitivity, Split
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources
from valuelex.domain.structure import Taxonomy
from valuelex.errors import DataError
from valuelex.stages.material import Material, gather
from valuelex.stages.term_lists import term_lists
from valuelex.stats.cluster import Labels
from valuelex.stats.cooccurrence import cooccurrence, phi, ppmi, standardise_pairs
from valuelex.stats.level_choice import Weights, affinities, partitions
from valuelex.stats.levels import MOST_EXACT, Affinity
from valuelex.stats.stability import compare_partitions

Array = NDArray[np.float64]
N_SPLITS = 20
MOST_LEFT_OUT = 100
"""Independent sources up to which each is left out in turn."""


def splits(
    matrix: ResponseMatrix,
    sources: Sources,
    material: Material,
    weights: Weights,
    labels: Labels,
    rng: np.random.Generator,
) -> tuple[Split, ...]:
    """Group the terms from halves of the sources, halves of the prompts, and without each source in turn.

    Returns
    -------
    tuple of Split
        Those that the data allow. The halves are compared with each other, the rest with the groups of all.
    """
    n = material.evidence.n_independent
    k = int(labels.max()) + 1

    def grouped(weight: Array) -> Labels:
        views = (*affinities(material.evidence, weight), material.embeddings)
        return partitions(views, weights, material.n_terms, [k])[0]

    found = []
    if n >= 4:
        values = []
        for _ in range(N_SPLITS):
            half = np.zeros(n)
            half[rng.permutation(n)[: n // 2]] = 1.0
            values.append(_agreement(grouped, half, 1 - half))
        found += _split("halves of the sources", values)
    found += _split("halves of the prompts", _prompt_halves(matrix, sources, material, weights, k, rng))
    if 3 <= n <= MOST_LEFT_OUT:
        everyone = np.ones(n)
        left_out = []
        for i in range(n):
            without = everyone.copy()
            without[i] = 0.0
            left_out.append(
                _agreement(lambda w: grouped(w) if w is not everyone else labels, without, everyone)
            )
        names = sorted(set(sources.units().independent_of))
        told = [v if v is not None else np.inf for v in left_out]
        most = int(np.argmin(told))
        changes = (
            f"the groups change most without {names[most]}" if told[most] < 1 else "the groups stay the same"
        )
        found += _split("each source left out", left_out, changes)
    return tuple(found)


def _agreement(grouped: Callable[[Array], Labels], one: Array, other: Array) -> float | None:
    try:
        return compare_partitions(grouped(one), grouped(other)).adjusted_rand
    except DataError:
        return None


def _split(name: str, values: Sequence[float | None], note: str = "") -> list[Split]:
    told = [v for v in values if v is not None]
    if not told:
        return []
    return [Split(name, float(np.mean(told)), min(told), max(told), len(told), note)]


def _prompt_halves(
    matrix: ResponseMatrix,
    sources: Sources,
    material: Material,
    weights: Weights,
    k: int,
    rng: np.random.Generator,
) -> list[float | None]:
    """Agreement of the groups made from one half of the prompts and from the other."""
    names = sorted(set(sources.prompts))
    if len(names) < 4:
        return []
    number = {name: i for i, name in enumerate(names)}
    prompt = np.array([number[p] for p in sources.prompts])
    found: list[float | None] = []
    for _ in range(N_SPLITS // 2):
        half = np.zeros(len(names), dtype=bool)
        half[rng.permutation(len(names))[: len(names) // 2]] = True
        try:
            parts = [
                _of_rows(matrix, sources, material, weights, k, np.flatnonzero(half[prompt] == side))
                for side in (True, False)
            ]
            found.append(compare_partitions(*parts).adjusted_rand)
        except DataError:
            found.append(None)
    return found


def _of_rows(
    matrix: ResponseMatrix,
    sources: Sources,
    material: Material,
    weights: Weights,
    k: int,
    rows: NDArray[np.int64],
) -> Labels:
    """Group all terms from some of the responses; -1 for a term that none of them names."""
    part = matrix.of_rows(rows.tolist())
    gathered = gather(part, sources.units().of_rows(rows.tolist()), None)
    views = (*affinities(gathered.evidence, np.ones(gathered.evidence.n_independent)), material.embeddings)
    (labels,) = partitions(views, weights, material.n_terms, [k])
    return np.where(part.named.of_each_column > 0, labels, -1)


def sensitivities(
    matrix: ResponseMatrix, sources: Sources, material: Material, weights: Weights, labels: Labels
) -> tuple[Sensitivity, ...]:
    """Group the terms with other choices: rarer terms left out, other measures of co-occurrence, fewer views.

    Returns
    -------
    tuple of Sensitivity
        What depends on other words, such as synonyms that are not merged, is added where the words are known.
    """
    k = int(labels.max()) + 1
    everyone = np.ones(material.evidence.n_independent)
    between, within = affinities(material.evidence, everyone)
    found = []

    def add(choice: str, views: Sequence[Affinity | None], own: Sequence[float]) -> None:
        if any(own):
            (partition,) = partitions(views, own, material.n_terms, [k])
            found.append(
                Sensitivity(choice, compare_partitions(partition, labels).adjusted_rand, material.n_terms)
            )

    if material.embeddings is not None:
        add("no embeddings", (between, within), weights[:2])
    if material.n_terms <= MOST_EXACT and weights[1]:
        counts, n = cooccurrence(term_lists(matrix)), int(material.filled.sum())
        always = np.diag(counts) >= n
        if not always.any():
            coded = standardise_pairs(phi(counts, n))
            add("phi, pooled, for co-occurrence", (between, Affinity(coded), material.embeddings), weights)
        coded = standardise_pairs(ppmi(counts, n))
        add(
            "PPMI, pooled, for co-occurrence",
            (between, Affinity(coded), material.embeddings),
            weights,
        )
    del between, within  # Of many terms they are large, and what follows makes its own.
    found += _without_rare(matrix, sources, material, weights, labels)
    return tuple(found)


def _without_rare(
    matrix: ResponseMatrix, sources: Sources, material: Material, weights: Weights, labels: Labels
) -> list[Sensitivity]:
    """Group only the terms that more respondents than half of all terms have."""
    n_respondents = matrix.n_respondents()
    least = int(np.median(n_respondents)) + 1
    common = np.flatnonzero(n_respondents >= least)
    k = int(labels.max()) + 1
    if len(common) < max(2 * k, 4) or len(common) == len(labels):
        return []
    try:
        gathered = gather(matrix.of_terms(common.tolist()), sources.units(), None)
        views = affinities(gathered.evidence, np.ones(gathered.evidence.n_independent))
    except DataError:
        return []
    meaning = material.embeddings
    if meaning is not None:
        meaning = meaning.restricted(common)
    (partition,) = partitions((*views, meaning), weights, len(common), [k])
    agreement = compare_partitions(partition, labels[common]).adjusted_rand
    return [Sensitivity(f"only terms of at least {least} respondents", agreement, len(common))]


def not_merged(
    taxonomy: Taxonomy,
    matrix: ResponseMatrix,
    sources: Sources,
    vectors: Array | None,
    term_of: Mapping[str, str],
) -> tuple[Sensitivity, ...]:
    """Group the forms of words as they were written, and compare each form with the group of its term.

    Parameters
    ----------
    taxonomy
        The groups of the terms.
    matrix, sources
        Responses by forms: words of one family that were not merged.
    vectors : (n_forms, d)
        Unit vectors of the forms; None where the embeddings have no weight.
    term_of
        The term that each form is merged into.

    Returns
    -------
    tuple of Sensitivity
        Empty where there is one group, or too few forms are of the terms.
    """
    k = int(taxonomy.subdimension.max()) + 1
    group_of = dict(zip(taxonomy.terms, taxonomy.subdimension.tolist(), strict=True))
    kept = np.array([group_of.get(term_of.get(form, form), -1) for form in matrix.terms], dtype=np.int64)
    if k < 2 or (kept >= 0).sum() < 2 * k:
        return ()
    try:
        gathered = gather(matrix, sources.units(), vectors)
        views = (
            *affinities(gathered.evidence, np.ones(gathered.evidence.n_independent)),
            gathered.embeddings,
        )
    except DataError:
        return ()
    between, within, meaning = taxonomy.weights.values()
    (found,) = partitions(views, (between, within, meaning), len(matrix.terms), [k])
    agreement = compare_partitions(found, kept)
    return (Sensitivity("word families not merged", agreement.adjusted_rand, agreement.n_items),)
