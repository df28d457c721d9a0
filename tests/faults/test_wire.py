"""Bytes that no endpoint should send: each is a failure in one line, or an answer that is kept whole."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.harness import KEY, assert_no_key
from valuelex.domain.call import Call, call_key, canonical_json
from valuelex.io.client import Gathered, gather
from valuelex.io.endpoint import Target
from valuelex.io.ledger import Ledger

N_CALLS = 6
REPLY = {"choices": [{"text": "honesty, courage", "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}}


def response(body: bytes, *headers: str) -> bytes:
    """Write a response with these headers more."""
    head = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def reply(**changes: object) -> bytes:
    return json.dumps(REPLY | changes).encode()


@contextmanager
def wire(said: bytes) -> Iterator[str]:
    """Serve the same bytes to every request, and close; give the base URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def send(folder: Path, said: bytes) -> tuple[Gathered, list[str], list[str]]:
    """Send a few calls; return the outcome, the texts that were kept and the messages of those that failed."""
    calls = []
    for draw in range(N_CALLS):
        body = canonical_json({"model": "m", "prompt": f"Values of {draw}:"})
        parts = {"endpoint": "wire", "revision": "", "path": "/completions", "body": body, "draw": draw}
        key = call_key(**parts)
        calls.append(Call(key, "elicit", "r", "p", draw, "wire", "m", "wire", "", "/completions", body))
    with wire(said) as url, Ledger(folder / "ledger.db") as ledger:
        outcome = gather(calls, {calls[0].route: Target(url, 3, api_key=KEY, timeout_s=5)}, ledger)
        texts = [r.text for r in ledger.replies(c.key for c in calls).values()]
        messages = list(ledger.failures().values())
    assert_no_key(folder, repr(outcome), *messages)
    return outcome, texts, messages


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valuelex.io.client.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("valuelex.io.pace.FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("valuelex.io.pace.LONGEST_PAUSE_S", 0.02)


BROKEN = {
    "status line": f"HTTP/1.1 {KEY}\r\n\r\n".encode(),
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "header echoes the key": f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode(),
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "endless header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "no gzip": response(reply(), "Content-Encoding: gzip"),
    "unknown encoding": response(b"\x00\x01", "Content-Encoding: zstd"),
    "not UTF-8": response(b'{"choices": [{"text": "\xff\xfe"}]}'),
    "UTF-16": response(reply().decode().encode("utf-16")),
    "a number": response(b"7"),
    "deep": response(b"[" * 100_000),
    "choices is a text": response(reply(choices="none")),
    "nothing": b"",
}


@pytest.mark.parametrize("what", list(BROKEN))
def test_broken_bytes_are_failures_in_one_line(tmp_path: Path, what: str) -> None:
    outcome, texts, messages = send(tmp_path, BROKEN[what])
    assert texts == []
    assert outcome.n_answered == 0
    assert outcome.n_failed + outcome.n_not_sent == N_CALLS
    assert messages
    assert all(message.startswith("http://127.0.0.1:") and len(message) < 400 for message in messages)
    assert all(message.isprintable() for message in messages)


ODD = {
    "byte order mark": response(b"\xef\xbb\xbf" + reply()),
    "tokens beyond 64 bits": response(reply(usage={"prompt_tokens": 10**20, "completion_tokens": 1})),
    "tokens as a text": response(reply(usage={"prompt_tokens": "nine"})),
    "negative tokens": response(reply(usage={"prompt_tokens": -1})),
    "usage is a list": response(reply(usage=[1, 2])),
    "half a surrogate": response(reply().replace(b"honesty", b"\\ud83d honesty")),
    "a NUL": response(reply().replace(b"honesty", b"\\u0000honesty")),
    "a huge number": response(reply(x=0).replace(b'"x": 0', b'"x": 1e400')),
    "nested deep": response(reply(x=0).replace(b'"x": 0', b'"x": ' + b"[" * 1200 + b"]" * 1200)),
}


@pytest.mark.parametrize("what", list(ODD))
def test_an_odd_answer_is_kept_or_failed_but_ends_no_run(tmp_path: Path, what: str) -> None:
    outcome, texts, _ = send(tmp_path, ODD[what])
    assert outcome.n_answered == len(texts)
    assert outcome.n_answered + outcome.n_failed + outcome.n_not_sent == N_CALLS
    assert all("honesty" in text for text in texts)
    # Only what is too deep for a decoder may be refused.
    assert outcome.n_answered == N_CALLS or what == "nested deep"


@pytest.mark.parametrize("written", [KEY, KEY.replace("/", "\\/"), KEY.replace("+", "\\u002b")])
def test_a_key_in_an_answer_or_a_filter_is_not_kept(tmp_path: Path, written: str) -> None:
    _, texts, _ = send(tmp_path, response(reply().replace(b"courage", written.encode())))
    assert texts == ["honesty, [key]"] * N_CALLS
    (tmp_path / "filtered").mkdir()
    filtered = f'{{"error": {{"code": "content_filter", "message": "{written}"}}}}'.encode()
    send(tmp_path / "filtered", response(filtered).replace(b"200 OK", b"400 Bad Request"))
