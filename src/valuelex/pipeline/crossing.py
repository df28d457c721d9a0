"""Hold value systems against known ones: shipped, of a file, or built by a study.

Joins the crosswalk with embeddings and files. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from valuelex.domain.crosswalk import Crosswalk, Standing
from valuelex.domain.evidence import Structure
from valuelex.domain.structure import BUILT, ValueSystem
from valuelex.domain.study import Study
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.crosswalk_file import read_built, read_evidence, write_crosswalks
from valuelex.io.embed import MiniLM
from valuelex.io.toml_form import read_toml
from valuelex.pipeline.workspace import open_study, stage_rng
from valuelex.stages.accept import accept
from valuelex.stages.crosswalk import crosswalk, members_of, own_terms, standings, texts_to_embed
from valuelex.stages.families import Attested, WordRules

KNOWN = ("schwartz-1992", "moral-foundations", "gpla-2025", "values-in-the-wild", "de-raad-2016")
"""The systems that a built one is held against."""


def cross_built(
    study: Study, system: ValueSystem, structure: Structure, embedder: MiniLM
) -> tuple[Crosswalk, ...]:
    """Hold the built system of a study against every known one; none where it has a single group."""
    if len(system.subdimensions) < 2:
        return ()
    taxonomy = structure.taxonomy
    members = members_of(system, taxonomy.terms, taxonomy.subdimension.tolist())
    known = [assets.load_system(name, Path()) for name in KNOWN]
    standing = standings(
        {f"s{g.group + 1}": g.stability for g in structure.groups},
        structure.joint.n_groups,
        {test.name: test.p for test in structure.nulls},
    )
    return _cross(_Held(system, members, partial(stage_rng, study), standing), known, embedder)


@dataclass(frozen=True, slots=True)
class _Held:
    """A system that is held against others, the subdimension of each term, and what speaks for its groups."""

    system: ValueSystem
    members: Mapping[str, str]
    rng_of: Callable[[str], np.random.Generator]
    standing: Mapping[str, Standing] = field(default_factory=dict)


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

    Returns
    -------
    tuple of Crosswalk
        Empty for a study that has built a single group, as in its report: there is nothing to tell apart in it.

    Raises
    ------
    StudyError
        If the target or a name is unknown, or a study has built no system yet.
    DataError
        If a system that was not built has a single subdimension.
    """
    held = _target(target, folder)
    names = known or [name for name in KNOWN if name != held.system.name]
    others = [assets.load_system(name, Path()) for name in names]
    is_one = held.system.name == BUILT and len(held.system.subdimensions) < 2
    found = () if is_one else _cross(held, others, embedder or MiniLM.load())
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_crosswalks(out, found)
    return found


def _target(target: str, folder: Path | None) -> _Held:
    path = Path(target).expanduser()
    is_system = path.suffix == ".toml" and path.is_file() and "dimensions" in read_toml(path, target)
    if is_system or target in assets.shipped("systems"):
        system = _in_terms(assets.load_system(target, Path()))
        return _Held(system, own_terms(system), _fixed_rng)
    if not path.exists():
        choices = ", ".join(map(repr, assets.shipped("systems")))
        msg = f"{target!r} is no shipped value system ({choices}) and no file; give one of these or a study."
        raise StudyError(msg)
    workspace = open_study(path, folder)
    system, terms, group = read_built(workspace.folder)
    evidence = read_evidence(workspace.folder)
    standing = standings(*evidence) if evidence is not None else {}
    return _Held(system, members_of(system, terms, group), partial(stage_rng, workspace.study), standing)


def _fixed_rng(stage: str) -> np.random.Generator:
    """Return the random numbers of a crosswalk outside a study: always the same."""
    return np.random.default_rng([0, *stage.encode()])


def _cross(held: _Held, known: Sequence[ValueSystem], embedder: MiniLM) -> tuple[Crosswalk, ...]:
    others = [_in_terms(one) for one in known]
    texts = tuple(dict.fromkeys(t for one in others for t in texts_to_embed(held.system, one, held.members)))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True))
    return tuple(
        crosswalk(
            held.system,
            one,
            held.members,
            vectors,
            held.rng_of(f"crosswalk {one.name}"),
            standing=held.standing,
        )
        for one in others
    )


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
