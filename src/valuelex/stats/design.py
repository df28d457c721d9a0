"""Measurement designs: which facets are crossed, which are nested, and which effects follow from that.

Owns the notation of designs, the list of their effects, and the numbering of levels and cells. Does not
look at scores: components of variance are in `valuelex.stats.variance_components`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuelex.errors import DataError
from valuelex.stats.checks import first

Codes = NDArray[np.int64]
Effect = frozenset[str]
RESIDUAL = "residual"
"""Name of what is left within cells, or of the highest interaction where cells hold one score each."""
_TOKEN = re.compile(r"\s*(?:(?P<name>[^\W\d]\w*)|(?P<sign>[×:()])|(?P<other>\S))")


@dataclass(frozen=True, slots=True)
class Design:
    """Facets, what each is nested in, and the effects that they make."""

    facets: tuple[str, ...]
    """Names, in the order of the notation."""
    within: tuple[Effect, ...]
    """For each facet, all the facets that it is nested in; empty for one that is nested in none."""
    effects: tuple[Effect, ...]
    """Each effect as the set of facets that tell its levels apart, the coarse ones first.

    The set of a nested facet holds what it is nested in, so that one effect contains another exactly
    where its set does."""

    def possible_effects(self) -> tuple[Effect, ...]:
        """All effects that the nesting allows, whether or not the design holds them."""
        return _closed_sets(self.facets, self.within)

    def closure(self, facets: Collection[str]) -> Effect:
        """Return the facets together with all that they are nested in."""
        inside = dict(zip(self.facets, self.within, strict=True))
        return frozenset(facets).union(*(inside[facet] for facet in facets))

    def name(self, effect: Collection[str]) -> str:
        """Name an effect in the notation of designs, as `p`, `i:h`, `p x i` or `(p x i):h`."""
        ordered = [facet for facet in self.facets if facet in effect]
        outer = [f for f in ordered if any(f in self.closure([g]) for g in ordered if g != f)]
        own = " x ".join(f for f in ordered if f not in outer)
        if not outer:
            return own
        around = self.name(outer)
        return f"{_bracketed(own)}:{_bracketed(around)}"


def parse_design(notation: str) -> Design:
    """Read a design such as ``p x i x j``, ``p x (i:h)``, ``(p:g) x i`` or ``(i x j):h``.

    ``a x b`` (or ``a × b``) crosses, ``a:b`` nests a in b and binds more tightly; ``a:b:c`` nests a in b
    and b in c. The effects are all interactions that the nesting allows.

    Parameters
    ----------
    notation
        Names of letters, digits and underscores, with ``x``, ``×``, ``:`` and brackets between them. The
        name ``x`` is taken by the sign.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        If the notation cannot be read, or names a facet twice.

    References
    ----------
    Brennan (2001), Generalizability Theory, section 3.2.
    """
    within = _Reader(notation).read()
    facets = tuple(within)
    around = tuple(frozenset(within[facet]) for facet in facets)
    return Design(facets, around, _closed_sets(facets, around))


def design_of_effects(effects: Sequence[Collection[str] | str]) -> Design:
    """Make a design from a list of its effects, for instance to leave an interaction out.

    A facet counts as nested in every other that all of its effects hold.

    Parameters
    ----------
    effects
        Each a collection of facet names, such as ``("p", "i")``; a single name may be a string.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        If there is no effect, one is empty or given twice, or two facets never occur apart.
    """
    sets = [frozenset([effect] if isinstance(effect, str) else effect) for effect in effects]
    if not sets or not all(sets):
        msg = f"{len(sets)} effects were given, some without a facet; give one facet or more for each."
        raise DataError(msg)
    facets = tuple(dict.fromkeys(f for e in effects for f in ([e] if isinstance(e, str) else e)))
    repeated = [sorted(effect) for effect in dict.fromkeys(sets) if sets.count(effect) > 1]
    if repeated:
        msg = f"{len(repeated)} effects are given twice (first: {first(repeated)}); give each once."
        raise DataError(msg)
    within = {f: frozenset.intersection(*(e for e in sets if f in e)) - {f} for f in facets}
    for one, other in combinations(facets, 2):
        if one in within[other] and other in within[one]:
            msg = f"Facets {one!r} and {other!r} are in no effect apart; give an effect of one of them alone."
            raise DataError(msg)
    position = {facet: i for i, facet in enumerate(facets)}
    sets.sort(key=lambda effect: (len(effect), sorted(position[facet] for facet in effect)))
    return Design(facets, tuple(within[f] for f in facets), tuple(sets))


@dataclass(frozen=True, slots=True)
class Levels:
    """The level of each facet at each score, and how many there are."""

    design: Design
    codes: tuple[Codes, ...]
    """For each facet, (n_scores,) numbers from 0 in sorted order of the labels."""
    counts: tuple[int, ...]
    """For each facet, the number of its different levels, over all that it is nested in."""

    def cells(self, effect: Collection[str]) -> tuple[Codes, int]:
        """Give the cells of an effect that occur numbers from 0: (n_scores,), and how many there are."""
        numbers, count = np.zeros(len(self.codes[0]), dtype=np.int64), 1
        around = frozenset[str]().union(*(self.design.closure([f]) - {f} for f in effect))
        for facet, codes, levels in zip(self.design.facets, self.codes, self.counts, strict=True):
            if facet in effect and facet not in around:
                numbers, count = _joined(numbers, count, codes, levels)
        return numbers, count

    def parents(self, facet: str) -> tuple[Codes, int] | None:
        """For each level of a facet the cell it is nested in, and the number of those; None if in none."""
        index = self.design.facets.index(facet)
        if not self.design.within[index]:
            return None
        cells, count = self.cells(self.design.within[index])
        parent = np.zeros(self.counts[index], dtype=np.int64)
        parent[self.codes[index]] = cells
        return parent, count

    def per_parent(self, facet: str) -> NDArray[np.int64]:
        """How many levels of the facet there are in each cell that it is nested in: one entry a cell."""
        parents = self.parents(facet)
        if parents is None:
            return np.array([self.counts[self.design.facets.index(facet)]])
        return np.bincount(parents[0], minlength=parents[1]).astype(np.int64)


def code_levels(design: Design, labels: Mapping[str, ArrayLike], n_scores: int) -> Levels:
    """Give numbers to the levels of each facet and refuse labels that contradict the nesting.

    Parameters
    ----------
    design
        Facets and their nesting.
    labels
        For each facet (n_scores,) labels. A nested level has a label of its own: one that occurs in two
        levels of what it is nested in is refused, since it may be one level that is crossed.
    n_scores
        Number of scores.

    Returns
    -------
    Levels

    Raises
    ------
    DataError
        If a facet is missing, unknown, of the wrong length or without a label, or has a single level, or
        if a facet that is declared nested is crossed.
    """
    names = list(labels)
    wrong = sorted(set(names) ^ set(design.facets))
    if wrong:
        msg = f"The labels name {first(names)}, the design {first(design.facets)}; they differ in {first(wrong)}."
        raise DataError(msg)
    coded = [_coded(labels[facet], facet, n_scores) for facet in design.facets]
    levels = Levels(design, tuple(c for c, _ in coded), tuple(len(n) for _, n in coded))
    for facet, around, (codes, known) in zip(design.facets, design.within, coded, strict=True):
        if len(known) < 2:
            msg = (
                f"Facet {facet!r} has one level only ({known[0]!r}), so it cannot be separated from the rest; "
                "leave it out of the design."
            )
            raise DataError(msg)
        if around:
            cells, n_cells = levels.cells(around)
            parent = np.zeros(len(known), dtype=np.int64)
            parent[codes] = cells
            crossing = np.unique(codes[parent[codes] != cells])
            if crossing.size:
                outer = design.name(around)
                msg = (
                    f"Facet {facet!r} is declared nested in {outer!r}, but {crossing.size} of its {len(known)} "
                    f"levels occur in several of its levels (first: {first([known[i] for i in crossing])}); declare "
                    f"{facet!r} and {outer!r} crossed, or give levels that differ labels that differ."
                )
                raise DataError(msg)
            if len(known) == n_cells:
                msg = (
                    f"Facet {facet!r} has one level only in each of the {n_cells} levels of "
                    f"{design.name(around)!r}, so the two are confounded; leave one of them out."
                )
                raise DataError(msg)
    return levels


def refuse_confounded(levels: Levels) -> None:
    """Raise `DataError`, naming both, if a level of one crossed facet tells the level of another."""
    design = levels.design
    for one, other in combinations(design.facets, 2):
        if one in design.closure([other]) or other in design.closure([one]):
            continue
        both = levels.cells({one, other})[1]
        sizes = {f: levels.counts[design.facets.index(f)] for f in (one, other)}
        inner = [facet for facet in (one, other) if sizes[facet] == both]
        if len(inner) == 2:
            msg = (
                f"Facets {one!r} and {other!r} are confounded: their {both} levels are the same under two names; "
                "leave one of them out."
            )
            raise DataError(msg)
        if inner:
            outer = other if inner[0] == one else one
            msg = (
                f"Facets {one!r} and {other!r} are declared crossed, but each of the {both} levels of {inner[0]!r} "
                f"meets one level of {outer!r} only; declare {inner[0]}:{outer}, or leave one of them out."
            )
            raise DataError(msg)


def _closed_sets(facets: Sequence[str], within: Sequence[Effect]) -> tuple[Effect, ...]:
    inside = dict(zip(facets, within, strict=True))
    subsets = (chosen for size in range(1, len(facets) + 1) for chosen in combinations(facets, size))
    return tuple(frozenset(chosen) for chosen in subsets if all(inside[f] <= set(chosen) for f in chosen))


def _bracketed(name: str) -> str:
    return f"({name})" if " " in name else name


def _joined(numbers: Codes, count: int, codes: Codes, levels: int) -> tuple[Codes, int]:
    """Give numbers to the pairs of cell and level that occur."""
    pairs = numbers * levels + codes
    if count * levels > 4 * len(pairs) + 1000:
        known, joined = np.unique(pairs, return_inverse=True)
        return joined.astype(np.int64), len(known)
    occurs = np.zeros(count * levels, dtype=bool)
    occurs[pairs] = True
    if occurs.all():
        return pairs, count * levels
    new = np.cumsum(occurs) - 1
    return new[pairs], int(new[-1]) + 1


def _coded(labels: ArrayLike, facet: str, n_scores: int) -> tuple[Codes, list[object]]:
    given = np.asarray(labels)
    if given.shape != (n_scores,):
        msg = f"Facet {facet!r} has labels of shape {given.shape} for {n_scores} scores; give one label a score."
        raise DataError(msg)
    if given.dtype.kind in "iu" and n_scores:
        low, high = int(given.min()), int(given.max())
        if high - low <= 4 * n_scores + 1000:
            shifted = (given.astype(np.int64) if low >= 0 else given) - low
            occurs = np.bincount(shifted, minlength=high - low + 1) > 0
            return (np.cumsum(occurs) - 1)[shifted], [int(i) for i in np.flatnonzero(occurs) + low]
    values = given.tolist()
    numbers: dict[object, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
    known = list(numbers)
    if any(value is None or value != value for value in known):
        empty = [i for i, value in enumerate(values) if value is None or value != value]
        msg = f"{len(empty)} scores have no label of facet {facet!r} (first: {first(empty)}); leave them out."
        raise DataError(msg)
    order = sorted(range(len(known)), key=lambda i: (type(known[i]).__name__, known[i]))
    place = np.empty(len(known), dtype=np.int64)
    place[order] = np.arange(len(known))
    return place[codes], [known[i] for i in order]


class _Reader:
    """Read the notation from left to right; each part gives its facets and what each is nested in."""

    def __init__(self, notation: str) -> None:
        self.notation = notation
        self.tokens: list[str] = []
        for match in _TOKEN.finditer(notation):
            if match["other"]:
                self._refuse(f"{match['other']!r} has no meaning there")
            self.tokens.append(match["name"] or match["sign"])
        self.place = 0

    def read(self) -> dict[str, set[str]]:
        found = self._crossed()
        if self.place < len(self.tokens):
            self._refuse(f"{self._next()!r} comes where the design should end")
        return found

    def _crossed(self) -> dict[str, set[str]]:
        found = self._nested()
        while self._next() in ("x", "×"):
            self.place += 1
            found = self._merged(found, self._nested())
        return found

    def _nested(self) -> dict[str, set[str]]:
        inner = self._part()
        if self._next() != ":":
            return inner
        self.place += 1
        outer = self._nested()
        both = self._merged(inner, outer)
        return {facet: around | set(outer) if facet in inner else around for facet, around in both.items()}

    def _part(self) -> dict[str, set[str]]:
        part = self._next()
        self.place += 1
        if part == "(":
            found = self._crossed()
            if self._next() != ")":
                self._refuse("a bracket is not closed")
            self.place += 1
            return found
        if part is None or part in ("x", "×", ":", ")"):
            self._refuse(f"a facet is missing before {part!r}" if part else "a facet is missing at the end")
        return {str(part): set()}

    def _merged(self, one: dict[str, set[str]], other: dict[str, set[str]]) -> dict[str, set[str]]:
        for facet in other:
            if facet in one:
                self._refuse(f"facet {facet!r} is named twice")
        return one | other

    def _next(self) -> str | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def _refuse(self, reason: str) -> None:
        msg = f"Design {self.notation!r} cannot be read: {reason}. Write it like 'p x i', 'p x (i:h)' or '(p:g) x i'."
        raise DataError(msg)
