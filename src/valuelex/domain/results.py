"""Everything a finished study has found, for the report and the result files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from valuelex.domain.evidence import Structure
from valuelex.domain.factors import FactorRoute, NoFactors
from valuelex.domain.lexicon import Lexicon, Response, ResponseMatrix
from valuelex.domain.measure import Completion, Contrast, Note, Orientation, RatingArray, Saving
from valuelex.domain.observed import Observed
from valuelex.domain.population import Populations
from valuelex.domain.quality import Quality
from valuelex.domain.second import SecondMethods
from valuelex.domain.structure import Taxonomy, ValueSystem
from valuelex.domain.study import Study


@dataclass(frozen=True, slots=True)
class Found:
    """The part of the results that comes from elicitation.

    `factors` holds a route for each matrix that was factored; `populations` is None where the study has none beside
    everybody.
    """

    responses: tuple[Response, ...]
    lexicon: Lexicon
    matrix: ResponseMatrix
    structure: Structure
    system: ValueSystem
    factors: tuple[FactorRoute | NoFactors, ...] = ()
    populations: Populations | None = None

    @property
    def taxonomy(self) -> Taxonomy:
        """Where each term was put."""
        return self.structure.taxonomy


@dataclass(frozen=True, slots=True)
class Results:
    """A study and what it found. `found` is None when nothing was elicited (`valuelex measure`).

    `ratings` holds one array for each judge and value system; `systems` those that were measured,
    the built one (if measured) last. `warnings` are plain sentences that a reader must see first. `notes` are
    the grounds of judges that give any, and `exhibit_of` names the exhibit of each completion by its id.
    `saving` is told where the length of the test was adaptive; `quality` has one entry for each
    system, `second` one where second methods were asked for. `observed` is given where terms were looked for in
    recorded texts; where nobody was measured then, there are no completions and none of what is made of them.
    """

    study: Study
    found: Found | None
    systems: tuple[ValueSystem, ...]
    completions: tuple[Completion, ...]
    ratings: tuple[RatingArray, ...]
    orientations: tuple[Orientation, ...]
    contrasts: tuple[Contrast, ...]
    warnings: tuple[str, ...]
    version: str
    notes: tuple[Note, ...] = ()
    exhibit_of: Mapping[str, str] = field(default_factory=dict)
    saving: Saving | None = None
    quality: tuple[Quality, ...] = ()
    second: tuple[SecondMethods, ...] = ()
    observed: Observed | None = None

    @property
    def leading(self) -> tuple[RatingArray, ...]:
        """One array for each system, on which conclusions rest."""
        return leading(self.ratings)


def leading(ratings: Sequence[RatingArray]) -> tuple[RatingArray, ...]:
    """Return one array for each system: the last, which joins the judges before it where they make a panel."""
    return tuple({array.system: array for array in ratings}.values())
