"""Several processes run one study at the same time: every call is answered once, whoever dies."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from valuelex.io.ledger import Ledger

N_CALLS = 240
GATHER = """
import sys
from pathlib import Path
from valuelex.domain.call import Call, call_key
from valuelex.io.client import gather
from valuelex.io.endpoint import Target
from valuelex.io.ledger import Ledger

path, url, n = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def planned(i):
    body = '{"model":"slow","prompt":"Finish the sentence %d"}' % i
    key = call_key(endpoint=url, revision="", path="/completions", body=body, draw=0)
    return Call(key, "project", "r", str(i), 0, "fake", "slow", url, "", "/completions", body)
with Ledger(path) as ledger:
    print("open", flush=True)
    sys.stdin.readline()  # All begin at once.
    calls = [planned(i) for i in range(n)]
    done = gather(calls, {calls[0].route: Target(url, 4)}, ledger)
print(done.n_answered, done.n_failed, done.n_not_sent, done.n_elsewhere, flush=True)
"""


def start(
    stack: ExitStack, n: int, ledger: Path, url: str, script: str = GATHER
) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script, str(ledger), url, str(N_CALLS)]
    processes = [
        stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        for _ in range(n)
    ]
    for process in processes:
        stack.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def ended(process: subprocess.Popen[str]) -> list[int]:
    """What a process counted; one that never ends fails the test."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return [int(number) for number in out.split()]


def test_four_processes_on_one_ledger_send_every_call_once(tmp_path: Path, endpoint) -> None:
    path = tmp_path / "ledger.db"
    with ExitStack() as stack:
        counted = [ended(process) for process in start(stack, 4, path, endpoint.base_url)]
    sent = Counter(endpoint.answered())
    assert len(sent) == N_CALLS
    assert set(sent.values()) == {1}
    assert sum(n_answered for n_answered, *_ in counted) == N_CALLS
    for n_answered, n_failed, n_not_sent, n_elsewhere in counted:
        assert (n_answered + n_elsewhere, n_failed, n_not_sent) == (N_CALLS, 0, 0)
    with Ledger(path) as ledger:
        assert len(ledger.answered()) == N_CALLS
        assert not ledger.senders()
    assert not list(tmp_path.glob(".sender-*"))


def test_processes_that_stop_one_respondent_do_not_wait_for_each_other(tmp_path: Path, endpoint) -> None:
    # Every third call is of a respondent whose model is not there: each process has claimed some that it drops.
    script = GATHER.replace('"model":"slow"', '"model":"%s"').replace("}' % i", "}' % (name, i)")
    script = script.replace("def planned(i):", "def planned(i):\n    name = 'slow' if i % 3 else 'absent'")
    script = script.replace('"project", "r",', '"project", name,')
    path = tmp_path / "ledger.db"
    with ExitStack() as stack:
        counted = [ended(process) for process in start(stack, 2, path, endpoint.base_url, script)]
    assert sum(n_answered for n_answered, *_ in counted) == N_CALLS * 2 // 3
    assert all(sum(numbers) == N_CALLS for numbers in counted)
    with Ledger(path) as ledger:
        assert not ledger.senders()


def test_the_others_take_over_what_a_killed_process_had_claimed(tmp_path: Path, endpoint) -> None:
    path = tmp_path / "ledger.db"
    with ExitStack() as stack:
        victim, *others = start(stack, 3, path, endpoint.base_url)
        while len(endpoint.answered()) < N_CALLS // 4:
            time.sleep(0.01)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        for process in others:
            _, n_failed, n_not_sent, _ = ended(process)
            assert (n_failed, n_not_sent) == (0, 0)
    sent = Counter(endpoint.answered())
    # Sent again at most what the victim had in flight: four calls.
    assert len(sent) == N_CALLS
    assert sum(sent.values()) - N_CALLS <= 4
    with Ledger(path) as ledger:
        assert len(ledger.answered()) == N_CALLS
        assert not ledger.senders()
    assert not list(tmp_path.glob(".sender-*"))


STUDY = """
[study]
name = "shared"
[endpoints.fake]
base_url = "{url}"
max_in_flight = 2
[[respondents]]
model = "fake/slow"
temperature = [0.5, 1.0]
[project]
stems = 24
[[judges]]
kind = "llm"
model = "fake/referee"
name = "referee"
[compare]
resamples = 200
"""


@pytest.mark.embedded
def test_three_runs_of_one_study_pay_once_and_end_alike(tmp_path: Path, endpoint) -> None:
    (tmp_path / "study.toml").write_text(STUDY.format(url=endpoint.base_url))
    command = [sys.executable, "-m", "valuelex", "run", str(tmp_path), "--yes"]
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=dict(os.environ),
                )
            )
            for _ in range(3)
        ]
        for run in runs:
            stack.callback(run.kill)
            _, told = run.communicate(timeout=300)
            assert run.returncode == 0, told
    with Ledger(tmp_path / "ledger.db") as ledger:
        n_answered = len(ledger.answered())
    assert len(endpoint.answered()) == n_answered > 48
    assert json.loads((tmp_path / "quality.json").read_text())["quality"]
    assert (tmp_path / "report.html").stat().st_size
