"""What a simulation is asked for, in a TOML file or by options, and the files that it writes.

Owns the keys with their defaults and ranges. An option and a key of the file have the same name; the option wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from valuelex import __version__
from valuelex.domain.recovery import Experiment, Power, Recovery, Size, SizeRecovery
from valuelex.domain.simulation import PlantedMeaning, PlantedSystem, Shares, SimulationPlan
from valuelex.domain.study import ConstructPlan, NormalisePlan
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.files import plain, write_csv, write_json
from valuelex.io.study_form import ConstructSection, Count, NormaliseSection
from valuelex.io.toml_form import Section, Text, read_toml, validate

SCHEMA = "valuelex/simulation/1"

MEANINGS: Mapping[str, PlantedMeaning | None] = {
    "none": None,
    "good": PlantedMeaning(informative=0.15),
    "misleading": PlantedMeaning(informative=0.1, misleading=0.3),
}
"""Embeddings by name; the shares of variance are those of docs/how-to/simulate.md."""

_EVEN = re.compile(r"([1-9]\d?)x([1-9]\d?)")
VIEWS = ("between", "within", "pooled", "embeddings")
COLUMNS = (
    *("models", "settings", "prompts", "responses", "study", "terms", "subdimensions", "dimensions"),
    *("too_little_data", "ari_subdimensions", "ari_dimensions"),
    *(f"{figure}_{view}" for view in VIEWS for figure in ("ari", "weight")),
    "failure",
)


_LISTS_ONLY = {"list_length", "shortest", "popularity", "embeddings", "normalise"}
"""Keys that do nothing where every respondent rates every term."""


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Counts = Annotated[tuple[Count, ...], Field(min_length=1), BeforeValidator(_listed)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1)]


class SimulationForm(Section):
    """All that can be asked of a simulation. The defaults are the size of the paper, without embeddings."""

    system: Text = "3x2"
    terms: Count = 197
    correlation: Part = 0.4
    models: Counts = (35,)
    settings: Counts = (15,)
    prompts: Counts = (15,)
    studies: Count = 10
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    shares: tuple[Part, Part, Part] = (0.5, 0.2, 0.3)
    models_per_family: Count = 1
    family_share: Part = 0.0
    list_length: Amount = 5.6
    shortest: Count = 2
    popularity: Amount = 0.7
    sensitivity: Amount = 1.0
    style: Amount = 0.0
    noise: Amount = 1.0
    shift: Amount = 0.5
    stretch: Amount = 0.2
    embeddings: Literal["none", "good", "misleading"] = "none"
    mode: Literal["list", "rate"] = "list"
    target_ari: Annotated[float, Field(gt=0, le=1)] | None = None
    power: Annotated[float, Field(gt=0, le=1)] = 0.8
    normalise: NormaliseSection = NormaliseSection()
    construct_: ConstructSection = Field(default=ConstructSection(resamples=0), alias="construct")


def read_simulation(path: Path | None, options: Mapping[str, Any]) -> Experiment:
    """Read what is to be simulated.

    Parameters
    ----------
    path
        A TOML file with some of the keys; None for the defaults.
    options
        What was given beside it, by key; it wins over the file.

    Raises
    ------
    StudyError
        Naming the first wrong key, with the nearest known one.
    DataError
        If what is asked cannot be planted.
    """
    table = ({} if path is None else read_toml(path, str(path))) | dict(options)
    if isinstance(table.get("construct"), dict):
        # The stability of terms is no part of what is counted here.
        table["construct"] = {"resamples": 0, **table["construct"]}
    form = validate(SimulationForm, table, "simulate" if path is None else str(path))
    idle = sorted(
        _LISTS_ONLY & form.model_fields_set
        if form.mode == "rate"
        else {"shift", "stretch"} & form.model_fields_set
    )
    if idle:
        msg = f'{idle[0]} does nothing in mode = "{form.mode}"; leave it out.'
        raise StudyError(msg)
    folder = Path() if "system" in options or path is None else path.parent
    plan = SimulationPlan(
        system=_planted(form, folder),
        shares=Shares(*form.shares),
        models_per_family=form.models_per_family,
        family_share=form.family_share,
        list_length=form.list_length,
        shortest=form.shortest,
        popularity=form.popularity,
        sensitivity=form.sensitivity,
        style=form.style,
        noise=form.noise,
        shift=form.shift,
        stretch=form.stretch,
        meaning=MEANINGS[form.embeddings],
    )
    return Experiment(
        plan=plan,
        sizes=tuple(
            Size(*size)
            for size in product(*map(sorted, map(set, (form.models, form.settings, form.prompts))))
        ),
        n_studies=form.studies,
        seed=form.seed,
        normalise=NormalisePlan(**form.normalise.model_dump()),
        construct=ConstructPlan(**form.construct_.model_dump()),
        target_ari=form.target_ari,
        power=form.power,
        mode=form.mode,
    )


def _planted(form: SimulationForm, folder: Path) -> PlantedSystem:
    even = _EVEN.fullmatch(form.system)
    if even:
        return PlantedSystem.even(int(even[1]), int(even[2]), form.terms, form.correlation)
    if form.system.endswith(".toml") or form.system in assets.shipped("systems"):
        return PlantedSystem.of(assets.load_system(form.system, folder), form.correlation)
    choices = ", ".join(map(repr, assets.shipped("systems")))
    msg = (
        f"No value system {form.system!r} to plant; give dimensions x subdimensions of each such as '3x2', the path "
        f"of a .toml file, or one of {choices}."
    )
    raise StudyError(msg)


def write_simulation(
    path: Path,
    experiment: Experiment,
    studies: Sequence[Recovery],
    sizes: Sequence[SizeRecovery],
    power: Power | None,
    answer: str | None,
) -> None:
    """Write what came of a simulation: every study as a row of a CSV file, or all of it as JSON.

    Raises
    ------
    LedgerError
        If the file cannot be written.
    """
    if path.suffix == ".csv":
        write_csv(path, COLUMNS, [_row(study) for study in studies])
        return
    asked = plain(experiment)
    for size_of_plan in ("n_models", "n_respondents", "n_responses"):
        del asked["plan"][size_of_plan]  # The sizes stand beside the plan.
    content = {
        "version": __version__,
        "asked": asked,
        "sizes": plain(sizes),
        "studies": plain(studies),
        "enough": None if power is None else plain(power.enough),
        "answer": answer,
    }
    write_json(path, SCHEMA, content)


def check_target(path: Path | None) -> None:
    """Refuse a file that could not be written, before the work is done.

    Raises
    ------
    StudyError
        If its ending is neither .csv nor .json, or there is no such folder.
    """
    if path is None:
        return
    if path.suffix not in (".csv", ".json"):
        msg = (
            f"{str(path)!r}: a simulation is written as CSV or JSON; give the file the ending .csv or .json."
        )
        raise StudyError(msg)
    if not path.parent.is_dir():
        msg = f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}; make it, or choose another."
        raise StudyError(msg)


def _row(study: Recovery) -> tuple[object, ...]:
    size = study.size
    views = {view.name: (view.ari, view.weight) for view in study.views}
    return (
        *(size.n_models, size.n_respondents, size.n_responses, size.n_rows, study.study, study.n_terms),
        *(study.n_subdimensions, study.n_dimensions, study.too_little),
        *(study.subdimension_ari, study.dimension_ari),
        *(value for name in VIEWS for value in views.get(name, (None, None))),
        study.failure,
    )
