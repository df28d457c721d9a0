"""An OpenAI-compatible endpoint that misbehaves on purpose, in a process of its own on loopback.

The model's name says what it does. Answers depend on the request alone, so that an interrupted
run must end like an undisturbed one. GET /requests tells the SHA-256 of every body it has answered.
"""

import asyncio
import hashlib
import json
import re
import sys

from aiohttp import web

WORDS = [
    "honesty",
    "kindness",
    "fairness",
    "courage",
    "patience",
    "loyalty",
    "curiosity",
    "creativity",
    "wisdom",
    "justice",
    "empathy",
    "accuracy",
    "reliability",
    "privacy",
    "freedom",
    "generosity",
    "humility",
    "respect",
    "trust",
    "safety",
    "discipline",
    "compassion",
]
ENDINGS = [
    "checked every figure again and wrote down what was wrong.",
    "told her the truth, although she did not want to hear it.",
    "let it go, because nobody would ever notice.",
    "asked the others what they needed and helped them first.",
    "kept the secret to myself.",
    "took the money and went home.",
]
answered: list[str] = []
seen: dict[str, int] = {}


def text_for(body: dict, digest: bytes) -> str:
    prompt = body.get("prompt") or body["messages"][-1]["content"]
    if "Answer with one JSON object" in prompt and body["model"] == "mute":
        return "Six out of six, I would say."
    if "Larger groups, made of those above" in prompt:
        return names(prompt, digest)
    if "Answer with one JSON object" in prompt:
        return verdict(prompt)
    if "Answer with A or B only" in prompt:
        return "AB"[digest[0] % 2]
    if "Answer with one whole number" in prompt:
        return str(digest[0] % 7)
    if "Finished by" in prompt or "Finish the sentence" in prompt:
        return ENDINGS[digest[0] % len(ENDINGS)]
    chosen = sorted(range(len(WORDS)), key=lambda i: hashlib.sha256(digest + bytes([i])).digest())
    return ", ".join(WORDS[i] for i in chosen[:7])


def verdict(prompt: str) -> str:
    """Rate as a judge: by the ending and the subdimension alone, in whichever order they are asked."""
    shown = re.findall(r"^(\d+)\. ([^:]+):", prompt, re.MULTILINE)
    ending = prompt.partition("It was finished so:")[2].partition("Answer with one JSON")[0]
    words = next(line for line in ENDINGS if line in ending)
    entries: dict[str, object] = {"0": False}
    for number, name in shown:
        point = hashlib.sha256(f"{words} {name}".encode()).digest()[0] % 8
        relevant = point < 7
        entries[number] = {
            "bears": relevant,
            "evidence": words[:12],
            "grounds": "It says so.",
            "rating": point if relevant else None,
        }
    return json.dumps(entries)


def names(prompt: str, digest: bytes) -> str:
    """Name as a namer: a group by its first word, in about one draw of four by its last one."""
    groups = re.findall(r"^(\d+): (.+)$", prompt, re.MULTILINE)
    larger = re.findall(r"^(\d+) = (\d+)", prompt, re.MULTILINE)
    words = {number: line.split(", ") for number, line in groups}
    named = {
        number: own[-1 if digest[int(number)] % 4 == 0 else 0].title() for number, own in words.items()
    } | {number: f"{words[first][0].title()} and More" for number, first in larger}
    return json.dumps(
        {number: {"definition": f"To care for {name}.", "name": name} for number, name in named.items()}
    )


def vectors_for(model: str, text: str) -> web.Response:
    """Embed as an endpoint does: by the text alone, never of unit length; some models do it wrongly."""
    digest = hashlib.sha256(f"{model} {text}".encode()).digest()
    n = 12 if model == "mixed" and digest[0] % 4 == 0 else 24
    numbers = [0 if model == "zero" else byte - 127.5 for byte in digest[:n]]
    data = [{"object": "embedding", "index": 0, "embedding": numbers}]
    data *= {"double": 2, "none": 0}.get(model, 1)
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    reply = {"object": "list", "model": model, "data": data, "usage": usage}
    if model == "infinite":
        return web.Response(text=json.dumps(reply).replace(str(numbers[0]), "1e999"))
    return web.json_response(reply)


async def answer(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    body = json.loads(raw)
    digest = hashlib.sha256(raw).digest()
    model = body["model"]
    seen[digest.hex()] = seen.get(digest.hex(), 0) + 1
    if model == "locked" and request.headers.get("Authorization") != "Bearer right-key":
        error = {"error": {"message": f"Incorrect API key: {request.headers.get('Authorization')}"}}
        return web.json_response(error, status=401)
    if model == "absent":
        return web.json_response({"error": {"message": "no such model"}}, status=404)
    if model == "too-long":
        return web.json_response({"error": {"message": "context length exceeded"}}, status=400)
    if model == "moved":
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    if model == "seedless" and "seed" in body:
        return web.json_response({"error": {"message": "no seed is taken"}}, status=400)
    if model == "fixed" and body.get("temperature", 1) != 1:
        error = {"message": "Unsupported value: 'temperature' does not support this."}
        return web.json_response({"error": error}, status=400)
    if model == "quota" and len(answered) >= 10:
        return web.json_response(
            {"error": {"message": "quota used up"}}, status=429, headers={"Retry-After": "0"}
        )
    if model == "crowded":
        error = {"error": {"message": "many ask this model"}}
        return web.json_response(error, status=429, headers={"Retry-After": "0"})
    if model == "picky" and digest[0] % 4 == 0:
        return web.json_response({"error": {"message": "context too long"}}, status=400)
    if model == "filter":
        error = {"code": "content_filter", "message": "filtered"}
        return web.json_response({"error": error}, status=400)
    if model == "escape":
        return web.json_response({"error": {"message": "\x1b]0;pwned\x07 " + "x" * 190}}, status=404)
    if model == "html":
        return web.Response(text="<html>welcome</html>", content_type="text/html")
    if model == "no-choices":
        return web.json_response({"object": "chat.completion"})
    if model == "nan":
        return web.Response(text='{"choices": [{"text": NaN}]}', content_type="application/json")
    if model == "broken":
        return web.json_response(
            {"error": {"message": "overloaded"}}, status=503, headers={"Retry-After": "0"}
        )
    if model == "flaky" and seen[digest.hex()] <= 2:
        status = (429, 500)[seen[digest.hex()] - 1]
        return web.json_response({"error": "try again"}, status=status, headers={"Retry-After": "0"})
    if model == "dropping" and seen[digest.hex()] == 1:
        assert request.transport is not None
        request.transport.close()
        return web.Response()
    if model == "slow":
        await asyncio.sleep(0.03)
    if "input" in body:
        answered.append(digest.hex())
        return vectors_for(model, body["input"])
    text = "" if model == "empty" else text_for(body, digest)
    choice = {"index": 0, "finish_reason": "stop"}
    choice |= {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
    answered.append(digest.hex())
    usage = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}
    return web.json_response({"model": model, "choices": [choice], "usage": usage})


async def requests(_: web.Request) -> web.Response:
    return web.json_response(answered)


async def serve(app: web.Application, port: int = 0) -> None:
    """Serve on loopback, print the port, and stop when standard input ends."""
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def main() -> None:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    app.router.add_post("/v1/completions", answer)
    app.router.add_post("/v1/embeddings", answer)
    app.router.add_get("/requests", requests)
    await serve(app)


if __name__ == "__main__":
    asyncio.run(main())
