"""What a result says about its own weaknesses.

An estimate that can be made but should not be trusted blindly carries flags; input from which no estimate
can be made raises `DataError` instead (see `valuelex.stats.checks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weakness(StrEnum):
    """Kinds of weakness, one name each; the name is what result files show."""

    HEYWOOD = "HEYWOOD"
    """A communality reached or passed 1, so a unique variance is zero or negative."""
    NOT_POSITIVE_DEFINITE = "NOT_POSITIVE_DEFINITE"
    """A correlation matrix had eigenvalues at or below zero; it was smoothed where that was needed."""
    NOT_CONVERGED = "NOT_CONVERGED"
    """An iteration stopped at its limit before it met its tolerance."""
    LOCAL_OPTIMA = "LOCAL_OPTIMA"
    """Different starts ended at different optima; the best is reported."""
    FEW_UNITS = "FEW_UNITS"
    """Too few independent units for the interval or the test to hold its level."""
    AT_BOUNDARY = "AT_BOUNDARY"
    """An estimate lies at the edge of what is possible, such as a variance of zero."""
    SPARSE_CELLS = "SPARSE_CELLS"
    """A table had empty cells, so an estimate rests on a continuity correction."""
    LEFT_OUT = "LEFT_OUT"
    """Some rows, columns or resamples could not be used and were left out."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One weakness of one result, with the figures and the first offenders in plain words."""

    weakness: Weakness
    detail: str

    def __str__(self) -> str:
        """Return one line for a report."""
        return f"{self.weakness}: {self.detail}"
