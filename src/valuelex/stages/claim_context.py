"""Fill the context of a text, such as the claim it answers, into a value system that is about contexts."""

from __future__ import annotations

from dataclasses import replace

from valuelex.domain.structure import CONTEXT, Dimension, Subdimension, ValueSystem


def in_context(system: ValueSystem, context: str) -> ValueSystem:
    """Put a context, such as a claim, into the words of a system that have a place for it."""

    def filled(text: str) -> str:
        return text.replace(CONTEXT, context)

    def of(s: Subdimension) -> Subdimension:
        return replace(
            s,
            definition=filled(s.definition),
            high=tuple(map(filled, s.high)),
            low=tuple(map(filled, s.low)),
            middle=tuple(map(filled, s.middle)),
            statement=filled(s.statement),
        )

    dimensions: tuple[Dimension, ...] = tuple(
        replace(d, subdimensions=tuple(map(of, d.subdimensions))) for d in system.dimensions
    )
    return replace(system, dimensions=dimensions)
