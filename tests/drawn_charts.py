"""Charts of reports that were drawn before, taken from memory: they follow from what they show alone."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from valuelex.report import html
from valuelex.report.sections import Report

_DRAWN: dict[bytes, dict[str, Any]] = {}
_DRAW = html._charts


def draw_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the same charts once in all tests, until the end of this one."""
    monkeypatch.setattr(html, "_charts", _remembered)


def _remembered(report: Report) -> dict[str, Any]:
    shown = pickle.dumps((report.orientations, report.quality, report.crosswalk, report.found))
    if shown not in _DRAWN:
        _DRAWN[shown] = _DRAW(report)
    return _DRAWN[shown]
