"""Join every orientation to the completions behind it, and every term to its responses.

Owns the plain data that the panel of the report reads, and the check that a shown mean follows from the
shown ratings. Estimates nothing new: the mean here is the definition of an orientation, written again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose, isnan
from typing import Any

from valuelex.domain.lexicon import Response
from valuelex.domain.measure import REASONS as MISSING
from valuelex.domain.measure import Completion, Level, Note, Orientation, RatingArray, Stem
from valuelex.domain.results import Found, Results
from valuelex.errors import DataError
from valuelex.report.wording import DASH, REASONS, Labels, labels, number

_DIGITS = 6
_NO_RATING = "no rating"


@dataclass(frozen=True, slots=True)
class Target:
    """A subdimension or dimension of one measure, and the columns of ratings whose mean rates it."""

    level: Level
    id: str
    name: str
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One judge on one value system: what it measures, and its ratings by completion.

    `rows` holds one entry for each completion of the study, in order: its ratings by subdimension in scale
    points (None where there is no rating), or None when this judge was not shown the completion.
    `missing` has why there is no rating, in the same form; `grounds` the judge's evidence and reason of its first
    draw, where it gave any.
    """

    system: str
    judge: str
    title: str
    targets: tuple[Target, ...]
    subdimensions: tuple[str, ...]
    rows: tuple[tuple[float | None, ...] | None, ...]
    missing: tuple[tuple[str | None, ...] | None, ...]
    grounds: tuple[tuple[str, ...] | None, ...]

    def rating(self, completion: int, target: Target) -> float | None:
        """Return the mean rating of a completion over a target's rated subdimensions; None if none is rated."""
        row = self.rows[completion]
        if row is None:
            return None
        found = [value for value in (row[c] for c in target.columns) if value is not None]
        return sum(found) / len(found) if found else None


@dataclass(frozen=True, slots=True)
class CompletionRow:
    """One completion as a line of a table; `ratings` are numbers or reasons, and empty when it is missing."""

    stem: str
    text: str
    kind: str
    theme: str
    draw: int
    missing: str | None
    ratings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """One elicitation response as a line of a table."""

    prompt: str
    draw: int
    text: str
    missing: str | None


