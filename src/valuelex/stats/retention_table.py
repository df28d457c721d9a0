"""All rules for the number of factors or groups side by side, with their disagreement.

Owns the table and the reasons why a rule cannot be used. The rules are in `valuelex.stats.retention`,
`parallel_analysis` and `block_model`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from valuelex.errors import DataError
from valuelex.stats.block_model import Outcome, choose_n_groups
from valuelex.stats.checks import Array, as_correlation, as_groups, as_table
from valuelex.stats.correlation import correlate
from valuelex.stats.flags import Flag, Weakness
from valuelex.stats.nulls import NULLS
from valuelex.stats.parallel_analysis import (
    ParallelAnalysis,
    parallel_analysis,
    parallel_analysis_of_correlation,
)
from valuelex.stats.retention import empirical_kaiser, hull, minimum_average_partial, scree
from valuelex.stats.tetrachoric import tetrachoric


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """One rule."""

    rule: str
    """Its name."""
    suggests: int | None
    """Number of factors, components or groups; None if the rule could not be used or cannot tell."""
    detail: str
    """The figures behind it, or why there is no number."""
    for_reference: bool
    """Whether the rule is known to mislead and is left out of the range."""
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class RetentionTable:
    """What every rule suggests. Print it for a table in plain text."""

    rules: tuple[RetentionRule, ...]
    lowest: int | None
    """Least suggestion of the rules that could be used; None if none could."""
    highest: int | None
    """Largest suggestion."""

    @classmethod
    def of(cls, rules: Sequence[RetentionRule]) -> Self:
        """Make the table of these rules."""
        suggestions = [
            rule.suggests for rule in rules if rule.suggests is not None and not rule.for_reference
        ]
        return cls(tuple(rules), min(suggestions, default=None), max(suggestions, default=None))

    @property
    def agreement(self) -> str:
        """One sentence on how far the rules agree."""
        used = [r for r in self.rules if r.suggests is not None and not r.for_reference]
        if self.lowest is None:
            return "No rule could be used."
        if self.lowest == self.highest:
            return f"All {len(used)} rules that could be used suggest {self.lowest}."
        counts = {
            n: [r.rule for r in used if r.suggests == n] for n in sorted({r.suggests or 0 for r in used})
        }
        parts = "; ".join(f"{n}: {' and '.join(names)}" for n, names in counts.items())
        return f"The {len(used)} rules disagree, from {self.lowest} to {self.highest} ({parts})."

    def __str__(self) -> str:
        """Return the table, one line a rule, and the sentence on agreement."""
        names = [r.rule + (" (for reference)" if r.for_reference else "") for r in self.rules]
        width = max(map(len, names))
        lines = [f"{'Rule':<{width}}  Suggests  Figures", f"{'-' * width}  --------  -------"]
        for name, rule in zip(names, self.rules, strict=True):
            number = "-" if rule.suggests is None else str(rule.suggests)
            lines.append(f"{name:<{width}}  {number:>8}  {rule.detail}")
            lines += [f"{'':<{width}}  {'':>8}  {flag}" for flag in rule.flags]
        return "\n".join([*lines, self.agreement])


def retention_table(
    data: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    correlation: ArrayLike | None = None,
    n_rows: int | None = None,
    lists: ArrayLike | sparse.sparray | None = None,
    groups: ArrayLike | None = None,
    null: str | None = None,
    n_replicates: int = 100,
    max_factors: int | None = None,
) -> RetentionTable:
    """Ask every rule how many factors, components or groups there are.

    Parameters
    ----------
    data : (n_rows, n_columns), optional
        Finite numbers, each column with some spread. May be left out where `correlation` or `lists` is given;
        with `lists` alone they are the data.
    rng
        Source of null replicates, folds and starts.
    correlation : (p, p), optional
        In place of data, with `n_rows`.
    n_rows
        Number of independent rows behind `correlation`.
    lists : (n_lists, n_columns), optional
        0 and 1, for the held-out likelihood of a block model. Without them that rule is not used.
    groups : (n_rows,), optional
        Independent unit of each row of the data or the lists. Only the block model can take them into account;
        the other rules that count rows then carry a flag.
    null
        Null of the parallel analysis of data, as there. Default "curveball" for lists alone, else "wishart".
    n_replicates
        Null replicates of the parallel analysis.
    max_factors
        Most factors that Hull fits, at least 3, where parallel analysis suggests very many: each costs an
        extraction. By default one more than it suggests.

    Returns
    -------
    RetentionTable
        With one row a rule, always in the same order. A rule that cannot be used says why.

    Raises
    ------
    DataError
        If nothing can be analysed: neither data nor correlation nor lists, both data and correlation, a
        correlation without `n_rows`, or data that is not fit for any rule.
    """
    if (data is not None) + (correlation is not None) > 1 or (data is correlation is lists is None):
        msg = "Give one of data and correlation, or lists alone."
        raise DataError(msg)
    if (correlation is None) != (n_rows is None):
        msg = "correlation and n_rows belong together; give both or none."
        raise DataError(msg)
    if correlation is None:
        if data is None:
            data, null = _dense(lists), null or NULLS[2]
        table = as_table(data, min_columns=3)
        null, n_rows = null or NULLS[0], len(table)
        r = tetrachoric(table).correlation if null == "permuted_tetrachoric" else correlate(table)

        def compare() -> ParallelAnalysis:
            return parallel_analysis(table, rng=rng, null=null, n_replicates=n_replicates)
    else:
        if null not in (None, NULLS[0]):
            msg = (
                f"The null {null!r} needs data; a correlation matrix can only be compared with {NULLS[0]!r}."
            )
            raise DataError(msg)
        r, n = as_correlation(correlation, min_size=3), int(n_rows or 0)

        def compare() -> ParallelAnalysis:
            return parallel_analysis_of_correlation(r, n, rng=rng, n_replicates=n_replicates)

    rules = _eigenvalue_rules(
        r, int(n_rows or 0), compare(), _dependent_rows(groups, int(n_rows or 0), lists), max_factors
    )
    rules.append(_block_model(lists, groups, rng))
    return RetentionTable.of(rules)


def _dense(lists: ArrayLike | sparse.sparray | None) -> ArrayLike:
    dense: ArrayLike = lists.toarray() if sparse.issparse(lists) else lists  # type: ignore[assignment,union-attr]
    return dense


def _dependent_rows(
    groups: ArrayLike | None, n_rows: int, lists: ArrayLike | sparse.sparray | None
) -> tuple[Flag, ...]:
    """Whether rows share units; groups that fit the lists only say nothing of the rows."""
    if groups is None or (lists is not None and np.shape(groups) == np.shape(lists)[:1] != (n_rows,)):
        return ()
    n_units = int(as_groups(groups, n_rows, min_groups=1).max()) + 1
    if n_units == n_rows:
        return ()
    detail = f"{n_rows} rows are counted as independent, but they come from {n_units} units"
    return (Flag(Weakness.FEW_UNITS, detail),)


def _eigenvalue_rules(
    r: Array,
    n_rows: int,
    parallel: ParallelAnalysis,
    dependent: tuple[Flag, ...],
    max_factors: int | None,
) -> list[RetentionRule]:
    bends = scree(r)
    rules = [
        _parallel_rule(parallel, "components", dependent),
        _parallel_rule(parallel, "factors", ()),
    ]

    def add(
        name: str, ask: Callable[[], tuple[int | None, str, tuple[Flag, ...]]], flags: tuple[Flag, ...]
    ) -> None:
        try:
            suggests, detail, more = ask()
        except DataError as error:
            suggests, detail, more = None, f"not used: {error}", ()
        rules.append(RetentionRule(name, suggests, detail, False, (*flags, *more)))

    def map_rule(which: str) -> tuple[int, str, tuple[Flag, ...]]:
        found = minimum_average_partial(r)
        curve = found.squared if which == "squared" else found.fourth_power
        n = found.n_squared if which == "squared" else found.n_fourth_power
        return n, f"least mean {curve[n]:.4g}, {curve[0]:.4g} with none", ()

    def ekc() -> tuple[int, str, tuple[Flag, ...]]:
        found = empirical_kaiser(r, n_rows)
        return found.n_factors, _against(found.eigenvalues, found.reference, found.n_factors), ()

    def hull_rule(index: str) -> tuple[int | None, str, tuple[Flag, ...]]:
        most = max(parallel.components.n_retained, parallel.factors.n_retained) + 1
        if most == 1:
            return None, "not used: it cannot suggest 0, which parallel analysis does", ()
        most = most if max_factors is None else min(most, max_factors)
        found = hull(r, max_factors=min(max(most, 3), _most_identified(len(r))), index=index, n_rows=n_rows)
        of = f"of 0 to {len(found.fit) - 1} factors"
        if found.n_factors is None:
            return None, f"cannot tell: the hull {of} has no bend", found.flags
        fit, bend = found.fit[found.n_factors], found.bend[found.n_factors]
        how = "the highest" if np.isnan(bend) else f"bend {bend:.1f}"
        return found.n_factors, f"fit {fit:.3f}, {how} {of}", found.flags

    add("MAP (squared)", lambda: map_rule("squared"), ())
    add("MAP (fourth power)", lambda: map_rule("fourth"), ())
    add("empirical Kaiser criterion", ekc, dependent)
    add("Hull (CFI)", lambda: hull_rule("cfi"), dependent)
    add("Hull (CAF)", lambda: hull_rule("caf"), ())
    values = bends.eigenvalues
    shown = f"eigenvalues {', '.join(f'{v:.2f}' for v in values[:4])}" + ", ..." * (len(values) > 4)
    rules.append(RetentionRule("scree (optimal coordinates)", bends.n_coordinates, shown, True, ()))
    rules.append(RetentionRule("scree (acceleration factor)", bends.n_acceleration, shown, True, ()))
    rules.append(RetentionRule("eigenvalues above 1 (Kaiser)", bends.n_kaiser, shown, True, ()))
    return rules


def _most_identified(p: int) -> int:
    return max(k for k in range(p) if (p - k) ** 2 >= p + k)


def _parallel_rule(parallel: ParallelAnalysis, which: str, flags: tuple[Flag, ...]) -> RetentionRule:
    found = parallel.components if which == "components" else parallel.factors
    detail = (
        f"{_against(found.observed, found.null_quantile, found.n_retained)} "
        f"({parallel.quantile:.0%} of {parallel.n_replicates} {parallel.null} replicates)"
    )
    own = parallel.flags if which == "factors" else ()
    return RetentionRule(f"parallel analysis ({which})", found.n_retained, detail, False, (*flags, *own))


def _against(observed: Array, limit: Array, n: int) -> str:
    """Say by how much the last eigenvalue passes and the next one fails."""
    parts = []
    if n > 0:
        parts.append(f"no. {n} is {observed[n - 1]:.3f} over {limit[n - 1]:.3f}")
    if n < len(observed):
        parts.append(f"no. {n + 1} is {observed[n]:.3f} under {limit[n]:.3f}")
    return ", ".join(parts)


def _block_model(
    lists: ArrayLike | sparse.sparray | None, groups: ArrayLike | None, rng: np.random.Generator
) -> RetentionRule:
    name = "block model (held-out likelihood)"
    if lists is None:
        return RetentionRule(name, None, "not used: it needs lists of 0 and 1", False, ())
    try:
        found = choose_n_groups(lists, rng=rng, groups=groups)
    except DataError as error:
        return RetentionRule(name, None, f"not used: {error}", False, ())
    at = found.n_groups - 1
    detail = (
        f"gain over 1 group {found.gain[at]:.2f} (SE {found.gain_error[at]:.2f}) nats per 1000 pairs, "
        f"{found.n_units} units, folds agree by {found.agreement[at]:.2f}, trace {found.trace:.1f}"
    )
    if found.outcome is Outcome.TOO_LITTLE_DATA:
        return RetentionRule(
            name, None, f"cannot tell: best guess {found.n_groups}, {detail}", False, found.flags
        )
    return RetentionRule(name, found.n_groups, detail, False, found.flags)
