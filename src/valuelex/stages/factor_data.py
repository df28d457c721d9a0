"""What the factor-analytic route factors: correlations of terms in lists or ratings, and what is resampled of them.

Owns the choice of rows, units and profiles, the terms that have to be left out, and the rules for the number of
factors. Factors nothing itself; `valuelex.stages.factor_route` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.factors import MatrixName
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import LEAST_INDEPENDENT, Sources
from valuelex.domain.wording import count
from valuelex.errors import DataError
from valuelex.stages.term_lists import term_lists
from valuelex.stats.associations import (
    between_profiles,
    phi_of_lists,
    ppmi_of_lists,
    ratings_of_rows,
    within_profiles,
)
from valuelex.stats.flags import Flag
from valuelex.stats.loading_intervals import UnitCorrelations
from valuelex.stats.retention_table import RetentionRule, retention_table
from valuelex.stats.sparse_counts import Counts, select

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
N_REPLICATES = 20
"""Null replicates of parallel analysis: the fewest that have a .95 quantile. It is shown beside others, not obeyed."""
HULL_BEYOND = 2
"""How many factors more than are extracted Hull looks at."""


@dataclass(frozen=True, slots=True)
class Factored:
    """Correlations of terms at weights of independent units, and how many units there are."""

    terms: tuple[str, ...]
    left_out: tuple[str, ...]
    correlations: UnitCorrelations
    n_units: int
    resampled: str

    @classmethod
    def of(
        cls,
        correlate: Callable[[Labels], UnitCorrelations],
        terms: tuple[str, ...],
        n_units: int,
        resampled: str,
    ) -> Self:
        """Leave out the terms without spread, so that the rest can be factored; `correlate` takes columns.

        Raises
        ------
        DataError
            If fewer than two terms have spread.
        """
        columns = np.arange(len(terms))
        correlations = correlate(columns)
        there = np.isfinite(np.diagonal(correlations(np.ones(n_units))))
        if not there.all():
            columns = columns[there]
            if len(columns) < 2:
                msg = (
                    f"Only {len(columns)} of {count(len(terms), 'term')} have spread in these correlations; name more "
                    "terms."
                )
                raise DataError(msg)
            correlations = correlate(columns)
        left_out = tuple(terms[i] for i in np.flatnonzero(~there))
        return cls(tuple(terms[i] for i in columns), left_out, correlations, n_units, resampled)


@dataclass(frozen=True, slots=True)
class ListData:
    """Lists that hold a term, with the unit that is resampled and the profile of each.

    There are no profiles where nobody has lists enough for habits.
    """

    terms: tuple[str, ...]
    lists: Counts
    units: NDArray[np.str_]
    profiles: NDArray[np.str_]
    resampled: str

    @classmethod
    def of(cls, matrix: ResponseMatrix, sources: Sources) -> Self:
        """Take what is independent for units, and what has habits of its own for profiles."""
        units = sources.units()
        rows = np.flatnonzero(matrix.named.of_each_row)
        own = units.of_rows(rows.tolist())
        profiles = np.asarray(own.profiled_of, dtype=np.str_)
        lists = term_lists(matrix)[rows]
        return cls(matrix.terms, lists, np.asarray(own.independent_of), profiles, own.independent)

    def factored(self, name: MatrixName) -> Factored:
        """Correlations of that name.

        Raises
        ------
        DataError
            If there is nothing to correlate, or too few profiles.
        """
        if not self.lists.nnz:
            msg = "No response names a term, so there is nothing to correlate."
            raise DataError(msg)
        if name in ("between", "within") and not self.profiles.size:
            msg = "There are too few models or respondents with lists enough to have a profile of their own."
            raise DataError(msg)

        def correlate(columns: Labels) -> UnitCorrelations:
            table = select(self.lists, columns)
            if name in ("between", "within"):
                of_profiles = between_profiles if name == "between" else within_profiles
                return of_profiles(table, self.profiles, self.units)
            return (ppmi_of_lists if name == "ppmi" else phi_of_lists)(table, self.units)

        return Factored.of(correlate, self.terms, len(set(self.units)), self.resampled)

    def rules(self, n_factors: int, rng: np.random.Generator) -> list[RetentionRule]:
        """Ask all rules of phi, and parallel analysis of correlations between profiles, whose rows are independent.

        Each names the terms that it was asked of, which need not be those that are factored.
        """

        def of_lists() -> Asked:
            n_lists, n_terms = self.lists.shape
            named = np.bincount(self.lists.indices, minlength=n_terms)
            differ = np.flatnonzero((named > 0) & (named < n_lists))
            found = retention_table(
                self.lists[:, differ].toarray().astype(np.uint8),
                rng=rng,
                null="curveball",
                groups=self.units,
                n_replicates=N_REPLICATES,
                max_factors=n_factors + HULL_BEYOND,
            )
            return found.rules[:-1], [self.terms[i] for i in differ]

        def of_profiles() -> Asked:
            own = self.factored("between")
            r = own.correlations(np.ones(own.n_units))
            n_rows = len(set(self.profiles))
            found = retention_table(correlation=r, n_rows=n_rows, rng=rng, n_replicates=N_REPLICATES)
            return found.rules[:2], own.terms

        return [*_asked(of_lists, "phi of lists"), *_asked(of_profiles, "between profiles")]


@dataclass(frozen=True, slots=True)
class RatedData:
    """Ratings of terms by respondents, (n_respondents, n_terms), with the unit that is resampled of each row."""

    terms: tuple[str, ...]
    values: Array
    units: NDArray[np.str_]
    resampled: str

    @classmethod
    def of(cls, values: Array, terms: Sequence[str], sources: Sources) -> Self:
        """Take what is independent for units."""
        units = sources.units()
        return cls(tuple(terms), values, np.asarray(units.independent_of), units.independent)

    def factored(self, _: MatrixName = "ratings") -> Factored:
        """Correlations of the ratings.

        Raises
        ------
        DataError
            If there is nothing to correlate.
        """

        def correlate(columns: Labels) -> UnitCorrelations:
            return ratings_of_rows(self.values[:, columns], self.units)

        return Factored.of(correlate, self.terms, len(set(self.units)), self.resampled)

    def too_few(self, n_factors: int) -> str:
        """Say why too few rated the terms for so many factors; empty where they are enough.

        Correlations over n independent units have n - 1 dimensions, and any n - 1 factors reproduce them whatever was
        rated. So at least one dimension has to be left, and there must be as many units as are called independent.
        """
        rated = np.isfinite(self.values).any(axis=1)
        n, least = len(set(self.units[rated])), max(LEAST_INDEPENDENT, n_factors + 2)
        if n >= least:
            return ""
        said = f"Too few {self.resampled} rated the terms to factor their correlations: {n}, where "
        if n < LEAST_INDEPENDENT:
            return f"{said}at least {least} are needed. Ask more."
        way_out = f"Ask more, or set [factors] n_factors to {n - 2} at most."
        return f"{said}{n_factors} factors need at least {least}. {way_out}"

    def rules(self, n_factors: int, rng: np.random.Generator) -> list[RetentionRule]:
        """Ask all rules of the respondents who rated every term."""

        def of_ratings() -> Asked:
            complete = self.values[np.isfinite(self.values).all(axis=1)]
            if len(complete) < 3:
                msg = (
                    f"{len(complete)} of {count(len(self.values), 'respondent')} rated every term; at least 3 are "
                    "needed."
                )
                raise DataError(msg)
            differ = np.flatnonzero(np.ptp(complete, axis=0) > 0)
            found = retention_table(
                complete[:, differ],
                rng=rng,
                null="permuted",
                n_replicates=N_REPLICATES,
                max_factors=n_factors + HULL_BEYOND,
            )
            return found.rules[:-1], [self.terms[i] for i in differ]

        return _asked(of_ratings, "ratings")


def named_columns(flag: Flag, terms: Sequence[str]) -> Flag:
    """Put the names of terms in place of the numbers of columns."""
    named = re.sub(
        r"\bcolumn (\d+(?:, \d+)*)\b",
        lambda found: ", ".join(repr(terms[int(i)]) for i in found[1].split(", ")),
        flag.detail,
    )
    return Flag(flag.weakness, named)


Asked = tuple[Sequence[RetentionRule], Sequence[str]]
"""What rules say, and the terms that they were asked of, in the order of their columns."""


def _asked(ask: Callable[[], Asked], what: str) -> list[RetentionRule]:
    try:
        rules, terms = ask()
    except DataError as error:
        return [RetentionRule(f"every rule, {what}", None, f"not used: {error}", False, ())]
    return [
        RetentionRule(
            f"{r.rule}, {what}",
            r.suggests,
            r.detail,
            r.for_reference,
            tuple(named_columns(flag, terms) for flag in r.flags),
        )
        for r in rules
    ]
