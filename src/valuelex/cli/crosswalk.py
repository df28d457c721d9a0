"""The command that holds a value system against known ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuelex.cli.options import Folder

if TYPE_CHECKING:
    from valuelex.domain.crosswalk import Crosswalk, Match


def crosswalk(
    target: Annotated[
        str,
        typer.Argument(
            metavar="SYSTEM_OR_STUDY",
            help="A shipped value system, the TOML file of one, or a study that has been run.",
            show_default=False,
        ),
    ],
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A system to hold it against, by name or TOML file; may be repeated. Default: all known ones.",
            show_default=False,
        ),
    ] = None,
    folder: Folder = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write crosswalk.csv and crosswalk.json there.", show_default=False),
    ] = None,
) -> None:
    """Tell which subdimensions of a value system have a counterpart in known ones. Sends nothing.

    Subdimensions are compared by shared terms and by the meaning of their markers, and a counterpart is told only
    where shuffled markers would hardly be as near. A group of a study that is not stable, or of a structure that may be
    chance, has none. Terms that no known system takes up are listed.

    Example: `valuelex crosswalk valuelex-2024 --to schwartz-1992`
    """
    from valuelex.pipeline.crossing import cross

    found = cross(target, to or [], folder, out)
    for walk in found:
        _print(walk)
    if not found:
        typer.echo(
            "The study has built one group of terms, so there is nothing to hold against known systems: a crosswalk "
            "needs two groups. Why there is one is told in structure.json and in its report, under “Value system”."
        )
    if out is not None:
        typer.echo(f"Every cell is in {out / 'crosswalk.csv'}")


def _print(walk: Crosswalk) -> None:
    from valuelex.domain.wording import count, p_equals

    names = dict(walk.names)
    typer.echo(f"\n{walk.system} held against {walk.known_title}:")
    for m in walk.matches:
        typer.echo(f"  {names[m.subdimension]}{_stability(m)}: {_counterpart(walk, m)}")
    a = walk.agreement
    typer.echo(
        f"  {count(a.n_terms, 'term')}, each in the known group that lists it ({a.n_listed}) or else in the nearest: "
        f"adjusted Rand {a.adjusted_rand:.2f} ({p_equals(a.adjusted_rand_p)}), mutual information "
        f"{a.mutual_information:.2f} nats (chance {a.mutual_information_chance:.2f}, "
        f"{p_equals(a.mutual_information_p)})"
    )
    if walk.unique:
        typer.echo(f"  Taken up by no known group: {', '.join(walk.unique)}")


def _stability(match: Match) -> str:
    if match.standing is None:
        return ""
    value = match.standing.stability
    return " (stability not known)" if value is None else f" (stability {value:.2f})"


def _counterpart(walk: Crosswalk, match: Match) -> str:
    from valuelex.domain.crosswalk import DOUBTS
    from valuelex.domain.wording import p_equals

    if match.doubt is not None:
        return f"no counterpart, as {DOUBTS[match.doubt]}"
    if match.best is None:
        return "no counterpart"
    cell = next(c for c in walk.cells if (c.subdimension, c.known) == (match.subdimension, match.best))
    pair = ", also one to one" if match.one_to_one == match.best else ""
    shared = f"shared: {', '.join(cell.shared)}" if cell.shared else "alike in meaning, no term shared"
    known = dict(walk.known_names)[match.best]
    return f"{known} (z {cell.z:.1f}, adjusted {p_equals(cell.p_adjusted)}{pair}; {shared})"
