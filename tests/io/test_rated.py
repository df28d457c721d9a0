"""The file of people's ratings: what is read from it, what is refused, and what survives a crash."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import system
from valuelex.domain.call import Missing
from valuelex.errors import LedgerError, StudyError
from valuelex.io import rated as module
from valuelex.io.rated import COLUMNS, HEADER, Rated, RatedFile, latest, read_rated

SYSTEM = system({"heart": ("care", "zeal")})
HEAD = "rater,exhibit_id,system,subdimension,relevant,rating,evidence,reason\n"


def file_of(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "ann.csv"
    path.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_lines_become_notes(tmp_path: Path) -> None:
    path = file_of(
        tmp_path,
        "ann,e1,tiny,care,yes,5,smiled,warm",
        "ann,e1,tiny,zeal,no,,,",
        "ann,e1,other,unheard-of,yes,1,,",
    )
    rating, gate = read_rated(path, "people", SYSTEM)
    assert (rating.judge, rating.system, rating.exhibit_id, rating.subdimension, rating.draw) == (
        "people",
        "tiny",
        "e1",
        "care",
        0,
    )
    assert (rating.rating, rating.expected, rating.missing, rating.call_key) == (5.0, None, None, "")
    assert (rating.evidence, rating.evidence_found, rating.reason) == ("smiled", True, "warm")
    # A completion that does not bear on a value has no rating: neither 0 nor 3.
    assert (gate.rating, gate.missing, gate.evidence_found) == (None, Missing.IRRELEVANT, False)


def test_the_last_line_of_a_rater_counts_and_raters_are_draws(tmp_path: Path) -> None:
    path = file_of(
        tmp_path,
        "ann,e1,tiny,care,yes,1,,",
        "bo,e1,tiny,care,yes,4,,",
        "ann,e2,tiny,care,yes,6,,",
        "ann,e1,tiny,care,yes,2,,",
        "bo,e2,tiny,care,no,,,",
    )
    found = [(n.exhibit_id, n.draw, n.rating) for n in read_rated(path, "people", SYSTEM)]
    # e1: ann changed 1 to 2, bo is the second rater. e2: ann, then bo, who saw no bearing.
    assert found == [("e1", 0, 2.0), ("e1", 1, 4.0), ("e2", 0, 6.0), ("e2", 1, None)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ann,e1,tiny,care,yes,7,,", "'rating' must be a whole number from 0 to 6, not '7'; mend it, or put"),
        ("ann,e1,tiny,care,yes,2.5,,", "'rating' must be a whole number from 0 to 6, not '2.5'"),
        ("ann,e1,tiny,care,yes,-1,,", "'rating' must be a whole number from 0 to 6, not '-1'"),
        ("ann,e1,tiny,care,yes,,,", "'rating' must be a whole number from 0 to 6, not ''"),
        ("ann,e1,tiny,care,yes,٣,,", "'rating' must be a whole number from 0 to 6, not '٣'"),
        ("ann,e1,tiny,care,no,3,,", "'relevant' is 'no', so 'rating' must be empty, not '3'; change one"),
        ("ann,e1,tiny,care,maybe,3,,", "'relevant' must be 'yes' or 'no', not 'maybe'."),
        ("ann,e1,tiny,courage,yes,3,,", "'tiny' has no subdimension 'courage'; it has 'care', 'zeal'."),
        (",e1,tiny,care,yes,3,,", "'rater' is empty; fill it in or delete the line."),
        ("ann,e1,tiny,care,yes,3", "6 fields, but there are 8 columns; mend or delete the line."),
        ('ann,e1,tiny,care,yes,3,"open,', "not CSV (unexpected end of data); mend or delete the line."),
    ],
)
def test_a_wrong_line_is_named_with_its_number_and_the_way_out(tmp_path: Path, line: str, said: str) -> None:
    path = file_of(tmp_path, "ann,e1,tiny,zeal,yes,3,,", line)
    with pytest.raises(StudyError) as caught:
        read_rated(path, "people", SYSTEM)
    assert str(caught.value).startswith(f"{path}, line 3: {said}")


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent.csv"
    with pytest.raises(StudyError) as caught:
        read_rated(absent, "people", SYSTEM)
    assert str(caught.value).startswith(
        f"{absent}: no such file of ratings; check the path, or make one with:"
    )
    with pytest.raises(StudyError, match=r"line 1: the header must be 'rater,exhibit_id,.*', not 'who,what'"):
        read_rated(file_of(tmp_path, head="who,what\n"), "people", SYSTEM)
    with pytest.raises(StudyError, match=r"line 1: the header must be .*, not ''"):
        read_rated(file_of(tmp_path, head=""), "people", SYSTEM)
    latin = tmp_path / "latin.csv"
    latin.write_bytes(HEAD.encode() + "ann,e1,tiny,care,yes,3,,schön\n".encode("latin-1"))
    # 24 bytes of the line stand before "schön", 3 more before its "ö"; bytes are counted from 0.
    with pytest.raises(StudyError, match=f"not UTF-8 at byte {len(HEAD) + 24 + 3}; save it as CSV in UTF-8"):
        read_rated(latin, "people", SYSTEM)
    with pytest.raises(StudyError, match="cannot be read"):
        read_rated(tmp_path, "people", SYSTEM)


def test_a_file_that_a_spreadsheet_saved_again_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ann.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + "ann,e1,tiny,care,yes,3,,\n\n").replace("\n", "\r\n").encode())
    assert [n.rating for n in read_rated(path, "people", SYSTEM)] == [3.0]
    with RatedFile(path) as file:
        file.add(Rated("ann", "e1", "tiny", "zeal", 4))
    assert [n.rating for n in read_rated(path, "people", SYSTEM)] == [3.0, 4.0]


def test_a_rating_is_synced_before_add_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ratings" / "ann.csv"
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        # What a machine that stops now would keep: the content of the file, seen from outside.
        synced.append(path.read_text())
        assert os.fstat(descriptor).st_ino == path.stat().st_ino

    monkeypatch.setattr(module.os, "fsync", fsync)
    with RatedFile(path) as file:
        file.add(Rated("ann", "e1", "tiny", "care", 5))
        assert synced == [HEAD, HEAD + "ann,e1,tiny,care,yes,5,,\n"]


def test_opening_again_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ann.csv"
    for point in (1, 2, None):
        with RatedFile(path) as file:
            file.add(Rated("ann", "e1", "tiny", "care", point))
    assert path.read_text() == HEAD + (
        "ann,e1,tiny,care,yes,1,,\nann,e1,tiny,care,yes,2,,\nann,e1,tiny,care,no,,,\n"
    )
    assert [r.rating for r in latest(path, SYSTEM)] == [None]


@pytest.mark.parametrize("n_kept", range(len(HEAD) + len("ann,e1,tiny,care,yes,5,,\n") + 1))
def test_a_write_that_was_cut_off_anywhere_costs_at_most_that_rating(tmp_path: Path, n_kept: int) -> None:
    path = tmp_path / "ann.csv"
    path.write_text((HEAD + "ann,e1,tiny,care,yes,5,,\n")[:n_kept])
    with RatedFile(path) as file:
        file.add(Rated("ann", "e1", "tiny", "zeal", 2))
    found = {r.subdimension: r.rating for r in latest(path, SYSTEM)}
    # The line has its eight fields once its seventh comma stands there; only the line feed may be lost.
    whole = n_kept >= len(HEAD) + len("ann,e1,tiny,care,yes,5,,")
    assert found == ({"care": 5, "zeal": 2} if whole else {"zeal": 2})


def test_a_file_of_something_else_is_left_as_it_was(tmp_path: Path) -> None:
    for content in ("a poem without a last line feed", "a,b\n1,2"):
        path = tmp_path / "ann.csv"
        path.write_text(content)
        with pytest.raises(StudyError, match="the header must be"):
            RatedFile(path)
        assert path.read_text() == content


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ratings").write_text("a file")
    with pytest.raises(LedgerError, match=r"ratings/ann\.csv' cannot be written \(File exists\); free space"):
        RatedFile(tmp_path / "ratings" / "ann.csv")


TEXT = st.text(max_size=40)


@given(evidence=TEXT, reason=TEXT)
def test_words_come_back_as_one_line_and_start_no_formula(
    tmp_path_factory: pytest.TempPathFactory, evidence: str, reason: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "ann.csv"
    with RatedFile(path) as file:
        file.add(Rated("ann", "e1", "tiny", "care", 3, evidence, reason))
    (found,) = latest(path, SYSTEM)
    assert found.evidence == " ".join(evidence.replace("\0", " ").split())
    assert found.reason == " ".join(reason.replace("\0", " ").split())
    assert len(path.read_text("utf-8").split("\n")) == 3
    with path.open(encoding="utf-8", newline="") as stream:
        (_, fields) = csv.reader(stream)
    assert not [field for field in fields if field.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''-x", "-5", "'plain", "@a", "it's"])
def test_the_apostrophe_before_a_formula_is_taken_off_again(tmp_path: Path, text: str) -> None:
    with RatedFile(tmp_path / "ann.csv") as file:
        file.add(Rated("ann", "e1", "tiny", "care", 3, reason=text))
    (found,) = latest(tmp_path / "ann.csv", SYSTEM)
    assert found.reason == text


def test_the_header_is_the_one_that_is_documented() -> None:
    assert f"{HEADER.decode()}\n" == HEAD
    assert ",".join(COLUMNS) + "\n" == HEAD
