"""Errors that no second attempt mends stop the respondent they belong to, and no other."""

from pathlib import Path

import pytest

from faults.fault_server import PERMANENT
from faults.harness import (
    MAX_IN_FLIGHT,
    N_CALLS,
    FaultServer,
    recorded,
    results,
    run,
    write_study,
)
from valuelex.io.ledger import Ledger

HOPELESS = [name for name in PERMANENT if name != "down"]
N_ELICIT = 180


def with_models(path: Path, *models: str) -> None:
    """Add a respondent for each model to a study."""
    entries = "".join(f'[[respondents]]\nmodel = "fake/{model}"\n' for model in models)
    path.write_text(path.read_text().replace("[elicit]", f"{entries}[elicit]", 1))


def test_each_hopeless_respondent_stops_alone_with_the_words_of_its_provider(
    tmp_path: Path, port: int
) -> None:
    with FaultServer(tmp_path / "journal.jsonl", rates={}, port=port, delay_s=0.01) as server:
        path = write_study(tmp_path / "study", server.url)
        with_models(path, *HOPELESS)
        outcome = run(path, "--until", "elicit")
    assert outcome.returncode == 2
    (line,) = outcome.errors
    assert "Traceback" not in outcome.stderr
    assert len(server.answered()) == N_ELICIT
    assert recorded(path.parent) == set(server.answered())
    with Ledger(path.parent / "ledger.db", read_only=True) as ledger:
        messages = set(ledger.failures().values())
    for model in HOPELESS:
        said = PERMANENT[model][1]["message"]
        (message,) = (m for m in messages if said in m)
        assert "[key]" in message
        assert f"{model} chat" in line or said in line
        assert 0 < server.sent(model) <= MAX_IN_FLIGHT


@pytest.mark.parametrize("model", HOPELESS)
def test_one_hopeless_respondent_is_one_line(tmp_path: Path, port: int, model: str) -> None:
    with FaultServer(tmp_path / "journal.jsonl", rates={}, port=port) as server:
        path = write_study(tmp_path / "study", server.url, model=model)
        outcome = run(path, "--until", "elicit")
    assert outcome.returncode == 2
    (line,) = outcome.errors
    assert PERMANENT[model][1]["message"] in line
    assert "[key]" in line
    assert recorded(path.parent) == frozenset()


@pytest.mark.embedded
@pytest.mark.parametrize("how", ["closed", "overloaded"])
def test_an_endpoint_that_is_down_is_given_up_and_taken_up_again(
    tmp_path: Path, port: int, undisturbed, how: str
) -> None:
    server = FaultServer(tmp_path / "journal.jsonl", rates={}, port=port)
    path = write_study(tmp_path / "study", f"http://127.0.0.1:{port}/v1")
    if how == "overloaded":
        server.rates = {"server error": 1.0}
        server.start()
    outcome = run(path, FAULTS_HOOK="impatient")
    server.kill()
    assert outcome.returncode == 2
    (line,) = outcome.errors
    assert f"127.0.0.1:{port}" in line
    assert "Traceback" not in outcome.stderr
    # It was not asked for every call of the study.
    assert len({event["body"] for event in server.events()}) < N_CALLS / 4
    server.rates = {}
    with server:
        again = run(path)
    assert again.returncode == 0, again.stderr
    assert results(path.parent) == undisturbed
