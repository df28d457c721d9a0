"""Make a study that measures one model and elicits nothing: at once, and as the text of its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from valuelex.domain.study import Study
from valuelex.errors import StudyError
from valuelex.io.model_lookup import recorded_name
from valuelex.io.study_file import resolve
from valuelex.io.study_form import StudyFile
from valuelex.io.toml_form import validate


def study_of_one_model(
    model: str,
    *,
    endpoint: Mapping[str, str] | None,
    respondent: Mapping[str, object],
    project: Mapping[str, object],
    judges: Sequence[Mapping[str, object]],
    price_file: Path | None = None,
) -> Study:
    """Make a study that measures one model and elicits nothing, without a file.

    Parameters
    ----------
    model
        ``provider/name``.
    endpoint
        Keys of [endpoints.PROVIDER], where ValueLex does not know the provider.
    respondent, project, judges
        Further keys of [[respondents]] and of [project], and all [[judges]].
    price_file
        As `valuelex.io.study_file.read_study`.

    Raises
    ------
    StudyError
        As `valuelex.io.study_file.read_study`.
    """
    if recorded_name(model) is not None:
        msg = f"{model!r} needs a study to be imported into; make one: valuelex new, then valuelex import STUDY FILE"
        raise StudyError(msg)
    table = _one_model(model, endpoint, respondent, project, judges)
    return resolve(validate(StudyFile, table, "measure"), Path(), price_file)


def one_model_text(
    model: str,
    *,
    endpoint: Mapping[str, str] | None,
    respondent: Mapping[str, object],
    project: Mapping[str, object],
    judges: Sequence[Mapping[str, object]],
) -> str:
    """Write the study file of `study_of_one_model`, which takes the same."""
    lines = []
    for section, content in _one_model(model, endpoint, respondent, project, judges).items():
        tables: list[tuple[str, Mapping[str, object]]] = (
            [(f"[[{section}]]", item) for item in content]
            if isinstance(content, Sequence)
            else [(f"[{section}.{json.dumps(name)}]", item) for name, item in content.items()]
            if section == "endpoints"
            else [(f"[{section}]", content)]
        )
        for head, table in tables:
            # Texts, numbers, truth and lists of them are written in TOML as in JSON.
            lines += [head, *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)


def _one_model(
    model: str,
    endpoint: Mapping[str, str] | None,
    respondent: Mapping[str, object],
    project: Mapping[str, object],
    judges: Sequence[Mapping[str, object]],
) -> dict[str, Any]:
    return {
        "study": {"name": f"measure {model}"},
        "endpoints": {model.partition("/")[0]: endpoint} if endpoint else {},
        "respondents": [{"model": model, **respondent}],
        "project": project,
        "judges": judges,
    }
