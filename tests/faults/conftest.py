import socket

import pytest

from faults.harness import FaultServer, results, run, write_study


@pytest.fixture(scope="session")
def port() -> int:
    """One port for all servers: the address is part of a call's key, and so of the results."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def undisturbed(port: int, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """SHA-256 of every result file of an undisturbed run."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with FaultServer(folder / "journal.jsonl", rates={}, port=port) as server:
        path = write_study(folder / "study", server.url)
        outcome = run(path)
        assert outcome.returncode == 0, outcome.stderr
    return results(path.parent)
