"""Lay out how a built value system corresponds to known ones: an overview, and each crosswalk with its table.

Owns what is said of a counterpart and of none. Computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from valuelex.domain.crosswalk import DOUBTS, Cell, Crosswalk, Match
from valuelex.domain.results import Results
from valuelex.report.quality import Table
from valuelex.report.wording import DASH, count, number, p_equals, p_value

NONE = "no counterpart"
HUMAN = (
    "A counterpart tells that markers mean alike, not whose values they are: competence, for one, is a component of "
    "human value lexicons too (De Raad et al. 2016). And where there is no counterpart, these markers could not be "
    "told from chance; that does not make a subdimension peculiar to language models."
)


@dataclass(frozen=True, slots=True)
class WalkView:
    """One crosswalk: the map with its labels, the table of matches, and sentences."""

    title: str
    summary: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    z: tuple[tuple[float, ...], ...]
    texts: tuple[tuple[str, ...], ...]
    table: Table
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CrosswalkSection:
    """All known systems side by side, then each."""

    sentences: tuple[str, ...]
    overview: Table | None
    walks: tuple[WalkView, ...]


def build_crosswalk(results: Results) -> CrosswalkSection | None:
    """Lay out the crosswalks of a built system; None where nothing was built."""
    if results.built is None:
        return None
    walks = results.crosswalks
    if not walks:
        why = "The value system has too few groups to be held against known ones: a crosswalk needs two."
        return CrosswalkSection((why,), None, ())
    rows = tuple(
        (name, _stability(walks[0].matches[i]), *(_counterpart(walk, walk.matches[i]) for walk in walks))
        for i, (_, name) in enumerate(walks[0].names)
    )
    overview = Table(
        "The nearest known subdimension beyond chance",
        f"Markers are compared by embeddings, against {walks[0].n_permutations:,} shuffles of the markers among the "
        f"groups found; level {p_value(walks[0].level)} for each known system as a whole. A group that is not stable, "
        "or one of a structure that may be none, has no counterpart, however near its markers are.",
        ("Found here", "Stability", *(walk.known_title for walk in walks)),
        rows,
    )
    return CrosswalkSection((HUMAN,), overview, tuple(map(_view, walks)))


def _view(walk: Crosswalk) -> WalkView:
    n = len(walk.known_names)
    rows = [walk.cells[i : i + n] for i in range(0, len(walk.cells), n)]
    matched = sum(m.best is not None for m in walk.matches)
    return WalkView(
        title=walk.known_title,
        summary=f"{matched} of {count(len(walk.names), 'subdimension')} with a counterpart",
        rows=tuple(name for _, name in walk.names),
        columns=tuple(name for _, name in walk.known_names),
        z=tuple(tuple(c.z for c in row) for row in rows),
        texts=tuple(
            tuple(number(c.z, 1) + ("*" if c.p_adjusted <= walk.level else "") for c in row) for row in rows
        ),
        table=Table(
            "Matches",
            "The nearest known subdimension, whether or not beyond chance. One to one, each known subdimension has "
            "one partner at most; many groups may share a match. Likeness is the mean cosine between markers; z says "
            "how far it is from shuffled markers, outright and for its row and column, whichever is less. "
            "Definitions of built groups name their markers only.",
            (
                "Found here", "Stability", "Match", "One to one", "Nearest", "Likeness", "z", "p", "Adjusted p",
                "Definitions", "Terms in common",
            ),
            tuple(_match_row(walk, i, row) for i, row in enumerate(rows)),
        ),
        sentences=(_agreement(walk), _unique(walk)),
    )  # fmt: skip


def _match_row(walk: Crosswalk, i: int, cells: tuple[Cell, ...]) -> tuple[str, ...]:
    match = walk.matches[i]
    nearest = max(cells, key=lambda c: c.z)
    return (
        walk.names[i][1],
        _stability(match),
        _counterpart(walk, match),
        DASH if match.one_to_one is None else _known(walk, match.one_to_one),
        _known(walk, nearest.known),
        number(nearest.similarity),
        number(nearest.z, 1),
        p_value(nearest.p_value),
        p_value(nearest.p_adjusted),
        number(nearest.definition_similarity),
        f"{', '.join(nearest.shared)} (Jaccard {number(nearest.jaccard)})" if nearest.shared else DASH,
    )


def _known(walk: Crosswalk, known: str) -> str:
    return dict(walk.known_names)[known]


def _counterpart(walk: Crosswalk, match: Match) -> str:
    if match.doubt is not None:
        return f"{NONE}: {DOUBTS[match.doubt]}"
    return NONE if match.best is None else _known(walk, match.best)


def _stability(match: Match) -> str:
    return number(match.standing.stability if match.standing is not None else None)


def _agreement(walk: Crosswalk) -> str:
    a = walk.agreement
    return (
        f"With each of {count(a.n_terms, 'term')} put to the known subdimension that has it among its markers "
        f"({a.n_listed:,}), or else to the nearest, both systems part the terms "
        f"with an adjusted Rand index of {number(a.adjusted_rand)} (0 is chance, 1 is the same; "
        f"{p_equals(a.adjusted_rand_p)}) and share {number(a.mutual_information)} nats of information "
        f"({number(a.mutual_information_chance)} by chance; {p_equals(a.mutual_information_p)}). Where embeddings "
        "helped to form the groups, some of this agreement is theirs."
    )


def _unique(walk: Crosswalk) -> str:
    if not walk.unique:
        return "Every term is as near to a known subdimension as known markers are to their own."
    return (
        f"Taken up by no subdimension there ({count(len(walk.unique), 'term')} farther from all of them than "
        f"{100 * (1 - walk.level):.0f} % of the known markers are from their own): {', '.join(walk.unique)}."
    )
