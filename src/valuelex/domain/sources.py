"""Who gave each response: respondent, model and family, and which of them are independent.

Owns the rule of what is resampled and held out. Does not count or resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from valuelex.domain.study import Respondent
from valuelex.errors import DataError

LEAST_INDEPENDENT = 5
"""With fewer families (or models), respondents are resampled instead, and every result says so."""
LEAST_LISTS = 5
"""Mean number of lists from which a unit's own frequencies of words are its habits, and not these few lists."""


@dataclass(frozen=True, slots=True)
class Units:
    """What is independent, and what has habits of its own.

    `independent` is what is held out and resampled together: families, models or respondents. `profiled` is
    whose frequencies of words are compared with one another: models or respondents; empty where nothing has lists
    enough, and there is then one level only.
    """

    independent: str
    independent_of: tuple[str, ...]
    profiled: str
    profiled_of: tuple[str, ...]

    @property
    def n_independent(self) -> int:
        """Number of independent units."""
        return len(set(self.independent_of))

    def of_rows(self, rows: Sequence[int]) -> Units:
        """Return the same for some of the responses."""
        independent, profiled = self.independent_of, self.profiled_of
        return Units(
            self.independent,
            tuple(independent[i] for i in rows),
            self.profiled,
            tuple(profiled[i] for i in rows) if self.profiled else (),
        )


@dataclass(frozen=True, slots=True)
class Sources:
    """Who gave each response: (n_responses,) each. `prompts` may be empty where they are not known."""

    respondents: tuple[str, ...]
    models: tuple[str, ...]
    families: tuple[str, ...]
    prompts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.respondents)
        if len(self.models) != n or len(self.families) != n or len(self.prompts) not in (0, n):
            msg = (
                f"{n} respondents, {len(self.models)} models, {len(self.families)} families and {len(self.prompts)} "
                "prompts of responses; give one of each for every response."
            )
            raise DataError(msg)
        of: dict[str, tuple[str, str]] = {}
        for who, *where in zip(self.respondents, self.models, self.families, strict=True):
            if of.setdefault(who, (where[0], where[1])) != tuple(where):
                msg = f"Respondent {who!r} has two models or two families; a respondent is one model of one family."
                raise DataError(msg)

    @classmethod
    def of(
        cls, respondents: Sequence[Respondent], respondent_ids: Sequence[str], prompts: Sequence[str] = ()
    ) -> Sources:
        """Look up the model and the family of the respondent of each response."""
        model = {r.id: f"{r.model.label} {r.model.revision}".strip() for r in respondents}
        family = {r.id: r.family for r in respondents}
        return cls(
            tuple(respondent_ids),
            tuple(model[i] for i in respondent_ids),
            tuple(family[i] for i in respondent_ids),
            tuple(prompts),
        )

    def of_rows(self, rows: Sequence[int]) -> Sources:
        """Return the same for some of the responses."""
        columns = (self.respondents, self.models, self.families, self.prompts)
        return Sources(*(tuple(names[i] for i in rows) if names else () for names in columns))

    @property
    def n_models(self) -> int:
        """Number of different models."""
        return len(set(self.models))

    def units(self) -> Units:
        """Tell what is independent: families, models or respondents, the first of which there are five or more.

        Respondents are, however few, where there are fewer than five models.
        """
        for name, labels in (("families", self.families), ("models", self.models)):
            if len(set(labels)) >= LEAST_INDEPENDENT:
                return Units(name, labels, *self._profiled(("models", self.models), labels))
        return Units(
            "respondents",
            self.respondents,
            *self._profiled(("respondents", self.respondents), self.respondents),
        )

    def _profiled(
        self, wanted: tuple[str, tuple[str, ...]], independent: Sequence[str]
    ) -> tuple[str, tuple[str, ...]]:
        name, labels = wanted
        enough = len(set(labels)) >= LEAST_INDEPENDENT and len(labels) >= LEAST_LISTS * len(set(labels))
        split = len(set(zip(labels, independent, strict=True))) > len(set(labels))
        return (name, labels) if enough and not split else ("", ())
