"""How precise averages over facets are: the decision study of generalizability theory.

Owns error variances, coefficients and the number of levels needed, for any numbers of levels. The components
come from `valuelex.stats.variance_components`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.errors import DataError
from valuelex.stats.checks import Array, choose
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.mean_square_intervals import share_interval
from valuelex.stats.variance_components import VarianceComponents

QUANTITIES = ("generalizability", "dependability", "relative_standard_error", "absolute_standard_error")
"""What a number of levels can be sought for."""


@dataclass(frozen=True, slots=True)
class DecisionStudy:
    """Precision of averages over the facets; every array has the common shape S of the numbers of levels."""

    object_facet: str
    """Whose levels are compared or measured: the object of measurement."""
    n_levels: Mapping[str, NDArray[np.float64]]
    """For each other facet (S) levels averaged over, within each cell that it is nested in."""
    universe_variance: NDArray[np.float64]
    """(S) variance of the objects' expected scores, in squared units of the scores."""
    relative_error_variance: NDArray[np.float64]
    """(S) of differences between objects that are measured at the same levels."""
    absolute_error_variance: NDArray[np.float64]
    """(S) of one object's average about its expected score."""
    relative_standard_error: NDArray[np.float64]
    """(S) root of the relative error variance, in units of the scores."""
    absolute_standard_error: NDArray[np.float64]
    """(S) root of the absolute error variance, in units of the scores."""
    generalizability: NDArray[np.float64]
    """(S) from 0 to 1: universe variance over itself plus relative error; NaN where both are zero."""
    generalizability_interval: NDArray[np.float64]
    """(S, 2) ends of its interval."""
    dependability: NDArray[np.float64]
    """(S) from 0 to 1: universe variance over itself plus absolute error; NaN where both are zero."""
    dependability_interval: NDArray[np.float64]
    """(S, 2) ends of its interval."""
    flags: tuple[Flag, ...]
    """Those of the components, and `AT_BOUNDARY` where the universe variance is zero."""


