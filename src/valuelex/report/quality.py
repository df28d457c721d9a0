"""Lay out the quality of measurement as warnings, sentences and tables.

Owns which figures a reader sees at once and which when asked. Computes none.
"""

from __future__ import annotations

from dataclasses import dataclass

from valuelex.domain.measure import Saving
from valuelex.domain.quality import (
    ALL,
    DecisionTable,
    Estimate,
    Item,
    Precision,
    Quality,
    ReliabilityKind,
    ScoreForm,
)
from valuelex.domain.quality import Level as QualityLevel
from valuelex.domain.results import Results
from valuelex.report.wording import DASH, Labels, count, interval, labels, number

RELIABILITY: dict[ReliabilityKind, str] = {
    "split_half": "random halves of the stems",
    "alternate_forms": "parallel forms",
    "alternate_wordings": "wordings of a stem",
    "retest": "draws (test and retest)",
}
LEVELS: dict[QualityLevel, str] = {
    "respondent": "means of respondents",
    "completion": "single completions",
    "within": "completions less their respondent and stem",
}
SCORES: dict[ScoreForm, str] = {"raw": "ratings", "ipsatised": "ratings less the completion's own mean"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of formatted cells; the first cell of a row names it. `folded` ones are shown when asked."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a bar: which effect makes which share of the variance on a target."""

    target: str
    effect: str
    share: float


@dataclass(frozen=True, slots=True)
class QualitySection:
    """How well one value system was measured."""

    title: str
    facts: str
    warnings: tuple[str, ...]
    sentences: tuple[str, ...]
    shares: tuple[Share, ...]
    tables: tuple[Table, ...]


def build_quality(results: Results) -> tuple[QualitySection, ...]:
    """Lay out the quality of every measured system."""
    return tuple(_section(q, results) for q in results.quality)


def _section(q: Quality, results: Results) -> QualitySection:
    known = labels(results)
    raw = [t for t in q.components if t.scores == "raw" and t.components]
    decided = [d for d in q.decisions if d.scores == "raw" and d.target == ALL]
    makers: list[Table | None] = [
        _components(q, known, "raw", folded=False),
        _decisions(q, known),
        _reliability(q, known),
        _agreement(q, known),
        _severity(q, known),
        _halo(q),
        _discriminance(q, known),
        _confounds(q, known),
        _weakest(q, known, results),
        _components(q, known, "ipsatised", folded=True),
        _profiles(q, known),
    ]
    return QualitySection(
        title=known.system(q.system),
        facts=(
            f"{count(q.n_completions, 'completion')} of {count(q.n_respondents, 'respondent')} to "
            f"{count(q.n_stems, 'stem')}, {count(q.n_draws, 'draw')}, rated by {', '.join(q.judges)}. "
            + _resampled(q)
        ),
        warnings=q.warnings,
        sentences=(*(d.sentence for d in decided if d.sentence), *_single(q, known), *_untold(q, known)),
        shares=tuple(
            Share(_target(q, known, t.target), c.effect.replace(" x ", " × "), c.share)
            for t in raw
            for c in t.components
        ),
        tables=tuple(t for t in makers if t is not None),
    )


def saving_sentence(saving: Saving | None) -> str:
    """Say what adaptive length saved; empty where every respondent was given every stem."""
    if saving is None:
        return ""
    fewest, most = min(saving.n_stems.values()), max(saving.n_stems.values())
    return (
        f"The length of the test was adaptive: respondents were asked {fewest} to {most} of "
        f"{count(saving.n_all, 'stem')}, which saved {100 * saving.share:.0f}\u00a0% of the completions."
    )


def _single(q: Quality, known: Labels) -> tuple[str, ...]:
    """Say how many stems single subdimensions need, which can be many more than the mean over all of them."""
    own = [d for d in q.decisions if d.scores == "raw" and d.target != ALL and d.present is not None]
    needed = {_target(q, known, d.target): d.stems_needed for d in own}
    told = {name: n for name, n in needed.items() if n is not None}
    if not told:
        return ()
    most = max(told, key=lambda name: told[name])
    never = [name for name, n in needed.items() if n is None]
    lost = f" On {', '.join(never)} no number of stems is enough." if never else ""
    return (
        "That is over all subdimensions. For a generalizability of 0.8 on a single one it takes "
        f"{min(told.values()):,} to {told[most]:,} stems ({most}).{lost}",
    )


def _resampled(q: Quality) -> str:
    if q.resampled == q.clustered:
        return f"Intervals resample {q.resampled}."
    return f"Intervals resample {q.resampled} for figures on respondents, {q.clustered} for those on completions."


def _untold(q: Quality, known: Labels) -> tuple[str, ...]:
    """Return, once each, what could not be told and what was left out; what holds of one target names it."""
    targets: dict[str, list[str]] = {}
    for table in q.components:
        if table.scores == "raw":
            for text in (*table.notes, table.reason):
                targets.setdefault(text, []).append(_target(q, known, table.target))
    said = {text: own for text, own in targets.items() if text}
    return tuple(
        f"{text[0].upper()}{text[1:]}" if len(own) > 1 else f"{own[0]}: {text.rstrip('.')}."
        for text, own in said.items()
    )


def _target(q: Quality, known: Labels, target: str) -> str:
    return "All subdimensions" if target == ALL else known.target(q.system, "subdimension", target)


def told(estimate: Estimate, digits: int = 2) -> str:
    """Write an estimate with its interval, or why there is none."""
    if estimate.value is None:
        return f"{DASH} ({estimate.reason})" if estimate.reason else DASH
    ends = interval(estimate.low, estimate.high).replace(" ", "\u00a0")
    return " ".join(part for part in (number(estimate.value, digits), ends) if part)


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.0f}\u00a0%"


