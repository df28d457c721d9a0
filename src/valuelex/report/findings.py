"""A few sentences that say what the figures allow, each with estimate, interval, n and caveat.

Claims a difference only where its interval leaves out zero and its p survives Holm's correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isnan

from valuelex.domain.call import Missing
from valuelex.domain.measure import Contrast, Orientation
from valuelex.domain.results import Results
from valuelex.report.evidence import Measure
from valuelex.report.lexical import WEAK, strength
from valuelex.report.measured import SIGNIFICANCE, survives
from valuelex.report.wording import count, labels, number, p_equals, reasons, share


def write_findings(results: Results, measures: Sequence[Measure]) -> tuple[str, ...]:
    """Write the findings of a study: of its value system, contrasts and orientations; at most five."""
    if not results.completions:
        of_texts = (*results.observed.verdict, results.observed.why_none) if results.observed else ()
        return tuple(filter(None, (*of_texts, _verdict_finding(results), _stability_finding(results))))
    sentences = [_verdict_finding(results), _contrast_finding(results)]
    sentences += [_orientation_finding(results, measure) for measure in measures][:2]
    sentences.append(_stability_finding(results))
    return tuple(s for s in sentences if s)


def _verdict_finding(results: Results) -> str:
    """Return the conclusion on the value system that was looked for, in lists, texts or ratings.

    That on texts has what the groups hold of topics before it; here it follows, where there are groups.
    """
    found, rated = results.found, results.rated
    structure = found.structure if found is not None else rated.structure if rated is not None else None
    if structure is None:
        return f"No groups of terms: {rated.reason}" if rated is not None and rated.reason else ""
    if results.observed is None:
        return structure.verdict[0]
    topics, conclusion = structure.verdict[:2]
    return f"{conclusion} {topics}" if structure.taxonomy.subdimension.any() else conclusion


def _contrast_finding(results: Results) -> str:
    if len(results.study.respondents) == 1:
        return "One respondent was measured, so there is nobody to compare it with: there are no contrasts."
    tested = [c for c in results.contrasts if c.p_adjusted is not None]
    if not tested:
        return "No contrast could be tested: too few stems were rated for any two sides."
    clear = [c for c in tested if survives(c) and _excludes_zero(c)]
    if clear:
        # Scale points of two targets are not the same unit; effect sizes are.
        largest = max(clear, key=lambda c: (abs(c.effect_size or 0.0), c.target, c.a, c.b))
        return _largest_contrast(results, largest, len(clear), len(tested))
    return (
        f"None of {count(len(tested), 'tested contrast')} survives Holm's correction at "
        f"{number(SIGNIFICANCE)}: these "
        "answers do not show that any two sides differ. That is not evidence that they are alike; "
        f"{_widest(tested)}"
    )


def _excludes_zero(c: Contrast) -> bool:
    return c.ci_low is not None and c.ci_high is not None and (c.ci_low > 0 or c.ci_high < 0)


def _widest(tested: Sequence[Contrast]) -> str:
    ends = [abs(end) for c in tested for end in (c.ci_low, c.ci_high) if end is not None]
    if not ends:
        return "no interval could be given."
    return f"the intervals reach as far as {number(max(ends))} scale points from no difference."


def _largest_contrast(results: Results, c: Contrast, n_clear: int, n_tested: int) -> str:
    known = labels(results)
    higher, lower = (c.a, c.b) if (c.difference or 0.0) > 0 else (c.b, c.a)
    low, high = sorted((abs(c.ci_low or 0.0), abs(c.ci_high or 0.0)))
    of_factor = "" if c.factor == "respondent" else f"{c.factor} "
    return (
        f"{of_factor}{higher} leans further toward {known.target(c.system, c.level, c.target)} than "
        f"{of_factor}{lower} "
        f"(difference {number(abs(c.difference or 0.0))} scale points, 95\u00a0% CI {number(low)} to "
        f"{number(high)}, "
        f"{count(c.n_stems, 'stem')}, {p_equals(c.p_adjusted)} after Holm; {_missing_of(results, c)}). "
        f"By effect size it is the clearest of {count(n_clear, 'contrast')} that "
        f"survive{'s' if n_clear == 1 else ''}, of {n_tested:,} tested by judge {c.judge} (Holm within factor, "
        "system and level); the clearest of many is likely overstated."
    )


def _missing_of(results: Results, c: Contrast) -> str:
    """Say which completions of two respondents are missing; for groups, how many respondents they hold."""
    if c.factor != "respondent":
        return (
            f"{count(c.n_respondents_a, 'respondent')} against {c.n_respondents_b:,}; what is missing of "
            "each stands in the "
            "table of orientations"
        )
    total: dict[Missing, int] = {}
    for o in results.orientations:
        if o.respondent_id in (c.a, c.b) and (o.system, o.judge, o.level, o.target) == (
            c.system,
            c.judge,
            c.level,
            c.target,
        ):
            for reason, n in o.missing.items():
                total[reason] = total.get(reason, 0) + n
    if not total:
        return "no completion missing"
    return f"{count(sum(total.values()), 'completion')} missing: {reasons(total)}"


def _orientation_finding(results: Results, measure: Measure) -> str:
    of_measure = [
        o
        for o in results.orientations
        if (o.system, o.judge, o.level) == (measure.system, measure.judge, "subdimension")
        and o.estimate is not None
        and o.ci_low is not None
        and o.ci_high is not None
    ]
    by_target: dict[str, list[Orientation]] = {}
    for o in of_measure:
        by_target.setdefault(o.target, []).append(o)
    # Levels of different subdimensions have no common zero, so only one subdimension is ranked.
    ranked = max((sorted(own, key=_rank) for own in by_target.values()), key=_range, default=[])
    if len(ranked) < 2:
        return ""
    low, high = ranked[0], ranked[-1]
    apart = (low.ci_high or 0.0) < (high.ci_low or 0.0)
    verdict = (
        "Their intervals do not meet, but both were picked as the extremes, which overstates the distance."
        if apart
        else "Their intervals overlap, so the order between them is not established."
    )
    name = labels(results).target(low.system, low.level, low.target)
    return (
        f"{measure.title}: the {count(len(ranked), 'respondent')} differ most on {name}: highest is "
        f"{_stands(high)}, lowest {_stands(low)}. {verdict}"
    )


def _rank(o: Orientation) -> tuple[float, str]:
    return (o.estimate or 0.0, o.respondent_id)


def _range(ranked: Sequence[Orientation]) -> float:
    return (ranked[-1].estimate or 0.0) - (ranked[0].estimate or 0.0)


def _stands(o: Orientation) -> str:
    return (
        f"{o.respondent_id} ({number(o.estimate)}, 95\u00a0% CI {number(o.ci_low)} to {number(o.ci_high)}, "
        f"{count(o.n_stems, 'stem')}, {o.n_missing:,} missing)"
    )


def _stability_finding(results: Results) -> str:
    if results.found is None or results.found.taxonomy.n_resamples == 0:
        return ""
    taxonomy = results.found.taxonomy
    n = len(taxonomy.terms)
    if n == 0:
        return ""
    weak = sum(strength(v) == "weak" for v in taxonomy.stability.tolist())
    who = count(len(results.study.respondents), "respondent")
    made = f"{count(n, 'value word')} from {who} make up the value system"
    least = WEAK if weak else min((v for v in taxonomy.stability.tolist() if not isnan(v)), default=0.0)
    often = (
        f"in at least {floor(100 * least + 1e-9)}\u00a0% of {count(taxonomy.n_resamples, 'resample')} of "
        f"{taxonomy.resampled}"
    )
    if not weak:
        return f"{made}; each stays in its group {often}."
    return (
        f"{made}; {weak:,} of them ({share(weak, n)}) {'does' if weak == 1 else 'do'} not stay in "
        f"{'its' if weak == 1 else 'their'} group {often}, so {'its' if weak == 1 else 'their'} place is undecided."
    )
