import json
import re
from pathlib import Path

import pytest

from valuelex.domain.lexicon import Lexicon, Term
from valuelex.errors import StudyError
from valuelex.io import assets
from valuelex.io.files import write_lexicon
from valuelex.io.term_list import load_terms


def test_terms_of_a_lexicon_of_a_word_list_and_of_a_system(tmp_path: Path) -> None:
    write_lexicon(tmp_path, Lexicon((Term("care", 3, 3, 2), Term("self-direction", 1, 1, 1)), (), ()))
    assert load_terms("lexicon.json", tmp_path) == (("care", "self-direction"), "lexicon.json")
    (tmp_path / "words.txt").write_text("﻿# mine\nZeal\n\n open   mind \ncare\n")
    assert load_terms("words.txt", tmp_path) == (("care", "open mind", "zeal"), "words.txt")
    terms, source = load_terms("valuelex-2024", tmp_path)
    markers = {m for s in assets.load_system("valuelex-2024", tmp_path).subdimensions for m in s.markers}
    assert (set(terms), source) == (markers, "valuelex-2024")
    assert list(terms) == sorted(terms)


def refused(name: str, folder: Path) -> str:
    with pytest.raises(StudyError) as caught:
        load_terms(name, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_no_list_of_terms_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(json.dumps({"schema": "valuelex/quality/1"}))
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "twice.txt").write_text("care\nzeal\nCare\n")
    (tmp_path / "one.txt").write_text("care\n")
    (tmp_path / "long.txt").write_text("care\n" + "x" * 61 + "\n{term}\n")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    for name in ("other.json", "deep.json"):
        assert "is no lexicon.json of a study; name the one that valuelex run wrote" in refused(
            name, tmp_path
        )
    assert re.search(r"1 word stands there twice \(first: 'care'\)", refused("twice.txt", tmp_path))
    assert "holds 1 term; name a list with two or more" in refused("one.txt", tmp_path)
    assert "2 of 3 terms cannot stand in a prompt (first: 'xxx" in refused("long.txt", tmp_path)
    assert "cannot be read as text (not UTF-8)" in refused("latin.txt", tmp_path)
    assert "cannot be read as text (No such file or directory)" in refused("none.txt", tmp_path)
    assert "is no list of terms; give the lexicon.json of a study" in refused("wordlist", tmp_path)
