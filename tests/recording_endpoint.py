"""An OpenAI-compatible endpoint on loopback that keeps every body, in a thread of the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOGPROBS = {"content": [{"token": "6", "logprob": -0.5, "top_logprobs": [{"token": "6", "logprob": -0.5}]}]}


@dataclass
class Recording:
    base_url: str
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The model's name says what it does."""
    if body["model"] in ("locked", "absent", "long", "broken"):
        status = {"locked": 401, "absent": 404, "long": 400, "broken": 500}[body["model"]]
        said = {"long": "maximum context length exceeded", "locked": "bad key sk-secret-123456"}
        error = {"message": said.get(body["model"], f"no {body['model']}"), "code": None, "type": "bad"}
        if body["model"] == "long":
            error["code"] = "context_length_exceeded"
        return status, {"error": error}
    if body["model"] == "filter":
        return 400, {"error": {"message": "filtered", "code": "content_filter", "type": "bad"}}
    usage = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}
    choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
    if "prompt" in body:
        choice |= {"text": " kindness, care", "logprobs": None}
    else:
        choice["message"] = {"role": "assistant", "content": "6"}
        if body["model"] == "parrot":
            choice["message"]["content"] = "honesty, Bearer sk-secret-123456, care"
        if body["model"] == "thinker":
            choice["message"]["reasoning_content"] = "Let me see."
        if body.get("logprobs"):
            choice["logprobs"] = LOGPROBS
    return 200, {
        "id": "x",
        "object": "o",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
        "usage": usage,
    }


@contextmanager
def recording_endpoint() -> Iterator[Recording]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            recording.bodies.append(body)
            recording.paths.append(self.path)
            status, reply = answer(body)
            content = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recording = Recording(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield recording
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
