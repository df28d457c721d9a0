"""Say in plain words what the checks of measurement found wanting.

Owns the thresholds, each with its reason, and the wording. Every sentence carries the figures that it follows from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from valuelex.domain.quality import ALL, ConfoundCheck, Item, Quality
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import JudgePlan, Respondent
from valuelex.domain.wording import count
from valuelex.stages.exhibits import own_respondents

LEAST_RESPONDENT_SHARE = 0.1
"""Share of the variance of single ratings. Below it nine tenths of what is seen in examples is not the respondent."""
LEAST_GENERALIZABILITY = 0.7
"""Below it over 30 % of the differences between respondents' scores are error; usual floor for research on groups."""
MOST_AT_AN_END = 0.15
"""Share of respondents at an end of the scale from which floor and ceiling effects are held to be present (Terwee et
al. 2007)."""
MOST_FIRST_SHARE = 0.7
"""Share of the first eigenvalue. Six subdimensions that correlate .64 on average have it: each then shares two fifths
of its variance with every other, so separate scores say little of their own."""
MOST_HTMT = 0.9
"""Usual limit for concepts that are near each other (Henseler, Ringle & Sarstedt 2015)."""
MOST_CONFOUNDED = 0.3
"""Absolute correlation with length or sentiment: a tenth of the variance, a medium effect (Cohen 1988)."""
LEAST_ALPHA = 0.667
"""Lowest agreement for tentative conclusions (Krippendorff 2004)."""
MOST_NEGATIVE = 0.1
"""Share of stems with negative discrimination. Under no relation half would be negative; a few come by chance."""
MOST_MISSING = 0.2
"""Share of ratings that are missing: beyond a fifth, what is missing may decide the result."""
MAX_NAMED = 3
"""Subdimensions or stems named in one sentence."""


Names = Mapping[str, str]
"""Names of subdimensions and dimensions by their ids."""


def quality_warnings(
    quality: Quality, system: ValueSystem, respondents: Sequence[Respondent], judges: Sequence[JudgePlan]
) -> tuple[str, ...]:
    """List what the figures warn of, the design first.

    Parameters
    ----------
    quality
        The checks; its own warnings are not read.
    system
        The value system, for the names of its subdimensions and dimensions.
    respondents, judges
        As in the study; judges that are not among them are not looked up.
    """
    names = {s.id: s.name for s in system.subdimensions} | {d.id: d.name for d in system.dimensions}
    sentences = [
        *_design(quality, respondents, judges),
        *_components(quality, names),
        *_items(quality, names),
        *_judges(quality, names),
        *_halo(quality, names),
        *_confounds(quality, names),
    ]
    return tuple(sentences)


def _design(
    quality: Quality, respondents: Sequence[Respondent], judges: Sequence[JudgePlan]
) -> Iterator[str]:
    if len(quality.judges) == 1:
        yield (
            f"All ratings come from one judge ({quality.judges[0]}): how much of them is the judge cannot be told. "
            "Add a second."
        )
    if quality.n_draws == 1:
        yield (
            "Every stem was asked once: chance in a respondent's answers cannot be told from its own way with a "
            "stem. Ask for two draws or more."
        )
    asked = [r for r in respondents if r.id in {p.respondent_id for p in quality.profiles}]
    for judge in judges:
        own = own_respondents(judge, asked) if judge.id in quality.judges and not judge.exclude_family else ()
        if own:
            yield (
                f"Judge {judge.id!r} shares family or maker with {count(len(own), 'respondent')} that it rated "
                f"(first: {own[0]!r}) and may favour them."
            )


def _components(quality: Quality, names: Names) -> Iterator[str]:
    low = [
        (component.share, table.target)
        for table in quality.components
        for component in table.components
        if component.effect == "respondent"
        and component.share < LEAST_RESPONDENT_SHARE
        and table.scores == "raw"
        and table.target != ALL
    ]
    if low:
        share, target = min(low)
        yield (
            f"Who answers makes less than {LEAST_RESPONDENT_SHARE:.0%} of the variance of single ratings on "
            f"{_named([t for _, t in sorted(low)], names)} ({share:.1%} on {names.get(target, target)}): "
            "a single completion shows next to nothing of its respondent."
        )
    weak = [
        (d.present.generalizability.value, d.target)
        for d in quality.decisions
        if d.scores == "raw"
        and d.target != ALL
        and d.present is not None
        and d.present.generalizability.value is not None
        and d.present.generalizability.value < LEAST_GENERALIZABILITY
    ]
    if weak:
        value, target = min(weak)
        yield (
            f"Generalizability is below {LEAST_GENERALIZABILITY:g} on {_named([t for _, t in sorted(weak)], names)} "
            f"({value:.2f} on {names.get(target, target)}): other stems would order respondents otherwise."
        )


