"""See whether groups hold together in the lists of sources that had no part in making them, and beyond what they mean.

Owns the support of groups, and the share of it that embeddings do not foretell. Does not group terms, and draws no
resamples; see `valuelex.stages.resample`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.errors import DataError
from valuelex.stages.material import Material
from valuelex.stats.cluster import Labels
from valuelex.stats.foretold import Expectation, foretell
from valuelex.stats.level_choice import Weights, affinities, summed
from valuelex.stats.levels import MOST_EXACT

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Support:
    """What sources not drawn say of groups: (n_groups,) each."""

    affinity: Array
    """Mean affinity of the terms of each group, in standard deviations of all pairs of terms; NaN for less than two."""
    share_beyond: Array
    """Share of it, from 0 to 1, that meaning does not foretell; 0 where there is no support. NaN without embeddings."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The levels by which terms belong together, and what their meaning foretells of it.

    Meaning is the cosine of the embeddings and its square, and what the embeddings of each term foretell by the rule
    that the other terms follow in the lists of all sources (`valuelex.stats.foretold`).
    """

    material: Material
    levels: tuple[float, float]
    expectation: Expectation | None
    """None without embeddings."""

    @classmethod
    def of(cls, material: Material, weights: Weights) -> Meaning | None:
        """Learn what embeddings foretell; None where there are more terms than pairs can be told for."""
        n_terms = material.n_terms
        if n_terms > MOST_EXACT:
            return None
        levels = weights[:2] if any(weights[:2]) else material.evidence.mixes[0]
        if material.vectors is None:
            return cls(material, levels, None)
        everybody = np.ones(material.evidence.n_independent)
        affinity = _affinity(material, levels, everybody)
        cosine = material.vectors @ material.vectors.T
        likenesses = [cosine, cosine**2]
        if affinity is not None:
            likenesses.append(foretell(affinity, material.vectors))
        return cls(material, levels, Expectation.by(likenesses))

    def support(self, found: Labels, drawn: Array, n_groups: int) -> Support | None:
        """Look at groups in the sources that were not drawn.

        Parameters
        ----------
        found : (n_terms,)
            Groups, learnt from the sources that were drawn.
        drawn : (n_independent,)
            How often each was.
        n_groups
            How many groups there could be; one that no term is in has no support (NaN).

        Returns
        -------
        Support or None
            None where all sources were drawn, or their lists hold no two terms together.
        """
        if (drawn > 0).all():
            return None
        affinity = _affinity(self.material, self.levels, (drawn == 0).astype(np.float64))
        if affinity is None:
            return None
        member = np.eye(n_groups)[found]
        size = member.sum(axis=0)
        n_pairs = size * (size - 1)

        def inside(pairs: Array) -> Array:
            summed_up: Array = np.einsum("ia,ia->a", member, pairs @ member)
            mean: Array = np.divide(summed_up, n_pairs, out=np.full(len(size), np.nan), where=n_pairs > 0)
            return mean

        support = inside(affinity)
        if self.expectation is None:
            return Support(support, np.full(len(size), np.nan))
        rest = inside(affinity - self.expectation.of(affinity))
        share = np.divide(rest, support, out=np.zeros(len(size)), where=support > 0)
        return Support(support, np.where(n_pairs > 0, np.clip(share, 0.0, 1.0), np.nan))


def _affinity(material: Material, levels: tuple[float, float], weights: Array) -> Array | None:
    """Affinity of terms in the lists of some sources, of mean square 1, its diagonal 0; None where there is none."""
    try:
        views = affinities(material.evidence, weights)
    except DataError:
        return None
    affinity = summed(views, levels, material.n_terms)
    np.fill_diagonal(affinity, 0.0)
    spread = float(np.sqrt((affinity**2).mean()))
    return affinity / spread if spread > 0 else None
