"""Let a namer name the groups of a built system, where the study has one.

Owns that naming can fail without loss: what the namer did not name keeps its name by markers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from valuelex.domain.call import Call, Reply
from valuelex.domain.naming import Naming
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Study
from valuelex.errors import CallError
from valuelex.io.embed import MiniLM
from valuelex.pipeline.measuring import Ask
from valuelex.pipeline.workspace import Progress
from valuelex.stages.naming import keep_names, names_to_compare, plan_names, read_names
from valuelex.stages.naming_caveats import naming_caveats


def name_groups(
    study: Study, system: ValueSystem, ask: Ask, embedder: MiniLM, progress: Progress
) -> Naming | None:
    """Ask the namer of a study for the names of a built system's groups, and keep the most consistent.

    Parameters
    ----------
    study
        With its namer, if it has one.
    system
        The built system, named by its markers.
    ask
        Gathers replies.
    embedder
        Embeds names, to tell how alike they are.
    progress
        Told that groups are named, and what came of it where that is less than was asked for.

    Returns
    -------
    Naming or None
        None where the study has no namer. Where the namer could not be asked, every name is missing as CALL_FAILED
        and the groups keep their names by markers; the next run asks again.

    Raises
    ------
    CallError
        If the namer needs an API key that is not there.
    BudgetError, NotApprovedError
        As `ask`.
    """
    if study.namer is None:
        return None
    progress.step(f"Naming the groups ({study.namer.id})")
    calls = plan_names(study.namer, system, study.seed)
    drawn = read_names(system, calls, _replies(ask, calls))
    names = names_to_compare(drawn)
    vectors = embedder.embed(names) if names else np.zeros((0, 0))
    naming = keep_names(study.namer, system, drawn, names, vectors)
    for sentence in naming_caveats(naming):
        progress.step(sentence.rstrip("."))
    return naming


def _replies(ask: Ask, calls: Sequence[Call]) -> Mapping[str, Reply]:
    """Gather the replies; an endpoint that fails ends no run, since names are labels and no figure waits for them."""
    try:
        return ask("name", calls)
    except CallError:
        return ask("name", calls)  # No call is tried twice in a run: this is what came before it failed.
