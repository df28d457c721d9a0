"""Every quantity against other software; the same comparisons make the table of benchmarks/oracles.py."""

import importlib
from pathlib import Path

import pytest

from oracle import Comparison

MODULES = sorted(
    path.stem for path in Path(__file__).parent.glob("*_oracle.py") if not path.stem.startswith("test_")
)


def test_there_are_oracles() -> None:
    assert MODULES


@pytest.mark.parametrize("module", MODULES)
def test_our_figures_equal_those_of_other_software(module: str) -> None:
    comparisons: list[Comparison] = list(importlib.import_module(module).comparisons())
    assert comparisons
    off = [
        f"{c.quantity} ({c.case}): off by {c.deviation:.3g}, allowed {c.tolerance:.3g}"
        for c in comparisons
        if not c.deviation <= c.tolerance
    ]
    assert not off, "\n".join(off)
