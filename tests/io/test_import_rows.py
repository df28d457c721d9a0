import csv
import gzip
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuelex.domain.recorded import BadRow, Fault
from valuelex.errors import DataError
from valuelex.io import import_rows
from valuelex.io.import_rows import Kind, kind_of, read_rows, source_of

ROWS = [{"a": "one", "b": 1}, {"a": "zwei, “2”", "b": 2}, {"a": "three\nlines\nlong", "b": 3}]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def good(path: Path, kind: Kind) -> list[object]:
    return [row for _, row in read_rows(path, kind) if not isinstance(row, BadRow)]


def faults(path: Path, kind: Kind) -> list[tuple[int, Fault]]:
    return [(line, row.fault) for line, row in read_rows(path, kind) if isinstance(row, BadRow)]


def as_kind(path: Path, kind: Kind) -> Path:
    if kind == "parquet":
        pl.DataFrame(ROWS).write_parquet(path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    elif kind == "json":
        path.write_text(json.dumps(ROWS, indent=2))
    else:
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream, delimiter="\t" if kind == "tsv" else ",")
            writer.writerow(["a", "b"])
            writer.writerows(r.values() for r in ROWS)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "tsv", "parquet"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_kind_is_told_from_its_content_and_read(tmp_path: Path, kind: Kind, packed: bool) -> None:
    path = as_kind(tmp_path / "answers", kind)
    if packed:
        if kind == "parquet":
            pytest.skip("Parquet is packed in itself")
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert kind_of(path) == kind
    read = good(path, kind)
    assert [(r["a"], int(r["b"])) for r in read] == [(r["a"], r["b"]) for r in ROWS]
    assert faults(path, kind) == []


@pytest.mark.parametrize(
    ("kind", "lines"), [("jsonl", [1, 2, 3]), ("csv", [2, 3, 4]), ("parquet", [1, 2, 3])]
)
def test_rows_are_named_by_the_line_on_which_they_begin(tmp_path: Path, kind: Kind, lines: list[int]) -> None:
    assert [line for line, _ in read_rows(as_kind(tmp_path / "x", kind), kind)] == lines


def test_rows_of_an_array_are_named_by_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "x", b'[{"a": 1},\n {"a": 2}, {"a": 3},\r\n\n {"a":\n 4}]')
    assert [line for line, _ in read_rows(path, "json")] == [1, 2, 2, 4]


def test_a_mark_of_byte_order_and_carriage_returns_are_no_fault(tmp_path: Path) -> None:
    bom = b"\xef\xbb\xbf"
    for name, kind, content in [
        ("j", "jsonl", b'{"a": "1"}\r\n\r\n{"a": "2"}\r\n'),
        ("c", "csv", b"a,b\r\n1,\r\n\r\n2,\r\n"),
        ("r", "json", b'[{"a": "1"},\r\n{"a": "2"}]'),
    ]:
        path = write(tmp_path / name, bom + content)
        assert kind_of(path) == kind
        assert [row["a"] for row in good(path, kind)] == ["1", "2"]
        assert faults(path, kind) == []


def test_a_bad_line_of_json_costs_only_itself(tmp_path: Path) -> None:
    lines = [
        b'{"a": 1}',
        b'{"a": ',
        b"[1, 2]",
        b'"text"',
        b'{"a": "\xff"}',
        b'{"a": "\x00"}',
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5_000 + b"}",
        b'{"a": 2}',
    ]
    path = write(tmp_path / "x", b"\n".join(lines))
    assert good(path, "jsonl") == [{"a": 1}, {"a": 2}]
    assert faults(path, "jsonl") == [
        (2, Fault.NOT_JSON),
        (3, Fault.NOT_AN_OBJECT),
        (4, Fault.NOT_AN_OBJECT),
        (5, Fault.NOT_UTF8),
        (6, Fault.NUL),
        (7, Fault.NOT_JSON),
        (8, Fault.NOT_JSON),
    ]


def test_an_absurdly_long_line_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_rows, "MAX_LINE", 1_000)
    path = write(tmp_path / "x", b'{"a": 1}\n{"a": "' + b"x" * 5_000 + b'"}\n{"a": 2}\n')
    assert good(path, "jsonl") == [{"a": 1}, {"a": 2}]
    assert faults(path, "jsonl") == [(2, Fault.TOO_LONG)]
    path = write(tmp_path / "y", b"a,b\n1,1\n" + b"x" * 5_000 + b",1\n2,2\n")
    assert good(path, "csv") == [{"a": "1", "b": "1"}, {"a": "2", "b": "2"}]
    assert faults(path, "csv") == [(3, Fault.TOO_LONG)]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "json"])
