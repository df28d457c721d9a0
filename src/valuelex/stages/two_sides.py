"""What goes together in answers of two kinds by the same respondents, between sources and within responses.

Owns which sources and levels both kinds have, so that any units can be drawn from both alike. Compares nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.evidence import Level
from valuelex.domain.lexicon import ResponseMatrix
from valuelex.domain.sources import Sources, Units
from valuelex.domain.study import Respondent
from valuelex.stages.material import gather
from valuelex.stats.level_choice import Evidence, affinities, summed

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Side:
    """Answers of one kind: what terms go together in those of any independent units."""

    names: tuple[str, ...]
    """(n_units,) the independent units of both kinds of answers."""
    levels: tuple[Level, ...]
    """Between and within, or pooled where no source has lists enough for habits of its own."""
    matrix: ResponseMatrix
    sources: Sources
    units: Units
    evidence: Evidence
    place: NDArray[np.int64]
    """(n_own,) place in `names` of each independent unit of the evidence."""

    @classmethod
    def of(cls, matrix: ResponseMatrix, sources: Sources, units: Units, names: tuple[str, ...]) -> Side:
        """Count the responses that name a term; who has none is not among its own units."""
        material = gather(matrix, units, None)
        filled = material.filled.tolist()
        own = sorted({name for name, there in zip(units.independent_of, filled, strict=True) if there})
        number = {name: i for i, name in enumerate(names)}
        return cls(
            names,
            (Level.BETWEEN, Level.WITHIN) if units.profiled else (Level.POOLED,),
            matrix,
            sources,
            units,
            material.evidence,
            np.array([number[name] for name in own], dtype=np.int64),
        )

    @property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the pairs of terms."""
        return np.triu_indices(len(self.matrix.terms), 1)

    def associations(self, weights: Array) -> list[Array]:
        """Return what terms go together at each level, (n_terms, n_terms) of mean 0 over pairs and diagonal 0.

        Parameters
        ----------
        weights : (n_units,)
            How often each independent unit counts.

        Raises
        ------
        DataError
            If no list of the units that count holds two terms.
        """
        views = affinities(self.evidence, weights[self.place])
        kept = views if len(self.levels) == 2 else views[1:]
        found = [summed((view,), (1.0,), len(self.matrix.terms)) for view in kept]
        for association in found:
            np.fill_diagonal(association, 0.0)
        return found

    def of_pairs(self, weights: Array) -> Array:
        """Return the associations of all pairs: (n_levels, n_pairs)."""
        pairs = self.pairs
        return np.stack([association[pairs] for association in self.associations(weights)])

    def of_half_responses(self, rng: np.random.Generator) -> list[Array]:
        """Halve the responses of each respondent by chance, and return the associations of the pairs of each half."""
        who = np.asarray(self.matrix.respondent_ids)
        first = np.zeros(len(who), dtype=np.bool_)
        for name in dict.fromkeys(self.matrix.respondent_ids):
            own = rng.permutation(np.flatnonzero(who == name))
            n_first = (len(own) + int(rng.integers(2))) // 2  # An odd one falls on either side.
            first[own[:n_first]] = True
        halves = []
        for part in (first, ~first):
            rows = np.flatnonzero(part).tolist()
            half = Side.of(
                self.matrix.of_rows(rows), self.sources.of_rows(rows), self.units.of_rows(rows), self.names
            )
            halves.append(half.of_pairs(np.ones(len(self.names))))
        return halves


Sides = tuple[Side, Side]


def two_sides(own: ResponseMatrix, human: ResponseMatrix, respondents: Sequence[Respondent]) -> Sides:
    """Count two kinds of answers by the same rules.

    Parameters
    ----------
    own, human
        Responses of the same respondents by the same terms.
    respondents
        All of them.

    Returns
    -------
    (own, human)
        With the same independent units, and two levels where both kinds of answers are enough for them.

    Raises
    ------
    DataError
        If no response of one kind names two terms.
    """
    sources = [Sources.of(respondents, matrix.respondent_ids) for matrix in (own, human)]
    units = [source.units() for source in sources]
    if not all(unit.profiled for unit in units):
        units = [Units(unit.independent, unit.independent_of, "", ()) for unit in units]
    names = tuple(sorted(set(units[0].independent_of) | set(units[1].independent_of)))
    first, second = (
        Side.of(matrix, source, unit, names)
        for matrix, source, unit in zip((own, human), sources, units, strict=True)
    )
    return first, second
