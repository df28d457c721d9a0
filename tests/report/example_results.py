"""A small but complete set of results with made-up data, for the tests of the report.

Four respondents, twelve stems in two draws, a shipped-like system (3 x 2) and a built one (2 x 2), missing
answers of several reasons, and hostile text in every place that a model or a study can write to.
Orientations are computed here by plain loops, apart from the report's own arithmetic.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from statistics import fmean, stdev

import numpy as np

from examples import level_choice, manual, structure
from valuelex.domain.call import Missing
from valuelex.domain.lexicon import Drop, Dropped, Lexicon, Merge, Response, ResponseMatrix, Rule, Term
from valuelex.domain.measure import (
    Completion,
    Contrast,
    Orientation,
    ProjectiveTest,
    RatingArray,
    Stem,
    StemKind,
)
from valuelex.domain.quality import Quality
from valuelex.domain.results import Found, Results
from valuelex.domain.structure import Dimension, Subdimension, Taxonomy, ValueSystem
from valuelex.domain.study import (
    ComparePlan,
    ConstructPlan,
    ElicitPlan,
    Endpoint,
    FewShot,
    JudgePlan,
    Model,
    NormalisePlan,
    ProjectPlan,
    Prompt,
    PromptSet,
    Respondent,
    Study,
)
from valuelex.stages.quality import measure_quality

SCRIPT = "<script>alert(1)</script>"
CLOSING = '</script><img src=x onerror="alert(2)">'
FORMULA = '=cmd("calc")'
BIDI = "safe \u202eesrever\u202c and zero\u200bwidth"
HOSTILE = (SCRIPT, CLOSING, FORMULA, BIDI)
JUDGE = "axis"

WORDS = (
    ("clarity", "accuracy", "care", "skill"),
    ("patience", "help", "candour", "service"),
    ("kindness", "friendship", "warmth", "humour"),
    ("courage", "hope", "freedom", "wonder"),
)
ENDINGS = (
    "checked the figure twice and wrote to say so.",
    "asked what the other person needed first.",
    "went home and slept.",
    "told them plainly that I did not know.",
)


def shipped_system() -> ValueSystem:
    """Three dimensions of two subdimensions, as a shipped system has."""
    names = (
        ("Craft", ("Skilled", "Useful")),
        ("Company", ("Warm", "Hopeful")),
        ("Duty", ("Careful", "Fair")),
    )
    return _system("given-3x2", "Given system", names)


def built_system(words: tuple[tuple[str, ...], ...]) -> ValueSystem:
    """Two dimensions over one subdimension for each group of words."""
    half = (len(words) + 1) // 2
    names = tuple(
        (f"Found {d + 1}", tuple(" ".join(group[:2]) for group in part))
        for d, part in enumerate((words[:half], words[half:]))
    )
    markers = {" ".join(group[:2]): group[:4] for group in words}
    return _system("built", "Built system", names, markers)


def _system(name: str, title: str, names: tuple, markers: dict | None = None) -> ValueSystem:
    dimensions = tuple(
        Dimension(
            f"{name}-{dimension}",
            dimension,
            f"What {dimension} means here.",
            tuple(
                Subdimension(
                    f"{name}-{sub}",
                    sub,
                    f"What {sub} means here. {SCRIPT}",
                    (markers or {}).get(sub, ("word", "other")),
                    ("I did.",),
                    ("I did not.",),
                )
                for sub in subs
            ),
        )
        for dimension, subs in names
    )
    return ValueSystem(name, title, f"Made up for tests. {FORMULA}", dimensions)


def respondents(n: int) -> tuple[Respondent, ...]:
    """Respondents of n // 2 families, chat and raw completion in turn."""
    endpoint = Endpoint("made-up", "embedded", None, sends_seed=True, max_in_flight=1)
    made = []
    for i in range(n):
        api = "chat" if i % 2 == 0 else "completion"
        name = f"model-{i // 2 + 1}-{'instruct' if i % 2 == 0 else 'base'}"
        attributes = {"training": "instruct" if i % 2 == 0 else "base"}
        if i == 0:
            attributes["note"] = CLOSING
        made.append(
            Respondent(
                id=f"{name} {SCRIPT}" if i == 1 else name,
                model=Model(endpoint, name, revision=f"{i:064x}"),
                api=api,
                temperature=1.0,
                top_p=0.95,
                family=f"family-{i // 2 + 1}",
                persona="nurse" if i == 2 else None,
                subject=f"an experienced nurse {BIDI}" if i == 2 else None,
                attributes=attributes,
            )
        )
    return tuple(made)


