"""What one attempt makes of what an endpoint says, on loopback sockets that say it byte by byte."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from valuelex.domain.call import Call, call_key, canonical_json
from valuelex.io.endpoint import (
    AttemptError,
    BarredError,
    HttpSession,
    Received,
    RefusedError,
    Target,
    TransientError,
)
from valuelex.io.ledger import FailureReason
from valuelex.io.pace import Trouble

KEY = "sk-plant+ed/0123"


def a_call(draw: int = 0, stage: str = "elicit") -> Call:
    body = canonical_json({"model": "m", "prompt": f"Values of {draw}:"})
    parts = {"endpoint": "e", "revision": "", "path": "/completions", "body": body, "draw": draw}
    return Call(call_key(**parts), stage, "r", "p", draw, "e", "m", "e", "", "/completions", body)


def reply(text: str) -> bytes:
    return json.dumps({"choices": [{"text": text, "finish_reason": "stop"}]}).encode()


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def talk(answers: Callable[[int], list[bytes | float]], calls: list[Call], key: str | None = KEY) -> list:
    """Post calls one after the other to a server that writes, for each request, pieces and pauses in seconds."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(len(calls[0].body))
            pieces, served[0] = answers(served[0]), served[0] + 1
            for piece in pieces:
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                else:
                    writer.write(piece)
                    await writer.drain()

    async def main() -> list:
        server = await asyncio.start_server(lambda r, w: quiet(serve(r, w), w), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        target = Target(url, 4, key, "MY_KEY", timeout_s=2)
        found = []
        session = HttpSession(target)
        for call in calls:
            try:
                found.append(await session.post(call))
            except AttemptError as error:
                found.append(error)
            await asyncio.sleep(0.05)
        await session.close()
        server.close()
        return found

    async def quiet(work, writer: asyncio.StreamWriter) -> None:
        try:
            await work
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    served = [0]
    return asyncio.run(main())


def one(body: bytes, status: str = "200 OK", *headers: str, stage: str = "elicit"):
    (found,) = talk(lambda _: [http(body, status, *headers)], [a_call(stage=stage)])
    return found


def test_a_reply_sent_twice_is_not_the_answer_to_the_next_call() -> None:
    def answers(n: int) -> list[bytes | float]:
        # The first reply comes once more, a moment after it was read.
        return [http(reply(f"answer {n}")), *([0.01, http(reply("answer 0 again"))] if n == 0 else [])]

    found = talk(answers, [a_call(0), a_call(1), a_call(2)])
    assert [json.loads(f.text)["choices"][0]["text"] for f in found] == ["answer 0", "answer 1", "answer 2"]


@pytest.mark.parametrize(
    "body",
    [
        reply(f"my key is {KEY}"),
        reply(KEY).replace(b"+", b"\\u002b"),
        reply(KEY).replace(b"/", b"\\/"),
        json.dumps({"choices": [{"text": "x"}], KEY: [{"deep": KEY}]}).encode(),
    ],
)
def test_a_key_that_is_said_back_is_not_kept(body: bytes) -> None:
    found = one(body)
    assert isinstance(found, Received)
    assert KEY not in found.text
    assert KEY not in json.dumps(json.loads(found.text))
    assert "[key]" in found.text


def test_a_reply_is_kept_as_it_came_but_for_a_byte_order_mark() -> None:
    body = b'{"choices": [ {"text": "\\u00e9t\\u00e9 \xc3\xa9"} ] }'
    assert one(body).text == body.decode()
    assert one(b"\xef\xbb\xbf" + body).text == body.decode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason", "words"),
    [
        ("400 Bad", '{"error": {"message": "no top_p"}}', RefusedError, "bad_request", "no top_p"),
        ("400 Bad", '{"error": "maximum context length is 9"}', RefusedError, "too_long", "maximum context"),
        ("413 Big", "too big", RefusedError, "too_long", "too big"),
        (
            "401 No",
            f'{{"error": "wrong {KEY}"}}',
            BarredError,
            "no_access",
            r"\[key\]\); check the key .* MY_KEY",
        ),
        ("402 Pay", "no credit", BarredError, "no_access", "no credit"),
        ("403 No", "not you", BarredError, "no_access", "not you"),
        ("404 No", "no model", BarredError, "not_found", "no model 'm'"),
        (
            "429 No",
            '{"error": {"code": "insufficient_quota", "message": "pay"}}',
            BarredError,
            "no_access",
            "answers no more calls on this account",
        ),
        ("302 Gone", "", BarredError, "moved", "has moved to another address"),
    ],
)
def test_a_permanent_refusal_names_itself(
    status: str, body: str, kind: type, reason: str, words: str
) -> None:
    error = one(body.encode(), status)
    assert type(error) is kind
    assert error.reason == FailureReason(reason)
    with pytest.raises(kind, match=words):
        raise error
    assert KEY not in str(error)


