"""A study under every fault at once: no answer is lost, none is paid for twice, no result differs."""

import random
from pathlib import Path

import pytest

from faults.fault_server import VARIANTS
from faults.harness import (
    MAX_IN_FLIGHT,
    N_CALLS,
    FaultServer,
    Kills,
    Running,
    kill_moments,
    recorded,
    results,
    run,
    write_study,
)

pytestmark = pytest.mark.embedded
SEED = 2
"""With it, the first attempts of the study's calls meet every variant of every fault."""


def test_every_fault_at_once_changes_no_result(tmp_path: Path, port: int, undisturbed) -> None:
    with FaultServer(tmp_path / "journal.jsonl", seed=SEED, port=port) as server:
        path = write_study(tmp_path / "study", server.url)
        outcome = run(path)
        assert outcome.returncode == 0, outcome.stderr
        met = server.met()
        assert server.state()["most_open"] <= MAX_IN_FLIGHT
    wanted = {f"{fault}: {variant}" for fault, variants in VARIANTS.items() for variant in variants}
    assert wanted <= {what.removeprefix("answered (").removesuffix(")") for what in met}
    assert len(server.answered()) == N_CALLS
    # What was answered once was kept: only a hang that the client did not wait for is sent again, and not answered.
    assert server.answered().total() == N_CALLS
    assert recorded(path.parent) == set(server.answered())
    assert results(path.parent) == undisturbed


def test_a_server_that_restarts_in_mid_run_costs_what_was_in_flight(
    tmp_path: Path, port: int, undisturbed
) -> None:
    n_restarts = 2
    with FaultServer(tmp_path / "journal.jsonl", seed=SEED, port=port, delay_s=0.02) as server:
        path = write_study(tmp_path / "study", server.url)
        running = Running(path.parent, "run", str(path))
        for restart in range(n_restarts):
            running.wait_for(server, 60 * (restart + 1))
            server.kill()
            server.start()
        outcome = running.finish()
        assert outcome.returncode == 0, outcome.stderr
    answered = server.answered()
    assert len(answered) == N_CALLS
    assert answered.total() - N_CALLS <= n_restarts * MAX_IN_FLIGHT
    assert results(path.parent) == undisturbed


def test_kill_9_at_random_moments_loses_nothing(tmp_path: Path, port: int, undisturbed) -> None:
    kills, rng = Kills(), random.Random(11)
    with FaultServer(tmp_path / "journal.jsonl", seed=SEED, port=port, delay_s=0.02) as server:
        path = write_study(tmp_path / "study", server.url)
        for after_answers, jitter_s in kill_moments(7, N_CALLS, rng):
            running = Running(path.parent, "run", str(path))
            assert running.kill_9(server, after_answers, jitter_s)
            kills.note(server, path.parent)
        assert run(path).returncode == 0
    answered = server.answered()
    # How many were in flight at a kill is luck: none, where every answer was already in the ledger.
    assert len(kills.in_flight) == 7
    assert max(len(bodies) for bodies in kills.in_flight) <= MAX_IN_FLIGHT
    assert kills.n_lost == 0
    assert kills.unexplained(answered) == {}
    assert recorded(path.parent) == set(answered)
    assert len(answered) == N_CALLS
    assert results(path.parent) == undisturbed


def test_of_two_processes_one_is_killed_and_the_other_ends_the_study(
    tmp_path: Path, port: int, undisturbed
) -> None:
    with FaultServer(tmp_path / "journal.jsonl", seed=SEED, port=port, delay_s=0.02) as server:
        path = write_study(tmp_path / "study", server.url)
        doomed, other = (Running(path.parent, "run", str(path)) for _ in range(2))
        assert doomed.kill_9(server, 90, 0.0)
        outcome = other.finish()
        assert outcome.returncode == 0, outcome.stderr
    answered = server.answered()
    assert recorded(path.parent) == set(answered)
    assert len(answered) == N_CALLS
    assert answered.total() - N_CALLS <= MAX_IN_FLIGHT
    assert results(path.parent) == undisturbed


def test_a_limit_on_the_rate_is_found_and_kept(tmp_path: Path, port: int) -> None:
    server = FaultServer(tmp_path / "journal.jsonl", rates={}, port=port, per_second=30)
    with server:
        path = write_study(tmp_path / "study", server.url)
        outcome = run(path, "--until", "elicit")
        assert outcome.returncode == 0, outcome.stderr
    met = server.met()
    assert met["answered"] == len(server.answered()) == 180
    # A client that does not slow down is turned away at least as often as it is answered.
    assert 0 < met["over the rate"] < 90
