"""Divide the variance of ratings among respondents, stems, draws and judges.

Owns what each component means in words. The design is chosen in `valuelex.stages.quality_scores`, what follows for
the precision of scores is in `valuelex.stages.quality_precision`.
"""

from __future__ import annotations

from collections.abc import Mapping

from valuelex.domain.quality import Component, ComponentTable, DecisionTable
from valuelex.errors import DataError
from valuelex.stages.quality_precision import decide, no_decision
from valuelex.stages.quality_scores import Scores, all_scores
from valuelex.stages.quality_table import RatingTable, estimate
from valuelex.stats.design import RESIDUAL
from valuelex.stats.variance_components import VarianceComponents, variance_components

MEANINGS: Mapping[frozenset[str], str] = {
    frozenset({"respondent"}): "respondents differ from each other",
    frozenset({"stem"}): "stems pull all respondents up or down",
    frozenset({"judge"}): "judges are severe or mild",
    frozenset({"subdimension"}): "subdimensions differ in level",
    frozenset({"respondent", "stem"}): "a respondent answers one stem in its own way",
    frozenset({"respondent", "judge"}): "a judge favours a respondent",
    frozenset({"stem", "judge"}): "judges read a stem differently",
    frozenset({"respondent", "subdimension"}): "respondents have profiles of their own",
    frozenset({"stem", "subdimension"}): "a stem pulls one subdimension",
    frozenset(
        {"respondent", "stem", "judge"}
    ): "a judge reads one respondent's answers to a stem differently",
    frozenset(
        {"respondent", "stem", "subdimension"}
    ): "a respondent's answer to a stem bears on one subdimension",
}
DRAW = "one completion differs from others of the same respondent and stem"


def measure_components(table: RatingTable) -> tuple[tuple[ComponentTable, ...], tuple[DecisionTable, ...]]:
    """Estimate components of variance and precision: over all subdimensions, of each, and of each ipsatised.

    Over all, subdimension is a facet and several judges are averaged after their severity is taken off. Every
    facet is random, but subdimensions are fixed in the precision of the total, since these are all there are.

    Returns
    -------
    tables, decisions
        In the same order. A facet with one level is left out, and a note says what that hides.
    """
    tables, decisions = [], []
    for scores in all_scores(table):
        components, decision = _one(table, scores)
        tables.append(components)
        decisions.append(decision)
    return tuple(tables), tuple(decisions)


def _one(table: RatingTable, scores: Scores) -> tuple[ComponentTable, DecisionTable]:
    """Estimate the components of one set of scores and what they mean for precision."""
    try:
        if not scores.labels:
            msg = "Respondents, stems and judges have one level each, so there is nothing to divide the variance among."
            raise DataError(msg)  # noqa: TRY301 - one way out for all that cannot be told
        found = variance_components(scores.scores, scores.labels, scores.notation)
    except DataError as error:
        empty = ComponentTable(
            scores.target,
            scores.form,
            "",
            len(scores.scores),
            scores.n_missing,
            {},
            (),
            scores.notes,
            str(error),
        )
        return empty, no_decision(scores, str(error))
    total = float(found.variance.sum())
    components = tuple(
        Component(
            effect=name,
            meaning=_meaning(found, i, scores),
            variance=estimate(found.variance[i], found.low[i], found.high[i], found.n_scores),
            share=float(found.variance[i]) / total,
        )
        for i, name in enumerate(found.names)
    )
    notes = (*scores.notes, *(str(flag.detail) for flag in found.flags if flag.weakness != "LEFT_OUT"))
    measured = ComponentTable(
        target=scores.target,
        scores=scores.form,
        method=found.method,
        n_ratings=found.n_scores,
        n_missing=scores.n_missing,
        n_levels={facet: int(n) for facet, n in found.n_levels.items()},
        components=components,
        notes=notes,
    )
    if "respondent" not in scores.labels:
        return measured, no_decision(
            scores, "With one respondent there is nobody to compare, so generalizability has no meaning."
        )
    if "stem" not in scores.labels:
        return measured, no_decision(
            scores, "With one stem what respondents make of it cannot be told from where they stand."
        )
    return measured, decide(scores, found, len(table.respondents))


def _meaning(found: VarianceComponents, i: int, scores: Scores) -> str:
    """Say what a component is; the residual also holds the interactions that have no component of their own."""
    if found.names[i] != RESIDUAL:
        effect = found.effects[i]
        return DRAW if "draw" in effect else MEANINGS[effect]
    held = [MEANINGS[e] for e in found.design.effects if e not in found.effects and e in MEANINGS]
    if scores.draws_nested:
        held.append("chance in single ratings")
    elif found.n_scores > 1 and scores.numbers["draw"] > 1:
        held.append(DRAW)
    return "; ".join([*held, "all else"])
