"""Rotate factor loadings towards simple structure or a target, orthogonally or obliquely.

Owns the choice of criterion, normalisation, starts, and the order and signs of the rotated factors.
Extraction is in `valuelex.stats.extraction`, comparing rotated factors in `valuelex.stats.congruence`,
the criteria in `valuelex.stats.rotation_criteria`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.errors import DataError
from valuelex.stats.checks import N_SHOWN, Array, as_count, choose, first
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.gradient_projection import Minimum, minimise
from valuelex.stats.rotation_criteria import OBLIQUE, ORTHOGONAL, Criterion, criterion_of

CRITERIA = ("none", "promax", *ORTHOGONAL, *OBLIQUE)
"""Names that `rotate` takes."""
SAME_VALUE = 1e-8
"""Optima are one and the same when their values differ by less than this share of the criterion's size."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """One local optimum that starts ended at."""

    value: float
    """Of the criterion."""
    n_starts: int
    """How many starts ended there."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rotated loadings and how they were reached. A stack of B matrices has a leading axis everywhere."""

    pattern: NDArray[np.float64]
    """(p, k), or (B, p, k): ``A T`` if orthogonal, ``A inverse(T)'`` if oblique."""
    phi: NDArray[np.float64]
    """(k, k), or (B, k, k): correlations of the factors, ``T' T``."""
    transformation: NDArray[np.float64]
    """(k, k), or (B, k, k): T, with columns of length 1."""
    value: NDArray[np.float64]
    """(), or (B,): the criterion at its minimum, on the normalised loadings if they were normalised. For
    promax of the varimax rotation that it starts from; NaN for none and for a single factor."""
    converged: NDArray[np.bool_]
    """(), or (B,): whether the projected gradient met the tolerance."""
    n_iterations: NDArray[np.int64]
    """(), or (B,): evaluations of the criterion from the start that ended best."""
    optima: tuple[Optimum, ...]
    """Distinct local optima of a single matrix, best first, told apart by value; empty for a stack."""
    flags: tuple[Flag, ...]
    """`NOT_CONVERGED` and `LOCAL_OPTIMA`."""


