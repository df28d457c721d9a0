"""The folder of a study: who may use it, and the result files in it.

Owns file names and formats, and that equal results make equal bytes. A file appears whole or not at all.
Does not compute anything.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from filelock import FileLock, Timeout

from valuelex.domain.capability import Capability
from valuelex.domain.evidence import Structure
from valuelex.domain.human_control import HumanControl
from valuelex.domain.lexicon import Lexicon, Response
from valuelex.domain.measure import REASONS, Completion, Contrast, Note, Orientation, RatingArray
from valuelex.domain.naming import DrawnName, Naming
from valuelex.domain.rated_terms import RatedTerms
from valuelex.domain.results import Results
from valuelex.domain.structure import Taxonomy, ValueSystem
from valuelex.domain.study import Study
from valuelex.domain.term_ratings import RatedMatrix, TermRating
from valuelex.errors import LedgerError

DIGITS = 6
"""Decimals of numbers in result files: far below any interval, above rounding noise."""


RESULT_FILES = (
    "study.resolved.json",
    "responses.parquet",
    "observed_texts.parquet",
    "observed_forms.csv",
    "observed_rates.csv",
    "observed.json",
    "lexicon.json",
    "response_matrix.npz",
    "structure.json",
    "human_responses.parquet",
    "human_lexicon.json",
    "human_matrix.npz",
    "human_control.json",
    "term_ratings.parquet",
    "rated_matrix.parquet",
    "rated_terms.json",
    "value_system.json",
    "factors.json",
    "loadings.csv",
    "populations.json",
    "populations.csv",
    "names.parquet",
    "completions.parquet",
    "ratings.parquet",
    "notes.parquet",
    "quality.json",
    "crosswalk.csv",
    "crosswalk.json",
    "orientations.csv",
    "probes.json",
    "contrasts.csv",
    "report.html",
)
"""What a complete run writes, as far as the study asks for it."""


MEASUREMENT = (
    *("completions.parquet", "ratings.parquet", "notes.parquet"),
    *("orientations.csv", "contrasts.csv", "quality.json"),
)
"""Those of them that are written only where somebody was measured."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing in a study folder; the lock falls with the process.

    Raises
    ------
    LedgerError
        If another process holds the folder, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        msg = f"The study folder {str(folder)!r} is used by another process; wait until it has ended."
        raise LedgerError(msg) from error
    except OSError as error:
        msg = f"The study folder {str(folder)!r} cannot be used ({error.strerror}); choose another one."
        raise LedgerError(msg) from error
    try:
        yield
    finally:
        lock.release()


