"""What a run has spent, and the limits that stop it before the next call."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fabula.errors import BudgetReached, UsageError
from fabula.llm.cache.prices import Price
from fabula.llm.client.chat import Usage

CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Ticket:
    """An open call and its reserved amount."""

    price: Price | None
    tokens: int
    cost: float
    prompt_tokens: int = 0


class Budget:
    """The account of one run, shared by all of its models: calls, tokens, US dollars.

    A call's expected use is reserved when it starts and replaced by its actual use when it ends, so
    that concurrent calls don't overshoot a limit. If an endpoint reports no tokens, they are
    estimated from the texts, and the cost is unknown; if it reports fewer than the estimate, the
    estimate counts. `usage` is what was reported.
    """

    def __init__(
        self,
        *,
        max_calls: int | None = None,
        max_tokens: int | None = None,
        max_cost: float | None = None,
    ) -> None:
        self._limits = {"max_calls": max_calls, "max_tokens": max_tokens, "max_cost": max_cost}
        for name, limit in self._limits.items():
            if limit is not None and limit < 0:
                raise UsageError(
                    f"`{name}` is {limit:g}", code="budget.negative", hint="give 0 or more"
                )
        self.calls = 0
        self.cached = 0
        self.usage = Usage()
        self._booked: dict[str, float] = dict.fromkeys(self._limits, 0)
        self._unpriced = 0
        self._usual_reply = 0.0

    @property
    def cost(self) -> float | None:
        """US dollars spent, or None if the cost of any call is unknown."""
        return None if self._unpriced else self._booked["max_cost"]

    @property
    def needs_sizes(self) -> bool:
        """Whether a limit depends on how long replies are."""
        return self._limits["max_tokens"] is not None or self._limits["max_cost"] is not None

    def begin(
        self,
        prompt_characters: int,
        price: Price | None,
        *,
        model: str,
        reply_tokens: int | None = None,
    ) -> Ticket:
        """Reserve a call's expected use; its reply is assumed to be of average length.

        Raises:
            BudgetReached: The call would exceed a limit.
            UsageError: Money is limited and the model's price is unknown.
        """
        if price is None and self._limits["max_cost"] is not None:
            raise UsageError(
                f"the price of `{model}` is unknown, so `max_cost` can't be enforced",
                code="budget.unknown-price",
                hint="limit `max_tokens` or `max_calls` instead",
            )
        reply = round(self._usual_reply) if reply_tokens is None else reply_tokens
        usage = Usage(prompt_characters // CHARACTERS_A_TOKEN + 1, reply)
        ticket = replace(_ticket(usage, price), prompt_tokens=usage.prompt_tokens or 0)
        for name, amount in _amounts(ticket).items():
            limit = self._limits[name]
            if limit is not None and self._booked[name] + amount > limit:
                raise BudgetReached(
                    f"the limit `{name}` of {limit:g} is reached",
                    code=f"budget.{name.replace('_', '-')}",
                    hint="the same command with a higher limit continues; "
                    "answered requests are not sent twice",
                )
        self._book(ticket, 1)
        return ticket

    def admit(self, price: Price | None) -> Ticket:
        """Count a call of an earlier run; no limit stops it."""
        ticket = Ticket(price, 0, 0.0)
        self._book(ticket, 1)
        return ticket

    def finish(self, ticket: Ticket, usage: Usage, *, reply_characters: int) -> None:
        """Replace the reserved amount by the actual use."""
        self._book(ticket, -1)
        estimated = Usage(ticket.prompt_tokens, reply_characters // CHARACTERS_A_TOKEN)
        # An endpoint that under-reports must not disable the limits.
        used = _at_least(estimated, usage)
        self._book(_ticket(used, ticket.price), 1)
        self.calls += 1
        self.usage += usage
        self._unpriced += ticket.price is None or ticket.price.cost(usage) is None
        self._usual_reply += ((used.completion_tokens or 0) - self._usual_reply) / self.calls

    def abandon(self, ticket: Ticket) -> None:
        """Release the amount reserved for a failed call."""
        self._book(ticket, -1)

    def _book(self, ticket: Ticket, sign: int) -> None:
        for name, amount in _amounts(ticket).items():
            self._booked[name] += sign * amount


def _at_least(least: Usage, usage: Usage) -> Usage:
    return Usage(
        max(least.prompt_tokens or 0, usage.prompt_tokens or 0),
        max(least.completion_tokens or 0, usage.completion_tokens or 0),
    )


def _ticket(usage: Usage, price: Price | None) -> Ticket:
    tokens = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
    return Ticket(price, tokens, (price.cost(usage) if price else None) or 0.0)


def _amounts(ticket: Ticket) -> dict[str, float]:
    return {"max_calls": 1, "max_tokens": ticket.tokens, "max_cost": ticket.cost}
