"""Check the stems of a test, and draft stems for any value system with a language model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from valuelex.domain.budget import Budget
from valuelex.domain.measure import ProjectiveTest
from valuelex.domain.study import Respondent
from valuelex.domain.wording import count
from valuelex.errors import DataError, LedgerError, NotApprovedError, StudyError
from valuelex.io import assets, files
from valuelex.io.embed import MiniLM
from valuelex.io.ledger import Ledger
from valuelex.io.model_lookup import resolve_model
from valuelex.io.send import Sender, check_keys, raise_for_stops
from valuelex.io.sentiment import sentiment
from valuelex.pipeline.workspace import Progress, Silent
from valuelex.stages.draft import drafted_test, plan_drafts, read_drafts
from valuelex.stages.stem_check import StemFault, check_stems, texts_of

DRAFT_TEMPERATURE = 1.0
"""Of the model that drafts: the same stem twenty times over is of no use."""


def check_test(name: str, system: str | None) -> tuple[ProjectiveTest, tuple[StemFault, ...]]:
    """Check a test, shipped or from a file, against a value system.

    Raises
    ------
    StudyError
        If the test cannot be read.
    """
    test = assets.load_test(name, Path())
    texts = texts_of(test)
    known = assets.load_system(system, Path()) if system else None
    return test, check_stems(test, MiniLM.load().embed(texts), sentiment(texts), known)


def draft_test(
    system_name: str,
    model_name: str,
    target: Path,
    *,
    n_each: int,
    seed: int,
    approve: Callable[[int], bool] = lambda _: True,
    progress: Progress | None = None,
    budget: Budget | None = None,
) -> ProjectiveTest:
    """Draft stems for a value system and write them to a TOML file, marked as drafts.

    Every call and reply is in the ledger beside the file; drafting again with the same settings sends nothing.

    Parameters
    ----------
    system_name
        A shipped value system, or a TOML file.
    model_name
        ``provider/name`` of the model that drafts.
    target
        The file to write. It must not exist.
    n_each
        Stems to ask for, for each subdimension.
    seed
        Of the calls.
    approve
        Asked before anything is sent, with the number of new calls.
    progress
        Shows what is being done.
    budget
        A limit on calls; None for none.

    Raises
    ------
    LedgerError
        If the file exists or cannot be written.
    NotApprovedError
        If `approve` said no.
    DataError
        If no line of the answers is a stem.
    """
    progress = progress or Silent()
    if target.suffix != ".toml":
        msg = f"{str(target)!r}: drafts are written as TOML; give the file the ending .toml."
        raise StudyError(msg)
    if target.exists():
        msg = f"{str(target)!r} exists and was left as it is; choose another file."
        raise LedgerError(msg)
    system = assets.load_system(system_name, Path())
    model = resolve_model(model_name, {}, Path())
    writer = Respondent(model.label, model, "chat", DRAFT_TEMPERATURE, 1.0, model.label)
    calls = plan_drafts(writer, system, n_each, seed)
    check_keys([model])
    with files.locked(target.parent), Ledger(target.with_suffix(".ledger.db")) as ledger:
        answered = ledger.answered()
        new = [c for c in calls if c.key not in answered]
        if new and not approve(len(new)):
            raise NotApprovedError
        with Sender([model], ledger, progress.calls, budget) if new else nullcontext() as sender:
            if sender is not None:
                raise_for_stops([sender.send("draft", new)])
        stems = read_drafts(calls, ledger.replies(c.key for c in calls), system)
    if not stems:
        msg = (
            f"None of {count(len(calls), 'answer')} of {model.label!r} held a usable stem; read them in "
            f"{str(target.with_suffix('.ledger.db'))!r}, or ask another model."
        )
        raise DataError(msg)
    shipped = assets.load_test(assets.DEFAULT_TEST, Path())
    test = drafted_test(target.stem, writer, system, stems, shipped.examples)
    files.write_text(target, assets.write_test(test))
    return test
