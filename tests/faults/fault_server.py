"""An OpenAI-compatible endpoint on which everything goes wrong that does go wrong, in a process of its own.

What it says depends on the request alone, and what goes wrong on the request, the number of the attempt and a seed.
So a run under faults must end with the answers of an undisturbed one. A model's name may ask for a permanent
error. Every error echoes the API key, as some providers do. Each event is a line of an append-only journal,
written before the answer leaves, and read again at a start: a killed server goes on where it was.

Run: python tests/faults/fault_server.py --journal FILE (tests use faults.harness)
"""

from __future__ import annotations

import argparse
import asyncio
import email.utils
import gzip
import hashlib
import json
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TextIO

from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent.parent))
from fake_endpoint import serve, text_for

RATES = {
    "busy": 0.10,
    "server error": 0.05,
    "dropped": 0.02,
    "truncated": 0.02,
    "hang": 0.01,
    "duplicate": 0.01,
    "odd type": 0.08,
}
"""Share of attempts that meet each fault. An odd type is an answer; a hang ends with one, if anybody still waits."""
VARIANTS = {
    "busy": ("seconds", "date", "no wait", "no wait"),
    "server error": ("500", "502", "503"),
    "dropped": ("before", "mid-body"),
    "truncated": ("truncated",),
    "hang": ("hang",),
    "duplicate": ("reply twice", "body twice"),
    "odd type": ("text/html", "text/plain", "application/octet-stream", "gzip"),
}
PERMANENT = {
    "bad-request": (400, {"message": "temperature is out of range", "type": "invalid_request_error"}),
    "unauthorised": (401, {"message": "Incorrect API key provided", "code": "invalid_api_key"}),
    "forbidden": (403, {"message": "Your account may not use this model", "code": "forbidden"}),
    "absent": (404, {"message": "The model does not exist", "code": "model_not_found"}),
    "too-long": (400, {"message": "maximum context length is 16 tokens", "code": "context_length_exceeded"}),
    "down": (503, {"message": "The server is overloaded"}),
}
"""Models that never answer: the status and the error of each."""


