"""Hold value systems against known ones: shipped, of a file, or built by a study.

Joins the crosswalk with embeddings and files. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from valuelex.domain.crosswalk import Crosswalk
from valuelex.domain.structure import Taxonomy, ValueSystem
from valuelex.domain.study import Study
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.crosswalk_file import read_built, write_crosswalks
from valuelex.io.embed import MiniLM
from valuelex.pipeline.workspace import open_study, stage_rng
from valuelex.stages.accept import accept
from valuelex.stages.crosswalk import crosswalk, members_of, own_terms, texts_to_embed
from valuelex.stages.families import Attested, WordRules

KNOWN = ("schwartz-1992", "moral-foundations", "gpla-2025", "values-in-the-wild", "de-raad-2016")
"""The systems that a built one is held against."""


def cross_built(
    study: Study, system: ValueSystem, taxonomy: Taxonomy, embedder: MiniLM
) -> tuple[Crosswalk, ...]:
    """Hold the built system of a study against every known one; none where it has a single group."""
    if len(system.subdimensions) < 2:
        return ()
    members = members_of(system, taxonomy.terms, taxonomy.subdimension.tolist())
    known = [assets.load_system(name, Path()) for name in KNOWN]
    return _cross(system, members, known, embedder, partial(stage_rng, study))


def cross(
    target: str, known: Sequence[str], folder: Path | None, out: Path | None, embedder: MiniLM | None = None
) -> tuple[Crosswalk, ...]:
    """Hold a system against known ones.

    Parameters
    ----------
    target
        A shipped system by name, the TOML file of one, or a study that has been run.
    known
        Names or files of systems; empty for all of `KNOWN` but the target.
    folder
        Where the results of a study are, if not in its own folder.
    out
        Where to write crosswalk.csv and crosswalk.json, if anywhere.
    embedder
        Default: the shipped one.

    Raises
    ------
    StudyError
        If the target or a name is unknown, or a study has built no system yet.
    DataError
        If a system has a single subdimension.
    """
    system, members, rng_of = _target(target, folder)
    names = known or [name for name in KNOWN if name != system.name]
    others = [assets.load_system(name, Path()) for name in names]
    found = _cross(system, members, others, embedder or MiniLM.load(), rng_of)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_crosswalks(out, found)
    return found


def _target(
    target: str, folder: Path | None
) -> tuple[ValueSystem, Mapping[str, str], Callable[[str], np.random.Generator]]:
    path = Path(target).expanduser()
    is_system = path.suffix == ".toml" and path.is_file() and "dimensions" in assets.read_toml(path, target)
    if is_system or target in assets.shipped("systems"):
        system = _in_terms(assets.load_system(target, Path()))
        return system, own_terms(system), _fixed_rng
    if not path.exists():
        choices = ", ".join(map(repr, assets.shipped("systems")))
        msg = f"{target!r} is no shipped value system ({choices}) and no file; give one of these or a study."
        raise StudyError(msg)
    workspace = open_study(path, folder)
    system, terms, group = read_built(workspace.folder)
    return system, members_of(system, terms, group), partial(stage_rng, workspace.study)


def _fixed_rng(stage: str) -> np.random.Generator:
    """Return the random numbers of a crosswalk outside a study: always the same."""
    return np.random.default_rng([0, *stage.encode()])


def _cross(
    system: ValueSystem,
    members: Mapping[str, str],
    known: Sequence[ValueSystem],
    embedder: MiniLM,
    rng_of: Callable[[str], np.random.Generator],
) -> tuple[Crosswalk, ...]:
    others = [_in_terms(one) for one in known]
    texts = tuple(dict.fromkeys(t for one in others for t in texts_to_embed(system, one, members)))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True))
    return tuple(crosswalk(system, one, members, vectors, rng_of(f"crosswalk {one.name}")) for one in others)


def _in_terms(system: ValueSystem) -> ValueSystem:
    """Write the markers of a system as the terms that normalisation makes of them."""
    rules = WordRules.from_tables(**assets.load_word_tables())

    def term(marker: str) -> str:
        return accept(marker, rules, Attested.of({marker})).term or marker

    dimensions = tuple(
        replace(
            d,
            subdimensions=tuple(
                replace(s, markers=tuple(dict.fromkeys(map(term, s.markers)))) for s in d.subdimensions
            ),
        )
        for d in system.dimensions
    )
    return replace(system, dimensions=dimensions)
