"""Put simulated answers through the stages of a real study, and count what comes back.

Owns the way from simulated lists to a found value system, which is that of every study: texts are split, words
normalised, the matrix analysed. Draws no answers; `simulate` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from valuelex.domain.evidence import Outcome
from valuelex.domain.lexicon import Response
from valuelex.domain.recovery import (
    Experiment,
    Mean,
    Power,
    Recovery,
    Share,
    Size,
    SizeRecovery,
    ViewMeans,
    ViewRecovery,
)
from valuelex.domain.simulation import Labels, PlantedSystem, Simulated
from valuelex.domain.sources import Sources
from valuelex.domain.study import NormalisePlan
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.construct import construct
from valuelex.stages.families import WordRules
from valuelex.stages.normalise import normalise
from valuelex.stages.simulate import draw_lists
from valuelex.stats.stability import compare_partitions

SURE = 0.5
"""More often than not: a size is enough, and not that it may be, if the interval of studies that reach it is above."""
Z_95 = 1.959963984540054
"""Quantile of the normal distribution for an interval of 95 %."""


def plant_words(system: PlantedSystem, rules: WordRules) -> PlantedSystem:
    """Give the planted terms words as normalisation writes them, so that answers can be written and read.

    Numbered terms get single words of the vocabulary, spread over it. Given words become the terms that they count as.

    Raises
    ------
    DataError
        If the vocabulary has too few words, or two given words count as one term.
    """
    if system.terms is not None:
        return replace(system, terms=_as_terms(system.terms, rules))
    words = sorted(word for word in set(rules.families.values()) if " " not in word)
    n = system.n_terms
    if n > len(words):
        msg = f"{n} terms cannot be planted: the shipped lexicon has {len(words)} single words. Plant at most as many."
        raise DataError(msg)
    return replace(system, terms=tuple(words[i * len(words) // n] for i in range(n)))


def _as_terms(words: Sequence[str], rules: WordRules) -> tuple[str, ...]:
    """Return the term that each word counts as; a word that is no value word to the rules stays as it is."""
    keep = NormalisePlan(min_respondents=1, keep=_unknown(words, rules), drop=(), merge={})
    answers = [Response(str(i), "", "", 0, word, None, "") for i, word in enumerate(words)]
    lexicon, _, _ = normalise(answers, rules, keep)
    term_of = {merge.form: merge.term for merge in lexicon.merges}
    first: dict[str, str] = {}
    for word in words:
        term = term_of.get(word, word)
        if term in first:
            msg = f"The planted words {first[term]!r} and {word!r} count as one term, {term!r}; plant one of them."
            raise DataError(msg)
        first[term] = word
    return tuple(first)


def _unknown(words: Sequence[str], rules: WordRules) -> tuple[str, ...]:
    return tuple(word for word in words if word not in rules.families)


def write_answers(simulated: Simulated) -> tuple[Response, ...]:
    """Write every simulated list as a respondent would: words between commas. Ids are the numbers of the rows."""
    rows, columns = np.nonzero(simulated.values)
    ends = np.searchsorted(rows, np.arange(1, len(simulated.values) + 1))
    words = [simulated.terms[j] for j in columns.tolist()]
    starts = [0, *ends[:-1].tolist()]
    who = simulated.respondents.tolist()
    return tuple(
        Response(
            id=str(i),
            respondent_id=str(who[i]),
            prompt_id="",
            draw=0,
            text=", ".join(words[start:end]),
            missing=None,
            call_key="",
        )
        for i, (start, end) in enumerate(zip(starts, ends.tolist(), strict=True))
    )


def simulate_study(experiment: Experiment, size: Size, study: int, rules: WordRules) -> Recovery:
    """Simulate one study, build its value system as any study's, and compare it with the planted one.

    Parameters
    ----------
    experiment
        Its system must have words (`plant_words`). A planted word that the vocabulary does not know is kept.
    size
        Of the study.
    study
        Its number. With the seed and the size it gives all random numbers: a study comes out the same whatever
        other sizes and however many studies are simulated beside it.
    rules
        The shipped word lists.
    """
    plan = experiment.at(size)
    drawing, building = streams(experiment, size, study)
    simulated = draw_lists(plan, drawing)
    keep = experiment.normalise.keep + _unknown(simulated.terms, rules)
    normalising = replace(experiment.normalise, keep=keep)
    _, matrix, _ = normalise(write_answers(simulated), rules, normalising)
    column = {term: j for j, term in enumerate(simulated.terms)}
    planted = np.array([column[term] for term in matrix.terms], dtype=np.int64)
    vectors = None if simulated.vectors is None else simulated.vectors[planted]
    sources = sources_of(simulated, np.array(matrix.response_ids).astype(np.int64))
    try:
        found = construct(matrix, sources, vectors, experiment.construct, building)
    except DataError as error:
        return Recovery(size, study, len(planted), 1, 1, True, 0.0, 0.0, failure=str(error))
    taxonomy, groups = found.taxonomy, simulated.subdimension[planted]
    return Recovery(
        size=size,
        study=study,
        n_terms=len(planted),
        n_subdimensions=found.joint.n_groups if found.joint.outcome is Outcome.GROUPS else 1,
        n_dimensions=len(np.unique(taxonomy.dimension)),
        too_little=found.joint.outcome is Outcome.TOO_LITTLE_DATA,
        subdimension_ari=agreement(taxonomy.subdimension, groups),
        dimension_ari=agreement(taxonomy.dimension, simulated.dimension[planted]),
        views=tuple(ViewRecovery(v.name, v.weight, agreement(v.partition, groups)) for v in found.views),
    )


def streams(experiment: Experiment, size: Size, study: int) -> list[np.random.Generator]:
    """Return the random numbers of a study: for drawing it, and for building what it says."""
    seed = [experiment.seed, study, size.n_models, size.n_respondents, size.n_responses]
    return np.random.default_rng(seed).spawn(2)


def sources_of(simulated: Simulated, rows: Labels) -> Sources:
    """Name who gave each of these rows."""
    of_rows = (simulated.respondents, simulated.models, simulated.families)
    return Sources(*(tuple(map(str, labels[rows].tolist())) for labels in of_rows))


def agreement(found: Labels, planted: Labels) -> float:
    """Return the adjusted Rand index of two partitions of the same terms."""
    return compare_partitions(found, planted).adjusted_rand


def summarise(found: Sequence[Recovery], n_planted: int, target_ari: float | None) -> SizeRecovery:
    """Count the studies of one size: means with their simulation error, shares with their interval.

    Parameters
    ----------
    found
        Of one size; at least one.
    n_planted
        Planted subdimensions, 1 where nothing is planted.
    target_ari
        What the adjusted Rand index of the subdimensions should reach; None counts nothing.
    """
    n = len(found)
    return SizeRecovery(
        size=found[0].size,
        n_studies=n,
        n_terms=float(np.mean([r.n_terms for r in found])),
        n_subdimensions=_mean([r.n_subdimensions for r in found]),
        right=_share(sum(r.n_subdimensions == n_planted and not r.too_little for r in found), n),
        too_little=_share(sum(r.too_little for r in found), n),
        subdimension_ari=_mean([r.subdimension_ari for r in found]),
        dimension_ari=_mean([r.dimension_ari for r in found]),
        reached=None if target_ari is None else _share(sum(reaches(r, target_ari) for r in found), n),
        views=_views([view for r in found for view in r.views]),
    )


def _views(found: Sequence[ViewRecovery]) -> tuple[ViewMeans, ...]:
    by_name: dict[str, list[ViewRecovery]] = {}
    for view in found:
        by_name.setdefault(view.name, []).append(view)
    return tuple(
        ViewMeans(name, len(views), _mean([v.weight for v in views]), _mean([v.ari for v in views]))
        for name, views in by_name.items()
    )


def reaches(found: Recovery, target_ari: float) -> bool:
    """Tell whether a study found the planted subdimensions as well as wanted."""
    return found.subdimension_ari >= target_ari


def say_power(found: Power) -> str:
    """Answer in a sentence which size is enough, with the simulation error; or that none is, and what came nearest."""
    wanted = f"{count(found.n_subdimensions, 'group')} with an adjusted Rand index of {found.target_ari:g}"
    if found.enough is not None:
        size = found.enough.size
        reached = found.enough.reached
        is_unsure = reached is not None and reached.low < min(SURE, found.power)
        return (
            f"{size} ({count(size.n_rows, 'response')}) {'may be' if is_unsure else 'are'} enough to recover {wanted}: "
            f"{_say_reached(found.enough)}, all of them other studies than those that chose this size."
            f"{' More --seeds would tell.' if is_unsure else ''}"
        )
    best = max(found.tried, key=lambda tried: (tried.subdimension_ari.value, -tried.size.n_rows))
    return (
        f"No size that was tried is enough to recover {wanted} in {found.power:.0%} of studies. The best of them, "
        f"{best.size} ({count(best.size.n_rows, 'response')}): {_say_reached(best)}. Try more models or prompts."
    )


def _say_reached(found: SizeRecovery) -> str:
    ari, reached = found.subdimension_ari, found.reached
    error = "unknown from one study" if ari.error is None else f"{ari.error:.3f}"
    counted = (
        ""
        if reached is None
        else (
            f"{reached.n} of {reached.of} simulated studies reach it (probability {reached.value:.2f}, 95 % interval "
            f"{reached.low:.2f} to {reached.high:.2f}), "
        )
    )
    return f"{counted}mean index {ari.value:.3f} (simulation error {error})"


def _mean(values: Sequence[float]) -> Mean:
    n = len(values)
    error = float(np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else None
    return Mean(float(np.mean(values)), error)


def _share(n: int, of: int) -> Share:
    """Count a share, with the interval of Wilson (1927), which is sound at 0 and 1 and in few studies."""
    share, z2 = n / of, Z_95**2
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z_95 / (1 + z2 / of) * np.sqrt(share * (1 - share) / of + z2 / (4 * of**2))
    return Share(n, of, max(0.0, float(centre - half)), min(1.0, float(centre + half)))
