"""Hold a value system against a known one: which subdimensions correspond, and which terms nobody took up.

Owns what counts as a counterpart and as a unique term. Embeds nothing: vectors are given by text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from valuelex.domain.crosswalk import Cell, Crosswalk, Doubt, Match, Standing, TermAgreement
from valuelex.domain.structure import ValueSystem
from valuelex.errors import DataError
from valuelex.stages.verdict import SIGNIFICANT, UNSTABLE
from valuelex.stats.group_likeness import GroupLikeness, group_likeness, pair_off, partition_test

Array = NDArray[np.float64]
LEVEL = 0.05
"""Level of all tests of one crosswalk together, and share of known markers that may be as far off as a unique term."""
N_PERMUTATIONS = 2000
LEVEL_NULLS = ("shuffled profiles", "reshuffled responses")
"""The nulls of the structure itself: between sources and within responses."""


def members_of(system: ValueSystem, terms: Sequence[str], group: Sequence[int]) -> dict[str, str]:
    """Return the subdimension of every term of a built system, by the group of its leading marker.

    Parameters
    ----------
    system
        Built from the terms: the first marker of each subdimension is one of its group.
    terms, group : (n_terms,)
        The terms and the numbers of their groups; a term of a group without subdimension is left out.

    Raises
    ------
    DataError
        If a marker is none of the terms.
    """
    group_of = dict(zip(terms, group, strict=True))
    strangers = [s.id for s in system.subdimensions if s.markers[0] not in group_of]
    if strangers:
        msg = f"The leading marker of subdimension {strangers[0]!r} is none of the {len(terms)} terms; build it again."
        raise DataError(msg)
    leads = {group_of[s.markers[0]]: s.id for s in system.subdimensions}
    return {term: leads[g] for term, g in group_of.items() if g in leads}


def own_terms(system: ValueSystem) -> dict[str, str]:
    """Return the subdimension of every marker; one that stands in several belongs to none and is left out."""
    held: dict[str, list[str]] = {}
    for s in system.subdimensions:
        for marker in dict.fromkeys(s.markers):
            held.setdefault(marker, []).append(s.id)
    return {marker: ids[0] for marker, ids in held.items() if len(ids) == 1}


def standings(
    stability: Mapping[str, float | None], n_groups: int, nulls: Mapping[str, float]
) -> dict[str, Standing]:
    """Tell what speaks for the groups of a built system, and which may be none, as the verdict on them does.

    Parameters
    ----------
    stability
        Of each subdimension by its id, 0 to 1; None or NaN where it cannot be told.
    n_groups
        The number that held-out sources are predicted best by, whatever was made of it.
    nulls
        The p-value of each null by its name.
    """
    of_levels = [nulls[name] for name in LEVEL_NULLS if name in nulls]
    whole: Doubt | None = None
    if n_groups == 1:
        whole = Doubt.NO_GROUPS
    elif of_levels and min(of_levels) > SIGNIFICANT:
        whole = Doubt.CHANCE
    known = {i: None if value is None or np.isnan(value) else float(value) for i, value in stability.items()}
    return {
        i: Standing(value, Doubt.UNSTABLE if value is not None and value < UNSTABLE else whole)
        for i, value in known.items()
    }


def texts_to_embed(system: ValueSystem, known: ValueSystem, members: Mapping[str, str]) -> tuple[str, ...]:
    """Return every text whose vector `crosswalk` needs, each once."""
    texts = list(members)
    for s in (*system.subdimensions, *known.subdimensions):
        texts += [*s.markers, s.definition]
    return tuple(dict.fromkeys(texts))


def crosswalk(
    system: ValueSystem,
    known: ValueSystem,
    members: Mapping[str, str],
    vectors: Mapping[str, Array],
    rng: np.random.Generator,
    n_permutations: int = N_PERMUTATIONS,
    standing: Mapping[str, Standing] | None = None,
) -> Crosswalk:
    """Hold each subdimension of a system against each of a known one.

    Parameters
    ----------
    system, known
        With two subdimensions or more each.
    members
        The subdimension of every term of the system: `members_of` a built one, else `own_terms`.
    vectors
        Unit vectors of `texts_to_embed`.
    rng
        Source of the shuffles.
    n_permutations
        Shuffles of each test.
    standing
        What speaks for each group of a built system, as `standings` tells it.

    Returns
    -------
    Crosswalk
        A counterpart is told where the adjusted p-value is at most `LEVEL`: the known subdimension of the largest z.
        In one-to-one pairs, those that could be chance are left out after pairing. A group that may be none has
        neither.

    Raises
    ------
    DataError
        If either system has one subdimension only, since there is then nothing to tell apart.
    """
    for one in (system, known):
        if len(one.subdimensions) < 2:
            msg = (
                f"Value system {one.name!r} has one subdimension, so there is nothing to tell apart in it; "
                "a crosswalk needs two or more on both sides."
            )
            raise DataError(msg)
    items, groups = _stacked(system, vectors)
    others, other_groups = _stacked(known, vectors)
    found = group_likeness(items, groups, others, other_groups, n_permutations, rng)
    terms = sorted(members)
    near = np.stack([vectors[t] for t in terms]) @ _centres(others, other_groups).T
    return Crosswalk(
        system=system.name,
        known=known.name,
        known_title=known.title,
        names=tuple((s.id, s.name) for s in system.subdimensions),
        known_names=tuple((s.id, s.name) for s in known.subdimensions),
        cells=_cells(system, known, members, vectors, found),
        matches=_matches(system, known, found, standing or {}),
        agreement=_agreement(system, known, terms, members, near, n_permutations, rng),
        unique=_unique(terms, near, others, other_groups, known),
        level=LEVEL,
        n_permutations=n_permutations,
    )


def _stacked(system: ValueSystem, vectors: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return the vectors of all markers, each once, and which subdimension has which: (n, d) and (n, n_groups)."""
    markers = list(dict.fromkeys(m for s in system.subdimensions for m in s.markers))
    member = [[float(m in s.markers) for s in system.subdimensions] for m in markers]
    return np.stack([vectors[m] for m in markers]), np.array(member)


