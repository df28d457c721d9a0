"""The command that holds a value system against known ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuelex.cli.options import Folder

if TYPE_CHECKING:
    from valuelex.domain.crosswalk import Crosswalk


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
    where shuffled markers would hardly be as near. Terms that no known system takes up are listed.

    Example: `valuelex crosswalk valuelex-2024 --to schwartz-1992`
    """
    from valuelex.pipeline.crossing import cross

    for walk in cross(target, to or [], folder, out):
        _print(walk)
    if out is not None:
        typer.echo(f"Every cell is in {out / 'crosswalk.csv'}")


def _print(walk: Crosswalk) -> None:
    names, known = dict(walk.names), dict(walk.known_names)
    cells = {(c.subdimension, c.known): c for c in walk.cells}
    typer.echo(f"\n{walk.system} held against {walk.known_title}:")
    for m in walk.matches:
        if m.best is None:
            typer.echo(f"  {names[m.subdimension]}: no counterpart")
            continue
        c = cells[m.subdimension, m.best]
        p = "below .001" if c.p_adjusted < 0.001 else f"{c.p_adjusted:.3f}"
        pair = ", also one to one" if m.one_to_one == m.best else ""
        shared = f"; shared: {', '.join(c.shared)}" if c.shared else ""
        typer.echo(f"  {names[m.subdimension]}: {known[m.best]} (z {c.z:.1f}, adjusted p {p}{pair}{shared})")
    a = walk.agreement
    typer.echo(
        f"  {a.n_terms} terms by nearest known group: adjusted Rand {a.adjusted_rand:.2f} (p {a.adjusted_rand_p:.3f}), "
        f"mutual information {a.mutual_information:.2f} nats (chance {a.mutual_information_chance:.2f}, "
        f"p {a.mutual_information_p:.3f})"
    )
    if walk.unique:
        typer.echo(f"  Taken up by no known group: {', '.join(walk.unique)}")