def rotate(
    loadings: ArrayLike,
    criterion: str,
    *,
    n_starts: int = 1,
    rng: np.random.Generator | None = None,
    normalise: bool = False,
    gamma: float = 0.0,
    delta: float = 0.01,
    power: float = 4.0,
    target: ArrayLike | None = None,
    start: ArrayLike | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = 1000,
) -> Rotation:
    """Rotate factor loadings so that a criterion of their simplicity is least.

    With A the unrotated loadings and T the transformation, orthogonal rotation gives ``A T`` and oblique
    rotation the pattern ``A inverse(T)'`` of factors with correlations ``T' T``. The criteria of rotated
    loadings L, where S are their squares:

    - "varimax": ``-sum (S - mean of S by factor)^2 / 4``; "quartimax": ``-sum S^2 / 4``.
    - "promax": varimax, then obliquely to the least-squares fit of its signed powers ``|L|^power``.
    - "oblimin" ``sum over pairs of factors j, m of (sum_i S_ij S_im - gamma / p sum_i S_ij sum_i S_im) / 4``
      (each pair counted both ways); "quartimin" is the same with gamma 0.
    - "geomin" and "geomin_orthogonal": ``sum_i (prod_j (S_ij + delta))^(1/k)``.
    - "bifactor" and "bifactor_oblique": quartimin, not divided by 4, of all factors but the first.
    - "target" and "target_orthogonal": ``sum (L - target)^2`` over the known cells of the target.
    - "none": the loadings as they are.

    Parameters
    ----------
    loadings : (p, k) or (B, p, k)
        Unrotated loadings of p variables on k uncorrelated factors, or a stack of such matrices. A single
        factor is left alone.
    criterion
        One of `CRITERIA`.
    n_starts
        Transformations to start from. The first is the identity (for a target, the orthogonal rotation that
        brings A nearest to it, unknown cells taken as 0); the others are random orthogonal matrices, the
        same for each matrix of a stack. The end with the least value is returned. A start without a gradient
        is also tried turned a little, since it may be the worst and not the best.
    rng
        Needed for more than one start.
    normalise
        Scale each variable to length 1 before rotation and back after it (Kaiser); a variable without
        loadings stays as it is. psych and R do so for varimax and promax, and not for the others.
    gamma
        Of oblimin, at most 1. Above 0 the criterion can fall without end as factors come to coincide.
    delta
        Of geomin, above 0.
    power
        Of promax, above 1.
    target : (p, k)
        For target rotation: NaN where a loading is free.
    start : (k, k) or (B, k, k)
        Takes the place of the first start, such as the T of a rotation of nearly the same loadings.
    tolerance
        Converged when the norm of the projected gradient is at most this times the size of the criterion:
        the sum over variables of their communalities (geomin, target) or squared communalities (others).
    max_iterations
        Most evaluations of the criterion from one start.

    Returns
    -------
    Rotation
        Factors in descending order of their sums of squared loadings and with sums of loadings of at least
        0. The general factor stays first; after target rotation order and signs are those of the target.

    Raises
    ------
    DataError
        If loadings are not finite, there is no factor, or an option does not fit.

    References
    ----------
    Jennrich (2001), A simple general procedure for orthogonal rotation; (2002), A simple general method for
    oblique rotation. Kaiser (1958), varimax. Hendrickson & White (1964), promax. Clarkson & Jennrich
    (1988), oblimin. Yates (1987), geomin. Jennrich & Bentler (2011, 2012), bifactor. Browne (2001), target.
    """
    a, single = _as_stack(loadings)
    choose(criterion, CRITERIA, name="criterion")
    as_count(max_iterations, name="max_iterations", least=0)
    if not (np.isfinite(tolerance) and tolerance > 0):
        msg = f"tolerance is {tolerance!r}; it must be above 0, and usually 1e-9."
        raise DataError(msg)
    _check_options(criterion, a, n_starts, rng, gamma, delta, power, normalise=normalise)
    wanted = _as_target(target, criterion, a.shape[1:])
    if criterion == "none" or a.shape[2] == 1:
        return _unrotated(a, single=single)
    lengths = np.linalg.norm(a, axis=2, keepdims=True)
    scaled = a / np.where(lengths > 0, lengths, 1.0) if normalise else a
    rule = criterion_of(
        "varimax" if criterion == "promax" else criterion, gamma=gamma, delta=delta, target=wanted
    )
    by_factor = np.ascontiguousarray(np.swapaxes(scaled, 1, 2))
    starts = _starts(scaled, rule, wanted, start, n_starts, rng)
    ends = minimise(by_factor, rule, starts, tolerance=tolerance, max_iterations=max_iterations)
    best = ends.value.reshape(len(a), n_starts).argmin(axis=1) + n_starts * np.arange(len(a))
    t, inverse = ends.transformation[best], ends.inverse[best]
    if criterion == "promax":
        t, inverse = _promax(scaled, t, power)
    pattern = a @ np.swapaxes(inverse, 1, 2)
    pattern, t = _in_order(pattern, t, criterion)
    oblique = rule.oblique or criterion == "promax"
    phi = _correlations(t) if oblique else np.broadcast_to(np.eye(t.shape[1]), t.shape).copy()
    optima = _optima(ends, float(rule.scale(by_factor)[0])) if single else ()
    flags = _flags(ends, best, optima, max_iterations)
    pick = 0 if single else slice(None)
    return Rotation(
        pattern[pick],
        phi[pick],
        t[pick],
        np.asarray(ends.value[best][pick]),
        np.asarray(ends.converged[best][pick]),
        np.asarray(ends.n_iterations[best][pick]),
        optima,
        flags,
    )


