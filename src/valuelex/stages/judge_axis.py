"""Rate sentences on a value system by a semantic axis.

Owns the axis between embeddings of example sentences of both poles. Computes no embedding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.measure import SCALE_HIGH, SCALE_LOW
from valuelex.domain.structure import ValueSystem
from valuelex.errors import DataError

Array = NDArray[np.float64]


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


def rate_by_axis(system: ValueSystem, vectors: Array, anchors: Array) -> Array:
    """Rate texts on every subdimension of a system.

    The axis has no gate of relevance: every text gets a rating on every subdimension.

    Parameters
    ----------
    system
        The value system, with anchors.
    vectors : (n_texts, d)
        Unit vectors of the texts.
    anchors : (n_anchors, d)
        Unit vectors of `anchor_sentences(system)`.

    Returns
    -------
    (n_texts, n_subdimensions)
        Ratings from 0 to 6 scale points.

    Raises
    ------
    DataError
        If the anchors do not match the system, or as for `axis_ratings`.
    """
    n_anchors = sum(len(s.high) + len(s.low) for s in system.subdimensions)
    if len(anchors) != n_anchors:
        msg = f"There are {len(anchors)} vectors for {n_anchors} anchors; embed each anchor once."
        raise DataError(msg)
    ratings = np.empty((len(vectors), len(system.subdimensions)))
    start = 0
    for column, subdimension in enumerate(system.subdimensions):
        middle = start + len(subdimension.high)
        end = middle + len(subdimension.low)
        ratings[:, column] = axis_ratings(vectors, anchors[start:middle], anchors[middle:end])
        start = end
    return ratings
