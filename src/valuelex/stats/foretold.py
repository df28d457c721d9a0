"""What the vectors of things foretell of how the things belong together, each thing by the others alone.

Owns the prediction of an affinity from vectors, and the mixture of likenesses nearest to an affinity. Whatever is said
by way of the vectors, in however many directions and with whatever weights, is in the prediction as far as it can be
learnt from other things; what is left is what the vectors do not tell. Does not group or resample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from valuelex.errors import DataError
from valuelex.stats.checks import Array

RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Candidate ridges, in mean squared lengths of the vectors about their mean."""
LEAST_LEFT = 1e-6
"""Least share of a thing's own row that must not be its own doing, for it to be foretold by the others."""


def foretell(affinity: Array, vectors: Array) -> Array:
    """Foretell how much each thing belongs with every other, from its vector and from what the others' vectors mean.

    How the row of a thing differs from the mean row is predicted from the rows of all others by ridge regression on
    the vectors; the ridge is the one that foretells rows left out best. A pair has the mean of its two predictions.
    The mean row is not foretold: it is what a thing has in common with all others, whatever they mean.

    Parameters
    ----------
    affinity : (n, n)
        Symmetric, with a diagonal of 0.
    vectors : (n, d)
        One for each thing, of any length.

    Returns
    -------
    (n, n)
        Symmetric, with a diagonal of 0. A rank-r affinity ``V M V'`` is foretold well where n is many times r.

    Raises
    ------
    DataError
        If the numbers of things differ, or there are fewer than 3.

    References
    ----------
    Allen (1974), The relationship between variable selection and data augmentation and a method for prediction.
    """
    n = len(affinity)
    if affinity.shape != (n, n) or len(vectors) != n or n < 3:
        msg = f"{len(vectors)} vectors and an affinity of shape {affinity.shape} do not suit; give at least 3 of each."
        raise DataError(msg)
    centred = vectors - vectors.mean(axis=0)
    values, axes = np.linalg.eigh(centred @ centred.T)
    values = np.clip(values, 0.0, None)
    scale = max(float(values.mean()), 1e-300)
    # Each column about its mean, which the centred vectors have no part in.
    rows = affinity - affinity.mean(axis=0)
    turned = axes.T @ rows
    best, least = np.zeros_like(affinity), np.inf
    for ridge in RIDGES:
        kept = values / (values + ridge * scale)
        own = (axes**2 @ kept)[:, None]
        left_out = ((axes * kept) @ turned - own * rows) / np.maximum(1.0 - own, LEAST_LEFT)
        wrong = np.square(rows - left_out)
        error = float(wrong.sum() - np.trace(wrong))
        if error < least:
            best, least = left_out, error
    foretold: Array = (best + best.T) / 2
    np.fill_diagonal(foretold, 0.0)
    return foretold


@dataclass(frozen=True, slots=True)
class Expectation:
    """Expects an affinity by a linear mixture of likenesses of pairs."""

    likenesses: Array
    """(n_likenesses, n * n) with zeros on the diagonals."""
    inverse: Array
    """(n_likenesses, n_likenesses) pseudo-inverse of their products."""

    @classmethod
    def by(cls, likenesses: list[Array]) -> Expectation:
        """Expect by a constant and some likenesses (n, n); what is on their diagonals does not count."""
        n = len(likenesses[0])
        rows = np.stack([np.ones((n, n)), *likenesses])
        rows[:, np.arange(n), np.arange(n)] = 0.0
        rows = rows.reshape(len(rows), -1)
        return cls(rows, np.linalg.pinv(rows @ rows.T, rcond=1e-10, hermitian=True))

    def of(self, affinity: Array) -> Array:
        """Return the expected affinity (n, n), the mixture nearest to an affinity; 0 on the diagonal."""
        mixture = self.inverse @ (self.likenesses @ affinity.ravel())
        expected: Array = (mixture @ self.likenesses).reshape(affinity.shape)
        return expected
