"""Let a person rate the completions of a study, blind and in random order.

Joins the completions in the ledger with the page that shows them. Sends nothing to any model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from valuelex.domain.measure import PANEL
from valuelex.domain.structure import BUILT, ValueSystem
from valuelex.errors import LedgerError, StudyError
from valuelex.io.ledger import Ledger
from valuelex.io.rate_page import RatePage, Sheet, Sitting, open_in_browser
from valuelex.io.rated import RatedFile, latest
from valuelex.pipeline.workspace import Workspace, stage_rng
from valuelex.stages.exhibits import Exhibits, prepare_exhibits
from valuelex.stages.judge_prompt import counterbalanced_order
from valuelex.stages.project import plan_completions, read_completions

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sitting brought: sheets rated in it, rated by this rater in all, and still to rate."""

    path: Path
    n_rated: int
    n_rated_in_all: int
    n_left: int


def ratings_path(workspace: Workspace, rater: str) -> Path:
    """Where the ratings of a person are.

    Raises
    ------
    StudyError
        If the name has other signs than letters, digits, - and _, or is taken.
    """
    if not _NAME.fullmatch(rater):
        msg = f"--rater must be 1 to 64 letters (a to z), digits, - and _, not {rater!r}; for instance --rater ann"
        raise StudyError(msg)
    if rater == PANEL:
        msg = f"--rater must not be {PANEL!r}, which names all judges together; choose another name."
        raise StudyError(msg)
    return workspace.folder / "ratings" / f"{rater}.csv"


def prepare_sheets(workspace: Workspace, rater: str, system_name: str | None = None) -> Sitting:
    """Lay out what a person has still to rate: every distinct completed sentence once, in random order.

    The order follows from the study's seed and the rater's name, and stays the same when rating goes on another
    time. Subdimensions are counterbalanced over the places of that order.

    Parameters
    ----------
    workspace
        A study some of whose completions are in the ledger; missing ones are left out.
    rater
        Name of the person.
    system_name
        A given value system of the study; None where it has only one.

    Returns
    -------
    Sitting
        Without the sheets that this rater has rated on every subdimension; `n_before` counts them.

    Raises
    ------
    StudyError
        If there is no such system, or the name or the file of the rater is wrong.
    LedgerError
        If no completion can be rated yet.
    """
    path = ratings_path(workspace, rater)
    system = _system(workspace, system_name)
    exhibits = _exhibits(workspace)
    order = stage_rng(workspace.study, f"rate:{rater}").permutation(len(exhibits.items))
    ids = [s.id for s in system.subdimensions]
    sheets = [
        Sheet(exhibits.items[at], tuple(ids[i] for i in counterbalanced_order(len(ids), place)))
        for place, at in enumerate(order)
    ]
    rated = [r for r in latest(path, system) if r.rater == rater] if path.exists() else []
    n_given = Counter(r.exhibit_id for r in rated)
    left = tuple(sheet for sheet in sheets if n_given[sheet.exhibit.id] < len(ids))
    shown = {sheet.exhibit.id for sheet in left}
    return Sitting(
        rater=rater,
        system=system,
        manual=workspace.study.manual,
        sheets=left,
        rated=tuple(r for r in rated if r.exhibit_id in shown),
        n_before=len(sheets) - len(left),
    )


def rate(
    workspace: Workspace,
    rater: str,
    system_name: str | None = None,
    *,
    n: int | None = None,
    port: int = 0,
    announce: Callable[[Sitting, str], None],
    open_browser: bool = True,
) -> Outcome:
    """Show sheets on a page of this machine until the rater stops; ratings go to ratings/NAME.csv.

    Parameters
    ----------
    workspace, rater, system_name
        As for `prepare_sheets`.
    n
        Show at most so many sheets; None shows all that are left.
    port
        Of the page; 0 takes a free one.
    announce
        Told the sitting and the address of the page before it is served. Not called when nothing is left.
    open_browser
        Open the address in a graphical browser, where there is one.
    """
    path = ratings_path(workspace, rater)
    sitting = prepare_sheets(workspace, rater, system_name)
    if not sitting.sheets:
        return Outcome(path, 0, sitting.n_before, 0)
    shown = replace(sitting, sheets=sitting.sheets[:n])
    with RatedFile(path) as file, RatePage(shown, file, port) as page:
        announce(shown, page.url)
        if open_browser:
            open_in_browser(page.url)
        page.serve()
    n_rated = page.n_rated
    return Outcome(path, n_rated, sitting.n_before + n_rated, len(sitting.sheets) - n_rated)


def _system(workspace: Workspace, name: str | None) -> ValueSystem:
    systems = {system.name: system for system in workspace.study.project.systems}
    if name is None and len(systems) == 1:
        return next(iter(systems.values()))
    if name in systems:
        return systems[name]
    choices = ", ".join(map(repr, systems)) or "none"
    if name == BUILT:
        msg = f"People rate on given systems: {choices}. {BUILT!r} is made anew by each run; choose a given one."
    elif name is None:
        msg = f"Choose a value system with --system; the study gives {choices}."
    else:
        msg = f"--system {name!r} is not given in the study; it gives {choices}."
    raise StudyError(msg)


def _exhibits(workspace: Workspace) -> Exhibits:
    calls = plan_completions(workspace.study)
    replies = {}
    if workspace.ledger_path.exists() and workspace.ledger_path.stat().st_size:
        with Ledger(workspace.ledger_path, read_only=True) as ledger:
            replies = ledger.replies(call.key for call in calls)
    test = workspace.study.project.test
    completions = read_completions([call for call in calls if call.key in replies], replies, test)
    exhibits = prepare_exhibits(completions, test)
    if not exhibits.items:
        msg = (
            f"There is no completion to rate in {str(workspace.folder)!r} yet; "
            "run first: valuelex run STUDY --until project"
        )
        raise LedgerError(msg)
    return exhibits
