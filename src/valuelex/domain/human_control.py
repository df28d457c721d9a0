"""The structure of answers given as oneself, held against that of the same respondents playing a human."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Level
from valuelex.domain.quality import Estimate
from valuelex.errors import DataError


@dataclass(frozen=True, slots=True)
class HalfCongruence:
    """Congruence of the associations of all pairs of terms between halves of the answers, a mean over many halvings.

    Halves are of independent units (families, models or respondents) where there are five or more, and `across` is then
    between different units; else they are of the responses of each respondent. Where `across` is about as
    high as `own` and `human`, the structure is the same both ways; where all are about 0, the responses are too few to
    tell any structure, and a low `across` says nothing.
    """

    own: float
    """Between two halves of the answers as themselves."""
    human: float
    """Between two halves of the answers as a human."""
    across: float
    """Between a half of the one and a half of the other."""

    @property
    def shared(self) -> float | None:
        """`across` freed of noise, ``across / sqrt(own * human)``: about 1 where the structure is the same both ways.

        None where one side's halves do not agree at all.
        """
        if min(self.own, self.human) <= 0:
            return None
        return self.across / float(np.sqrt(self.own * self.human))


@dataclass(frozen=True, slots=True)
class LevelControl:
    """How far the associations of terms at one level are the same both ways."""

    level: Level
    """Between sources: correlations of the logarithms of how often sources name terms. Within: which terms come
    together in a response beyond its source's own frequencies. Pooled, all responses together, where no source has
    lists enough for habits of its own."""
    pair_congruence: Estimate
    """Tucker's congruence of the associations of all pairs of terms (-1 to 1), which needs no groups; the 95 % interval
    is that of a jackknife over independent units, and n counts pairs."""
    halves: HalfCongruence | None
    """What of `pair_congruence` is noise; None where halves hold no two terms together."""
    group_congruence: tuple[float, ...]
    """For each group of `as_self`, Tucker's congruence of the mean association of every term with the group, as
    themselves and as a human: near 1, the group stands in the human answers too."""


@dataclass(frozen=True, slots=True)
class HumanControl:
    """What remains of a structure when the same respondents answer as an ordinary person would.

    A structure that is the same both ways is not the respondents' own: it may be that of the language, or of what
    is written about people. Only respondents with a readable response of both kinds count, and groups
    are compared on the terms of both.
    """

    respondent_ids: tuple[str, ...]
    """Asked both ways, with a readable response each way."""
    n_responses: tuple[int, int]
    """Of theirs, as themselves and as a human."""
    terms: tuple[str, ...]
    """Named both ways."""
    gained: tuple[str, ...]
    """Named as themselves only."""
    lost: tuple[str, ...]
    """Named as a human only."""
    as_self: NDArray[np.int64]
    """(n_terms,) group of each term in the answers as themselves, from 0; -1 where it has none."""
    as_human: NDArray[np.int64]
    """(n_terms,) the same of the answers as a human."""
    adjusted_rand: float | None
    """Agreement of the two partitions: about 0 by chance, 1 where they are the same."""
    levels: tuple[LevelControl, ...]
    """Between sources and within responses, or pooled; empty where nothing is compared."""
    verdict: str
    """What follows from the figures, in a sentence for each level."""
    reason: str = ""
    """Why nothing can be compared; the arrays and figures are then empty."""

    def __post_init__(self) -> None:
        expected = (0,) if self.reason else (len(self.terms),)
        for name in ("as_self", "as_human"):
            shape = getattr(self, name).shape
            if shape != expected:
                msg = f"{name} has shape {shape}, but {expected[0]} terms are compared."
                raise DataError(msg)
