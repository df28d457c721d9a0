"""Components of variance of scores that are classified by crossed and nested facets, all random.

Owns the choice between expected mean squares (balanced and complete data) and restricted maximum likelihood
(all other), and the result of both. What the components mean for the precision of averages is in
`valuelex.stats.generalizability`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.errors import DataError
from valuelex.stats.checks import Array, choose, first
from valuelex.stats.design import (
    RESIDUAL,
    Design,
    Effect,
    Levels,
    code_levels,
    design_of_effects,
    parse_design,
    refuse_confounded,
)
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.mean_square_intervals import linear_interval
from valuelex.stats.mean_squares import MeanSquares, balanced_mean_squares, balanced_table
from valuelex.stats.reml import inverse_information, reml

FEW_LEVELS = 5
"""A facet with fewer levels says little about the variance between its levels."""
_ZERO = 1e-13
"""Share of the variance of the scores below which a component is a rounding error."""


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """How the variance of single scores divides among the effects of a design."""

    design: Design
    """Facets, nesting and effects."""
    method: str
    """`ems` (expected mean squares) or `reml` (restricted maximum likelihood)."""
    effects: tuple[Effect, ...]
    """(k - 1) sets of facets, one for each component but the residual."""
    names: tuple[str, ...]
    """(k,) names such as `p`, `p x i`, `i:h`; the last is `residual`. Where cells hold one score each, the
    residual holds the highest interaction too."""
    variance: NDArray[np.float64]
    """(k,), at least 0, in squared units of the scores."""
    raw: NDArray[np.float64]
    """(k,) before negative estimates were set to zero; equal to `variance` under REML."""
    standard_error: NDArray[np.float64]
    """(k,) of `raw`, at least 0."""
    low: NDArray[np.float64]
    """(k,) lower end of the interval, at least 0."""
    high: NDArray[np.float64]
    """(k,) upper end of the interval; infinite where the data do not bound it."""
    level: float
    """Coverage asked of the intervals."""
    mean_squares: MeanSquares
    """The analysis of variance behind them; under REML, independent mean squares that carry the same
    information, with degrees of freedom that need not be whole."""
    intercept: float
    """Mean of the scores; under REML the generalised least-squares mean."""
    intercept_standard_error: float
    """Over all facets, each of which is random."""
    criterion: float
    """Minus twice the restricted log-likelihood; NaN where the closed form was used."""
    n_scores: int
    """Scores used."""
    n_left_out: int
    """Scores that were missing."""
    n_levels: Mapping[str, int]
    """Levels of each facet, over all that it is nested in."""
    levels_each: Mapping[str, int | None]
    """Levels of each facet within each cell that it is nested in; None where those differ."""
    flags: tuple[Flag, ...]
    """`LEFT_OUT`, `FEW_UNITS`, `AT_BOUNDARY`, `NOT_CONVERGED`."""

    def of(self, name: str) -> float:
        """Return the component of that name, in squared units of the scores."""
        choose(name, self.names, name="the effect")
        return float(self.variance[self.names.index(name)])


def variance_components(
    scores: ArrayLike,
    labels: Mapping[str, ArrayLike],
    design: str | Design | Sequence[Collection[str] | str],
    *,
    method: str = "auto",
    level: float = 0.95,
) -> VarianceComponents:
    """Estimate the components of variance of a design whose facets are all random.

    Where every cell holds the same number of scores, mean squares are equated to their expectations: the
    estimates are unbiased, and equal to REML where none is negative. Otherwise restricted maximum
    likelihood is used, which needs scores missing at random only.

    Parameters
    ----------
    scores : (n_scores,)
        In long form, one entry a score. NaN where one is missing; such entries are left out and counted.
    labels
        For each facet the level (n_scores,) of each score. Levels of a nested facet have labels that differ
        from one to another of what they are nested in. Scores alike in all labels are replicates.
    design
        Such as ``"p x i x j"``, ``"p x (i:h)"``, ``"(p:g) x i"``; a `Design`; or a list of effects, each a
        collection of facet names, to leave some out. The interaction of all facets is separated from the
        residual where a cell holds two scores or more.
    method
        `auto`, `ems` (balanced data only; negative estimates are set to zero one by one) or `reml`.
    level
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    VarianceComponents
        Intervals are modified large-sample intervals on mean squares; their coverage is in
        ``benchmarks/coverage_variance.py``.

    Raises
    ------
    DataError
        If scores are infinite, all equal or all missing; if a facet has one level or no label; if two facets
        or effects cannot be separated; if labels contradict the design; if `ems` is asked of unbalanced data.

    References
    ----------
    Searle, Casella & McCulloch (1992), Variance Components. Brennan (2001), Generalizability Theory.
    """
    choose(method, ("auto", "ems", "reml"), name="method")
    if not 0 < level < 1:
        msg = f"level must lie between 0 and 1, not {level!r}."
        raise DataError(msg)
    chosen = _design(design)
    used, present = _scores(scores)
    kept = {facet: _kept(values, present, facet) for facet, values in labels.items()}
    levels = code_levels(chosen, kept, len(used))
    if len(levels.design.effects) == 1 and levels.cells(levels.design.facets)[1] == len(used):
        name = levels.design.name(levels.design.facets)
        msg = (
            f"Effect {name!r} and the residual cannot be separated: each of the {len(used)} cells holds one score; "
            "add scores, or a facet."
        )
        raise DataError(msg)
    table = balanced_table(used, levels)
    strata = balanced_mean_squares(used, levels, table) if table is not None and method != "reml" else None
    flags = (*_left_out(present), *_few_levels(levels))
    if strata is not None:
        return _from_mean_squares(used, levels, strata, level, int((~present).sum()), flags)
    if method == "ems":
        msg = (
            f"The {len(used)} scores do not fill a balanced design with one mean square for each component, which "
            "expected mean squares need; use method='reml'."
        )
        raise DataError(msg)
    if table is None:
        refuse_confounded(levels)
    return _from_likelihood(used, levels, level, int((~present).sum()), flags)


def _design(design: str | Design | Sequence[Collection[str] | str]) -> Design:
    if isinstance(design, Design):
        return design
    return parse_design(design) if isinstance(design, str) else design_of_effects(design)


def _scores(scores: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    """Return the scores that are there, and where they are."""
    try:
        given = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError):
        msg = "scores holds values that are not numbers; give an array of numbers."
        raise DataError(msg) from None
    if given.ndim != 1:
        msg = f"scores has shape {given.shape}; give one vector in long form, and labels for each facet."
        raise DataError(msg)
    infinite = np.flatnonzero(np.isinf(given))
    if infinite.size:
        msg = f"{infinite.size} of {given.size} scores are infinite (first: {first(infinite)}); correct them."
        raise DataError(msg)
    present = ~np.isnan(given)
    used = given[present]
    if used.size < 2:
        msg = f"{used.size} of {given.size} scores are there; components of variance need two at least."
        raise DataError(msg)
    if np.ptp(used) <= _ZERO * np.abs(used).max():
        msg = f"All {used.size} scores are equal ({used[0]:.6g}); there is no variance to divide."
        raise DataError(msg)
    return used, present


def _kept(values: ArrayLike, present: NDArray[np.bool_], facet: str) -> NDArray[np.generic]:
    """Labels of the scores that are there."""
    given = np.asarray(values)
    if given.shape != present.shape:
        msg = f"Facet {facet!r} has labels of shape {given.shape} for {present.size} scores; give one label a score."
        raise DataError(msg)
    return given if present.all() else given[present]


def _left_out(present: NDArray[np.bool_]) -> tuple[Flag, ...]:
    missing = np.flatnonzero(~present)
    if not missing.size:
        return ()
    detail = f"{missing.size} of {present.size} scores are missing (first: {first(missing)})"
    return (Flag(Weakness.LEFT_OUT, detail),)


def _few_levels(levels: Levels) -> tuple[Flag, ...]:
    few = [f"{f} ({n})" for f, n in zip(levels.design.facets, levels.counts, strict=True) if n < FEW_LEVELS]
    detail = f"facets with fewer than {FEW_LEVELS} levels: {', '.join(few)}"
    return (Flag(Weakness.FEW_UNITS, detail),) if few else ()


def _from_mean_squares(
    scores: Array,
    levels: Levels,
    strata: tuple[tuple[Effect, ...], MeanSquares],
    level: float,
    n_left_out: int,
    flags: tuple[Flag, ...],
) -> VarianceComponents:
    effects, squares = strata
    weights = squares.weights()
    raw = weights @ squares.values
    zero = raw <= _ZERO * scores.var()
    variance = np.where(zero, 0.0, raw)
    each = np.diag(squares.expected)
    names = (*map(levels.design.name, effects), RESIDUAL)
    if zero.any():
        low = ", ".join(f"{name} ({value:.3g})" for name, value in zip(names, raw, strict=True) if value <= 0)
        low = low or ", ".join(name for name, at in zip(names, zero, strict=True) if at)
        detail = (
            f"{int(zero.sum())} of {len(raw)} components were estimated at or below zero and set to it: {low}"
        )
        flags = (*flags, Flag(Weakness.AT_BOUNDARY, detail))
    error = np.sqrt(weights**2 @ (2 * squares.values**2 / (squares.degrees_of_freedom + 2)))
    mean = float(scores.mean()), float(np.sqrt(variance @ each / len(scores))), np.nan
    estimate = variance, raw, error
    return _result("ems", levels, effects, estimate, squares, level, mean, n_left_out, flags)


def _from_likelihood(
    scores: Array, levels: Levels, level: float, n_left_out: int, flags: tuple[Flag, ...]
) -> VarianceComponents:
    design = levels.design
    full = frozenset(design.facets)
    n_full = levels.cells(full)[1]
    effects = tuple(e for e in design.effects if e != full or n_full < len(scores))
    cells = [levels.cells(effect) for effect in effects]
    _refuse_same_cells(design, effects, [count for _, count in cells], len(scores))
    names = [design.name(effect) for effect in effects]
    fit = reml(scores, cells, names)
    root = np.asarray(np.linalg.cholesky(fit.information).T, dtype=np.float64)
    values = np.maximum(root @ fit.variance, 1e-6)
    squares = MeanSquares(values, 2 * values**2, root)
    error = np.sqrt(np.diag(inverse_information(fit.information)))
    mean = fit.intercept, fit.intercept_standard_error, fit.criterion
    estimate = fit.variance, fit.variance, error
    return _result("reml", levels, effects, estimate, squares, level, mean, n_left_out, (*flags, *fit.flags))


def _refuse_same_cells(
    design: Design, effects: Sequence[Effect], counts: Sequence[int], n_scores: int
) -> None:
    """Raise `DataError`, naming both, if two effects divide the scores into the same cells."""
    for i, (fine, n_fine) in enumerate(zip(effects, counts, strict=True)):
        for coarse, n_coarse in zip(effects[:i], counts[:i], strict=True):
            if coarse < fine and n_coarse == n_fine:
                one, other = design.name(coarse), design.name(fine)
                msg = (
                    f"Effects {one!r} and {other!r} cannot be separated: they divide the {n_scores} scores into the "
                    f"same {n_fine} cells; leave the finer facet out of the design."
                )
                raise DataError(msg)
        if n_fine == n_scores:
            msg = (
                f"Effect {design.name(fine)!r} and the residual cannot be separated: each of the {n_fine} cells holds "
                "one score; add scores, or give the effects of the design without it."
            )
            raise DataError(msg)


def _result(
    method: str,
    levels: Levels,
    effects: tuple[Effect, ...],
    estimate: tuple[Array, Array, Array],
    squares: MeanSquares,
    level: float,
    mean: tuple[float, float, float],
    n_left_out: int,
    flags: tuple[Flag, ...],
) -> VarianceComponents:
    design = levels.design
    low, high = linear_interval(squares, squares.weights(), level)
    each = {facet: levels.per_parent(facet) for facet in design.facets}
    return VarianceComponents(
        design=design,
        method=method,
        effects=effects,
        names=(*map(design.name, effects), RESIDUAL),
        variance=estimate[0],
        raw=estimate[1],
        standard_error=estimate[2],
        low=np.maximum(low, 0.0),
        high=np.maximum(high, 0.0),
        level=level,
        mean_squares=squares,
        intercept=mean[0],
        intercept_standard_error=mean[1],
        criterion=mean[2],
        n_scores=len(levels.codes[0]),
        n_left_out=n_left_out,
        n_levels=dict(zip(design.facets, levels.counts, strict=True)),
        levels_each={f: int(n.min()) if n.min() == n.max() else None for f, n in each.items()},
        flags=flags,
    )