def _as_stack(loadings: ArrayLike) -> tuple[Array, bool]:
    """Return the loadings as a stack, and whether they were a single matrix."""
    try:
        a = np.asarray(loadings, dtype=np.float64)
    except (TypeError, ValueError):
        msg = "loadings hold values that are not numbers; give an array of numbers."
        raise DataError(msg) from None
    if a.ndim not in (2, 3) or a.size == 0:
        msg = (
            f"loadings have shape {a.shape}; give a matrix of variables × factors with at least one of each, "
            "or a stack of such matrices."
        )
        raise DataError(msg)
    wrong = ~np.isfinite(a)
    if wrong.any():
        cells = np.argwhere(wrong)
        shown = [
            f"row {i} column {j}" + (f" of matrix {b[0]}" if b else "")
            for *b, i, j in cells.tolist()[:N_SHOWN]
        ]
        msg = (
            f"loadings hold {len(cells)} missing or infinite values (first: {', '.join(shown)}); leave those "
            "variables out."
        )
        raise DataError(msg)
    return a.reshape(-1, *a.shape[-2:]), a.ndim == 2


def _check_options(
    criterion: str,
    a: Array,
    n_starts: int,
    rng: np.random.Generator | None,
    gamma: float,
    delta: float,
    power: float,
    *,
    normalise: bool,
) -> None:
    as_count(n_starts, name="n_starts", least=1)
    if n_starts > 1 and rng is None:
        msg = f"{n_starts} starts are random but for the first; give a random generator as rng."
    elif not (np.isfinite(gamma) and gamma <= 1):
        msg = f"gamma is {gamma:g}; oblimin is defined for at most 1, and usually 0."
    elif not (np.isfinite(delta) and delta > 0):
        msg = f"delta is {delta:g}; geomin needs more than 0, and usually .01."
    elif not (np.isfinite(power) and power > 1):
        msg = f"power is {power:g}; promax needs more than 1, and usually 4."
    elif normalise and criterion.startswith("target"):
        msg = "A target is given in loadings, not in normalised loadings; leave normalise off."
    elif criterion.startswith("bifactor") and a.shape[2] == 2:
        msg = "One general and one group factor can be rotated at will; a bifactor rotation needs 3 factors."
    else:
        return
    raise DataError(msg)


def _as_target(target: ArrayLike | None, criterion: str, shape: tuple[int, ...]) -> Array | None:
    if not criterion.startswith("target"):
        if target is not None:
            msg = f"{criterion!r} has no target; choose 'target' or 'target_orthogonal', or give none."
            raise DataError(msg)
        return None
    if target is None:
        msg = f"{criterion!r} needs a target of shape {shape}, with NaN where a loading is free."
        raise DataError(msg)
    wanted = np.asarray(target, dtype=np.float64)
    if wanted.shape != shape or np.isinf(wanted).any() or np.isnan(wanted).all():
        msg = (
            f"target has shape {wanted.shape} and {int(np.isfinite(wanted).sum())} finite cells; it needs shape "
            f"{shape}, at least one known cell, and NaN, not infinity, where a loading is free."
        )
        raise DataError(msg)
    return wanted


def _unrotated(a: Array, *, single: bool) -> Rotation:
    b, _, k = a.shape
    identity = np.broadcast_to(np.eye(k), (b, k, k)).copy()
    pick = 0 if single else slice(None)
    return Rotation(
        a[pick].copy(),
        identity[pick],
        identity[pick].copy(),
        np.asarray(np.full(b, np.nan)[pick]),
        np.asarray(np.ones(b, bool)[pick]),
        np.asarray(np.zeros(b, np.int64)[pick]),
        (),
        (),
    )


