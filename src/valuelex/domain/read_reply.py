"""The text that an endpoint's answer holds, or why it holds none.

Owns what is no answer in an answer: the thinking of a reasoning model, the prompt that is repeated, the error of a
content filter. Knows the forms of OpenAI-compatible bodies, and nothing of what a text should say; see
`valuelex.stages`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from valuelex.domain.call import Missing, Reply, Token
from valuelex.errors import DataError

ROUNDING = 1e-3
"""How far above 0 the logarithm of a probability may lie: what 16-bit arithmetic leaves of 1."""
_THINKS = re.compile(r"\s*<(?:think|thinking|reasoning)>", re.IGNORECASE)
_THOUGHT = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
_MARK = re.compile(r"<(/?)(think|thinking|reasoning)>", re.IGNORECASE)
_THOUGHT_ALONE = re.compile(
    r"^[ \t]*</(?:think|thinking|reasoning)>[ \t]*\r?$|(?<=[.!?…])</(?:think|thinking|reasoning)>",
    re.IGNORECASE | re.MULTILINE,
)
_BEGINNING = re.compile(r"\s*(?:<s>|<\|begin_of_text\|>|<\|endoftext\|>|<bos>|<\|startoftext\|>)\s*")


def read_reply(key: str, payload: Mapping[str, Any], prompt: str = "") -> Reply:
    """Read the text out of an OpenAI-compatible answer, chat or raw completion.

    The text is the answer alone: without the thinking that a reasoning model writes before or in it, and without the
    prompt where an endpoint repeats it. Thinking that the token limit ended leaves no answer (EMPTY).

    Parameters
    ----------
    key
        Key of the call that was answered.
    payload
        The decoded JSON body.
    prompt
        The call's own prompt, for raw completion.

    Returns
    -------
    Reply
        With `missing` FILTERED, REFUSED or EMPTY where the answer itself says so.

    Raises
    ------
    DataError
        If the body has no ``choices[0]`` with a message or a text.
    """
    if is_filtered(payload):
        return Reply(key, "", Missing.FILTERED)
    choices = payload.get("choices") if isinstance(payload, Mapping) else None
    if not isinstance(choices, Sequence) or not choices or not isinstance(choices[0], Mapping):
        msg = f"The answer has no 'choices': {_beginning(payload)}"
        raise DataError(msg)
    choice = choices[0]
    message = choice.get("message")
    refusal, thinking = None, ""
    if isinstance(message, Mapping):
        text, refusal = _storable(message.get("content")), message.get("refusal")
        thinking = _thinking_apart(message)
    elif "text" in choice:
        text = without_echo(_storable(choice["text"]), prompt)
    else:
        msg = f"The answer has neither a message nor a text: {_beginning(choice)}"
        raise DataError(msg)
    thoughts = _thoughts(text)
    spans = _answered(thoughts, len(text))
    answer = "".join(text[start:end] for start, end in spans)
    finish = choice.get("finish_reason")
    missing: Missing | None = None
    if finish == "content_filter":
        missing = Missing.FILTERED
    elif refusal:
        missing = Missing.REFUSED
    elif not answer.strip():
        missing = Missing.EMPTY
    return Reply(
        call_key=key,
        text=answer,
        missing=missing,
        finish_reason=finish if isinstance(finish, str) else None,
        tokens=_tokens(choice.get("logprobs"), text, spans),
        thinking=thinking or "\n".join(t.inner.strip() for t in thoughts),
    )


def _beginning(value: Any) -> str:
    """Show how a value begins that came as JSON; unlike `canonical_json` it takes NaN, which JSON's readers let in."""
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))[:160]
    except RecursionError:
        return "nested too deeply"


def _storable(content: Any) -> str:
    """Return the text of a content: a string, or the text parts of a list; half surrogates are replaced."""
    if isinstance(content, list):
        content = "".join(_parts(content, "text"))
    return content.encode("utf-8", "replace").decode() if isinstance(content, str) else ""


def _parts(content: Any, kind: str) -> list[str]:
    """Return the texts of one kind in a content that is a list of parts, such as {type: text, text: ...}."""
    listed = content if isinstance(content, list) else []
    of_kind = [part.get(kind) for part in listed if isinstance(part, Mapping) and part.get("type") == kind]
    return [text for text in of_kind if isinstance(text, str)]


def _thinking_apart(message: Mapping[str, Any]) -> str:
    """Return the thinking that an endpoint tells beside the answer: by either name in use, or as parts."""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str) and message[name]:
            return _storable(message[name])
    return _storable("\n".join(_parts(message.get("content"), "thinking")))


class _Thought(NamedTuple):
    """Thinking within a text: where it begins and ends with its marks, and what stands between them."""

    start: int
    end: int
    inner: str


