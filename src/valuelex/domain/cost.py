"""What calls cost: prices of tokens, what was spent, and what is to come.

Owns the arithmetic. Amounts are whole pico-dollars (1e-12 US dollars): a price in dollars per million tokens with up to
six decimals is a whole number of them per token, so sums are exact and their order does not matter.
Knows no price by itself; `valuelex.io.prices` reads them. A price that nobody knows is unknown, never 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

from valuelex.domain.call import Call
from valuelex.errors import DataError

DOLLAR = 10**12
"""Pico-dollars in a US dollar."""
CHARACTERS_A_TOKEN = 4
"""Characters of English a token; benchmarks/token_estimate.py measures how far this is off for our own prompts."""
TOKENS_A_TURN = 4
"""Tokens that a chat template puts around a turn, about."""

Slot = tuple[str, str]
"""Label of a model (provider/name) and stage of its calls."""


def pico_dollars(usd: float | Decimal | str) -> int:
    """Return an amount in US dollars as whole pico-dollars.

    Raises
    ------
    DataError
        If it is negative, not finite, or has more than twelve decimals.
    """
    try:
        amount = Decimal(str(usd)) * DOLLAR
        if amount.is_finite() and amount >= 0 and amount == int(amount):
            return int(amount)
    except InvalidOperation:
        pass
    msg = f"An amount in US dollars is a number from 0 with up to twelve decimals, not {usd!r}."
    raise DataError(msg)


def show_usd(amount: int) -> str:
    """Write pico-dollars for people: to the cent, or to four decimals below a dollar."""
    dollars = Decimal(amount) / DOLLAR
    return f"${dollars:,.2f}" if amount == 0 or dollars >= 1 else f"${dollars:.4f}"


@dataclass(frozen=True, slots=True)
class Price:
    """Price of a token that is read and of one that is written, in pico-dollars.

    `source` says where the price is from and `date` from which day it is.
    """

    prompt: int
    completion: int
    source: str = ""
    date: str = ""

    def of(self, prompt_tokens: int, completion_tokens: int) -> int:
        """Cost of so many tokens, in pico-dollars."""
        return self.prompt * prompt_tokens + self.completion * completion_tokens


def price_per_million(prompt_usd: float, completion_usd: float, source: str = "", date: str = "") -> Price:
    """Make a price from US dollars per million tokens, as providers state it.

    Raises
    ------
    DataError
        If one is negative or has more than six decimals.
    """
    amounts = []
    for usd in (prompt_usd, completion_usd):
        whole, rest = divmod(pico_dollars(usd), 10**6)
        if rest:
            msg = f"A price per million tokens has up to six decimals, not {usd!r}."
            raise DataError(msg)
        amounts.append(whole)
    prompt, completion = amounts
    return Price(prompt, completion, source, date)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that an endpoint says it read and wrote for one reply."""

    prompt_tokens: int
    completion_tokens: int


def usage_of(payload: Mapping[str, Any]) -> Usage | None:
    """Read what a reply says it used; None where it tells no numbers of tokens. Vectors take no token to write."""
    told = payload.get("usage")
    written = 0 if isinstance(payload.get("data"), list) else None
    counts = [
        told.get(name, unsaid) if isinstance(told, Mapping) else None
        for name, unsaid in (("prompt_tokens", None), ("completion_tokens", written))
    ]
    prompt, completion = (
        n if isinstance(n, int) and not isinstance(n, bool) and n >= 0 else None for n in counts
    )
    return None if prompt is None or completion is None else Usage(prompt, completion)


@dataclass(frozen=True, slots=True)
class Tally:
    """Replies of one model and stage, summed. Tokens are those of replies that told their usage.

    `n_untold` of the `n_replies` told none; what they cost is not in the tokens.
    """

    n_replies: int = 0
    n_untold: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.n_replies + other.n_replies,
            self.n_untold + other.n_untold,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class SpendLine:
    """What one model has cost. `cost` is in pico-dollars, None where its price is unknown."""

    model: str
    tally: Tally
    cost: int | None


