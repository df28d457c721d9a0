"""Expected information about components of variance, from the eliminated mixed-model equations.

The inverse of the equations is ``C = K + E R E'``: K is block-diagonal, R is the inverse of the last dense stage
and E carries it back to all cells. So the squared norms of all parts of C follow from matrices of the size of
that stage, and C itself, which is large, is never formed. The elimination is in `valuelex.stats.mixed_equations`.
"""

from __future__ import annotations

import numpy as np

from valuelex.stats.checks import Array
from valuelex.stats.mixed_equations import MixedEquations, Solution


def expected_information(equations: MixedEquations, ratios: Array, solution: Solution) -> Array:
    """Return ``tr(P V_k P V_l)`` at a residual variance of one, the residual's ``V`` being the identity.

    From ``D Z'P Z D = I - C`` come the traces of two effects, and from ``P (I + sum ratio V) P = P`` those
    with the residual.

    Parameters
    ----------
    equations
        Of n scores and k effects.
    ratios : (k,)
        Of each component to the residual variance, above 0.
    solution
        Of the equations at these ratios.

    Returns
    -------
    (k + 1, k + 1)
        Twice the information about the components, in units of the residual variance.
    """
    k = len(ratios)
    out = np.zeros((k + 1, k + 1))
    both = _squared_norms(equations, ratios, solution)
    both[np.arange(k), np.arange(k)] += equations.n_cells - 2 * solution.traces
    both /= np.outer(ratios, ratios)
    explained = equations.n_cells - solution.traces
    with_residual = explained / ratios - both @ ratios
    out[:k, :k] = both
    out[:k, k] = out[k, :k] = with_residual
    out[k, k] = equations.n_scores - 1 - explained.sum() - ratios @ with_residual
    return out


def _squared_norms(equations: MixedEquations, ratios: Array, solution: Solution) -> Array:
    """(k, k) sum of squares of the part of C that belongs to each two effects."""
    plan, factors, k = equations.plan, solution.factors, len(ratios)
    ratio, alone = float(ratios[plan.alone]), plan.alone
    weights = np.column_stack([ratio / factors.diagonal**2, ratio / factors.diagonal**3])
    sums = equations.products @ weights
    inner, bridge, rest = equations.scaled(sums[:, 0], factors.scale)
    inner_third, bridge_third, rest_third = equations.scaled(sums[:, 1], factors.scale)
    shape = (plan.n_blocks, plan.size, plan.n_rest)
    carried = factors.bridge.reshape(shape)
    back = np.swapaxes(carried, 1, 2)
    reached = (factors.bridge @ factors.rest).reshape(shape) @ back
    member = np.eye(k + 2)[equations.effect_at[: plan.n_within], :k].reshape(plan.n_blocks, plan.size, k)
    blocks = factors.blocks

    norms = _by_effects(member, blocks * (blocks + 2 * reached))
    spreads = [
        _spread(equations, factors.bridge, effect) if effect != alone else np.zeros((0, 0))
        for effect in range(k)
    ]
    spreads[alone] = _carried_back(factors.bridge, carried, inner, bridge, rest)
    moved = [factors.rest @ spread for spread in spreads]
    norms += np.array([[(one * other.T).sum() for other in moved] for one in moved])

    through = inner @ blocks
    across = bridge - inner @ carried
    ahead = (across.reshape(-1, plan.n_rest) @ factors.rest).reshape(shape)
    columns = (blocks * (through - 2 * (ahead @ back))).sum(axis=1)
    beside = np.einsum("bt,btk->k", columns, member)
    norms[alone] += beside
    norms[:, alone] += beside
    third = _carried_back(factors.bridge, carried, inner_third, bridge_third, rest_third)
    norms[alone, alone] += (1 / factors.diagonal**2).sum() + 2 * (inner_third * blocks).sum()
    norms[alone, alone] += (through * np.swapaxes(through, 1, 2)).sum() + 2 * (factors.rest * third).sum()
    norms[alone, alone] += 2 * (blocks * (ahead @ np.swapaxes(across, 1, 2))).sum()
    return norms


def _by_effects(member: Array, values: Array) -> Array:
    """Sum the cells of all blocks by the effects of their row and column."""
    summed: Array = (np.swapaxes(member, 1, 2) @ values @ member).sum(axis=0)
    return summed


def _spread(equations: MixedEquations, bridge: Array, effect: int) -> Array:
    """``E'E`` of one effect that is not the first to go."""
    n_within = equations.plan.n_within
    if (equations.effect_at[:n_within] == effect).any():
        rows = bridge[equations.effect_at[:n_within] == effect]
        return np.asarray(rows.T @ rows, dtype=np.float64)
    return np.diag((equations.effect_at[n_within:] == effect).astype(np.float64))


def _carried_back(flat: Array, carried: Array, inner: Array, bridge: Array, rest: Array) -> Array:
    """``E'E`` of the first effect to go, or the same with weights, from its products with all others."""
    mixed = bridge.reshape(flat.shape).T @ flat
    within = flat.T @ (inner @ carried).reshape(flat.shape)
    return np.asarray(rest - mixed - mixed.T + within, dtype=np.float64)
