import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from valuelex.io.embedded import weights_installed

# Before numpy is imported, as the command line does: spinning threads make a busy machine ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# No test fails because the machine is busy.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@dataclass(frozen=True)
class Endpoint:
    base_url: str

    def answered(self) -> list[str]:
        """SHA-256 of every body that got an answer, in order."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/requests", timeout=10) as reply:
            return json.load(reply)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    command = [sys.executable, str(Path(__file__).parent / "fake_endpoint.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        yield Endpoint(f"http://127.0.0.1:{port}/v1")
        process.terminate()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not weights_installed():
        skip = pytest.mark.skip(reason="the embedded weights are not installed: valuelex embedded install")
        for item in items:
            if "embedded" in item.keywords:
                item.add_marker(skip)