@dataclass(frozen=True, slots=True)
class Spend:
    """What a ledger's replies have cost, by model in the order of names."""

    lines: tuple[SpendLine, ...]

    @property
    def cost(self) -> int:
        """Pico-dollars of all models with a known price, for the replies that told their usage."""
        return sum(line.cost for line in self.lines if line.cost is not None)

    @property
    def n_untold(self) -> int:
        """Replies that told no usage, of models that cost something or have no known price."""
        return sum(line.tally.n_untold for line in self.lines if line.cost != 0)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Models without a known price."""
        return tuple(line.model for line in self.lines if line.cost is None)


def spend(tallies: Mapping[Slot, Tally], prices: Mapping[str, Price]) -> Spend:
    """Price what a ledger's replies used.

    Parameters
    ----------
    tallies
        Sums of usage by model and stage.
    prices
        Price by label of model; models that are not in it have none known.
    """
    of_model: dict[str, Tally] = {}
    for (model, _), tally in tallies.items():
        of_model[model] = of_model.get(model, Tally()) + tally
    lines = []
    for model in sorted(of_model):
        price, tally = prices.get(model), of_model[model]
        cost = None if price is None else price.of(tally.prompt_tokens, tally.completion_tokens)
        lines.append(SpendLine(model, tally, cost))
    return Spend(tuple(lines))


def label_of(call: Call) -> str:
    """Label of the model that a call goes to: provider/name."""
    return f"{call.provider}/{call.model}"


def expected_prompt_tokens(body: str) -> int:
    """Estimate the tokens of a request's prompt: characters over 4, and 4 for each turn of a chat.

    Parameters
    ----------
    body
        JSON text of the request: chat, raw completion, or a text to embed.
    """
    request = json.loads(body)
    turns = request.get("messages")
    if turns is None:
        return -(-_n_characters(request.get("input", request.get("prompt"))) // CHARACTERS_A_TOKEN)
    return sum(-(-_n_characters(turn.get("content")) // CHARACTERS_A_TOKEN) + TOKENS_A_TURN for turn in turns)


def _n_characters(content: Any) -> int:
    """Count the characters of a prompt: a text, or a list of texts or of parts with a text."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Mapping):
        return _n_characters(content.get("text"))
    return sum(map(_n_characters, content)) if isinstance(content, Sequence) else 0


def most_tokens(body: str) -> Usage:
    """Return the most tokens that a request can be charged for.

    A token stands for at least one byte, so a prompt has no more tokens than its request has bytes; what JSON and the
    settings take up leaves room for a chat template. An answer has no more than the request allows, times the
    answers it asks for (``n`` or ``best_of``); vectors, which a request with ``input`` asks for, are not written in
    tokens.

    Raises
    ------
    DataError
        If the request sets no limit on the answer.
    """
    request = json.loads(body)
    if "input" in request:
        return Usage(len(body.encode()), 0)
    limits = [request[key] for key in ("max_tokens", "max_completion_tokens") if request.get(key) is not None]
    if not limits:
        msg = "A request without max_tokens can cost any amount; set it."
        raise DataError(msg)
    n_answers = max(request.get("n") or 1, request.get("best_of") or 1)
    return Usage(len(body.encode()), max(limits) * n_answers)


@dataclass(frozen=True, slots=True)
class EstimateLine:
    """What the calls of one model and stage will use. Costs are None where the price is unknown.

    `most_cost` is what they can cost at the most if none is tried twice. The
    expected tokens are the mean of replies received; without any they are estimated from the prompt and its limit.
    """

    model: str
    stage: str
    n_calls: int
    expected: Usage
    expected_cost: int | None
    most_cost: int | None


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What calls will cost, by model and stage."""

    lines: tuple[EstimateLine, ...]
    as_of: str = ""
    """The oldest date of the prices that it goes by; empty where none has one."""

    @property
    def expected(self) -> int:
        """Pico-dollars to expect, over models with a known price."""
        return sum(line.expected_cost for line in self.lines if line.expected_cost is not None)

    @property
    def most(self) -> int:
        """Pico-dollars at the most, over models with a known price."""
        return sum(line.most_cost for line in self.lines if line.most_cost is not None)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Models without a known price."""
        return tuple(dict.fromkeys(line.model for line in self.lines if line.most_cost is None))


def estimate(
    calls: Iterable[Call],
    prices: Mapping[str, Price],
    seen: Mapping[Slot, Tally] | None = None,
    like: Iterable[tuple[Call, int]] = (),
) -> CostEstimate:
    """Estimate what calls will cost, before any is sent.

    Parameters
    ----------
    calls
        The calls that would be sent; read once, none is kept.
    prices
        Price by label of model.
    seen
        Usage of replies so far by model and stage, from which that of further ones is expected.
    like
        Calls that stand for others, and for how many: of those that depend on answers to come.
    """
    sums: dict[Slot, list[int]] = {}
    for call, times in chain(((call, 1) for call in calls), like):
        most = most_tokens(call.body)
        total = sums.setdefault((label_of(call), call.stage), [0, 0, 0, 0])
        added = (1, expected_prompt_tokens(call.body), most.prompt_tokens, most.completion_tokens)
        total[:] = [a + times * b for a, b in zip(total, added, strict=True)]
    lines = []
    for (model, stage), (n, prompt, most_prompt, most_completion) in sorted(sums.items()):
        tally = (seen or {}).get((model, stage), Tally())
        n_told = tally.n_replies - tally.n_untold
        completion = -(-n * tally.completion_tokens // n_told) if n_told else most_completion
        prompt = -(-n * tally.prompt_tokens // n_told) if n_told else prompt
        price = prices.get(model)
        lines.append(
            EstimateLine(
                model,
                stage,
                n,
                Usage(prompt, completion),
                None if price is None else price.of(prompt, completion),
                None if price is None else price.of(most_prompt, most_completion),
            )
        )
    dates = [prices[line.model].date for line in lines if line.model in prices]
    return CostEstimate(tuple(lines), min(filter(None, dates), default=""))
