"""Ask whether methods agree: the multitrait-multimethod matrix over respondents.

Owns the matrix, the criteria of Campbell and Fiske, and the verdict in words. Scores come from `second_scores`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import Estimate, ScoreForm
from valuelex.domain.second import Convergence, MethodPair, Multitrait
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.quality_correlation import correlation_estimates, resampled
from valuelex.stages.quality_table import FEW_RESPONDENTS, estimate, unknown
from valuelex.stats.multiplicity import holm
from valuelex.stats.unit_correlations import UnitCorrelations

Array = NDArray[np.float64]
ENOUGH_UNITS = 10
"""Units from which on correlations are resampled; fewer give resamples too alike for an interval."""
SIGNIFICANCE = 0.05
"""Of the correlations that a verdict calls beyond chance, after Holm's correction over all of them."""
_REACH = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Compared:
    """How scores are compared: their form, the independent unit of each respondent, and resamples of units.

    `unit` is (n_respondents,), numbers from 0; `weights` is (n_resamples, n_units).
    """

    form: ScoreForm
    unit: NDArray[np.int64]
    weights: Array


@dataclass(frozen=True, slots=True)
class _Matrix:
    """Correlations of all columns, traits of the first method first, and where each method's begin."""

    r: Array
    n_traits: int

    def block(self, a: int, b: int) -> Array:
        """(n_traits, n_traits): traits by method a against traits by method b."""
        t = self.n_traits
        return self.r[a * t : (a + 1) * t, b * t : (b + 1) * t]


def multitrait_multimethod(
    scores: Mapping[str, Array],
    reliabilities: Mapping[str, Array | None],
    names: Sequence[str],
    compared: Compared,
) -> Multitrait:
    """Correlate every trait by every method with every other, over respondents.

    Parameters
    ----------
    scores
        By method, (n_respondents, n_traits), the same respondents in the same order; NaN where there is none.
    reliabilities
        By method, (n_traits,) from 0 to 1, NaN where unknown; or None.
    names
        Of the traits.
    compared
        Form of the scores, and the resamples.

    Returns
    -------
    Multitrait
        Correlations take respondents with both scores, at least five. Ipsatised traits correlate at about
        -1 / (n_traits - 1) with one another by construction, so their heterotrait correlations lie below 0.

    Raises
    ------
    DataError
        If tables differ in shape or do not fit the names.

    References
    ----------
    Campbell & Fiske (1959), Convergent and discriminant validation by the multitrait-multimethod matrix. Henseler,
    Ringle & Sarstedt (2015), A new criterion for assessing discriminant validity.
    """
    expected = (len(compared.unit), len(names))
    for method, table in scores.items():
        if table.shape != expected:
            msg = (
                f"Scores of {method!r} have shape {table.shape}, expected {expected} (respondents × traits)."
            )
            raise DataError(msg)
    usable = {m: table for m, table in scores.items() if not np.isnan(table).all()}
    present = np.array([~np.isnan(table).all(axis=1) for table in usable.values()]).reshape(-1, expected[0])
    n = int((present.sum(axis=0) >= 2).sum())
    known = tuple(_known(reliabilities[method], len(names)) for method in usable)
    labels = (compared.form, tuple(usable), tuple(names), n, known)
    reason = _too_little(len(usable), n, compared.form, len(names))
    if reason:
        return Multitrait(*labels, (), (), (), (), reason, reason)
    columns = np.hstack(list(usable.values()))
    upper = np.triu_indices(columns.shape[1], 1)
    pairs = UnitCorrelations.of(columns[:, upper[0]], columns[:, upper[1]], compared.unit)
    r = np.eye(columns.shape[1])
    r[upper] = r[upper[::-1]] = np.where(pairs.counts >= FEW_RESPONDENTS, pairs.everything(), np.nan)
    matrix = _Matrix(r, len(names))
    together = list(combinations(range(len(usable)), 2))
    convergences = tuple(c for a, b in together for c in _convergences(columns, (a, b), labels, compared))
    found = tuple(_pair(matrix, (a, b), convergences, columns, tuple(usable), compared) for a, b in together)
    return Multitrait(
        *labels,
        correlations=tuple(tuple(_number(cell) for cell in row) for row in r),
        convergences=convergences,
        monomethod=tuple(_mean(_off_diagonal(matrix.block(m, m))) for m in range(len(usable))),
        pairs=found,
        verdict=_verdict(found, _n_beyond_chance(convergences), compared.form),
    )


