"""Studies against the fault server: start and kill it, run the command line, and look for a planted API key.

No run ends here before what it printed and wrote was searched for the key.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from study_text import study_head

KEY = "sk-plant+ed/0123456789-KEY"
"""The API key of every run here. Encoders escape '+' and '/' in different ways."""
KEY_VARIABLE = "FAULTS_KEY"
MAX_IN_FLIGHT = 8
HOOKS = Path(__file__).with_name("hooks")
"""Holds a sitecustomize that breaks the interpreter itself where the environment asks for it."""
NOT_RESULTS = ("ledger.db", ".", "study.toml")
ELICIT = """
[elicit]
draws = {draws}
[construct]
n_subdimensions = 4
n_dimensions = 2
resamples = 20
"""
PROJECT = """
[project]
stems = {stems}
[compare]
factors = ["respondent", "api"]
resamples = 200
"""
REPORT = ELICIT.format(draws=2) + PROJECT.format(stems=12)
"""A study that goes as far as the report: 6 respondents x 15 prompts x 2 draws, and 6 x 12 stems."""
N_CALLS = 6 * 15 * 2 + 6 * 12


def write_study(
    folder: Path, url: str, *, model: str = "good", more: str = REPORT, settings: str = ""
) -> Path:
    """Write study.toml. `settings` are further keys of the endpoint."""
    folder.mkdir(exist_ok=True)
    path = folder / "study.toml"
    endpoint = (
        f'key_variable = "{KEY_VARIABLE}"\nmax_in_flight = {MAX_IN_FLIGHT}\nraw_completion = true\n{settings}'
    )
    head = study_head("under faults", url, model=model, apis=("chat", "completion"), endpoint=endpoint)
    path.write_text(head + more)
    return path


@dataclass
class FaultServer:
    """The fault server: a process, its port, which it keeps over restarts, and its journal."""

    journal: Path
    rates: Mapping[str, float] | None = None
    seed: int = 0
    delay_s: float = 0.0
    hang_s: float = 2.0
    per_second: float = 0.0
    port: int = 0
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it."""
        self.kill()

    @property
    def url(self) -> str:
        """Base URL of the endpoint."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Start it, on the port that it had before."""
        command = [sys.executable, str(Path(__file__).with_name("fault_server.py"))]
        command += ["--journal", str(self.journal), "--port", str(self.port), "--seed", str(self.seed)]
        command += ["--delay", str(self.delay_s), "--hang", str(self.hang_s)]
        command += ["--per-second", str(self.per_second)]
        command += [] if self.rates is None else ["--rates", json.dumps(self.rates)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """Kill it as kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def restart_as(self, journal: Path, rates: Mapping[str, float]) -> None:
        """Go on at the same address as another server: other faults, another journal."""
        self.kill()
        self.journal, self.rates = journal, rates
        self.start()

    def state(self) -> dict[str, int]:
        """Answers so far, requests open now and at the most."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/state", timeout=10) as reply:
            return json.load(reply)

    def wait_until_idle(self) -> None:
        """Wait until no request is open: after a client's death the server knows what became of each."""
        while self.state()["n_open"]:
            time.sleep(0.01)

    def events(self) -> list[dict]:
        """Everything that happened, in order. A line cut by a kill is left out."""
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def answered(self) -> Counter[str]:
        """How often each body was answered, by its SHA-256."""
        return Counter(e["body"] for e in self.events() if e["what"].startswith("answered"))

    def sent(self, model: str) -> int:
        """How many requests were made to a model that never answers."""
        return sum(event["model"] == model for event in self.events())

    def met(self) -> Counter[str]:
        """How often each thing happened."""
        return Counter(event["what"] for event in self.events())


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a run: the key, and whatever makes Python say more when it fails."""
    talkative = {"PYTHONFAULTHANDLER": "1", "PYTHONASYNCIODEBUG": "1", "PYTHONPATH": str(HOOKS)}
    return {**os.environ, KEY_VARIABLE: KEY, **talkative, **more}


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def errors(self) -> list[str]:
        """Lines of standard error that tell the user why it stopped."""
        return [line for line in self.stderr.splitlines() if line.startswith("Error: ")]


class Running:
    """A command of the command line at work on a study folder. What it prints goes to files, so it never blocks."""

    def __init__(self, folder: Path, *arguments: str, limit_bytes: int = 0, **more: str) -> None:
        self._folder = folder
        self._stdout = tempfile.TemporaryFile()  # noqa: SIM115
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        command = [sys.executable, "-m", "valuelex", *arguments]
        if limit_bytes:
            # Python ignores SIGXFSZ, so a write beyond the limit fails as on a full disk.
            command = ["prlimit", f"--fsize={limit_bytes}", *command]
        self.process = subprocess.Popen(
            command, stdout=self._stdout, stderr=self._stderr, env=environment(**more)
        )

    def finish(self, timeout_s: float = 300) -> Outcome:
        """Wait for the end, and look for the key in all that was printed and written."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f"still at work after {timeout_s} s: {self._said()[1][-3000:]}") from None
        stdout, stderr = self._said()
        assert_no_key(self._folder, stdout, stderr)
        return Outcome(self.process.returncode, stdout, stderr)

    def wait_for(self, server: FaultServer, n_answered: int) -> None:
        """Wait until the server has answered so many requests in all, or this has ended."""
        while server.state()["n_answered"] < n_answered and self.process.poll() is None:
            time.sleep(0.003)

    def kill_9(self, server: FaultServer, after_answers: int, jitter_s: float) -> bool:
        """Kill it after so many further answers and a moment; False when it had ended by itself."""
        self.wait_for(server, server.state()["n_answered"] + after_answers)
        time.sleep(jitter_s)
        ended = self.process.poll() is not None
        self.process.kill()
        self.finish()
        return not ended

    def _said(self) -> tuple[str, str]:
        said = []
        for stream in (self._stdout, self._stderr):
            stream.seek(0)
            said.append(stream.read().decode())
            stream.close()
        return said[0], said[1]


