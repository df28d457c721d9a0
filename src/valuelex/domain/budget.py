"""A budget of dollars and calls that is never exceeded while many calls are in flight.

Owns what is set aside and what was spent. Prices and amounts are those of `valuelex.domain.cost`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from valuelex.domain.call import Call
from valuelex.domain.cost import Price, Usage, label_of, most_tokens, pico_dollars
from valuelex.errors import CallError, DataError


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
    def n_in_flight(self) -> int:
        """Calls for which something is set aside."""
        return len(self._reserved)

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
