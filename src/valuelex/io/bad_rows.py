"""The file that lists rows which could not be imported: CSV, one line for each, written as they come.

Owns its columns. Does not decide what is bad.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from valuelex.domain.recorded import BadRow
from valuelex.errors import LedgerError, StudyError
from valuelex.io.files import cell

COLUMNS = ("file", "line", "fault", "detail")


class BadRowsFile:
    """A list of bad rows, opened to be written anew.

    Parameters
    ----------
    path
        The file.
    answers
        Files that are imported, none of which it may be.

    Raises
    ------
    StudyError
        If it is one of `answers`.
    LedgerError
        If it cannot be written.
    """

    def __init__(self, path: Path, answers: Collection[Path]) -> None:
        if path.resolve() in {a.resolve() for a in answers}:
            msg = f"--bad-rows {str(path)!r} is one of the files to import; choose another name."
            raise StudyError(msg)
        self.path = path
        try:
            self._stream = path.open("w", encoding="utf-8", errors="replace", newline="")
        except OSError as error:
            raise self._cannot(error) from error
        self._rows = csv.writer(self._stream, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def __enter__(self) -> Self:
        """Use the file in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        try:
            self._stream.close()
        except OSError as failed:
            raise self._cannot(failed) from failed

    def add(self, file: Path, row: BadRow) -> None:
        """Write one bad row."""
        try:
            self._rows.writerow([cell(v) for v in (file.name, row.line, row.fault.value, row.detail)])
        except OSError as error:
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> LedgerError:
        return LedgerError(
            f"--bad-rows {str(self.path)!r} cannot be written ({error.strerror}); choose another place."
        )