def _thoughts(text: str) -> list[_Thought]:
    """Find thinking in a text, in order; at its beginning with the space around it.

    Every complete pair of marks such as ``<think>`` and ``</think>`` holds thinking, wherever it stands. An opening
    mark at the beginning that is never closed makes all behind it thinking; further on it is text. A closing mark
    without an opening one, as where a chat template writes that into the prompt, ends thinking only if it stands on
    a line of its own or directly behind the end of a sentence; else the answer just speaks of such a mark.
    """
    found: list[_Thought] = []
    begin = 0  # All text before is thinking, as long as the answer has not begun.
    headless = _THOUGHT_ALONE.search(text)
    if headless and not any(not mark[1] for mark in _MARK.finditer(text, 0, headless.start())):
        begin = _behind_space(text, headless.end())
        found.append(_Thought(0, begin, text[: headless.start()]))
    while opened := _THINKS.match(text, begin):
        closed = _THOUGHT.search(text, opened.end())
        inner = text[opened.end() : closed.start() if closed else None]
        end = _behind_space(text, closed.end()) if closed else len(text)
        found.append(_Thought(begin, end, inner))
        begin = end
    return found + _pairs(text, begin)


def _pairs(text: str, begin: int) -> list[_Thought]:
    """Find complete pairs of marks from a place on: an opening one, and the next closing one of its name."""
    found: list[_Thought] = []
    opened: dict[str, re.Match[str]] = {}
    for mark in _MARK.finditer(text, begin):
        name = mark[2].lower()
        if not mark[1]:
            opened.setdefault(name, mark)
        elif name in opened:
            first = opened[name]
            while found and found[-1].start >= first.start():  # What stands within it is part of it.
                found.pop()
            found.append(_Thought(first.start(), mark.end(), text[first.end() : mark.start()]))
            opened = {other: m for other, m in opened.items() if m.start() < first.start()}
    return found


def _behind_space(text: str, place: int) -> int:
    return len(text) - len(text[place:].lstrip())


def _answered(thoughts: Sequence[_Thought], length: int) -> list[tuple[int, int]]:
    """Return what is no thinking in a text of a length: beginnings and ends."""
    return list(zip([0, *(t.end for t in thoughts)], [*(t.start for t in thoughts), length], strict=True))


def without_echo(text: str, prompt: str) -> str:
    """Take the prompt off a text that begins with it, as endpoints give it that return prompt and continuation.

    The prompt counts as repeated where every character of it stands at the beginning, in order, whatever became of
    space and line breaks, and whether or not a mark such as ``<s>`` stands before it. Anything else is returned as
    it is: part of a prompt is no echo.
    """
    prompt = prompt[_begins(prompt) :]
    if not prompt.strip():
        return text
    for start in (0, _begins(text)):
        if text.startswith(prompt, start):
            return text[start + len(prompt) :]
    place = _begins(text)
    for wanted in "".join(prompt.split()):
        while place < len(text) and text[place].isspace():
            place += 1
        if not text.startswith(wanted, place):
            return text
        place += 1
    return text[place:]


def _begins(text: str) -> int:
    """Return where a text begins behind the mark of its beginning, if it has one."""
    mark = _BEGINNING.match(text)
    return mark.end() if mark else 0


def _tokens(logprobs: Any, text: str, spans: Sequence[tuple[int, int]]) -> tuple[Token, ...]:
    """Read token probabilities in the form of chat or of raw completion; what does not fit the text is left.

    Only tokens of the answer are kept, the spans of the text that are no thinking; one that reaches into them is cut.
    """
    first = next((start for start, end in spans if start < end), None)
    if not isinstance(logprobs, Mapping) or first is None:
        return ()
    try:
        if logprobs.get("content"):
            listed = [
                (e["token"], [(a["token"], a["logprob"]) for a in e.get("top_logprobs") or [e]])
                for e in logprobs["content"]
            ]
        elif logprobs.get("tokens"):
            tops = logprobs.get("top_logprobs") or [
                {} if p is None else {t: p}
                for t, p in zip(logprobs["tokens"], logprobs["token_logprobs"], strict=True)
            ]
            listed = [(t, list((top or {}).items())) for t, top in zip(logprobs["tokens"], tops, strict=True)]
        else:
            return ()
        found = [
            Token(token, tuple((str(t), _log_probability(p)) for t, p in others)) for token, others in listed
        ]
        joined = "".join(token.text for token in found)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return ()
    if joined and len(joined) < len(text) and text.endswith(joined):
        # A beginning that was given stands in the text alone: nobody held anything probable there.
        found.insert(0, Token(text[: len(text) - len(joined)], ()))
        joined = text
    if not joined.endswith(text[first:]):
        return ()
    before = len(joined) - len(text)  # What an endpoint tells apart from the text stands before it.
    return _within(found, [(before + start, before + end) for start, end in spans if start < end])


def _log_probability(value: Any) -> float:
    """Return the logarithm of a probability, which rounding may leave just above 0.

    Raises
    ------
    ValueError, OverflowError
        If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= ROUNDING:
        msg = "A probability is at the most 1."
        raise ValueError(msg)
    return float(value)


def _within(tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> tuple[Token, ...]:
    """Return what of tokens stands in spans of the text that they make."""
    kept, begin = [], 0
    for token in tokens:
        rest = "".join(token.text[max(s - begin, 0) : max(e - begin, 0)] for s, e in spans)
        begin += len(token.text)
        if rest:
            kept.append(token if rest == token.text else Token(rest, token.alternatives))
    return tuple(kept)


def is_filtered(payload: Any) -> bool:
    """Tell an error body by which a provider's content filter refused the prompt."""
    error = payload.get("error") if isinstance(payload, Mapping) else None
    return isinstance(error, Mapping) and error.get("code") == "content_filter"
