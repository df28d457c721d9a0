"""What ratings of terms tell: complete profiles of units, agreement of prompts, and groups of terms.

Owns labels and shapes. Estimates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Structure
from valuelex.domain.factors import FactorRoute, NoFactors
from valuelex.domain.quality import Estimate
from valuelex.domain.sources import Units
from valuelex.domain.structure import ValueSystem
from valuelex.domain.term_ratings import RatedMatrix
from valuelex.errors import DataError


@dataclass(frozen=True, slots=True)
class RatedProfiles:
    """How much units value terms, in two forms: (n_units, n_terms), complete.

    `raw` is in scale points, 0 to 6. `centred` has each term in standard deviations over units from its mean, less the
    mean of the row, and says what a unit values more than others do, however high it rates all terms. A unit is a
    respondent, or all respondents of one model.
    """

    units: tuple[str, ...]
    terms: tuple[str, ...]
    raw: NDArray[np.float64]
    centred: NDArray[np.float64]
    respondents_left_out: tuple[str, ...]
    """With a rating of less than half of the terms."""
    terms_left_out: tuple[str, ...]
    """With a rating by less than half of the other respondents."""
    n_filled: int
    """Cells of respondents by terms without a rating, which got the value that their row and column make expect."""

    def __post_init__(self) -> None:
        expected = (len(self.units), len(self.terms))
        for name in ("raw", "centred"):
            shape = getattr(self, name).shape
            if shape != expected:
                msg = f"{name} has shape {shape}, but the labels describe {expected} (units × terms)."
                raise DataError(msg)
            if np.isnan(getattr(self, name)).any():
                msg = f"{name} holds cells without a value; profiles are complete."
                raise DataError(msg)


@dataclass(frozen=True, slots=True)
class RatedTerms:
    """All that ratings of terms tell: the matrix, complete profiles, and how far prompts agree.

    `unit` is what a row of the profiles is. `profiles` is None where too little was rated; `reason` says so.
    `consistency` is Cronbach's alpha over prompts of who values what more than row and column make expect: 0 where
    prompts agree on nothing but which terms are rated high by all, and who rates all terms high.
    """

    matrix: RatedMatrix
    unit: Literal["models", "respondents"]
    profiles: RatedProfiles | None
    reason: str
    units: Units
    """What of each row of the profiles is held out and resampled together."""
    consistency: Estimate
    by_probabilities: tuple[str, ...]
    """Respondents whose ratings are means under token probabilities; those of others are the numbers written."""
    warnings: tuple[str, ...]
    structure: Structure | None = None
    """Groups of the terms; None before they are made, and where they cannot be."""
    system: ValueSystem | None = None
    """The value system of these groups."""
    factors: tuple[FactorRoute | NoFactors, ...] = ()
    """The same terms by factor analysis."""
