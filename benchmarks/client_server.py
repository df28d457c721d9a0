"""A mock endpoint that costs next to nothing: it answers every POST with the same reply after a fixed time.

Speaks just enough HTTP/1.1 for a keep-alive client. GET /cpu tells the CPU seconds that it has used. It prints its
port and stops when standard input ends.

Run: python benchmarks/client_server.py SECONDS (client_speed.py and client_scale.py start it)
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "mock",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "honesty, kindness, fairness, courage, patience, loyalty",
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 21, "completion_tokens": 14, "total_tokens": 35},
}
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def response(body: object) -> bytes:
    """Write a whole HTTP response."""
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


ANSWER = response(REPLY)


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that has arrived whole."""
        self._received += data
        while True:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            found = LENGTH.search(head)
            length = int(found[1]) if found else 0
            if not end or len(rest) < length:
                return
            self._received = rest[length:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"GET"):
            self._transport.write(response(time.process_time()))
        elif self._delay_s:
            self._loop.call_later(self._delay_s, self._transport.write, ANSWER)
        else:
            self._transport.write(ANSWER)


async def main() -> None:
    """Serve until standard input ends."""
    delay_s = float(sys.argv[1])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delay_s), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
