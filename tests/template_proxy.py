"""A proxy that secretly applies a chat template: what it is sent as raw completion it asks as a chat."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Proxy(BaseHTTPRequestHandler):
    behind = ""
    counts = True
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body.pop("prompt")
        asked = json.dumps({**body, "messages": [{"role": "user", "content": prompt}]}).encode()
        request = urllib.request.Request(
            f"{self.behind}/chat/completions", asked, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            answer = json.load(reply)
        for choice in answer["choices"]:
            choice["text"] = choice.pop("message")["content"]
        if not self.counts:
            del answer["usage"]
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def template_proxy(behind: str, *, counts: bool = True) -> Iterator[str]:
    """Serve a proxy before a base URL, with or without its counts of tokens; gives the proxy's own base URL."""
    handler = type("Handler", (_Proxy,), {"behind": behind, "counts": counts})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