def run(path: Path, *arguments: str, timeout_s: float = 300, limit_bytes: int = 0, **more: str) -> Outcome:
    """Carry out `valuelex run`; no file may grow beyond `limit_bytes` (0: any may)."""
    running = Running(path.parent, "run", str(path), *arguments, limit_bytes=limit_bytes, **more)
    return running.finish(timeout_s)


def traces(secret: str) -> dict[str, bytes]:
    """Return the forms in which a text could carry a key, by name."""
    escaped = secret.replace("/", "\\/"), secret.replace("+", "\\u002b")
    both = escaped[0].replace("+", "\\u002b")
    forms = {"plain": secret, "slash escaped": escaped[0], "plus escaped": escaped[1], "both escaped": both}
    forms["half of it"] = secret[: len(secret) // 2]
    return {name: text.encode() for name, text in forms.items()}


def assert_no_key(folder: Path, *outputs: str) -> None:
    """Search every file of a study and everything that was printed for the key."""
    places = {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    places |= {f"output {i}": text.encode() for i, text in enumerate(outputs)}
    found = [
        f"{where}: {name}"
        for where, content in places.items()
        for name, form in traces(KEY).items()
        if form in content
    ]
    assert not found, found


def results(folder: Path) -> dict[str, str]:
    """SHA-256 of every result file."""
    files = [f for f in sorted(folder.iterdir()) if f.is_file() and not f.name.startswith(NOT_RESULTS)]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def recorded(folder: Path) -> frozenset[str]:
    """SHA-256 of the bodies of all calls that have a reply in the ledger."""
    path = folder / "ledger.db"
    if not path.exists():
        return frozenset()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        (tables,) = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'reply'").fetchone()
        query = "SELECT body FROM call JOIN reply ON reply.call_key = call.key"
        rows = db.execute(query).fetchall() if tables else []
    return frozenset(hashlib.sha256(body.encode()).hexdigest() for (body,) in rows)


@dataclass
class Kills:
    """What kills cost: for each, the bodies answered in that run and not in the ledger at its end."""

    in_flight: list[frozenset[str]] = field(default_factory=list)
    n_lost: int = 0
    _answered: Counter[str] = field(default_factory=Counter)
    _kept: frozenset[str] = frozenset()

    def note(self, server: FaultServer, folder: Path) -> None:
        """Take stock after a kill."""
        server.wait_until_idle()
        answered, kept = server.answered(), recorded(folder)
        self.n_lost += len(self._kept - kept)
        self.in_flight.append(frozenset(answered - self._answered) - kept)
        self._answered, self._kept = answered, kept

    def unexplained(self, answered: Counter[str]) -> Counter[str]:
        """Answers that were given again although no kill came between the first and the ledger."""
        again = Counter({body: n - 1 for body, n in answered.items() if n > 1})
        return again - Counter(body for bodies in self.in_flight for body in bodies)


def kill_moments(n_kills: int, n_calls: int, rng: random.Random) -> list[tuple[int, float]]:
    """Draw moments: answers since the last start, which add up to less than all, and up to 50 ms more.

    One in ten comes in the start-up instead, up to a second and a half after the start.
    """
    marks = sorted(rng.randrange(int(n_calls * 0.9)) for _ in range(n_kills))
    steps = [after - before for before, after in zip([0, *marks], marks, strict=False)]
    return [
        (0, rng.uniform(0, 1.5)) if rng.random() < 0.1 else (step, rng.uniform(0, 0.05)) for step in steps
    ]
