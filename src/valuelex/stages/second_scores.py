"""Score choices and direct ratings, and join them with the projective test.

Owns scores by method with their intervals, and what a reader must be warned of. How far methods agree is
in `multitrait`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS, SCALE_HIGH, SCALE_LOW, Orientation
from valuelex.domain.quality import Estimate
from valuelex.domain.second import Choices, DirectRatings, MethodScores, SecondMethods
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Study
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.caveats import resampling_units
from valuelex.stages.multitrait import Compared, multitrait_multimethod
from valuelex.stages.quality_table import FEW_RESPONDENTS, estimate, ipsatise, unknown
from valuelex.stats.bootstrap import resample_units
from valuelex.stats.flags import Weakness
from valuelex.stats.paired_comparison import PairedComparison, paired_comparison
from valuelex.stats.pooled_means import pooled_means

Array = NDArray[np.float64]
FEW_READ = 0.5
"""Share of answers below which a respondent's lost answers are warned of."""
_REACH = NormalDist().inv_cdf(0.975)


def score_second(choices: Choices | None, direct: DirectRatings | None) -> tuple[MethodScores, ...]:
    """Score the methods that were asked for, choices first."""
    found = [] if choices is None else [score_choices(choices)]
    return tuple(found if direct is None else [*found, score_direct(direct)])


def score_choices(choices: Choices) -> MethodScores:
    """Score each respondent by Bradley-Terry, over both orders and freed of its liking for a place.

    Draws of one pair in one order are a group: where they agree more with one another than chance allows,
    intervals are wider for it. A respondent whose choices connect too few statements has no score, and a remark.
    """
    names = choices.subdimensions
    respondents = tuple(dict.fromkeys(choices.respondent_ids))
    owner = np.array([respondents.index(name) for name in choices.respondent_ids], dtype=np.int64)
    values, low, high, errors = (np.full((len(respondents), len(names)), np.nan) for _ in range(4))
    n_answers = np.zeros(values.shape, dtype=np.int64)
    remarks, position = [], []
    for r in range(len(respondents)):
        own = np.flatnonzero(owner == r)
        fit = _fit(choices, own)
        made = own[~np.isnan(choices.first_wins[own])]
        n_answers[r] = np.bincount(
            np.concatenate([choices.first[made], choices.second[made]]), minlength=len(names)
        )
        if isinstance(fit, str):
            remarks.append(fit)
            position.append(unknown(fit, len(made)))
            continue
        values[r], low[r], high[r], errors[r] = fit.abilities, fit.low, fit.high, fit.standard_errors
        position.append(estimate(fit.position, fit.position_low, fit.position_high, fit.n_comparisons))
        weak = [flag.detail for flag in fit.flags if flag.weakness is Weakness.NOT_CONVERGED]
        remarks.append(
            " ".join(
                (["Choices without an exception; scores rest on the prior."] if fit.separated else []) + weak
            )
        )
    return MethodScores(
        method="choices",
        system=choices.system,
        unit="logits",
        respondent_ids=respondents,
        subdimensions=names,
        values=values,
        low=low,
        high=high,
        errors=errors,
        n_answers=n_answers,
        missing=tuple(_reasons(choices.missing[owner == r]) for r in range(len(respondents))),
        position=tuple(position),
        remarks=tuple(remarks),
    )


def _fit(choices: Choices, own: NDArray[np.int64]) -> PairedComparison | str:
    """Return one respondent's abilities, or why there are none."""
    first, second = choices.first[own], choices.second[own]
    cell = first * len(choices.subdimensions) + second
    try:
        return paired_comparison(
            first, second, choices.first_wins[own], objects=choices.subdimensions, groups=cell
        )
    except DataError as error:
        return str(error)


def score_direct(direct: DirectRatings) -> MethodScores:
    """Score each respondent by the mean over draws, with an interval from the spread of its draws on all statements."""
    shape = direct.values.shape[:2]
    values, low, high, errors = (np.full(shape, np.nan) for _ in range(4))
    remarks = []
    for r, own in enumerate(direct.values):
        if np.isnan(own).all():
            remarks.append(f"None of its {count(own.size, 'rating')} could be read.")
            continue
        found = pooled_means(own)
        values[r], errors[r] = found.mean, found.error
        low[r], high[r] = (np.clip(end, SCALE_LOW, SCALE_HIGH) for end in (found.low, found.high))
        told = bool(np.isfinite(found.error).any())
        remarks.append("" if told else "Its draws do not differ, or are one each, so there is no interval.")
    return MethodScores(
        method="direct",
        system=direct.system,
        unit="scale points",
        respondent_ids=direct.respondent_ids,
        subdimensions=direct.subdimensions,
        values=values,
        low=low,
        high=high,
        errors=errors,
        n_answers=(~np.isnan(direct.values)).sum(axis=2),
        missing=tuple(_reasons(own.ravel()) for own in direct.missing),
        position=(),
        remarks=tuple(remarks),
    )


def _reasons(codes: NDArray[np.int8]) -> dict[Missing, int]:
    counted = Counter(codes[codes >= 0].tolist())
    return {reason: counted[code] for code, reason in enumerate(REASONS) if counted[code]}


