"""How many groups of columns the lists themselves support: the held-out likelihood of a block model.

A row is a list, and holds the columns that are 1 in it. The model says that two columns occur together as
often as their popularity and the lengths of the lists explain, times a rate that depends only on the groups
of the two (a degree-corrected Poisson block model). For each number of groups, groups and rates are learnt on
some of the independent units and scored on the others. One group is always a candidate, so that lists without
structure can say so.

Owns the choice of the number. The groups that are reported come from `valuelex.stats.cluster`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.checks import Array, as_groups, first
from valuelex.stats.cluster import Labels, adjusted_rand, spectral_partitions
from valuelex.stats.cooccurrence import as_lists, cooccurrence, margin_residual
from valuelex.stats.flags import Flag, Weakness

CLEAR_TRACE = 3.0
"""Above this many standard errors a trace of structure is no luck, though one group predicts best."""
FEW_UNITS = 20
"""With fewer independent units the standard errors between folds are rough."""
LEAST_UNITS = 10
"""With fewer independent units, that no groups show does not tell that there are none: see
`benchmarks/structure.py --curve`."""


def least_agreement(n_groups: int) -> float:
    """Agreement between folds from which a number of groups counts as known, ``.4 + .9 / k``.

    Set by simulating six groups in three pairs, in lists of which `benchmarks/retention_accuracy.py` has
    examples: partitions into few groups agree sooner, and too few data show the pairs before the groups.

    Parameters
    ----------
    n_groups
        At least 2.

    Returns
    -------
    float
        An adjusted Rand index.
    """
    return 0.4 + 0.9 / n_groups


class Outcome(StrEnum):
    """What the held-out likelihood says."""

    GROUPS = "GROUPS"
    """More than one group, and their number."""
    NO_GROUPS = "NO_GROUPS"
    """One group predicts best, and held-out lists bear no trace of the groups that others suggest."""
    TOO_LITTLE_DATA = "TOO_LITTLE_DATA"
    """The evidence cannot tell the number; `n_groups` is only the best guess."""


@dataclass(frozen=True, slots=True)
class BlockModelChoice:
    """Number of groups by held-out likelihood."""

    outcome: Outcome
    n_groups: int
    """The smallest candidate that is not worse than the best by more than one standard error of their
    difference. To be used only if `outcome` is not `TOO_LITTLE_DATA`."""
    candidates: NDArray[np.int64]
    """(m,) numbers of groups, 1 to m."""
    gain: NDArray[np.float64]
    """(m,) mean held-out log-likelihood over that of one group, nats per 1000 pairs held out (a pair: two
    columns in one list). 0 for one group; negative where groups predict worse."""
    gain_error: NDArray[np.float64]
    """(m,) its standard error between folds. 0 for one group."""
    shortfall: NDArray[np.float64]
    """(m,) by how much the mean gain is below that of the best candidate, at least 0."""
    shortfall_error: NDArray[np.float64]
    """(m,) standard error of that difference between folds, paired. 0 for the best candidate."""
    agreement: NDArray[np.float64]
    """(m,) mean adjusted Rand index between the partitions learnt on different folds; 1 for one group, about
    0 where groups are luck."""
    plausible: NDArray[np.int64]
    """Candidates within one standard error of the best, ascending; never empty."""
    trace: float
    """Whether groups that are learnt on some units show in others at all, in standard errors between folds: about
    0 without structure. Lists can bear a clear trace of groups and be too few for predicting better by them."""
    fold_gains: NDArray[np.float64]
    """(n_repeats * n_folds, m) gain in each fold."""
    n_units: int
    """Number of independent units."""
    flags: tuple[Flag, ...]
    """`FEW_UNITS` if the outcome is `TOO_LITTLE_DATA` or the units are fewer than 20; `LEFT_OUT` if columns
    occur in no list."""


def choose_n_groups(
    lists: ArrayLike | sparse.sparray,
    *,
    rng: np.random.Generator,
    groups: ArrayLike | None = None,
    max_groups: int = 10,
    n_folds: int = 5,
    n_repeats: int = 3,
) -> BlockModelChoice:
    """Choose the number of groups of columns by the likelihood of held-out lists.

    In each fold the columns are partitioned by spectral clustering of the margin residual of the training
    co-occurrence. The rate of blocks a, b is ``(C_ab + r) / (E_ab + 1)``: C their training co-occurrence, E the
    expectation from margins, r the overall rate. On the held-out lists, with the same expectation from their
    own margins, the log-likelihood is ``sum C log rate - rate E``. The outcome is `TOO_LITTLE_DATA` if the
    partitions that are learnt on different folds agree less than `least_agreement`, or one group is chosen but
    not clearly best, or one group is best but the lists bear a clear trace of structure, or one group is best and
    there are fewer than 10 units.

    That trace is the slope of the held-out log-likelihood when rates are drawn from the overall rate towards
    those learnt, ``sum (C - c E) log (rate / r)`` with c the overall rate held out, a mean over the candidates
    from 2 on. Its expectation is 0 if what was learnt is luck, and positive however weak the structure is.

    Parameters
    ----------
    lists : (n_lists, n_columns)
        0 and 1, dense or sparse. Lists of fewer than two columns carry no information.
    rng
        Source of folds.
    groups : (n_lists,), optional
        The independent unit of each list; folds never split one. Rows that share a source must share a unit,
        or the habits of sources are taken for structure. Default: each list is a unit.
    max_groups
        Largest candidate, from 2 to the number of columns that occur.
    n_folds
        From 2. Lowered to the number of units where there are fewer.
    n_repeats
        How often the units are dealt into folds anew, at least 1.

    Returns
    -------
    BlockModelChoice

    Raises
    ------
    DataError
        If values other than 0 and 1 are given, there are fewer than 3 units, options are out of range, or a
        fold or its complement holds no two columns in one list.

    References
    ----------
    Karrer & Newman (2011), Stochastic blockmodels and community structure in networks. Chen & Lei (2018),
    Network cross-validation for determining the number of communities. Breiman et al. (1984), Classification
    and regression trees, for the rule of one standard error.
    """
    table, flags = _used_columns(lists)
    unit = np.arange(table.shape[0]) if groups is None else np.asarray(groups)
    unit = as_groups(unit, table.shape[0], min_groups=3)
    n_units = int(unit.max()) + 1
    _check_options(table.shape[1], max_groups, n_folds, n_repeats)
    n_folds = min(n_folds, n_units)
    gains, slopes, agreement = [], [], []
    for _ in range(n_repeats):
        fold = rng.permutation(np.arange(n_units) % n_folds)[unit]
        scores, partitions = _cross_validate(_counts_by_fold(table, fold, n_folds), max_groups)
        gains.append(scores[0] - scores[0][:, :1])
        slopes.append(scores[1][:, 1:].mean(axis=1, keepdims=True))
        agreement.append(_agreement(partitions))
    error = float(standard_error(np.stack(slopes))[0])
    trace = float(np.mean(slopes)) / error if error > 0 else 0.0
    return choice_of_gains(np.stack(gains), np.mean(agreement, axis=0), trace, n_units, flags)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Co-occurrence of some lists: all that the model needs of them."""

    together: Array
    """(p, p), the diagonal holding how often each column occurs."""
    lengths: Array
    """(n_lists,)"""

    @property
    def n_pairs(self) -> float:
        return float((self.lengths * (self.lengths - 1)).sum())

    def observed(self) -> Array:
        off = self.together.copy()
        np.fill_diagonal(off, 0.0)
        return off

    def expected(self) -> Array:
        share = np.diag(self.together)
        e: Array = np.outer(share, share) * (self.n_pairs / self.lengths.sum() ** 2)
        np.fill_diagonal(e, 0.0)
        return e


