"""Bring the answers of other machines into a study, and tell where they do not go together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from valuelex.domain.study import Study
from valuelex.io import files
from valuelex.io.ledger_merge import Merged, merge_ledgers, payloads_of
from valuelex.pipeline.workspace import Workspace
from valuelex.stages.probe import possible_probes, read_probes

_SHAPE_REQUESTS = ("sends_seed", "json_schema", "logprobs", "limit_key")


def merge(workspace: Workspace, others: Sequence[Path]) -> Merged:
    """Join ledgers into the ledger of a study; sends and computes nothing.

    Parameters
    ----------
    workspace
        The study and its folder.
    others
        Ledger files, or study folders that hold one.

    Raises
    ------
    LedgerError
        If one of them cannot be read; then nothing was joined.
    """
    files.open_folder(workspace.folder)
    return merge_ledgers(workspace.ledger_path, _ledgers(others))


def conflicting_probes(workspace: Workspace, others: Sequence[Path]) -> list[str]:
    """Tell of what ledgers hold different findings, a line each; to be asked before they are joined.

    Requests follow from what was found out about a model, so machines that found other things sent other calls.

    Raises
    ------
    LedgerError
        If one of the ledgers cannot be read.
    """
    known: dict[tuple[str, str], tuple[object, Path]] = {}
    lines: dict[tuple[str, str], str] = {}
    own = [workspace.ledger_path] if workspace.ledger_path.exists() else []
    for path in (*own, *_ledgers(others)):
        for what, value in _found(workspace.study, path).items():
            before, where = known.setdefault(what, (value, path))
            if value != before:
                model, option = what
                lines.setdefault(
                    what,
                    f"Probes of {model} conflict: {option} is {json.dumps(before)} in {str(where)!r}, "
                    f"{json.dumps(value)} in {str(path)!r}; calls that were made by the one that does not hold now are "
                    "sent again (docs/how-to/scale.md).",
                )
    return list(lines.values())


def _ledgers(others: Sequence[Path]) -> list[Path]:
    return [p / "ledger.db" if p.is_dir() else p for p in others]


def _found(study: Study, path: Path) -> dict[tuple[str, str], object]:
    """Return what the probes of a ledger found out that shapes requests, by model and option."""
    payloads = payloads_of(path, possible_probes(study))
    found = read_probes(study, {key: json.loads(payload) for key, payload in payloads.items()})
    values = {
        (f"{f.provider}/{f.model} ({f.api})", name): getattr(f, name)
        for f in found
        for name in _SHAPE_REQUESTS
    }
    return {what: value for what, value in values.items() if value is not None}
