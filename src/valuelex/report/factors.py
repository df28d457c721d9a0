"""Lay out the factor-analytic route: what was factored, factors beside groups, loadings, rules, other matrices.

Computes nothing; the verdict is the stage's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from valuelex.domain.factors import FactorRoute, MatrixName, NoFactors
from valuelex.domain.results import Results
from valuelex.report.lexical import group_names
from valuelex.report.quality import Table
from valuelex.report.wording import DASH, count, interval, number, share, weakness

MATRICES: dict[MatrixName, str] = {
    "ppmi": "cosines of PPMI profiles of the lists",
    "phi": "phi of the lists",
    "between": "correlations between profiles",
    "within": "correlations within profiles",
    "ratings": "correlations of ratings",
}
N_LEADING = 6
TITLE = "The same terms by factor analysis"


@dataclass(frozen=True, slots=True)
class FactorSection:
    """One route: its verdict first, then how it was made and what is weak about it."""

    title: str
    verdict: str
    warnings: tuple[str, ...]
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]


def build_factors(results: Results) -> tuple[FactorSection, ...]:
    """Lay out every route of the study; nothing where nothing was elicited."""
    found, rated = results.found, results.rated
    if found is not None:
        names = group_names(found.taxonomy, found.shown)
        return tuple(_section(route, names) for route in found.factors)
    if rated is None or rated.structure is None or rated.system is None:
        return ()
    names = group_names(rated.structure.taxonomy, rated.system)
    return tuple(_section(route, names) for route in rated.factors)


def _section(route: FactorRoute | NoFactors, groups: dict[int, str]) -> FactorSection:
    if isinstance(route, NoFactors):
        return FactorSection(TITLE, route.reason, (), (), ())
    tables = [_matches(route, groups), _suggested(route), _loadings(route), _phi(route), _rules(route)]
    if route.others:
        tables.append(_others(route))
    return FactorSection(
        title=f"{TITLE}: {MATRICES[route.matrix]}",
        verdict=route.verdict,
        warnings=tuple(weakness(flag) for flag in route.flags),
        sentences=_sentences(route),
        tables=tuple(table for table in tables if table.rows),
    )


def _sentences(route: FactorRoute) -> tuple[str, ...]:
    n = len(route.terms)
    shown = _percent(float(route.variance_shares.sum()))
    made = (
        f"{count(route.n_factors, 'factor')} of {count(n, 'term')}, {route.chosen_by}: minres, {route.rotation} with "
        f"Kaiser normalisation. They account for {shown} of the variance of terms."
    )
    if route.n_resamples:
        sure = (
            f"Intervals at 95\u00a0% are from {count(route.n_resamples, 'resample')} of {route.n_units} "
            f"{route.resampled}; in {_percent(route.heywood_share)} of them a communality reached 1, and "
            f"{_percent(route.not_converged_share)} did not converge."
        )
    else:
        sure = "There is one unit, so nobody to resample and no interval."
    left_out = (
        (f"Left out, for they do not vary or keep no company beyond chance: {', '.join(route.left_out)}.",)
        if route.left_out
        else ()
    )
    return (made, sure, *left_out, _how_many(route))


def _by_number(route: FactorRoute) -> dict[int, list[str]]:
    """Rules that could be used, by the number of factors that they suggest; not those known to mislead."""
    found: dict[int, list[str]] = {}
    for rule in sorted(route.rules, key=lambda rule: rule.suggests or 0):
        if rule.suggests is not None and not rule.for_reference:
            found.setdefault(rule.suggests, []).append(rule.rule)
    return found


def _how_many(route: FactorRoute) -> str:
    numbers = _by_number(route)
    n = sum(len(rules) for rules in numbers.values())
    if not numbers:
        return "No rule for the number of factors could be used; the reasons stand in the table of all rules."
    if len(numbers) == 1:
        which = "The one rule" if n == 1 else f"All {n} rules"
        return f"{which} for the number of factors that could be used suggest{'s' if n == 1 else ''} {min(numbers)}."
    return (
        f"The {n} rules for the number of factors that could be used disagree: they suggest from {min(numbers)} to "
        f"{max(numbers)}."
    )


def _suggested(route: FactorRoute) -> Table:
    return Table(
        "How many factors the rules suggest",
        f"They are shown, not obeyed: there are {route.n_factors} here, {route.chosen_by}. What a rule was asked of "
        "stands behind it.",
        ("Factors", "Rules that suggest so many"),
        tuple((str(n), "; ".join(rules)) for n, rules in _by_number(route).items()),
    )


def _matches(route: FactorRoute, groups: dict[int, str]) -> Table:
    rows = []
    for match in route.matches:
        order = np.argsort(-route.pattern[:, match.factor], kind="stable")[:N_LEADING]
        mine = int((route.primary == match.factor).sum())
        rows.append(
            (
                f"F{match.factor + 1}",
                ", ".join(route.terms[i] for i in order),
                share(round(1000 * float(route.variance_shares[match.factor])), 1000),
                DASH if match.group is None else groups.get(match.group, f"Group {match.group + 1}"),
                number(match.congruence),
                number(match.centroid),
                DASH if match.group is None else f"{match.n_shared} of {mine}",
            )
        )
    return Table(
        "Factors beside groups",
        "Each factor with the group that is most like it. Congruence: Tucker's, of loadings with membership, and of "
        "correlations with the mean correlation to the group's terms; .85 is fair, .95 as good as equal.",
        ("Factor", "Leading terms", "Variance", "Group", "With membership", "With centroid", "Terms in both"),
        tuple(rows),
    )


def _loadings(route: FactorRoute) -> Table:
    ends = np.nan_to_num(route.pattern.max(axis=1))
    order = sorted(
        range(len(route.terms)),
        key=lambda i: (
            route.primary[i] if route.primary[i] >= 0 else route.n_factors,
            -ends[i],
            route.terms[i],
        ),
    )
    rows = tuple(
        (
            route.terms[i],
            *(
                _with_interval(route.pattern[i, j], route.pattern_low[i, j], route.pattern_high[i, j])
                for j in range(route.n_factors)
            ),
            _with_interval(route.communalities[i], route.communality_low[i], route.communality_high[i]),
            number(float(route.stability[i])),
        )
        for i in order
    )
    return Table(
        "Loadings",
        "Weights of the factors in each term, terms by the factor they load on most. Communality: share of a "
        "term's variance that the factors explain. Kept: share of resamples in which it loads most on the same factor.",
        ("Term", *(f"F{j + 1}" for j in range(route.n_factors)), "Communality", "Kept"),
        rows,
        folded=True,
    )


def _phi(route: FactorRoute) -> Table:
    rows = tuple(
        (
            f"F{i + 1}",
            *(
                ""
                if j > i
                else "1"
                if j == i
                else _with_interval(route.phi[i, j], route.phi_low[i, j], route.phi_high[i, j])
                for j in range(route.n_factors)
            ),
        )
        for i in range(route.n_factors)
    )
    return Table(
        "Correlations of the factors",
        "What the factors have in common, with intervals.",
        ("", *(f"F{j + 1}" for j in range(route.n_factors))),
        rows,
        folded=True,
    )


def _rules(route: FactorRoute) -> Table:
    rows = tuple(
        (
            rule.rule + (" (for reference)" if rule.for_reference else ""),
            DASH if rule.suggests is None else str(rule.suggests),
            "; ".join((rule.detail, *map(weakness, rule.flags))),
        )
        for rule in route.rules
    )
    return Table(
        "All rules for the number of factors, with their figures",
        "A rule for reference is known to mislead. Lists of one model are no independent rows, so rules that count "
        "rows find too many factors where models have styles of their own.",
        ("Rule", "Suggests", "Figures"),
        rows,
        folded=True,
    )


def _others(route: FactorRoute) -> Table:
    rows = tuple(
        (
            MATRICES[other.matrix],
            number(other.with_groups),
            number(other.with_route),
            str(other.n_terms) if other.n_terms else DASH,
            other.reason,
        )
        for other in route.others
    )
    return Table(
        "The same analysis of other matrices",
        "Adjusted Rand index of their primary loadings with the groups, and with the factors above. Between: which "
        f"terms the same {'respondents' if route.resampled == 'respondents' else 'models'} favour; within: which come "
        "together in one list beyond that.",
        ("Matrix", "With groups", "With these factors", "Terms", "Why not"),
        rows,
    )


def _with_interval(value: float, low: float, high: float) -> str:
    ends = tuple(None if end != end else float(end) for end in (low, high))
    unbroken = interval(*ends).replace(" ", "\u00a0")
    return f"{number(float(value))} {unbroken}".strip()


def _percent(part: float) -> str:
    return share(round(1000 * part), 1000)
