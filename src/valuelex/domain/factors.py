"""The factor-analytic route: a second way from the words to their structure, beside grouping.

Owns the labels, shapes and units of what factor analysis found, and of its agreement with the groups. Does not
compute them; `valuelex.stages.factor_route` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError

MatrixName = Literal["ppmi", "phi", "between", "within", "ratings"]
"""What is factored: cosines of PPMI profiles, or phi, of pooled lists; correlations between profiles of models, or
within them; correlations of ratings."""
LIST_MATRICES: tuple[MatrixName, ...] = ("ppmi", "phi", "between", "within")
Rotation = Literal["oblimin", "geomin", "promax", "varimax"]


@dataclass(frozen=True, slots=True)
class FactorPlan:
    """What is factored and how. `n_factors` is None where there are to be as many as groups."""

    matrix: MatrixName = "ppmi"
    rotation: Rotation = "oblimin"
    n_factors: int | None = None
    resamples: int = 200


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two partitions of the same terms.

    `adjusted_rand` is about 0 for unrelated partitions and 1 for the same; `low` and `high` are its 95 % interval
    over terms. `chance` is the .95 quantile of it over shuffled terms and `p_value` the share of shuffles that do
    at least as well. All but the first and the mutual information are NaN with fewer than 4 terms; so are the ends
    of the interval where the partitions are the same.
    """

    adjusted_rand: float
    low: float
    high: float
    normalised_mutual_information: float
    chance: float
    p_value: float
    n_terms: int


@dataclass(frozen=True, slots=True)
class FactorMatch:
    """A factor and the group that is most like it, each group matched to one factor; None where none is left.

    `congruence` is Tucker's, of the pattern with 1 for the terms of the group and 0 for the others; `centroid` that
    of the structure with the mean correlations of each term with the others of the group. Both from -1 to 1.
    """

    factor: int
    group: int | None
    congruence: float
    centroid: float
    n_shared: int


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """How many factors one rule suggests; None where it cannot be used or cannot tell, and why.

    `for_reference` marks rules that are known to mislead. `flags` tell what is wrong with the others here.
    """

    rule: str
    suggests: int | None
    detail: str
    for_reference: bool
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherMatrix:
    """The same analysis of another matrix: agreement of its primary loadings with the groups and with this route.

    NaN where it could not be factored; `reason` says why.
    """

    matrix: MatrixName
    with_groups: float
    with_route: float
    n_terms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FactorRoute:
    """k factors of n terms, with intervals at 95 % from resamples of independent units.

    `pattern` holds loadings (weights of the factors in a term), `structure` correlations of terms with factors; (n,
    k). `phi` are the correlations of the factors, (k, k). `communalities` are shares of a term's variance, (n,), from
    0; 1 and more is a Heywood case. `primary` is the factor of a term's largest loading, -1 where none is
    positive. `stability` is the share of resamples in which that is the same factor. Ends of intervals and `stability`
    are NaN where nothing could be resampled. `variance_shares` are those of all terms' variance, (k,).

    `matches` has one entry for each factor. `verdict` says in words how the two routes agree.
    """

    matrix: MatrixName
    rotation: Rotation
    chosen_by: str
    terms: tuple[str, ...]
    left_out: tuple[str, ...]
    pattern: NDArray[np.float64]
    pattern_low: NDArray[np.float64]
    pattern_high: NDArray[np.float64]
    structure: NDArray[np.float64]
    phi: NDArray[np.float64]
    phi_low: NDArray[np.float64]
    phi_high: NDArray[np.float64]
    communalities: NDArray[np.float64]
    communality_low: NDArray[np.float64]
    communality_high: NDArray[np.float64]
    variance_shares: NDArray[np.float64]
    primary: NDArray[np.int64]
    stability: NDArray[np.float64]
    n_resamples: int
    resampled: str
    n_units: int
    heywood_share: float
    not_converged_share: float
    flags: tuple[str, ...]
    rules: tuple[RetentionRow, ...]
    rules_agree: str
    agreement: Agreement | None
    matches: tuple[FactorMatch, ...]
    others: tuple[OtherMatrix, ...]
    verdict: str

    def __post_init__(self) -> None:
        n, k = len(self.terms), self.phi.shape[0]
        shapes = {
            **dict.fromkeys(("pattern", "pattern_low", "pattern_high", "structure"), (n, k)),
            **dict.fromkeys(("phi", "phi_low", "phi_high"), (k, k)),
            **dict.fromkeys(("communalities", "communality_low", "communality_high"), (n,)),
            **dict.fromkeys(("primary", "stability"), (n,)),
            "variance_shares": (k,),
        }
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                msg = f"{name} has shape {found}, but {n} terms and {k} factors make {shape}."
                raise DataError(msg)

    @property
    def n_factors(self) -> int:
        """Number of factors k."""
        return int(self.phi.shape[0])


@dataclass(frozen=True, slots=True)
class NoFactors:
    """Why the factor-analytic route found nothing."""

    reason: str
