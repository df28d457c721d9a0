"""Turn results into the sections of the report: frozen rows and sentences, ready to be shown.

Owns what the report says and in which order. Draws nothing and writes no HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from valuelex.domain.call import Api, Missing
from valuelex.domain.lexicon import Response
from valuelex.domain.measure import Completion
from valuelex.domain.observed import ObservedText
from valuelex.domain.results import Results
from valuelex.domain.study import STUDY, JudgePlan, Respondent, Study, setting_text
from valuelex.report.crosswalk import CrosswalkSection, build_crosswalk
from valuelex.report.evidence import Evidence, Measure, build_evidence, read_measures
from valuelex.report.factors import FactorSection, build_factors
from valuelex.report.findings import write_findings
from valuelex.report.human_control import ControlSection, build_control
from valuelex.report.lexical import FoundSection, SystemView, build_found, view_system
from valuelex.report.measured import ContrastTable, OrientationSection, build_contrasts, build_orientations
from valuelex.report.naming import namer_setting
from valuelex.report.observed import ObservedSection, build_observed
from valuelex.report.populations import PopulationSection, build_populations
from valuelex.report.quality import QualitySection, build_quality, saving_sentence
from valuelex.report.rated_terms import RatedSection, build_rated
from valuelex.report.second import SecondSection, build_second
from valuelex.report.structure import StructureSection, build_structure
from valuelex.report.wording import DASH, REASONS, count, labels, listed, reasons, share

BRIEF = ("developer", "training", "n_parameters")
"""Attributes that a table of respondents shows wherever they are known; longer ones stand in study.resolved.json."""

ATTRIBUTES = {"n_parameters": "Parameters"}
"""Attributes whose name does not say in plain words what they are."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the summary with its name and what to know about it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class RespondentRow:
    """One respondent and its settings; `attributes` follow the columns of the section."""

    id: str
    model: str
    revision: str
    api: str
    persona: str
    temperature: str
    top_p: str
    family: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One elicitation prompt in both forms, and the first answers to it: (respondent, text, call key)."""

    id: str
    chat: str
    prefill: str
    raw: str
    answers: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class StemRow:
    """One stem, and the first answers to it: (respondent, text, call key)."""

    text: str
    kind: str
    theme: str
    answers: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class AskedSection:
    """What was asked of whom; `personas` tells whether anybody had one."""

    personas: bool
    attributes: tuple[str, ...]
    respondents: tuple[RespondentRow, ...]
    prompts: tuple[PromptRow, ...]
    prompt_examples: tuple[str, ...]
    stems: tuple[StemRow, ...]
    stem_examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MissingTable:
    """Missing answers by respondent and reason; each row is (name, n asked, cells, n missing).

    A cell is (count, share of asked). The last row is the total.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[tuple[str, str], ...], tuple[str, str]], ...]


