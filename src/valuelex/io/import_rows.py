"""Read the rows of a file one at a time, whatever is wrong with some of them.

Owns the kinds of files (JSONL, JSON array, CSV, TSV, Parquet, the text ones also gzipped) and the faults of bytes,
lines and quoting. A row that cannot be read is told with its line, and reading goes on with the next. Knows nothing
of answers; `valuelex.io.import_map` does.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import polars as pl

from valuelex.domain.recorded import BadRow, Fault, SourceFile
from valuelex.domain.wording import count
from valuelex.errors import DataError

Kind = Literal["jsonl", "json", "csv", "tsv", "parquet", "inspect"]
Row = Mapping[str, Any]
MAX_LINE = 16 * 2**20
"""Bytes of a line or of a JSON row; more is no recorded answer."""
MAX_CELL = 4 * 2**20
"""Characters of a CSV cell. A quotation mark that is never closed swallows rows up to this size."""
CHUNK = 2**20
BATCH = 20_000
"""Rows of a Parquet file in memory at a time."""
_GZIP, _PARQUET, _ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
_INSPECT_JSON = re.compile(rb'\{\s*"version":\s*\d+,\s*"status":\s*"')
"""How a log of Inspect begins that is not packed."""
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)


def source_of(path: Path) -> SourceFile:
    """Return a file's name and the SHA-256 of its bytes.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    with _opened(path) as stream:
        while block := stream.read(CHUNK):
            digest.update(block)
    return SourceFile(path.name, digest.hexdigest())


def kind_of(path: Path) -> Kind:
    """Tell what a file is from its first bytes, and JSONL, CSV and TSV from its first line.

    Raises
    ------
    DataError
        If it is none of them, or empty.
    """
    with _opened(path) as raw:
        magic = raw.read(4)
    if magic == _PARQUET:
        return "parquet"
    if magic == _ZIP:
        return "inspect"
    with _text_bytes(path) as stream:
        try:
            start = stream.read1(2**16)
        except _DAMAGE as error:
            msg = f"{path}: the compressed data is damaged from its beginning ({error}); get the file again."
            raise DataError(msg) from error
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        msg = f"{path}: it is UTF-16; save it as UTF-8."
        raise DataError(msg)
    text = start.removeprefix(BOM_UTF8).lstrip()
    first_line = text.splitlines()[0] if text else b""
    if _INSPECT_JSON.match(text):
        return "inspect"
    if text.startswith(b"["):
        return "json"
    if text.startswith(b"{"):
        return "jsonl"
    if b"\t" in first_line:
        return "tsv"
    if b"," in first_line:
        return "csv"
    said = "is empty" if not text else "is neither JSON, CSV, TSV, Parquet nor an Inspect log"
    msg = f"{path}: it {said}; give a file of recorded answers, such as one JSON object a line."
    raise DataError(msg)


def read_rows(
    path: Path, kind: Kind, columns: Collection[str] | None = None, first: int | None = None
) -> Iterator[tuple[int, Row | BadRow]]:
    """Yield each row with the line on which it begins, or what is wrong with it. Memory stays flat.

    Parameters
    ----------
    path
        The file.
    kind
        As told by `kind_of`; Inspect logs are not read here.
    columns
        Columns that are wanted; of a Parquet file no others are read. None wants all.
    first
        Rows that are wanted at the most. None wants all.

    Returns
    -------
    iterator of tuple
        Lines count from 1; rows of Parquet, which has none, by their number. Blank lines are no rows.

    Raises
    ------
    DataError
        If the file cannot be opened, or is damaged so that nothing in it can be read.
    """
    if kind == "parquet":
        yield from _parquet(path, columns, first)
        return
    with _text_bytes(path) as stream:
        if kind == "jsonl":
            rows = _jsonl(stream)
        elif kind == "json":
            rows = _json_array(stream)
        else:
            rows = _csv(path, stream, "\t" if kind == "tsv" else ",")
        yield from islice(rows, first)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    try:
        stream = path.open("rb")
    except OSError as error:
        msg = f"{path}: it cannot be read ({error.strerror}); give the path of a file of recorded answers."
        raise DataError(msg) from error
    with stream:
        yield stream


