"""Write numbers for people, the same in messages, caveats and reports.

Owns counted things, choices and p-values. What only the report says is in `valuelex.report.wording`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

DASH = "–"


def count(n: int, singular: str, plural: str | None = None) -> str:
    """Write a number of things, such as ``1 stem`` or ``1,200 stems``."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def either(choices: Sequence[str]) -> str:
    """Write what there is to choose from, such as ``'a', 'b' or 'c'``."""
    *others, last = map(repr, choices)
    return f"{', '.join(others)} or {last}" if others else last


def tally(reasons: Iterable[object]) -> str:
    """Count reasons, the commonest first, such as ``71 NOT_RECORDED, 1 REFUSED``."""
    return ", ".join(f"{n} {reason}" for reason, n in Counter(map(str, reasons)).most_common())


def p_value(value: float | None) -> str:
    """Write a p-value with three decimals and no leading zero; ``<.001`` below that, and never a p of nothing."""
    if value is None or math.isnan(value):
        return DASH
    if value < 0.001:
        return "<.001"
    return f"{value:.3f}".removeprefix("0")


def p_equals(value: float | None) -> str:
    """Write a p-value for a sentence: ``p = .012``, or ``p < .001``."""
    text = p_value(value)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"