@dataclass(frozen=True, slots=True)
class MethodSection:
    """How the study was made: settings and sources."""

    settings: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the report shows, in its order."""

    name: str
    version: str
    warnings: tuple[str, ...]
    facts: tuple[Fact, ...]
    findings: tuple[str, ...]
    asked: AskedSection
    measured: bool
    opens_terms: bool
    """Whether terms open onto the responses that named them."""
    observed: ObservedSection | None
    found: FoundSection | None
    structure: StructureSection | None
    factors: tuple[FactorSection, ...]
    populations: PopulationSection | None
    systems: tuple[SystemView, ...]
    orientations: tuple[OrientationSection, ...]
    no_contrasts: str
    contrasts: tuple[ContrastTable, ...]
    saving: str
    quality: tuple[QualitySection, ...]
    second: tuple[SecondSection, ...]
    rated: RatedSection | None
    control: ControlSection | None
    crosswalk: CrosswalkSection | None
    evidence: Evidence
    missing: tuple[MissingTable, ...]
    method: MethodSection


def build_report(results: Results) -> Report:
    """Gather all sections of the report.

    Raises
    ------
    DataError
        If orientations, ratings and completions contradict one another.
    """
    measures = read_measures(results)
    built = results.built.name if results.built is not None else None
    contrasts = build_contrasts(results, measures)
    return Report(
        name=results.study.name,
        version=results.version,
        warnings=results.warnings,
        facts=_facts(results, measures),
        findings=write_findings(results, measures),
        asked=_asked(results),
        measured=bool(results.completions),
        opens_terms=results.found is not None and bool(results.found.responses),
        observed=build_observed(results),
        found=build_found(results),
        structure=build_structure(results),
        factors=build_factors(results),
        populations=build_populations(results),
        systems=tuple(view_system(s) for s in results.systems if s.name != built),
        orientations=build_orientations(results, measures),
        no_contrasts="" if contrasts else _no_contrasts(results),
        contrasts=contrasts,
        saving=saving_sentence(results.saving),
        quality=build_quality(results),
        second=build_second(results),
        rated=build_rated(results),
        control=build_control(results),
        crosswalk=build_crosswalk(results),
        evidence=build_evidence(results, measures),
        missing=_missing_tables(results),
        method=_method(results),
    )


def _no_contrasts(results: Results) -> str:
    if len(results.study.respondents) == 1:
        return (
            "One respondent was measured, so there is nobody to compare it with. "
            "Add a second one for contrasts."
        )
    return "The study compares nothing: its list of factors gives no two sides."


def _facts(results: Results, measures: Sequence[Measure]) -> tuple[Fact, ...]:
    respondents = results.study.respondents
    n_models = len({(r.model.label, r.model.revision) for r in respondents})
    n_families = len({r.family for r in respondents})
    facts = [
        Fact("Respondents", f"{len(respondents):,}", f"{count(n_models, 'model')}, {_families(n_families)}"),
    ]
    if results.found is not None:
        if results.observed is None:
            facts.append(_answers_fact("Responses", "parseable", results.found.responses))
        lexicon = results.found.lexicon
        written, dropped = len(lexicon.merges), len(lexicon.dropped)
        facts.append(
            Fact(
                "Value terms",
                f"{len(lexicon.terms):,}",
                f"from {count(written, 'form')}, {count(dropped, 'form')} dropped",
            )
        )
    if results.observed is not None:
        texts = results.observed.texts
        missing = sum(text.missing is not None for text in texts)
        words = f"{count(results.observed.n_words, 'word')} in {len(texts) - missing:,} of them"
        facts.append(Fact("Recorded texts", f"{len(texts):,}", words))
    if results.rated is not None:
        asked, read = int(results.rated.matrix.n_asked.sum()), int(results.rated.matrix.n.sum())
        words = f"{read:,} read ({share(read, asked)}), of {count(len(results.rated.matrix.terms), 'term')}"
        facts.append(Fact("Ratings of terms asked", f"{asked:,}", words))
    if not results.completions:
        return tuple(facts)
    facts.append(_answers_fact("Completions", "usable", results.completions))
    return (*facts, *_rated_facts(results, measures))


def _families(n: int) -> str:
    return count(n, "family", "families")


def _answers_fact(label: str, good: str, answers: Sequence[Response | Completion]) -> Fact:
    missing = _count_reasons(answers)
    n_missing = sum(missing.values())
    note = f"{len(answers) - n_missing:,} {good} ({share(len(answers) - n_missing, len(answers))})"
    return Fact(f"{label} asked", f"{len(answers):,}", f"{note}; {reasons(missing) or 'none missing'}")


def _rated_facts(results: Results, measures: Sequence[Measure]) -> list[Fact]:
    """Return one fact for each number of rated completions, naming the measures where these differ."""
    measures_of: dict[int, list[str]] = {}
    for measure in measures:
        rated = sum(row is not None and any(v is not None for v in row) for row in measure.rows)
        measures_of.setdefault(rated, []).append(measure.title)
    facts = []
    for rated, titles in measures_of.items():
        of_asked = f"{share(rated, len(results.completions))} of those asked"
        facts.append(Fact("Completions rated", f"{rated:,}", f"{of_asked}; on {listed(titles)}"))
    return facts


def _count_reasons(answers: Sequence[Response | Completion | ObservedText]) -> dict[Missing, int]:
    found = [a.missing for a in answers]
    return {reason: found.count(reason) for reason in Missing if reason in found}


def _asked(results: Results) -> AskedSection:
    study = results.study
    known = labels(results)
    attributes = tuple(dict.fromkeys(name for r in study.respondents for name in _shown_attributes(r, study)))
    first_of_api: dict[Api, Respondent] = {}
    for respondent in study.respondents:
        first_of_api.setdefault(respondent.api, respondent)
    shown = [r.id for r in first_of_api.values()]
    responses = results.found.responses if results.found is not None else ()
    prompts = study.elicit.prompts if study.elicit is not None else None
    return AskedSection(
        personas=any(r.persona is not None for r in study.respondents),
        attributes=tuple(_attribute_name(name) for name in attributes),
        respondents=tuple(_respondent_row(r, attributes) for r in study.respondents),
        prompts=tuple(
            PromptRow(
                p.id,
                p.chat,
                p.prefill,
                p.raw,
                _first_answers(shown, [r for r in responses if r.prompt_id == p.id]),
            )
            for p in (prompts.prompts if prompts is not None else ())
        ),
        prompt_examples=tuple(
            f"{e.subject}: {', '.join(e.words)}" for e in (prompts.examples if prompts is not None else ())
        ),
        stems=tuple(
            StemRow(
                s.text,
                str(s.kind),
                known.theme(s.theme)
                if s.against is None
                else f"{known.theme(s.theme)} against {known.theme(s.against)}",
                _first_answers(shown, [c for c in results.completions if c.stem_id == s.id]),
            )
            for s in (study.project.test.stems if study.measures else ())
        ),
        stem_examples=study.project.test.examples if study.measures else (),
    )


def _shown_attributes(r: Respondent, study: Study) -> list[str]:
    """Name what the study says of a respondent, what it compares by, and the briefest of what else is known."""
    wanted = {*BRIEF, *study.compare.factors}
    return [name for name in r.attributes if name in wanted or r.attribute_sources.get(name, STUDY) == STUDY]


def _respondent_row(r: Respondent, attributes: Sequence[str]) -> RespondentRow:
    persona = DASH
    if r.persona is not None:
        persona = r.persona if r.subject is None else f"{r.persona}: {r.subject}"
    return RespondentRow(
        id=r.id,
        model=r.model.label,
        revision=r.model.revision[:12] or "not told",
        api=r.api,
        persona=persona,
        temperature=_setting(r, r.temperature),
        top_p=_setting(r, r.top_p),
        family=r.family,
        attributes=tuple(_attribute(r.attributes[a]) if a in r.attributes else DASH for a in attributes),
    )


def _attribute_name(name: str) -> str:
    return ATTRIBUTES.get(name, name.replace("_", " ").capitalize())


def _attribute(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _setting(respondent: Respondent, value: float | None) -> str:
    """Write a decoding setting; nobody tells those of answers that were recorded elsewhere."""
    return "not told" if value is None and respondent.model.is_recorded else setting_text(value)


def _first_answers(
    shown: Sequence[str], answers: Sequence[Response | Completion]
) -> tuple[tuple[str, str, str], ...]:
    """Return one answer of each shown respondent, with the key that finds its exact request in the ledger."""
    first = []
    for respondent in shown:
        for answer in answers:
            if answer.respondent_id == respondent:
                text = (
                    answer.text
                    if answer.missing is None
                    else f"(missing: {REASONS[answer.missing]}) {answer.text}"
                )
                first.append((respondent, text, answer.call_key))
                break
    return tuple(first)


def _missing_tables(results: Results) -> tuple[MissingTable, ...]:
    tables = []
    ids = [r.id for r in results.study.respondents]
    if results.observed is not None:
        tables.append(_missing_table("Recorded texts", ids, results.observed.texts))
    elif results.found is not None:
        tables.append(_missing_table("Responses", ids, results.found.responses))
    if results.completions:
        tables.append(_missing_table("Completions", ids, results.completions))
    return tuple(tables)


def _missing_table(
    title: str, ids: Sequence[str], answers: Sequence[Response | Completion | ObservedText]
) -> MissingTable:
    occurring = tuple(_count_reasons(answers))
    rows = []
    for name, group in [
        *((i, [a for a in answers if a.respondent_id == i]) for i in ids),
        ("All", list(answers)),
    ]:
        missing = _count_reasons(group)
        n_missing = sum(missing.values())
        cells = tuple((f"{missing.get(r, 0):,}", share(missing.get(r, 0), len(group))) for r in occurring)
        rows.append((name, f"{len(group):,}", cells, (f"{n_missing:,}", share(n_missing, len(group)))))
    return MissingTable(title, tuple(REASONS[r] for r in occurring), tuple(rows))


def _method(results: Results) -> MethodSection:
    study = results.study
    settings = [("Software", f"ValueLex {results.version}"), ("Seed", str(study.seed))]
    sources = []
    if study.elicit is not None:
        prompts = study.elicit.prompts
        settings += [
            ("Elicitation prompts", f"{prompts.name}, {count(len(prompts.prompts), 'prompt')}"),
            ("Draws of each prompt", f"{study.elicit.draws:,}"),
            ("Longest answer to a prompt", count(study.elicit.max_tokens, "token")),
        ]
        sources.append((f"Prompts {prompts.name}", prompts.source))
    if study.observe is not None:
        settings.append(("Terms looked for in recorded texts", study.observe.source))
    if study.normalise is not None:
        plan = study.normalise
        merged = [f"{form} → {term}" for form, term in sorted(plan.merge.items())]
        settings += [
            ("Respondents who must name a term", f"{plan.min_respondents:,}"),
            ("Words kept, dropped or merged by the study", _by_study(plan.keep, plan.drop, merged)),
        ]
    if study.construct is not None:
        settings += [
            ("Dimensions asked for", _wanted(study.construct.n_dimensions)),
            ("Subdimensions asked for", _wanted(study.construct.n_subdimensions)),
            ("Resamples for stability", f"{study.construct.resamples:,}"),
            ("Namer of groups", namer_setting(study.namer)),
        ]
    if study.namer is not None:
        sources.append((f"Guide for names {study.namer.guide.name}", study.namer.guide.source))
    if not study.measures:
        return MethodSection(tuple(settings), tuple(sources))
    test = study.project.test
    settings += [
        ("Projective test", f"{test.name}, {count(len(test.stems), 'stem')}"),
        ("Draws of each stem", f"{study.project.draws:,}"),
        ("Wordings of each stem", f"{study.project.n_wordings:,}"),
        ("Longest completion", count(study.project.max_tokens, "token")),
        ("Judges", "; ".join(_judge(j) for j in study.judges)),
        ("Scoring manual", study.manual.name),
        (
            "Draws of choices, of direct ratings",
            f"{study.second.choose_draws:,}, {study.second.rate_draws:,}",
        ),
        ("Factors compared", ", ".join(study.compare.factors) or "none"),
        ("Resamples of stems for intervals", f"{study.compare.resamples:,}"),
    ]
    sources += [(f"Stems {test.name}", test.source), (f"Manual {study.manual.name}", study.manual.source)]
    sources += [(f"Value system {s.title}", s.source) for s in results.systems]
    return MethodSection(tuple(settings), tuple(sources))


def _wanted(n: int | None) -> str:
    return "found from the lists" if n is None else f"{n:,}"


def _judge(judge: JudgePlan) -> str:
    if judge.kind != "llm":
        return f"{judge.id} ({'people' if judge.kind == 'people' else 'embedded axis'})"
    together = "all subdimensions in one call" if judge.together else "one call for each subdimension"
    return (
        f"{judge.id} ({count(judge.draws, 'draw')}, temperature {setting_text(judge.temperature)}, {together}"
        f"{f', reasoning effort {judge.reasoning_effort}' if judge.reasoning_effort else ''}"
        f"{', kept from its own family' if judge.exclude_family else ''})"
    )


def _by_study(keep: Sequence[str], drop: Sequence[str], merged: Sequence[str]) -> str:
    parts = [("kept", keep), ("dropped", drop), ("merged", merged)]
    return "; ".join(f"{verb}: {', '.join(words)}" for verb, words in parts if words) or "none"
