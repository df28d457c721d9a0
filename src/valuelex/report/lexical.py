"""Rows for what elicitation found: the tree of values, the words map, the terms and their audit trail.

Reads `Found`; groups and estimates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from valuelex.domain.lexicon import Drop, Rule
from valuelex.domain.results import Found, Results
from valuelex.domain.structure import BUILT, Subdimension, Taxonomy, ValueSystem
from valuelex.domain.study import Study
from valuelex.report.naming import named_by, naming_sentence
from valuelex.report.wording import DASH, count, listed, number, share

STRONG, WEAK = 0.8, 0.5
"""Stability from which a word is shown as firm, and below which as weak."""

_DROPS = {
    Drop.JUNK: "not a word",
    Drop.FUNCTION_WORD: "function word",
    Drop.TOO_LONG: "too long for a value word",
    Drop.NOT_A_VALUE: "not a value",
    Drop.BY_STUDY: "dropped by the study",
    Drop.SHOWN: "shown as an example in its own prompt",
    Drop.RARE: "named by too few respondents",
}
_VIEWS = {
    "between": "between sources",
    "within": "within responses",
    "pooled": "pooled responses",
    "embeddings": "embeddings",
}
_RULES = {
    Rule.CASE: "case",
    Rule.SPELLING: "spelling",
    Rule.INFLECTION: "inflection",
    Rule.FAMILY: "word family",
    Rule.BY_STUDY: "by the study",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One word in the tree. `strength` is 'firm', 'middling', 'weak' or 'unknown'."""

    name: str
    n_respondents: int
    stability: str
    strength: str


@dataclass(frozen=True, slots=True)
class Group:
    """A subdimension or a dimension with what belongs to it. `named` tells who named it, if a namer was asked.

    `code` is how the verdict and the tables call a group that was found, such as "s1".
    """

    name: str
    definition: str
    words: tuple[Word, ...] = ()
    groups: tuple[Group, ...] = ()
    named: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class SystemView:
    """A value system to look at: a tree whose words are its markers."""

    title: str
    source: str
    dimensions: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class TermRow:
    """One term with its counts and place. `panel` is its number in the data of the panel, if any."""

    name: str
    n_mentions: int
    n_responses: int
    n_respondents: int
    dimension: str
    subdimension: str
    stability: str
    panel: int | None


@dataclass(frozen=True, slots=True)
class MapPoint:
    """One word on the words map: position in the unit square, and what its mark shows."""

    name: str
    x: float
    y: float
    dimension: str
    subdimension: str
    n_respondents: int
    centrality: float


@dataclass(frozen=True, slots=True)
class FoundSection:
    """What was found in the words of the respondents. Sentences on groups are empty where there is one group only."""

    sizes: str
    embeddings: str
    stability: str
    naming: str
    dimensions: tuple[Group, ...]
    points: tuple[MapPoint, ...]
    terms: tuple[TermRow, ...]
    merges: tuple[tuple[str, str, str, int], ...]
    drops: tuple[tuple[str, str, tuple[tuple[str, int], ...]], ...]


def strength(stability: float) -> str:
    """Name the class of a word's stability."""
    if isnan(stability):
        return "unknown"
    if stability >= STRONG:
        return "firm"
    return "middling" if stability >= WEAK else "weak"


def view_system(system: ValueSystem) -> SystemView:
    """Show a value system with its definitions and markers."""
    return SystemView(
        system.title,
        system.source,
        tuple(
            Group(
                d.name,
                d.definition,
                groups=tuple(
                    Group(
                        s.name,
                        s.definition,
                        words=tuple(Word(m, 0, "", "") for m in s.markers),
                        code=s.id if system.name == BUILT else "",
                    )
                    for s in d.subdimensions
                ),
            )
            for d in system.dimensions
        ),
    )


