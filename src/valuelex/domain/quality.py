"""How well the projective test measures: what a referee asks of it, as plain figures.

Owns the names and units of the results. Does not compute them; `valuelex.stages.quality` does.
Ratings run from 0 to 6 scale points; variances are in squared scale points, shares from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ALL = "all"
"""Target of figures over all subdimensions of a system."""

ScoreForm = Literal["raw", "ipsatised"]
"""Ratings as they are, or less the mean of the completion over the subdimensions it was rated on."""
Level = Literal["respondent", "completion", "within"]
"""Means of respondents; single completions; completions less what their respondent and their stem have in common."""
ReliabilityKind = Literal["split_half", "alternate_forms", "alternate_wordings", "retest"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval at 95 % and the number of cases behind it.

    `value` is None where it cannot be told, `low` and `high` where there is no interval or the data do not
    bound that side; `reason` then says why, and is empty elsewhere.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """The part of the variance of single ratings that one effect makes."""

    effect: str
    """Facets in the notation of designs: `respondent`, `respondent x stem`, `draw:(respondent x stem)`, `residual`."""
    meaning: str
    """What that is, in words."""
    variance: Estimate
    """At least 0, in squared scale points; n is the number of ratings."""
    share: float
    """Of the sum of all components, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ComponentTable:
    """Components of variance of the ratings on one subdimension, or over all.

    `components` is empty where they cannot be told; `reason` says why. `notes` name facets
    that were left out, and what that hides.
    """

    target: str
    scores: ScoreForm
    method: str
    """`ems` (balanced and complete), `reml` (gaps), or empty."""
    n_ratings: int
    n_missing: int
    """Ratings that are not there, of all that could be."""
    n_levels: Mapping[str, int]
    components: tuple[Component, ...]
    notes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Precision:
    """How precise respondents' scores are with given numbers of stems, of draws a stem and of judges.

    Standard errors are in scale points. Numbers need not be whole where ratings are missing: they are the
    harmonic means over respondents.
    """

    n_stems: float
    n_draws: float
    n_judges: float
    generalizability: Estimate
    """0 to 1, for comparing respondents; n is the number of respondents."""
    dependability: Estimate
    """0 to 1, for the scores themselves."""
    relative_error: float
    """Standard error of differences between respondents who met the same stems, as one of them bears it."""
    absolute_error: float
    """Standard error of one respondent's score about its expectation."""


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """Precision now and with other numbers of stems, draws and judges."""

    target: str
    scores: ScoreForm
    present: Precision | None
    rows: tuple[Precision, ...]
    stems_needed: int | None
    """Stems at which generalizability reaches `WANTED_GENERALIZABILITY` of `valuelex.stages.quality_precision`; None
    where no number does or it cannot be told."""
    sentence: str
    """What more stems would bring, in words."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One stem on one subdimension, over respondents."""

    stem_id: str
    kind: str
    theme: str
    form: str
    subdimension: str
    n_respondents: int
    """With a rating on this stem."""
    mean: float | None
    sd: float | None
    """Between completions, in scale points; None with fewer than two."""
    ceiling: float | None
    """Share of ratings of at least 5.5 (0 to 1)."""
    floor: float | None
    """Share of ratings of at most .5 (0 to 1)."""
    missing: float
    """Share of completions without a rating (0 to 1)."""
    discrimination: float | None
    """Correlation over respondents with their mean on the other stems, -1 to 1."""
    reason: str = ""
    """Why there is no discrimination."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How alike respondents are ordered by two parts of the test.

    n counts respondents. `full_length` is the correlation stepped up (Spearman-Brown) to all parts together.
    """

    kind: ReliabilityKind
    target: str
    n_parts: int
    """Halves, forms, wordings or draws."""
    correlation: Estimate
    """Mean correlation over respondents of two parts, -1 to 1."""
    full_length: Estimate


@dataclass(frozen=True, slots=True)
class JudgePair:
    """Two judges on the completions that both rated; n counts completions."""

    target: str
    a: str
    b: str
    difference: Estimate
    """Mean of a less mean of b, in scale points."""
    correlation: Estimate
    alpha: Estimate
    """Krippendorff's alpha on the interval scale, at most 1."""


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """All judges together on one subdimension; n counts completions."""

    target: str
    alpha: Estimate
    """Over completions that two judges or more rated."""
    icc_single: Estimate
    """ICC(2,1) over completions that every judge rated."""
    icc_mean: Estimate
    """ICC(2,k) over the same: of the mean of all judges."""


@dataclass(frozen=True, slots=True)
class Severity:
    """How far one judge rates above (positive: milder) or below the mean of the judges on the same completions."""

    target: str
    judge: str
    shift: Estimate
    """In scale points; shifts of all judges on a target sum to 0. n counts completions shared with another judge."""


@dataclass(frozen=True, slots=True)
class Halo:
    """How far all subdimensions move together at one level.

    `correlations` are those of pairs in the order of `subdimensions`; eigenvalues sum to their
    number. n counts the independent units that were resampled.
    """

    level: Level
    n_rows: int
    subdimensions: tuple[str, ...]
    correlations: tuple[tuple[float, ...], ...]
    eigenvalues: tuple[float, ...]
    first_share: Estimate
    """First eigenvalue over the number of subdimensions."""
    mean_correlation: Estimate
    """Mean over pairs of subdimensions."""
    mean_reliability: float | None = None
    """Mean generalizability of the subdimensions, to hold the correlations against; at the level of respondents."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Discriminance:
    """Whether two dimensions can be told apart; n counts the independent units that were resampled."""

    level: Level
    a: str
    b: str
    htmt: Estimate
    """Mean correlation between their subdimensions over the geometric mean of those within each; near 1 or above
    it they are one."""
    disattenuated: Estimate
    """Correlation of the dimensions free of error, which may pass 1; at the level of respondents only."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One respondent on one subdimension: score (0 to 6), and how far above its own mean over subdimensions."""

    respondent_id: str
    subdimension: str
    raw: float | None
    ipsatised: float | None


@dataclass(frozen=True, slots=True)
class ConfoundCheck:
    """Correlation of ratings with something about completions that should not matter."""

    covariate: str
    level: Level
    target: str
    correlation: Estimate
    """-1 to 1; n counts completions, or respondents at their level."""


@dataclass(frozen=True, slots=True)
class Quality:
    """All checks of the measurement on one value system."""

    system: str
    judges: tuple[str, ...]
    n_respondents: int
    n_stems: int
    n_draws: int
    """Most completions that a respondent gave to one stem."""
    n_completions: int
    resampled: str
    """What intervals at the level of respondents resample: respondents or families."""
    clustered: str
    """What intervals over completions resample: respondents, families or stems."""
    components: tuple[ComponentTable, ...]
    decisions: tuple[DecisionTable, ...]
    items: tuple[Item, ...]
    weakest: tuple[Item, ...]
    """The stems that discriminate least, worst first."""
    reliabilities: tuple[Reliability, ...]
    pairs: tuple[JudgePair, ...]
    agreements: tuple[JudgeAgreement, ...]
    severities: tuple[Severity, ...]
    halos: tuple[Halo, ...]
    discriminances: tuple[Discriminance, ...]
    profiles: tuple[Profile, ...]
    confounds: tuple[ConfoundCheck, ...]
    warnings: tuple[str, ...] = field(default=())