def _components(q: Quality, known: Labels, scores: ScoreForm, *, folded: bool) -> Table | None:
    tables = [t for t in q.components if t.scores == scores and t.components]
    if not tables:
        return None
    effects = tuple(dict.fromkeys(c.effect for t in tables for c in t.components))
    decided = {(d.target, d.scores): d for d in q.decisions}
    rows = []
    for t in tables:
        found = {c.effect: c for c in t.components}
        cells = [
            f"{_percent(found[e].share)}: {told(found[e].variance)}" if e in found else DASH for e in effects
        ]
        rows.append((_target(q, known, t.target), *_coefficients(decided.get((t.target, scores))), *cells))
    return Table(
        f"Where the variance of single {SCORES[scores]} lies",
        "Share of the variance of a single rating, and the variance with its 95 % interval in squared scale points. "
        "G (generalizability) tells how well the whole test orders respondents, D (dependability) how well it "
        "fixes their level; both from 0 to 1.",
        ("On", "G", "D", *(e.replace(" x ", " × ") for e in effects)),
        tuple(rows),
        folded,
    )


def _coefficients(d: DecisionTable | None) -> tuple[str, str]:
    if d is None or d.present is None:
        return (DASH, DASH)
    return (told(d.present.generalizability), told(d.present.dependability))


def _decisions(q: Quality, known: Labels) -> Table | None:
    rows = []
    for d in q.decisions:
        if d.scores != "raw" or d.present is None:
            continue
        name = _target(q, known, d.target)
        needed = DASH if d.stems_needed is None else f"{d.stems_needed:,}"
        rows.append(_precision_row(f"{name}, as it is", d.present, needed))
        if d.target == ALL:
            rows += [_precision_row(f"{name}, otherwise", p, "") for p in d.rows]
    if not rows:
        return None
    return Table(
        "What another length would bring (D-study)",
        "Standard errors in scale points: relative for differences between respondents, absolute for one respondent's "
        "score. The last column is the number of stems at which G reaches .8.",
        ("On", "Stems", "Draws", "Judges", "G", "D", "Relative error", "Absolute error", "Stems for .8"),
        tuple(rows),
    )


def _precision_row(name: str, p: Precision, needed: str) -> tuple[str, ...]:
    return (
        name,
        f"{p.n_stems:.3g}",
        f"{p.n_draws:.3g}",
        f"{p.n_judges:.3g}",
        told(p.generalizability),
        told(p.dependability),
        number(p.relative_error),
        number(p.absolute_error),
        needed,
    )


def _reliability(q: Quality, known: Labels) -> Table | None:
    rows = tuple(
        (
            RELIABILITY[r.kind],
            _target(q, known, r.target),
            told(r.correlation),
            told(r.full_length),
            f"{r.correlation.n:,}",
        )
        for r in q.reliabilities
    )
    if not rows:
        return None
    return Table(
        "Reliability across respondents",
        "Correlation over respondents between two parts of the test, and that of the whole test by Spearman-Brown.",
        ("Between", "On", "Correlation", "At full length", "Respondents"),
        rows,
    )


def _agreement(q: Quality, known: Labels) -> Table | None:
    rows = [
        (_target(q, known, a.target), "all", told(a.alpha), "", "", told(a.icc_single), told(a.icc_mean))
        for a in q.agreements
    ]
    rows += [
        (
            _target(q, known, p.target),
            f"{p.a} and {p.b}",
            told(p.alpha),
            told(p.correlation),
            told(p.difference),
            "",
            "",
        )
        for p in q.pairs
    ]
    if not rows:
        return None
    return Table(
        "Agreement between judges",
        "On the completions that the judges share. Alpha is Krippendorff's on the interval scale; ICC(2,1) that of one "
        "judge, ICC(2,k) of their mean; the difference is that of the first judge less the second, in scale points.",
        ("On", "Judges", "Alpha", "Correlation", "Difference", "ICC(2,1)", "ICC(2,k)"),
        tuple(rows),
    )