def build_found(results: Results) -> FoundSection | None:
    """Gather what elicitation found; None when nothing was elicited."""
    found = results.found
    if found is None:
        return None
    taxonomy = found.taxonomy
    places = place_groups(taxonomy, found.shown)
    n_groups = count(len(set(taxonomy.subdimension.tolist())), "subdimension")
    n_dimensions = count(len(set(taxonomy.dimension.tolist())), "dimension")
    given = "The study gives the number of groups." if found.structure.n_given is not None else ""
    tree = _tree(found, places)
    several = len(set(taxonomy.subdimension.tolist())) > 1
    where = (
        f"in {n_groups} under {n_dimensions}"
        if several
        else "in one group, so no view of them was weighted and no stability estimated"
    )
    weights = f"{_weights_sentence(taxonomy)} {_whose(results.study, taxonomy.weights)}".strip()
    return FoundSection(
        sizes=f"{count(len(taxonomy.terms), 'term')} {where}. {given}".strip(),
        embeddings=weights if several else "",
        stability=_stability_sentence(taxonomy) if several else "",
        naming=naming_sentence(found.naming) if several or found.naming is not None else "",
        dimensions=tree,
        # Where no groups were found there is no structure that a map could show.
        points=_points(found, places, tree) if several else (),
        terms=_term_rows(found, places if several else {}),
        merges=tuple(
            (m.form, m.term, ", ".join(_RULES[r] for r in m.rules), m.n_mentions)
            for m in sorted(found.lexicon.merges, key=lambda m: (m.term, -m.n_mentions, m.form))
        ),
        drops=_drops(found),
    )


def place_groups(taxonomy: Taxonomy, system: ValueSystem) -> dict[int, tuple[str, Subdimension | None]]:
    """Find, for every subdimension number of a taxonomy, the dimension name and subdimension of its system.

    A group is the subdimension that shares most markers with it, since each term is in one group only. A
    group that shares none is left unnamed: its dimension carries the group's number.
    """
    groups: dict[int, set[str]] = {}
    for term, number_ in zip(taxonomy.terms, taxonomy.subdimension.tolist(), strict=True):
        groups.setdefault(number_, set()).add(term)
    dimension_of = dict(zip(taxonomy.subdimension.tolist(), taxonomy.dimension.tolist(), strict=True))
    places: dict[int, tuple[str, Subdimension | None]] = {}
    for number_, words in groups.items():
        shared = [
            (len(words.intersection(s.markers)), d.name, s)
            for d in system.dimensions
            for s in d.subdimensions
        ]
        n_shared, dimension, subdimension = max(shared, key=lambda entry: entry[0])
        if n_shared:
            places[number_] = (dimension, subdimension)
        else:
            places[number_] = (f"Dimension {dimension_of[number_] + 1}", None)
    return places


def group_names(taxonomy: Taxonomy, system: ValueSystem) -> dict[int, str]:
    """Name every subdimension number of a taxonomy as its system does."""
    places = place_groups(taxonomy, system)
    return {group: _names(places, group)[1] for group in places}


def _names(places: dict[int, tuple[str, Subdimension | None]], group: int) -> tuple[str, str]:
    dimension, subdimension = places[group]
    return dimension, subdimension.name if subdimension is not None else f"Subdimension {group + 1}"


def _weights_sentence(taxonomy: Taxonomy) -> str:
    weights = taxonomy.weights
    said = listed([f"{_VIEWS[name]} {number(weight)}" for name, weight in weights.items()])
    return f"Terms are grouped by a weighted sum of views: {said}; 0 means that a view did not help to predict sources."


def _whose(study: Study, weights: Mapping[str, float]) -> str:
    """Say whose embeddings the view is made of, where it has a weight."""
    plans = study.construct.embeddings if study.construct else ()
    return f"The embeddings are those of {plans[0].name}." if plans and weights.get("embeddings") else ""


def _stability_sentence(taxonomy: Taxonomy) -> str:
    if taxonomy.n_resamples == 0:
        return "Stability was not estimated: with one source or no resamples nothing could change."
    firm = sum(strength(v) == "firm" for v in taxonomy.stability.tolist())
    weak = sum(strength(v) == "weak" for v in taxonomy.stability.tolist())
    n = len(taxonomy.terms)
    return (
        f"Of {count(n, 'word')}, {firm:,} ({share(firm, n)}) stay in their group in at least "
        f"{100 * STRONG:.0f}\u00a0% of {count(taxonomy.n_resamples, 'resample')} of {taxonomy.resampled}, "
        f"and {weak:,} ({share(weak, n)}) in fewer than {100 * WEAK:.0f}\u00a0%; read a weak word's place as undecided."
    )


