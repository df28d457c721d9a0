"""The outcome of checking one thing in many places.

Owns counting and naming the first offenders. Does not check anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NAMED = 3
"""Offenders that are named; more are counted."""


@dataclass(slots=True)
class Check:
    """What was checked, in how many places, and where it does not hold."""

    title: str
    n_checked: int = 0
    n_wrong: int = 0
    first: list[str] = field(default_factory=list)

    def wrong(self, offender: str, n: int = 1) -> None:
        """Count `n` places where it does not hold; the first few are named."""
        self.n_wrong += n
        if len(self.first) < NAMED:
            self.first.append(offender)
