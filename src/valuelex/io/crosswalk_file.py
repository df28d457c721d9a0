"""Write crosswalks, and read the value system that a run has built.

Owns crosswalk.csv, crosswalk.json and the reading of value_system.json. Computes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from valuelex.domain.crosswalk import Crosswalk
from valuelex.domain.structure import BUILT, Dimension, Subdimension, ValueSystem
from valuelex.errors import StudyError
from valuelex.io.files import plain, write_csv, write_json

_HEADER = (
    "system", "subdimension", "name", "known_system", "known_subdimension", "known_name", "n_shared", "shared",
    "jaccard", "overlap", "similarity", "standardised", "z", "p_value", "p_adjusted", "definition_similarity",
    "best", "one_to_one", "stability", "doubt",
)  # fmt: skip


def write_crosswalks(folder: Path, crosswalks: Sequence[Crosswalk]) -> None:
    """Write crosswalk.csv, a row for each pair of subdimensions, and crosswalk.json, which also holds the terms."""
    rows = []
    for walk in crosswalks:
        names, known_names = dict(walk.names), dict(walk.known_names)
        match = {m.subdimension: m for m in walk.matches}
        for c in walk.cells:
            found = match[c.subdimension]
            rows.append(
                [
                    walk.system, c.subdimension, names[c.subdimension], walk.known, c.known, known_names[c.known],
                    len(c.shared), "; ".join(c.shared),
                    c.jaccard, c.overlap, c.similarity, c.standardised, c.z, c.p_value, c.p_adjusted,
                    c.definition_similarity, int(found.best == c.known), int(found.one_to_one == c.known),
                    found.standing.stability if found.standing is not None else None,
                    found.doubt.value if found.doubt is not None else "",
                ]
            )  # fmt: skip
    write_csv(folder / "crosswalk.csv", _HEADER, rows)
    write_json(folder / "crosswalk.json", "valuelex/crosswalk/1", {"crosswalks": plain(crosswalks)})


def read_built(folder: Path) -> tuple[ValueSystem, tuple[str, ...], tuple[int, ...]]:
    """Read the built value system of a study, its terms, and the group of each.

    Raises
    ------
    StudyError
        If the study has no such system yet, or the file is not one of ours.
    """
    path = folder / "value_system.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        built = next((s for s in content["systems"] if s["name"] == BUILT), None)
        taxonomy = content["taxonomy"]
        if built is None or taxonomy is None:
            msg = f"{path}: the study built no value system; give it an [elicit] section, or name a shipped system."
            raise StudyError(msg)
        return _system(built), tuple(taxonomy["terms"]), tuple(taxonomy["subdimension"])
    except FileNotFoundError as error:
        msg = f"{path}: no such file; run the study first: valuelex run STUDY."
        raise StudyError(msg) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: cannot be read as a value system ({error}); run the study again: valuelex run STUDY."
        raise StudyError(msg) from error


def read_evidence(folder: Path) -> tuple[dict[str, float | None], int, dict[str, float]] | None:
    """Read what speaks for the groups of a built system: stability of each, their number by held-out sources, nulls.

    None where there is no such file, as for the results of an earlier version.

    Raises
    ------
    StudyError
        If the file is not one of ours.
    """
    path = folder / "structure.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        stability = {f"s{g['group'] + 1}": g["stability"] for g in content["groups"]}
        nulls = {test["name"]: float(test["p"]) for test in content["nulls"]}
        return stability, int(content["joint"]["n_groups"]), nulls
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: cannot be read as evidence ({error}); compute it again: valuelex report STUDY."
        raise StudyError(msg) from error


def _system(table: Mapping[str, Any]) -> ValueSystem:
    fields = dict(table)
    dimensions = []
    for d in fields.pop("dimensions"):
        parts = []
        for s in d["subdimensions"]:
            lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in s.items()}
            parts.append(Subdimension(**lists))
        dimensions.append(Dimension(d["id"], d["name"], d["definition"], tuple(parts)))
    return ValueSystem(**fields, dimensions=tuple(dimensions))
