"""Put ratings in long form with the facets that can be told apart, for components of variance.

Owns the choice of the design: what is left out where a facet has one level, and what that hides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.quality import ALL, ScoreForm
from valuelex.stages.quality_table import RatingTable, ipsatise

Array = NDArray[np.float64]
MOST_WITH_DRAWS = 30_000
"""Ratings above which, where some are missing, draws are averaged before the components are estimated: time and
memory of the likelihood with an effect for each completion grow faster than their number."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Ratings in long form with the facets that can be told apart, and what was left out."""

    target: str
    form: ScoreForm
    scores: Array
    labels: Mapping[str, NDArray[np.int64]]
    draws_nested: bool
    """Whether a draw is a facet of its own, nested in respondent and stem; else draws are replicates."""
    numbers: Mapping[str, float]
    """Levels that a respondent's score averages over: stem, draw, judge."""
    n_missing: int
    notes: tuple[str, ...]

    @property
    def notation(self) -> str:
        """The design in the notation of `valuelex.stats.design`."""
        crossed = [f for f in self.labels if f != "draw"]
        if not self.draws_nested:
            return " x ".join(crossed)
        around = [f for f in crossed if f in ("respondent", "stem")]
        others = [f for f in crossed if f not in around]
        first = f"(draw:({' x '.join(around)}))" if around else "draw"
        return " x ".join([first, *others])


def all_scores(table: RatingTable) -> list[Scores]:
    """Ratings over all subdimensions, of each, and of each ipsatised."""
    found = []
    if len(table.subdimensions) > 1:
        found.append(_over_all(table))
    for k, name in enumerate(table.subdimensions):
        found.append(_of_subdimension(table, table.values[:, :, k], name, "raw"))
    if len(table.subdimensions) > 1:
        own = np.stack([ipsatise(values) for values in table.values])
        found += [
            _of_subdimension(table, own[:, :, k], name, "ipsatised")
            for k, name in enumerate(table.subdimensions)
        ]
    return found


def _over_all(table: RatingTable) -> Scores:
    """Ratings of the panel with subdimension as a facet."""
    notes = ("Judges were averaged after their severity was taken off.",) if len(table.judges) > 1 else ()
    return _long(table, table.panel.T, ALL, "raw", "subdimension", notes)


def _of_subdimension(table: RatingTable, values: Array, name: str, form: ScoreForm) -> Scores:
    """(n_judges, n_completions) ratings on one subdimension with judge as a facet."""
    rated = np.flatnonzero((~np.isnan(values)).any(axis=1))
    notes: tuple[str, ...] = ()
    if rated.size == 1:
        judge = table.judges[rated[0]]
        notes = (
            f"One judge only ({judge}): the judge's own leanings cannot be told from what completions say.",
        )
    return _long(table, values[rated] if rated.size else values, name, form, "judge", notes)


def _long(
    table: RatingTable, values: Array, target: str, form: ScoreForm, facet: str, notes: tuple[str, ...]
) -> Scores:
    """Put (n_levels of `facet`, n_completions) ratings in long form, draws averaged where that must be."""
    present: NDArray[np.bool_] = ~np.isnan(values)
    rated = np.asarray(present.any(axis=0))
    draws = np.bincount(table.cell[rated], minlength=int(table.cell.max()) + 1)
    several = bool((draws > 1).any())
    crossed = len(values) > 1
    if several and crossed and present.sum() > MOST_WITH_DRAWS and not _complete(present, draws):
        values, respondent, stem = _averaged(table, values)
        notes = (
            *notes,
            "Draws were averaged first, since ratings are many and some are missing: one draw below stands for all.",
        )
        nested, each = False, 1.0
    else:
        respondent, stem, nested, each = table.respondent, table.stem, several, _harmonic(draws[draws > 0])
    level, at = np.nonzero(~np.isnan(values))
    codes = {"respondent": respondent[at], "stem": stem[at], facet: level}
    labels = {name: code for name, code in codes.items() if code.size and code.min() != code.max()}
    nested = nested and facet in labels
    if nested:
        labels["draw"] = at
    numbers = {
        "stem": _harmonic(_levels_each(table.respondent, table.stem, rated)),
        "draw": each,
        "judge": _harmonic(present.sum(axis=0)[rated]) if facet == "judge" else 1.0,
    }
    return Scores(
        target=target,
        form=form,
        scores=values[level, at],
        labels=labels,
        draws_nested=nested,
        numbers=numbers,
        n_missing=int((~present).sum()),
        notes=(*notes, *_left_out(table, labels, several)),
    )


def _complete(present: NDArray[np.bool_], draws: NDArray[np.int64]) -> bool:
    """Tell whether nothing is missing and all cells have the same number of draws."""
    return bool(present.all() and draws.min() == draws.max())


def _averaged(table: RatingTable, values: Array) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Average (n_levels, n_completions) over draws: (n_levels, n_cells), and respondent and stem of the cells."""
    n_cells = int(table.cell.max()) + 1
    means = np.full((len(values), n_cells), np.nan)
    for own, mean in zip(values, means, strict=True):
        present = ~np.isnan(own)
        count = np.bincount(table.cell[present], minlength=n_cells)
        total = np.bincount(table.cell[present], own[present], minlength=n_cells)
        np.divide(total, count, out=mean, where=count > 0)
    respondent, stem = np.divmod(np.arange(n_cells), len(table.stems))
    return means, respondent, stem


def _levels_each(
    of: NDArray[np.int64], what: NDArray[np.int64], rated: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """How many different levels of one code occur with each of another."""
    pairs = np.unique(np.stack([of[rated], what[rated]]), axis=1)
    counts = np.bincount(pairs[0]) if pairs.size else np.zeros(1, dtype=np.int64)
    return counts[counts > 0]


def _harmonic(counts: NDArray[np.int64]) -> float:
    """Harmonic mean: error variances are averages over 1 / n."""
    return max(1.0, len(counts) / float((1 / counts).sum())) if counts.size else 1.0


def _left_out(table: RatingTable, labels: Mapping[str, object], several: bool) -> tuple[str, ...]:
    """Say which facets have one level, and what that hides."""
    notes = []
    if "respondent" not in labels:
        notes.append(
            "One respondent only: how much respondents differ cannot be told, nor generalizability; the other "
            "components hold for this respondent."
        )
    if "stem" not in labels:
        notes.append(
            "One stem only: what comes from the stem cannot be told from what the respondent is like."
        )
    if not several:
        notes.append(
            "One draw a stem: chance in a respondent's answers cannot be told from its own way with a stem; both are "
            "in the residual."
        )
    if np.unique(table.wording).size > 1:
        notes.append("Wordings of a stem count as draws of it.")
    return tuple(notes)