def _used_columns(lists: ArrayLike | sparse.sparray) -> tuple[sparse.csr_array, tuple[Flag, ...]]:
    table = as_lists(lists)
    occurs = np.bincount(table.indices, minlength=table.shape[1]) > 0
    empty = np.flatnonzero(~occurs)
    if not empty.size:
        return table, ()
    detail = f"{empty.size} of {len(occurs)} columns occur in no list (first: column {first(empty)})"
    return sparse.csr_array(table[:, occurs]), (Flag(Weakness.LEFT_OUT, detail),)


def _check_options(n_columns: int, max_groups: int, n_folds: int, n_repeats: int) -> None:
    if not 2 <= max_groups <= n_columns:
        msg = f"max_groups is {max_groups}, but {n_columns} columns occur; give 2 to {n_columns}."
        raise DataError(msg)
    if n_folds < 2 or n_repeats < 1:
        msg = f"{n_folds} folds × {n_repeats} repeats were asked for; at least 2 × 1 are needed."
        raise DataError(msg)


def _counts_by_fold(table: sparse.csr_array, fold: Labels, n_folds: int) -> list[_Counts]:
    length = np.diff(table.indptr).astype(np.float64)
    folds = [_Counts(cooccurrence(table[fold == f]), length[fold == f]) for f in range(n_folds)]
    without = [f for f, counts in enumerate(folds) if counts.n_pairs == 0]
    if without:
        msg = (
            f"{len(without)} of {n_folds} folds hold no list of two columns or more, so nothing can be held out; "
            "give longer lists, more units or fewer folds."
        )
        raise DataError(msg)
    return folds


def _cross_validate(folds: list[_Counts], max_groups: int) -> tuple[Array, list[list[Labels]]]:
    """Scores (2, n_folds, m) per 1000 held-out pairs, and the partitions learnt without each fold."""
    together = np.sum([counts.together for counts in folds], axis=0)
    scores = np.empty((2, len(folds), max_groups))
    partitions = []
    for f, held_out in enumerate(folds):
        lengths = np.concatenate([counts.lengths for g, counts in enumerate(folds) if g != f])
        training = _Counts(together - held_out.together, lengths)
        residual = margin_residual(training.together, training.lengths)
        found = spectral_partitions(residual, range(1, max_groups + 1))
        scores[:, f] = _scores(training, held_out, found) * (1000.0 / (held_out.n_pairs / 2))
        partitions.append(found)
    return scores, partitions