def open_folder(folder: Path) -> None:
    """Make a study folder where there is none, and clear away what killed processes left half written.

    Several processes may work in it: each file appears whole, and equal answers make equal files.

    Raises
    ------
    LedgerError
        If the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(".*.part"):
            if not _is_running(part.name.split(".")[-2]):
                part.unlink(missing_ok=True)
    except OSError as error:
        msg = f"The study folder {str(folder)!r} cannot be used ({error.strerror}); choose another one."
        raise LedgerError(msg) from error


def remove_measurement(folder: Path) -> None:
    """Take away what an earlier run wrote of respondents that are not measured now; the ledger keeps their answers.

    Raises
    ------
    LedgerError
        If a file cannot be taken away.
    """
    try:
        for name in MEASUREMENT:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        msg = f"{str(folder / name)!r} is of an earlier run and cannot be taken away ({error.strerror}); delete it."
        raise LedgerError(msg) from error


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def write_study(folder: Path, study: Study) -> None:
    """Write the resolved study beside the results."""
    write_json(folder / "study.resolved.json", "valuelex/study/1", plain(study))


def write_responses(folder: Path, responses: Sequence[Response], name: str = "responses.parquet") -> None:
    """Write what respondents answered to elicitation prompts."""
    names = ["id", "respondent_id", "prompt_id", "draw", "missing", "text", "shown", "call_key"]
    write_parquet(folder / name, _frame(responses, names))


def write_term_ratings(folder: Path, ratings: Sequence[TermRating]) -> None:
    """Write term_ratings.parquet: one row for each answer about a term; `rating` is null where there is none."""
    names = [f.name for f in dataclasses.fields(TermRating)]
    write_parquet(folder / "term_ratings.parquet", _frame(ratings, names))


def write_rated_matrix(folder: Path, matrix: RatedMatrix) -> None:
    """Write rated_matrix.parquet: one row for each respondent and term, missing ratings in a column for each reason."""
    n_respondents, n_terms = matrix.values.shape
    columns: dict[str, Any] = {
        "respondent_id": [name for name in matrix.respondent_ids for _ in range(n_terms)],
        "term": list(matrix.terms) * n_respondents,
        "rating": matrix.values.ravel().round(DIGITS),
        "n": matrix.n.ravel(),
        "n_missing": (matrix.n_asked - matrix.n).ravel(),
    }
    columns |= {
        f"n_{reason.value.lower()}": matrix.missing[:, :, i].ravel()
        for i, reason in enumerate(matrix.reasons)
    }
    columns["on_scale"] = matrix.on_scale.ravel().round(DIGITS)
    frame = pl.DataFrame(columns).with_columns(pl.col("rating", "on_scale").fill_nan(None))
    write_parquet(folder / "rated_matrix.parquet", frame)


def write_rated_terms(folder: Path, rated: RatedTerms) -> None:
    """Write rated_terms.json: profiles, agreement of prompts and warnings; the matrix has a file of its own."""
    names = ["unit", "by_probabilities", "consistency", "profiles", "reason", "warnings"]
    content = {name: plain(getattr(rated, name)) for name in names}
    write_json(folder / "rated_terms.json", "valuelex/rated_terms/1", content)


def write_human_control(folder: Path, control: HumanControl) -> None:
    """Write human_control.json: how far a structure is the same when respondents answer as a human."""
    write_json(folder / "human_control.json", "valuelex/human_control/2", plain(control))


def write_lexicon(folder: Path, lexicon: Lexicon, name: str = "lexicon.json") -> None:
    """Write terms, merges and dropped forms."""
    write_json(folder / name, "valuelex/lexicon/1", plain(lexicon))


def write_systems(
    folder: Path, systems: Sequence[ValueSystem], taxonomy: Taxonomy | None, naming: Naming | None = None
) -> None:
    """Write the value systems, where each term was put, and who named the built system: value_system.json."""
    content = {"systems": plain(systems), "taxonomy": plain(taxonomy), "naming": None}
    if naming is not None:
        # What each draw said stands in names.parquet.
        content["naming"] = plain(dataclasses.replace(naming, drawn=()))
        del content["naming"]["drawn"]
    write_json(folder / "value_system.json", "valuelex/value_system/1", content)


def write_structure(folder: Path, structure: Structure) -> None:
    """Write what speaks for the value system that was built: structure.json, the taxonomy apart (value_system.json)."""
    content = plain(structure)
    content.pop("taxonomy")
    write_json(folder / "structure.json", "valuelex/structure/2", content)


def write_names(folder: Path, naming: Naming) -> None:
    """Write names.parquet: what every draw of the namer called each group, which name is kept, and the call."""
    names = [f.name for f in dataclasses.fields(DrawnName)]
    write_parquet(folder / "names.parquet", _frame(naming.drawn, names))


def write_completions(folder: Path, completions: Sequence[Completion]) -> None:
    """Write how stems were completed: completions.parquet."""
    names = ["id", "respondent_id", "stem_id", "wording", "draw", "missing", "text", "cut", "call_key"]
    write_parquet(folder / "completions.parquet", _frame(completions, names))


def write_ratings(folder: Path, ratings: Sequence[RatingArray]) -> None:
    """Write ratings.parquet: one row for each completion, judge, system and subdimension.

    `rating` is null where there is none; the reason stands in `missing`.
    """
    frames = []
    for array in ratings:
        n, k = array.values.shape
        per_completion: dict[str, list[Any]] = {
            "completion_id": [c.id for c in array.completions],
            "respondent_id": [c.respondent_id for c in array.completions],
            "stem_id": [c.stem_id for c in array.completions],
            "wording": [c.wording for c in array.completions],
            "draw": [c.draw for c in array.completions],
        }
        columns: dict[str, Any] = {
            name: [v for v in column for _ in range(k)] for name, column in per_completion.items()
        }
        columns["judge"] = [array.judge] * (n * k)
        columns["system"] = [array.system] * (n * k)
        columns["subdimension"] = list(array.subdimensions) * n
        columns["rating"] = array.values.ravel().round(DIGITS)
        columns["missing"] = [None if code < 0 else REASONS[code].value for code in array.missing.ravel()]
        frames.append(
            pl.DataFrame(columns, schema_overrides={"missing": pl.String}).with_columns(
                pl.col("rating").fill_nan(None)
            )
        )
    write_parquet(folder / "ratings.parquet", pl.concat(frames))


def write_notes(folder: Path, notes: Sequence[Note]) -> None:
    """Write notes.parquet: every draw of judges that give grounds, with evidence, reason and call."""
    write_parquet(folder / "notes.parquet", _frame(notes, [f.name for f in dataclasses.fields(Note)]))


def write_orientations(folder: Path, orientations: Sequence[Orientation]) -> None:
    """Write orientations.csv; missing completions are counted in one column for each reason."""
    reasons = sorted({reason for o in orientations for reason in o.missing})
    names = [f.name for f in dataclasses.fields(Orientation) if f.name != "missing"]
    header = [*names, "n_missing", *(f"n_{reason.value.lower()}" for reason in reasons)]
    rows = (
        [*(getattr(o, name) for name in names), o.n_missing, *(o.missing.get(r, 0) for r in reasons)]
        for o in orientations
    )
    write_csv(folder / "orientations.csv", header, rows)


def write_contrasts(folder: Path, contrasts: Sequence[Contrast]) -> None:
    """Write contrasts.csv; a study that compares nothing has a file with the header alone."""
    names = [f.name for f in dataclasses.fields(Contrast)]
    rows = ([getattr(c, name) for name in names] for c in contrasts)
    write_csv(folder / "contrasts.csv", names, rows)


def write_quality(folder: Path, results: Results) -> None:
    """Write quality.json: how well respondents were measured on each system, second methods, and what was saved."""
    content = {
        "quality": plain(results.quality),
        "second": plain(results.second),
        "saving": plain(results.saving),
    }
    write_json(folder / "quality.json", "valuelex/quality/1", content)


def write_probes(folder: Path, found: Sequence[Capability]) -> None:
    """Write probes.json: what was found out about each model at its endpoint, with the signs of a chat template."""
    write_json(folder / "probes.json", "valuelex/probes/1", {"models": plain(found)})


def write_text(path: Path, text: str) -> None:
    """Write a text file that a person asked for."""
    write_bytes(path, text.encode())


def write_report(folder: Path, html: str) -> Path:
    """Write report.html and return its path."""
    path = folder / "report.html"
    write_bytes(path, html.encode())
    return path


def _frame(items: Sequence[Any], names: Sequence[str]) -> pl.DataFrame:
    types = {
        "draw": pl.Int64,
        "wording": pl.Int64,
        "cut": pl.Boolean,
        "kept": pl.Boolean,
        "rating": pl.Float64,
        "written": pl.Int64,
        "on_scale": pl.Float64,
        "expected": pl.Float64,
        "evidence_found": pl.Boolean,
    }
    schema = {name: types.get(name, pl.String) for name in names}
    columns = {name: [_scalar(getattr(item, name)) for item in items] for name in names}
    return pl.DataFrame(columns, schema=schema)


def _scalar(value: Any) -> Any:
    if isinstance(value, tuple):
        return ", ".join(value)
    return value.value if isinstance(value, Enum) else value


def plain(value: Any) -> Any:
    """Turn domain types into what JSON holds; NaN becomes null, paths of this machine are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shared = (f.name for f in dataclasses.fields(value) if not f.metadata.get("local"))
        return {name: plain(getattr(value, name)) for name in shared}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(_scalar(k)): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, DIGITS)
    return value


def write_json(path: Path, schema: str, content: Any) -> None:
    """Write a JSON file that names its schema; `content` is what `plain` returns, by key."""
    text = json.dumps({"schema": schema, **content}, ensure_ascii=False, indent=1, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file; no cell of it is run by a spreadsheet."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    write_bytes(path, buffer.getvalue().encode())


def cell(value: Any) -> str:
    """Write one value; text that a spreadsheet would run as a formula gets a quote before it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}" if abs(value) >= 1e-4 or value == 0 else f"{value:.3e}"
    text = str(_scalar(value))
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """Write a Parquet file."""
    _replace(path, lambda target: frame.write_parquet(target, compression="zstd"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    _replace(path, lambda target: target.write_bytes(content))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside the target and move it into place, so that a crash leaves the old file whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(beside)
        beside.replace(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        beside.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        msg = f"{str(path)!r} cannot be written ({reason}); free space or check its rights."
        raise LedgerError(msg) from error