Labels = tuple[ScoreForm, tuple[str, ...], tuple[str, ...], int, tuple[tuple[float | None, ...], ...]]


def _too_little(n_methods: int, n: int, form: ScoreForm, n_traits: int) -> str:
    if form == "ipsatised" and n_traits < 2:
        return "A profile needs two subdimensions; this system has one."
    if n_methods < 2:
        return f"{n_methods} of the methods gave scores; agreement needs two."
    if n < FEW_RESPONDENTS:
        return f"A correlation over {count(n, 'respondent')} tells nothing; {FEW_RESPONDENTS} are needed."
    return ""


def _known(reliability: Array | None, n_traits: int) -> tuple[float | None, ...]:
    return (None,) * n_traits if reliability is None else tuple(_number(value) for value in reliability)


def _convergences(
    columns: Array, methods: tuple[int, int], labels: Labels, compared: Compared
) -> list[Convergence]:
    """Correlate each trait by one method with the same trait by another."""
    _, names, traits, _, reliabilities = labels
    a, b = (columns[:, m * len(traits) : (m + 1) * len(traits)] for m in methods)
    pairs = UnitCorrelations.of(a, b, compared.unit)
    values = pairs.everything()
    by_units = _resampled(pairs, compared)
    found = []
    for k, trait in enumerate(traits):
        correlation = fisher_estimate(float(values[k]), int(pairs.counts[k]))
        error_free = None
        rel_a, rel_b = (reliabilities[m][k] for m in methods)
        if correlation.value is not None and rel_a and rel_b:
            error_free = correlation.value / float(np.sqrt(rel_a * rel_b))
        found.append(
            Convergence(trait, names[methods[0]], names[methods[1]], correlation, by_units[k], error_free)
        )
    return found


def fisher_estimate(r: float, n: int) -> Estimate:
    """Give a correlation over `n` independent cases its interval at 95 % by Fisher's z.

    References
    ----------
    Fisher (1921), On the "probable error" of a coefficient of correlation deduced from a small sample.
    """
    if n < FEW_RESPONDENTS:
        return unknown(
            f"A correlation over {count(n, 'respondent')} tells nothing; {FEW_RESPONDENTS} are needed.", n
        )
    if not np.isfinite(r):
        return unknown("One of the two does not vary.", n)
    if abs(r) > 1 - 1e-12:
        return estimate(r, np.nan, np.nan, n, "The two are proportional, so there is no interval.")
    z, reach = np.arctanh(r), _REACH / np.sqrt(n - 3)
    return estimate(r, float(np.tanh(z - reach)), float(np.tanh(z + reach)), n)


def _resampled(pairs: UnitCorrelations, compared: Compared) -> list[Estimate]:
    few = _few_units(compared)
    if few:
        return [
            estimate(value, np.nan, np.nan, int(n), few)
            for value, n in zip(pairs.everything(), pairs.counts, strict=True)
        ]
    return correlation_estimates(pairs, compared.weights)


def _few_units(compared: Compared) -> str:
    n = compared.weights.shape[1]
    return (
        f"{count(n, 'unit is', 'units are')} too few to resample; {ENOUGH_UNITS} are needed."
        if n < ENOUGH_UNITS
        else ""
    )


def _pair(
    matrix: _Matrix,
    methods: tuple[int, int],
    convergences: Sequence[Convergence],
    columns: Array,
    names: Sequence[str],
    compared: Compared,
) -> MethodPair:
    a, b = methods
    block = matrix.block(a, b)
    convergent = np.diag(block)
    own = [c.correlation for c in convergences if (c.a, c.b) == (names[a], names[b])]
    mean = _mean_convergent(columns, methods, np.isfinite(convergent), compared)
    heterotrait = _mean(_off_diagonal(block))
    told = heterotrait is not None and mean.value is not None and mean.value > 0
    hetero = _wins(convergent, [block, block.T])
    mono = _wins(convergent, [matrix.block(a, a), matrix.block(b, b)])
    return MethodPair(
        a=names[a],
        b=names[b],
        mean_convergent=mean,
        mean_heterotrait=heterotrait,
        ratio=heterotrait / mean.value if told and heterotrait is not None and mean.value else None,
        n_convergent=int(np.isfinite(convergent).sum()),
        n_positive=sum(e.low is not None and e.low > 0 for e in own),
        n_heteromethod=hetero[0],
        n_above_heteromethod=hetero[1],
        n_monomethod=mono[0],
        n_above_monomethod=mono[1],
    )


