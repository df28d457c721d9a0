"""Lay out ratings of terms: who rated how, which terms are valued, and how far prompts agree.

Computes means of profiles for show only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from valuelex.domain.rated_terms import RatedProfiles, RatedTerms
from valuelex.domain.results import Results
from valuelex.domain.term_ratings import RatedMatrix, TermPlan
from valuelex.report.lexical import SystemView, place_groups, view_system
from valuelex.report.quality import Table, told
from valuelex.report.structure import StructureSection, lay_out
from valuelex.report.wording import DASH, count, number, reasons, share


@dataclass(frozen=True, slots=True)
class RatedSection:
    """What respondents said of the terms of a lexicon."""

    warnings: tuple[str, ...]
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    structure: StructureSection | None
    """The groups of terms that were made of the ratings, and what speaks for them."""
    system: SystemView | None


def build_rated(results: Results) -> RatedSection | None:
    """Lay out ratings of terms; None where nobody rated any."""
    rated = results.rated
    if rated is None or results.study.terms is None:
        return None
    tables = [_respondents(rated.matrix)]
    if rated.profiles is not None:
        tables.insert(0, _terms(rated.profiles, rated.unit))
    structure = system = None
    if rated.structure is not None and rated.system is not None:
        places = place_groups(rated.structure.taxonomy, rated.system)
        names = {g: s.name for g, (_, s) in places.items() if s is not None}
        structure = lay_out(rated.structure, names, "value system of the rated terms", "ratings")
        system = view_system(rated.system)
    return RatedSection(
        rated.warnings, _sentences(rated, results.study.terms), tuple(tables), structure, system
    )


def _sentences(rated: RatedTerms, plan: TermPlan) -> tuple[str, ...]:
    matrix = rated.matrix
    total, n = int(matrix.n_asked.sum()), int(matrix.n.sum())
    missing = reasons(matrix.count_missing()) or "none missing"
    first = (
        f"{count(len(matrix.respondent_ids), 'respondent')} rated {count(len(matrix.terms), 'term')} of {plan.source} "
        f"from 0 (not at all important) to 6 (as important as anything can be), by "
        f"{count(len(plan.prompts.prompts), 'prompt')} of {plan.prompts.name}, {count(plan.draws, 'draw')} each: {n:,} "
        f"of {total:,} ratings ({share(n, total)}); {missing}."
    )
    sentences = [first]
    if rated.by_probabilities:
        sentences.append(
            f"The ratings of {count(len(rated.by_probabilities), 'respondent')} are means of the scale under the "
            f"probabilities of tokens; {number(float(np.nanmean(matrix.on_scale)))} of the probability lay on the "
            "scale on average, and a rating counts where at least half did."
        )
    sentences.append(
        f"Agreement of the prompts on who values what more than others do (Cronbach's alpha, over "
        f"{count(rated.consistency.n, 'cell')} freed of the means of respondents and terms): {told(rated.consistency)}."
    )
    if rated.profiles is None:
        sentences.append(f"No profiles: {rated.reason}")
    elif rated.reason:
        sentences.append(f"No groups: {rated.reason}")
    return tuple(sentences)


def _terms(profiles: RatedProfiles, unit: str) -> Table:
    mean = profiles.raw.mean(axis=0)
    order = np.lexsort((np.arange(len(mean)), -mean)).tolist()
    rows = []
    for j in order:
        raw, centred = profiles.raw[:, j], profiles.centred[:, j]
        high, low = int(np.argmax(centred)), int(np.argmin(centred))
        rows.append(
            (
                profiles.terms[j],
                number(float(raw.mean())),
                number(float(raw.std(ddof=1))),
                f"{profiles.units[high]} ({_signed(centred[high])})",
                f"{profiles.units[low]} ({_signed(centred[low])})",
            )
        )
    return Table(
        "Terms, the most valued first",
        f"Means and standard deviations over {len(profiles.units)} {unit}, in scale points; who values a term most and "
        "least beside the others, in standard deviations, less the mean of all its terms.",
        ("Term", "Mean", "SD", "Most", "Least"),
        tuple(rows),
        folded=len(rows) > 30,
    )


def _signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("−") else f"+{text}"


def _respondents(matrix: RatedMatrix) -> Table:
    rows = []
    for i, name in enumerate(matrix.respondent_ids):
        n, asked = int(matrix.n[i].sum()), int(matrix.n_asked[i].sum())
        counted = dict(zip(matrix.reasons, matrix.missing[i].sum(axis=0).tolist(), strict=True))
        masses = matrix.on_scale[i][~np.isnan(matrix.on_scale[i])]
        values = matrix.values[i][~np.isnan(matrix.values[i])]
        rows.append(
            (
                name,
                number(float(values.mean())) if values.size else DASH,
                number(float(values.std(ddof=1))) if values.size > 1 else DASH,
                f"{n:,} of {asked:,}",
                number(float(masses.mean())) if masses.size else DASH,
                reasons(counted) or DASH,
            )
        )
    return Table(
        "Ratings by respondent",
        "Mean and spread of a respondent's ratings over terms, in scale points; the ratings that could be read; and "
        "the probability that lay on the scale where the endpoint tells it.",
        ("Respondent", "Mean", "SD over terms", "Ratings", "On the scale", "Missing"),
        tuple(rows),
    )
