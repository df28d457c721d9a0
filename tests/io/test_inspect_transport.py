import gc
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recording_endpoint import Recording, recording_endpoint
from valuelex.domain.call import PATHS, Call, Missing, call_key, canonical_json
from valuelex.errors import MissingPartError, StudyError
from valuelex.io import client
from valuelex.io.client import Gathered, gather
from valuelex.io.endpoint import Target
from valuelex.io.inspect_wire import identity_of
from valuelex.io.ledger import Ledger
from valuelex.io.one_model import study_of_one_model

pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
]
CHAT = [
    {"role": "system", "content": "You are an old judge."},
    {"role": "user", "content": "Finish the sentence.\n\nWhen the bell rang, I"},
    {"role": "assistant", "content": "When the bell rang, I"},
]
SCHEMA = {
    "type": "object",
    "properties": {"0": {"type": "boolean"}},
    "required": ["0"],
    "additionalProperties": False,
}
SETTINGS: dict[str, Any] = {"temperature": 0.7, "top_p": 0.95, "max_tokens": 40, "seed": 12345}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    with recording_endpoint() as recording:
        for service in ("LOCAL", "OPENAI"):
            monkeypatch.setenv(f"{service}_BASE_URL", recording.base_url)
            monkeypatch.setenv(f"{service}_API_KEY", "sk-secret-123456")
        monkeypatch.setattr(client, "FIRST_WAIT_S", 0.01)
        yield recording


def a_call(provider: str, model: str, content: dict[str, Any], draw: int = 0, stage: Any = "project") -> Call:
    path = PATHS["completion" if "prompt" in content else "chat"]
    body = canonical_json({"model": model, **SETTINGS, **content})
    where = identity_of(model) if provider == "inspect" else provider
    key = call_key(endpoint=where, revision="", path=path, body=body, draw=draw)
    return Call(key, stage, model, f"s{draw}", draw, provider, model, where, "", path, body)


def ask(tmp_path: Path, *calls: Call) -> tuple[Gathered, Ledger]:
    ledger = Ledger(tmp_path / "ledger.db")
    return gather(calls, {call.route: Target(call.endpoint, 4) for call in calls}, ledger), ledger


@pytest.mark.parametrize("service", ["openai-api/local", "openai"])
@pytest.mark.parametrize(
    "content",
    [
        {"messages": CHAT},
        {"messages": CHAT[1:2], "stop": ["\n"]},
        {"messages": CHAT[1:2], "logprobs": True, "top_logprobs": 10},
        {
            "messages": CHAT[1:2],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "ratings", "strict": True, "schema": SCHEMA},
            },
        },
        {"messages": CHAT[1:2], "min_p": 0.0, "top_k": 0},
        {"messages": CHAT[1:2], "temperature": 0.0, "frequency_penalty": 0.5},
    ],
    ids=["persona and prefill", "stop", "logprobs", "schema", "extra body", "greedy"],
)
def test_both_transports_send_the_same_chat(
    tmp_path: Path, endpoint: Recording, service: str, content: dict[str, Any]
) -> None:
    own = a_call("own", "gpt-4o", content)
    with Ledger(tmp_path / "own.db") as ledger:
        assert gather([own], {own.route: Target(endpoint.base_url, 1)}, ledger).n_answered == 1
    outcome, ledger = ask(tmp_path, a_call("inspect", f"{service}/gpt-4o", content))
    with ledger:
        assert outcome.n_answered == 1
    ours, theirs = endpoint.bodies
    assert theirs == ours == json.loads(own.body)
    assert endpoint.paths == ["/v1/chat/completions"] * 2


