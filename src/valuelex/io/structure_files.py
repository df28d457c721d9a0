"""Result files of the factor-analytic route and of populations.

Owns their names and columns. How files are written is in `valuelex.io.files`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from valuelex.domain.factors import FactorRoute, NoFactors
from valuelex.domain.population import Populations, TermShift
from valuelex.io.files import plain, write_csv, write_json

IN_TABLE = frozenset(
    {
        "pattern",
        "pattern_low",
        "pattern_high",
        "structure",
        "communalities",
        "communality_low",
        "communality_high",
    }
)
"""Fields of a route that stand in loadings.csv and not in factors.json."""


def write_factors(folder: Path, routes: Sequence[FactorRoute | NoFactors]) -> None:
    """Write factors.json, one entry a route, and loadings.csv, one row for each term and factor of each."""
    content = [
        {name: value for name, value in plain(route).items() if name not in IN_TABLE} for route in routes
    ]
    write_json(folder / "factors.json", "valuelex/factors/1", {"routes": content})
    header = (
        *("matrix", "term", "factor", "loading", "loading_low", "loading_high", "correlation", "primary"),
        *("stability", "communality", "communality_low", "communality_high"),
    )
    write_csv(
        folder / "loadings.csv",
        header,
        (row for route in routes if isinstance(route, FactorRoute) for row in _loadings(route)),
    )


def _loadings(route: FactorRoute) -> list[list[Any]]:
    rows = []
    for i, term in enumerate(route.terms):
        of_term = [
            _number(v[i])
            for v in (route.stability, route.communalities, route.communality_low, route.communality_high)
        ]
        for j in range(route.n_factors):
            of_cell = [
                _number(m[i, j])
                for m in (route.pattern, route.pattern_low, route.pattern_high, route.structure)
            ]
            primary = int(route.primary[i] == j)
            rows.append([route.matrix, term, f"f{j + 1}", *of_cell, primary, *of_term])
    return rows


def _number(value: Any) -> float | None:
    return None if value != value else float(value)


def write_populations(folder: Path, found: Populations) -> None:
    """Write populations.json, and populations.csv with one row for each term of each comparison."""
    contrasts = [
        {name: value for name, value in plain(c).items() if name != "terms"} for c in found.contrasts
    ]
    content = {"populations": plain(found.systems), "contrasts": contrasts}
    write_json(folder / "populations.json", "valuelex/populations/1", content)
    names = [f.name for f in dataclasses.fields(TermShift)]
    rows = ([c.a, c.b, *(getattr(t, name) for name in names)] for c in found.contrasts for t in c.terms)
    write_csv(folder / "populations.csv", ["a", "b", *names], rows)
