"""Everything a finished study has found, for the report and the result files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from valuelex.domain.crosswalk import Crosswalk
from valuelex.domain.evidence import Structure
from valuelex.domain.factors import FactorRoute, NoFactors
from valuelex.domain.human_control import HumanControl
from valuelex.domain.lexicon import Lexicon, Response, ResponseMatrix
from valuelex.domain.measure import Completion, Contrast, Note, Orientation, RatingArray, Saving
from valuelex.domain.naming import Naming
from valuelex.domain.observed import Observed
from valuelex.domain.population import Populations
from valuelex.domain.quality import Quality
from valuelex.domain.rated_terms import RatedTerms
from valuelex.domain.second import SecondMethods
from valuelex.domain.structure import Taxonomy, ValueSystem
from valuelex.domain.study import Study


@dataclass(frozen=True, slots=True)
class Found:
    """The part of the results that comes from elicitation.

    `factors` holds a route for each matrix that was factored; `populations` is None where the study has none beside
    everybody.
    `system` is named by its markers; that is the one on which respondents are measured. `naming` is what a namer
    called its groups; None where none was asked.
    """

    responses: tuple[Response, ...]
    lexicon: Lexicon
    matrix: ResponseMatrix
    structure: Structure
    system: ValueSystem
    factors: tuple[FactorRoute | NoFactors, ...] = ()
    populations: Populations | None = None
    naming: Naming | None = None

    @property
    def shown(self) -> ValueSystem:
        """The system for a reader: with the namer's names and definitions where there are any."""
        return self.naming.apply(self.system) if self.naming is not None else self.system

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
    system, `second` one where second methods were asked for; `rated` is given where terms were rated,
    `control` where respondents answered as a human too; `crosswalks` one for each known system that a built one
    was held against. `observed` is given where terms were looked for in recorded texts. Where nobody was measured,
    there are no completions and none of what is made of them.
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
    rated: RatedTerms | None = None
    control: HumanControl | None = None
    crosswalks: tuple[Crosswalk, ...] = ()
    observed: Observed | None = None

    @property
    def built(self) -> ValueSystem | None:
        """The value system that was built, from lists or from ratings."""
        if self.found is not None:
            return self.found.system
        return self.rated.system if self.rated is not None else None

    @property
    def structure(self) -> Structure | None:
        """What speaks for that system."""
        if self.found is not None:
            return self.found.structure
        return self.rated.structure if self.rated is not None else None

    @property
    def taxonomy(self) -> Taxonomy | None:
        """Where each term of that system was put."""
        return self.structure.taxonomy if self.structure is not None else None

    @property
    def leading(self) -> tuple[RatingArray, ...]:
        """One array for each system, on which conclusions rest."""
        return leading(self.ratings)


def leading(ratings: Sequence[RatingArray]) -> tuple[RatingArray, ...]:
    """Return one array for each system: the last, which joins the judges before it where they make a panel."""
    return tuple({array.system: array for array in ratings}.values())
