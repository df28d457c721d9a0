"""Small calls and answers, for tests of what keeps and sends them."""

import json

from valuelex.domain.call import Call, call_key
from valuelex.io.ledger import Answer


def a_call(draw: int = 0, body: str = '{"model":"m"}') -> Call:
    key = call_key(endpoint="http://e/v1", revision="", path="/completions", body=body, draw=draw)
    return Call(key, "elicit", "r1", "p01", draw, "e", "m", "http://e/v1", "", "/completions", body)


def text_answer(call: Call, text: str, **usage: object) -> Answer:
    reply = {"choices": [{"text": text, "finish_reason": "stop"}], **({"usage": usage} if usage else {})}
    return Answer(call, json.dumps(reply), 0.1, 1)