def _items(quality: Quality, names: Names) -> Iterator[str]:
    for end, share_of in (("highest", _ceiling), ("lowest", _floor)):
        shares = {k: share_of(own) for k, own in _by_subdimension(quality.items).items()}
        at_end = {k: share for k, share in shares.items() if share > MOST_AT_AN_END}
        if at_end:
            most = max(at_end, key=lambda k: at_end[k])
            yield (
                f"More than {MOST_AT_AN_END:.0%} of the ratings lie at the {end} point of the scale on "
                f"{_named(sorted(at_end, key=lambda k: -at_end[k]), names)} "
                f"({at_end[most]:.0%} on {names.get(most, most)}): respondents "
                "beyond it cannot be told apart."
            )
    told = [item for item in quality.items if item.discrimination is not None]
    negative = [item for item in told if item.discrimination is not None and item.discrimination < 0]
    if told and len(negative) > MOST_NEGATIVE * len(told):
        stems = list(dict.fromkeys(item.stem_id for item in sorted(negative, key=_discrimination)))
        yield (
            f"{len(negative)} of {len(told)} pairs of stem and subdimension order respondents against the other stems "
            f"(worst: {_named(stems, {})}); read them before you trust the order, and mend or drop what does so again."
        )
    missing = {k: _mean([i.missing for i in own]) for k, own in _by_subdimension(quality.items).items()}
    gone = {k: share for k, share in missing.items() if share > MOST_MISSING}
    if gone:
        most = max(gone, key=lambda k: gone[k])
        yield (
            f"More than {MOST_MISSING:.0%} of the ratings are missing on "
            f"{_named(sorted(gone, key=lambda k: -gone[k]), names)} ({gone[most]:.0%} on {names.get(most, most)}): "
            "scores hold for the completions that could be rated."
        )


def _judges(quality: Quality, names: Names) -> Iterator[str]:
    low = [
        (a.alpha.value, a.target)
        for a in quality.agreements
        if a.alpha.value is not None and a.alpha.value < LEAST_ALPHA
    ]
    if low:
        value, target = min(low)
        yield (
            f"Judges agree less than alpha {LEAST_ALPHA:g} on {_named([t for _, t in sorted(low)], names)} "
            f"({value:.2f} on {names.get(target, target)}): not enough even for tentative conclusions from one of them."
        )


def _halo(quality: Quality, names: Names) -> Iterator[str]:
    for halo in quality.halos:
        share = halo.first_share.value
        if share is not None and share > MOST_FIRST_SHARE:
            where = {
                "respondent": "Between respondents",
                "completion": "Between completions",
                "within": "Between completions of the same respondent and stem",
            }[halo.level]
            yield (
                f"{where} one factor carries {share:.0%} of the variance of {len(halo.subdimensions)} subdimensions: "
                "they are rated as if they were one."
            )
    for pair in quality.discriminances:
        if pair.level == "respondent" and pair.htmt.value is not None and pair.htmt.value > MOST_HTMT:
            yield (
                f"Dimensions {names.get(pair.a, pair.a)!r} and {names.get(pair.b, pair.b)!r} cannot be told apart "
                "between respondents (HTMT "
                f"{pair.htmt.value:.2f}, above {MOST_HTMT:g})."
            )


def _confounds(quality: Quality, names: Names) -> Iterator[str]:
    for covariate in dict.fromkeys(check.covariate for check in quality.confounds):
        strong = [c for c in quality.confounds if c.covariate == covariate and _strength(c) > MOST_CONFOUNDED]
        if strong:
            worst = max(strong, key=_strength)
            value = worst.correlation.value
            targets = _named(list(dict.fromkeys(c.target for c in strong)), names)
            yield (
                f"Ratings follow the {covariate} of completions (|r| above {MOST_CONFOUNDED:g} for {targets}; "
                f"{value:.2f} on {names.get(worst.target, worst.target)}, {_where(worst)}); "
                f"compare with results that have {covariate} removed."
            )


def _where(check: ConfoundCheck) -> str:
    return {
        "respondent": "over respondents",
        "completion": "over completions",
        "within": "within respondents and stems",
    }[check.level]


def _strength(check: ConfoundCheck) -> float:
    """Absolute correlation; 0 where it is not known or its interval holds 0."""
    r = check.correlation
    if r.value is None or (r.low is not None and r.high is not None and r.low <= 0 <= r.high):
        return 0.0
    return abs(r.value)


def _discrimination(item: Item) -> float:
    return item.discrimination if item.discrimination is not None else 1.0


def _by_subdimension(items: Sequence[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.subdimension, []).append(item)
    return found


def _ceiling(items: Sequence[Item]) -> float:
    return _mean([i.ceiling for i in items if i.ceiling is not None])


def _floor(items: Sequence[Item]) -> float:
    return _mean([i.floor for i in items if i.floor is not None])


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else 0.0


def _named(ids: Sequence[str], names: Names) -> str:
    """List the first by their names, and how many more there are."""
    more = len(ids) - MAX_NAMED
    shown = ", ".join(names.get(one, one) for one in ids[:MAX_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
