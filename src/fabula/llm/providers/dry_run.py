"""Rehearsals: the requests to models, without sending them.

A `StandIn` has a model's name, identity and form, so it gets the model's real prompts. It records
each request and invents the reply, like the `fake` model.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from fabula.llm.cache.budget import CHARACTERS_A_TOKEN
from fabula.llm.cache.prices import Price, price_of
from fabula.llm.client.chat import AbstractProxy, ChatModel, ChatReply, ChatRequest, Usage
from fabula.options import known_arguments


@dataclass(frozen=True, slots=True)
class RehearsedCall:
    """One call that would be made.

    Args:
        model: The model's name.
        request: The request.
        usage: The tokens of the call, estimated from the texts' lengths.
    """

    model: str
    request: ChatRequest
    usage: Usage


@known_arguments
class Rehearsal:
    """Collects the calls that would be made.

    Args:
        on_call: Gets each call, which is then not kept; without it, all are kept in `calls`.

    Attributes:
        calls: The calls, in order.
        counts: Calls by model.
        usage: Estimated tokens by model.
        prices: The price of each model; None if unknown.
    """

    def __init__(self, on_call: Callable[[RehearsedCall], None] | None = None) -> None:
        self.calls: list[RehearsedCall] = []
        self.counts: dict[str, int] = {}
        self.usage: dict[str, Usage] = {}
        self.prices: dict[str, Price | None] = {}
        self._on_call = on_call or self.calls.append

    def __repr__(self) -> str:
        calls = ", ".join(f"{count:,} to {model}" for model, count in self.counts.items())
        total = sum(self.usage.values(), Usage())
        tokens = (total.prompt_tokens or 0) + (total.completion_tokens or 0)
        price = "price unknown" if self.cost is None else f"about {self.cost:.2f} USD"
        return f"Rehearsal(calls: {calls or 'none'}; about {tokens:,} tokens; {price})"

    @property
    def cost(self) -> float | None:
        """US dollars for all calls; None if a model's price is unknown."""
        total = 0.0
        for model, usage in self.usage.items():
            price = self.prices[model]
            cost = price.cost(usage) if price else None
            if cost is None:
                return None
            total += cost
        return total

    def note(self, model: ChatModel, request: ChatRequest, reply: str) -> Usage:
        """Record a call and its invented reply; returns their tokens."""
        name = model.name
        sent = sum(len(message.content) for message in request.messages)
        sent += len(json.dumps(request.schema)) if request.schema else 0
        usage = Usage(sent // CHARACTERS_A_TOKEN + 1, len(reply) // CHARACTERS_A_TOKEN + 1)
        self.counts[name] = self.counts.get(name, 0) + 1
        self.usage[name] = self.usage.get(name, Usage()) + usage
        self.prices[name] = price_of(name, model.identity)
        self._on_call(RehearsedCall(name, request, usage))
        return usage


class StandIn(AbstractProxy):
    """Stands in for a model: records requests and calls nothing."""

    def __init__(self, model: ChatModel, rehearsal: Rehearsal) -> None:
        super().__init__(model)
        self.rehearsal = rehearsal

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Record a request and invent a reply.

        Raises:
            PrerequisiteError: The model itself would refuse.
        """
        from fabula.llm.providers.local.engine import check_able
        from fabula.testing.fake.model import FakeModel

        check_able(self, request)
        reply = await FakeModel().complete(request)
        self.rehearsal.note(self, request, reply.text)
        return reply
