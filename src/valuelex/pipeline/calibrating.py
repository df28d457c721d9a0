"""Let a judge rate texts that people have labelled, and compare.

Joins label files, judges and their calls, which are kept in a ledger like those of a study: counted and approved before
they are sent, and never sent twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from valuelex.domain.budget import Budget
from valuelex.domain.call import Call, Missing, Reply
from valuelex.domain.cost import estimate, spend
from valuelex.domain.labels import Calibration, LabelledText, LabelSet
from valuelex.domain.measure import REASONS, Exhibit, Manual, join_sentence
from valuelex.domain.structure import ValueSystem
from valuelex.domain.study import JudgePlan
from valuelex.domain.wording import count
from valuelex.errors import NotApprovedError, StudyError
from valuelex.io import assets, files
from valuelex.io.assets import load_endpoints
from valuelex.io.calibration_file import write_calibration
from valuelex.io.embed import MiniLM
from valuelex.io.labels import load_map, read_labels
from valuelex.io.ledger import Ledger
from valuelex.io.model_lookup import rates_together, resolve_model
from valuelex.io.prices import prices_of, shipped_prices
from valuelex.io.send import Sender, check_keys, raise_for_stops
from valuelex.io.study_file import EMBEDDING
from valuelex.pipeline.measuring import Embeddings
from valuelex.pipeline.status import StageCount, Status
from valuelex.pipeline.workspace import Progress, Silent
from valuelex.stages.calibrate import calibrate
from valuelex.stages.claim_context import in_context
from valuelex.stages.fence import LONGEST, neutralise
from valuelex.stages.judge_answer import average_notes, read_ratings
from valuelex.stages.judge_axis import anchor_sentences, rate_by_axis
from valuelex.stages.judge_prompt import TOKENS_EACH, TOKENS_MORE, plan_ratings

DEFAULT_SYSTEM = "valuelex-2024"
MANUAL = "valuelex-7"
CALL_SEED = 0
"""Seed of the calls: texts in two samples are rated once."""
NO_STEM = "(no beginning is given)"
CLAIM_STEM = "Asked what they think of the claim, somebody answered:"

Ratings = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class _Part:
    """Texts that are rated on the same words of the system: their rows and what the judge sees of them."""

    system: ValueSystem
    rows: tuple[int, ...]
    exhibits: tuple[Exhibit, ...]


def open_labels(path: Path, map_name: str | None, system: str | None) -> tuple[LabelSet, ValueSystem]:
    """Read a label file and the value system that its labels are about.

    Parameters
    ----------
    path
        The file.
    map_name
        Shipped map or TOML file; None for the plain form.
    system
        Shipped system or TOML file; None takes the map's, and without a map `valuelex-2024`.
    """
    mapped = load_map(map_name) if map_name else None
    loaded = assets.load_system(system or (mapped.system if mapped else DEFAULT_SYSTEM), Path())
    return read_labels(path, mapped, [s.id for s in loaded.subdimensions]), loaded


def open_judge(name: str) -> JudgePlan:
    """Return the judge of a name: 'axis', or provider/name of a language model."""
    if name == "axis":
        return JudgePlan(f"axis:{EMBEDDING}", "axis")
    if "/" not in name:
        msg = f"--judge must be 'axis' or provider/name of a language model, not {name!r}."
        raise StudyError(msg)
    model = resolve_model(name, {}, Path())
    return JudgePlan(model.label, "llm", model, family=model.label, together=rates_together(model))


def calibrate_judge(
    judge: JudgePlan,
    labels: LabelSet,
    system: ValueSystem,
    folder: Path,
    *,
    sample: int | None = None,
    seed: int = 0,
    approve: Callable[[Status], bool] = lambda _: True,
    progress: Progress | None = None,
    budget: Budget | None = None,
) -> Calibration:
    """Rate labelled texts, compare, and write calibration.json and calibration.csv.

    Parameters
    ----------
    judge
        The axis or a language model; people are not asked here.
    labels, system
        As read together.
    folder
        Where ledger and results go; it is locked meanwhile.
    sample
        Number of texts, drawn at random; a larger sample of the same seed holds the smaller one. None takes all.
    seed
        Of the sample and of the resamples.
    approve
        Asked once, before the first call is sent, with the number of new calls; False ends the run.
    progress
        Shows what is being done.
    budget
        A limit on calls; None for none.

    Raises
    ------
    NotApprovedError
        If `approve` said no; nothing was sent.
    CallError
        If the model could not be called; all answers so far are kept.
    DataError
        If nothing could be compared.
    """
    progress = progress or Silent()
    n_available = len(labels.texts)
    if sample is not None and sample < n_available:
        chosen = np.random.default_rng([seed, *b"sample"]).permutation(n_available)[:sample]
        labels = replace(labels, texts=tuple(labels.texts[i] for i in sorted(chosen)))
    parts = _parts(labels.texts, system)
    with files.locked(folder):
        if judge.kind == "axis":
            progress.step(f"Rating {count(len(labels.texts), 'text')} by the axis")
            ratings = _by_axis(parts, len(labels.texts), Embeddings(MiniLM.load()))
        else:
            manual = assets.load_manual(MANUAL, Path())
            ratings = _by_model(judge, parts, len(labels.texts), manual, folder, approve, progress, budget)
        progress.step("Comparing with the labels")
        found = calibrate(
            labels,
            judge.id,
            system,
            *ratings,
            gated=judge.kind == "llm",
            n_available=n_available,
            rng=np.random.default_rng([seed, *b"calibrate"]),
        )
        write_calibration(folder, found)
    return found


def _parts(texts: Sequence[LabelledText], system: ValueSystem) -> list[_Part]:
    """Divide texts by context where the system is about it; else the context is how the sentence began."""
    own_words = system.takes_context
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        rows.setdefault(neutralise(text.context, LONGEST) if own_words else "", []).append(row)
    return [
        _Part(
            in_context(system, context) if own_words else system,
            tuple(own),
            tuple(_exhibit(texts[row], claim=own_words) for row in own),
        )
        for context, own in rows.items()
    ]


def _exhibit(text: LabelledText, *, claim: bool) -> Exhibit:
    stem = CLAIM_STEM if claim else neutralise(text.context, LONGEST) or NO_STEM
    ending = neutralise(text.text, LONGEST)
    digest = hashlib.sha256(f"{stem}\0{ending}".encode()).hexdigest()
    return Exhibit(f"e{digest[:16]}", stem, ending)


def _by_axis(parts: Sequence[_Part], n_texts: int, embeddings: Embeddings) -> Ratings:
    """Rate by the axis; where the claim stands in both poles, or nothing came before, it is the text alone."""
    values = np.full((n_texts, len(parts[0].system.subdimensions)), np.nan)
    for part in parts:
        alone = (CLAIM_STEM, NO_STEM)
        read = [e.ending if e.stem in alone else join_sentence(e.stem, e.ending) for e in part.exhibits]
        anchors = embeddings.of(anchor_sentences(part.system))
        values[list(part.rows)] = rate_by_axis(part.system, embeddings.of(read), anchors)
    return values, np.full(values.shape, -1, dtype=np.int8)


def _by_model(
    judge: JudgePlan,
    parts: Sequence[_Part],
    n_texts: int,
    manual: Manual,
    folder: Path,
    approve: Callable[[Status], bool],
    progress: Progress,
    budget: Budget | None,
) -> Ratings:
    unique = [tuple({e.id: e for e in part.exhibits}.values()) for part in parts]
    planned = [
        plan_ratings(judge, part.system, items, manual, CALL_SEED)
        for part, items in zip(parts, unique, strict=True)
    ]
    calls = [call for own in planned for call in own]
    each = judge.max_tokens or TOKENS_EACH * len(parts[0].system.subdimensions) + TOKENS_MORE
    replies = _gather(judge, calls, each, folder, approve, progress, budget)
    shape = (n_texts, len(parts[0].system.subdimensions))
    values = np.full(shape, np.nan)
    missing = np.full(shape, REASONS.index(Missing.CALL_FAILED), dtype=np.int8)
    for part, items, own in zip(parts, unique, planned, strict=True):
        notes = read_ratings(judge, part.system, items, own, replies)
        rated, reasons = average_notes(notes, part.system, items)
        place = {item.id: i for i, item in enumerate(items)}
        at = [place[e.id] for e in part.exhibits]
        values[list(part.rows)], missing[list(part.rows)] = rated[at], reasons[at]
    return values, missing


def _gather(
    judge: JudgePlan,
    calls: Sequence[Call],
    tokens_each: int,
    folder: Path,
    approve: Callable[[Status], bool],
    progress: Progress,
    budget: Budget | None,
) -> Mapping[str, Reply]:
    """Send what the ledger has not answered, once that is approved, and read all replies."""
    if judge.model is None:
        msg = f"Judge {judge.id!r} is neither the axis nor a language model; calibrate one of these."
        raise StudyError(msg)
    with Ledger(folder / "ledger.db") as ledger:
        answered, failed = ledger.answered(), ledger.failures()
        new = list({c.key: c for c in calls if c.key not in answered}.values())
        if new:
            n_failed = sum(c.key in failed for c in new)
            count = StageCount("judge", len(calls), len(calls) - len(new), n_failed)
            check_keys([judge.model])
            prices = prices_of([judge.model.label], load_endpoints(), {}, shipped_prices())
            tallies = ledger.tallies()
            cost = estimate(new, prices, tallies)
            state = Status((count,), (), len(new) * tokens_each, cost, spend(tallies, prices))
            if not approve(state):
                raise NotApprovedError
            with Sender([judge.model], ledger, progress.calls, budget) as sender:
                raise_for_stops([sender.send("judge", new)])
        else:
            progress.step("Nothing was sent: every answer was in the ledger")
        return ledger.replies(c.key for c in calls)
