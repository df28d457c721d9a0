"""A study parted among machines ends like one that was not: the same results, and no call sent twice."""

import hashlib
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from drawn_charts import draw_once
from study_text import study_head
from valuelex import pipeline
from valuelex.domain.call import shard_of
from valuelex.errors import StudyError
from valuelex.io.files import RESULT_FILES
from valuelex.pipeline.merging import merge
from valuelex.pipeline.planning import planned_calls
from valuelex.pipeline.sharding import Shard, ShardSent, send_shard

pytestmark = pytest.mark.embedded
STUDY = """
temperature = [0.5, 1.0]
{more}
[[judges]]
kind = "llm"
model = "fake/referee"
name = "referee"
temperature = 0.7
[compare]
resamples = 200
"""
WORDS = """
[elicit]
draws = 1
[construct]
n_subdimensions = 4
max_subdimensions = 4
n_dimensions = 2
resamples = 5
[factors]
resamples = 2
[project]
stems = 6
systems = ["valuelex-2024", "built"]
[second]
choose_draws = 1
"""
ADAPTIVE = """
[project]
stems = 24
stop_least = 8
stop_step = 8
stop_width = 1.0
"""


@pytest.fixture(autouse=True)
def _each_chart_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_once(monkeypatch)


def workspace(folder: Path, url: str, more: str) -> pipeline.Workspace:
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(study_head("parted", url) + STUDY.format(more=more))
    return pipeline.open_study(folder)


def results(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name in RESULT_FILES
    }


def probe_bodies(ledger: Path) -> frozenset[str]:
    """SHA-256 of the bodies of probes."""
    with closing(sqlite3.connect(ledger)) as db:
        bodies = db.execute("SELECT body FROM call WHERE stage = 'probe'")
        return frozenset(hashlib.sha256(body.encode()).hexdigest() for (body,) in bodies)


def send_in_rounds(tmp_path: Path, url: str, more: str, n: int) -> tuple[list[Path], int]:
    """Send everything by shards alone: each round all shards, a merge, and the merged ledger back to all."""
    parts = [workspace(tmp_path / f"part{i}", url, more) for i in range(n)]
    for n_rounds in itertools.count(1):
        sent = [send_shard(part, Shard(i + 1, n)) for i, part in enumerate(parts)]
        if n_rounds > 1 and not any(s.n_new for s in sent):
            assert all(s.is_whole and not s.n_elsewhere for s in sent)
            return [part.folder for part in parts], n_rounds - 1
        merged = workspace(tmp_path / f"merged{n_rounds}", url, more)
        merge(merged, [part.folder for part in parts])
        for part in parts:
            shutil.copyfile(merged.ledger_path, part.ledger_path)
    raise AssertionError


@pytest.mark.parametrize(("more", "least_rounds"), [(WORDS, 2), (ADAPTIVE, 4)])
def test_shards_and_a_merge_give_the_results_of_one_run(
    tmp_path: Path, endpoint, more: str, least_rounds: int
) -> None:
    whole = workspace(tmp_path / "whole", endpoint.base_url, more)
    assert pipeline.run(whole) is not None
    undisturbed = endpoint.answered()
    parts, n_rounds = send_in_rounds(tmp_path, endpoint.base_url, more, 3)
    assert n_rounds >= least_rounds
    by_shards = endpoint.answered()[len(undisturbed) :]
    # What endpoints can do each machine finds out for itself; everything else is sent once in all.
    probes = probe_bodies(whole.ledger_path)
    assert {n for body, n in Counter(by_shards).items() if body in probes} <= {3}
    assert Counter(b for b in by_shards if b not in probes) == Counter(
        b for b in undisturbed if b not in probes
    )
    for order in ([0, 1, 2], [2, 0, 1]):
        joined = workspace(tmp_path / f"joined{order[0]}", endpoint.base_url, more)
        merge(joined, [parts[i] for i in order])
        n_before = len(endpoint.answered())
        assert pipeline.run(joined) is not None
        assert len(endpoint.answered()) == n_before
        assert results(joined.folder) == results(whole.folder)


def test_a_shard_before_the_merge_sends_what_it_can_and_says_what_is_missing(
    tmp_path: Path, endpoint
) -> None:
    part = workspace(tmp_path / "part", endpoint.base_url, "[project]\nstems = 6")
    calls = planned_calls(part.study)["project"]
    own = {c.key for c in calls if shard_of(c.key, 2) == 0}
    assert send_shard(part, Shard(1, 2)) == ShardSent(
        n_own=len(own), n_new=len(own), n_elsewhere=len(calls) - len(own), is_whole=False
    )
    # Ratings of its own completions that fall into it go out in a second round, without the other shard.
    again = send_shard(part, Shard(1, 2))
    assert 0 < again.n_new <= len(own)
    assert not again.is_whole
    assert not any((part.folder / name).exists() for name in RESULT_FILES)


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match="--shard must be K/N"):
        Shard.read(text)


def test_the_commands(tmp_path: Path, endpoint) -> None:
    def valuelex(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "valuelex", *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=dict(os.environ),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    study = workspace(tmp_path / "s", endpoint.base_url, "[project]\nstems = 6").folder / "study.toml"
    said = valuelex("run", str(study), "--shard", "1/1", "--folder", str(tmp_path / "a"), "--max-calls", "37")
    assert "Shard 1/1: 36 calls were sent, 0 had been before." in said
    assert "run the shards again" in said
    said = valuelex("merge", str(study), str(tmp_path / "a"))
    assert "replies  37 new, 0 there already" in said
    assert "replies  0 new, 37 there already" in valuelex(
        "merge", str(study), str(tmp_path / "a" / "ledger.db")
    )
