"""Vectors of terms as an embeddings endpoint gives them: what a reply must hold, and what a study makes of all.

Owns the form of such a reply and the names of embeddings. Sends nothing and compares no vectors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.read_reply import read_reply
from valuelex.errors import DataError

Vector = NDArray[np.float64]

EMBEDDINGS_PATH = "/embeddings"
"""Path of requests for vectors."""


@dataclass(frozen=True, slots=True)
class NamedVectors:
    """What one embedding model makes of the terms.

    `vectors` (n_terms, d) has unit rows in the order of the terms, and is None where they cannot be used; `reason`
    then says why, in one clause, and `way_out` what to do about it, as a request.
    """

    name: str
    vectors: Vector | None
    reason: str = ""
    way_out: str = ""


def read_vector(payload: Mapping[str, Any]) -> Vector:
    """Read the vector out of an OpenAI-compatible reply about one text.

    Parameters
    ----------
    payload
        The decoded JSON body.

    Returns
    -------
    (d,)
        Of unit length.

    Raises
    ------
    DataError
        If there is not exactly one vector, or it is empty, zero, or holds anything but finite numbers.
    """
    data = payload.get("data") if isinstance(payload, Mapping) else None
    if not isinstance(data, Sequence) or isinstance(data, str):
        msg = "The answer has no 'data'."
        raise DataError(msg)
    if len(data) != 1:
        msg = f"The answer has {len(data)} vectors for one text."
        raise DataError(msg)
    numbers = data[0].get("embedding") if isinstance(data[0], Mapping) else None
    if not isinstance(numbers, Sequence) or isinstance(numbers, str) or not numbers:
        msg = "The answer has no list of numbers under 'embedding'."
        raise DataError(msg)
    if not all(_is_finite(n) for n in numbers):
        msg = "The vector of the answer holds something that is no finite number."
        raise DataError(msg)
    vector = np.array(numbers, dtype=np.float64)
    largest = np.abs(vector).max()
    if largest == 0:
        msg = "The vector of the answer is zero, so it has no direction."
        raise DataError(msg)
    vector /= largest  # So that no square is too large or too small.
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


def _is_finite(number: object) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    try:
        return math.isfinite(number)
    except OverflowError:  # An integer beyond any float.
        return False


def require_reply(path: str, payload: Mapping[str, Any]) -> None:
    """Make sure that a reply has the form that the path of its request asks for.

    Raises
    ------
    DataError
        Saying what it lacks.
    """
    if path == EMBEDDINGS_PATH:
        read_vector(payload)
    else:
        read_reply("", payload)
