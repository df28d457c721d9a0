"""Say how precise respondents' scores are, and what more stems, draws or judges would bring.

Owns the numbers that are tried and the plain sentence. The decision study is in `valuelex.stats.generalizability`.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import DecisionTable, Estimate, Precision
from valuelex.stages.quality_scores import Scores
from valuelex.stages.quality_table import estimate
from valuelex.stats.generalizability import DecisionStudy, decision_study, levels_needed
from valuelex.stats.variance_components import VarianceComponents

Array = NDArray[np.float64]
WANTED_GENERALIZABILITY = 0.8
"""What a score should reach by which respondents are compared; usual in research (Cardinet, Johnson & Pini 2010)."""
NARROWER = 0.3
"""Part of the interval's width by which the plain sentence asks more stems to narrow it."""
STEM_FACTORS = (0.5, 1.0, 2.0, 4.0)
"""Times the present number of stems in the decision study."""


def no_decision(scores: Scores, reason: str) -> DecisionTable:
    """Say why precision is not known."""
    return DecisionTable(scores.target, scores.form, None, (), None, f"Not known. {reason}", reason)


def decide(scores: Scores, found: VarianceComponents, n_respondents: int) -> DecisionTable:
    """Predict precision now, and with other numbers of stems, draws and judges."""
    now = scores.numbers
    grid = np.array(
        [
            (max(1.0, round(now["stem"] * stems)), now["draw"] * draws, now["judge"] * judges)
            for judges in ((1, 2) if "judge" in scores.labels else (1,))
            for draws in ((1, 2) if now["draw"] > 1 else (1,))
            for stems in (STEM_FACTORS if "stem" in scores.labels else (1.0,))
        ]
    )
    rows = _rows(scores, found, np.vstack([_now(scores), grid]), n_respondents)
    needed = _needed(scores, found, WANTED_GENERALIZABILITY, "generalizability", _fixed(scores))
    return DecisionTable(
        target=scores.target,
        scores=scores.form,
        present=rows[0],
        rows=rows[1:],
        stems_needed=needed,
        sentence=_sentence(scores, found, rows[0], needed),
    )


def _fixed(scores: Scores) -> tuple[str, ...]:
    return ("subdimension",) if "subdimension" in scores.labels else ()


def _numbers(scores: Scores, grid: Array, fixed: Collection[str]) -> tuple[dict[str, Array], Array]:
    """Arguments of the decision study for rows of (stems, draws, judges); fixed facets keep their number."""
    by_name = dict(zip(("stem", "draw", "judge"), grid.T, strict=True))
    n_levels = {facet: n for facet, n in by_name.items() if facet in scores.labels and facet not in fixed}
    replicates = np.ones(len(grid)) if scores.draws_nested else by_name["draw"]
    return n_levels, replicates


def _study(
    scores: Scores, found: VarianceComponents, grid: Array, fixed: Collection[str] | None = None
) -> DecisionStudy:
    fixed = _fixed(scores) if fixed is None else fixed
    n_levels, replicates = _numbers(scores, grid, fixed)
    return decision_study(found, "respondent", n_levels, fixed=fixed, n_replicates=replicates)


def _now(scores: Scores) -> Array:
    return np.array([[scores.numbers["stem"], scores.numbers["draw"], scores.numbers["judge"]]])


def _rows(
    scores: Scores, found: VarianceComponents, grid: Array, n_respondents: int
) -> tuple[Precision, ...]:
    study = _study(scores, found, grid)

    def coefficient(values: Array, ends: Array, row: int) -> Estimate:
        reason = "" if np.isfinite(values[row]) else "Neither respondents nor errors vary."
        return estimate(values[row], ends[row, 0], ends[row, 1], n_respondents, reason)

    return tuple(
        Precision(
            n_stems=float(stems),
            n_draws=float(draws),
            n_judges=float(judges),
            generalizability=coefficient(study.generalizability, study.generalizability_interval, row),
            dependability=coefficient(study.dependability, study.dependability_interval, row),
            relative_error=float(study.relative_standard_error[row]),
            absolute_error=float(study.absolute_standard_error[row]),
        )
        for row, (stems, draws, judges) in enumerate(grid)
    )


def _needed(
    scores: Scores, found: VarianceComponents, target: float, quantity: str, fixed: Collection[str]
) -> int | None:
    """Stems that reach a coefficient or a standard error, all else as now; None where no number does."""
    if "stem" not in scores.labels:
        return None
    n_levels, replicates = _numbers(scores, _now(scores), fixed)
    count = levels_needed(
        found,
        "respondent",
        "stem",
        target,
        quantity=quantity,
        n_levels=n_levels,
        fixed=fixed,
        n_replicates=replicates,
    )[0]
    return int(count) if np.isfinite(count) else None


def _sentence(scores: Scores, found: VarianceComponents, now: Precision, needed: int | None) -> str:
    """Say what more stems would bring: for the interval of a score, and for generalizability."""
    if "stem" not in scores.labels:
        return "With one stem nothing tells what more stems would bring."
    parts = [_narrower(scores, found)]
    value = now.generalizability.value
    if value is None:
        return " ".join([*parts, "Generalizability is undefined: neither respondents nor errors vary."])
    told = f"generalizability is {value:.2f} with {now.n_stems:.0f} stems"
    if value >= WANTED_GENERALIZABILITY:
        parts.append(f"{told.capitalize()}; {needed} would reach {WANTED_GENERALIZABILITY}.")
    elif needed is not None:
        parts.append(f"{told.capitalize()}; {needed} stems would reach {WANTED_GENERALIZABILITY}.")
    else:
        parts.append(
            f"{told.capitalize()}; no number of stems reaches {WANTED_GENERALIZABILITY}, because "
            + _why_never(scores, found)
        )
    return " ".join(parts)


def _narrower(scores: Scores, found: VarianceComponents) -> str:
    """Say how many stems narrow the interval, which holds for the present judges."""
    fixed = (*_fixed(scores), *(("judge",) if "judge" in scores.labels else ()))
    wanted = float(_study(scores, found, _now(scores), fixed).absolute_standard_error[0]) * (1 - NARROWER)
    count = _needed(scores, found, wanted, "absolute_standard_error", fixed) if wanted > 0 else None
    if count is None:
        return "Scores have no error that more stems could average out."
    more = max(1, count - int(scores.numbers["stem"]))
    stems = "stem" if more == 1 else "stems"
    return f"{more} more {stems} would narrow the interval of a respondent's score by {100 * NARROWER:.0f} %."


def _why_never(scores: Scores, found: VarianceComponents) -> str:
    study = _study(scores, found, np.array([[1e9, scores.numbers["draw"], scores.numbers["judge"]]]))
    if study.universe_variance[0] <= 0:
        return "respondents are not found to differ at all."
    return (
        f"judges favour different respondents: with endless stems it would be {study.generalizability[0]:.2f}. "
        "Add judges instead."
    )
