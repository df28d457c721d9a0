"""Run the fake endpoint (`fake_endpoint.py`) in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Endpoint:
    """Where it answers."""

    base_url: str

    def answered(self) -> list[str]:
        """SHA-256 of every body that got an answer, in order."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/requests", timeout=10) as reply:
            return json.load(reply)


@contextmanager
def loopback() -> Iterator[Endpoint]:
    """Start the endpoint, and end it with the block."""
    command = [sys.executable, str(Path(__file__).with_name("fake_endpoint.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        yield Endpoint(f"http://127.0.0.1:{port}/v1")
        process.terminate()