class Bucket:
    """A token bucket: `per_second` requests a second, and as many at once after a rest."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._tokens = max(per_second, 1.0)
        self._filled = time.monotonic()

    def wait_s(self) -> float:
        """Take a token and return 0, or tell how long until there is one."""
        now = time.monotonic()
        filled = self._tokens + (now - self._filled) * self._per_second
        self._tokens, self._filled = min(filled, max(self._per_second, 1.0)), now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second


class FaultServer:
    """Answers, errs and keeps the journal."""

    def __init__(self, options: argparse.Namespace, journal: TextIO) -> None:
        self._options = options
        self._journal = journal
        self._rates: dict[str, float] = json.loads(options.rates)
        self._bucket = Bucket(options.per_second) if options.per_second else None
        self._attempts: Counter[str] = Counter()
        self._n_events = 0
        self._n_answered = 0
        self.n_open = 0
        self.most_open = 0

    def replay(self, lines: list[str]) -> None:
        """Take up the state of a server that was killed."""
        for line in lines:
            event = json.loads(line)
            self._n_events = event["number"]
            self._n_answered += event["what"].startswith("answered")
            self._attempts[event["body"]] = max(self._attempts[event["body"]], event["attempt"])

    def _note(self, digest: str, attempt: int, what: str, model: str = "") -> None:
        self._n_events += 1
        self._n_answered += what.startswith("answered")
        event = {"number": self._n_events, "body": digest, "attempt": attempt, "what": what, "model": model}
        self._journal.write(json.dumps(event) + "\n")
        self._journal.flush()

    def fault_of(self, digest: str, attempt: int) -> str | None:
        """Draw what goes wrong with an attempt: 'fault: variant', or None."""
        drawn = hashlib.sha256(f"{self._options.seed} {digest} {attempt}".encode()).digest()
        share = int.from_bytes(drawn[:8]) / 2**64
        for fault, rate in self._rates.items():
            if share < rate:
                variants = VARIANTS[fault]
                return f"{fault}: {variants[drawn[8] % len(variants)]}"
            share -= rate
        return None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one POST."""
        self.n_open += 1
        self.most_open = max(self.most_open, self.n_open)
        try:
            return await self._answer(request)
        finally:
            self.n_open -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw)
        digest = hashlib.sha256(raw).hexdigest()
        key = request.headers.get("Authorization", "")
        self._attempts[digest] += 1
        attempt = self._attempts[digest]
        if body["model"] in PERMANENT:
            status, error = PERMANENT[body["model"]]
            self._note(digest, attempt, f"refused: {status}", body["model"])
            return error_response(status, {**error, "message": f"{error['message']} ({key})"})
        if self._bucket and (wait := self._bucket.wait_s()):
            self._note(digest, attempt, "over the rate")
            return error_response(
                429, {"message": "Rate limit reached"}, {"Retry-After": str(math.ceil(wait))}
            )
        await asyncio.sleep(self._options.delay)
        fault = self.fault_of(digest, attempt)
        if fault is None or fault.startswith("odd type"):
            content = reply_to(body, hashlib.sha256(raw).digest(), key)
            return self._send(request, digest, attempt, fault, content)
        return await self._fail(request, digest, attempt, fault)

    def _send(
        self, request: web.Request, digest: str, attempt: int, fault: str | None, content: bytes
    ) -> web.Response:
        if request.transport is None or request.transport.is_closing():
            self._note(digest, attempt, "abandoned")
            return web.Response()
        self._note(digest, attempt, f"answered ({fault})" if fault else "answered")
        kind = (fault or "").partition(": ")[2]
        if kind == "gzip":
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
            return web.Response(body=gzip.compress(content), headers=headers)
        return web.Response(body=content, content_type=kind if "/" in kind else "application/json")

    async def _fail(self, request: web.Request, digest: str, attempt: int, fault: str) -> web.StreamResponse:
        content = reply_to(json.loads(await request.read()), bytes.fromhex(digest), "")
        key = request.headers.get("Authorization", "")
        kind = fault.partition(": ")[2]
        if kind == "hang":
            await asyncio.sleep(self._options.hang)
            return self._send(request, digest, attempt, fault, content)
        if kind == "reply twice":
            return await self._send_twice(request, digest, attempt, content)
        self._note(digest, attempt, fault)
        if fault.startswith("busy"):
            return busy(kind, key)
        if fault.startswith("server error"):
            return broken(int(kind), key)
        if kind == "truncated":
            return web.Response(body=content[: len(content) // 2], content_type="application/json")
        if kind == "body twice":
            return web.Response(body=content * 2, content_type="application/json")
        if kind == "mid-body":
            response = web.StreamResponse(headers={"Content-Length": str(len(content)), "X-Key": key})
            await response.prepare(request)
            await response.write(content[: len(content) // 2])
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _send_twice(
        self, request: web.Request, digest: str, attempt: int, content: bytes
    ) -> web.Response:
        """Write the same reply twice, and wait until the client has dropped the connection, as it must.

        A client that keeps it would read the second reply as the answer to its next request.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            self._note(digest, attempt, "abandoned")
            return web.Response()
        self._note(digest, attempt, "answered (duplicate: reply twice)")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        transport.write((head.encode() + content) * 2)
        while not transport.is_closing():
            await asyncio.sleep(0.01)
        return web.Response()

    async def state(self, _: web.Request) -> web.Response:
        """Tell how many requests were answered, are open, and were at the most."""
        state = {"n_answered": self._n_answered, "n_open": self.n_open, "most_open": self.most_open}
        return web.json_response(state)


def reply_to(body: dict, digest: bytes, key: str) -> bytes:
    """Return the answer to a request, in the form of its API."""
    text = text_for(body, digest)
    if body["model"] == "echoing" and digest[1] % 2:
        text += f", {key}"
    choice = {"index": 0, "finish_reason": "stop"}
    choice |= {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
    reply = {"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 7}}
    written = json.dumps(reply)
    if body["model"] == "echoing" and digest[0] % 2:
        # Some encoders escape what need not be; the key is in there all the same.
        written = written.replace("+", "\\u002b").replace("/", "\\/")
    return written.encode()


def error_response(status: int, error: dict, headers: dict[str, str] | None = None) -> web.Response:
    """Return an error in the form that OpenAI gives it."""
    return web.json_response({"error": error}, status=status, headers=headers)


def busy(kind: str, key: str) -> web.Response:
    """Return 429: wait a second, wait until a date, or nothing said."""
    headers = {}
    if kind == "seconds":
        headers = {"Retry-After": "1"}
    elif kind == "date":
        headers = {"Retry-After": email.utils.formatdate(time.time() + 1, usegmt=True)}
    return error_response(429, {"message": f"Too many requests ({key})", "code": "rate_limit"}, headers)


def broken(status: int, key: str) -> web.Response:
    """Return 500, 502 or 503; a proxy answers in HTML, and its reason echoes the key."""
    if status == 502:
        page = f"<html><h1>Bad gateway</h1>{key}</html>"
        return web.Response(text=page, status=502, reason=f"Bad gateway for {key}", content_type="text/html")
    return error_response(status, {"message": f"Internal error ({key})"}, {"X-Key": key})


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rates", default=json.dumps(RATES), help="JSON: share of attempts by fault")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--hang", type=float, default=60.0, help="seconds that a hang takes")
    parser.add_argument("--per-second", type=float, default=0.0, help="requests a second; 0: no limit")
    return parser.parse_args()


async def main() -> None:
    """Serve until standard input ends."""
    options = read_options()
    with options.journal.open("a+", encoding="utf-8") as journal:
        server = FaultServer(options, journal)
        journal.seek(0)
        server.replay(journal.readlines())
        app = web.Application()
        app.router.add_post("/v1/chat/completions", server.handle)
        app.router.add_post("/v1/completions", server.handle)
        app.router.add_get("/state", server.state)
        await serve(app, options.port)


if __name__ == "__main__":
    asyncio.run(main())
