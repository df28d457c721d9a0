"""What calls cost: prices of tokens, what was spent, what is to come, and a budget that is never exceeded.

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
from valuelex.errors import CallError, DataError

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
    """Read what a reply says it used; None where it tells no numbers of tokens."""
    told = payload.get("usage")
    counts = [
        told.get(name) if isinstance(told, Mapping) else None
        for name in ("prompt_tokens", "completion_tokens")
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
        JSON text of the request, chat or raw completion.
    """
    request = json.loads(body)
    turns = request.get("messages")
    if turns is None:
        return -(-_n_characters(request.get("prompt")) // CHARACTERS_A_TOKEN)
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
    answers it asks for (``n`` or ``best_of``).

    Raises
    ------
    DataError
        If the request sets no limit on the answer.
    """
    request = json.loads(body)
    limits = [request[key] for key in ("max_tokens", "max_completion_tokens") if request.get(key) is not None]
    if not limits:
        msg = "A request without max_tokens can cost any amount; set it."
        raise DataError(msg)
    n_answers = max(request.get("n") or 1, request.get("best_of") or 1)
    return Usage(len(body.encode()), max(limits) * n_answers)


@dataclass(frozen=True, slots=True)
class EstimateLine:
    """What the calls of one model and stage will use. Costs are None where the price is unknown.

    `most_cost` is what they can cost at the most if none is tried twice. `from_replies` tells that the expected tokens
    are the mean of replies received; else they are estimated from the prompt and the limit that the request sets.
    """

    model: str
    stage: str
    n_calls: int
    expected: Usage
    expected_cost: int | None
    most_cost: int | None
    from_replies: bool


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
                from_replies=n_told > 0,
            )
        )
    dates = [prices[line.model].date for line in lines if line.model in prices]
    return CostEstimate(tuple(lines), min(filter(None, dates), default=""))


def check_prices(models: Iterable[str], prices: Mapping[str, Price]) -> None:
    """Refuse a limit on cost that cannot hold.

    Raises
    ------
    CallError
        If the price of a model is unknown, naming the models and how to give a price.
    """
    unknown = sorted({m for m in models if m not in prices})
    if unknown:
        msg = (
            f"--max-cost cannot hold: no price is known for {', '.join(unknown)}. Give one in the study, for instance "
            f'[prices."{unknown[0]}"] with input and output in US dollars per million tokens, or by --prices FILE.'
        )
        raise CallError(msg)


class Budget:
    """Limits on dollars and calls that hold while many calls are in flight.

    Before a call is sent, the most that it can cost is set aside; its reply replaces that by what it did cost. So
    spent and set aside together never exceed the limit, as long as endpoints keep to ``max_tokens``.
    """

    def __init__(
        self, prices: Mapping[str, Price], *, most_cost: int | None = None, most_calls: int | None = None
    ) -> None:
        """Open a budget.

        Parameters
        ----------
        prices
            Price by label of model.
        most_cost
            Limit in pico-dollars, as `pico_dollars` makes them; None for none.
        most_calls
            Limit on calls that are sent; None for none.
        """
        self._prices = prices
        self._most_cost = most_cost
        self._most_calls = most_calls
        self._reserved: dict[str, int] = {}
        self._n_settled = 0
        self._total = 0
        self.spent = 0

    @property
    def reserved(self) -> int:
        """Pico-dollars set aside for calls in flight."""
        return self._total

    @property
    def n_calls(self) -> int:
        """Calls that were settled or are in flight."""
        return self._n_settled + len(self._reserved)

    def check(self, models: Iterable[str]) -> None:
        """Make sure that the limit can hold for these models.

        Raises
        ------
        CallError
            If there is a limit on cost and the price of one is unknown.
        """
        if self._most_cost is not None:
            check_prices(models, self._prices)

    def may_send(self, call: Call) -> bool:
        """Tell whether a call fits, and if so set its cost aside. A call already in flight fits.

        Raises
        ------
        CallError
            If there is a limit on cost and the price of its model is unknown.
        DataError
            If there is a limit on cost and the request sets no limit on its answer.
        """
        if call.key in self._reserved:
            return True
        if self._most_calls is not None and self.n_calls >= self._most_calls:
            return False
        cost = 0
        if self._most_cost is not None:
            cost = self._most_of(call)
            if self.spent + self.reserved + cost > self._most_cost:
                return False
        self._reserved[call.key] = cost
        self._total += cost
        return True

    def settle(self, call: Call, usage: Usage | None) -> None:
        """Replace what was set aside by what a call did cost; without usage, by the most it can have cost.

        A call that failed after it may have been computed, such as by a time-out, is settled without usage.

        Raises
        ------
        DataError
            If nothing was set aside for it.
        """
        reserved = self._take(call)
        if usage is not None and self._most_cost is not None:
            reserved = self._prices[label_of(call)].of(usage.prompt_tokens, usage.completion_tokens)
        self.spent += reserved
        self._n_settled += 1

    def release(self, call: Call) -> None:
        """Give back what was set aside for a call that was refused, or never reached its endpoint.

        Raises
        ------
        DataError
            If nothing was set aside for it.
        """
        self._take(call)

    def _take(self, call: Call) -> int:
        try:
            reserved = self._reserved.pop(call.key)
        except KeyError:
            msg = f"Nothing is set aside for call {call.key!r}; ask may_send first, and settle once."
            raise DataError(msg) from None
        self._total -= reserved
        return reserved

    def _most_of(self, call: Call) -> int:
        label = label_of(call)
        check_prices([label], self._prices)
        most = most_tokens(call.body)
        return self._prices[label].of(most.prompt_tokens, most.completion_tokens)


def open_budget(
    prices: Mapping[str, Price], *, max_calls: int | None = None, max_usd: float | None = None
) -> Budget | None:
    """Open a budget with the limits that a user gave; None where there is none."""
    if max_calls is None and max_usd is None:
        return None
    return Budget(prices, most_cost=None if max_usd is None else pico_dollars(max_usd), most_calls=max_calls)
