"""Comparison of our figures with those of other software, for the tests and for the table in the docs.

Each `tests/stats/*_oracle.py` yields comparisons; `tests/stats/test_oracles.py` asserts them all, and
`benchmarks/oracles.py` prints them as a table. The values lie in `tests/oracles/*.json`, each beside the
script that made it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

FOLDER = Path(__file__).parent / "oracles"


@dataclass(frozen=True)
class Comparison:
    """One quantity on one input: ours, theirs, and how far apart they may be (absolute)."""

    quantity: str
    """Rows of the table; comparisons of the same quantity on several inputs share it: 'minres loadings'."""
    case: str
    """Which input: 'harman24, k=4'."""
    software: str
    """Who made the value: 'psych 2.2.9'."""
    ours: ArrayLike
    theirs: ArrayLike
    tolerance: float

    @property
    def deviation(self) -> float:
        """Largest absolute difference; NaN must stand in the same places."""
        ours, theirs = np.asarray(self.ours, dtype=float), np.asarray(self.theirs, dtype=float)
        assert ours.shape == theirs.shape, (
            f"{self.quantity} ({self.case}): {ours.shape} against {theirs.shape}"
        )
        assert (np.isnan(ours) == np.isnan(theirs)).all(), (
            f"{self.quantity} ({self.case}): NaN in other places"
        )
        return float(np.nanmax(np.abs(ours - theirs), initial=0.0))


Comparisons = Iterator[Comparison]


def load(name: str) -> Any:
    """Values of `tests/oracles/NAME.json`."""
    return json.loads((FOLDER / f"{name}.json").read_text())
