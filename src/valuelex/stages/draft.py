"""Draft stems for any value system with a language model.

Owns what the model is told and which of its lines become stems. What comes out is a draft for a
person to edit: whether a stem is worth asking is not decided here, and `stem_check` only helps to see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from valuelex.domain.call import Call, Reply
from valuelex.domain.measure import ProjectiveTest, Stem, StemKind
from valuelex.domain.structure import Subdimension, ValueSystem
from valuelex.domain.study import Respondent
from valuelex.errors import StudyError
from valuelex.stages.clean import clean_answer
from valuelex.stages.request import build_call
from valuelex.stages.stem_check import MAX_WORDS, MIN_WORDS, named_markers, words_of

SHARES: Mapping[StemKind, float] = {
    StemKind.NEUTRAL: 0.5,
    StemKind.ROLE: 0.2,
    StemKind.CONFLICT: 0.2,
    StemKind.REVERSED: 0.1,
}
"""Of the stems of a subdimension, how many are of each kind; as in the shipped test."""

ECHO_WORDS = 5
"""A line that has this many words in a row from its request repeats it, as small models do."""

TOKENS_EACH, TOKENS_MORE = 30, 60
"""Longest answer: this much for each stem, and this much besides."""

INSTRUCTION = """\
Write {n} different beginnings of sentences for a sentence-completion test.

They come from situations of everyday life and work in which this is at stake:
{definition}

{task}

Each beginning
- is told in the first person and ends with the word I, where somebody else will go on;
- has {low} to {high} plain words;
- leaves it open whether the person goes on to act one way or the other;
- shows the situation and uses none of these words or words like them: {markers}.

