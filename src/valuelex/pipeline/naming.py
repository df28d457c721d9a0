"""Let a namer name the groups of a built system, where the study has one.

Owns that naming can fail without loss: what the namer did not name keeps its name by markers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from valuelex.domain.call import Call, Reply
from valuelex.domain.naming import Naming
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import Study
from valuelex.io.embed import MiniLM
from valuelex.pipeline.workspace import Progress, stage_rng
from valuelex.stages.naming import keep_names, names_to_compare, plan_names, read_names
from valuelex.stages.naming_caveats import naming_caveats

AskNames = Callable[[Sequence[Call]], tuple[Mapping[str, Reply], str]]
"""Gathers the replies of a namer by key of the call, and why those that are missing failed at the last try."""


def name_groups(
    study: Study, system: ValueSystem, ask: AskNames, embedder: MiniLM, progress: Progress
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
        Told that groups are named, and what a reader must know of the names.

    Returns
    -------
    Naming or None
        None where the study has no namer. Where the namer does not answer, every name is missing as CALL_FAILED
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
    replies, silence = ask(calls)
    drawn = read_names(system, calls, replies)
    names = names_to_compare(drawn)
    vectors = embedder.embed(names) if names else np.zeros((0, 0))
    naming = keep_names(study.namer, system, drawn, names, vectors, stage_rng(study, "name"), silence)
    for sentence in naming_caveats(naming):
        progress.tell(sentence)
    return naming
