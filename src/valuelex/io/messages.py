"""Turn a failed check of a TOML table into one line that names the key and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

SECRET = ("base_url", "key_variable", "extra_body")
"""Keys whose wrong values are not shown: someone may have put a key there."""


def first_problem(error: ValidationError, section: type[BaseModel]) -> str:
    """Describe the first problem, and how many more there are.

    Parameters
    ----------
    error
        What pydantic found.
    section
        The form that the table was checked against.
    """
    problems = error.errors(include_url=False)
    # A list with a wrong member is reported once more as too short; the member says more.
    problems = [p for p in problems if not any(_inside(q["loc"], p["loc"]) for q in problems)]
    problems.sort(key=lambda p: p["type"] != "extra_forbidden")
    first = problems[0]
    location = first["loc"]
    if first["type"] == "extra_forbidden":
        text = _unknown_key(location, section)
    elif first["type"] == "missing":
        text = f"{_place(location[:-1])}key {location[-1]!r} is missing; add it"
    else:
        reason = first["msg"].removeprefix("Value error, ")
        secret = not location or location[-1] in SECRET
        shown = "" if secret else f" = {first['input']!r}"
        text = f"{_place(location[:-1])}{_key(location[-1])}{shown}: {reason}" if location else reason
    more = len(problems) - 1
    return text + (f" ({more} more problem{'s' if more > 1 else ''} after this one)." if more else ".")


def _inside(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _unknown_key(location: tuple[int | str, ...], section: type[BaseModel]) -> str:
    *parents, key = location
    form = _form_at(parents, section)
    known = sorted(_fields(form)) if form else []
    near = get_close_matches(str(key), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{_place(parents)}unknown key {str(key)!r}; {hint}Known keys: {', '.join(known)}"


def _form_at(parents: Sequence[int | str], section: type[BaseModel]) -> type[BaseModel] | None:
    form: type[BaseModel] | None = section
    for step in parents:
        if form is None:
            return None
        fields = _fields(form)
        if isinstance(step, str) and step in fields:
            inner = _find_form(fields[step])
            form = inner if inner is not None else form
    return form


def _fields(form: type[BaseModel]) -> dict[str, Any]:
    """Keys as they are written in the file, with their types."""
    return {field.alias or name: field.annotation for name, field in form.model_fields.items()}


def _find_form(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = _find_form(part)
        if found is not None:
            return found
    return None


def _place(parents: Sequence[int | str]) -> str:
    """Say where: ``in [elicit]: `` or ``in [[respondents]] number 2, temperature: ``."""
    if not parents:
        return ""
    first, *rest = parents
    numbered = bool(rest) and isinstance(rest[0], int)
    words = [f"[[{first}]] number {int(rest.pop(0)) + 1}" if numbered else f"[{first}]"]
    words += [_key(step) for step in rest]
    return f"in {', '.join(words)}: "


def _key(step: int | str) -> str:
    return f"number {step + 1}" if isinstance(step, int) else step
