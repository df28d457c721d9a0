"""Read prompts, tests, value systems and providers: shipped ones by name, a user's own by path.

Owns the TOML forms of these files. Does not resolve a study; `study_file` does.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from valuelex.domain.measure import DEFAULT_FRAME, Manual, ProjectiveTest, RawFrame, Stem, StemKind
from valuelex.domain.naming import NamingGuide
from valuelex.domain.structure import Dimension, Subdimension, ValueSystem
from valuelex.domain.study import FewShot, LimitKey, Prompt, PromptSet
from valuelex.domain.term_ratings import TermExample, TermPrompt, TermPromptSet
from valuelex.domain.wording import count
from valuelex.errors import StudyError
from valuelex.io.stem_rows import check_together, has_one_subject, opening, read_rows
from valuelex.io.toml_form import AnySection, Section, Text, read_toml, validate

ASSETS = files("valuelex.assets")
DEFAULT_TEST = "valuelex-120"
DEFAULT_SYSTEM = "valuelex-2024"
"""The test that a study uses when it names none."""


class _Prompt(Section):
    id: Text
    chat: Text
    prefill: Text
    raw: Text


class _FewShot(Section):
    subject: Text
    words: Annotated[tuple[Text, ...], Field(min_length=2)]


class _PromptSet(Section):
    name: Text
    source: Text
    prompts: Annotated[tuple[_Prompt, ...], Field(min_length=1)]
    examples: tuple[_FewShot, ...] = ()


Opening = Annotated[str, AfterValidator(opening)]


def _plain_id(value: str) -> str:
    if not re.fullmatch(r"[\w.-]+", value):
        msg = "an id holds letters, digits, '-', '_' and '.' only"
        raise ValueError(msg)
    return value


Id = Annotated[Text, AfterValidator(_plain_id)]
"""Names that stand in the ids of calls and in result files."""


class _Stem(Section):
    id: Id
    text: Opening
    kind: StemKind
    theme: Text
    against: Annotated[Text | None, Field(validate_default=True)] = None
    form: str = ""
    wordings: tuple[Opening, ...] = ()

    @field_validator("against")
    @classmethod
    def _sets_two_themes_against_each_other(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("kind")
        if kind is StemKind.CONFLICT and value is None:
            msg = "a conflict stem names the second theme here"
            raise ValueError(msg)
        if kind not in (None, StemKind.CONFLICT) and value is not None:
            msg = (
                f"only a conflict stem has a second theme; take it off this {kind} one, or make it a conflict"
            )
            raise ValueError(msg)
        if value is not None and value == info.data.get("theme"):
            msg = "this is the stem's own theme; name another one"
            raise ValueError(msg)
        return value


class _Frame(Section):
    heading: Text
    turn: Text

    @field_validator("turn")
    @classmethod
    def _names_the_subject(cls, value: str) -> str:
        if not has_one_subject(value):
            msg = "this needs exactly one {subject} and no other braces"
            raise ValueError(msg)
        return value


class _Test(Section):
    name: Text
    source: Text
    stems: tuple[_Stem, ...] = ()
    examples: tuple[Text, ...] = ()
    frame: _Frame | None = None
    draft: bool = False


class _TermPrompt(Section):
    id: Id
    chat: Text
    prefill: Text
    heading: Text
    turn: Text

    @field_validator("chat", "turn")
    @classmethod
    def _names_its_places(cls, value: str, info: ValidationInfo) -> str:
        wanted = ["{term}"] if info.field_name == "chat" else ["{subject}", "{term}"]
        if sorted(re.findall(r"\{[^{}]*\}|[{}]", value)) != wanted:
            msg = f"this needs {' and '.join(wanted)} once each and no other braces"
            raise ValueError(msg)
        return value


class _TermExample(Section):
    subject: Text
    term: Text
    rating: Annotated[int, Field(ge=0, le=6, strict=True)]


class _TermPromptSet(Section):
    name: Text
    source: Text
    prompts: Annotated[tuple[_TermPrompt, ...], Field(min_length=1)]
    examples: tuple[_TermExample, ...] = ()


class _Subdimension(Section):
    id: Id
    name: Text
    definition: Text
    markers: Annotated[tuple[Text, ...], Field(min_length=1)]
    high: Annotated[tuple[Text, ...], Field(min_length=1)]
    low: Annotated[tuple[Text, ...], Field(min_length=1)]
    middle: tuple[Text, ...] = ()
    statement: str = ""


class _Dimension(Section):
    id: Id
    name: Text
    definition: Text
    subdimensions: Annotated[tuple[_Subdimension, ...], Field(min_length=1)]


class _System(Section):
    name: Id
    title: Text
    source: Text
    dimensions: Annotated[tuple[_Dimension, ...], Field(min_length=1)]


class _Manual(Section):
    name: Text
    source: Text
    task: Text
    relevance: Text
    levels: Annotated[tuple[Text, ...], Field(min_length=7, max_length=7)]


class _NamingGuide(Section):
    name: Text
    source: Text
    task: Text
    naming: Text
    defining: Text


FindOut = Literal["find out"]


class EndpointEntry(Section):
    """Where a provider answers. `key_variable` names the environment variable with its key.

    `free` tells that tokens cost nothing there. An ability that is to be found out is, by a few calls before the
    first that needs it.

    A key has no place in a study: what looks like one is refused without being shown.
    """

    base_url: Text
    key_variable: str = ""
    sends_seed: bool | FindOut = True
    json_schema: bool | FindOut = "find out"
    logprobs: bool | FindOut = "find out"
    limit_key: LimitKey | FindOut = "max_tokens"
    raw_completion: bool | FindOut = "find out"
    max_in_flight: Annotated[int, Field(ge=1)] = 16
    timeout_s: Annotated[float, Field(gt=0)] = 180.0
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    tokens_per_minute: Annotated[float, Field(gt=0)] | None = None
    free: bool = False
    extra_body: dict[str, Any] = {}

    @field_validator("base_url")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        parts = urlsplit(value)
        if "@" in value or parts.query or parts.fragment:
            msg = "a base URL holds no user, password, query or key; put the key into an environment variable"
            raise ValueError(msg)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = (
                "a base URL begins with http:// or https:// and a host, for instance http://localhost:8000/v1"
            )
            raise ValueError(msg)
        return value.rstrip("/")

    @field_validator("key_variable")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
            msg = "this is the name of an environment variable, such as OPENAI_API_KEY, never the key itself"
            raise ValueError(msg)
        return value

    @field_validator("extra_body")
    @classmethod
    def _holds_no_key(cls, value: dict[str, Any]) -> dict[str, Any]:
        if any(re.search(r"api.?key|authorization|secret|password|credential", name, re.I) for name in value):
            msg = "extra_body is written to the ledger and must hold no key; use key_variable"
            raise ValueError(msg)
        return value


def load_prompts(name: str, folder: Path) -> PromptSet:
    """Load a prompt set by its shipped name, or from a TOML file (relative to `folder`)."""
    read = _load(_PromptSet, "prompts", name, folder)
    for prompt in read.prompts:
        if not has_one_subject(prompt.raw):
            msg = f"{name}: prompt {prompt.id!r} needs exactly one {{subject}} in 'raw', not {prompt.raw!r}."
            raise StudyError(msg)
    _refuse_repeats(name, [p.id for p in read.prompts])
    return PromptSet(
        name=read.name,
        source=read.source,
        prompts=tuple(Prompt(**p.model_dump()) for p in read.prompts),
        examples=tuple(FewShot(**e.model_dump()) for e in read.examples),
    )


def load_term_prompts(name: str, folder: Path) -> TermPromptSet:
    """Load prompts for ratings of terms by their shipped name, or from a TOML file (relative to `folder`)."""
    read = _load(_TermPromptSet, "ratings", name, folder)
    _refuse_repeats(name, [p.id for p in read.prompts])
    return TermPromptSet(
        name=read.name,
        source=read.source,
        prompts=tuple(TermPrompt(**p.model_dump()) for p in read.prompts),
        examples=tuple(TermExample(**e.model_dump()) for e in read.examples),
    )


def load_test(name: str, folder: Path) -> ProjectiveTest:
    """Load a projective test by its shipped name, or from a TOML or CSV file (relative to `folder`).

    The columns of a CSV file are id, text, kind and theme, and where wanted against, form, and wordings
    with " | " between them. The test is then named after the file, and its source is "own".

    Raises
    ------
    StudyError
        Naming the file, the stem or row, and what to change.
    """
    path = folder / Path(name).expanduser()
    if name.endswith(".csv"):
        rows = tuple(validate(_Stem, row, f"{path}: row {n}") for n, row in read_rows(path))
        read = _Test(name=path.stem, source="own", stems=rows)
    else:
        read = _load(_Test, "stems", name, folder)
    stems = tuple(Stem(**s.model_dump()) for s in read.stems)
    check_together(str(path) if name.endswith((".toml", ".csv")) else name, stems)
    frame = DEFAULT_FRAME if read.frame is None else RawFrame(**read.frame.model_dump())
    return ProjectiveTest(read.name, read.source, stems, read.examples, frame, read.draft)


def write_test(test: ProjectiveTest) -> str:
    """Return a test as a TOML text that `load_test` reads; a draft says that it is one."""
    lines = [f"name = {_quoted(test.name)}", f"source = {_quoted(test.source)}"]
    if test.draft:
        lines.append("draft = true")
    lines += _array("examples", test.examples)
    frame = test.frame
    lines += ["", "[frame]", f"heading = {_quoted(frame.heading)}", f"turn = {_quoted(frame.turn)}"]
    for stem in test.stems:
        lines += ["", "[[stems]]", f"id = {_quoted(stem.id)}", f"text = {_quoted(stem.text)}"]
        lines += _array("wordings", stem.wordings)
        labels = {"kind": stem.kind.value, "theme": stem.theme, "against": stem.against, "form": stem.form}
        lines += [f"{key} = {_quoted(value)}" for key, value in labels.items() if value]
    return "\n".join(lines) + "\n"


def load_system(name: str, folder: Path) -> ValueSystem:
    """Load a value system by its shipped name, or from a TOML file (relative to `folder`)."""
    read = _load(_System, "systems", name, folder)
    dimensions = tuple(
        Dimension(
            id=d.id,
            name=d.name,
            definition=d.definition,
            subdimensions=tuple(Subdimension(**s.model_dump()) for s in d.subdimensions),
        )
        for d in read.dimensions
    )
    return ValueSystem(name=read.name, title=read.title, source=read.source, dimensions=dimensions)


def load_manual(name: str, folder: Path) -> Manual:
    """Load a scoring manual by its shipped name, or from a TOML file (relative to `folder`)."""
    return Manual(**_load(_Manual, "manuals", name, folder).model_dump())


def load_naming_guide(name: str, folder: Path) -> NamingGuide:
    """Load what a namer is told by its shipped name, or from a TOML file (relative to `folder`)."""
    return NamingGuide(**_load(_NamingGuide, "namers", name, folder).model_dump())


def load_endpoints() -> Mapping[str, EndpointEntry]:
    """Load the shipped providers by name."""
    table = tomllib.loads(ASSETS.joinpath("endpoints.toml").read_text("utf-8"))
    return {name: EndpointEntry.model_validate(entry) for name, entry in table.items()}


def shipped(kind: str) -> tuple[str, ...]:
    """Names of the shipped assets of a kind: prompts, ratings, stems, systems, manuals or namers."""
    names = (p.name for p in ASSETS.joinpath(kind).iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml")))


def load_word_tables() -> dict[str, Any]:
    """Load the word lists of normalisation, by file name without its ending."""
    folder = ASSETS.joinpath("lexicon")
    found = sorted(p.name for p in folder.iterdir() if p.name.endswith(".toml"))
    return {name.removesuffix(".toml"): read_toml(folder.joinpath(name), name) for name in found}


def template_text() -> str:
    """Text of the pocket study, from which new studies start."""
    return ASSETS.joinpath("pocket.toml").read_text("utf-8")


def _load(section: type[AnySection], kind: str, name: str, folder: Path) -> AnySection:
    if name.endswith(".toml"):
        path = folder / Path(name).expanduser()
        return validate(section, read_toml(path, str(path)), str(path))
    if name not in shipped(kind):
        choices = ", ".join(map(repr, shipped(kind)))
        msg = f"No shipped {kind} {name!r}; there is {choices}, or give the path of a .toml file."
        raise StudyError(msg)
    return validate(section, read_toml(ASSETS.joinpath(kind, f"{name}.toml"), name), name)


def _array(key: str, texts: Sequence[str]) -> list[str]:
    return [f"{key} = [", *(f"    {_quoted(text)}," for text in texts), "]"] if texts else []


def _quoted(text: str) -> str:
    """Write a TOML string; it is a JSON string in which the delete character is escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _refuse_repeats(name: str, items: list[str]) -> None:
    repeated = sorted({item for item in items if items.count(item) > 1})
    if repeated:
        msg = (
            f"{name}: {count(len(repeated), 'entry occurs', 'entries occur')} twice (first: {repeated[0]!r}); each "
            "may stand once."
        )
        raise StudyError(msg)