def decision_study(
    components: VarianceComponents,
    object_facet: str,
    n_levels: Mapping[str, ArrayLike] | None = None,
    *,
    fixed: Collection[str] = (),
    n_replicates: ArrayLike = 1,
    level: float = 0.95,
) -> DecisionStudy:
    """Predict the precision of averages over given numbers of levels of each facet.

    With T the effects of the object alone (or with fixed facets only), d those of the object with some random
    facet, and D those with some random facet, each component is divided by the number of levels of its
    facets: ``universe = sum_T v / n``, ``relative = sum_d v / n``, ``absolute = sum_D v / n``;
    ``generalizability = universe / (universe + relative)``, ``dependability = universe / (universe + absolute)``.

    Parameters
    ----------
    components
        Of a design with all facets random.
    object_facet
        The object of measurement. If it is nested, as p in ``(p:g) x i``, objects of all groups are compared:
        the variance between groups belongs to the universe variance.
    n_levels
        For each other facet its number of levels, at least 1: one number or an array; the arrays are broadcast
        to a common shape S. For a nested facet the number within each level of what it is nested in. A
        facet that is not named keeps the number of the data, which must then be the same in all cells.
    fixed
        Facets whose levels are all there is, so that nothing is generalised beyond them: expected scores
        are averages over exactly these levels, and interactions of the object with fixed facets only,
        over their numbers of levels, count as universe variance. Their numbers are those of the data. What the
        residual holds of such an interaction cannot be separated from error and counts as error.
    n_replicates
        Scores averaged in each cell.
    level
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    DecisionStudy

    Raises
    ------
    DataError
        If a facet is unknown, a number is below 1 or missing, or a fixed facet is nested in a random one.

    References
    ----------
    Brennan (2001), Generalizability Theory, chapters 3 to 5. Shavelson & Webb (1991), Generalizability Theory.
    """
    if not 0 < level < 1:
        msg = f"level must lie between 0 and 1, not {level!r}."
        raise DataError(msg)
    random_part = _Random.of(components, object_facet, fixed)
    numbers = _numbers(components, random_part, n_levels or {})
    replicates = _at_least_one(n_replicates, "n_replicates")
    try:
        shape = np.broadcast_shapes(*(n.shape for n in numbers.values()), replicates.shape)
    except ValueError:
        shapes = ", ".join(f"{facet} {n.shape}" for facet, n in numbers.items())
        msg = f"The numbers of levels have shapes that cannot be broadcast: {shapes}, replicates {replicates.shape}."
        raise DataError(msg) from None
    shares = random_part.shares(components, numbers, replicates, shape)
    universe, relative, absolute = (part @ components.variance for part in shares)
    weights = components.mean_squares.weights()
    in_squares = [part @ weights for part in shares]
    flags = components.flags
    if not universe.all():
        detail = f"the variance of {object_facet} is zero, so the coefficients are zero"
        flags = (*flags, Flag(Weakness.AT_BOUNDARY, detail))
    coefficients, intervals = [], []
    for error, error_squares in ((relative, in_squares[1]), (absolute, in_squares[2])):
        total = universe + error
        estimate = np.divide(universe, total, out=np.full(shape, np.nan), where=total > 0)
        low, high = share_interval(components.mean_squares, in_squares[0], error_squares, level)
        coefficients.append(estimate)
        intervals.append(np.stack([np.fmin(low, estimate), np.fmax(high, estimate)], axis=-1))
    return DecisionStudy(
        object_facet=object_facet,
        n_levels={facet: np.broadcast_to(n, shape).copy() for facet, n in numbers.items()},
        universe_variance=universe,
        relative_error_variance=relative,
        absolute_error_variance=absolute,
        relative_standard_error=np.sqrt(relative),
        absolute_standard_error=np.sqrt(absolute),
        generalizability=coefficients[0],
        generalizability_interval=intervals[0],
        dependability=coefficients[1],
        dependability_interval=intervals[1],
        flags=flags,
    )


def levels_needed(
    components: VarianceComponents,
    object_facet: str,
    facet: str,
    target: ArrayLike,
    *,
    quantity: str = "generalizability",
    n_levels: Mapping[str, ArrayLike] | None = None,
    fixed: Collection[str] = (),
    n_replicates: ArrayLike = 1,
) -> Array:
    """Find the least number of levels of one facet that reaches a coefficient or a standard error.

    An error variance is ``a + b / n`` in that number, so that ``n = b / (wanted - a)``, rounded up.

    Parameters
    ----------
    components, object_facet, n_levels, fixed, n_replicates
        As for `decision_study`; `n_levels` names the other facets.
    facet
        Whose number is sought; random, and not part of the object.
    target
        At least this coefficient (between 0 and 1), or at most this standard error (above 0, in units of the
        scores): one number or an array that is broadcast with the numbers of levels.
    quantity
        One of `QUANTITIES`.

    Returns
    -------
    (S)
        Whole numbers of at least 1; infinite where no number suffices.

    Raises
    ------
    DataError
        As `decision_study`, or if the target lies outside its range.
    """
    choose(quantity, QUANTITIES, name="quantity")
    random_part = _Random.of(components, object_facet, fixed)
    choose(facet, [f for f in random_part.outside if f not in random_part.fixed], name="facet")
    others = {name: n for name, n in (n_levels or {}).items() if name != facet}
    wanted = np.asarray(target, dtype=np.float64)
    is_coefficient = quantity in QUANTITIES[:2]
    if not ((wanted > 0) & (wanted < (1 if is_coefficient else np.inf))).all():
        span = "between 0 and 1" if is_coefficient else "above 0"
        msg = f"target must lie {span} for {quantity}, not {target!r}."
        raise DataError(msg)
    errors = []
    for level_count in (1.0, np.inf):
        numbers = _numbers(components, random_part, {**others, facet: level_count})
        replicates = _at_least_one(n_replicates, "n_replicates")
        shape = np.broadcast_shapes(*(n.shape for n in numbers.values()), replicates.shape)
        shares = random_part.shares(components, numbers, replicates, shape)
        universe, *both = (part @ components.variance for part in shares)
        errors.append(both[quantity in (QUANTITIES[1], QUANTITIES[3])])
    allowed = universe * (1 - wanted) / wanted if is_coefficient else wanted**2
    falling, lasting = errors[0] - errors[1], errors[1]
    room = allowed - lasting
    falling, room = np.broadcast_arrays(falling, room)
    count = np.divide(falling, room, out=np.full(room.shape, np.inf), where=room > 0)
    count = np.where((falling <= 0) & (room >= 0), 1.0, count)
    whole: Array = np.maximum(np.ceil(count * (1 - 1e-12)), 1.0)
    return whole


