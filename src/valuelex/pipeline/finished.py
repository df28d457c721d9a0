"""Tell whether the results of a study are those of its answers as they are, so that nothing has to be computed again.

Owns the file `.finished`: what a complete run was computed from, and the SHA-256 of what it wrote. A study whose file,
answers, ratings by people, results or version of ValueLex differ from it is not finished.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from valuelex.domain.call import canonical_json
from valuelex.errors import LedgerError
from valuelex.io import files
from valuelex.io.ledger import Ledger
from valuelex.pipeline.workspace import Workspace

NAME = ".finished"
COMPUTED_WITH = ("valuelex", "numpy", "scipy", "scikit-learn", "polars", "tokenizers")
"""Packages on which a figure or a byte of the results can depend."""


def is_finished(workspace: Workspace) -> bool:
    """Tell whether a complete run has computed everything that is to be computed. Sends and changes nothing."""
    try:
        stamp = json.loads((workspace.folder / NAME).read_text("utf-8"))
        with Ledger(workspace.ledger_path, read_only=True) as ledger:
            sources = _sources(workspace, ledger)
        written = stamp["files"]
        return bool(
            stamp["sources"] == sources
            and written
            and all(_digest(workspace.folder / name) == digest for name, digest in written.items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, LedgerError):
        return False


def mark_finished(workspace: Workspace, ledger: Ledger) -> None:
    """Record what the results were computed from, after a run in which every call was answered."""
    found = [path for path in sorted(workspace.folder.iterdir()) if path.name in files.RESULT_FILES]
    content = {
        "sources": _sources(workspace, ledger),
        "files": {path.name: _digest(path) for path in found},
    }
    files.write_json(workspace.folder / NAME, "valuelex/finished/1", content)


def _sources(workspace: Workspace, ledger: Ledger) -> dict[str, Any]:
    study = canonical_json(files.plain(workspace.study))
    rated = [path for judge in workspace.study.judges for path in judge.ratings]
    return {
        "versions": {name: _version(name) for name in COMPUTED_WITH},
        "study": hashlib.sha256(study.encode("utf-8", "surrogatepass")).hexdigest(),
        "ledger": ledger.fingerprint(),
        "ratings": [_digest(Path(path)) for path in rated],
    }


def _version(package: str) -> str:
    try:
        return installed(package)
    except PackageNotFoundError:
        return ""


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
