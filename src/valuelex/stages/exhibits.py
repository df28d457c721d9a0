"""Prepare completions for judges, and bring their ratings back to the completions.

Owns what a judge is shown, which is never who wrote it: equal sentences are one exhibit, rated once, and
ids follow from the content. Does not rate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.call import Missing
from valuelex.domain.measure import REASONS, Completion, Exhibit, ProjectiveTest, RatingArray, join_sentence
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import JudgePlan, Respondent
from valuelex.stages.fence import LONGEST, neutralise
from valuelex.stages.lineage import bare_name, maker_of, mask_names

Array = NDArray[np.float64]
Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Exhibits:
    """What is to be rated: (n_exhibits,) exhibits, and for each completion the position of its own.

    `position` is (n_completions,), -1 where the completion is missing.
    """

    items: tuple[Exhibit, ...]
    position: NDArray[np.int64]


def prepare_exhibits(completions: Sequence[Completion], test: ProjectiveTest) -> Exhibits:
    """Turn completions into exhibits, in the order in which each sentence first occurs."""
    stems = {stem.id: stem for stem in test.stems}
    found: dict[str, int] = {}
    items: list[Exhibit] = []
    position = np.full(len(completions), -1, dtype=np.int64)
    for i, completion in enumerate(completions):
        if completion.missing is None:
            made = exhibit(stems[completion.stem_id].worded(completion.wording), completion.text)
            position[i] = found.setdefault(made.id, len(items))
            if position[i] == len(items):
                items.append(made)
    return Exhibits(tuple(items), position)


def exhibit(stem: str, text: str) -> Exhibit:
    """Make an exhibit of a stem and an ending, both freed of what could act on a judge or give the author away."""
    stem, ending = neutralise(stem, LONGEST), neutralise(mask_names(text))
    digest = hashlib.sha256(f"{stem}\0{ending}".encode()).hexdigest()
    return Exhibit(f"e{digest[:16]}", stem, ending)


def sentence(item: Exhibit) -> str:
    """Return the sentence of an exhibit as one reads it."""
    return join_sentence(item.stem, item.ending)


def excluded_respondents(judge: JudgePlan, respondents: Sequence[Respondent]) -> frozenset[str]:
    """Ids of the respondents that the study keeps this judge from."""
    return frozenset(own_respondents(judge, respondents)) if judge.exclude_family else frozenset()


def own_respondents(judge: JudgePlan, respondents: Sequence[Respondent]) -> tuple[str, ...]:
    """List the respondents of this judge's family, of its model's name at any provider, or of its maker.

    Families are what the study says; makers are told by model names, as far as `lineage` knows them.
    """
    if judge.model is None:
        return ()
    name, maker = bare_name(judge.model.name), maker_of(judge.model.name)
    return tuple(
        r.id
        for r in respondents
        if r.family == judge.family
        or bare_name(r.model.name) == name
        or (maker is not None and maker_of(r.model.name) == maker)
    )


def to_rate(
    exhibits: Exhibits, completions: Sequence[Completion], excluded: Collection[str]
) -> tuple[Exhibit, ...]:
    """Leave out the exhibits that only excluded respondents wrote."""
    if not excluded:
        return exhibits.items
    wanted = {
        int(p)
        for p, c in zip(exhibits.position, completions, strict=True)
        if p >= 0 and c.respondent_id not in excluded
    }
    return tuple(exhibits.items[p] for p in sorted(wanted))


def rating_array(
    judge: str,
    system: ValueSystem,
    values: Array,
    missing: Codes,
    exhibits: Exhibits,
    completions: tuple[Completion, ...],
    excluded: Collection[str] = (),
) -> RatingArray:
    """Give every completion the ratings of its exhibit.

    Parameters
    ----------
    judge
        Name of the judge in results.
    values, missing : (n_exhibits, n_subdimensions)
        Ratings (NaN where there is none) and codes of the reasons (-1 where there is a rating).
    exhibits, completions
        As prepared together.
    excluded
        Respondents whose completions this judge must not rate.
    """
    width = len(system.subdimensions)
    lost = np.array(
        [-1 if c.missing is None else REASONS.index(c.missing) for c in completions], dtype=np.int8
    )
    kept_out = np.array([c.respondent_id in excluded for c in completions], dtype=bool)
    lost[kept_out & (lost < 0)] = REASONS.index(Missing.EXCLUDED)
    all_values = np.full((len(completions), width), np.nan)
    all_missing = np.repeat(lost[:, None], width, axis=1)
    rated = lost < 0
    all_values[rated] = values[exhibits.position[rated]]
    all_missing[rated] = missing[exhibits.position[rated]]
    return RatingArray(
        judge=judge,
        system=system.name,
        values=all_values,
        missing=all_missing,
        completions=completions,
        subdimensions=tuple(s.id for s in system.subdimensions),
    )