@dataclass(frozen=True, slots=True)
class _Random:
    """Which facets belong to the object, which are averaged over, and which of those are fixed."""

    inside: frozenset[str]
    outside: tuple[str, ...]
    fixed: frozenset[str]

    @classmethod
    def of(cls, components: VarianceComponents, object_facet: str, fixed: Collection[str]) -> _Random:
        design = components.design
        choose(object_facet, design.facets, name="object_facet")
        inside = design.closure([object_facet])
        outside = tuple(f for f in design.facets if f not in inside)
        names = frozenset([fixed] if isinstance(fixed, str) else fixed)
        for facet in sorted(names):
            choose(facet, outside, name="fixed")
            around = design.closure([facet]) - {facet} - inside - names
            if around:
                msg = (
                    f"Facet {facet!r} cannot be fixed while {sorted(around)[0]!r}, which it is nested in, is random; "
                    "fix both or neither."
                )
                raise DataError(msg)
        if not any(effect <= inside for effect in components.effects):
            msg = f"The design has no effect of {object_facet!r} alone, so there is no universe variance; add it."
            raise DataError(msg)
        return cls(inside, outside, names)

    def shares(
        self,
        components: VarianceComponents,
        numbers: Mapping[str, Array],
        replicates: Array,
        shape: tuple[int, ...],
    ) -> tuple[Array, Array, Array]:
        """(S, k) factor of each component in the universe, relative and absolute error variance."""
        universe, relative, absolute = (np.zeros((*shape, len(components.names))) for _ in range(3))
        for i, effect in enumerate([*components.effects, frozenset(components.design.facets)]):
            is_residual = i == len(components.effects)
            share: Array = np.ones(shape) / (replicates if is_residual else 1.0)
            for facet in effect - self.inside:
                share = share / numbers[facet]
            if not is_residual and effect - self.inside <= self.fixed:
                universe[..., i] = share if effect & self.inside else 0.0
                continue
            absolute[..., i] = share
            if effect & self.inside:
                relative[..., i] = share
        return universe, relative, absolute


def _numbers(
    components: VarianceComponents, random_part: _Random, given: Mapping[str, ArrayLike]
) -> dict[str, Array]:
    for facet in given:
        choose(facet, random_part.outside, name="n_levels")
    numbers = {}
    for facet in random_part.outside:
        each = components.levels_each[facet]
        if facet not in given:
            if each is None:
                msg = f"Facet {facet!r} has different numbers of levels in the data; give its number in n_levels."
                raise DataError(msg)
            numbers[facet] = np.array(float(each))
            continue
        numbers[facet] = _at_least_one(given[facet], f"n_levels[{facet!r}]")
        if facet in random_part.fixed and (numbers[facet] != each).any():
            msg = f"Facet {facet!r} is fixed, so its number of levels is that of the data ({each}); leave it out."
            raise DataError(msg)
    return numbers


def _at_least_one(value: ArrayLike, name: str) -> Array:
    number = np.asarray(value, dtype=np.float64)
    if not (number >= 1).all():
        msg = f"{name} must be at least 1 everywhere, not {value!r}."
        raise DataError(msg)
    return number