def _mean_convergent(
    columns: Array, methods: tuple[int, int], usable: NDArray[np.bool_], compared: Compared
) -> Estimate:
    """Mean over the traits whose convergent correlation is known, with an interval over units."""
    t = len(usable)
    if not usable.any():
        return unknown("No trait has a convergent correlation.")
    a, b = (columns[:, m * t : (m + 1) * t][:, usable] for m in methods)
    pairs = UnitCorrelations.of(a, b, compared.unit)
    n, few = int(pairs.counts.min()), _few_units(compared)
    if few:
        return estimate(float(pairs.everything().mean()), np.nan, np.nan, n, few)

    def mean(weights: Array) -> Array:
        value: Array = pairs(weights).mean(axis=1, keepdims=True)
        return value

    return resampled(mean, compared.weights, [n])[0]


def _wins(convergent: Array, blocks: Sequence[Array]) -> tuple[int, int]:
    """Hold each convergent correlation against those of its trait with others in each block: number, and wins."""
    n = len(convergent)
    other = ~np.eye(n, dtype=np.bool_)
    compared = won = 0
    for block in blocks:
        known = other & np.isfinite(block) & np.isfinite(convergent)[:, None]
        compared += int(known.sum())
        won += int((known & (convergent[:, None] > np.where(known, block, np.inf))).sum())
    return compared, won


def _off_diagonal(block: Array) -> Array:
    return block[~np.eye(len(block), dtype=np.bool_)]


def _mean(values: Array) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _n_beyond_chance(convergences: Sequence[Convergence]) -> int:
    """Count the correlations above 0 that Holm's correction over all of them leaves significant at .05."""
    known = [c.correlation for c in convergences if c.correlation.value is not None]
    values = np.array([e.value for e in known], dtype=np.float64)
    n = np.array([e.n for e in known], dtype=np.float64)
    z = np.arctanh(np.clip(values, -1 + 1e-12, 1 - 1e-12)) * np.sqrt(n - 3)
    p_values = np.array([2 * NormalDist().cdf(-abs(float(one))) for one in z])
    return int(((holm(p_values) < SIGNIFICANCE) & (values > 0)).sum()) if known else 0


def _verdict(pairs: Sequence[MethodPair], positive: int, form: ScoreForm) -> str:
    """Say in one or more sentences how far methods agree, pair by pair."""
    what = "Scores as they are: " if form == "raw" else "Profiles less their own mean: "
    n = sum(p.n_convergent for p in pairs)
    if n == 0:
        return f"{what}no subdimension has a correlation between two methods, so agreement cannot be told."
    if positive == 0:
        lead = "no two methods agree on any subdimension beyond chance"
    elif positive == n:
        lead = "all methods agree on every subdimension beyond chance"
    else:
        lead = f"methods agree beyond chance in {positive} of {count(n, 'comparison')} of one subdimension"
    lead += f" (Holm's correction over {count(n, 'comparison')})."
    return " ".join([what + lead, *(_said(pair) for pair in pairs)])


def _said(pair: MethodPair) -> str:
    mean = pair.mean_convergent
    if mean.value is None:
        return f"{pair.a.capitalize()} and {pair.b}: no correlation can be told."
    interval = "" if mean.low is None or mean.high is None else f", 95 % CI {mean.low:.2f} to {mean.high:.2f}"
    return (
        f"{pair.a.capitalize()} and {pair.b}: mean convergent correlation {mean.value:.2f}{interval} "
        f"({count(mean.n, 'respondent')}), above 0 on {pair.n_positive} of "
        f"{count(pair.n_convergent, 'subdimension')}, and larger than {pair.n_above_heteromethod} of "
        f"{pair.n_heteromethod} correlations between different subdimensions by these two methods."
    )
