"""Rate completions on a value system.

Owns the semantic-axis judge, which works on embeddings. It never learns who wrote a completion.
Does not aggregate ratings; `score` does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import (
    SCALE_HIGH,
    SCALE_LOW,
    Completion,
    ProjectiveTest,
    RatingArray,
    join_sentence,
)
from valuelex.domain.structure import ValueSystem
from valuelex.errors import DataError

Array = NDArray[np.float64]


def sentences(completions: Sequence[Completion], test: ProjectiveTest) -> tuple[str, ...]:
    """Join each completion that is not missing to its stem, as the judge reads it."""
    stems = {stem.id: stem.text for stem in test.stems}
    return tuple(join_sentence(stems[c.stem_id], c.text) for c in completions if c.missing is None)


def anchor_sentences(system: ValueSystem) -> tuple[str, ...]:
    """List the anchors of a system: high then low of each subdimension, in order."""
    return tuple(text for s in system.subdimensions for text in (*s.high, *s.low))


def axis_ratings(vectors: Array, high: Array, low: Array) -> Array:
    """Place texts on the axis from a low to a high pole.

    The axis runs from the mean of the low anchors to the mean of the high anchors. The low mean
    is 0, the high mean 6, so 3 lies halfway; what falls beyond an end is put at that end.

    Parameters
    ----------
    vectors : (n, d)
        Unit vectors of the texts.
    high, low : (n_high, d), (n_low, d)
        Unit vectors of the anchors of both poles.

    Returns
    -------
    (n,)
        Ratings from 0 to 6 scale points.

    Raises
    ------
    DataError
        If a pole has no anchor or both poles are the same.

    References
    ----------
    An, Kwak & Ahn (2018), SemAxis; the anchoring to 0 and 6 is ours.
    """
    if not len(high) or not len(low):
        msg = "The axis judge needs anchors at both poles; add 'high' and 'low' sentences to the system."
        raise DataError(msg)
    top, bottom = high.mean(axis=0), low.mean(axis=0)
    axis = top - bottom
    length = float(np.linalg.norm(axis))
    if length < 1e-9:
        msg = "The high and low anchors have the same mean, so there is no axis; write distinct anchors."
        raise DataError(msg)
    share = (vectors - bottom) @ axis / length**2
    ratings: Array = SCALE_LOW + (SCALE_HIGH - SCALE_LOW) * np.clip(share, 0.0, 1.0)
    return ratings


def judge_by_axis(
    completions: tuple[Completion, ...],
    system: ValueSystem,
    vectors: Array,
    anchors: Array,
    judge: str,
) -> RatingArray:
    """Rate every completion on every subdimension of a system.

    Parameters
    ----------
    completions
        All completions; missing ones get no rating.
    system
        The value system, with anchors.
    vectors : (n_present, d)
        Unit vectors of `sentences(completions, test)`.
    anchors : (n_anchors, d)
        Unit vectors of `anchor_sentences(system)`.
    judge
        Name of the judge, with its embedding model.

    Raises
    ------
    DataError
        If the vectors do not match the texts, or as for `axis_ratings`.
    """
    present = np.array([c.missing is None for c in completions], dtype=bool)
    n_anchors = sum(len(s.high) + len(s.low) for s in system.subdimensions)
    if (len(vectors), len(anchors)) != (present.sum(), n_anchors):
        msg = (
            f"There are {len(vectors)} vectors of completions and {len(anchors)} of anchors, but "
            f"{present.sum()} completions to rate and {n_anchors} anchors; embed each text once."
        )
        raise DataError(msg)
    values = np.full((len(completions), len(system.subdimensions)), np.nan)
    start = 0
    for column, subdimension in enumerate(system.subdimensions):
        middle = start + len(subdimension.high)
        end = middle + len(subdimension.low)
        values[present, column] = axis_ratings(vectors, anchors[start:middle], anchors[middle:end])
        start = end
    return RatingArray(
        judge=judge,
        system=system.name,
        values=values,
        completions=completions,
        subdimensions=tuple(s.id for s in system.subdimensions),
    )
