"""The command that shows what is known of models, and how `valuelex check` shows it for a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from valuelex.errors import StudyError

if TYPE_CHECKING:
    from valuelex.domain.study import Study

UNKNOWN = "unknown"
NAMED = 5
"""Respondents of a population that are named; more are counted."""


def models(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A model, with or without provider and publisher. Default: list all.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what the shipped registry knows of a model, each fact with its source. Sends nothing, costs nothing.

    A study can extend or correct it: docs/how-to/models.md.

    Example: `valuelex models together/meta-llama/Llama-3.1-8B-Instruct`
    """
    from valuelex.io import registry

    if name is None:
        for known in {id(k): k for k in registry.shipped_models().values()}.values():
            facts = known.facts
            about = [
                str(facts.get("developer", UNKNOWN)),
                str(facts["family"]),
                str(facts.get("training", UNKNOWN)),
            ]
            typer.echo(f"{known.names[0]}  ({', '.join(about)})")
        return
    known = registry.look_up(name)
    if not known.facts:
        msg = (
            f"Nothing is known of {name!r}: the registry has no model of exactly this name. "
            f'List all with: valuelex models; or state facts in the study, in [models."{name}"].'
        )
        raise StudyError(msg)
    typer.echo(f"{name}: {', '.join(known.names)}")
    for fact in registry.FACTS:
        if fact in known.facts:
            typer.echo(f"  {fact}: {show(known.facts[fact])}  [{known.sources[fact]}]")
        else:
            typer.echo(f"  {fact}: {UNKNOWN}")


def print_known(study: Study) -> None:
    """Print the attributes of each model of a study's respondents, and which of the registry's facts are unknown."""
    from valuelex.io.registry import FACTS

    shown: set[tuple[str, str]] = set()
    for r in study.respondents:
        facts = {"family": r.family, **r.attributes}
        said = ", ".join(f"{name} = {show(value)}" for name, value in facts.items())
        if (r.model.label, said) in shown:
            continue
        shown.add((r.model.label, said))
        typer.echo(f"  {r.model.label}: {said}")
        missing = [name for name in FACTS if name not in facts and name != "n_active_parameters"]
        if missing:
            typer.echo(f"    {UNKNOWN}: {', '.join(missing)}")


def print_populations(study: Study) -> None:
    """Print the populations whose value systems are built apart, and who belongs to each."""
    from valuelex.domain.wording import count

    for population in study.populations:
        ids = [r.id for r in population.members(study.respondents)]
        more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
        typer.echo(
            f"  population {population.name!r} ({population.told}): "
            f"{count(len(ids), 'respondent')}: {', '.join(ids[:NAMED])}{more}"
        )


def show(value: str | int | float | bool) -> str:
    """Write a fact for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
