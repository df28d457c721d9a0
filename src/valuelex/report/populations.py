"""Lay out populations: who they are, the value system of each, and how they differ pair by pair.

Computes nothing; verdicts are the stage's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from valuelex.domain.population import Difference, PopulationContrast, PopulationSystem, TermShift
from valuelex.domain.results import Results
from valuelex.report.lexical import Group, view_system
from valuelex.report.quality import Table
from valuelex.report.wording import DASH, interval, number, p_value, share

MOST_TERMS = 40
"""Terms of a comparison that the report shows; populations.csv has all."""


@dataclass(frozen=True, slots=True)
class PopulationView:
    """One population with its tree of values, empty where none was built."""

    title: str
    cautions: tuple[str, ...]
    dimensions: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class ContrastView:
    """Two populations, in words and tables."""

    title: str
    verdict: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class PopulationSection:
    """All populations of a study."""

    overview: Table
    populations: tuple[PopulationView, ...]
    contrasts: tuple[ContrastView, ...]


def build_populations(results: Results) -> PopulationSection | None:
    """Lay out the populations; None where the study has none beside everybody."""
    found = results.found.populations if results.found is not None else None
    if found is None:
        return None
    return PopulationSection(
        overview=_overview(found.systems),
        populations=tuple(_view(system) for system in found.systems[1:]),
        contrasts=tuple(_contrast(c) for c in found.contrasts),
    )


def _overview(systems: tuple[PopulationSystem, ...]) -> Table:
    rows = tuple(
        (
            s.name,
            s.told,
            f"{len(s.respondent_ids):,}",
            f"{s.n_models:,}",
            f"{s.n_families:,}",
            f"{s.n_responses:,}",
            f"{len(s.terms):,}",
            s.outcome,
        )
        for s in systems
    )
    return Table(
        "Who belongs",
        "Each population has its own lexicon, of the terms that enough of its respondents name, and its own groups.",
        ("Population", "Who", "Respondents", "Models", "Families", "Responses", "Terms", "Groups"),
        rows,
    )


def _view(system: PopulationSystem) -> PopulationView:
    tree = () if system.system is None else view_system(system.system).dimensions
    return PopulationView(f"{system.name}: {system.outcome}", system.cautions, tree)


def _contrast(c: PopulationContrast) -> ContrastView:
    tables = [_agreement(c)]
    if c.factors:
        tables.append(_factors(c))
    if c.difference is not None:
        tables.append(_difference(c.difference))
    changed = [t for t in c.terms if t.status != "shared"]
    if changed:
        tables.append(
            _terms(c, changed, "Terms gained and lost", "In one lexicon alone, the most often named first.")
        )
    shared = sorted(c.with_status("shared"), key=lambda t: (-abs(t.share_a - t.share_b), t.term))
    if shared:
        about = "In both lexicons, those first whose shares differ most."
        tables.append(_terms(c, shared, "Terms of both", about))
    verdict = f"{c.verdict} {c.reason}".strip()
    return ContrastView(f"{c.a} and {c.b}", verdict, tuple(tables))


def _agreement(c: PopulationContrast) -> Table:
    a = c.agreement
    cells = (
        (DASH,) * 5
        if a is None
        else (
            number(a.adjusted_rand),
            DASH if isnan(a.low) else interval(a.low, a.high),
            number(a.chance),
            p_value(a.p_value),
            number(a.normalised_mutual_information),
        )
    )
    return Table(
        "Groups",
        "Adjusted Rand index (ARI) of the groups on shared terms, with its 95\u00a0% interval over terms and what "
        "chance reaches in 5\u00a0% of shuffles; NMI is not corrected for chance.",
        ("Groups", "ARI", "95\u00a0% interval", "Chance", "p", "NMI", "Terms", "Respondents in both"),
        ((f"{c.n_groups_a} and {c.n_groups_b}", *cells, str(len(c.with_status("shared"))), f"{c.n_both:,}"),),
    )


def _factors(c: PopulationContrast) -> Table:
    rows = tuple(
        (f"F{f.factor + 1}", ", ".join(f.leading), number(f.congruence), number(f.chance)) for f in c.factors
    )
    return Table(
        f"Factors of {c.a} found again in {c.b}",
        "Tucker's congruence after rotation towards the first; .85 is fair, .95 as good as equal. Chance: its .95 "
        "quantile with the terms of the second shuffled.",
        ("Factor", f"Leading terms in {c.a}", "Congruence", "Chance"),
        rows,
    )


def _difference(d: Difference) -> Table:
    return Table(
        "More different than random splits?",
        f"Mean congruence of their factors, and its median where the same {d.n_units} {d.units} are split at random; p "
        "is the share of splits that are no more alike.",
        ("Congruence", "Of random splits", "p"),
        ((number(d.congruence), number(d.by_split), p_value(d.p_value)),),
    )


def _terms(c: PopulationContrast, terms: list[TermShift], title: str, about: str) -> Table:
    rows = tuple(
        (
            t.term,
            {"gained": f"{c.b} alone", "lost": f"{c.a} alone", "shared": "both"}[t.status],
            f"{t.n_a:,} ({share(t.n_a, c.n_respondents_a)})",
            f"{t.n_b:,} ({share(t.n_b, c.n_respondents_b)})",
        )
        for t in terms[:MOST_TERMS]
    )
    more = len(terms) - MOST_TERMS
    left = f" {more:,} more stand in populations.csv." if more > 0 else ""
    return Table(
        f"{title}: {len(terms):,}",
        f"{about} Respondents who named it, and their share.{left}",
        ("Term", "Lexicon", c.a, c.b),
        rows,
        folded=True,
    )
