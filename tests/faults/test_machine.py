"""The machine fails: a full disk, a folder without the right to write, a clock that jumps, an error nobody expects."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.harness import (
    MAX_IN_FLIGHT,
    N_CALLS,
    FaultServer,
    Running,
    recorded,
    results,
    run,
    write_study,
)

pytestmark = pytest.mark.embedded
SEED = 2


def mount(*arguments: str) -> None:
    """Mount or skip the test: only root may."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own, too small for the study."""
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take the right to write from a folder; root, who needs none, gets a read-only mount."""
    if os.geteuid():
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)
        return
    mount("--bind", str(folder), str(folder))
    try:
        mount("-o", "remount,ro,bind", str(folder))
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def assert_stopped_in_one_line(outcome) -> str:
    assert outcome.returncode == 2, outcome.stderr
    assert "Traceback" not in outcome.stderr
    (line,) = outcome.errors
    return line


def test_a_full_disk_loses_at_most_what_was_in_flight(tmp_path: Path, port: int, undisturbed) -> None:
    folder = tmp_path / "study"
    with (
        FaultServer(tmp_path / "journal.jsonl", rates={}, port=port) as server,
        small_disk(folder, "256k"),
    ):
        path = write_study(folder, server.url)
        line = assert_stopped_in_one_line(run(path))
        assert str(folder) in line
        assert "full" in line
        kept, answered = recorded(folder), server.answered()
        assert 0 < len(kept) < N_CALLS
        assert len(set(answered) - kept) <= MAX_IN_FLIGHT
        # Full still: the same line, and nothing is bought that cannot be kept.
        assert "full" in assert_stopped_in_one_line(run(path))
        assert len(set(server.answered()) - recorded(folder)) <= 2 * MAX_IN_FLIGHT
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        finished = run(path)
        assert finished.returncode == 0, finished.stderr
        assert kept <= recorded(folder)
        assert server.answered().total() - N_CALLS <= 2 * MAX_IN_FLIGHT
        assert results(folder) == undisturbed


def test_a_file_that_may_not_grow_is_one_line(tmp_path: Path, port: int, undisturbed) -> None:
    with FaultServer(tmp_path / "journal.jsonl", rates={}, port=port) as server:
        path = write_study(tmp_path / "study", server.url)
        line = assert_stopped_in_one_line(run(path, limit_bytes=150_000))
        assert str(path.parent) in line
        kept = recorded(path.parent)
        assert 0 < len(kept) < N_CALLS
        assert len(set(server.answered()) - kept) <= MAX_IN_FLIGHT
        assert run(path).returncode == 0
        assert kept <= recorded(path.parent)
    assert results(path.parent) == undisturbed


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_sent(
    tmp_path: Path, port: int
) -> None:
    with FaultServer(tmp_path / "journal.jsonl", rates={}, port=port) as server:
        path = write_study(tmp_path / "study", server.url)
        with read_only(path.parent):
            line = assert_stopped_in_one_line(run(path))
            assert str(path.parent) in line
        assert server.events() == []
        assert run(path, "--until", "elicit").returncode == 0
        n_events = len(server.events())
        with read_only(path.parent):
            status = Running(path.parent, "status", str(path)).finish()
            assert status.returncode == 0, status.stderr
            assert "180 in the ledger" in status.stdout
            assert_stopped_in_one_line(run(path))
        assert len(server.events()) == n_events


def test_a_clock_that_jumps_by_years_changes_nothing(tmp_path: Path, port: int, undisturbed) -> None:
    with FaultServer(tmp_path / "journal.jsonl", seed=SEED, port=port) as server:
        path = write_study(tmp_path / "study", server.url)
        # A wait for a year, or for the longest wait at each 429 with a date, would end here.
        outcome = run(path, FAULTS_HOOK="clock", timeout_s=150)
        assert outcome.returncode == 0, outcome.stderr
        assert server.met()["busy: date"] > 3
        status = Running(path.parent, "status", str(path), FAULTS_HOOK="clock").finish()
    assert status.returncode == 0, status.stderr
    assert not re.search(r"\s-\d|\bnan\b|\binf\b", outcome.stderr + status.stdout)
    assert results(path.parent) == undisturbed


@pytest.mark.parametrize("how", ["crash", "abort"])
def test_an_unexpected_end_shows_no_key_and_keeps_every_answer(tmp_path: Path, port: int, how: str) -> None:
    with FaultServer(tmp_path / "journal.jsonl", rates={}, port=port, delay_s=0.02) as server:
        path = write_study(tmp_path / "study", server.url)
        running = Running(
            path.parent, "run", str(path), "--until", "elicit", FAULTS_HOOK=how if how == "crash" else ""
        )
        if how == "abort":
            running.wait_for(server, 20)
            running.process.send_signal(signal.SIGABRT)
        outcome = running.finish()
        # A bug is a traceback, and PYTHONFAULTHANDLER prints the stack of a process that is aborted.
        assert outcome.returncode not in (0, 2)
        assert "Traceback" in outcome.stderr or "Fatal Python error" in outcome.stderr
        server.wait_until_idle()
        kept = recorded(path.parent)
        assert len(set(server.answered()) - kept) <= MAX_IN_FLIGHT
        assert run(path, "--until", "elicit").returncode == 0
        assert server.answered().total() - 180 <= MAX_IN_FLIGHT
