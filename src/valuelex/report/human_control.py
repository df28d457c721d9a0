"""Say what became of the structure when the same respondents answered as a human. Computes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from valuelex.domain.evidence import Level
from valuelex.domain.human_control import HumanControl
from valuelex.domain.results import Results
from valuelex.report.quality import told
from valuelex.report.wording import count, number

LEVELS = {Level.BETWEEN: "between sources, ", Level.WITHIN: "within responses, ", Level.POOLED: ""}


@dataclass(frozen=True, slots=True)
class ControlSection:
    """The control: sentences, and the words that were named one way only."""

    sentences: tuple[str, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def build_control(results: Results) -> ControlSection | None:
    """Lay out the human control; None where the study did not ask for it."""
    control = results.control
    if control is None:
        return None
    asked = (
        f"{count(len(control.respondent_ids), 'respondent')} without a persona answered the same prompts once more as "
        f"an ordinary person: {count(control.n_responses[0], 'response')} as themselves, {control.n_responses[1]:,} "
        f"as a human. {count(len(control.terms), 'term')} named both ways, {len(control.gained):,} as themselves "
        f"only, {len(control.lost):,} as a human only."
    )
    return ControlSection((asked, *_compared(control)), control.gained, control.lost)


def _compared(control: HumanControl) -> tuple[str, ...]:
    if control.reason:
        return (f"Nothing can be compared: {control.reason}.",)
    figures = [f"adjusted Rand index of the groups {number(control.adjusted_rand)}"]
    for level in control.levels:
        figures.append(
            f"{LEVELS[level.level]}congruence of the associations of {count(level.pair_congruence.n, 'pair')} "
            f"{told(level.pair_congruence)}"
        )
        if level.halves is not None:
            figures.append(
                f"between halves of the answers {number(level.halves.own)} as themselves, "
                f"{number(level.halves.human)} as a human and {number(level.halves.across)} across"
            )
    return (control.verdict, f"The figures: {'; '.join(figures)}.")
