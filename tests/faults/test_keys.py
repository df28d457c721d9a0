"""The API key goes to its endpoint and nowhere else, also when the endpoint says it back.

Every run of these folders' tests is searched for the key (`faults.harness`); here the provider puts it into answers.
"""

from pathlib import Path

import polars as pl
import pytest

from faults.harness import KEY, FaultServer, assert_no_key, run, traces, write_study


@pytest.mark.embedded
def test_a_key_in_an_answer_is_not_kept(tmp_path: Path, port: int) -> None:
    with FaultServer(tmp_path / "journal.jsonl", rates={}, port=port) as server:
        path = write_study(tmp_path / "study", server.url, model="echoing")
        outcome = run(path)
        assert outcome.returncode == 0, outcome.stderr
    texts = pl.read_parquet(path.parent / "completions.parquet")["text"].to_list()
    # About half of the answers carry it, as it is or with escapes.
    assert 20 < sum("[key]" in text for text in texts) < 52


@pytest.mark.parametrize("form", list(traces(KEY)))
def test_the_search_finds_a_key_in_every_form(tmp_path: Path, form: str) -> None:
    (tmp_path / "ledger.db").write_bytes(b"before " + traces(KEY)[form] + b" after")
    with pytest.raises(AssertionError, match=form):
        assert_no_key(tmp_path)
    (tmp_path / "ledger.db").unlink()
    with pytest.raises(AssertionError, match=form):
        assert_no_key(tmp_path, "out", traces(KEY)[form].decode())