def second_results(
    study: Study,
    system: ValueSystem,
    orientations: Sequence[Orientation],
    choices: Choices | None,
    direct: DirectRatings | None,
    rng: np.random.Generator,
) -> SecondMethods:
    """Score second methods on one system and compare them, and the projective test, over respondents.

    Parameters
    ----------
    study, system
        The study, and the system that the statements are of.
    orientations
        Of any systems and judges; those on `system` by the last judge among them are used, on which conclusions rest.
    choices, direct
        As read; None where the study does not ask for them.
    rng
        Source of the resamples of respondents (families, where there are five).
    """
    scores = score_second(choices, direct)
    ids, names = [r.id for r in study.respondents], [s.id for s in system.subdimensions]
    tables = {"projective": _projective(orientations, system, ids, names)}
    tables |= {s.method: (_placed(s.values, s, ids), _placed(s.errors, s, ids)) for s in scores}
    units, resampled = resampling_units(study)
    order = list(dict.fromkeys(units.values()))
    unit = np.array([order.index(units[name]) for name in ids], dtype=np.int64)
    weights = resample_units(len(order), study.compare.resamples, rng) if len(order) > 1 else np.ones((1, 1))
    compared = [
        multitrait_multimethod(
            {method: values for method, (values, _) in tables.items()},
            {method: marginal_reliability(*table) for method, table in tables.items()},
            names,
            Compared("raw", unit, weights),
        ),
        multitrait_multimethod(
            {method: ipsatise(values) for method, (values, _) in tables.items()},
            dict.fromkeys(tables),
            names,
            Compared("ipsatised", unit, weights),
        ),
    ]
    warnings = _warnings(study, scores, choices, len(order), resampled) if scores else ()
    return SecondMethods(system.name, choices, direct, scores, compared[0], compared[1], warnings)


def _projective(
    orientations: Sequence[Orientation], system: ValueSystem, ids: Sequence[str], names: Sequence[str]
) -> tuple[Array, Array]:
    """Estimates and standard errors over stems, (n_respondents, n_subdimensions)."""
    own = [o for o in orientations if o.system == system.name and o.level == "subdimension"]
    values, errors = (np.full((len(ids), len(names)), np.nan) for _ in range(2))
    for o in own:
        if o.judge != own[-1].judge or o.estimate is None:
            continue
        at = (ids.index(o.respondent_id), names.index(o.target))
        values[at] = o.estimate
        if o.standard_error is not None:
            errors[at] = o.standard_error
    return values, errors


def _placed(table: Array, scores: MethodScores, ids: Sequence[str]) -> Array:
    """Put the rows of a method's table in the order of `ids`; NaN for those it has not."""
    placed = np.full((len(ids), table.shape[1]), np.nan)
    for name, row in zip(scores.respondent_ids, table, strict=True):
        placed[ids.index(name)] = row
    return placed


def marginal_reliability(values: Array, errors: Array) -> Array | None:
    """Share of the variance of scores over respondents that their standard errors leave.

    Parameters
    ----------
    values, errors : (n_respondents, n_traits)
        Scores and their standard errors; rows that miss one are left out, trait by trait.

    Returns
    -------
    (n_traits,) or None
        0 to 1: ``1 - mean of error² / variance of values``. NaN where fewer than five respondents have both or scores
        do not vary; None where that is so for every trait.
    """
    found = np.full(values.shape[1], np.nan)
    for trait, (value, error) in enumerate(zip(values.T, errors.T, strict=True)):
        both = np.isfinite(value) & np.isfinite(error)
        if both.sum() < FEW_RESPONDENTS:
            continue
        spread = float(value[both].var(ddof=1))
        if spread > 0:
            found[trait] = max(0.0, 1 - float((error[both] ** 2).mean()) / spread)
    return None if np.isnan(found).all() else found


def _warnings(
    study: Study, scores: Sequence[MethodScores], choices: Choices | None, n_units: int, resampled: str
) -> tuple[str, ...]:
    found = []
    for s in scores:
        of_method = "choices" if s.method == "choices" else "direct ratings"
        twice = 2 if s.method == "choices" else 1
        read = s.n_answers.sum(axis=1) / twice
        asked = read + [sum(m.values()) for m in s.missing]
        short = [name for name, n, k in zip(s.respondent_ids, read, asked, strict=True) if n < FEW_READ * k]
        if short:
            found.append(
                f"Less than half of the {of_method} could be read of {len(short)} of {len(s.respondent_ids)} "
                f"respondents (first: {short[0]})."
            )
    if choices is not None:
        found += _place_warnings(scores[0])
    if n_units < len(study.respondents) or len({r.family for r in study.respondents}) < len(
        study.respondents
    ):
        found.append(
            "Respondents of one family are not independent, so intervals of correlations by Fisher's z are too narrow; "
            f"resampling is by {resampled}."
        )
    return tuple(found)


def _place_warnings(scores: MethodScores) -> list[str]:
    """Warn of respondents whom the place sways more than the widest difference between statements."""
    widest = np.ptp(scores.values, axis=1)
    swayed = [
        name
        for name, effect, width in zip(scores.respondent_ids, scores.position, widest, strict=True)
        if _beyond(effect, float(width))
    ]
    if not swayed:
        return []
    return [
        f"{len(swayed)} of {count(len(scores.respondent_ids), 'respondent')} "
        f"{'chooses' if len(swayed) == 1 else 'choose'} by place rather than by content (first: {swayed[0]}): "
        "standing first or second outweighs the widest difference between two statements."
    ]


def _beyond(effect: Estimate, width: float) -> bool:
    return effect.value is not None and abs(effect.value) > width
