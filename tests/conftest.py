import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from loopback import Endpoint, loopback
from valuelex.io.embedded import weights_installed

# Before numpy is imported, as the command line does: spinning threads make a busy machine ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# No test fails because the machine is busy.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with loopback() as started:
        yield started


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up soon on what does not answer."""
    monkeypatch.setattr("valuelex.io.client.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("valuelex.io.pace.FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("valuelex.io.pace.PATIENCE_S", 0.5)
    monkeypatch.setattr("valuelex.io.pace.PATIENCE_WITH_STRANGERS_S", 0.5)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not weights_installed():
        skip = pytest.mark.skip(reason="the embedded weights are not installed: valuelex embedded install")
        for item in items:
            if "embedded" in item.keywords:
                item.add_marker(skip)