@pytest.mark.parametrize(
    "content", [{"prompt": "Values of a nurse:", "stop": ["\n"]}, {"prompt": "a", "min_p": 0.0}]
)
def test_both_transports_send_the_same_raw_prompt(
    tmp_path: Path, endpoint: Recording, content: dict[str, Any]
) -> None:
    own = a_call("own", "m", content)
    with Ledger(tmp_path / "own.db") as ledger:
        gather([own], {own.route: Target(endpoint.base_url, 1)}, ledger)
        (direct,) = ledger.replies([own.key]).values()
    call = a_call("inspect", "openai-api-completions/local/m", content)
    outcome, ledger = ask(tmp_path, call)
    with ledger:
        (through,) = ledger.replies([call.key]).values()
    ours, theirs = endpoint.bodies
    assert outcome.n_answered == 1
    assert theirs == ours == json.loads(own.body)
    assert endpoint.paths == ["/v1/completions"] * 2
    assert (through.text, through.finish_reason) == (direct.text, direct.finish_reason)


@pytest.mark.parametrize(
    ("model", "content", "changed"),
    [
        # OpenAI's reasoning models refuse max_tokens and a temperature; Inspect leaves them out by itself.
        ("gpt-5-mini", {}, {"max_tokens": 40, "temperature": 0.7, "max_completion_tokens": None}),
        # OpenAI's other models refuse an effort.
        ("gpt-4o", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
    ],
)
def test_what_inspect_changes_by_itself_is_this(
    tmp_path: Path, endpoint: Recording, model: str, content: dict[str, Any], changed: dict[str, Any]
) -> None:
    call = a_call("inspect", f"openai/{model}", {"messages": CHAT[1:2], **content})
    _, ledger = ask(tmp_path, call)
    ledger.__exit__(None, None, None)
    (sent,) = endpoint.bodies
    planned = json.loads(call.body) | {"model": model}
    differing = {name for name in planned | sent if planned.get(name) != sent.get(name)}
    assert differing == set(changed)


def test_a_reply_reads_like_any_other(tmp_path: Path, endpoint: Recording) -> None:
    plain = a_call(
        "inspect", "openai-api/local/m", {"messages": CHAT[1:2], "logprobs": True, "top_logprobs": 1}
    )
    thinker = a_call("inspect", "openai-api/local/thinker", {"messages": CHAT[1:2]})
    outcome, ledger = ask(tmp_path, plain, thinker)
    with ledger:
        assert outcome == Gathered(n_answered=2, n_failed=0, n_not_sent=0, stops={})
        replies = ledger.replies([plain.key, thinker.key])
        payloads = dict(ledger._db.execute("SELECT call_key, payload FROM reply").fetchall())
    assert replies[plain.key].text == "6"
    assert replies[plain.key].finish_reason == "length"
    assert replies[plain.key].tokens[0].alternatives == (("6", -0.5),)
    thought = json.loads(payloads[thinker.key])
    assert thought["choices"][0]["message"] == {
        "role": "assistant",
        "content": "6",
        "reasoning_content": "Let me see.",
    }
    assert thought["usage"] == {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}


@pytest.mark.parametrize(
    ("model", "stopped", "words"),
    [
        ("locked", True, r"\(401\): .*bad key \[key\].*; check the key that Inspect reads"),
        ("absent", True, r"\(404\): .*no absent"),
        ("long", True, "maximum context length exceeded"),
        ("broken", False, r"\(500\): .*no broken"),
    ],
)
def test_an_error_says_what_the_provider_said_and_never_the_key(
    tmp_path: Path,
    endpoint: Recording,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    stopped: bool,
    words: str,
) -> None:
    outcome, ledger = ask(tmp_path, a_call("inspect", f"openai-api/local/{model}", {"messages": CHAT[1:2]}))
    with ledger:
        messages = [*outcome.stops.values(), *ledger.failures().values()]
    assert (outcome.n_answered, outcome.n_failed, outcome.n_not_sent) == (0, 1, 0)
    assert list(outcome.stops) == [f"openai-api/local/{model}"] * stopped
    assert all(re.search(words, message) for message in messages)
    assert b"sk-secret-123456" not in (tmp_path / "ledger.db").read_bytes()


def test_a_filtered_prompt_is_an_answer_with_a_reason(tmp_path: Path, endpoint: Recording) -> None:
    call = a_call("inspect", "openai-api/local/filter", {"messages": CHAT[1:2]})
    outcome, ledger = ask(tmp_path, call)
    with ledger:
        assert outcome.n_answered == 1
        assert ledger.replies([call.key])[call.key].missing is Missing.FILTERED


def test_a_model_that_cannot_be_asked_does_not_stop_another(tmp_path: Path, endpoint: Recording) -> None:
    chat = {"messages": CHAT[1:2]}
    calls = [
        a_call("inspect", model, chat, draw)
        for draw in range(3)
        for model in ("nowhere/m", "openai-api/unset/m", "openai-api/local/m")
    ]
    outcome, ledger = ask(tmp_path, *calls)
    with ledger:
        assert outcome.n_answered == 3
    assert "Model API nowhere of model 'nowhere/m' not recognized" in outcome.stops["nowhere/m"]
    assert "No UNSET_API_KEY defined in the environment" in outcome.stops["openai-api/unset/m"]


def test_a_request_that_inspect_would_fill_up_is_not_sent(tmp_path: Path, endpoint: Recording) -> None:
    whole = a_call("inspect", "openai-api-completions/local/m", {"prompt": "Values:"})
    body = canonical_json({k: v for k, v in json.loads(whole.body).items() if k != "temperature"})
    key = call_key(endpoint=whole.endpoint, revision="", path=whole.path, body=body, draw=0)
    call = replace(whole, key=key, body=body)
    outcome, ledger = ask(tmp_path, call)
    ledger.__exit__(None, None, None)
    assert endpoint.bodies == []
    (message,) = outcome.stops.values()
    assert message.endswith("has no 'temperature', and Inspect would put in a value of its own.")


def test_memory_holds_no_event_of_past_calls(tmp_path: Path, endpoint: Recording) -> None:
    from inspect_ai.event import ModelEvent

    alive: list[int] = []

    def on_done(_: int) -> None:
        alive.append(0)
        if len(alive) == 60:
            gc.collect()
            alive[-1] = sum(isinstance(thing, ModelEvent) for thing in gc.get_objects())

    calls = [a_call("inspect", "openai-api/local/m", {"messages": CHAT[1:2]}, draw) for draw in range(60)]
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert gather(calls, {calls[0].route: Target(calls[0].endpoint, 2)}, ledger, on_done).n_answered == 60
    assert alive[-1] <= 15  # Each of the 60 would be there if Inspect kept them.


def test_a_study_names_models_of_inspect() -> None:
    study = study_of_one_model(
        "inspect/anthropic/claude-x", endpoint=None, respondent={}, project={}, judges=[{"kind": "axis"}]
    )
    (respondent,) = study.respondents
    assert respondent.model.name == "anthropic/claude-x"
    assert respondent.model.endpoint.key_variable is None
    assert respondent.model.label == "inspect/anthropic/claude-x"


@pytest.mark.parametrize(
    ("model", "api", "words"),
    [
        ("inspect/claude-x", "chat", "must be inspect/PROVIDER/NAME"),
        (
            "inspect/anthropic/claude-x",
            "completion",
            "has no raw completion, and a chat template would change",
        ),
        ("inspect/openai-api-completions/local/m", "chat", 'sends raw prompts only; set api = "completion"'),
    ],
)
def test_what_inspect_cannot_ask_is_refused_when_the_study_is_read(model: str, api: str, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        study_of_one_model(
            model, endpoint=None, respondent={"api": api}, project={}, judges=[{"kind": "axis"}]
        )


def test_without_inspect_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"pip install 'valuelex\[inspect\]'"):
        study_of_one_model(
            "inspect/openai/gpt", endpoint=None, respondent={}, project={}, judges=[{"kind": "axis"}]
        )


def test_a_study_that_names_no_model_of_inspect_never_imports_it() -> None:
    code = (
        "import sys, valuelex.cli, valuelex.io.one_model, valuelex.io.inspect_transport;"
        "valuelex.io.one_model.study_of_one_model('inspect/openai/gpt', endpoint=None, respondent={}, project={},"
        " judges=[{'kind': 'axis'}]);"
        "sys.exit('inspect_ai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