@pytest.mark.parametrize(
    ("status", "headers", "trouble", "wait"),
    [
        ("429 Slow", [], Trouble.BUSY, None),
        ("429 Slow", ["Retry-After: 7"], Trouble.BUSY, 7.0),
        ("429 Slow", ["Retry-After: -3"], Trouble.BUSY, 0.0),
        ("429 Slow", ["Retry-After: soon"], Trouble.BUSY, None),
        ("429 Slow", ["Retry-After: nan"], Trouble.BUSY, None),
        # A date counts by the endpoint's own clock, whatever ours says: 12:00:30 less 12:00:00.
        (
            "429 Slow",
            ["Date: Mon, 03 Jan 2000 12:00:00 GMT", "Retry-After: Mon, 03 Jan 2000 12:00:30 GMT"],
            Trouble.BUSY,
            30.0,
        ),
        ("408 Slow", [], Trouble.FAULT, None),
        ("409 No", [], Trouble.FAULT, None),
        ("425 Early", [], Trouble.FAULT, None),
        ("500 Oh", [], Trouble.FAULT, None),
        ("503 Oh", ["Retry-After: 2"], Trouble.FAULT, 2.0),
    ],
)
def test_a_passing_refusal_says_how_long(
    status: str, headers: list[str], trouble: Trouble, wait: float
) -> None:
    error = one(b"{}", status, *headers)
    assert isinstance(error, TransientError)
    assert (error.trouble, error.wait_s) == (trouble, wait)


def test_a_probe_keeps_a_refusal_as_its_answer() -> None:
    found = one(b'{"error": {"message": "no response_format"}}', "400 Bad", stage="probe")
    assert json.loads(found.text) == {"error": {"message": "no response_format"}, "http_status": 400}
    assert json.loads(one(b"no", "422 Bad", stage="probe").text) == {
        "error": {"message": "no"},
        "http_status": 422,
    }
    # A wrong key says nothing of what the endpoint can do.
    assert isinstance(one(b"{}", "401 No", stage="probe"), BarredError)


@pytest.mark.parametrize(
    ("pieces", "trouble", "words"),
    [
        ([http(reply("x"))[:-20]], Trouble.FAULT, "took longer than 2 s"),
        ([http(b"[" * 200_000)], Trouble.ALIEN, "not an OpenAI-compatible reply"),
        ([http(b"[" * 200_000, "500 Oh")], Trouble.FAULT, "answered 500"),
        ([http(b'{"choices": [{"te')], Trouble.ALIEN, "not an OpenAI-compatible reply"),
        ([f"HTTP/1.1 999999 {KEY}\r\n\r\n".encode()], Trouble.FAULT, "broke off"),
    ],
)
def test_a_broken_reply_is_a_fault_without_the_key(pieces: list, trouble: Trouble, words: str) -> None:
    (error,) = talk(lambda _: pieces, [a_call()])
    assert isinstance(error, TransientError)
    assert error.trouble is trouble
    assert words in str(error)
    assert KEY not in str(error)
    # Nor in what a traceback with local variables would show.
    assert error.__context__ is None
    assert error.__cause__ is None


def test_a_key_is_in_no_repr(tmp_path: Path) -> None:
    assert KEY not in repr(Target("http://e/v1", 1, KEY))


def test_probabilities_in_another_form_do_not_spoil_a_reply() -> None:
    found = one(b'{"choices": [{"text": "a", "logprobs": {"content": [{"token": null, "logprob": -1}]}}]}')
    assert isinstance(found, Received)