def _scores(training: _Counts, held_out: _Counts, partitions: list[Labels]) -> Array:
    """Held-out log-likelihood of each partition, up to a constant, and its slope (2, m); every pair counts once."""
    matrices = training.observed(), training.expected(), held_out.observed(), held_out.expected()
    rate = float(matrices[0].sum() / matrices[1].sum())
    held_out_rate = float(matrices[2].sum() / matrices[3].sum())
    scores = np.empty((2, len(partitions)))
    for i, labels in enumerate(partitions):
        member = np.eye(int(labels.max()) + 1)[labels]
        seen, due, c, e = (member.T @ matrix @ member for matrix in matrices)
        rates = (seen + rate) / (due + 1.0)
        scores[0, i] = (c * np.log(rates) - rates * e).sum() / 2
        scores[1, i] = ((c - held_out_rate * e) * np.log(rates / rate)).sum() / 2
    return scores


def _agreement(partitions: list[list[Labels]]) -> Array:
    pairs = [(a, b) for i, a in enumerate(partitions) for b in partitions[:i]]
    return np.array(
        [np.mean([adjusted_rand(a[k], b[k]) for a, b in pairs]) for k in range(len(partitions[0]))]
    )


def choice_of_gains(
    gains: Array,
    agreement: Array,
    trace: float,
    n_units: int,
    flags: tuple[Flag, ...] = (),
    *,
    among: Array | None = None,
) -> BlockModelChoice:
    """Choose the number of groups from held-out gains, however they were scored.

    Parameters
    ----------
    gains : (n_repeats, n_cases, m)
        Gain over one group of each candidate from 1 to m, in each case that was held out (a fold, or a unit).
    agreement : (m,)
        Mean adjusted Rand index between the partitions of different folds.
    trace
        As in `BlockModelChoice`.
    n_units
        Number of independent units.
    flags
        To be passed on.
    among : (n_repeats, n_cases, m), optional
        Gains by which to choose the number where `gains` say that it is more than one. Default: the same.

    Returns
    -------
    BlockModelChoice
        Its gains are those that chose, in the unit of those given; see `choose_n_groups` for the rules.
    """
    shortfall, shortfall_error = _behind_best(gains)
    near = shortfall <= shortfall_error
    if among is not None and not near[0]:
        gains = among
        shortfall, shortfall_error = _behind_best(gains)
        near = shortfall <= shortfall_error
        near[0] = False
    mean = gains.mean(axis=(0, 1))
    plausible = np.flatnonzero(near) + 1
    chosen = int(plausible[0])
    if chosen == 1:
        clear = len(plausible) == 1 and trace <= CLEAR_TRACE and n_units >= LEAST_UNITS
        outcome = Outcome.NO_GROUPS if clear else Outcome.TOO_LITTLE_DATA
    else:
        outcome = (
            Outcome.GROUPS if agreement[chosen - 1] >= least_agreement(chosen) else Outcome.TOO_LITTLE_DATA
        )
    if outcome is Outcome.TOO_LITTLE_DATA:
        detail = (
            f"too little data to tell the number of groups: {', '.join(map(str, plausible))} within an error of the "
            f"best, a trace of structure of {trace:.1f} errors, and partitions into {max(chosen, 2)} that agree by "
            f"{agreement[max(chosen, 2) - 1]:.2f} between folds"
        )
        flags = (*flags, Flag(Weakness.FEW_UNITS, detail))
    if n_units < FEW_UNITS:
        detail = f"standard errors between folds rest on {n_units} independent units"
        flags = (*flags, Flag(Weakness.FEW_UNITS, detail))
    return BlockModelChoice(
        outcome=outcome,
        n_groups=chosen,
        candidates=np.arange(1, len(mean) + 1, dtype=np.int64),
        gain=mean,
        gain_error=standard_error(gains),
        shortfall=shortfall,
        shortfall_error=shortfall_error,
        agreement=agreement,
        plausible=plausible.astype(np.int64),
        trace=trace,
        fold_gains=gains.reshape(-1, len(mean)),
        n_units=n_units,
        flags=flags,
    )


def _behind_best(gains: Array) -> tuple[Array, Array]:
    """Return by how much each candidate is behind the best, and the standard error of that, paired (m,)."""
    behind = gains[..., gains.mean(axis=(0, 1)).argmax()][..., None] - gains
    shortfall: Array = behind.mean(axis=(0, 1))
    return shortfall, standard_error(behind)


def standard_error(values: Array) -> Array:
    """Return the standard error (m,) of the mean over folds of (n_repeats, n_folds, m); repeats are no new data."""
    error: Array = values.std(axis=1, ddof=1).mean(axis=0) / np.sqrt(values.shape[1])
    return error