def _tree(found: Found, places: dict[int, tuple[str, Subdimension | None]]) -> tuple[Group, ...]:
    taxonomy = found.taxonomy
    n_respondents = {t.name: t.n_respondents for t in found.lexicon.terms}
    words: dict[int, list[tuple[float, Word]]] = {}
    for i, term in enumerate(taxonomy.terms):
        stability = float(taxonomy.stability[i])
        word = Word(term, n_respondents.get(term, 0), number(stability), strength(stability))
        words.setdefault(int(taxonomy.subdimension[i]), []).append((-float(taxonomy.centrality[i]), word))
    order = [d.name for d in found.shown.dimensions]
    tree: dict[str, list[Group]] = {}
    for group in sorted(words):
        dimension, name = _names(places, group)
        subdimension = places[group][1]
        ranked = sorted(words[group], key=lambda entry: (entry[0], entry[1].name))
        tree.setdefault(dimension, []).append(
            Group(
                name,
                subdimension.definition if subdimension else "",
                words=tuple(w for _, w in ranked),
                named=named_by(found.naming, "subdimension", subdimension.id) if subdimension else "",
                code=f"s{group + 1}" if len(words) > 1 else "",
            )
        )
    definitions = {d.name: d.definition for d in found.shown.dimensions}
    named = {d.name: named_by(found.naming, "dimension", d.id) for d in found.shown.dimensions}
    ranked_names = sorted(tree, key=lambda name: (order.index(name) if name in order else len(order), name))
    return tuple(
        Group(name, definitions.get(name, ""), groups=tuple(tree[name]), named=named.get(name, ""))
        for name in ranked_names
    )


def _points(
    found: Found, places: dict[int, tuple[str, Subdimension | None]], tree: Sequence[Group]
) -> tuple[MapPoint, ...]:
    """Return the points of the words map in the order of the tree, so that its legend has that order too."""
    taxonomy = found.taxonomy
    if not taxonomy.terms:
        return ()
    low = taxonomy.coordinates.min(axis=0)
    reach = taxonomy.coordinates.max(axis=0) - low
    reach[reach == 0] = 1.0
    unit = (taxonomy.coordinates - low) / reach
    n_respondents = {t.name: t.n_respondents for t in found.lexicon.terms}
    points = {
        term: MapPoint(
            term,
            float(unit[i, 0]),
            float(unit[i, 1]),
            *_names(places, int(taxonomy.subdimension[i])),
            n_respondents.get(term, 0),
            float(taxonomy.centrality[i]),
        )
        for i, term in enumerate(taxonomy.terms)
    }
    return tuple(points[word.name] for d in tree for group in d.groups for word in group.words)


def _term_rows(found: Found, places: dict[int, tuple[str, Subdimension | None]]) -> tuple[TermRow, ...]:
    index = {term: i for i, term in enumerate(found.taxonomy.terms)}
    # Without responses, as where terms were looked for in recorded texts, there is nothing to open.
    panel = {term: i for i, term in enumerate(found.matrix.terms)} if found.responses else {}
    rows = []
    for term in sorted(found.lexicon.terms, key=lambda t: (-t.n_respondents, -t.n_mentions, t.name)):
        dimension, subdimension, stability = DASH, DASH, DASH
        if term.name in index and places:
            i = index[term.name]
            dimension, subdimension = _names(places, int(found.taxonomy.subdimension[i]))
            stability = number(float(found.taxonomy.stability[i]))
        rows.append(
            TermRow(
                term.name,
                term.n_mentions,
                term.n_responses,
                term.n_respondents,
                dimension,
                subdimension,
                stability,
                panel.get(term.name),
            )
        )
    return tuple(rows)


def _drops(found: Found) -> tuple[tuple[str, str, tuple[tuple[str, int], ...]], ...]:
    """Return (reason, how much, forms with counts) for every reason that occurs."""
    drops = []
    for reason, name in _DROPS.items():
        forms: Sequence[tuple[str, int]] = sorted(
            ((d.form, d.n_mentions) for d in found.lexicon.dropped if d.reason is reason),
            key=lambda entry: (-entry[1], entry[0]),
        )
        if forms:
            mentions = count(sum(n for _, n in forms), "mention")
            drops.append((name, f"{count(len(forms), 'form')}, {mentions}", tuple(forms)))
    return tuple(drops)