@dataclass(frozen=True, slots=True)
class RespondentEvidence:
    """Everything one respondent said."""

    respondent: str
    completions: tuple[CompletionRow, ...]
    responses: tuple[ResponseRow, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All completions with ratings, by respondent and as the data of the panel.

    `columns` are pairs (measure title, subdimension names) for the head of the completion tables.
    """

    columns: tuple[tuple[str, tuple[str, ...]], ...]
    respondents: tuple[RespondentEvidence, ...]
    data: dict[str, Any]

    @property
    def n_columns(self) -> int:
        """Rating columns of the completion tables, over all measures."""
        return sum(len(names) for _, names in self.columns)


def read_measures(results: Results) -> tuple[Measure, ...]:
    """Return every judge and value system that rated something, systems first in their order.

    Raises
    ------
    DataError
        If ratings are of a value system that is not among the results.
    """
    known = labels(results)
    order = {system.name: i for i, system in enumerate(results.systems)}
    unknown = sorted({array.system for array in results.ratings} - set(order))
    if unknown:
        msg = f"Ratings are of {unknown[0]!r}, which is not among the measured systems: {', '.join(order)}."
        raise DataError(msg)
    arrays = sorted(results.ratings, key=lambda array: order[array.system])
    n_judges = len({array.judge for array in arrays})
    return tuple(_measure(array, results, known, name_judge=n_judges > 1) for array in arrays)


def _measure(array: RatingArray, results: Results, known: Labels, *, name_judge: bool) -> Measure:
    system = next(s for s in results.systems if s.name == array.system)
    column = {name: i for i, name in enumerate(array.subdimensions)}
    targets = [
        Target("subdimension", s.id, s.name, (column[s.id],)) for s in system.subdimensions if s.id in column
    ]
    for dimension in system.dimensions:
        columns = tuple(column[s.id] for s in dimension.subdimensions if s.id in column)
        if columns:
            targets.append(Target("dimension", dimension.id, dimension.name, columns))
    values: dict[str, tuple[float | None, ...]] = {
        completion.id: tuple(None if isnan(v) else float(v) for v in row)
        for completion, row in zip(array.completions, array.values, strict=True)
    }
    reasons: dict[str, tuple[str | None, ...]] = {
        completion.id: tuple(None if code < 0 else REASONS[MISSING[code]] for code in row)
        for completion, row in zip(array.completions, array.missing.tolist(), strict=True)
    }
    grounds = _grounds(array, results)
    title = known.system(array.system)
    return Measure(
        system=array.system,
        judge=array.judge,
        title=f"{title}, judge {array.judge}" if name_judge else title,
        targets=tuple(targets),
        subdimensions=tuple(known.target(array.system, "subdimension", s) for s in array.subdimensions),
        rows=tuple(values.get(c.id) for c in results.completions),
        missing=tuple(reasons.get(c.id) for c in results.completions),
        grounds=tuple(grounds.get(c.id) for c in results.completions),
    )


def _grounds(array: RatingArray, results: Results) -> dict[str, tuple[str, ...]]:
    """Return what the judge pointed at and said of each subdimension, by completion."""
    said = {
        (n.exhibit_id, n.subdimension): n
        for n in reversed(results.notes)
        if (n.judge, n.system) == (array.judge, array.system)
    }
    if not said:
        return {}
    return {
        completion: tuple(_ground(said.get((exhibit, s))) for s in array.subdimensions)
        for completion, exhibit in results.exhibit_of.items()
    }


def _ground(note: Note | None) -> str:
    if note is None:
        return ""
    found = "" if note.evidence_found else " (not in the completion)"
    quoted = f"“{note.evidence}”{found}" if note.evidence else ""
    return ": ".join(part for part in (quoted, note.reason) if part)


def mean_of_stems(pairs: Sequence[tuple[str, float | None]]) -> float | None:
    """Return the mean over stems of the mean over each stem's ratings, in scale points.

    Parameters
    ----------
    pairs
        Stem and rating of every completion of one respondent on one target; None where it has no rating.

    Returns
    -------
    float or None
        None when nothing was rated.
    """
    by_stem: dict[str, list[float]] = {}
    for stem, rating in pairs:
        if rating is not None:
            by_stem.setdefault(stem, []).append(rating)
    means = [sum(ratings) / len(ratings) for ratings in by_stem.values()]
    return sum(means) / len(means) if means else None


def build_evidence(results: Results, measures: Sequence[Measure]) -> Evidence:
    """Gather the completions and responses of every respondent.

    Raises
    ------
    DataError
        If an orientation is not the mean of the completions behind it.
    """
    means = _checked_means(results, measures)
    return Evidence(
        columns=tuple((m.title, m.subdimensions) for m in measures),
        respondents=tuple(_of_respondent(r.id, results, measures) for r in results.study.respondents),
        data=_panel_data(results, measures, means),
    )


def _checked_means(results: Results, measures: Sequence[Measure]) -> list[list[list[str]]]:
    """Return the formatted means as [measure][target][respondent], each equal to its orientation."""
    estimates = {_key(o): o.estimate for o in results.orientations}
    of_respondent: dict[str, list[int]] = {r.id: [] for r in results.study.respondents}
    for i, completion in enumerate(results.completions):
        if completion.respondent_id in of_respondent:
            of_respondent[completion.respondent_id].append(i)
    means: list[list[list[str]]] = []
    wrong: list[str] = []
    for measure in measures:
        means.append([])
        for target in measure.targets:
            means[-1].append([])
            for respondent, indices in of_respondent.items():
                pairs = [(results.completions[i].stem_id, measure.rating(i, target)) for i in indices]
                mean = mean_of_stems(pairs)
                means[-1][-1].append(number(mean))
                estimate = estimates.get((respondent, measure.system, measure.judge, target.level, target.id))
                if estimate is not None and (mean is None or not isclose(mean, estimate, abs_tol=1e-6)):
                    wrong.append(f"{respondent} on {target.name}: {estimate!r}, completions give {mean!r}")
    measured = {(m.system, m.judge, t.level, t.id) for m in measures for t in m.targets}
    wrong += [f"{key[0]} on {key[4]}: no ratings" for key in estimates if key[1:] not in measured]
    if wrong:
        msg = (
            f"{len(wrong)} of {len(estimates)} orientations do not follow from their completions (first: "
            f"{'; '.join(wrong[:3])}). "
            "Score the ratings again before a report is written."
        )
        raise DataError(msg)
    return means


def _key(o: Orientation) -> tuple[str, str, str, str, str]:
    return (o.respondent_id, o.system, o.judge, o.level, o.target)


def _missing(completion: Completion | Response) -> str | None:
    return REASONS[completion.missing] if completion.missing is not None else None


def _of_respondent(respondent: str, results: Results, measures: Sequence[Measure]) -> RespondentEvidence:
    known = labels(results)
    stems = {s.id: s for s in results.study.project.test.stems}
    rows = []
    for i, completion in enumerate(results.completions):
        if completion.respondent_id != respondent:
            continue
        stem = _stem(stems, completion)
        ratings = tuple(
            number(value) if value is not None else why or DASH
            for measure in measures
            for value, why in zip(
                measure.rows[i] or (None,) * len(measure.subdimensions),
                measure.missing[i] or (None,) * len(measure.subdimensions),
                strict=True,
            )
        )
        rows.append(
            CompletionRow(
                stem=stem.worded(completion.wording),
                text=completion.text,
                kind=str(stem.kind),
                theme=_themes(stem, known),
                draw=completion.draw + 1,
                missing=_missing(completion),
                ratings=() if completion.missing is not None else ratings,
            )
        )
    found = results.found.responses if results.found is not None else ()
    responses = tuple(
        ResponseRow(r.prompt_id, r.draw + 1, r.text, _missing(r))
        for r in found
        if r.respondent_id == respondent
    )
    return RespondentEvidence(respondent, tuple(rows), responses)


def _stem(stems: dict[str, Stem], completion: Completion) -> Stem:
    if completion.stem_id not in stems:
        msg = f"Completion {completion.id!r} is of stem {completion.stem_id!r}, which is not in the test."
        raise DataError(msg)
    return stems[completion.stem_id]


def _themes(stem: Stem, known: Labels) -> str:
    if stem.against is None:
        return known.theme(stem.theme)
    return f"{known.theme(stem.theme)} against {known.theme(stem.against)}"


def _panel_data(
    results: Results, measures: Sequence[Measure], means: list[list[list[str]]]
) -> dict[str, Any]:
    known = labels(results)
    respondents = [r.id for r in results.study.respondents]
    stems = results.study.project.test.stems
    number_of = {id_: i for i, id_ in enumerate(respondents)}
    stem_of = {s.id: i for i, s in enumerate(stems)}
    n_wordings = results.study.project.n_wordings
    return {
        "respondents": respondents,
        "nStems": len(stems),
        "stems": [[s.worded(w), str(s.kind), _themes(s, known)] for w in range(n_wordings) for s in stems],
        "completions": [
            [
                number_of[c.respondent_id],
                stem_of[c.stem_id] + c.wording * len(stems),
                c.draw + 1,
                c.text,
                _missing(c),
            ]
            for c in results.completions
            if c.respondent_id in number_of
        ],
        "measures": [
            {
                "title": measure.title,
                "judge": measure.judge,
                "targets": [[t.name, list(t.columns)] for t in measure.targets],
                "ratings": [
                    None
                    if row is None or all(v is None for v in row)
                    else [None if v is None else round(v, _DIGITS) for v in row]
                    for c, row in zip(results.completions, measure.rows, strict=True)
                    if c.respondent_id in number_of
                ],
                "missing": _kept(results, number_of, measure.missing),
                "grounds": _kept(results, number_of, measure.grounds),
                "means": of_measure,
            }
            for measure, of_measure in zip(measures, means, strict=True)
        ],
        "noRating": _NO_RATING,
        **(
            _term_data(results.found)
            if results.found is not None and results.found.responses
            else {"responses": [], "terms": []}
        ),
    }


def _kept(
    results: Results, respondents: Mapping[str, int], rows: Sequence[tuple[str | None, ...] | None]
) -> list[list[str | None] | None]:
    """Return rows of the shown respondents; one without any text is None."""
    return [
        list(row) if row is not None and any(row) else None
        for c, row in zip(results.completions, rows, strict=True)
        if c.respondent_id in respondents
    ]


def _term_data(found: Found | None) -> dict[str, Any]:
    """Return the responses, and for each term of the matrix the numbers of those that named it."""
    if found is None or not found.responses:
        return {"responses": [], "terms": []}
    number_of = {r.id: i for i, r in enumerate(found.responses)}
    rows = [number_of[id_] for id_ in found.matrix.response_ids]
    named = found.matrix.named
    by_term: list[list[int]] = [[] for _ in found.matrix.terms]
    for row, column in zip(named.rows.tolist(), named.columns.tolist(), strict=True):
        by_term[column].append(rows[row])
    return {
        "responses": [[r.respondent_id, r.prompt_id, r.draw + 1, r.text] for r in found.responses],
        "terms": [[term, sorted(numbers)] for term, numbers in zip(found.matrix.terms, by_term, strict=True)],
    }