def _severity(q: Quality, known: Labels) -> Table | None:
    rows = tuple(
        (_target(q, known, s.target), s.judge, told(s.shift), f"{s.shift.n:,}") for s in q.severities
    )
    if not rows:
        return None
    return Table(
        "Severity of judges",
        "How far a judge rates above (milder) or below the others on the same completions, in scale points. "
        "It is taken off before the panel's mean.",
        ("On", "Judge", "Shift", "Completions"),
        rows,
    )


def _halo(q: Quality) -> Table | None:
    rows = tuple(
        (
            LEVELS[h.level],
            told(h.first_share) if not h.reason else f"{DASH} ({h.reason})",
            told(h.mean_correlation),
            number(h.mean_reliability),
            " ".join(number(value) for value in h.eigenvalues),
        )
        for h in q.halos
    )
    if not rows:
        return None
    return Table(
        "Halo: do all subdimensions move together?",
        "The first eigenvalue of the correlations between subdimensions as a share of all; 1 would be a single score. "
        "Mean correlations near the mean reliability tell the same.",
        ("Between", "First eigenvalue", "Mean correlation", "Mean reliability (G)", "Eigenvalues"),
        rows,
    )


def _discriminance(q: Quality, known: Labels) -> Table | None:
    rows = tuple(
        (
            f"{known.target(q.system, 'dimension', d.a)} and {known.target(q.system, 'dimension', d.b)}",
            LEVELS[d.level],
            told(d.htmt),
            told(d.disattenuated),
        )
        for d in q.discriminances
    )
    if not rows:
        return None
    return Table(
        "Can the dimensions be told apart?",
        "HTMT: correlation of subdimensions across two dimensions over that within them; near 1 they are one. Beside "
        "it the correlation of the dimensions with error taken out, which can pass 1.",
        ("Dimensions", "Between", "HTMT", "Correlation without error"),
        rows,
    )


def _confounds(q: Quality, known: Labels) -> Table | None:
    rows = tuple(
        (
            c.covariate,
            LEVELS[c.level],
            _target(q, known, c.target),
            told(c.correlation),
            f"{c.correlation.n:,}",
        )
        for c in q.confounds
    )
    if not rows:
        return None
    return Table(
        "Length and style",
        "Correlation of ratings with the length of a completion (logarithm of words) and its sentiment (VADER). "
        "[compare] remove takes them out.",
        ("With", "Between", "On", "Correlation", "Cases"),
        rows,
    )


def _weakest(q: Quality, known: Labels, results: Results) -> Table | None:
    stems = {s.id: s.text for s in results.study.project.test.stems}
    rows = tuple(_item_row(item, stems, q, known) for item in q.weakest)
    if not rows:
        return None
    return Table(
        "Stems that tell respondents apart least",
        "Discrimination is the correlation over respondents with their mean on the other stems. All stems are in "
        "quality.json.",
        ("Stem", "On", "Kind", "Discrimination", "Mean", "SD", "At ceiling", "At floor", "Missing"),
        rows,
    )


def _item_row(item: Item, stems: dict[str, str], q: Quality, known: Labels) -> tuple[str, ...]:
    return (
        stems.get(item.stem_id, item.stem_id),
        _target(q, known, item.subdimension),
        item.kind,
        number(item.discrimination),
        number(item.mean),
        number(item.sd),
        _percent(item.ceiling),
        _percent(item.floor),
        _percent(item.missing),
    )


def _profiles(q: Quality, known: Labels) -> Table | None:
    if not q.profiles:
        return None
    names = tuple(dict.fromkeys(p.subdimension for p in q.profiles))
    found = {(p.respondent_id, p.subdimension): p for p in q.profiles}
    rows = []
    for respondent in dict.fromkeys(p.respondent_id for p in q.profiles):
        cells = [found.get((respondent, name)) for name in names]
        rows.append(
            (respondent, *(f"{number(c.raw)} ({_signed(c.ipsatised)})" if c else DASH for c in cells))
        )
    return Table(
        "Profiles: scores, and how far each lies above a respondent's own mean",
        "The second figure is free of whatever raises all scores of a respondent alike.",
        ("Respondent", *(_target(q, known, name) for name in names)),
        tuple(rows),
        folded=True,
    )


def _signed(value: float | None) -> str:
    text = number(value)
    return text if value is None or value <= 0 else f"+{text}"
