"""How a value system was found, and what speaks for it: levels, views, resamples and nulls.

Owns the labels, and no judgement: the verdict in words is made in `valuelex.stages.verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.structure import Taxonomy

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


class Level(StrEnum):
    """Where a structure lies."""

    BETWEEN = "between"
    """Which terms do sources that favour one also favour?"""
    WITHIN = "within"
    """Which terms come together in one response, given its source's own frequencies?"""
    POOLED = "pooled"
    """All responses together, as if no source had habits of its own."""
    JOINT = "joint"
    """Both levels, each as far as it predicts."""


class Outcome(StrEnum):
    """What held-out sources say about the number of groups."""

    GROUPS = "GROUPS"
    NO_GROUPS = "NO_GROUPS"
    TOO_LITTLE_DATA = "TOO_LITTLE_DATA"


@dataclass(frozen=True, slots=True)
class LevelChoice:
    """The number of groups that a level supports, by the likelihood of held-out sources.

    `candidates` (m,) are 1 to m groups. `gain` (m,) is the mean log-likelihood over that of one group, nats for each
    source held out, with the standard error `gain_error`; `agreement` (m,) the mean adjusted Rand index of the
    partitions learnt without different sources. `plausible` are the candidates within one standard error of the best.
    `trace` tells, in standard errors, whether groups learnt on some sources show in others at all. `n_groups` is the
    best guess only where `outcome` is `TOO_LITTLE_DATA`.
    """

    level: Level
    outcome: Outcome
    n_groups: int
    candidates: tuple[int, ...]
    gain: tuple[float, ...]
    gain_error: tuple[float, ...]
    agreement: tuple[float, ...]
    plausible: tuple[int, ...]
    trace: float


@dataclass(frozen=True, slots=True)
class View:
    """One view of which terms belong together, its weight (0: it did not help) and its own partition.

    `agreement` is the adjusted Rand index of its partition with the one that was kept.
    """

    name: str
    weight: float
    partition: Labels
    agreement: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; NaN where it cannot be told."""

    value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True)
class GroupEvidence:
    """What speaks for one group of terms.

    `stability` is its mean overlap (Jaccard, 0 to 1) with its match when sources are drawn again. Embeddings are
    the same each time; `lists_stability` is the overlap with its match among the groups that the lists alone give
    when sources are drawn again. `support` is the mean affinity of its terms in the lists of sources from which the
    groups were not learnt, in standard deviations of all pairs of terms. `beyond_meaning` is the share of it, from 0 to
    1, that the embeddings do not foretell: neither the likeness of the two terms of a pair, nor what terms are to the
    others by the rule that the others' embeddings follow. Intervals are 95 % quantiles over sources not drawn.
    `like_embeddings` is its overlap with the nearest group made from embeddings alone.
    """

    group: int
    n_terms: int
    stability: float
    lists_stability: float
    support: Estimate
    beyond_meaning: Estimate
    like_embeddings: float


@dataclass(frozen=True, slots=True)
class NullTest:
    """A figure of the data beside the same figure of data without what it is meant to show.

    `p` is the share of null replicates (and the data itself) that reach the figure; where `by` is "sources held out",
    that of a one-sided paired t test over them, and `n_replicates` is how many there are.
    """

    name: str
    says: str
    observed: float
    null_mean: float
    null_high: float
    p: float
    n_replicates: int
    by: str = "replicates"


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far the groups stay the same when a choice is made otherwise: the adjusted Rand index on shared terms."""

    choice: str
    adjusted_rand: float
    n_terms: int


@dataclass(frozen=True, slots=True)
class Split:
    """Agreement of the groups of two parts of the data: mean, least and greatest adjusted Rand index over splits."""

    name: str
    mean: float
    least: float
    greatest: float
    n_splits: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Structure:
    """A taxonomy with all that was found on the way to it.

    `n_given` is the number of groups that the study asked for, so that the choice is only shown beside it; None where
    it was found.
    `independent` is what was held out and resampled, `profiled` whose frequencies were compared between (empty: there
    is one level only). `controls` are the numbers of groups found, by the same rules, in data sets from which all
    structure was taken: one in each, if the rules are honest. `dimension_gain` is the held-out gain of each number of
    dimensions over one, nats for each source held out. `notes` are downgrades in plain sentences, `verdict` the
    conclusion.
    """

    taxonomy: Taxonomy
    joint: LevelChoice
    levels: tuple[LevelChoice, ...]
    views: tuple[View, ...]
    groups: tuple[GroupEvidence, ...]
    nulls: tuple[NullTest, ...]
    splits: tuple[Split, ...]
    sensitivities: tuple[Sensitivity, ...]
    controls: tuple[LevelChoice, ...]
    dimension_gain: Mapping[int, float]
    n_given: int | None
    independent: str
    n_independent: int
    profiled: str
    n_models: int
    notes: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
