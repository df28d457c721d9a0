"""Say numbers, reasons and names in the words of the report.

Owns number formats, the marking of invisible characters and the names of measured things.
Knows no HTML: escaping belongs to `valuelex.report.html`.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from valuelex.domain.call import Missing
from valuelex.domain.measure import Level
from valuelex.domain.results import Results
from valuelex.domain.structure import ValueSystem
from valuelex.domain.wording import DASH, count, p_equals, p_value

__all__ = [
    "DASH",
    "REASONS",
    "Labels",
    "count",
    "interval",
    "labels",
    "listed",
    "number",
    "p_equals",
    "p_value",
]
__all__ += ["reasons", "share", "visible"]

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_KEPT = frozenset("\n\t")

REASONS: Mapping[Missing, str] = {
    Missing.REFUSED: "refused",
    Missing.FILTERED: "filtered by the provider",
    Missing.EMPTY: "empty",
    Missing.UNPARSEABLE: "unparseable",
    Missing.OFF_TOPIC: "off topic",
    Missing.OFF_SCALE: "off the scale",
    Missing.IRRELEVANT: "not bearing on it",
    Missing.INJECTION: "addresses its judge",
    Missing.EXCLUDED: "kept from this judge",
    Missing.NOT_RATED: "not rated",
    Missing.CALL_FAILED: "call failed",
    Missing.NOT_RECORDED: "not recorded",
}


WEAKNESSES: Mapping[str, str] = {
    "HEYWOOD": "Improper solution",
    "NOT_POSITIVE_DEFINITE": "Correlations without an inverse",
    "NOT_CONVERGED": "Not converged",
    "LOCAL_OPTIMA": "More than one solution",
    "FEW_UNITS": "Few independent units",
    "AT_BOUNDARY": "At the edge of what is possible",
    "SPARSE_CELLS": "Sparse data",
    "LEFT_OUT": "Left out",
}
"""Kinds of weakness as result files name them, and as a reader knows them."""


def weakness(flag: str) -> str:
    """Write a flag of a result file, ``KIND: detail``, in plain words; a kind that is not known stays."""
    kind, colon, detail = flag.partition(": ")
    return f"{WEAKNESSES.get(kind, kind)}{colon}{detail}"


def visible(text: str) -> str:
    """Replace characters that cannot be seen by their code, so that text cannot reorder or hide itself.

    Control, format (zero-width and bidirectional), surrogate, private and unassigned characters become
    ``⟨U+200B⟩`` and the like. Line feeds and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in _UNSEEN and c not in _KEPT else c for c in text
    )


def number(value: float | None, digits: int = 2) -> str:
    """Write a number with a true minus sign; a dash for None and NaN, and never a negative zero."""
    if value is None or math.isnan(value):
        return DASH
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """Write an interval in brackets; empty where an end is missing."""
    if low is None or high is None:
        return ""
    return f"[{number(low)}, {number(high)}]"


def share(part: int, whole: int) -> str:
    """Write a share as a percentage without decimals; a dash when there is no whole.

    A share that is neither nothing nor everything is never rounded to 0 % or 100 %.
    """
    if whole == 0:
        return DASH
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "<1\u00a0%"
    if 99 < percent < 100:
        return ">99\u00a0%"
    return f"{percent:.0f}\u00a0%"


def reasons(missing: Mapping[Missing, int]) -> str:
    """Write missing counts by reason, such as ``4 refused, 1 unparseable``; empty when none is missing."""
    return ", ".join(f"{missing[r]:,} {REASONS[r]}" for r in Missing if missing.get(r))


def listed(items: list[str]) -> str:
    """Join items with commas and a last 'and'."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


@dataclass(frozen=True, slots=True)
class Labels:
    """Names that a reader knows, for the ids of systems, targets and themes; an unknown id names itself."""

    systems: Mapping[str, ValueSystem]

    def system(self, name: str) -> str:
        """Return the title of a value system."""
        return self.systems[name].title if name in self.systems else name

    def target(self, system: str, level: Level, target: str) -> str:
        """Return the name of a subdimension or dimension."""
        if system in self.systems:
            known = self.systems[system]
            parts = known.subdimensions if level == "subdimension" else known.dimensions
            for part in parts:
                if part.id == target:
                    return part.name
        return target

    def theme(self, theme: str) -> str:
        """Return the name of the subdimension that a stem's situations come from."""
        for system in self.systems.values():
            for part in system.subdimensions:
                if part.id == theme:
                    return part.name
        return theme


def labels(results: Results) -> Labels:
    """Collect the names that these results use."""
    return Labels({s.name: s for s in (*results.study.project.systems, *results.systems)})