def _starts(
    a: Array,
    rule: Criterion,
    target: Array | None,
    start: ArrayLike | None,
    n_starts: int,
    rng: np.random.Generator | None,
) -> Array:
    """Return the transformations to start from, (B, n_starts, k, k)."""
    b, _, k = a.shape
    starts = np.empty((b, n_starts, k, k))
    if start is not None:
        starts[:, 0] = _as_start(start, (b, k, k), oblique=rule.oblique)
    elif target is not None:
        u, _, vt = np.linalg.svd(np.swapaxes(a, 1, 2) @ np.nan_to_num(target, nan=0.0))
        starts[:, 0] = u @ vt
    else:
        starts[:, 0] = np.eye(k)
    if n_starts > 1 and rng is not None:
        q, r = np.linalg.qr(rng.standard_normal((n_starts - 1, k, k)))
        starts[:, 1:] = q * np.where(np.diagonal(r, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None, :]
    return starts


def _as_start(start: ArrayLike, shape: tuple[int, int, int], *, oblique: bool) -> Array:
    t = np.asarray(start, dtype=np.float64)
    if t.shape not in (shape, shape[1:]) or not np.isfinite(t).all():
        msg = f"start has shape {t.shape}; it needs shape {shape[1:]} or {shape}, and finite cells."
        raise DataError(msg)
    lengths = np.linalg.norm(t, axis=-2, keepdims=True)
    t = t / np.where(lengths > 0, lengths, 1.0)
    if np.linalg.svd(t, compute_uv=False).min() < 1e-8:
        msg = "start is singular; give an invertible transformation."
        raise DataError(msg)
    if oblique:
        return np.broadcast_to(t, shape)
    u, _, vt = np.linalg.svd(t)
    return np.broadcast_to(u @ vt, shape)


def _promax(scaled: Array, t: Array, power: float) -> tuple[Array, Array]:
    """Return T and its inverse: least squares from varimax loadings to their signed powers, columns rescaled."""
    simple = scaled @ t
    powers = simple * np.abs(simple) ** (power - 1.0)
    gram = np.swapaxes(simple, 1, 2) @ simple
    poor = np.flatnonzero(np.linalg.cond(gram) > 1e12)
    if poor.size:
        msg = (
            f"{poor.size} of {len(scaled)} loading matrices (first: {first(poor)}) have fewer independent factors "
            "than columns, so promax has no solution; extract fewer factors or choose another criterion."
        )
        raise DataError(msg)
    fit = np.linalg.solve(gram, np.swapaxes(simple, 1, 2) @ powers)
    inverse = np.linalg.inv(fit) @ np.swapaxes(t, 1, 2)
    lengths = np.linalg.norm(inverse, axis=2)
    transformation = np.swapaxes(inverse / lengths[:, :, None], 1, 2)
    back = np.swapaxes(t @ (fit * lengths[:, None, :]), 1, 2)
    return transformation, back


def _in_order(pattern: Array, t: Array, criterion: str) -> tuple[Array, Array]:
    """Order factors by their sums of squares and reflect them to a sum of at least 0, where that is free."""
    if criterion.startswith("target"):
        return pattern, t
    size = (pattern**2).sum(axis=1)
    if criterion.startswith("bifactor"):
        size[:, 0] = np.inf
    order = np.argsort(-size, axis=1, kind="stable")[:, None, :]
    signs = np.where(pattern.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    return np.take_along_axis(pattern * signs, order, axis=2), np.take_along_axis(t * signs, order, axis=2)


def _correlations(t: Array) -> Array:
    phi: Array = np.swapaxes(t, 1, 2) @ t
    k = phi.shape[1]
    phi.reshape(len(phi), -1)[:, :: k + 1] = 1.0
    return phi


def _optima(ends: Minimum, scale: float) -> tuple[Optimum, ...]:
    values = np.sort(ends.value[ends.converged])
    if not values.size:
        return ()
    groups = np.split(values, np.flatnonzero(np.diff(values) > SAME_VALUE * scale) + 1)
    return tuple(Optimum(float(group[0]), len(group)) for group in groups)


def _flags(
    ends: Minimum, best: NDArray[np.int64], optima: tuple[Optimum, ...], max_iterations: int
) -> tuple[Flag, ...]:
    flags = []
    failed = np.flatnonzero(~ends.converged[best])
    if failed.size:
        which = f"{failed.size} of {len(best)} rotations (first: {first(failed)})" if len(best) > 1 else "it"
        detail = f"{which} had not converged after at most {max_iterations} evaluations of the criterion"
        flags.append(Flag(Weakness.NOT_CONVERGED, detail))
    if len(optima) > 1:
        detail = (
            f"{len(ends.value)} starts ended at {len(optima)} optima: value {optima[0].value:.6g} from "
            f"{optima[0].n_starts} of them, then {optima[1].value:.6g} from {optima[1].n_starts}"
        )
        flags.append(Flag(Weakness.LOCAL_OPTIMA, detail))
    return tuple(flags)