def test_of_a_truncated_archive_the_beginning_is_kept(tmp_path: Path, kind: Kind) -> None:
    import random

    rng = random.Random(3)
    rows = [{"a": str(i), "b": f"{rng.random()}"} for i in range(5_000)]
    if kind == "jsonl":
        text = "\n".join(map(json.dumps, rows))
    elif kind == "json":
        text = json.dumps(rows)
    else:
        text = "a,b\n" + "\n".join(f"{r['a']},{r['b']}" for r in rows)
    whole = gzip.compress(text.encode())
    path = write(tmp_path / "x.gz", whole[: len(whole) * 2 // 3])
    assert kind_of(path) == kind
    read = good(path, kind)
    assert 1_000 < len(read) < 5_000
    assert read == rows[: len(read)]
    ((_, fault),) = faults(path, kind)
    assert fault is Fault.CUT_OFF


def test_bytes_that_are_not_utf8_cost_only_their_row(tmp_path: Path) -> None:
    path = write(tmp_path / "x", b'[{"a": "1"},\n{"a": "\xff\xfe"},\n{"a": "3"}]')
    assert good(path, "json") == [{"a": "1"}, {"a": "3"}]
    assert faults(path, "json") == [(2, Fault.NOT_UTF8)]
    path = write(tmp_path / "y", b'a,b\n1,1\n"x\n\xff",2\n3,3\n4,\x00\n')
    assert good(path, "csv") == [{"a": "1", "b": "1"}, {"a": "3", "b": "3"}]
    # The second row begins on line 3; the byte stands on line 4.
    assert faults(path, "csv") == [(3, Fault.NOT_UTF8), (6, Fault.NUL)]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b'[{"a": 1}, {"a": }, {"a": 2}]', Fault.NOT_JSON),
        (b'[{"a": 1}, {"a": "x', Fault.NOT_JSON),
        (b'[{"a": 1}', Fault.CUT_OFF),
        (b'[{"a": 1},', Fault.CUT_OFF),
        (b'[{"a": 1}, 7]', Fault.NOT_AN_OBJECT),
    ],
)
def test_an_array_is_read_up_to_what_is_no_json(tmp_path: Path, content: bytes, fault: Fault) -> None:
    path = write(tmp_path / "x", content)
    assert good(path, "json") == [{"a": 1}]
    assert faults(path, "json") == [(1, fault)]


def test_rows_of_an_array_that_span_blocks_are_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_rows, "CHUNK", 7)
    rows = [{"a": "ä" * n, "n": n} for n in range(30)]
    path = write(tmp_path / "x", json.dumps(rows, ensure_ascii=False, indent=1).encode())
    assert good(path, "json") == rows


def test_faults_of_quoting_cost_their_row(tmp_path: Path) -> None:
    path = write(tmp_path / "x", b'a,b\n1,1\n"x"y,2\n1,2,3\n4\n5,5\n"open,6\n7,7\n')
    assert good(path, "csv") == [{"a": "1", "b": "1"}, {"a": "5", "b": "5"}]
    assert faults(path, "csv") == [
        (3, Fault.NOT_CSV),
        (4, Fault.NOT_CSV),
        (5, Fault.NOT_CSV),
        (7, Fault.NOT_CSV),
    ]
    said = [row.detail for _, row in read_rows(path, "csv") if isinstance(row, BadRow)]
    assert said[1] == "3 fields, but 2 columns"
    assert said[3] == "unexpected end of data (lines 7 to 8)"


def test_a_mark_that_is_never_closed_swallows_no_more_than_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_rows, "MAX_CELL", 50)
    before = csv.field_size_limit()
    path = write(tmp_path / "x", b'a,b\n"open,1\n' + b"2,2\n" * 30)
    read = good(path, "csv")
    # A cell ends after 50 characters: 'open,1', its line feed and 11 rows of 4; the next row is read as ever.
    assert len(read) == 30 - 11
    assert faults(path, "csv") == [(2, Fault.NOT_CSV)]
    assert csv.field_size_limit() == before


def test_an_error_names_the_file_and_the_way_out(tmp_path: Path) -> None:
    for name, content, expected in [
        ("empty", b"", "it is empty; give a file of recorded answers, such as one JSON object a line."),
        (
            "prose",
            b"Once upon a time",
            "it is neither JSON, CSV, TSV, Parquet nor an Inspect log; give a file of ",
        ),
        ("wide", "a,b\n1,2".encode("utf-16"), "it is UTF-16; save it as UTF-8."),
        ("noise.gz", b"\x1f\x8bnoise", "the compressed data is damaged from its beginning ("),
    ]:
        path = write(tmp_path / name, content)
        with pytest.raises(DataError) as caught:
            kind_of(path)
        assert str(caught.value).startswith(f"{path}: {expected}")
    with pytest.raises(DataError, match="cannot be read \\(No such file or directory\\)"):
        kind_of(tmp_path / "absent")
    with pytest.raises(DataError, match="line 1: two columns are called 'a'; rename one"):
        list(read_rows(write(tmp_path / "twice", b"a,a\n1,2\n"), "csv"))
    with pytest.raises(DataError, match="it is a damaged Parquet file"):
        list(read_rows(write(tmp_path / "p", b"PAR1" + b"\0" * 60), "parquet"))


def test_of_a_parquet_file_only_wanted_columns_are_read(tmp_path: Path) -> None:
    path = as_kind(tmp_path / "x", "parquet")
    assert [row for _, row in read_rows(path, "parquet", {"b", "z"})] == [{"b": 1}, {"b": 2}, {"b": 3}]


def test_a_source_is_its_name_and_the_digest_of_its_bytes(tmp_path: Path) -> None:
    source = source_of(write(tmp_path / "x.jsonl", b"abc"))
    assert source.name == "x.jsonl"
    assert source.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.binary(max_size=300), st.sampled_from(["jsonl", "json", "csv", "tsv"]))
def test_no_bytes_break_the_readers(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, kind: Kind
) -> None:
    start = b"[" if kind == "json" else b"a,b\n" if kind == "csv" else b""
    path = write(tmp_path_factory.mktemp("any") / "x", start + content)
    try:
        rows = list(read_rows(path, kind))
    except DataError:
        return
    n_lines = (start + content).count(b"\n") + (start + content).count(b"\r") + 1
    assert all(1 <= line <= n_lines + 1 for line, _ in rows)