Write each on a line of its own, with no numbers, quotation marks or dots, and nothing else."""

TASKS: Mapping[StemKind, str] = {
    StemKind.NEUTRAL: "Each sets out one such situation and takes no side. An example about something else: "
    "When the last bus had gone, I",
    StemKind.ROLE: "Each speaks from within a role or an occupation that meets with it. An example about something "
    "else: As the keeper of a lighthouse in fog, I",
    StemKind.CONFLICT: "In each, this stands against something else, and one cannot have both: {against} An example "
    "about something else: The tent was dry but the stars were out, so I",
    StemKind.REVERSED: "Each holds an excuse or a temptation that pulls away from it. An example about something "
    "else: Everyone else had gone to bed, so I",
}

_BULLET = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,3}[.):])\s+")
_QUOTES = "\"'“”‘’*`"
_OPEN_END = re.compile(r"[\s_.…]*$")
_END = re.compile(r"\bI$")


@dataclass(frozen=True, slots=True)
class _Request:
    """What one call asks for: stems of a kind from a subdimension, for conflicts against a second one."""

    theme: Subdimension
    kind: StemKind
    against: Subdimension | None = None

    @property
    def item_id(self) -> str:
        second = f"/{self.against.id}" if self.against else ""
        return f"{self.theme.id}/{self.kind}{second}"


def plan_drafts(
    writer: Respondent, system: ValueSystem, n_per_subdimension: int, seed: int, draws: int = 1
) -> tuple[Call, ...]:
    """Plan the calls by which a model drafts stems.

    Parameters
    ----------
    writer
        Who drafts; it must answer chat.
    system
        The value system; stems come from the situations of each subdimension's definition.
    n_per_subdimension
        Stems to ask for in each draw, from 1. They are shared out over the kinds as in the shipped test. A
        system of one subdimension has nothing to set against it, and gets neutral stems for conflicts.
    seed
        Of the calls.
    draws
        Answers to each request; more give more to choose from.

    Returns
    -------
    tuple of Call
        In the order draw, subdimension, kind, second subdimension.

    Raises
    ------
    StudyError
        If the writer only continues text, or nothing is asked for.
    """
    if writer.api != "chat":
        msg = f"{writer.id!r} only continues text and cannot be told to draft stems; name a model with api 'chat'."
        raise StudyError(msg)
    if n_per_subdimension < 1 or draws < 1:
        msg = (
            f"{n_per_subdimension} stems in {draws} draws leave nothing to draft; ask for at least 1 of each."
        )
        raise StudyError(msg)
    calls = []
    for draw in range(draws):
        for request, n in _shared_out(system, n_per_subdimension):
            content = {
                "max_tokens": TOKENS_EACH * n + TOKENS_MORE,
                "messages": [{"role": "user", "content": _prompt(request, n)}],
            }
            calls.append(build_call(writer, "draft", request.item_id, draw, content, seed))
    return tuple(calls)


def _shared_out(system: ValueSystem, n: int) -> Iterator[tuple[_Request, int]]:
    """Yield how many stems each request asks for; the second themes of conflicts take turns."""
    themes = system.subdimensions
    counts = _counts(n, with_conflicts=len(themes) > 1)
    for place, theme in enumerate(themes):
        for kind, count in counts.items():
            if kind is not StemKind.CONFLICT:
                if count:
                    yield _Request(theme, kind), count
                continue
            others = len(themes) - 1
            for step in range(min(count, others)):
                against = themes[(place + 1 + step) % len(themes)]
                yield _Request(theme, kind, against), count // others + (step < count % others)


def _counts(n: int, *, with_conflicts: bool) -> dict[StemKind, int]:
    """Share `n` stems out over the kinds by largest remainder, the first kind winning ties."""
    shares = dict(SHARES)
    if not with_conflicts:
        shares[StemKind.NEUTRAL] += shares.pop(StemKind.CONFLICT)
    # Rounded, because 10 * 0.1 must be 1 and not a little less.
    exact = {kind: round(n * share, 9) for kind, share in shares.items()}
    counts = {kind: int(value) for kind, value in exact.items()}
    order = sorted(exact, key=lambda kind: counts[kind] - exact[kind])
    for kind in order[: n - sum(counts.values())]:
        counts[kind] += 1
    return counts


def _prompt(request: _Request, n: int) -> str:
    against = request.against.definition if request.against else ""
    return INSTRUCTION.format(
        n=n,
        definition=request.theme.definition,
        task=TASKS[request.kind].format(against=against),
        low=MIN_WORDS,
        high=MAX_WORDS,
        markers=", ".join(request.theme.markers),
    )


def read_drafts(calls: Sequence[Call], replies: Mapping[str, Reply], system: ValueSystem) -> tuple[Stem, ...]:
    """Read the stems that were drafted.

    A line becomes a stem when it ends with the word I (a blank after it is taken off), is as long as a stem should
    be, has no full stop in it, is not the second of its words, repeats nothing of the request, and names no
    marker of the system; a conflict stem may name one. All other lines are left.

    Parameters
    ----------
    calls
        As planned by `plan_drafts`.
    replies
        Replies by call key; a call without one drafted nothing.
    system
        The value system that the calls were planned from.

    Returns
    -------
    tuple of Stem
        With ids d001, d002, ... by rounds: the first of every kind and subdimension, then the second of
        each, so that the first ones are as balanced as the answers allow.
    """
    themes = system.subdimensions
    kinds = tuple(StemKind)
    requests = [_Request(t, kind) for t in themes for kind in kinds if kind is not StemKind.CONFLICT]
    requests += [_Request(t, StemKind.CONFLICT, s) for t in themes for s in themes if s is not t]
    asked = {request.item_id: request for request in requests}
    rounds: dict[tuple[StemKind, str], int] = {}
    placed: list[tuple[int, int, int, Stem]] = []
    seen: set[str] = set()
    for call in calls:
        request = asked[call.item_id]
        told = _runs(json.loads(call.body)["messages"][0]["content"])
        for text in _openings(replies.get(call.key)):
            named = request.kind is not StemKind.CONFLICT and named_markers(text, system)
            words = " ".join(words_of(text))
            if named or words in seen or _runs(text) & told:
                continue
            seen.add(words)
            cell = (request.kind, request.theme.id)
            rounds[cell] = rounds.get(cell, -1) + 1
            against = request.against.id if request.against else None
            stem = Stem("", text, request.kind, request.theme.id, against)
            placed.append((rounds[cell], kinds.index(request.kind), themes.index(request.theme), stem))
    placed.sort(key=lambda entry: entry[:3])
    return tuple(replace(stem, id=f"d{i:03d}") for i, (*_, stem) in enumerate(placed, start=1))


def _openings(reply: Reply | None) -> Iterator[str]:
    """Yield the lines of an answer that are beginnings of sentences; those of a refusal are none."""
    if reply is None or reply.missing is not None:
        return
    for line in clean_answer(reply.text).splitlines():
        bare = _BULLET.sub("", line).strip().strip(_QUOTES)
        text = _OPEN_END.sub("", bare).strip(_QUOTES)
        whole = any(mark in text for mark in ".!?…_:")
        if _END.search(text) and not whole and MIN_WORDS <= len(words_of(text)) <= MAX_WORDS:
            yield text


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = words_of(text)
    return frozenset(tuple(words[i : i + ECHO_WORDS]) for i in range(len(words) - ECHO_WORDS + 1))


def drafted_test(
    name: str, writer: Respondent, system: ValueSystem, stems: Sequence[Stem], examples: Sequence[str]
) -> ProjectiveTest:
    """Make a test of drafted stems, which says that it is a draft and who wrote it.

    Parameters
    ----------
    name
        Of the test.
    writer, system
        Who drafted, and for which value system.
    stems
        As `read_drafts` returns them.
    examples
        Everyday completed sentences, such as those of the shipped test; raw completion needs them.

    Raises
    ------
    StudyError
        If no stem is left.
    """
    if not stems:
        msg = f"{writer.model.label} drafted no usable stem for {system.name!r}; use a larger model or more draws."
        raise StudyError(msg)
    source = (
        f"Drafted by {writer.model.label} for the value system {system.name!r}; not yet edited by a person."
    )
    return ProjectiveTest(name, source, tuple(stems), tuple(examples), draft=True)
