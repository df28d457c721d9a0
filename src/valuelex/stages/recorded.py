"""Find the call that a recorded answer belongs to.

Owns how answers are matched with what a study asks: by the id of a prompt or stem, or by its text. Answers that
nothing was planned for are told with the way out. Reads no file and no ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from valuelex.domain.call import Call
from valuelex.domain.recorded import BadRow, Fault, RecordedAnswer, RecordedStage, recorded_call
from valuelex.domain.study import Study
from valuelex.domain.term_ratings import TermPlan
from valuelex.stages.elicit import elicitation_items
from valuelex.stages.project import completion_items
from valuelex.stages.rate_terms import term_items
from valuelex.stages.request import Item

_WHAT: Mapping[RecordedStage, str] = {"elicit": "prompt", "term": "term", "project": "stem"}
_SECTION: Mapping[RecordedStage, str] = {"elicit": "elicit", "term": "elicit", "project": "project"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one stage of a study asks: its items, their ids by their texts, and how many draws of each."""

    items: frozenset[str] = frozenset()
    by_text: Mapping[str, str] = field(default_factory=dict)
    draws: int = 0

    def find(self, answer: RecordedAnswer) -> str | None:
        """Return the id of the item that was answered: by its id, or by the text that stands for item or prompt."""
        if answer.item in self.items:
            return answer.item
        found = (self.by_text.get(_plain(text)) for text in (answer.item, answer.prompt) if text)
        return next((item for item in found if item is not None), None)


class Places:
    """Where recorded answers have their place in a study.

    Parameters
    ----------
    study
        Its prompts and stems are the items of elicitation and projection; free text may have any item. Ratings of
        terms have ``PROMPT/TERM``, or the term alone for the first prompt.
    """

    def __init__(self, study: Study) -> None:
        # Only a stem's own text begins its answer; the beginning of a list of words asks for nothing.
        words, stems = study.elicit, study.project
        self._asked: Mapping[RecordedStage, Asked] = {
            "elicit": Asked() if words is None else _asked(elicitation_items(words), words.draws, ("user",)),
            "term": Asked() if study.terms is None else _asked_of_terms(study.terms),
            "project": _asked(completion_items(stems), stems.draws, ("user", "prefill")),
        }
        self._ids = {r.model.name: r.id for r in study.respondents if r.model.is_recorded}

    def knows(self, name: str) -> bool:
        """Tell whether a respondent of the study stands for a name."""
        return name in self._ids

    def call_of(self, answer: RecordedAnswer) -> Call | BadRow:
        """Return the call that an answer belongs to, or why there is none.

        The call's respondent is that of the study, where one stands for the name.
        """
        if answer.stage == "observe":
            item: str | None = answer.item or _name_of(answer.prompt)
        else:
            asked = self._asked[answer.stage]
            item = asked.find(answer)
            if item is None:
                return BadRow(answer.line, Fault.UNKNOWN_ITEM, _unknown(answer, asked))
            if answer.draw >= asked.draws:
                said = (
                    f"draw {answer.draw} of {item!r}, but [{_SECTION[answer.stage]}] draws = {asked.draws} and draws "
                    "count from 0; raise draws, or say by --first-draw how the file counts"
                )
                return BadRow(answer.line, Fault.UNKNOWN_DRAW, said)
        who = self._ids.get(answer.respondent, answer.respondent)
        return recorded_call(answer.respondent, who, answer.stage, str(item), answer.draw)


def _asked_of_terms(plan: TermPlan) -> Asked:
    asked = _asked(term_items(plan), plan.draws, ("user",))
    first = plan.prompts.prompts[0].id
    alone = {_plain(term): f"{first}/{term}" for term in plan.terms}
    return replace(asked, by_text={**alone, **asked.by_text})


def _asked(items: Sequence[Item], draws: int, texts: tuple[str, ...]) -> Asked:
    by_text: dict[str, str] = {}
    for item in items:
        for name in texts:
            by_text.setdefault(_plain(getattr(item, name)), item.id)
    return Asked(frozenset(item.id for item in items), by_text, draws)


def _plain(text: str) -> str:
    """Reduce a text to what does not change when it is copied: case, spacing and marks at its end may."""
    return " ".join(text.split()).rstrip(" .…_").casefold()


def _name_of(prompt: str) -> str:
    """Name a prompt by its content."""
    return f"prompt-{hashlib.sha256(prompt.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _unknown(answer: RecordedAnswer, asked: Asked) -> str:
    what = _WHAT[answer.stage]
    shown = f"item {answer.item[:60]!r}" if answer.item else f"prompt {answer.prompt[:60]!r}"
    if not asked.items:
        if answer.stage == "term":
            return f'{shown}, but no terms are rated in the study; add an [elicit] section with mode = "rate"'
        return f"{shown}, but the study elicits nothing; add an [elicit] section"
    return (
        f"{shown} is no {what} of the study (the first is {min(asked.items)!r}); map its id or text, "
        "or import as --stage observe"
    )