def _centres(vectors: Array, groups: Array) -> Array:
    centres = groups.T @ vectors
    unit: Array = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    return unit


def _cells(
    system: ValueSystem,
    known: ValueSystem,
    members: Mapping[str, str],
    vectors: Mapping[str, Array],
    found: GroupLikeness,
) -> tuple[Cell, ...]:
    cells = []
    for i, s in enumerate(system.subdimensions):
        mine = {t for t, owner in members.items() if owner == s.id} | set(s.markers)
        for j, k in enumerate(known.subdimensions):
            shared = sorted(mine & set(k.markers))
            cells.append(
                Cell(
                    subdimension=s.id,
                    known=k.id,
                    shared=tuple(shared),
                    jaccard=len(shared) / len(mine | set(k.markers)),
                    overlap=len(shared) / min(len(mine), len(set(k.markers))),
                    similarity=float(found.similarity[i, j]),
                    standardised=float(found.standardised[i, j]),
                    z=float(found.z[i, j]),
                    p_value=float(found.p_values[i, j]),
                    p_adjusted=float(found.p_adjusted[i, j]),
                    definition_similarity=float(vectors[s.definition] @ vectors[k.definition]),
                )
            )
    return tuple(cells)


def _matches(
    system: ValueSystem, known: ValueSystem, found: GroupLikeness, standing: Mapping[str, Standing]
) -> tuple[Match, ...]:
    ids = [k.id for k in known.subdimensions]
    beyond = found.p_adjusted <= LEVEL
    partner = {i: ids[j] for i, j in pair_off(found.z) if beyond[i, j]}
    matches = []
    for i, s in enumerate(system.subdimensions):
        best, own = int(np.argmax(found.z[i])), standing.get(s.id)
        if own is not None and own.doubt is not None:
            matches.append(Match(s.id, None, None, own))
        else:
            matches.append(Match(s.id, ids[best] if beyond[i, best] else None, partner.get(i), own))
    return tuple(matches)


def _agreement(
    system: ValueSystem,
    known: ValueSystem,
    terms: Sequence[str],
    members: Mapping[str, str],
    near: Array,
    n_permutations: int,
    rng: np.random.Generator,
) -> TermAgreement:
    number = {s.id: i for i, s in enumerate(system.subdimensions)}
    own = np.array([number[members[t]] for t in terms], dtype=np.int64)
    place, listed = {k.id: j for j, k in enumerate(known.subdimensions)}, own_terms(known)
    nearest = near.argmax(axis=1).astype(np.int64)
    there = np.array(
        [place[listed[t]] if t in listed else j for t, j in zip(terms, nearest.tolist(), strict=True)],
        np.int64,
    )
    test = partition_test(own, there, n_permutations, rng)
    return TermAgreement(
        n_terms=len(terms),
        n_listed=sum(t in listed for t in terms),
        adjusted_rand=test.adjusted_rand,
        adjusted_rand_p=test.adjusted_rand_p,
        mutual_information=test.mutual_information,
        mutual_information_chance=test.mutual_information_chance,
        mutual_information_p=test.mutual_information_p,
    )


def _unique(
    terms: Sequence[str], near: Array, others: Array, other_groups: Array, known: ValueSystem
) -> tuple[str, ...]:
    """Terms farther from every known centre than 95 % of known markers are from their own, computed without them."""
    sums = other_groups.T @ others
    own = []
    for j in range(other_groups.shape[1]):
        for i in np.flatnonzero(other_groups[:, j]):
            rest = sums[j] - others[i]
            length = float(np.linalg.norm(rest))
            if length > 0:
                own.append(float(others[i] @ rest) / length)
    if not own:
        return ()
    markers = {m for s in known.subdimensions for m in s.markers}
    far = near.max(axis=1) < np.quantile(own, LEVEL)
    return tuple(t for t, alone in zip(terms, far, strict=True) if alone and t not in markers)
