"""Lay out what second methods found: verdicts, convergence, the multitrait-multimethod table, scores.

Owns the names of methods in the report. Computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from valuelex.domain.quality import ScoreForm
from valuelex.domain.results import Results
from valuelex.domain.second import MethodScores, Multitrait, SecondMethods
from valuelex.report.quality import Table, told
from valuelex.report.wording import DASH, Labels, labels, number, reasons

METHODS = {"projective": "projective test", "choices": "choices", "direct": "direct ratings"}
FORMS: dict[ScoreForm, str] = {"raw": "as they are", "ipsatised": "less a respondent's own mean"}


@dataclass(frozen=True, slots=True)
class SecondSection:
    """Second methods on one value system."""

    title: str
    warnings: tuple[str, ...]
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]


def build_second(results: Results) -> tuple[SecondSection, ...]:
    """Lay out the second methods of every system that had any."""
    known = labels(results)
    return tuple(_section(found, known) for found in results.second)


def _section(found: SecondMethods, known: Labels) -> SecondSection:
    both = (found.multitrait, found.ipsatised)
    tables: list[Table | None] = [_convergence(found, known)]
    tables += [_pairs(one) for one in both]
    tables += [_matrix(one, found.system, known) for one in both]
    tables += [_scores(scores, known) for scores in found.scores]
    return SecondSection(
        title=known.system(found.system),
        warnings=found.warnings,
        sentences=tuple(
            dict.fromkeys(one.verdict or one.reason for one in both if one.verdict or one.reason)
        ),
        tables=tuple(t for t in tables if t is not None),
    )


def _convergence(found: SecondMethods, known: Labels) -> Table | None:
    rows = tuple(
        (
            known.target(found.system, "subdimension", c.trait),
            f"{_method(c.a)} and {_method(c.b)}",
            FORMS[one.scores],
            told(c.correlation),
            told(c.resampled),
            number(c.disattenuated),
        )
        for one in (found.multitrait, found.ipsatised)
        for c in one.convergences
    )
    if not rows:
        return None
    return Table(
        "Convergence: one subdimension, two methods",
        "Correlation over respondents, with Fisher's interval and with one over resampled units; the last column takes "
        "out the error that the methods' reliabilities tell. Choices sum to zero for each respondent: hold them "
        "against the others less a respondent's own mean.",
        ("On", "Methods", "Scores", "Correlation", "Resampled", "Without error"),
        rows,
    )


def _pairs(one: Multitrait) -> Table | None:
    rows = tuple(
        (
            f"{_method(p.a)} and {_method(p.b)}",
            told(p.mean_convergent),
            number(p.mean_heterotrait),
            number(p.ratio),
            f"{p.n_positive} of {p.n_convergent}",
            f"{p.n_above_heteromethod} of {p.n_heteromethod}",
            f"{p.n_above_monomethod} of {p.n_monomethod}",
        )
        for p in one.pairs
    )
    if not rows:
        return None
    return Table(
        f"Campbell and Fiske's criteria, scores {FORMS[one.scores]}",
        "Convergent correlations should lie above 0, and above those of different subdimensions by two methods "
        "(heteromethod) and within each method (monomethod).",
        (
            "Methods",
            "Mean convergent",
            "Mean of different subdimensions",
            "Ratio",
            "Above 0",
            "Above heteromethod",
            "Above monomethod",
        ),
        rows,
    )


def _matrix(one: Multitrait, system: str, known: Labels) -> Table | None:
    if not one.correlations:
        return None
    names = [
        (method, known.target(system, "subdimension", trait))
        for method in one.methods
        for trait in one.traits
    ]
    k = len(one.traits)
    rows = []
    for i, (method, trait) in enumerate(names):
        cells = [_cell(one, i, j) if j <= i else "" for j in range(len(names))]
        rows.append((f"{_method(method)}: {trait}", *cells))
    return Table(
        f"Multitrait-multimethod table, scores {FORMS[one.scores]}",
        "Correlations over respondents; in the diagonal the reliability, in brackets the same subdimension by two "
        f"methods. Columns are numbered like rows, {k} to a method.",
        ("", *(str(i + 1) for i in range(len(names)))),
        tuple((f"{i + 1}. {row[0]}", *row[1:]) for i, row in enumerate(rows)),
        folded=True,
    )


def _cell(one: Multitrait, i: int, j: int) -> str:
    k = len(one.traits)
    if i == j:
        reliability = one.reliabilities[i // k][i % k] if one.reliabilities else None
        return DASH if reliability is None else f"({number(reliability)})"
    value = number(one.correlations[i][j])
    return f"[{value}]" if i % k == j % k and value != DASH else value


def _scores(scores: MethodScores, known: Labels) -> Table:
    rows = []
    for r, respondent in enumerate(scores.respondent_ids):
        cells = [
            f"{number(value)} [{number(low)}, {number(high)}]".replace(" ", "\u00a0")
            if value == value
            else DASH
            for value, low, high in zip(
                scores.values[r].tolist(), scores.low[r].tolist(), scores.high[r].tolist(), strict=True
            )
        ]
        position = told(scores.position[r]) if scores.position else ""
        missing = "; ".join(part for part in (reasons(scores.missing[r]), scores.remarks[r]) if part)
        rows.append((respondent, *cells, position, missing))
    return Table(
        f"Scores by {_method(scores.method)}, in {scores.unit}",
        "With 95 % intervals over draws. First place: what standing first adds to a statement, in logits."
        if scores.position
        else "With 95 % intervals over draws.",
        (
            "Respondent",
            *(known.target(scores.system, "subdimension", s) for s in scores.subdimensions),
            "First place",
            "Missing and remarks",
        ),
        tuple(rows),
        folded=True,
    )


def _method(name: str) -> str:
    return METHODS.get(name, name)