@contextmanager
def _text_bytes(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file for its bytes, unpacked where it is gzipped."""
    with _opened(path) as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield stream
        else:
            yield raw


def _lines(stream: BufferedIOBase) -> Iterator[tuple[int, bytes | BadRow]]:
    """Yield lines with their numbers; one that is too long is passed over, and damage ends them."""
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(MAX_LINE + 1)
            too_long = len(line) > MAX_LINE
            while too_long and line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
        except _DAMAGE as error:
            yield (
                number,
                BadRow(number, Fault.CUT_OFF, f"the compressed data ends or is damaged here ({error})"),
            )
            return
        if too_long:
            yield number, BadRow(number, Fault.TOO_LONG, f"the line has more than {MAX_LINE:,} bytes")
        elif not line:
            return
        else:
            yield number, line.removeprefix(BOM_UTF8) if number == 1 else line


def _jsonl(stream: BufferedIOBase) -> Iterator[tuple[int, Row | BadRow]]:
    for number, line in _lines(stream):
        if isinstance(line, BadRow):
            yield number, line
        elif line.strip():
            yield number, _parsed(number, line)


def _parsed(number: int, line: bytes) -> Row | BadRow:
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return BadRow(number, Fault.NOT_UTF8, f"byte {error.start + 1} of the line is not UTF-8")
    except RecursionError:
        return BadRow(number, Fault.NOT_JSON, "it is nested too deep")
    except ValueError as error:
        if b"\0" in line:
            return BadRow(number, Fault.NUL, "the line holds NUL bytes")
        return BadRow(number, Fault.NOT_JSON, str(error))
    return _as_object(number, value)


def _as_object(number: int, value: Any) -> Row | BadRow:
    if isinstance(value, dict):
        return value
    return BadRow(number, Fault.NOT_AN_OBJECT, f"a {type(value).__name__} stands where {{...}} should")


class _Array:
    """The text of a JSON array as far as it is read, and where in it we are."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        # Bytes that are not UTF-8 are carried along as lone surrogates, so that only their own row is lost.
        self._decoder = getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.at, self.line = "", 0, 1
        self.damage = ""

    def more(self) -> bool:
        """Read on; False at the end."""
        try:
            block = self._stream.read1(CHUNK)
        except _DAMAGE as error:
            block, self.damage = b"", str(error)
        self.text = self.text[self.at :] + self._decoder.decode(block)
        self.at = 0
        return bool(block)

    def pass_to(self, place: int) -> None:
        """Go on to a place in the text."""
        self.line += self.text.count("\n", self.at, place)
        self.at = place

    def skip(self, marks: str) -> str:
        """Pass over these marks; return the one that follows, or "" at the end of the file."""
        while True:
            place = self.at
            while place < len(self.text) and self.text[place] in marks:
                place += 1
            self.pass_to(place)
            if place < len(self.text):
                return self.text[place]
            if not self.more():
                return ""


def _json_array(stream: BufferedIOBase) -> Iterator[tuple[int, Row | BadRow]]:
    """Read a JSON array row by row. What follows a row that is not JSON cannot be told apart and is not read."""
    decoder, array = json.JSONDecoder(), _Array(stream)
    array.skip("\ufeff \t\r\n")
    array.pass_to(array.at + 1)
    while True:
        mark = array.skip(" \t\r\n,")
        if mark == "]":
            return
        if not mark:
            said = array.damage or "the array is never closed"
            yield array.line, BadRow(array.line, Fault.CUT_OFF, f"the file ends before its last row ({said})")
            return
        try:
            value, end = decoder.raw_decode(array.text, array.at)
        except (ValueError, RecursionError) as error:
            if len(array.text) - array.at <= MAX_LINE and array.more():
                continue
            said = f"{getattr(error, 'msg', error)}; the rest of the file cannot be read"
            yield array.line, BadRow(array.line, Fault.CUT_OFF if array.damage else Fault.NOT_JSON, said)
            return
        if end == len(array.text) and array.more():
            continue
        raw = array.text[array.at : end]
        if raw.isascii() or _is_unicode(raw):
            yield array.line, _as_object(array.line, value)
        else:
            yield array.line, BadRow(array.line, Fault.NOT_UTF8, "the row holds bytes that are not UTF-8")
        array.pass_to(end)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _csv(path: Path, stream: BufferedIOBase, delimiter: str) -> Iterator[tuple[int, Row | BadRow]]:
    faults: dict[int, BadRow] = {}
    with _cells_up_to(MAX_CELL):
        reader = csv.reader(_decoded(stream, faults), delimiter=delimiter, strict=True)
        header = _header(path, reader)
        end = reader.line_num
        while True:
            start = end + 1
            bad, fields = None, []
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                bad = BadRow(start, Fault.NOT_CSV, f"{error}{_lines_of(start, reader.line_num)}")
            end = reader.line_num
            of_bytes = [faults.pop(n) for n in range(start, end + 1) if n in faults] if faults else []
            if of_bytes:
                bad = BadRow(start, of_bytes[0].fault, of_bytes[0].detail)
            elif fields and len(fields) != len(header):
                said = f"{count(len(fields), 'field')}, but {count(len(header), 'column')}{_lines_of(start, end)}"
                bad = BadRow(start, Fault.NOT_CSV, said)
            if bad is not None:
                yield start, bad
            elif fields:
                yield start, dict(zip(header, fields, strict=True))
        yield from ((n, bad) for n, bad in faults.items())


@contextmanager
def _cells_up_to(limit: int) -> Iterator[None]:
    """Let the csv module, whose limit is one for the process, read long cells for a while."""
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _lines_of(start: int, end: int) -> str:
    return f" (lines {start} to {end})" if end > start else ""


def _header(path: Path, reader: Iterator[list[str]]) -> list[str]:
    try:
        header = next(reader, [])
    except csv.Error as error:
        msg = f"{path}, line 1: the header is not CSV ({error}); mend it."
        raise DataError(msg) from error
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        msg = f"{path}, line 1: two columns are called {repeated[0]!r}; rename one."
        raise DataError(msg)
    return header


def _decoded(stream: BufferedIOBase, faults: dict[int, BadRow]) -> Iterator[str]:
    """Yield lines as text and note under their numbers what is wrong with them."""
    for number, line in _lines(stream):
        if isinstance(line, BadRow):
            faults[number] = line
            if line.fault is not Fault.CUT_OFF:
                yield "\n"
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            text = line.decode(errors="replace")
            said = f"byte {error.start + 1} of line {number} is not UTF-8"
            faults[number] = BadRow(number, Fault.NOT_UTF8, said)
        if "\0" in text:
            faults[number] = BadRow(number, Fault.NUL, f"line {number} holds NUL bytes")
        yield text


def _parquet(
    path: Path, columns: Collection[str] | None, first: int | None
) -> Iterator[tuple[int, Row | BadRow]]:
    try:
        frame = pl.scan_parquet(path, n_rows=first)
        names = frame.collect_schema().names()
        wanted = names if columns is None else [name for name in names if name in columns]
        number = 0
        for batch in frame.select(wanted).collect_batches(chunk_size=BATCH, maintain_order=True):
            for row in batch.iter_rows(named=True):
                number += 1
                yield number, row
    except (pl.exceptions.PolarsError, OSError) as error:
        said = str(error).strip().splitlines()[0][:160]
        msg = f"{path}: it is a damaged Parquet file ({said}); write it anew. What was read before is kept."
        raise DataError(msg) from error