def stems(n: int) -> tuple[Stem, ...]:
    """Stems of all four kinds in turn."""
    themes = [s.id for s in shipped_system().subdimensions]
    kinds = tuple(StemKind)
    return tuple(
        Stem(
            f"stem-{i + 1}",
            f"When situation number {i + 1} came up, I",
            kinds[i % 4],
            themes[i % len(themes)],
            against=themes[(i + 1) % len(themes)] if kinds[i % 4] is StemKind.CONFLICT else None,
        )
        for i in range(n)
    )


def completions(
    people: tuple[Respondent, ...], items: tuple[Stem, ...], draws: int
) -> tuple[Completion, ...]:
    """Completions of every respondent; each seventh is missing, for four reasons in turn."""
    why = (Missing.REFUSED, Missing.OFF_TOPIC, Missing.EMPTY, Missing.CALL_FAILED)
    made = []
    for r, person in enumerate(people):
        for s, stem in enumerate(items):
            for draw in range(draws):
                i = len(made)
                missing = why[(i // 7) % 4] if i % 7 == 3 else None
                text = HOSTILE[i % 4] if i % 5 == 0 else ENDINGS[(r + s + draw) % 4]
                if missing in (Missing.EMPTY, Missing.CALL_FAILED):
                    text = ""
                made.append(Completion(f"c{i}", person.id, stem.id, draw, text, missing, f"call1-{i:04d}"))
    return tuple(made)


def ratings(system: ValueSystem, said: tuple[Completion, ...], seed: int) -> RatingArray:
    """Random ratings with a standing for each respondent; none for a missing completion."""
    rng = np.random.default_rng(seed)
    ids = list(dict.fromkeys(c.respondent_id for c in said))
    standing = rng.normal(3.4, 0.8, size=(len(ids), len(system.subdimensions)))
    values = np.array([standing[ids.index(c.respondent_id)] for c in said])
    values = np.clip(values + rng.normal(0, 0.9, values.shape), 0, 6)
    values[[c.missing is not None for c in said]] = np.nan
    return RatingArray.of(JUDGE, system.name, values, said, tuple(s.id for s in system.subdimensions))


def stem_means(array: RatingArray, system: ValueSystem) -> dict[tuple[str, str, str], dict[str, float]]:
    """Mean rating over draws by (respondent, level, target) and stem, by plain loops."""
    column = {name: i for i, name in enumerate(array.subdimensions)}
    targets = [("subdimension", s.id, [column[s.id]]) for s in system.subdimensions]
    targets += [("dimension", d.id, [column[s.id] for s in d.subdimensions]) for d in system.dimensions]
    means: dict[tuple[str, str, str], dict[str, float]] = {}
    for level, target, columns in targets:
        draws: dict[tuple[str, str], list[float]] = {}
        for completion, row in zip(array.completions, array.values, strict=True):
            means.setdefault((completion.respondent_id, level, target), {})
            if completion.missing is None:
                rating = fmean(float(row[c]) for c in columns)
                draws.setdefault((completion.respondent_id, completion.stem_id), []).append(rating)
        for (respondent, stem), found in draws.items():
            means[respondent, level, target][stem] = fmean(found)
    return means


def orientations(array: RatingArray, system: ValueSystem) -> tuple[Orientation, ...]:
    """Means over stems with a normal interval; None where fewer than two stems were rated."""
    made = []
    for (respondent, level, target), by_stem in stem_means(array, system).items():
        own = tuple(c for c in array.completions if c.respondent_id == respondent)
        missing = dict(Counter(c.missing for c in own if c.missing is not None))
        estimate = low = high = None
        if len(by_stem) >= 2:
            estimate = fmean(by_stem.values())
            half = 1.96 * stdev(by_stem.values()) / len(by_stem) ** 0.5
            low, high = max(0.0, estimate - half), min(6.0, estimate + half)
        made.append(
            Orientation(
                respondent,
                array.system,
                array.judge,
                level,
                target,
                estimate,
                low,
                high,
                len(by_stem),
                len(own) - sum(missing.values()),
                missing,
            )
        )
    return tuple(made)


def contrasts(array: RatingArray, system: ValueSystem) -> tuple[Contrast, ...]:
    """Differences of every pair of respondents; the made-up p-values fall with the distance from zero."""
    means = stem_means(array, system)
    ids = list(dict.fromkeys(respondent for respondent, _, _ in means))
    made = []
    for level, target in dict.fromkeys((level, target) for _, level, target in means):
        for a, b in combinations(ids, 2):
            left, right = means[a, level, target], means[b, level, target]
            paired = [left[stem] - right[stem] for stem in left if stem in right]
            numbers: list[float | None] = [None] * 6
            if len(paired) >= 2:
                difference, spread = fmean(paired), stdev(paired)
                half = 1.96 * spread / len(paired) ** 0.5
                p = float(np.exp(-3 * abs(difference) / half))
                adjusted = min(1.0, 20 * p)
                numbers = [difference, difference - half, difference + half, difference / spread, p, adjusted]
            made.append(
                Contrast(
                    array.system, array.judge, "respondent", level, target, a, b, *numbers, len(paired), 1, 1
                )
            )
    return tuple(made)


def found(people: tuple[Respondent, ...], words: tuple[tuple[str, ...], ...], draws: int) -> Found:
    """Responses that name words of one or two groups, some of them missing, with all that follows from them."""
    rng = np.random.default_rng(5)
    names = tuple(sorted(word for group in words for word in group))
    group_of = {word: g for g, group in enumerate(words) for word in group}
    responses, rows = [], []
    for person in people:
        for prompt in ("prompt-1", "prompt-2"):
            for draw in range(draws):
                i = len(responses)
                group = words[int(rng.integers(len(words)))]
                named = [w for w in group if rng.random() < 0.7] + [names[int(rng.integers(len(names)))]]
                missing = Missing.REFUSED if i % 9 == 4 else Missing.UNPARSEABLE if i % 9 == 7 else None
                text = (
                    HOSTILE[i % 4]
                    if missing
                    else ", ".join(named) + (f", {HOSTILE[i % 4]}" if i % 5 == 0 else "")
                )
                responses.append(Response(f"r{i}", person.id, prompt, draw, text, missing, f"call1-r{i:04d}"))
                if missing is None:
                    rows.append((f"r{i}", person.id, [int(name in named) for name in names]))
    values = np.array([row for _, _, row in rows], dtype=np.uint8)
    by = [person for _, person, _ in rows]
    terms = tuple(
        Term(
            name,
            int(values[:, j].sum()),
            int(values[:, j].sum()),
            len({p for p, v in zip(by, values[:, j], strict=True) if v}),
        )
        for j, name in enumerate(names)
    )
    merges = (
        Merge(f"{names[0].upper()} {SCRIPT}", names[0], (Rule.CASE,), 3),
        Merge(f"{names[1]}s", names[1], (Rule.CASE, Rule.INFLECTION), 2),
    )
    dropped = (
        Dropped(CLOSING, Drop.JUNK, 4),
        Dropped(FORMULA, Drop.JUNK, 1),
        Dropped(BIDI, Drop.TOO_LONG, 2),
        Dropped("zest", Drop.RARE, 1),
    )
    subdimension = np.array([group_of[name] for name in names], dtype=np.int64)
    angle = 2 * np.pi * subdimension / len(words)
    centres = np.column_stack([np.cos(angle), np.sin(angle)])
    taxonomy = Taxonomy(
        names,
        subdimension,
        (subdimension >= (len(words) + 1) // 2).astype(np.int64),
        rng.random(len(names)),
        np.round(rng.uniform(0.2, 1.0, len(names)), 3),
        centres + rng.normal(0, 0.25, (len(names), 2)),
        {"between": 1.0, "within": 0.5, "embeddings": 0.0},
        200,
    )
    matrix = ResponseMatrix.of_dense(values, tuple(r for r, _, _ in rows), tuple(by), names)
    evidence = structure(
        taxonomy,
        joint=level_choice(n_groups=len(words)),
        n_given=len(words),
        independent="respondents",
        n_independent=len(people),
        verdict=(f"A verdict. {SCRIPT}",),
    )
    return Found(tuple(responses), Lexicon(terms, merges, dropped), matrix, evidence, built_system(words))


def example_results(
    *,
    n_respondents: int = 4,
    n_stems: int = 12,
    words: tuple[tuple[str, ...], ...] = WORDS,
    elicited: bool = True,
    with_quality: bool = False,
) -> Results:
    """Build the results; `elicited=False` gives those of a plain measurement on the given system."""
    people, items, draws = respondents(n_respondents), stems(n_stems), 2
    said = completions(people, items, draws)
    given = shipped_system()
    of_words = found(people, words, draws) if elicited else None
    systems = (given, of_words.system) if of_words is not None else (given,)
    arrays = tuple(ratings(system, said, seed) for seed, system in enumerate(systems))
    prompts = PromptSet(
        "prompts-test",
        "Made up for tests.",
        tuple(
            Prompt(f"prompt-{i}", f"Which words? {SCRIPT}", "My words: 1.", "Values of {subject}:")
            for i in (1, 2)
        ),
        (FewShot("a gardener", ("growth", "patience")),),
    )
    study = Study(
        name=f"Example & {SCRIPT}",
        seed=7,
        respondents=people,
        elicit=ElicitPlan(prompts, draws, 64) if elicited else None,
        normalise=NormalisePlan(2, ("warmth",), (), {"warm": "warmth"}) if elicited else None,
        construct=ConstructPlan(n_dimensions=2, n_subdimensions=len(words), resamples=200)
        if elicited
        else None,
        project=ProjectPlan(
            ProjectiveTest("stems-test", "Made up for tests.", items, ("The soup was hot, so I waited.",)),
            draws,
            48,
            (given,),
            built=elicited,
        ),
        judges=(JudgePlan(JUDGE, "axis"),),
        manual=manual(),
        compare=ComparePlan(("respondent",), 1000),
    )
    pairs = tuple(zip(arrays, systems, strict=True))
    return Results(
        study=study,
        found=of_words,
        systems=systems,
        completions=said,
        ratings=arrays,
        orientations=tuple(o for array, system in pairs for o in orientations(array, system)),
        contrasts=tuple(c for array, system in pairs for c in contrasts(array, system)),
        warnings=(
            "A model of 135 million parameters shows the pipeline at work, not what larger models value.",
        ),
        version="0.1.0",
        quality=tuple(quality(array, system, study) for array, system in pairs) if with_quality else (),
    )


def quality(array: RatingArray, system: ValueSystem, study: Study) -> Quality:
    """Quality of measurement with two judges: the one of the results, and one who is half a point milder."""
    milder = np.clip(array.values + 0.5, 0, 6)
    second = replace(array, judge="mild", values=milder)
    return measure_quality(
        [array, second],
        system,
        study.respondents,
        study.project.test.stems,
        np.linspace(-1, 1, len(array.completions)),
        100,
        np.random.default_rng(1),
        study.judges,
    )
