"""Read study.toml and resolve it: names looked up, weights found, sections held against one another.

The form of the file, key by key, is in `valuelex.io.study_form`.
Sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from valuelex.domain.factors import FactorPlan
from valuelex.domain.measure import PANEL
from valuelex.domain.structure import BUILT
from valuelex.domain.study import (
    FACTORS,
    TERMS_A_GROUP,
    Adaptive,
    ComparePlan,
    ConstructPlan,
    JudgePlan,
    NormalisePlan,
    ProjectPlan,
    Respondent,
    SecondPlan,
    Study,
)
from valuelex.domain.term_ratings import TermPlan
from valuelex.errors import StudyError
from valuelex.io import assets, prices, registry
from valuelex.io.elicit_form import check_control, list_plan, term_plan
from valuelex.io.embedding_lookup import is_at_endpoint, resolve_embeddings
from valuelex.io.model_lookup import check_way, rates_together, resolve_model
from valuelex.io.namer_plan import namer_plan
from valuelex.io.observe_form import measures, observe_plan, observes
from valuelex.io.respondent_grid import respondents_of
from valuelex.io.study_form import JudgeSection, ProjectSection, StudyFile
from valuelex.io.study_populations import read_populations
from valuelex.io.toml_form import read_toml, validate

MOST_COMPARED = 100
"""Respondents that are contrasted pair by pair at the most (4,950 pairs)."""
EMBEDDING = "all-MiniLM-L6-v2"
"""Embedding model of the axis judge."""


def read_study(path: Path, price_file: Path | None = None, *, importing: bool = False) -> Study:
    """Read and resolve a study file.

    Parameters
    ----------
    path
        The file.
    price_file
        A price list of the user's, which wins over the shipped ones.
    importing
        Whether answers are to be imported, for which a study needs no respondents yet.

    Raises
    ------
    StudyError
        If the file, a key or a name in it is wrong.
    MissingPartError
        If it names the embedded model and that is not installed.
    """
    read = validate(StudyFile, read_toml(path, str(path)), str(path))
    if not read.respondents and not importing:
        msg = (
            f'{path}: there are no [[respondents]]; name one or more, each by model = "provider/name". For answers '
            f"that were recorded elsewhere, valuelex import {path} FILE prints what to write."
        )
        raise StudyError(msg)
    try:
        return resolve(read, path.parent, price_file)
    except StudyError as error:
        message = str(error)
        raise StudyError(message if message.startswith(str(path)) else f"{path}: {message}") from error


def resolve(read: StudyFile, folder: Path, price_file: Path | None = None) -> Study:
    """Unroll grids and look up names; relative paths start at `folder`."""
    respondents = tuple(r for section in read.respondents for r in respondents_of(section, read, folder))
    if BUILT in read.project.systems and read.elicit is None:
        msg = "[project] systems names 'built', but nothing is elicited; add an [elicit] section."
        raise StudyError(msg)
    groups = read.construct_
    if groups.n_dimensions and groups.n_subdimensions and groups.n_dimensions > groups.n_subdimensions:
        msg = (
            f"[construct] n_dimensions = {groups.n_dimensions} is more than n_subdimensions = "
            f"{groups.n_subdimensions}; a dimension holds at least one subdimension."
        )
        raise StudyError(msg)
    if read.populations and read.elicit is None:
        msg = "[[populations]] have value systems built from words, but nothing is elicited; add an [elicit] section."
        raise StudyError(msg)
    elicit = list_plan(read.elicit, folder)
    check_control(elicit, respondents)
    _check_rate_mode(read)
    _check_factors(read.compare.factors, respondents)
    judges = _judges(read, folder)
    named = [read.namer.model] if read.namer else []
    judging = [s.model for s in read.judges if s.model]
    models = list(dict.fromkeys([*(s.model for s in read.respondents), *judging, *named]))
    _check_used("models", read.models, models)
    models += [name for name in read.construct_.embeddings if is_at_endpoint(name) and name not in models]
    _check_used("prices", read.prices, models)
    if len(set(read.compare.remove)) < len(read.compare.remove):
        msg = f"[compare] remove names {read.compare.remove[0]!r} twice; once is enough."
        raise StudyError(msg)
    observe = observe_plan(read, respondents, folder)
    terms, construct = term_plan(read.elicit, folder), _construct(read, folder) if read.elicit else None
    _check_groups(construct, terms)
    return Study(
        name=read.study.name,
        seed=read.study.seed,
        respondents=respondents,
        elicit=elicit,
        terms=terms,
        observe=observe,
        measures=measures(read),
        normalise=NormalisePlan(**read.normalise.model_dump()) if elicit or observes(read) else None,
        construct=construct,
        factors=FactorPlan(**read.factors.model_dump()) if read.elicit else None,
        populations=read_populations(read.populations, respondents),
        project=_project(read.project, folder),
        judges=judges,
        manual=assets.load_manual(read.project.manual, folder),
        namer=namer_plan(read, folder),
        second=SecondPlan(**read.second.model_dump()),
        compare=ComparePlan(**read.compare.model_dump()),
        prices=prices.prices_of(
            models,
            {**assets.load_endpoints(), **read.endpoints},
            read.prices,
            prices.shipped_prices() | (prices.read_prices(price_file) if price_file else {}),
        ),
    )


def _check_rate_mode(read: StudyFile) -> None:
    """Refuse sections that would do nothing where terms are given and rated."""
    if read.elicit is None or read.elicit.mode != "rate":
        return
    idle = {"[normalise]": "normalise", "[namer]": "namer", "[[populations]]": "populations"}
    for section, field in idle.items():
        if field in read.model_fields_set:
            msg = f'{section} does nothing in [elicit] mode = "rate", where terms are given; leave it out.'
            raise StudyError(msg)


def _construct(read: StudyFile, folder: Path) -> ConstructPlan:
    embeddings = resolve_embeddings(read.construct_.embeddings, read.endpoints, folder)
    if read.elicit is not None and read.elicit.mode == "rate" and len(embeddings) > 1:
        msg = (
            '[construct] embeddings: in [elicit] mode = "rate" there are no groups of lists that further embeddings '
            "could check; name one."
        )
        raise StudyError(msg)
    return ConstructPlan(**read.construct_.model_dump(exclude={"embeddings"}), embeddings=embeddings)


def _check_groups(plan: ConstructPlan | None, rated: TermPlan | None) -> None:
    """Refuse more groups than the terms that are to be rated can make."""
    if plan is None or rated is None or len(rated.terms) >= plan.least_terms:
        return
    most = len(rated.terms) // TERMS_A_GROUP
    fewer = f"ask for {'two' if most == 2 else f'{most} or fewer'}, " if most > 1 else ""
    msg = (
        f"[construct] n_subdimensions = {plan.n_subdimensions} needs at least {plan.least_terms} terms, "
        f"{TERMS_A_GROUP} for each, but [elicit] terms holds {len(rated.terms)}; name more terms, {fewer}or leave the "
        "number out to have it found."
    )
    raise StudyError(msg)


def _project(section: ProjectSection, folder: Path) -> ProjectPlan:
    test = assets.load_test(section.test, folder)
    if section.stems != "all":
        if section.stems > len(test.stems):
            msg = (
                f"[project] stems = {section.stems}, but the test {test.name!r} has {len(test.stems)}; "
                'ask for that many or fewer, or "all".'
            )
            raise StudyError(msg)
        test = replace(test, stems=test.stems[: section.stems])
    n_wordings = 1 + min(len(stem.wordings) for stem in test.stems)
    if section.wordings > n_wordings:
        msg = (
            f"[project] wordings = {section.wordings}, but the stems of {test.name!r} have {n_wordings}; "
            "ask for that many or fewer."
        )
        raise StudyError(msg)
    named = dict.fromkeys(section.systems)
    systems = tuple(assets.load_system(name, folder) for name in named if name != BUILT)
    in_context = [system.name for system in systems if system.takes_context]
    if in_context:
        msg = (
            f"[project] systems: {in_context[0]!r} rates a text against a claim that it answers, and stems make no "
            "claims; it serves valuelex calibrate only."
        )
        raise StudyError(msg)
    names = [system.name for system in systems] + [BUILT]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        msg = f"[project] systems: two systems are called {repeated[0]!r}; give one another name in its file."
        raise StudyError(msg)
    idle = {"stop_step", "stop_least"} & section.model_fields_set
    if idle and not section.stop_width:
        msg = f"[project] {min(idle)} does nothing without stop_width; set that too, or leave it out."
        raise StudyError(msg)
    if section.stop_width and section.stop_least >= len(test.stems):
        msg = (
            f"[project] stop_least = {section.stop_least}, but there are {len(test.stems)} stems, so nobody could stop "
            "before the last; lower it, or leave stop_width out."
        )
        raise StudyError(msg)
    return ProjectPlan(
        test=test,
        draws=section.draws,
        max_tokens=section.max_tokens,
        systems=systems,
        built=BUILT in named,
        n_wordings=section.wordings,
        adaptive=Adaptive(section.stop_width, section.stop_step, section.stop_least)
        if section.stop_width
        else None,
    )


def _judges(read: StudyFile, folder: Path) -> tuple[JudgePlan, ...]:
    judges = tuple(_judge(section, read, folder) for section in read.judges)
    repeated = sorted(
        {j.id for j in judges if [i.id for i in judges].count(j.id) > 1} | ({PANEL} & {j.id for j in judges})
    )
    if repeated:
        msg = f"[[judges]]: the name {repeated[0]!r} is taken; give each judge a name of its own."
        raise StudyError(msg)
    return judges


def _judge(section: JudgeSection, read: StudyFile, folder: Path) -> JudgePlan:
    """Resolve one judge; keys that its kind has no use for are refused."""
    used = {
        "axis": {"kind", "name"},
        "people": {"kind", "name", "ratings"},
        "llm": {*JudgeSection.model_fields} - {"ratings"},
    }[section.kind]
    idle = sorted(section.model_fields_set - used)
    if idle:
        msg = (
            f'[[judges]] kind = "{section.kind}" has no use for {idle[0]!r}; leave it out or change the kind.'
        )
        raise StudyError(msg)
    if section.kind == "axis":
        return JudgePlan(section.name or f"axis:{EMBEDDING}", "axis")
    if section.kind == "people":
        if not section.ratings:
            msg = '[[judges]] kind = "people" needs ratings = ["FILE.csv"], as valuelex rate writes them.'
            raise StudyError(msg)
        paths = tuple(str(folder / Path(path).expanduser()) for path in section.ratings)
        return JudgePlan(section.name or "people", "people", ratings=paths)
    if not section.model:
        msg = '[[judges]] kind = "llm" needs model = "provider/name".'
        raise StudyError(msg)
    model = resolve_model(section.model, read.endpoints, folder)
    check_way(model, "chat")
    if section.draws > 1 and section.temperature == 0:
        msg = (
            f"[[judges]] {section.model!r}: draws = {section.draws} at temperature 0 would ask for the same answer "
            f"{section.draws} times; set a temperature, such as 0.7, or draws = 1."
        )
        raise StudyError(msg)
    own = [r for r in read.respondents if r.model == section.model and r.family]
    known = registry.known_of(section.model, read.models)
    family = section.family or (own[0].family if own else known.family_or(model.label))
    return JudgePlan(
        id=section.name or model.label,
        kind="llm",
        model=model,
        family=family,
        together=rates_together(model) if section.together is None else section.together,
        **section.model_dump(
            include={"temperature", "top_p", "draws", "max_tokens", "exclude_family", "reasoning_effort"}
        ),
    )


def _check_used(section: str, named: Iterable[str], models: Sequence[str]) -> None:
    """Refuse a table about a model that the study does not use: it is likely misspelt."""
    idle = sorted(set(named) - set(models))
    if idle:
        there = ", ".join(map(repr, models))
        msg = f'[{section}."{idle[0]}"]: no respondent, judge or namer has this model; there is {there}.'
        raise StudyError(msg)


def _check_factors(factors: tuple[str, ...], respondents: tuple[Respondent, ...]) -> None:
    attributes = sorted({name for r in respondents for name in r.attributes})
    known = [*FACTORS, *attributes]
    if "respondent" in factors and len(respondents) > MOST_COMPARED:
        msg = (
            f"[compare] factors: {len(respondents)} respondents make {len(respondents) * (len(respondents) - 1) // 2} "
            f"pairs, which no reader can use; compare up to {MOST_COMPARED}, or by 'model' or an attribute."
        )
        raise StudyError(msg)
    wrong = [f for f in factors if f not in known]
    if wrong:
        msg = f"[compare] factors: no factor {wrong[0]!r}; there is {', '.join(map(repr, known))}."
        raise StudyError(msg)
